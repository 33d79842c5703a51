//! What is made of what a model says.

use serde_json::json;
use workflows::ports::Proposal;

use super::super::check::Words;
use super::super::read::{Read, Reading, read};
use super::*;

async fn made(said: &str) -> Read {
    made_for("write to Mia, budget 50k", said).await
}

async fn made_for(text: &str, said: &str) -> Read {
    let (catalog, contacts) = (catalog().await, contacts());
    let words = Words { text, amendments: &[], asked: &[], day: None, zone: chrono_tz::UTC, now: now() };
    read(said, &Reading { catalog: &catalog, contacts: &contacts, words })
}

fn mail() -> serde_json::Value {
    json!([{"id": "m", "type": "execution", "action": "email.send_email",
        "params": {"to": ["Mia"], "subject": "s", "body": "b"}}])
}

#[tokio::test]
async fn a_plan_in_any_of_its_dresses_is_the_same_plan() {
    let bare = json!({"stages": mail()}).to_string();
    let whole = plan(&mail());
    let held = json!({"kind": "plan", "plan": {"title": "t", "stages": mail()}}).to_string();
    let listed = json!({"plan": mail()}).to_string();
    let short = whole.replace("email.send_email", "send_email");
    let nulls = whole.replace("\"id\":\"m\"", "\"id\":\"m\",\"for_each\":null,\"title\":null");
    for said in [&whole, &bare, &held, &listed, &short, &nulls, &format!("```json\n{whole}\n```")] {
        let Read::Good(Proposal::Plan { plan, .. }) = made(said).await else { panic!("no plan: {said}") };
        let stage = serde_json::to_value(&plan.stages[0]).expect("json");
        assert_eq!(stage["params"]["to"], json!(["mia.archer@test.local"]), "{said}");
    }
}

#[tokio::test]
async fn replies_and_questions_are_told_apart() {
    for said in [r#"{"kind":"reply","text":"Hello"}"#, r#"{"reply":"Hello"}"#, r#"{"text":"Hello"}"#] {
        let Read::Good(Proposal::Reply { text, .. }) = made(said).await else { panic!("no reply: {said}") };
        assert_eq!(text, "Hello");
    }
    let said = r#"{"kind":"question","text":"Which {{ one }}?","suggestions":["A","",null,"B"]}"#;
    let Read::Good(Proposal::Question { text, suggestions, .. }) = made(said).await else { panic!("no question") };
    assert_eq!((text.as_str(), suggestions), ("Which { { one }}?", vec!["A".to_owned(), "B".to_owned()]));
}

#[tokio::test]
async fn faults_are_told_with_their_place() {
    let faulty = |said: Read| match said {
        Read::Faulty(faults) => faults.join("; "),
        other => panic!("not faulty: {other:?}"),
    };
    assert!(faulty(made("I did it!").await).contains("not one JSON object"));
    assert!(faulty(made(r#"{"kind":"reply","text":" "}"#).await).contains("text"));
    let unknown = plan(&json!([{"id": "m", "type": "execution", "action": "email.burn", "params": {}}]));
    assert!(faulty(made(&unknown).await).contains("stages[0].action"));
    let homoglyph = plan(&mail()).replace("email.send", "\u{435}mail.send");
    assert!(faulty(made(&homoglyph).await).contains("stages[0].action"));
    let many: Vec<_> = (0..1_000)
        .map(|n| json!({"id": format!("q{n}"), "type": "clarification", "question": "?", "answer": "text"}))
        .collect();
    assert!(faulty(made(&plan(&json!(many))).await).contains("1000 stages"));
}

#[tokio::test]
async fn what_is_out_of_place_is_doubted() {
    let with = |slots: serde_json::Value| {
        json!({"kind": "plan", "title": "t", "intent": "x", "slots": slots, "stages": mail()}).to_string()
    };
    assert!(matches!(made(&with(json!({"budget": {"amount": 50_000, "currency": "INR"}}))).await, Read::Good(_)));
    for slots in [json!({"budget": {"amount": 5e15, "currency": "INR"}}), json!({"date": "2020-01-01"})] {
        assert!(matches!(made(&with(slots.clone())).await, Read::Doubtful(_)), "{slots}");
    }
}
