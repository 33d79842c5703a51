//! Answers to open questions.

use serde_json::{Value, json};

use super::machine::Machine;
use super::replan::REPLAN;
use super::report;
use super::{Context, Refusal, Transition};
use crate::action::Reach;
use crate::ids::{EffectId, PromptId, StageId};
use crate::inbound::Answer;
use crate::plan::{AnswerType, StageKind};
use crate::planner::answer::{AnswerContext, read_answer};
use crate::planner::words::{Word, pick, word};
use crate::state::{
    Approval, ItemPhase, Prompt, PromptKind, PromptOption, PromptState, Purpose, StageRun, StopReason, TaskState,
};

/// The person answered a question.
pub(super) fn answer(
    state: TaskState,
    id: &PromptId,
    answer: Answer,
    ctx: &Context<'_>,
) -> Result<Transition, Refusal> {
    let prompt = state.run().and_then(|run| run.prompt(id)).cloned().ok_or(Refusal::NotFound)?;
    match &prompt.state {
        PromptState::Open if prompt.expires_at <= ctx.now => return Err(Refusal::Expired),
        PromptState::Open => {}
        PromptState::Decided { by, at } => return Err(Refusal::AlreadyDecided { by: by.clone(), at: *at }),
        PromptState::Expired => return Err(Refusal::Expired),
        PromptState::Void => return Err(Refusal::Outdated),
    }
    match state {
        TaskState::Running(run) => {
            let mut machine = Machine::new(run, ctx);
            match &prompt.kind {
                PromptKind::Text { answer: kind, suggestions, optional } => {
                    let text = text_of(answer, *kind, suggestions)?;
                    let value = machine.read(&prompt, *kind, &text, *optional)?;
                    machine.text_decided(&prompt, value)?;
                }
                PromptKind::One { options } => {
                    let chosen = chosen(&answer, options, 1, 1)?;
                    machine.choice_decided(&prompt, &chosen, false);
                }
                PromptKind::Many { options, min, max } => {
                    let chosen = chosen(&answer, options, *min, *max)?;
                    machine.choice_decided(&prompt, &chosen, true);
                }
                PromptKind::Confirm { items } => machine.verdict(&prompt, items, &answer)?,
            }
            Ok(machine.advance())
        }
        TaskState::Planning(_)
        | TaskState::Stopping(_)
        | TaskState::Undoing(_)
        | TaskState::Finished(_)
        | TaskState::Quarantined(_) => Err(Refusal::Outdated),
    }
}

/// The words of an answer to a question that wants words; a suggestion may be named by its place,
/// but typed digits are what they say where digits are wanted.
fn text_of(answer: Answer, kind: AnswerType, suggestions: &[String]) -> Result<String, Refusal> {
    let text = match answer {
        Answer::Text(text) if wants_digits(kind) => return Ok(text),
        Answer::Text(text) => text,
        Answer::Options(options) if options.len() == 1 => options.into_iter().next().unwrap_or_default(),
        Answer::Options(_) => return Err(Refusal::Unfit("Please give one answer".to_owned())),
        Answer::Approve(_) | Answer::Reject(_) => {
            return Err(Refusal::Unfit("This question wants an answer in words, not a yes or no".to_owned()));
        }
    };
    let place = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    Ok(place.and_then(|n| suggestions.get(n)).cloned().unwrap_or(text))
}

fn wants_digits(kind: AnswerType) -> bool {
    match kind {
        AnswerType::Date
        | AnswerType::Time
        | AnswerType::Datetime
        | AnswerType::Number
        | AnswerType::Money
        | AnswerType::Phone => true,
        AnswerType::Text | AnswerType::Email | AnswerType::Emails | AnswerType::Contact | AnswerType::YesNo => false,
    }
}

/// The options an answer names, in the order they were shown.
fn chosen(answer: &Answer, options: &[PromptOption], min: usize, max: usize) -> Result<Vec<PromptOption>, Refusal> {
    let ids = match answer {
        Answer::Options(ids) => ids.clone(),
        Answer::Text(text) => {
            let names: Vec<(String, String)> = options.iter().map(|o| (o.id.clone(), o.name.clone())).collect();
            pick(text, &names)
        }
        Answer::Approve(_) | Answer::Reject(_) => {
            return Err(Refusal::Unfit("Please choose from the options".to_owned()));
        }
    };
    if let Some(unknown) = ids.iter().find(|id| !options.iter().any(|option| &&option.id == id)) {
        let unknown: String = unknown.chars().take(64).collect();
        return Err(Refusal::Unfit(format!("There is no option \"{unknown}\"")));
    }
    let chosen: Vec<PromptOption> = options.iter().filter(|option| ids.contains(&option.id)).cloned().collect();
    if chosen.len() < min || chosen.len() > max {
        let wanted = if min == max { format!("{min}") } else { format!("{min} to {max}") };
        return Err(Refusal::Unfit(format!("Please choose {wanted} of the options")));
    }
    Ok(chosen)
}

