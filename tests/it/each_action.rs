//! Each action that needs something outside: not configured, and configured but away.

use reqwest::Method;
use serde_json::{Value, json};
use workflows::ports::{Clock, SystemClock};

use crate::service::{Service, Setup, has_ended};

/// A port of this machine where nobody listens.
const NOBODY: &str = "127.0.0.1:1";

/// Actions, what they are asked, and the key whose absence turns them off.
pub(crate) fn actions() -> Vec<(&'static str, Value, &'static str)> {
    let day = |days: i64| (SystemClock.now() + chrono::Duration::days(days)).date_naive().to_string();
    let at = |time: &str| format!("{}T{time}", day(3));
    let table =
        json!({"venue": "Beach", "venue_email": "hello@beach.test", "date": day(3), "time": "19:00", "people": 2});
    let stay = json!({"offer_id": "srr_1", "hotel": "Beach", "from": day(3), "to": day(4),
        "price": {"amount": 1, "currency": "INR"}, "guests": [{"given_name": "Ann", "family_name": "Archer"}],
        "email": "ann@test.local", "phone": "+491701234567"});
    let mut withdrawn = table.clone();
    withdrawn["reference"] = json!("<m1@test.local>");
    // So many that a message that quotes them has no room for more.
    let guests: Vec<String> = (0..40).map(|n| format!("guest{n}@test.local")).collect();
    let invited = json!({"title": "Party", "starts_at": at("19:00"), "attendees": guests});
    vec![
        ("email.send_email", json!({"to": ["bob@test.local"], "subject": "Hello", "body": "Hello"}), "SMTP_URL"),
        (
            "email.send_invitation",
            json!({"to": ["bob@test.local"], "title": "Party", "starts_at": at("19:00")}),
            "SMTP_URL",
        ),
        ("calendar.schedule_event", invited.clone(), "SMTP_URL"),
        ("calendar.update_event", json!({"uid": "u@elsewhere", "attendees": ["bob@test.local"]}), "SMTP_URL"),
        ("meeting.create_meeting", invited, "SMTP_URL"),
        ("meeting.create_meeting", json!({"title": "Call", "provider": "google_meet"}), "GOOGLE_CLIENT_ID"),
        ("meeting.schedule_call", json!({"with": ["bob@test.local"], "starts_at": at("19:00")}), "SMTP_URL"),
        ("telegram.send_message", json!({"to": "Bob", "text": "Hello"}), "TELEGRAM_BOT_TOKEN"),
        ("telegram.send_notification", json!({"text": "Hello"}), "TELEGRAM_BOT_TOKEN"),
        ("search.search_web", json!({"query": "party"}), "SEARXNG_URL"),
        ("search.search_hotels", json!({"place": "15.5,73.8", "from": day(3), "to": day(4)}), "DUFFEL_API_TOKEN"),
        ("search.search_flights", json!({"from": "LHR", "to": "GOI", "date": day(3)}), "DUFFEL_API_TOKEN"),
        ("booking.request_reservation", table.clone(), "SMTP_URL"),
        ("booking.book_restaurant", table, "SMTP_URL"),
        ("booking.book_hotel", stay, "DUFFEL_API_TOKEN"),
        ("booking.cancel_booking", json!({"reference": "bok_1"}), "DUFFEL_API_TOKEN"),
        ("booking.cancel_booking", withdrawn, "SMTP_URL"),
    ]
}

/// What is there without a key, and can be away once it is configured.
fn always_there() -> Vec<(&'static str, Value)> {
    let day = |days: i64| (SystemClock.now() + chrono::Duration::days(days)).date_naive().to_string();
    let range = json!({"from": format!("{}T00:00", day(1)), "to": format!("{}T00:00", day(2))});
    vec![
        ("search.find_places", json!({"query": "bar", "near": "Goa"})),
        ("calendar.schedule_event", json!({"title": "Dentist", "starts_at": format!("{}T10:00", day(3))})),
        ("calendar.check_availability", range.clone()),
        ("calendar.list_events", range),
        ("calendar.update_event", json!({"uid": "u@elsewhere", "title": "Other"})),
        ("calendar.cancel_event", json!({"uid": "u@elsewhere"})),
    ]
}

