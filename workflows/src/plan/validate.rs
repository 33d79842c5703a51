//! Finding every fault of a plan.

use serde::{Deserialize, Serialize};

/// One fault, with where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Steps to it: field names and list positions, `["stages", 3, "params", "to"]`.
    pub loc: Vec<serde_json::Value>,
    /// The path and what is wrong, `stages[3].params.to: unknown stage "venu"`.
    pub msg: String,
    /// A machine word: `unknown_stage`, `unknown_action`, …
    #[serde(rename = "type")]
    pub kind: String,
}
