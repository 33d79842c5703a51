//! What a change does to an event's text, line by line.

use super::super::edit::{edited, kept, written};
use super::{at, event};
use crate::ical::series::Series;
use crate::ical::tree::read;
use crate::plugins::calendar::port::BookError;
use crate::store::calendar::CalendarEvent;

const HOME: chrono_tz::Tz = chrono_tz::Europe::Berlin;

/// Changes an event of these lines; the lines that went and came.
fn diff(lines: &str, change: impl Fn(&mut CalendarEvent)) -> Result<(Vec<String>, Vec<String>), BookError> {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:u\nSUMMARY:E\nSEQUENCE:1\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let series = Series::read(&read(&text).expect("a calendar")[0]).expect("a series");
    let old = kept(&series, "\"1\"", HOME, &["bot@test.local".to_owned()]).expect("an event").event;
    let mut new = CalendarEvent { sequence: 2, ..old.clone() };
    change(&mut new);
    let out = edited(&text, (&old, &new), HOME, Some("bot@test.local"), at("2026-11-29T12:00:00Z"))?;
    let out = out.replace("\r\n ", "").replace("\r\n", "\n");
    let again = Series::read(&read(&out).expect("a calendar")[0]).expect("a series");
    let reread = kept(&again, "\"2\"", HOME, &["bot@test.local".to_owned()]).expect("an event").event;
    assert!(reread.says_the_same(&new), "{reread:?}\n{new:?}\n{out}");
    let always = ["SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "X-SUPER-MANAGER"];
    let all = |text: &str| {
        let lines = text.lines().filter(|line| !always.iter().any(|name| line.starts_with(name)));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, after) = (all(&text), all(&out));
    let gone = before.iter().filter(|line| !after.contains(line)).cloned().collect();
    Ok((gone, after.into_iter().filter(|line| !before.contains(line)).collect()))
}

fn hour_later(event: &mut CalendarEvent) {
    event.starts_at += chrono::Duration::hours(1);
    event.ends_at += chrono::Duration::hours(1);
}

#[test]
fn a_time_is_moved_in_the_form_it_is_said_in() {
    for (lines, gone, came) in [
        (
            "DTSTART:20261201T090000Z\nDTEND:20261201T100000Z",
            vec!["DTSTART:20261201T090000Z", "DTEND:20261201T100000Z"],
            vec!["DTSTART:20261201T100000Z", "DTEND:20261201T110000Z"],
        ),
        (
            "DTSTART;TZID=W. Europe Standard Time:20261201T090000\nDURATION:PT1H",
            vec!["DTSTART;TZID=W. Europe Standard Time:20261201T090000", "DURATION:PT1H"],
            vec![
                "DTSTART;TZID=W. Europe Standard Time:20261201T100000",
                "DTEND;TZID=W. Europe Standard Time:20261201T110000",
            ],
        ),
        (
            "DTSTART:20261201T090000\nDTEND:20261201T100000",
            vec!["DTSTART:20261201T090000", "DTEND:20261201T100000"],
            vec!["DTSTART:20261201T100000", "DTEND:20261201T110000"],
        ),
        (
            "DTSTART;VALUE=DATE:20261201",
            vec!["DTSTART;VALUE=DATE:20261201"],
            vec!["DTSTART:20261201T000000Z", "DTEND:20261202T000000Z"],
        ),
    ] {
        let (went, new) = diff(lines, hour_later).expect("edited");
        assert_eq!((went.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect()), (gone, came));
    }
}

#[test]
fn days_stay_days() {
    let next_day = |event: &mut CalendarEvent| {
        event.starts_at += chrono::Duration::days(1);
        event.ends_at += chrono::Duration::days(1);
    };
    let (_, came) = diff("DTSTART;VALUE=DATE:20261201", next_day).expect("edited");
    assert_eq!(came, ["DTSTART;VALUE=DATE:20261202", "DTEND;VALUE=DATE:20261203"]);
}

#[test]
fn a_title_changes_one_line() {
    let lines = "DTSTART;TZID=Europe/Berlin:20261201T090000\nDURATION:PT1H\nX-A:1\nX-A:2\nCATEGORIES:A,B";
    let (gone, came) = diff(lines, |event| event.title = "New, one".to_owned()).expect("edited");
    assert_eq!((gone, came), (vec!["SUMMARY:E".to_owned()], vec!["SUMMARY:New\\, one".to_owned()]));
}

#[test]
fn an_event_that_begins_to_repeat_is_said_on_its_wall_clock() {
    let weekly = |event: &mut CalendarEvent| event.repeat = Some("FREQ=WEEKLY".to_owned());
    let (_, came) = diff("DTSTART:20261201T090000Z\nDTEND:20261201T100000Z", weekly).expect("edited");
    for line in ["DTSTART;TZID=Europe/Berlin:20261201T100000", "RRULE:FREQ=WEEKLY", "BEGIN:VTIMEZONE"] {
        assert!(came.iter().any(|new| new == line), "{line}: {came:?}");
    }
}

#[test]
fn who_stays_keeps_their_answer_and_who_goes_is_gone() {
    let lines = "DTSTART:20261201T090000Z\nORGANIZER:mailto:bot@test.local\nATTENDEE:mailto:bot@test.local\n\
        ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Bob@test.local\nATTENDEE;PARTSTAT=DECLINED:mailto:eve@test.local";
    let change = |event: &mut CalendarEvent| {
        event.attendees = vec!["Bob@test.local".to_owned(), "carol@test.local".to_owned()];
    };
    let (_, came) = diff(lines, change).expect("edited");
    assert_eq!(
        came,
        [
            "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bot@test.local",
            "ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-AGENT=CLIENT:MAILTO:Bob@test.local",
            "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION;SCHEDULE-AGENT=CLIENT:mailto:carol@test.local",
        ]
    );
}

#[test]
fn a_series_with_exceptions_is_not_moved() {
    let lines = "DTSTART:20261201T090000Z\nRRULE:FREQ=DAILY\nEXDATE:20261203T090000Z";
    assert!(matches!(diff(lines, hour_later), Err(BookError::Refused(_))));
    assert!(diff(lines, |event| event.title = "New".to_owned()).is_ok());
}

#[test]
fn what_is_written_new_is_read_as_it_was() {
    for repeat in [None, Some("FREQ=WEEKLY;COUNT=3".to_owned())] {
        let attendees = vec!["bob@test.local".to_owned()];
        let new = CalendarEvent { repeat, attendees, told: false, ..event("e1") };
        let text = written(&new, Some("bot@test.local"), at("2026-11-29T12:00:00Z"));
        let series = Series::read(&read(&text).expect("a calendar")[0]).expect("a series");
        let read = kept(&series, "\"1\"", HOME, &["bot@test.local".to_owned()]).expect("an event");
        assert_eq!((read.event, read.organizer), (new, None));
    }
}
