//! The task log: every event a person can see, in order. It feeds the WebSocket, the audit page
//! and the metrics; what is not in it was not said.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{PersonId, TaskId};

/// The kinds of frame; names are the WebSocket's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameKind {
    /// The socket is open, or answers a ping.
    Connected,
    /// The socket is about to close.
    Disconnected,
    /// Something went wrong that is no task's failure.
    Error,
    /// A task began.
    TaskCreated,
    /// A task began to carry out its plan.
    TaskStarted,
    /// `data.progress` changed.
    TaskProgress,
    /// A task ended, wholly or in part done.
    TaskCompleted,
    /// A task ended otherwise.
    TaskFailed,
    /// `data.plan` is what will be followed.
    WorkflowCreated,
    /// A stage began.
    StageStarted,
    /// A stage waits for a person or a time.
    StageWaiting,
    /// A stage ended.
    StageCompleted,
    /// An action is about to run.
    PluginExecuting,
    /// An action has an outcome.
    PluginResult,
    /// A planner was asked.
    AiThinking,
    /// A piece of a planner's reply.
    AiStreaming,
    /// A planner answered.
    AiComplete,
    /// A reply to a conversation.
    Message,
    /// A reminder or notice.
    Notification,
}

/// A frame before it has a place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameDraft {
    /// The kind.
    pub kind: FrameKind,
    /// The body.
    pub data: Map<String, Value>,
}

/// A frame as logged and sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: FrameKind,
    /// The body.
    pub data: Map<String, Value>,
    /// When it was committed.
    pub timestamp: DateTime<Utc>,
    /// Whose it is.
    pub user_id: PersonId,
    /// The task it speaks of.
    pub task_id: Option<TaskId>,
    /// Its place: rises per person over all tasks, in commit order.
    pub seq: i64,
}
