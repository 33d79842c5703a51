//! The calendar against a server with faults.

mod bounds;
mod edits;
mod fake;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;
use workflows::ids::PersonId;
use workflows::person::{Channel, Person, Role, Settings};

use super::{CalDav, CalDavConfig};
use crate::outgoing::{Outgoing, SystemNames};
use crate::plugins::calendar::port::{BookError, CalendarBook as _, Kept};
use crate::store::calendar::{CalendarEvent, Version};
use fake::{Fake, Fault};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn ann() -> Person {
    let settings = Settings {
        timezone: chrono_tz::Europe::Berlin,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings }
}

fn event(uid: &str) -> CalendarEvent {
    CalendarEvent {
        uid: uid.to_owned(),
        title: "Party & <more>".to_owned(),
        starts_at: at("2026-12-01T09:00:00Z"),
        ends_at: at("2026-12-01T10:00:00Z"),
        timezone: chrono_tz::Europe::Berlin,
        location: None,
        description: Some("A long line that has to be folded because it does not fit, ünlike others".to_owned()),
        attendees: Vec::new(),
        repeat: None,
        told: true,
        sequence: 0,
        act: Some("act-1".to_owned()),
    }
}

struct Bench {
    fake: Fake,
    calendar: CalDav,
}

impl Bench {
    async fn new() -> Self {
        let fake = Fake::start().await;
        let url: Url = format!("http://127.0.0.1:{}/cal/", fake.port).parse().expect("a url");
        let outgoing = Outgoing::new(std::slice::from_ref(&url), Arc::new(SystemNames)).expect("a client");
        let config =
            CalDavConfig { url, username: "ann".to_owned(), password: SecretString::from("secret".to_owned()) };
        let calendar = CalDav::new(outgoing, config, Some("bot@test.local".to_owned()));
        Self { fake, calendar }
    }

    async fn add(&self, event: &CalendarEvent) -> Result<Version, BookError> {
        self.calendar.add(&ann(), event, at("2026-11-29T12:00:00Z")).await
    }

    async fn change(&self, event: &CalendarEvent, version: &Version) -> Result<Version, BookError> {
        self.calendar.change(&ann(), event, version, at("2026-11-29T13:00:00Z")).await
    }

    async fn look(&self, uid: &str) -> Result<Option<Kept>, BookError> {
        self.calendar.event(&ann(), uid).await
    }

    /// The titles of the week.
    async fn week(&self) -> Result<Vec<String>, BookError> {
        let (from, to) = (at("2026-11-30T00:00:00Z"), at("2026-12-07T00:00:00Z"));
        let found = self.calendar.occurrences(&ann(), from, to).await?;
        Ok(found.into_iter().map(|event| event.title).collect())
    }

    fn asked(&self, method: &str) -> usize {
        self.fake.state().asked.iter().filter(|asked| *asked == method).count()
    }

