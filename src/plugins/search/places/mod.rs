//! Places, by OpenStreetMap: Nominatim says where a name is, Overpass what is there.
//!
//! Their public servers are shared by everybody: each request says whose it is, they go one at a time
//! and a second apart (<https://operations.osmfoundation.org/policies/nominatim/>), and nothing is asked twice.

mod area;
mod distance;
mod found;
mod kinds;
mod near;
mod query;
mod table;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{ACCEPT, USER_AGENT};
use serde_json::{Map, Value, json};
use url::Url;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Offer};

use super::cache::Cache;
use super::gate::{Busy, Gate};
use super::text::line;
use super::{Checked, RESULTS_MAX, limit};
use crate::config::SearchConfig;
use crate::outgoing::{Answer, Outgoing, Request};
use crate::plugins::web::{Kind, Service};
use crate::plugins::{outcome, text};
use area::{Area, Meant};
use distance::{Point, spoken};
use found::Place;
use kinds::{Selector, Want};
use near::{Near, RADIUS_MAX, Spot, Unclear};

/// Longest that a whole search takes: a turn and an answer from Nominatim, then twice from Overpass.
pub(super) const LIMIT: Duration = Duration::from_secs(160);
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
/// How much farther is looked when there is nothing.
const WIDER: u32 = 4;
/// How far around bare coordinates is looked, in metres.
const RADIUS_DEFAULT: u32 = 2_000;
/// Longest part of a query that is told back.
const QUERY_CHARS_MAX: usize = 100;
/// What the data's licence wants to be said.
const ATTRIBUTION: &str = "© OpenStreetMap contributors";

const NOMINATIM: Service = Service { name: "Nominatim", key: "NOMINATIM_URL and OPERATOR_CONTACT" };
const OVERPASS: Service = Service { name: "Overpass", key: "OVERPASS_URL and OPERATOR_CONTACT" };

/// A way to find places.
pub(crate) struct Places {
    outgoing: Outgoing,
    nominatim: Url,
    overpass: Url,
    agent: String,
    areas_gate: Gate,
    places_gate: Gate,
    areas: Cache<Vec<Area>>,
    found: Cache<Vec<Place>>,
}

/// Where to look.
struct Around {
    /// What it is called.
    name: String,
    point: Point,
    radius: u32,
}

impl Places {
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

    /// `search.find_places`.
    pub(super) async fn run(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let query = text(&call.args, "query").unwrap_or_default();
        let want = kinds::want(query).ok_or_else(|| ActionError::fail("there is nothing to look for"))?;
        let around = self.around(call).await?;
        let said = line(query, QUERY_CHARS_MAX);
        let (places, within) = self.look(call, &want, &said, &around).await?;
        let places = &places[..places.len().min(limit(&call.args))];
        let results: Vec<Value> = places.iter().map(|place| place.told(&around.name)).collect();
        let detail = match results.len() {
            0 => format!("Nothing was found for “{said}” {within}. {ATTRIBUTION}"),
            1 => format!("1 place for “{said}” {within}. {ATTRIBUTION}"),
            count => format!("{count} places for “{said}” {within}. {ATTRIBUTION}"),
        };
        Ok(outcome(json!({"results": results}), detail))
    }

    /// Looks, and once more for less or farther away when there is nothing; says where.
    async fn look(
        &self,
        call: &ActionCall,
        want: &Want,
        said: &str,
        around: &Around,
    ) -> Result<(Arc<Vec<Place>>, String), ActionError> {
        let Around { name, point, radius } = around;
        let within = |radius: u32| format!("within {} of {name}", spoken(radius));
        let places = self.places(call, &want.selectors, *point, *radius).await?;
        if !places.is_empty() {
            return Ok((places, within(*radius)));
        }
        if let Some(instead) = &want.instead {
            let unknown = line(&instead.unknown, QUERY_CHARS_MAX);
            tracing::debug!(said, "the map does not know all of it");
            let places = self.places(call, &instead.selectors, *point, *radius).await?;
            let told =
                format!("{} (“{unknown}” is in no name there, so any {} is told)", within(*radius), instead.label);
            return Ok((places, told));
        }
        let wider = radius.saturating_mul(WIDER).min(RADIUS_MAX);
        if wider == *radius {
            return Ok((places, within(*radius)));
        }
        let places = self.places(call, &want.selectors, *point, wider).await?;
        Ok((places, format!("{} (there is nothing within {})", within(wider), spoken(*radius))))
    }

