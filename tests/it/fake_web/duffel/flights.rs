//! Searching flights: <https://duffel.com/docs/api/v2/offer-requests>, <https://duffel.com/docs/api/v2/offers>.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde_json::{Value, json};

use super::check::{At, Check};
use super::{Call, Done, Duffel, GOOD_FOR, Refusal, amount, data, data_of, page, written};
use crate::fake_http::Response;
use crate::fake_web::overpass::metres_between;

/// Least and most time that suppliers are given, in milliseconds.
const SUPPLIER_MS: std::ops::RangeInclusive<u32> = 2_000..=60_000;
/// How many days ahead a flight may be.
const AHEAD_DAYS_MAX: i64 = 365;
/// How fast aircraft are.
const METRES_PER_MINUTE: f64 = 13_000.0;
/// Where flights with a stop have it.
const STOP: &str = "BOM";
/// How long a stop takes.
const STOP_TIME: Duration = Duration::minutes(90);
/// The classes there are, the usual one first.
const CABINS: [&str; 4] = ["economy", "premium_economy", "business", "first"];
/// Airlines: IATA code, name, price in percent, hour of departure, stops.
const AIRLINES: [Airline; 4] = [
    ("ZZ", "Duffel Airways", 100, 9, 0),
    ("6E", "IndiGo", 85, 6, 0),
    ("AI", "Air India", 110, 14, 0),
    ("QP", "Akasa Air", 70, 11, 1),
];

type Airline = (&'static str, &'static str, i64, u32, usize);

/// An offer and how long it is good for.
pub(super) struct Offer {
    told: Value,
    request: String,
    expires_at: DateTime<Utc>,
}

struct Slice {
    from: End,
    to: End,
    day: NaiveDate,
}

/// As told, its type, and its airport.
type End = (Value, &'static str, &'static str);

