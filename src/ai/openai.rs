//! The chat completions API that `OpenAI` made and others speak: Groq, Zuki, llama.cpp
//! (<https://platform.openai.com/docs/api-reference/chat>). Answers come as server-sent events. How an
//! answer is made to fit a schema differs from model to model, so the best form that is not refused is
//! found and remembered.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::Answer;
use super::provider::{Presence, Provider};
use super::shape;
use super::stream::{JSON_BYTES_MAX, json as whole, lines, without_thoughts};
use super::wire::{Chat, Class, Fault, Hear, Message, Role, Said, Usage};
use crate::config::{AiLimits, ProviderConfig, ProviderName};
use crate::memory::Purpose;
use crate::outgoing::{Outgoing, Request};

/// How freely a model writes: plans are not poetry.
const TEMPERATURE: f32 = 0.1;
/// What the answer is called, as a schema and as a tool.
const ANSWER: &str = "answer";
/// Models that refuse the older name of the longest answer think before they write, and what they think
/// counts: so many times as much is allowed.
const THINKING: u32 = 4;
/// Models of which it is remembered what they refuse.
const LEARNT_MAX: usize = 64;

/// How an answer is made to fit a schema, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The schema is part of the request, and the answer fits it.
    Schema,
    /// The answer is what a tool is called with.
    Tool,
    /// The answer is asked for in words alone.
    Plain,
}

impl Form {
    fn below(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Tool),
            Self::Tool => Some(Self::Plain),
            Self::Plain => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "JSON schema",
            Self::Tool => "tool calls",
            Self::Plain => "plain JSON",
        }
    }
}

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manners {
    form: Form,
    /// Whether it says what a streamed answer took when asked to.
    counts: bool,
    /// Whether its longest answer is set by the older name of the field.
    older: bool,
    /// Whether it may be told how freely to write.
    tempered: bool,
}

const BEST: Manners = Manners { form: Form::Schema, counts: true, older: true, tempered: true };

/// A server that speaks this API.
pub struct OpenAi {
    config: ProviderConfig,
    limits: AiLimits,
    outgoing: Outgoing,
    learnt: Mutex<HashMap<String, Manners>>,
}

impl OpenAi {
    /// The server that the configuration names.
    pub fn new(config: ProviderConfig, limits: AiLimits, outgoing: Outgoing) -> Self {
        Self { config, limits, outgoing, learnt: Mutex::default() }
    }

