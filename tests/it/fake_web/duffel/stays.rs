//! Searching and quoting stays: <https://duffel.com/docs/api/v2/search>, <https://duffel.com/docs/api/v2/quotes>.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde_json::{Value, json};

use super::check::{At, Check};
use super::data::Board;
use super::{Call, Done, Duffel, GOOD_FOR, Refusal, Script, amount, data_of, written};
use crate::fake_http::Response;
use crate::fake_web::overpass::metres_between;

/// How many days ahead a stay may begin.
const AHEAD_DAYS_MAX: i64 = 330;
/// How many nights a stay may have.
const NIGHTS_MAX: i64 = 99;
/// The widest search.
const RADIUS_KM_MAX: f64 = 100.0;
/// Tax in percent of the price.
const TAX_PERCENT: i64 = 12;

/// When, and for whom.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stay {
    pub(super) check_in: NaiveDate,
    pub(super) check_out: NaiveDate,
    pub(super) rooms: i64,
    pub(super) guests: Value,
}

/// A hotel that has room.
pub(super) struct SearchResult {
    hotel: usize,
    stay: Stay,
    expires_at: DateTime<Utc>,
}

/// A price of a room.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rate {
    pub(super) id: String,
    pub(super) hotel: usize,
    pub(super) stay: Stay,
    room: String,
    board: Board,
    /// In hundredths.
    pub(super) total: i64,
    pub(super) currency: String,
    /// What is paid back until when.
    pub(super) timeline: Vec<(DateTime<Utc>, i64)>,
    expires_at: DateTime<Utc>,
}

/// A price that holds for a while.
#[derive(Debug, Clone)]
pub(super) struct Quote {
    pub(super) id: String,
    pub(super) rate: Rate,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) attempted: bool,
}

impl Duffel {
    pub(super) fn search(&mut self, call: &Call<'_>, check: &mut Check) -> Done {
        let data = data_of(call.request)?;
        let known = [
            "accommodation",
            "location",
            "check_in_date",
            "check_out_date",
            "guests",
            "rooms",
            "free_cancellation_only",
            "instant_payment",
            "mobile",
            "negotiated_rate_ids",
        ];
        let at = check.object(&data, "", &known)?;
        let stay = stay(at, call.now, check)?;
        let fits = place(at, check)?;
        let free_only = at.get("free_cancellation_only") == Some(&Value::Bool(true));
        let hotels: Vec<_> = (0..self.hotels.len()).filter(|&hotel| fits.has(&self.hotels[hotel])).collect();
        let mut results = Vec::new();
        for hotel in hotels {
            let mut rates = self.rates_of(hotel, &stay, call.now);
            rates.retain(|rate| !free_only || !rate.timeline.is_empty());
            let Some(cheapest) = rates.iter().map(|rate| rate.total).min() else { continue };
            let id = self.id("srr");
            let expires_at = call.now + GOOD_FOR;
            self.results.insert(id.clone(), SearchResult { hotel, stay: stay.clone(), expires_at });
            results.push(self.result(&id, cheapest, &[]));
        }
        let data = json!({"results": results, "created_at": written(call.now)});
        Ok(Response::json(201, &json!({ "data": data })))
    }

    pub(super) fn all_rates(&mut self, id: &str, now: DateTime<Utc>) -> Done {
        let Some(result) = self.results.get(id) else {
            return Err(Refusal::not_found("The search result does not exist.").violation());
        };
        if result.expires_at <= now {
            return Err(Refusal::state("result_no_longer_available", "The search result has expired; search again."));
        }
        let (hotel, stay) = (result.hotel, result.stay.clone());
        let rates = self.rates_of(hotel, &stay, now);
        let cheapest = rates.iter().map(|rate| rate.total).min().unwrap_or_default();
        self.rates.extend(rates.iter().map(|rate| (rate.id.clone(), rate.clone())));
        let data = self.result(id, cheapest, &rates);
        Ok(Response::json(200, &json!({ "data": data })))
    }

    fn rates_of(&mut self, hotel: usize, stay: &Stay, now: DateTime<Utc>) -> Vec<Rate> {
        let nights = (stay.check_out - stay.check_in).num_days();
        let begins = stay.check_in.and_time(NaiveTime::MIN).and_utc();
        let rooms = self.hotels[hotel].rooms.clone();
        let rate = |room: super::data::Room| {
            let total = room.nightly * nights * stay.rooms;
            let refund = |&(days, percent): &(i64, i64)| (begins - Duration::days(days), total * percent / 100);
            Rate {
                id: self.id("rat"),
                hotel,
                stay: stay.clone(),
                room: room.name,
                board: room.board,
                total,
                currency: self.currency.clone(),
                timeline: room.refunds.iter().map(refund).filter(|(before, _)| *before > now).collect(),
                expires_at: now + GOOD_FOR,
            }
        };
        rooms.into_iter().map(rate).collect()
    }

