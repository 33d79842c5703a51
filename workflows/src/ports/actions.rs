//! Running actions in the world.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::Catalog;
use crate::ids::{ConversationId, EffectId, TaskId};
use crate::person::Person;

/// One concrete act, with everything it may know.
#[derive(Debug, Clone)]
pub struct ActionCall {
    /// The idempotency key: the same for every attempt of the same act.
    pub effect_id: EffectId,
    /// The task it belongs to.
    pub task_id: TaskId,
    /// Where the task was asked for.
    pub conversation_id: ConversationId,
    /// In whose name.
    pub person: Person,
    /// Full action name.
    pub action: String,
    /// The arguments that were shown and approved, unchanged.
    pub args: Map<String, Value>,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// What the other side said when it was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// The action's result object, as its result schema says.
    pub result: Map<String, Value>,
    /// One sentence for the person, made from what the other side answered.
    pub detail: String,
    /// The call that takes it back, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoCall>,
    /// The part that was certainly not done, like a refused recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// The call that takes an act back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoCall {
    /// Full action name.
    pub action: String,
    /// Its arguments.
    pub args: Map<String, Value>,
}

/// The part of an act that was certainly not done while the rest was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// The arguments that would do only that part.
    pub args: Map<String, Value>,
    /// Why it was not done, in the other side's words.
    pub error: String,
}

/// What is known of an act that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionErrorKind {
    /// Certainly not done; trying again may help.
    Retry {
        /// The other side's own wish, in seconds.
        after_secs: Option<u32>,
    },
    /// Certainly not done, and trying again will not help.
    Fail,
    /// It may have been done.
    Unknown,
}

/// A failed act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    /// What is known.
    pub kind: ActionErrorKind,
    /// One sentence for the person, with the other side's words where it gave any. No secrets.
    pub message: String,
    /// What would be done instead, for the person to decide: another price, one of several places
    /// of that name. Only for what is certainly not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
}

/// The same act with other arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// What people choose it by.
    pub name: String,
    /// The arguments.
    pub args: Map<String, Value>,
}

impl ActionError {
    /// Certainly not done, for good.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { kind: ActionErrorKind::Fail, message: message.into(), offers: Vec::new() }
    }
    /// Certainly not done, worth another try.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { kind: ActionErrorKind::Retry { after_secs: None }, message: message.into(), offers: Vec::new() }
    }
    /// Certainly not done, worth another try after the other side's own wish.
    pub fn later(message: impl Into<String>, after_secs: Option<u32>) -> Self {
        Self { kind: ActionErrorKind::Retry { after_secs }, ..Self::fail(message) }
    }
    /// Certainly not done as asked, but it would be done like one of these.
    pub fn offering(message: impl Into<String>, offers: Vec<Offer>) -> Self {
        Self { offers, ..Self::fail(message) }
    }
    /// It may have been done.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { kind: ActionErrorKind::Unknown, message: message.into(), offers: Vec::new() }
    }
}

/// The answer to "was this effect done?".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum LookUp {
    /// It was done, and this is what came of it.
    Done(ActionOutcome),
    /// It was certainly not done.
    Absent,
    /// The other side cannot say now.
    CannotTell(String),
}

/// The plugins, as one.
#[async_trait]
pub trait Actions: Send + Sync {
    /// Every known action as things stand now, available or not. Actions may come and go: whoever needs
    /// one view of them keeps what it was given.
    fn catalog(&self) -> Arc<Catalog>;

    /// Runs one act. Called only after the commit that recorded its start, and at most once per
    /// start. Must not retry by itself.
    ///
    /// # Errors
    /// When it was not done, or may have been: see [`ActionErrorKind`].
    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError>;

    /// Asks whether the act of that effect id was done. Called only for actions that declare it.
    async fn look_up(&self, call: ActionCall) -> LookUp;

    /// The longest one attempt of this action may take; when it passes the outcome is unknown.
    fn time_limit(&self, action: &str) -> Duration;
}
