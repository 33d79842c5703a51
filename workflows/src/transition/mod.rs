//! How a task moves: pure, total, without I/O, clock or randomness.
//!
//! `(state, event) -> next state + effects + frames`, or a refusal. Dispatch is on the event, one
//! family a file; each names every state. The engine commits what comes out, then performs the
//! effects; nothing here performs anything.

mod act;
mod advance;
mod answer;
mod ask;
mod begin;
mod due;
mod machine;
mod offer;
mod origin;
mod replan;
pub mod report;
mod stop;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::action::Catalog;
use crate::frame::{FrameDraft, FrameKind};
use crate::ids::{EffectId, PromptId, Seed};
use crate::inbound::{Answer, Photo};
use crate::person::{Contact, Person};
use crate::plan::Plan;
use crate::plan::validate::Fault;
use crate::ports::actions::{ActionError, ActionOutcome, LookUp};
use crate::ports::planner::Planned;
use crate::state::{ItemPhase, Planning, PromptState, Quarantined, Request, Run, TaskState};

/// Effects of one task under way at the same time.
pub const EFFECTS_AT_ONCE_MAX: usize = 8;
/// Automatic starts of one act before its failure is final.
pub const STARTS_MAX: u32 = 3;
/// Changes to one request.
pub const AMENDMENTS_MAX: usize = 20;
/// Concrete acts of one task in all, retries with other targets included.
pub const ITEMS_MAX: usize = 1_000;

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The planner answered the request with this many amendments.
    Planned {
        /// The amendments it was asked with.
        amendments: usize,
        /// The answer, or one sentence why there is none.
        answer: Result<Planned, String>,
    },
    /// The person answered a question.
    Answer {
        /// Which.
        prompt_id: PromptId,
        /// How.
        answer: Answer,
    },
    /// The person changed the request.
    Revise {
        /// In these words.
        text: String,
    },
    /// The person said stop.
    Cancel,
    /// The person wants what was done taken back.
    Undo,
    /// An act has an outcome.
    Outcome {
        /// Which.
        effect_id: EffectId,
        /// What it is.
        result: Result<ActionOutcome, ActionError>,
    },
    /// The other side was asked about an act.
    LookedUp {
        /// Which.
        effect_id: EffectId,
        /// What it said.
        answer: LookUp,
    },
    /// The task was claimed because it was due: a time has come, or its driver died.
    Due,
    /// It was claimed too often without progress.
    Quarantine,
}

/// What a transition may know besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of the turn.
    pub now: DateTime<Utc>,
    /// When the words were said that the turn is about; as now where it is about none.
    pub said_at: DateTime<Utc>,
    /// Whose task it is.
    pub person: &'a Person,
    /// Whom they know; not given where it does not matter.
    pub contacts: &'a [Contact],
    /// What can be done.
    pub catalog: &'a Catalog,
    /// The web session, or whatever names the conversation to its channel.
    pub session_id: &'a str,
    /// The task's epoch.
    pub epoch: u64,
    /// Whether this process may start effects (no other drives the task).
    pub may_start: bool,
    /// How many acts may still begin in the person's day; beginning the same act again is not counted,
    /// nor is taking back.
    pub effects_left: u32,
}

/// What is to be done once the turn is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask a planner.
    Plan,
    /// Run an act whose start this turn recorded.
    Run(EffectId),
    /// Ask the other side whether an act was done.
    LookUp(EffectId),
}

/// A moved task.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// What it becomes.
    pub next: TaskState,
    /// What is to be done after the commit.
    pub effects: Vec<Effect>,
    /// What goes to the log.
    pub frames: Vec<FrameDraft>,
    /// When it is due next, leases apart.
    pub wake_at: Option<DateTime<Utc>>,
    /// Whether this counts as progress.
    pub progress: bool,
}

/// How many of these effects begin an act that counts against the person's day: taking back does not,
/// nor does beginning the same act once more.
pub(crate) fn acts_begun(run: &Run, effects: &[Effect]) -> u32 {
    let counts = |effect: &&Effect| match effect {
        Effect::Run(id) => run.item(id).is_some_and(|item| item.undoes.is_none() && item.starts == 1),
        Effect::Plan | Effect::LookUp(_) => false,
    };
    u32::try_from(effects.iter().filter(counts).count()).unwrap_or(u32::MAX)
}

