//! What an event resource says (RFC 4791, 4.1: one uid, one series, and what was changed in it).

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::line::{Line, list};
use super::rule::Rule;
use super::time::{Length, When};
use super::tree::Component;
use super::zone::Zones;

/// Single repetitions that are changed, struck out or added to one series.
const EXCEPTIONS_MAX: usize = 5_000;
/// Attendees read of one event.
const ATTENDEES_MAX: usize = 500;

/// Whether the attendees have been told, kept with the event itself.
pub const TOLD: &str = "X-SUPER-MANAGER-TOLD";
/// The act that last wrote the event.
pub const ACT: &str = "X-SUPER-MANAGER-ACT";

/// One event, or one changed repetition of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// When it begins.
    pub start: When,
    /// How long it is.
    pub length: Length,
    /// What it is called.
    pub title: String,
    /// Where.
    pub location: Option<String>,
    /// More words.
    pub description: Option<String>,
    /// Mail addresses of who comes.
    pub attendees: Vec<String>,
    /// Those of them who do not come.
    pub declined: Vec<String>,
    /// Mail address of who organises it.
    pub organizer: Option<String>,
    /// Whether it takes time (`TRANSP`).
    pub is_busy: bool,
    /// Whether it is called off.
    pub is_cancelled: bool,
    /// Its `SEQUENCE`.
    pub sequence: u32,
}

/// How an event repeats.
#[derive(Debug, Clone)]
pub struct Repeats {
    /// The rule.
    pub rule: Option<Rule>,
    /// The rule as it is written.
    pub text: Option<String>,
    /// When the last of a counted series begins.
    pub last: Option<DateTime<Utc>>,
    /// Times it leaves out.
    pub without: Vec<When>,
    /// Times it has besides.
    pub besides: Vec<When>,
}

/// An event with all that was changed in its repetitions.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its uid.
    pub uid: String,
    /// The event itself; `None` when there are only single repetitions of it, as one who is invited
    /// to one of them has it.
    pub event: Option<Item>,
    /// How it repeats; `None` = not.
    pub repeats: Option<Repeats>,
    /// Repetitions that are not as the others, each with the time it had.
    pub changed: Vec<(When, Item)>,
    /// What [`TOLD`] says.
    pub told: Option<bool>,
    /// What [`ACT`] says.
    pub act: Option<String>,
    /// Whether there is a changed repetition in it that is not read: one whose time cannot be, one that
    /// stands for all later ones, or one too many.
    pub is_partly_read: bool,
}

impl Series {
    /// Reads the first event of a calendar with everything of its uid. `None` when there is none
    /// that can be placed in time.
    pub fn read(calendar: &Component) -> Option<Self> {
        let events = || calendar.children.iter().filter(|child| child.is("VEVENT"));
        let uid = events().find_map(|event| event.value("UID"))?.trim().to_owned();
        let zones = Zones::of(calendar);
        let mut series =
            Self { uid, event: None, repeats: None, changed: Vec::new(), told: None, act: None, is_partly_read: false };
        for component in events().filter(|event| event.value("UID").is_some_and(|own| own.trim() == series.uid)) {
            let Some(item) = Item::read(component, &zones) else { continue };
            let single = component.line("RECURRENCE-ID");
            let stands_for_more = single.is_some_and(|line| line.param("RANGE").is_some());
            series.is_partly_read |= stands_for_more;
            match single.map(|line| When::read(line, &zones)) {
                Some(Some(at)) if series.changed.len() < EXCEPTIONS_MAX => series.changed.push((at, item)),
                Some(_) => series.is_partly_read = true,
                None => {
                    series.repeats = Repeats::read(component, &zones, item.start);
                    series.told = component.value(TOLD).map(|value| value.trim().eq_ignore_ascii_case("TRUE"));
                    series.act = component.text(ACT);
                    series.event = Some(item);
                }
            }
        }
        (series.event.is_some() || !series.changed.is_empty()).then_some(series)
    }

