//! Planning anew: the person changed the request, answered what the planner asked, or the plan cannot
//! go on. What was done stays done, what was answered is not asked again, and what changed is shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::machine::Machine;
use super::{AMENDMENTS_MAX, Context, Effect, Refusal, Transition, frame};
use crate::action::words_of;
use crate::frame::{FrameDraft, FrameKind};
use crate::ids::StageId;
use crate::plan::template::{self, Scope};
use crate::plan::{AnswerType, Clarification, PLAN_VERSION, Plan, Stage, StageKind};
use crate::ports::planner::BUILTIN;
use crate::state::{
    Amendment, Earlier, Item, ItemPhase, LastPlan, Outcome, Planning, Prompt, PromptState, Purpose, Run, StageRun,
    TaskState,
};

/// Times a planner is asked to find another way for one task.
const REPLANS_MAX: u32 = 2;
/// The option that has the rest planned anew.
pub(super) const REPLAN: &str = "replan";
/// Lines of a difference that are shown.
const LINES_MAX: usize = 30;
/// Longest title of a plan that only asks, in characters.
const TITLE_CHARS_MAX: usize = 100;

/// What of an earlier run still holds; its closed questions are kept, so that a late press of one
/// is told what became of it.
#[derive(Default)]
pub(super) struct Before {
    pub(super) drawn: u32,
    pub(super) progress: u8,
    pub(super) replans: u32,
    pub(super) prompts: Vec<Prompt>,
    pub(super) earlier: Earlier,
}

pub(super) fn carry_over(run: Run) -> Before {
    debug_assert!(!run.in_flight(), "what has begun comes to its end before anything is planned anew");
    let last = (!run.asks).then(|| LastPlan { plan: Arc::clone(&run.plan), done: done_by(&run) });
    let mut earlier = run.earlier;
    earlier.plan = last.map(Box::new).or(earlier.plan);
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
    Before { drawn: run.drawn, progress: run.progress, replans: run.replans, prompts: run.prompts, earlier }
}

/// The plan that asks what a planner must know first.
pub(super) fn question(planning: &Planning, intent: &str, text: String, suggestions: Vec<String>) -> Plan {
    // Another name each time: a question that is asked again is not answered by the answer before.
    let id = StageId(format!("question_{}", planning.request.amendments.len() + 1));
    let ask = Clarification {
        question: text,
        answer: AnswerType::Text,
        suggestions,
        optional: false,
        default: None,
        expires_in: None,
    };
    Plan {
        version: PLAN_VERSION,
        title: planning.request.text.chars().take(TITLE_CHARS_MAX).collect(),
        intent: intent.to_owned(),
        slots: Map::new(),
        stages: vec![Stage { id, title: None, needs: None, kind: StageKind::Clarification(ask) }],
    }
}

/// What is planned anew of a run: its questions no longer stand.
fn set_down(mut run: Run) -> Planning {
    for prompt in run.prompts.iter_mut().filter(|prompt| prompt.is_open()) {
        prompt.state = PromptState::Void;
    }
    Planning { seed: run.seed.clone(), request: run.request.clone(), previous: Some(Box::new(run)) }
}

impl Machine<'_> {
    /// Whether a planner could find another way.
    pub(super) fn may_replan(&self) -> bool {
        let by_model = self.run.planner.as_deref().is_some_and(|planner| planner != BUILTIN);
        by_model && !self.run.asks && self.run.replans < REPLANS_MAX && self.stop.is_none()
    }

    /// Whether the rest is to be planned anew, and nothing is in the way of it.
    pub(super) fn is_stuck(&self) -> bool {
        self.run.stuck
            && !self.run.in_flight()
            // What may have been done is settled first.
            && !self.run.open_prompts().any(|prompt| matches!(prompt.purpose, Purpose::Unknown(_)))
    }

    /// Has the rest planned anew.
    pub(super) fn plan_anew(mut self) -> Transition {
        self.run.stuck = false;
        self.run.replans += 1;
        self.say("I am looking for another way to do the rest.");
        let Self { run, ctx, frames, .. } = self;
        ask_planner(set_down(run), frames, ctx)
    }

    /// Has the request planned with the answer to the planner's question.
    pub(super) fn plan_with_answer(self) -> Transition {
        let answers =
            self.run.plan.stages.iter().filter_map(|stage| self.run.stages.get(&stage.id)?.result()?.as_str());
        let answer = answers.collect::<Vec<_>>().join("\n");
        if self.run.request.amendments.len() >= AMENDMENTS_MAX {
            return self.finish(Some((Outcome::Failed, "no_plan")));
        }
        let Self { run, ctx, frames, .. } = self;
        let mut planning = set_down(run);
        planning.request.amendments.push(Amendment { text: answer, said_at: Some(ctx.said_at) });
        ask_planner(planning, frames, ctx)
    }
}

