//! Calendar entries as mails (iTIP over mail, RFC 5546 and RFC 6047).

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use workflows::plan::time::parse_moment;
use workflows::ports::{ActionCall, ActionError};

use super::Mailer;
use super::compose::{Letter, Part};
use crate::ical::line::Line;
use crate::ical::write::{Draft, attendee, organizer};
use crate::plugins::text;

/// Length of an event when nothing is said, in minutes.
pub const DURATION_MINUTES_DEFAULT: i64 = 60;
/// Longest event, in minutes.
pub const DURATION_MINUTES_MAX: i64 = 366 * 24 * 60;

/// What a calendar mail asks of its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To come.
    Request,
    /// To strike it out.
    Cancel,
}

/// An event to be told by mail.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Request or cancellation.
    pub method: Method,
    /// The iCalendar UID.
    pub uid: String,
    /// Rises with every change.
    pub sequence: u32,
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// The zone its wall clock is kept in when it repeats.
    pub timezone: chrono_tz::Tz,
    /// Where.
    pub location: Option<String>,
    /// More words.
    pub description: Option<String>,
    /// A link.
    pub url: Option<String>,
    /// The recurrence rule.
    pub repeat: Option<String>,
}

/// The schema of an event's parameters.
pub fn event_properties() -> Value {
    let text = |most: usize| json!({"type": "string", "maxLength": most});
    let moment = json!({"type": "string", "minLength": 10, "maxLength": 40});
    json!({"title": {"type": "string", "minLength": 1, "maxLength": 300}, "starts_at": moment, "ends_at": moment,
        "duration_minutes": {"type": "integer", "minimum": 1, "maximum": DURATION_MINUTES_MAX},
        "location": text(500), "description": text(10_000), "url": text(2_000)})
}

/// When an event begins and ends, by its arguments, in the person's zone unless they name one.
///
/// # Errors
/// When a time cannot be read, or it ends before it begins.
pub fn span(call: &ActionCall) -> Result<(DateTime<Utc>, DateTime<Utc>), ActionError> {
    let zone = call.person.settings.timezone;
    let read = |name: &str| {
        text(&call.args, name)
            .map(|at| {
                parse_moment(at, zone).ok_or_else(|| ActionError::fail(format!("{name}: \"{at}\" is no date-time")))
            })
            .transpose()
    };
    let starts_at = read("starts_at")?.ok_or_else(|| ActionError::fail("starts_at is missing"))?;
    let minutes = call.args.get("duration_minutes").and_then(Value::as_i64).unwrap_or(DURATION_MINUTES_DEFAULT);
    let ends_at = match read("ends_at")? {
        Some(ends_at) => ends_at,
        None => starts_at
            .checked_add_signed(Duration::minutes(minutes.clamp(1, DURATION_MINUTES_MAX)))
            .ok_or_else(|| ActionError::fail("it is too far away"))?,
    };
    if ends_at <= starts_at {
        return Err(ActionError::fail("it would end before it begins"));
    }
    Ok((starts_at, ends_at))
}

/// A time as people read it, in the person's zone.
pub fn human(at: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M (%Z)").to_string()
}

impl Invitation {
    /// The event of an act's arguments.
    ///
    /// # Errors
    /// As [`span`].
    pub fn from_args(call: &ActionCall, uid: String, method: Method) -> Result<Self, ActionError> {
        let (starts_at, ends_at) = span(call)?;
        let own = |name: &str| text(&call.args, name).map(str::to_owned);
        Ok(Self {
            method,
            uid,
            sequence: 0,
            title: own("title").unwrap_or_else(|| "Event".to_owned()),
            starts_at,
            ends_at,
            timezone: call.person.settings.timezone,
            location: own("location"),
            description: own("description"),
            url: own("url"),
            repeat: None,
        })
    }

    /// The mail that tells of it.
    ///
    /// # Errors
    /// When mail is off.
    pub fn letter(&self, call: &ActionCall, to: Vec<String>, mailer: &Mailer) -> Result<Letter, ActionError> {
        let organizer = mailer.address().ok_or_else(|| ActionError::fail(mailer.unavailable().unwrap_or_default()))?;
        let (subject, method) = match self.method {
            Method::Request => (format!("Invitation: {}", self.title), "REQUEST"),
            Method::Cancel => (format!("Cancelled: {}", self.title), "CANCEL"),
        };
        let part = Part { method, ics: self.ics(&organizer, &call.person.name, &to, call.now, method) };
        Ok(Letter {
            effect_id: call.effect_id.clone(),
            body: self.body(call),
            to,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject,
            part: Some(part),
            at: call.now,
        })
    }

