//! Asking, choosing and deciding.

use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use workflows::engine::Limits;

use super::house::{ACT, BOB, House, OWNER, READ, plan, request};

async fn begin(house: &House) -> Value {
    let body = json!({"message": "mail Ann", "session_id": "s"});
    let (status, body) = house.ask("POST", "/api/agent/process", OWNER, Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn choose(house: &House) -> Value {
    let body = json!({"session_id": "s", "selection": "b"});
    let (status, body) = house.ask("POST", "/api/agent/select", OWNER, Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn a_request_is_asked_about_confirmed_and_done_once() {
    let house = House::new().await;
    let asked = begin(&house).await;
    let ready = choose(&house).await;
    assert_eq!(house.ledger.sent.load(Ordering::SeqCst), 0, "nothing goes out before the yes");
    let yes = json!({"session_id": "s", "action": "approve_all"});
    let (status, done) = house.ask("POST", "/api/agent/confirm", OWNER, Some(yes.clone())).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!(house.ledger.sent.load(Ordering::SeqCst), 1);
    let (status, late) = house.ask("POST", "/api/agent/confirm", OWNER, Some(yes)).await;
    assert_eq!((status, &late["code"]), (StatusCode::CONFLICT, &json!("nothing_to_decide")));
    let prompt = ready["prompt_id"].clone();
    let again = json!({"session_id": "s", "action": "reject_all", "prompt_id": prompt});
    let (status, decided) = house.ask("POST", "/api/agent/confirm", OWNER, Some(again)).await;
    assert_eq!((status, &decided["code"]), (StatusCode::CONFLICT, &json!("already_decided")));
    let (_, task) = house.ask("GET", &format!("/api/task/{}", asked["task_id"].as_str().unwrap()), OWNER, None).await;
    insta::assert_json_snapshot!("whole_talk", json!([asked, ready, done, decided, task]));
}

#[tokio::test]
async fn a_plain_answer_has_no_task() {
    let house = House::new().await;
    let (status, body) = house.ask("POST", "/api/agent/process", OWNER, Some(json!({"message": "hello"}))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["response"], &body["task_id"]), (&json!("I can send mail."), &Value::Null));
    assert!(body["session_id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn one_action_at_a_time_and_the_rejected_is_not_done() {
    let house = House::new().await;
    begin(&house).await;
    let ready = choose(&house).await;
    let no = json!({"session_id": "s", "action": "reject", "action_id": ready["pending_actions"][0]["id"]});
    let (status, body) = house.ask("POST", "/api/agent/confirm", OWNER, Some(no)).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("cancelled")), "{body}");
    assert_eq!(house.ledger.sent.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_token_without_approve_says_yes_in_no_way() {
    let house = House::new().await;
    begin(&house).await;
    choose(&house).await;
    for (path, body) in [
        ("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})),
        ("/api/agent/process", json!({"session_id": "s", "message": " Yes "})),
        ("/api/agent/process", json!({"session_id": "s", "message": "ok"})),
        ("/api/agent/select", json!({"session_id": "s", "selection": "resend"})),
        ("/api/link", json!({})),
        ("/api/tokens", json!({"name": "more", "scopes": ["approve"]})),
    ] {
        let (status, answer) = house.ask("POST", path, ACT, Some(body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("missing_scope")), "{path}");
    }
    let (status, _) = house.ask("POST", "/api/agent/process", READ, Some(json!({"message": "mail"}))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(house.ledger.sent.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn other_peoples_things_are_not_there() {
    let house = House::new().await;
    let asked = begin(&house).await;
    let task = asked["task_id"].as_str().unwrap();
    let prompt = &asked["prompt_id"];
    for (method, path, body) in [
        ("GET", format!("/api/task/{task}"), None),
        ("GET", format!("/api/tasks/{task}"), None),
        ("GET", format!("/api/tasks/{task}/events"), None),
        ("POST", format!("/api/tasks/{task}/cancel"), None),
        ("POST", format!("/api/tasks/{task}/undo"), None),
        ("POST", "/api/agent/process".to_owned(), Some(json!({"message": "hi", "session_id": "s"}))),
        ("POST", "/api/agent/select".to_owned(), Some(json!({"session_id": "s", "selection": "a"}))),
        (
            "POST",
            "/api/agent/select".to_owned(),
            Some(json!({"session_id": "s", "selection": "a", "prompt_id": prompt})),
        ),
        ("POST", "/api/agent/confirm".to_owned(), Some(json!({"session_id": "s", "action": "approve_all"}))),
        ("POST", "/api/tasks".to_owned(), Some(json!({"plan": plan(), "session_id": "s"}))),
    ] {
        let (status, body) = house.ask(method, &path, BOB, body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {body}");
    }
    let (_, theirs) = house.ask("GET", "/api/prompts", BOB, None).await;
    assert_eq!(theirs["prompts"], json!([]));
    let (_, ours) = house.ask("GET", "/api/prompts", OWNER, None).await;
    assert_eq!(ours["prompts"][0]["prompt_id"], *prompt);
}

#[tokio::test]
async fn a_plan_given_as_data_is_checked_and_confirmed() {
    let house = House::new().await;
    let run = |body: Value| async { house.ask("POST", "/api/tasks", OWNER, Some(body)).await };
    let (status, body) = run(json!({"plan": plan(), "title": "Mine"})).await;
    assert_eq!((status, &body["stage_type"]), (StatusCode::CREATED, &json!("selection")), "{body}");
    let (status, body) = run(json!({"plan": plan(), "channel": "telegram"})).await;
    assert_eq!((status, &body["detail"][0]["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_configured")));
    let (status, body) = run(json!({"plan": plan(), "channel": "email"})).await;
    assert_eq!((status, &body["detail"][0]["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("not_linked")));
    let (status, body) = run(json!({"plan": plan(), "channel": "discord"})).await;
    assert_eq!((status, &body["session_id"]), (StatusCode::CREATED, &json!("discord:c1")), "{body}");
    let mut faulty = plan();
    faulty["stages"][2]["params"]["to"] = json!(7);
    let (status, body) = run(json!({"plan": faulty})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"][0]["loc"], json!(["body", "plan", "stages", 2, "params", "to"]));
}

#[tokio::test]
async fn the_same_key_begins_one_task() {
    let house = House::new().await;
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let mut request = request("POST", "/api/agent/process", OWNER, Some(json!({"message": "mail"})));
        request.headers_mut().insert("idempotency-key", "k1".parse().unwrap());
        let (status, _, body) = house.send(request).await;
        assert_eq!(status, StatusCode::OK);
        tasks.push(serde_json::from_slice::<Value>(&body).unwrap()["task_id"].clone());
    }
    assert!(tasks[0].is_string());
    assert_eq!(tasks[0], tasks[1]);
}

#[tokio::test]
async fn an_unusable_key_is_refused_by_every_decision() {
    let house = House::new().await;
    begin(&house).await;
    for (path, body) in [
        ("/api/agent/process", json!({"session_id": "s", "message": "a"})),
        ("/api/agent/select", json!({"session_id": "s", "selection": "a"})),
        ("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})),
    ] {
        for key in ["", "é", &"k".repeat(201)] {
            let mut request = request("POST", path, OWNER, Some(body.clone()));
            request.headers_mut().insert("idempotency-key", header::HeaderValue::from_bytes(key.as_bytes()).unwrap());
            let (status, _, body) = house.send(request).await;
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("unusable_key")), "{path} {key}");
        }
    }
}

#[tokio::test]
async fn a_yes_after_its_time_is_gone() {
    let house = House::new().await;
    begin(&house).await;
    let ready = choose(&house).await;
    house.clock.advance(chrono::Duration::days(3));
    let yes = json!({"session_id": "s", "action": "approve_all", "prompt_id": ready["prompt_id"]});
    let (status, body) = house.ask("POST", "/api/agent/confirm", OWNER, Some(yes)).await;
    assert_eq!((status, &body["code"]), (StatusCode::GONE, &json!("expired")), "{body}");
    assert_eq!(house.ledger.sent.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn too_much_at_once_is_told_with_when_to_come_again() {
    let house = House::with(Limits { inbound_max: 0, ..Limits::default() }).await;
    let asked = request("POST", "/api/agent/process", OWNER, Some(json!({"message": "mail"})));
    let (status, headers, body) = house.send(asked).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("busy")), "{body}");
    assert_eq!(headers[header::RETRY_AFTER], "2");
    let (_, tasks) = house.ask("GET", "/api/tasks", OWNER, None).await;
    assert_eq!(tasks["tasks"], json!([]));
}
