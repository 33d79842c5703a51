//! The ledger, and waiting for what will be in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Fake, Site};
use crate::fake_http::Request;

/// Longest wait for what must come about.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// How many requests a report shows.
const REPORT_REQUESTS_MAX: usize = 40;
/// How many bytes of a body a report shows.
const REPORT_BODY_BYTES_MAX: usize = 400;

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The method, in capitals.
    pub(crate) method: String,
    /// The path, its escapes resolved.
    pub(crate) path: String,
    /// The query, decoded, in its order.
    pub(crate) query: Vec<(String, String)>,
    /// The headers in their order, names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When it came, for distances in time.
    pub(crate) at: Instant,
    /// When it came, by the server's clock.
    pub(crate) time: DateTime<Utc>,
    /// What the service said to it; `None` when a fault kept it from the service.
    pub(crate) status: Option<u16>,
    /// The status of the answer, once a whole answer is on its way.
    pub(crate) answered: Option<u16>,
    /// Whether the client hung up before it had the whole answer.
    pub(crate) gone: bool,
}

impl Entry {
    pub(super) fn new(request: &Request, at: Instant, time: DateTime<Utc>) -> Self {
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: pairs(request.query.as_bytes()),
            headers: request.headers.clone(),
            body: request.body.clone(),
            at,
            time,
            status: None,
            answered: None,
            gone: false,
        }
    }

    /// The method and the path, as in `GET /search`.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The value of a header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The fields of the body of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The fields of a query or a form, decoded.
pub(super) fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

impl<S: Site> Fake<S> {
    /// All requests that arrived.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.clone()
    }

    /// The newest request.
    pub(crate) fn last(&self) -> Option<Entry> {
        self.state().ledger.last().cloned()
    }

    /// How many requests arrived, by `METHOD /path`.
    pub(crate) fn requests(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.state().ledger {
            *counts.entry(entry.place()).or_default() += 1;
        }
        counts
    }

    /// How many requests arrived whose `METHOD /path` is or begins with this.
    pub(crate) fn count(&self, place: &str) -> usize {
        self.state().ledger.iter().filter(|entry| entry.place().starts_with(place)).count()
    }

    /// The requests whose `METHOD /path` is or begins with this.
    pub(crate) fn requests_to(&self, place: &str) -> Vec<Entry> {
        self.state().ledger.iter().filter(|entry| entry.place().starts_with(place)).cloned().collect()
    }

    /// What clients did against the rules.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Takes note of the violations so far and forgets them.
    pub(crate) fn take_violations(&self) -> Vec<String> {
        self.change(|state| std::mem::take(&mut state.violations))
    }

    /// Fails when a client did anything against the rules.
    ///
    /// # Panics
    /// With the ledger in words.
    pub(crate) fn assert_no_violations(&self) {
        assert!(self.violations().is_empty(), "there are violations\n{}", self.report());
    }

    /// Waits until the newest request is one whose client hung up before it had the whole answer.
    pub(crate) async fn wait_for_hangup(&self) {
        self.wait_until("no client hung up", |ledger| ledger.last().is_some_and(|entry| entry.gone)).await;
    }

    /// Waits until so many requests arrived whose `METHOD /path` is or begins with this, done or not.
    pub(crate) async fn wait_for(&self, place: &str, count: usize) -> Vec<Entry> {
        let what = format!("request {count} to {place:?} did not come");
        let fits = |entry: &&Entry| entry.place().starts_with(place);
        self.wait_until(&what, |ledger| ledger.iter().filter(fits).count() >= count).await;
        self.requests_to(place)
    }

    async fn wait_until(&self, what: &str, reached: impl Fn(&[Entry]) -> bool) {
        let waiting = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                // From here on no change is missed.
                changed.as_mut().enable();
                if reached(&self.state().ledger) {
                    return;
                }
                changed.await;
            }
        };
        let reached = tokio::time::timeout(WAIT_MAX, waiting).await;
        assert!(reached.is_ok(), "{what}\n{}", self.report());
    }

    /// The ledger in words.
    pub(crate) fn report(&self) -> String {
        let state = self.state();
        let mut text = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("memory");
        for entry in &state.ledger[state.ledger.len().saturating_sub(REPORT_REQUESTS_MAX)..] {
            let body = entry.text();
            let body: String = body.chars().take(REPORT_BODY_BYTES_MAX).collect();
            let (place, query) = (entry.place(), &entry.query);
            put(format_args!("{place} {query:?} {body} status {:?} answered {:?}", entry.status, entry.answered));
        }
        put(format_args!("violations: {:#?}", state.violations));
        text
    }
}
