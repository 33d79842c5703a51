//! Facts and requests that are remembered, the index of their words, and their vectors.

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

use super::error::driver;
use super::{Db, rows};
use crate::store::memory::{
    FACT_CHARS_MAX, MEMORIES_MAX, Memory, MemoryId, MemoryKind, MemoryStore, REQUEST_CHARS_MAX, Remembered, words,
};

/// The columns [`memory`] reads.
const MEMORY: &str = "memories.id, memories.kind, memories.text, memories.created_at";
/// What has no vector of a model, said so that the index alone answers it.
const WITHOUT: &str = "SELECT n FROM memories WHERE embedding_model IS NULL
    UNION ALL SELECT n FROM memories WHERE embedding_model < ?1
    UNION ALL SELECT n FROM memories WHERE embedding_model > ?1";
/// Facts and requests of one person together.
const ROWS_MAX: usize = 2 * MEMORIES_MAX;
/// Bytes of one number of a vector.
const FLOAT_BYTES: usize = size_of::<f32>();

fn memory(row: &SqliteRow) -> Result<Memory, StoreError> {
    let kind: String = row.try_get("kind").map_err(driver)?;
    let kind = MemoryKind::parse(&kind).ok_or_else(|| StoreError::Corrupt(format!("no kind of memory {kind}")))?;
    Ok(Memory {
        id: MemoryId(row.try_get("id").map_err(driver)?),
        kind,
        text: row.try_get("text").map_err(driver)?,
        at: rows::moment(row.try_get("created_at").map_err(driver)?)?,
    })
}

fn vector(row: &SqliteRow) -> Result<Vec<f32>, StoreError> {
    let bytes: Vec<u8> = row.try_get("embedding").map_err(driver)?;
    let (numbers, rest) = bytes.as_chunks::<FLOAT_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::Corrupt("a vector of a memory is cut".to_owned()));
    }
    Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit.min(ROWS_MAX)).unwrap_or(i64::MAX)
}

