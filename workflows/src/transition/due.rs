//! What time does: sleeping stages wake, questions lapse, retries begin, and what a dead driver
//! left half done is faced.

use super::machine::Machine;
use super::{Context, Effect, Refusal, Transition, act};
use crate::state::{ItemPhase, Prompt, PromptState, Purpose, StopReason, TaskState};

/// The task was claimed because it was due.
pub(super) fn due(state: TaskState, ctx: &Context<'_>) -> Result<Transition, Refusal> {
    match state {
        TaskState::Planning(planning) => Ok(Transition {
            next: TaskState::Planning(planning),
            effects: vec![Effect::Plan],
            frames: Vec::new(),
            wake_at: Some(ctx.now),
            progress: false,
        }),
        TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_) => {
            // Facing what a dead driver left is no progress: a crash loop must be counted.
            let progress = state.run().is_some_and(|run| act::interrupted(run, ctx.epoch).is_empty());
            let mut moved = act::resume(state, ctx, |machine| {
                machine.face_interrupted();
                machine.begin_retries();
                if machine.stop.is_none() {
                    machine.lapse_prompts();
                }
                Ok(())
            })?;
            moved.progress = progress;
            Ok(moved)
        }
        TaskState::Finished(_) | TaskState::Quarantined(_) => {
            Ok(Transition { next: state, effects: Vec::new(), frames: Vec::new(), wake_at: None, progress: false })
        }
    }
}

impl Machine<'_> {
    /// What was under way when its driver died is repeated where that is harmless, looked up where
    /// that is possible, and otherwise unknown.
    fn face_interrupted(&mut self) {
        for id in act::interrupted(&self.run, self.ctx.epoch) {
            let Some(item) = self.run.item(&id) else { continue };
            if item.look_up {
                self.look_up(&id);
            } else if item.idempotent && (self.stop.is_none() || item.undoes.is_some()) {
                self.set_phase(&id, ItemPhase::Ready);
            } else {
                self.unknown(&id, "I was interrupted while doing it, so it may or may not have been done");
            }
        }
    }

    fn begin_retries(&mut self) {
        let now = self.ctx.now;
        for item in &mut self.run.items {
            if let ItemPhase::Retrying { at, .. } = &item.phase
                && *at <= now
            {
                item.phase = ItemPhase::Ready;
            }
        }
    }

    fn lapse_prompts(&mut self) {
        let now = self.ctx.now;
        let lapsed: Vec<Prompt> = self.run.open_prompts().filter(|prompt| prompt.expires_at <= now).cloned().collect();
        for prompt in lapsed {
            self.close(&prompt.id, PromptState::Expired);
            if prompt.lapses == 0 {
                let span = prompt.expires_at - prompt.asked_at;
                self.ask(prompt.purpose, prompt.question, prompt.kind, span, 1);
                continue;
            }
            match &prompt.purpose {
                Purpose::Stage(_) => self.stop = Some(StopReason::Expired),
                Purpose::Failure(id) | Purpose::Other(id) | Purpose::Unknown(id) => self.settle_failed(id),
                Purpose::Approve(items) => {
                    for id in items {
                        self.set_phase(id, ItemPhase::Cancelled);
                    }
                }
            }
        }
    }
}
