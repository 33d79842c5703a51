//! Places, by OpenStreetMap: Nominatim says where a name is, Overpass what is there.

mod area;
mod distance;
mod found;
mod kinds;
mod near;
mod query;
mod servers;
mod table;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Offer};

use super::text::line;
use super::{Checked, limit};
use crate::config::SearchConfig;
use crate::outgoing::Outgoing;
use crate::plugins::{outcome, text};
use area::{Area, Meant};
use distance::{Point, spoken};
use found::Place;
use kinds::Want;
use near::{Near, RADIUS_MAX, Spot, Unclear};
use servers::{Servers, language};

/// Longest that a whole search takes: a turn and an answer from Nominatim, then twice from Overpass.
pub(super) const LIMIT: Duration = Duration::from_secs(160);
/// How much farther is looked when there is nothing.
const WIDER: u32 = 4;
/// How far around bare coordinates is looked, in metres.
const RADIUS_DEFAULT: u32 = 2_000;
/// Longest part of a query that is told back.
const QUERY_CHARS_MAX: usize = 100;
/// What the data's licence wants to be said.
const ATTRIBUTION: &str = "© OpenStreetMap contributors";

/// A way to find places.
pub(crate) struct Places {
    servers: Servers,
}

/// Where to look.
pub(crate) struct Around {
    /// What it is called.
    pub(crate) name: String,
    /// Degrees north.
    pub(crate) lat: f64,
    /// Degrees east.
    pub(crate) lon: f64,
    /// How far around, in metres.
    pub(crate) radius: u32,
}

impl Places {
    pub(super) fn new(config: &SearchConfig, outgoing: Outgoing) -> Self {
        Self { servers: Servers::new(config, outgoing) }
    }

    /// `search.find_places`.
    pub(super) async fn run(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let query = text(&call.args, "query").unwrap_or_default();
        let want = kinds::want(query).ok_or_else(|| ActionError::fail("there is nothing to look for"))?;
        let around = self.locate(call, "near").await?;
        let said = line(query, QUERY_CHARS_MAX);
        let (places, within) = self.look(call, &want, &around).await?;
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
        around: &Around,
    ) -> Result<(Arc<Vec<Place>>, String), ActionError> {
        let Around { name, lat, lon, radius } = around;
        let point = Point { lat: *lat, lon: *lon };
        let within = |radius: u32| format!("within {} of {name}", spoken(radius));
        let places = self.servers.places(call, &want.selectors, point, *radius).await?;
        if !places.is_empty() {
            return Ok((places, within(*radius)));
        }
        if let Some(instead) = &want.instead {
            let places = self.servers.places(call, &instead.selectors, point, *radius).await?;
            let unknown = line(&instead.unknown, QUERY_CHARS_MAX);
            let told = format!("(no name there has “{unknown}”, so any {} was looked for)", instead.label);
            return Ok((places, format!("{} {told}", within(*radius))));
        }
        let wider = radius.saturating_mul(WIDER).min(RADIUS_MAX);
        if wider <= *radius {
            return Ok((places, within(*radius)));
        }
        let places = self.servers.places(call, &want.selectors, point, wider).await?;
        Ok((places, format!("{} (there is nothing within {})", within(wider), spoken(*radius))))
    }

    /// Where the place is that this parameter names.
    ///
    /// # Errors
    /// When there is none, or nobody could be asked; with offers when it may be one of several.
    pub(crate) async fn locate(&self, call: &ActionCall, parameter: &str) -> Result<Around, ActionError> {
        let said = text(&call.args, parameter).unwrap_or_default();
        let Near { spot, radius } = near::parse(said).map_err(|unclear: Unclear| ActionError::fail(unclear.words()))?;
        let name = match spot {
            Spot::Exact(name, point) => return Ok(exactly_there(name.as_deref(), point, radius)),
            Spot::Named(name) => name,
        };
        let areas = self.servers.areas(&name, language(call), call.now).await?;
        match area::judge(&areas) {
            Meant::None => Err(ActionError::fail(format!("there is no place called {}", line(&name, QUERY_CHARS_MAX)))),
            Meant::One(area) => {
                let radius = radius.or_else(|| area.radius()).ok_or_else(|| too_large(area))?;
                Ok(Around { name: area.short_name(), lat: area.point.lat, lon: area.point.lon, radius })
            }
            Meant::Several(areas) => Err(which(&areas, radius, &call.args, parameter)),
        }
    }

    /// Asks both servers, for `doctor`.
    pub(super) async fn check(&self, config: &SearchConfig) -> Checked {
        self.servers.check(config).await
    }
}

fn exactly_there(name: Option<&str>, point: Point, radius: Option<u32>) -> Around {
    let Point { lat, lon } = point;
    let own = name.and_then(|name| name.split(',').next()).filter(|own| !own.trim().is_empty());
    let name = own.map_or_else(|| format!("{lat}, {lon}"), |own| line(own, QUERY_CHARS_MAX));
    Around { name, lat, lon, radius: radius.unwrap_or(RADIUS_DEFAULT) }
}

fn too_large(area: &Area) -> ActionError {
    ActionError::fail(format!("{} is too large to be looked through: name a town or a district", area.name))
}

/// Several places have the name: the same search at each of them, said so that it finds just that one.
fn which(areas: &[&Area], radius: Option<u32>, args: &Map<String, Value>, parameter: &str) -> ActionError {
    let name = areas.first().map_or("", |area| area.name.as_str());
    let offer = |area: &&Area| {
        let is_alone = areas.iter().filter(|other| other.full_name == area.full_name).count() == 1;
        let radius = radius.or_else(|| area.radius()).unwrap_or(RADIUS_MAX);
        let mut args = args.clone();
        args.insert(parameter.to_owned(), near::exactly(&area.full_name, area.point, radius).into());
        let name = if is_alone {
            area.full_name.clone()
        } else {
            format!("{} ({:.3}, {:.3})", area.full_name, area.point.lat, area.point.lon)
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
        let error = which(&several, None, &args(), "near");
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
        let error = which(&several, Some(700), &args(), "near");
        let wanted = "within 700 m of Springfield, Illinois, United States (39.80000,-89.64396)";
        assert_eq!(error.offers[0].args["near"], wanted, "the person's own distance stays");
    }
}
