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
use crate::ical::write::{Draft, attendee, organizer};
use crate::ical::zone::Zones;
use crate::plugins::calendar::port::{BookError, Kept};
use crate::store::calendar::{CalendarEvent, Version};

/// An event as acts know it. `None` when there are only single repetitions of it.
pub(super) fn kept(series: &Series, etag: &str, home: Tz, ours: &[String]) -> Option<Kept> {
    let item = series.event.as_ref()?;
    let own = |address: &String| item.organizer.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(address));
    let attendees: Vec<String> = item.attendees.iter().filter(|address| !own(address)).cloned().collect();
    let is_ours = |address: &&String| ours.iter().any(|ours| ours.eq_ignore_ascii_case(address));
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
    Some(Kept {
        version: Version(etag.to_owned()),
        event,
        organizer,
        is_plain: series.is_plain(),
        repeats: series.repeats.is_some(),
        fixed: None,
    })
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
    let has_exceptions = series.is_partly_read
        || !series.changed.is_empty()
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
        named = set_times(event, new, old.repeat.is_none(), &zones, home);
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

/// The form that an event's times are said in.
enum Form {
    Days,
    Floating,
    /// On the clock of a zone, by the name it has in that calendar.
    Zoned(String, Tz),
    Utc,
}

impl Form {
    /// How a line says its time; days that are none any more become a time.
    fn of(line: &Line, zones: &Zones, are_days: bool) -> Option<Self> {
        Some(match (When::read(line, zones)?, line.param("TZID")) {
            (When::Day(_), _) if are_days => Self::Days,
            (When::Floating(_), None) => Self::Floating,
            (When::At(_, zone), Some(id)) => Self::Zoned(id.to_owned(), zone),
            (When::Day(_) | When::Floating(_) | When::At(..), _) => Self::Utc,
        })
    }

    fn say(&self, name: &str, at: DateTime<Utc>, home: Tz) -> Line {
        let local = |zone: Tz, form: &str| at.with_timezone(&zone).format(form).to_string();
        match self {
            Self::Days => Line::new(name, local(home, "%Y%m%d")).with("VALUE", "DATE"),
            Self::Floating => Line::new(name, local(home, "%Y%m%dT%H%M%S")),
            Self::Zoned(id, zone) => Line::new(name, local(*zone, "%Y%m%dT%H%M%S")).with("TZID", id),
            Self::Utc => Line::new(name, utc(at)),
        }
    }
}

/// Says the times as they were said before: in days, in the zone, floating. The zone that has to be
/// described, when one is named that was not.
fn set_times(event: &mut Component, new: &CalendarEvent, was_single: bool, zones: &Zones, home: Tz) -> Option<Tz> {
    let is_midnight = |at: DateTime<Utc>| at.with_timezone(&home).time() == NaiveTime::MIN;
    let are_days = is_midnight(new.starts_at) && is_midnight(new.ends_at);
    let mut form = Form::of(event.line("DTSTART")?, zones, are_days)?;
    let mut named = None;
    // One that begins to repeat does it on the clock that its attendees are told; a series keeps its own.
    let is_elsewhere = match &form {
        Form::Utc => new.timezone != Tz::UTC,
        Form::Zoned(_, zone) => *zone != new.timezone && was_single,
        Form::Days | Form::Floating => false,
    };
    if new.repeat.is_some() && is_elsewhere {
        named = Some(new.timezone);
        form = Form::Zoned(new.timezone.name().to_owned(), new.timezone);
    }
    event.set(form.say("DTSTART", new.starts_at, home));
    event.remove("DURATION");
    event.set(form.say("DTEND", new.ends_at, home));
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
        at.map(|at| left.remove(at)).is_some() || is_organizer
    });
    event.lines.extend(left.iter().map(|address| attendee(address)));
    if let (None, Some(ours), false) = (&own, ours, new.attendees.is_empty()) {
        event.push(organizer(ours, None));
    }
}

/// An event's text with every attendee and organizer marked as told by us, so that the server sends
/// nothing of its own (RFC 6638, 7.1). `None` when it is so already.
pub(super) fn guarded(text: &str) -> Option<String> {
    const AGENT: &str = "SCHEDULE-AGENT";
    let mut calendar = tree::read(text).ok()?.into_iter().next()?;
    let mut is_changed = false;
    for event in calendar.children.iter_mut().filter(|child| child.is("VEVENT")) {
        if event.line("ATTENDEE").is_none() {
            continue;
        }
        for line in event.lines.iter_mut().filter(|line| line.is("ATTENDEE") || line.is("ORGANIZER")) {
            if !line.param(AGENT).is_some_and(|agent| agent.eq_ignore_ascii_case("CLIENT")) {
                line.set_param(AGENT, "CLIENT");
                is_changed = true;
            }
        }
    }
    is_changed.then(|| calendar.write())
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
