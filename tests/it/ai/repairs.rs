//! Answers that cannot be followed: who mends them, how often, and what becomes of those that are only
//! in doubt.

use workflows::ports::{Clock as _, SystemClock};

use super::peer::{Peer, breaker, status};
use super::*;
use crate::fake_ai::{Asked, Reply};
use crate::fake_smtp::FakeSmtp;

/// What no service can do.
const UNKNOWN: &str = "rocket.launch";

struct House {
    ai: FakeAi,
    smtp: FakeSmtp,
    service: Service,
    _dir: tempfile::TempDir,
}

/// Ollama before Groq, for a person who knows Bob.
async fn house() -> House {
    let (ai, smtp, dir) = (FakeAi::start().await, FakeSmtp::start().await, tempfile::tempdir().expect("a directory"));
    ai.groq.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "of the next")));
    let service = consenting(&with_models(Setup::new(dir.path(), &smtp.url()), &ai, "ollama,groq")).await;
    service.contact("Bob Miller", "bob@test.local").await;
    House { ai, smtp, service, _dir: dir }
}

fn unknown() -> Reply {
    Reply::plan_of(UNKNOWN, &json!({"to": ["Bob Miller"]}))
}

fn without_subject() -> Value {
    let mut plan = mail_plan("Bob Miller", "x");
    plan["stages"][0]["params"].as_object_mut().expect("parameters").remove("subject");
    plan
}

/// A plan of one mail with these slots.
fn with_slots(slots: &Value) -> Value {
    let mut plan = mail_plan("Bob Miller", "The party");
    plan["slots"] = slots.clone();
    plan
}

/// Who says what, in the request that came as this one.
fn said(asked: &[Asked], number: usize) -> Vec<(&str, &str)> {
    asked[number].messages.iter().map(|said| (said.role.as_str(), said.text.as_str())).collect()
}

fn roles(asked: &[Asked], number: usize) -> Vec<&str> {
    said(asked, number).into_iter().map(|(role, _)| role).collect()
}