fn plan(action: &str, params: &Value) -> Value {
    json!({"version": 1, "title": action, "stages": [
        {"id": "act", "type": "execution", "action": action, "params": params, "on_failure": [
            {"id": "instead", "type": "execution", "action": "notify.send_notification", "params": {"text": "It failed: {{ act.error }}"}}]}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_configured_is_told_with_its_key_before_anything_is_planned() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = Service::start(&Setup::new(dir.path(), ""));
    service.post("/api/contacts", json!({"name": "Bob", "telegram": "111"})).await;
    for (action, params, key) in actions() {
        let body = json!({"plan": plan(action, &params)});
        let (status, answer) = service.call(Method::POST, "/api/tasks", Some(body)).await.expect("an answer");
        assert_eq!(status, 422, "{action}: {answer}");
        assert!(answer.to_string().contains(key), "{action} names {key}: {answer}");
    }
    assert_eq!(service.get("/api/tasks/").await["tasks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_and_away_fails_clearly_and_the_plan_goes_on_with_what_it_has_for_that() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut setup = Setup::new(dir.path(), &format!("smtp://{NOBODY}"));
    for name in [
        "SEARXNG_URL",
        "NOMINATIM_URL",
        "OVERPASS_URL",
        "DUFFEL_API_URL",
        "CALDAV_URL",
        "GOOGLE_TOKEN_URL",
        "GOOGLE_MEET_URL",
        "TELEGRAM_API_URL",
    ] {
        setup = setup.with(name, &format!("http://{NOBODY}/"));
    }
    for (name, value) in [
        ("DUFFEL_API_TOKEN", "canary-duffel"),
        ("CALDAV_USERNAME", "ann"),
        ("CALDAV_PASSWORD", "canary-caldav"),
        ("GOOGLE_CLIENT_ID", "id"),
        ("GOOGLE_CLIENT_SECRET", "canary-google"),
        ("GOOGLE_REFRESH_TOKEN", "canary-refresh"),
        ("TELEGRAM_BOT_TOKEN", "123:canary"),
        ("TELEGRAM_CHAT_ID", "111"),
    ] {
        setup = setup.with(name, value);
    }
    let service = Service::start(&setup.with("RUST_LOG", "debug"));
    service.post("/api/contacts", json!({"name": "Bob", "telegram": "111"})).await;
    let all = actions().into_iter().map(|(action, params, _)| (action, params)).chain(always_there());
    // At once: each is tried again with pauses.
    let fails = all.enumerate().map(async |(n, (action, params))| {
        let session = format!("s{n}");
        let asked = service.post("/api/tasks", json!({"plan": plan(action, &params), "session_id": session})).await;
        if asked["requires_confirmation"] == true {
            service.post("/api/agent/confirm", json!({"session_id": session, "action": "approve_all"})).await;
        }
        let id = asked["task_id"].as_str().expect("a task");
        let ended = service.task_until(id, has_ended).await;
        let receipts = ended["result"]["receipts"].as_array().expect("receipts");
        let of = |stage: &str| receipts.iter().filter(|receipt| receipt["stage_id"] == stage).collect::<Vec<_>>();
        let (act, instead) = (of("act"), of("instead"));
        assert!(act.iter().all(|receipt| receipt["status"] == "failed") && !act.is_empty(), "{action}: {ended:#}");
        assert!(instead.iter().any(|receipt| receipt["status"] == "done"), "{action}: {ended:#}");
        let words = act[0]["detail"].as_str().expect("words");
        assert!(words.len() > 10 && !ended.to_string().contains("canary"), "{action}: {words}");
    });
    futures_util::future::join_all(fails).await;
    let log = service.log();
    assert!(!log.is_empty() && !log.contains("canary"), "no secret is logged");
}
