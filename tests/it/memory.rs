//! What is remembered: told, asked for, taken back, forgotten, kept to its person.

use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Service, Setup, TOKEN, has_ended};

async fn said_as(service: &Service, token: &str, words: &str) -> Value {
    // Everybody has a session of their own.
    let body = json!({"message": words, "session_id": if token == TOKEN { "s" } else { "b" }});
    let (status, answer) =
        service.call_as(token, Method::POST, "/api/agent/process", Some(body), None).await.expect("an answer");
    assert_eq!(status, 200, "{words}: {answer:#}");
    answer
}

async fn said(service: &Service, words: &str) -> Value {
    let answer = said_as(service, TOKEN, words).await;
    let id = answer["task_id"].as_str().unwrap_or_else(|| panic!("a task: {answer:#}"));
    service.task_until(id, has_ended).await
}

/// What a task of one recall found.
fn texts(task: &Value) -> Vec<String> {
    let receipts = task["result"]["receipts"].as_array().unwrap_or_else(|| panic!("receipts: {task:#}"));
    let memories = receipts.iter().find_map(|receipt| receipt["memories"].as_array());
    let memories = memories.unwrap_or_else(|| panic!("memories: {task:#}"));
    memories.iter().map(|memory| memory["text"].as_str().expect("a text").to_owned()).collect()
}

fn summary(task: &Value) -> &str {
    task["result"]["summary"].as_str().unwrap_or_else(|| panic!("a summary: {task:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_recalled_after_a_restart_and_taken_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    let told = said(&service, "remember that my wife is vegetarian").await;
    assert_eq!(told["status"], "completed", "{told:#}");
    assert!(summary(&told).contains("I will remember: My wife is vegetarian"), "{told:#}");
    said(&service, "note that the rent is due on the 1st").await;
    let found = said(&service, "what do you know about my wife?").await;
    assert_eq!(texts(&found), ["My wife is vegetarian"]);
    assert!(summary(&found).contains("My wife is vegetarian ("), "{found:#}");
    assert!(service.stop(), "it ends well");

    let service = Service::start(&setup);
    let found = said(&service, "what do you remember?").await;
    assert_eq!(texts(&found), ["The rent is due on the 1st", "My wife is vegetarian"], "newest first");
    let id = told["id"].as_str().expect("an id");
    service.post(&format!("/api/tasks/{id}/undo"), json!({})).await;
    let undone = |task: &Value| task["result"]["receipts"].to_string().contains("\"undone\"");
    service.task_until(id, undone).await;
    let gone = said(&service, "what do you know about my wife?").await;
    assert_eq!(texts(&gone), Vec::<String>::new());
    assert!(summary(&gone).contains("I remember nothing about “my wife”"), "{gone:#}");
    assert_eq!(texts(&said(&service, "what do you remember?").await), ["The rent is due on the 1st"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_is_chosen_is_forgotten() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    said(&service, "remember that my wife is vegetarian").await;
    said(&service, "remember that my wife likes jazz").await;
    let asked = said_as(&service, TOKEN, "forget that my wife likes jazz").await;
    let options = asked["options"].as_array().unwrap_or_else(|| panic!("options: {asked:#}"));
    assert_eq!(options[0]["name"], "My wife likes jazz", "the best fit first: {asked:#}");
    assert_eq!(options.len(), 2, "{asked:#}");
    service.post("/api/agent/select", json!({"session_id": "s", "selection": options[0]["id"]})).await;
    let done = service.task_until(asked["task_id"].as_str().expect("a task"), has_ended).await;
    assert!(summary(&done).contains("Forgotten: My wife likes jazz"), "{done:#}");
    assert_eq!(texts(&said(&service, "what do you remember?").await), ["My wife is vegetarian"]);
    let nothing = said(&service, "forget that my dog bites").await;
    assert_eq!(nothing["status"], "completed", "{nothing:#}");
    assert!(summary(&nothing).contains("I remember nothing about"), "{nothing:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let words = format!("remember that my garden has {}", "roses and ".repeat(60));
    let answer = said_as(&service, TOKEN, &words).await;
    assert!(answer.to_string().contains("at most 500 characters"), "{answer:#}");
    assert!(service.get("/api/plugins/").await.to_string().contains("Remembers what you tell it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_sees_and_forgets_nothing_of_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    let told = said(&service, "remember that the safe is behind the mirror").await;
    let receipts = told["result"]["receipts"].as_array().expect("receipts");
    let id = receipts[0]["id"].as_str().expect("an id").to_owned();
    let code = service.post("/api/invites", json!({})).await["code"].clone();
    let session = service.post("/api/session", json!({"code": code, "name": "Bob"})).await;
    let bob = session["token"].as_str().expect("a token");
    for words in ["what do you know about the safe behind the mirror?", "what do you remember?"] {
        let answer = said_as(&service, bob, words).await;
        assert!(answer.to_string().contains("I remember nothing"), "{words}: {answer:#}");
        assert!(!answer.to_string().contains("behind the mirror ("), "{words}: {answer:#}");
    }
    let plan = json!({"version": 1, "title": "Out", "stages": [
        {"id": "m", "type": "execution", "action": "memory.forget", "params": {"id": id}}]});
    let body = Some(json!({"plan": plan, "session_id": "t"}));
    let (_, answer) = service.call_as(bob, Method::POST, "/api/tasks", body, None).await.expect("an answer");
    assert!(answer.to_string().contains("That is not in the memory"), "{answer:#}");
    assert_eq!(texts(&said(&service, "what do you remember?").await), ["The safe is behind the mirror"]);
}
