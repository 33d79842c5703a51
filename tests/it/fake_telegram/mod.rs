//! A strict Bot API server of Telegram with a ledger, for tests.
//!
//! It takes what Telegram takes, refuses what Telegram refuses, and fails on demand. The ledger is
//! the judge: a message is in it once the server has taken it, whether or not its answer arrived.
//! What only a faulty bot does is a violation.

#![expect(dead_code, reason = "a stand-in offers more than the tests of one day use")]

pub(crate) mod html;
mod http;
pub(crate) mod inbound;
mod ledger;
mod markup;
mod members;
mod methods;
pub(crate) mod spec;
pub(crate) mod state;
mod updates;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::BufReader;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, futures::Notified, oneshot};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use state::{BotMessage, Call, Fault, Refused};

use crate::fake_http::{self, Request, Response, client_gone};
use crate::port::Port;
use http::Params;
use state::{Answer, Flood, Refusal, State};

/// The token of the bot.
const TOKEN: &str = "7000000001:AAFakeFakeFakeFakeFakeFakeFakeFakeFak";

struct Inner {
    port: Port,
    token: String,
    state: Mutex<State>,
    changed: Notify,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

/// The server; a clone is the same one.
#[derive(Clone)]
pub(crate) struct FakeTelegram {
    inner: Arc<Inner>,
}

/// What becomes of a call.
enum Outcome {
    Answer(Response),
    Half(Response),
    Close,
    Hang,
}

impl FakeTelegram {
    /// Starts it on a free port of loopback.
    pub(crate) async fn start() -> Self {
        let port = Port::new();
        let listener = TcpListener::bind(port.addr).await.expect("its own port");
        let inner = Inner {
            port,
            token: TOKEN.to_owned(),
            state: Mutex::default(),
            changed: Notify::new(),
            running: Mutex::default(),
        };
        let server = Self { inner: Arc::new(inner) };
        server.run(listener);
        server
    }

    /// Closes the port and all connections; the state stays.
    pub(crate) async fn stop(&self) {
        let running = self.inner.running.lock().expect("no holder panics").take();
        if let Some((stop, ended)) = running {
            // The receiver is gone only if the server has ended.
            let _ended = stop.send(());
            ended.await.expect("the server ends well");
        }
    }

    /// Starts it again on its port, with its state.
    pub(crate) async fn restart(&self) {
        self.stop().await;
        let listener = TcpListener::bind(self.inner.port.addr).await.expect("its own port");
        self.run(listener);
    }

    /// The URL for clients, to be followed by `/bot<token>/<method>`.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.inner.port.addr)
    }

    /// The token that it takes.
    pub(crate) fn token(&self) -> &str {
        &self.inner.token
    }

    /// What happens to the next call of a method that has no fault yet.
    pub(crate) fn fail_next(&self, method: &str, fault: Fault) {
        let method = methods::known(method).unwrap_or_else(|| panic!("there is no method {method}"));
        self.change(|state| state.faults.entry(method).or_default().push_back(fault));
    }

    /// Lets a chat be sent nothing for so many seconds; what comes after the first refusal is a violation.
    pub(crate) fn flood(&self, chat: i64, retry_after: u32) {
        let until = Instant::now() + Duration::from_secs(retry_after.into());
        self.change(|state| state.floods.insert(chat, Flood { until, told: false }));
    }

    /// Keeps updates back until [`Self::release`], so that they make one batch.
    pub(crate) fn hold(&self) {
        self.change(|state| state.queue.held = true);
    }

    /// Hands out updates again.
    pub(crate) fn release(&self) {
        self.change(|state| state.queue.held = false);
    }

    /// Hands out the last confirmed updates once more, with their old numbers.
    pub(crate) fn redeliver(&self, count: usize) {
        self.change(|state| state.queue.redeliver(count));
    }

    /// Turns the order of the next batch of several updates around.
    pub(crate) fn shuffle_next_batch(&self) {
        self.change(|state| state.queue.shuffle = true);
    }

    /// Has each update twice in the next batch.
    pub(crate) fn duplicate_next_batch(&self) {
        self.change(|state| state.queue.duplicate = true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that expects a panic of its own must not poison the ledger.
        self.inner.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.state());
        self.inner.changed.notify_waiters();
        result
    }

