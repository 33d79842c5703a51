//! Asking the person.

use chrono::Duration;
use serde_json::{Value, json};

use super::machine::Machine;
use super::report;
use crate::frame::FrameKind;
use crate::ids::EffectId;
use crate::plan::template::{self, TemplateError};
use crate::plan::validate::executions_in;
use crate::plan::{Choose, Clarification, Confirmation, FAN_OUT_MAX, OptionTemplate, Stage, StageKind, time};
use crate::state::view;
use crate::state::{ItemPhase, Prompt, PromptKind, PromptOption, PromptState, Purpose, StageRun};

/// How long a question stands when its stage says nothing, in hours.
const EXPIRES_HOURS_DEFAULT: i64 = 48;

impl Machine<'_> {
    pub(super) fn ask_clarification(&mut self, stage: &Stage, clarification: &Clarification) {
        match template::render(&clarification.question, &self.scope()) {
            Ok(question) => {
                let kind = PromptKind::Text {
                    answer: clarification.answer,
                    suggestions: clarification.suggestions.clone(),
                    optional: clarification.optional,
                };
                self.ask_stage(stage, question, kind, clarification.expires_in.as_deref());
            }
            Err(error) => self.fail_stage(stage, &error.0),
        }
    }

    pub(super) fn ask_choice(&mut self, stage: &Stage, choose: &Choose, many: bool) {
        let question = template::render(&choose.question, &self.scope()).map_err(|e| e.0);
        match question.and_then(|question| Ok((question, self.options(choose)?))) {
            Ok((question, options)) if options.is_empty() => {
                self.fail_stage(stage, &format!("there is nothing to choose from for \"{question}\""));
            }
            Ok((question, options)) => {
                let kind = if many {
                    let max = choose.max.unwrap_or(options.len()).min(options.len());
                    PromptKind::Many { min: choose.min.unwrap_or(1).min(max), max, options }
                } else {
                    PromptKind::One { options }
                };
                self.ask_stage(stage, question, kind, choose.expires_in.as_deref());
            }
            Err(error) => self.fail_stage(stage, &error),
        }
    }

    /// What a choice can be made from now.
    pub(super) fn options(&self, choose: &Choose) -> Result<Vec<PromptOption>, String> {
        if let Some(options) = &choose.options {
            return options
                .iter()
                .map(|option| {
                    let plain = json!({"id": option.id, "name": option.name, "description": option.description});
                    let value = option.value.clone().unwrap_or(plain);
                    Ok(PromptOption {
                        id: option.id.clone(),
                        name: option.name.clone(),
                        description: option.description.clone(),
                        value,
                    })
                })
                .collect();
        }
        let items = self.list_of(choose.options_from.as_deref().unwrap_or("[]"))?;
        debug_assert!(items.len() <= FAN_OUT_MAX);
        let templates = choose.option.clone().unwrap_or_default();
        let mut options: Vec<PromptOption> = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            let mut option = self.option(&templates, item, n).map_err(|e| e.0)?;
            let mut position = n;
            while options.iter().any(|o| o.id == option.id) {
                position += 1;
                option.id = position.to_string();
            }
            options.push(option);
        }
        Ok(options)
    }

    fn option(&self, templates: &OptionTemplate, item: &Value, n: usize) -> Result<PromptOption, TemplateError> {
        let scope = self.item_scope(item, n);
        let text = |template: &Option<String>| template.as_deref().map(|t| template::render(t, &scope)).transpose();
        let field = |name: &str| match item.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let name = match text(&templates.name)?.or_else(|| field("name")).or_else(|| field("title")) {
            Some(name) => name,
            None => item.as_str().map_or_else(|| item.to_string(), str::to_owned),
        };
        let value = match &templates.value {
            Some(value) => template::fill(&Value::from(value.as_str()), &scope)?,
            None => item.clone(),
        };
        Ok(PromptOption {
            id: text(&templates.id)?.or_else(|| field("id")).unwrap_or_else(|| (n + 1).to_string()),
            name,
            description: text(&templates.description)?.or_else(|| field("description")),
            value,
        })
    }

    /// Freezes what the covered stages will do and asks for the yes.
    pub(super) fn ask_confirmation(&mut self, stage: &Stage, confirmation: &Confirmation) {
        let covered: Vec<Stage> = confirmation
            .covers
            .iter()
            .filter_map(|id| self.run.plan.find(id))
            .flat_map(executions_in)
            .cloned()
            .collect();
        let mut items = Vec::new();
        for execution in &covered {
            if let StageKind::Execution(e) = &execution.kind
                && !self.run.stages.contains_key(&execution.id)
                && self.run.items_of(&execution.id).next().is_none()
            {
                match self.make_items(execution, e) {
                    Ok(made) => items.extend(made),
                    Err(error) => self.fail_stage(execution, &error),
                }
            }
        }
        // One of them cannot be made and all are planned anew: nobody could answer this any more.
        if self.run.stuck {
            return;
        }
        items.retain(|id| self.run.item(id).is_some_and(|item| item.phase == ItemPhase::Held));
        if items.is_empty() {
            self.set_stage(stage, StageRun::Done { result: json!({"approved": true, "by": Value::Null}) });
            return;
        }
        let question = confirmation.question.as_deref().map(|q| template::render(q, &self.scope())).transpose();
        match question {
            Ok(question) => {
                let question = question.unwrap_or_else(|| report::confirmation_question(items.len()));
                self.ask_stage(stage, question, PromptKind::Confirm { items }, confirmation.expires_in.as_deref());
            }
            Err(error) => self.fail_stage(stage, &error.0),
        }
    }

    fn ask_stage(&mut self, stage: &Stage, question: String, kind: PromptKind, expires_in: Option<&str>) {
        self.set_stage(stage, StageRun::Asking);
        let span = expires_in.and_then(time::parse_duration).unwrap_or(Duration::hours(EXPIRES_HOURS_DEFAULT));
        self.ask(Purpose::Stage(stage.id.clone()), question, kind, span, 0);
    }

    /// Opens a question, logs it and says it.
    pub(super) fn ask(&mut self, purpose: Purpose, question: String, kind: PromptKind, span: Duration, lapses: u32) {
        let n = self.draw();
        let prompt = Prompt {
            id: self.run.seed.prompt(n),
            purpose,
            question,
            kind,
            state: PromptState::Open,
            asked_at: self.ctx.now,
            expires_at: self
                .ctx
                .now
                .checked_add_signed(span)
                .unwrap_or(self.ctx.now + Duration::hours(EXPIRES_HOURS_DEFAULT)),
            lapses,
        };
        let mut data = view::prompt_view(&self.run, &prompt);
        if let Some(fields) = data.as_object_mut() {
            fields.insert("prompt_id".to_owned(), Value::from(prompt.id.as_str()));
            fields.insert("stage_type".to_owned(), Value::from(prompt.stage_type()));
            fields
                .insert("stage_id".to_owned(), view::prompt_stage(&self.run, &prompt).map_or(Value::Null, Value::from));
            let frame = crate::frame::FrameDraft { kind: FrameKind::StageWaiting, data: fields.clone() };
            self.frames.push(frame);
        }
        let text = prompt.question.clone();
        let id = prompt.id.clone();
        self.run.prompts.push(prompt);
        let mut reply = super::message(&text, self.ctx.session_id);
        reply.data.insert("prompt_id".to_owned(), Value::from(id.as_str()));
        self.frames.push(reply);
    }

    /// The two day question span of questions that no stage set.
    pub(super) fn default_span() -> Duration {
        Duration::hours(EXPIRES_HOURS_DEFAULT)
    }

    /// Asks for a yes outside any confirmation stage.
    pub(super) fn ask_approval(&mut self, items: Vec<EffectId>) {
        self.ask_approval_with(report::confirmation_question(items.len()), items);
    }

    /// The same in words of its own.
    pub(super) fn ask_approval_with(&mut self, question: String, items: Vec<EffectId>) {
        self.ask(Purpose::Approve(items.clone()), question, PromptKind::Confirm { items }, Self::default_span(), 0);
    }
}
