//! What is larger than is read, and what can only be read.

use std::sync::Arc;

use super::{Bench, ann, event, text};
use crate::caldav::client::LOOK_BYTES_MAX;
use crate::caldav::shelf::Shelf;
use crate::plugins::calendar::port::{BookError, CalendarBook as _};
use crate::store::calendar::CalendarEvent;

#[tokio::test]
async fn an_answer_over_its_bytes_is_refused_and_no_part_of_it_is_shown() {
    let bench = Bench::new().await;
    bench.add(&event("e1")).await.expect("added");
    let large = format!("DESCRIPTION:{}", "x".repeat(LOOK_BYTES_MAX));
    bench.fake.state().put("/cal/u.ics", &text("bot@test.local", &large));
    // The second look must not take what came before the bound for all of it.
    for _ in 0..2 {
        let error = bench.week().await.expect_err("a part is a wrong answer");
        assert!(matches!(error, BookError::Refused(_)), "trying again does not help: {error:?}");
        assert!(error.to_string().contains(&format!("larger than {LOOK_BYTES_MAX} bytes")), "{error}");
    }
    let error = bench.look("u").await.expect_err("it is there, whatever it says");
    assert!(matches!(error, BookError::Refused(_)), "{error:?}");
    assert!(bench.look("e1").await.is_ok_and(|found| found.is_some()), "one that is small is read alone");
    bench.fake.state().put("/cal/u.ics", &text("bot@test.local", "DESCRIPTION:x"));
    assert_eq!(bench.week().await.expect("a look"), ["Party & <more>", "Review"]);
    bench.end();
}

#[tokio::test]
async fn a_calendar_over_the_bytes_that_are_kept_is_asked_at_each_look_and_shown_whole_or_not_at_all() {
    let bench = Bench::new().await;
    for uid in ["e1", "e2"] {
        bench.add(&event(uid)).await.expect("added");
    }
    let inner = &bench.calendar.0;
    let (_, calendars) = inner.list().await.expect("the calendars");
    let [info] = calendars.as_slice() else { panic!("{calendars:?}") };
    let mut shelf = Shelf::new(info);
    shelf.refresh(&inner.client, info, 100).await.expect("it is read");
    assert!(shelf.is_too_big && shelf.entries.is_empty() && shelf.bytes == 0, "no part of it is kept: {shelf:?}");
    inner.work.lock().await.shelves.insert(info.url.path().to_owned(), Arc::new(shelf));
    assert_eq!(bench.week().await.expect("a look").len(), 2);
    let path = bench.fake.state().events.keys().next().cloned().expect("one");
    bench.fake.state().failing.insert(path, "500 Internal Server Error");
    let error = bench.week().await.expect_err("a part is a wrong answer");
    assert!(error.to_string().contains("did not answer for all"), "{error}");
    bench.end();
}

#[tokio::test]
async fn a_calendar_that_can_only_be_read_is_read_and_says_so_before_it_is_written() {
    let bench = Bench::new().await;
    bench.fake.state().put("/cal/u.ics", &text("bot@test.local", "DESCRIPTION:x"));
    bench.fake.state().read_only = true;
    assert_eq!(bench.week().await.expect("a look"), ["Review"]);
    let kept = bench.look("u").await.expect("a look").expect("there");
    assert_eq!(kept.fixed.as_deref(), Some("the calendar \"Cal\" can only be read"));
    let error = bench.add(&event("e1")).await.expect_err("nowhere to put it");
    assert_eq!(error, BookError::Refused("no calendar of the account can be written to".to_owned()));
    assert_eq!(bench.asked("PUT"), 0, "what is known to be refused is not tried");
    bench.end();
}

#[tokio::test]
async fn a_server_that_only_tells_by_its_refusal_that_it_cannot_be_written_is_told_as_that() {
    let bench = Bench::new().await;
    let version = bench.add(&event("e1")).await.expect("added");
    // What it may was asked before it was taken away.
    bench.fake.state().read_only = true;
    let before = bench.fake.state().events.clone();
    let mine = CalendarEvent { title: "Mine".to_owned(), ..event("e1") };
    let refusals = [
        bench.add(&event("e2")).await.map(drop),
        bench.change(&mine, &version).await.map(drop),
        bench.calendar.remove(&ann(), "e1", &version).await,
    ];
    for refusal in refusals {
        let error = refusal.expect_err("refused");
        assert!(matches!(&error, BookError::Refused(words) if words.contains("can only be read")), "{error:?}");
    }
    assert_eq!(bench.fake.state().events, before);
    bench.end();
}
