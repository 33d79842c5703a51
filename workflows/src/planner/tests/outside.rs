//! The actions of search and booking with the schemas of their plugins, for the test catalog.

use serde_json::{Value, json};

use super::spec;
use crate::action::{ActionSpec, ReachRule};

fn money() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["amount", "currency"], "properties": {
        "amount": {"type": "number", "minimum": 0}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}})
}

fn shape(required: &[&str], properties: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

/// Each with its required parameters.
fn rows() -> [(&'static str, Value); 8] {
    let text = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
    let count = |most: usize| json!({"type": "integer", "minimum": 1, "maximum": most});
    let day = json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"});
    let email = json!({"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[^\\s<>@]+@[^\\s<>@]+$"});
    let name = text(100);
    let town = json!({"type": "string", "minLength": 2, "maxLength": 100});
    let guest = shape(&["given_name", "family_name"], &json!({"given_name": name, "family_name": name}));
    let reservation = shape(
        &["venue", "venue_email", "date", "time", "people"],
        &json!({"venue": text(300), "venue_email": email, "date": day,
            "time": {"type": "string", "pattern": "^([01]?\\d|2[0-3]):[0-5]\\d$"}, "people": count(5_000),
            "name": text(300), "phone": text(300), "notes": {"type": "string", "maxLength": 2_000}}),
    );
    [
        ("search.search_web", shape(&["query"], &json!({"query": text(300), "limit": count(30)}))),
        (
            "search.find_places",
            shape(&["query", "near"], &json!({"query": text(300), "near": text(300), "limit": count(30)})),
        ),
        (
            "search.search_hotels",
            shape(
                &["place", "from", "to"],
                &json!({"place": text(200), "from": day, "to": day, "people": count(50), "rooms": count(10),
                    "max_price": money(), "limit": count(30)}),
            ),
        ),
        (
            "search.search_flights",
            shape(
                &["from", "to", "date"],
                &json!({"from": town, "to": town, "date": day, "return_date": day, "people": count(9),
                    "cabin": {"enum": ["economy", "premium_economy", "business", "first"]}, "max_price": money(),
                    "limit": count(30)}),
            ),
        ),
        ("booking.book_restaurant", reservation.clone()),
        ("booking.request_reservation", reservation),
        (
            "booking.book_hotel",
            shape(
                &["offer_id", "hotel", "from", "to", "price", "guests", "email", "phone"],
                &json!({"offer_id": text(100), "hotel": text(300), "from": day, "to": day, "price": money(), "terms": text(1_000),
                    "guests": {"type": "array", "minItems": 1, "maxItems": 50, "items": guest}, "email": email,
                    "phone": {"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$"},
                    "requests": {"type": "string", "maxLength": 1_000}}),
            ),
        ),
        ("booking.cancel_booking", shape(&["reference"], &json!({"reference": text(300)}))),
    ]
}

pub(super) fn specs(off: impl Fn(&str) -> Option<&'static str>) -> impl Iterator<Item = ActionSpec> {
    rows().into_iter().map(move |(name, parameters)| {
        let reach = if name.starts_with("search.") { ReachRule::ReadOutside } else { ReachRule::World };
        ActionSpec { reach, ..spec(name, parameters, off(name)) }
    })
}
