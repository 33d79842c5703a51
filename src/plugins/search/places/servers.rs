//! Asking OpenStreetMap's servers.
//!
//! The public ones are shared by everybody: each request says whose it is, they go one at a time and
//! a second apart (<https://operations.osmfoundation.org/policies/nominatim/>), and nothing is asked twice.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{ACCEPT, USER_AGENT};
use serde_json::Value;
use url::Url;
use workflows::ports::{ActionCall, ActionError};

use super::area::{self, Area};
use super::distance::Point;
use super::found::{self, Place};
use super::kinds::Selector;
use super::query;
use crate::config::SearchConfig;
use crate::outgoing::{Answer, Outgoing, Request};
use crate::plugins::search::cache::Cache;
use crate::plugins::search::gate::{Busy, Gate};
use crate::plugins::search::{Checked, RESULTS_MAX};
use crate::plugins::web::{Kind, Service};

/// Longest wait for Nominatim.
const AREA_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for Overpass; it is told to give up before.
const PLACES_LIMIT: Duration = Duration::from_secs(25);
/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Results asked of Nominatim.
const AREAS_MAX: usize = 15;
/// Names of areas kept, and for how long.
const AREAS_KEPT_MAX: usize = 500;
const AREAS_KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// Searches kept, and for how long.
const PLACES_KEPT_MAX: usize = 200;
const PLACES_KEPT_FOR: TimeDelta = TimeDelta::hours(1);

const NOMINATIM: Service = Service { name: "Nominatim", key: "NOMINATIM_URL and OPERATOR_CONTACT" };
const OVERPASS: Service = Service { name: "Overpass", key: "OVERPASS_URL and OPERATOR_CONTACT" };

/// Both servers.
pub(super) struct Servers {
    outgoing: Outgoing,
    nominatim: Url,
    overpass: Url,
    agent: String,
    areas_gate: Gate,
    places_gate: Gate,
    areas: Cache<Vec<Area>>,
    found: Cache<Vec<Place>>,
}

impl Servers {
    pub(super) fn new(config: &SearchConfig, outgoing: Outgoing) -> Self {
        let agent = concat!("super-manager/", env!("CARGO_PKG_VERSION"));
        Self {
            outgoing,
            nominatim: config.nominatim.clone(),
            overpass: config.overpass.clone(),
            agent: config.contact.as_ref().map_or(agent.to_owned(), |contact| format!("{agent} ({contact})")),
            areas_gate: Gate::new(),
            places_gate: Gate::new(),
            areas: Cache::new(AREAS_KEPT_MAX, AREAS_KEPT_FOR),
            found: Cache::new(PLACES_KEPT_MAX, PLACES_KEPT_FOR),
        }
    }

