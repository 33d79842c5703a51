//! MCP servers: what they offer, what is allowed, what comes of a call.

mod allowing;
mod calls;
mod doctor;
mod faults;
mod http;
mod program;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_mcp::{FakeMcp, config};
use crate::service::{Service, Setup};

/// A service with one stand-in `s` over standard input and output.
struct House {
    service: Service,
    fake: FakeMcp,
    setup: Setup,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        Self::with(json!({}), |_| {}).await
    }

    /// With that much more in the server's entry, and a stand-in made ready first.
    async fn with(more: Value, ready: impl FnOnce(&FakeMcp)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let fake = FakeMcp::new(dir.path(), "s");
        ready(&fake);
        let setup = setup(dir.path(), &json!({"s": entry(&fake, &more)}));
        let house = Self { service: Service::start(&setup), fake, setup, dir };
        house.until(|health| matches!(health["status"].as_str(), Some("on" | "down"))).await;
        house
    }

    /// Waits until the server is like that; how it is then.
    async fn until(&self, fits: impl Fn(&Value) -> bool) -> Value {
        until(&self.service, "s", fits).await
    }

    /// The tool as the owner sees it.
    async fn tool(&self, name: &str) -> Value {
        let all = self.service.get("/api/mcp/tools").await;
        all["tools"].as_array().expect("a list").iter().find(|tool| tool["name"] == name).cloned().unwrap_or_default()
    }

    /// Waits until the owner sees the tool like that.
    async fn tool_until(&self, name: &str, status: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let tool = self.tool(name).await;
            if tool["status"] == status {
                return tool;
            }
            assert!(Instant::now() < deadline, "{name} never was {status}: {tool:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn entry(fake: &FakeMcp, more: &Value) -> Value {
    let mut entry = fake.entry(&more["env"]);
    for (key, value) in more.as_object().into_iter().flatten().filter(|(key, _)| *key != "env") {
        entry[key] = value.clone();
    }
    entry
}

fn setup(dir: &Path, servers: &Value) -> Setup {
    let file = config(dir, servers);
    let home = dir.to_str().expect("a plain path").to_owned();
    Setup::new(dir, "").with("MCP_CONFIG", &file).with("HOME", &home)
}

async fn until(service: &Service, server: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let health = service.get("/api/health").await["components"][format!("mcp {server}")].clone();
        if fits(&health) {
            return health;
        }
        assert!(Instant::now() < deadline, "{server} never was like that: {health:#}\n{}", service.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A plan of one call.
fn plan(action: &str, args: &Value) -> Value {
    json!({"version": 1, "title": "A call", "stages": [{"id": "a", "type": "execution", "action": action, "params": args}]})
}

/// Begins a plan; what is answered.
async fn begin(service: &Service, plan: &Value) -> Value {
    service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await
}

async fn approve(service: &Service) -> Value {
    service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await
}

/// Begins a plan and says yes; the task's id and what was answered.
async fn call(service: &Service, action: &str, args: Value) -> (String, Value) {
    let begun = begin(service, &plan(action, &args)).await;
    assert_eq!(begun["requires_confirmation"], true, "{begun:#}");
    let done = approve(service).await;
    (begun["task_id"].as_str().expect("a task").to_owned(), done)
}