impl Duffel {
    pub(super) fn offer_request(&mut self, call: &Call<'_>, query: &[(String, String)], check: &mut Check) -> Done {
        check.query(query, &["return_offers", "supplier_timeout", "view"]);
        let field = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let bad = |name: &str, what: String| Err(Refusal::field("validation_format", &format!("/{name}"), what));
        let inline = match field("return_offers") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return bad("return_offers", "'return_offers' needs to be true or false".to_owned()),
        };
        let fits = |time: &str| time.parse().is_ok_and(|time: u32| SUPPLIER_MS.contains(&time));
        if field("supplier_timeout").is_some_and(|time| !fits(time)) {
            return bad("supplier_timeout", format!("'supplier_timeout' needs to be in {SUPPLIER_MS:?}"));
        }
        let data = data_of(call.request)?;
        let known = ["slices", "passengers", "cabin_class", "max_connections", "private_fares", "airline_credit_ids"];
        let at = check.object(&data, "", &known)?;
        let slices = slices(at, call.now, check)?;
        let passengers = self.passengers(at, check)?;
        let (cabin, stops) = (cabin(at)?, connections(at)?);
        let id = self.id("orq");
        let expires_at = call.now + GOOD_FOR;
        let airlines = AIRLINES.iter().filter(|airline| airline.4 <= stops && self.flights_enabled);
        let mut offers = Vec::new();
        for airline in airlines.copied().collect::<Vec<_>>() {
            let told = self.offer_of(airline, &slices, (&passengers, cabin), (call.now, expires_at));
            let own = told["id"].as_str().expect("an id").to_owned();
            self.offers.insert(own, Offer { told: told.clone(), request: id.clone(), expires_at });
            offers.push(told);
        }
        let told_slice = |slice: &Slice| {
            json!({
                "origin": slice.from.0,
                "origin_type": slice.from.1,
                "destination": slice.to.0,
                "destination_type": slice.to.1,
                "departure_date": slice.day.to_string(),
            })
        };
        let mut told = json!({
            "id": id,
            "live_mode": false,
            "created_at": written(call.now),
            "cabin_class": cabin,
            "passengers": passengers,
            "slices": slices.iter().map(told_slice).collect::<Vec<_>>(),
            "client_key": "FakeClientKey",
        });
        if inline {
            told["offers"] = offers.into();
        }
        Ok(Response::json(201, &json!({ "data": told })))
    }

    pub(super) fn offer(&self, id: &str, now: DateTime<Utc>) -> Done {
        let offer = self.offers.get(id).ok_or_else(|| Refusal::not_found("The offer does not exist.").violation())?;
        if offer.expires_at <= now {
            let what = "The offer is no longer available; create a new offer request.";
            return Err(Refusal::new(422, "airline_error", "offer_no_longer_available", what));
        }
        Ok(Response::json(200, &json!({ "data": offer.told })))
    }

    pub(super) fn offer_list(&self, query: &[(String, String)], check: &mut Check) -> Done {
        check.query(query, &["offer_request_id", "limit", "after", "before", "sort", "max_connections"]);
        let request = query.iter().find(|(own, _)| own == "offer_request_id").map(|(_, value)| value);
        let Some(request) = request else {
            let what = "Field 'offer_request_id' can't be blank";
            return Err(Refusal::field("validation_required", "/offer_request_id", what));
        };
        let own: Vec<_> = self.offers.iter().filter(|(_, offer)| offer.request == *request).collect();
        if own.is_empty() {
            return Err(Refusal::not_found("The offer request does not exist.").violation());
        }
        let ids: Vec<_> = own.iter().map(|(id, _)| (*id).clone()).collect();
        let (range, meta) = page(&ids, query)?;
        let data: Vec<_> = own[range].iter().map(|(_, offer)| &offer.told).collect();
        Ok(Response::json(200, &json!({"data": data, "meta": meta})))
    }

    fn passengers(&mut self, at: At<'_>, check: &mut Check) -> Result<Vec<Value>, Refusal> {
        let known = ["type", "age", "fare_type", "family_name", "given_name", "loyalty_programme_accounts"];
        let mut passengers = Vec::new();
        for (number, passenger) in at.list("passengers")?.iter().enumerate() {
            let pointer = format!("/passengers/{number}");
            let passenger = check.object(passenger, &pointer, &known)?;
            match (passenger.get("type").or(passenger.get("fare_type")), passenger.get("age")) {
                // A fare of its own may go with any age.
                (Some(_), _) if passenger.get("fare_type").is_some() => {}
                (Some(kind), None) => {
                    let kinds = ["adult", "young_adult", "child", "infant_without_seat", "student"];
                    if !kind.as_str().is_some_and(|kind| kinds.contains(&kind)) {
                        return Err(passenger.outside("type", format!("A passenger's type is one of {kinds:?}")));
                    }
                }
                (None, Some(_)) if (0..130).contains(&passenger.whole("age")?) => {}
                (None, Some(_)) => return Err(passenger.outside("age", "There is no such age")),
                _ => return Err(passenger.outside("type", "Either 'type' or 'age' needs to be given")),
            }
            let kind = passenger.get("type").cloned().unwrap_or_default();
            let age = passenger.get("age").cloned().unwrap_or_default();
            passengers.push(json!({"id": self.id("pas"), "type": kind, "age": age}));
        }
        Ok(passengers)
    }

    fn offer_of(
        &mut self,
        airline: Airline,
        slices: &[Slice],
        search: (&[Value], &'static str),
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Value {
        let (passengers, cabin) = search;
        let mut total = 0;
        let told: Vec<_> = slices.iter().map(|slice| self.slice_of(airline, slice, search, &mut total)).collect();
        let heads = i64::try_from(passengers.len()).unwrap_or(1);
        let total = total * heads * if cabin == "economy" { 1 } else { 3 };
        let tax = total / 10;
        json!({
            "id": self.id("off"),
            "live_mode": false,
            "partial": false,
            "created_at": written(now),
            "updated_at": written(now),
            "expires_at": written(expires_at),
            "owner": owner(airline),
            "total_amount": amount(total),
            "total_currency": self.currency,
            "base_amount": amount(total - tax),
            "base_currency": self.currency,
            "tax_amount": amount(tax),
            "tax_currency": self.currency,
            "total_emissions_kg": "120",
            "passengers": passengers,
            "slices": told,
            "conditions": {
                "refund_before_departure": {"allowed": false, "penalty_amount": null, "penalty_currency": null},
                "change_before_departure": null,
            },
            "payment_requirements": {
                "requires_instant_payment": true,
                "price_guarantee_expires_at": null,
                "payment_required_by": null,
            },
            "passenger_identity_documents_required": false,
            "supported_passenger_identity_document_types": [],
            "supported_loyalty_programmes": [],
            "available_services": null,
        })
    }

    /// A slice with its segments, whose prices are added to the total.
    fn slice_of(
        &mut self,
        airline: Airline,
        slice: &Slice,
        search: (&[Value], &'static str),
        total: &mut i64,
    ) -> Value {
        let (_, _, percent, hour, stops) = airline;
        let (from, to) = (slice.from.2, slice.to.2);
        let via = (stops > 0 && from != STOP && to != STOP).then_some(STOP);
        let route: Vec<_> = [from].into_iter().chain(via).chain([to]).collect();
        let begins = slice.day.and_time(NaiveTime::from_hms_opt(hour, 15, 0).expect("a time"));
        let mut departs = begins;
        let mut minutes = 0;
        let mut segments = Vec::new();
        for leg in route.windows(2) {
            let metres = metres(leg[0], leg[1]);
            #[expect(clippy::cast_possible_truncation, reason = "no flight on Earth is that long")]
            let (flown, price) = (30 + (metres / METRES_PER_MINUTE) as i64, 150_000 + (metres / 5.0) as i64);
            *total += price * percent / 100;
            let arrives = departs + Duration::minutes(flown);
            segments.push(self.segment_of(airline, (leg[0], leg[1]), (departs, arrives), search));
            minutes = (arrives - begins).num_minutes();
            departs = arrives + STOP_TIME;
        }
        json!({
            "id": self.id("sli"),
            "origin": data::airport(from),
            "origin_type": "airport",
            "destination": data::airport(to),
            "destination_type": "airport",
            "duration": duration(minutes),
            "fare_brand_name": "Basic",
            "segments": segments,
        })
    }

    fn segment_of(
        &mut self,
        airline: Airline,
        (from, to): (&str, &str),
        (departs, arrives): (NaiveDateTime, NaiveDateTime),
        (passengers, cabin): (&[Value], &'static str),
    ) -> Value {
        let passenger = |passenger: &Value| {
            json!({
                "passenger_id": passenger["id"],
                "cabin_class": cabin,
                "cabin_class_marketing_name": cabin,
                "baggages": [{"type": "carry_on", "quantity": 1}],
            })
        };
        let local = |time: NaiveDateTime| time.format("%Y-%m-%dT%H:%M:%S").to_string();
        let id = self.id("seg");
        let number = (100 + self.serial % 900).to_string();
        json!({
            "id": id,
            "origin": data::airport(from),
            "destination": data::airport(to),
            "departing_at": local(departs),
            "arriving_at": local(arrives),
            "duration": duration((arrives - departs).num_minutes()),
            "marketing_carrier": owner(airline),
            "marketing_carrier_flight_number": number,
            "operating_carrier": owner(airline),
            "operating_carrier_flight_number": number,
            "aircraft": {"id": "arc_0000Fake32N", "iata_code": "32N", "name": "Airbus A320neo"},
            "stops": [],
            "passengers": passengers.iter().map(passenger).collect::<Vec<_>>(),
        })
    }
}

fn owner((code, name, ..): Airline) -> Value {
    json!({"id": format!("arl_0000Fake{code}"), "iata_code": code, "name": name})
}

fn metres(from: &str, to: &str) -> f64 {
    let place = |code: &str| data::AIRPORTS.iter().find(|airport| airport.0 == code).map(|one| (one.6, one.7));
    place(from).zip(place(to)).map_or(0.0, |(from, to)| metres_between(from, to))
}

fn duration(minutes: i64) -> String {
    format!("PT{}H{:02}M", minutes / 60, minutes % 60)
}

fn slices(at: At<'_>, now: DateTime<Utc>, check: &mut Check) -> Result<Vec<Slice>, Refusal> {
    let known = ["origin", "destination", "departure_date", "departure_time", "arrival_time"];
    let mut slices = Vec::new();
    for (number, slice) in at.list("slices")?.iter().enumerate() {
        let pointer = format!("/slices/{number}");
        let slice = check.object(slice, &pointer, &known)?;
        let end = |name: &str| {
            let found = data::end(slice.text(name)?);
            found.ok_or_else(|| slice.outside(name, format!("Field '{name}' is no IATA code")))
        };
        let (from, to) = (end("origin")?, end("destination")?);
        if from.2 == to.2 {
            return Err(slice.outside("destination", "A flight ends elsewhere than it begins"));
        }
        let day = slice.day("departure_date")?;
        if !(-1..=AHEAD_DAYS_MAX).contains(&(day - now.date_naive()).num_days()) {
            return Err(slice.outside("departure_date", "The departure can't be in the past or over a year ahead"));
        }
        slices.push(Slice { from, to, day });
    }
    Ok(slices)
}

fn cabin(at: At<'_>) -> Result<&'static str, Refusal> {
    let Some(cabin) = at.get("cabin_class") else { return Ok(CABINS[0]) };
    let known = CABINS.into_iter().find(|known| cabin == known);
    known.ok_or_else(|| at.outside("cabin_class", "There is no such cabin"))
}

fn connections(at: At<'_>) -> Result<usize, Refusal> {
    if at.get("max_connections").is_none() {
        return Ok(1);
    }
    let most = at.whole("max_connections")?;
    usize::try_from(most).map_err(|_| at.outside("max_connections", "Field 'max_connections' can't be negative"))
}
