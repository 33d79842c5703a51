//! The times that a series takes.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::rule::TIMES_MAX;
use super::series::{Item, Repeats, Series, frame};
use super::time::{When, instant};

/// A stretch of time that an event takes.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Of what.
    pub item: &'a Item,
}

/// The widest that clocks differ from each other.
const CLOCKS_HOURS_MAX: i64 = 26;

impl Series {
    /// What the series takes of a range, with times that have no zone on the clock of `home`. What
    /// is called off takes nothing.
    pub fn taken(&self, from: DateTime<Utc>, to: DateTime<Utc>, home: Tz) -> Vec<Taken<'_>> {
        let mut taken = Vec::new();
        if let Some(item) = self.event.as_ref().filter(|item| !item.is_cancelled) {
            match &self.repeats {
                None => taken.extend(touching(item.start, item, (from, to), home)),
                Some(repeats) => {
                    let starts = self.starts(item, repeats, (from, to), home);
                    taken.extend(starts.into_iter().filter_map(|start| touching(start, item, (from, to), home)));
                }
            }
        }
        let changed = self.changed.iter().filter(|(_, item)| !item.is_cancelled);
        taken.extend(changed.filter_map(|(_, item)| touching(item.start, item, (from, to), home)));
        taken
    }

    /// When it begins in and shortly before a range, without what was changed or struck out.
    fn starts(&self, item: &Item, repeats: &Repeats, range: (DateTime<Utc>, DateTime<Utc>), home: Tz) -> Vec<When> {
        let (local, zone) = frame(item.start);
        let floats = !matches!(item.start, When::At(..));
        // Days and floating times are counted on a clock of their own; the range is made wider
        // there, and what does not touch it is left out afterwards.
        let slack = Duration::hours(if floats { CLOCKS_HOURS_MAX } else { 0 });
        let length = Duration::days(item.length.days + 1) + Duration::seconds(item.length.secs);
        let (from, to) = (range.0 - slack - length, range.1 + slack);
        let mut starts: BTreeSet<NaiveDateTime> = BTreeSet::new();
        let mut add = |at: DateTime<Utc>| {
            starts.insert(at.with_timezone(&zone).naive_local());
        };
        match &repeats.rule {
            Some(rule) => {
                let until = rule.until(zone, (floats, item.start.is_day()), home).into_iter().chain(repeats.last).min();
                let end = until.map_or(to, |until| (until + Duration::seconds(1)).min(to));
                if from < end {
                    rule.times(local, zone, from, end).into_iter().for_each(&mut add);
                }
            }
            // A rule that cannot be read, or none: the first time is certain.
            None => add(instant(local, zone)),
        }
        for besides in &repeats.besides {
            add(if floats { besides.local().and_utc() } else { besides.instant(home) });
        }
        let out = Exceptions::of(self, repeats, item.start, home);
        starts
            .into_iter()
            .map(|local| item.start.at(local))
            .filter(|start| !out.hold(*start, home))
            .take(TIMES_MAX)
            .collect()
    }
}

/// Times at which a series is not as it is.
struct Exceptions {
    moments: HashSet<i64>,
    days: HashSet<NaiveDate>,
}

impl Exceptions {
    fn of(series: &Series, repeats: &Repeats, start: When, home: Tz) -> Self {
        let all = || repeats.without.iter().chain(series.changed.iter().map(|(at, _)| at));
        // A day struck out of a series of times means the one that begins on it.
        // A moment struck out of a series of days means the day it is on at home.
        let day = |at: &When| match at {
            When::At(..) if start.is_day() => at.instant(home).with_timezone(&home).date_naive(),
            When::Day(_) | When::Floating(_) | When::At(..) => at.local().date(),
        };
        let days = all().filter(|at| at.is_day() || start.is_day()).map(day);
        Self { moments: all().map(|at| at.instant(home).timestamp()).collect(), days: days.collect() }
    }

    fn hold(&self, start: When, home: Tz) -> bool {
        self.days.contains(&start.local().date()) || self.moments.contains(&start.instant(home).timestamp())
    }
}

