//! `search.search_hotels`: hotels with the price of the whole stay.

use std::cmp::Ordering;

use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome};

use super::stays::{Found, Wanted};
use super::{Duffel, OFF};
use crate::plugins::money::Money;
use crate::plugins::rates::Rates;
use crate::plugins::search::Around;
use crate::plugins::web::plain;
use crate::plugins::{dates, outcome, spec};

/// People in one search.
const PEOPLE_MAX: u32 = 50;
/// Rooms in one search.
const ROOMS_MAX: u32 = 10;
/// The longest stay that can be booked, in nights.
const NIGHTS_MAX: i64 = 99;
/// The widest search.
const RADIUS_KM_MAX: u32 = 100;
/// Hotels in one answer.
const LIMIT_MAX: usize = 30;
const LIMIT_DEFAULT: usize = 10;

/// What it takes; off without an account.
pub(crate) fn hotel_spec(is_on: bool) -> ActionSpec {
    let date = dates::schema();
    let properties = json!({
        "place": {"type": "string", "minLength": 1, "maxLength": 200},
        "from": date, "to": date,
        "people": {"type": "integer", "minimum": 1, "maximum": PEOPLE_MAX},
        "rooms": {"type": "integer", "minimum": 1, "maximum": ROOMS_MAX},
        "max_price": Money::schema(),
        "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX}});
    ActionSpec {
        idempotent: true,
        targets: &["place"],
        future: &["from", "to"],
        unavailable: (!is_on).then(|| OFF.to_owned()),
        ..spec("search.search_hotels", "Looks for hotels", properties, &["place", "from", "to"], ReachRule::ReadOutside)
    }
}

/// Refuses days that make no stay, before anybody is asked.
pub(crate) fn check(call: &ActionCall) -> Result<(), ActionError> {
    let nights = (dates::arg(call, "to")? - dates::arg(call, "from")?).num_days();
    if (1..=NIGHTS_MAX).contains(&nights) {
        return Ok(());
    }
    Err(ActionError::fail(format!("a stay is 1 to {NIGHTS_MAX} nights long")))
}

/// Looks for hotels around a place.
pub(crate) async fn search(
    duffel: &Duffel,
    rates: &Rates,
    call: &ActionCall,
    around: &Around,
) -> Result<ActionOutcome, ActionError> {
    let (check_in, check_out) = (dates::arg(call, "from")?, dates::arg(call, "to")?);
    let nights = (check_out - check_in).num_days();
    let count = |name: &str, default: u64| call.args.get(name).and_then(Value::as_u64).unwrap_or(default);
    let people = u32::try_from(count("people", 2)).unwrap_or(PEOPLE_MAX).min(PEOPLE_MAX);
    let rooms = u32::try_from(count("rooms", u64::from(people.div_ceil(2)))).unwrap_or(ROOMS_MAX).min(ROOMS_MAX);
    let limit = usize::try_from(count("limit", 0)).ok().filter(|n| *n > 0).unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    let wanted = Wanted {
        latitude: around.lat,
        longitude: around.lon,
        radius_km: around.radius.div_ceil(1_000).clamp(1, RADIUS_KM_MAX),
        check_in: check_in.to_string(),
        check_out: check_out.to_string(),
        people,
        rooms,
    };
    let found = duffel.search_stays(&wanted).await?;
    let with_price = found.into_iter().filter_map(|found| Some((found.price()?, found)));
    let prices = Priced::all(with_price.collect(), rates, call).await;
    let shown: Vec<&Priced<Found>> = prices.within.iter().take(limit).collect();
    let results: Vec<Value> = shown.iter().map(|hotel| entry(hotel, &wanted)).collect();
    let lines: Vec<String> =
        shown.iter().map(|hotel| format!("{}: {}", plain(&hotel.what.accommodation.name), hotel.words())).collect();
    let when =
        format!("{} from {check_in}, {} near {}", counted(nights, "night"), counted(people, "guest"), around.name);
    let head = match (lines.is_empty(), prices.dearer) {
        (true, 0) => format!("No hotel has a room for {when}"),
        (true, dearer) => format!("No hotel within the price for {when}; {dearer} cost more"),
        (false, _) => format!("Hotels for {when}, the whole stay:"),
    };
    let detail = [vec![head], lines, prices.note.into_iter().collect()].concat().join("\n");
    Ok(outcome(json!({"results": results}), detail))
}

/// `1 night`, `2 nights`.
fn counted(number: impl Into<i64>, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

fn entry(hotel: &Priced<Found>, wanted: &Wanted) -> Value {
    let Found { id, accommodation, .. } = &hotel.what;
    let location = accommodation.location.as_ref();
    let point = location.and_then(|location| location.geographic_coordinates);
    json!({"id": id, "offer_id": id, "name": plain(&accommodation.name), "description": hotel.words(),
        "address": location.and_then(|location| location.address.as_ref()).map(|address| plain(&address.line())),
        "lat": point.map(|point| point.latitude), "lon": point.map(|point| point.longitude),
        "stars": accommodation.rating, "review_score": accommodation.review_score,
        "phone": accommodation.phone_number.as_deref().map(plain), "email": accommodation.email.as_deref().map(plain),
        "from": wanted.check_in, "to": wanted.check_out, "people": wanted.people,
        "price": hotel.price.as_value(), "price_in_your_currency": hotel.own.as_ref().map(Money::as_value)})
}

/// Something with its price, and that in the person's currency where there is a rate.
pub(crate) struct Priced<T> {
    pub(crate) price: Money,
    pub(crate) own: Option<Money>,
    pub(crate) what: T,
}

/// What was found, by price.
pub(crate) struct Prices<T> {
    /// Within the limit, the cheapest first.
    pub(crate) within: Vec<Priced<T>>,
    /// How many cost more than the limit.
    pub(crate) dearer: usize,
    /// What people must know of the prices.
    pub(crate) note: Option<String>,
}

impl<T> Priced<T> {
    /// `GBP 799.50 (about INR 84,000)`.
    pub(crate) fn words(&self) -> String {
        match &self.own {
            Some(own) => format!("{} (about {own})", self.price),
            None => self.price.to_string(),
        }
    }

    /// Sorts by price and keeps what is within `max_price`, as far as currencies can be compared.
    pub(crate) async fn all(found: Vec<(Money, T)>, rates: &Rates, call: &ActionCall) -> Prices<T> {
        let own = &call.person.settings.currency;
        let limit = call.args.get("max_price").and_then(|limit| Money::of(limit, own));
        let wanted = limit.as_ref().map_or(own, |limit| &limit.currency);
        let (mut within, mut dearer, mut open, mut as_of) = (Vec::new(), 0, Vec::new(), None);
        for (price, what) in found {
            let mut converted = None;
            if price.currency != *wanted
                && let Some(rate) = rates.convert(price.amount, &price.currency, wanted, call.now).await
            {
                as_of = Some(rate.as_of);
                converted = Some(Money { amount: rate.amount.normalize(), currency: wanted.clone() });
            }
            let compared = converted.as_ref().or(Some(&price).filter(|price| price.currency == *wanted));
            match (&limit, compared) {
                (Some(limit), Some(price)) if price.amount > limit.amount => dearer += 1,
                (Some(_), None) => {
                    open.push(price.currency.clone());
                    within.push(Priced { price, own: None, what });
                }
                (Some(_) | None, _) => within.push(Priced { price, own: converted, what }),
            }
        }
        let amount = |priced: &Self| priced.own.as_ref().unwrap_or(&priced.price).clone();
        within.sort_by(|a, b| {
            let (a, b) = (amount(a), amount(b));
            let by_currency = (a.currency != *wanted).cmp(&(b.currency != *wanted)).then(a.currency.cmp(&b.currency));
            by_currency.then(a.amount.partial_cmp(&b.amount).unwrap_or(Ordering::Equal))
        });
        open.sort();
        open.dedup();
        let mut notes = Vec::new();
        if !open.is_empty() {
            notes.push(format!(
                "Prices in {} could not be compared with your limit: there is no exchange rate",
                open.join(", ")
            ));
        }
        notes.extend(as_of.map(|day| format!("Converted by the rates of {day}")));
        Prices { within, dearer, note: (!notes.is_empty()).then(|| notes.join(". ")) }
    }
}