    fn result(&self, id: &str, cheapest: i64, rates: &[Rate]) -> Value {
        let SearchResult { hotel, stay, expires_at } = &self.results[id];
        let mut accommodation = self.hotels[*hotel].told();
        accommodation["rooms"] = rooms(rates);
        json!({
            "id": id,
            "accommodation": accommodation,
            "check_in_date": stay.check_in.to_string(),
            "check_out_date": stay.check_out.to_string(),
            "rooms": stay.rooms,
            "guests": stay.guests,
            "cheapest_rate_total_amount": amount(cheapest),
            "cheapest_rate_currency": self.currency,
            "supported_negotiated_rates": [],
            "expires_at": written(*expires_at),
        })
    }

    pub(super) fn quote(&mut self, call: &Call<'_>, check: &mut Check) -> Done {
        let data = data_of(call.request)?;
        let at = check.object(&data, "", &["rate_id", "negotiated_rate_id"])?;
        let rate_id = at.text("rate_id")?;
        let Some(rate) = self.rates.get(rate_id).cloned() else {
            return Err(Refusal::not_found("The rate does not exist.").violation());
        };
        if rate.expires_at <= call.now || self.script(|script| *script == Script::RateGone).is_some() {
            return Err(Refusal::state("rate_unavailable", "The rate is no longer available; search again."));
        }
        let mut quote = Quote { id: self.id("quo"), rate, expires_at: call.now + GOOD_FOR, attempted: false };
        if let Some(Script::PriceAtQuote(percent)) = self.script(|script| matches!(script, Script::PriceAtQuote(_))) {
            quote.rate.change(percent);
        }
        let told = self.told_quote(&quote);
        self.quotes.insert(quote.id.clone(), quote);
        Ok(Response::json(201, &json!({ "data": told })))
    }

    pub(super) fn quoted(&self, id: &str) -> Done {
        let quote = self.quotes.get(id).ok_or_else(|| Refusal::not_found("The quote does not exist.").violation())?;
        Ok(Response::json(200, &json!({ "data": self.told_quote(quote) })))
    }

    fn told_quote(&self, quote: &Quote) -> Value {
        let mut told = quote.rate.price();
        told["id"] = quote.id.as_str().into();
        told["accommodation"] = self.accommodation(&quote.rate);
        told["check_in_date"] = quote.rate.stay.check_in.to_string().into();
        told["check_out_date"] = quote.rate.stay.check_out.to_string().into();
        told["rooms"] = quote.rate.stay.rooms.into();
        told["guests"] = quote.rate.stay.guests.clone();
        told["deposit_amount"] = Value::Null;
        told["deposit_currency"] = Value::Null;
        told["supported_loyalty_programme"] = Value::Null;
        told["expires_at"] = written(quote.expires_at).into();
        told
    }

    /// The hotel with only the room of a rate.
    pub(super) fn accommodation(&self, rate: &Rate) -> Value {
        let mut told = self.hotels[rate.hotel].told();
        told["rooms"] = rooms(std::slice::from_ref(rate));
        told
    }
}

/// Rooms with their rates, as Duffel groups them.
fn rooms(rates: &[Rate]) -> Value {
    let mut names: Vec<_> = rates.iter().map(|rate| rate.room.as_str()).collect();
    names.dedup();
    let room = |name: &str| {
        let own: Vec<_> = rates.iter().filter(|rate| rate.room == name).map(Rate::told).collect();
        json!({"name": name, "beds": [{"type": "double", "count": 1}], "photos": [], "rates": own})
    };
    names.into_iter().map(room).collect()
}

impl Rate {
    /// The rate of a booking that somebody else made.
    pub(super) fn foreign(now: DateTime<Utc>, currency: &str) -> Self {
        let check_in = now.date_naive() + Duration::days(20);
        let check_out = check_in + Duration::days(1);
        Self {
            id: "rat_0000FakeForeign".to_owned(),
            hotel: 0,
            stay: Stay { check_in, check_out, rooms: 1, guests: json!([{"type": "adult"}]) },
            room: "Standard Double".to_owned(),
            board: Board::RoomOnly,
            total: 100_000,
            currency: currency.to_owned(),
            timeline: Vec::new(),
            expires_at: now,
        }
    }

    pub(super) fn change(&mut self, percent: i64) {
        let changed = |hundredths: i64| hundredths + hundredths * percent / 100;
        self.total = changed(self.total);
        self.timeline.iter_mut().for_each(|(_, refund)| *refund = changed(*refund));
    }

