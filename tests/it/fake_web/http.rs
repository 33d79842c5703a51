//! Conversations with clients, and faults in them.

use std::io::{Error, ErrorKind, Result};
use std::time::Instant;

use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::body::done;
use super::{Answer, Call, Entry, Fake, Fault, Site};
use crate::fake_http::{self, Request, Response, client_gone};

/// A request that is in the ledger.
struct Arrival {
    number: usize,
    request: Request,
    fault: Option<Fault>,
    gate: Option<Answer>,
}

impl<S: Site> Fake<S> {
    pub(super) async fn converse(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        loop {
            let request = match fake_http::read(&mut read).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) => {
                    if error.kind() == ErrorKind::InvalidData {
                        self.change(|state| state.violations.push(format!("HTTP: {error}")));
                    }
                    return Err(error);
                }
            };
            let arrival = self.arrived(request);
            let number = arrival.number;
            let served = tokio::select! {
                // A client that has the whole answer may go.
                biased;
                served = self.serve(arrival, &mut write) => served,
                () = client_gone(&mut read) => Err(ErrorKind::BrokenPipe.into()),
            };
            if let Err(error) = served {
                let cut = error.kind() == ErrorKind::ConnectionAborted;
                self.change(|state| state.ledger[number].gone = !cut);
                return Err(error);
            }
        }
    }

    /// Answers a request; an error ends the conversation.
    async fn serve(&self, arrival: Arrival, write: &mut OwnedWriteHalf) -> Result<()> {
        let Arrival { number, request, fault, gate } = arrival;
        let page = |status| Response::html(status, title(status));
        let answer = match fault {
            None => {
                let unready = self.site(|site| site.unready(&request));
                tokio::time::sleep(unready).await;
                self.perform(number, &request, gate)
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Cut) => return cut(),
            Some(Fault::Answer(response)) => response.into(),
            Some(Fault::ServerError) => page(500).into(),
            Some(Fault::Page(status)) => page(status).into(),
            Some(Fault::Redirect(to)) => page(302).with("Location", to).into(),
            Some(Fault::RedirectAs(status, to)) => page(status).with("Location", to).into(),
            Some(Fault::Nothing) => self.site(|site| site.nothing(&request)).into(),
            Some(Fault::TooMany { retry_after }) => self.change(|state| {
                let response = state.site.too_many();
                let now = state.now();
                match retry_after {
                    Some(secs) => state.site.retry_after(response, secs, now).into(),
                    None => response.into(),
                }
            }),
            Some(Fault::Delay(time)) => {
                let own = self.clone();
                // A client that no longer waits does not undo what it asked for.
                let late = tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    own.perform(number, &request, gate)
                });
                late.await.expect("the request ends well")
            }
            Some(fault) => {
                let answer = self.perform(number, &request, gate);
                let status = answer.response.status;
                let Some(answer) = done(fault, answer, write).await? else {
                    // It is written already.
                    self.change(|state| state.ledger[number].answered = Some(status));
                    return Ok(());
                };
                answer
            }
        };
        self.change(|state| state.ledger[number].answered = Some(answer.response.status));
        answer.write(write).await
    }

    fn arrived(&self, request: Request) -> Arrival {
        self.change(|state| {
            let (at, now) = (Instant::now(), state.now());
            let gate = state.site.gate(&Call { request: &request, at, now });
            let mut entry = Entry::new(&request, at, now);
            state.site.conceal(&mut entry.headers);
            let fault = state.rules.take(&entry.place());
            for violation in gate.iter().flat_map(|answer| &answer.violations) {
                state.violations.push(format!("{}: {violation}", entry.place()));
            }
            state.ledger.push(entry);
            Arrival { number: state.ledger.len() - 1, request, fault, gate }
        })
    }

    fn perform(&self, number: usize, request: &Request, gate: Option<Answer>) -> Answer {
        self.change(|state| {
            if let Some(answer) = gate {
                state.ledger[number].status = Some(answer.response.status);
                return answer;
            }
            let (at, now) = (state.ledger[number].at, state.now());
            let mut answer = state.site.answer(&Call { request, at, now });
            let entry = &mut state.ledger[number];
            entry.status = Some(answer.response.status);
            let place = entry.place();
            let violations = std::mem::take(&mut answer.violations).into_iter();
            state.violations.extend(violations.map(|violation| format!("{place}: {violation}")));
            answer
        })
    }
}

/// Ends the conversation by the server's own doing.
pub(super) fn cut<T>() -> Result<T> {
    Err(Error::new(ErrorKind::ConnectionAborted, "cut on purpose"))
}

impl Response {
    /// The same with this header instead of any of its name.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.push((name, value.into()));
        self
    }
}

pub(super) fn title(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        403 => "Forbidden",
        404 => "Not Found",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "Internal Server Error",
    }
}
