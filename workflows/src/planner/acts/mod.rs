//! What can be asked for, one act per file: how it is recognised, what it needs, which stages it
//! becomes. A new act is a file and a line in [`ACTS`].

mod availability;
mod call;
mod cancel;
mod contact_add;
mod contact_find;
mod contact_words;
mod errand_ask;
mod event;
mod flights;
mod forget;
mod hotel_book;
mod hotels;
mod invitation;
mod listing;
mod mail;
mod mail_text;
mod meeting;
mod notification;
mod places;
mod recall;
mod remember;
mod reminder;
mod request;
mod table;
mod unbook;
mod venue;
mod verbs;
mod web;

use super::clause::Clause;
use super::draft::Draft;
use super::entities::Tokens;
use super::want::Want;

/// Where an act begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position after the words that name the act.
    pub next: usize,
    /// Whether the words name an act even in the middle of a message; `call him` does not.
    pub strong: bool,
}

impl Head {
    /// A head that no message contains by chance.
    pub fn strong(next: usize) -> Self {
        Self { next, strong: true }
    }

    /// A head that a message may contain.
    pub fn weak(next: usize) -> Self {
        Self { next, strong: false }
    }
}

/// One thing that can be asked for.
pub trait Act: Sync {
    /// The intent's machine word, `send_email`.
    fn kind(&self) -> &'static str;

    /// The action it runs.
    fn action(&self) -> &'static str;

    /// What it is good for, with an example; shown when something was not understood.
    fn offer(&self) -> &'static str;

    /// Whether the words at a position begin this act.
    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head>;

    /// Takes what the clause says.
    fn read(&self, clause: &Clause<'_>) -> Want;

    /// What is said instead of a plan, when no plan can do what is wanted.
    fn reply(&self, _want: &Want) -> Option<String> {
        None
    }

    /// Writes questions and stages.
    fn write(&self, want: &Want, draft: &mut Draft<'_>);
}

/// Every act; the first whose head fits is taken.
pub static ACTS: &[&dyn Act] = &[
    &reminder::Reminder,
    &contact_add::AddContact,
    &remember::Remember,
    &recall::Recall,
    &forget::Forget,
    &unbook::CancelBooking,
    &web::Web,
    &flights::Flights,
    &hotel_book::BookHotel,
    &hotels::Hotels,
    &venue::Venue,
    &table::Table,
    &places::Places,
    &contact_find::FindContact,
    &availability::Availability,
    &listing::Listing,
    &cancel::Cancel,
    &invitation::Invitation,
    &notification::Notification,
    &call::Call,
    &meeting::Meeting,
    &mail::Mail,
    &event::Event,
];

/// The act that begins at a position.
pub fn head(tokens: Tokens<'_, '_>, at: usize) -> Option<(&'static dyn Act, Head)> {
    ACTS.iter().find_map(|act| act.head(tokens, at).map(|head| (*act, head)))
}
