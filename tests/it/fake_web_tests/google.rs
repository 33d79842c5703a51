//! The stand-in for Google.

use chrono::Duration;
use serde_json::{Value, json};

use super::{client, sent, text};
use crate::fake_web::google::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use crate::fake_web::{FakeGoogle, Fault};

fn grant<'a>() -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("refresh_token", REFRESH_TOKEN),
    ]
}

async fn token(server: &FakeGoogle, fields: &[(&str, &str)]) -> (u16, Value) {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = "application/x-www-form-urlencoded";
    sent(client().post(server.token_url()).header("content-type", kind).body(body)).await
}

/// A server and a token that it gave.
async fn granted() -> (FakeGoogle, String) {
    let server = FakeGoogle::start().await;
    let (status, body) = token(&server, &grant()).await;
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    (server, body["access_token"].as_str().expect("a token").to_owned())
}

fn create(server: &FakeGoogle, token: &str) -> reqwest::RequestBuilder {
    client().post(format!("{}/v2/spaces", server.meet_url())).bearer_auth(token)
}

#[tokio::test]
async fn a_token_makes_spaces_with_links_of_their_own() {
    let (server, token) = granted().await;
    let (status, first) = sent(create(&server, &token).json(&json!({}))).await;
    assert_eq!(status, 200, "{first}");
    let config = json!({"config": {"accessType": "OPEN"}});
    let (status, second) = sent(create(&server, &token).json(&config)).await;
    assert_eq!((status, &second["config"]["accessType"]), (200, &json!("OPEN")));
    assert_eq!(first["config"], json!({"accessType": "TRUSTED", "entryPointAccess": "ALL"}));
    let spaces = server.spaces();
    for (space, told) in spaces.iter().zip([&first, &second]) {
        assert_eq!((&told["name"], &told["meetingUri"]), (&json!(space.name), &json!(space.uri())));
        let code: Vec<_> = told["meetingCode"].as_str().expect("a code").split('-').map(str::len).collect();
        assert_eq!(code, [3, 4, 3]);
    }
    assert_eq!(spaces.len(), 2);
    assert_ne!(spaces[0].code, spaces[1].code);
    let get = client().get(format!("{}/v2/{}", server.meet_url(), spaces[1].name)).bearer_auth(&token);
    assert_eq!(sent(get).await, (200, second));
    server.assert_no_violations();
}

#[tokio::test]
async fn a_space_is_there_though_its_answer_is_lost() {
    let (server, token) = granted().await;
    server.fault_at("POST /v2/spaces", 1, Fault::Cut);
    server.fault_at("POST /v2/spaces", 1, Fault::DoneThenCut);
    assert!(create(&server, &token).json(&json!({})).send().await.is_err());
    assert_eq!(server.spaces(), []);
    assert!(create(&server, &token).json(&json!({})).send().await.is_err());
    assert_eq!(server.spaces().len(), 1);
    server.assert_no_violations();
}

