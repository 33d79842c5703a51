//! Beginning, and what follows from a planner's answer.

use serde_json::Value;

use super::machine::Machine;
use super::{Context, Refusal, Transition, frame, message, replan, report, stop};
use crate::frame::FrameKind;
use crate::ids::Seed;
use crate::plan::Plan;
use crate::plan::confirm::with_confirmations;
use crate::ports::planner::{BUILTIN, Intent, Planned, Proposal};
use crate::state::{Outcome, Planning, Request, Run, TaskState};

/// A new task for a plan given as data.
pub(super) fn given(seed: Seed, plan: Plan, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let faults = plan.validate(ctx.catalog);
    if !faults.is_empty() {
        return Err(Refusal::Faulty(faults));
    }
    let request = Request { text: String::new(), said_at: None, amendments: Vec::new(), photos: Vec::new() };
    let intent = Intent { kind: plan.intent.clone(), confidence: None, entities: plan.slots.clone() };
    let title = plan.title.clone();
    let mut moved = start(Start { seed, request, intent, planner: None, previous: None, asks: false }, plan, ctx);
    moved.frames.insert(0, frame(FrameKind::TaskCreated, [("title", Value::from(title))]));
    Ok(moved)
}

struct Start {
    seed: Seed,
    request: Request,
    intent: Intent,
    planner: Option<String>,
    previous: Option<Box<Run>>,
    /// Whether the plan only asks what the planner must know first.
    asks: bool,
}

/// Starts carrying out a valid plan.
fn start(from: Start, plan: Plan, ctx: &Context<'_>) -> Transition {
    let plan = with_confirmations(plan, ctx.catalog);
    let mut before = from.previous.map_or_else(replan::Before::default, |run| replan::carry_over(*run));
    // A question changes nothing yet.
    let last = if from.asks { None } else { before.earlier.plan.take() };
    let difference = last.map(|last| replan::difference(&last, &plan));
    let run = Run {
        seed: from.seed,
        drawn: before.drawn,
        request: from.request,
        intent: from.intent,
        planner: from.planner,
        plan: std::sync::Arc::new(plan),
        stages: std::collections::BTreeMap::default(),
        items: Vec::new(),
        prompts: before.prompts,
        earlier: before.earlier,
        progress: before.progress,
        asks: from.asks,
        replans: before.replans,
        stuck: false,
        started_at: ctx.now,
    };
    let mut machine = Machine::new(run, ctx);
    let plan = serde_json::to_value(&machine.run.plan).unwrap_or(Value::Null);
    machine.emit(FrameKind::WorkflowCreated, [("plan", plan)]);
    machine.emit(FrameKind::TaskStarted, [("title", Value::from(machine.run.plan.title.as_str()))]);
    if let Some(text) = difference {
        machine.say(&text);
    }
    machine.advance()
}

/// The planner answered.
pub(super) fn planned(
    state: TaskState,
    amendments: usize,
    answer: Result<Planned, String>,
    ctx: &Context<'_>,
) -> Result<Transition, Refusal> {
    match state {
        TaskState::Planning(planning) if planning.request.amendments.len() == amendments => {
            let planner = answer.as_ref().map_or(Value::Null, |planned| Value::from(planned.by.as_str()));
            let (answer, notes) = apart(answer);
            let mut moved = follow(planning, answer, ctx);
            let said = notes.iter().map(|note| message(note, ctx.session_id));
            let head = std::iter::once(frame(FrameKind::AiComplete, [("planner", planner)])).chain(said);
            moved.frames.splice(0..0, head);
            Ok(moved)
        }
        TaskState::Planning(_)
        | TaskState::Running(_)
        | TaskState::Stopping(_)
        | TaskState::Undoing(_)
        | TaskState::Finished(_)
        | TaskState::Quarantined(_) => Err(Refusal::LateResult),
    }
}

/// The answer, and what is said besides. A reply says it itself: whoever only waits for it gets no more.
fn apart(answer: Result<Planned, String>) -> (Result<Planned, String>, Vec<String>) {
    let Ok(mut planned) = answer else { return (answer, Vec::new()) };
    let notes = std::mem::take(&mut planned.notes);
    let Proposal::Reply { text, .. } = &mut planned.proposal else { return (Ok(planned), notes) };
    for note in &notes {
        text.push_str("\n\n");
        text.push_str(note);
    }
    (Ok(planned), Vec::new())
}

fn follow(planning: Planning, answer: Result<Planned, String>, ctx: &Context<'_>) -> Transition {
    let Planned { by, proposal, .. } = match answer {
        Ok(planned) => planned,
        Err(error) => {
            let text = format!("I could not make a plan for that: {error}.");
            return finished(planning, Outcome::Failed, text, "no_plan", ctx);
        }
    };
    let (plan, intent, asks) = match proposal {
        Proposal::Plan { plan, intent } => (*plan, intent, false),
        Proposal::Question { text, suggestions, intent } => {
            (replan::question(&planning, &intent.kind, text, suggestions), intent, true)
        }
        Proposal::Reply { text, .. } => {
            // Words of a model are no evidence of anything.
            let more = if has_receipts(planning.previous.as_deref()) { "more " } else { "" };
            let text = if by == BUILTIN { text } else { format!("{text}\n\n({by} answered; nothing {more}was done.)") };
            return finished(planning, Outcome::Completed, text, "", ctx);
        }
    };
    let faults = plan.validate(ctx.catalog);
    if let Some(first) = faults.first() {
        let text = format!("I could not make a plan for that: {}.", first.msg);
        return finished(planning, Outcome::Failed, text, "faulty_plan", ctx);
    }
    let Planning { seed, request, previous } = planning;
    start(Start { seed, request, intent, planner: Some(by), previous, asks }, plan, ctx)
}

/// Whether there is something to report of what came before.
fn has_receipts(previous: Option<&Run>) -> bool {
    previous.is_some_and(|run| !report::receipts(run).is_empty())
}

/// Ends a task that nothing is to be done for any more; what was done before is in the report.
fn finished(planning: Planning, outcome: Outcome, text: String, reason: &str, ctx: &Context<'_>) -> Transition {
    let Planning { request, previous, .. } = planning;
    let Some(run) = previous else { return stop::end_unplanned(request, outcome, text, reason, ctx) };
    let mut machine = Machine::new(Run { request, ..*run }, ctx);
    machine.call_off();
    if !has_receipts(Some(&machine.run)) {
        return machine.end(outcome, text, reason);
    }
    let outcome = if outcome == Outcome::Completed { report::outcome(&machine.run) } else { outcome };
    let text = format!("{text}\n\n{}", report::summary(&machine.run, outcome, "", ctx.person));
    machine.end(outcome, text, reason)
}
