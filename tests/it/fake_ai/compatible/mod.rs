//! The services that follow OpenAI's API: <https://platform.openai.com/docs/api-reference/chat>.
//!
//! `POST {base}/chat/completions` and `GET {base}/models`, with the key in `Authorization: Bearer`. Where
//! Groq and Zuki differ they differ here: the path, the shape of errors, which models take a JSON schema,
//! where the usage is in a stream, and what becomes of fields that they do not know.

mod check;
mod flavour;
mod format;
mod problem;
mod strict;
mod wire;

use serde_json::{Value, json};

use super::script::Script;
use super::{Asked, Refusal, Reply, Scripted, conceal};
use crate::fake_ai::Finish;
use crate::fake_ai::reply::Forced;
use crate::fake_http::{Request, Response};
use crate::fake_web::{Answer, Call, Fake, Site};
pub(crate) use flavour::{Flavour, Model, StreamOptions};
use problem::Problem;
use wire::Telling;

/// Requests of a day that the headers tell of.
const REQUESTS_MAX: u64 = 1000;
/// Tokens of a minute that the headers tell of.
const TOKENS_MAX: u64 = 12_000;

/// What the service knows.
pub(crate) struct Compatible {
    flavour: Flavour,
    key: String,
    models: Vec<Model>,
    takes_format: bool,
    takes_tools: bool,
    stream_options: StreamOptions,
    script: Script,
    keys: Vec<Option<String>>,
    answered: u64,
}

impl Default for Compatible {
    fn default() -> Self {
        Self::new(Flavour::OpenAi)
    }
}

impl Compatible {
    fn new(flavour: Flavour) -> Self {
        Self {
            flavour,
            key: flavour.key().to_owned(),
            models: flavour.models(),
            takes_format: true,
            takes_tools: true,
            stream_options: StreamOptions::Taken,
            script: Script::default(),
            keys: Vec::new(),
            answered: 0,
        }
    }
}

impl Site for Compatible {
    fn conceal(&mut self, headers: &mut Vec<(String, String)>) {
        self.keys.push(conceal(headers));
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        let Some(path) = request.path.strip_prefix(self.flavour.base()) else { return self.no_path(request) };
        if let Some(refused) = self.unauthorized(request) {
            return refused;
        }
        match (request.method.as_str(), path) {
            ("POST", "/chat/completions") => self.chat(call),
            ("GET", "/models") => {
                let models: Vec<_> = self.models.iter().map(|model| self.flavour.entry(model)).collect();
                Response::json(200, &json!({"object": "list", "data": models})).into()
            }
            _ => self.no_path(request),
        }
    }

    fn too_many(&mut self) -> Response {
        self.refusal(Refusal::Rate)
    }

    fn nothing(&mut self, request: &Request) -> Response {
        self.no_path(request).response
    }
}

impl Scripted for Compatible {
    fn script(&self) -> &Script {
        &self.script
    }

    fn script_mut(&mut self) -> &mut Script {
        &mut self.script
    }

    fn chats(&self) -> String {
        format!("POST {}/chat/completions", self.flavour.base())
    }

    fn refusal(&mut self, refusal: Refusal) -> Response {
        let response = Problem::refusal(self.flavour, refusal).answer(self.flavour).response;
        if refusal == Refusal::Rate { self.rated(response, REQUESTS_MAX, TOKENS_MAX) } else { response }
    }

    fn keys(&self) -> &[Option<String>] {
        &self.keys
    }
}

impl Compatible {
    fn no_path(&self, request: &Request) -> Answer {
        let message = format!("Invalid URL ({} {})", request.method, request.path);
        let problem = Problem::new(404, "invalid_request_error", Some("unknown_url"), message);
        Answer::violation(problem.answer(self.flavour).response, "no such path")
    }

    fn unauthorized(&self, request: &Request) -> Option<Answer> {
        let key = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match key {
            Some(key) if key == self.key => None,
            // A wrong key is the operator's doing.
            Some(_) => Some(Problem::refusal(self.flavour, Refusal::Key).answer(self.flavour)),
            None => {
                let (code, message) = match self.flavour {
                    Flavour::Groq => (Some("invalid_api_key"), "Invalid API Key"),
                    Flavour::Zuki => (None, "You need to provide a valid API key."),
                    Flavour::OpenAi => (None, "You didn't provide an API key."),
                };
                let problem = Problem::new(401, "invalid_request_error", code, message);
                Some(Answer::violation(problem.answer(self.flavour).response, "no key"))
            }
        }
    }

    /// The same with how much of the limits is left; Zuki does not tell.
    fn rated(&self, response: Response, requests: u64, tokens: u64) -> Response {
        if self.flavour == Flavour::Zuki {
            return response;
        }
        response
            .with("x-ratelimit-limit-requests", REQUESTS_MAX.to_string())
            .with("x-ratelimit-limit-tokens", TOKENS_MAX.to_string())
            .with("x-ratelimit-remaining-requests", REQUESTS_MAX.saturating_sub(requests).to_string())
            .with("x-ratelimit-remaining-tokens", TOKENS_MAX.saturating_sub(tokens).to_string())
            .with("x-ratelimit-reset-requests", "1m26.4s")
            .with("x-ratelimit-reset-tokens", "7.66s")
            .with("x-request-id", format!("req_{:08}", self.answered))
    }

