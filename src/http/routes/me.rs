//! The caller: who they are, what they chose, their calendar.

use axum::Json;
use axum::extract::State;
use channels::web::fields::Fields;
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use workflows::person::Settings;
use workflows::plan::validate::Fault;

use super::Answered;
use crate::http::auth::{Actor, Reader};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::query::Asked;
use crate::http::state::HttpState;

/// Days of calendar shown unless told otherwise.
const EVENTS_DAYS: i64 = 30;
/// Longest part of the calendar shown at once, in days.
const SPAN_DAYS_MAX: i64 = 366;
/// Events in one answer, each repetition counted.
const EVENTS_MAX: usize = 5_000;
/// Longest language tag, in characters (RFC 5646, 4.4.1).
const LOCALE_CHARS_MAX: usize = 35;

/// Which part of the calendar, both RFC 3339.
#[derive(Debug, Deserialize)]
pub(crate) struct SpanQuery {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

/// Who the caller is.
#[utoipa::path(get, path = "/api/me", tag = "people",
    responses((status = 200, description = "The caller", body = Value)))]
pub(crate) async fn me(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    let identities = state.persons.identities(&caller.person.id).await?;
    Ok(Json(json!({"user_id": caller.person.id, "name": caller.person.name, "identities": identities})))
}

/// What the caller chose.
#[utoipa::path(get, path = "/api/settings", tag = "people",
    responses((status = 200, description = "Settings", body = Value)))]
pub(crate) async fn settings(Reader(caller): Reader) -> Answered {
    Ok(Json(json!(caller.person.settings)))
}

/// Changes some settings.
#[utoipa::path(patch, path = "/api/settings", tag = "people",
    request_body(content = Value, example = json!({"timezone": "Asia/Kolkata", "currency": "INR"})),
    responses((status = 200, description = "Settings", body = Value), (status = 422, description = "Wrong fields")))]
pub(crate) async fn change_settings(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Body(body): Body,
) -> Answered {
    let settings = changed(&caller.person.settings, &body)?;
    state.persons.save_settings(&caller.person.id, &settings).await?;
    Ok(Json(json!(settings)))
}

fn changed(settings: &Settings, body: &Value) -> Result<Settings, ApiError> {
    let mut fields = Fields::of(body)?;
    let mut changed = settings.clone();
    for (name, value) in body.as_object().into_iter().flatten() {
        let mut with = json!(changed);
        if with.get(name).is_none() {
            fields.fault(name, "unexpected", "is no setting");
            continue;
        }
        with[name] = value.clone();
        match serde_json::from_value::<Settings>(with) {
            Ok(settings) if is_fit(&settings) => changed = settings,
            _ => fields.fault(name, "value", "is not a value for this setting"),
        }
    }
    fields.end()?;
    Ok(changed)
}

fn is_fit(settings: &Settings) -> bool {
    let currency = settings.currency.len() == 3 && settings.currency.chars().all(|c| c.is_ascii_uppercase());
    let locale = (2..=LOCALE_CHARS_MAX).contains(&settings.locale.len())
        && settings.locale.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    currency && locale
}

/// The span asked for.
///
/// # Errors
/// 422 when it ends before it begins, or is longer than [`SPAN_DAYS_MAX`].
fn span(query: &SpanQuery, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), ApiError> {
    let from = query.from.unwrap_or(now);
    let to = query.to.or_else(|| from.checked_add_signed(Duration::days(EVENTS_DAYS)));
    let span = to.filter(|to| *to > from && *to - from <= Duration::days(SPAN_DAYS_MAX));
    span.map(|to| (from, to)).ok_or_else(|| {
        ApiError::fields(&[Fault {
            loc: vec!["query".into(), "to".into()],
            msg: format!("to: must be after from, by at most {SPAN_DAYS_MAX} days"),
            kind: "span".to_owned(),
        }])
    })
}

/// The caller's calendar; from now for 30 days unless told otherwise. A repeating event is listed at
/// each time it takes.
#[utoipa::path(get, path = "/api/events", tag = "people",
    params(("from" = Option<String>, Query, description = "RFC 3339"), ("to" = Option<String>, Query, description = "RFC 3339")),
    responses((status = 200, description = "Events", body = Value), (status = 422, description = "No such span")))]
pub(crate) async fn events(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Asked(query): Asked<SpanQuery>,
) -> Answered {
    let (from, to) = span(&query, state.clock.now())?;
    let mut events = state.calendar.occurrences(&caller.person, from, to).await?;
    events.truncate(EVENTS_MAX);
    let shown = events.iter().map(|event| {
        json!({
            "uid": event.uid, "title": event.title, "starts_at": event.starts_at, "ends_at": event.ends_at,
            "attendees": event.attendees, "all_day": event.is_all_day,
        })
    });
    Ok(Json(json!({"events": shown.collect::<Vec<_>>()})))
}
