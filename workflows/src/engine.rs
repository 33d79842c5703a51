//! The engine's face to the doors: accept, route, commit, drive.

use chrono::{DateTime, Utc};

use crate::ids::TaskId;
use crate::plan::validate::Fault;
use crate::ports::StoreError;

/// What came of an inbound event.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// The task it began or moved.
    pub task_id: Option<TaskId>,
    /// Why it moved nothing, when it did not.
    pub refusal: Option<Refusal>,
}

/// A polite no. Each has one sentence for the person (its `Display`).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It does not exist, or is someone else's.
    #[error("I know nothing under that id")]
    NotFound,
    /// No question is open.
    #[error("There is nothing to decide right now")]
    NothingToDecide,
    /// The question was answered before.
    #[error("Already decided by {by}")]
    AlreadyDecided {
        /// By whom.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The question lapsed.
    #[error("This question has expired")]
    Expired,
    /// The plan changed since it was asked.
    #[error("The plan has changed since; this question no longer stands")]
    Outdated,
    /// The answer does not fit the question.
    #[error("{0}")]
    Unfit(String),
    /// The plan has faults.
    #[error("The plan has {} fault(s)", .0.len())]
    Faulty(Vec<Fault>),
    /// The task has ended, or has nothing to undo.
    #[error("{0}")]
    TooLate(String),
}

/// The event could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Too much is waiting; nothing was stored.
    #[error("too busy, try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The people store failed.
    #[error(transparent)]
    People(#[from] crate::ports::PeopleError),
}
