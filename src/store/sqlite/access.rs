//! Credentials and codes.

use async_trait::async_trait;
use channels::port::Joined;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::ids::PersonId;
use workflows::person::{Channel, Identity, Person};
use workflows::ports::StoreError;

use super::error::driver;
use super::people::text;
use super::{Db, rows};
use crate::store::access::{AccessStore, Code, CodeKind, Credential};

/// API tokens listed for one person.
const TOKENS_MAX: i64 = 500;

fn credential(row: &SqliteRow) -> Result<Credential, StoreError> {
    let (kind, scopes): (String, String) =
        (row.try_get("kind").map_err(driver)?, row.try_get("scopes").map_err(driver)?);
    let moment = |name: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
        row.try_get::<Option<i64>, _>(name).map_err(driver)?.map(rows::moment).transpose()
    };
    Ok(Credential {
        id: row.try_get("id").map_err(driver)?,
        person_id: PersonId(row.try_get("person_id").map_err(driver)?),
        kind: rows::json("a credential", &kind)?,
        parent: row.try_get("parent").map_err(driver)?,
        name: row.try_get("name").map_err(driver)?,
        scopes: rows::json("a credential", &scopes)?,
        created_at: rows::moment(row.try_get("created_at").map_err(driver)?)?,
        last_used_at: moment("last_used_at")?,
        expires_at: moment("expires_at")?,
    })
}

async fn join(
    connection: &mut SqliteConnection,
    hash: &str,
    identity: &Identity,
    newcomer: Person,
    now: DateTime<Utc>,
) -> Result<Joined, StoreError> {
    let sql =
        "SELECT persons.* FROM persons JOIN identities ON person_id = persons.id WHERE channel = ?1 AND address = ?2";
    let asked = query(sql).bind(identity.channel.as_str()).bind(&identity.address);
    let known = asked.fetch_optional(&mut *connection).await.map_err(driver)?;
    let known = known.as_ref().map(super::people::person).transpose()?;
    let sql = "SELECT kind, person_id FROM codes WHERE hash = ?1 AND expires_at > ?2";
    let asked = query(sql).bind(hash).bind(now.timestamp_millis());
    let code = asked.fetch_optional(&mut *connection).await.map_err(driver)?;
    let Some(code) = code else { return Ok(Joined::Wrong) };
    let kind: String = code.try_get("kind").map_err(driver)?;
    let whose: String = code.try_get("person_id").map_err(driver)?;
    let invites = match rows::json("a code", &kind)? {
        CodeKind::Invite => true,
        CodeKind::Login | CodeKind::Link => false,
    };
    if let Some(known) = known
        && (invites || known.id.as_str() == whose)
    {
        return Ok(Joined::Already(known));
    }
    query("DELETE FROM codes WHERE hash = ?1").bind(hash).execute(&mut *connection).await.map_err(driver)?;
    if invites {
        super::people::insert_person(connection, &newcomer, now).await?;
        super::people::link(connection, &newcomer.id, identity, now).await?;
        return Ok(Joined::Welcome(newcomer));
    }
    let found = query("SELECT * FROM persons WHERE id = ?1").bind(&whose).fetch_one(&mut *connection).await;
    let mut person = super::people::person(&found.map_err(driver)?)?;
    super::people::link(connection, &person.id, identity, now).await?;
    if person.settings.notify_on == Channel::Web {
        person.settings.notify_on = identity.channel;
        let asked = query("UPDATE persons SET settings = ?2 WHERE id = ?1").bind(&whose).bind(text(&person.settings)?);
        asked.execute(connection).await.map_err(driver)?;
    }
    Ok(Joined::Linked(person))
}

