//! Calendar entries as mails (iTIP over mail, RFC 5546 and RFC 6047).

use chrono::{DateTime, Duration, Utc};
use icalendar::{Calendar, Component, Event, EventLike, Property};
use serde_json::{Value, json};
use workflows::plan::time::parse_moment;
use workflows::ports::{ActionCall, ActionError};

use super::Mailer;
use super::compose::{Letter, Part};
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

    fn ics(&self, organizer: &str, name: &str, to: &[String], now: DateTime<Utc>, method: &str) -> String {
        let mut event = Event::new();
        event
            .uid(&self.uid)
            .timestamp(now)
            .starts(self.starts_at)
            .ends(self.ends_at)
            .summary(&self.title)
            .sequence(self.sequence);
        if let Some(location) = &self.location {
            event.location(location);
        }
        if let Some(description) = &self.description {
            event.description(description);
        }
        if let Some(url) = &self.url {
            event.add_property("URL", url);
        }
        if let Some(repeat) = &self.repeat {
            event.add_property("RRULE", repeat);
        }
        if self.method == Method::Cancel {
            event.add_property("STATUS", "CANCELLED");
        }
        let mut from = Property::new("ORGANIZER", format!("mailto:{organizer}"));
        from.add_parameter("CN", name);
        event.append_property(from.done());
        for address in to {
            let mut attendee = Property::new("ATTENDEE", format!("mailto:{address}"));
            attendee.add_parameter("RSVP", "TRUE").add_parameter("PARTSTAT", "NEEDS-ACTION");
            event.append_multi_property(attendee.done());
        }
        let mut calendar = Calendar::new();
        calendar.append_property(Property::new("METHOD", method));
        calendar.push(event.done());
        calendar.to_string()
    }
}
