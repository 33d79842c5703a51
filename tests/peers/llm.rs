//! A real language model behind llama.cpp's server: how it is spoken to, and what holds of its answers.
//!
//! `tests/run` installs and starts it and names it in `LLM_URL` and `LLM_MODEL`. Its 135 million parameters get
//! most things wrong, so nothing here asks whether an answer is a good one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use super_manager::ai::openai::{Form, OpenAi};
use super_manager::ai::provider::Provider as _;
use super_manager::ai::wire::{Chat, Message, Speaker};
use super_manager::config::{AiLimits, Models, ProviderConfig, ProviderName};
use super_manager::outgoing::{Outgoing, SystemNames};

use crate::fake_smtp::FakeSmtp;
use crate::service::{Service, Setup};

/// How long an answer may take; the server gives one at a time, and others ask too.
const ANSWER_MAX: Duration = Duration::from_secs(300);
/// How long one call may take where the service asks, and a plan then: twice that, and the time around it.
const CALL_SECS_MAX: u64 = 90;
const PLAN_MAX: Duration = Duration::from_secs(2 * CALL_SECS_MAX + 60);
/// How often the model may ramble to the end of its tokens.
const TRIES_MAX: u32 = 8;

struct Model {
    url: String,
    name: String,
    client: Client,
}

fn model() -> Option<Model> {
    let found = std::env::var("LLM_URL").ok().zip(std::env::var("LLM_MODEL").ok());
    if found.is_none() {
        println!("!!!! NOT RUN: no model server (use tests/run) !!!!");
        assert!(std::env::var_os("PEERS_REQUIRED").is_none(), "the peers are required and are not there");
    }
    let (url, name) = found?;
    let client = Client::builder().timeout(ANSWER_MAX).build().expect("a client");
    Some(Model { url, name, client })
}

impl Model {
    /// The status and the text of an answer to these words; `more` goes into the request.
    async fn ask(&self, words: &str, more: Value) -> (StatusCode, String) {
        let mut request = json!({"model": self.name, "messages": [{"role": "user", "content": words}]});
        let fields = more.as_object().expect("an object").clone();
        request.as_object_mut().expect("an object").extend(fields);
        let sent = self.client.post(format!("{}/chat/completions", self.url)).json(&request).send();
        let answer = sent.await.expect("an answer");
        (answer.status(), answer.text().await.expect("text"))
    }

    /// A finished answer that keeps to this schema.
    async fn ask_for(&self, words: &str, schema: &Value) -> Value {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
        for seed in 0..TRIES_MAX {
            let more = json!({"seed": seed, "max_tokens": 300, "response_format": format});
            let (status, text) = self.ask(words, more).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            let choice = &answer["choices"][0];
            if choice["finish_reason"] == "stop" {
                let content = choice["message"]["content"].as_str().expect("text");
                let content: Value = serde_json::from_str(content).unwrap_or_else(|_| panic!("not JSON: {content}"));
                let validator = jsonschema::validator_for(schema).expect("a schema");
                let broken: Vec<String> = validator.iter_errors(&content).map(|error| error.to_string()).collect();
                assert!(broken.is_empty(), "{content:#} breaks {broken:?}");
                return content;
            }
            assert_eq!(choice["finish_reason"], "length", "{answer:#}");
        }
        panic!("no answer of {TRIES_MAX} came to its end");
    }
}

