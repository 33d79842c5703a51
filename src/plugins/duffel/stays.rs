//! Hotels on the wire: search, rates, quotes, bookings
//! (<https://duffel.com/docs/guides/getting-started-with-stays>).

use serde::Deserialize;
use serde_json::{Value, json};
use workflows::ports::ActionError;

use super::{Duffel, Refused};
use crate::plugins::money::Money;
use crate::plugins::web::Kind;

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
    rates: Vec<Rate>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rate {
    id: String,
    total_amount: String,
    total_currency: String,
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

    /// The id of the cheapest rate of a hotel that was found.
    pub(crate) async fn cheapest_rate(&self, found: &str) -> Result<String, Refused> {
        let path = ["stays", "search_results", found, "actions", "fetch_all_rates"];
        let rates: Rates = self.post(Kind::Look, &path, &[], &json!({})).await?.data;
        let all = rates.accommodation.rooms.into_iter().flat_map(|room| room.rates);
        let priced =
            all.filter_map(|rate| Some((Money::read(&rate.total_amount, &rate.total_currency)?.amount, rate.id)));
        let none = || Refused { error: ActionError::fail("that hotel has no room left"), code: String::new() };
        priced.min().map(|(_, id)| id).ok_or_else(none)
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
