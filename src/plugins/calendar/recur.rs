//! Repetition (RFC 5545, 3.3.10), by the rrule crate.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use rrule::RRuleSet;
use workflows::ports::ActionError;

use crate::store::calendar::CalendarEvent;

/// Repetitions of one event in one look at the calendar.
const OCCURRENCES_MAX: u16 = 1_000;

/// A rule that begins at this time, on the wall clock of that zone.
fn rule_set(rule: &str, start: DateTime<Utc>, zone: Tz) -> Result<RRuleSet, ActionError> {
    let start = start.with_timezone(&zone).format("%Y%m%dT%H%M%S");
    let text = format!("DTSTART;TZID={}:{start}\nRRULE:{rule}", zone.name());
    text.parse().map_err(|error| ActionError::fail(format!("\"{rule}\" is no repetition: {error}")))
}

/// The first time after `after` that the rule gives.
///
/// # Errors
/// When the rule cannot be read.
pub fn next_after(
    rule: &str,
    start: DateTime<Utc>,
    after: DateTime<Utc>,
    zone: Tz,
) -> Result<Option<DateTime<Utc>>, ActionError> {
    let from = (after + Duration::seconds(1)).with_timezone(&rrule::Tz::UTC);
    let found = rule_set(rule, start, zone)?.after(from).all(1);
    Ok(found.dates.first().map(|at| at.with_timezone(&Utc)))
}

/// The first time after `after`, and the rule as it goes on from there: of a counted one, the rest.
///
/// # Errors
/// When the rule cannot be read.
pub fn rest_after(
    rule: &str,
    start: DateTime<Utc>,
    after: DateTime<Utc>,
    zone: Tz,
) -> Result<Option<(DateTime<Utc>, String)>, ActionError> {
    let Some(next) = next_after(rule, start, after, zone)? else { return Ok(None) };
    let Some(count) = rule.split(';').find_map(counted) else { return Ok(Some((next, rule.to_owned()))) };
    let found = rule_set(rule, start, zone)?.all(OCCURRENCES_MAX);
    let passed = found.dates.iter().filter(|at| at.with_timezone(&Utc) <= after).count();
    let left = count.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX)).max(1);
    let part = |part: &str| if counted(part).is_some() { format!("COUNT={left}") } else { part.to_owned() };
    Ok(Some((next, rule.split(';').map(part).collect::<Vec<_>>().join(";"))))
}

/// The number of a rule's `COUNT` part.
fn counted(part: &str) -> Option<u32> {
    part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("COUNT"))?.1.parse().ok()
}

/// When the last repetition ends, for looking events up by time.
///
/// # Errors
/// When the rule cannot be read.
pub fn until(event: &CalendarEvent) -> Result<DateTime<Utc>, ActionError> {
    let Some(rule) = &event.repeat else { return Ok(event.ends_at) };
    let set = rule_set(rule, event.starts_at, event.timezone)?;
    let found = set.all(OCCURRENCES_MAX);
    let length = event.ends_at - event.starts_at;
    match found.dates.last() {
        Some(last) if !found.limited => Ok(last.with_timezone(&Utc) + length),
        Some(_) | None => Ok(event.starts_at + Duration::days(366 * 100)),
    }
}

/// The times an event takes in a range, each with its start and end.
pub fn occurrences(
    event: &CalendarEvent,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let length = event.ends_at - event.starts_at;
    let Some(rule) = &event.repeat else {
        let touches = event.starts_at < to && event.ends_at > from;
        return if touches { vec![(event.starts_at, event.ends_at)] } else { Vec::new() };
    };
    let Ok(set) = rule_set(rule, event.starts_at, event.timezone) else { return Vec::new() };
    let utc = rrule::Tz::UTC;
    let found = set.after((from - length).with_timezone(&utc)).before(to.with_timezone(&utc)).all(OCCURRENCES_MAX);
    found
        .dates
        .iter()
        .map(|at| (at.with_timezone(&Utc), at.with_timezone(&Utc) + length))
        .filter(|(start, end)| *start < to && *end > from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(repeat: Option<&str>) -> CalendarEvent {
        let starts_at = "2026-10-23T07:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        CalendarEvent {
            uid: "u".to_owned(),
            title: "Walk".to_owned(),
            starts_at,
            ends_at: starts_at + Duration::hours(1),
            timezone: chrono_tz::Europe::Berlin,
            location: None,
            description: None,
            attendees: Vec::new(),
            repeat: repeat.map(str::to_owned),
            told: true,
            sequence: 0,
            act: None,
        }
    }

    #[test]
    fn a_daily_event_keeps_its_wall_clock_when_summer_time_ends() {
        let from = "2026-10-24T00:00:00Z".parse().expect("a time");
        let found = occurrences(&event(Some("FREQ=DAILY;COUNT=4")), from, from + Duration::days(7));
        let starts: Vec<String> = found.iter().map(|(start, _)| start.format("%dT%H").to_string()).collect();
        assert_eq!(starts, ["24T07", "25T08", "26T08"], "09:00 in Berlin on each day");
        assert_eq!(until(&event(Some("FREQ=DAILY;COUNT=4"))).ok(), "2026-10-26T09:00:00Z".parse().ok());
    }

    #[test]
    fn a_bad_rule_is_told_and_an_endless_one_has_a_far_end() {
        assert!(until(&event(Some("FREQ=SOMETIMES"))).is_err());
        assert!(until(&event(Some("FREQ=DAILY"))).is_ok_and(|end| end > event(None).ends_at + Duration::days(3_650)));
    }
}