async fn plans(service: &Service, answer: &Value) -> usize {
    let id = answer["task_id"].as_str().expect("a task");
    let events = service.get(&format!("/api/tasks/{id}/events")).await;
    events["events"].as_array().expect("frames").iter().filter(|frame| frame["type"] == "workflow_created").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_go_back_with_the_answer_until_it_can_be_followed() {
    let house = house().await;
    let House { ai, smtp, service, .. } = &house;
    ai.ollama.answer(unknown());
    ai.ollama.answer(Reply::json(&without_subject()));
    ai.ollama.answer(Reply::json(&mail_plan("Bob Miller", "at last")));
    let answer = say(service, "write to Bob what I promised").await;
    assert_eq!(answer["planner"], "ollama", "{answer:#}");
    assert_eq!(answer["pending_actions"][0]["parameters"]["subject"], "at last", "{answer:#}");
    let asked = ai.ollama.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(roles(&asked, 0), ["system", "user"]);
    for (number, (wrong, fault)) in [(UNKNOWN, UNKNOWN), ("As promised.", "subject")].into_iter().enumerate() {
        let said = said(&asked, number + 1);
        assert_eq!(roles(&asked, number + 1), ["system", "user", "assistant", "user"], "only the newest answer");
        assert!(said[2].1.contains(wrong), "its own answer: {}", said[2].1);
        assert!(said[3].1.contains("cannot be followed") && said[3].1.contains(fault), "{}", said[3].1);
    }
    let seen = status(service, "ollama").await;
    assert_eq!(seen["errors"], 0, "what was mended is no error: {seen:#}");
    assert_eq!((plans(service, &answer).await, ai.groq.asked().len()), (1, 0));
    assert_eq!(approve(service, &answer).await["status"], "completed");
    assert_eq!(smtp.ledger().len(), 1);
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_mended_in_two_tries_is_left_to_the_next() {
    let house = house().await;
    let House { ai, service, .. } = &house;
    for _ in 0..3 {
        ai.ollama.answer(unknown());
    }
    // One more would be good, and is not asked for.
    ai.ollama.answer(Reply::json(&mail_plan("Bob Miller", "too late")));
    let answer = say(service, "write to Bob what I promised").await;
    assert_eq!((&answer["planner"], plans(service, &answer).await), (&json!("groq"), 1), "{answer:#}");
    assert_eq!((ai.ollama.asked().len(), ai.ollama.answers_left()), (3, 1));
    let seen = status(service, "ollama").await;
    assert_eq!((&seen["errors"], breaker(service, "ollama").await.as_str()), (&json!(1), "closed"), "{seen:#}");
    // Those faults are not the next one's.
    assert_eq!(roles(&ai.groq.asked(), 0), ["system", "user"]);
}

/// A plan in doubt becomes a question, and the answer to it is planned with. Without a fault the planner is
/// not asked to mend it.
async fn asks_about(words: &str, doubtful: &Value, fault: &str, question: &str, reply: &str, meant: &Value) {
    let house = house().await;
    let House { ai, smtp, service, .. } = &house;
    let tries = if fault.is_empty() { 1 } else { 3 };
    for _ in 0..tries {
        ai.ollama.answer(Reply::json(&with_slots(doubtful)));
    }
    let answer = say(service, words).await;
    assert_eq!((&answer["stage_type"], &answer["planner"]), (&json!("clarification"), &json!("ollama")), "{answer:#}");
    assert!(answer["response"].as_str().is_some_and(|text| text.contains(question)), "{answer:#}");
    let asked = ai.ollama.asked();
    assert_eq!((asked.len(), ai.groq.asked().len()), (tries, 0), "it is the person who is asked next");
    if !fault.is_empty() {
        assert!(said(&asked, 1)[3].1.contains(fault), "{}", said(&asked, 1)[3].1);
    }
    assert_eq!(smtp.ledger().len(), 0);

    ai.ollama.answer(Reply::json(&with_slots(meant)));
    let next = service.post("/api/agent/select", json!({"session_id": "s", "selection": reply})).await;
    assert_eq!(next["status"], "ready_for_confirmation", "{next:#}");
    let asked = ai.ollama.asked();
    assert!(asked[tries].user().contains(&format!("THEN THE PERSON SAID\n{reply}")), "{}", asked[tries].user());
    assert_eq!((asked.len(), Peer::of(ai, "groq").chats().len()), (tries + 1, 0));
    assert_eq!(approve(service, &answer).await["status"], "completed");
    assert_eq!(smtp.ledger().len(), 1);
    ai.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_cannot_be_meant_is_asked_about() {
    let sum = |amount: f64| json!({"budget": {"amount": amount, "currency": "USD"}});
    let words = "write to Bob about the party for 500 dollars";
    asks_about(words, &sum(5e15), "amount=5e15 cannot be meant", "How much is it to be?", "500 dollars", &sum(500.0))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_has_passed_is_asked_about() {
    let (passed, meant) = (json!({"date": "2020-01-01"}), json!({"date": "2099-01-01"}));
    let question = "has passed. When is it to be?";
    asks_about("write to Bob about the party", &passed, "has passed", question, "2099-01-01", &meant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_day_than_the_words_say_is_asked_about() {
    let now = SystemClock.now();
    let day = |days| (now + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let (said, other) = (day(20), day(21));
    let words = format!("invite Bob to the party on {said}");
    let slots = |date: &str| json!({"date": date});
    asks_about(&words, &slots(&other), "", "Which day do you mean", &said, &slots(&said)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sum_of_the_persons_own_is_asked_about_at_once() {
    let house = house().await;
    let House { ai, service, .. } = &house;
    let doubtful = json!({"budget": {"amount": 5e15, "currency": "USD"}});
    ai.ollama.answer(Reply::json(&with_slots(&doubtful)));
    let answer = say(service, "write to Bob about the party for 5000000000000000 dollars").await;
    assert_eq!(answer["stage_type"], "clarification", "{answer:#}");
    assert_eq!(ai.ollama.asked().len(), 1, "no other plan would mend it");
    // Said twice it is meant.
    ai.ollama.answer(Reply::json(&with_slots(&doubtful)));
    let selection = json!({"session_id": "s", "selection": "5000000000000000 dollars"});
    let next = service.post("/api/agent/select", selection).await;
    assert_eq!(next["status"], "ready_for_confirmation", "{next:#}");
}