/// What changed between two plans, in words.
pub(super) fn difference(before: &LastPlan, after: &Plan) -> String {
    let LastPlan { plan: before, done } = before;
    let head = "I have changed the plan. What I asked before no longer stands.".to_owned();
    let mut lines = changed_slots(&before.slots, &after.slots);
    let (old, new) = (acts(before), acts(after));
    let gone = old.iter().filter(|act| !done.contains(&act.stage) && !new.iter().any(|other| other.is(act)));
    let come = new.iter().filter(|act| !old.iter().any(|other| other.is(act)));
    lines.extend(gone.map(|act| format!("\u{2212} {}", act.words)));
    lines.extend(come.map(|act| format!("+ {}", act.words)));
    lines.dedup();
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push(format!("\u{2026} and {more} more"));
    }
    lines.insert(0, head);
    lines.join("\n")
}

/// The executions of a run's plan that were done, by it or by a plan before.
fn done_by(run: &Run) -> BTreeSet<StageId> {
    let slots = Scope::new(&Map::from_iter([("slots".to_owned(), Value::Object(run.plan.slots.clone()))]));
    let is_done = |act: &Act| {
        run.items.iter().any(|item| item.stage_id == act.stage && item.done().is_some())
            || run.earlier.done.iter().any(|item| item.done().is_some() && act.is_done_as(item, &slots))
    };
    acts(&run.plan).into_iter().filter(is_done).map(|act| act.stage).collect()
}

fn changed_slots(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let show = |slots: &Map<String, Value>, name: &str| slots.get(name).map_or_else(|| "nothing".to_owned(), show);
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {} \u{2192} {}", show(before, name), show(after, name)))
        .collect()
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An act of a plan, to be held against those of another.
struct Act {
    stage: StageId,
    action: String,
    params: Map<String, Value>,
    words: String,
}

impl Act {
    fn is(&self, other: &Self) -> bool {
        self.action == other.action && self.params == other.params
    }

    /// Whether an act of a plan before was this one. What cannot be known without results is taken to be
    /// what it was under the same stage.
    fn is_done_as(&self, item: &Item, slots: &Scope) -> bool {
        let is_same = |(name, param): (&String, &Value)| match template::fill(param, slots) {
            Ok(value) => item.args.get(name).unwrap_or(&Value::Null) == &value,
            Err(_) => item.stage_id == self.stage,
        };
        self.action == item.action && self.params.iter().all(is_same)
    }
}

fn acts(plan: &Plan) -> Vec<Act> {
    let as_act = |stage: &&Stage| match &stage.kind {
        StageKind::Execution(e) => {
            let aims =
                ["to", "with", "attendees", "venue", "name", "title", "text", "query", "at", "starts_at", "date"];
            let said = aims.iter().filter_map(|name| e.params.get(*name)).map(show);
            let said: Vec<String> = said.take(3).collect();
            let words = format!("{} ({})", words_of(&e.action), said.join(", "));
            Some(Act { stage: stage.id.clone(), action: e.action.clone(), params: e.params.clone(), words })
        }
        StageKind::Clarification(_)
        | StageKind::Selection(_)
        | StageKind::MultiSelect(_)
        | StageKind::Confirmation(_)
        | StageKind::Parallel(_)
        | StageKind::Conditional(_)
        | StageKind::Wait(_) => None,
    };
    plan.all().iter().filter_map(as_act).collect()
}

/// The person changed the request: a planner is asked again, with what was done kept.
pub(super) fn revise(state: TaskState, text: String, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let amendment = Amendment { text, said_at: Some(ctx.said_at) };
    let planning = match state {
        TaskState::Planning(mut planning) => {
            planning.request.amendments.push(amendment);
            planning
        }
        TaskState::Running(run) if run.in_flight() => {
            let text = "I am in the middle of it. Say stop first, or wait until it is done.";
            return Err(Refusal::TooLate(text.to_owned()));
        }
        TaskState::Running(run) if run.request.text.is_empty() => {
            return Err(Refusal::TooLate("This plan was given as data; it cannot be changed by words.".to_owned()));
        }
        TaskState::Running(run) => {
            let mut planning = set_down(run);
            planning.request.amendments.push(amendment);
            planning
        }
        TaskState::Stopping(_) | TaskState::Undoing(_) | TaskState::Finished(_) | TaskState::Quarantined(_) => {
            return Err(Refusal::TooLate("That task has ended.".to_owned()));
        }
    };
    if planning.request.amendments.len() > AMENDMENTS_MAX {
        return Err(Refusal::TooLate("It was changed too often. Please ask anew.".to_owned()));
    }
    Ok(ask_planner(planning, Vec::new(), ctx))
}

fn ask_planner(planning: Planning, mut frames: Vec<FrameDraft>, ctx: &Context<'_>) -> Transition {
    frames.push(frame(FrameKind::AiThinking, []));
    Transition {
        next: TaskState::Planning(planning),
        effects: vec![Effect::Plan],
        frames,
        wake_at: Some(ctx.now),
        progress: true,
    }
}
