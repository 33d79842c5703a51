//! Acts: made and frozen, started, ended, retried, asked about.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use super::machine::Machine;
use super::origin::texts;
use super::replan::REPLAN;
use super::{Context, Effect, ITEMS_MAX, Refusal, STARTS_MAX, Transition, report};
use crate::action::Reach;
use crate::frame::FrameKind;
use crate::ids::EffectId;
use crate::plan::validate::parameter_faults;
use crate::plan::{Execution, FailureWord, OnFailure, Stage, StageKind, template};
use crate::ports::actions::{ActionError, ActionErrorKind, ActionOutcome, LookUp};
use crate::state::item::call_hash;
use crate::state::{Item, ItemPhase, PromptKind, PromptOption, Purpose, Run, StageRun, StopReason, TaskState};

/// Pause before the first automatic retry; doubled for the next.
const RETRY_SECS: u32 = 2;
/// Longest pause another side may ask for.
const RETRY_SECS_MAX: u32 = 3_600;
/// How long what was looked up holds for a plan made anew, in minutes: long enough for the plan itself, not
/// for prices and free hours to change.
const READ_HOLDS_MINUTES_MAX: i64 = 5;
/// The plugin that keeps the person's contacts.
const ADDRESS_BOOK: &str = "contacts";
/// Why an act was not begun, though it was approved.
const DAY_IS_FULL: &str =
    "today's limit of actions is reached (QUOTA_EFFECTS_DAY); nothing was done, and tomorrow there is room again";
/// What is to be known of an act that an earlier plan left in doubt.
const MAY_BE_DONE: &str = "It may have been done before: nobody knows what came of it.";
/// Why an act was not begun, though it was approved.
const TOOL_HAS_CHANGED: &str = "the tool has changed since you said yes";

