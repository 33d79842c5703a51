//! Ollama's own API (<https://docs.ollama.com/api>): answers come as lines of JSON, a schema is a
//! field of the request, and what is pulled can be listed. A model is loaded when it is asked, and the load
//! is given up when whoever asked no longer waits; so one that was late is loaded apart from any request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::provider::{Presence, Provider};
use super::stream::{
    ANSWER_BYTES_MAX, JSON_BYTES_MAX, Line, cut, json as whole, lines, tell, too_large, unfinished, without_thoughts,
};
use super::wire::{Chat, Class, Fault, Hear, Message, Role, Said, Speaker, Usage};
use crate::config::{AiLimits, ProviderConfig, ProviderName};
use crate::memory::{DIMENSIONS_MAX, Purpose};
use crate::outgoing::{Outgoing, Request};

/// What a model may read and write together, in tokens: at least, and at most. Without it a long prompt is
/// cut in silence.
const CONTEXT_TOKENS: (u64, u64) = (8_192, 32_768);
/// How long a model stays loaded after a call.
const KEEP_ALIVE: &str = "15m";
/// How freely it writes: plans are not poetry.
const TEMPERATURE: f32 = 0.1;
/// Longest that a model is waited for while it is loaded: Ollama itself gives up then.
const LOAD_LIMIT: Duration = Duration::from_secs(300);

/// An Ollama server.
pub struct Ollama {
    config: ProviderConfig,
    limits: AiLimits,
    outgoing: Outgoing,
    loads: Loads,
}

/// The models that are being loaded.
#[derive(Clone, Default)]
struct Loads(Arc<Mutex<BTreeSet<String>>>);

/// A load under way, until it is dropped.
struct Load {
    loads: Loads,
    model: String,
}

impl Loads {
    /// Notes that a model is being loaded; `None` when it is already.
    fn begin(&self, model: &str) -> Option<Load> {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        models.insert(model.to_owned()).then(|| Load { loads: self.clone(), model: model.to_owned() })
    }

    fn check(&self, model: &str) -> Result<(), Fault> {
        let is_loading = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(model);
        if is_loading { Err(Fault::new(Class::Loading, "its model is being loaded")) } else { Ok(()) }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.loads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.model);
    }
}

impl Ollama {
    /// The server that the configuration names.
    pub fn new(config: ProviderConfig, limits: AiLimits, outgoing: Outgoing) -> Self {
        Self { config, limits, outgoing, loads: Loads::default() }
    }

    fn post(&self, path: &str, body: &Value) -> Request {
        Request::post(self.at(path)).json(body)
    }

    async fn once(&self, model: &str, chat: &Chat, hear: Hear<'_>) -> Result<Said, Fault> {
        let messages: Vec<Value> = chat.messages.iter().map(message).collect();
        let mut body = json!({
            "model": model, "messages": messages, "stream": true, "keep_alive": KEEP_ALIVE, "think": false,
            "options": {"num_ctx": context(chat), "num_predict": chat.tokens_max, "temperature": TEMPERATURE},
        });
        if let Some(schema) = &chat.schema {
            body["format"] = schema.clone();
        }
        let mut said = Said { text: String::new(), usage: None };
        let read = lines(&self.outgoing, &self.post("/api/chat", &body), &self.limits, |line| {
            if line.trim().is_empty() {
                return Ok(Line::More);
            }
            let piece: Piece = serde_json::from_str(line)
                .map_err(|_| Fault::new(Class::BadOutput, "a line of the answer is no JSON"))?;
            if piece.error.is_some() {
                return Err(Fault::new(Class::Overload, "it failed in the middle of the answer"));
            }
            if let Some(words) = piece.message.filter(|words| !words.content.is_empty()) {
                said.text.push_str(&words.content);
                if said.text.len() > ANSWER_BYTES_MAX {
                    return Err(too_large());
                }
                tell(hear, &said.text);
            }
            if !piece.done {
                return Ok(Line::More);
            }
            said.usage = piece.eval_count.map(|output| Usage { input: piece.prompt_eval_count.unwrap_or(0), output });
            if piece.done_reason.as_deref() == Some("length") {
                return Err(cut());
            }
            Ok(Line::End)
        })
        .await;
        let whole = read.and_then(|end| if end == Line::End { Ok(()) } else { Err(unfinished()) });
        whole.map_err(|fault| fault.having_heard(chat, &said))?;
        said.text = without_thoughts(&said.text).to_owned();
        Ok(said)
    }

    fn at(&self, path: &str) -> url::Url {
        let mut url = self.config.url.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url
    }
}

fn is_about_form(fault: &Fault) -> bool {
    let refused = matches!(fault.class, Class::BadRequest | Class::Overload);
    refused && ["format", "grammar", "schema"].iter().any(|word| fault.what.contains(word))
}

/// Few sizes: with another one the model is loaded anew.
fn context(chat: &Chat) -> u64 {
    let (least, most) = CONTEXT_TOKENS;
    (chat.tokens() + u64::from(chat.tokens_max)).next_power_of_two().clamp(least, most)
}

