//! Booking and cancelling stays: <https://duffel.com/docs/api/v2/bookings>.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::check::{At, Check};
use super::stays::Rate;
use super::{Call, Done, Duffel, Refusal, Script, data_of, page, written};
use crate::fake_http::Response;

/// How long a phone number of E.164 may be, with its plus.
const PHONE_CHARS_MAX: usize = 16;

/// What became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Duffel does not know yet, and does not list it.
    Pending,
    /// It stands.
    Confirmed,
    /// It was given up.
    Cancelled,
    /// It never came about.
    Failed,
}

/// A booking as it really is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Booking {
    /// Its id with Duffel.
    pub(crate) id: String,
    /// Its reference with the hotel.
    pub(crate) reference: String,
    /// What became of it.
    pub(crate) status: Status,
    /// The quote it was made from.
    pub(crate) quote_id: String,
    /// The name of the hotel.
    pub(crate) hotel: String,
    /// The first day.
    pub(crate) check_in: NaiveDate,
    /// The last day.
    pub(crate) check_out: NaiveDate,
    /// What it costs, in hundredths of the currency.
    pub(crate) total: i64,
    /// The currency.
    pub(crate) currency: String,
    /// Given and family names.
    pub(crate) guests: Vec<(String, String)>,
    /// The first guest's address.
    pub(crate) email: String,
    /// The first guest's number.
    pub(crate) phone: String,
    /// What the client attached; null when nothing.
    pub(crate) metadata: Value,
    /// When it was made.
    pub(crate) made_at: DateTime<Utc>,
    /// When it was cancelled.
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    /// What was paid back then, in hundredths of the currency.
    pub(crate) refund: Option<i64>,
    rate: Rate,
}

impl Duffel {
    pub(super) fn book(&mut self, call: &Call<'_>, check: &mut Check) -> Done {
        let data = data_of(call.request)?;
        let known = [
            "quote_id",
            "guests",
            "email",
            "phone_number",
            "metadata",
            "accommodation_special_requests",
            "loyalty_programme_account_number",
            "payment",
            "users",
        ];
        let at = check.object(&data, "", &known)?;
        let guests = guests(at, check)?;
        let (email, phone) = contact(at)?;
        if at.get("metadata").is_some_and(|metadata| !metadata.is_object()) {
            return Err(at.misspelt("metadata", "Field 'metadata' needs to be an object"));
        }
        let metadata = at.get("metadata").cloned().unwrap_or_default();
        let Some(quote) = self.quotes.get_mut(at.text("quote_id")?) else {
            return Err(Refusal::not_found("The quote does not exist.").violation());
        };
        if quote.attempted {
            let what = "A booking was attempted with this quote already. Look for it before you create a new quote.";
            return Err(Refusal::state("booking_already_attempted", what));
        }
        if quote.expires_at <= call.now {
            return Err(Refusal::state("rate_unavailable", "The quote has expired; create a new one."));
        }
        quote.attempted = true;
        let (quote_id, mut rate) = (quote.id.clone(), quote.rate.clone());
        if self.script(|script| *script == Script::PriceAtBooking).is_some() {
            return Err(Refusal::state("rate_unavailable", "The price of the rate has changed; create a new quote."));
        }
        if let Some(Script::BookedAt(percent)) = self.script(|script| matches!(script, Script::BookedAt(_))) {
            rate.change(percent);
        }
        let later = self.script(|script| matches!(script, Script::Accepted | Script::BookedWithoutData));
        let id = self.id("bok");
        let booking = Booking {
            reference: format!("FAKE{:06}", self.serial),
            status: if later == Some(Script::Accepted) { Status::Pending } else { Status::Confirmed },
            quote_id,
            hotel: self.hotels[rate.hotel].name.clone(),
            check_in: rate.stay.check_in,
            check_out: rate.stay.check_out,
            total: rate.total,
            currency: rate.currency.clone(),
            guests,
            email,
            phone,
            metadata,
            made_at: call.now,
            cancelled_at: None,
            refund: None,
            rate,
            id,
        };
        let told = self.told(&booking);
        self.bookings.push(booking);
        let request_id = self.request_id();
        let without_data =
            |status| Response::json(status, &json!({"meta": {"status": status, "request_id": request_id}}));
        Ok(match later {
            Some(Script::Accepted) => without_data(202),
            Some(_) => without_data(200),
            None => Response::json(201, &json!({ "data": told })),
        })
    }

    pub(super) fn booking_list(&mut self, query: &[(String, String)], check: &mut Check) -> Done {
        check.query(query, &["limit", "after", "before", "user_id"]);
        // The newest first.
        let listed: Vec<_> = self.bookings.iter().rev().filter(|booking| booking.is_known()).collect();
        let ids: Vec<_> = listed.iter().map(|booking| booking.id.clone()).collect();
        let (range, meta) = page(&ids, query)?;
        let data: Vec<_> = listed[range].iter().map(|booking| self.told(booking)).collect();
        Ok(Response::json(200, &json!({"data": data, "meta": meta})))
    }