impl Machine<'_> {
    pub(super) fn begin_execution(&mut self, stage: &Stage, execution: &Execution) {
        let covered = self.run.items.iter().any(|item| item.stage_id == stage.id);
        if !covered && let Err(error) = self.make_items(stage, execution) {
            self.fail_stage(stage, &error);
            return;
        }
        self.set_stage(stage, StageRun::Running);
        let mut unapproved = Vec::new();
        for item in self.run.items.iter_mut().filter(|item| item.stage_id == stage.id && item.phase == ItemPhase::Held)
        {
            if item.approval.is_some() || item.reach != Reach::World {
                item.phase = ItemPhase::Ready;
            } else {
                unapproved.push(item.id.clone());
            }
        }
        // The last line of defence: whatever a plan said, an act on the world without a yes asks.
        if !unapproved.is_empty() {
            self.ask_approval(unapproved);
        }
    }

    /// Evaluates and freezes the acts of an execution. What an earlier plan did already counts.
    pub(super) fn make_items(&mut self, stage: &Stage, execution: &Execution) -> Result<Vec<EffectId>, String> {
        let mut calls = Vec::new();
        match &execution.for_each {
            None => calls.push((None, template::fill_map(&execution.params, &self.scope()).map_err(|e| e.0)?)),
            Some(list) => {
                for (n, item) in self.list_of(list)?.into_iter().enumerate() {
                    let args = template::fill_map(&execution.params, &self.item_scope(&item, n)).map_err(|e| e.0)?;
                    calls.push((Some(item), args));
                }
            }
        }
        if self.run.items.len() + calls.len() > ITEMS_MAX {
            return Err(format!("more than {ITEMS_MAX} acts in one task"));
        }
        let mut made = Vec::new();
        for (index, (source, args)) in calls.into_iter().enumerate() {
            made.push(self.make_item(stage, &execution.action, index, source, args)?);
        }
        Ok(made)
    }

    fn make_item(
        &mut self,
        stage: &Stage,
        action: &str,
        index: usize,
        source: Option<Value>,
        args: Map<String, Value>,
    ) -> Result<EffectId, String> {
        let args: Map<String, Value> = args.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let item = self.new_item(stage, action, args)?;
        // What was done is done, whatever has become of the tool since.
        let hash = call_hash(&item.action, &item.args);
        let now = self.ctx.now;
        let earlier = &mut self.run.earlier.done;
        // What is looked up anew takes the place of what was found before.
        earlier.retain(|item| !is_outdated(item, now) || call_hash(&item.action, &item.args) != hash);
        let is_done = |item: &Item| matches!(item.phase, ItemPhase::Done { .. });
        let in_doubt = earlier
            .iter()
            .any(|item| matches!(item.phase, ItemPhase::Unknown { .. }) && call_hash(&item.action, &item.args) == hash);
        let item = match earlier.iter().position(|item| is_done(item) && call_hash(&item.action, &item.args) == hash) {
            Some(n) => Item { stage_id: stage.id.clone(), index, source, ..earlier.remove(n) },
            None if in_doubt && item.reach != Reach::Read => {
                let mut notes = item.notes;
                notes.push(MAY_BE_DONE.to_owned());
                Item { index, source, notes, reach: Reach::World, ..item }
            }
            None => Item { index, source, ..item },
        };
        let id = item.id.clone();
        self.run.items.push(item);
        Ok(id)
    }

    pub(super) fn new_item(&mut self, stage: &Stage, action: &str, args: Map<String, Value>) -> Result<Item, String> {
        let Some(spec) = self.ctx.catalog.available(action) else {
            return Err(format!("\"{action}\" is not available"));
        };
        if let Some((_, what)) = parameter_faults(spec, &args).into_iter().next() {
            return Err(format!("\"{action}\" cannot take this: {what}"));
        }
        if let Some(passed) = spec.passed(&args, self.ctx.person.settings.timezone, self.ctx.now) {
            return Err(format!("{passed} has passed"));
        }
        let (mut reach, idempotent, look_up) = (spec.reach(&args), spec.idempotent, spec.look_up);
        let mut notes = if reach == Reach::Read { Vec::new() } else { self.doubts(spec, &args) };
        if reach == Reach::Own {
            // An address in the address book passes for the person's own ever after.
            if spec.plugin() == ADDRESS_BOOK && !notes.is_empty() {
                reach = Reach::World;
            } else {
                notes.clear();
            }
        }
        let version = spec.version.clone();
        let n = self.draw();
        Ok(Item {
            id: self.run.seed.effect(n),
            stage_id: stage.id.clone(),
            index: 0,
            source: None,
            action: action.to_owned(),
            args,
            version,
            notes,
            reach,
            idempotent,
            look_up,
            approval: None,
            starts: 0,
            phase: ItemPhase::Held,
            undoes: None,
            created_at: self.ctx.now,
        })
    }

    /// Records the start of acts that are ready, as many as may run at once; says whether any ended
    /// without being started.
    pub(super) fn start_ready(&mut self) -> bool {
        if !self.ctx.may_start {
            return false;
        }
        let (mut any_ended, was_stopping) = (false, self.stop.is_some());
        let mut room =
            super::EFFECTS_AT_ONCE_MAX.saturating_sub(self.run.items.iter().filter(|item| item.is_in_flight()).count());
        let ready: Vec<EffectId> =
            self.run.items.iter().filter(|item| item.phase == ItemPhase::Ready).map(|item| item.id.clone()).collect();
        for id in ready {
            if room == 0 {
                break;
            }
            let started = self.start(&id);
            room -= usize::from(started);
            any_ended |= !started;
            if self.stop.is_some() && !was_stopping {
                break;
            }
        }
        any_ended
    }

    /// Whether the person's day has room for one more act.
    fn has_left_today(&self) -> bool {
        super::acts_begun(&self.run, &self.effects) < self.ctx.effects_left
    }

    /// What has passed since an act was shown.
    fn passed(&self, id: &EffectId) -> Option<String> {
        let item = self.run.item(id)?;
        let spec = self.ctx.catalog.get(&item.action)?;
        let passed = spec.passed(&item.args, self.ctx.person.settings.timezone, self.ctx.now)?;
        Some(format!("{passed} has passed"))
    }

    /// Ends an act on the world whose tool is no longer as it was shown: its yes is void, and the next
    /// one is to the tool as it is now.
    fn ends_as_changed(&mut self, id: &EffectId) -> bool {
        let Some(item) = self.run.item(id) else { return false };
        let Some(spec) = self.ctx.catalog.get(&item.action) else { return false };
        if item.reach != Reach::World || item.undoes.is_some() || item.version == spec.version {
            return false;
        }
        let (version, has_begun) = (spec.version.clone(), item.starts > 0);
        if let Some(item) = self.item_mut(id) {
            item.version = version;
            item.approval = None;
        }
        // Of an act that may have been done, nobody may say it was not.
        if has_begun {
            self.unknown(id, TOOL_HAS_CHANGED);
        } else {
            self.failed(id, TOOL_HAS_CHANGED);
        }
        true
    }

    /// Starts one act, if its approval still is for exactly this and the day has room for it.
    fn start(&mut self, id: &EffectId) -> bool {
        if self.ends_as_changed(id) {
            return false;
        }
        // Only before it first begins: of an act that may have been done, nobody may say it was not.
        let is_first = self.run.item(id).is_some_and(|item| item.undoes.is_none() && item.starts == 0);
        if is_first && !self.has_left_today() {
            self.failed(id, DAY_IS_FULL);
            return false;
        }
        if is_first && let Some(passed) = self.passed(id) {
            self.failed(id, &passed);
            return false;
        }
        let (epoch, at) = (self.ctx.epoch, self.ctx.now);
        let Some(item) = self.item_mut(id) else { return false };
        let approved = item.approval.as_ref().is_some_and(|approval| approval.hash == item.hash());
        if item.reach == Reach::World && item.undoes.is_none() && !approved {
            let error = "it is not what was approved".to_owned();
            item.phase = ItemPhase::Failed { error, at, settled: true };
            return false;
        }
        item.starts += 1;
        item.phase = ItemPhase::Started { epoch, at };
        let (action, stage_id) = (item.action.clone(), item.stage_id.clone());
        let plugin = action.split('.').next().unwrap_or_default().to_owned();
        self.effects.push(Effect::Run(id.clone()));
        self.emit(
            FrameKind::PluginExecuting,
            [
                ("plugin", Value::from(plugin)),
                ("action", Value::from(action)),
                ("stage_id", Value::from(stage_id.as_str())),
                ("effect_id", Value::from(id.as_str())),
            ],
        );
        true
    }

    /// Records an outcome and what follows from it.
    pub(super) fn settle(&mut self, id: &EffectId, result: Result<ActionOutcome, ActionError>) {
        match result {
            Ok(outcome) => self.done(id, outcome),
            Err(error) => match error.kind {
                ActionErrorKind::Retry { after_secs } => self.retry_or_fail(id, error, after_secs),
                ActionErrorKind::Fail if !error.offers.is_empty() && self.may_ask(id) => self.ask_offers(id, &error),
                ActionErrorKind::Fail => self.failed(id, &error.message),
                ActionErrorKind::Unknown => self.unknown(id, &error.message),
            },
        }
    }

    fn done(&mut self, id: &EffectId, mut outcome: ActionOutcome) {
        let left = outcome.left.take();
        self.set_phase(id, ItemPhase::Done { outcome, at: self.ctx.now, undone: false });
        self.result_frame(id, true);
        let Some(item) = self.run.item(id).cloned() else { return };
        if let Some(undone) = &item.undoes
            && let Some(original) =
                self.run.items.iter_mut().chain(&mut self.run.earlier.done).find(|original| &original.id == undone)
            && let ItemPhase::Done { undone, .. } = &mut original.phase
        {
            *undone = true;
        }
        if let Some(left) = left
            && let Some(stage) = self.stage(&item.stage_id)
        {
            match self.new_item(&stage, &item.action, left.args) {
                Ok(rest) => {
                    let rest = Item { index: item.index, source: item.source, starts: STARTS_MAX, ..rest };
                    let rest_id = rest.id.clone();
                    self.run.items.push(rest);
                    self.failed(&rest_id, &left.error);
                }
                Err(error) => self.say(&error),
            }
        }
    }

    fn retry_or_fail(&mut self, id: &EffectId, error: ActionError, after_secs: Option<u32>) {
        let starts = self.run.item(id).map_or(STARTS_MAX, |item| item.starts);
        let is_undo = self.run.item(id).is_some_and(|item| item.undoes.is_some());
        if starts >= STARTS_MAX || (self.is_stopping() && !is_undo) {
            self.failed(id, &error.message);
            return;
        }
        let pause = after_secs.unwrap_or(RETRY_SECS << starts.min(8)).min(RETRY_SECS_MAX);
        let at = self.ctx.now + Duration::seconds(i64::from(pause));
        self.set_phase(id, ItemPhase::Retrying { at, error });
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// An act that certainly was not done, for good: its stage's reaction follows.
    fn failed(&mut self, id: &EffectId, error: &str) {
        let Some(item) = self.run.item(id).cloned() else { return };
        let reaction = self.reaction(&item);
        self.say_failed(id, error, reaction != FailureWord::Ask);
        match reaction {
            FailureWord::Ask => self.ask_failure(&item, error),
            FailureWord::Skip => {}
            FailureWord::Stop => self.stop = Some(StopReason::Failure),
        }
    }

    /// Keeps and tells that an act was not done.
    pub(super) fn say_failed(&mut self, id: &EffectId, error: &str, settled: bool) {
        self.set_phase(id, ItemPhase::Failed { error: error.to_owned(), at: self.ctx.now, settled });
        self.result_frame(id, false);
    }

    /// Whether a person is still to be asked about an act: not when all is being stopped or undone.
    fn may_ask(&self, id: &EffectId) -> bool {
        !self.is_stopping() && self.run.item(id).is_some_and(|item| item.undoes.is_none())
    }

    /// What an act's stage does about a failure; stages of its own come once all acts are settled.
    fn reaction(&self, item: &Item) -> FailureWord {
        if !self.may_ask(&item.id) {
            return FailureWord::Skip;
        }
        match self.stage(&item.stage_id).map(|stage| stage.kind) {
            Some(StageKind::Execution(Execution { on_failure: OnFailure::Named(word), .. })) => word,
            Some(StageKind::Execution(Execution { on_failure: OnFailure::Stages(_), .. })) => FailureWord::Skip,
            _ => FailureWord::Ask,
        }
    }

    fn ask_failure(&mut self, item: &Item, error: &str) {
        let options = self.failure_options(item);
        let question = report::failure_question(item, error);
        self.ask(Purpose::Failure(item.id.clone()), question, PromptKind::One { options }, Self::default_span(), 0);
    }

    /// What can be done about an act that was not done.
    pub(super) fn failure_options(&self, item: &Item) -> Vec<PromptOption> {
        let spec = self.ctx.catalog.get(&item.action);
        let has_target = spec.is_some_and(|spec| spec.targets.iter().any(|target| item.args.contains_key(*target)));
        let mut options = vec![option("retry", "Try again")];
        if has_target {
            let other = if report::names_addresses(item) { "Use another address" } else { "Use something else" };
            options.push(option("other", other));
        }
        if self.may_replan() {
            options.push(option(REPLAN, "Find another way"));
        }
        options.push(option("skip", "Go on without it"));
        options.push(option("stop", "Stop, and undo what was done"));
        options
    }

    /// An act that may have been done. Its approval is spent.
    pub(super) fn unknown(&mut self, id: &EffectId, error: &str) {
        let settled = self.is_stopping();
        let at = self.ctx.now;
        if let Some(item) = self.item_mut(id) {
            item.approval = None;
            item.phase = ItemPhase::Unknown { error: error.to_owned(), at, settled };
        }
        self.result_frame(id, false);
        if !settled {
            self.ask_unknown(id, error);
        }
    }

    fn ask_unknown(&mut self, id: &EffectId, error: &str) {
        let Some(item) = self.run.item(id).cloned() else { return };
        let mut options = Vec::new();
        if item.look_up {
            options.push(option("check", "Check whether it was done"));
        }
        options.push(option("resend", "Do it again, exactly as shown"));
        options.push(option("drop", "Leave it"));
        let question = report::unknown_question(&item, error);
        self.ask(Purpose::Unknown(id.clone()), question, PromptKind::One { options }, Self::default_span(), 0);
    }

    pub(super) fn look_up(&mut self, id: &EffectId) {
        self.set_phase(id, ItemPhase::LookingUp { epoch: self.ctx.epoch, at: self.ctx.now });
        self.effects.push(Effect::LookUp(id.clone()));
    }

    /// Makes the same act with another target.
    pub(super) fn replace_target(&mut self, id: &EffectId, value: &Value) -> Result<(), String> {
        let Some(item) = self.run.item(id).cloned() else { return Err("that act is gone".to_owned()) };
        let target = self.ctx.catalog.get(&item.action).and_then(|spec| {
            spec.targets.iter().find(|target| item.args.contains_key(**target)).map(|target| (*target).to_owned())
        });
        let Some(target) = target else { return Err("it is aimed at nothing that could be another".to_owned()) };
        let mut args = item.args.clone();
        let shaped = match (&item.args[&target], value) {
            (Value::Array(_), Value::Array(_)) => value.clone(),
            (Value::Array(_), single) => json!([single]),
            (_, Value::Array(items)) => items.first().cloned().unwrap_or(Value::Null),
            (_, single) => single.clone(),
        };
        args.insert(target, shaped.clone());
        let mut other = self.other_item(id, args)?;
        // That much is the person's own word.
        texts(&shaped, &mut |text| other.notes.retain(|note| !note.starts_with(&format!("\"{text}\" "))));
        self.put_in_place(id, other, None);
        Ok(())
    }

    fn result_frame(&mut self, id: &EffectId, success: bool) {
        let Some(item) = self.run.item(id) else { return };
        let plugin = item.action.split('.').next().unwrap_or_default().to_owned();
        let receipt =
            report::receipt(item).and_then(|receipt| serde_json::to_value(receipt).ok()).unwrap_or(Value::Null);
        let (action, stage_id) = (item.action.clone(), item.stage_id.clone());
        self.emit(
            FrameKind::PluginResult,
            [
                ("plugin", Value::from(plugin)),
                ("action", Value::from(action)),
                ("stage_id", Value::from(stage_id.as_str())),
                ("effect_id", Value::from(id.as_str())),
                ("success", Value::from(success)),
                ("receipt", receipt),
            ],
        );
    }
}

