//! Strict servers of the web's services with a ledger, for tests.
//!
//! Each stands in the place of a real one: it takes what that takes, refuses what that refuses, and
//! fails on demand. A request that only a faulty client sends is answered as the real server does
//! and is a violation besides. The ledger is the judge: what was done is in it, whether or not the
//! answer arrived.
//!
//! ```text
//! let osm = FakeNominatim::start().await;
//! osm.fault(Fault::TooMany { retry_after: Some(2) });          // the next request
//! osm.fault_at("GET /search", 3, Fault::Hang);                  // the next three of this kind
//! … the client under test works on osm.url() …
//! assert_eq!(osm.count("GET /search"), 4);
//! osm.assert_no_violations();
//! ```

#![expect(dead_code, reason = "a stand-in offers more than the tests of one day use")]

mod agent;
mod body;
pub(crate) mod duffel;
mod fault;
pub(crate) mod google;
mod http;
mod ledger;
pub(crate) mod nominatim;
pub(crate) mod overpass;
pub(crate) mod searxng;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use workflows::ports::{Clock, SystemClock};

pub(crate) use body::{Piece, Stream};
pub(crate) use fault::Fault;
pub(crate) use ledger::Entry;

use crate::fake_http::{Request, Response};
use crate::port::Port;
use fault::Rules;

/// A stand-in for SearXNG.
pub(crate) type FakeSearxng = Fake<searxng::Searxng>;
/// A stand-in for Nominatim.
pub(crate) type FakeNominatim = Fake<nominatim::Nominatim>;
/// A stand-in for an Overpass server.
pub(crate) type FakeOverpass = Fake<overpass::Overpass>;

/// A stand-in for Duffel.
pub(crate) type FakeDuffel = Fake<duffel::Duffel>;

/// A stand-in for Google: access tokens and Meet.
pub(crate) type FakeGoogle = Fake<google::Google>;

/// What one service knows and does.
pub(crate) trait Site: Default + Send + 'static {
    /// Looks at a request as it arrives, whatever fault is set: what it returns is the answer, unless a
    /// fault takes its place. For rules about requests as such: who asks, and how often.
    fn gate(&mut self, _call: &Call<'_>) -> Option<Answer> {
        None
    }

    /// Takes out of the headers what the ledger must not hold.
    fn conceal(&mut self, _headers: &mut Vec<(String, String)>) {}

    /// How long the service has to get ready before it does what a request asks for. When the client leaves
    /// meanwhile, nothing is done, and it is no readier than before.
    fn unready(&mut self, _request: &Request) -> Duration {
        Duration::ZERO
    }

    /// Does what a request asks for.
    fn answer(&mut self, call: &Call<'_>) -> Answer;

    /// The service's own way to say 429, without a time.
    fn too_many(&mut self) -> Response;

    /// Its answer to a request that finds nothing.
    fn nothing(&mut self, request: &Request) -> Response;

    /// Adds the time to wait to a 429.
    fn retry_after(&self, response: Response, secs: u64, _now: DateTime<Utc>) -> Response {
        response.with("Retry-After", secs.to_string())
    }
}

/// A request and when it came.
pub(crate) struct Call<'a> {
    /// The request.
    pub(crate) request: &'a Request,
    /// When it came, for distances in time.
    pub(crate) at: Instant,
    /// When it came, by the server's clock.
    pub(crate) now: DateTime<Utc>,
}

/// What a service answers, and what is to be said against the request.
pub(crate) struct Answer {
    /// The answer.
    pub(crate) response: Response,
    /// Its body, when that comes in pieces; the body of `response` is empty then.
    pub(crate) stream: Option<Stream>,
    /// What only a faulty client does.
    pub(crate) violations: Vec<String>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { response, stream: None, violations: Vec::new() }
    }
}

impl Answer {
    /// An answer to a request that no careful client sends.
    pub(crate) fn violation(response: Response, what: impl Into<String>) -> Self {
        Self { response, stream: None, violations: vec![what.into()] }
    }

    /// The same with more said against the request.
    pub(crate) fn and(mut self, violations: impl IntoIterator<Item = String>) -> Self {
        self.violations.extend(violations);
        self
    }
}

struct State<S> {
    site: S,
    ledger: Vec<Entry>,
    violations: Vec<String>,
    rules: Rules,
    ahead: chrono::Duration,
}

struct Inner<S> {
    port: Port,
    state: Mutex<State<S>>,
    changed: Notify,
    running: Mutex<Option<AbortHandle>>,
}

