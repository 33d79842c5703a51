//! Where Groq, Zuki and OpenAI differ.

use serde_json::{Value, json};

use super::{ask, client, events, hello, said, sent, services, text};
use crate::fake_ai::{FakeAi, FakeCompatible, Flavour, Refusal, Reply};

#[tokio::test]
async fn each_has_its_path_and_its_shape_of_errors() {
    for (server, base) in services().await.into_iter().zip(["/openai/v1", "/v1", "/v1"]) {
        assert_eq!(server.url(), format!("{}{base}", server.origin()));
        let request = client().get(format!("{}/models", server.url())).bearer_auth("wrong");
        let (status, body) = sent(request).await;
        let names: Vec<_> = body["error"].as_object().expect("an error").keys().map(String::as_str).collect();
        let code = &body["error"]["code"];
        assert_eq!((status, &body["error"]["type"]), (401, &json!("invalid_request_error")));
        let (shape, told) = match server.key().split('-').next() {
            Some("sk") => ("message type param code", json!("invalid_api_key")),
            Some("zu") => ("message type code", json!(401)),
            _ => ("message type code", json!("invalid_api_key")),
        };
        assert_eq!((names.join(" ").as_str(), code), (shape, &told));
    }
}

#[tokio::test]
async fn fields_that_are_unknown_are_refused_or_ignored() {
    for (server, status) in services().await.into_iter().zip([400, 200, 400]) {
        server.answer(hello());
        assert_eq!(sent(ask(&server, &json!({"num_ctx": 5}))).await.0, status);
        let violations = server.take_violations();
        assert!(violations.len() == 1 && violations[0].contains("num_ctx"), "{violations:?}");
    }
    let openai = json!({"logprobs": true});
    for (server, status) in services().await.into_iter().zip([400, 200, 200]) {
        server.answer(hello());
        assert_eq!(sent(ask(&server, &openai)).await.0, status);
    }
}

#[tokio::test]
async fn groq_takes_a_schema_for_few_models_and_neither_streamed_nor_with_tools() {
    let server = FakeCompatible::start_as(Flavour::Groq).await;
    let schema = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "plan", "strict": true, "schema": schema}});
    let (status, body) = sent(ask(&server, &json!({ "response_format": format }))).await;
    assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    let message = body["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("This model does not support response format `json_schema`"), "{message}");
    server.assert_no_violations();
    let fields = |stream: bool| json!({"model": "openai/gpt-oss-20b", "response_format": format, "stream": stream});
    server.answer(Reply::json(&json!({})));
    assert_eq!(sent(ask(&server, &fields(false))).await.0, 200);
    server.assert_no_violations();
    assert_eq!(sent(ask(&server, &fields(true))).await.0, 400);
    assert_eq!(server.take_violations().len(), 1);
}

