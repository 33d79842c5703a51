//! Reading tasks, questions and the log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, query, query_scalar};
use workflows::frame::{Frame, FrameDraft};
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::ports::{PromptRow, StoreError, TaskRow};

use super::error::driver;
use super::{Db, rows};
use crate::store::LogStore;

/// Open questions of one person that are listed.
const PROMPTS_MAX: i64 = 200;

#[async_trait]
impl LogStore for Db {
    async fn frames(&self, person: &PersonId, after: i64, limit: u32) -> Result<Vec<Frame>, StoreError> {
        let sql = "SELECT * FROM frames WHERE person_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let found = query(sql).bind(person.as_str()).bind(after).bind(limit).fetch_all(self.reader()).await;
        found.map_err(driver)?.iter().map(rows::frame).collect()
    }

    async fn last_seq(&self, person: &PersonId) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM frames WHERE person_id = ?1";
        query_scalar(sql).bind(person.as_str()).fetch_one(self.reader()).await.map_err(driver)
    }

    async fn task_frames(&self, task: &TaskId, after: i64, limit: u32) -> Result<Vec<Frame>, StoreError> {
        let sql = "SELECT * FROM frames WHERE task_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let found = query(sql).bind(task.as_str()).bind(after).bind(limit).fetch_all(self.reader()).await;
        found.map_err(driver)?.iter().map(rows::frame).collect()
    }

    async fn tasks(&self, person: &PersonId, before: Option<&TaskId>, limit: u32) -> Result<Vec<TaskRow>, StoreError> {
        let (order, columns, tables) = ("ORDER BY created_at DESC, id DESC LIMIT ?2", rows::TASK, rows::TASKS);
        let sql = match before {
            None => format!("SELECT {columns} FROM {tables} WHERE person_id = ?1 AND listed = 1 {order}"),
            Some(_) => format!(
                "SELECT {columns} FROM {tables} WHERE person_id = ?1 AND listed = 1
                 AND (created_at, id) < (SELECT created_at, id FROM tasks WHERE id = ?3 AND person_id = ?1) {order}"
            ),
        };
        let mut asked = query(AssertSqlSafe(sql)).bind(person.as_str()).bind(limit);
        if let Some(before) = before {
            asked = asked.bind(before.as_str());
        }
        asked.fetch_all(self.reader()).await.map_err(driver)?.iter().map(rows::task).collect()
    }

    async fn conversation_tasks(&self, id: &ConversationId, limit: u32) -> Result<Vec<TaskRow>, StoreError> {
        let (columns, tables) = (rows::TASK, rows::TASKS);
        let sql = format!(
            "SELECT {columns} FROM {tables} WHERE conversation_id = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2"
        );
        let asked = query(AssertSqlSafe(sql)).bind(id.as_str()).bind(limit);
        asked.fetch_all(self.reader()).await.map_err(driver)?.iter().map(rows::task).collect()
    }

    async fn open_prompts(&self, person: &PersonId) -> Result<Vec<PromptRow>, StoreError> {
        let sql = "SELECT * FROM prompts WHERE person_id = ?1 AND open = 1 ORDER BY asked_at DESC LIMIT ?2";
        let found = query(sql).bind(person.as_str()).bind(PROMPTS_MAX).fetch_all(self.reader()).await;
        found.map_err(driver)?.iter().map(rows::prompt).collect()
    }

    async fn append(
        &self,
        person: &PersonId,
        task: Option<&TaskId>,
        draft: FrameDraft,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Frame>, StoreError> {
        let (person, task, key) = (person.clone(), task.cloned(), key.to_owned());
        self.writer()?.append(super::turns::Appended { person, task, draft, key, at }).await
    }

    async fn conversation_owner(&self, id: &ConversationId) -> Result<Option<PersonId>, StoreError> {
        let sql = "SELECT person_id FROM conversations WHERE id = ?1";
        let found: Option<String> =
            query_scalar(sql).bind(id.as_str()).fetch_optional(self.reader()).await.map_err(driver)?;
        Ok(found.map(PersonId))
    }

    async fn claim_conversation(
        &self,
        id: &ConversationId,
        person: &PersonId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        if let Some(owner) = self.conversation_owner(id).await? {
            return Ok(&owner == person);
        }
        let (id, person, at) = (id.0.clone(), person.0.clone(), at.timestamp_millis());
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO conversations (id, person_id, created_at) VALUES (?1, ?2, ?3)
                    ON CONFLICT (id) DO UPDATE SET person_id = person_id RETURNING person_id = ?2";
                query_scalar(sql).bind(id).bind(person).bind(at).fetch_one(connection).await.map_err(driver)
            })
        })
        .await
    }

    async fn queue_depth(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL)
            + (SELECT count(*) FROM tasks INDEXED BY tasks_due WHERE wake_at <= ?1)";
        let depth: i64 =
            query_scalar(sql).bind(now.timestamp_millis()).fetch_one(self.reader()).await.map_err(driver)?;
        Ok(u64::try_from(depth).unwrap_or_default())
    }
}
