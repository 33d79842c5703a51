//! What holds for every request.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::{client, sent};
use super::{Travel, error};
use crate::fake_web::Fault;

#[tokio::test]
async fn requests_without_the_right_headers_are_refused_and_are_violations() {
    let travel = Travel::start().await;
    let url = format!("{}/stays/bookings", travel.server.url());
    let plain = || client().get(&url);
    let token = travel.server.token();
    let token = token.as_str();
    let versioned = || plain().header("duffel-version", "v2").header("accept", "application/json");
    for (request, status, kind, code) in [
        (plain().bearer_auth(token), 400, "invalid_request_error", "invalid_version_header"),
        (
            plain().bearer_auth(token).header("duffel-version", "v1"),
            400,
            "invalid_request_error",
            "unsupported_version",
        ),
        (
            plain().bearer_auth(token).header("duffel-version", "beta"),
            400,
            "invalid_request_error",
            "unsupported_version",
        ),
        (versioned(), 401, "authentication_error", "missing_authorization_header"),
        (versioned().header("authorization", token), 401, "authentication_error", "invalid_authorization_header"),
        (versioned().bearer_auth("duffel_test_other"), 401, "authentication_error", "access_token_not_found"),
        (
            plain().bearer_auth(token).header("duffel-version", "v2").header("accept", "text/html"),
            406,
            "invalid_request_error",
            "unsupported_format",
        ),
    ] {
        let (answered, body) = sent(request).await;
        assert_eq!((answered, error(&body)), (status, (kind, code)));
        assert_eq!(body["meta"]["status"], status);
        for field in ["title", "message", "documentation_url"] {
            assert!(body["errors"][0][field].is_string(), "{body}");
        }
        assert_eq!(travel.server.take_violations().len(), 1, "{code}");
    }
    let any = plain().bearer_auth(token).header("duffel-version", "v2");
    assert_eq!(sent(any).await.0, 200);
    assert_eq!(travel.server.take_violations(), ["GET /stays/bookings: no Accept: application/json"]);
}

#[tokio::test]
async fn bodies_that_are_no_json_under_data_are_refused_and_are_violations() {
    let travel = Travel::start().await;
    let post = || travel.post("/stays/quotes");
    let typed = || post().header("content-type", "application/json");
    for (request, code) in [
        (post().body("{\"data\":{}}"), "invalid_content_type_header"),
        (post().header("content-type", "text/plain").body("{\"data\":{}}"), "invalid_content_type_header"),
        (typed().body("{"), "bad_request"),
        (typed().body("{\"rate_id\":\"rat_1\"}"), "invalid_data_param"),
        (typed().body("{\"data\":[]}"), "invalid_data_param"),
    ] {
        let (status, body) = sent(request).await;
        assert_eq!((status, error(&body)), (400, ("invalid_request_error", code)));
        assert_eq!(travel.server.take_violations().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn paths_and_methods_that_there_are_not_are_violations() {
    let travel = Travel::start().await;
    let url = travel.server.url();
    for (method, path) in [
        ("GET", "/stays/search"),
        ("GET", "/air/bookings"),
        ("PUT", "/stays/bookings"),
        ("DELETE", "/stays/bookings/bok_1"),
        ("POST", "/stays/bookings/bok_1/cancel"),
        ("POST", "/v2/stays/search"),
    ] {
        let method = method.parse().expect("a method");
        let (status, body) = sent(travel.with_headers(client().request(method, format!("{url}{path}")))).await;
        assert_eq!((status, error(&body)), (404, ("invalid_request_error", "not_found")), "{path}");
        assert_eq!(travel.server.take_violations().len(), 1, "{path}");
    }
    // A booking that there is not is a thing that happens.
    assert_eq!(travel.get("/stays/bookings/bok_1").await.0, 404);
    travel.server.assert_no_violations();
}

#[tokio::test]
async fn nothing_found_has_the_shape_of_each_answer() {
    let travel = Travel::start().await;
    travel.server.faults(3, Fault::Nothing);
    let (status, body) = travel.send("/stays/search", &travel.stay(5)).await;
    assert_eq!((status, &body["data"]["results"]), (201, &json!([])));
    let (status, body) = travel.send("/air/offer_requests", &json!({})).await;
    assert_eq!((status, &body["data"]["offers"]), (201, &json!([])));
    assert_eq!(travel.get("/places/suggestions?name=goa").await.1["data"], json!([]));
}

#[tokio::test]
async fn too_many_requests_are_told_by_a_date_and_every_answer_has_an_id() {
    let travel = Travel::start().await;
    travel.server.fault(Fault::TooMany { retry_after: Some(20) });
    travel.server.fault(Fault::TooMany { retry_after: None });
    let url = format!("{}/stays/bookings", travel.server.url());
    let answer = travel.with_headers(client().get(&url)).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after")), (429, None));
    let reset = answer.headers()["ratelimit-reset"].to_str().expect("text");
    let reset = DateTime::parse_from_rfc2822(reset).expect("a date").with_timezone(&Utc);
    assert!((18..=20).contains(&(reset - travel.server.now()).num_seconds()));
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((error(&body), &body["meta"]["request_id"]), (("rate_limit_error", "rate_limit_exceeded"), &json!(id)));
    let answer = travel.with_headers(client().get(&url)).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("ratelimit-reset")), (429, None));
    let answer = travel.with_headers(client().get(&url)).send().await.expect("an answer");
    assert!(answer.headers().contains_key("x-request-id"));
    travel.server.assert_no_violations();
}
