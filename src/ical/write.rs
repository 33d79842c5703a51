//! Writing events of our own.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::line::Line;
use super::time::utc;
use super::tree::Component;
use super::vtimezone::vtimezone;

/// Who writes.
const PRODID: &str = concat!("-//Super Manager//", env!("CARGO_PKG_VERSION"), "//EN");

/// An event as we have it.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Its uid.
    pub uid: &'a str,
    /// Rises with every change.
    pub sequence: u32,
    /// What it is called.
    pub title: &'a str,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Whose clock it keeps to when it repeats.
    pub zone: Tz,
    /// Where.
    pub location: Option<&'a str>,
    /// More words.
    pub description: Option<&'a str>,
    /// A link.
    pub url: Option<&'a str>,
    /// The recurrence rule.
    pub repeat: Option<&'a str>,
}

impl Draft<'_> {
    /// The event. A time is said in UTC, but one that repeats on the wall clock it keeps to: said in
    /// UTC it would be an hour off for half the year.
    pub fn event(&self, now: DateTime<Utc>) -> Component {
        let mut event = Component::new("VEVENT");
        event.push(Line::text("UID", self.uid));
        event.push(Line::new("DTSTAMP", utc(now)));
        event.push(self.moment("DTSTART", self.starts_at));
        event.push(self.moment("DTEND", self.ends_at));
        event.push(Line::text("SUMMARY", self.title));
        event.push(Line::new("SEQUENCE", self.sequence.to_string()));
        for (name, text) in [("LOCATION", self.location), ("DESCRIPTION", self.description)] {
            event.lines.extend(text.map(|text| Line::text(name, text)));
        }
        let on_one_line = |text: &str| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
        for (name, value) in [("URL", self.url), ("RRULE", self.repeat)] {
            event.lines.extend(value.map(|value| Line::new(name, on_one_line(value))));
        }
        event
    }

    /// Whether it is said on the clock of a zone.
    fn is_zoned(&self) -> bool {
        self.repeat.is_some() && self.zone != Tz::UTC
    }

    fn moment(&self, name: &str, at: DateTime<Utc>) -> Line {
        if self.is_zoned() { zoned(name, at, self.zone) } else { Line::new(name, utc(at)) }
    }

    /// A calendar of this event, with its zone where it names one.
    pub fn calendar(&self, method: Option<&str>, event: Component) -> Component {
        let mut calendar = Component::new("VCALENDAR");
        calendar.push(Line::new("VERSION", "2.0"));
        calendar.push(Line::new("PRODID", PRODID));
        calendar.push(Line::new("CALSCALE", "GREGORIAN"));
        calendar.lines.extend(method.map(|method| Line::new("METHOD", method)));
        if self.is_zoned() {
            calendar.children.push(vtimezone(self.zone, self.starts_at));
        }
        calendar.children.push(event);
        calendar
    }
}

/// A line that says a moment on the clock of a zone.
fn zoned(name: &str, at: DateTime<Utc>, zone: Tz) -> Line {
    Line::new(name, at.with_timezone(&zone).format("%Y%m%dT%H%M%S").to_string()).with("TZID", zone.name())
}

/// Somebody who is asked to come. Invitations go out by mail from here; servers that would send
/// theirs too are told not to (RFC 6638, 7.1).
pub fn attendee(address: &str) -> Line {
    Line::new("ATTENDEE", mailto(address))
        .with("RSVP", "TRUE")
        .with("PARTSTAT", "NEEDS-ACTION")
        .with("SCHEDULE-AGENT", "CLIENT")
}

/// Who asks them.
pub fn organizer(address: &str, name: Option<&str>) -> Line {
    let line = Line::new("ORGANIZER", mailto(address)).with("SCHEDULE-AGENT", "CLIENT");
    match name {
        Some(name) => line.with("CN", name),
        None => line,
    }
}

fn mailto(address: &str) -> String {
    let plain: String = address.chars().filter(|letter| !letter.is_control()).collect();
    format!("mailto:{plain}")
}