fn object(properties: &Value) -> Value {
    let names: Vec<&String> = properties.as_object().expect("an object").keys().collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_to_a_schema() {
    let Some(model) = model() else { return };
    let mut schema = object(&json!({
        "version": {"const": 1},
        "intent": {"enum": ["send_email", "make_call"]},
        "day": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "people": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/$defs/person"}}}));
    schema["$defs"] = json!({"person": {"anyOf": [
        object(&json!({"name": {"type": "string", "maxLength": 12}})),
        object(&json!({"number": {"type": "integer", "minimum": 1, "maximum": 99}}))]}});
    let answer = model.ask_for("Email Bob on 1 July 2031.", &schema).await;
    let names: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["version", "intent", "day", "people"], "in the order of the schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_may_refer_to_itself() {
    let Some(model) = model() else { return };
    let mut schema = object(&json!({"root": {"$ref": "#/$defs/node"}}));
    schema["$defs"] = json!({"node": object(&json!({
        "kind": {"enum": ["leaf", "branch"]},
        "nodes": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/node"}}}))});
    model.ask_for("Draw a small tree.", &schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_comes_in_parts_and_ends_with_what_it_cost() {
    let Some(model) = model() else { return };
    let more = json!({"max_tokens": 20, "stream": true, "stream_options": {"include_usage": true}});
    let (status, text) = model.ask("Say hello.", more).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let mut events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.pop(), Some("[DONE]"), "{text}");
    let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
    let (cost, parts) = events.split_last().expect("events");
    assert_eq!(cost["choices"], json!([]), "{cost:#}");
    assert!(cost["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| (1..=20).contains(&tokens)), "{cost:#}");
    let said: String = parts.iter().filter_map(|part| part["choices"][0]["delta"]["content"].as_str()).collect();
    assert!(!said.is_empty(), "{text}");
    let end = &parts.last().expect("parts")["choices"][0]["finish_reason"];
    assert!(["stop", "length"].contains(&end.as_str().expect("a reason")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_is_refused_at_once() {
    let Some(model) = model() else { return };
    let (status, text) = model.ask(&"word ".repeat(10_000), json!({"max_tokens": 1})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["error"]["type"], "exceed_context_size_error", "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_listed_under_its_name() {
    let Some(model) = model() else { return };
    let listed = model.client.get(format!("{}/models", model.url)).send().await.expect("an answer");
    let listed: Value = listed.json().await.expect("JSON");
    assert_eq!(listed["data"][0]["id"], model.name, "{listed:#}");
}

/// The service with this model as its only one.
fn with_model(dir: &std::path::Path, model: &Model, smtp: &FakeSmtp, first: &str, total: &str) -> Setup {
    Setup::new(dir, &smtp.url())
        .with("AI_PROVIDERS", "openai")
        .with("AI_LOCAL", "openai")
        .with("OPENAI_BASE_URL", &model.url)
        .with("OPENAI_MODEL", &model.name)
        .with("AI_FIRST_BYTE_TIMEOUT_SECS", first)
        .with("AI_TOTAL_TIMEOUT_SECS", total)
}

const REQUEST: &str = "email bob@test.local that dinner is at eight";

/// Whatever a model of this size makes of the words, nobody gets a mail that nobody agreed to.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_model_plans_is_never_done_without_a_yes() {
    let Some(model) = model() else { return };
    let (smtp, dir) = (FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    let setup = with_model(dir.path(), &model, &smtp, "60", &CALL_SECS_MAX.to_string());
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains(&format!("on   openai          {}", model.name)), "{said}");
    let service = Service::start(&setup);
    let asked = service.post("/api/agent/process", json!({"message": REQUEST, "session_id": "s"})).await;
    let id = asked["task_id"].as_str().expect("a task");
    // What is done without a yes has been done by then.
    let is_at_rest = |task: &Value| !["planning", "running"].iter().any(|status| task["status"] == *status);
    let planned = service.task_until_within(PLAN_MAX, id, is_at_rest).await;
    let events = service.get(&format!("/api/tasks/{id}/events")).await;
    let by = events["events"].as_array().expect("events").iter().find(|event| event["type"] == "ai_complete");
    println!("planned by {:?}: {}", by.map(|event| &event["data"]["planner"]), planned["status"]);
    let providers = service.get("/api/status").await["providers"].clone();
    println!("{providers:#}");
    assert!(providers[0]["requests"].as_u64().is_some_and(|asked| asked >= 1), "{providers:#}");
    assert_eq!(smtp.ledger().len(), 0, "nobody said yes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_too_slow_costs_its_time_once() {
    let Some(model) = model() else { return };
    let (smtp, dir) = (FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_model(dir.path(), &model, &smtp, "1", "60"));
    for session in ["a", "b"] {
        let began = Instant::now();
        let body = json!({"message": REQUEST, "session_id": session});
        let asked = service.post("/api/agent/process", body).await;
        println!("planned in {:?}", began.elapsed());
        assert_eq!(asked["planner"], "builtin", "{asked:#}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let providers = service.get("/api/status").await["providers"].clone();
        assert_eq!(providers[0]["requests"], 1, "it is asked once, and left alone then: {providers:#}");
    }
    let health = service.get("/api/health").await;
    assert_eq!(health["circuit_breakers"]["openai"], "open", "{health:#}");
}

/// Whatever it means: what comes through our own client has the form that was asked for, and that is remembered.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_through_our_client_has_the_form_that_was_asked_for() {
    let Some(model) = model() else { return };
    let provider = provider(&model);
    let schema = object(&json!({
        "kind": {"enum": ["question"]},
        "text": {"type": "string", "minLength": 1, "maxLength": 40}}));
    let chat = Chat {
        messages: vec![Message::new(Speaker::User, "Say hello.")],
        schema: Some(schema.clone()),
        tokens_max: 200,
    };
    let said = provider.chat(&model.name, &chat, &|_| {}).await.expect("an answer");
    let answer: Value = serde_json::from_str(&said.text).unwrap_or_else(|_| panic!("not JSON: {}", said.text));
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&answer), "{answer:#}");
    assert_eq!(provider.learnt(&model.name).as_deref(), Some("answers by JSON schema"));
}

/// The tools of this server's model are taken and not called: it is found out, and remembered.
#[tokio::test(flavor = "multi_thread")]
async fn tools_that_are_ignored_are_noticed() {
    let Some(model) = model() else { return };
    let provider = provider(&model).beginning_with(&model.name, Form::Tool);
    let chat = Chat {
        messages: vec![Message::new(Speaker::User, "Say hello.")],
        schema: Some(object(&json!({"text": {"type": "string"}}))),
        tokens_max: 400,
    };
    // What it says is prose, or cut: only the form counts here.
    let said = provider.chat(&model.name, &chat, &|_| {}).await;
    println!("{said:?}");
    if said.is_ok() {
        assert_eq!(provider.learnt(&model.name).as_deref(), Some("answers by plain JSON"));
    }
}

fn provider(model: &Model) -> OpenAi {
    let url: url::Url = format!("{}/", model.url).parse().expect("a URL");
    let limits = AiLimits {
        connect: Duration::from_secs(3),
        first_byte: ANSWER_MAX,
        total: ANSWER_MAX,
        failures: 3,
        cooldown: Duration::from_secs(30),
        tokens_day: 1_000_000,
        calls_day: 1_000,
    };
    let outgoing = Outgoing::new(std::slice::from_ref(&url), Arc::new(SystemNames)).expect("a client");
    let models = Models { planning: model.name.clone(), vision: None, code: None, embed: None };
    let name = ProviderName::OpenAi;
    let config = ProviderConfig { name, url, key: None, models, price: None, local: true, at_once: 4, assumed: false };
    OpenAi::new(config, limits, outgoing)
}