#[tokio::test]
async fn what_expires_or_is_revoked_or_denied_is_no_fault_of_the_client() {
    let (server, old) = granted().await;
    server.advance(Duration::seconds(3_600));
    let (status, body) = sent(create(&server, &old).json(&json!({}))).await;
    assert_eq!((status, &body["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
    let (_, fresh) = token(&server, &grant()).await;
    let fresh = fresh["access_token"].as_str().expect("a token");
    server.deny();
    let (status, body) = sent(create(&server, fresh).json(&json!({}))).await;
    assert_eq!((status, &body["error"]["status"]), (403, &json!("PERMISSION_DENIED")));
    server.revoke();
    assert_eq!(sent(create(&server, fresh).json(&json!({}))).await.0, 401);
    let revoked = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!(token(&server, &grant()).await, (400, revoked));
    server.fault(Fault::TooMany { retry_after: Some(7) });
    let answer = create(&server, fresh).json(&json!({})).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().expect("a value")));
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
    server.assert_no_violations();
}

#[tokio::test]
async fn bad_requests_for_a_token_are_refused_and_are_violations() {
    let server = FakeGoogle::start().await;
    for (name, value, status, error, what) in [
        ("grant_type", "", 400, "invalid_request", "Missing required parameter: grant_type"),
        ("client_id", "", 400, "invalid_request", "Missing required parameter: client_id"),
        ("client_secret", "", 400, "invalid_request", "Missing required parameter: client_secret"),
        ("refresh_token", "", 400, "invalid_request", "Missing required parameter: refresh_token"),
        ("grant_type", "password", 400, "unsupported_grant_type", "Invalid grant_type"),
        ("client_id", "other", 401, "invalid_client", "The OAuth client was not found."),
        ("client_secret", "other", 401, "invalid_client", "Unauthorized"),
        ("refresh_token", "other", 400, "invalid_grant", "Bad Request"),
    ] {
        let fields = grant().map(|(own, good)| (own, if own == name { value } else { good }));
        let body = json!({"error": error, "error_description": what});
        assert_eq!(token(&server, &fields).await, (status, body), "{name}={value}");
        assert_eq!(server.take_violations(), [format!("POST /token: {what}")]);
    }
    let fields: Vec<_> = grant().into_iter().chain([("scopes", "x")]).collect();
    assert_eq!(token(&server, &fields).await.0, 200);
    assert_eq!(server.take_violations(), ["POST /token: there is no parameter \"scopes\""]);
    let json = client().post(server.token_url()).json(&json!({"grant_type": "refresh_token"}));
    assert_eq!(sent(json).await.1["error"], "invalid_request");
    assert_eq!(server.take_violations(), ["POST /token: The body is not form-encoded."]);
    assert_eq!(text(client().get(server.token_url())).await.0, 404);
    assert_eq!(server.violations(), ["GET /token: no such method and path"]);
}

#[tokio::test]
async fn bad_requests_for_a_space_are_refused_and_are_violations() {
    let (server, token) = granted().await;
    let url = format!("{}/v2/spaces", server.meet_url());
    assert_eq!(sent(client().post(&url).json(&json!({}))).await.1["error"]["code"], 401);
    assert_eq!(server.take_violations(), ["POST /v2/spaces: no access token"]);
    for wrong in
        [client().post(&url).bearer_auth("ya29.other"), client().post(&url).header("authorization", token.clone())]
    {
        assert_eq!(sent(wrong.json(&json!({}))).await.0, 401);
        assert_eq!(server.take_violations(), ["POST /v2/spaces: an access token that was never given"]);
    }
    let unknown = "Invalid JSON payload received. Unknown name \"title\" at 'space': Cannot find field.";
    let inner = "Invalid JSON payload received. Unknown name \"access\" at 'space.config': Cannot find field.";
    let value = "Invalid value at 'space.config.access_type' \
                 (type.googleapis.com/google.apps.meet.v2.SpaceConfig.AccessType), \"PUBLIC\"";
    for (body, what) in [
        (json!({"title": "Party"}), unknown),
        (json!({"config": {"access": "OPEN"}}), inner),
        (json!({"config": {"accessType": "PUBLIC"}}), value),
        (json!([]), "Invalid JSON payload received. Unexpected token."),
    ] {
        let (status, answer) = sent(create(&server, &token).json(&body)).await;
        let error = json!({"error": {"code": 400, "message": what, "status": "INVALID_ARGUMENT"}});
        assert_eq!((status, answer), (400, error));
        assert_eq!(server.take_violations(), [format!("POST /v2/spaces: {what}")]);
    }
    assert_eq!(text(create(&server, &token).body("{}")).await.0, 400);
    assert_eq!(server.take_violations(), ["POST /v2/spaces: The body is not of type JSON."]);
    assert_eq!(server.spaces(), []);
}

#[tokio::test]
async fn a_post_without_a_length_is_refused_and_an_empty_body_is_not() {
    let (server, token) = granted().await;
    // The client sends no length when it has no body.
    assert_eq!(text(create(&server, &token)).await.0, 411);
    assert_eq!(sent(create(&server, &token).header("content-length", "0")).await.0, 200);
    assert_eq!(server.violations(), ["POST /v2/spaces: a POST without Content-Length"]);
}
