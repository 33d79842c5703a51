//! What the acts of this program give back: planners refer to it.

use serde_json::{Map, Value, json};

/// Fields of a result; one with fields of its own is a list of such things.
type Fields = &'static [(&'static str, &'static [&'static str])];

const SENT: Fields = &[("message_id", &[]), ("accepted", &["address"]), ("refused", &["address", "reply"])];
const TOLD: Fields = &[("chat_id", &[]), ("message_id", &[])];
const UID: Fields = &[("uid", &[])];
const ID: Fields = &[("id", &[])];
const REFERENCE: Fields = &[("reference", &[])];

/// By action.
const RESULTS: [(&str, Fields); 28] = [
    ("email.send_email", SENT),
    ("email.send_invitation", &[("message_id", &[]), ("uid", &[]), ("refused", &["address", "reply"])]),
    ("telegram.send_message", TOLD),
    ("telegram.send_notification", TOLD),
    ("notify.send_notification", &[("channel", &[]), ("message_id", &[])]),
    ("meeting.create_meeting", &[("url", &[]), ("provider", &[])]),
    ("meeting.schedule_call", &[("url", &[]), ("uid", &[]), ("message_id", &[])]),
    ("calendar.schedule_event", UID),
    ("calendar.update_event", UID),
    ("calendar.cancel_event", UID),
    ("calendar.set_reminder", UID),
    ("calendar.check_availability", &[("free", &["from", "to"]), ("busy", &["from", "to", "title"])]),
    ("calendar.list_events", &[("events", &["uid", "title", "starts_at", "ends_at"])]),
    ("contacts.add_contact", ID),
    ("contacts.remove_contact", ID),
    ("contacts.remove_details", ID),
    ("contacts.find_contact", &[("contacts", &["id", "name", "email", "telegram", "phone"])]),
    ("memory.remember", ID),
    ("memory.forget", ID),
    ("memory.recall", &[("memories", &["id", "text", "at"])]),
    ("search.search_web", &[("results", &["title", "url", "snippet"])]),
    ("search.find_places", &[("results", &["name", "address", "phone", "email", "website", "lat", "lon"])]),
    (
        "search.search_hotels",
        &[("results", &["offer_id", "name", "description", "address", "price", "terms", "from", "to"])],
    ),
    ("search.search_flights", &[("results", &["offer_id", "name", "description", "airline", "price"])]),
    ("booking.request_reservation", &[("message_id", &[])]),
    ("booking.book_restaurant", &[("message_id", &[])]),
    ("booking.book_hotel", REFERENCE),
    ("booking.cancel_booking", REFERENCE),
];

/// The schema of an action's result; any object where nothing is declared.
pub(super) fn of(action: &str) -> Value {
    let fields = RESULTS.iter().find(|(name, _)| *name == action).map_or(&[][..], |(_, fields)| *fields);
    let any =
        |names: &[&str]| -> Map<String, Value> { names.iter().map(|name| ((*name).to_owned(), json!({}))).collect() };
    let schema = |(name, inner): &(&str, &[&str])| {
        let items = json!({"type": "object", "properties": any(inner)});
        let schema = if inner.is_empty() { json!({}) } else { json!({"type": "array", "items": items}) };
        ((*name).to_owned(), schema)
    };
    let properties: Map<String, Value> = fields.iter().map(schema).collect();
    json!({"type": "object", "properties": properties})
}
