//! The stand-in for the services that follow OpenAI: what they share.

use serde_json::{Value, json};

use super::{HELLO, ask, client, events, hello, said, sent, services, text};
use crate::fake_ai::{FakeCompatible, Finish, Flavour, Reply};

fn tools() -> Value {
    let function = |name: &str| json!({"name": name, "parameters": {"type": "object", "properties": {}}});
    json!([{"type": "function", "function": function("plan")}, {"type": "function", "function": function("ask")}])
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_usage() {
    for server in services().await {
        server.answer(hello());
        let fields = json!({"temperature": 0.2, "seed": 7, "user": "u1", "max_tokens": 500});
        let (status, body) = sent(ask(&server, &fields)).await;
        assert_eq!((status, &body["object"]), (200, &json!("chat.completion")));
        let choice = &body["choices"][0];
        assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &json!("stop")));
        assert_eq!(choice["message"]["role"], "assistant");
        assert_eq!(choice["message"]["content"], HELLO);
        assert!(body["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")) && body["created"].is_i64());
        let usage = &body["usage"];
        let sum = usage["prompt_tokens"].as_u64().zip(usage["completion_tokens"].as_u64());
        assert_eq!(sum.map(|(prompt, completion)| prompt + completion), usage["total_tokens"].as_u64(), "{usage}");
        assert!(usage["completion_tokens"] == 8, "{usage}");
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn an_answer_comes_in_events_with_a_mark_at_the_end() {
    for server in services().await {
        server.answer(hello().in_chunks(5));
        let answer = ask(&server, &json!({"stream": true})).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        let body = answer.text().await.expect("a body");
        assert!(body.ends_with("data: [DONE]\n\n") && !body.contains('\r') && !body.contains(": ping"));
        let (events, done) = events(&body);
        assert!(done);
        assert_eq!(said(&events), HELLO);
        assert_eq!(events.len(), 9, "the role, seven chunks and the end");
        assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
        for event in &events {
            assert_eq!((&event["object"], &event["id"]), (&json!("chat.completion.chunk"), &events[0]["id"]));
        }
        let reasons: Vec<_> = events.iter().map(|event| &event["choices"][0]["finish_reason"]).collect();
        assert!(reasons[..8].iter().all(|reason| reason.is_null()) && reasons[8] == "stop");
        assert!(events.iter().all(|event| event.get("usage").is_none()));
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn the_usage_of_a_stream_comes_when_it_is_wanted() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    server.answer(hello());
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
    let (events, done) = events(&text(ask(&server, &fields)).await.1);
    let (last, chunks) = events.split_last().expect("events");
    assert!(done && last["choices"] == json!([]) && last["usage"]["total_tokens"].is_u64(), "{last}");
    assert!(chunks.iter().all(|event| event.get("usage") == Some(&Value::Null)));
    server.assert_no_violations();
}

#[tokio::test]
async fn calls_of_tools_come_whole_or_in_fragments() {
    for server in services().await {
        let arguments = json!({"title": "Party ✨ in Goa"});
        let reply = Reply::tool("plan", &arguments).and_tool("ask", "{\"q\":1}").in_chunks(6);
        server.answer(reply.clone());
        let (_, body) = sent(ask(&server, &json!({"tools": tools()}))).await;
        let message = &body["choices"][0]["message"];
        assert_eq!((&message["content"], message["tool_calls"].as_array().map(Vec::len)), (&Value::Null, Some(2)));
        let call = &message["tool_calls"][0];
        assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("plan")));
        assert_eq!(call["function"]["arguments"], arguments.to_string());
        assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
        server.answer(reply);
        let (events, _) = events(&text(ask(&server, &json!({"tools": tools(), "stream": true}))).await.1);
        let mut calls = vec![(String::new(), String::new(), 0); 2];
        for part in events.iter().filter_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array()).flatten() {
            let own = &mut calls[usize::try_from(part["index"].as_u64().expect("an index")).expect("small")];
            own.0.push_str(part["function"]["name"].as_str().unwrap_or_default());
            own.1.push_str(part["function"]["arguments"].as_str().expect("a fragment"));
            own.2 += usize::from(part["id"].is_string() && part["type"] == "function");
        }
        assert_eq!(calls[0], ("plan".to_owned(), arguments.to_string(), 1));
        assert_eq!(calls[1], ("ask".to_owned(), "{\"q\":1}".to_owned(), 1));
        assert_eq!(events.last().expect("an event")["choices"][0]["finish_reason"], "tool_calls");
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn an_answer_in_json_becomes_the_arguments_of_the_tool_that_must_be_called() {
    for server in services().await {
        let plan = json!({"version": 1});
        let named = json!({"type": "function", "function": {"name": "ask"}});
        for (choice, tool) in [(named, "ask"), (json!("required"), "plan")] {
            server.answer(Reply::json(&plan));
            let (_, body) = sent(ask(&server, &json!({"tools": tools(), "tool_choice": choice}))).await;
            let function = &body["choices"][0]["message"]["tool_calls"][0]["function"];
            assert_eq!(function, &json!({"name": tool, "arguments": plan.to_string()}));
            assert_eq!(body["choices"][0]["message"]["content"], Value::Null);
            let stop = tool == "ask" && server.key().starts_with("sk-");
            assert_eq!(body["choices"][0]["finish_reason"], if stop { "stop" } else { "tool_calls" });
        }
        server.answer(Reply::json(&plan));
        let fields = json!({"tools": tools(), "tool_choice": "required", "stream": true});
        let (events, _) = events(&text(ask(&server, &fields)).await.1);
        assert_eq!(said(&events), "", "no text besides");
        server.answer(Reply::json(&plan));
        let (_, body) = sent(ask(&server, &json!({"tools": tools(), "tool_choice": "auto"}))).await;
        assert_eq!(body["choices"][0]["message"]["content"], plan.to_string());
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn an_answer_ends_for_length_or_for_offence() {
    let server = FakeCompatible::start_as(Flavour::OpenAi).await;
    for (fields, reply, text, reason) in [
        (json!({"max_tokens": 5}), Reply::text("x".repeat(100)), "x".repeat(20), "length"),
        (json!({"max_completion_tokens": 1}), Reply::text("ééé"), "éé".to_owned(), "length"),
        (json!({}), hello().finishing(Finish::Length), HELLO.to_owned(), "length"),
        (json!({}), hello().finishing(Finish::ContentFilter), HELLO.to_owned(), "content_filter"),
    ] {
        server.answer(reply);
        let (_, body) = sent(ask(&server, &fields)).await;
        assert_eq!(body["choices"][0]["message"]["content"], text);
        assert_eq!(body["choices"][0]["finish_reason"], reason);
    }
    server.assert_no_violations();
}

#[tokio::test]
async fn messages_are_texts_or_parts_with_images() {
    for server in services().await {
        server.answer_with(|asked| {
            Reply::json(&json!({"user": asked.user(), "image": asked.messages[0].images.first()}))
        });
        let model =
            if server.key().starts_with("gsk") { "meta-llama/llama-4-scout-17b-16e-instruct" } else { "gpt-4o-mini" };
        let url = json!({"url": "data:image/jpeg;base64,AQID", "detail": "low"});
        let parts = json!([
            {"type": "text", "text": "What is"},
            {"type": "text", "text": "this?"},
            {"type": "image_url", "image_url": url},
        ]);
        let fields = json!({"model": model, "messages": [{"role": "user", "content": parts}]});
        let (_, body) = sent(ask(&server, &fields)).await;
        let content: Value =
            serde_json::from_str(body["choices"][0]["message"]["content"].as_str().expect("text")).expect("JSON");
        assert_eq!(content, json!({"user": "What is\nthis?", "image": [1, 2, 3]}));
        server.assert_no_violations();
    }
}

#[tokio::test]
async fn the_models_are_told_to_who_has_the_key() {
    for server in services().await {
        let url = format!("{}/models", server.url());
        let (status, body) = sent(client().get(&url).bearer_auth(server.key())).await;
        assert_eq!((status, &body["object"]), (200, &json!("list")));
        let first = &body["data"][0];
        assert!(first["id"].is_string() && first["object"] == "model" && first["owned_by"].is_string());
        server.assert_no_violations();
        assert_eq!(sent(client().get(&url)).await.0, 401);
        assert_eq!(server.take_violations(), [format!("GET {}: no key", &url[server.origin().len()..])]);
        server.set_key("another");
        assert_eq!(sent(client().get(&url).bearer_auth("sk-wrong")).await.0, 401);
        assert_eq!(sent(client().get(&url).bearer_auth("another")).await.0, 200);
        server.assert_no_violations();
    }
}
