//! Rows and what they mean: "the driver failed" and "what is stored breaks our rules" are
//! different errors.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use workflows::frame::Frame;
use workflows::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use workflows::ports::{Claimed, Lease, PromptRow, StoreError, TaskRow};
use workflows::state::STATE_VERSION;

use super::error::driver;

/// Where the columns of [`TASK`] are.
pub(super) const TASKS: &str = "tasks JOIN snapshots ON snapshots.task = tasks.n";

/// The columns [`task`] reads.
pub(super) const TASK: &str = "id, person_id, conversation_id, ver, epoch, attempts, lease_owner, lease_until, wake_at, \
     state_version, state, created_at, updated_at";

pub(super) fn moment(millis: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| StoreError::Corrupt(format!("{millis} is no time")))
}

fn count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} is no count")))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

pub(super) fn task(row: &SqliteRow) -> Result<TaskRow, StoreError> {
    let id: String = row.try_get("id").map_err(driver)?;
    let state_version: i64 = row.try_get("state_version").map_err(driver)?;
    if state_version > i64::from(STATE_VERSION) {
        return Err(StoreError::Corrupt(format!(
            "task {id} was written by a newer program (state version {state_version}); it waits for one"
        )));
    }
    let state: String = row.try_get("state").map_err(driver)?;
    let owner: Option<String> = row.try_get("lease_owner").map_err(driver)?;
    let until: Option<i64> = row.try_get("lease_until").map_err(driver)?;
    let wake_at: Option<i64> = row.try_get("wake_at").map_err(driver)?;
    Ok(TaskRow {
        state: json(&format!("task {id}"), &state)?,
        id: TaskId(id),
        person_id: PersonId(row.try_get("person_id").map_err(driver)?),
        conversation_id: ConversationId(row.try_get("conversation_id").map_err(driver)?),
        ver: count(row.try_get("ver").map_err(driver)?)?,
        epoch: count(row.try_get("epoch").map_err(driver)?)?,
        attempts: u32::try_from(count(row.try_get("attempts").map_err(driver)?)?).unwrap_or(u32::MAX),
        lease: match (owner, until) {
            (Some(owner), Some(until)) => Some(Lease { owner: RunnerId(owner), until: moment(until)? }),
            (_, _) => None,
        },
        wake_at: wake_at.map(moment).transpose()?,
        created_at: moment(row.try_get("created_at").map_err(driver)?)?,
        updated_at: moment(row.try_get("updated_at").map_err(driver)?)?,
    })
}

pub(super) fn claimed(row: &SqliteRow) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: TaskId(row.try_get("id").map_err(driver)?),
        epoch: count(row.try_get("epoch").map_err(driver)?)?,
        attempts: u32::try_from(count(row.try_get("attempts").map_err(driver)?)?).unwrap_or(u32::MAX),
    })
}

pub(super) fn prompt(row: &SqliteRow) -> Result<PromptRow, StoreError> {
    let id: String = row.try_get("id").map_err(driver)?;
    let status: String = row.try_get("status").map_err(driver)?;
    let view: String = row.try_get("view").map_err(driver)?;
    Ok(PromptRow {
        status: json(&format!("question {id}"), &status)?,
        view: json(&format!("question {id}"), &view)?,
        id: PromptId(id),
        task_id: TaskId(row.try_get("task_id").map_err(driver)?),
        person_id: PersonId(row.try_get("person_id").map_err(driver)?),
        conversation_id: ConversationId(row.try_get("conversation_id").map_err(driver)?),
        asked_at: moment(row.try_get("asked_at").map_err(driver)?)?,
        expires_at: moment(row.try_get("expires_at").map_err(driver)?)?,
    })
}

pub(super) fn frame(row: &SqliteRow) -> Result<Frame, StoreError> {
    let kind: String = row.try_get("kind").map_err(driver)?;
    let data: String = row.try_get("data").map_err(driver)?;
    let task: Option<String> = row.try_get("task_id").map_err(driver)?;
    Ok(Frame {
        kind: json("a frame's kind", &format!("\"{kind}\""))?,
        data: json("a frame", &data)?,
        timestamp: moment(row.try_get("at").map_err(driver)?)?,
        user_id: PersonId(row.try_get("person_id").map_err(driver)?),
        task_id: task.map(TaskId),
        seq: row.try_get("seq").map_err(driver)?,
    })
}
