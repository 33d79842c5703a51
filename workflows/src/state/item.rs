//! One concrete act of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::action::Reach;
use crate::ids::{EffectId, PersonId, StageId};
use crate::ports::actions::{ActionError, ActionOutcome};

/// A person's yes, bound to exactly what was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who said it.
    pub by: PersonId,
    /// When.
    pub at: DateTime<Utc>,
    /// The hash of the action and its canonical arguments.
    pub hash: String,
}

/// One concrete act: an action with frozen arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The idempotency key.
    pub id: EffectId,
    /// The stage it belongs to.
    pub stage_id: StageId,
    /// Its place in a `for_each`, from 0.
    pub index: usize,
    /// The `for_each` item it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Value>,
    /// Full action name.
    pub action: String,
    /// The arguments as shown and run.
    pub args: Map<String, Value>,
    /// The version of the action that was shown, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the person is to know of it before they say yes: targets that are not from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its reach with these arguments.
    pub reach: Reach,
    /// Whether a repeat under the same id is harmless.
    pub idempotent: bool,
    /// Whether the other side can be asked if it was done.
    pub look_up: bool,
    /// The person's yes, until the start consumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Starts so far.
    pub starts: u32,
    /// How it stands.
    pub phase: ItemPhase,
    /// For an undo: the act it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<EffectId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How an act stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ItemPhase {
    /// Shown, not yet decided.
    Held,
    /// May start as soon as there is room.
    Ready,
    /// The intent is committed; the outcome is not.
    Started {
        /// The task's epoch then.
        epoch: u64,
        /// When.
        at: DateTime<Utc>,
    },
    /// The other side is being asked whether it was done.
    LookingUp {
        /// The task's epoch then.
        epoch: u64,
        /// When.
        at: DateTime<Utc>,
    },
    /// Will be tried again.
    Retrying {
        /// When.
        at: DateTime<Utc>,
        /// Why the last try failed.
        error: ActionError,
    },
    /// Done, with its evidence.
    Done {
        /// What the other side said.
        outcome: ActionOutcome,
        /// When it was known.
        at: DateTime<Utc>,
        /// Whether it has been taken back since.
        undone: bool,
    },
    /// Certainly not done; `settled` once the reaction to it is decided.
    Failed {
        /// Why.
        error: String,
        /// When it was known.
        at: DateTime<Utc>,
        /// Whether nothing more will be tried.
        settled: bool,
    },
    /// It may have been done; `settled` once the person dropped it.
    Unknown {
        /// What is known.
        error: String,
        /// When.
        at: DateTime<Utc>,
        /// Whether nothing more will be tried.
        settled: bool,
    },
    /// The person said no.
    Rejected,
    /// Called off before it started.
    Cancelled,
    /// Another item took its place (another address).
    Replaced,
}

impl Item {
    /// The hash an approval is bound to: of the action's name and its arguments in canonical form
    /// (keys sorted, RFC 8785 in spirit: no white space), and of the action's version when it has one.
    pub fn hash(&self) -> String {
        let call = call_hash(&self.action, &self.args);
        match &self.version {
            None => call,
            Some(version) => hex::encode(Sha256::digest(format!("{call}\n{version}"))),
        }
    }

    /// Whether its outcome is decided.
    pub fn is_settled(&self) -> bool {
        match &self.phase {
            ItemPhase::Held
            | ItemPhase::Ready
            | ItemPhase::Started { .. }
            | ItemPhase::LookingUp { .. }
            | ItemPhase::Retrying { .. } => false,
            ItemPhase::Failed { settled, .. } | ItemPhase::Unknown { settled, .. } => *settled,
            ItemPhase::Done { .. } | ItemPhase::Rejected | ItemPhase::Cancelled | ItemPhase::Replaced => true,
        }
    }

    /// What the other side said, when it was done.
    pub fn done(&self) -> Option<&ActionOutcome> {
        match &self.phase {
            ItemPhase::Done { outcome, .. } => Some(outcome),
            ItemPhase::Held
            | ItemPhase::Ready
            | ItemPhase::Started { .. }
            | ItemPhase::LookingUp { .. }
            | ItemPhase::Retrying { .. }
            | ItemPhase::Failed { .. }
            | ItemPhase::Unknown { .. }
            | ItemPhase::Rejected
            | ItemPhase::Cancelled
            | ItemPhase::Replaced => None,
        }
    }

    /// Why it failed, or cannot be known.
    pub fn trouble(&self) -> Option<&str> {
        match &self.phase {
            ItemPhase::Failed { error, .. } | ItemPhase::Unknown { error, .. } => Some(error),
            ItemPhase::Held
            | ItemPhase::Ready
            | ItemPhase::Started { .. }
            | ItemPhase::LookingUp { .. }
            | ItemPhase::Retrying { .. }
            | ItemPhase::Done { .. }
            | ItemPhase::Rejected
            | ItemPhase::Cancelled
            | ItemPhase::Replaced => None,
        }
    }

    /// Whether something is under way for it outside.
    pub fn is_in_flight(&self) -> bool {
        matches!(self.phase, ItemPhase::Started { .. } | ItemPhase::LookingUp { .. })
    }
}

/// The hash of an action and its arguments in canonical form.
pub fn call_hash(action: &str, args: &Map<String, Value>) -> String {
    let mut text = String::from(action);
    text.push('\n');
    canonical(&Value::Object(args.clone()), &mut text);
    hex::encode(Sha256::digest(text))
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            out.push('{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical(&fields[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}
