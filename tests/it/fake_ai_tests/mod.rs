//! The stand-ins for the AI providers themselves.

mod faults;
mod flavours;
mod ledger;
mod ollama;
mod ollama_rules;
mod openai;
mod openai_rules;
mod replies;

use std::time::Duration;

use serde_json::{Value, json};

use crate::fake_ai::{FakeCompatible, FakeOllama, Flavour, Reply};

/// A client that knows nothing of the rules.
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.timeout(Duration::from_secs(10)).build().expect("a client")
}

/// The status and the body of an answer; null when the body is no JSON.
async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// The status and the body as text.
async fn text(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a whole body"))
}

/// A chat of one message with Ollama, with more fields or other ones; a null takes a field out.
fn ask_ollama(server: &FakeOllama, fields: &Value) -> reqwest::RequestBuilder {
    let messages = json!([{"role": "user", "content": "Plan a party as JSON"}]);
    let body = with(json!({"model": "llama3.2", "messages": messages}), fields);
    client().post(format!("{}/api/chat", server.url())).json(&body)
}

/// The same with a service that follows OpenAI, with its first model.
fn ask(server: &FakeCompatible, fields: &Value) -> reqwest::RequestBuilder {
    let model = if server.url().ends_with("/openai/v1") { "llama-3.3-70b-versatile" } else { "gpt-4o-mini" };
    let messages = json!([{"role": "user", "content": "Plan a party as JSON"}]);
    let body = with(json!({"model": model, "messages": messages}), fields);
    client().post(format!("{}/chat/completions", server.url())).bearer_auth(server.key()).json(&body)
}

fn with(mut body: Value, fields: &Value) -> Value {
    let own = body.as_object_mut().expect("an object");
    for (name, value) in fields.as_object().expect("fields") {
        if value.is_null() {
            own.remove(name);
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
    body
}

/// The lines of a stream of Ollama.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The data of the events of a stream, and whether it ended with the mark.
fn events(text: &str) -> (Vec<Value>, bool) {
    let mut data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let done = data.last() == Some(&"[DONE]");
    if done {
        data.pop();
    }
    (data.into_iter().map(|event| serde_json::from_str(event).expect("JSON in an event")).collect(), done)
}

/// The text of a stream of Ollama.
fn told(lines: &[Value]) -> String {
    lines.iter().filter_map(|line| line["message"]["content"].as_str()).collect()
}

/// The text of a stream of events.
fn said(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

async fn services() -> [FakeCompatible; 3] {
    [
        FakeCompatible::start_as(Flavour::Groq).await,
        FakeCompatible::start_as(Flavour::Zuki).await,
        FakeCompatible::start_as(Flavour::OpenAi).await,
    ]
}

/// What a model says when it does not matter what: 32 bytes, so eight tokens.
const HELLO: &str = "Good day to you, what may it be?";

fn hello() -> Reply {
    Reply::text(HELLO)
}