/// What has a model loaded as a chat needs it, and has it read the rules, which stand first in every
/// prompt and are kept as they were read. Nothing that a person said goes along.
fn load(model: &str, chat: &Chat) -> Value {
    let rules: Vec<&str> = chat
        .messages
        .iter()
        .filter(|message| message.speaker == Speaker::System)
        .map(|message| message.text.as_str())
        .collect();
    // Without a prompt it is only loaded.
    let prompt = if rules.is_empty() { "" } else { "." };
    json!({
        "model": model, "system": rules.join("\n"), "prompt": prompt, "stream": false, "keep_alive": KEEP_ALIVE,
        "options": {"num_ctx": context(chat), "num_predict": 1, "temperature": TEMPERATURE},
    })
}

/// What stands before a text, for models that were taught so: <https://huggingface.co/nomic-ai/nomic-embed-text-v1.5>.
fn prefix(model: &str, purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Document if model.starts_with("nomic-embed-text") => "search_document: ",
        Purpose::Query if model.starts_with("nomic-embed-text") => "search_query: ",
        Purpose::Document | Purpose::Query => "",
    }
}

/// Largest answer with so many vectors: their numbers have up to 16 characters each.
fn vectors_bytes_max(texts: usize) -> usize {
    const NUMBER_BYTES_MAX: usize = 16;
    JSON_BYTES_MAX + texts.saturating_mul(DIMENSIONS_MAX * NUMBER_BYTES_MAX)
}

/// A line of an answer.
#[derive(Deserialize)]
struct Piece {
    message: Option<Words>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vec<f32>>,
}

#[async_trait]
impl Provider for Ollama {
    fn name(&self) -> ProviderName {
        ProviderName::Ollama
    }

    fn model(&self, role: Role) -> Option<&str> {
        self.config.models.of(role)
    }

    async fn chat(&self, model: &str, chat: &Chat, hear: Hear<'_>) -> Result<Said, Fault> {
        self.loads.check(model)?;
        match self.once(model, chat, hear).await {
            // Not every release can make a grammar of every schema; the words tell the form as well.
            Err(fault) if chat.schema.is_some() && is_about_form(&fault) => {
                self.once(model, &Chat { schema: None, ..chat.clone() }, hear).await
            }
            answered => answered,
        }
    }

    fn was_late(&self, model: &str, chat: Option<&Chat>) {
        let Some(under_way) = self.loads.begin(model) else { return };
        let request = match chat {
            Some(chat) => self.post("/api/generate", &load(model, chat)),
            None => self.post("/api/embed", &json!({"model": model, "input": ["."], "keep_alive": KEEP_ALIVE})),
        };
        let outgoing = self.outgoing.clone();
        let limits = AiLimits { first_byte: LOAD_LIMIT, total: LOAD_LIMIT, ..self.limits };
        tokio::spawn(async move {
            match whole(&outgoing, &request, &limits, vectors_bytes_max(1)).await {
                Ok(_) => info!(model = under_way.model, "a model that was late is loaded"),
                Err(fault) => warn!(model = under_way.model, %fault, "a model that was late could not be loaded"),
            }
        });
    }

    async fn embed(&self, model: &str, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, Fault> {
        self.loads.check(model)?;
        let input: Vec<String> = texts.iter().map(|text| format!("{}{text}", prefix(model, purpose))).collect();
        let body = json!({"model": model, "input": input, "keep_alive": KEEP_ALIVE});
        let answer =
            whole(&self.outgoing, &self.post("/api/embed", &body), &self.limits, vectors_bytes_max(texts.len()))
                .await?;
        let vectors: Vectors =
            serde_json::from_value(answer).map_err(|_| Fault::new(Class::BadOutput, "there are no vectors in it"))?;
        if vectors.embeddings.len() == texts.len() {
            Ok(vectors.embeddings)
        } else {
            Err(Fault::new(Class::BadOutput, "there are not as many vectors as texts"))
        }
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        let answer = whole(&self.outgoing, &Request::get(self.at("/api/tags")), &self.limits, JSON_BYTES_MAX).await?;
        let tags: Tags = serde_json::from_value(answer)
            .map_err(|_| Fault::new(Class::BadOutput, "what answers there is no Ollama"))?;
        Ok(tags.models.into_iter().map(|tag| tag.name).collect())
    }

    async fn look(&self) -> Presence {
        self.models().await.map_or_else(|fault| Presence::Away(fault.what), Presence::Here)
    }
}

fn message(message: &Message) -> Value {
    let mut value = json!({"role": message.speaker.as_str(), "content": message.text});
    if !message.pictures.is_empty() {
        value["images"] = message.pictures.iter().map(|picture| STANDARD.encode(&picture.bytes)).collect();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_has_few_sizes_and_always_room() {
        let mut sizes = BTreeSet::new();
        for bytes in (0..60_000).step_by(977) {
            let chat = Chat {
                messages: vec![Message::new(Speaker::User, "x".repeat(bytes))],
                schema: None,
                tokens_max: 2_048,
            };
            assert!(context(&chat) >= chat.tokens() + 2_048, "{bytes}");
            sizes.insert(context(&chat));
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [8_192, 16_384, 32_768]);
    }
}
