//! What a person may have models asked in a day, and what they are told when that is spent.

use futures_util::future::join_all;
use reqwest::Method;

use super::peer::{Peer, status};
use super::*;
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;
use crate::service::TOKEN;

/// Words that rules alone understand too.
const WORDS: &str = "email bob@test.local that dinner is at eight";

fn setup(dir: &std::path::Path, ai: &FakeAi) -> Setup {
    ai.ollama.answer_with(|_| Reply::json(&mail_plan("bob@test.local", "Dinner")));
    with_models(Setup::new(dir, "smtp://127.0.0.1:9"), ai, "ollama")
}

/// Who plans for a person, in a conversation of its own, and what they are told besides.
async fn planned(service: &Service, token: &str, session: &str) -> (String, String) {
    let body = json!({"message": WORDS, "session_id": session});
    let path = "/api/agent/process";
    let (code, answer) = service.call_as(token, Method::POST, path, Some(body), None).await.expect("an answer");
    assert!(code == 200 && answer["requires_confirmation"] == true, "{code} {answer:#}");
    let path = format!("/api/tasks/{}/events", answer["task_id"].as_str().expect("a task"));
    let (_, events) = service.call_as(token, Method::GET, &path, None, None).await.expect("an answer");
    let frames = events["events"].as_array().expect("frames").iter();
    let said = frames.filter_map(|frame| frame["data"]["text"].as_str()).collect::<Vec<_>>().join("\n");
    (answer["planner"].as_str().expect("a planner").to_owned(), said)
}

async fn invited(service: &Service) -> String {
    let code = service.post("/api/invites", json!({})).await["code"].clone();
    let session = service.post("/api/session", json!({"code": code, "name": "Bob"})).await;
    session["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_day_are_counted_for_each_person_and_over_a_restart() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let setup = setup(dir.path(), &ai).with("QUOTA_AI_CALLS_DAY", "2");
    let service = Service::start(&setup);
    let bob = invited(&service).await;
    let ollama = Peer::of(&ai, "ollama");
    for session in ["a", "b"] {
        assert_eq!(planned(&service, TOKEN, session).await.0, "ollama");
    }
    let (by, told) = planned(&service, TOKEN, "c").await;
    assert_eq!((by.as_str(), ollama.chats().len()), ("builtin", 2), "no call at all");
    assert!(told.contains("I planned this by my own rules") && told.contains("QUOTA_AI_CALLS_DAY"), "{told}");
    assert!(told.contains("limit of 2 calls"), "{told}");
    // Another person's day is another one.
    let (by, told) = planned(&service, &bob, "bob-a").await;
    assert_eq!((by.as_str(), ollama.chats().len(), told.contains("limit")), ("ollama", 3, false), "{told}");
    assert!(service.stop());

    let service = Service::start(&setup);
    assert_eq!(planned(&service, TOKEN, "d").await.0, "builtin", "the day is not over");
    assert_eq!(planned(&service, &bob, "bob-b").await.0, "ollama", "one is left");
    assert_eq!(planned(&service, &bob, "bob-c").await.0, "builtin");
    assert_eq!(ollama.chats().len(), 4);
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_day_are_counted_before_they_are_spent() {
    let ai = FakeAi::start().await;
    let ollama = Peer::of(&ai, "ollama");
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&setup(dir.path(), &ai));
    planned(&service, TOKEN, "a").await;
    let took = status(&service, "ollama").await["tokens"].as_u64().expect("a number");
    assert!(took > 500, "the prompt alone has more: {took}");

    // Room for one call and its longest answer, and not for another one besides what the first took.
    let limit = took * 4 / 3 + 2_048 + took / 2;
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&setup(dir.path(), &ai).with("QUOTA_AI_TOKENS_DAY", &limit.to_string()));
    assert_eq!(planned(&service, TOKEN, "a").await.0, "ollama");
    let (by, told) = planned(&service, TOKEN, "b").await;
    assert_eq!((by.as_str(), ollama.chats().len()), ("builtin", 2), "no call at all");
    assert!(told.contains("QUOTA_AI_TOKENS_DAY") && told.contains(&limit.to_string()), "{told}");

    // With less room than one answer may take nobody is asked even once.
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&setup(dir.path(), &ai).with("QUOTA_AI_TOKENS_DAY", "1000"));
    assert_eq!(planned(&service, TOKEN, "a").await.0, "builtin");
    assert_eq!(ollama.chats().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_share_what_is_left() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = Service::start(&setup(dir.path(), &ai).with("QUOTA_AI_CALLS_DAY", "5"));
    let slow = |_: &_| {
        let reply = Reply::json(&mail_plan("bob@test.local", "Dinner"));
        reply.in_chunks(64).pausing(std::time::Duration::from_millis(20))
    };
    ai.ollama.answer_with(slow);
    let sessions: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    let all = join_all(sessions.iter().map(|session| planned(&service, TOKEN, session))).await;
    let by_model = all.iter().filter(|(by, _)| by == "ollama").count();
    assert_eq!((by_model, Peer::of(&ai, "ollama").chats().len()), (5, 5));
    for (by, told) in &all {
        assert_eq!(by == "builtin", told.contains("QUOTA_AI_CALLS_DAY"), "{by}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_ends_before_another_way_is_found_is_told_as_the_reason() {
    let (ai, dir, smtp) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"), FakeSmtp::start().await);
    smtp.refuse("bob@test.local", "550 5.1.1 no such user here");
    ai.ollama.answer(Reply::json(&mail_plan("bob@test.local", "Dinner")));
    let setup = with_models(Setup::new(dir.path(), &smtp.url()), &ai, "ollama").with("QUOTA_AI_CALLS_DAY", "1");
    let service = Service::start(&setup);
    let task = say(&service, WORDS).await["task_id"].as_str().expect("a task").to_owned();
    service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    service.post("/api/agent/select", json!({"session_id": "s", "selection": "replan"})).await;
    let ended = service.task_until(&task, has_ended).await;
    let summary = ended["result"]["summary"].as_str().expect("a summary");
    let why =
        "without a model I know no other way (today's limit of 1 calls to models is reached (QUOTA_AI_CALLS_DAY))";
    assert!(summary.contains(why), "{summary}");
    assert!(!summary.contains("I planned this"), "nothing was planned: {summary}");
}
