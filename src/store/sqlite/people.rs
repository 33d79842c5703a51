//! Persons, identities, contacts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::ids::{ContactId, PersonId};
use workflows::person::{Channel, Contact, Identity, Person, Settings};
use workflows::ports::{People, PeopleError, StoreError};

use super::error::driver;
use super::{Db, rows};
use crate::address_book::{Change, Changed};
use crate::store::people::{CONTACTS_MAX, ContactStore, PeopleStore};

pub(super) fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Driver(Box::new(error)))
}

pub(super) fn person(row: &SqliteRow) -> Result<Person, StoreError> {
    let role: String = row.try_get("role").map_err(driver)?;
    let settings: String = row.try_get("settings").map_err(driver)?;
    Ok(Person {
        id: PersonId(row.try_get("id").map_err(driver)?),
        name: row.try_get("name").map_err(driver)?,
        role: rows::json("a person's role", &role)?,
        settings: rows::json("a person's settings", &settings)?,
    })
}

pub(super) async fn insert_person(
    connection: &mut SqliteConnection,
    person: &Person,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO persons (id, name, role, settings, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let asked = query(sql).bind(person.id.as_str()).bind(&person.name).bind(text(&person.role)?);
    let asked = asked.bind(text(&person.settings)?).bind(at.timestamp_millis());
    asked.execute(connection).await.map_err(driver).map(drop)
}

/// Makes an identity a person's; nothing more is told to whoever had it where only they could see it.
pub(super) async fn link(
    connection: &mut SqliteConnection,
    person: &PersonId,
    identity: &Identity,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO identities (channel, address, person_id, linked_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (channel, address) DO UPDATE SET person_id = excluded.person_id, linked_at = excluded.linked_at";
    let asked = query(sql).bind(identity.channel.as_str()).bind(&identity.address).bind(person.as_str());
    asked.bind(at.timestamp_millis()).execute(&mut *connection).await.map_err(driver)?;
    if identity.channel == Channel::Telegram {
        // A person's own chat has their user id.
        let sql = "DELETE FROM telegram_chats WHERE private = 1 AND person_id <> ?1 AND chat = CAST(?2 AS INTEGER)
            RETURNING chat";
        let asked = query_scalar(sql).bind(person.as_str()).bind(&identity.address);
        let chats: Vec<i64> = asked.fetch_all(&mut *connection).await.map_err(driver)?;
        for chat in chats {
            super::telegram::clear(connection, chat).await?;
        }
    }
    Ok(())
}

#[async_trait]
impl People for Db {
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, PeopleError> {
        let found = query("SELECT * FROM persons WHERE id = ?1").bind(id.as_str()).fetch_optional(self.reader()).await;
        let found = found.map_err(driver).and_then(|row| row.as_ref().map(person).transpose());
        found.map_err(|error| PeopleError(Box::new(error)))
    }

    async fn contacts(&self, id: &PersonId) -> Result<Vec<Contact>, PeopleError> {
        let sql = "SELECT body FROM contacts WHERE person_id = ?1 ORDER BY name, id";
        let found: Result<Vec<String>, _> = query_scalar(sql).bind(id.as_str()).fetch_all(self.reader()).await;
        let found =
            found.map_err(driver).and_then(|rows| rows.iter().map(|body| rows::json("a contact", body)).collect());
        found.map_err(|error| PeopleError(Box::new(error)))
    }
}

#[async_trait]
impl PeopleStore for Db {
    async fn create_person(&self, person: &Person, at: DateTime<Utc>) -> Result<(), StoreError> {
        let person = person.clone();
        self.write(move |connection| Box::pin(async move { insert_person(connection, &person, at).await })).await
    }

    async fn persons(&self) -> Result<Vec<Person>, StoreError> {
        let found = query("SELECT * FROM persons ORDER BY created_at, id").fetch_all(self.reader()).await;
        found.map_err(driver)?.iter().map(person).collect()
    }

    async fn person_by_identity(&self, channel: Channel, address: &str) -> Result<Option<Person>, StoreError> {
        let sql = "SELECT persons.* FROM persons JOIN identities ON person_id = persons.id WHERE channel = ?1 AND address = ?2";
        let found = query(sql).bind(channel.as_str()).bind(address).fetch_optional(self.reader()).await;
        found.map_err(driver)?.as_ref().map(person).transpose()
    }

    async fn link_identity(&self, person: &PersonId, identity: &Identity, at: DateTime<Utc>) -> Result<(), StoreError> {
        let (person, identity) = (person.clone(), identity.clone());
        self.write(move |connection| Box::pin(async move { link(connection, &person, &identity, at).await })).await
    }

    async fn identities(&self, person: &PersonId) -> Result<Vec<Identity>, StoreError> {
        let sql = "SELECT channel, address FROM identities WHERE person_id = ?1 ORDER BY channel, address";
        let found = query(sql).bind(person.as_str()).fetch_all(self.reader()).await.map_err(driver)?;
        found
            .iter()
            .map(|row| {
                let name: String = row.try_get("channel").map_err(driver)?;
                let channel = Channel::parse(&name).ok_or_else(|| StoreError::Corrupt(format!("no channel {name}")))?;
                Ok(Identity { channel, address: row.try_get("address").map_err(driver)? })
            })
            .collect()
    }

    async fn save_settings(&self, person: &PersonId, settings: &Settings) -> Result<(), StoreError> {
        let (id, settings) = (person.0.clone(), text(settings)?);
        self.write(move |connection| {
            Box::pin(async move {
                let asked = query("UPDATE persons SET settings = ?2 WHERE id = ?1").bind(id).bind(settings);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }
}

/// Puts a contact into a book that has room for it, or in place of itself.
async fn put(connection: &mut SqliteConnection, person: &PersonId, contact: &Contact) -> Result<bool, StoreError> {
    let sql = "INSERT INTO contacts (person_id, id, name, body) SELECT ?1, ?2, ?3, ?4
        WHERE (SELECT count(*) FROM contacts WHERE person_id = ?1 AND id <> ?2) < ?5
        ON CONFLICT (person_id, id) DO UPDATE SET name = excluded.name, body = excluded.body";
    let most = i64::try_from(CONTACTS_MAX).unwrap_or(i64::MAX);
    let asked = query(sql).bind(person.as_str()).bind(contact.id.as_str()).bind(&contact.name).bind(text(contact)?);
    Ok(asked.bind(most).execute(connection).await.map_err(driver)?.rows_affected() > 0)
}

async fn delete(connection: &mut SqliteConnection, person: &PersonId, id: &ContactId) -> Result<bool, StoreError> {
    let asked = query("DELETE FROM contacts WHERE person_id = ?1 AND id = ?2").bind(person.as_str()).bind(id.as_str());
    Ok(asked.execute(connection).await.map_err(driver)?.rows_affected() > 0)
}

#[async_trait]
impl ContactStore for Db {
    async fn contact(&self, person: &PersonId, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        let sql = "SELECT body FROM contacts WHERE person_id = ?1 AND id = ?2";
        let asked = query_scalar(sql).bind(person.as_str()).bind(id.as_str());
        let found: Option<String> = asked.fetch_optional(self.reader()).await.map_err(driver)?;
        found.map(|body| rows::json("a contact", &body)).transpose()
    }

    async fn put_contact(&self, person: &PersonId, contact: &Contact) -> Result<bool, StoreError> {
        let (person, contact) = (person.clone(), contact.clone());
        self.write(move |connection| Box::pin(async move { put(connection, &person, &contact).await })).await
    }

    async fn change_contacts(&self, person: &PersonId, change: Change) -> Result<Vec<Changed>, StoreError> {
        let person = person.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "SELECT body FROM contacts WHERE person_id = ?1 ORDER BY name, id";
                let bodies: Vec<String> =
                    query_scalar(sql).bind(person.as_str()).fetch_all(&mut *connection).await.map_err(driver)?;
                let book = bodies.iter().map(|body| rows::json("a contact", body)).collect::<Result<_, _>>()?;
                let changed = change.apply(book);
                for one in &changed {
                    match one {
                        Changed::Added(contact) | Changed::Updated { after: contact, .. } => {
                            put(connection, &person, contact).await?;
                        }
                        Changed::Removed(contact) => drop(delete(connection, &person, &contact.id).await?),
                        Changed::Unchanged(_) | Changed::Missing | Changed::Unclear | Changed::Full => {}
                    }
                }
                Ok(changed)
            })
        })
        .await
    }

    async fn delete_contact(&self, person: &PersonId, id: &ContactId) -> Result<bool, StoreError> {
        let (person, id) = (person.clone(), id.clone());
        self.write(move |connection| Box::pin(async move { delete(connection, &person, &id).await })).await
    }
}
