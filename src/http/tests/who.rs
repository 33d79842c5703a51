//! Who may come in, and how wrong requests are answered.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::house::{BOB, House, OWNER, request};
use crate::http::body::BODY_BYTES_MAX;

/// Every data route.
const DATA: [(&str, &str); 36] = [
    ("POST", "/api/agent/process"),
    ("POST", "/api/agent/select"),
    ("POST", "/api/agent/confirm"),
    ("GET", "/api/prompts"),
    ("POST", "/api/photos"),
    ("GET", "/api/task/t"),
    ("GET", "/api/tasks"),
    ("GET", "/api/tasks/"),
    ("POST", "/api/tasks"),
    ("GET", "/api/tasks/t"),
    ("POST", "/api/tasks/t/cancel"),
    ("POST", "/api/tasks/t/undo"),
    ("GET", "/api/tasks/t/events"),
    ("DELETE", "/api/session"),
    ("GET", "/api/tokens"),
    ("POST", "/api/tokens"),
    ("DELETE", "/api/tokens/x"),
    ("POST", "/api/link"),
    ("POST", "/api/invites"),
    ("GET", "/api/contacts"),
    ("POST", "/api/contacts"),
    ("GET", "/api/contacts/x"),
    ("PUT", "/api/contacts/x"),
    ("DELETE", "/api/contacts/x"),
    ("GET", "/api/me"),
    ("GET", "/api/plugins/capabilities"),
    ("GET", "/api/groups"),
    ("GET", "/api/settings"),
    ("PATCH", "/api/settings"),
    ("GET", "/api/events"),
    ("GET", "/api/plugins/"),
    ("GET", "/api/mcp/tools"),
    ("POST", "/api/mcp/tools/x/allow"),
    ("GET", "/api/status"),
    ("GET", "/metrics"),
    ("GET", "/ws/bob"),
];

#[tokio::test]
async fn no_data_route_answers_without_a_credential_that_holds() {
    let house = House::new().await;
    let (status, _) = house.ask("DELETE", "/api/tokens/id-of-sm_bob", BOB, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for (method, path) in DATA {
        for token in ["", "sm_wrong", BOB] {
            let (status, body) = house.ask(method, path, token, Some(json!({}))).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} {token:?}");
            assert_eq!(body["code"], "unauthorized");
            assert!(body["request_id"].is_string() && body["detail"].is_string());
        }
    }
}

