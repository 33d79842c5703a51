//! What a person sees of models through the doors of the whole service.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::peer::{Peer, breaker, status};
use super::*;
use crate::fake_ai::Reply;
use crate::fake_ai::ollama::Model;
use crate::fake_http::Response;
use crate::fake_web::Fault;
use crate::service::TOKEN;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";
/// Words that rules understand.
const WORDS: &str = "email bob@test.local that dinner is at eight";

/// The text frames of a person's socket, until one of this kind has come.
async fn frames_until(service: &Service, kind: &str, said: impl Future<Output = Value>) -> Vec<Value> {
    let me = service.get("/api/me").await["user_id"].as_str().expect("an id").to_owned();
    let url = format!("{}/ws/{me}", service.base).replacen("http", "ws", 1);
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut socket, _) = connect_async(request).await.expect("a socket");
    let heard = async {
        let mut frames: Vec<Value> = Vec::new();
        while frames.last().is_none_or(|frame| frame["type"] != kind) {
            let message = socket.next().await.expect("more").expect("a frame");
            let Ok(text) = message.to_text() else { continue };
            frames.extend(serde_json::from_str(text));
        }
        frames
    };
    let both = async { tokio::join!(heard, said) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("it came").0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_reply_is_streamed_while_it_is_made() {
    const REPLY: &str = "Goa has two seasons: \"dry\" and wet \u{1f327}, and neither is cold.";
    for order in ["ollama", "groq"] {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        let service = consenting(&with_models(Setup::new(dir.path(), ""), &ai, order)).await;
        let reply = Reply::json(&json!({"kind": "reply", "text": REPLY}));
        let reply = reply.in_chunks(4).pausing(Duration::from_millis(100));
        Peer::of(&ai, order).answer_with(move |_| reply.clone());
        let frames = frames_until(&service, "task_completed", say(&service, "flumph about Goa?")).await;
        let kind = |frame: &&Value, kind: &str| frame["type"] == kind;
        let chunks: Vec<&str> = frames
            .iter()
            .filter(|frame| kind(frame, "ai_streaming"))
            .map(|frame| frame["data"]["chunk"].as_str().expect("a chunk"))
            .collect();
        assert!(chunks.len() >= 2 && chunks.iter().all(|chunk| !chunk.is_empty()), "{order}: {chunks:?}");
        assert!(REPLY.starts_with(&chunks.concat()), "{order}: {chunks:?}");
        let message = frames.iter().find(|frame| kind(frame, "message")).expect("a reply");
        assert!(message["data"]["text"].as_str().is_some_and(|text| text.starts_with(REPLY)), "{message:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_looked_at_by_whom_its_person_allows() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "openai"));
    for (session, allowed) in [("a", false), ("b", true)] {
        if allowed {
            allow_remote(&service).await;
            ai.openai.answer(Reply::text("A menu of the Blue Hall"));
            ai.openai.answer(Reply::json(&mail_plan("bob@test.local", "Dinner")));
        }
        let (code, photo) = service.upload(TOKEN, "/api/photos", JPEG.to_vec()).await.expect("an answer");
        assert_eq!(code, 201, "{photo:#}");
        let body = json!({"message": WORDS, "session_id": session, "photos": [photo["photo_id"]]});
        let answer = service.post("/api/agent/process", body).await;
        let asked = ai.openai.asked();
        if allowed {
            assert_eq!((answer["planner"].as_str(), asked.len()), (Some("openai"), 2), "{answer:#}");
            assert!(asked[0].messages[0].images == [JPEG], "as it was sent");
            assert!(asked[1].user().contains("- A menu of the Blue Hall"), "{}", asked[1].user());
        } else {
            assert_eq!(answer["planner"], "builtin", "{answer:#}");
            assert!(ai.openai.ledger().is_empty(), "nothing leaves without consent");
            let path = format!("/api/tasks/{}/events", answer["task_id"].as_str().expect("a task"));
            let told = service.get(&path).await.to_string();
            assert!(told.contains("only openai could, and you have not allowed remote models"), "{told}");
        }
    }
}

/// Waits until the part of this name is off, and gives it: models are looked at beside the start.
async fn absent(service: &Service, name: &str) -> Value {
    let off = async {
        loop {
            let said = service.get("/api/status").await;
            let features = said["features"].as_array().expect("features");
            let one = features.iter().find(|one| one["name"] == name).expect("it");
            if one["on"] == false {
                return one.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), off).await.expect("it is found to be off")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_pulled_is_told_and_not_asked() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    ai.ollama.set_models(vec![Model::new("mistral")]);
    // Longer than the start waits for the look.
    ai.ollama.fault_at("GET /api/tags", 1, Fault::Delay(Duration::from_millis(300)));
    let service = Service::start(&with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "ollama"));
    let ollama = absent(&service, "ollama").await;
    assert!(ollama["detail"].as_str().is_some_and(|why| why.contains("ollama pull llama3.2")), "{ollama:#}");
    assert_eq!(say(&service, WORDS).await["planner"], "builtin");
    assert!(Peer::of(&ai, "ollama").chats().is_empty());
    assert_eq!(service.get("/api/health").await["ai_providers"], json!(["builtin"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_which_models_are_to_be_pulled_and_what_for() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let setup = with_models(Setup::new(dir.path(), ""), &ai, "ollama");
    let doctor = || {
        let output = setup.command().arg("doctor").output().expect("doctor runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.lines()
            .filter_map(|line| line.split_once("ollama   "))
            .map(|(mark, rest)| format!("{mark}{}", rest.trim()))
            .collect::<Vec<_>>()
    };
    ai.ollama.set_models(vec![Model::new("mistral")]);
    let url = format!("{}/", ai.ollama.origin());
    assert_eq!(doctor(), [format!("BAD  llama3.2 at {url}: it has no model llama3.2: ollama pull llama3.2")]);
    ai.ollama.set_models(vec![Model::new("llama3.2:latest"), Model::new("codellama")]);
    let on = format!("on   llama3.2 at {url}");
    let without = [
        "off  pictures are not looked at: ollama pull llava",
        "off  memories are found by their words, not by their meaning: ollama pull nomic-embed-text",
    ];
    assert_eq!(doctor(), [&[on.as_str()], &without[..]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_model_is_left_alone_after_one_request() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = consenting(&with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "groq")).await;
    let body = json!({"error": {"message": "The model has been decommissioned", "type": "invalid_request_error", "code": "model_decommissioned"}});
    Peer::of(&ai, "groq").fails(Fault::Answer(Response::new(400, "application/json", body.to_string())));
    for session in ["a", "b"] {
        assert_eq!(say_in(&service, session, WORDS).await["planner"], "builtin");
    }
    assert_eq!(Peer::of(&ai, "groq").chats().len(), 1, "no other form is tried, and no second time");
    assert_eq!(breaker(&service, "groq").await, "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn ollama_is_asked_without_a_form_that_it_cannot_take() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "ollama"));
    let body = json!({"error": "failed to parse grammar"});
    let refused = Fault::Answer(Response::new(500, "application/json", body.to_string()));
    ai.ollama.fault_at(&ai.ollama.chats(), 1, refused);
    ai.ollama.answer(Reply::json(&mail_plan("bob@test.local", "Dinner")));
    assert_eq!(say(&service, WORDS).await["planner"], "ollama");
    let forms: Vec<bool> =
        Peer::of(&ai, "ollama").chats().iter().map(|chat| chat.json().get("format").is_some()).collect();
    assert_eq!(forms, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_reached_nobody_is_none_of_the_day() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let setup = with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "zuki,ollama");
    let service = consenting(&setup.with("QUOTA_AI_CALLS_DAY", "2")).await;
    ai.zuki.stop();
    ai.ollama.answer_with(|_| Reply::json(&mail_plan("bob@test.local", "Dinner")));
    for session in ["a", "b"] {
        assert_eq!(say_in(&service, session, WORDS).await["planner"], "ollama");
    }
    assert_eq!(status(&service, "zuki").await["requests"], 2, "it was tried both times");
    assert_eq!(say_in(&service, "c", WORDS).await["planner"], "builtin");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_told_with_its_cost_and_counted() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let setup = with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "zuki,groq");
    let service = consenting(&setup.with("GROQ_PRICE", "1000/2000")).await;
    Peer::of(&ai, "zuki").fails(Fault::ServerError);
    ai.groq.answer(Reply::json(&mail_plan("bob@test.local", "Dinner")));
    assert_eq!(say(&service, WORDS).await["planner"], "groq");
    let said = service.get("/api/status").await;
    let models = said["ai_usage_today"]["models"].as_array().expect("models").clone();
    let groq = models.iter().find(|one| one["provider"] == "groq").expect("groq");
    let count = |name: &str| groq[name].as_u64().expect("a number");
    assert_eq!((count("calls"), &groq["model"]), (1, &json!("llama-3.3-70b-versatile")));
    assert!(count("input_tokens") > 500 && count("output_tokens") > 10, "{groq:#}");
    assert_eq!(count("cost_micros"), 1_000 * count("input_tokens") + 2_000 * count("output_tokens"));
    let (_, metrics) = service.call(reqwest::Method::GET, "/metrics", None).await.expect("metrics");
    let metrics = metrics.as_str().expect("text");
    for line in [
        "ai_requests_total{provider=\"groq\"} 1",
        "ai_errors_total{provider=\"zuki\",class=\"overload\"} 1",
        "ai_answers_total{provider=\"groq\"} 1",
        "ai_breaker_not_closed{provider=\"groq\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_takes_twice_the_time_of_a_call_and_no_longer() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let setup = with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "ollama,groq,zuki,openai");
    let setup = setup.with("AI_FIRST_BYTE_TIMEOUT_SECS", "2").with("AI_TOTAL_TIMEOUT_SECS", "2");
    let service = consenting(&setup).await;
    for name in ["ollama", "groq", "zuki", "openai"] {
        Peer::of(&ai, name).answer_with(|_| Reply::text("never read"));
        Peer::of(&ai, name).fails(Fault::HeadThenHang);
    }
    let began = Instant::now();
    assert_eq!(say(&service, WORDS).await["planner"], "builtin");
    assert!((Duration::from_secs(4)..Duration::from_secs(6)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(Peer::of(&ai, "openai").chats().is_empty(), "there was no time left for the fourth");
}
