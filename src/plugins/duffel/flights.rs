//! `search.search_flights`: offers with the whole price and how long they stand
//! (<https://duffel.com/docs/api/v2/offer-requests>).

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Offer};

use super::hotels::Priced;
use super::{Duffel, OFF};
use crate::plugins::money::Money;
use crate::plugins::rates::Rates;
use crate::plugins::web::{Kind, plain};
use crate::plugins::{dates, outcome, spec, text};

/// People in one search.
const PEOPLE_MAX: u32 = 9;
/// Offers in one answer.
const LIMIT_MAX: usize = 30;
const LIMIT_DEFAULT: usize = 10;
/// How long airlines may take, in milliseconds.
const SUPPLIER_MILLIS: &str = "20000";

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    iata_code: String,
    #[serde(default)]
    iata_country_code: Option<String>,
    #[serde(default)]
    city_name: Option<String>,
}

#[derive(Deserialize)]
struct Offers {
    offers: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    total_amount: String,
    total_currency: String,
    #[serde(default)]
    expires_at: Option<String>,
    owner: Airline,
    slices: Vec<Slice>,
}

#[derive(Deserialize)]
struct Airline {
    name: String,
}

#[derive(Deserialize)]
struct Slice {
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    departing_at: String,
    arriving_at: String,
    origin: Stop,
    destination: Stop,
    marketing_carrier: Carrier,
    #[serde(default)]
    marketing_carrier_flight_number: Option<String>,
}

#[derive(Deserialize)]
struct Stop {
    #[serde(default)]
    iata_code: Option<String>,
}

#[derive(Deserialize)]
struct Carrier {
    #[serde(default)]
    iata_code: Option<String>,
}

