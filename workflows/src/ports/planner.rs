//! Turning words into a plan.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::Catalog;
use crate::person::{Contact, Person};
use crate::plan::Plan;

/// What a planner is told.
#[derive(Debug, Clone)]
pub struct PlanRequest<'a> {
    /// What was asked.
    pub text: &'a str,
    /// Later words that change it, oldest first ("make it Sunday").
    pub amendments: &'a [String],
    /// Who asks.
    pub person: &'a Person,
    /// Whom they know.
    pub contacts: &'a [Contact],
    /// The time now.
    pub now: DateTime<Utc>,
    /// What can be done.
    pub catalog: &'a Catalog,
}

/// What was understood; the shape of `intent` in the API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// A short machine word, `send_email`, `unknown`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Values found in the words.
    #[serde(default)]
    pub entities: Map<String, Value>,
}

/// What a planner answers. Untrusted: validated before anything follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Proposal {
    /// Things to do.
    Plan {
        /// The plan, not yet validated.
        plan: Box<Plan>,
        /// What was understood.
        intent: Intent,
    },
    /// Nothing to do: a plain answer.
    Reply {
        /// The answer.
        text: String,
        /// What was understood.
        intent: Intent,
    },
}

/// Why no proposal came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct PlannerError(pub String);

/// Turns words into a plan.
#[async_trait]
pub trait Planner: Send + Sync {
    /// `builtin`, or the provider's name.
    fn name(&self) -> &str;

    /// One inbound turn, one proposal. Has no effect on the world, so it may be repeated.
    ///
    /// # Errors
    /// When no proposal could be made at all.
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Proposal, PlannerError>;
}
