//! The calendar as looked at.

use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use workflows::ports::Clock;

use super::house::{BOB, House, OWNER};
use crate::store::calendar::CalendarEvent;

fn starts(body: &Value) -> Vec<String> {
    let events = body["events"].as_array().unwrap().iter();
    events.map(|event| event["starts_at"].as_str().unwrap().to_owned()).collect()
}

/// Puts a meeting of an hour into the owner's calendar.
async fn put(house: &House, starts_at: DateTime<Utc>, repeat: Option<&str>) {
    let (_, me) = house.ask("GET", "/api/me", OWNER, None).await;
    let event = CalendarEvent {
        uid: "stand-up@example.org".to_owned(),
        title: "Stand-up".to_owned(),
        starts_at,
        ends_at: starts_at + Duration::hours(1),
        timezone: chrono_tz::UTC,
        location: None,
        description: None,
        attendees: vec!["ann@example.org".to_owned()],
        repeat: repeat.map(str::to_owned),
        told: true,
        sequence: 0,
        act: None,
    };
    let person = house
        .state
        .persons
        .persons()
        .await
        .unwrap()
        .into_iter()
        .find(|person| person.id.as_str() == me["user_id"].as_str().unwrap())
        .unwrap();
    house.state.calendar.add(&person, &event, starts_at).await.unwrap();
}

#[tokio::test]
async fn a_repeating_event_is_shown_at_each_time_it_takes() {
    let house = House::new().await;
    let first: DateTime<Utc> = "2026-11-02T09:00:00Z".parse().unwrap();
    put(&house, first, Some("FREQ=WEEKLY")).await;
    let path = "/api/events?from=2026-11-20T00:00:00Z&to=2026-12-02T00:00:00Z";
    let (status, body) = house.ask("GET", path, OWNER, None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(starts(&body), ["2026-11-23T09:00:00Z", "2026-11-30T09:00:00Z"]);
    assert_eq!(body["events"][0]["ends_at"], "2026-11-23T10:00:00Z");
    let (_, theirs) = house.ask("GET", path, BOB, None).await;
    assert_eq!(theirs, json!({"events": []}));
}

#[tokio::test]
async fn without_a_span_the_next_days_are_shown() {
    let house = House::new().await;
    put(&house, house.clock.now() + Duration::days(1), None).await;
    let (status, body) = house.ask("GET", "/api/events", OWNER, None).await;
    assert_eq!((status, starts(&body).len()), (StatusCode::OK, 1), "{body}");
    let day = |days: i64| (house.clock.now() + Duration::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (_, body) = house.ask("GET", &format!("/api/events?from={}&to={}", day(-9), day(1)), OWNER, None).await;
    assert_eq!(body, json!({"events": []}));
}

#[tokio::test]
async fn a_span_that_is_none_is_a_wrong_field() {
    let house = House::new().await;
    for span in [
        "from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z",
        "from=%2B262142-12-31T00:00:00Z",
        "from=tomorrow",
        "from=2000-01-01T00:00:00Z&to=2090-01-01T00:00:00Z",
    ] {
        let (status, body) = house.ask("GET", &format!("/api/events?{span}"), OWNER, None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{span}: {body}");
        assert_eq!(body["detail"][0]["loc"][0], "query", "{span}");
    }
}
