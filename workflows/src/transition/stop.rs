//! Ending: by finishing, by a stop, by taking back what was done.

use std::sync::Arc;

use serde_json::Value;

use super::machine::Machine;
use super::{Context, Refusal, Transition, frame, message, report};
use crate::frame::{FrameDraft, FrameKind};
use crate::ids::EffectId;
use crate::ports::actions::UndoCall;
use crate::receipt::Receipt;
use crate::state::{
    Finished, Item, ItemPhase, Outcome, Planning, PromptState, Request, Run, StageRun, StopReason, Stopping, TaskState,
    Undoing,
};

/// The person said stop.
pub(super) fn cancel(state: TaskState, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    match state {
        TaskState::Planning(Planning { request, previous: Some(run), .. }) => {
            Ok(Machine::new(Run { request, ..*run }, ctx).stop_now(StopReason::Cancelled))
        }
        TaskState::Planning(Planning { request, previous: None, .. }) => {
            let text = "Stopped. Nothing was done.".to_owned();
            Ok(end_unplanned(request, Outcome::Cancelled, text, "cancelled", ctx))
        }
        TaskState::Running(run) => Ok(Machine::new(run, ctx).stop_now(StopReason::Cancelled)),
        TaskState::Stopping(_) | TaskState::Undoing(_) => Err(Refusal::TooLate("It is stopping already.".to_owned())),
        TaskState::Finished(_) => Err(Refusal::TooLate("That task has ended.".to_owned())),
        TaskState::Quarantined(quarantined) => match *quarantined.stuck {
            TaskState::Running(run) => Ok(Machine::new(run, ctx).stop_now(StopReason::Cancelled)),
            TaskState::Planning(_)
            | TaskState::Stopping(_)
            | TaskState::Undoing(_)
            | TaskState::Finished(_)
            | TaskState::Quarantined(_) => Err(Refusal::TooLate("That task has ended.".to_owned())),
        },
    }
}

/// The person wants what was done taken back.
pub(super) fn undo(state: TaskState, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    let nothing = || Refusal::TooLate("There is nothing of it that can be undone.".to_owned());
    match state {
        TaskState::Finished(finished) => {
            let run = finished.run.ok_or_else(nothing)?;
            let mut machine = Machine::new(*run, ctx);
            if machine.run.undoable().is_none() {
                return Err(nothing());
            }
            machine.stop = Some(StopReason::Failure);
            Ok(machine.undo_on(finished.outcome, finished.reason))
        }
        TaskState::Running(run) => Machine::new(run, ctx).stop_and_undo().ok_or_else(nothing),
        TaskState::Planning(Planning { request, previous: Some(run), .. }) => {
            Machine::new(Run { request, ..*run }, ctx).stop_and_undo().ok_or_else(nothing)
        }
        TaskState::Planning(Planning { previous: None, .. }) => Err(nothing()),
        TaskState::Stopping(_) | TaskState::Undoing(_) => Err(Refusal::TooLate("It is stopping already.".to_owned())),
        TaskState::Quarantined(_) => Err(Refusal::TooLate("That task was set aside.".to_owned())),
    }
}

