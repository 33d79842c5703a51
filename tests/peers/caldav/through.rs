//! Through the program: plans, the owner and a member, against Radicale.

use reqwest::Method;
use serde_json::{Value, json};

use super::peer::Peer;
use crate::service::{Service, Setup, has_ended};

pub(super) fn setup(peer: &Peer, url: &str, dir: &std::path::Path, password: &str) -> Setup {
    Setup::new(dir, "")
        .with("CALDAV_URL", url)
        .with("CALDAV_USERNAME", peer.user)
        .with("CALDAV_PASSWORD", password)
        .with("DEFAULT_TIMEZONE", "Europe/Berlin")
}

pub(super) fn plan(action: &str, params: &Value) -> Value {
    json!({"plan": {"version": 1, "title": "A plan", "stages": [
        {"id": "a", "type": "execution", "action": action, "params": params}]}})
}

async fn run(service: &Service, token: &str, action: &str, params: Value) -> Value {
    let body = plan(action, &params);
    let (status, begun) =
        service.call_as(token, Method::POST, "/api/tasks", Some(body), None).await.expect("an answer");
    assert_eq!(status, 201, "{begun}");
    if begun["requires_confirmation"] == true {
        let yes = json!({"session_id": begun["session_id"], "action": "approve_all"});
        service.call_as(token, Method::POST, "/api/agent/confirm", Some(yes), None).await.expect("an answer");
    }
    let path = format!("/api/tasks/{}", begun["task_id"].as_str().expect("a task"));
    loop {
        let (_, task) = service.call_as(token, Method::GET, &path, None, None).await.expect("an answer");
        if has_ended(&task) {
            return task;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_plan_reaches_the_server_and_a_members_does_not() {
    let Some(peer) = Peer::radicale() else { return };
    let (url, _) = peer.fresh("plan").await;
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&setup(&peer, url.as_str(), dir.path(), "secret"));
    let invite = service.post("/api/invites", json!({})).await;
    let body = json!({"code": invite["code"], "name": "Bob"});
    let (_, member) = service.call(Method::POST, "/api/session", Some(body)).await.expect("an answer");
    let member = member["token"].as_str().expect("a token").to_owned();

    let owner = crate::service::TOKEN;
    let dinner = json!({"title": "Dinner", "starts_at": "2031-07-01T19:00", "duration_minutes": 90});
    let done = run(&service, owner, "calendar.schedule_event", dinner).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    let uid = done["result"]["receipts"][0]["uid"].as_str().expect("a uid").to_owned();
    let (_, text) = peer.only(&url).await;
    assert!(text.contains("SUMMARY:Dinner") && text.contains(&uid), "{text}");
    assert!(text.contains("DTSTART:20310701T170000Z"), "{text}");

    let secret = json!({"title": "Members only", "starts_at": "2031-07-02T19:00"});
    let theirs = run(&service, &member, "calendar.schedule_event", secret).await;
    assert_eq!(theirs["status"], "completed", "{theirs:#}");
    // Still the only one there.
    peer.only(&url).await;
    let week = json!({"from": "2031-06-30T00:00", "to": "2031-07-07T00:00"});
    let seen = run(&service, &member, "calendar.list_events", week.clone()).await.to_string();
    assert!(seen.contains("Members only") && !seen.contains("Dinner"), "{seen}");
    let free = run(&service, owner, "calendar.check_availability", week).await.to_string();
    assert!(free.contains("Dinner") && !free.contains("Members only"), "{free}");
    let events = service.get("/api/events?from=2031-06-30T00:00:00Z&to=2031-07-07T00:00:00Z").await;
    assert_eq!(events["events"][0]["uid"], json!(uid), "{events}");
    let (_, foreign) = service
        .call_as(&member, Method::POST, "/api/tasks", Some(plan("calendar.cancel_event", &json!({"uid": uid}))), None)
        .await
        .expect("an answer");
    let yes = json!({"session_id": foreign["session_id"], "action": "approve_all"});
    service.call_as(&member, Method::POST, "/api/agent/confirm", Some(yes), None).await.expect("an answer");
    peer.only(&url).await;

    let moved = json!({"uid": uid, "starts_at": "2031-07-01T20:00"});
    let done = run(&service, owner, "calendar.update_event", moved).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    assert!(peer.only(&url).await.1.contains("DTSTART:20310701T180000Z"));
    let task = done["id"].as_str().expect("an id");
    service.post(&format!("/api/tasks/{task}/undo"), json!({})).await;
    service.task_until(task, |task| task.to_string().contains("undone")).await;
    assert!(peer.only(&url).await.1.contains("DTSTART:20310701T170000Z"));

    let done = run(&service, owner, "calendar.cancel_event", json!({"uid": uid})).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    let gone = service.get("/api/events?from=2031-06-30T00:00:00Z&to=2031-07-07T00:00:00Z").await;
    assert_eq!(gone, json!({"events": []}));
    let task = done["id"].as_str().expect("an id");
    service.post(&format!("/api/tasks/{task}/undo"), json!({})).await;
    service.task_until(task, |task| task.to_string().contains("undone")).await;
    assert!(peer.only(&url).await.1.contains("SUMMARY:Dinner"), "it is put in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_with_the_key_and_doctor_exits_with_1() {
    let Some(peer) = Peer::radicale() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let doctor = |password: &str| {
        let ran = setup(&peer, peer.base.as_str(), dir.path(), password).command().arg("doctor").output();
        let ran = ran.expect("doctor runs");
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    peer.fresh("doctor").await;
    let (code, said) = doctor("canary-wrong");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CALDAV_PASSWORD") && !said.contains("canary"), "{said}");
    let (code, said) = doctor("secret");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("new events go to"), "{said}");

    let service = Service::start(&setup(&peer, peer.base.as_str(), dir.path(), "canary-wrong"));
    let (status, body) = service.call(Method::GET, "/api/events", None).await.expect("an answer");
    assert_eq!((status, &body["code"]), (503, &json!("calendar_unavailable")), "{body}");
    let party = json!({"title": "Party", "starts_at": "2031-07-01T19:00"});
    let begun = service.post("/api/tasks", plan("calendar.schedule_event", &party)).await;
    let task = begun["task_id"].as_str().expect("a task");
    let told = service.task_until(task, |task| task.to_string().contains("CALDAV_PASSWORD")).await;
    assert!(!told.to_string().contains("canary") && !service.log().contains("canary"), "{told}");
}
