//! The stand-in for SearXNG.

use serde_json::{Value, json};

use super::{client, sent, text};
use crate::fake_web::FakeSearxng;
use crate::fake_web::searxng::{PAGE_RESULTS, result};

const NONE: [&str; 0] = [];

fn get(server: &FakeSearxng, query: &str) -> reqwest::RequestBuilder {
    client().get(format!("{}/search?{query}", server.url()))
}

#[tokio::test]
async fn a_search_answers_pages_of_results_in_the_shape_of_the_service() {
    let server = FakeSearxng::start().await;
    server.set_unresponsive(&[("google", "Suspended: CAPTCHA")]);
    server.set_suggestions(&["goa party hall"]);
    let (status, body) = sent(get(&server, "q=party+in+goa&format=json&language=en-IN&safesearch=1&pageno=1")).await;
    assert_eq!((status, &body["query"]), (200, &json!("party in goa")));
    let results = body["results"].as_array().expect("results");
    assert_eq!(results.len(), PAGE_RESULTS);
    for name in ["url", "title", "content", "engine", "category"] {
        assert!(results[0][name].is_string(), "{name} in {}", results[0]);
    }
    assert!(results[0]["engines"].is_array() && results[0]["score"].is_f64());
    assert_eq!(results[1]["publishedDate"], "2026-03-04T00:00:00");
    assert_eq!(body["unresponsive_engines"], json!([["google", "Suspended: CAPTCHA"]]));
    assert_eq!(body["suggestions"], json!(["goa party hall"]));
    for empty in ["answers", "corrections", "infoboxes"] {
        assert_eq!(body[empty], json!([]));
    }
    let (_, third) = sent(get(&server, "q=party&format=json&pageno=3")).await;
    assert_eq!(third["results"].as_array().map(Vec::len), Some(3));
    let (_, fourth) = sent(get(&server, "q=party&format=json&pageno=4")).await;
    assert_eq!(fourth["results"], json!([]));
    server.assert_no_violations();
}

#[tokio::test]
async fn a_form_is_as_good_as_a_query() {
    let server = FakeSearxng::start().await;
    server.set_results_for("halls", vec![result("https://a.test/x?y=1", "A", "B")]);
    let form =
        client().post(format!("{}/search", server.url())).header("content-type", "application/x-www-form-urlencoded");
    let (status, body) = sent(form.body("q=halls&format=json")).await;
    assert_eq!((status, body["results"].as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(body["results"][0]["parsed_url"], json!(["https", "a.test", "/x", "", "y=1", ""]));
    assert_eq!(server.ledger()[0].form()[0], ("q".to_owned(), "halls".to_owned()));
    server.set_results(Vec::new());
    let (_, body) = sent(get(&server, "q=other&format=json")).await;
    assert_eq!(body["results"], Value::from(NONE.to_vec()));
    server.assert_no_violations();
}

#[tokio::test]
async fn json_that_is_not_enabled_is_forbidden_and_no_fault_of_the_client() {
    let server = FakeSearxng::start().await;
    server.disable_json();
    let (status, page) = text(get(&server, "q=x&format=json")).await;
    assert_eq!(status, 403);
    assert!(page.contains("<title>403 Forbidden</title>"), "{page}");
    server.assert_no_violations();
}

#[tokio::test]
async fn the_limiter_refuses_with_a_page() {
    let server = FakeSearxng::start().await;
    server.limit(true);
    let (status, page) = text(get(&server, "q=x&format=json")).await;
    assert_eq!(status, 429);
    assert!(page.contains("Too Many Requests"), "{page}");
    server.limit(false);
    assert_eq!(sent(get(&server, "q=x&format=json")).await.0, 200);
    server.assert_no_violations();
}

#[tokio::test]
async fn requests_that_the_service_refuses_are_violations() {
    let server = FakeSearxng::start().await;
    for (query, status, violation) in [
        ("format=json", 400, "no query"),
        ("q=+&format=json", 400, "no query"),
        ("q=x", 200, "no format, so the page for people"),
        ("q=x&format=xml", 403, "a format that is not enabled"),
        ("q=x&format=json&pageno=0", 400, "Invalid value \"0\" for parameter pageno"),
        ("q=x&format=json&pageno=two", 400, "Invalid value \"two\" for parameter pageno"),
        ("q=x&format=json&safesearch=3", 400, "Invalid value \"3\" for parameter safesearch"),
        ("q=x&format=json&language=english", 400, "Invalid value \"english\" for parameter language"),
        ("q=x&format=json&time_range=hour", 400, "Invalid value \"hour\" for parameter time_range"),
        ("q=x&format=json&limit=5", 200, "there is no parameter \"limit\""),
    ] {
        assert_eq!(text(get(&server, query)).await.0, status, "{query}");
        assert_eq!(server.take_violations(), [format!("GET /search: {violation}")], "{query}");
    }
    let (status, body) = sent(get(&server, "q=x&format=json&pageno=0")).await;
    assert_eq!((status, body), (400, json!({"error": "Invalid value \"0\" for parameter pageno"})));
    let url = server.url();
    assert_eq!(text(client().put(format!("{url}/search"))).await.0, 405);
    assert_eq!(text(client().get(format!("{url}/find"))).await.0, 404);
    let json = client().post(format!("{url}/search")).json(&json!({"q": "x", "format": "json"}));
    assert_eq!(text(json).await.0, 200);
    let violations = server.violations();
    assert_eq!(
        violations[1..],
        [
            "PUT /search: neither GET nor POST",
            "GET /find: no such path",
            "POST /search: no format, so the page for people",
        ]
    );
}
