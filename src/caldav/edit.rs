//! Events between the server's form and ours. A change touches what it changes and nothing else:
//! alarms, colours, links and single repetitions belong to other programs too.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::ical::line::Line;
use crate::ical::rule::Rule;
use crate::ical::series::{ACT, Series, TOLD, mail_address};
use crate::ical::time::{When, utc};
use crate::ical::tree::{self, Component};
use crate::ical::vtimezone::vtimezone;
use crate::ical::write::{Draft, attendee, organizer, zoned};
use crate::ical::zone::Zones;
use crate::plugins::calendar::port::{BookError, Kept};
use crate::store::calendar::{CalendarEvent, Version};

/// An event as acts know it. `None` when there are only single repetitions of it.
pub(super) fn kept(series: &Series, etag: &str, home: Tz, ours: Option<&str>) -> Option<Kept> {
    let item = series.event.as_ref()?;
    let own = |address: &String| item.organizer.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(address));
    let attendees: Vec<String> = item.attendees.iter().filter(|address| !own(address)).cloned().collect();
    let is_ours = |address: &&String| ours.is_some_and(|ours| ours.eq_ignore_ascii_case(address));
    let foreign = item.organizer.as_ref().filter(|address| !is_ours(address));
    let zone = item.start.zone(home);
    let event = CalendarEvent {
        uid: series.uid.clone(),
        title: item.title.clone(),
        starts_at: item.start.instant(home),
        ends_at: item.length.end(item.start, home),
        // Of one that does not repeat, UTC is only a way of writing.
        timezone: if zone == Tz::UTC && series.repeats.is_none() { home } else { zone },
        location: item.location.clone(),
        description: item.description.clone(),
        repeat: series.repeats.as_ref().and_then(|repeats| repeats.text.clone()),
        // One that says nothing was not told by us.
        told: series.told.unwrap_or(attendees.is_empty()),
        sequence: item.sequence,
        act: series.act.clone(),
        attendees,
    };
    let organizer = foreign.filter(|_| !event.attendees.is_empty() || item.attendees.len() > 1).cloned();
    Some(Kept { version: Version(etag.to_owned()), event, organizer, is_plain: series.is_plain() })
}

/// A new event as the server keeps it.
pub(super) fn written(event: &CalendarEvent, ours: Option<&str>, now: DateTime<Utc>) -> String {
    let draft = Draft {
        uid: &event.uid,
        sequence: event.sequence,
        title: &event.title,
        starts_at: event.starts_at,
        ends_at: event.ends_at,
        zone: event.timezone,
        location: event.location.as_deref(),
        description: event.description.as_deref(),
        url: None,
        repeat: event.repeat.as_deref(),
    };
    let mut component = draft.event(now);
    component.push(Line::new("CREATED", utc(now)));
    component.push(Line::new("LAST-MODIFIED", utc(now)));
    set_attendees(&mut component, event, ours);
    set_marks(&mut component, event);
    draft.calendar(None, component).write()
}

/// An event's text with what differs between two states of it changed.
pub(super) fn edited(
    text: &str,
    (old, new): (&CalendarEvent, &CalendarEvent),
    home: Tz,
    ours: Option<&str>,
    now: DateTime<Utc>,
) -> Result<String, BookError> {
    let unreadable = || BookError::Refused("the event cannot be read".to_owned());
    let mut calendar = tree::read(text)
        .ok()
        .and_then(|mut all| (!all.is_empty()).then(|| all.swap_remove(0)))
        .ok_or_else(unreadable)?;
    let series = Series::read(&calendar).ok_or_else(unreadable)?;
    let is_moved = (old.starts_at, &old.repeat) != (new.starts_at, &new.repeat);
    let has_exceptions = !series.changed.is_empty()
        || series.repeats.as_ref().is_some_and(|repeats| !repeats.without.is_empty() || !repeats.besides.is_empty());
    if is_moved && has_exceptions {
        let words =
            "single repetitions of it were moved or struck out, and would be lost: move it in your calendar program";
        return Err(BookError::Refused(words.to_owned()));
    }
    let zones = Zones::of(&calendar);
    let is_main = |child: &Component| {
        child.is("VEVENT")
            && child.line("RECURRENCE-ID").is_none()
            && child.value("UID").is_some_and(|uid| uid.trim() == new.uid)
    };
    let event = calendar.children.iter_mut().find(|child| is_main(child)).ok_or_else(unreadable)?;
    for (name, old, new) in [
        ("SUMMARY", Some(&old.title), Some(&new.title)),
        ("LOCATION", old.location.as_ref(), new.location.as_ref()),
        ("DESCRIPTION", old.description.as_ref(), new.description.as_ref()),
    ] {
        if old != new {
            set_text(event, name, new);
        }
    }
    let mut named = None;
    if (old.starts_at, old.ends_at, &old.repeat) != (new.starts_at, new.ends_at, &new.repeat) {
        named = set_times(event, new, &zones, home);
    }
    if old.repeat != new.repeat {
        set_rule(event, new.repeat.as_deref())?;
    }
    if old.attendees != new.attendees {
        set_attendees(event, new, ours);
    }
    event.set(Line::new("SEQUENCE", new.sequence.to_string()));
    event.set(Line::new("DTSTAMP", utc(now)));
    event.set(Line::new("LAST-MODIFIED", utc(now)));
    set_marks(event, new);
    if let Some(zone) = named {
        describe(&mut calendar, zone, new.starts_at);
    }
    Ok(calendar.write())
}