fn touching(start: When, item: &Item, (from, to): (DateTime<Utc>, DateTime<Utc>), home: Tz) -> Option<Taken<'_>> {
    let starts_at = start.instant(home);
    let ends_at = item.length.end(start, home);
    // What has no length is there when it begins in the range (RFC 4791, 9.9).
    let touches = starts_at < to && (ends_at > from || (starts_at == ends_at && starts_at >= from));
    touches.then_some(Taken { starts_at, ends_at, item })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ical::tree::read;

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    /// The stretches of one event's text in a range, on the clock of Berlin.
    fn taken(inside: &str, from: &str, to: &str) -> Vec<String> {
        let text = format!("BEGIN:VCALENDAR\n{inside}\nEND:VCALENDAR");
        let series = Series::read(&read(&text).expect("a calendar")[0]).expect("a series");
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let mut found: Vec<_> = series
            .taken(at(from), at(to), BERLIN)
            .iter()
            .map(|taken| {
                let local = |at: DateTime<Utc>| at.with_timezone(&BERLIN).format("%m-%dT%H:%M").to_string();
                format!("{}/{} {}", local(taken.starts_at), local(taken.ends_at), taken.item.title)
            })
            .collect();
        found.sort();
        found
    }

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:u\nSUMMARY:E\n{lines}\nEND:VEVENT")
    }

    /// A row: what it shows, the lines of the event, and the stretches in the week from 23 March 2026.
    const WEEK: [(&str, &str, &[&str]); 20] = [
        ("a time in UTC", "DTSTART:20260324T090000Z\nDTEND:20260324T100000Z", &["03-24T10:00/03-24T11:00 E"]),
        ("a duration", "DTSTART;TZID=Europe/Berlin:20260324T090000\nDURATION:PT90M", &["03-24T09:00/03-24T10:30 E"]),
        ("no end at all", "DTSTART:20260324T090000Z", &["03-24T10:00/03-24T10:00 E"]),
        ("a floating time", "DTSTART:20260324T090000\nDTEND:20260324T100000", &["03-24T09:00/03-24T10:00 E"]),
        ("a day", "DTSTART;VALUE=DATE:20260324", &["03-24T00:00/03-25T00:00 E"]),
        ("days up to a day", "DTSTART;VALUE=DATE:20260324\nDTEND;VALUE=DATE:20260326", &["03-24T00:00/03-26T00:00 E"]),
        (
            "a day with an end on it",
            "DTSTART;VALUE=DATE:20260324\nDTEND;VALUE=DATE:20260324",
            &["03-24T00:00/03-25T00:00 E"],
        ),
        (
            "the day the clock is put forward",
            "DTSTART;VALUE=DATE:20260329\nDURATION:P1D",
            &["03-29T00:00/03-30T00:00 E"],
        ),
        ("before the range", "DTSTART:20260320T090000Z\nDTEND:20260320T100000Z", &[]),
        ("ends as the range begins", "DTSTART:20260322T220000Z\nDTEND:20260322T230000Z", &[]),
        ("into the range", "DTSTART:20260322T220000Z\nDTEND:20260323T010000Z", &["03-22T23:00/03-23T02:00 E"]),
        ("called off", "DTSTART:20260324T090000Z\nSTATUS:CANCELLED", &[]),
        (
            "weekly with one struck out",
            "DTSTART;TZID=Europe/Berlin:20250106T090000\nDTEND;TZID=Europe/Berlin:20250106T093000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH,SU\nEXDATE;TZID=Europe/Berlin:20260326T090000",
            &["03-23T09:00/03-23T09:30 E", "03-29T09:00/03-29T09:30 E"],
        ),
        (
            "a day struck out of times",
            "DTSTART:20250106T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH\nEXDATE;VALUE=DATE:20260323",
            &["03-26T10:00/03-26T11:00 E"],
        ),
        (
            "times besides, one of them twice",
            "DTSTART:20260324T090000Z\nDURATION:PT1H\nRDATE:20260325T090000Z,20260326T090000Z\nRDATE;VALUE=PERIOD:20260326T090000Z/PT1H",
            &["03-24T10:00/03-24T11:00 E", "03-25T10:00/03-25T11:00 E", "03-26T10:00/03-26T11:00 E"],
        ),
        ("a yearly day that ended", "DTSTART;VALUE=DATE:20200325\nRRULE:FREQ=YEARLY;UNTIL=20250325", &[]),
        (
            "a yearly day",
            "DTSTART;VALUE=DATE:20200325\nRRULE:FREQ=YEARLY;UNTIL=20260324T230000Z",
            &["03-25T00:00/03-26T00:00 E"],
        ),
        (
            "days up to midnight in UTC",
            "DTSTART;VALUE=DATE:20260320\nRRULE:FREQ=DAILY;UNTIL=20260324T000000Z",
            &["03-23T00:00/03-24T00:00 E", "03-24T00:00/03-25T00:00 E"],
        ),
        (
            "a day struck out as the moment it begins",
            "DTSTART;VALUE=DATE:20260323\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260323T230000Z",
            &["03-23T00:00/03-24T00:00 E", "03-25T00:00/03-26T00:00 E"],
        ),
        ("a counted series that has passed", "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=30", &[]),
    ];

    #[test]
    fn events_take_the_time_they_say() {
        for (what, lines, expected) in WEEK {
            assert_eq!(taken(&event(lines), "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"), expected, "{what}");
        }
    }

    #[test]
    fn a_repetition_that_was_moved_is_where_it_is_now_and_one_called_off_is_nowhere() {
        let series = event("DTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=8");
        let single = |at: &str, lines: &str| {
            format!("BEGIN:VEVENT\nUID:u\nSUMMARY:Moved\nRECURRENCE-ID;TZID=Europe/Berlin:{at}\n{lines}\nEND:VEVENT")
        };
        let text = [
            single("20260323T090000", "DTSTART;TZID=Europe/Berlin:20260325T150000\nDURATION:PT2H"),
            series,
            single("20260330T090000", "DTSTART;TZID=Europe/Berlin:20260330T090000\nDURATION:PT1H\nSTATUS:CANCELLED"),
            // The same moment, said in another zone.
            "BEGIN:VEVENT\nUID:u\nSUMMARY:Later\nRECURRENCE-ID:20260406T070000Z\nDTSTART:20260406T100000Z\nDURATION:PT1H\nEND:VEVENT".to_owned(),
        ]
        .join("\n");
        let found = taken(&text, "2026-03-16T00:00:00Z", "2026-04-14T00:00:00Z");
        let expected = [
            "03-16T09:00/03-16T10:00 E",
            "03-25T15:00/03-25T17:00 Moved",
            "04-06T12:00/04-06T13:00 Later",
            "04-13T09:00/04-13T10:00 E",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_single_repetition_without_its_series_is_there() {
        let text = "BEGIN:VEVENT\nUID:u\nSUMMARY:Guest\nRECURRENCE-ID:20260324T090000Z\nDTSTART:20260324T090000Z\nDURATION:PT1H\nEND:VEVENT";
        assert_eq!(taken(text, "2026-03-23T00:00:00Z", "2026-03-30T00:00:00Z"), ["03-24T10:00/03-24T11:00 Guest"]);
    }

    #[test]
    fn a_changed_repetition_that_cannot_be_placed_is_left_out_and_told() {
        let read = |single: &str| {
            let series = event("DTSTART:20260324T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2");
            let single = format!("BEGIN:VEVENT\nUID:u\nSUMMARY:Single\n{single}\nEND:VEVENT");
            let text = format!("BEGIN:VCALENDAR\n{series}\n{single}\nEND:VCALENDAR");
            Series::read(&super::super::tree::read(&text).expect("a calendar")[0]).expect("a series")
        };
        let odd = read("RECURRENCE-ID:soon\nDTSTART:20260324T120000Z");
        assert_eq!(odd.event.as_ref().map(|item| item.title.as_str()), Some("E"), "it is not the series itself");
        assert!(odd.repeats.is_some() && !odd.is_plain());
        let later = read("RECURRENCE-ID;RANGE=THISANDFUTURE:20260324T090000Z\nDTSTART:20260324T120000Z");
        assert!(!later.is_plain());
    }

    #[test]
    fn what_is_transparent_is_there_but_not_busy() {
        let text = format!("BEGIN:VCALENDAR\n{}\nEND:VCALENDAR", event("DTSTART:20260324T090000Z\nTRANSP:TRANSPARENT"));
        let series = Series::read(&read(&text).expect("a calendar")[0]).expect("a series");
        assert!(series.event.is_some_and(|item| !item.is_busy));
    }

    #[test]
    fn tasks_and_events_without_a_start_are_no_series() {
        for text in [
            "BEGIN:VTODO\nUID:t\nEND:VTODO",
            "BEGIN:VEVENT\nUID:u\nSUMMARY:x\nEND:VEVENT",
            "BEGIN:VEVENT\nDTSTART:20260101T000000Z\nEND:VEVENT",
        ] {
            let text = format!("BEGIN:VCALENDAR\n{text}\nEND:VCALENDAR");
            assert!(Series::read(&read(&text).expect("a calendar")[0]).is_none(), "{text}");
        }
    }

    #[test]
    fn an_endless_series_is_listed_up_to_the_bound() {
        let found = taken(
            &event("DTSTART:20000101T000000Z\nRRULE:FREQ=HOURLY"),
            "2026-01-01T00:00:00Z",
            "2026-12-31T00:00:00Z",
        );
        assert!((900..=TIMES_MAX).contains(&found.len()), "{}", found.len());
    }
}