    fn chat(&mut self, call: &Call<'_>) -> Answer {
        let mut violations = Vec::new();
        let asked = match check::chat(call.request, self, &mut violations) {
            Ok(asked) => asked,
            Err(problem) => return problem.answer(self.flavour).and(violations),
        };
        let Some(reply) = self.script.next(&asked) else {
            let problem = Problem::new(500, "server_error", None, "The script is empty.");
            let response = problem.answer(self.flavour).response;
            return Answer::violation(response, "the script has no answer").and(violations);
        };
        self.answered += 1;
        let reply = reply.limited(asked.tokens_max);
        let telling = Telling {
            flavour: self.flavour,
            asked: &asked,
            reply: &reply,
            problem: self.problem(&asked, &reply),
            usage: self.stream_options == StreamOptions::Taken && asked.body["stream_options"]["include_usage"] == true,
            number: self.answered,
            now: call.now,
        };
        let mut answer = telling.answer();
        let tokens = asked.tokens() + reply.tokens();
        answer.response = self.rated(answer.response, self.answered, tokens);
        answer.and(violations)
    }

    /// What the service says instead of what the model said.
    fn problem(&self, asked: &Asked, reply: &Reply) -> Option<Problem> {
        if let Some(message) = &reply.error {
            return Some(Problem::new(500, "server_error", None, message));
        }
        if self.flavour != Flavour::Groq {
            return None;
        }
        // Groq reads what its models say.
        if let Some(call) = reply.calls.iter().find(|call| !asked.tools.contains(&call.name)) {
            let name = &call.name;
            let message =
                format!("Tool call validation failed: attempted to call tool '{name}' which was not in request.tools");
            let said = json!({"name": name, "arguments": call.arguments}).to_string();
            return Some(Problem::failed("tool_use_failed", message, said));
        }
        if let Some(problem) = unfit(asked, reply) {
            return Some(problem);
        }
        let text = reply.times == 1 && asked.format.is_some() && reply.calls.is_empty();
        if !text || serde_json::from_str::<Value>(&reply.text).is_ok() {
            return None;
        }
        let message = match reply.finish {
            Finish::Length => "max completion tokens reached before generating a valid document",
            _ => "Failed to validate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
        };
        Some(Problem::failed("json_validate_failed", message, reply.text.clone()))
    }
}

/// What Groq says of arguments that are not as the tool declares them.
fn unfit(asked: &Asked, reply: &Reply) -> Option<Problem> {
    let name = asked.forced.as_deref().filter(|_| reply.calls.is_empty() && reply.where_forced == Forced::Called)?;
    let tool = asked.body["tools"].as_array()?.iter().find(|tool| tool["function"]["name"] == name)?;
    let validator = jsonschema::validator_for(&tool["function"]["parameters"]).expect("a schema");
    let wrong = match serde_json::from_str::<Value>(&reply.text) {
        Ok(arguments) => validator.iter_errors(&arguments).next()?.to_string(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("tool call validation failed: parameters for tool {name} did not match schema: errors: [{wrong}]");
    let said = json!({"name": name, "arguments": reply.text}).to_string();
    let problem = Problem::failed("tool_use_failed", message, said);
    Some(if reply.told { problem } else { problem.untold() })
}

impl Fake<Compatible> {
    /// Starts a service on a free port of loopback.
    pub(crate) async fn start_as(flavour: Flavour) -> Self {
        Self::start_with(Compatible::new(flavour)).await
    }

    /// The base URL, as `OPENAI_BASE_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.origin() + self.site(|site| site.flavour.base())
    }

    /// The key that it takes.
    pub(crate) fn key(&self) -> String {
        self.site(|site| site.key.clone())
    }

    /// Takes another key from now on.
    pub(crate) fn set_key(&self, key: &str) {
        self.site(|site| key.clone_into(&mut site.key));
    }

    /// Which models there are.
    pub(crate) fn set_models(&self, models: Vec<Model>) {
        self.site(|site| site.models = models);
    }

    /// Whether it takes `response_format`, or answers 400 to it.
    pub(crate) fn set_takes_format(&self, takes: bool) {
        self.site(|site| site.takes_format = takes);
    }

    /// Whether it takes `tools`, or answers 400 to them.
    pub(crate) fn set_takes_tools(&self, takes: bool) {
        self.site(|site| site.takes_tools = takes);
    }

    /// What it does with `stream_options`.
    pub(crate) fn set_stream_options(&self, does: StreamOptions) {
        self.site(|site| site.stream_options = does);
    }
}