    fn changed(&self) -> Notified<'_> {
        self.inner.changed.notified()
    }

    fn run(&self, listener: TcpListener) {
        let (stop, mut stopped) = oneshot::channel();
        let own = self.clone();
        let ended = tokio::spawn(async move {
            let mut talks = JoinSet::new();
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    Some(_) = talks.join_next() => {}
                    Ok((stream, _)) = listener.accept() => {
                        let own = own.clone();
                        // A client that goes away ends its conversation.
                        talks.spawn(async move { own.converse(stream).await.is_ok() });
                    }
                }
            }
            drop(listener);
            talks.shutdown().await;
        });
        *self.inner.running.lock().expect("no holder panics") = Some((stop, ended));
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        loop {
            let request = match fake_http::read(&mut read).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) => {
                    if error.kind() == std::io::ErrorKind::InvalidData {
                        self.change(|state| state.violations.push(format!("HTTP: {error}")));
                    }
                    return Err(error);
                }
            };
            if !matches!(request.method.as_str(), "GET" | "POST") {
                self.change(|state| state.violations.push(format!("HTTP: method {}", request.method)));
                return Ok(());
            }
            let open = tokio::select! {
                open = self.serve(&request, &mut write) => open?,
                () = client_gone(&mut read) => false,
            };
            if !open {
                return Ok(());
            }
        }
    }

    /// Answers a request; whether the connection stays open.
    async fn serve(&self, request: &Request, write: &mut OwnedWriteHalf) -> std::io::Result<bool> {
        match self.outcome(request).await {
            Outcome::Answer(response) => response.write(write, false).await.map(|()| true),
            Outcome::Half(response) => response.write(write, true).await.map(|()| false),
            Outcome::Close => Ok(false),
            Outcome::Hang => std::future::pending().await,
        }
    }

    async fn outcome(&self, request: &Request) -> Outcome {
        let refusal = |refusal: &Refusal| Outcome::Answer(Response::json(refusal.code, &refusal.body()));
        let unauthorized = Refusal::met(401, "Unauthorized");
        let not_found = Refusal::met(404, "Not Found");
        if let Some(rest) = request.path.strip_prefix("/file/bot") {
            return match rest.split_once('/') {
                Some((token, path)) if token == self.token() => {
                    self.download(path).map_or_else(|| refusal(&not_found), Outcome::Answer)
                }
                Some(_) | None => refusal(&unauthorized),
            };
        }
        let Some((token, name)) = request.path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
            self.change(|state| state.violations.push(format!("HTTP: path {}", request.path)));
            return refusal(&not_found);
        };
        let Some(method) = methods::known(name) else {
            self.change(|state| state.violations.push(format!("{name}: no such method here")));
            return refusal(&not_found);
        };
        if token != self.token() {
            self.change(|state| state.refuse(method, &unauthorized));
            return refusal(&unauthorized);
        }
        match request.params(method) {
            Ok(params) => self.call(method, params).await,
            Err(why) => {
                let why = Refusal::wrong(why);
                self.change(|state| state.refuse(method, &why));
                refusal(&why)
            }
        }
    }

    fn download(&self, path: &str) -> Option<Response> {
        let id = path.strip_prefix("photos/")?.strip_suffix(".jpg")?;
        let body = self.state().files.get(id)?.clone();
        Some(Response::new(200, "application/octet-stream", body))
    }

    async fn call(&self, method: &'static str, params: Params) -> Outcome {
        let (number, fault) = self.change(|state| {
            let fields = Value::Object(params.fields.clone());
            state.calls.push(Call { method, params: fields, at: Instant::now(), ok: None });
            (state.calls.len() - 1, state.faults.get_mut(method).and_then(std::collections::VecDeque::pop_front))
        });
        let refuse = |refusal: Refusal| {
            let response = Response::json(refusal.code, &refusal.body());
            self.finish(number, method, Err(refusal), true);
            Outcome::Answer(response)
        };
        let broken = |status, title| {
            self.change(|state| state.calls[number].ok = Some(false));
            Outcome::Answer(Response::html(status, title))
        };
        match fault {
            None => Outcome::Answer(self.perform(number, method, params, true).await),
            Some(Fault::TooMany { retry_after }) => refuse(Refusal::too_many(retry_after.into())),
            Some(Fault::Conflict) => refuse(methods::conflict()),
            Some(Fault::ServerError) => broken(500, "Internal Server Error"),
            Some(Fault::BadGateway) => broken(502, "Bad Gateway"),
            Some(Fault::Hang) => Outcome::Hang,
            Some(Fault::Close) => Outcome::Close,
            Some(Fault::HalfAnswer) => Outcome::Half(self.perform(number, method, params, false).await),
            Some(Fault::PerformAndClose) => {
                self.perform(number, method, params, false).await;
                Outcome::Close
            }
            Some(Fault::PerformAndHang) => {
                self.perform(number, method, params, false).await;
                Outcome::Hang
            }
            Some(Fault::Delay(time)) => {
                let own = self.clone();
                // A client that no longer waits does not undo what it asked for.
                let late = tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    own.perform(number, method, params, true).await
                });
                Outcome::Answer(late.await.expect("the call ends well"))
            }
        }
    }

    /// Does a call; `seen` tells whether the whole answer is sent.
    async fn perform(&self, number: usize, method: &'static str, params: Params, seen: bool) -> Response {
        let answer = match methods::check(method, &params.fields) {
            Ok(()) if method == "getUpdates" => self.get_updates(&params.fields).await,
            Ok(()) => self.change(|state| state.perform(method, &params, seen)),
            Err(refusal) => Err(refusal),
        };
        self.finish(number, method, answer, seen)
    }

    fn finish(&self, number: usize, method: &'static str, answer: Answer, seen: bool) -> Response {
        self.change(|state| {
            if seen {
                state.calls[number].ok = Some(answer.is_ok());
            }
            match answer {
                Ok(result) => Response::json(200, &json!({"ok": true, "result": result})),
                Err(refusal) => {
                    state.refuse(method, &refusal);
                    Response::json(refusal.code, &refusal.body())
                }
            }
        })
    }
}

impl State {
    fn refuse(&mut self, method: &'static str, refusal: &Refusal) {
        let description = refusal.description.clone();
        if refusal.violation {
            self.violations.push(format!("{method}: {description}"));
        }
        self.refused.push(Refused { method, code: refusal.code, description });
    }
}
