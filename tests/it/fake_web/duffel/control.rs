//! Telling the stand-in what to do, and asking it what was done.

use super::{Booking, Duffel, Hotel, Refusal, Status};
use crate::fake_web::Fake;

/// What goes otherwise than the client expects, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// The next quote has the price of its rate changed by so many percent.
    PriceAtQuote(i64),
    /// The next booking is refused, for the price changed since the quote.
    PriceAtBooking,
    /// The next booking is made, at a price changed by so many percent.
    BookedAt(i64),
    /// The next rate that is quoted is gone.
    RateGone,
    /// The next booking is answered 200: the accommodation has it, but not all is known of it yet.
    BookedWithoutData,
    /// The next booking is answered 202: whether it comes about is told later, by [`Fake::settle`].
    Accepted,
}

impl Fake<Duffel> {
    /// The URL of the API, as `DUFFEL_API_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.origin()
    }

    /// The token that it takes.
    pub(crate) fn token(&self) -> String {
        self.state().site.token.clone()
    }

    /// Takes this token and no other from now on.
    pub(crate) fn set_token(&self, token: &str) {
        self.site(|site| token.clone_into(&mut site.token));
    }

    /// What goes otherwise than expected, once, when its time comes.
    pub(crate) fn script(&self, script: Script) {
        self.site(|site| site.scripts.push_back(script));
    }

    /// Refuses the next request to a `METHOD /path` that begins with this.
    pub(crate) fn refuse_at(&self, place: &str, refusal: Refusal) {
        self.site(|site| site.refusals.push((place.to_owned(), refusal)));
    }

    /// The currency of all prices from now on.
    pub(crate) fn set_currency(&self, currency: &str) {
        self.site(|site| currency.clone_into(&mut site.currency));
    }

    /// An account without Stays: 403 with a text that is no JSON.
    pub(crate) fn disable_stays(&self) {
        self.site(|site| site.stays_enabled = false);
    }

    /// No airline offers anything.
    pub(crate) fn no_flights(&self) {
        self.site(|site| site.flights_enabled = false);
    }

    /// The hotels there are.
    pub(crate) fn hotels(&self) -> Vec<Hotel> {
        self.state().site.hotels.clone()
    }

    /// The hotels there are from now on.
    pub(crate) fn set_hotels(&self, hotels: Vec<Hotel>) {
        self.site(|site| site.hotels = hotels);
    }

    /// What was really booked, in that order, whether or not the answer arrived.
    pub(crate) fn bookings(&self) -> Vec<Booking> {
        self.state().site.bookings.clone()
    }

    /// The bookings that stand.
    pub(crate) fn standing(&self) -> Vec<Booking> {
        self.bookings().into_iter().filter(|booking| booking.status == Status::Confirmed).collect()
    }

    /// Bookings of somebody else in the same account, so that the list has several pages.
    pub(crate) fn add_foreign_bookings(&self, count: usize) {
        let now = self.now();
        self.site(|site| (0..count).for_each(|_| site.foreign_booking(now)));
    }

    /// Lets the bookings that were answered 202 come about, or not.
    pub(crate) fn settle(&self, confirmed: bool) {
        self.site(|site| site.settle(confirmed));
    }
}
