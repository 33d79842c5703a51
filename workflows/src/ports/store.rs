//! Where tasks live. The row is the queue.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::frame::{Frame, FrameDraft};
use crate::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use crate::inbound::Inbound;
use crate::state::{PromptState, TaskState};

/// A stored inbound event's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InboxId(pub i64);

/// The answer to an accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored and ours to handle, its first attempt counted.
    New(InboxId),
    /// It was stored before under the same (channel, source id), and is handled or being handled.
    Duplicate(InboxId),
}

/// A stored inbound event.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// Its place.
    pub id: InboxId,
    /// The event; `Err` holds the stored text that can no longer be read.
    pub inbound: Result<Inbound, String>,
    /// Times it was taken up, this one included.
    pub attempts: u32,
}

/// Who drives a task, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process.
    pub owner: RunnerId,
    /// When it lapses.
    pub until: DateTime<Utc>,
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The id.
    pub id: TaskId,
    /// Whose it is.
    pub person_id: PersonId,
    /// Where it was asked for.
    pub conversation_id: ConversationId,
    /// Rises by one with every commit.
    pub ver: u64,
    /// Rises by one with every claim.
    pub epoch: u64,
    /// Claims since the last progress.
    pub attempts: u32,
    /// Who drives it.
    pub lease: Option<Lease>,
    /// When it is due next; `None` = only a person's answer moves it.
    pub wake_at: Option<DateTime<Utc>>,
    /// The snapshot.
    pub state: TaskState,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a turn writes of its task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWrite {
    /// The id.
    pub id: TaskId,
    /// Whose it is.
    pub person_id: PersonId,
    /// Where it was asked for.
    pub conversation_id: ConversationId,
    /// The version it was read at; `None` inserts a new row (version 1, epoch 1).
    pub read_ver: Option<u64>,
    /// The epoch it was read at; ignored for a new row.
    pub read_epoch: u64,
    /// The snapshot to keep.
    pub state: TaskState,
    /// The lease to keep: `None` gives it up.
    pub lease: Option<Lease>,
    /// When it is due next.
    pub wake_at: Option<DateTime<Utc>>,
    /// Whether this turn is progress: sets `attempts` to 0.
    pub progress: bool,
}

/// A question as stored for lookups by its token. The task's snapshot is the truth of it; this row
/// is written in the same commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptRow {
    /// The token.
    pub id: PromptId,
    /// The task that asks.
    pub task_id: TaskId,
    /// Who may answer.
    pub person_id: PersonId,
    /// Where it was asked.
    pub conversation_id: ConversationId,
    /// How it stands.
    pub status: PromptState,
    /// What `GET /api/prompts` shows: `kind`, `question`, `options`, `pending_actions`.
    pub view: Value,
    /// When it was asked: the newest is meant when none is named.
    pub asked_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// Acts that a turn starts, counted against a person's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// The day, as the person's clock has it.
    pub day: NaiveDate,
    /// How many acts start.
    pub effects: u32,
    /// How many may start in that day.
    pub effects_max: u32,
}

/// Everything one turn changes, committed whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Whose log the frames go to.
    pub person_id: PersonId,
    /// The task; `None` when the event touched none (a late press).
    pub task: Option<TaskWrite>,
    /// Questions opened, decided, expired or voided.
    pub prompts: Vec<PromptRow>,
    /// What to append to the person's log. Frames carry the task's id when there is one.
    pub frames: Vec<FrameDraft>,
    /// The inbound event this turn handled: marked done, with what is to be answered should it be
    /// delivered again.
    pub inbox: Option<InboxId>,
    /// The acts it starts; `None` when it starts none that count.
    pub spend: Option<Spend>,
    /// The time of the turn.
    pub at: DateTime<Utc>,
}

/// A committed turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The version the task has now; 0 without a task.
    pub ver: u64,
    /// The frames, with their places.
    pub frames: Vec<Frame>,
}

/// A wish for due tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Who asks.
    pub owner: RunnerId,
    /// The time now: rows with `wake_at` at or before it are due.
    pub now: DateTime<Utc>,
    /// What `wake_at` and the lease are set to.
    pub lease_until: DateTime<Utc>,
    /// At most this many.
    pub limit: u32,
}