fn set_text(event: &mut Component, name: &str, text: Option<&String>) {
    match text {
        Some(text) => event.set(Line::text(name, text)),
        None => event.remove(name),
    }
    if name == "DESCRIPTION" {
        // The same words with markup, which would be the old ones.
        event.remove("X-ALT-DESC");
    }
}

/// Says the times as they were said before: in days, in the zone, floating. The zone that has to be
/// described, when one is named that was not.
fn set_times(event: &mut Component, new: &CalendarEvent, zones: &Zones, home: Tz) -> Option<Tz> {
    let line = event.line("DTSTART")?.clone();
    let start = When::read(&line, zones)?;
    let local = |at: DateTime<Utc>, zone: Tz| at.with_timezone(&zone).naive_local();
    let is_midnight = |at: DateTime<Utc>| local(at, home).time() == NaiveTime::MIN;
    let (mut named, mut say): (Option<Tz>, Box<dyn Fn(&str, DateTime<Utc>) -> Line>);
    named = None;
    match start {
        When::Day(_) if is_midnight(new.starts_at) && is_midnight(new.ends_at) => {
            say = Box::new(|name, at| {
                Line::new(name, local(at, home).format("%Y%m%d").to_string()).with("VALUE", "DATE")
            });
        }
        When::Floating(_) if line.param("TZID").is_none() => {
            say = Box::new(|name, at| Line::new(name, local(at, home).format("%Y%m%dT%H%M%S").to_string()));
        }
        When::At(_, zone) if line.param("TZID").is_some() => {
            let id = line.param("TZID").unwrap_or_default().to_owned();
            say = Box::new(move |name, at| {
                Line::new(name, local(at, zone).format("%Y%m%dT%H%M%S").to_string()).with("TZID", &id)
            });
        }
        When::Day(_) | When::Floating(_) | When::At(..) => say = Box::new(|name, at| Line::new(name, utc(at))),
    }
    let is_utc = say("DTSTART", new.starts_at).value().ends_with('Z');
    if is_utc && new.repeat.is_some() && new.timezone != Tz::UTC {
        let zone = new.timezone;
        named = Some(zone);
        say = Box::new(move |name, at| zoned(name, at, zone));
    }
    event.set(say("DTSTART", new.starts_at));
    event.remove("DURATION");
    event.set(say("DTEND", new.ends_at));
    named
}

fn set_rule(event: &mut Component, rule: Option<&str>) -> Result<(), BookError> {
    match rule {
        Some(rule) if Rule::read(rule).is_some() => event.set(Line::new("RRULE", rule)),
        Some(rule) => return Err(BookError::Refused(format!("\"{rule}\" is no repetition"))),
        None => event.remove("RRULE"),
    }
    Ok(())
}

/// Who stays keeps what they answered; a server that would invite too is told that we do.
fn set_attendees(event: &mut Component, new: &CalendarEvent, ours: Option<&str>) {
    let mut left = new.attendees.clone();
    let own = event.line("ORGANIZER").and_then(mail_address);
    event.lines.retain_mut(|line| {
        if !line.is("ATTENDEE") {
            return true;
        }
        let Some(address) = mail_address(line) else { return true };
        line.set_param("SCHEDULE-AGENT", "CLIENT");
        let is_organizer = own.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&address));
        let at = left.iter().position(|wanted| wanted.eq_ignore_ascii_case(&address));
        at.map(|at| left.swap_remove(at)).is_some() || is_organizer
    });
    event.lines.extend(left.iter().map(|address| attendee(address)));
    if let (None, Some(ours), false) = (&own, ours, new.attendees.is_empty()) {
        event.push(organizer(ours, None));
    }
}

fn set_marks(event: &mut Component, new: &CalendarEvent) {
    event.set(Line::new(TOLD, if new.told { "TRUE" } else { "FALSE" }));
    match &new.act {
        Some(act) => event.set(Line::text(ACT, act)),
        None => event.remove(ACT),
    }
}

fn describe(calendar: &mut Component, zone: Tz, around: DateTime<Utc>) {
    let is_there = calendar
        .children
        .iter()
        .any(|child| child.is("VTIMEZONE") && child.value("TZID").is_some_and(|id| id.trim() == zone.name()));
    if !is_there {
        calendar.children.insert(0, vtimezone(zone, around));
    }
}
