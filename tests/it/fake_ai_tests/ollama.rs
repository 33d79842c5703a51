//! The stand-in for Ollama.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{HELLO, ask_ollama, client, hello, lines, sent, text, told};
use crate::fake_ai::ollama::Model;
use crate::fake_ai::{FakeOllama, Finish, Reply};

#[tokio::test]
async fn the_server_tells_its_version_and_its_models() {
    let server = FakeOllama::start().await;
    let get = |path: &str| client().get(format!("{}{path}", server.url()));
    assert_eq!(text(get("/")).await, (200, "Ollama is running".to_owned()));
    let (status, version) = sent(get("/api/version")).await;
    assert!(status == 200 && version["version"].is_string(), "{version}");
    let (_, body) = sent(get("/api/tags")).await;
    let names: Vec<_> = body["models"].as_array().expect("models").iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["llama3.2:latest", "llava:latest", "codellama:latest", "nomic-embed-text:latest"]);
    let first = &body["models"][0];
    assert!(first["model"] == first["name"] && first["modified_at"].is_string() && first["size"].is_u64());
    assert_eq!(first["digest"].as_str().map(str::len), Some(64));
    for name in ["parent_model", "format", "family", "families", "parameter_size", "quantization_level"] {
        assert!(!first["details"][name].is_null(), "{name}");
    }
    server.set_models(vec![Model::new("mine:1b")]);
    let (_, body) = sent(get("/api/tags")).await;
    assert_eq!(body["models"][0]["name"], "mine:1b");
    server.assert_no_violations();
}

