//! Hotels on the wire: search, rates, quotes, bookings
//! (<https://duffel.com/docs/guides/getting-started-with-stays>).

use serde::Deserialize;
use serde_json::{Value, json};
use workflows::ports::ActionError;

use super::{Duffel, Refused};
use crate::plugins::money::Money;
use crate::plugins::web::{Kind, plain};

/// Longest description of what is bought, in characters.
const TERMS_CHARS_MAX: usize = 600;
/// What marks a booking as one act's.
const KEY: &str = "super_manager_act";
/// Bookings asked for at once.
const PAGE: &str = "200";
/// Pages of bookings looked through for one act's.
const PAGES_MAX: usize = 5;

/// What is looked for.
pub(crate) struct Wanted {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) radius_km: u32,
    pub(crate) check_in: String,
    pub(crate) check_out: String,
    pub(crate) people: u32,
    pub(crate) rooms: u32,
}

/// A hotel with the price of its cheapest room.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) accommodation: Accommodation,
    cheapest_rate_total_amount: Option<String>,
    cheapest_rate_currency: Option<String>,
}

impl Found {
    /// The price of the whole stay.
    pub(crate) fn price(&self) -> Option<Money> {
        Money::read(self.cheapest_rate_total_amount.as_deref()?, self.cheapest_rate_currency.as_deref()?)
    }
}

/// A hotel.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Accommodation {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) location: Option<Location>,
    #[serde(default)]
    pub(crate) rating: Option<u32>,
    #[serde(default)]
    pub(crate) review_score: Option<f64>,
    #[serde(default)]
    pub(crate) phone_number: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    rooms: Vec<Room>,
}

/// Where it is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Location {
    #[serde(default)]
    pub(crate) address: Option<Address>,
    #[serde(default)]
    pub(crate) geographic_coordinates: Option<Coordinates>,
}

/// A postal address.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Address {
    #[serde(default)]
    line_one: Option<String>,
    #[serde(default)]
    city_name: Option<String>,
    #[serde(default)]
    postal_code: Option<String>,
    #[serde(default)]
    country_code: Option<String>,
}

impl Address {
    pub(crate) fn line(&self) -> String {
        let parts = [&self.line_one, &self.postal_code, &self.city_name, &self.country_code];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// A point.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Coordinates {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Room {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    rates: Vec<Rate>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rate {
    id: String,
    total_amount: String,
    total_currency: String,
    #[serde(default)]
    board_type: Option<String>,
    #[serde(default)]
    cancellation_timeline: Vec<Refund>,
    #[serde(default)]
    due_at_accommodation_amount: Option<String>,
    #[serde(default)]
    due_at_accommodation_currency: Option<String>,
}

/// What is paid back by whoever cancels before a time.
#[derive(Debug, Clone, Deserialize)]
struct Refund {
    before: String,
    #[serde(rename = "refund_amount")]
    amount: String,
    currency: String,
}

impl Rate {
    /// What is bought beside the hotel and the days: the room, the meals, what comes back when it is
    /// cancelled, what is paid there.
    fn terms(&self, room: &Room) -> String {
        let mut parts: Vec<String> = room.name.as_deref().map(plain).into_iter().collect();
        parts.extend(self.board_type.as_deref().map(|board| plain(board).replace('_', " ")));
        let money = |amount: &str, currency: &str| {
            Money::read(amount, currency)
                .map_or_else(|| plain(&format!("{currency} {amount}")), |money| money.to_string())
        };
        let back = self.cancellation_timeline.iter().map(|refund| {
            // `2026-12-10T00:00:00.000Z`, as far as its minute.
            let before: String = refund.before.chars().take(16).collect();
            let until = plain(&before.replace('T', " "));
            format!("{} back until {until} UTC", money(&refund.amount, &refund.currency))
        });
        let back: Vec<String> = back.collect();
        parts.push(if back.is_empty() { "no refund".to_owned() } else { back.join(", then ") });
        if let (Some(amount), Some(currency)) = (&self.due_at_accommodation_amount, &self.due_at_accommodation_currency)
        {
            parts.push(format!("{} more to pay there", money(amount, currency)));
        }
        parts.join("; ").chars().take(TERMS_CHARS_MAX).collect()
    }
}

/// A price that is held for a while.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Quote {
    id: String,
    total_amount: String,
    total_currency: String,
    pub(crate) check_in_date: String,
    pub(crate) check_out_date: String,
    pub(crate) accommodation: Accommodation,
}

