//! What is promised, one promise a function.

use super_manager::plugins::calendar::port::{BookError, CalendarBook as _};
use super_manager::store::calendar::CalendarEvent;

use super::peer::{Peer, at, event, owner, shown};

pub(super) async fn a_calendar_is_found_from_wherever_the_address_points(peer: &Peer) {
    let (url, _) = peer.fresh("found").await;
    let found = peer.calendar(&url, "secret").check().await.expect("the calendar itself");
    assert_eq!(found.0, 1, "{found:?}");
    for path in ["/", "/.well-known/caldav", "/alice/", peer.home] {
        let found = peer.calendar(&peer.at(path), "secret").check().await;
        assert!(found.as_ref().is_ok_and(|(count, _)| *count >= 1), "{path}: {found:?}");
    }
    let nothing = peer.calendar(&url.join("nothing.ics").expect("a path"), "secret");
    let error = nothing.event(&owner(), "u").await.err();
    assert!(error.is_none() || matches!(error, Some(BookError::Refused(_))), "{error:?}");
}

pub(super) async fn an_event_is_put_in_found_changed_and_taken_out(peer: &Peer) {
    let (url, calendar) = peer.fresh("round").await;
    let (ann, now) = (owner(), at("2026-11-29T12:00:00Z"));
    let new = CalendarEvent {
        attendees: vec!["bob@test.local".to_owned()],
        told: false,
        ..event("e1@test.local", "2026-12-01T09:00:00Z")
    };
    let version = calendar.add(&ann, &new, now).await.expect("added");
    let kept = calendar.event(&ann, &new.uid).await.expect("a look").expect("it is there");
    assert_eq!((&kept.event, &kept.version, &kept.organizer, kept.is_plain), (&new, &version, &None, true));
    let (_, text) = peer.only(&url).await;
    let attendee = text.lines().find(|line| line.starts_with("ATTENDEE")).expect("an attendee");
    assert!(attendee.contains("SCHEDULE-AGENT=CLIENT") && attendee.ends_with("mailto:bob@test.local"), "{attendee}");
    assert!(text.contains("LOCATION:Room 1\\; left"), "{text}");
    assert_eq!(
        shown(&calendar, "2026-11-30T00:00:00Z", "2026-12-02T00:00:00Z").await,
        ["12-01T10:00 Review, with cake"]
    );

    let told = CalendarEvent { told: true, ..new.clone() };
    let version = calendar.change(&ann, &told, &version, now).await.expect("marked");
    let moved = CalendarEvent {
        starts_at: at("2026-12-03T09:00:00Z"),
        ends_at: at("2026-12-03T11:00:00Z"),
        attendees: vec!["carol@test.local".to_owned()],
        location: None,
        sequence: 1,
        act: Some("act-2".to_owned()),
        ..told
    };
    let version = calendar.change(&ann, &moved, &version, now).await.expect("changed");
    let kept = calendar.event(&ann, &new.uid).await.expect("a look").expect("it is there");
    assert_eq!(kept.event, moved);
    assert_eq!(
        shown(&calendar, "2026-11-30T00:00:00Z", "2026-12-05T00:00:00Z").await,
        ["12-03T10:00 Review, with cake"]
    );

    calendar.remove(&ann, &new.uid, &version).await.expect("removed");
    assert_eq!(calendar.event(&ann, &new.uid).await, Ok(None));
    assert_eq!(calendar.remove(&ann, &new.uid, &version).await, Err(BookError::Gone));
    assert!(shown(&calendar, "2026-11-30T00:00:00Z", "2026-12-05T00:00:00Z").await.is_empty());
}

pub(super) async fn the_same_event_is_not_put_in_twice(peer: &Peer) {
    let (url, calendar) = peer.fresh("twice").await;
    let (ann, now) = (owner(), at("2026-11-29T12:00:00Z"));
    let new = event("e1@test.local", "2026-12-01T09:00:00Z");
    calendar.add(&ann, &new, now).await.expect("added");
    assert_eq!(calendar.add(&ann, &new, now).await.err(), Some(BookError::Exists));
    peer.only(&url).await;
}

