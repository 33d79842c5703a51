//! A run on the move: the state being changed, what it may know, and what came out so far.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Context, Effect, Transition, frame, message};
use crate::frame::{FrameDraft, FrameKind};
use crate::ids::{EffectId, StageId};
use crate::plan::template::Scope;
use crate::plan::{Stage, StageKind};
use crate::state::{Item, ItemPhase, Run, StageRun, TaskState};

/// Chars of a result that a frame repeats.
const FRAME_RESULT_BYTES_MAX: usize = 16 * 1024;

pub(super) struct Machine<'a> {
    pub(super) run: Run,
    pub(super) ctx: &'a Context<'a>,
    pub(super) effects: Vec<Effect>,
    pub(super) frames: Vec<FrameDraft>,
    /// Set when a failure's reaction is to stop.
    pub(super) stop: Option<crate::state::StopReason>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(run: Run, ctx: &'a Context<'a>) -> Self {
        Self { run, ctx, effects: Vec::new(), frames: Vec::new(), stop: None }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.frames.push(message(text, self.ctx.session_id));
    }

    pub(super) fn emit<const N: usize>(&mut self, kind: FrameKind, fields: [(&str, Value); N]) {
        self.frames.push(frame(kind, fields));
    }

    pub(super) fn draw(&mut self) -> u32 {
        self.run.drawn += 1;
        self.run.drawn
    }

    /// The names templates see now.
    pub(super) fn scope(&self) -> Scope {
        Scope::new(&self.names())
    }

    /// The names templates see now, with `item` and `index`.
    pub(super) fn item_scope(&self, item: &Value, index: usize) -> Scope {
        let mut names = self.names();
        names.insert("item".to_owned(), item.clone());
        names.insert("index".to_owned(), Value::from(index));
        Scope::new(&names)
    }

    fn names(&self) -> Map<String, Value> {
        let person = self.ctx.person;
        let now = self.ctx.now.with_timezone(&person.settings.timezone);
        let mut names = Map::new();
        names.insert("slots".to_owned(), Value::Object(self.run.plan.slots.clone()));
        names.insert("person".to_owned(), json!({"name": person.name, "timezone": person.settings.timezone.name()}));
        names.insert("now".to_owned(), Value::from(now.format("%Y-%m-%dT%H:%M").to_string()));
        for (id, stage) in &self.run.stages {
            // What a stage holds already sees the result that its holder will have.
            let result = match stage {
                StageRun::Inside { result, .. } => Some(result).filter(|result| !result.is_null()),
                StageRun::Asking
                | StageRun::Running
                | StageRun::Sleeping { .. }
                | StageRun::Done { .. }
                | StageRun::Skipped { .. }
                | StageRun::Failed { .. }
                | StageRun::Cancelled => stage.result(),
            };
            if let Some(result) = result {
                names.insert(id.as_str().to_owned(), result.clone());
            }
        }
        names
    }

    pub(super) fn stage(&self, id: &StageId) -> Option<Stage> {
        self.run.plan.find(id).cloned()
    }

    /// Sets how a stage stands and logs its beginning or end.
    pub(super) fn set_stage(&mut self, stage: &Stage, next: StageRun) {
        if !self.run.stages.contains_key(&stage.id) {
            self.stage_frame(FrameKind::StageStarted, stage, []);
        }
        if next.is_over() {
            let status = match &next {
                StageRun::Done { .. } => "done",
                StageRun::Skipped { .. } => "skipped",
                StageRun::Failed { .. } => "failed",
                StageRun::Asking
                | StageRun::Running
                | StageRun::Inside { .. }
                | StageRun::Sleeping { .. }
                | StageRun::Cancelled => "cancelled",
            };
            let result = next.result().filter(|r| r.to_string().len() <= FRAME_RESULT_BYTES_MAX).cloned();
            self.stage_frame(
                FrameKind::StageCompleted,
                stage,
                [("status", Value::from(status)), ("result", result.unwrap_or(Value::Null))],
            );
        }
        self.run.stages.insert(stage.id.clone(), next);
    }

    pub(super) fn stage_frame<const N: usize>(&mut self, kind: FrameKind, stage: &Stage, fields: [(&str, Value); N]) {
        let mut draft = frame(kind, fields);
        draft.data.insert("stage_id".to_owned(), Value::from(stage.id.as_str()));
        draft.data.insert("stage_type".to_owned(), Value::from(stage.kind.name()));
        draft.data.insert("title".to_owned(), Value::from(stage.label()));
        if let StageKind::Execution(e) = &stage.kind {
            draft.data.insert("action".to_owned(), Value::from(e.action.as_str()));
        }
        self.frames.push(draft);
    }

    pub(super) fn item_mut(&mut self, id: &EffectId) -> Option<&mut Item> {
        self.run.items.iter_mut().find(|item| &item.id == id)
    }

    pub(super) fn set_phase(&mut self, id: &EffectId, phase: ItemPhase) {
        if let Some(item) = self.item_mut(id) {
            item.phase = phase;
        }
    }

    /// When the run is due next, leases apart.
    pub(super) fn wake_at(run: &Run) -> Option<DateTime<Utc>> {
        let sleeping = run.stages.values().filter_map(|stage| match stage {
            StageRun::Sleeping { until } => Some(*until),
            StageRun::Asking
            | StageRun::Running
            | StageRun::Inside { .. }
            | StageRun::Done { .. }
            | StageRun::Skipped { .. }
            | StageRun::Failed { .. }
            | StageRun::Cancelled => None,
        });
        let retrying = run.items.iter().filter_map(|item| match &item.phase {
            ItemPhase::Retrying { at, .. } => Some(*at),
            ItemPhase::Ready => Some(run.started_at),
            ItemPhase::Held
            | ItemPhase::Started { .. }
            | ItemPhase::LookingUp { .. }
            | ItemPhase::Done { .. }
            | ItemPhase::Failed { .. }
            | ItemPhase::Unknown { .. }
            | ItemPhase::Rejected
            | ItemPhase::Cancelled
            | ItemPhase::Replaced => None,
        });
        sleeping.chain(retrying).chain(run.open_prompts().map(|prompt| prompt.expires_at)).min()
    }

    /// The transition to this state.
    pub(super) fn into(self, make: impl FnOnce(Run) -> TaskState) -> Transition {
        let wake_at = Self::wake_at(&self.run);
        Transition { next: make(self.run), effects: self.effects, frames: self.frames, wake_at, progress: true }
    }
}
