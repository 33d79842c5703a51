//! Turning words into a plan.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::Catalog;
use crate::ids::{ConversationId, TaskId};
use crate::inbound::Photo;
use crate::person::{Contact, Person};
use crate::plan::Plan;
use crate::state::{Amendment, Run};

/// The name of the planner that is always there.
pub const BUILTIN: &str = "builtin";

/// What a planner is told.
#[derive(Debug, Clone)]
pub struct PlanRequest<'a> {
    /// What was asked.
    pub text: &'a str,
    /// Later words that change it, oldest first ("make it Sunday").
    pub amendments: &'a [Amendment],
    /// Who asks.
    pub person: &'a Person,
    /// Whom they know.
    pub contacts: &'a [Contact],
    /// The time now.
    pub now: DateTime<Utc>,
    /// When the first words were said: "tomorrow" is the day after that, whenever it is planned.
    pub said_at: DateTime<Utc>,
    /// What can be done.
    pub catalog: &'a Catalog,
    /// Where it was asked, and as which task.
    pub origin: Option<(&'a ConversationId, &'a TaskId)>,
    /// Pictures that came with the words.
    pub photos: &'a [Photo],
    /// What is being re-planned: what it did stays done.
    pub previous: Option<&'a Run>,
    /// Who hears of a reply while it is being made.
    pub listener: Listener<'a>,
}

impl<'a> PlanRequest<'a> {
    /// A request of words alone.
    pub fn new(
        text: &'a str,
        person: &'a Person,
        contacts: &'a [Contact],
        now: DateTime<Utc>,
        catalog: &'a Catalog,
    ) -> Self {
        Self {
            text,
            amendments: &[],
            person,
            contacts,
            now,
            said_at: now,
            catalog,
            origin: None,
            photos: &[],
            previous: None,
            listener: Listener::default(),
        }
    }
}

/// Who hears of a reply while it is being made. What is heard may be lost and may be replaced: the
/// proposal alone counts.
#[derive(Clone, Copy, Default)]
pub struct Listener<'a>(Option<&'a (dyn Fn(&str) + Send + Sync)>);

impl<'a> Listener<'a> {
    /// Somebody who hears the reply as far as it has come.
    pub fn new(hear: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        Self(Some(hear))
    }

    /// Tells the reply as far as it has come.
    pub fn so_far(&self, text: &str) {
        if let Some(hear) = self.0 {
            hear(text);
        }
    }
}

impl fmt::Debug for Listener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
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
    /// Something must be known first: what the person answers is planned with.
    Question {
        /// The question.
        text: String,
        /// Answers to choose from; others may be given.
        suggestions: Vec<String>,
        /// What was understood.
        intent: Intent,
    },
}

/// A proposal, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// [`BUILTIN`], or the provider's name.
    pub by: String,
    /// What is proposed.
    pub proposal: Proposal,
    /// What the person is to be told besides: a limit that was reached, a picture nobody could look at.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Why no proposal came.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct PlannerError(pub String);

/// Turns words into a plan.
#[async_trait]
pub trait Planner: Send + Sync {
    /// One inbound turn, one proposal. Has no effect on the world, so it may be repeated.
    ///
    /// # Errors
    /// When no proposal could be made at all.
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError>;
}