/// Why an event moved nothing. Each has one sentence for the person.
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
    /// The task has ended, or is not where this makes sense.
    #[error("{0}")]
    TooLate(String),
    /// A result that nobody waits for any more.
    #[error("that result came too late")]
    LateResult,
}

/// A new task for words: a planner is asked.
pub fn begin_request(seed: Seed, text: String, photos: Vec<Photo>, ctx: &Context<'_>) -> Transition {
    let request = Request { text, said_at: Some(ctx.said_at), amendments: Vec::new(), photos };
    Transition {
        frames: vec![
            frame(FrameKind::TaskCreated, [("title", Value::from(request.text.as_str()))]),
            frame(FrameKind::AiThinking, []),
        ],
        next: TaskState::Planning(Planning { seed, request, previous: None }),
        effects: vec![Effect::Plan],
        wake_at: Some(ctx.now),
        progress: true,
    }
}

/// A new task for a plan given as data.
///
/// # Errors
/// When the plan has faults.
pub fn begin_plan(seed: Seed, plan: Plan, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    begin::given(seed, plan, ctx)
}

/// Moves a task.
///
/// # Errors
/// When the event does not fit the state: the state stays as it is.
pub fn transition(state: TaskState, event: Event, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    match event {
        Event::Planned { amendments, answer } => begin::planned(state, amendments, answer, ctx),
        Event::Answer { prompt_id, answer } => answer::answer(state, &prompt_id, answer, ctx),
        Event::Revise { text } => replan::revise(state, text, ctx),
        Event::Cancel => stop::cancel(state, ctx),
        Event::Undo => stop::undo(state, ctx),
        Event::Outcome { effect_id, result } => act::outcome(state, &effect_id, result, ctx),
        Event::LookedUp { effect_id, answer } => act::looked_up(state, &effect_id, answer, ctx),
        Event::Due => due::due(state, ctx),
        Event::Quarantine => quarantine(state, ctx),
    }
}

fn quarantine(mut state: TaskState, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let title = state.title();
    let doubtful = match &mut state {
        TaskState::Planning(_) => Vec::new(),
        TaskState::Running(run) => abandon(run, ctx),
        TaskState::Stopping(stopping) => abandon(&mut stopping.run, ctx),
        TaskState::Undoing(undoing) => abandon(&mut undoing.run, ctx),
        TaskState::Finished(_) | TaskState::Quarantined(_) => {
            return Err(Refusal::TooLate("it has ended".to_owned()));
        }
    };
    let mut text = format!(
        "I set \"{title}\" aside: it failed again and again without getting on. Nothing more will be done for it."
    );
    for line in doubtful {
        text.push_str("\nThis may have been done: ");
        text.push_str(&line);
    }
    Ok(Transition {
        frames: vec![
            frame(FrameKind::TaskFailed, [("status", Value::from("quarantined"))]),
            message(&text, ctx.session_id),
        ],
        next: TaskState::Quarantined(Quarantined { stuck: Box::new(state), at: ctx.now }),
        effects: Vec::new(),
        wake_at: None,
        progress: false,
    })
}

/// Closes what a run leaves open: its questions, and what was under way, of which nobody will know.
fn abandon(run: &mut Run, ctx: &Context<'_>) -> Vec<String> {
    for prompt in run.prompts.iter_mut().filter(|prompt| prompt.is_open()) {
        prompt.state = PromptState::Void;
    }
    let mut doubtful = Vec::new();
    for item in run.items.iter_mut().filter(|item| item.is_in_flight()) {
        doubtful.push(report::aim(item));
        let error = "the task was set aside while it was being done".to_owned();
        item.phase = ItemPhase::Unknown { error, at: ctx.now, settled: true };
    }
    doubtful
}

/// A frame of that kind with these fields.
pub fn frame<const N: usize>(kind: FrameKind, fields: [(&str, Value); N]) -> FrameDraft {
    let data: Map<String, Value> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    FrameDraft { kind, data }
}

/// A reply to the conversation.
pub fn message(text: &str, session_id: &str) -> FrameDraft {
    frame(FrameKind::Message, [("text", Value::from(text)), ("session_id", Value::from(session_id))])
}
