//! The calendar against a server with faults.

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
