//! Hotels and flights against a strict stand-in for Duffel: prices, currencies, places of one name.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use workflows::ports::{Clock, SystemClock};

use crate::fake_web::{FakeWeb, Fault};
use crate::service::{Service, Setup, has_ended};

struct Desk {
    web: FakeWeb,
    service: Service,
    _dir: tempfile::TempDir,
}

/// A day so many days from now.
fn day(days: i64) -> String {
    (SystemClock.now() + chrono::Duration::days(days)).date_naive().to_string()
}

/// A source of exchange rates that knows one.
async fn rates() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/latest", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0_u8; 4_096];
            let read = stream.read(&mut asked).await.unwrap_or_default();
            assert!(String::from_utf8_lossy(&asked[..read]).contains("base=EUR&symbols=INR"));
            let body = r#"{"amount":1.0,"base":"EUR","date":"2026-11-27","rates":{"INR":100.0}}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            // A client that has gone does not matter here.
            let _gone = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    url
}

impl Desk {
    async fn new(more: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let web = FakeWeb::start().await;
        let mut setup =
            Setup::new(dir.path(), "").with("OPERATOR_CONTACT", "ops@test.local").with("DEFAULT_CURRENCY", "INR");
        for (name, value) in web.settings() {
            setup = setup.with(name, &value);
        }
        for (name, value) in more {
            setup = setup.with(name, value);
        }
        Self { web, service: Service::start(&setup), _dir: dir }
    }

    async fn begin(&self, action: &str, params: &Value) -> Value {
        let plan = json!({"version": 1, "title": "A search", "stages": [
            {"id": "look", "type": "execution", "action": action, "params": params, "on_failure": "skip"}]});
        self.service.post("/api/tasks", json!({"plan": plan, "session_id": "s"})).await
    }

    async fn search(&self, action: &str, params: &Value) -> Value {
        let begun = self.begin(action, params).await;
        self.ended(&begun).await
    }

    async fn ended(&self, begun: &Value) -> Value {
        let ended = self.service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
        let receipts = ended["result"]["receipts"].as_array().expect("receipts");
        receipts.last().cloned().unwrap_or(ended)
    }
}

fn words(receipt: &Value) -> &str {
    receipt["detail"].as_str().expect("words")
}

