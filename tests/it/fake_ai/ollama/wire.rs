//! How Ollama tells what the model says.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Asked, Reply, error};
use crate::fake_ai::Finish;
use crate::fake_http::Response;
use crate::fake_web::{Answer, Call, Piece, Stream};

fn message(asked: &Asked, now: DateTime<Utc>, message: &Value) -> Value {
    let created = now.to_rfc3339_opts(SecondsFormat::Nanos, true);
    json!({"model": asked.model, "created_at": created, "message": message, "done": false})
}

/// What a request without messages gets.
pub(super) fn loaded(asked: &Asked, now: DateTime<Utc>) -> Answer {
    let mut body = message(asked, now, &json!({"role": "assistant", "content": ""}));
    body["done_reason"] = json!("load");
    body["done"] = json!(true);
    Response::new(200, "application/json; charset=utf-8", body.to_string()).into()
}

/// What a prompt of no chat gets: a word, or with an empty prompt nothing but the model loaded.
pub(super) fn generated(model: &str, call: &Call<'_>) -> Answer {
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    let empty = body["prompt"].as_str().unwrap_or_default().is_empty();
    let (response, reason) = if empty { ("", "load") } else { ("Yes", "length") };
    let created = call.now.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let body =
        json!({"model": model, "created_at": created, "response": response, "done": true, "done_reason": reason});
    Response::new(200, "application/json; charset=utf-8", body.to_string()).into()
}

fn ended(mut body: Value, asked: &Asked, reply: &Reply) -> Value {
    body["done_reason"] = json!(if reply.finish == Finish::Length { "length" } else { "stop" });
    body["done"] = json!(true);
    for (name, value) in [
        ("total_duration", 4_883_583_458),
        ("load_duration", 1_334_875),
        ("prompt_eval_count", asked.tokens()),
        ("prompt_eval_duration", 342_546_000),
        ("eval_count", reply.tokens()),
        ("eval_duration", 4_535_599_000),
    ] {
        body[name] = json!(value);
    }
    body
}

fn calls(reply: &Reply) -> Option<Value> {
    let call = |(at, call): (usize, &crate::fake_ai::ToolCall)| {
        // The server reads what the model wrote, and what is no object never becomes a call.
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        let function = json!({"index": at, "name": call.name, "arguments": arguments});
        json!({"id": format!("call_{at:08}"), "function": function})
    };
    let calls: Vec<_> = reply.calls.iter().enumerate().map(call).collect();
    (!calls.is_empty()).then(|| Value::Array(calls))
}

/// The answer to a chat.
pub(super) fn answer(asked: &Asked, reply: &Reply, now: DateTime<Utc>) -> Answer {
    if !asked.stream {
        return whole(asked, reply, now).into();
    }
    let line = |value: &Value| format!("{value}\n").into_bytes();
    let part = |content: &str| line(&message(asked, now, &json!({"role": "assistant", "content": content})));
    let mut pieces: Vec<Piece> =
        reply.chunks().iter().map(|text| Piece { bytes: part(text), times: reply.times }).collect();
    if let Some(calls) = calls(reply) {
        let body = json!({"role": "assistant", "content": "", "tool_calls": calls});
        pieces.push(line(&message(asked, now, &body)).into());
    }
    if let Some(message) = &reply.error {
        pieces.push(line(&json!({ "error": message })).into());
    } else if reply.done {
        let last = message(asked, now, &json!({"role": "assistant", "content": ""}));
        pieces.push(line(&ended(last, asked, reply)).into());
    }
    let head = Response::new(200, "application/x-ndjson", "");
    Answer::streamed(head, Stream { pieces, pause: reply.pause })
}

fn whole(asked: &Asked, reply: &Reply, now: DateTime<Utc>) -> Response {
    if let Some(message) = &reply.error {
        return error(500, message);
    }
    let mut said = json!({"role": "assistant", "content": reply.whole()});
    if let Some(calls) = calls(reply) {
        said["tool_calls"] = calls;
    }
    let body = ended(message(asked, now, &said), asked, reply);
    Response::new(200, "application/json; charset=utf-8", body.to_string())
}
