//! Searches against strict stand-ins for SearXNG, Nominatim and Overpass: their ledgers are the judges.

mod offers;
mod places;
mod web;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::fake_web::{FakeNominatim, FakeOverpass, FakeSearxng};
use crate::service::{Service, Setup, has_ended};

struct Desk {
    searxng: FakeSearxng,
    nominatim: FakeNominatim,
    overpass: FakeOverpass,
    setup: Setup,
    service: Service,
    sessions: AtomicU32,
    _dir: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (searxng, nominatim, overpass) =
            (FakeSearxng::start().await, FakeNominatim::start().await, FakeOverpass::start().await);
        let setup = Setup::new(dir.path(), "")
            .with("SEARXNG_URL", &searxng.url())
            .with("NOMINATIM_URL", &nominatim.url())
            .with("OVERPASS_URL", &overpass.url())
            .with("OPERATOR_CONTACT", "ops@test.local");
        let service = Service::start(&setup);
        Self { searxng, nominatim, overpass, setup, service, sessions: AtomicU32::new(0), _dir: dir }
    }

    /// Runs a search to its end: its receipt, and whether the stages for a failure ran.
    async fn search(&self, action: &str, params: Value) -> (Value, bool) {
        let task = self.begin(action, params).await;
        let ended = self.service.task_until(&task, has_ended).await;
        let receipts = ended["result"]["receipts"].as_array().expect("receipts").clone();
        let of = |action: &str| receipts.iter().find(|receipt| receipt["action"] == action).cloned();
        (of(action).unwrap_or_else(|| panic!("no receipt: {ended:#}")), of("notify.send_notification").is_some())
    }

    async fn begin(&self, action: &str, params: Value) -> String {
        let plan = json!({"version": 1, "title": "A search", "stages": [
            {"id": "look", "type": "execution", "action": action, "params": params, "on_failure": [
                {"id": "tell", "type": "execution", "action": "notify.send_notification", "params": {"text": "no luck"}}]}]});
        // Each in a talk of its own, so that they do not wait for each other.
        let session = format!("s{}", self.sessions.fetch_add(1, Ordering::Relaxed));
        let begun = self.service.post("/api/tasks", json!({"plan": plan, "session_id": session})).await;
        begun["task_id"].as_str().expect("a task").to_owned()
    }

    async fn web(&self, query: &str) -> (Value, bool) {
        self.search("search.search_web", json!({"query": query})).await
    }

    async fn places(&self, query: &str, near: &str) -> (Value, bool) {
        self.search("search.find_places", json!({"query": query, "near": near})).await
    }

    fn assert_no_violations(&self) {
        self.searxng.assert_no_violations();
        self.nominatim.assert_no_violations();
        self.overpass.assert_no_violations();
    }
}

/// One field of each result.
fn each<'a>(receipt: &'a Value, field: &str) -> Vec<&'a str> {
    let results = receipt["results"].as_array().unwrap_or_else(|| panic!("no results: {receipt:#}"));
    results.iter().map(|result| result[field].as_str().unwrap_or_default()).collect()
}

fn detail(receipt: &Value) -> &str {
    receipt["detail"].as_str().expect("words")
}
