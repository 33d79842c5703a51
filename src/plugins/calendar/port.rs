//! A calendar as acts use it, wherever it is kept.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::person::Person;
use workflows::ports::ActionError;

use crate::store::StoreError;
use crate::store::calendar::{CalendarEvent, Version};

/// An event with what it must still be like when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The event.
    pub event: CalendarEvent,
    /// What it is like now.
    pub version: Version,
    /// Who invites to it when that is not us: only they can change it for the others.
    pub organizer: Option<String>,
    /// Whether the event says all of when it is: no repetition of it is moved, struck out or added,
    /// and it has times, not days.
    pub is_plain: bool,
    /// Whether it is a series.
    pub repeats: bool,
    /// Why it can be neither changed nor taken out, where that is known.
    pub fixed: Option<String>,
}

/// A time that an event takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The event's uid.
    pub uid: String,
    /// What it is called.
    pub title: String,
    /// Where.
    pub location: Option<String>,
    /// Who else comes.
    pub attendees: Vec<String>,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Whether it is said in days, not times.
    pub is_all_day: bool,
    /// Whether one is not free meanwhile.
    pub is_busy: bool,
    /// Whether it is one of a series, which is cancelled as a whole.
    pub repeats: bool,
}

/// Why a calendar did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Certainly not done; it may work later.
    #[error("{what}")]
    Down {
        /// What happened.
        what: String,
        /// The other side's own wish, in seconds.
        after_secs: Option<u32>,
    },
    /// Certainly not done, for good.
    #[error("{0}")]
    Refused(String),
    /// Certainly not done: the event is not what it was when it was read.
    #[error("it was changed elsewhere in the meantime, look again")]
    Changed,
    /// Certainly not done: it is not there any more.
    #[error("that event is gone already")]
    Gone,
    /// Certainly not done: an event of that uid is there.
    #[error("an event of that uid is there already")]
    Exists,
    /// It may have been done; looking for the uid tells.
    #[error("{0}")]
    Unknown(String),
}

impl BookError {
    /// Certainly not done; it may work later.
    pub fn down(what: impl Into<String>) -> Self {
        Self::Down { what: what.into(), after_secs: None }
    }
}

impl From<BookError> for ActionError {
    fn from(error: BookError) -> Self {
        let words = error.to_string();
        match error {
            BookError::Down { after_secs, .. } => Self::later(words, after_secs),
            BookError::Refused(_) | BookError::Changed | BookError::Gone | BookError::Exists => Self::fail(words),
            BookError::Unknown(_) => Self::unknown(words),
        }
    }
}

impl From<StoreError> for BookError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the calendar could not use the store");
        Self::down("it could not be stored")
    }
}

/// Most occurrences in one look.
pub const OCCURRENCES_MAX: usize = 10_000;

/// Checks a look against its bound.
///
/// # Errors
/// When it holds more than [`OCCURRENCES_MAX`]: a part of it would be a wrong answer.
pub fn within(count: usize) -> Result<(), BookError> {
    if count <= OCCURRENCES_MAX {
        return Ok(());
    }
    let words = format!("more than {OCCURRENCES_MAX} events are in that range: look at a shorter one");
    Err(BookError::Refused(words))
}

/// A person's calendar. Nothing is tried twice.
#[async_trait]
pub trait CalendarBook: Send + Sync {
    /// The event of that uid, as it is now.
    ///
    /// # Errors
    /// When the calendar cannot be read.
    async fn event(&self, person: &Person, uid: &str) -> Result<Option<Kept>, BookError>;

    /// What the events take of a range, in the order of their beginnings. Times without a zone are
    /// on the person's clock.
    ///
    /// # Errors
    /// When the calendar cannot be read: a part of it would be a wrong answer.
    async fn occurrences(
        &self,
        person: &Person,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Occurrence>, BookError>;

    /// Adds an event whose uid is not there yet.
    ///
    /// # Errors
    /// [`BookError::Exists`] when it is; otherwise when it was not done, or may have been.
    async fn add(&self, person: &Person, event: &CalendarEvent, now: DateTime<Utc>) -> Result<Version, BookError>;

    /// Makes an event like this, if it still is of that version.
    ///
    /// # Errors
    /// [`BookError::Changed`] when it is not; otherwise when it was not done, or may have been.
    async fn change(
        &self,
        person: &Person,
        event: &CalendarEvent,
        version: &Version,
        now: DateTime<Utc>,
    ) -> Result<Version, BookError>;

    /// Takes an event out, if it still is of that version.
    ///
    /// # Errors
    /// [`BookError::Changed`] or [`BookError::Gone`] when it is not; otherwise when it was not done, or
    /// may have been.
    async fn remove(&self, person: &Person, uid: &str, version: &Version) -> Result<(), BookError>;
}