impl Machine<'_> {
    fn read(&self, prompt: &Prompt, kind: AnswerType, text: &str, optional: bool) -> Result<Value, Refusal> {
        if optional && word(text) == Word::Skip {
            return Ok(self.default_of(prompt));
        }
        let settings = &self.ctx.person.settings;
        let context = AnswerContext {
            timezone: settings.timezone,
            currency: &settings.currency,
            contacts: self.ctx.contacts,
            now: self.ctx.said_at,
        };
        read_answer(kind, text, &context).map_err(Refusal::Unfit)
    }

    fn default_of(&self, prompt: &Prompt) -> Value {
        let Purpose::Stage(id) = &prompt.purpose else { return Value::Null };
        match self.stage(id).map(|stage| stage.kind) {
            Some(StageKind::Clarification(c)) => c.default.unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }

    pub(super) fn close(&mut self, id: &PromptId, state: PromptState) {
        if let Some(prompt) = self.run.prompts.iter_mut().find(|prompt| &prompt.id == id) {
            prompt.state = state;
        }
    }

    fn decide(&mut self, id: &PromptId) {
        let state = PromptState::Decided { by: self.ctx.person.name.clone(), at: self.ctx.now };
        self.close(id, state);
    }

    fn end_stage(&mut self, id: &StageId, next: StageRun) {
        if let Some(stage) = self.stage(id) {
            self.set_stage(&stage, next);
        }
    }

    fn text_decided(&mut self, prompt: &Prompt, value: Value) -> Result<(), Refusal> {
        match &prompt.purpose {
            Purpose::Stage(id) => {
                self.decide(&prompt.id);
                self.end_stage(id, StageRun::Done { result: value });
            }
            Purpose::Other(effect) => {
                self.replace_target(effect, &value).map_err(Refusal::Unfit)?;
                self.decide(&prompt.id);
            }
            Purpose::Failure(_) | Purpose::Approve(_) | Purpose::Unknown(_) => return Err(Refusal::Outdated),
        }
        Ok(())
    }

    fn choice_decided(&mut self, prompt: &Prompt, chosen: &[PromptOption], many: bool) {
        self.decide(&prompt.id);
        let ids: Vec<&str> = chosen.iter().map(|option| option.id.as_str()).collect();
        match &prompt.purpose {
            Purpose::Stage(id) => {
                let mut values: Vec<Value> = chosen.iter().map(|option| option.value.clone()).collect();
                let result = if many { Value::Array(values) } else { values.pop().unwrap_or(Value::Null) };
                self.end_stage(id, StageRun::Done { result });
            }
            Purpose::Failure(effect) => {
                let taken = chosen.first().is_some_and(|option| self.take_offer(effect, option));
                if !taken {
                    self.failure_decided(effect, ids.first().copied().unwrap_or_default());
                }
            }
            Purpose::Unknown(effect) => self.unknown_decided(effect, ids.first().copied().unwrap_or_default()),
            Purpose::Other(_) | Purpose::Approve(_) => {}
        }
    }

    fn failure_decided(&mut self, effect: &EffectId, choice: &str) {
        match choice {
            "retry" => self.try_again(effect),
            "other" => self.ask_other(effect),
            REPLAN => {
                self.settle_failed(effect);
                self.run.stuck = true;
            }
            "stop" => {
                self.settle_failed(effect);
                self.stop = Some(StopReason::Failure);
            }
            _ => self.settle_failed(effect),
        }
    }

    /// Tries a failed act again; without a yes to exactly this (the rest of an act that was done in
    /// part, one whose yes was spent) it is asked for.
    fn try_again(&mut self, effect: &EffectId) {
        let covered = self.run.item(effect).is_some_and(|item| {
            item.reach != Reach::World || item.approval.as_ref().is_some_and(|yes| yes.hash == item.hash())
        });
        if covered {
            self.set_phase(effect, ItemPhase::Ready);
        } else {
            self.set_phase(effect, ItemPhase::Held);
            self.ask_approval(vec![effect.clone()]);
        }
    }

    pub(super) fn settle_failed(&mut self, effect: &EffectId) {
        if let Some(item) = self.item_mut(effect)
            && let ItemPhase::Failed { settled, .. } | ItemPhase::Unknown { settled, .. } = &mut item.phase
        {
            *settled = true;
        }
    }

    fn ask_other(&mut self, effect: &EffectId) {
        let Some(item) = self.run.item(effect) else { return };
        let (answer, question) = if report::names_addresses(item) {
            (AnswerType::Emails, "Which address shall I use instead?")
        } else {
            (AnswerType::Text, "What shall I use instead?")
        };
        let kind = PromptKind::Text { answer, suggestions: Vec::new(), optional: false };
        self.ask(Purpose::Other(effect.clone()), question.to_owned(), kind, Self::default_span(), 0);
    }

    fn unknown_decided(&mut self, effect: &EffectId, choice: &str) {
        match choice {
            "check" => self.look_up(effect),
            "resend" => {
                // A fresh yes to exactly the same arguments, which were shown in the question.
                let approval = self.run.item(effect).map(|item| self.approval(&item.hash()));
                if let Some(item) = self.item_mut(effect) {
                    item.approval = approval;
                    // It has begun before: it is no new act of the day.
                    item.starts = 1;
                    item.phase = ItemPhase::Ready;
                }
            }
            _ => self.settle_failed(effect),
        }
    }

    fn approval(&self, hash: &str) -> Approval {
        Approval { by: self.ctx.person.id.clone(), at: self.ctx.now, hash: hash.to_owned() }
    }

    /// A yes or no to some or all of what a confirmation shows.
    fn verdict(&mut self, prompt: &Prompt, items: &[EffectId], answer: &Answer) -> Result<(), Refusal> {
        let (yes, one) = match answer {
            Answer::Approve(one) => (true, one.clone()),
            Answer::Reject(one) => (false, one.clone()),
            Answer::Text(text) => match word(text) {
                Word::Yes => (true, None),
                Word::No | Word::Stop => (false, None),
                Word::Change | Word::Skip | Word::Undo | Word::Other => {
                    return Err(Refusal::Unfit("Please answer yes or no, or say what to change".to_owned()));
                }
            },
            Answer::Options(_) => return Err(Refusal::Unfit("Please confirm or reject".to_owned())),
        };
        if one.as_ref().is_some_and(|id| !items.contains(id)) {
            return Err(Refusal::NotFound);
        }
        let mut any = false;
        for id in items.iter().filter(|id| one.as_ref().is_none_or(|one| one == *id)) {
            any |= self.judge(id, yes);
        }
        if !any {
            return Err(Refusal::AlreadyDecided { by: self.ctx.person.name.clone(), at: self.ctx.now });
        }
        if !items.iter().any(|id| self.run.item(id).is_some_and(is_undecided)) {
            self.confirmed(prompt, items);
        }
        Ok(())
    }

    /// Decides one act; says whether it was still to be decided.
    fn judge(&mut self, id: &EffectId, yes: bool) -> bool {
        let Some(item) = self.run.item(id).filter(|item| is_undecided(item)) else { return false };
        let approval = self.approval(&item.hash());
        if let Some(item) = self.item_mut(id) {
            if yes {
                item.approval = Some(approval);
            } else {
                item.phase = ItemPhase::Rejected;
            }
        }
        true
    }

    /// Every act of a confirmation is decided.
    fn confirmed(&mut self, prompt: &Prompt, items: &[EffectId]) {
        self.decide(&prompt.id);
        let approved = items.iter().any(|id| self.run.item(id).is_some_and(|item| item.approval.is_some()));
        match &prompt.purpose {
            Purpose::Stage(id) => {
                let result = json!({"approved": approved, "by": self.ctx.person.name});
                if approved {
                    self.end_stage(id, StageRun::Done { result });
                } else {
                    self.end_stage(id, StageRun::Skipped { result });
                    if !self.touched_the_world() {
                        self.stop = Some(StopReason::Rejected);
                    }
                }
            }
            Purpose::Approve(_) => {
                for id in items {
                    if self.run.item(id).is_some_and(|item| item.approval.is_some()) {
                        self.set_phase(id, ItemPhase::Ready);
                    }
                }
            }
            Purpose::Failure(_) | Purpose::Other(_) | Purpose::Unknown(_) => {}
        }
    }

    fn touched_the_world(&self) -> bool {
        self.run.items.iter().any(|item| {
            item.reach == Reach::World
                && !matches!(
                    item.phase,
                    ItemPhase::Held | ItemPhase::Rejected | ItemPhase::Cancelled | ItemPhase::Replaced
                )
        })
    }
}

fn is_undecided(item: &crate::state::Item) -> bool {
    item.phase == ItemPhase::Held && item.approval.is_none()
}