#[tokio::test]
async fn an_answer_is_streamed_in_lines_unless_the_client_says_no() {
    let server = FakeOllama::start().await;
    for fields in [json!({}), json!({"stream": true})] {
        server.answer(hello().in_chunks(5));
        let answer = ask_ollama(&server, &fields).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let lines = lines(&answer.text().await.expect("a body"));
        assert_eq!(told(&lines), HELLO);
        assert_eq!(lines.len(), 8, "seven chunks and the end");
        let (last, chunks) = lines.split_last().expect("lines");
        for chunk in chunks {
            assert_eq!((&chunk["done"], &chunk["model"]), (&json!(false), &json!("llama3.2")));
            assert_eq!(chunk["message"]["role"], "assistant");
            assert!(chunk["created_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{chunk}");
            assert!(chunk.get("done_reason").is_none() && chunk.get("eval_count").is_none());
        }
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
        assert_counts(last);
    }
    server.answer(hello());
    let (status, body) = sent(ask_ollama(&server, &json!({"stream": false}))).await;
    assert_eq!((status, &body["message"]["content"]), (200, &json!(HELLO)));
    assert_eq!((&body["done"], &body["done_reason"]), (&json!(true), &json!("stop")));
    assert_counts(&body);
    server.assert_no_violations();
}

fn assert_counts(last: &Value) {
    for name in
        ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"]
    {
        assert!(last[name].as_u64().is_some_and(|count| count > 0), "{name} in {last}");
    }
}

#[tokio::test]
async fn an_answer_ends_for_length_when_the_client_or_the_script_says_so() {
    let server = FakeOllama::start().await;
    server.answer(Reply::text("x".repeat(100)));
    let (_, body) = sent(ask_ollama(&server, &json!({"stream": false, "options": {"num_predict": 5}}))).await;
    assert_eq!((&body["message"]["content"], &body["done_reason"]), (&json!("x".repeat(20)), &json!("length")));
    server.answer(hello().finishing(Finish::Length));
    let (_, stream) = text(ask_ollama(&server, &json!({"options": {"num_predict": -1}}))).await;
    let lines = lines(&stream);
    assert_eq!(told(&lines), HELLO);
    assert_eq!(lines.last().expect("a line")["done_reason"], "length");
    server.assert_no_violations();
}

#[tokio::test]
async fn a_call_of_a_tool_has_an_object_for_arguments() {
    let server = FakeOllama::start().await;
    let function = json!({"name": "plan", "description": "d", "parameters": {"type": "object"}});
    let tools = json!([{"type": "function", "function": function}]);
    for stream in [true, false] {
        server.answer(Reply::tool("plan", &json!({"title": "Party"})));
        let (status, body) = text(ask_ollama(&server, &json!({"stream": stream, "tools": tools}))).await;
        assert_eq!(status, 200);
        let call = &lines(&body)[0]["message"]["tool_calls"][0]["function"];
        assert_eq!((&call["name"], &call["arguments"]), (&json!("plan"), &json!({"title": "Party"})));
    }
    assert_eq!(server.asked()[0].tools, ["plan"]);
    let fields = json!({"model": "llava", "tools": tools});
    let (status, body) = sent(ask_ollama(&server, &fields)).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"], "registry.ollama.ai/library/llava:latest does not support tools");
    assert_eq!(server.take_violations().len(), 1);
}

#[tokio::test]
async fn formats_images_and_options_reach_the_script() {
    let server = FakeOllama::start().await;
    server.answer_with(|asked| {
        let image = asked.messages.last().and_then(|said| said.images.first().cloned());
        Reply::json(&json!({"format": asked.format, "image": image, "user": asked.user(), "system": asked.system()}))
    });
    let messages = json!([
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Second", "images": ["AQID"]},
    ]);
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (format, seen) in [(schema.clone(), schema), (json!("json"), Value::Null)] {
        let options = json!({"num_ctx": 8192, "temperature": 0.1, "seed": 7, "stop": ["###"]});
        let fields = json!({
            "model": "llava:latest", "messages": messages, "format": format, "stream": false,
            "options": options, "keep_alive": "10m",
        });
        let (_, body) = sent(ask_ollama(&server, &fields)).await;
        let content: Value = serde_json::from_str(body["message"]["content"].as_str().expect("text")).expect("JSON");
        assert_eq!(content, json!({"format": seen, "image": [1, 2, 3], "user": "Second", "system": "Be kind"}));
    }
    assert_eq!(server.asked().iter().filter(|asked| asked.format.is_some()).count(), 2);
    server.assert_no_violations();
}

#[tokio::test]
async fn a_model_that_is_not_there_is_no_fault_of_the_client() {
    let server = FakeOllama::start().await;
    let (status, body) = sent(ask_ollama(&server, &json!({"model": "x"}))).await;
    assert_eq!((status, body), (404, json!({"error": "model 'x' not found"})));
    let embed = client().post(format!("{}/api/embed", server.url())).json(&json!({"model": "y", "input": "a"}));
    assert_eq!(sent(embed).await, (404, json!({"error": "model 'y' not found"})));
    server.assert_no_violations();
}

#[tokio::test]
async fn a_cold_model_is_loaded_by_who_waits_and_by_nobody_who_leaves() {
    let server = FakeOllama::start().await;
    server.answer_with(|_| hello());
    let load = Duration::from_millis(400);
    server.cool_down("llama3.2", load);
    let ask = || ask_ollama(&server, &json!({"model": "llama3.2"}));
    for _ in 0..2 {
        let left = ask().timeout(load / 2).send().await;
        assert!(left.is_err_and(|error| error.is_timeout()));
    }
    let body = json!({"model": "llama3.2", "system": "Be kind", "prompt": ".", "stream": false, "options": {"num_predict": 1}});
    let generate = |body: &Value| client().post(format!("{}/api/generate", server.url())).json(body);
    let began = Instant::now();
    let (status, body_of_load) = sent(generate(&body)).await;
    assert_eq!((status, &body_of_load["done_reason"]), (200, &json!("length")));
    assert!(began.elapsed() >= load);
    assert_eq!(sent(ask().timeout(load / 2)).await.0, 200, "it is loaded");
    server.assert_no_violations();

    assert_eq!(sent(generate(&json!({"model": "x", "stream": false, "options": {"num_predict": 1}}))).await.0, 404);
    server.assert_no_violations();
    for (fields, violation) in [
        (json!({"model": "llama3.2", "options": {"num_predict": 1}}), "a stream of what is not read"),
        (json!({"model": "llama3.2", "stream": false}), "more than a word of what is not read"),
    ] {
        assert_eq!(sent(generate(&fields)).await.0, 200, "{fields}");
        assert!(server.take_violations()[0].contains(violation), "{fields}");
    }
}

#[tokio::test]
async fn what_a_text_is_for_is_told_to_models_that_were_taught_so() {
    let server = FakeOllama::start().await;
    let embed = client().post(format!("{}/api/embed", server.url()));
    sent(embed.json(&json!({"model": "nomic-embed-text", "input": ["search_query: a", "b"]}))).await;
    assert_eq!(server.take_violations().len(), 1);
}

#[tokio::test]
async fn embeddings_are_the_same_each_time_and_near_for_shared_words() {
    let server = FakeOllama::start().await;
    let embed = |input: Value| {
        let body = json!({"model": "nomic-embed-text", "input": input});
        client().post(format!("{}/api/embed", server.url())).json(&body)
    };
    let (status, one) = sent(embed(json!("search_query: book a hall for the party"))).await;
    assert_eq!((status, one["embeddings"].as_array().map(Vec::len)), (200, Some(1)));
    assert!(one["total_duration"].is_u64() && one["load_duration"].is_u64() && one["prompt_eval_count"].is_u64());
    let texts = json!([
        "search_document: book a hall for the party",
        "search_document: Book the HALL, please!",
        "search_document: rain fell on green mountains",
    ]);
    let (_, three) = sent(embed(texts)).await;
    assert_eq!(three["embeddings"][0], one["embeddings"][0]);
    let vector = |at: usize| {
        let values = three["embeddings"][at].as_array().expect("a vector");
        values.iter().map(|value| value.as_f64().expect("a number")).collect::<Vec<_>>()
    };
    let near = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let (hall, same, rain) = (vector(0), vector(1), vector(2));
    assert_eq!(hall.len(), crate::fake_ai::embed::DIMENSIONS);
    assert!((near(&hall, &hall) - 1.0).abs() < 1e-5, "normalised");
    assert!(near(&hall, &same) > 0.5 && near(&hall, &same) > near(&hall, &rain) + 0.3);
    let (_, none) = sent(embed(json!("search_query: ...!"))).await;
    assert!(none["embeddings"][0][0].as_f64().is_some_and(|place| place > 0.9));
    server.assert_no_violations();
}
