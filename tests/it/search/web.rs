//! `search.search_web`.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Desk, detail, each};
use crate::fake_web::searxng::result;
use crate::fake_web::{FakeSearxng, Fault};
use crate::service::{Service, Setup};

const SEARCH: &str = "GET /search";

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_found_as_many_as_are_wanted() {
    let desk = Desk::new().await;
    let (found, failed) = desk.web("party venues in Goa & around").await;
    assert_eq!((each(&found, "url").len(), failed), (10, false));
    assert_eq!(each(&found, "title")[0], "Party venues in Goa, part 1");
    assert!(each(&found, "snippet")[9].contains("list 10"), "{found:#}");
    assert_eq!(desk.searxng.count(SEARCH), 1);
    assert_eq!(desk.searxng.ledger()[0].param("q"), Some("party venues in Goa & around"));

    let params = json!({"query": "venues", "limit": 25});
    let (found, _) = desk.search("search.search_web", params).await;
    assert_eq!(each(&found, "url").len(), 23, "there are no more");
    let (found, _) = desk.search("search.search_web", json!({"query": "venues", "limit": 3})).await;
    assert_eq!(each(&found, "url").len(), 3);
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_plain_text_and_leads_to_the_web_only() {
    let desk = Desk::new().await;
    desk.searxng.set_results(vec![
        result("https://a.example/x", "<b>Bold</b> \u{202e}title", "A &amp; B <script>steal()</script>\u{7} end"),
        result("javascript:alert(1)", "Evil", "x"),
        result("file:///etc/passwd", "Evil", "x"),
        result("ftp://files.example/x", "Evil", "x"),
        result("https://bank.example@evil.example/", "Evil", "x"),
        result("http://www.a.example/x/#again", "The same", "x"),
        json!({"template": "a result without a url"}),
        result("https://b.example/", "", &"long ".repeat(10_000)),
    ]);
    let (found, _) = desk.web("anything").await;
    assert_eq!(each(&found, "url"), ["https://a.example/x", "https://b.example/"]);
    assert_eq!(each(&found, "title"), ["Bold title", "b.example"]);
    assert_eq!(each(&found, "snippet")[0], "A & B end");
    assert_eq!(each(&found, "snippet")[1].chars().count(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_fault_is_tried_again_and_found() {
    let faults = [
        Fault::TooMany { retry_after: None },
        Fault::ServerError,
        Fault::Page(502),
        Fault::EmptyBody,
        Fault::BadJson,
        Fault::Truncated,
        Fault::Cut,
        Fault::Huge { declared: true },
        Fault::Huge { declared: false },
        Fault::Hang,
        Fault::HalfThenHang,
    ];
    let tried = faults.into_iter().map(|fault| async move {
        let desk = Desk::new().await;
        desk.searxng.fault(fault.clone());
        let (found, failed) = desk.web("venues").await;
        assert_eq!((each(&found, "url").len(), failed), (10, false), "{fault:?}");
        assert_eq!(desk.searxng.count(SEARCH), 2, "{fault:?}");
        desk.assert_no_violations();
    });
    futures_util::future::join_all(tried).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_wait_is_not_asked_before() {
    let desk = Desk::new().await;
    desk.searxng.fault(Fault::TooMany { retry_after: Some(6) });
    let (found, _) = desk.web("venues").await;
    assert_eq!(each(&found, "url").len(), 10);
    let [first, second] = desk.searxng.ledger().try_into().expect("two requests");
    assert!(second.at - first.at >= Duration::from_secs(6), "{:?}", second.at - first.at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_waited_for() {
    let desk = Desk::new().await;
    desk.searxng.fault(Fault::Delay(Duration::from_secs(4)));
    desk.searxng.fault(Fault::Drip { bytes: 400, every: Duration::from_millis(50) });
    let params = json!({"query": "venues", "limit": 20});
    let (found, _) = desk.search("search.search_web", params).await;
    assert_eq!((each(&found, "url").len(), desk.searxng.count(SEARCH)), (20, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_into_the_private_network_is_not_followed() {
    let desk = Desk::new().await;
    let private = FakeSearxng::start().await;
    for path in ["/search?q=x&format=json", "/latest/meta-data/"] {
        desk.searxng.fault(Fault::Redirect(format!("{}{path}", private.url())));
        let (refused, told) = desk.web("venues").await;
        assert!(detail(&refused).contains("may not be called") && told, "{refused:#}");
    }
    desk.searxng.fault(Fault::Redirect("http://169.254.169.254/latest/meta-data/".to_owned()));
    assert!(detail(&desk.web("venues").await.0).contains("may not be called"));
    assert_eq!(private.ledger().len(), 0, "{}", private.report());
    assert_eq!(desk.searxng.count(SEARCH), 3, "what is refused for good is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_is_said_only_when_somebody_looked() {
    let desk = Desk::new().await;
    desk.searxng.set_results(Vec::new());
    let (found, failed) = desk.web("no such thing").await;
    assert_eq!((found["results"].clone(), failed), (json!([]), false));
    assert!(detail(&found).starts_with("Nothing was found for “no such thing”"), "{found:#}");

    desk.searxng.set_unresponsive(&[("duckduckgo", "CAPTCHA"), ("brave", "timeout")]);
    let (failure, told) = desk.web("anything").await;
    assert_eq!((failure["status"].as_str(), told), (Some("failed"), true), "{failure:#}");
    assert!(detail(&failure).contains("no search engine answered: duckduckgo (CAPTCHA), brave (timeout)"));
    assert_eq!(desk.searxng.count(SEARCH), 4, "it is tried three times");
    desk.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_are_silent_are_told_beside_what_the_others_found() {
    let desk = Desk::new().await;
    desk.searxng.set_unresponsive(&[("brave", "timeout")]);
    let (found, _) = desk.web("venues").await;
    assert_eq!(each(&found, "url").len(), 10);
    assert!(detail(&found).contains("without an answer: brave (timeout)"), "{found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_without_json_says_what_to_set() {
    let desk = Desk::new().await;
    desk.searxng.disable_json();
    let (failure, told) = desk.web("venues").await;
    assert!(detail(&failure).contains("search.formats") && told, "{failure:#}");
    assert_eq!(desk.searxng.count(SEARCH), 1, "trying again does not help");
    let doctor = desk.setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("BAD  web search") && said.contains("search.formats"), "{said}");
    assert_eq!(doctor.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_a_clear_failure() {
    let desk = Desk::new().await;
    desk.searxng.stop();
    let (failure, told) = desk.web("venues").await;
    assert_eq!((failure["status"].as_str(), told), (Some("failed"), true), "{failure:#}");
    assert!(detail(&failure).contains("SearXNG: 127.0.0.1 cannot be reached"), "{failure:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_action_is_not_available_and_says_the_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let setup = Setup::new(dir.path(), "");
    let service = Service::start(&setup);
    let plan = json!({"version": 1, "title": "T", "stages": [
        {"id": "n", "type": "execution", "action": "search.search_web", "params": {"query": "x"}}]});
    let (status, answer) =
        service.call(Method::POST, "/api/tasks", Some(json!({"plan": plan}))).await.expect("an answer");
    assert_eq!(status, 422, "{answer:#}");
    let fault = answer["detail"].to_string();
    assert!(fault.contains("is not available") && fault.contains("set SEARXNG_URL"), "{fault}");
    let plugins = service.get("/api/plugins/").await.to_string();
    assert!(plugins.contains("not: Search web (web search is not configured: set SEARXNG_URL)"), "{plugins}");
    let doctor = setup.command().arg("doctor").output().expect("doctor runs");
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("off  web search      not configured: set SEARXNG_URL"), "{said}");
    assert_eq!(said.matches("is public and was not asked").count(), 2, "{said}");
    assert_eq!(doctor.status.code(), Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_data_leaves_the_house_only_after_a_yes() {
    let desk = Desk::new().await;
    let plan = json!({"version": 1, "title": "T", "stages": [
        {"id": "n", "type": "execution", "action": "search.search_web", "params": {"query": "who is bob@test.local"}}]});
    let asked = desk.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await;
    assert_eq!(asked["stage_type"], "confirmation", "{asked:#}");
    assert_eq!(desk.searxng.count(""), 0);
    desk.service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    assert_eq!(desk.searxng.wait_for(SEARCH, 1).await[0].param("q"), Some("who is bob@test.local"));
}
