//! Bookings: tables and rooms by a letter to the venue, hotels by Duffel.

mod hotel;
mod reservation;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, LookUp};

use super::duffel::{Duffel, OFF};
use super::email::Mailer;
use super::money::Money;
use super::{Plugin, PluginDeps, dates, spec, text};

/// Guests a venue is asked about at once.
const PEOPLE_MAX: u32 = 5_000;
/// Guests named in a hotel booking.
const GUESTS_MAX: usize = 50;
/// The longest one attempt may take: a hotel is asked for its rates, its price and its booking.
const TIME_LIMIT: Duration = Duration::from_secs(170);

/// `booking.*`.
pub struct BookingPlugin {
    mailer: Arc<Mailer>,
    duffel: Option<Duffel>,
}

impl BookingPlugin {
    pub(super) fn new(deps: &PluginDeps, mailer: Arc<Mailer>) -> Self {
        let duffel = deps.duffel.clone().map(|config| Duffel::new(config, deps.outgoing.clone()));
        Self { mailer, duffel }
    }

    fn duffel(&self) -> Result<&Duffel, ActionError> {
        self.duffel.as_ref().ok_or_else(|| ActionError::fail(OFF))
    }
}

fn reservation_specs(off: Option<&String>) -> Vec<ActionSpec> {
    let line = json!({"type": "string", "minLength": 1, "maxLength": 300});
    let address = json!({"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[^\\s<>@]+@[^\\s<>@]+$"});
    let properties = json!({
        "venue": line, "venue_email": address, "date": dates::schema(),
        "time": {"type": "string", "pattern": "^([01]?\\d|2[0-3]):[0-5]\\d$"},
        "people": {"type": "integer", "minimum": 1, "maximum": PEOPLE_MAX},
        "name": line, "phone": line, "notes": {"type": "string", "maxLength": 2_000}});
    let needed = ["venue", "venue_email", "date", "time", "people"];
    let one = |name: &str, summary: &str| ActionSpec {
        undo: Some("booking.cancel_booking"),
        targets: &["venue_email"],
        future: &["date"],
        unavailable: off.cloned(),
        ..spec(name, summary, properties.clone(), &needed, ReachRule::World)
    };
    vec![
        one("booking.request_reservation", "Asks a venue by mail for a date"),
        one("booking.book_restaurant", "Asks a restaurant by mail for a table"),
    ]
}

fn hotel_spec(off: Option<String>) -> ActionSpec {
    let line = json!({"type": "string", "minLength": 1, "maxLength": 300});
    let name = json!({"type": "string", "minLength": 1, "maxLength": 100});
    let guest = json!({"type": "object", "additionalProperties": false, "required": ["given_name", "family_name"],
        "properties": {"given_name": name, "family_name": name}});
    let properties = json!({
        "offer_id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
        "hotel": line, "from": dates::schema(), "to": dates::schema(), "price": Money::schema(),
        "guests": {"type": "array", "minItems": 1, "maxItems": GUESTS_MAX, "items": guest},
        "email": {"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[^\\s<>@]+@[^\\s<>@]+$"},
        "phone": {"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$"},
        "terms": {"type": "string", "maxLength": 1_000}, "requests": {"type": "string", "maxLength": 1_000}});
    let needed = ["offer_id", "hotel", "from", "to", "price", "guests", "email", "phone"];
    ActionSpec {
        look_up: true,
        undo: Some("booking.cancel_booking"),
        future: &["from", "to"],
        unavailable: off,
        ..spec(
            "booking.book_hotel",
            "Books a hotel that was found, at the price shown",
            properties,
            &needed,
            ReachRule::World,
        )
    }
}

fn cancel_spec(off: Option<String>) -> ActionSpec {
    let line = json!({"type": "string", "minLength": 1, "maxLength": 300});
    let mut properties = json!({"reference": line});
    if let [request, ..] = reservation_specs(None).as_slice() {
        let known = request.parameters["properties"].as_object().into_iter().flatten();
        for (name, schema) in known.filter(|(name, _)| *name != "notes") {
            properties[name] = schema.clone();
        }
    }
    ActionSpec {
        look_up: true,
        unavailable: off,
        ..spec("booking.cancel_booking", "Cancels a booking or a request", properties, &["reference"], ReachRule::World)
    }
}

#[async_trait]
impl Plugin for BookingPlugin {
    fn name(&self) -> &'static str {
        "booking"
    }

    fn description(&self) -> &'static str {
        "Asks venues and restaurants by mail, books hotels"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let no_mail = self.mailer.unavailable();
        let no_hotels = self.duffel.is_none().then(|| OFF.to_owned());
        let neither = no_mail.as_ref().zip(no_hotels.as_ref()).map(|(mail, hotels)| format!("{mail}; {hotels}"));
        let mut specs = reservation_specs(no_mail.as_ref());
        specs.extend([hotel_spec(no_hotels), cancel_spec(neither)]);
        specs
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "booking.request_reservation" | "booking.book_restaurant" => self.request(&call).await,
            "booking.book_hotel" => self.book_hotel(&call).await,
            "booking.cancel_booking" if text(&call.args, "venue_email").is_some() => self.withdraw(&call).await,
            "booking.cancel_booking" => self.cancel_hotel(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }

    async fn look_up(&self, call: ActionCall) -> LookUp {
        match call.action.as_str() {
            "booking.book_hotel" => self.look_up_hotel(&call).await,
            "booking.cancel_booking" if text(&call.args, "venue_email").is_none() => {
                self.look_up_cancelled(&call).await
            }
            _ => LookUp::CannotTell("the letter may have gone out".to_owned()),
        }
    }

    fn time_limit(&self, _action: &str) -> Duration {
        TIME_LIMIT
    }
}
