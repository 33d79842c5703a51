//! When the person is free, and what is on.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use workflows::ports::{ActionCall, ActionError, ActionOutcome};

use super::{Calendar, range, recur};
use crate::plugins::{outcome, store_failed};
use crate::store::calendar::CalendarEvent;

/// Lines of an answer in words.
const LINES_MAX: usize = 30;

/// A stretch of time with what fills it.
type Busy = (DateTime<Utc>, DateTime<Utc>, CalendarEvent);

impl Calendar {
    async fn busy(&self, call: &ActionCall, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Busy>, ActionError> {
        let events = self.store.events(&call.person.id, from, to).await.map_err(|error| store_failed(&error))?;
        let mut busy: Vec<Busy> = events
            .into_iter()
            .flat_map(|event| {
                let times = recur::occurrences(&event, from, to);
                times.into_iter().map(move |(start, end)| (start, end, event.clone()))
            })
            .collect();
        busy.sort_by(|a, b| (a.0, a.1, &a.2.uid).cmp(&(b.0, b.1, &b.2.uid)));
        Ok(busy)
    }

    pub(super) async fn availability(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let (from, to) = range(call)?;
        let zone = call.person.settings.timezone;
        let minutes = call.args.get("duration_minutes").and_then(Value::as_i64).unwrap_or(1);
        let busy = self.busy(call, from, to).await?;
        let free: Vec<_> =
            gaps(&busy, from, to).into_iter().filter(|(a, b)| (*b - *a).num_minutes() >= minutes).collect();
        let local = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        let result = json!({
            "free": free.iter().map(|(a, b)| json!({"from": local(a), "to": local(b)})).collect::<Vec<_>>(),
            "busy": busy.iter().map(|(a, b, event)| json!({"from": local(a), "to": local(b), "title": event.title})).collect::<Vec<_>>(),
        });
        Ok(outcome(result, sentence(&free, &busy, (from, to), zone)))
    }

    pub(super) async fn list(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let (from, to) = range(call)?;
        let zone = call.person.settings.timezone;
        let busy = self.busy(call, from, to).await?;
        let local = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        let events: Vec<Value> = busy
            .iter()
            .map(|(a, b, event)| {
                json!({"id": event.uid, "uid": event.uid, "title": event.title, "starts_at": local(a), "ends_at": local(b),
                    "location": event.location, "attendees": event.attendees,
                    "when": a.with_timezone(&zone).format("%a %-d %b %Y, %H:%M").to_string()})
            })
            .collect();
        let lines: Vec<String> = busy
            .iter()
            .take(LINES_MAX)
            .map(|(a, b, event)| format!("{}–{} {}", day_and_time(*a, zone), time(*b, zone), event.title))
            .collect();
        let detail = if lines.is_empty() {
            format!("Nothing is in your calendar from {} to {}", day_and_time(from, zone), day_and_time(to, zone))
        } else {
            lines.join("\n")
        };
        Ok(outcome(json!({"events": events}), detail))
    }
}

/// The stretches of a range that nothing fills.
fn gaps(busy: &[Busy], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut gaps = Vec::new();
    let mut at = from;
    for (start, end, _) in busy {
        if *start > at {
            gaps.push((at, (*start).min(to)));
        }
        at = at.max(*end);
    }
    if at < to {
        gaps.push((at, to));
    }
    gaps
}

fn time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M").to_string()
}

fn day_and_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%A %-d %B, %H:%M").to_string()
}

fn sentence(
    free: &[(DateTime<Utc>, DateTime<Utc>)],
    busy: &[Busy],
    range: (DateTime<Utc>, DateTime<Utc>),
    zone: Tz,
) -> String {
    let whole = format!("{} to {}", day_and_time(range.0, zone), day_and_time(range.1, zone));
    if busy.is_empty() {
        return format!("You are free from {whole}");
    }
    let taken: Vec<String> = busy
        .iter()
        .take(LINES_MAX)
        .map(|(a, b, event)| format!("{}–{} {}", day_and_time(*a, zone), time(*b, zone), event.title))
        .collect();
    let open: Vec<String> =
        free.iter().take(LINES_MAX).map(|(a, b)| format!("{}–{}", day_and_time(*a, zone), time(*b, zone))).collect();
    if open.is_empty() {
        return format!("You are not free from {whole}. Busy: {}", taken.join("; "));
    }
    format!("You are free: {}. Busy: {}", open.join("; "), taken.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_overlapping_events_leave() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3_600, 0).expect("a time");
        let event = CalendarEvent {
            uid: String::new(),
            title: String::new(),
            starts_at: at(0),
            ends_at: at(1),
            timezone: chrono_tz::UTC,
            location: None,
            description: None,
            attendees: Vec::new(),
            repeat: None,
            told: true,
            sequence: 0,
        };
        let busy =
            |spans: &[(i64, i64)]| spans.iter().map(|(a, b)| (at(*a), at(*b), event.clone())).collect::<Vec<_>>();
        let hours = |spans: &[(i64, i64)]| {
            gaps(&busy(spans), at(8), at(18))
                .iter()
                .map(|(a, b)| (a.timestamp() / 3_600, b.timestamp() / 3_600))
                .collect::<Vec<_>>()
        };
        assert_eq!(hours(&[]), [(8, 18)]);
        assert_eq!(hours(&[(9, 12), (10, 11), (12, 13)]), [(8, 9), (13, 18)]);
        assert_eq!(hours(&[(7, 9), (17, 20)]), [(9, 17)]);
        assert_eq!(hours(&[(7, 20)]), []);
    }
}