fn names(receipt: &Value) -> Vec<&str> {
    receipt["results"].as_array().expect("results").iter().filter_map(|found| found["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hotels_come_by_price_with_the_price_of_the_whole_stay_and_within_the_limit() {
    let desk = Desk::new(&[]).await;
    let stay = json!({"place": "Goa", "from": day(20), "to": day(22), "people": 2});
    let found = desk.search("search.search_hotels", &stay).await;
    assert_eq!(found["status"], "done", "{found:#}");
    let first = &found["results"][0];
    assert_eq!(first["price"], json!({"amount": 3600, "currency": "INR"}), "two nights of 1,800: {first:#}");
    assert_eq!(names(&found)[..2], ["Calangute Court", "Palolem Shore"]);
    assert!(
        first["offer_id"].as_str().expect("an offer").starts_with("srr_") && first["address"].is_string(),
        "{first:#}"
    );
    assert!(words(&found).contains("Calangute Court: INR 3,600") && words(&found).contains("2 nights"), "{found:#}");

    let mut cheap = stay.clone();
    cheap["max_price"] = json!({"amount": 6000, "currency": "INR"});
    let found = desk.search("search.search_hotels", &cheap).await;
    assert_eq!(names(&found), ["Calangute Court", "Palolem Shore"]);
    cheap["max_price"]["amount"] = json!(10);
    let none = desk.search("search.search_hotels", &cheap).await;
    assert!(names(&none).is_empty() && words(&none).contains("6 cost more"), "{none:#}");
    desk.web.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_in_another_currency_are_shown_and_converted_only_by_the_operators_rates() {
    let stay =
        json!({"place": "Goa", "from": day(20), "to": day(21), "max_price": {"amount": 300_000, "currency": "INR"}});
    let desk = Desk::new(&[]).await;
    desk.web.duffel.set_currency("EUR");
    let plain = desk.search("search.search_hotels", &stay).await;
    assert_eq!(plain["results"][0]["price"]["currency"], "EUR");
    assert!(plain["results"][0]["price_in_your_currency"].is_null());
    assert!(words(&plain).contains("Prices in EUR could not be compared with your limit"), "{plain:#}");
    assert_eq!(names(&plain).len(), 6, "what cannot be compared is shown");

    let desk = Desk::new(&[("EXCHANGE_RATES_URL", &rates().await)]).await;
    desk.web.duffel.set_currency("EUR");
    let converted = desk.search("search.search_hotels", &stay).await;
    let first = &converted["results"][0];
    assert_eq!(first["price_in_your_currency"], json!({"amount": 180_000, "currency": "INR"}), "{first:#}");
    assert!(words(&converted).contains("EUR 1,800 (about INR 180,000)"), "{converted:#}");
    assert!(words(&converted).contains("rates of 2026-11-27"));
    assert_eq!(names(&converted), ["Calangute Court", "Palolem Shore"], "the others are beyond the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_towns_the_person_says_which_before_duffel_is_asked() {
    let desk = Desk::new(&[]).await;
    let asked =
        desk.begin("search.search_hotels", &json!({"place": "Springfield", "from": day(20), "to": day(21)})).await;
    assert_eq!(asked["stage_type"], "selection", "{asked:#}");
    assert_eq!(desk.web.duffel.count("POST /stays/search"), 0);
    let options = asked["options"].as_array().expect("options");
    let ohio = options.iter().find(|option| option["name"].as_str().is_some_and(|name| name.contains("Ohio")));
    let chosen = &ohio.expect("Ohio is among them")["id"];
    desk.service.post("/api/agent/select", json!({"session_id": "s", "selection": chosen})).await;
    let searched = desk.web.duffel.wait_for("POST /stays/search", 1).await;
    let latitude = searched[0].json()["data"]["location"]["geographic_coordinates"]["latitude"].as_f64();
    assert!(latitude.is_some_and(|latitude| (latitude - 39.924).abs() < 0.01), "{latitude:?}");
    desk.web.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_are_found_between_cities_with_their_whole_price_and_how_long_it_stands() {
    let desk = Desk::new(&[]).await;
    let trip = json!({"from": "London", "to": "GOI", "date": day(20), "return_date": day(27), "people": 2});
    let found = desk.search("search.search_flights", &trip).await;
    assert_eq!(found["status"], "done", "{found:#}");
    let first = &found["results"][0];
    assert!(first["price"]["amount"].as_f64().is_some_and(|amount| amount > 0.0), "{first:#}");
    assert!(
        first["expires_at"].is_string() && first["slices"].as_array().is_some_and(|slices| slices.len() == 2),
        "{first:#}"
    );
    let prices: Vec<f64> =
        found["results"].as_array().expect("results").iter().filter_map(|f| f["price"]["amount"].as_f64()).collect();
    assert!(prices.is_sorted(), "{prices:?}");
    let asked = &desk.web.duffel.requests_to("POST /air/offer_requests")[0].json()["data"];
    assert_eq!((asked["passengers"].as_array().map(Vec::len), &asked["slices"][0]["origin"]), (Some(2), &json!("LON")));

    let asked = desk.begin("search.search_flights", &json!({"from": "London", "to": "Goa", "date": day(20)})).await;
    assert_eq!(asked["stage_type"], "selection", "two airports serve Goa: {asked:#}");
    desk.service.post("/api/agent/select", json!({"session_id": "s", "selection": "offer_2"})).await;
    let searched = desk.web.duffel.wait_for("POST /air/offer_requests", 2).await;
    assert_eq!(searched[1].json()["data"]["slices"][0]["destination"], "GOX");

    desk.web.duffel.no_flights();
    let none = desk.search("search.search_flights", &trip).await;
    assert!(words(&none).starts_with("No flight from LON to GOI"), "{none:#}");
    let nowhere =
        desk.search("search.search_flights", &json!({"from": "Atlantis", "to": "GOI", "date": day(20)})).await;
    assert!(words(&nowhere).contains("no airport is known"), "{nowhere:#}");
    desk.web.assert_no_violations();
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_have_passed_or_make_no_stay_ask_nobody() {
    let desk = Desk::new(&[]).await;
    for (from, to) in [(day(-3), day(2)), (day(5), day(5)), (day(6), day(5)), (day(5), day(200))] {
        let begun = desk.begin("search.search_hotels", &json!({"place": "Goa", "from": from, "to": to})).await;
        let ended = desk.service.task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
        assert_eq!(ended["status"], "failed", "{from} {to}: {ended:#}");
    }
    for people in [0, 10_000] {
        let params = json!({"place": "Goa", "from": day(5), "to": day(6), "people": people});
        let plan = json!({"version": 1, "title": "x", "stages": [
            {"id": "a", "type": "execution", "action": "search.search_hotels", "params": params}]});
        let answer =
            desk.service.call(Method::POST, "/api/tasks", Some(json!({ "plan": plan }))).await.expect("an answer");
        assert_eq!(answer.0, 422, "{people}: {}", answer.1);
    }
    assert_eq!((desk.web.duffel.ledger().len(), desk.web.nominatim.ledger().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_day_of_duffel_is_a_clear_failure_of_the_search() {
    let faults = [
        Fault::ServerError,
        Fault::Page(503),
        Fault::TooMany { retry_after: Some(1) },
        Fault::Cut,
        Fault::Truncated,
        Fault::BadJson,
        Fault::Huge { declared: false },
        Fault::Redirect("http://10.0.0.1/".to_owned()),
    ];
    let trip = json!({"from": "LHR", "to": "GOI", "date": day(20)});
    let tries = faults.into_iter().map(async |fault| {
        let desk = Desk::new(&[]).await;
        desk.web.duffel.fault_always(fault.clone());
        let failed = desk.search("search.search_flights", &trip).await;
        assert_eq!(failed["status"], "failed", "{fault:?}: {failed:#}");
        assert!(words(&failed).contains("Duffel"), "{fault:?}: {failed:#}");
        assert!(!failed.to_string().contains(&desk.web.duffel.token()), "{fault:?}");
    });
    futures_util::future::join_all(tries).await;
}
