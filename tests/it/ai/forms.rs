//! The form in which a model's answer is made to fit: what is refused or ignored is found out once.

use super::peer::{Peer, status};
use super::*;
use crate::fake_ai::compatible::StreamOptions;
use crate::fake_ai::{FakeCompatible, Finish, Reply};
use crate::fake_http::Response;
use crate::fake_web::{Entry, Fault};

async fn service(dir: &std::path::Path, ai: &FakeAi, name: &str) -> Service {
    let service = consenting(&with_models(Setup::new(dir, "smtp://127.0.0.1:9"), ai, name)).await;
    service.contact("Bob Miller", "bob@test.local").await;
    service
}

/// The form that each request for a chat asked for, with a mark where it asked for the usage.
fn forms(chats: &[Entry]) -> Vec<String> {
    let form = |entry: &Entry| {
        let body = entry.json();
        let form = match (body.get("response_format"), body.get("tools")) {
            (Some(_), None) => "schema",
            (None, Some(_)) => "tool",
            (None, None) => "plain",
            (Some(_), Some(_)) => "both",
        };
        let counts = body.get("stream_options").is_some();
        format!("{form}{}", if counts { "+usage" } else { "" })
    };
    chats.iter().map(form).collect()
}

/// Two requests, each planned by this model; the forms of the chats of either.
async fn twice(service: &Service, server: &FakeCompatible, name: &str) -> (Vec<String>, Vec<String>) {
    let mut seen = 0;
    let mut rounds = Vec::new();
    for session in ["a", "b"] {
        let answer = say_in(service, session, "write to Bob what I promised").await;
        assert_eq!(answer["planner"], name, "{answer:#}");
        assert_eq!(answer["pending_actions"][0]["parameters"]["to"], json!(["bob@test.local"]), "{answer:#}");
        let chats = server.requests_to(&server.chats());
        rounds.push(forms(&chats[seen..]));
        seen = chats.len();
    }
    let second = rounds.pop().expect("two");
    (rounds.pop().expect("two"), second)
}

