//! Servers that are away, slow, broken or hostile.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{House, begin, call, plan};
use crate::service::{Service, has_ended};

fn options(asked: &Value) -> Vec<&str> {
    asked["options"].as_array().into_iter().flatten().filter_map(|option| option["id"].as_str()).collect()
}

/// The most memory that the service ever had, in MiB.
fn peak_mib(house: &House) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.service.pid())).expect("its status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_a_call_leaves_it_unknown_and_it_is_not_made_again() {
    let house = House::new().await;
    let (id, asked) = call(&house.service, "mcp.s.crash", json!({})).await;
    assert_eq!(options(&asked), ["resend", "drop"], "{asked:#}");
    house.until(|health| health["status"] == "on").await;
    house.service.post("/api/agent/select", json!({"session_id": "s", "selection": "drop"})).await;
    let task = house.service.task_until(&id, has_ended).await;
    assert!(task["steps"].to_string().contains("\"unknown\""), "{task:#}");
    assert_eq!(house.fake.ledger().len(), 1, "it was made once");
    // And the server is back without anybody's doing.
    let (id, _) = call(&house.service, "mcp.s.echo", json!({"text": "x"})).await;
    assert_eq!(house.service.task_until(&id, has_ended).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_answer_is_unknown() {
    let house = House::new().await;
    let mut slow = plan("mcp.s.hang", &json!({}));
    slow["stages"][0]["timeout_secs"] = json!(1);
    begin(&house.service, &slow).await;
    let asked = super::approve(&house.service).await;
    assert_eq!(options(&asked), ["resend", "drop"], "{asked:#}");
    assert_eq!(house.fake.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_are_told_to_be_too_large_and_cost_no_memory() {
    let house = House::with(json!({"read": ["huge"]}), |_| {}).await;
    let before = peak_mib(&house);
    let begun = begin(&house.service, &plan("mcp.s.huge", &json!({}))).await;
    assert!(begun.to_string().contains("the answer is larger than"), "{begun:#}");
    let grown = peak_mib(&house) - before;
    assert!(grown < 24, "it grew by {grown} MiB");
    house.service.post("/api/agent/select", json!({"session_id": "s", "selection": "skip"})).await;
    // The connection goes on.
    let (id, _) = call(&house.service, "mcp.s.echo", json!({"text": "x"})).await;
    assert_eq!(house.service.task_until(&id, has_ended).await["status"], "completed");
    assert_eq!(house.fake.ledger().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_whose_answer_is_too_large_may_have_been_done_and_is_told_so() {
    let house = House::new().await;
    let (_, asked) = call(&house.service, "mcp.s.huge", json!({})).await;
    assert_eq!(options(&asked), ["resend", "drop"], "{asked:#}");
    assert!(asked["response"].as_str().is_some_and(|words| words.contains("too large")), "{asked:#}");
    assert_eq!(house.fake.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_in_the_tools_own_words_on_one_line() {
    let house = House::new().await;
    let (_, asked) = call(&house.service, "mcp.s.fail", json!({})).await;
    assert!(asked.to_string().contains("the printer is on fire"), "{asked:#}");
    assert_eq!(options(&asked), ["resend", "drop"], "it may have done something first: {asked:#}");
    house.service.post("/api/agent/select", json!({"session_id": "s", "selection": "drop"})).await;
    let (_, asked) = call(&house.service, "mcp.s.refuse", json!({})).await;
    assert!(asked.to_string().contains("no such thing"), "{asked:#}");
    assert!(options(&asked).contains(&"retry"), "it was certainly not done: {asked:#}");
    assert_eq!(house.fake.ledger().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_between_messages_is_passed_over() {
    let house = House::new().await;
    let (id, _) = call(&house.service, "mcp.s.garbage", json!({})).await;
    let task = house.service.task_until(&id, has_ended).await;
    assert_eq!(task["result"]["receipts"][0]["text"], "garbage heard nothing", "{task:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_an_end_is_given_up_and_told() {
    let house = House::with(json!({}), |fake| fake.fault("endless")).await;
    let health = house.until(|health| health["status"] == "down").await;
    assert!(health["detail"].as_str().is_some_and(|words| words.contains("not connected")), "{health:#}");
    assert!(house.service.log().contains("more than 50 pages"), "{}", house.service.log());
    house.fake.mend("endless");
    house.until(|health| health["status"] == "on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_a_server_that_is_away_are_known_and_not_available_and_it_comes_back() {
    let mut house = House::new().await;
    house.service.kill();
    house.fake.fault("down");
    let begun = Instant::now();
    house.service = Service::start(&house.setup);
    assert!(begun.elapsed() < Duration::from_secs(5), "a start does not wait for servers");
    let health = house.until(|health| health["status"] == "down").await;
    assert!(!health.to_string().contains("not well"), "the server's words are not for everybody: {health:#}");
    assert_eq!(house.service.get("/api/health").await["status"], "degraded");
    let body = json!({"plan": plan("mcp.s.echo", &json!({"text": "x"})), "session_id": "s"});
    let (status, told) = house.service.call(Method::POST, "/api/tasks", Some(body)).await.expect("an answer");
    assert_eq!((status, &told["detail"][0]["type"]), (422, &json!("not_available")), "{told:#}");
    assert!(told.to_string().contains("the MCP server s is not connected"), "{told:#}");
    assert_eq!(house.tool("mcp.s.echo").await["status"], "waiting");
    assert!(house.service.log().contains("I am not well today"), "why is in the log: {}", house.service.log());
    house.fake.mend("down");
    house.until(|health| health["status"] == "on").await;
    let (id, _) = call(&house.service, "mcp.s.echo", json!({"text": "x"})).await;
    assert_eq!(house.service.task_until(&id, has_ended).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_was_confirmed_waits_for_its_server_to_come_back() {
    let house = House::new().await;
    let begun = begin(&house.service, &plan("mcp.s.echo", &json!({"text": "x"}))).await;
    house.fake.fault("down");
    let other = json!({"plan": plan("mcp.s.crash", &json!({})), "session_id": "other"});
    house.service.post("/api/tasks", other).await;
    let yes = json!({"session_id": "other", "action": "approve_all"});
    let crashed = house.service.post("/api/agent/confirm", yes).await;
    assert_eq!(options(&crashed), ["resend", "drop"], "{crashed:#}");
    house.until(|health| health["status"] == "down").await;
    let yes = json!({"session_id": "s", "action": "approve_all"});
    let (told, ()) = tokio::join!(house.service.post("/api/agent/confirm", yes), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        house.fake.mend("down");
    });
    let id = begun["task_id"].as_str().expect("an id");
    let task = house.service.task_until(id, has_ended).await;
    assert_eq!(task["status"], "completed", "{told:#} {task:#}");
    assert_eq!(house.fake.ledger().iter().filter(|(tool, _)| tool == "echo").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_greets_keeps_nobody_waiting() {
    let house = {
        let dir = tempfile::tempdir().expect("a directory");
        let fake = crate::fake_mcp::FakeMcp::new(dir.path(), "s");
        fake.fault("mute");
        let setup = super::setup(dir.path(), &json!({"s": fake.entry(&json!({}))}));
        House { service: Service::start(&setup), fake, setup, dir }
    };
    let health = house.until(|health| health["status"] == "starting").await;
    assert_eq!(health["detail"], "being started");
    let note = json!({"version": 1, "title": "Note", "stages": [{"id": "n", "type": "execution",
        "action": "notify.send_notification", "params": {"text": "hello"}}]});
    let begun = begin(&house.service, &note).await;
    assert_eq!(begun["result"]["summary"].as_str().map(|words| words.starts_with("All done")), Some(true), "{begun:#}");
    let House { service, dir, .. } = house;
    let begun = Instant::now();
    assert!(service.stop(), "it ends well");
    assert!(begun.elapsed() < Duration::from_secs(10), "and soon");
    drop(dir);
}
