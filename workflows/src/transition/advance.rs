//! Carrying a run as far as it goes by itself: beginning stages whose needs have ended, ending
//! those whose work has.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::machine::Machine;
use super::{Transition, report};
use crate::frame::FrameKind;
use crate::ids::StageId;
use crate::plan::{Conditional, FAN_OUT_MAX, OnFailure, Stage, StageKind, Wait, refs, template, time};
use crate::state::{ItemPhase, PromptOption, StageRun, StopReason, TaskState};

impl Machine<'_> {
    /// Carries the run on and says what the task becomes.
    pub(super) fn advance(mut self) -> Transition {
        loop {
            while self.stop.is_none() {
                // What is to be planned anew begins nothing more; what has begun comes to its end.
                if !(self.end_stages() | (!self.run.stuck && self.begin_stages())) {
                    break;
                }
            }
            if let Some(reason) = self.stop {
                return self.stopped(reason);
            }
            if self.is_stuck() {
                return self.plan_anew();
            }
            if !self.run.stuck && self.is_over() {
                return if self.run.asks { self.plan_with_answer() } else { self.finish(None) };
            }
            // What could not be started has ended, and may have ended its stage.
            if !self.start_ready() {
                break;
            }
        }
        self.show_progress();
        self.into(TaskState::Running)
    }

    fn is_over(&self) -> bool {
        self.run.plan.stages.iter().all(|s| self.run.stages.get(&s.id).is_some_and(StageRun::is_over))
            && !self.run.items.iter().any(|item| !item.is_settled() && item.phase != ItemPhase::Held)
    }

    fn show_progress(&mut self) {
        const SHOWN_BEFORE_THE_END_MAX: usize = 99;
        let all = self.run.plan.all();
        let over = all.iter().filter(|s| self.run.stages.get(&s.id).is_some_and(StageRun::is_over)).count();
        let percent = (over * 100 / all.len().max(1)).min(SHOWN_BEFORE_THE_END_MAX);
        let percent = u8::try_from(percent).unwrap_or(u8::MAX);
        if percent > self.run.progress {
            self.run.progress = percent;
            self.emit(FrameKind::TaskProgress, [("progress", Value::from(percent))]);
        }
    }

    /// Begins every stage that may; says whether any did.
    fn begin_stages(&mut self) -> bool {
        let ready = self.ready_stages();
        for stage in &ready {
            self.begin_stage(stage);
            if self.stop.is_some() || self.run.stuck {
                break;
            }
        }
        !ready.is_empty()
    }

    fn ready_stages(&self) -> Vec<Stage> {
        let mut ready = Vec::new();
        self.ready_in(&self.run.plan.stages, false, &mut ready);
        ready
    }

    fn ready_in(&self, list: &[Stage], at_once: bool, ready: &mut Vec<Stage>) {
        for (n, stage) in list.iter().enumerate() {
            match self.run.stages.get(&stage.id) {
                None => {
                    if refs::needs_of(list, n, at_once).iter().all(|need| self.is_met(need, &stage.id)) {
                        ready.push(stage.clone());
                    }
                }
                Some(StageRun::Inside { list: name, .. }) => {
                    for (field, nested) in stage.kind.lists() {
                        if field == name {
                            self.ready_in(nested, matches!(stage.kind, StageKind::Parallel(_)), ready);
                        }
                    }
                }
                Some(
                    StageRun::Asking
                    | StageRun::Running
                    | StageRun::Sleeping { .. }
                    | StageRun::Done { .. }
                    | StageRun::Skipped { .. }
                    | StageRun::Failed { .. }
                    | StageRun::Cancelled,
                ) => {}
            }
        }
    }

    /// Whether a stage need not wait for another (any more): it is over, never begins because its
    /// holder is over, or holds the stage itself.
    fn is_met(&self, need: &StageId, stage: &StageId) -> bool {
        let is_over = |id: &StageId| self.run.stages.get(id).is_some_and(StageRun::is_over);
        let holds = |holder: &Stage, id: &StageId| {
            let mut found = false;
            holder.walk(&mut |inner| found |= &inner.id == id && inner.id != holder.id);
            found
        };
        is_over(need)
            || self.run.plan.all().into_iter().any(|holder| {
                (is_over(&holder.id) && holds(holder, need)) || (&holder.id == need && holds(holder, stage))
            })
    }

    fn begin_stage(&mut self, stage: &Stage) {
        if let Some(result) = self.take_earlier_answer(stage) {
            self.set_stage(stage, StageRun::Done { result });
            return;
        }
        match &stage.kind {
            StageKind::Clarification(c) => self.ask_clarification(stage, c),
            StageKind::Selection(c) => self.ask_choice(stage, c, false),
            StageKind::MultiSelect(c) => self.ask_choice(stage, c, true),
            StageKind::Confirmation(c) => self.ask_confirmation(stage, c),
            StageKind::Execution(e) => self.begin_execution(stage, e),
            StageKind::Parallel(_) => self.set_stage(stage, inside("stages", Value::Null)),
            StageKind::Conditional(c) => self.begin_conditional(stage, c),
            StageKind::Wait(w) => self.begin_wait(stage, w),
        }
    }

    /// Takes the answer this very question had under an earlier plan of the task. It is this plan's from here
    /// on, or none any more.
    fn take_earlier_answer(&mut self, stage: &Stage) -> Option<Value> {
        let earlier = &mut self.run.earlier.answers;
        let n = earlier.iter().position(|(before, _)| before.id == stage.id && before.kind == stage.kind)?;
        let (_, answer) = earlier.remove(n);
        Some(answer).filter(|answer| self.is_on_offer(stage, answer))
    }

    /// Whether what was chosen from a list can be chosen from what the list is now.
    fn is_on_offer(&self, stage: &Stage, answer: &Value) -> bool {
        let (choose, chosen) = match &stage.kind {
            StageKind::Selection(choose) => (choose, std::slice::from_ref(answer)),
            StageKind::MultiSelect(choose) => (choose, answer.as_array().map(Vec::as_slice).unwrap_or_default()),
            StageKind::Clarification(_)
            | StageKind::Confirmation(_)
            | StageKind::Execution(_)
            | StageKind::Parallel(_)
            | StageKind::Conditional(_)
            | StageKind::Wait(_) => return true,
        };
        let is_there = |value: &Value, options: &[PromptOption]| options.iter().any(|option| option.value == *value);
        self.options(choose).is_ok_and(|options| chosen.iter().all(|value| is_there(value, &options)))
    }

    fn begin_conditional(&mut self, stage: &Stage, conditional: &Conditional) {
        match template::holds(&conditional.condition, &self.scope()) {
            Ok(true) => self.set_stage(stage, inside("then", json!({"taken": "then"}))),
            Ok(false) => self.set_stage(stage, inside("else", json!({"taken": "else"}))),
            Err(error) => self.fail_stage(stage, &format!("the condition cannot be judged: {error}")),
        }
    }

    fn begin_wait(&mut self, stage: &Stage, wait: &Wait) {
        let zone = self.ctx.person.settings.timezone;
        let until = match (&wait.until, &wait.duration, &wait.timeout) {
            (Some(until), _, _) => match template::render(until, &self.scope()) {
                Ok(text) => time::parse_moment(&text, zone).ok_or(format!("\"{text}\" is no date-time")),
                Err(error) => Err(error.0),
            },
            (None, Some(span), _) | (None, None, Some(span)) => time::parse_duration(span)
                .and_then(|span| self.ctx.now.checked_add_signed(span))
                .ok_or(format!("\"{span}\" is no duration")),
            (None, None, None) => Err("it says not what it waits for".to_owned()),
        };
        match until {
            Ok(until) => {
                let local = until.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
                self.set_stage(stage, StageRun::Sleeping { until });
                self.stage_frame(FrameKind::StageWaiting, stage, [("until", Value::from(local))]);
            }
            Err(error) => self.fail_stage(stage, &error),
        }
    }

    /// Ends a stage as failed, the plan going on.
    pub(super) fn fail_stage(&mut self, stage: &Stage, error: &str) {
        let result = json!({"ok": false, "error": error});
        self.set_stage(stage, StageRun::Failed { error: error.to_owned(), result });
        self.say(&report::stage_failed(stage, error));
        // No answer of the person's mends what the plan got wrong; whoever made it may.
        self.run.stuck |= self.may_replan();
    }

    /// Ends every stage whose work has ended; says whether any did.
    fn end_stages(&mut self) -> bool {
        let mut any = false;
        let plan = Arc::clone(&self.run.plan);
        for stage in plan.all() {
            let next = match self.run.stages.get(&stage.id) {
                Some(StageRun::Running) => self.execution_end(stage),
                Some(StageRun::Inside { list, result }) => self.list_end(stage, list, result),
                Some(StageRun::Sleeping { until }) if *until <= self.ctx.now => Some(wake(stage)),
                None
                | Some(
                    StageRun::Asking
                    | StageRun::Sleeping { .. }
                    | StageRun::Done { .. }
                    | StageRun::Skipped { .. }
                    | StageRun::Failed { .. }
                    | StageRun::Cancelled,
                ) => None,
            };
            if let Some(next) = next {
                self.set_stage(stage, next);
                any = true;
            }
        }
        any
    }

    /// How a stage stands when the list it runs has ended; `None` while it has not.
    fn list_end(&self, stage: &Stage, name: &str, result: &Value) -> Option<StageRun> {
        let lists = stage.kind.lists();
        let (_, list) = lists.iter().find(|(field, _)| *field == name)?;
        if !list.iter().all(|s| self.run.stages.get(&s.id).is_some_and(StageRun::is_over)) {
            return None;
        }
        match (&stage.kind, result.get("error").and_then(Value::as_str)) {
            (StageKind::Execution(_), error) => Some(StageRun::Failed {
                error: error.unwrap_or("some of it failed").to_owned(),
                result: result.clone(),
            }),
            (StageKind::Parallel(p), _) => {
                let children: Map<String, Value> = p
                    .stages
                    .iter()
                    .map(|s| {
                        let result = self.run.stages.get(&s.id).and_then(StageRun::result).cloned();
                        (s.id.as_str().to_owned(), result.unwrap_or(Value::Null))
                    })
                    .collect();
                Some(StageRun::Done { result: Value::Object(children) })
            }
            (
                StageKind::Clarification(_)
                | StageKind::Selection(_)
                | StageKind::MultiSelect(_)
                | StageKind::Confirmation(_)
                | StageKind::Conditional(_)
                | StageKind::Wait(_),
                _,
            ) => Some(StageRun::Done { result: result.clone() }),
        }
    }

    /// How an execution stands when all its acts are settled; `None` while they are not.
    fn execution_end(&self, stage: &Stage) -> Option<StageRun> {
        let StageKind::Execution(execution) = &stage.kind else { return None };
        let items: Vec<_> = self.run.items_of(&stage.id).collect();
        if !items.iter().all(|item| item.is_settled()) {
            return None;
        }
        let error = items.iter().find_map(|item| item.trouble()).map(str::to_owned);
        let result = report::execution_result(execution, &items);
        let any_done = items.iter().any(|item| item.done().is_some());
        Some(match error {
            None if any_done || items.is_empty() => StageRun::Done { result },
            None => StageRun::Skipped { result },
            Some(error) => match &execution.on_failure {
                OnFailure::Stages(stages) if !stages.is_empty() => {
                    let mut result = result;
                    if let Some(fields) = result.as_object_mut() {
                        fields.entry("error").or_insert_with(|| Value::from(error.as_str()));
                    }
                    inside("on_failure", result)
                }
                OnFailure::Stages(_) | OnFailure::Named(_) | OnFailure::Default => StageRun::Failed { error, result },
            },
        })
    }

    /// Evaluates a list for `for_each` and `options_from`.
    pub(super) fn list_of(&self, expression: &str) -> Result<Vec<Value>, String> {
        match template::evaluate(expression, &self.scope()) {
            Ok(Value::Array(items)) if items.len() > FAN_OUT_MAX => {
                Err(format!("{} items; at most {FAN_OUT_MAX} are allowed", items.len()))
            }
            Ok(Value::Array(items)) => Ok(items),
            Ok(_) => Err(format!("\"{expression}\" is no list")),
            Err(error) => Err(error.0),
        }
    }

    /// Stops for a failure, or ends at once when nothing is under way.
    fn stopped(self, reason: StopReason) -> Transition {
        self.stop_now(reason)
    }
}

/// A stage that runs one of its lists.
pub(super) fn inside(list: &str, result: Value) -> StageRun {
    StageRun::Inside { list: list.to_owned(), result }
}

/// How a wait stands once its time has come.
fn wake(stage: &Stage) -> StageRun {
    match &stage.kind {
        StageKind::Wait(w) if w.reply_to.is_some() => inside("on_timeout", json!({"timed_out": true})),
        StageKind::Wait(_)
        | StageKind::Clarification(_)
        | StageKind::Selection(_)
        | StageKind::MultiSelect(_)
        | StageKind::Confirmation(_)
        | StageKind::Execution(_)
        | StageKind::Parallel(_)
        | StageKind::Conditional(_) => inside("then", json!({"timed_out": false})),
    }
}
