//! Hotels: asked for their price again, booked only at the one that was shown, under the act's key.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use workflows::failpoint;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, LookUp, Offer, UndoCall};

use super::BookingPlugin;
use crate::plugins::duffel::Duffel;
use crate::plugins::duffel::stays::{Booking, Guests, Quote};
use crate::plugins::money::Money;
use crate::plugins::web::plain;
use crate::plugins::{dates, outcome, text};

/// The code of a price that does not stand any more, at the booking too.
const RATE_UNAVAILABLE: &str = "rate_unavailable";

impl BookingPlugin {
    pub(super) async fn book_hotel(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let duffel = self.duffel()?;
        let offer = text(&call.args, "offer_id").unwrap_or_default();
        let quote = quote(duffel, offer).await?;
        differs(call, &quote)?;
        let guests = Guests {
            names: call.args.get("guests").unwrap_or(&Value::Null),
            email: text(&call.args, "email").unwrap_or_default(),
            phone: text(&call.args, "phone").unwrap_or_default(),
            requests: text(&call.args, "requests"),
        };
        failpoint::hit("booking.book.before");
        let booked = duffel.book(&quote, &guests, call.effect_id.as_str()).await;
        failpoint::hit("booking.book.after");
        match booked {
            Ok(booking) => Ok(booked_outcome(&booking)),
            // Not booked: what it costs now is asked for, and then the person.
            Err(refused) if refused.code == RATE_UNAVAILABLE => {
                differs(call, &self::quote(duffel, offer).await?)?;
                Err(refused.error)
            }
            Err(refused) => Err(refused.error),
        }
    }

    /// Whether the act's booking is there. That it is not listed does not say that it never will be:
    /// a hotel may still be at work on it.
    pub(super) async fn look_up_hotel(&self, call: &ActionCall) -> LookUp {
        let Ok(duffel) = self.duffel() else { return LookUp::CannotTell(super::OFF.to_owned()) };
        match duffel.booking_of(call.effect_id.as_str()).await {
            Ok(Some(booking)) => LookUp::Done(booked_outcome(&booking)),
            Ok(None) => {
                LookUp::CannotTell("Duffel lists no such booking now; it may still be in the making".to_owned())
            }
            Err(refused) => LookUp::CannotTell(refused.error.message),
        }
    }

    pub(super) async fn cancel_hotel(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let reference = text(&call.args, "reference").unwrap_or_default();
        let booking = self.duffel()?.cancel(reference).await.map_err(|refused| refused.error)?;
        if booking.is_cancelled() {
            Ok(cancelled_outcome(&booking))
        } else {
            Err(ActionError::unknown(format!("Duffel says the booking is {}", plain(&booking.status))))
        }
    }

    pub(super) async fn look_up_cancelled(&self, call: &ActionCall) -> LookUp {
        let Ok(duffel) = self.duffel() else { return LookUp::CannotTell(super::OFF.to_owned()) };
        match duffel.booking(text(&call.args, "reference").unwrap_or_default()).await {
            Ok(booking) if booking.is_cancelled() => LookUp::Done(cancelled_outcome(&booking)),
            Ok(_) => LookUp::Absent,
            Err(refused) => LookUp::CannotTell(refused.error.message),
        }
    }
}

/// The price of a hotel that was found, as it is now.
async fn quote(duffel: &Duffel, offer: &str) -> Result<Quote, ActionError> {
    let asked = async { duffel.quote(&duffel.cheapest_rate(offer).await?).await };
    asked.await.map_err(|refused| match refused.code.as_str() {
        "not_found" | "result_no_longer_available" | RATE_UNAVAILABLE => {
            ActionError::fail("that offer does not stand any more: look for hotels again")
        }
        _ => refused.error,
    })
}

/// Fails when a quote is not for exactly what was shown, with what it is for as an offer.
pub(super) fn differs(call: &ActionCall, quote: &Quote) -> Result<(), ActionError> {
    let shown = call.args.get("price").and_then(|price| Money::of(price, ""));
    let price = quote.price().ok_or_else(|| ActionError::fail("Duffel's price cannot be read"))?;
    let hotel = plain(&quote.accommodation.name);
    let mut args: Map<String, Value> = call.args.clone();
    let mut changes = Vec::new();
    if shown.as_ref() != Some(&price) {
        let before = shown.map_or_else(|| "not known".to_owned(), |shown| shown.to_string());
        changes.push(format!("the price is {price} now, not {before}"));
        args.insert("price".to_owned(), price.as_value());
    }
    if text(&call.args, "hotel") != Some(hotel.as_str()) {
        changes.push(format!("the offer is for {hotel}"));
        args.insert("hotel".to_owned(), Value::from(hotel));
    }
    for (name, day) in [("from", &quote.check_in_date), ("to", &quote.check_out_date)] {
        if day.parse::<NaiveDate>().ok() != Some(dates::arg(call, name)?) {
            changes.push(format!("the offer is {name} {}", plain(day)));
            args.insert(name.to_owned(), Value::from(plain(day)));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let name = format!("Book it like that: {price}");
    let words = format!("Nothing is booked: {}", changes.join("; "));
    Err(ActionError::offering(words, vec![Offer { name, args }]))
}

fn booked_outcome(booking: &Booking) -> ActionOutcome {
    let hotel = plain(&booking.accommodation.name);
    let reference = booking.reference.as_deref().map(plain);
    let result = json!({"reference": booking.id, "hotel_reference": reference, "hotel": hotel,
        "from": booking.check_in_date, "to": booking.check_out_date});
    let called = reference.unwrap_or_else(|| booking.id.clone());
    let detail = format!(
        "{hotel} is booked from {} to {}; reference {called}",
        plain(&booking.check_in_date),
        plain(&booking.check_out_date)
    );
    let args = Map::from_iter([("reference".to_owned(), Value::from(booking.id.as_str()))]);
    let undo = Some(UndoCall { action: "booking.cancel_booking".to_owned(), args });
    ActionOutcome { undo, ..outcome(result, detail) }
}

fn cancelled_outcome(booking: &Booking) -> ActionOutcome {
    let hotel = plain(&booking.accommodation.name);
    outcome(json!({"reference": booking.id}), format!("The booking of {hotel} is cancelled"))
}
