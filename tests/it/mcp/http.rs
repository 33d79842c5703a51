//! Servers over streamable HTTP.

use serde_json::{Value, json};

use super::{approve, begin, call, plan, setup, until};
use crate::fake_mcp::FakeMcp;
use crate::fake_mcp::http::Http;
use crate::service::{Service, has_ended};

const CANARY: &str = "canary-5d1c-secret";

struct House {
    service: Service,
    fake: FakeMcp,
    server: Http,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new(more: Value, ready: impl FnOnce(&FakeMcp)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let fake = FakeMcp::new(dir.path(), "h");
        ready(&fake);
        let server = Http::start(fake.folder(), 0).await;
        let mut entry = json!({"type": "http", "url": format!("{}?key={CANARY}", server.url),
            "headers": {"Authorization": format!("Bearer {CANARY}")}});
        for (key, value) in more.as_object().into_iter().flatten() {
            entry[key] = value.clone();
        }
        let setup = setup(dir.path(), &json!({"h": entry})).with("RUST_LOG", "debug,rmcp=info,hyper=info,h2=info");
        let house = Self { service: Service::start(&setup), fake, server, _dir: dir };
        until(&house.service, "h", |health| matches!(health["status"].as_str(), Some("on" | "down"))).await;
        house
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_out_once_with_its_headers_whether_the_answer_is_a_body_or_events() {
    for events in [false, true] {
        let house = House::new(json!({}), |fake| {
            if events {
                fake.fault("events");
            }
        })
        .await;
        let (id, _) = call(&house.service, "mcp.h.echo", json!({"text": "hello"})).await;
        let task = house.service.task_until(&id, has_ended).await;
        assert_eq!(task["result"]["receipts"][0]["text"], "echo heard hello", "{task:#}");
        assert_eq!(house.fake.ledger().len(), 1);
        let heads = house.server.seen();
        assert!(heads.iter().all(|head| head["authorization"] == format!("Bearer {CANARY}")));
        assert!(heads.iter().skip(1).all(|head| head["mcp-session-id"] == "a-session"), "the session is kept");
        assert!(!house.service.log().contains(CANARY), "{}", house.service.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    let inner = FakeMcp::new(elsewhere.path(), "inner");
    let private = Http::start(inner.folder(), 0).await;
    let house = House::new(json!({}), |_| {}).await;
    std::fs::write(house.fake.folder().join("redirect"), &private.url).expect("a mark");
    let (_, asked) = call(&house.service, "mcp.h.echo", json!({"text": "x"})).await;
    assert!(asked.to_string().contains("redirects are not followed"), "{asked:#}");
    assert!(private.seen().is_empty(), "nobody came");
    assert!(inner.ledger().is_empty() && house.fake.ledger().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_are_told_to_be_too_large_in_a_body_and_in_events() {
    for events in [false, true] {
        let house = House::new(json!({"read": ["huge"]}), |fake| {
            if events {
                fake.fault("events");
            }
        })
        .await;
        let begun = begin(&house.service, &plan("mcp.h.huge", &json!({}))).await;
        assert!(begun.to_string().contains("the answer is larger than"), "{begun:#}");
        house.service.post("/api/agent/select", json!({"session_id": "s", "selection": "skip"})).await;
        let (id, _) = call(&house.service, "mcp.h.echo", json!({"text": "x"})).await;
        assert_eq!(house.service.task_until(&id, has_ended).await["status"], "completed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_leaves_the_call_unknown() {
    let house = House::new(json!({}), |_| {}).await;
    let (_, asked) = call(&house.service, "mcp.h.crash", json!({})).await;
    let ids: Vec<&str> = asked["options"].as_array().into_iter().flatten().filter_map(|o| o["id"].as_str()).collect();
    assert_eq!(ids, ["resend", "drop"], "{asked:#}");
    assert_eq!(house.fake.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_was_not_reached_and_is_found_again() {
    let house = House::new(json!({}), |_| {}).await;
    let House { service, fake, server, _dir } = house;
    let port = server.port();
    begin(&service, &plan("mcp.h.echo", &json!({"text": "x"}))).await;
    drop(server);
    // The listener and its connections are gone once the abort is carried out.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let (told, server) = tokio::join!(approve(&service), async {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        Http::start(fake.folder(), port).await
    });
    until(&service, "h", |health| health["status"] == "on").await;
    let tasks = service.get("/api/tasks/").await;
    let id = tasks["tasks"][0]["id"].as_str().expect("an id").to_owned();
    let task = service.task_until(&id, has_ended).await;
    assert_eq!(task["status"], "completed", "{told:#} {task:#}");
    assert_eq!(fake.ledger().len(), 1, "made once, when it could be");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_us_is_down_and_its_address_is_not_told() {
    let house = House::new(json!({}), |fake| fake.fault("unauthorized")).await;
    until(&house.service, "h", |health| health["status"] == "down").await;
    let log = house.service.log();
    assert!(log.contains("it answered 401"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
    house.fake.mend("unauthorized");
    until(&house.service, "h", |health| health["status"] == "on").await;
}