    fn price(&self) -> Value {
        let tax = self.total * TAX_PERCENT / 100;
        json!({
            "total_amount": amount(self.total),
            "total_currency": self.currency,
            "base_amount": amount(self.total - tax),
            "base_currency": self.currency,
            "tax_amount": amount(tax),
            "tax_currency": self.currency,
            "fee_amount": null,
            "fee_currency": self.currency,
            "due_at_accommodation_amount": null,
            "due_at_accommodation_currency": self.currency,
        })
    }

    fn told(&self) -> Value {
        let refund = |(before, refund): &(DateTime<Utc>, i64)| json!({"before": written(*before), "refund_amount": amount(*refund), "currency": self.currency});
        let mut told = self.price();
        told["id"] = self.id.as_str().into();
        told["board_type"] = self.board.name().into();
        told["cancellation_timeline"] = self.timeline.iter().map(refund).collect();
        told["conditions"] = json!([{"title": "Check-in", "description": "A photo ID is asked for at check-in."}]);
        told["payment_type"] = "pay_now".into();
        told["available_payment_methods"] = json!(["balance", "card"]);
        told["quantity_available"] = 3.into();
        told["supported_loyalty_programme"] = Value::Null;
        told["expires_at"] = written(self.expires_at).into();
        told
    }
}

fn stay(at: At<'_>, now: DateTime<Utc>, check: &mut Check) -> Result<Stay, Refusal> {
    let (check_in, check_out) = (at.day("check_in_date")?, at.day("check_out_date")?);
    // Somewhere on Earth it is still yesterday.
    let ahead = (check_in - now.date_naive()).num_days();
    if !(-1..=AHEAD_DAYS_MAX).contains(&ahead) {
        let what = format!("The check-in can't be in the past or more than {AHEAD_DAYS_MAX} days ahead");
        return Err(at.outside("check_in_date", what));
    }
    if !(1..=NIGHTS_MAX).contains(&(check_out - check_in).num_days()) {
        return Err(at.outside("check_out_date", format!("A stay has 1 to {NIGHTS_MAX} nights")));
    }
    let rooms = at.whole("rooms")?;
    if rooms < 1 {
        return Err(at.outside("rooms", "There needs to be a room"));
    }
    for (number, guest) in at.list("guests")?.iter().enumerate() {
        let pointer = format!("/guests/{number}");
        let guest = check.object(guest, &pointer, &["type", "age"])?;
        match guest.text("type")? {
            "adult" => {}
            "child" if (0..18).contains(&guest.whole("age")?) => {}
            "child" => return Err(guest.outside("age", "A child is 0 to 17 years old")),
            _ => return Err(guest.outside("type", "A guest is an adult or a child")),
        }
    }
    Ok(Stay { check_in, check_out, rooms, guests: at.need("guests")?.clone() })
}

/// Where to look.
enum Place {
    Around { lat: f64, lon: f64, metres: f64 },
    Ids(Vec<String>),
}

impl Place {
    fn has(&self, hotel: &super::Hotel) -> bool {
        match self {
            Self::Around { lat, lon, metres } => metres_between((hotel.lat, hotel.lon), (*lat, *lon)) <= *metres,
            Self::Ids(ids) => ids.contains(&hotel.id),
        }
    }
}

fn place(at: At<'_>, check: &mut Check) -> Result<Place, Refusal> {
    match (at.get("location"), at.get("accommodation")) {
        (Some(location), None) => {
            let location = check.object(location, "/location", &["radius", "geographic_coordinates"])?;
            let km = location.number("radius")?;
            if !(1.0..=RADIUS_KM_MAX).contains(&km) {
                return Err(location.outside("radius", format!("The radius is 1 to {RADIUS_KM_MAX} kilometres")));
            }
            let pointer = location.pointer("geographic_coordinates");
            let point = location.need("geographic_coordinates")?;
            let point = check.object(point, &pointer, &["latitude", "longitude"])?;
            let (lat, lon) = (point.number("latitude")?, point.number("longitude")?);
            if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) {
                return Err(point.outside("latitude", "There is no such place"));
            }
            Ok(Place::Around { lat, lon, metres: km * 1_000.0 })
        }
        (None, Some(accommodation)) => {
            let accommodation = check.object(accommodation, "/accommodation", &["ids", "fetch_rates"])?;
            let ids = accommodation.list("ids")?.iter().filter_map(|id| id.as_str().map(str::to_owned));
            Ok(Place::Ids(ids.collect()))
        }
        _ => Err(at.outside("location", "Either 'location' or 'accommodation' needs to be given")),
    }
}