#[tokio::test]
async fn groq_does_not_pass_on_what_is_no_json_or_no_tool_of_the_client() {
    let server = FakeCompatible::start_as(Flavour::Groq).await;
    let format = json!({"response_format": {"type": "json_object"}});
    server.answer(Reply::fenced(&json!({"a": 1})));
    let (status, body) = sent(ask(&server, &format)).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("json_validate_failed")));
    assert!(body["error"]["failed_generation"].as_str().is_some_and(|said| said.contains("```json")));
    server.answer(Reply::json(&json!({"title": "a long title"})));
    let short = json!({"response_format": {"type": "json_object"}, "max_tokens": 2});
    let (_, body) = sent(ask(&server, &short)).await;
    let message = "max completion tokens reached before generating a valid document";
    assert_eq!(
        (&body["error"]["message"], &body["error"]["failed_generation"]),
        (&json!(message), &json!("{\"title\""))
    );
    server.answer(Reply::tool("steal", &json!({})));
    let (status, body) = sent(ask(&server, &json!({}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("tool_use_failed")));
    assert!(body["error"]["message"].as_str().is_some_and(|told| told.contains("tool 'steal' which was not in")));
    server.answer(Reply::fenced(&json!({"a": 1})));
    let streamed = json!({"response_format": {"type": "json_object"}, "stream": true});
    let (status, body) = text(ask(&server, &streamed)).await;
    assert!(status == 200 && body.contains("event: error\ndata: {\"error\":") && !body.contains("[DONE]"), "{body}");
    server.answer(Reply::fenced(&json!({"a": 1})));
    let (status, body) = sent(ask(&server, &json!({}))).await;
    assert!(
        status == 200 && body["choices"][0]["message"]["content"].as_str().is_some_and(|said| said.contains("```"))
    );
    server.assert_no_violations();
    for flavour in [Flavour::Zuki, Flavour::OpenAi] {
        let server = FakeCompatible::start_as(flavour).await;
        server.answer(Reply::fenced(&json!({"a": 1})));
        server.answer(Reply::tool("steal", &json!({})));
        assert_eq!(sent(ask(&server, &format)).await.0, 200);
        let (_, body) = sent(ask(&server, &json!({}))).await;
        assert_eq!(body["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "steal");
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn groq_tells_the_usage_in_its_own_field() {
    let server = FakeCompatible::start_as(Flavour::Groq).await;
    server.answer(hello());
    let (events, done) = events(&text(ask(&server, &json!({"stream": true}))).await.1);
    let (last, chunks) = events.split_last().expect("events");
    assert!(done && last["x_groq"]["usage"]["total_tokens"].is_u64() && last.get("usage").is_none(), "{last}");
    assert!(chunks[0]["x_groq"]["id"].is_string());
    assert!(chunks.iter().all(|chunk| chunk["x_groq"]["usage"].is_null()));
    assert_eq!(said(&events), super::HELLO);
}

#[tokio::test]
async fn zuki_knows_few_roles_and_wants_a_word_of_the_person() {
    let server = FakeCompatible::start_as(Flavour::Zuki).await;
    for messages in [
        json!([{"role": "developer", "content": "a"}]),
        json!([{"role": "system", "content": "a"}]),
        json!([{"role": "user", "content": ""}]),
    ] {
        assert_eq!(sent(ask(&server, &json!({ "messages": messages }))).await.0, 400, "{messages}");
        assert_eq!(server.take_violations().len(), 1, "{messages}");
    }
    server.answer(hello());
    let plain = json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "Plan"}]});
    assert_eq!(sent(ask(&server, &plain)).await.0, 200, "it does not look for the word json");
    server.assert_no_violations();
}

#[tokio::test]
async fn groq_sees_no_images_with_most_models() {
    let server = FakeCompatible::start_as(Flavour::Groq).await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AQID"}});
    let (status, body) = sent(ask(&server, &json!({"messages": [{"role": "user", "content": [image]}]}))).await;
    assert_eq!((status, &body["error"]["message"]), (400, &json!("content must be a string")));
    assert_eq!(server.take_violations().len(), 1);
}

#[tokio::test]
async fn the_limits_are_told_in_headers_but_by_zuki() {
    for server in services().await {
        server.answer_with(|_| hello());
        let zuki = server.key().starts_with("zu");
        for left in ["999", "998"] {
            let answer = ask(&server, &json!({"stream": left == "998"})).send().await.expect("an answer");
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
            assert_eq!(header("x-ratelimit-remaining-requests").as_deref(), (!zuki).then_some(left));
            for name in ["limit-requests", "limit-tokens", "remaining-tokens", "reset-requests", "reset-tokens"] {
                assert_eq!(header(&format!("x-ratelimit-{name}")).is_some(), !zuki, "{name}");
            }
        }
        server.refuse(Refusal::Rate);
        let answer = ask(&server, &json!({})).send().await.expect("an answer");
        let left = answer.headers().get("x-ratelimit-remaining-requests").map(|left| left.as_bytes() == b"0");
        assert_eq!(left, (!zuki).then_some(true));
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn all_start_at_once_with_the_settings_that_lead_to_them() {
    let ai = FakeAi::start().await;
    let settings = ai.settings();
    let value = |name: &str| settings.iter().find(|(own, _)| *own == name).expect("a setting").1.clone();
    for name in ["GROQ", "ZUKI", "OPENAI"] {
        let request = client().get(value(&format!("{name}_BASE_URL")) + "/models");
        assert_eq!(text(request.bearer_auth(value(&format!("{name}_API_KEY")))).await.0, 200, "{name}");
    }
    assert_eq!(text(client().get(value("OLLAMA_BASE_URL") + "/api/tags")).await.0, 200);
    ai.assert_no_violations();
    let _: (u16, Value) = sent(client().get(value("OLLAMA_BASE_URL") + "/nowhere")).await;
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ai.assert_no_violations()));
    assert!(judged.is_err());
}
