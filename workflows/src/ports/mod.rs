//! What the engine needs from outside, each a small trait named by its role.
//!
//! The fakes beside them (`memory`, a manual clock, counting ids) pass the same contract suites
//! as the real ones.

pub mod actions;
pub mod clock;
#[cfg(any(test, feature = "fakes"))]
pub mod contract;
pub mod ids;
#[cfg(any(test, feature = "fakes"))]
pub mod memory;
pub mod people;
pub mod planner;
pub mod store;

pub use actions::{ActionCall, ActionError, ActionErrorKind, ActionOutcome, Actions, Left, LookUp, Offer, UndoCall};
pub use clock::{Clock, SystemClock};
pub use ids::{Ids, RandomIds};
pub use people::{People, PeopleError};
pub use planner::{BUILTIN, Intent, Listener, PlanRequest, Planned, Planner, PlannerError, Proposal};
pub use store::{
    Accepted, Claim, Claimed, Committed, FrameSink, InboxId, InboxRow, Lease, PromptRow, ReplySoFar, Spend, StoreError,
    TaskRow, TaskStore, TaskWrite, Turn,
};