    fn body(&self, call: &ActionCall) -> String {
        let zone = call.person.settings.timezone;
        let minutes = (self.ends_at - self.starts_at).num_minutes();
        let mut lines = vec![match self.method {
            Method::Request => format!("{} invites you to: {}", call.person.name, self.title),
            Method::Cancel => format!("{} has cancelled: {}", call.person.name, self.title),
        }];
        lines.push(String::new());
        lines.push(format!("When: {}, {minutes} minutes", human(self.starts_at, zone)));
        for (name, value) in [("Where", &self.location), ("Link", &self.url)] {
            if let Some(value) = value {
                lines.push(format!("{name}: {value}"));
            }
        }
        if let Some(description) = &self.description {
            lines.push(String::new());
            lines.push(description.clone());
        }
        lines.push(String::new());
        lines.push(format!("Sent for {} by Super Manager", call.person.name));
        lines.join("\n")
    }

    fn ics(&self, from: &str, name: &str, to: &[String], now: DateTime<Utc>, method: &str) -> String {
        let draft = Draft {
            uid: &self.uid,
            sequence: self.sequence,
            title: &self.title,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            zone: self.timezone,
            location: self.location.as_deref(),
            description: self.description.as_deref(),
            url: self.url.as_deref(),
            repeat: self.repeat.as_deref(),
        };
        let mut event = draft.event(now);
        if self.method == Method::Cancel {
            event.push(Line::new("STATUS", "CANCELLED"));
        }
        // What a server does with its own copy is nothing that a mail says.
        let as_mailed = |mut line: Line| {
            line.drop_param("SCHEDULE-AGENT");
            line
        };
        event.push(as_mailed(organizer(from, Some(name))));
        event.lines.extend(to.iter().map(|address| as_mailed(attendee(address))));
        draft.calendar(Some(method), event).write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(repeat: Option<&str>) -> Invitation {
        let starts_at = "2026-10-23T07:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        Invitation {
            method: Method::Request,
            uid: "e1@test.local".to_owned(),
            sequence: 2,
            title: "Walk, and talk".to_owned(),
            starts_at,
            ends_at: starts_at + Duration::hours(1),
            timezone: chrono_tz::Europe::Berlin,
            location: None,
            description: Some("Bring:\nshoes".to_owned()),
            url: None,
            repeat: repeat.map(str::to_owned),
        }
    }

    fn ics(invitation: &Invitation) -> String {
        let now = "2026-10-01T00:00:00Z".parse().expect("a time");
        let to = ["bob@test.local".to_owned()];
        invitation.ics("bot@test.local", "Ann \"A\" Archer", &to, now, "REQUEST").replace("\r\n ", "")
    }

    #[test]
    fn a_repeating_event_is_told_on_its_wall_clock_with_its_zone() {
        let text = ics(&weekly(Some("FREQ=WEEKLY")));
        for line in [
            "DTSTART;TZID=Europe/Berlin:20261023T090000\r\n",
            "DTEND;TZID=Europe/Berlin:20261023T100000\r\n",
            "RRULE:FREQ=WEEKLY\r\n",
            "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn one_that_does_not_repeat_is_told_in_utc() {
        let expected = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            concat!("PRODID:-//Super Manager//", env!("CARGO_PKG_VERSION"), "//EN"),
            "CALSCALE:GREGORIAN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            "UID:e1@test.local",
            "DTSTAMP:20261001T000000Z",
            "DTSTART:20261023T070000Z",
            "DTEND:20261023T080000Z",
            "SUMMARY:Walk\\, and talk",
            "SEQUENCE:2",
            "DESCRIPTION:Bring:\\nshoes",
            "ORGANIZER;CN=Ann A Archer:mailto:bot@test.local",
            "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:bob@test.local",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        assert_eq!(ics(&weekly(None)), expected.join("\r\n"));
    }
}
