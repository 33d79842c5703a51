//! Actions of the plan language that this release does not have: known, so that validation says
//! *not available* with the reason instead of *unknown*.

use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};

use super::spec;

/// Their plugins.
pub(super) const PLUGINS: &[(&str, &str)] =
    &[("search", "Looks for places, hotels, flights and web pages"), ("booking", "Makes reservations")];

pub(super) fn specs() -> Vec<ActionSpec> {
    let text = || json!({"type": "string"});
    let reservation = || {
        json!({"venue": text(), "venue_email": text(), "date": text(), "time": text(),
            "people": {"type": "integer", "minimum": 1}, "name": text(), "notes": text()})
    };
    let needed = ["venue", "venue_email", "date", "time", "people"];
    let rows: [(&str, Value, &[&str], ReachRule); 8] = [
        (
            "search.search_web",
            json!({"query": text(), "limit": {"type": "integer"}}),
            &["query"],
            ReachRule::ReadOutside,
        ),
        (
            "search.find_places",
            json!({"query": text(), "near": text(), "limit": {"type": "integer"}}),
            &["query", "near"],
            ReachRule::ReadOutside,
        ),
        (
            "search.search_hotels",
            json!({"place": text(), "from": text(), "to": text(), "people": {"type": "integer"}, "max_price": {}}),
            &["place"],
            ReachRule::ReadOutside,
        ),
        (
            "search.search_flights",
            json!({"from": text(), "to": text(), "date": text(), "people": {"type": "integer"}, "max_price": {}}),
            &["from", "to"],
            ReachRule::ReadOutside,
        ),
        ("booking.request_reservation", reservation(), &needed, ReachRule::World),
        ("booking.book_restaurant", reservation(), &needed, ReachRule::World),
        (
            "booking.book_hotel",
            json!({"offer_id": text(), "guests": {"type": "array"}}),
            &["offer_id"],
            ReachRule::World,
        ),
        ("booking.cancel_booking", json!({"reference": text()}), &["reference"], ReachRule::World),
    ];
    rows.into_iter()
        .map(|(name, properties, required, reach)| ActionSpec {
            unavailable: Some("this release does not have it".to_owned()),
            ..spec(name, "Not in this release", properties, required, reach)
        })
        .collect()
}