    /// What a name can mean, best first.
    pub(super) async fn areas(
        &self,
        name: &str,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<Vec<Area>>, ActionError> {
        let key = format!("{language}/{}", name.to_lowercase());
        if let Some(areas) = self.areas.get(&key, now) {
            return Ok(areas);
        }
        let mut turn = self.areas_gate.turn().await.map_err(|busy| too_busy(NOMINATIM, &busy))?;
        // Whoever went before may have asked for the same.
        if let Some(areas) = self.areas.get(&key, now) {
            return Ok(areas);
        }
        turn.begin().await.map_err(|busy| too_busy(NOMINATIM, &busy))?;
        let answer = self.ask_nominatim(name, language).await?;
        if let Some(secs) = rest_of(&answer) {
            turn.rest(secs);
        }
        let results: Vec<Value> = read(NOMINATIM, &answer)?;
        Ok(self.areas.put(key, area::read(&results), now))
    }

    async fn ask_nominatim(&self, name: &str, language: &str) -> Result<Answer, ActionError> {
        let mut url = self.nominatim.clone();
        url.path_segments_mut()
            .map_err(|()| ActionError::fail("NOMINATIM_URL cannot hold a search"))?
            .pop_if_empty()
            .push("search");
        url.query_pairs_mut()
            .clear()
            .append_pair("q", name)
            .append_pair("format", "jsonv2")
            .append_pair("addressdetails", "1")
            .append_pair("limit", &AREAS_MAX.to_string())
            .append_pair("accept-language", language);
        self.send(NOMINATIM, Request::get(url).within(AREA_LIMIT)).await
    }

    /// What is there, the nearest and best known first.
    pub(super) async fn places(
        &self,
        call: &ActionCall,
        selectors: &[Selector],
        center: Point,
        radius: u32,
    ) -> Result<Arc<Vec<Place>>, ActionError> {
        let (ql, language) = (query::query(selectors, center, radius), language(call));
        let key = format!("{language}/{ql}");
        if let Some(places) = self.found.get(&key, call.now) {
            return Ok(places);
        }
        let mut turn = self.places_gate.turn().await.map_err(|busy| too_busy(OVERPASS, &busy))?;
        if let Some(places) = self.found.get(&key, call.now) {
            return Ok(places);
        }
        turn.begin().await.map_err(|busy| too_busy(OVERPASS, &busy))?;
        let answer = self.ask_overpass(&ql).await?;
        if let Some(secs) = rest_of(&answer) {
            turn.rest(secs);
        }
        let found: found::Answer = read(OVERPASS, &answer)?;
        if let Some(error) = found.remark.as_deref().and_then(failed) {
            return Err(error);
        }
        let mut places = found::places(&found.elements, center, radius, language);
        places.truncate(RESULTS_MAX);
        Ok(self.found.put(key, places, call.now))
    }

    async fn ask_overpass(&self, ql: &str) -> Result<Answer, ActionError> {
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("data", ql).finish();
        let request = Request::post(self.overpass.clone()).body("application/x-www-form-urlencoded", form.into_bytes());
        self.send(OVERPASS, request.within(PLACES_LIMIT)).await
    }

    async fn send(&self, service: Service, request: Request) -> Result<Answer, ActionError> {
        let request = request.header(USER_AGENT, &self.agent).header(ACCEPT, "application/json");
        let sent = self.outgoing.send(request.at_most(ANSWER_BYTES_MAX)).await;
        sent.map_err(|trouble| service.no_answer(Kind::Look, &trouble))
    }

    /// Asks both servers, for `doctor`; the public ones are everybody's, so they are left alone.
    pub(super) async fn check(&self, config: &SearchConfig) -> Checked {
        let mut told = Vec::new();
        if is_public(&self.nominatim) {
            told.push(format!("{} is public and was not asked", self.nominatim));
        } else {
            let answer = self.ask_nominatim("London", "en").await.map_err(|error| error.message)?;
            let _areas: Vec<Value> = read(NOMINATIM, &answer).map_err(|error| error.message)?;
            told.push(format!("{} answers", self.nominatim));
        }
        if is_public(&self.overpass) {
            told.push(format!("{} is public and was not asked", self.overpass));
        } else {
            let answer = self.ask_overpass("[out:json][timeout:5];out;").await.map_err(|error| error.message)?;
            let _found: found::Answer = read(OVERPASS, &answer).map_err(|error| error.message)?;
            told.push(format!("{} answers", self.overpass));
        }
        told.push(match &config.contact {
            Some(contact) => format!("asking as {contact}"),
            None => "set OPERATOR_CONTACT, which the public servers ask for".to_owned(),
        });
        Ok(told.join("; "))
    }
}

/// Whether a server is one of those that everybody shares.
fn is_public(url: &Url) -> bool {
    const PUBLIC: [&str; 4] = ["openstreetmap.org", "overpass-api.de", "kumi.systems", "osm.ch"];
    let host = url.host_str().unwrap_or_default();
    PUBLIC.iter().any(|name| host == *name || host.strip_suffix(name).is_some_and(|head| head.ends_with('.')))
}

/// The language that names are told in, as a tag that a request can hold.
pub(super) fn language(call: &ActionCall) -> &str {
    const TAG_BYTES_MAX: usize = 12;
    let tag = call.person.settings.locale.as_str();
    let fits = tag.len() <= TAG_BYTES_MAX && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits && !tag.is_empty() { tag } else { "en" }
}

fn read<T: serde::de::DeserializeOwned>(service: Service, answer: &Answer) -> Result<T, ActionError> {
    if !answer.status.is_success() {
        return Err(service.refusal(Kind::Look, answer, None));
    }
    answer.json().ok_or_else(|| service.unreadable(Kind::Look))
}

/// How long a server that refuses wants to be left alone, in seconds.
fn rest_of(answer: &Answer) -> Option<u32> {
    (!answer.status.is_success()).then(|| answer.retry_after()).flatten()
}

fn too_busy(service: Service, busy: &Busy) -> ActionError {
    ActionError::later(format!("busy: too many searches wait for {}", service.name), Some(busy.0))
}

/// Overpass says 200 also when it gave up; then what it found is not all there is.
fn failed(remark: &str) -> Option<ActionError> {
    let remark = remark.to_lowercase();
    if remark.contains("timed out") || remark.contains("timeout") {
        Some(ActionError::retry("Overpass ran out of time before it had looked everywhere: a smaller area takes less"))
    } else if remark.contains("out of memory") {
        Some(ActionError::fail("there is too much there for Overpass to look through: name a smaller area"))
    } else if remark.contains("error") {
        Some(ActionError::retry("Overpass could not look everywhere"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use workflows::ports::ActionErrorKind;

    use super::*;

    #[test]
    fn a_server_that_gave_up_has_not_found_nothing() {
        let kind = |remark| failed(remark).map(|error| error.kind);
        let retry = Some(ActionErrorKind::Retry { after_secs: None });
        assert_eq!(kind("runtime error: Query timed out in \"query\" at line 3 after 21 seconds."), retry);
        assert_eq!(
            kind("runtime error: Query run out of memory using about 256 MB of RAM."),
            Some(ActionErrorKind::Fail)
        );
        assert_eq!(kind("runtime error: something else"), retry);
        assert_eq!(kind("all is well"), None);
        let late = failed("runtime error: Query timed out").expect("an error");
        assert!(late.message.contains("ran out of time"), "{late}");
    }

    #[test]
    fn public_servers_are_known_by_their_names() {
        let is = |url: &str| is_public(&url.parse().expect("a url"));
        assert!(is("https://nominatim.openstreetmap.org") && is("https://overpass-api.de/api/interpreter"));
        assert!(is("https://lz4.overpass-api.de/api/interpreter"));
        assert!(!is("http://127.0.0.1:8080/") && !is("https://notopenstreetmap.org/"));
    }
}
