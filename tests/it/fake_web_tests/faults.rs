//! How requests go wrong, with any of the servers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{client, sent, text};
use crate::fake_web::{FakeDuffel, FakeSearxng, FakeWeb, Fault};

/// How long a body may be that the client takes.
const LONG_BYTES: usize = 50 * 1024 * 1024;

fn get(server: &FakeSearxng) -> reqwest::RequestBuilder {
    client().get(format!("{}/search?q=party&format=json", server.url()))
}

#[tokio::test]
async fn a_request_that_is_not_done_leaves_no_status_in_the_ledger() {
    let server = FakeSearxng::start().await;
    for (fault, status) in [
        (Fault::Nothing, 200),
        (Fault::TooMany { retry_after: None }, 429),
        (Fault::TooMany { retry_after: Some(3) }, 429),
        (Fault::ServerError, 500),
        (Fault::Page(503), 503),
        (Fault::Redirect("http://127.0.0.1:1/elsewhere".to_owned()), 302),
        (Fault::RedirectAs(308, "/there".to_owned()), 308),
    ] {
        server.fault(fault.clone());
        let answer = get(&server).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{fault:?}");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        match &fault {
            Fault::TooMany { retry_after } => {
                assert_eq!(header("retry-after"), retry_after.map(|secs| secs.to_string()));
            }
            Fault::Redirect(to) | Fault::RedirectAs(_, to) => assert_eq!(header("location").as_ref(), Some(to)),
            Fault::ServerError | Fault::Page(_) => {
                assert_eq!(header("content-type").as_deref(), Some("text/html"));
                assert!(answer.text().await.expect("a page").starts_with("<html>"));
            }
            _ => assert_eq!(answer.json::<Value>().await.expect("JSON")["results"], json!([])),
        }
        let entry = server.last().expect("a request");
        assert_eq!((entry.status, entry.answered), (None, Some(status)), "{fault:?}");
    }
    for fault in [Fault::Cut, Fault::Hang] {
        server.fault(fault);
        assert!(get(&server).timeout(Duration::from_millis(300)).send().await.is_err());
        let entry = server.last().expect("a request");
        assert_eq!((entry.status, entry.answered), (None, None));
    }
    assert_eq!(sent(get(&server)).await.0, 200);
    server.assert_no_violations();
}

#[tokio::test]
async fn a_request_that_is_done_may_have_no_good_answer_all_the_same() {
    let server = FakeSearxng::start().await;
    server.fault(Fault::EmptyBody);
    assert_eq!(text(get(&server)).await, (200, String::new()));
    server.fault(Fault::DoneThenPage(502));
    assert!(text(get(&server)).await.1.contains("Bad Gateway"));
    server.fault(Fault::WrongType);
    let answer = get(&server).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(answer.json::<Value>().await.is_ok());
    server.fault(Fault::BadJson);
    let (status, body) = text(get(&server)).await;
    assert_eq!(status, 200);
    assert!(body.starts_with('{') && serde_json::from_str::<Value>(&body).is_err());
    server.fault(Fault::Truncated);
    assert!(get(&server).send().await.expect("a head").text().await.is_err());
    server.fault(Fault::DoneThenCut);
    assert!(get(&server).send().await.is_err());
    for fault in [Fault::DoneThenHang, Fault::HalfThenHang] {
        server.fault(fault);
        let answer = get(&server).timeout(Duration::from_millis(300)).send().await;
        assert!(match answer {
            Ok(answer) => answer.text().await.is_err(),
            Err(_) => true,
        });
    }
    assert!(server.ledger().iter().all(|entry| entry.status == Some(200)));
    let answered: Vec<_> = server.ledger().iter().map(|entry| entry.answered).collect();
    let ok = Some(200);
    assert_eq!(answered, [ok, Some(502), ok, ok, None, None, None, None]);
    server.assert_no_violations();
}

#[tokio::test]
async fn an_answer_may_be_slow_to_begin_or_slow_to_end() {
    let server = FakeSearxng::start().await;
    let begun = Instant::now();
    server.fault(Fault::Delay(Duration::from_millis(300)));
    assert_eq!(sent(get(&server)).await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    server.set_results(Vec::new());
    server.fault(Fault::Drip { bytes: 20, every: Duration::from_millis(20) });
    let begun = Instant::now();
    let answer = get(&server).send().await.expect("a head");
    let head = begun.elapsed();
    let body = answer.text().await.expect("a body");
    let pieces = u32::try_from(body.len() / 20).expect("a small number");
    assert!(begun.elapsed() >= Duration::from_millis(20) * pieces, "{body}");
    assert!(head < Duration::from_millis(20) * pieces, "the head comes first: {head:?}");
    assert!(serde_json::from_str::<Value>(&body).is_ok());
    assert!(server.ledger().iter().all(|entry| entry.answered == Some(200)));
    // A client that goes does not undo what it asked for.
    server.fault(Fault::Delay(Duration::from_millis(300)));
    assert!(get(&server).timeout(Duration::from_millis(50)).send().await.is_err());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.last().expect("a request").status, Some(200));
    server.assert_no_violations();
}