    /// Whether its start, its end and its rule say all of when it is.
    pub fn is_plain(&self) -> bool {
        let is_timed = self.event.as_ref().is_some_and(|event| !event.start.is_day());
        let has_no_exceptions = self.changed.is_empty()
            && self.repeats.as_ref().is_none_or(|repeats| repeats.without.is_empty() && repeats.besides.is_empty());
        is_timed && has_no_exceptions && !self.is_partly_read
    }
}

impl Item {
    fn read(event: &Component, zones: &Zones) -> Option<Self> {
        let start = When::read(event.line("DTSTART")?, zones)?;
        let is =
            |name: &str, word: &str| event.value(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
        let has_declined =
            |line: &&Line| line.param("PARTSTAT").is_some_and(|said| said.eq_ignore_ascii_case("DECLINED"));
        let address = |line: &Line| mail_address(line).filter(|address| !address.is_empty());
        Some(Self {
            start,
            length: length(event, start, zones),
            title: event.text("SUMMARY").unwrap_or_else(|| "(no title)".to_owned()),
            location: event.text("LOCATION"),
            description: event.text("DESCRIPTION"),
            attendees: event.lines_of("ATTENDEE").take(ATTENDEES_MAX).filter_map(address).collect(),
            declined: event.lines_of("ATTENDEE").take(ATTENDEES_MAX).filter(has_declined).filter_map(address).collect(),
            organizer: event.line("ORGANIZER").and_then(address),
            is_busy: !is("TRANSP", "TRANSPARENT"),
            is_cancelled: is("STATUS", "CANCELLED"),
            sequence: event.value("SEQUENCE").and_then(|value| value.trim().parse().ok()).unwrap_or_default(),
        })
    }
}

/// The mail address of an attendee or organizer; some programs have it in `EMAIL` only.
pub fn mail_address(line: &Line) -> Option<String> {
    let value = line.value().trim();
    let by_mail = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map(|_| &value[7..]);
    by_mail.or_else(|| line.param("EMAIL")).map(|address| address.trim().to_owned())
}

/// How long an event is: to its end, by its duration, or what RFC 5545, 3.6.1 says of neither.
fn length(event: &Component, start: When, zones: &Zones) -> Length {
    let default = if start.is_day() { Length::days(1) } else { Length::default() };
    if let Some(end) = event.line("DTEND").and_then(|line| When::read(line, zones)) {
        let days = (end.local().date() - start.local().date()).num_days();
        if start.is_day() && end.is_day() {
            return Length::days(days.max(1));
        }
        let secs = match (start, end) {
            // On one clock that is nobody's in particular.
            (When::Floating(from), When::Floating(to)) => (to - from).num_seconds(),
            (_, _) => (end.instant(Tz::UTC) - start.instant(Tz::UTC)).num_seconds(),
        };
        return Length { days: 0, secs: secs.max(0) };
    }
    event.value("DURATION").and_then(Length::read).unwrap_or(default)
}

impl Repeats {
    fn read(event: &Component, zones: &Zones, start: When) -> Option<Self> {
        let times = |name: &'static str| {
            let all = event.lines_of(name).flat_map(|line| {
                // Of a period, its start.
                list(line.value()).map(move |value| (line, value.split('/').next().unwrap_or_default()))
            });
            all.take(EXCEPTIONS_MAX)
                .filter_map(|(line, value)| When::read_value(value, line, zones))
                .collect::<Vec<_>>()
        };
        let text = event.value("RRULE").map(|rule| rule.trim().to_owned());
        let rule = text.as_deref().and_then(Rule::read);
        let (local, zone) = frame(start);
        let repeats = Self {
            last: rule.as_ref().and_then(|rule| rule.last_counted(local, zone)),
            rule,
            text,
            without: times("EXDATE"),
            besides: times("RDATE"),
        };
        let any = repeats.text.is_some() || !repeats.besides.is_empty();
        any.then_some(repeats)
    }
}

/// The clock a series is counted on: its zone's, or for what has none a clock that is never changed.
pub fn frame(start: When) -> (NaiveDateTime, Tz) {
    (start.local(), start.zone(Tz::UTC))
}