/// A task that was claimed. Its snapshot is read when it is moved, not here: a claim is quick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The task.
    pub id: TaskId,
    /// Its epoch from now on.
    pub epoch: u64,
    /// Claims since the last progress, this one included.
    pub attempts: u32,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row changed since it was read, or was claimed by another: load again, or drop the result.
    #[error("the task changed meanwhile")]
    Conflict,
    /// The day's acts would be exceeded: nothing was stored.
    #[error("the day's limit is reached")]
    Spent {
        /// How many may still start.
        left: u32,
    },
    /// The writer's queue is full: nothing was stored.
    #[error("too busy")]
    Busy,
    /// The disk is full, or may not be written: nothing was stored.
    #[error("storage is full or read-only")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The driver failed: nothing was stored.
    #[error("storage failed")]
    Driver(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored breaks our rules.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

/// Tasks, their inbox, their questions and their log.
///
/// Every implementation passes the suite in `ports::contract`. Nothing here depends on one process or one
/// writer: a commit is guarded by version and epoch alone.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Stores an inbound event, once per (channel, source id), with `attempts = 1`. When it
    /// returns, the event survives a power cut; only then may the platform be answered.
    ///
    /// # Errors
    /// [`StoreError::Busy`] and the rest; then nothing is stored.
    async fn accept(&self, inbound: &Inbound) -> Result<Accepted, StoreError>;

    /// Takes up events that were accepted before `before` and not handled, oldest first: counts
    /// one attempt each, committed before it returns. An event taken up here is not handed out
    /// again by a later call with the same or an earlier `before`.
    ///
    /// # Errors
    /// When the store fails.
    async fn take_up(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<InboxRow>, StoreError>;

    /// The task of that id.
    ///
    /// # Errors
    /// When the store fails or the row breaks our rules.
    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, StoreError>;

    /// Commits one turn. Precondition: the task's row still has `read_ver` and `read_epoch` (or,
    /// for a new one, does not exist), and the inbox row is not done yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the precondition does not hold, [`StoreError::Spent`] when the turn
    /// starts more acts than the day has left; nothing is written then.
    async fn commit(&self, turn: Turn) -> Result<Committed, StoreError>;

    /// Takes due tasks, the most overdue ones: owner, epoch + 1, attempts + 1, lease and
    /// `wake_at` = `lease_until`.
    ///
    /// # Errors
    /// When the store fails.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError>;

    /// Moves `wake_at` and the lease of tasks that are still driven by this owner at these
    /// epochs; answers which are.
    ///
    /// # Errors
    /// When the store fails.
    async fn renew(
        &self,
        owner: &RunnerId,
        held: &[(TaskId, u64)],
        until: DateTime<Utc>,
    ) -> Result<Vec<TaskId>, StoreError>;

    /// The question of that token.
    ///
    /// # Errors
    /// When the store fails.
    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, StoreError>;

    /// The newest live task of a conversation, and its open questions, newest first.
    ///
    /// # Errors
    /// When the store fails.
    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, StoreError>;
}

/// What routing needs to know of a conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationView {
    /// Whose it is; `None` when it was never used.
    pub person_id: Option<PersonId>,
    /// Open questions, newest first.
    pub open: Vec<PromptRow>,
    /// The newest task that has not ended.
    pub live: Option<TaskId>,
    /// The newest task of all.
    pub newest: Option<TaskId>,
}

/// Hears of committed frames. A hint: it may be lost, the log is the truth.
pub trait FrameSink: Send + Sync {
    /// Called after every commit, in commit order per task.
    fn publish(&self, frames: &[Frame]);

    /// Called while a reply is being made. Not in the log: it may be lost, and the next one may say
    /// something else.
    fn so_far(&self, _reply: &ReplySoFar<'_>) {}
}

/// A reply as far as it has come.
#[derive(Debug, Clone, Copy)]
pub struct ReplySoFar<'a> {
    /// Who asked.
    pub person_id: &'a PersonId,
    /// Where.
    pub conversation_id: &'a ConversationId,
    /// As which task.
    pub task_id: &'a TaskId,
    /// All of it that is there.
    pub text: &'a str,
}
