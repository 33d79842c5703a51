//! A plan being carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Item, Prompt, Request};
use crate::ids::{EffectId, PromptId, Seed, StageId};
use crate::plan::{Plan, Stage};
use crate::ports::actions::UndoCall;
use crate::ports::planner::Intent;

/// A plan being carried out: data only; what follows from an event is the transitions' work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The source of derived ids.
    pub seed: Seed,
    /// Ids drawn so far.
    pub drawn: u32,
    /// What was asked.
    pub request: Request,
    /// What was understood.
    pub intent: Intent,
    /// Which planner made the plan; `None` for one given as data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<String>,
    /// The plan, with the confirmations it had forgotten. Shared: turns copy the run, and none changes it.
    pub plan: Arc<Plan>,
    /// Stages that have begun; absent = not yet.
    pub stages: BTreeMap<StageId, StageRun>,
    /// Every concrete act, in the order made.
    pub items: Vec<Item>,
    /// Every question, in the order asked.
    pub prompts: Vec<Prompt>,
    /// What an earlier plan of this task had already settled: it is not asked or done again.
    #[serde(default, skip_serializing_if = "Earlier::is_empty")]
    pub earlier: Earlier,
    /// The highest progress shown, 0 to 100.
    pub progress: u8,
    /// Whether the plan only asks what the planner must know first: the answer is planned with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// Times a planner was asked to find another way.
    #[serde(default)]
    pub replans: u32,
    /// Whether the rest is to be planned anew once what is under way has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// When the plan began.
    pub started_at: DateTime<Utc>,
}

/// What an earlier plan of the same task had settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Answered stages and their results: they hold for a stage of the same definition, while what was
    /// chosen is still to be chosen there.
    pub answers: Vec<(Stage, Value)>,
    /// Acts that were done: one with the same action and arguments is not done again. And those
    /// of which nobody knows: they stay in the report.
    pub done: Vec<Item>,
    /// While plans only ask: the last one that did more, against which the next is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<LastPlan>>,
}

/// A plan that another will take the place of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastPlan {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its executions that were done, by it or by a plan before.
    pub done: BTreeSet<StageId>,
}

impl Earlier {
    /// Whether there was nothing.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.done.is_empty() && self.plan.is_none()
    }
}

/// How a stage that has begun stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StageRun {
    /// Its question is open.
    Asking,
    /// Its acts are under way.
    Running,
    /// One of its lists runs: `stages`, `then`, `else`, `on_failure`, `on_timeout`.
    Inside {
        /// Which.
        list: String,
        /// The result it will have.
        result: Value,
    },
    /// It waits for a time, or for a reply until then.
    Sleeping {
        /// When.
        until: DateTime<Utc>,
    },
    /// It ended with this result.
    Done {
        /// What templates see under its id.
        result: Value,
    },
    /// It was not run: rejected, or on the way not taken.
    Skipped {
        /// What templates see under its id.
        result: Value,
    },
    /// It failed and the plan goes on.
    Failed {
        /// Why.
        error: String,
        /// What templates see under its id.
        result: Value,
    },
    /// It was called off.
    Cancelled,
}

impl StageRun {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Asking | Self::Running | Self::Inside { .. } | Self::Sleeping { .. } => false,
            Self::Done { .. } | Self::Skipped { .. } | Self::Failed { .. } | Self::Cancelled => true,
        }
    }

    /// What templates see under its id.
    pub fn result(&self) -> Option<&Value> {
        match self {
            Self::Done { result } | Self::Skipped { result } | Self::Failed { result, .. } => Some(result),
            Self::Asking | Self::Running | Self::Inside { .. } | Self::Sleeping { .. } | Self::Cancelled => None,
        }
    }
}

impl Run {
    /// Whether effects are under way, about to be, or to be retried.
    pub fn in_flight(&self) -> bool {
        use super::ItemPhase as P;
        self.items.iter().any(|item| match item.phase {
            P::Ready | P::Started { .. } | P::LookingUp { .. } | P::Retrying { .. } => true,
            P::Held
            | P::Done { .. }
            | P::Failed { .. }
            | P::Unknown { .. }
            | P::Rejected
            | P::Cancelled
            | P::Replaced => false,
        })
    }

    /// The act of this id.
    pub fn item(&self, id: &EffectId) -> Option<&Item> {
        self.items.iter().find(|item| &item.id == id)
    }

    /// The question of this token.
    pub fn prompt(&self, id: &PromptId) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| &prompt.id == id)
    }

    /// The acts of a stage that still count, in order.
    pub fn items_of<'a>(&'a self, stage: &'a StageId) -> impl Iterator<Item = &'a Item> {
        self.items
            .iter()
            .filter(move |i| &i.stage_id == stage && i.undoes.is_none() && i.phase != super::ItemPhase::Replaced)
    }

    /// The newest act that was done, can be taken back, and was not tried to be yet.
    pub fn undoable(&self) -> Option<(EffectId, UndoCall)> {
        use super::ItemPhase as P;
        let tried = |id: &EffectId| self.items.iter().any(|item| item.undoes.as_ref() == Some(id));
        let all: Vec<&Item> = self.earlier.done.iter().chain(&self.items).collect();
        all.into_iter().rev().find_map(|item| match &item.phase {
            P::Done { outcome, undone: false, .. } if item.undoes.is_none() && !tried(&item.id) => {
                outcome.undo.clone().map(|call| (item.id.clone(), call))
            }
            P::Done { .. }
            | P::Held
            | P::Ready
            | P::Started { .. }
            | P::LookingUp { .. }
            | P::Retrying { .. }
            | P::Failed { .. }
            | P::Unknown { .. }
            | P::Rejected
            | P::Cancelled
            | P::Replaced => None,
        })
    }

    /// Open questions, oldest first.
    pub fn open_prompts(&self) -> impl Iterator<Item = &Prompt> {
        self.prompts.iter().filter(|prompt| prompt.is_open())
    }
}
