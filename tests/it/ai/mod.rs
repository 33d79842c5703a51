//! Planning by models: the whole service, with scripted models.

mod birthday;
mod breaker;
mod cold;
mod consent;
mod forms;
mod hostile;
mod lists;
mod odd;
mod pairs;
mod peer;
mod plans;
mod privacy;
mod quotas;
mod repairs;
mod replan;
mod roles;
mod trouble;
mod whole;

use serde_json::{Value, json};

use crate::fake_ai::FakeAi;
use crate::service::{Service, Setup, has_ended};

/// A service whose owner allows remote models.
pub(super) async fn consenting(setup: &Setup) -> Service {
    let service = Service::start(setup);
    allow_remote(&service).await;
    service
}

/// The owner allows remote models.
pub(super) async fn allow_remote(service: &Service) {
    let (status, answer) = service
        .call(reqwest::Method::PATCH, "/api/settings", Some(json!({"remote_ai": true})))
        .await
        .expect("an answer");
    assert_eq!(status, 200, "{answer}");
}

/// Settings for these models, asked in this order.
pub(super) fn with_models(setup: Setup, ai: &FakeAi, order: &str) -> Setup {
    let setup = ai.settings().into_iter().fold(setup, |setup, (name, value)| setup.with(name, &value));
    setup.with("AI_PROVIDERS", order)
}

pub(super) async fn say(service: &Service, words: &str) -> Value {
    say_in(service, "s", words).await
}

pub(super) async fn say_in(service: &Service, session: &str, words: &str) -> Value {
    service.post("/api/agent/process", json!({"message": words, "session_id": session})).await
}

pub(super) async fn approve(service: &Service, answer: &Value) -> Value {
    service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    service.task_until(answer["task_id"].as_str().expect("a task"), has_ended).await
}

/// A plan of one mail.
pub(super) fn mail_plan(to: &str, subject: &str) -> Value {
    json!({"kind": "plan", "title": subject, "intent": "send_email", "slots": {}, "stages": [
        {"id": "mail", "type": "execution", "action": "email.send_email",
         "params": {"to": [to], "subject": subject, "body": "As promised."}}]})
}
