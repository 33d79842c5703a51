//! Providers that are well, each in its own way: what they answer is understood, what they cost is counted.

use std::time::{Duration, Instant};

use super::peer::{Peer, breaker, breaker_until, status};
use super::*;
use crate::fake_ai::{Finish, Reply};
use crate::fake_http::Response;
use crate::fake_web::Fault;
use crate::service::TOKEN;

const WORDS: &str = "write to Bob what I promised";

async fn service(dir: &std::path::Path, ai: &FakeAi, order: &str, settings: &[(&str, &str)]) -> Service {
    let setup = with_models(Setup::new(dir, "smtp://127.0.0.1:9"), ai, order);
    let service = consenting(&settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value))).await;
    service.contact("Bob Miller", "bob@test.local").await;
    service
}

/// What the day's calls to a provider took.
async fn used(service: &Service, provider: &str) -> Value {
    let said = service.get("/api/status").await;
    let models = said["ai_usage_today"]["models"].as_array().expect("models").clone();
    models.into_iter().find(|one| one["provider"] == provider).unwrap_or_else(|| panic!("no {provider}: {said:#}"))
}

fn plan() -> Value {
    mail_plan("Bob Miller", "Hello")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_is_taken_where_a_stream_was_asked_for() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "openai", &[]).await;
    let message = json!({"role": "assistant", "content": plan().to_string()});
    let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}});
    ai.openai.fault(Fault::Answer(Response::json(200, &body)));
    assert_eq!(say(&service, WORDS).await["planner"], "openai");
    let used = used(&service, "openai").await;
    assert_eq!((&used["input_tokens"], &used["output_tokens"]), (&json!(11), &json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_under_a_good_status_is_what_it_says() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "openai", &[]).await;
    let body = json!({"error": {"message": "no backend", "code": 502}});
    Peer::of(&ai, "openai").fails(Fault::Answer(Response::json(200, &body)));
    assert_eq!(say(&service, WORDS).await["planner"], "builtin");
    let seen = status(&service, "openai").await;
    assert_eq!(seen["breakers"]["gpt-4o-mini"]["last_error"], "it failed in the middle of the answer", "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_or_withheld_is_no_answer_and_is_paid_for() {
    for (name, finish) in [("ollama", Finish::Length), ("openai", Finish::Length), ("openai", Finish::ContentFilter)] {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        let service = service(dir.path(), &ai, name, &[]).await;
        Peer::of(&ai, name).answer_with(move |_| Reply::json(&plan()).finishing(finish));
        assert_eq!(say(&service, WORDS).await["planner"], "builtin", "{name} {finish:?}");
        assert_eq!(Peer::of(&ai, name).chats().len(), 1, "{name} {finish:?}: it would be cut again");
        let used = used(&service, name).await;
        assert!(used["output_tokens"].as_u64().is_some_and(|tokens| tokens > 10), "{name} {finish:?}: {used:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_paid_for() {
    for name in ["ollama", "openai"] {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        let service = service(dir.path(), &ai, name, &[]).await;
        Peer::of(&ai, name).answer_with(|_| Reply::text("word ".repeat(400)));
        Peer::of(&ai, name).fails(Fault::Truncated);
        assert_eq!(say(&service, WORDS).await["planner"], "builtin");
        let used = used(&service, name).await;
        assert!(used["output_tokens"].as_u64().is_some_and(|tokens| tokens > 100), "{name}: {used:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_thinks_aloud_is_none_of_its_answer() {
    for name in ["ollama", "openai"] {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        let service = service(dir.path(), &ai, name, &[]).await;
        let thought = json!({"kind": "reply", "text": "Secret thoughts"});
        let said = json!({"kind": "reply", "text": "Rome"});
        Peer::of(&ai, name).answer_with(move |_| Reply::text(format!("<think>{thought}</think>\n{said}")));
        let answer = say(&service, "what is the capital of Italy?").await;
        let response = answer["response"].as_str().expect("words");
        assert!(response.starts_with("Rome") && !response.contains("Secret"), "{name}: {response}");
    }
    // Where it can be asked not to, it is.
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "ollama", &[]).await;
    ai.ollama.answer(Reply::json(&plan()));
    say(&service, WORDS).await;
    assert_eq!(ai.ollama.asked()[0].body["think"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ollama_answers_one_after_the_other_and_nobody_passes_for_unanswered() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    // Whoever waited in the other's queue would hear nothing for longer than this.
    let service = service(dir.path(), &ai, "ollama", &[("AI_FIRST_BYTE_TIMEOUT_SECS", "3")]).await;
    let pause = Duration::from_millis(150);
    ai.ollama.answer_with(move |_| Reply::json(&plan()).in_chunks(40).pausing(pause));
    let (first, second) = tokio::join!(say_in(&service, "a", WORDS), say_in(&service, "b", WORDS));
    assert_eq!((&first["planner"], &second["planner"]), (&json!("ollama"), &json!("ollama")));
    let chats = Peer::of(&ai, "ollama").chats();
    assert_eq!(chats.len(), 2);
    let apart = chats[1].at - chats[0].at;
    assert!(apart >= pause * 4, "the second was asked {apart:?} after the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_ill_and_one_that_may_be_tried_again_is_not() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    ai.ollama.stop();
    let settings = [("AI_BREAKER_FAILURES", "1"), ("AI_BREAKER_COOLDOWN_SECS", "1")];
    let service = service(dir.path(), &ai, "ollama,groq", &settings).await;
    let looked = async {
        loop {
            let health = service.get("/api/health").await;
            if health["components"].get("ai ollama").is_some() {
                return health;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let health = tokio::time::timeout(Duration::from_secs(20), looked).await.expect("it is looked at");
    assert_eq!((&health["status"], &health["ai_providers"]), (&json!("degraded"), &json!(["groq", "builtin"])));
    let seen = status(&service, "ollama").await;
    assert_eq!(seen["status"], "down", "{seen:#}");

    Peer::of(&ai, "groq").fails(Fault::ServerError);
    assert_eq!(say(&service, WORDS).await["planner"], "builtin");
    assert!(service.get("/api/health").await["components"].get("ai groq").is_some());
    breaker_until(&service, "groq", "half_open").await;
    let components = service.get("/api/health").await["components"].clone();
    assert!(components.get("ai groq").is_none(), "nobody knows it to be ill: {components:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_a_picture_leave_time_to_plan() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let settings = [("AI_FIRST_BYTE_TIMEOUT_SECS", "2"), ("AI_TOTAL_TIMEOUT_SECS", "2")];
    let service = service(dir.path(), &ai, "ollama,openai,groq", &settings).await;
    for name in ["ollama", "openai"] {
        Peer::of(&ai, name).answer_with(|_| Reply::text("never read"));
        Peer::of(&ai, name).fails(Fault::HeadThenHang);
    }
    ai.groq.answer_with(|_| Reply::json(&plan()));
    let png: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    let (_, photo) = service.upload(TOKEN, "/api/photos", png.to_vec()).await.expect("an answer");
    let began = Instant::now();
    let body = json!({"message": WORDS, "session_id": "s", "photos": [photo["photo_id"]]});
    let answer = service.post("/api/agent/process", body).await;
    // The one look, and the first of those who plan; there is no time for the next.
    assert!((Duration::from_secs(4)..Duration::from_secs(6)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(answer["planner"], "builtin", "{answer:#}");
    let models: Vec<String> = ai.ollama.asked().iter().map(|asked| asked.model.clone()).collect();
    assert_eq!(models, ["llava", "llama3.2"]);
    assert!(ai.groq.asked().is_empty());
    let used = service.get("/api/status").await["ai_usage_today"]["models"].to_string();
    assert!(!used.contains("llama-3.3"), "and nothing was begun: {used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_for_pictures_says_nothing_of_that_for_plans() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "ollama", &[("AI_BREAKER_FAILURES", "1")]).await;
    ai.ollama.answer_with(|_| Reply::json(&plan()));
    ai.ollama.fault_at(&ai.ollama.chats(), 1, Fault::ServerError);
    let (_, photo) = service.upload(TOKEN, "/api/photos", b"\x89PNG\r\n\x1a\nrest".to_vec()).await.expect("an answer");
    let body = json!({"message": WORDS, "session_id": "s", "photos": [photo["photo_id"]]});
    assert_eq!(service.post("/api/agent/process", body).await["planner"], "ollama");
    assert_eq!(breaker(&service, "ollama").await, "closed");
    assert_eq!(status(&service, "ollama").await["breakers"]["llava"]["breaker"], "open");
    assert!(service.get("/api/health").await["components"].get("ai ollama").is_none());
}

/// A port that neither takes nor refuses connections: its queue is full, and nobody accepts.
struct Full {
    port: u16,
    _listener: tokio::net::TcpListener,
    _waiting: Vec<tokio::net::TcpStream>,
}

impl Full {
    async fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(1).expect("a queue");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        loop {
            let connecting = tokio::net::TcpStream::connect(address);
            match tokio::time::timeout(Duration::from_millis(300), connecting).await {
                Ok(connected) => waiting.push(connected.expect("room in the queue")),
                Err(_) => return Self { port: address.port(), _listener: listener, _waiting: waiting },
            }
            assert!(waiting.len() < 64, "the queue has no end");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_waited_for_no_longer_than_is_set() {
    let (ai, full) = (FakeAi::start().await, Full::new().await);
    let dir = tempfile::tempdir().expect("a directory");
    let url = format!("http://127.0.0.1:{}/v1", full.port);
    let settings =
        [("ZUKI_BASE_URL", url.as_str()), ("AI_CONNECT_TIMEOUT_SECS", "1"), ("AI_FIRST_BYTE_TIMEOUT_SECS", "30")];
    let service = service(dir.path(), &ai, "zuki,groq", &settings).await;
    ai.groq.answer(Reply::json(&plan()));
    let began = Instant::now();
    assert_eq!(say(&service, WORDS).await["planner"], "groq");
    let waited = began.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
    let metrics = service.call(reqwest::Method::GET, "/metrics", None).await.expect("metrics").1;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("ai_errors_total{provider=\"zuki\",class=\"refused\"} 1"), "nothing was sent: {metrics}");
}
