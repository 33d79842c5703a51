//! A `VTIMEZONE` for an IANA zone (RFC 5545, 3.6.5): readers that know the name use their own data,
//! others find the rules here.

use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDateTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::{OffsetName as _, Tz};

use super::line::Line;
use super::tree::Component;

/// Years ahead that are looked at; a change that keeps to one rule in all of them is said as a rule.
const YEARS_AHEAD: u64 = 10;
/// Days before the event that are looked at, so that it has a change before it.
const DAYS_BEFORE: u64 = 400;

/// A change of a zone's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// The wall clock just before it.
    local: NaiveDateTime,
    from_secs: i32,
    to_secs: i32,
    name: String,
    is_daylight: bool,
}

/// Describes a zone around a time and ten years on.
pub fn vtimezone(zone: Tz, around: DateTime<Utc>) -> Component {
    let begin = around.checked_sub_days(Days::new(DAYS_BEFORE)).unwrap_or(around);
    let end = around.checked_add_days(Days::new(366 * YEARS_AHEAD)).unwrap_or(around);
    let changes = changes(zone, begin, end);
    let mut whole = Component::new("VTIMEZONE");
    whole.push(Line::new("TZID", zone.name()));
    whole.push(Line::new("X-LIC-LOCATION", zone.name()));
    if changes.is_empty() {
        whole.children.push(observance(&unchanging(zone, begin), &[]));
        return whole;
    }
    for is_daylight in [false, true] {
        let of_kind: Vec<&Change> = changes.iter().filter(|change| change.is_daylight == is_daylight).collect();
        match of_kind.split_first() {
            None => {}
            Some((first, rest)) if yearly(&of_kind).is_some() && !rest.is_empty() => {
                let mut said = observance(first, &[]);
                said.push(Line::new("RRULE", yearly(&of_kind).unwrap_or_default()));
                whole.children.push(said);
            }
            // No rule: each time by itself, those of the same step together.
            Some(_) => {
                let mut left = of_kind;
                while let Some(first) = left.first().copied() {
                    let is_same =
                        |other: &&Change| (other.from_secs, other.to_secs) == (first.from_secs, first.to_secs);
                    let (same, others): (Vec<_>, Vec<_>) = left.into_iter().partition(is_same);
                    whole.children.push(observance(first, &same[1..]));
                    left = others;
                }
            }
        }
    }
    whole
}

fn unchanging(zone: Tz, at: DateTime<Utc>) -> Change {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    let secs = offset.fix().local_minus_utc();
    let name = offset.abbreviation().unwrap_or_default().to_owned();
    Change { local: at.naive_utc(), from_secs: secs, to_secs: secs, name, is_daylight: false }
}

fn changes(zone: Tz, begin: DateTime<Utc>, end: DateTime<Utc>) -> Vec<Change> {
    let secs = |at: NaiveDateTime| zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
    let (mut changes, mut at, end) = (Vec::new(), begin.naive_utc(), end.naive_utc());
    while at < end {
        let next = at + Days::new(1);
        if secs(at) != secs(next) {
            // To the second, by halves.
            let (mut low, mut high) = (at, next);
            while high - low > Duration::seconds(1) {
                let middle = low + (high - low) / 2;
                if secs(middle) == secs(at) { low = middle } else { high = middle }
            }
            let offset = zone.offset_from_utc_datetime(&high);
            let (from_secs, to_secs) = (secs(at), secs(high));
            changes.push(Change {
                local: high + Duration::seconds(i64::from(from_secs)),
                from_secs,
                to_secs,
                name: offset.abbreviation().unwrap_or_default().to_owned(),
                is_daylight: to_secs > from_secs,
            });
        }
        at = next;
    }
    changes
}

/// The rule that all of these keep to, like the last Sunday of March.
fn yearly(changes: &[&Change]) -> Option<String> {
    const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let first = changes.first()?;
    let alike = |change: &&Change| {
        let (a, b) = (change.local, first.local);
        (a.month(), a.weekday(), a.time(), change.from_secs, change.to_secs)
            == (b.month(), b.weekday(), b.time(), first.from_secs, first.to_secs)
    };
    let one_a_year = changes.windows(2).all(|pair| pair[1].local.year() == pair[0].local.year() + 1);
    if !one_a_year || !changes.iter().all(alike) {
        return None;
    }
    let nth = |change: &&Change| (change.local.day() - 1) / 7 + 1;
    let is_last = |change: &&Change| {
        change.local.date().checked_add_days(Days::new(7)).is_none_or(|next| next.month() != change.local.month())
    };
    let place = if changes.iter().all(is_last) {
        "-1".to_owned()
    } else {
        changes.iter().all(|change| nth(change) == nth(first)).then(|| nth(first).to_string())?
    };
    let day = DAYS[first.local.weekday().num_days_from_monday() as usize];
    Some(format!("FREQ=YEARLY;BYMONTH={};BYDAY={place}{day}", first.local.month()))
}

fn observance(change: &Change, others: &[&Change]) -> Component {
    let stamp = |local: NaiveDateTime| local.format("%Y%m%dT%H%M%S").to_string();
    let mut said = Component::new(if change.is_daylight { "DAYLIGHT" } else { "STANDARD" });
    said.push(Line::new("DTSTART", stamp(change.local)));
    said.push(Line::new("TZOFFSETFROM", offset(change.from_secs)));
    said.push(Line::new("TZOFFSETTO", offset(change.to_secs)));
    if !change.name.is_empty() {
        said.push(Line::text("TZNAME", &change.name));
    }
    if !others.is_empty() {
        let times: Vec<String> = others.iter().map(|other| stamp(other.local)).collect();
        said.push(Line::new("RDATE", times.join(",")));
    }
    said
}

fn offset(secs: i32) -> String {
    let (sign, all) = (if secs < 0 { '-' } else { '+' }, secs.abs());
    let rest = all % 60;
    let tail = if rest == 0 { String::new() } else { format!("{rest:02}") };
    format!("{sign}{:02}{:02}{tail}", all / 3_600, all / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(zone: Tz) -> String {
        vtimezone(zone, "2026-11-29T00:00:00Z".parse().expect("a time")).write().replace("\r\n", "\n")
    }

    #[test]
    fn a_zone_with_summer_time_is_said_as_two_rules() {
        let expected = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nX-LIC-LOCATION:Europe/Berlin\n\
            BEGIN:STANDARD\nDTSTART:20251026T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\n\
            RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n\
            BEGIN:DAYLIGHT\nDTSTART:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n\
            RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
        assert_eq!(said(chrono_tz::Europe::Berlin), expected);
    }

    #[test]
    fn the_second_and_the_first_sunday_are_said_so() {
        let text = said(chrono_tz::America::New_York);
        assert!(text.contains("BYMONTH=3;BYDAY=2SU") && text.contains("BYMONTH=11;BYDAY=1SU"), "{text}");
    }

    #[test]
    fn a_zone_that_never_changes_has_one_offset() {
        let text = said(chrono_tz::Asia::Kolkata);
        assert!(text.contains("TZOFFSETTO:+0530") && !text.contains("DAYLIGHT"), "{text}");
    }

    #[test]
    fn a_zone_without_a_rule_has_its_changes_listed() {
        let text = said(chrono_tz::Africa::Casablanca);
        assert!(text.contains("RDATE") && !text.contains("RRULE"), "{text}");
    }
}
