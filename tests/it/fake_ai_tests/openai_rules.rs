//! What the services that follow OpenAI refuse.

use serde_json::{Value, json};

use super::{ask, client, hello, sent, services, text};
use crate::fake_ai::compatible::StreamOptions;
use crate::fake_ai::{FakeCompatible, Flavour};

fn schema(name: &str, schema: &Value) -> Value {
    let told = json!({"name": name, "schema": schema, "strict": true});
    json!({"response_format": {"type": "json_schema", "json_schema": told}})
}

fn parts(part: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": [part]}]})
}

/// Requests, the field at fault, the code and a part of the message, as OpenAI has them.
fn refused() -> Vec<(Value, &'static str, &'static str, &'static str)> {
    let tool = |name: &str| json!([{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}]);
    let image = |url: &str| parts(&json!({"type": "image_url", "image_url": {"url": url}}));
    let (value, kind, absent) = ("invalid_value", "invalid_type", "missing_required_parameter");
    let message = |message: Value| json!({"messages": [message]});
    vec![
        (json!({"format": "json"}), "format", "unknown_parameter", "Unknown parameter: 'format'."),
        (json!({"model": null}), "model", "", "you must provide a model parameter"),
        (json!({"messages": null}), "messages", absent, "Missing required parameter: 'messages'."),
        (json!({"messages": []}), "messages", "empty_array", "Invalid 'messages': empty array"),
        (json!({"messages": "hello"}), "messages", kind, "Invalid type for 'messages'"),
        (message(json!({"content": "a"})), "messages[0].role", absent, "Missing required"),
        (message(json!({"role": "bot", "content": "a"})), "messages[0].role", value, "Supported values are: 'system'"),
        (message(json!({"role": "user", "content": 5})), "messages[0].content", kind, "expected a string or an array"),
        (message(json!({"role": "user", "content": "a", "images": []})), "messages[0].images", "unknown_parameter", ""),
        (
            message(json!({"role": "tool", "content": "a", "tool_call_id": "x"})),
            "messages[0]",
            "",
            "preceeding message",
        ),
        (parts(&json!({"type": "image"})), "messages[0].content[0].type", value, "'text' and 'image_url'"),
        (parts(&json!({"type": "text"})), "messages[0].content[0].text", absent, "Missing required"),
        (image("https://a.test/x.jpg"), "messages[0].content[0].image_url.url", "invalid_base64", "data URL"),
        (image("data:image/jpeg;base64,?"), "messages[0].content[0].image_url.url", "invalid_base64", "data URL"),
        (json!({"temperature": 3}), "temperature", "decimal_above_max_value", "Expected a value <= 2, but got 3"),
        (json!({"top_p": -1}), "top_p", "decimal_below_min_value", "Expected a value >= 0, but got -1"),
        (json!({"max_tokens": 0}), "max_tokens", kind, "Invalid type for 'max_tokens'"),
        (
            json!({"max_tokens": 5, "max_completion_tokens": 5}),
            "max_tokens",
            "invalid_parameter_combination",
            "same time",
        ),
        (json!({"seed": 1.5}), "seed", kind, "Invalid type for 'seed'"),
        (json!({"user": 5}), "user", kind, "Invalid type for 'user'"),
        (json!({"stream": "yes"}), "stream", kind, "Invalid type for 'stream'"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
            "",
            "only allowed when 'stream' is enabled",
        ),
        (json!({"tools": []}), "tools", "empty_array", "empty array"),
        (json!({"tools": tool("a b")}), "tools[0]", value, "Invalid 'tools[0]'"),
        (json!({"tool_choice": "auto"}), "tool_choice", "", "only allowed when 'tools' are specified"),
        (
            json!({"tools": tool("a"), "tool_choice": {"type": "function", "function": {"name": "b"}}}),
            "tool_choice",
            "",
            "not found in 'tools'",
        ),
    ]
}

/// The same for formats of the answer.
fn refused_formats() -> Vec<(Value, &'static str, &'static str, &'static str)> {
    let (value, absent) = ("invalid_value", "missing_required_parameter");
    vec![
        (json!({"response_format": {"type": "json"}}), "response_format.type", value, "'json_object'"),
        (
            json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "Plan"}]}),
            "messages",
            "",
            "'messages' must contain the word 'json' in some form",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
            "response_format.json_schema.name",
            absent,
            "",
        ),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
            "response_format.json_schema.schema",
            absent,
            "",
        ),
        (schema("a plan", &json!({"type": "object"})), "response_format.json_schema.name", value, "does not match"),
        (schema("plan", &json!({"type": "array"})), "response_format", "", "schema must be a JSON Schema of"),
    ]
}

#[tokio::test]
async fn requests_that_openai_refuses_are_violations_with_its_words() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer_with(|_| hello());
    for (fields, param, code, message) in refused().into_iter().chain(refused_formats()) {
        let (status, body) = sent(ask(&server, &fields)).await;
        let error = &body["error"];
        assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")), "{fields}: {body}");
        assert_eq!(error["param"], param, "{fields}: {body}");
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{fields}: {body}");
        let told = error["message"].as_str().expect("a message");
        assert!(told.contains(message), "{fields}: {body}");
        assert_eq!(server.take_violations(), [format!("POST /v1/chat/completions: {told}")], "{fields}");
    }
    assert!(server.asked().is_empty(), "none of these reached the model");
}

