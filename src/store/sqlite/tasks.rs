//! The engine's store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row, query, query_scalar};
use workflows::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use workflows::inbound::Inbound;
use workflows::ports::store::ConversationView;
use workflows::ports::{
    Accepted, Claim, Claimed, Committed, InboxId, InboxRow, PromptRow, StoreError, TaskRow, TaskStore, Turn,
};
use workflows::state::STATE_VERSION;

use super::error::driver;
use super::turns::{AcceptText, TurnText};
use super::{Db, rows};

/// Open questions of one conversation that routing looks at.
const OPEN_MAX: i64 = 50;

#[async_trait]
impl TaskStore for Db {
    async fn accept(&self, inbound: &Inbound) -> Result<Accepted, StoreError> {
        self.writer()?.accept(AcceptText::new(inbound)?).await
    }

    async fn take_up(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        let before = before.timestamp_millis();
        let rows = self
            .write_one(move |connection| {
                Box::pin(async move {
                    let sql = "UPDATE inbox SET attempts = attempts + 1, taken_at = ?1 WHERE id IN
                        (SELECT id FROM inbox WHERE done_at IS NULL AND taken_at < ?1 ORDER BY id LIMIT ?2)
                        RETURNING id, payload, attempts";
                    query(sql).bind(before).bind(limit).fetch_all(connection).await.map_err(driver)
                })
            })
            .await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            let payload: String = row.try_get("payload").map_err(driver)?;
            taken.push(InboxRow {
                id: InboxId(row.try_get("id").map_err(driver)?),
                inbound: serde_json::from_str(&payload).map_err(|_| payload),
                attempts: row.try_get("attempts").map_err(driver)?,
            });
        }
        taken.sort_by_key(|row| row.id);
        Ok(taken)
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        let sql = format!("SELECT {} FROM {} WHERE id = ?1", rows::TASK, rows::TASKS);
        let row = query(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.reader()).await.map_err(driver)?;
        row.as_ref().map(rows::task).transpose()
    }

    async fn commit(&self, turn: Turn) -> Result<Committed, StoreError> {
        self.writer()?.turn(TurnText::new(turn)?).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let now = claim.now.timestamp_millis();
        let due: Option<i64> = query_scalar(
            "SELECT 1 FROM tasks INDEXED BY tasks_due WHERE wake_at <= ?1 AND state_version <= ?2 LIMIT 1",
        )
        .bind(now)
        .bind(STATE_VERSION)
        .fetch_optional(self.reader())
        .await
        .map_err(driver)?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let claimed = self
            .write_one(move |connection| {
                Box::pin(async move {
                    query(CLAIM)
                        .bind(claim.owner.as_str())
                        .bind(claim.lease_until.timestamp_millis())
                        .bind(now)
                        .bind(claim.limit)
                        .bind(STATE_VERSION)
                        .fetch_all(connection)
                        .await
                        .map_err(driver)
                })
            })
            .await?;
        claimed.iter().map(rows::claimed).collect()
    }

    async fn renew(
        &self,
        owner: &RunnerId,
        held: &[(TaskId, u64)],
        until: DateTime<Utc>,
    ) -> Result<Vec<TaskId>, StoreError> {
        let held: Vec<serde_json::Value> =
            held.iter().map(|(id, epoch)| serde_json::json!({"id": id, "epoch": epoch})).collect();
        let (owner, held) = (owner.0.clone(), serde_json::Value::Array(held).to_string());
        self.write_one(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE tasks SET wake_at = ?1, lease_until = ?1 FROM json_each(?3) j
                    WHERE tasks.id = j.value->>'id' AND tasks.epoch = j.value->>'epoch' AND tasks.lease_owner = ?2
                    RETURNING tasks.id";
                let until = until.timestamp_millis();
                let rows = query(sql).bind(until).bind(owner).bind(held).fetch_all(connection).await.map_err(driver)?;
                rows.iter().map(|row| row.try_get(0).map(TaskId).map_err(driver)).collect()
            })
        })
        .await
    }

    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, StoreError> {
        let row = query("SELECT * FROM prompts WHERE id = ?1").bind(id.as_str());
        let row = row.fetch_optional(self.reader()).await.map_err(driver)?;
        row.as_ref().map(rows::prompt).transpose()
    }

    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, StoreError> {
        let person: Option<String> = query_scalar("SELECT person_id FROM conversations WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.reader())
            .await
            .map_err(driver)?;
        if person.is_none() {
            return Ok(ConversationView::default());
        }
        let open = "SELECT * FROM prompts WHERE conversation_id = ?1 AND open = 1 ORDER BY asked_at DESC LIMIT ?2";
        let open = query(open).bind(id.as_str()).bind(OPEN_MAX).fetch_all(self.reader()).await.map_err(driver)?;
        let newest = "SELECT id FROM tasks WHERE conversation_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 1";
        let live =
            "SELECT id FROM tasks WHERE conversation_id = ?1 AND ended = 0 ORDER BY created_at DESC, id DESC LIMIT 1";
        let one = |sql: &'static str| query_scalar::<_, String>(sql).bind(id.as_str()).fetch_optional(self.reader());
        Ok(ConversationView {
            person_id: person.map(PersonId),
            open: open.iter().map(rows::prompt).collect::<Result<_, _>>()?,
            live: one(live).await.map_err(driver)?.map(TaskId),
            newest: one(newest).await.map_err(driver)?.map(TaskId),
        })
    }
}

/// Claims due rows.
const CLAIM: &str =
    "UPDATE tasks SET lease_owner = ?1, lease_until = ?2, wake_at = ?2, epoch = epoch + 1, attempts = attempts + 1
     WHERE n IN (SELECT n FROM tasks INDEXED BY tasks_due WHERE wake_at <= ?3 AND state_version <= ?5
                     ORDER BY wake_at LIMIT ?4) RETURNING id, epoch, attempts";
