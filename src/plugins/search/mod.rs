//! Looking for things outside: web pages by SearXNG, places by OpenStreetMap, hotels and flights by
//! Duffel.
//!
//! Nothing is changed by a look, so each may be repeated. What is found is foreign text: it is
//! bounded, shown plain, and gives no orders.

mod cache;
mod gate;
mod places;
mod text;
mod web;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome};

use super::duffel::{Duffel, flights, hotels};
use super::rates::Rates;
use super::{Plugin, PluginDeps, spec};
use crate::config::SearchConfig;
use crate::outgoing::Outgoing;
pub(crate) use places::Around;
use places::Places;
use web::WebSearch;

/// Results when no number is asked for.
const RESULTS_DEFAULT: usize = 10;
/// Most results of one search.
const RESULTS_MAX: usize = 30;
/// Longest query taken, in characters.
const QUERY_CHARS_MAX: usize = 300;
/// Longest description of a place to look around, in characters.
const NEAR_CHARS_MAX: usize = 300;

/// `search.*`.
pub struct SearchPlugin {
    web: Option<WebSearch>,
    places: Places,
    duffel: Option<Duffel>,
    rates: Rates,
}

impl SearchPlugin {
    pub(super) fn new(deps: &PluginDeps) -> Self {
        let (config, outgoing) = (&deps.search, &deps.outgoing);
        Self {
            web: config.searxng.clone().map(|base| WebSearch::new(outgoing.clone(), base)),
            places: Places::new(config, outgoing.clone()),
            duffel: deps.duffel.clone().map(|duffel| Duffel::new(duffel, outgoing.clone())),
            rates: Rates::new(outgoing.clone(), config.rates.clone()),
        }
    }

    /// Hotels around the place that is named.
    async fn hotels(&self, duffel: &Duffel, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        hotels::check(call)?;
        let around = self.places.locate(call, "place").await?;
        hotels::search(duffel, &self.rates, call, &around).await
    }
}

/// How many results are wanted.
fn limit(args: &Map<String, Value>) -> usize {
    let asked = args.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    asked.unwrap_or(RESULTS_DEFAULT).clamp(1, RESULTS_MAX)
}

#[async_trait]
impl Plugin for SearchPlugin {
    fn name(&self) -> &'static str {
        "search"
    }

    fn description(&self) -> &'static str {
        "Looks for web pages, places, hotels and flights"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let text = |chars_max: usize| json!({"type": "string", "minLength": 1, "maxLength": chars_max});
        let limit = json!({"type": "integer", "minimum": 1, "maximum": RESULTS_MAX});
        let unset = "web search is not configured: set SEARXNG_URL";
        vec![
            ActionSpec {
                idempotent: true,
                unavailable: self.web.is_none().then(|| unset.to_owned()),
                ..spec(
                    "search.search_web",
                    "Searches the web",
                    json!({"query": text(QUERY_CHARS_MAX), "limit": limit}),
                    &["query"],
                    ReachRule::ReadOutside,
                )
            },
            ActionSpec {
                idempotent: true,
                targets: &["near"],
                ..spec(
                    "search.find_places",
                    "Finds places near a place",
                    json!({"query": text(QUERY_CHARS_MAX), "near": text(NEAR_CHARS_MAX), "limit": limit}),
                    &["query", "near"],
                    ReachRule::ReadOutside,
                )
            },
            hotels::hotel_spec(self.duffel.is_some()),
            flights::flight_spec(self.duffel.is_some()),
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match (call.action.as_str(), &self.web, &self.duffel) {
            ("search.search_web", Some(web), _) => web.run(&call).await,
            ("search.find_places", ..) => self.places.run(&call).await,
            ("search.search_hotels", _, Some(duffel)) => self.hotels(duffel, &call).await,
            ("search.search_flights", _, Some(duffel)) => flights::search(duffel, &self.rates, &call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }

    fn time_limit(&self, action: &str) -> Duration {
        match action {
            "search.search_web" => web::LIMIT,
            _ => places::LIMIT,
        }
    }
}

/// What `doctor` finds of a part: what it is, or what is wrong with it.
pub(crate) type Checked = Result<String, String>;

/// Asks a configured SearXNG; `None` when there is none.
pub(crate) async fn check_web(config: &SearchConfig, outgoing: &Outgoing) -> Option<Checked> {
    let base = config.searxng.clone()?;
    let told = format!("{base} answers in JSON");
    Some(
        WebSearch::new(outgoing.clone(), base.clone())
            .check()
            .await
            .map(|()| told)
            .map_err(|why| format!("{base}: {why}")),
    )
}

/// Asks the servers for places, unless they are the public ones.
pub(crate) async fn check_places(config: &SearchConfig, outgoing: &Outgoing) -> Checked {
    Places::new(config, outgoing.clone()).check(config).await
}