#[tokio::test]
async fn a_strict_schema_closes_its_objects_and_requires_all_they_have() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer_with(|_| hello());
    let object = |properties: Value, required: Value| {
        let mut schema = json!({"type": "object", "additionalProperties": false});
        (schema["properties"], schema["required"]) = (properties, required);
        schema
    };
    let open = json!({"type": "object", "properties": {}});
    let nested = |inner: Value| object(json!({"a": inner}), json!(["a"]));
    let deep = (0..11).fold(json!({"type": "string"}), |inner, _| nested(inner));
    for (wanted, told) in [
        (open.clone(), "In context=(), 'additionalProperties' is required"),
        (nested(open.clone()), "In context=('properties', 'a'), 'additionalProperties' is required"),
        (nested(json!({"type": "array", "items": open})), "In context=('properties', 'a', 'items'), 'additional"),
        (nested(json!({"anyOf": [{"type": "null"}, open]})), "In context=('properties', 'a', 'anyOf'), 'additional"),
        (object(json!({"a": {}, "b": {}}), json!(["a"])), "Missing 'b'."),
        (nested(json!({"oneOf": []})), "In context=('properties', 'a'), 'oneOf' is not permitted."),
        (deep, "the nesting of objects exceeds the limit of 10."),
    ] {
        let (status, body) = sent(ask(&server, &schema("plan", &wanted))).await;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{wanted}");
        assert!(message.starts_with("Invalid schema for response_format 'plan': ") && message.contains(told), "{body}");
        assert_eq!(server.take_violations().len(), 1);
        let loose = json!({"type": "json_schema", "json_schema": {"name": "plan", "schema": wanted}});
        assert_eq!(sent(ask(&server, &json!({"response_format": loose}))).await.0, 200, "not strict");
    }
    let closed = object(json!({"b": {"type": ["string", "null"]}}), json!(["b"]));
    let good = nested(json!({"anyOf": [closed, {"type": "null"}]}));
    assert_eq!(sent(ask(&server, &schema("plan", &good))).await.0, 200);
    assert_eq!(server.asked().last().expect("a request").format, Some(good));
    server.assert_no_violations();
}

#[tokio::test]
async fn a_result_of_a_tool_follows_its_call() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer(hello());
    let call = json!({"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "content": "done", "tool_call_id": "c1"},
    ]);
    assert_eq!(sent(ask(&server, &json!({ "messages": messages }))).await.0, 200);
    server.assert_no_violations();
}

#[tokio::test]
async fn one_answer_is_enough() {
    for (server, status) in services().await.into_iter().zip([400, 200, 200]) {
        server.answer_with(|_| hello());
        assert_eq!(sent(ask(&server, &json!({"n": 2}))).await.0, status);
        assert_eq!(server.take_violations().len(), 1);
        assert_eq!(sent(ask(&server, &json!({"n": 1}))).await.0, 200);
        assert_eq!((server.count(&server.chats()), server.take_violations().len()), (2, 0));
    }
}

#[tokio::test]
async fn images_are_the_persons() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}});
    let (status, body) = sent(ask(&server, &json!({"messages": [{"role": "system", "content": [image]}]}))).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("messages[0].content[0]")));
    assert_eq!(server.take_violations().len(), 1);
}

#[tokio::test]
async fn bodies_and_paths_that_are_wrong_are_violations() {
    for server in services().await {
        let url = |path: &str| format!("{}{path}", server.url());
        let post = |path: &str| client().post(url(path)).bearer_auth(server.key());
        let untyped = post("/chat/completions").body("{}");
        let broken = post("/chat/completions").header("content-type", "application/json").body("{\"model\"");
        for (request, status, violation) in [
            (untyped, 400, "Unsupported content type"),
            (broken, 400, "We could not parse the JSON body of your request."),
            (client().get(url("/chat/completions")).bearer_auth(server.key()), 404, "no such path"),
            (post("/completions"), 404, "no such path"),
            (client().get(format!("{}/api/tags", server.origin())), 404, "no such path"),
        ] {
            assert_eq!(text(request).await.0, status, "{violation}");
            let violations = server.take_violations();
            assert!(violations.len() == 1 && violations[0].contains(violation), "{violations:?}");
        }
    }
}

#[tokio::test]
async fn what_the_operator_chose_is_no_fault_of_the_client() {
    for server in services().await {
        server.answer_with(|_| hello());
        let zuki = server.key().starts_with("zu");
        let (status, body) = sent(ask(&server, &json!({"model": "gpt-9"}))).await;
        assert_eq!(status, if zuki { 400 } else { 404 });
        assert!(body["error"]["message"].as_str().is_some_and(|told| told.starts_with("The model `gpt-9` does not")));
        server.set_takes_format(false);
        server.set_takes_tools(false);
        let tools = json!([{"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}]);
        let wish = json!({"include_usage": true});
        for (does, stream_options) in [(StreamOptions::Refused, 400), (StreamOptions::Ignored, 200)] {
            server.set_stream_options(does);
            for (fields, told) in [
                (json!({"response_format": {"type": "json_object"}}), 400),
                (json!({ "tools": tools }), 400),
                (json!({"stream": true, "stream_options": wish}), stream_options),
                (json!({}), 200),
            ] {
                let (status, body) = text(ask(&server, &fields)).await;
                assert_eq!(status, told, "{fields}: {body}");
                assert!(status == 200 || body.contains("is not supported"), "{body}");
                assert!(!body.contains("data: ") || !body.contains("\"choices\":[]"), "no usage: {body}");
            }
        }
        server.assert_no_violations();
    }
}