#[tokio::test]
async fn another_person_is_refused_before_the_upgrade_and_in_bodies() {
    let house = House::new().await;
    assert_eq!(house.ask("GET", "/ws/bob", OWNER, None).await.0, StatusCode::FORBIDDEN);
    let body = json!({"message": "hi", "user_id": "bob"});
    assert_eq!(house.ask("POST", "/api/agent/process", OWNER, Some(body)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask("POST", "/api/invites", BOB, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask("GET", "/api/mcp/tools", BOB, None).await.0, StatusCode::FORBIDDEN);
    let body = json!({"hash": "x"});
    assert_eq!(house.ask("POST", "/api/mcp/tools/mcp.a.b/allow", BOB, Some(body)).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wrong_bodies_have_their_own_statuses() {
    let house = House::new().await;
    let send = |kind: &'static str, body: Vec<u8>| {
        let mut request = request("POST", "/api/agent/process", OWNER, None);
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        *request.body_mut() = Body::from(body);
        house.send(request)
    };
    let json = "application/json";
    assert_eq!(send("text/plain", b"{}".to_vec()).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send(json, b"{".to_vec()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(json, vec![b'"', 0xff, b'"']).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(json, vec![b' '; BODY_BYTES_MAX + 1]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(json, b"{}".to_vec()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, body) = house.ask("GET", "/api/nothing", OWNER, None).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, body) = house.ask("DELETE", "/api/me", OWNER, None).await;
    assert_eq!((status, &body["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("method_not_allowed")));
    assert_eq!(house.ask("GET", "/api/tasks?limit=x", OWNER, None).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn five_wrong_codes_and_the_right_one_must_wait() {
    let house = House::new().await;
    let code = house.ask("POST", "/api/link", OWNER, None).await.1["code"].clone();
    for _ in 0..5 {
        let (status, _) = house.ask("POST", "/api/session", "", Some(json!({"code": "wrong"}))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let right = request("POST", "/api/session", "", Some(json!({"code": code})));
    let (status, headers, _) = house.send(right).await;
    assert_eq!((status, headers[header::RETRY_AFTER].to_str().unwrap()), (StatusCode::TOO_MANY_REQUESTS, "900"));
    house.clock.advance(chrono::Duration::minutes(9));
    assert_eq!(
        house.ask("POST", "/api/session", "", Some(json!({"code": code}))).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
}

/// Signs in with a fresh code; the cookie.
async fn cookie(house: &House) -> String {
    let code = house.ask("POST", "/api/link", OWNER, None).await.1["code"].clone();
    let sign_in = request("POST", "/api/session", "", Some(json!({"code": code})));
    let (status, headers, _) = house.send(sign_in).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(house.ask("POST", "/api/session", "", Some(json!({"code": code}))).await.0, StatusCode::UNAUTHORIZED);
    let cookie = headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_cookie_works_until_signed_out_and_not_for_other_sites() {
    let house = House::new().await;
    let cookie = cookie(&house).await;
    let with = |method: &str, path: &str, origin: Option<&str>| {
        let request = Request::builder().method(method).uri(path).header(header::COOKIE, &cookie);
        let request = request.header(header::HOST, "127.0.0.1:8000");
        let request = match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        };
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(house.send(with("GET", "/api/me", None)).await.0, StatusCode::OK);
    assert_eq!(house.send(with("POST", "/api/link", Some("https://evil.example"))).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.send(with("POST", "/api/link", Some("http://127.0.0.1:8000"))).await.0, StatusCode::OK);
    assert_eq!(house.send(with("DELETE", "/api/session", None)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.send(with("GET", "/api/me", None)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_reaches_no_further_than_its_token() {
    let house = House::new().await;
    let (_, session) = house.ask("POST", "/api/session", "", Some(json!({"token": super::house::READ}))).await;
    let token = session["token"].as_str().unwrap();
    assert_eq!(house.ask("GET", "/api/me", token, None).await.0, StatusCode::OK);
    assert_eq!(house.ask("POST", "/api/link", token, None).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_ends_with_the_token_it_came_from() {
    let house = House::new().await;
    let (_, made) = house.ask("POST", "/api/tokens", OWNER, Some(json!({"name": "program", "scopes": ["read"]}))).await;
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    let mut sessions = Vec::new();
    for opener in [token, OWNER] {
        let (_, session) = house.ask("POST", "/api/session", "", Some(json!({"token": opener}))).await;
        sessions.push(session["token"].as_str().unwrap().to_owned());
    }
    let mut endings = house.state.hub.endings();
    assert_eq!(house.ask("DELETE", &format!("/api/tokens/{id}"), OWNER, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.ask("GET", "/api/me", token, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.ask("GET", "/api/me", &sessions[0], None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.ask("GET", "/api/me", &sessions[1], None).await.0, StatusCode::OK, "another token's goes on");
    let told = [endings.try_recv(), endings.try_recv()];
    assert!(told.iter().all(Result::is_ok), "open sockets of both are told: {told:?}");
}

#[tokio::test]
async fn pages_are_strict_and_looking_changes_nothing() {
    let house = House::new().await;
    let code = house.ask("POST", "/api/link", OWNER, None).await.1["code"].as_str().unwrap().to_owned();
    for path in
        ["/", &format!("/login?code={code}"), "/assets/app.js", "/assets/app.css", "/api/docs", "/assets/login.js"]
    {
        let (status, headers, body) = house.send(request("GET", path, "", None)).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("<style") && !text.contains(" onclick=") && !text.contains("<script>"), "{path}");
    }
    assert_eq!(house.ask("POST", "/api/session", "", Some(json!({"code": code}))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_document_names_every_data_route() {
    let house = House::new().await;
    let (_, document) = house.ask("GET", "/api/openapi.json", "", None).await;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    insta::assert_json_snapshot!("documented_paths", paths);
    let operation: &Value = &document["paths"]["/api/agent/process"]["post"];
    assert!(operation["requestBody"]["content"]["application/json"]["example"]["message"].is_string(), "{operation}");
}