impl Machine<'_> {
    /// Takes back what was done instead of going on; `None` when nothing can be.
    fn stop_and_undo(self) -> Option<Transition> {
        self.run.undoable()?;
        Some(self.stop_now(StopReason::Undo))
    }

    /// Starts nothing more; ends at once, or when what is under way has.
    pub(super) fn stop_now(mut self, reason: StopReason) -> Transition {
        self.stop = Some(reason);
        self.call_off();
        if self.run.items.iter().any(Item::is_in_flight) {
            return self.into(|run| TaskState::Stopping(Stopping { run, reason }));
        }
        match reason {
            StopReason::Failure => self.undo_on(Outcome::Failed, Some("stopped".to_owned())),
            StopReason::Undo => self.undo_on(Outcome::Cancelled, Some("undone".to_owned())),
            StopReason::Cancelled => self.finish(Some((Outcome::Cancelled, "cancelled"))),
            StopReason::Rejected => self.finish(Some((Outcome::Cancelled, "rejected"))),
            StopReason::Expired => self.finish(Some((Outcome::Cancelled, "expired"))),
        }
    }

    /// Closes every question, and whatever has not begun will not.
    pub(super) fn call_off(&mut self) {
        for prompt in self.run.prompts.iter_mut().filter(|prompt| prompt.is_open()) {
            prompt.state = PromptState::Void;
        }
        for item in &mut self.run.items {
            match &mut item.phase {
                ItemPhase::Held | ItemPhase::Ready => item.phase = ItemPhase::Cancelled,
                ItemPhase::Retrying { at, error } => {
                    item.phase = ItemPhase::Failed { error: error.message.clone(), at: *at, settled: true };
                }
                ItemPhase::Failed { settled, .. } | ItemPhase::Unknown { settled, .. } => *settled = true,
                ItemPhase::Started { .. }
                | ItemPhase::LookingUp { .. }
                | ItemPhase::Done { .. }
                | ItemPhase::Rejected
                | ItemPhase::Cancelled
                | ItemPhase::Replaced => {}
            }
        }
    }

    /// Takes back one act after the other, newest first; ends when none is left.
    pub(super) fn undo_on(mut self, outcome: Outcome, reason: Option<String>) -> Transition {
        let waiting =
            |item: &Item| item.is_in_flight() || matches!(item.phase, ItemPhase::Retrying { .. } | ItemPhase::Ready);
        if !self.run.items.iter().any(waiting) {
            match self.run.undoable() {
                Some((id, call)) => self.make_undo(&id, call),
                None => return self.finish(Some((outcome, reason.as_deref().unwrap_or_default()))),
            }
        }
        // Taking back is never short of room, so all of it starts.
        self.start_ready();
        self.into(|run| TaskState::Undoing(Undoing { run, outcome, reason }))
    }

    fn make_undo(&mut self, id: &EffectId, call: UndoCall) {
        let n = self.draw();
        let spec = self.ctx.catalog.get(&call.action);
        let Some(done) = self.run.items.iter().chain(&self.run.earlier.done).find(|item| &item.id == id) else {
            return;
        };
        let item = Item {
            id: self.run.seed.effect(n),
            stage_id: done.stage_id.clone(),
            index: done.index,
            source: None,
            notes: Vec::new(),
            reach: spec.map_or(crate::action::Reach::World, |spec| spec.reach(&call.args)),
            idempotent: spec.is_some_and(|spec| spec.idempotent),
            look_up: spec.is_some_and(|spec| spec.look_up),
            version: spec.and_then(|spec| spec.version.clone()),
            action: call.action,
            args: call.args,
            approval: None,
            starts: 0,
            phase: ItemPhase::Ready,
            undoes: Some(id.clone()),
            created_at: self.ctx.now,
        };
        self.run.items.push(item);
    }

    /// Ends the task and reports from its receipts.
    pub(super) fn finish(self, forced: Option<(Outcome, &str)>) -> Transition {
        let (outcome, reason) = forced.unwrap_or_else(|| (report::outcome(&self.run), ""));
        let summary = report::summary(&self.run, outcome, reason, self.ctx.person);
        self.end(outcome, summary, reason)
    }

    /// Ends the task with these words.
    pub(super) fn end(mut self, outcome: Outcome, summary: String, reason: &str) -> Transition {
        let plan = Arc::clone(&self.run.plan);
        for stage in plan.all() {
            if self.run.stages.get(&stage.id).is_some_and(|state| !state.is_over()) {
                self.set_stage(stage, StageRun::Cancelled);
            }
        }
        self.say(&summary);
        if is_good(outcome) {
            self.run.progress = 100;
            self.emit(FrameKind::TaskProgress, [("progress", Value::from(100))]);
        }
        self.frames.push(ended(outcome, &summary, &report::receipts(&self.run), reason));
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        let at = self.ctx.now;
        let mut moved = self.into(|run| {
            let request = run.request.clone();
            TaskState::Finished(Finished { request, run: Some(Box::new(run)), outcome, summary, reason, at })
        });
        moved.wake_at = None;
        moved
    }
}

/// Ends a task that never had a plan.
pub(super) fn end_unplanned(
    request: Request,
    outcome: Outcome,
    summary: String,
    reason: &str,
    ctx: &Context<'_>,
) -> Transition {
    let frames = vec![message(&summary, ctx.session_id), ended(outcome, &summary, &[], reason)];
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let next = TaskState::Finished(Finished { request, run: None, outcome, summary, reason, at: ctx.now });
    Transition { next, effects: Vec::new(), frames, wake_at: None, progress: true }
}

fn is_good(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Completed | Outcome::CompletedWithFailures => true,
        Outcome::Failed | Outcome::Cancelled => false,
    }
}

/// What tells the log how a task ended.
fn ended(outcome: Outcome, summary: &str, receipts: &[Receipt], reason: &str) -> FrameDraft {
    let kind = if is_good(outcome) { FrameKind::TaskCompleted } else { FrameKind::TaskFailed };
    frame(
        kind,
        [
            ("summary", Value::from(summary)),
            ("status", serde_json::to_value(outcome).unwrap_or(Value::Null)),
            ("receipts", serde_json::to_value(receipts).unwrap_or(Value::Null)),
            ("reason", Value::from(reason)),
        ],
    )
}
