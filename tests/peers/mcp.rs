//! A real MCP server, over both of its transports.
//!
//! `tests/run` installs and starts it and names it in `MCP_PROGRAM` and `MCP_URL`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Service, Setup, has_ended};

fn servers() -> Option<Value> {
    let found = std::env::var("MCP_PROGRAM").ok().zip(std::env::var("MCP_URL").ok());
    if found.is_none() {
        println!("!!!! NOT RUN: no MCP server (use tests/run) !!!!");
        assert!(std::env::var_os("PEERS_REQUIRED").is_none(), "the peers are required and are not there");
    }
    let (program, url) = found?;
    Some(json!({
        "program": {"command": "node", "args": [program], "read": ["echo"], "env": {"GREETING": "hello"}},
        "http": {"type": "http", "url": url}}))
}

fn setup(dir: &std::path::Path, servers: &Value) -> Setup {
    let file = dir.join("mcp.json");
    std::fs::write(&file, json!({"mcpServers": servers}).to_string()).expect("a file");
    Setup::new(dir, "").with("MCP_CONFIG", file.to_str().expect("a plain path"))
}

async fn up(service: &Service, server: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let health = service.get("/api/health").await["components"][format!("mcp {server}")].clone();
        if health["status"] == "on" {
            return;
        }
        assert!(Instant::now() < deadline, "{server} never came up: {health:#}\n{}", service.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The receipt of one call, confirmed if it asks.
async fn call(service: &Service, action: &str, args: Value) -> Value {
    let plan = json!({"version": 1, "title": "A call", "stages": [{"id": "a", "type": "execution", "action": action, "params": args}]});
    let begun = service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    if begun["requires_confirmation"] == true {
        service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    }
    let task = service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    task["result"]["receipts"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_called_over_both_transports() {
    let Some(servers) = servers() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let setup = setup(dir.path(), &servers);
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("on   mcp program") && said.contains("on   mcp http"), "{said}");
    assert!(!said.contains("its schema"), "every tool of it fits: {said}");

    let service = Service::start(&setup);
    for server in ["program", "http"] {
        up(&service, server).await;
        let told = call(&service, &format!("mcp.{server}.echo"), json!({"message": "good morning"})).await;
        assert_eq!(told["text"], "Echo: good morning", "{told:#}");
        let told = call(&service, &format!("mcp.{server}.get-sum"), json!({"a": 17, "b": 25})).await;
        assert!(told["text"].as_str().is_some_and(|text| text.contains("42")), "{told:#}");
        let told =
            call(&service, &format!("mcp.{server}.get-structured-content"), json!({"location": "New York"})).await;
        assert!(told["structured"]["temperature"].is_number(), "{told:#}");
        let told = call(&service, &format!("mcp.{server}.get-tiny-image"), json!({})).await;
        assert!(told["content_types"].to_string().contains("image"), "{told:#}");
        // Progress is told meanwhile; only the end counts.
        let slow = json!({"duration": 1, "steps": 3});
        let told = call(&service, &format!("mcp.{server}.trigger-long-running-operation"), slow).await;
        assert!(told["text"].as_str().is_some_and(|text| text.contains("completed")), "{told:#}");
    }
    let told = call(&service, "mcp.program.get-env", json!({})).await;
    let env: Value = serde_json::from_str(told["text"].as_str().expect("words")).expect("an object");
    let names: Vec<&String> = env.as_object().expect("an object").keys().collect();
    assert!(names.iter().all(|name| ["GREETING", "HOME", "LANG", "PATH"].contains(&name.as_str())), "{names:?}");
    assert_eq!(env["GREETING"], "hello");
    assert!(service.stop(), "it ends well");
}
