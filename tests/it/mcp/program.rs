//! Servers that are programs of ours: what they get, and how they end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{House, begin, call, plan};
use crate::service::has_ended;

const CANARY: &str = "canary-7f3a-secret";

async fn structured(house: &House, tool: &str) -> Value {
    let (id, _) = call(&house.service, &format!("mcp.s.{tool}"), json!({})).await;
    let task = house.service.task_until(&id, has_ended).await;
    task["result"]["receipts"][0]["structured"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_gets_nothing_of_our_environment_but_what_it_needs() {
    let house = House::with(json!({"env": {"EXTRA": "yes"}}), |_| {}).await;
    let told = structured(&house, "env").await;
    let mut names: Vec<&str> = told["names"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names.retain(|name| !matches!(*name, "LANG" | "RUST_TEST_THREADS"));
    assert_eq!(names, ["EXTRA", "HOME", "PATH", "STAND_IN_FOLDER"], "no token of ours, no database, nothing");
}

fn is_alive(pid: u64) -> bool {
    // One that has ended and is waited for by nobody is not alive.
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).unwrap_or_default();
    status.contains("State:") && !status.contains("State:\tZ")
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_service_stops_a_server_ends_with_all_it_started() {
    let house = House::new().await;
    let told = structured(&house, "spawn").await;
    let pid = told["pid"].as_u64().expect("a process");
    assert!(is_alive(pid));
    let House { service, dir, .. } = house;
    let begun = Instant::now();
    assert!(service.stop(), "it ends well");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let deadline = Instant::now() + Duration::from_secs(2);
    while is_alive(pid) {
        assert!(Instant::now() < deadline, "what it started is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_no_error_and_no_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let fake = crate::fake_mcp::FakeMcp::new(dir.path(), "s");
    let entry = fake.entry(&json!({"TOKEN": CANARY}));
    let setup = super::setup(dir.path(), &json!({"s": entry})).with("RUST_LOG", "debug,rmcp=info");
    let house = House { service: crate::service::Service::start(&setup), fake, setup, dir };
    house.until(|health| health["status"] == "on").await;
    let (_, asked) = call(&house.service, "mcp.s.leak", json!({})).await;
    assert!(asked.to_string().contains("the token *** is wrong"), "{asked:#}");
    for path in ["/api/health", "/api/status", "/api/mcp/tools", "/api/plugins/", "/api/prompts", "/api/tasks/"] {
        let told = house.service.get(path).await.to_string();
        assert!(!told.contains(CANARY), "{path}: {told}");
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while !house.service.log().contains("my token is ***") {
        assert!(Instant::now() < deadline, "its words are logged: {}", house.service.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!house.service.log().contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_tools_of_one_name_are_told_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) =
        (crate::fake_mcp::FakeMcp::new(dir.path(), "one"), crate::fake_mcp::FakeMcp::new(dir.path(), "two"));
    let servers = json!({"one": one.entry(&json!({})), "two": two.entry(&json!({})), "off": {"command": "nowhere", "disabled": true}});
    let setup = super::setup(dir.path(), &servers);
    let service = crate::service::Service::start(&setup);
    super::until(&service, "one", |health| health["status"] == "on").await;
    super::until(&service, "two", |health| health["status"] == "on").await;
    super::until(&service, "off", |health| health["status"] == "off").await;
    begin(&service, &plan("mcp.two.echo", &json!({"text": "x"}))).await;
    super::approve(&service).await;
    assert_eq!((one.ledger().len(), two.ledger().len()), (0, 1));
}
