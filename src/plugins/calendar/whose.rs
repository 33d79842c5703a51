//! Whose calendar is where: the account of the configuration is the owner's, everybody else has the
//! built-in calendar.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::person::{Person, Role};

use super::builtin::sort;
use super::port::{BookError, CalendarBook, Kept, Occurrence, within};
use crate::store::calendar::{CalendarEvent, Version};

/// The built-in calendar, and beside it the owner's own.
///
/// What the owner had in the built-in one before stays there: looks see both, a change goes to where
/// the event is, and what is new goes to their own.
pub struct Calendars {
    builtin: Arc<dyn CalendarBook>,
    owners: Option<Arc<dyn CalendarBook>>,
}

impl Calendars {
    /// Of these; `None` = the owner has the built-in one too.
    pub fn new(builtin: Arc<dyn CalendarBook>, owners: Option<Arc<dyn CalendarBook>>) -> Self {
        Self { builtin, owners }
    }

    fn own(&self, person: &Person) -> Option<&dyn CalendarBook> {
        self.owners.as_deref().filter(|_| person.role == Role::Owner)
    }

    /// Where the event of that uid is, or would be.
    async fn place(&self, person: &Person, uid: &str) -> Result<&dyn CalendarBook, BookError> {
        let Some(own) = self.own(person) else { return Ok(&*self.builtin) };
        Ok(if self.builtin.event(person, uid).await?.is_some() { &*self.builtin } else { own })
    }
}

#[async_trait]
impl CalendarBook for Calendars {
    async fn event(&self, person: &Person, uid: &str) -> Result<Option<Kept>, BookError> {
        self.place(person, uid).await?.event(person, uid).await
    }

    async fn occurrences(
        &self,
        person: &Person,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Occurrence>, BookError> {
        let mut all = self.builtin.occurrences(person, from, to).await?;
        if let Some(own) = self.own(person) {
            all.extend(own.occurrences(person, from, to).await?);
            within(all.len())?;
            sort(&mut all);
        }
        Ok(all)
    }

    async fn add(&self, person: &Person, event: &CalendarEvent, now: DateTime<Utc>) -> Result<Version, BookError> {
        self.place(person, &event.uid).await?.add(person, event, now).await
    }

    async fn change(
        &self,
        person: &Person,
        event: &CalendarEvent,
        version: &Version,
        now: DateTime<Utc>,
    ) -> Result<Version, BookError> {
        self.place(person, &event.uid).await?.change(person, event, version, now).await
    }

    async fn remove(&self, person: &Person, uid: &str, version: &Version) -> Result<(), BookError> {
        self.place(person, uid).await?.remove(person, uid, version).await
    }
}
