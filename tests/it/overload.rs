//! More than it can take: a clear no, and what was accepted is finished.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::service::{Service, Setup, has_ended};

/// Requests sent at the same time: more than the engine takes.
const FLOOD: usize = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_answered_yes_or_busy_and_every_yes_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), "").with("QUOTA_EFFECTS_DAY", "100000"));
    let plan = json!({"version": 1, "title": "Note", "stages": [
        {"id": "n", "type": "execution", "action": "notify.send_notification", "params": {"text": "hello"}}]});
    let calls = (0..FLOOD).map(|_| service.call(Method::POST, "/api/tasks", Some(json!({"plan": plan}))));
    let mut by_status: HashMap<u16, usize> = HashMap::new();
    let mut accepted = Vec::new();
    for answer in futures_util::future::join_all(calls).await {
        let (status, body) = answer.expect("an answer, whatever it is");
        *by_status.entry(status).or_default() += 1;
        match status {
            201 => accepted.push(body["task_id"].as_str().expect("a task").to_owned()),
            503 => assert!(body["code"].is_string() && body["detail"].is_string(), "{body}"),
            other => panic!("{other}: {body}"),
        }
    }
    println!("{by_status:?}");
    assert!(!accepted.is_empty());
    for id in &accepted {
        let task = service.task_until(id, has_ended).await;
        assert_eq!(task["status"], "completed", "{task:#}");
    }
    tokio::time::timeout(Duration::from_secs(5), service.get("/api/health")).await.expect("it still answers");
}
