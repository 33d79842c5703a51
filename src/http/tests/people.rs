//! Contacts, settings, plugins, health.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::house::{BOB, House, OWNER, READ};

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
async fn a_contact_has_several_addresses_and_keeps_its_uid() {
    let house = House::new().await;
    let ann = json!({"name": "Ann", "emails": ["a@x.org", "b@x.org", "A@x.org"], "phones": ["030 1"]});
    let (status, added) = house.ask("POST", "/api/contacts", OWNER, Some(ann)).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    assert_eq!((&added["email"], &added["emails"]), (&json!("a@x.org"), &json!(["b@x.org"])), "the first is the usual");
    assert_eq!(added["phone"], "030 1");
    let wrong = json!({"name": "Ann", "emails": ["a@x.org", "b@x.org\r\nBcc: c@x.org"]});
    assert_eq!(house.ask("POST", "/api/contacts", OWNER, Some(wrong)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let file = "BEGIN:VCARD\nVERSION:4.0\nFN:Zoe\nUID:urn:uuid:z\nEND:VCARD\n";
    import(&house, OWNER, file).await;
    let (_, all) = house.ask("GET", "/api/contacts", OWNER, None).await;
    let zoe = all["contacts"].as_array().unwrap().iter().find(|one| one["name"] == "Zoe").unwrap();
    let path = format!("/api/contacts/{}", zoe["id"].as_str().unwrap());
    house.ask("PUT", &path, OWNER, Some(json!({"name": "Zoe Smith", "email": "z@x.org"}))).await;
    let (_, again) = import(&house, OWNER, file).await;
    assert_eq!((&again["added"], &again["updated"]), (&json!(0), &json!(1)), "it is still her: {again}");
}

async fn import(house: &House, token: &str, file: impl Into<axum::body::Body>) -> (StatusCode, Value) {
    import_as(house, token, "text/vcard; charset=utf-8", file).await
}

async fn import_as(house: &House, token: &str, kind: &str, file: impl Into<axum::body::Body>) -> (StatusCode, Value) {
    let request = axum::http::Request::post("/api/contacts/import")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind)
        .body(file.into())
        .unwrap();
    let (status, _, body) = house.send(request).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_file_is_imported_once_by_its_owner_and_nobody_else_sees_it() {
    let house = House::new().await;
    let by_hand = json!({"name": "Bob", "email": "bob@x.org", "relation": "brother"});
    house.ask("POST", "/api/contacts", OWNER, Some(by_hand)).await;
    let file = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nUID:b\nEMAIL:BOB@x.org\nEMAIL:b@work.org\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEMAIL:ann@x.org\nRELATED;TYPE=spouse;VALUE=text:owner\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:3.0\nNOTE:x\nEND:VCARD\nBEGIN:VCARD\nFN:Cut";
    let (status, done) = import(&house, OWNER, file).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!((&done["added"], &done["updated"], &done["unchanged"]), (&json!(1), &json!(1), &json!(0)), "{done}");
    assert_eq!((&done["skipped"][0]["line"], &done["skipped"][1]["line"]), (&json!(14), &json!(18)), "{done}");
    let (_, before) = house.ask("GET", "/api/contacts", OWNER, None).await;
    let bob = before["contacts"].as_array().unwrap().iter().find(|one| one["name"] == "Bob").unwrap();
    assert_eq!((&bob["relation"], &bob["emails"]), (&json!("brother"), &json!(["b@work.org"])), "nothing is lost");
    let ann = before["contacts"].as_array().unwrap().iter().find(|one| one["name"] == "Ann").unwrap();
    assert_eq!(ann["relation"], "spouse");
    let (_, again) = import(&house, OWNER, file).await;
    assert_eq!((&again["added"], &again["updated"], &again["unchanged"]), (&json!(0), &json!(0), &json!(2)), "{again}");
    assert_eq!(house.ask("GET", "/api/contacts", OWNER, None).await.1, before, "the same file changes nothing");
    assert_eq!(house.ask("GET", "/api/contacts", BOB, None).await.1, json!({"contacts": []}));
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_its_status() {
    let house = House::new().await;
    let card = "BEGIN:VCARD\nFN:a\nEND:VCARD\n";
    assert_eq!(import(&house, "", card).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(import(&house, READ, card).await.0, StatusCode::FORBIDDEN);
    assert_eq!(import_as(&house, OWNER, "application/json", card).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, body) = import(&house, OWNER, "%PDF-1.7").await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("no_cards")));
    let photos = format!("BEGIN:VCARD\nFN:a\nPHOTO:{}\nEND:VCARD\n", "A".repeat(3 << 20));
    assert_eq!(import(&house, OWNER, photos).await.0, StatusCode::OK, "pictures may be there");
    let (status, body) = import(&house, OWNER, "A".repeat((8 << 20) + 1)).await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
}

#[tokio::test]
async fn a_book_takes_no_more_than_it_holds_and_says_so() {
    let house = House::new().await;
    let card = |n: usize| format!("BEGIN:VCARD\nFN:Name {n}\nUID:{n}\nEND:VCARD\n");
    let cards = |n: usize| (0..n).map(card).collect::<Vec<_>>().concat();
    let (_, done) = import(&house, OWNER, cards(4_999)).await;
    assert_eq!(done["added"], 4_999, "{done}");
    house.ask("POST", "/api/contacts", OWNER, Some(json!({"name": "One more"}))).await;
    let (_, done) = import(&house, OWNER, cards(100_000)).await;
    assert_eq!((&done["added"], &done["unchanged"]), (&json!(0), &json!(4_999)), "{done}");
    assert!(done["skipped"][0]["why"].as_str().is_some_and(|why| why.contains("5000")), "{done}");
    let told = done["skipped"].as_array().unwrap().len() as u64 + done["skipped_more"].as_u64().unwrap();
    assert_eq!(told, 100_000 - 4_999, "every card is told or counted");
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