impl Quote {
    pub(crate) fn price(&self) -> Option<Money> {
        Money::read(&self.total_amount, &self.total_currency)
    }

    /// What is bought, in words.
    pub(crate) fn terms(&self) -> String {
        let room = self.accommodation.rooms.first();
        room.and_then(|room| Some(room.rates.first()?.terms(room)))
            .unwrap_or_else(|| "its terms are not told".to_owned())
    }
}

/// A booking.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Booking {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) reference: Option<String>,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) metadata: Option<Value>,
    pub(crate) check_in_date: String,
    pub(crate) check_out_date: String,
    pub(crate) accommodation: Accommodation,
}

impl Booking {
    pub(crate) fn is_confirmed(&self) -> bool {
        self.status == "confirmed"
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.status == "cancelled"
    }
}

/// Who stays, and how they are reached.
pub(crate) struct Guests<'a> {
    pub(crate) names: &'a Value,
    pub(crate) email: &'a str,
    pub(crate) phone: &'a str,
    pub(crate) requests: Option<&'a str>,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Rates {
    accommodation: Accommodation,
}

impl Duffel {
    pub(crate) async fn search_stays(&self, wanted: &Wanted) -> Result<Vec<Found>, ActionError> {
        let guests: Vec<Value> = (0..wanted.people).map(|_| json!({"type": "adult"})).collect();
        let coordinates = json!({"latitude": wanted.latitude, "longitude": wanted.longitude});
        let asked = json!({"rooms": wanted.rooms, "guests": guests,
            "check_in_date": wanted.check_in, "check_out_date": wanted.check_out,
            "location": {"radius": wanted.radius_km, "geographic_coordinates": coordinates}});
        Ok(self.post::<Results>(Kind::Look, &["stays", "search"], &[], &asked).await?.data.results)
    }

    /// The id of the cheapest rate of a hotel that was found, and its terms.
    pub(crate) async fn cheapest_rate(&self, found: &str) -> Result<(String, String), Refused> {
        let path = ["stays", "search_results", found, "actions", "fetch_all_rates"];
        let rates: Rates = self.post(Kind::Look, &path, &[], &json!({})).await?.data;
        let rooms = &rates.accommodation.rooms;
        let all = rooms.iter().flat_map(|room| room.rates.iter().map(move |rate| (room, rate)));
        let priced = all.filter_map(|(room, rate)| {
            let price = Money::read(&rate.total_amount, &rate.total_currency)?;
            Some((price.amount, rate.id.clone(), rate.terms(room)))
        });
        let none = || Refused { error: ActionError::fail("that hotel has no room left"), code: String::new() };
        priced.min().map(|(_, id, terms)| (id, terms)).ok_or_else(none)
    }

    /// Asks for a price that holds. Nothing is booked by it.
    pub(crate) async fn quote(&self, rate: &str) -> Result<Quote, Refused> {
        Ok(self.post(Kind::Look, &["stays", "quotes"], &[], &json!({"rate_id": rate})).await?.data)
    }

    /// Books, under the act's key.
    pub(crate) async fn book(&self, quote: &Quote, guests: &Guests<'_>, key: &str) -> Result<Booking, Refused> {
        let mut asked = json!({"quote_id": quote.id, "guests": guests.names, "email": guests.email,
            "phone_number": guests.phone, "metadata": {KEY: key}});
        if let Some(requests) = guests.requests {
            asked["accommodation_special_requests"] = Value::from(requests);
        }
        Ok(self.post(Kind::Act, &["stays", "bookings"], &[], &asked).await?.data)
    }

    pub(crate) async fn booking(&self, id: &str) -> Result<Booking, Refused> {
        Ok(self.get(&["stays", "bookings", id], &[]).await?.data)
    }

    /// The booking that was made under an act's key, among the newest.
    pub(crate) async fn booking_of(&self, key: &str) -> Result<Option<Booking>, Refused> {
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page = self.get::<Vec<Booking>>(&["stays", "bookings"], &query).await?;
            let is_it = |booking: &Booking| {
                booking.metadata.as_ref().and_then(|metadata| metadata.get(KEY)?.as_str()) == Some(key)
            };
            after = page.meta.unwrap_or_default().after;
            let found = page.data.into_iter().find(is_it);
            if found.is_some() || after.is_none() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<Booking, Refused> {
        Ok(self.post(Kind::Act, &["stays", "bookings", id, "actions", "cancel"], &[], &json!({})).await?.data)
    }
}