/// Whether it was looked up too long ago to go by.
fn is_outdated(item: &Item, now: DateTime<Utc>) -> bool {
    let limit = Duration::minutes(READ_HOLDS_MINUTES_MAX);
    matches!(item.phase, ItemPhase::Done { at, .. } if item.reach == Reach::Read && now - at > limit)
}

fn option(id: &str, name: &str) -> PromptOption {
    PromptOption { id: id.to_owned(), name: name.to_owned(), description: None, value: json!({"id": id, "name": name}) }
}

/// An act has an outcome.
pub(super) fn outcome(
    state: TaskState,
    id: &EffectId,
    result: Result<ActionOutcome, ActionError>,
    ctx: &Context<'_>,
) -> Result<Transition, Refusal> {
    resume(state, ctx, |machine| {
        let waited_for = machine
            .run
            .item(id)
            .is_some_and(|item| matches!(item.phase, ItemPhase::Started { epoch, .. } if epoch == ctx.epoch));
        waited_for.then(|| machine.settle(id, result)).ok_or(Refusal::LateResult)
    })
}

/// The other side was asked about an act.
pub(super) fn looked_up(
    state: TaskState,
    id: &EffectId,
    answer: LookUp,
    ctx: &Context<'_>,
) -> Result<Transition, Refusal> {
    resume(state, ctx, |machine| {
        let Some(item) = machine.run.item(id) else { return Err(Refusal::LateResult) };
        if !matches!(item.phase, ItemPhase::LookingUp { epoch, .. } if epoch == ctx.epoch) {
            return Err(Refusal::LateResult);
        }
        let covered = item.reach != Reach::World || item.approval.is_some() || item.undoes.is_some();
        match answer {
            LookUp::Done(outcome) => machine.settle(id, Ok(outcome)),
            LookUp::Absent if covered => machine.set_phase(id, ItemPhase::Ready),
            LookUp::Absent => machine.settle(id, Err(ActionError::fail("it was not done"))),
            LookUp::CannotTell(why) => machine.unknown(id, &why),
        }
        Ok(())
    })
}

