//! Open questions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{EffectId, PromptId, StageId};
use crate::plan::AnswerType;

/// A question to the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Its token.
    pub id: PromptId,
    /// What its answer is for.
    pub purpose: Purpose,
    /// The words.
    pub question: String,
    /// What kind of answer it takes.
    pub kind: PromptKind,
    /// How it stands.
    pub state: PromptState,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// How often it lapsed before.
    pub lapses: u32,
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", content = "of", rename_all = "snake_case")]
pub enum Purpose {
    /// A stage of the plan.
    Stage(StageId),
    /// What to do about a failed act: `retry`, `other`, `skip`, `stop`.
    Failure(EffectId),
    /// Another target for a failed act.
    Other(EffectId),
    /// A yes for acts outside any confirmation stage (another address, a late `world` call).
    Approve(Vec<EffectId>),
    /// What to do about an unknown outcome: `check`, `resend`, `drop`.
    Unknown(EffectId),
}

/// What kind of answer it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PromptKind {
    /// A typed text, with suggestions.
    Text {
        /// How it is read.
        answer: AnswerType,
        /// Offered as buttons.
        suggestions: Vec<String>,
        /// Whether "skip" is an answer.
        optional: bool,
    },
    /// One option.
    One {
        /// The options.
        options: Vec<PromptOption>,
    },
    /// Several options.
    Many {
        /// The options.
        options: Vec<PromptOption>,
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
    /// A yes or no to each of these acts.
    Confirm {
        /// The acts, by id; their arguments are in the run's items.
        items: Vec<EffectId>,
    },
}

/// An option as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptOption {
    /// What an answer names.
    pub id: String,
    /// The label.
    pub name: String,
    /// A second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the stage's result becomes.
    pub value: Value,
}

/// How a question stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PromptState {
    /// It can be answered.
    Open,
    /// It was answered.
    Decided {
        /// The name of who did.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its time passed.
    Expired,
    /// The plan went on without it.
    Void,
}

impl Prompt {
    /// Whether it can be answered.
    pub fn is_open(&self) -> bool {
        self.state == PromptState::Open
    }

    /// The stage type name the API gives for it.
    pub fn stage_type(&self) -> &'static str {
        match &self.kind {
            PromptKind::Text { .. } => "clarification",
            PromptKind::One { .. } => "selection",
            PromptKind::Many { .. } => "multi_select",
            PromptKind::Confirm { .. } => "confirmation",
        }
    }
}
