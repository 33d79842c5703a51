//! The built-in calendar, as it is stored.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

/// An event as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEvent {
    /// The iCalendar UID (RFC 5545, 3.8.4.7).
    pub uid: String,
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The zone its wall clock is kept in when it repeats.
    pub timezone: chrono_tz::Tz,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Mail addresses of who else comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<String>,
    /// The recurrence rule (RFC 5545, 3.3.10), without `RRULE:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// Whether every attendee's mail has been handed over.
    #[serde(default)]
    pub told: bool,
    /// Rises with every change (RFC 5545, 3.8.7.4).
    #[serde(default)]
    pub sequence: u32,
    /// The act of ours that last wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
}

/// What an event is like at one time: two that differ were written at different times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

impl CalendarEvent {
    /// Its version in the store: what it says, hashed.
    ///
    /// # Panics
    /// Never: its fields are texts, numbers and times.
    pub fn version(&self) -> Version {
        let body = serde_json::to_vec(self).expect("texts, numbers and times");
        Version(hex::encode(Sha256::digest(body)))
    }
}

impl CalendarEvent {
    /// Whether another says the same to people, whatever is kept about it besides.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let kept =
            |event: &Self| Self { told: false, sequence: 0, act: None, timezone: chrono_tz::UTC, ..event.clone() };
        kept(self) == kept(other)
    }
}

/// What must be in the store for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// No event of that uid.
    Absent,
    /// The event of that version.
    Version(Version),
}

/// What became of a guarded write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was done.
    Done,
    /// Nothing was written: no event of that uid is there.
    Absent,
    /// Nothing was written: the event is another than expected.
    Differs,
}

/// Keeping events. Every method fails when the store does.
#[async_trait]
pub trait CalendarStore: Send + Sync {
    /// Adds or replaces an event by its uid, if what is there is as expected; `until` is when its
    /// last repetition ends.
    async fn put_event(
        &self,
        person: &PersonId,
        event: &CalendarEvent,
        until: DateTime<Utc>,
        expected: &Expected,
    ) -> Result<Written, StoreError>;

    /// The event of that uid.
    async fn event(&self, person: &PersonId, uid: &str) -> Result<Option<CalendarEvent>, StoreError>;

    /// Events that may touch this time, by their start; repeating ones as they are kept.
    async fn events(
        &self,
        person: &PersonId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<CalendarEvent>, StoreError>;

    /// Removes an event, if it is of that version.
    async fn delete_event(&self, person: &PersonId, uid: &str, version: &Version) -> Result<Written, StoreError>;
}