/// One of each.
#[derive(Clone)]
pub(crate) struct FakeWeb {
    /// SearXNG.
    pub(crate) searxng: FakeSearxng,
    /// Nominatim.
    pub(crate) nominatim: FakeNominatim,
    /// Overpass.
    pub(crate) overpass: FakeOverpass,
    /// Duffel.
    pub(crate) duffel: FakeDuffel,
    /// Google.
    pub(crate) google: FakeGoogle,
}

impl FakeWeb {
    /// Starts them all.
    pub(crate) async fn start() -> Self {
        Self {
            searxng: Fake::start().await,
            nominatim: Fake::start().await,
            overpass: Fake::start().await,
            duffel: Fake::start().await,
            google: Fake::start().await,
        }
    }

    /// The settings of the service that lead to them.
    pub(crate) fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("SEARXNG_URL", self.searxng.url()),
            ("NOMINATIM_URL", self.nominatim.url()),
            ("OVERPASS_URL", self.overpass.url()),
            ("DUFFEL_API_URL", self.duffel.url()),
            ("DUFFEL_API_TOKEN", self.duffel.token()),
        ]
    }

    /// Fails when a client did anything against the rules of any of them.
    pub(crate) fn assert_no_violations(&self) {
        self.searxng.assert_no_violations();
        self.nominatim.assert_no_violations();
        self.overpass.assert_no_violations();
        self.duffel.assert_no_violations();
        self.google.assert_no_violations();
    }
}

/// A running server; a clone is the same one.
pub(crate) struct Fake<S> {
    inner: Arc<Inner<S>>,
}

impl<S> Clone for Fake<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: Site> Fake<S> {
    /// Starts it on a free port of loopback.
    pub(crate) async fn start() -> Self {
        Self::start_with(S::default()).await
    }

    /// Starts one that knows this, on a free port of loopback.
    pub(crate) async fn start_with(site: S) -> Self {
        let port = Port::new();
        let listener = TcpListener::bind(port.addr).await.expect("its own port");
        let state = State {
            site,
            ledger: Vec::new(),
            violations: Vec::new(),
            rules: Rules::default(),
            ahead: chrono::Duration::zero(),
        };
        let inner = Inner { port, state: Mutex::new(state), changed: Notify::new(), running: Mutex::default() };
        let server = Self { inner: Arc::new(inner) };
        server.run(listener);
        server
    }

    /// Closes the port and all connections; the state stays.
    pub(crate) fn stop(&self) {
        if let Some(running) = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.abort();
        }
    }

    /// Starts it again on its port, with its state.
    pub(crate) async fn restart(&self) {
        self.stop();
        let listener = loop {
            match TcpListener::bind(self.inner.port.addr).await {
                Ok(listener) => break listener,
                // The task that held the port has not ended yet.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        self.run(listener);
    }

    /// The address of the port, without a path or a slash at its end.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.inner.port.addr)
    }

    /// What happens to the next request.
    pub(crate) fn fault(&self, fault: Fault) {
        self.fault_at("", 1, fault);
    }

    /// What happens to the next requests, so many of them.
    pub(crate) fn faults(&self, times: u32, fault: Fault) {
        self.fault_at("", times, fault);
    }

    /// What happens to all requests from now on, until [`Self::clear_faults`].
    pub(crate) fn fault_always(&self, fault: Fault) {
        self.fault_at("", u32::MAX, fault);
    }

    /// What happens to the next requests whose `METHOD /path` is or begins with this.
    pub(crate) fn fault_at(&self, place: &str, times: u32, fault: Fault) {
        self.change(|state| state.rules.add(place, times, fault));
    }

    /// Forgets all faults that are still to come.
    pub(crate) fn clear_faults(&self) {
        self.change(|state| state.rules = Rules::default());
    }

    /// The server's time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state().now()
    }

    /// Moves the server's clock ahead, so that what it handed out expires.
    pub(crate) fn advance(&self, by: chrono::Duration) {
        self.change(|state| state.ahead += by);
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        // A test that expects a panic of its own must not poison the ledger.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State<S>) -> R) -> R {
        let result = change(&mut self.state());
        self.inner.changed.notify_waiters();
        result
    }

    /// Changes what the service knows.
    pub(crate) fn site<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        self.change(|state| change(&mut state.site))
    }

    fn run(&self, listener: TcpListener) {
        let own = self.clone();
        let task = tokio::spawn(async move {
            let mut talks = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = talks.join_next() => {}
                    Ok((stream, _)) = listener.accept() => {
                        let own = own.clone();
                        // A client that goes away ends its conversation.
                        talks.spawn(async move { own.converse(stream).await.is_ok() });
                    }
                }
            }
        });
        *self.inner.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }
}

impl<S> State<S> {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.ahead
    }
}
