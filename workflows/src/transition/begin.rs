//! Beginning, and beginning anew when the request changes.

use serde_json::{Map, Value};

use super::machine::Machine;
use super::{AMENDMENTS_MAX, Context, Effect, Refusal, Transition, frame, message};
use crate::frame::FrameKind;
use crate::ids::Seed;
use crate::plan::confirm::with_confirmations;
use crate::plan::{Plan, StageKind};
use crate::ports::planner::{Intent, Proposal};
use crate::state::{
    Earlier, Finished, ItemPhase, Outcome, Planning, Prompt, PromptState, Request, Run, StageRun, TaskState,
};

/// A new task for a plan given as data.
pub(super) fn given(seed: Seed, plan: Plan, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let faults = plan.validate(ctx.catalog);
    if !faults.is_empty() {
        return Err(Refusal::Faulty(faults));
    }
    let request = Request { text: String::new(), amendments: Vec::new() };
    let intent = Intent { kind: plan.intent.clone(), confidence: None, entities: plan.slots.clone() };
    let title = plan.title.clone();
    let mut moved = start(Start { seed, request, intent, planner: None, previous: None }, plan, ctx);
    moved.frames.insert(0, frame(FrameKind::TaskCreated, [("title", Value::from(title))]));
    Ok(moved)
}

struct Start {
    seed: Seed,
    request: Request,
    intent: Intent,
    planner: Option<String>,
    previous: Option<Box<Run>>,
}