    /// Where to look, or which places could be meant.
    async fn around(&self, call: &ActionCall) -> Result<Around, ActionError> {
        let said = text(&call.args, "near").unwrap_or_default();
        let Near { spot, radius } = near::parse(said).map_err(|unclear: Unclear| ActionError::fail(unclear.words()))?;
        let name = match spot {
            Spot::Exact(name, point) => {
                let name = name.unwrap_or_else(|| format!("{}, {}", point.lat, point.lon));
                let name = line(
                    name.split(',').next().filter(|own| own.contains(char::is_alphabetic)).unwrap_or(&name),
                    QUERY_CHARS_MAX,
                );
                return Ok(Around { name, point, radius: radius.unwrap_or(RADIUS_DEFAULT) });
            }
            Spot::Named(name) => name,
        };
        let areas = self.areas(&name, language(call), call.now).await?;
        let too_large = |area: &Area| {
            let name = &area.name;
            ActionError::fail(format!("{name} is too large to be looked through: name a town or a district"))
        };
        match area::judge(&areas) {
            Meant::None => Err(ActionError::fail(format!("there is no place called {}", line(&name, QUERY_CHARS_MAX)))),
            Meant::One(area) => {
                let radius = radius.or_else(|| area.radius()).ok_or_else(|| too_large(area))?;
                Ok(Around { name: area.short_name(), point: area.point, radius })
            }
            Meant::Several(areas) => Err(which(&areas, radius, &call.args)),
        }
    }

    async fn areas(&self, name: &str, language: &str, now: DateTime<Utc>) -> Result<Arc<Vec<Area>>, ActionError> {
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

    async fn places(
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
fn language(call: &ActionCall) -> &str {
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

/// Several places have the name: the same search at each of them, said so that it finds just that one.
fn which(areas: &[&Area], radius: Option<u32>, args: &Map<String, Value>) -> ActionError {
    let name = areas.first().map_or("", |area| area.name.as_str());
    let offer = |area: &&Area| {
        let is_alone = areas.iter().filter(|other| other.full_name == area.full_name).count() == 1;
        let radius = radius.or_else(|| area.radius()).unwrap_or(RADIUS_MAX);
        let mut args = args.clone();
        args.insert("near".to_owned(), near::exactly(&area.full_name, area.point, radius).into());
        let name = match is_alone {
            true => area.full_name.clone(),
            false => format!("{} ({:.3}, {:.3})", area.full_name, area.point.lat, area.point.lon),
        };
        Offer { name, args }
    };
    let offers = areas.iter().map(offer).collect();
    ActionError::offering(format!("several places are called {name}: say which"), offers)
}

#[cfg(test)]
mod tests {
    use workflows::action::ReachRule;
    use workflows::ports::ActionErrorKind;

    use super::*;

    fn springfields() -> Vec<Area> {
        let at = |state: &str, lat: f64| {
            json!({"lat": lat.to_string(), "lon": "-89.64396", "name": "Springfield", "addresstype": "city",
                "display_name": format!("Springfield, {state}, United States"), "importance": 0.6,
                "boundingbox": [(lat - 0.05).to_string(), (lat + 0.05).to_string(), "-89.7", "-89.6"]})
        };
        area::read(&[at("Illinois", 39.8), at("Missouri", 37.2), at("Missouri", 31.2)])
    }

    fn args() -> Map<String, Value> {
        Map::from_iter(
            [("query", "cafe"), ("near", "Springfield")].map(|(name, value)| (name.to_owned(), value.into())),
        )
    }

    #[test]
    fn each_offer_is_the_same_search_at_one_exact_place() {
        let areas = springfields();
        let Meant::Several(several) = area::judge(&areas) else { panic!("there are three") };
        let error = which(&several, None, &args());
        assert_eq!(error.kind, ActionErrorKind::Fail, "nothing was done");
        let names: Vec<&str> = error.offers.iter().map(|offer| offer.name.as_str()).collect();
        let wanted = [
            "Springfield, Illinois, United States",
            "Springfield, Missouri, United States (37.200, -89.644)",
            "Springfield, Missouri, United States (31.200, -89.644)",
        ];
        assert_eq!(names, wanted);
        let spec = crate::plugins::spec("search.x", "", json!({}), &[], ReachRule::ReadOutside);
        for (offer, area) in error.offers.iter().zip(&areas) {
            assert_eq!(offer.args["query"], "cafe");
            let near = near::parse(offer.args["near"].as_str().expect("a text")).expect("a place");
            let Spot::Exact(Some(_), point) = near.spot else { panic!("{near:?} is not exact") };
            assert!(point.metres_to(area.point) < 2.0, "{point:?}");
            assert_eq!(near.radius, area.radius());
            assert_eq!(
                spec.reach(&offer.args),
                workflows::action::Reach::Read,
                "no further question: {:?}",
                offer.args
            );
        }
        let error = which(&several, Some(700), &args());
        let wanted = "within 700 m of Springfield, Illinois, United States (39.80000,-89.64396)";
        assert_eq!(error.offers[0].args["near"], wanted, "the person's own distance stays");
    }

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
    }

    #[test]
    fn public_servers_are_known_by_their_names() {
        let is = |url: &str| is_public(&url.parse().expect("a url"));
        assert!(is("https://nominatim.openstreetmap.org") && is("https://overpass-api.de/api/interpreter"));
        assert!(is("https://lz4.overpass-api.de/api/interpreter"));
        assert!(!is("http://127.0.0.1:8080/") && !is("https://notopenstreetmap.org/"));
    }
}
