//! Pictures, among what was uploaded.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Row as _, SqliteConnection, query, query_scalar};
use workflows::ids::PersonId;
use workflows::person::Channel;
use workflows::ports::StoreError;

use super::Db;
use super::error::driver;
use super::rows::moment;
use crate::store::PhotoStore;
use crate::store::photos::{KeptPhoto, PhotoQuota};

/// The row's name: it begins with whose it is, so that a person's rows stand together and another's id
/// is no id of theirs.
fn source(person: &PersonId, id: &str) -> String {
    format!("{person}/{id}")
}

async fn fits(
    connection: impl sqlx::SqliteExecutor<'_>,
    person: &PersonId,
    quota: PhotoQuota,
) -> Result<bool, StoreError> {
    // '0' is what comes after '/'.
    let sql = "SELECT count(*) FROM uploads WHERE channel = ?1 AND source_id > ?2 || '/' AND source_id < ?2 || '0'
        AND person_id = ?2 AND at > ?3";
    let asked = query_scalar(sql).bind(Channel::Web.as_str()).bind(person.as_str());
    let asked = asked.bind(quota.since.timestamp_millis());
    let sent: i64 = asked.fetch_one(connection).await.map_err(driver)?;
    Ok(sent < i64::from(quota.max))
}

async fn insert(connection: &mut SqliteConnection, photo: &KeptPhoto) -> Result<(), StoreError> {
    let sql = "INSERT INTO uploads (channel, source_id, person_id, path, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let asked = query(sql).bind(Channel::Web.as_str()).bind(source(&photo.person_id, &photo.id));
    let asked = asked.bind(photo.person_id.as_str()).bind(&photo.file);
    let asked = asked.bind(i64::try_from(photo.bytes).unwrap_or(i64::MAX)).bind(photo.at.timestamp_millis());
    asked.execute(connection).await.map_err(driver).map(drop)
}

#[async_trait]
impl PhotoStore for Db {
    async fn may_send(&self, person: &PersonId, quota: PhotoQuota) -> Result<bool, StoreError> {
        fits(self.reader(), person, quota).await
    }

    async fn put_photo(&self, photo: &KeptPhoto, quota: PhotoQuota) -> Result<bool, StoreError> {
        let photo = photo.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let fits = fits(&mut *connection, &photo.person_id, quota).await?;
                if fits {
                    insert(connection, &photo).await?;
                }
                Ok(fits)
            })
        })
        .await
    }

    async fn photo_file(&self, person: &PersonId, id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT path FROM uploads WHERE channel = ?1 AND source_id = ?2 AND person_id = ?3";
        let asked = query_scalar(sql).bind(Channel::Web.as_str()).bind(source(person, id)).bind(person.as_str());
        asked.fetch_optional(self.reader()).await.map_err(driver)
    }

    async fn uploads(&self) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        let rows = query("SELECT path, at FROM uploads").fetch_all(self.reader()).await.map_err(driver)?;
        rows.iter().map(|row| Ok((row.get("path"), moment(row.get("at"))?))).collect()
    }

    async fn forget_uploads(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let asked = query("DELETE FROM uploads WHERE at < ?1").bind(before.timestamp_millis());
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }
}