/// What it takes; off without an account.
pub(crate) fn flight_spec(is_on: bool) -> ActionSpec {
    let place = json!({"type": "string", "minLength": 2, "maxLength": 100});
    let properties = json!({
        "from": place, "to": place, "date": dates::schema(), "return_date": dates::schema(),
        "people": {"type": "integer", "minimum": 1, "maximum": PEOPLE_MAX},
        "cabin": {"enum": ["economy", "premium_economy", "business", "first"]},
        "max_price": Money::schema(),
        "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX}});
    ActionSpec {
        idempotent: true,
        targets: &["to"],
        future: &["date", "return_date"],
        unavailable: (!is_on).then(|| OFF.to_owned()),
        ..spec(
            "search.search_flights",
            "Looks for flights",
            properties,
            &["from", "to", "date"],
            ReachRule::ReadOutside,
        )
    }
}

/// Looks for flights.
pub(crate) async fn search(duffel: &Duffel, rates: &Rates, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
    let (origin, destination) = (duffel.airport(call, "from").await?, duffel.airport(call, "to").await?);
    let out = dates::arg(call, "date")?;
    let mut slices = vec![json!({"origin": origin, "destination": destination, "departure_date": out.to_string()})];
    if call.args.contains_key("return_date") {
        let back = dates::arg(call, "return_date")?;
        if back < out {
            return Err(ActionError::fail("the way back is before the way there"));
        }
        slices.push(json!({"origin": destination, "destination": origin, "departure_date": back.to_string()}));
    }
    let count = |name: &str, default: u64| call.args.get(name).and_then(Value::as_u64).unwrap_or(default);
    let people = u32::try_from(count("people", 1)).unwrap_or(PEOPLE_MAX).min(PEOPLE_MAX);
    let limit = usize::try_from(count("limit", 0)).ok().filter(|n| *n > 0).unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    let passengers: Vec<Value> = (0..people).map(|_| json!({"type": "adult"})).collect();
    let cabin = text(&call.args, "cabin").unwrap_or("economy");
    let asked = json!({"slices": slices, "passengers": passengers, "cabin_class": cabin});
    let query = [("return_offers", "true"), ("supplier_timeout", SUPPLIER_MILLIS)];
    let found: Offers = duffel.post(Kind::Look, &["air", "offer_requests"], &query, &asked).await?.data;
    let with_price = found
        .offers
        .into_iter()
        .filter_map(|offer| Some((Money::read(&offer.total_amount, &offer.total_currency)?, offer)));
    let prices = Priced::all(with_price.collect(), rates, call).await;
    let shown: Vec<&Priced<Found>> = prices.within.iter().take(limit).collect();
    let results: Vec<Value> = shown.iter().map(|offer| entry(offer)).collect();
    let lines: Vec<String> = shown.iter().map(|offer| format!("{}: {}", route(&offer.what), offer.words())).collect();
    let head = match (lines.is_empty(), prices.dearer) {
        (true, 0) => format!("No flight from {origin} to {destination} on {out}"),
        (true, dearer) => {
            format!("No flight within the price from {origin} to {destination} on {out}; {dearer} cost more")
        }
        (false, _) => format!("Flights from {origin} to {destination} for {people}, the whole price:"),
    };
    let detail = [vec![head], lines, prices.note.into_iter().collect()].concat().join("\n");
    Ok(outcome(json!({"results": results}), detail))
}

fn entry(offer: &Priced<Found>) -> Value {
    let Found { id, expires_at, owner, slices, .. } = &offer.what;
    let ends = |slice: &Slice| {
        let (first, last) = (slice.segments.first(), slice.segments.last());
        json!({"departs_at": first.map(|s| plain(&s.departing_at)), "arrives_at": last.map(|s| plain(&s.arriving_at)),
            "stops": slice.segments.len().saturating_sub(1)})
    };
    json!({"id": id, "offer_id": id, "name": format!("{}, {}", plain(&owner.name), route(&offer.what)),
        "description": offer.words(), "airline": plain(&owner.name), "expires_at": expires_at.as_deref().map(plain),
        "slices": slices.iter().map(ends).collect::<Vec<_>>(),
        "price": offer.price.as_value(), "price_in_your_currency": offer.own.as_ref().map(Money::as_value)})
}

/// `BA 112 LHR 10:30 – JFK 13:25; …`.
fn route(offer: &Found) -> String {
    let code = |code: &Option<String>| code.as_deref().map(plain).unwrap_or_default();
    // Local times at the airport, as given: `2026-12-05T10:30:00`.
    let time = |at: &str| at.get(11..16).unwrap_or_default().to_owned();
    let segment = |s: &Segment| {
        let number = s.marketing_carrier_flight_number.as_deref().map(plain).unwrap_or_default();
        let (from, to) = (code(&s.origin.iata_code), code(&s.destination.iata_code));
        let flight = format!("{} {number}", code(&s.marketing_carrier.iata_code));
        format!("{} {from} {} – {to} {}", flight.trim(), time(&s.departing_at), time(&s.arriving_at))
    };
    let all = offer.slices.iter().flat_map(|slice| slice.segments.iter().map(segment));
    all.collect::<Vec<_>>().join("; ")
}

impl Duffel {
    /// The code of a city or airport in an argument; of several places of that name, asks which.
    async fn airport(&self, call: &ActionCall, name: &str) -> Result<String, ActionError> {
        let given = text(&call.args, name).unwrap_or_default();
        if given.len() == 3 && given.chars().all(|c| c.is_ascii_uppercase()) {
            return Ok(given.to_owned());
        }
        let found: Vec<Place> = self.get(&["places", "suggestions"], &[("query", given)]).await?.data;
        choose(call, name, given, found)
    }
}

fn choose(call: &ActionCall, name: &str, given: &str, found: Vec<Place>) -> Result<String, ActionError> {
    let wanted = given.to_lowercase();
    let named = |place: &Place| {
        [Some(&place.name), place.city_name.as_ref()].into_iter().flatten().any(|name| name.to_lowercase() == wanted)
    };
    // A city stands for its airports.
    let (exact, others): (Vec<Place>, Vec<Place>) = found.into_iter().partition(named);
    let (cities, airports): (Vec<Place>, Vec<Place>) = exact.into_iter().partition(|place| place.kind == "city");
    let mut fitting = [cities, airports, others].into_iter().find(|places| !places.is_empty()).unwrap_or_default();
    fitting.dedup_by(|a, b| a.iata_code == b.iata_code);
    match fitting.as_slice() {
        [] => Err(ActionError::fail(format!("no airport is known for \"{given}\""))),
        [only] => Ok(only.iata_code.clone()),
        several => {
            let offer = |place: &Place| {
                let country = place.iata_country_code.as_deref().map(plain).unwrap_or_default();
                let mut args: Map<String, Value> = call.args.clone();
                args.insert(name.to_owned(), Value::from(place.iata_code.as_str()));
                Offer { name: format!("{} ({}), {country}", plain(&place.name), plain(&place.iata_code)), args }
            };
            Err(ActionError::offering(format!("\"{given}\" may be one of these"), several.iter().map(offer).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::tests::call;

    fn place(kind: &str, name: &str, code: &str, city: Option<&str>) -> Place {
        Place {
            kind: kind.to_owned(),
            name: name.to_owned(),
            iata_code: code.to_owned(),
            iata_country_code: Some("GB".to_owned()),
            city_name: city.map(str::to_owned),
        }
    }

    #[test]
    fn a_city_stands_for_its_airports_and_one_of_several_cities_is_asked_for() {
        let call = call("search.search_flights", &json!({"from": "London", "to": "Goa", "date": "2026-12-05"}));
        let london = || vec![place("city", "London", "LON", None), place("airport", "Heathrow", "LHR", Some("London"))];
        assert_eq!(choose(&call, "from", "London", london()).ok().as_deref(), Some("LON"));
        let goa = vec![place("airport", "Dabolim", "GOI", Some("Goa")), place("airport", "Mopa", "GOX", Some("Goa"))];
        let error = choose(&call, "to", "Goa", goa).expect_err("there are two");
        let codes: Vec<&str> = error.offers.iter().filter_map(|offer| offer.args["to"].as_str()).collect();
        assert_eq!(codes, ["GOI", "GOX"]);
        assert!(error.offers.iter().all(|offer| offer.args["from"] == "London"), "the rest stays");
        assert!(choose(&call, "to", "Nowhere", Vec::new()).is_err());
    }
}
