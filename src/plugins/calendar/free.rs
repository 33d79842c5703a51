//! When the person is free, and what is on.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use workflows::ports::{ActionCall, ActionError, ActionOutcome};

use super::port::Occurrence;
use super::{Calendar, range};
use crate::plugins::outcome;

/// Lines of an answer in words.
const LINES_MAX: usize = 30;
/// Entries of a result.
const ENTRIES_MAX: usize = 2_000;

impl Calendar {
    pub(super) async fn availability(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let (from, to) = range(call)?;
        let zone = call.person.settings.timezone;
        let minutes = call.args.get("duration_minutes").and_then(Value::as_i64).unwrap_or(1);
        let mut busy = self.book.occurrences(&call.person, from, to).await?;
        busy.retain(|event| event.is_busy);
        listable(busy.len())?;
        let free: Vec<_> =
            gaps(&busy, from, to).into_iter().filter(|(a, b)| (*b - *a).num_minutes() >= minutes).collect();
        let local = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        let result = json!({
            "free": free.iter().map(|(a, b)| json!({"from": local(a), "to": local(b)})).collect::<Vec<_>>(),
            "busy": busy.iter()
                .map(|event| json!({"from": local(&event.starts_at), "to": local(&event.ends_at), "title": event.title}))
                .collect::<Vec<_>>(),
        });
        Ok(outcome(result, sentence(&free, &busy, (from, to), zone)))
    }

    pub(super) async fn list(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let (from, to) = range(call)?;
        let zone = call.person.settings.timezone;
        let all = self.book.occurrences(&call.person, from, to).await?;
        listable(all.len())?;
        let local = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        let events: Vec<Value> = all
            .iter()
            .map(|event| {
                let begin = event.starts_at.with_timezone(&zone);
                let form = if event.is_all_day { "%a %-d %b %Y" } else { "%a %-d %b %Y, %H:%M" };
                json!({"id": event.uid, "uid": event.uid, "title": event.title, "starts_at": local(&event.starts_at),
                    "ends_at": local(&event.ends_at), "location": event.location, "attendees": event.attendees,
                    "all_day": event.is_all_day, "repeats": event.repeats, "when": begin.format(form).to_string()})
            })
            .collect();
        let lines: Vec<String> = all.iter().take(LINES_MAX).map(|event| listed(event, zone)).collect();
        let detail = if lines.is_empty() {
            format!("Nothing is in your calendar from {} to {}", day_and_time(from, zone), day_and_time(to, zone))
        } else {
            lines.join("\n")
        };
        Ok(outcome(json!({"events": events}), detail))
    }
}

/// Checks a result against its bound.
fn listable(count: usize) -> Result<(), ActionError> {
    if count <= ENTRIES_MAX {
        return Ok(());
    }
    Err(ActionError::fail(format!("{count} events are in that range, more than {ENTRIES_MAX}: ask for a shorter one")))
}

/// The stretches of a range that nothing fills.
fn gaps(busy: &[Occurrence], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut gaps = Vec::new();
    let mut at = from;
    for event in busy {
        if event.starts_at > at {
            gaps.push((at, event.starts_at.min(to)));
        }
        at = at.max(event.ends_at);
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

/// When an event is, and what.
fn line(event: &Occurrence, zone: Tz) -> String {
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).format("%A %-d %B").to_string();
    let last = event.ends_at - chrono::Duration::seconds(1);
    let when = match (event.is_all_day, day(event.starts_at), day(last)) {
        (true, first, last) if first == last => format!("{first}, all day"),
        (true, first, last) => format!("{first} to {last}, all day"),
        (false, _, _) => format!("{}–{}", day_and_time(event.starts_at, zone), time(event.ends_at, zone)),
    };
    format!("{when} {}", event.title)
}

/// The same in a list of what can be cancelled.
fn listed(event: &Occurrence, zone: Tz) -> String {
    let line = line(event, zone);
    if event.repeats { format!("{line} (repeats; cancelling takes out the whole series)") } else { line }
}

fn sentence(
    free: &[(DateTime<Utc>, DateTime<Utc>)],
    busy: &[Occurrence],
    range: (DateTime<Utc>, DateTime<Utc>),
    zone: Tz,
) -> String {
    let whole = format!("{} to {}", day_and_time(range.0, zone), day_and_time(range.1, zone));
    if busy.is_empty() {
        return format!("You are free from {whole}");
    }
    let taken: Vec<String> = busy.iter().take(LINES_MAX).map(|event| line(event, zone)).collect();
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

    fn event(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Occurrence {
        Occurrence {
            uid: String::new(),
            title: "Fair".to_owned(),
            location: None,
            attendees: Vec::new(),
            starts_at,
            ends_at,
            is_all_day: false,
            is_busy: true,
            repeats: false,
        }
    }

    #[test]
    fn gaps_are_what_overlapping_events_leave() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3_600, 0).expect("a time");
        let busy = |spans: &[(i64, i64)]| spans.iter().map(|(a, b)| event(at(*a), at(*b))).collect::<Vec<_>>();
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

    #[test]
    fn days_are_said_as_days() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let fair = |to: &str| Occurrence { is_all_day: true, ..event(at("2026-12-01T00:00:00Z"), at(to)) };
        assert_eq!(line(&fair("2026-12-02T00:00:00Z"), Tz::UTC), "Tuesday 1 December, all day Fair");
        assert_eq!(
            line(&fair("2026-12-04T00:00:00Z"), Tz::UTC),
            "Tuesday 1 December to Thursday 3 December, all day Fair"
        );
    }

    #[test]
    fn a_list_says_what_repeats_and_that_it_is_cancelled_as_a_whole() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let once = event(at("2026-12-01T09:00:00Z"), at("2026-12-01T10:00:00Z"));
        assert_eq!(listed(&once, Tz::UTC), "Tuesday 1 December, 09:00–10:00 Fair");
        let words = listed(&Occurrence { repeats: true, ..once }, Tz::UTC);
        assert!(words.ends_with("Fair (repeats; cancelling takes out the whole series)"), "{words}");
    }

    #[test]
    fn a_result_that_would_be_cut_is_refused() {
        assert!(listable(ENTRIES_MAX).is_ok());
        assert!(listable(ENTRIES_MAX + 1).is_err());
    }
}
