//! Actions of the plan language that this release does not have: known, so that validation says
//! *not available* with the reason instead of *unknown*.

use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};

use super::spec;

pub(super) fn specs() -> Vec<ActionSpec> {
    let text = || json!({"type": "string"});
    let rows: [(&str, Value, &[&str], ReachRule); 2] = [
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
    ];
    rows.into_iter()
        .map(|(name, properties, required, reach)| ActionSpec {
            unavailable: Some("this release does not have it".to_owned()),
            ..spec(name, "Not in this release", properties, required, reach)
        })
        .collect()
}