pub(super) async fn an_event_that_was_changed_elsewhere_is_not_overwritten(peer: &Peer) {
    let (url, calendar) = peer.fresh("guard").await;
    let (ann, now) = (owner(), at("2026-11-29T12:00:00Z"));
    let new = event("e1@test.local", "2026-12-01T09:00:00Z");
    let version = calendar.add(&ann, &new, now).await.expect("added");
    let (place, text) = peer.only(&url).await;
    let theirs = text.replace("Review\\, with cake", "Theirs").replace('\n', "\r\n");
    assert!(peer.raw("PUT", &place, Some(theirs), &[]).await.0.is_success());
    let mine = CalendarEvent { title: "Mine".to_owned(), ..new };
    assert_eq!(calendar.change(&ann, &mine, &version, now).await.err(), Some(BookError::Changed));
    assert_eq!(calendar.remove(&ann, &mine.uid, &version).await, Err(BookError::Changed));
    let (_, text) = peer.only(&url).await;
    assert!(text.contains("SUMMARY:Theirs"), "{text}");
}

pub(super) async fn a_change_keeps_what_other_programs_know(peer: &Peer) {
    let (url, calendar) = peer.fresh("keeps").await;
    let text = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\n\
        TZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19700329T020000\n\
        TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n\
        BEGIN:VEVENT\nUID:theirs\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Berlin:20260302T090000\n\
        DURATION:PT1H\nSUMMARY:Walk\nRRULE:FREQ=WEEKLY\nCOLOR:turquoise\nX-THEIR-OWN;X-P=1:kept\nSEQUENCE:3\n\
        ORGANIZER;CN=Bot:mailto:bot@test.local\nATTENDEE;PARTSTAT=ACCEPTED;CN=Bob:mailto:bob@test.local\n\
        BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Soon\nTRIGGER:-PT15M\nEND:VALARM\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:theirs\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Berlin:20260309T090000\n\
        DTSTART;TZID=Europe/Berlin:20260310T150000\nDURATION:PT1H\nSUMMARY:Moved\nEND:VEVENT";
    peer.put(&url, "theirs.ics", text).await;
    let (ann, now) = (owner(), at("2026-11-29T12:00:00Z"));
    let kept = calendar.event(&ann, "theirs").await.expect("a look").expect("it is there");
    assert!(!kept.is_plain);
    let renamed = CalendarEvent { title: "Long walk".to_owned(), sequence: 4, told: true, ..kept.event.clone() };
    let version = calendar.change(&ann, &renamed, &kept.version, now).await.expect("changed");
    let (_, text) = peer.only(&url).await;
    for line in [
        "SUMMARY:Long walk",
        "SUMMARY:Moved",
        "COLOR:turquoise",
        "X-THEIR-OWN;X-P=1:kept",
        "TRIGGER:-PT15M",
        "PARTSTAT=ACCEPTED",
        "SEQUENCE:4",
        "DTSTAMP:20261129T120000Z",
        "LAST-MODIFIED:20261129T120000Z",
        "TZID:Europe/Berlin",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("SUMMARY:Walk"), "{text}");
    // Its time cannot change without losing the repetition that was moved: it is refused, not lost.
    let later = CalendarEvent { starts_at: at("2026-03-02T10:00:00Z"), ..renamed };
    assert!(matches!(calendar.change(&ann, &later, &version, now).await, Err(BookError::Refused(_))));
    assert_eq!(
        shown(&calendar, "2026-03-02T00:00:00Z", "2026-03-17T00:00:00Z").await,
        ["03-02T09:00 Long walk", "03-10T15:00 Moved", "03-16T09:00 Long walk"]
    );
}

