//! The built-in calendar.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, query, query_scalar};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

use super::error::driver;
use super::{Db, rows};
use crate::store::calendar::{CalendarEvent, CalendarStore, Expected, Version, Written};

/// Events read for one look at the calendar.
const EVENTS_MAX: i64 = 10_000;

#[async_trait]
impl CalendarStore for Db {
    async fn put_event(
        &self,
        person: &PersonId,
        event: &CalendarEvent,
        until: DateTime<Utc>,
        expected: &Expected,
    ) -> Result<Written, StoreError> {
        let body = serde_json::to_string(event).map_err(|error| StoreError::Driver(Box::new(error)))?;
        let (person, uid, expected) = (person.0.clone(), event.uid.clone(), expected.clone());
        let times = [event.starts_at, event.ends_at, until].map(|at| at.timestamp_millis());
        self.write(move |connection| {
            Box::pin(async move {
                let written = compared(connection, &person, &uid, &expected).await?;
                if written != Written::Done {
                    return Ok(written);
                }
                let sql = "INSERT INTO events (person_id, uid, starts_at, ends_at, until_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    ON CONFLICT (person_id, uid) DO UPDATE SET starts_at = excluded.starts_at,
                        ends_at = excluded.ends_at, until_at = excluded.until_at, body = excluded.body";
                let asked = query(sql).bind(person).bind(uid).bind(times[0]).bind(times[1]).bind(times[2]).bind(body);
                asked.execute(connection).await.map_err(driver)?;
                Ok(Written::Done)
            })
        })
        .await
    }

    async fn event(&self, person: &PersonId, uid: &str) -> Result<Option<CalendarEvent>, StoreError> {
        let asked = query_scalar("SELECT body FROM events WHERE person_id = ?1 AND uid = ?2");
        let found: Option<String> =
            asked.bind(person.as_str()).bind(uid).fetch_optional(self.reader()).await.map_err(driver)?;
        found.map(|body| rows::json("an event", &body)).transpose()
    }

    async fn events(
        &self,
        person: &PersonId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<CalendarEvent>, StoreError> {
        let sql = "SELECT body FROM events WHERE person_id = ?1 AND starts_at < ?3 AND until_at > ?2
            ORDER BY starts_at, uid LIMIT ?4";
        let asked = query_scalar(sql).bind(person.as_str()).bind(from.timestamp_millis()).bind(to.timestamp_millis());
        let found: Vec<String> = asked.bind(EVENTS_MAX).fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(|body| rows::json("an event", body)).collect()
    }

    async fn delete_event(&self, person: &PersonId, uid: &str, version: &Version) -> Result<Written, StoreError> {
        let (person, uid, expected) = (person.0.clone(), uid.to_owned(), Expected::Version(version.clone()));
        self.write(move |connection| {
            Box::pin(async move {
                let written = compared(connection, &person, &uid, &expected).await?;
                if written == Written::Done {
                    let asked = query("DELETE FROM events WHERE person_id = ?1 AND uid = ?2").bind(person).bind(uid);
                    asked.execute(connection).await.map_err(driver)?;
                }
                Ok(written)
            })
        })
        .await
    }
}

/// Whether what is there is as expected; nobody else writes between this and the write itself.
async fn compared(
    connection: &mut SqliteConnection,
    person: &str,
    uid: &str,
    expected: &Expected,
) -> Result<Written, StoreError> {
    let asked = query_scalar("SELECT body FROM events WHERE person_id = ?1 AND uid = ?2").bind(person).bind(uid);
    let found: Option<String> = asked.fetch_optional(connection).await.map_err(driver)?;
    let found: Option<CalendarEvent> = found.map(|body| rows::json("an event", &body)).transpose()?;
    Ok(match (expected, found) {
        (Expected::Absent, None) => Written::Done,
        (Expected::Version(version), Some(found)) if found.version() == *version => Written::Done,
        (Expected::Version(_), None) => Written::Absent,
        (Expected::Absent | Expected::Version(_), Some(_)) => Written::Differs,
    })
}
