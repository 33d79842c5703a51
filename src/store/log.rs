//! Reading tasks, questions and the log; appending what belongs to no turn.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::frame::{Frame, FrameDraft};
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::ports::{PromptRow, StoreError, TaskRow};

/// What doors read of tasks, and the log itself. Every method fails when the store does.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// A person's frames after that place, in order.
    async fn frames(&self, person: &PersonId, after: i64, limit: u32) -> Result<Vec<Frame>, StoreError>;

    /// The place of a person's newest frame; 0 when there is none.
    async fn last_seq(&self, person: &PersonId) -> Result<i64, StoreError>;

    /// A task's frames after that place, in order.
    async fn task_frames(&self, task: &TaskId, after: i64, limit: u32) -> Result<Vec<Frame>, StoreError>;

    /// A person's tasks that have a plan, newest first, those older than `before`.
    async fn tasks(&self, person: &PersonId, before: Option<&TaskId>, limit: u32) -> Result<Vec<TaskRow>, StoreError>;

    /// The newest tasks of a conversation, newest first.
    async fn conversation_tasks(&self, id: &ConversationId, limit: u32) -> Result<Vec<TaskRow>, StoreError>;

    /// A person's open questions, newest first.
    async fn open_prompts(&self, person: &PersonId) -> Result<Vec<PromptRow>, StoreError>;

    /// Appends a frame once per key: `None` when the key was there before.
    async fn append(
        &self,
        person: &PersonId,
        task: Option<&TaskId>,
        draft: FrameDraft,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Frame>, StoreError>;

    /// Whose conversation it is.
    async fn conversation_owner(&self, id: &ConversationId) -> Result<Option<PersonId>, StoreError>;

    /// Makes a conversation that person's unless it is another's; whether it now is theirs.
    async fn claim_conversation(
        &self,
        id: &ConversationId,
        person: &PersonId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Inbound events and due tasks that wait.
    async fn queue_depth(&self, now: DateTime<Utc>) -> Result<u64, StoreError>;
}