#[async_trait]
impl AccessStore for Db {
    async fn put_code(&self, hash: &str, code: &Code) -> Result<(), StoreError> {
        let (hash, kind, person) = (hash.to_owned(), text(&code.kind)?, code.person_id.0.clone());
        let expires_at = code.expires_at.timestamp_millis();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO codes (hash, kind, person_id, expires_at) VALUES (?1, ?2, ?3, ?4)";
                let asked = query(sql).bind(hash).bind(kind).bind(person).bind(expires_at);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn redeem_code(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Code>, StoreError> {
        let (hash, now) = (hash.to_owned(), now.timestamp_millis());
        let row = self
            .write(move |connection| {
                Box::pin(async move {
                    query("DELETE FROM codes WHERE expires_at <= ?1")
                        .bind(now)
                        .execute(&mut *connection)
                        .await
                        .map_err(driver)?;
                    let sql = "DELETE FROM codes WHERE hash = ?1 RETURNING kind, person_id, expires_at";
                    query(sql).bind(hash).fetch_optional(connection).await.map_err(driver)
                })
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        let kind: String = row.try_get("kind").map_err(driver)?;
        Ok(Some(Code {
            kind: rows::json("a code", &kind)?,
            person_id: PersonId(row.try_get("person_id").map_err(driver)?),
            expires_at: rows::moment(row.try_get("expires_at").map_err(driver)?)?,
        }))
    }

    async fn join(
        &self,
        hash: &str,
        identity: &Identity,
        newcomer: &Person,
        now: DateTime<Utc>,
    ) -> Result<Joined, StoreError> {
        let (hash, identity, newcomer) = (hash.to_owned(), identity.clone(), newcomer.clone());
        self.write(move |connection| Box::pin(async move { join(connection, &hash, &identity, newcomer, now).await }))
            .await
    }

    async fn put_credential(&self, hash: &str, credential: &Credential) -> Result<(), StoreError> {
        let (hash, credential) = (hash.to_owned(), credential.clone());
        let (kind, scopes) = (text(&credential.kind)?, text(&credential.scopes)?);
        self.write(move |connection| {
            Box::pin(async move {
                let created_at = credential.created_at.timestamp_millis();
                let lapsed = query("DELETE FROM credentials WHERE expires_at <= ?1").bind(created_at);
                lapsed.execute(&mut *connection).await.map_err(driver)?;
                let sql =
                    "INSERT INTO credentials (hash, id, person_id, kind, parent, name, scopes, created_at, expires_at)
                    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
                    WHERE ?5 IS NULL OR EXISTS (SELECT 1 FROM credentials WHERE id = ?5) ON CONFLICT DO NOTHING";
                let asked = query(sql).bind(hash).bind(credential.id).bind(credential.person_id.0).bind(kind);
                let asked = asked.bind(credential.parent).bind(credential.name).bind(scopes).bind(created_at);
                let asked = asked.bind(credential.expires_at.map(|at| at.timestamp_millis()));
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn credential(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Credential>, StoreError> {
        let sql = "SELECT * FROM credentials WHERE hash = ?1 AND (expires_at IS NULL OR expires_at > ?2)";
        let found = query(sql).bind(hash).bind(now.timestamp_millis()).fetch_optional(self.reader()).await;
        found.map_err(driver)?.as_ref().map(credential).transpose()
    }

    async fn touch(&self, hash: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (hash, now) = (hash.to_owned(), now.timestamp_millis());
        self.write(move |connection| {
            Box::pin(async move {
                let asked = query("UPDATE credentials SET last_used_at = ?2 WHERE hash = ?1").bind(hash).bind(now);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn tokens(&self, person: &PersonId) -> Result<Vec<Credential>, StoreError> {
        let sql =
            "SELECT * FROM credentials WHERE person_id = ?1 AND kind = '\"token\"' ORDER BY created_at DESC LIMIT ?2";
        let found = query(sql).bind(person.as_str()).bind(TOKENS_MAX).fetch_all(self.reader()).await;
        found.map_err(driver)?.iter().map(credential).collect()
    }

    async fn revoke(&self, person: &PersonId, id: &str) -> Result<Vec<String>, StoreError> {
        let (person, id) = (person.0.clone(), id.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM credentials WHERE person_id = ?1 AND (id = ?2 OR parent = ?2) RETURNING id";
                query_scalar(sql).bind(person).bind(id).fetch_all(connection).await.map_err(driver)
            })
        })
        .await
    }
}
