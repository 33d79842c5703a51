//! A calendar of 10,000 events, 500 of which repeat.

use std::time::{Duration, Instant};

use super_manager::plugins::calendar::port::{BookError, CalendarBook as _};

use super::peer::{Peer, at, owner};

/// How long a look at a week may take once the calendar is known.
const LOOK_MAX: Duration = Duration::from_millis(300);
/// How long reading it the first time may take; nearly all of it is the server's.
const FIRST_MAX: Duration = Duration::from_secs(200);

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_ten_thousand_events_is_answered_at_once() {
    let Some(peer) = Peer::large() else { return };
    let calendar = peer.calendar(&peer.at("/"), "secret");
    let (from, to) = (at("2026-03-23T00:00:00Z"), at("2026-03-30T00:00:00Z"));
    let begun = Instant::now();
    let first = loop {
        match calendar.occurrences(&owner(), from, to).await {
            Ok(found) => break found,
            // Still being read: that goes on meanwhile.
            Err(BookError::Down { what, .. }) if what.contains("still being read") && begun.elapsed() < FIRST_MAX => {}
            Err(error) => panic!("{error}"),
        }
    };
    println!("the first look took {:?} and found {} times", begun.elapsed(), first.len());
    assert!(first.len() > 100, "{}", first.len());
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let begun = Instant::now();
        let again = calendar.occurrences(&owner(), from, to).await.expect("a look");
        slowest = slowest.max(begun.elapsed());
        assert_eq!(again, first);
    }
    println!("the slowest of five looks at a week took {slowest:?}");
    assert!(slowest <= LOOK_MAX, "{slowest:?}");
}