    pub(super) fn booking(&mut self, id: &str) -> Done {
        let found = self.bookings.iter().find(|booking| booking.id == id && booking.is_known());
        let booking = found.ok_or_else(|| Refusal::not_found("The booking does not exist."))?;
        Ok(Response::json(200, &json!({ "data": self.told(booking) })))
    }

    pub(super) fn cancel(&mut self, id: &str, now: DateTime<Utc>) -> Done {
        let found = self.bookings.iter().position(|booking| booking.id == id && booking.is_known());
        let at = found.ok_or_else(|| Refusal::not_found("The booking does not exist.").violation())?;
        let booking = &mut self.bookings[at];
        if booking.status != Status::Confirmed {
            return Err(Refusal::state("already_cancelled", "The booking is cancelled already."));
        }
        let due = booking.rate.timeline.iter().find(|(before, _)| now < *before);
        booking.refund = Some(due.map_or(0, |(_, refund)| *refund));
        booking.status = Status::Cancelled;
        booking.cancelled_at = Some(now);
        let told = self.told(&self.bookings[at]);
        Ok(Response::json(200, &json!({ "data": told })))
    }

    fn told(&self, booking: &Booking) -> Value {
        let guest =
            |(given, family): &(String, String)| json!({"given_name": given, "family_name": family, "user_id": null});
        json!({
            "id": booking.id,
            "reference": booking.reference,
            "status": if booking.status == Status::Cancelled { "cancelled" } else { "confirmed" },
            "accommodation": self.accommodation(&booking.rate),
            "check_in_date": booking.check_in.to_string(),
            "check_out_date": booking.check_out.to_string(),
            "rooms": booking.rate.stay.rooms,
            "guests": booking.guests.iter().map(guest).collect::<Vec<_>>(),
            "email": booking.email,
            "phone_number": booking.phone,
            "metadata": booking.metadata,
            "loyalty_programme_account_number": null,
            "supported_loyalty_programme": null,
            "users": [],
            "confirmed_at": written(booking.made_at),
            "cancelled_at": booking.cancelled_at.map(written),
        })
    }

    pub(super) fn foreign_booking(&mut self, now: DateTime<Utc>) {
        let id = self.id("bok");
        let quote_id = self.id("quo");
        let rate = Rate::foreign(now, &self.currency);
        self.bookings.push(Booking {
            reference: format!("ELSE{:06}", self.serial),
            status: Status::Confirmed,
            quote_id,
            hotel: self.hotels[rate.hotel].name.clone(),
            check_in: rate.stay.check_in,
            check_out: rate.stay.check_out,
            total: rate.total,
            currency: rate.currency.clone(),
            guests: vec![("Somebody".to_owned(), "Else".to_owned())],
            email: "somebody@else.example".to_owned(),
            phone: "+442080160509".to_owned(),
            metadata: Value::Null,
            made_at: now,
            cancelled_at: None,
            refund: None,
            rate,
            id,
        });
    }

    pub(super) fn settle(&mut self, confirmed: bool) {
        let status = if confirmed { Status::Confirmed } else { Status::Failed };
        self.bookings
            .iter_mut()
            .filter(|booking| booking.status == Status::Pending)
            .for_each(|booking| booking.status = status);
    }
}

impl Booking {
    /// Whether Duffel tells of it.
    fn is_known(&self) -> bool {
        matches!(self.status, Status::Confirmed | Status::Cancelled)
    }
}

fn guests(at: At<'_>, check: &mut Check) -> Result<Vec<(String, String)>, Refusal> {
    let mut guests = Vec::new();
    for (number, guest) in at.list("guests")?.iter().enumerate() {
        let pointer = format!("/guests/{number}");
        let guest = check.object(guest, &pointer, &["given_name", "family_name", "user_id"])?;
        guests.push((guest.text("given_name")?.to_owned(), guest.text("family_name")?.to_owned()));
    }
    Ok(guests)
}

fn contact(at: At<'_>) -> Result<(String, String), Refusal> {
    let (email, phone) = (at.text("email")?, at.text("phone_number")?);
    if !email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
        return Err(at.misspelt("email", "Field 'email' needs to be an email address"));
    }
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let all = digits.len() > 1 && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !all || phone.len() > PHONE_CHARS_MAX {
        return Err(at.misspelt("phone_number", "Field 'phone_number' needs to be in E.164 format"));
    }
    Ok((email.to_owned(), phone.to_owned()))
}