async fn learnt(service: &Service, name: &str) -> Value {
    let seen = status(service, name).await;
    assert_eq!(seen["errors"], 0, "{seen:#}");
    let models = seen["breakers"].as_object().expect("models");
    models.values().next().expect("a model")["learnt"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_refused_becomes_a_tool_for_good() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "groq").await;
    ai.groq.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
    let (first, second) = twice(&service, &ai.groq, "groq").await;
    assert_eq!((first, second), (words(&["schema+usage", "tool+usage"]), words(&["tool+usage"])));
    assert_eq!(learnt(&service, "groq").await, "answers by tool calls");
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_no_form_at_all_is_asked_in_words() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "zuki").await;
    ai.zuki.set_takes_format(false);
    ai.zuki.set_takes_tools(false);
    ai.zuki.answer_with(|_| Reply::fenced(&mail_plan("Bob Miller", "Hello")));
    let (first, second) = twice(&service, &ai.zuki, "zuki").await;
    assert_eq!(first, words(&["schema+usage", "tool+usage", "plain+usage"]));
    assert_eq!(second, words(&["plain+usage"]));
    assert_eq!(learnt(&service, "zuki").await, "answers by plain JSON");
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usage_is_not_asked_for_again_where_that_is_refused() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "openai").await;
    ai.openai.set_stream_options(StreamOptions::Refused);
    ai.openai.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
    let (first, second) = twice(&service, &ai.openai, "openai").await;
    assert_eq!((first, second), (words(&["schema+usage", "schema"]), words(&["schema"])), "the form is kept");
    let seen = status(&service, "openai").await;
    assert!(seen["tokens"].as_u64().is_some_and(|tokens| tokens > 0), "it is estimated then: {seen:#}");
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_ignored_is_not_offered_again() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "zuki").await;
    ai.zuki.set_takes_format(false);
    ai.zuki.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")).ignoring_tools());
    let (first, second) = twice(&service, &ai.zuki, "zuki").await;
    assert_eq!((first, second), (words(&["schema+usage", "tool+usage"]), words(&["plain+usage"])));
    assert_eq!(learnt(&service, "zuki").await, "answers by plain JSON");
    assert_eq!(Peer::of(&ai, "zuki").asked().len(), 2, "the answer that came without the tool was used");
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_whose_arguments_do_not_fit_is_read_here_and_mended() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "groq").await;
    let mut odd = mail_plan("Bob Miller", "Hello");
    odd["stages"][0]["type"] = json!("do");
    ai.groq.answer(Reply::json(&odd));
    ai.groq.answer_with(|asked| {
        assert!(asked.user().contains("without these faults"), "{}", asked.user());
        Reply::json(&mail_plan("Bob Miller", "Hello"))
    });
    let answer = say(&service, "write to Bob what I promised").await;
    assert_eq!(answer["planner"], "groq", "{answer:#}");
    let chats = ai.groq.requests_to(&ai.groq.chats());
    assert_eq!(forms(&chats), words(&["schema+usage", "tool+usage", "tool+usage"]));
    assert_eq!(learnt(&service, "groq").await, "answers by tool calls");
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_what_does_not_fit_is_not_told_it_is_asked_for_in_words() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "groq").await;
    ai.groq.answer(Reply::json(&json!({"kind": "perhaps"})).untold());
    ai.groq.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
    let (first, second) = twice(&service, &ai.groq, "groq").await;
    assert_eq!(first, words(&["schema+usage", "tool+usage", "plain+usage"]));
    assert_eq!(second, words(&["plain+usage"]));
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_declared_as_every_service_takes_it() {
    for name in ["openai", "zuki", "groq"] {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        let service = service(dir.path(), &ai, name).await;
        let Peer::Compatible(server) = Peer::of(&ai, name) else { panic!("not Ollama") };
        server.set_takes_format(false);
        server.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
        let (first, second) = twice(&service, &server, name).await;
        assert_eq!((first, second), (words(&["schema+usage", "tool+usage"]), words(&["tool+usage"])), "{name}");
        ai.assert_no_violations();
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_takes_is_remembered_though_its_answer_was_cut() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "openai").await;
    let message =
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}});
    ai.openai.fault(Fault::Answer(Response::json(400, &body)));
    ai.openai.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")).finishing(Finish::Length));
    for session in ["a", "b"] {
        let answer = say_in(&service, session, "write to Bob what I promised").await;
        assert_eq!(answer["planner"], "builtin", "{answer:#}");
    }
    let chats: Vec<Value> = ai.openai.requests_to(&ai.openai.chats()).iter().map(Entry::json).collect();
    let named: Vec<bool> = chats.iter().map(|chat| chat.get("max_tokens").is_some()).collect();
    assert_eq!(named, [true, false, false], "the name is not tried again");
    let (short, long) = (&chats[0]["max_tokens"], &chats[1]["max_completion_tokens"]);
    assert!(long.as_u64() > short.as_u64(), "what it thinks counts: {long} are no more than {short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_is_taken_once() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "openai").await;
    let text = mail_plan("Bob Miller", "Hello").to_string();
    let said = json!({"role": "assistant", "content": text});
    let event = json!({"choices": [{"index": 0, "delta": said, "message": said, "finish_reason": "stop"}]});
    let body = format!("data: {event}\n\ndata: [DONE]\n\n");
    ai.openai.fault(Fault::Answer(Response::new(200, "text/event-stream", body)));
    assert_eq!(say(&service, "write to Bob what I promised").await["planner"], "openai");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_in_vain_is_counted_with_what_came() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = service(dir.path(), &ai, "groq").await;
    ai.groq.answer(Reply::json(&json!({"kind": "perhaps"})).untold());
    ai.groq.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
    let mut used = Vec::new();
    for session in ["a", "b"] {
        assert_eq!(say_in(&service, session, "write to Bob what I promised").await["planner"], "groq");
        let models = service.get("/api/status").await["ai_usage_today"]["models"].clone();
        used.push(models[0]["input_tokens"].as_u64().expect("a number"));
    }
    let (first, second) = (used[0], used[1] - used[0]);
    assert!(first > second + second / 2, "{first} were sent at first, then {second}");
}
