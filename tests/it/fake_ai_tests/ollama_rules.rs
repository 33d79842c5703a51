//! What Ollama refuses, and what it takes in silence.

use serde_json::{Value, json};

use super::{ask_ollama, client, hello, sent, text};
use crate::fake_ai::FakeOllama;

fn user(content: &str) -> Value {
    json!([{"role": "user", "content": content}])
}

#[tokio::test]
async fn requests_that_no_careful_client_sends_are_violations() {
    let server = FakeOllama::start().await;
    server.answer_with(|_| hello());
    let image = |data: &str| json!([{"role": "user", "content": "", "images": [data]}]);
    let no_tool = json!([{"type": "function", "function": {"name": ""}}]);
    for (fields, status, violation) in [
        (json!({"response_format": {}}), 200, "there is no field \"response_format\""),
        (json!({"messages": [{"role": "user", "content": "a", "name": "b"}]}), 200, "no field \"messages[0].name\""),
        (json!({"options": {"max_tokens": 5}}), 200, "there is no option \"max_tokens\""),
        (json!({"options": {"num_ctx": "8192"}}), 500, "option \"num_ctx\" must be of type integer"),
        (json!({"options": {"temperature": "hot"}}), 500, "option \"temperature\" must be of type float32"),
        (json!({"options": {"stop": "x"}}), 500, "option \"stop\" must be of type array"),
        (json!({"options": []}), 400, "cannot unmarshal array"),
        (json!({"model": null}), 400, "model is required"),
        (json!({"model": ""}), 400, "model is required"),
        (json!({"model": "nomic-embed-text"}), 400, "\"nomic-embed-text\" does not support chat"),
        (json!({"messages": null}), 200, "no messages, so the model is only loaded"),
        (json!({"messages": []}), 200, "no messages, so the model is only loaded"),
        (json!({"messages": "hello"}), 400, "cannot unmarshal string"),
        (json!({"messages": ["hello"]}), 400, "cannot unmarshal"),
        (json!({"messages": [{"role": "developer", "content": "a"}]}), 200, "there is no role \"developer\""),
        (json!({"messages": [{"content": "a"}]}), 200, "there is no role \"\""),
        (json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]}), 400, "cannot unmarshal array"),
        (json!({"model": "llava", "messages": image("data:image/jpeg;base64,AQID")}), 400, "illegal base64 data"),
        (json!({"model": "llava", "messages": image("not base64!")}), 400, "illegal base64 data at input byte 3"),
        (json!({"messages": image("AQID")}), 200, "llama3.2 does not see images"),
        (json!({"format": "yaml"}), 500, "invalid format: \"yaml\""),
        (json!({"format": ["json"]}), 500, "invalid format"),
        (json!({"stream": "no"}), 400, "cannot unmarshal string"),
        (json!({"keep_alive": "soon"}), 400, "time: invalid duration \"soon\""),
        (json!({"keep_alive": "5"}), 400, "time: invalid duration"),
        (json!({"tools": no_tool}), 400, "tools[0]"),
        (json!({"think": true}), 400, "\"llama3.2\" does not support thinking"),
        (json!({"messages": user(&"long ".repeat(4000))}), 200, "does not fit into the 4096 of num_ctx"),
        (json!({"options": {"num_ctx": 10}, "messages": user(&"x".repeat(50))}), 200, "into the 10 of num_ctx"),
    ] {
        let (told, body) = text(ask_ollama(&server, &fields)).await;
        let violations = server.take_violations();
        assert_eq!((told, violations.len()), (status, 1), "{fields}: {body} {violations:?}");
        assert!(violations[0].starts_with("POST /api/chat: "), "{violations:?}");
        assert!(violations[0].contains(violation), "{fields}: {violations:?}");
        let error = serde_json::from_str::<Value>(&body).is_ok_and(|body| body["error"].is_string());
        assert_eq!(error, status != 200, "{fields}: {body}");
    }
    for fits in ["5m", "-1", "1h30m", "-1m", "0"].map(Value::from).into_iter().chain([json!(-1), json!(0)]) {
        // A number without a unit is only one when it is no text, but for nothing at all.
        let status = if fits == json!("-1") { 400 } else { 200 };
        assert_eq!(text(ask_ollama(&server, &json!({"keep_alive": fits}))).await.0, status, "{fits}");
        assert_eq!(server.take_violations().is_empty(), status == 200, "{fits}");
    }
    let long = json!({"options": {"num_ctx": 8192}, "messages": user(&"long ".repeat(4000))});
    assert_eq!(text(ask_ollama(&server, &long)).await.0, 200);
    server.assert_no_violations();
}

#[tokio::test]
async fn bodies_paths_and_methods_that_are_wrong_are_violations() {
    let server = FakeOllama::start().await;
    let url = |path: &str| format!("{}{path}", server.url());
    let json_body =
        |body: &'static str| client().post(url("/api/chat")).header("content-type", "application/json").body(body);
    for (request, status, violation) in [
        (json_body(""), 400, "POST /api/chat: missing request body"),
        (json_body("{\"model\""), 400, "POST /api/chat: invalid character"),
        (json_body("[]"), 400, "POST /api/chat: json: cannot unmarshal"),
        (client().get(url("/api/chat")), 405, "GET /api/chat: no such method"),
        (client().post(url("/api/tags")), 405, "POST /api/tags: no such method"),
        (client().post(url("/v1/chat/completions")), 404, "POST /v1/chat/completions: no such path"),
    ] {
        assert_eq!(text(request).await.0, status, "{violation}");
        let violations = server.take_violations();
        assert!(violations.len() == 1 && violations[0].starts_with(violation), "{violations:?}");
    }
    server.answer(hello());
    let untyped = client().post(url("/api/chat")).body("{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"user\"}]}");
    assert_eq!(text(untyped).await.0, 200);
    assert_eq!(server.take_violations(), ["POST /api/chat: the body is not said to be JSON"]);
}

#[tokio::test]
async fn requests_for_embeddings_are_looked_at_as_well() {
    let server = FakeOllama::start().await;
    for (fields, status, violation) in [
        (json!({"input": "a"}), 400, "model is required"),
        (json!({"model": "nomic-embed-text", "input": 5}), 400, "invalid input type"),
        (json!({"model": "nomic-embed-text", "input": ["a", 5]}), 400, "invalid input type"),
        (json!({"model": "nomic-embed-text"}), 200, "nothing to embed"),
        (
            json!({"model": "nomic-embed-text", "prompt": "a", "input": "search_query: a"}),
            200,
            "there is no field \"prompt\"",
        ),
        (
            json!({"model": "nomic-embed-text", "input": ["search_query: a", format!("search_query: {}", "b".repeat(20_000))]}),
            200,
            "input[1] of 20014 bytes",
        ),
    ] {
        let request = client().post(format!("{}/api/embed", server.url())).json(&fields);
        assert_eq!(sent(request).await.0, status, "{fields}");
        let violations = server.take_violations();
        assert!(violations.len() == 1 && violations[0].contains(violation), "{fields}: {violations:?}");
    }
    let fields = json!({"model": "nomic-embed-text", "input": "search_query: a", "dimensions": 8, "truncate": false});
    let (_, body) = sent(client().post(format!("{}/api/embed", server.url())).json(&fields)).await;
    assert_eq!(body["embeddings"][0].as_array().map(Vec::len), Some(8));
    server.assert_no_violations();
}