    /// The same, beginning with this form.
    #[must_use]
    pub fn beginning_with(self, model: &str, form: Form) -> Self {
        self.known().insert(model.to_owned(), Manners { form, ..BEST });
        self
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Manners>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manners(&self, model: &str) -> Manners {
        self.known().get(model).copied().unwrap_or(BEST)
    }

    fn learn(&self, model: &str, manners: Manners) {
        let mut known = self.known();
        if known.len() < LEARNT_MAX || known.contains_key(model) {
            known.insert(model.to_owned(), manners);
        }
    }

    fn at(&self, path: &str) -> Result<url::Url, Fault> {
        self.config.url.join(path).map_err(|_| Fault::new(Class::BadRequest, "its address cannot be joined"))
    }

    fn signed(&self, request: Request) -> Request {
        match &self.config.key {
            Some(key) => request.bearer(key),
            None => request,
        }
    }

    async fn once(&self, model: &str, chat: &Chat, manners: Manners, hear: Hear<'_>) -> Result<Answer, Fault> {
        let request = self.signed(Request::post(self.at("chat/completions")?).json(&body(model, chat, manners)));
        let mut answer = Answer::default();
        let read = lines(&self.outgoing, &request, &self.limits, |line| answer.take(line, hear)).await;
        // Some end without saying that it was the last event.
        let whole = read.and_then(|_| answer.whole());
        whole.map_err(|fault| fault.having_heard(chat, &answer.said))?;
        answer.said.text = without_thoughts(&answer.said.text).to_owned();
        Ok(answer)
    }
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> ProviderName {
        self.config.name
    }

    fn model(&self, role: Role) -> Option<&str> {
        self.config.models.of(role)
    }

    async fn chat(&self, model: &str, chat: &Chat, hear: Hear<'_>) -> Result<Said, Fault> {
        let mut manners = self.manners(model);
        let (mut took, mut taken) = (Usage::default(), manners);
        loop {
            let fault = match self.once(model, chat, manners, hear).await {
                Ok(answer) => {
                    // A tool that is not called although it must be is one that is ignored.
                    let ignored = chat.schema.is_some() && manners.form == Form::Tool && !answer.called;
                    self.learn(model, if ignored { Manners { form: Form::Plain, ..manners } } else { manners });
                    return Ok(took.and(chat, answer.said));
                }
                Err(fault) => fault,
            };
            if let Some(text) = fault.withheld.as_deref().filter(|text| text.contains('{')) {
                // Whoever reads it finds more in it than the other side does, and has it mended.
                self.learn(model, taken);
                return Ok(took.and(chat, Said { text: without_thoughts(text).to_owned(), usage: fault.usage }));
            }
            if fault.class == Class::BadOutput {
                // However unfit the answer is, what was not refused was taken.
                self.learn(model, taken);
                took = took + fault.usage.unwrap_or_else(|| Usage::most(chat));
            }
            let refused = fault.class == Class::BadRequest;
            manners = match manners.without_refused(&fault, chat.schema.is_some()) {
                Some(other) => other,
                None if refused => return Err(fault),
                None => {
                    return Err(Fault { usage: (took != Usage::default()).then_some(took).or(fault.usage), ..fault });
                }
            };
            taken = if refused { manners } else { taken };
        }
    }

    async fn embed(&self, _model: &str, _texts: &[String], _purpose: Purpose) -> Result<Vec<Vec<f32>>, Fault> {
        Err(Fault::new(Class::NoModel, "texts are not given to this provider to be turned into vectors"))
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        let request = self.signed(Request::get(self.at("models")?));
        let answer = whole(&self.outgoing, &request, &self.limits, JSON_BYTES_MAX).await?;
        let list: List = serde_json::from_value(answer)
            .map_err(|_| Fault::new(Class::BadOutput, "what it says of its models is no list"))?;
        Ok(list.data.into_iter().map(|model| model.id).collect())
    }

    async fn look(&self) -> Presence {
        // Asking would tell the other side that somebody is there; it is found out when it is needed.
        Presence::Unknown
    }

    fn learnt(&self, model: &str) -> Option<String> {
        let manners = self.known().get(model).copied()?;
        Some(format!("answers by {}", manners.form.as_str()))
    }
}

impl Manners {
    /// How to ask again after a refusal that may be about the form; `None` when that would be no use.
    fn without_refused(self, fault: &Fault, shaped: bool) -> Option<Self> {
        if fault.withheld.is_some() && shaped {
            return self.form.below().map(|form| Self { form, ..self });
        }
        if fault.class != Class::BadRequest || fault.what.contains("context") {
            return None;
        }
        if self.counts && fault.what.contains("stream_options") {
            return Some(Self { counts: false, ..self });
        }
        if self.older && fault.what.contains("max_tokens") {
            return Some(Self { older: false, ..self });
        }
        if self.tempered && fault.what.contains("temperature") {
            return Some(Self { tempered: false, ..self });
        }
        if !shaped {
            return None;
        }
        self.form.below().map(|form| Self { form, ..self })
    }
}

fn body(model: &str, chat: &Chat, manners: Manners) -> Value {
    let messages: Vec<Value> = chat.messages.iter().map(message).collect();
    let mut body = json!({
        "model": model, "messages": messages, "stream": true,
    });
    if manners.older {
        body["max_tokens"] = json!(chat.tokens_max);
    } else {
        body["max_completion_tokens"] = json!(chat.tokens_max.saturating_mul(THINKING));
    }
    if manners.tempered {
        body["temperature"] = json!(TEMPERATURE);
    }
    if manners.counts {
        body["stream_options"] = json!({"include_usage": true});
    }
    match (&chat.schema, manners.form) {
        (Some(schema), Form::Schema) => {
            // Not strict: parameters of actions are objects that differ from action to action.
            let schema = json!({"name": ANSWER, "strict": false, "schema": schema});
            body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        (Some(schema), Form::Tool) => {
            let parameters = shape::as_parameters(schema);
            let tool = json!({"name": ANSWER, "description": "Gives the answer", "parameters": parameters});
            body["tools"] = json!([{"type": "function", "function": tool}]);
            body["tool_choice"] = json!({"type": "function", "function": {"name": ANSWER}});
        }
        (Some(_), Form::Plain) | (None, _) => {}
    }
    body
}

fn message(message: &Message) -> Value {
    if message.pictures.is_empty() {
        return json!({"role": message.speaker.as_str(), "content": message.text});
    }
    let pictures = message.pictures.iter().map(|picture| {
        let url = format!("data:{};base64,{}", picture.media_type, STANDARD.encode(&picture.bytes));
        json!({"type": "image_url", "image_url": {"url": url}})
    });
    let parts: Vec<Value> = std::iter::once(json!({"type": "text", "text": message.text})).chain(pictures).collect();
    json!({"role": message.speaker.as_str(), "content": parts})
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}
