//! Evidence of an outcome.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::StageId;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// The other side confirmed it.
    Done,
    /// It certainly did not happen.
    Failed,
    /// It may or may not have happened.
    Unknown,
    /// It was taken and came back.
    Bounced,
    /// It was taken back.
    Undone,
}

/// One outcome, as the other side told it; the shape of `Receipt` in the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Full action name.
    pub action: String,
    /// The stage that ran it.
    pub stage_id: StageId,
    /// How it ended.
    pub status: ReceiptStatus,
    /// One sentence for the person.
    pub detail: String,
    /// When the outcome was known.
    pub at: DateTime<Utc>,
    /// The action's result: `message_id`, `url`, `uid`, …
    #[serde(flatten)]
    pub result: Map<String, Value>,
}
