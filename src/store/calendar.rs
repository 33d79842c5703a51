//! The built-in calendar.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
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
}

/// Keeping events. Every method fails when the store does.
#[async_trait]
pub trait CalendarStore: Send + Sync {
    /// Adds or replaces an event by its uid; `until` is when its last repetition ends.
    async fn put_event(&self, person: &PersonId, event: &CalendarEvent, until: DateTime<Utc>)
    -> Result<(), StoreError>;

    /// The event of that uid.
    async fn event(&self, person: &PersonId, uid: &str) -> Result<Option<CalendarEvent>, StoreError>;

    /// Events that may touch this time, by their start; repeating ones as they are kept.
    async fn events(
        &self,
        person: &PersonId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<CalendarEvent>, StoreError>;

    /// Removes an event; whether it was there.
    async fn delete_event(&self, person: &PersonId, uid: &str) -> Result<bool, StoreError>;
}
