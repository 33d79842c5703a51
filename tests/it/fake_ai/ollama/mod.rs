//! Ollama's API: <https://github.com/ollama/ollama/blob/main/docs/api.md>.
//!
//! `GET /api/tags`, `GET /api/version`, `POST /api/chat`, `POST /api/generate` and `POST /api/embed`. A cold model is
//! loaded by the first who waits for it long enough; who leaves ends the load. Errors are `{"error": …}`;
//! in a stream they are a line of it. Most of what a client does wrong Ollama takes without a word: unknown
//! fields and options, images for a model that cannot see, a prompt that is longer than the context. All
//! that is a violation here.

mod check;
mod wire;

use std::time::Duration;

use serde_json::{Value, json};

use super::embed::{DIMENSIONS, embed, without_prefix};
use super::script::Script;
use super::{Asked, Refusal, Reply, Scripted, conceal, tokens};
use crate::fake_http::{Request, Response};
use crate::fake_web::{Answer, Call, Fake, Site};
use check::Fault;

/// A model that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    /// Its name with the tag.
    pub(crate) name: String,
    /// Whether it looks at images.
    pub(crate) vision: bool,
    /// Whether it calls tools.
    pub(crate) tools: bool,
    /// Whether it only makes embeddings.
    pub(crate) embeds: bool,
}

impl Model {
    /// A model that only talks.
    pub(crate) fn new(name: &str) -> Self {
        let name = if name.contains(':') { name.to_owned() } else { format!("{name}:latest") };
        Self { name, vision: false, tools: false, embeds: false }
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.name.strip_suffix(":latest") == Some(name)
    }

    fn entry(&self) -> Value {
        let family = if self.embeds { "nomic-bert" } else { "llama" };
        let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&self.name));
        json!({
            "name": self.name,
            "model": self.name,
            "modified_at": "2026-05-04T17:37:44.706015396-07:00",
            "size": 2_019_393_189_u64,
            "digest": digest,
            "details": {
                "parent_model": "",
                "format": "gguf",
                "family": family,
                "families": [family],
                "parameter_size": "3.2B",
                "quantization_level": "Q4_K_M",
            },
        })
    }
}

/// What the server knows.
pub(crate) struct Ollama {
    models: Vec<Model>,
    script: Script,
    keys: Vec<Option<String>>,
    /// The models that are not loaded, and how long that takes.
    cold: Vec<(String, Duration)>,
}

impl Default for Ollama {
    fn default() -> Self {
        let models = vec![
            Model { tools: true, ..Model::new("llama3.2") },
            Model { vision: true, ..Model::new("llava") },
            Model::new("codellama"),
            Model { embeds: true, ..Model::new("nomic-embed-text") },
        ];
        Self { models, script: Script::default(), keys: Vec::new(), cold: Vec::new() }
    }
}

/// The model that a request is for.
fn wanted(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    body["model"].as_str().unwrap_or_default().to_owned()
}

fn error(status: u16, message: impl Into<String>) -> Response {
    Response::new(status, "application/json; charset=utf-8", json!({"error": message.into()}).to_string())
}

impl Site for Ollama {
    fn conceal(&mut self, headers: &mut Vec<(String, String)>) {
        self.keys.push(conceal(headers));
    }

    fn unready(&mut self, request: &Request) -> Duration {
        let wanted = wanted(request);
        self.cold.iter().find(|(model, _)| *model == wanted).map_or(Duration::ZERO, |(_, time)| *time)
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        let loaded = wanted(request);
        self.cold.retain(|(model, _)| *model != loaded);
        let ok = |body: &Value| Response::new(200, "application/json; charset=utf-8", body.to_string());
        let plain = |status, text: &str| Response::new(status, "text/plain", text);
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", "/") => plain(200, "Ollama is running").into(),
            ("GET", "/api/version") => ok(&json!({"version": "0.12.6"})).into(),
            ("GET", "/api/tags") => {
                let models: Vec<_> = self.models.iter().map(Model::entry).collect();
                ok(&json!({ "models": models })).into()
            }
            ("POST", "/api/chat") => self.chat(call),
            ("POST", "/api/generate") => self.generate(call),
            ("POST", "/api/embed") => self.embed(request),
            (_, "/api/version" | "/api/tags" | "/api/chat" | "/api/generate" | "/api/embed") => {
                Answer::violation(plain(405, "405 method not allowed"), "no such method")
            }
            _ => Answer::violation(plain(404, "404 page not found"), "no such path"),
        }
    }

    fn too_many(&mut self) -> Response {
        error(429, "too many requests")
    }

    fn nothing(&mut self, _request: &Request) -> Response {
        error(404, "model not found")
    }
}