pub(super) async fn a_weekly_event_keeps_its_wall_clock_over_both_changes_of_the_clock(peer: &Peer) {
    let (url, calendar) = peer.fresh("weekly").await;
    let (ann, now) = (owner(), at("2026-03-01T12:00:00Z"));
    // 09:00 in Berlin in winter.
    let new = CalendarEvent { repeat: Some("FREQ=WEEKLY".to_owned()), ..event("w@test.local", "2026-03-23T08:00:00Z") };
    let version = calendar.add(&ann, &new, now).await.expect("added");
    let (_, text) = peer.only(&url).await;
    assert!(text.contains("DTSTART;TZID=Europe/Berlin:20260323T090000") && text.contains("BEGIN:VTIMEZONE"), "{text}");
    let days = |days: &[&str]| days.iter().map(|day| format!("{day}T09:00 Review, with cake")).collect::<Vec<_>>();
    assert_eq!(
        shown(&calendar, "2026-03-20T00:00:00Z", "2026-04-07T00:00:00Z").await,
        days(&["03-23", "03-30", "04-06"])
    );
    assert_eq!(
        shown(&calendar, "2026-10-18T00:00:00Z", "2026-11-03T00:00:00Z").await,
        days(&["10-19", "10-26", "11-02"])
    );
    // Moved by an hour, in summer: the wall clock is what moves.
    let later = CalendarEvent {
        starts_at: at("2026-03-23T09:00:00Z"),
        ends_at: at("2026-03-23T10:00:00Z"),
        sequence: 1,
        ..new
    };
    calendar.change(&ann, &later, &version, now).await.expect("moved");
    assert_eq!(
        shown(&calendar, "2026-10-18T00:00:00Z", "2026-10-27T00:00:00Z").await,
        ["10-19T10:00 Review, with cake", "10-26T10:00 Review, with cake"]
    );
}

pub(super) async fn what_others_put_in_is_seen_at_the_times_it_takes(peer: &Peer) {
    let (url, calendar) = peer.fresh("times").await;
    let event = |uid: &str, lines: &str| {
        format!("BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nSUMMARY:{uid}\n{lines}\nEND:VEVENT")
    };
    peer.put(&url, "day.ics", &event("day", "DTSTART;VALUE=DATE:20260325\nDTEND;VALUE=DATE:20260327")).await;
    peer.put(&url, "free.ics", &event("maybe", "DTSTART:20260324T120000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT")).await;
    peer.put(&url, "off.ics", &event("off", "DTSTART:20260324T130000Z\nDURATION:PT1H\nSTATUS:CANCELLED")).await;
    let series =
        event("daily", "DTSTART:20260323T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE:20260326T080000Z");
    let single = |at: &str, lines: &str| event("daily", &format!("RECURRENCE-ID:{at}\n{lines}"));
    let moved = single("20260324T080000Z", "DTSTART:20260324T160000Z\nDURATION:PT1H");
    let off = single("20260325T080000Z", "DTSTART:20260325T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED");
    peer.put(&url, "daily.ics", &[series, moved, off].join("\n")).await;
    assert_eq!(
        shown(&calendar, "2026-03-23T00:00:00Z", "2026-03-30T00:00:00Z").await,
        [
            "03-23T09:00 daily",
            "03-24T13:00 maybe free",
            "03-24T17:00 daily",
            "03-25T00:00 day all day",
            "03-27T09:00 daily",
        ]
    );
}

pub(super) async fn changes_from_elsewhere_are_seen_at_the_next_look(peer: &Peer) {
    let (url, calendar) = peer.fresh("news").await;
    let event = |title: &str| {
        format!(
            "BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\nSUMMARY:{title}\nDTSTART:20260324T090000Z\nDURATION:PT1H\nEND:VEVENT"
        )
    };
    let look = || shown(&calendar, "2026-03-23T00:00:00Z", "2026-03-30T00:00:00Z");
    assert!(look().await.is_empty());
    peer.put(&url, "u.ics", &event("First")).await;
    assert_eq!(look().await, ["03-24T10:00 First"]);
    peer.put(&url, "u.ics", &event("Second")).await;
    assert_eq!(look().await, ["03-24T10:00 Second"]);
    let place = url.join("u.ics").expect("a name");
    assert!(peer.raw("DELETE", &place, None, &[]).await.0.is_success());
    assert!(look().await.is_empty());
}