/// Changes the run of a state that waits for acts, and carries it on as that state does.
pub(super) fn resume(
    state: TaskState,
    ctx: &Context<'_>,
    change: impl FnOnce(&mut Machine<'_>) -> Result<(), Refusal>,
) -> Result<Transition, Refusal> {
    match state {
        TaskState::Running(run) => {
            let mut machine = Machine::new(run, ctx);
            change(&mut machine)?;
            Ok(machine.advance())
        }
        TaskState::Stopping(stopping) => {
            let mut machine = Machine::new(stopping.run, ctx);
            machine.stop = Some(stopping.reason);
            change(&mut machine)?;
            Ok(machine.stop_now(stopping.reason))
        }
        TaskState::Undoing(undoing) => {
            let mut machine = Machine::new(undoing.run, ctx);
            machine.stop = Some(StopReason::Failure);
            change(&mut machine)?;
            Ok(machine.undo_on(undoing.outcome, undoing.reason))
        }
        TaskState::Planning(_) | TaskState::Finished(_) | TaskState::Quarantined(_) => Err(Refusal::LateResult),
    }
}

/// The acts of a run whose driver died while they were under way.
pub(super) fn interrupted(run: &Run, epoch: u64) -> Vec<EffectId> {
    run.items
        .iter()
        .filter(|item| match item.phase {
            ItemPhase::Started { epoch: e, .. } | ItemPhase::LookingUp { epoch: e, .. } => e < epoch,
            ItemPhase::Held
            | ItemPhase::Ready
            | ItemPhase::Retrying { .. }
            | ItemPhase::Done { .. }
            | ItemPhase::Failed { .. }
            | ItemPhase::Unknown { .. }
            | ItemPhase::Rejected
            | ItemPhase::Cancelled
            | ItemPhase::Replaced => false,
        })
        .map(|item| item.id.clone())
        .collect()
}
