//! Conversations with clients, and faults in them.

use std::io::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use super::{Answer, Call, Entry, Fake, Fault, Site};
use crate::fake_http::{self, Request, Response, client_gone};

/// How much a huge body has over its own.
pub(super) const HUGE_BYTES: usize = 50 * 1024 * 1024;
/// How much of a huge body is written at once.
const PIECE_BYTES: usize = 64 * 1024;

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
            tokio::select! {
                served = self.serve(request, &mut write) => served?,
                () = client_gone(&mut read) => return Ok(()),
            }
        }
    }

    /// Answers a request; an error ends the conversation.
    async fn serve(&self, request: Request, write: &mut OwnedWriteHalf) -> Result<()> {
        let (number, fault, gate) = self.arrived(&request);
        let cut = || Err(Error::new(ErrorKind::ConnectionAborted, "cut on purpose"));
        let page = |status| Response::html(status, title(status));
        let response = match fault {
            None => self.perform(number, &request, gate),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Cut) => return cut(),
            Some(Fault::ServerError) => page(500),
            Some(Fault::Page(status)) => page(status),
            Some(Fault::Redirect(to)) => page(302).with("Location", to),
            Some(Fault::RedirectAs(status, to)) => page(status).with("Location", to),
            Some(Fault::Nothing) => self.site(|site| site.nothing(&request)),
            Some(Fault::TooMany { retry_after }) => self.change(|state| {
                let response = state.site.too_many();
                let now = state.now();
                match retry_after {
                    Some(secs) => state.site.retry_after(response, secs, now),
                    None => response,
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
                let response = self.perform(number, &request, gate);
                let status = response.status;
                let Some(response) = done(fault, response, write).await? else {
                    // It is written already.
                    self.change(|state| state.ledger[number].answered = Some(status));
                    return Ok(());
                };
                response
            }
        };
        self.change(|state| state.ledger[number].answered = Some(response.status));
        response.write(write, false).await
    }

    fn arrived(&self, request: &Request) -> (usize, Option<Fault>, Option<Answer>) {
        self.change(|state| {
            let (at, now) = (Instant::now(), state.now());
            let gate = state.site.gate(&Call { request, at, now });
            let entry = Entry::new(request, at, now);
            let fault = state.rules.take(&entry.place());
            for violation in gate.iter().flat_map(|answer| &answer.violations) {
                state.violations.push(format!("{}: {violation}", entry.place()));
            }
            state.ledger.push(entry);
            (state.ledger.len() - 1, fault, gate)
        })
    }

    fn perform(&self, number: usize, request: &Request, gate: Option<Answer>) -> Response {
        self.change(|state| {
            if let Some(Answer { response, .. }) = gate {
                state.ledger[number].status = Some(response.status);
                return response;
            }
            let (at, now) = (state.ledger[number].at, state.now());
            let Answer { response, violations } = state.site.answer(&Call { request, at, now });
            let entry = &mut state.ledger[number];
            entry.status = Some(response.status);
            let place = entry.place();
            state.violations.extend(violations.into_iter().map(|violation| format!("{place}: {violation}")));
            response
        })
    }
}

impl Response {
    /// The same with this header instead of any of its name.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.push((name, value.into()));
        self
    }
}

/// What becomes of the answer to a request that was done; `None` when it is written already.
async fn done(fault: Fault, mut response: Response, write: &mut OwnedWriteHalf) -> Result<Option<Response>> {
    let cut = || Err(Error::new(ErrorKind::ConnectionAborted, "cut on purpose"));
    match fault {
        Fault::EmptyBody => response.body.clear(),
        Fault::WrongType => response = response.with("Content-Type", "text/html; charset=utf-8"),
        Fault::BadJson => response.body.truncate(response.body.len() / 2),
        Fault::DoneThenPage(status) => response = Response::html(status, title(status)),
        Fault::DoneThenHang => std::future::pending().await,
        Fault::DoneThenCut => return cut(),
        Fault::Truncated => {
            response.write(write, true).await?;
            return cut();
        }
        Fault::HalfThenHang => {
            response.write(write, true).await?;
            std::future::pending::<()>().await;
        }
        Fault::Drip { bytes, every } => {
            drip(&response, bytes, every, write).await?;
            return Ok(None);
        }
        Fault::Huge { declared } => {
            huge(&response, declared, write).await?;
            return Ok(None);
        }
        Fault::Nothing
        | Fault::TooMany { .. }
        | Fault::ServerError
        | Fault::Page(_)
        | Fault::Delay(_)
        | Fault::Hang
        | Fault::Cut
        | Fault::Redirect(_)
        | Fault::RedirectAs(..) => unreachable!("what these ask for is not done here"),
    }
    Ok(Some(response))
}

async fn drip(response: &Response, bytes: usize, every: Duration, write: &mut OwnedWriteHalf) -> Result<()> {
    write.write_all(&response.head(Some(response.body.len()))).await?;
    for piece in response.body.chunks(bytes.max(1)) {
        write.flush().await?;
        tokio::time::sleep(every).await;
        write.write_all(piece).await?;
    }
    write.flush().await
}

async fn huge(response: &Response, declared: bool, write: &mut OwnedWriteHalf) -> Result<()> {
    let blanks = vec![b' '; PIECE_BYTES];
    let pieces = std::iter::once(response.body.as_slice())
        .chain(std::iter::repeat_n(blanks.as_slice(), HUGE_BYTES / PIECE_BYTES));
    write.write_all(&response.head(declared.then_some(response.body.len() + HUGE_BYTES))).await?;
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        if declared {
            write.write_all(piece).await?;
        } else {
            write.write_all(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await?;
        }
    }
    if !declared {
        write.write_all(b"0\r\n\r\n").await?;
    }
    write.flush().await
}

fn title(status: u16) -> &'static str {
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
