//! The address book in words: what is kept, asked and taken back.

use serde_json::{Value, json};

use crate::fake_smtp::FakeSmtp;
use crate::service::{Service, Setup, has_ended};

async fn contact(service: &Service, name: &str) -> Option<Value> {
    let all = service.get("/api/contacts").await;
    let mut found = all["contacts"].as_array().expect("contacts").iter().filter(|one| one["name"] == name);
    let one = found.next().cloned();
    assert!(found.next().is_none(), "{name} is there once: {all:#}");
    one
}

async fn said(service: &Service, words: &str) -> Value {
    let answer = service.post("/api/agent/process", json!({"message": words})).await;
    let id = answer["task_id"].as_str().unwrap_or_else(|| panic!("a task: {answer:#}"));
    service.task_until(id, has_ended).await
}

async fn undo(service: &Service, task: &Value) {
    let id = task["id"].as_str().expect("an id");
    service.post(&format!("/api/tasks/{id}/undo"), json!({})).await;
    let undone = |task: &Value| task["result"]["receipts"].to_string().contains("\"undone\"");
    service.task_until(id, undone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_kept_at_once_with_relation_and_group_and_taken_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let task = said(&service, "add my wife Priya, priya@test.local, to the family group").await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let priya = contact(&service, "Priya").await.expect("she is there");
    assert_eq!(
        (&priya["relation"], &priya["email"], &priya["groups"]),
        (&json!("wife"), &json!("priya@test.local"), &json!(["family"]))
    );
    let groups = service.get("/api/groups").await;
    assert_eq!(groups["groups"][0]["members"], json!([priya["id"]]));
    undo(&service, &task).await;
    assert_eq!(contact(&service, "Priya").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_somebody_who_is_there_is_added_and_taken_back_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    service.contact("Bob", "bob@home.local").await;
    let before = contact(&service, "Bob").await.expect("he is there");
    let task = said(&service, "add Bob bob@work.local to my contacts").await;
    assert!(task["result"]["summary"].as_str().is_some_and(|words| words.contains("new: bob@work.local")), "{task:#}");
    let bob = contact(&service, "Bob").await.expect("he is there");
    assert_eq!((&bob["id"], &bob["emails"]), (&before["id"], &json!(["bob@work.local"])));

    // What is changed by hand meanwhile stays.
    let mut changed = bob.clone();
    changed["phone"] = json!("030 1");
    let path = format!("/api/contacts/{}", bob["id"].as_str().expect("an id"));
    service.call(reqwest::Method::PUT, &path, Some(changed)).await.expect("an answer");
    undo(&service, &task).await;
    let mut kept = before;
    kept["phone"] = json!("030 1");
    assert_eq!(contact(&service, "Bob").await, Some(kept));

    let again = said(&service, "add Bob bob@home.local to my contacts").await;
    assert!(again["result"]["summary"].as_str().is_some_and(|words| words.contains("already")), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_addresses_is_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let smtp = FakeSmtp::start().await;
    let service = Service::start(&Setup::new(dir.path(), &smtp.url()));
    let bob = json!({"name": "Bob", "email": "bob@home.local", "emails": ["bob@work.local"]});
    service.post("/api/contacts", bob).await;
    let asked = service.post("/api/agent/process", json!({"message": "email Bob that it works"})).await;
    assert!(asked["requires_selection"] == true, "{asked:#}");
    let options: Vec<&str> =
        asked["options"].as_array().expect("options").iter().filter_map(|o| o["name"].as_str()).collect();
    assert_eq!(options, ["bob@home.local", "bob@work.local"], "{asked:#}");
    let session = &asked["session_id"];
    service.post("/api/agent/select", json!({"session_id": session, "selection": "address_2"})).await;
    service.post("/api/agent/confirm", json!({"session_id": session, "action": "approve_all"})).await;
    service.task_until(asked["task_id"].as_str().expect("a task"), has_ended).await;
    assert_eq!(smtp.ledger()[0].to, ["bob@work.local"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_taken_out_without_a_yes() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    service.contact("Bob", "bob@home.local").await;
    let bob = contact(&service, "Bob").await.expect("he is there");
    for (action, params) in [
        ("contacts.remove_contact", json!({"id": bob["id"]})),
        ("contacts.remove_details", json!({"id": bob["id"], "emails": ["bob@home.local"]})),
    ] {
        let plan = json!({"version": 1, "title": "Out", "stages": [
            {"id": "m", "type": "execution", "action": action, "params": params}]});
        let asked = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
        assert_eq!(asked["requires_confirmation"], true, "{asked:#}");
        assert_eq!(contact(&service, "Bob").await.as_ref(), Some(&bob));
        service.post("/api/agent/confirm", json!({"session_id": "s", "action": "reject_all"})).await;
    }
}