    /// Nothing that was asked was wrong.
    fn end(&self) {
        assert_eq!(self.fake.state().wrong, Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_answer_that_never_came_is_unknown_and_the_uid_tells_what_happened() {
    let bench = Bench::new().await;
    bench.week().await.expect("a look");
    bench.fake.fail("PUT", Fault::DoneThenCut);
    let error = bench.add(&event("e1")).await.expect_err("no answer");
    assert!(matches!(error, BookError::Unknown(_)), "{error:?}");
    assert_eq!(bench.asked("PUT"), 1, "it is not tried again by itself");
    let found = bench.look("e1").await.expect("a look").expect("it was done");
    assert_eq!(found.event, event("e1"));
    assert_eq!(bench.add(&event("e1")).await, Err(BookError::Exists), "and is not put in twice");
    assert_eq!(bench.fake.state().events.len(), 1);
    assert_eq!(bench.look("e2").await, Ok(None), "of what was not done nothing is there");
    assert_eq!(bench.week().await.as_deref(), Ok(["Party & <more>".to_owned()].as_slice()), "a look shows it at once");
    bench.end();
}

#[tokio::test]
async fn a_race_between_the_look_and_the_write_is_lost_without_a_loss() {
    let bench = Bench::new().await;
    let version = bench.add(&event("e1")).await.expect("added");
    bench.fake.fail("PUT", Fault::Raced);
    let mine = CalendarEvent { title: "Mine".to_owned(), ..event("e1") };
    assert_eq!(bench.change(&mine, &version).await, Err(BookError::Changed));
    assert_eq!(bench.look("e1").await.expect("a look").expect("there").event.title, "Party & <more>");
    let version = bench.look("e1").await.expect("a look").expect("there").version;
    bench.fake.fail("DELETE", Fault::Raced);
    assert_eq!(bench.calendar.remove(&ann(), "e1", &version).await, Err(BookError::Changed));
    assert_eq!(bench.fake.state().events.len(), 1);
    bench.end();
}

#[tokio::test]
async fn the_tag_of_a_write_that_names_none_or_a_weak_one_is_asked_for() {
    for tag in [None, Some("W/\"1\""), Some("odd")] {
        let bench = Bench::new().await;
        bench.fake.fail("PUT", Fault::Tag(tag));
        let version = bench.add(&event("e1")).await.expect("added");
        assert_eq!(version, Version("\"1\"".to_owned()), "{tag:?}");
        let mine = CalendarEvent { title: "Mine".to_owned(), ..event("e1") };
        bench.change(&mine, &version).await.expect("changed");
        bench.end();
    }
}

#[tokio::test]
async fn without_strong_tags_nothing_is_overwritten() {
    let bench = Bench::new().await;
    bench.fake.state().weak_tags = true;
    let version = bench.add(&event("e1")).await.expect("added");
    let error = bench.change(&event("e1"), &version).await.expect_err("no guard");
    assert!(matches!(&error, BookError::Refused(words) if words.contains("strong")), "{error:?}");
    assert_eq!(bench.asked("PUT"), 1);
    bench.end();
}

#[tokio::test]
async fn what_a_server_answers_instead_is_told_by_what_it_means() {
    const PAGE: &str = "<html><body>Bad gateway</body></html>";
    for (status, body, wanted) in [
        ("401 Unauthorized", "", "Refused"),
        ("500 Internal Server Error", PAGE, "Down"),
        ("503 Service Unavailable", "", "Down"),
        ("200 OK", PAGE, "Refused"),
        ("207 Multi-Status", PAGE, "Down"),
        ("207 Multi-Status", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "Down"),
    ] {
        let bench = Bench::new().await;
        bench.week().await.expect("a look");
        bench.fake.state().put("/cal/other.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
        bench.fake.fail("PROPFIND", Fault::Answer(status, body));
        let error = bench.week().await.expect_err(status);
        assert!(format!("{error:?}").starts_with(wanted), "{status}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(bench.week().await, Ok(Vec::new()), "the next look is answered");
    }
    for (status, wanted) in
        [("500 Internal Server Error", "Unknown"), ("403 Forbidden", "Refused"), ("503 Busy", "Down")]
    {
        let bench = Bench::new().await;
        bench.fake.fail("PUT", Fault::Answer(status, PAGE));
        let error = bench.add(&event("e1")).await.expect_err(status);
        assert!(format!("{error:?}").starts_with(wanted), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_redirect_into_another_place_takes_no_password_along() {
    let bench = Bench::new().await;
    for place in ["location: http://10.0.0.1/cal/", "location: http://localhost:1/cal/", "location: http://[::1]/"] {
        bench.fake.fail("PROPFIND", Fault::Answer("302 Found", place));
        let error = bench.week().await.expect_err("not followed");
        assert!(matches!(error, BookError::Refused(_)), "{place}: {error:?}");
    }
    let other = Bench::new().await;
    other.fake.fail("PROPFIND", Fault::Answer(
        "207 Multi-Status",
        "<multistatus xmlns=\"DAV:\"><response><href>/cal/</href><propstat><prop><current-user-principal>\
         <href>http://evil.example.org/me/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat>\
         </response></multistatus>",
    ));
    let error = other.week().await.expect_err("not followed");
    assert!(error.to_string().contains("set CALDAV_URL to http://evil.example.org/me/"), "not even asked: {error}");
}

#[tokio::test]
async fn a_look_costs_one_request_when_nothing_has_changed() {
    let bench = Bench::new().await;
    bench.add(&event("e1")).await.expect("added");
    bench.week().await.expect("a look");
    let before = bench.fake.state().asked.len();
    bench.week().await.expect("a look");
    assert_eq!(bench.fake.state().asked.len(), before + 1);
}

#[tokio::test]
async fn a_server_that_is_slow_to_say_what_is_new_is_waited_for_only_after_a_write_of_ours() {
    const PAUSE: Duration = Duration::from_millis(600);
    let bench = Bench::new().await;
    bench.week().await.expect("a look");
    bench.fake.fail("PROPFIND", Fault::Slow(PAUSE));
    let begun = Instant::now();
    assert_eq!(bench.week().await, Ok(Vec::new()), "as it was a moment ago");
    assert!(begun.elapsed() < PAUSE, "{:?}", begun.elapsed());
    bench.add(&event("e1")).await.expect("added");
    bench.fake.fail("PROPFIND", Fault::Slow(PAUSE));
    assert_eq!(bench.week().await.map(|found| found.len()), Ok(1), "what was written from here is in it");
    bench.end();
}

#[tokio::test]
async fn changes_in_parts_and_a_forgotten_token_lose_nothing() {
    let bench = Bench::new().await;
    let text = |title: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{title}\r\nSUMMARY:{title}\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    for title in ["a", "b", "c", "d", "e"] {
        bench.fake.state().put(&format!("/cal/{title}.ics"), &text(title));
    }
    // Every request of the list is in parts.
    for _ in 0..2 {
        bench.fake.fail("REPORT", Fault::Parts(2));
    }
    assert_eq!(bench.week().await.expect("a look"), ["a", "b", "c", "d", "e"]);
    bench.fake.state().events.remove("/cal/b.ics");
    bench.fake.state().put("/cal/f.ics", &text("f"));
    let forgotten = "<error xmlns=\"DAV:\"><valid-sync-token/></error>";
    bench.fake.fail("REPORT", Fault::Answer("403 Forbidden", forgotten));
    assert_eq!(bench.week().await.expect("a look"), ["a", "c", "d", "e", "f"], "what is gone is gone");
    bench.fake.state().put("/cal/torn.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n");
    bench.fake.state().put("/cal/g.ics", &text("g"));
    assert_eq!(bench.week().await.expect("a look"), ["a", "c", "d", "e", "f", "g"], "one that is torn hides no other");
    bench.end();
}

#[tokio::test]
async fn an_event_that_somebody_else_organises_is_told_as_theirs() {
    let bench = Bench::new().await;
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nSUMMARY:Theirs\r\nDTSTART:20261201T090000Z\r\n\
        ORGANIZER:mailto:boss@example.org\r\nATTENDEE:mailto:boss@example.org\r\nATTENDEE:mailto:ann@example.org\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";
    bench.fake.state().put("/cal/u.ics", text);
    let kept = bench.look("u").await.expect("a look").expect("there");
    assert_eq!(kept.organizer.as_deref(), Some("boss@example.org"));
    assert_eq!(kept.event.attendees, ["ann@example.org"]);
    assert!(!kept.event.told);
}

/// An event of other programs, organised by `organizer`, with `lines`.
fn text(organizer: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Other//EN\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261101T000000Z\r\n\
        SUMMARY:Review\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nORGANIZER:mailto:{organizer}\r\n{lines}\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[tokio::test]
async fn an_event_that_is_not_answered_for_is_neither_gone_nor_taken_for_known() {
    for status in ["", "403 Forbidden", "500 Internal Server Error"] {
        let bench = Bench::new().await;
        bench.add(&event("e1")).await.expect("added");
        bench.week().await.expect("a look");
        let path = bench.fake.state().events.keys().next().cloned().expect("one");
        // It is changed elsewhere, so it is fetched again.
        let other = bench.fake.state().events[&path].1.replace("SUMMARY:", "SUMMARY:Not ");
        bench.fake.state().put(&path, &other);
        bench.fake.state().failing.insert(path.clone(), status);
        for _ in 0..2 {
            let error = bench.week().await.expect_err("a part is a wrong answer");
            assert!(matches!(error, BookError::Down { .. }), "{status}: {error:?}");
            let error = bench.look("e1").await.expect_err("it may be there");
            assert!(matches!(error, BookError::Down { .. }), "{status}: {error:?}");
        }
        bench.fake.state().failing.clear();
        assert_eq!(bench.week().await.expect("a look"), ["Not Party & <more>"]);
        // A server that passes over what is not there has not failed.
        bench.fake.state().failing.insert(path.clone(), "");
        bench.fake.state().events.clear();
        assert_eq!(bench.look("e1").await, Ok(None));
        bench.end();
    }
}

#[tokio::test]
async fn the_server_is_told_that_we_tell_the_attendees_before_it_could() {
    let lines = "ATTENDEE:mailto:bob@test.local\r\nATTENDEE:mailto:eve@test.local";
    let puts = |bench: &Bench| {
        let bodies = bench.fake.state().bodies.clone();
        bodies.into_iter().filter(|body| body.starts_with("BEGIN:VCALENDAR")).collect::<Vec<_>>()
    };
    let guards = |body: &str| body.replace("\r\n ", "").matches("SCHEDULE-AGENT=CLIENT").count();
    // The account's own address organises it, not the one we write from.
    for organizer in ["bot@test.local", "ann@example.org"] {
        let bench = Bench::new().await;
        bench.fake.state().put("/cal/u.ics", &text(organizer, lines));
        let kept = bench.look("u").await.expect("a look").expect("there");
        assert_eq!((kept.organizer, kept.fixed), (None, None), "{organizer}");
        let renamed = CalendarEvent { title: "New".to_owned(), ..kept.event };
        let version = bench.change(&renamed, &kept.version).await.expect("changed");
        assert_eq!(puts(&bench).iter().map(|body| guards(body)).collect::<Vec<_>>(), [3], "of all, in the one change");
        bench.calendar.remove(&ann(), "u", &version).await.expect("removed");
        assert_eq!((puts(&bench).len(), bench.fake.state().events.len()), (1, 0));
        bench.end();
        let bench = Bench::new().await;
        bench.fake.state().put("/cal/u.ics", &text(organizer, lines));
        let kept = bench.look("u").await.expect("a look").expect("there");
        let fewer = CalendarEvent { attendees: vec!["bob@test.local".to_owned()], ..kept.event };
        bench.change(&fewer, &kept.version).await.expect("changed");
        let bodies = puts(&bench);
        assert!(bodies.len() == 2 && guards(&bodies[0]) == 3 && bodies[0].contains("eve@"), "{bodies:?}");
        assert!(!bodies[1].contains("eve@"), "{bodies:?}");
        bench.end();
        let bench = Bench::new().await;
        bench.fake.state().put("/cal/u.ics", &text(organizer, lines));
        let kept = bench.look("u").await.expect("a look").expect("there");
        bench.calendar.remove(&ann(), "u", &kept.version).await.expect("removed");
        assert_eq!(puts(&bench).iter().map(|body| guards(body)).collect::<Vec<_>>(), [3], "before it is removed");
        assert_eq!(bench.fake.state().events.len(), 0);
        bench.end();
    }
}

#[tokio::test]
async fn a_tag_that_is_found_after_a_write_is_only_taken_for_what_was_written() {
    let bench = Bench::new().await;
    bench.fake.fail("PUT", Fault::Tag(None));
    bench.fake.fail("REPORT", Fault::Renamed);
    let version = bench.add(&event("e1")).await.expect("added");
    let mine = CalendarEvent { title: "Mine".to_owned(), ..event("e1") };
    assert_eq!(bench.change(&mine, &version).await, Err(BookError::Changed), "somebody else's change stays");
}

#[tokio::test]
async fn that_events_cannot_be_written_is_known_before_anybody_is_told() {
    let bench = Bench::new().await;
    bench.add(&event("e1")).await.expect("added");
    bench.fake.state().weak_tags = true;
    let kept = bench.look("e1").await.expect("a look").expect("there");
    assert!(kept.fixed.is_some_and(|why| why.contains("strong")));
}

#[tokio::test]
async fn what_was_declined_takes_no_time() {
    for (answer, is_busy) in [("ACCEPTED", true), ("DECLINED", false)] {
        let bench = Bench::new().await;
        let lines =
            format!("ATTENDEE;PARTSTAT={answer}:mailto:Ann@example.org\r\nATTENDEE;PARTSTAT=DECLINED:mailto:eve@x.org");
        bench.fake.state().put("/cal/u.ics", &text("boss@example.org", &lines));
        let (from, to) = (at("2026-11-30T00:00:00Z"), at("2026-12-07T00:00:00Z"));
        let found = bench.calendar.occurrences(&ann(), from, to).await.expect("a look");
        assert_eq!(found.iter().map(|event| (event.is_busy, event.repeats)).collect::<Vec<_>>(), [(is_busy, false)]);
    }
}

#[tokio::test]
async fn a_look_that_holds_too_much_is_refused_and_not_answered_in_part() {
    let bench = Bench::new().await;
    // 1,000 hours of each are looked at, which is more than may be in one look.
    for n in 0..11 {
        let event = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u{n}\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Often\r\n\
             DTSTART:20260101T000000Z\r\nDURATION:PT5M\r\nRRULE:FREQ=HOURLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        bench.fake.state().put(&format!("/cal/u{n}.ics"), &event);
    }
    let (ann, from) = (ann(), at("2026-01-01T00:00:00Z"));
    let look = |to: &str| bench.calendar.occurrences(&ann, from, at(to));
    let refused = look("2026-03-01T00:00:00Z").await.expect_err("11,000 repetitions");
    assert!(refused.to_string().contains("look at a shorter one"), "{refused}");
    assert_eq!(look("2026-01-02T00:00:00Z").await.map(|found| found.len()).ok(), Some(11 * 24));
}

#[tokio::test]
async fn a_calendar_that_is_not_kept_is_asked_for_more_than_the_range() {
    let bench = Bench::new().await;
    bench.fake.state().put("/cal/u.ics", &text("boss@example.org", "ATTENDEE:mailto:ann@example.org"));
    let (calendar, range) =
        (bench.calendar.0.client.url().clone(), (at("2026-12-01T00:00:00Z"), at("2026-12-02T00:00:00Z")));
    assert_eq!(bench.calendar.0.range(&calendar, range.0, range.1).await.expect("a look").len(), 1);
    let asked = bench.fake.state().bodies.last().cloned().unwrap_or_default();
    assert!(asked.contains("start=\"20261129T220000Z\" end=\"20261203T020000Z\""), "{asked}");
    bench.fake.state().failing.insert("/cal/u.ics".to_owned(), "500 Internal Server Error");
    assert!(bench.calendar.0.range(&calendar, range.0, range.1).await.is_err());
}
