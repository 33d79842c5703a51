//! The built-in calendar: events in our own store.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::person::Person;

use super::port::{BookError, CalendarBook, Kept, OCCURRENCES_MAX, Occurrence, within};
use super::recur;
use crate::store::CalendarStore;
use crate::store::calendar::{CalendarEvent, Expected, Version, Written};

/// The calendar of everybody who has no other.
pub struct Builtin(pub Arc<dyn CalendarStore>);

impl Builtin {
    async fn put(&self, person: &Person, event: &CalendarEvent, expected: Expected) -> Result<Version, BookError> {
        let until = recur::until(event).map_err(|error| BookError::Refused(error.message))?;
        match self.0.put_event(&person.id, event, until, &expected).await? {
            Written::Done => Ok(event.version()),
            Written::Absent => Err(BookError::Gone),
            Written::Differs if expected == Expected::Absent => Err(BookError::Exists),
            Written::Differs => Err(BookError::Changed),
        }
    }
}

#[async_trait]
impl CalendarBook for Builtin {
    async fn event(&self, person: &Person, uid: &str) -> Result<Option<Kept>, BookError> {
        let found = self.0.event(&person.id, uid).await?;
        Ok(found.map(|event| Kept {
            version: event.version(),
            organizer: None,
            is_plain: true,
            repeats: event.repeat.is_some(),
            fixed: None,
            event,
        }))
    }

    async fn occurrences(
        &self,
        person: &Person,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Occurrence>, BookError> {
        let events = self.0.events(&person.id, from, to).await?;
        let mut all: Vec<Occurrence> = events
            .iter()
            .flat_map(|event| recur::occurrences(event, from, to).into_iter().map(|times| occurrence(event, times)))
            .take(OCCURRENCES_MAX + 1)
            .collect();
        within(all.len())?;
        sort(&mut all);
        Ok(all)
    }

    async fn add(&self, person: &Person, event: &CalendarEvent, _now: DateTime<Utc>) -> Result<Version, BookError> {
        self.put(person, event, Expected::Absent).await
    }

    async fn change(
        &self,
        person: &Person,
        event: &CalendarEvent,
        version: &Version,
        _now: DateTime<Utc>,
    ) -> Result<Version, BookError> {
        self.put(person, event, Expected::Version(version.clone())).await
    }

    async fn remove(&self, person: &Person, uid: &str, version: &Version) -> Result<(), BookError> {
        match self.0.delete_event(&person.id, uid, version).await? {
            Written::Done => Ok(()),
            Written::Absent => Err(BookError::Gone),
            Written::Differs => Err(BookError::Changed),
        }
    }
}

fn occurrence(event: &CalendarEvent, (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>)) -> Occurrence {
    Occurrence {
        uid: event.uid.clone(),
        title: event.title.clone(),
        location: event.location.clone(),
        attendees: event.attendees.clone(),
        starts_at,
        ends_at,
        is_all_day: false,
        is_busy: true,
        repeats: event.repeat.is_some(),
    }
}

/// By beginning, end and uid.
pub fn sort(all: &mut [Occurrence]) {
    all.sort_by(|a, b| (a.starts_at, a.ends_at, &a.uid).cmp(&(b.starts_at, b.ends_at, &b.uid)));
}