impl Scripted for Ollama {
    fn script(&self) -> &Script {
        &self.script
    }

    fn script_mut(&mut self) -> &mut Script {
        &mut self.script
    }

    fn chats(&self) -> String {
        "POST /api/chat".to_owned()
    }

    fn refusal(&mut self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Key => error(401, "unauthorized"),
            Refusal::Payment => error(402, "this model requires a subscription"),
            Refusal::Rate => self.too_many(),
            Refusal::Quota => error(429, "you have reached your hourly usage limit, please upgrade to continue"),
            Refusal::Overloaded => error(503, "server busy, please try again.  maximum pending requests exceeded"),
        }
    }

    fn keys(&self) -> &[Option<String>] {
        &self.keys
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self::violation(error(fault.status, &fault.message), fault.message)
    }
}

impl Ollama {
    fn model(&self, name: &str) -> Result<&Model, Answer> {
        let model = self.models.iter().find(|model| model.is(name));
        // That a model is not installed is the operator's doing.
        model.ok_or_else(|| error(404, format!("model '{name}' not found")).into())
    }

    fn chat(&mut self, call: &Call<'_>) -> Answer {
        let mut violations = Vec::new();
        let asked = match check::chat(call.request, &mut violations) {
            Ok(asked) => asked,
            Err(fault) => return Answer::from(fault).and(violations),
        };
        let model = match self.model(&asked.model) {
            Ok(model) => model.clone(),
            Err(answer) => return answer.and(violations),
        };
        if let Err(fault) = check::capable(&asked, &model, &mut violations) {
            return Answer::from(fault).and(violations);
        }
        if asked.messages.is_empty() {
            violations.push("no messages, so the model is only loaded".to_owned());
            return wire::loaded(&asked, call.now).and(violations);
        }
        let Some(reply) = self.script.next(&asked) else {
            return Answer::violation(error(500, "the script is empty"), "the script has no answer").and(violations);
        };
        wire::answer(&asked, &reply.limited(asked.tokens_max), call.now).and(violations)
    }

    fn generate(&mut self, call: &Call<'_>) -> Answer {
        let mut violations = Vec::new();
        let loading = match check::generate(call.request, &mut violations) {
            Ok(loading) => loading,
            Err(fault) => return Answer::from(fault).and(violations),
        };
        match self.model(&loading) {
            Ok(_) => wire::generated(&loading, call).and(violations),
            Err(answer) => answer.and(violations),
        }
    }

    fn embed(&mut self, request: &Request) -> Answer {
        let mut violations = Vec::new();
        let wanted = match check::embed(request, &mut violations) {
            Ok(wanted) => wanted,
            Err(fault) => return Answer::from(fault).and(violations),
        };
        if let Err(answer) = self.model(&wanted.model) {
            return answer.and(violations);
        }
        let dimensions = wanted.dimensions.unwrap_or(DIMENSIONS);
        let nomic = wanted.model.starts_with("nomic-embed-text");
        let mut vectors = Vec::new();
        for text in &wanted.input {
            let meant = without_prefix(text).filter(|_| nomic);
            // The one of a load is not read.
            if nomic && meant.is_none() && text != "." {
                violations.push("a text for nomic-embed-text that does not say what it is for".to_owned());
            }
            vectors.push(embed(meant.unwrap_or(text), dimensions));
        }
        let bytes = wanted.input.iter().map(String::len).sum();
        let body = json!({
            "model": wanted.model,
            "embeddings": vectors,
            "total_duration": 14_143_917_u64,
            "load_duration": 1_019_500_u64,
            "prompt_eval_count": tokens(bytes),
        });
        Answer::from(Response::new(200, "application/json; charset=utf-8", body.to_string())).and(violations)
    }
}

impl Fake<Ollama> {
    /// The URL of the server, as `OLLAMA_BASE_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.origin()
    }

    /// The model is not loaded, and it takes so long to load it.
    pub(crate) fn cool_down(&self, model: &str, time: Duration) {
        self.site(|site| site.cold.push((model.to_owned(), time)));
    }

    /// Which models are installed.
    pub(crate) fn set_models(&self, models: Vec<Model>) {
        self.site(|site| site.models = models);
    }
}
