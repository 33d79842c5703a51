//! Contacts, settings, plugins, health.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::house::{BOB, House, OWNER};

#[tokio::test]
async fn contacts_are_kept_changed_and_removed_by_their_owner_only() {
    let house = House::new().await;
    let ann = json!({"name": "Ann", "email": "ann@example.org", "groups": ["friends"]});
    let (status, added) = house.ask("POST", "/api/contacts", OWNER, Some(ann.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let path = format!("/api/contacts/{}", added["id"].as_str().unwrap());
    for (method, body) in [("GET", None), ("PUT", Some(ann)), ("DELETE", None)] {
        assert_eq!(house.ask(method, &path, BOB, body).await.0, StatusCode::NOT_FOUND, "{method}");
    }
    let (_, groups) = house.ask("GET", "/api/groups", OWNER, None).await;
    assert_eq!(groups, json!({"groups": [{"name": "friends", "members": [added["id"]]}]}));
    let (status, _) = house.ask("PUT", &path, OWNER, Some(json!({"name": "Anna"}))).await;
    assert_eq!(status, StatusCode::OK);
    let (_, kept) = house.ask("GET", &path, OWNER, None).await;
    assert_eq!((&kept["name"], kept.get("email")), (&json!("Anna"), None::<&Value>));
    assert_eq!(house.ask("DELETE", &path, OWNER, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.ask("GET", &path, OWNER, None).await.0, StatusCode::NOT_FOUND);
    let (status, body) = house.ask("POST", "/api/contacts", OWNER, Some(json!({"email": "no"}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"].as_array().unwrap().len(), 2, "{body}");
}

#[tokio::test]
async fn settings_change_one_by_one() {
    let house = House::new().await;
    let patch = |body: Value| async { house.ask("PATCH", "/api/settings", OWNER, Some(body)).await };
    let (status, body) = patch(json!({"timezone": "Asia/Kolkata", "currency": "INR"})).await;
    assert_eq!((status, &body["timezone"], &body["locale"]), (StatusCode::OK, &json!("Asia/Kolkata"), &json!("en")));
    for wrong in [json!({"timezone": "Mars/Base"}), json!({"currency": "rupees"}), json!({"color": "red"})] {
        assert_eq!(patch(wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (_, kept) = house.ask("GET", "/api/settings", OWNER, None).await;
    assert_eq!(kept["currency"], "INR");
}

#[tokio::test]
async fn looking_around() {
    let house = House::new().await;
    let mut seen = Vec::new();
    for path in
        ["/api/plugins/", "/api/plugins/capabilities", "/api/health", "/api/status", "/api/tokens", "/api/events"]
    {
        let (status, body) = house.ask("GET", path, OWNER, None).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        seen.push(json!({path: body}));
    }
    insta::assert_json_snapshot!("looking_around", seen);
}
