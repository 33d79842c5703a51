//! How a task stands: one enum whose variants hold just what is valid then.
//!
//! Owns the types and pure questions about them (status, progress, steps). How one state becomes
//! another is [`crate::transition`]'s.

pub mod item;
pub mod prompt;
pub mod run;
pub mod view;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::Seed;
use crate::inbound::Photo;
use crate::plan::Plan;

pub use item::{Approval, Item, ItemPhase};
pub use prompt::{Prompt, PromptKind, PromptOption, PromptState, Purpose};
pub use run::{Earlier, LastPlan, Run, StageRun};

/// The version of the snapshot's form. A row with a higher one waits for a newer program.
pub const STATE_VERSION: u32 = 1;

/// A task's snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TaskState {
    /// A planner is asked.
    Planning(Planning),
    /// The plan is being carried out, or waits for somebody.
    Running(Run),
    /// No new effect starts; the ones under way are awaited.
    Stopping(Stopping),
    /// What was done is being taken back, newest first.
    Undoing(Undoing),
    /// It ended.
    Finished(Finished),
    /// It kept failing without progress and was set aside.
    Quarantined(Quarantined),
}

/// What was asked, with later changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The first words; empty for a plan given as data.
    pub text: String,
    /// When they were said; `None` = when the task began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<DateTime<Utc>>,
    /// Later words that change it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amendments: Vec<Amendment>,
    /// Pictures that came with the first words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<Photo>,
}

/// Later words that change a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredAmendment")]
pub struct Amendment {
    /// The words.
    pub text: String,
    /// When they were said: "tomorrow" is the day after that. `None` = nobody noted it, so as the first
    /// words were.
    pub said_at: Option<DateTime<Utc>>,
}

/// How it is kept; earlier versions kept the words alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredAmendment {
    Timed { text: String, said_at: Option<DateTime<Utc>> },
    Words(String),
}

impl From<StoredAmendment> for Amendment {
    fn from(stored: StoredAmendment) -> Self {
        match stored {
            StoredAmendment::Timed { text, said_at } => Self { text, said_at },
            StoredAmendment::Words(text) => Self { text, said_at: None },
        }
    }
}

/// A planner is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planning {
    /// The source of the task's derived ids.
    pub seed: Seed,
    /// What was asked.
    pub request: Request,
    /// What is being re-planned: what it did stays done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<Run>>,
}

/// Why a task stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The person said so.
    Cancelled,
    /// The person said no to everything.
    Rejected,
    /// A question expired twice.
    Expired,
    /// The person, or the plan, chose to stop after a failure: done things are undone.
    Failure,
    /// The person wants what was done taken back.
    Undo,
}

/// No new effect starts; the ones under way are awaited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    /// The run as it was stopped.
    pub run: Run,
    /// Why.
    pub reason: StopReason,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All was done, or what was not was the person's choice.
    Completed,
    /// Some of it failed.
    CompletedWithFailures,
    /// It was stopped by a failure, or no plan could be made.
    Failed,
    /// The person cancelled, rejected all, or never answered.
    Cancelled,
}

/// What was done is being taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undoing {
    /// The run, with the undo items appended.
    pub run: Run,
    /// What the task ends as.
    pub outcome: Outcome,
    /// Why, for the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// It ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// What was asked.
    pub request: Request,
    /// The run; `None` for a plain reply and where no plan could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Box<Run>>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the person was told at the end.
    pub summary: String,
    /// `expired`, `rejected`, … when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// It was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The state it could not leave.
    pub stuck: Box<TaskState>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The status names of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A planner is asked.
    Planning,
    /// It waits for a person or a time.
    Waiting,
    /// Effects are under way.
    Running,
    /// Done.
    Completed,
    /// Done in part.
    CompletedWithFailures,
    /// Not done.
    Failed,
    /// Called off.
    Cancelled,
    /// Set aside.
    Quarantined,
}

impl Status {
    /// Whether nothing moves it any more.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Planning | Self::Waiting | Self::Running => false,
            Self::Completed | Self::CompletedWithFailures | Self::Failed | Self::Cancelled | Self::Quarantined => true,
        }
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Quarantined => "quarantined",
        }
    }
}

impl TaskState {
    /// The plan, once there is one.
    pub fn plan(&self) -> Option<&Plan> {
        self.run().map(|run| &*run.plan)
    }

    /// The run, once there is one.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Planning(planning) => planning.previous.as_deref(),
            Self::Running(run) => Some(run),
            Self::Stopping(stopping) => Some(&stopping.run),
            Self::Undoing(undoing) => Some(&undoing.run),
            Self::Finished(finished) => finished.run.as_deref(),
            Self::Quarantined(quarantined) => quarantined.stuck.run(),
        }
    }

    /// The status name of the API.
    pub fn status(&self) -> Status {
        match self {
            Self::Planning(_) => Status::Planning,
            Self::Running(run) if run.in_flight() => Status::Running,
            Self::Running(_) => Status::Waiting,
            Self::Stopping(_) | Self::Undoing(_) => Status::Running,
            Self::Finished(finished) => match finished.outcome {
                Outcome::Completed => Status::Completed,
                Outcome::CompletedWithFailures => Status::CompletedWithFailures,
                Outcome::Failed => Status::Failed,
                Outcome::Cancelled => Status::Cancelled,
            },
            Self::Quarantined(_) => Status::Quarantined,
        }
    }

    /// What was asked.
    pub fn request(&self) -> &Request {
        match self {
            Self::Planning(planning) => &planning.request,
            Self::Running(run) => &run.request,
            Self::Stopping(stopping) => &stopping.run.request,
            Self::Undoing(undoing) => &undoing.run.request,
            Self::Finished(finished) => &finished.request,
            Self::Quarantined(quarantined) => quarantined.stuck.request(),
        }
    }

    /// What lists show it as.
    pub fn title(&self) -> String {
        const TITLE_CHARS_MAX: usize = 120;
        let title = self.plan().map_or_else(|| self.request().text.clone(), |plan| plan.title.clone());
        title.chars().take(TITLE_CHARS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn later_words_that_were_kept_without_their_time_are_read() {
        let kept = json!({"text": "mail Bob", "amendments": ["make it Sunday"]});
        let request: Request = serde_json::from_value(kept).expect("a request of an earlier version");
        assert_eq!(request.amendments, [Amendment { text: "make it Sunday".to_owned(), said_at: None }]);
        let timed = Amendment { said_at: DateTime::from_timestamp(1_800_000_000, 0), ..request.amendments[0].clone() };
        let kept = serde_json::to_value(Request { amendments: vec![timed.clone()], ..request }).expect("JSON");
        let again: Request = serde_json::from_value(kept).expect("its own form");
        assert_eq!(again.amendments, [timed]);
    }
}