/// Starts carrying out a valid plan.
fn start(from: Start, plan: Plan, ctx: &Context<'_>) -> Transition {
    let plan = with_confirmations(plan, ctx.catalog);
    let difference = from.previous.as_ref().map(|before| difference(&before.plan, &plan));
    let before = from.previous.map_or_else(Before::default, |run| carry_over(*run));
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

/// What of an earlier run still holds; its closed questions are kept, so that a late press of one
/// is told what became of it.
#[derive(Default)]
struct Before {
    drawn: u32,
    progress: u8,
    prompts: Vec<Prompt>,
    earlier: Earlier,
}

fn carry_over(run: Run) -> Before {
    let mut earlier = run.earlier;
    for stage in run.plan.all() {
        let answered =
            matches!(stage.kind, StageKind::Clarification(_) | StageKind::Selection(_) | StageKind::MultiSelect(_));
        if let Some(StageRun::Done { result }) = run.stages.get(&stage.id)
            && answered
        {
            earlier.answers.push((stage.clone(), result.clone()));
        }
    }
    earlier.done.extend(run.items.into_iter().filter_map(|mut item| match &mut item.phase {
        ItemPhase::Done { undone: false, .. } => Some(item),
        // Nobody will be asked about it any more, but the report must not forget it.
        ItemPhase::Unknown { settled, .. } => {
            *settled = true;
            Some(item)
        }
        ItemPhase::Done { undone: true, .. }
        | ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Retrying { .. }
        | ItemPhase::Failed { .. }
        | ItemPhase::Rejected
        | ItemPhase::Cancelled
        | ItemPhase::Replaced => None,
    }));
    Before { drawn: run.drawn, progress: run.progress, prompts: run.prompts, earlier }
}

/// What changed between two plans, in words.
fn difference(before: &Plan, after: &Plan) -> String {
    let changed = |name: &String| before.slots.get(name) != after.slots.get(name);
    let names: std::collections::BTreeSet<&String> =
        before.slots.keys().chain(after.slots.keys()).filter(|name| changed(name)).collect();
    let show = |slots: &Map<String, Value>, name: &str| match slots.get(name) {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if names.is_empty() {
        return "I have changed the plan. What I asked before no longer stands.".to_owned();
    }
    let lines: Vec<String> = names
        .into_iter()
        .map(|name| format!("{name}: {} → {}", show(&before.slots, name), show(&after.slots, name)))
        .collect();
    format!("I have changed the plan. What I asked before no longer stands.\n{}", lines.join("\n"))
}

/// The planner answered.
pub(super) fn planned(
    state: TaskState,
    amendments: usize,
    planner: String,
    proposal: Result<Proposal, String>,
    ctx: &Context<'_>,
) -> Result<Transition, Refusal> {
    match state {
        TaskState::Planning(planning) if planning.request.amendments.len() == amendments => {
            let mut moved = follow(planning, &planner, proposal, ctx);
            moved.frames.insert(0, frame(FrameKind::AiComplete, [("planner", Value::from(planner))]));
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

fn follow(planning: Planning, planner: &str, proposal: Result<Proposal, String>, ctx: &Context<'_>) -> Transition {
    match proposal {
        Ok(Proposal::Plan { plan, intent }) => {
            let faults = plan.validate(ctx.catalog);
            if faults.is_empty() {
                let from = Start {
                    seed: planning.seed,
                    request: planning.request,
                    intent,
                    planner: Some(planner.to_owned()),
                    previous: planning.previous,
                };
                return start(from, *plan, ctx);
            }
            let first = faults.first().map(|fault| fault.msg.clone()).unwrap_or_default();
            let text = format!("I could not make a plan for that: {first}.");
            finished(planning, Outcome::Failed, text, Some("faulty_plan"), ctx)
        }
        Ok(Proposal::Reply { text, .. }) => finished(planning, Outcome::Completed, text, None, ctx),
        Err(error) => {
            let text = format!("I could not make a plan for that: {error}.");
            finished(planning, Outcome::Failed, text, Some("no_plan"), ctx)
        }
    }
}

fn finished(planning: Planning, outcome: Outcome, text: String, reason: Option<&str>, ctx: &Context<'_>) -> Transition {
    let kind = if outcome == Outcome::Completed { FrameKind::TaskCompleted } else { FrameKind::TaskFailed };
    Transition {
        frames: vec![message(&text, ctx.session_id), frame(kind, [("summary", Value::from(text.as_str()))])],
        next: TaskState::Finished(Finished {
            request: planning.request,
            run: planning.previous,
            outcome,
            summary: text,
            reason: reason.map(str::to_owned),
            at: ctx.now,
        }),
        effects: Vec::new(),
        wake_at: None,
        progress: true,
    }
}

/// The person changed the request: a planner is asked again, with what was done kept.
pub(super) fn revise(state: TaskState, text: String, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let planning = match state {
        TaskState::Planning(mut planning) => {
            planning.request.amendments.push(text);
            planning
        }
        TaskState::Running(run) if run.in_flight() => {
            let text = "I am in the middle of it. Say stop first, or wait until it is done.";
            return Err(Refusal::TooLate(text.to_owned()));
        }
        TaskState::Running(run) if run.request.text.is_empty() => {
            return Err(Refusal::TooLate("This plan was given as data; it cannot be changed by words.".to_owned()));
        }
        TaskState::Running(mut run) => {
            for prompt in run.prompts.iter_mut().filter(|prompt| prompt.is_open()) {
                prompt.state = PromptState::Void;
            }
            let mut request = run.request.clone();
            request.amendments.push(text);
            Planning { seed: run.seed.clone(), request, previous: Some(Box::new(run)) }
        }
        TaskState::Stopping(_) | TaskState::Undoing(_) | TaskState::Finished(_) | TaskState::Quarantined(_) => {
            return Err(Refusal::TooLate("That task has ended.".to_owned()));
        }
    };
    if planning.request.amendments.len() > AMENDMENTS_MAX {
        return Err(Refusal::TooLate("It was changed too often. Please ask anew.".to_owned()));
    }
    Ok(Transition {
        next: TaskState::Planning(planning),
        effects: vec![Effect::Plan],
        frames: vec![frame(FrameKind::AiThinking, [])],
        wake_at: Some(ctx.now),
        progress: true,
    })
}