/// The match expression of a query: any of its words, each a quoted string and so without syntax.
fn matching(query: &str) -> Option<String> {
    let words = words(query);
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

/// The fact of a person that says exactly this.
async fn same(connection: &mut SqliteConnection, person: &str, text: &str) -> Result<Option<MemoryId>, StoreError> {
    let sql = "SELECT id FROM memories WHERE person_id = ?1 AND kind = 'fact' AND text = ?2 COLLATE NOCASE LIMIT 1";
    let found: Option<String> =
        query_scalar(sql).bind(person).bind(text).fetch_optional(connection).await.map_err(driver)?;
    Ok(found.map(MemoryId))
}

async fn is_there(connection: &mut SqliteConnection, id: &MemoryId) -> Result<bool, StoreError> {
    let asked = query_scalar("SELECT count(*) FROM memories WHERE id = ?1").bind(id.as_str());
    let count: i64 = asked.fetch_one(connection).await.map_err(driver)?;
    Ok(count > 0)
}

async fn facts_of(connection: &mut SqliteConnection, person: &str) -> Result<i64, StoreError> {
    let asked = query_scalar("SELECT count(*) FROM memories WHERE person_id = ?1 AND kind = 'fact'").bind(person);
    asked.fetch_one(connection).await.map_err(driver)
}

/// Lets the oldest requests go that are too many.
async fn trim_requests(connection: &mut SqliteConnection, person: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM memories WHERE n IN (SELECT n FROM memories WHERE person_id = ?1 AND kind = 'request'
        ORDER BY created_at DESC, n DESC LIMIT -1 OFFSET ?2)";
    query(sql).bind(person).bind(most(MEMORIES_MAX)).execute(connection).await.map_err(driver).map(drop)
}

#[async_trait]
impl MemoryStore for Db {
    async fn remember(
        &self,
        person: &PersonId,
        kind: MemoryKind,
        source: &str,
        text: &str,
        at: DateTime<Utc>,
    ) -> Result<Remembered, StoreError> {
        let text: String = match kind {
            MemoryKind::Fact if text.trim().is_empty() || text.chars().count() > FACT_CHARS_MAX => {
                return Ok(Remembered::NoFact);
            }
            MemoryKind::Fact => text.to_owned(),
            MemoryKind::Request => text.chars().take(REQUEST_CHARS_MAX).collect(),
        };
        let (id, person, source) = (MemoryId::of(person, kind, source), person.0.clone(), source.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                if is_there(connection, &id).await? {
                    return Ok(Remembered::Kept(id));
                }
                if kind == MemoryKind::Fact {
                    if let Some(known) = same(connection, &person, &text).await? {
                        return Ok(Remembered::Known(known));
                    }
                    if facts_of(connection, &person).await? >= most(MEMORIES_MAX) {
                        return Ok(Remembered::Full);
                    }
                }
                let sql = "INSERT INTO memories (id, person_id, kind, source, text, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let asked = query(sql).bind(id.as_str()).bind(&person).bind(kind.as_str()).bind(source);
                let asked = asked.bind(text).bind(at.timestamp_millis());
                asked.execute(&mut *connection).await.map_err(driver)?;
                if kind == MemoryKind::Request {
                    trim_requests(connection, &person).await?;
                }
                Ok(Remembered::Kept(id))
            })
        })
        .await
    }

    async fn forget(&self, person: &PersonId, id: &MemoryId) -> Result<Option<Memory>, StoreError> {
        let (person, id) = (person.0.clone(), id.0.clone());
        self.write_one(move |connection| {
            Box::pin(async move {
                let sql = "DELETE FROM memories WHERE person_id = ?1 AND id = ?2 RETURNING id, kind, text, created_at";
                let found = query(sql).bind(person).bind(id).fetch_optional(connection).await.map_err(driver)?;
                found.as_ref().map(memory).transpose()
            })
        })
        .await
    }

    async fn facts(&self, person: &PersonId, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let sql = format!(
            "SELECT {MEMORY} FROM memories WHERE person_id = ?1 AND kind = 'fact' ORDER BY created_at DESC, n DESC LIMIT ?2"
        );
        let asked = query(sqlx::AssertSqlSafe(sql)).bind(person.as_str()).bind(most(limit));
        asked.fetch_all(self.reader()).await.map_err(driver)?.iter().map(memory).collect()
    }

    async fn search(&self, person: &PersonId, query_text: &str, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let Some(matching) = matching(query_text) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {MEMORY} FROM memories_words JOIN memories ON memories.n = memories_words.rowid
             WHERE memories_words MATCH ?2 AND memories.person_id = ?1
             ORDER BY bm25(memories_words), memories.created_at DESC, memories.n DESC LIMIT ?3"
        );
        let asked = query(sqlx::AssertSqlSafe(sql)).bind(person.as_str()).bind(matching).bind(most(limit));
        asked.fetch_all(self.reader()).await.map_err(driver)?.iter().map(memory).collect()
    }

    async fn without_vector(&self, model: &str, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let asked_for = format!("SELECT {MEMORY} FROM memories WHERE n IN ({WITHOUT}) ORDER BY n DESC LIMIT ?2");
        let asked = query(sqlx::AssertSqlSafe(asked_for)).bind(model).bind(most(limit));
        asked.fetch_all(self.reader()).await.map_err(driver)?.iter().map(memory).collect()
    }

    async fn set_vector(&self, id: &MemoryId, model: &str, vector: &[f32]) -> Result<(), StoreError> {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        let (id, model) = (id.0.clone(), model.to_owned());
        self.write_one(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE memories SET embedding_model = ?2, embedding = ?3 WHERE id = ?1";
                let asked = query(sql).bind(id).bind(model).bind(bytes);
                asked.execute(connection).await.map_err(driver).map(drop)
            })
        })
        .await
    }

    async fn vectors(
        &self,
        person: &PersonId,
        model: &str,
        limit: usize,
    ) -> Result<Vec<(Memory, Vec<f32>)>, StoreError> {
        let sql = format!(
            "SELECT {MEMORY}, memories.embedding FROM memories WHERE person_id = ?1 AND embedding_model = ?2
             ORDER BY created_at DESC, n DESC LIMIT ?3"
        );
        let asked = query(sqlx::AssertSqlSafe(sql)).bind(person.as_str()).bind(model).bind(most(limit));
        let found = asked.fetch_all(self.reader()).await.map_err(driver)?;
        found.iter().map(|row| Ok((memory(row)?, vector(row)?))).collect()
    }
}
