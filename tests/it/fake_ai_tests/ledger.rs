//! What the ledger holds of requests to providers.

use serde_json::{Value, json};

use super::{ask, ask_ollama, client, hello, sent, services, text};
use crate::fake_ai::{FakeCompatible, FakeOllama, Flavour, Reply};

#[tokio::test]
async fn the_ledger_tells_that_there_was_a_key_and_not_which() {
    for server in services().await {
        server.answer(hello());
        let before = server.now();
        assert_eq!(sent(ask(&server, &json!({}))).await.0, 200);
        let entry = server.last().expect("a request");
        assert_eq!(entry.header("authorization"), Some("Bearer …"));
        assert!(!format!("{entry:?} {}", server.report()).contains(&server.key()));
        assert!(entry.time >= before && entry.path.ends_with("/v1/chat/completions"));
        assert_eq!(entry.json()["messages"][0]["role"], "user");
        assert_eq!((entry.status, entry.answered, entry.gone), (Some(200), Some(200), false));
        assert_eq!(server.count("POST /"), 1);
        server.assert_secret(&server.key());
    }
    let ollama = FakeOllama::start().await;
    ollama.answer_with(|_| hello());
    assert_eq!(sent(ask_ollama(&ollama, &json!({"stream": false}))).await.0, 200);
    assert_eq!(ollama.last().expect("a request").header("authorization"), None);
    assert_eq!(text(ask_ollama(&ollama, &json!({})).header("authorization", "Basic abc")).await.0, 200);
    assert_eq!(ollama.last().expect("a request").header("authorization"), Some("…"));
}

/// Puts a key where it does not belong.
type Leak = fn(reqwest::RequestBuilder, &str) -> reqwest::RequestBuilder;

#[tokio::test]
async fn a_key_that_is_wrong_or_not_only_in_its_place_is_found() {
    let key = Flavour::OpenAi.key();
    let leaks: [(&str, Leak); 4] = [
        ("another key, or none", |request, _| request.bearer_auth("sk-other")),
        ("the key is not only where it belongs", |request, key| request.header("x-key", key)),
        ("the key is not only where it belongs", |request, key| request.query(&[("key", key)])),
        ("the key is in the body", |request, key| request.body(format!("{{\"user\":\"{key}\"}}"))),
    ];
    for (what, leak) in leaks {
        let server = FakeCompatible::start_as(Flavour::OpenAi).await;
        server.answer_with(|_| hello());
        text(ask(&server, &json!({}))).await;
        server.assert_secret(key);
        let plain = client().post(format!("{}/chat/completions", server.url()));
        let plain = if what.starts_with("another") { plain } else { plain.bearer_auth(key) };
        text(leak(plain, key)).await;
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.assert_secret(key)));
        let told = judged.expect_err("a leak is found").downcast::<String>().expect("words");
        assert!(told.contains(what) && !told.contains(key), "{told}");
    }
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    text(client().get(format!("{}/models", server.url()))).await;
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.assert_secret(key)));
    assert!(judged.is_err(), "no key at all");
}

#[tokio::test]
async fn the_prompts_hold_all_text_that_was_sent_with_its_escapes_resolved() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer_with(|_| hello());
    let function =
        json!({"name": "plan", "description": "for \"bob\"", "parameters": {"type": "object", "street_9": {}}});
    let messages = json!([
        {"role": "system", "content": "one\ntwo"},
        {"role": "user", "content": [{"type": "text", "text": "café"}]},
    ]);
    let fields = json!({"messages": messages, "tools": [{"type": "function", "function": function}], "seed": 4711});
    assert_eq!(sent(ask(&server, &fields)).await.0, 200);
    text(client().get(format!("{}/models", server.url())).bearer_auth(server.key())).await;
    let broken = client().post(format!("{}/chat/completions", server.url())).bearer_auth(server.key());
    text(broken.header("content-type", "application/json").body("{\"x\": \"caf")).await;
    let prompts = server.prompts();
    assert_eq!(prompts.len(), 2, "one has no body");
    for text in ["one\ntwo", "café", "for \"bob\"", "street_9", "4711", "gpt-4o-mini"] {
        assert!(prompts[0].contains(text), "{text} in {}", prompts[0]);
    }
    assert!(prompts[1].contains("caf"), "what is no JSON was sent all the same");
}

#[tokio::test]
async fn a_client_that_hangs_up_early_is_in_the_ledger() {
    let server = FakeOllama::start().await;
    server.answer(Reply::text("x".repeat(1000)).in_chunks(1).pausing(std::time::Duration::from_millis(20)));
    let mut answer = ask_ollama(&server, &json!({})).send().await.expect("a head");
    assert!(answer.chunk().await.expect("a chunk").is_some());
    assert!(!server.last().expect("a request").gone);
    drop(answer);
    server.wait_for_hangup().await;
    server.answer(hello());
    assert_eq!(text(ask_ollama(&server, &json!({}))).await.0, 200);
    assert!(!server.last().expect("a request").gone);
    server.assert_no_violations();
}

#[tokio::test]
async fn the_function_sees_what_was_asked() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer_with(|asked| Reply::text(format!("{} {} {}", asked.model, asked.stream, asked.body["seed"])));
    let (_, body) = sent(ask(&server, &json!({"seed": 3}))).await;
    assert_eq!(body["choices"][0]["message"]["content"], "gpt-4o-mini false 3");
    let asked = server.asked();
    assert_eq!((asked[0].user(), asked[0].system()), ("Plan a party as JSON", ""));
    assert_eq!(
        asked[0].body["messages"],
        Value::from(vec![json!({"role": "user", "content": "Plan a party as JSON"})])
    );
}