#[tokio::test]
async fn a_huge_body_is_still_json_with_a_length_or_without() {
    let server = FakeSearxng::start().await;
    for declared in [true, false] {
        server.fault(Fault::Huge { declared });
        let answer = get(&server).send().await.expect("a head");
        assert_eq!(answer.content_length().is_some_and(|length| length > LONG_BYTES as u64), declared);
        let body = answer.bytes().await.expect("a body");
        assert!(body.len() > LONG_BYTES);
        assert!(serde_json::from_slice::<Value>(&body).is_ok());
        // A client that reads only so much goes away, and the server lives on.
        server.fault(Fault::Huge { declared });
        let mut answer = get(&server).send().await.expect("a head");
        assert!(answer.chunk().await.expect("a piece").is_some());
    }
    assert_eq!(sent(get(&server)).await.0, 200);
}

#[tokio::test]
async fn faults_come_in_their_order_as_often_as_told_and_where_told() {
    let server = FakeSearxng::start().await;
    server.faults(2, Fault::Page(503));
    server.fault(Fault::ServerError);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(text(get(&server)).await.0);
    }
    assert_eq!(statuses, [503, 503, 500, 200]);
    server.fault_at("GET /elsewhere", 1, Fault::ServerError);
    assert_eq!(text(get(&server)).await.0, 200);
    server.fault_at("GET /search", 1, Fault::Page(502));
    assert_eq!(text(get(&server)).await.0, 502);
    server.fault_always(Fault::Page(504));
    for _ in 0..3 {
        assert_eq!(text(get(&server)).await.0, 504);
    }
    server.clear_faults();
    assert_eq!(text(get(&server)).await.0, 200);
    assert_eq!(server.requests().into_iter().collect::<Vec<_>>(), [("GET /search".to_owned(), 10)]);
    assert_eq!((server.count("GET /search"), server.count("GET /elsewhere")), (10, 0));
}

#[tokio::test]
async fn the_ledger_holds_all_that_arrived() {
    let server = FakeSearxng::start().await;
    let before = server.now();
    let url = format!("{}/search?q=a%20b&format=json", server.url());
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { server.wait_for("GET /search", 1).await }
    });
    assert_eq!(sent(client().get(url).header("X-Mark", "7")).await.0, 200);
    let entries = waiting.await.expect("a request");
    let entry = &entries[0];
    assert_eq!((entry.method.as_str(), entry.path.as_str(), entry.place().as_str()), ("GET", "/search", "GET /search"));
    assert_eq!((entry.param("q"), entry.param("format"), entry.param("x")), (Some("a b"), Some("json"), None));
    assert_eq!((entry.header("x-mark"), entry.body.len()), (Some("7"), 0));
    assert!(entry.time >= before && entry.time <= server.now());
    assert_eq!(server.requests_to("GET /search").len(), 1);
}

#[tokio::test]
#[should_panic(expected = "GET /nowhere: no such path")]
async fn a_violation_fails_the_assertion_with_a_report() {
    let server = FakeSearxng::start().await;
    assert_eq!(text(client().get(format!("{}/nowhere", server.url()))).await.0, 404);
    server.assert_no_violations();
}

#[tokio::test]
async fn all_servers_start_at_once_with_the_settings_that_lead_to_them() {
    let web = FakeWeb::start().await;
    let settings = web.settings();
    let urls: HashSet<_> = settings[..4].iter().map(|(_, url)| url).collect();
    assert_eq!(urls.len(), 4);
    assert!(settings[2].1.ends_with("/api/interpreter"), "{settings:?}");
    let search = |url: &str| client().get(format!("{url}/search?q=goa&format=json"));
    assert_eq!(sent(search(&settings[0].1)).await.0, 200);
    web.assert_no_violations();
    assert_eq!(text(search(&settings[1].1)).await.0, 403);
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| web.assert_no_violations()));
    assert!(judged.is_err());
}

#[tokio::test]
async fn what_is_no_http_is_a_violation() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = FakeDuffel::start().await;
    let addr = server.origin().trim_start_matches("http://").to_owned();
    for head in ["HELLO there", "BREW /coffee HTTP/1.1", "GET / HTTP/1.0", "GET / HTTP/1.1\r\nno colon"] {
        let mut stream = tokio::net::TcpStream::connect(&addr).await.expect("a connection");
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        // The server may close before it has read all.
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{head}");
        assert!(rest.is_empty(), "{head}");
        let what = if head.contains("colon") { "a header without a colon" } else { "not a request of HTTP/1.1" };
        assert_eq!(server.take_violations(), [format!("HTTP: {what}")], "{head}");
    }
}

#[tokio::test]
async fn a_server_stops_and_starts_again_with_what_it_knows() {
    let server = FakeSearxng::start().await;
    assert_eq!(sent(get(&server)).await.0, 200);
    server.stop();
    let refused = async {
        while get(&server).send().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.expect("the port closes");
    server.restart().await;
    assert_eq!(sent(get(&server)).await.0, 200);
    assert!(server.count("GET /search") >= 2);
}
