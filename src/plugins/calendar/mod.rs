//! The calendar: events, free and busy time, reminders.

mod book;
pub mod builtin;
mod free;
mod look;
pub mod port;
pub mod recur;
pub mod reminder;
mod tell;
#[cfg(test)]
mod tests;
pub mod whose;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;
use workflows::action::{ActionSpec, ReachRule};
use workflows::plan::time::parse_moment;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, LookUp, UndoCall};

use super::email::Mailer;
use super::email::invite::event_properties;
use super::{Plugin, PluginDeps, outcome, spec, text};
use port::CalendarBook;
use reminder::Reminders;

/// The longest a look may take: a calendar elsewhere is read for the first time.
const LOOK_LIMIT: Duration = Duration::from_secs(60);
/// The longest a change may take: it is read, written, told by mail, and marked told.
const CHANGE_LIMIT: Duration = Duration::from_secs(300);

/// The calendar as other plugins use it.
pub struct Calendar {
    book: Arc<dyn CalendarBook>,
    reminders: Arc<dyn Reminders>,
    mailer: Arc<Mailer>,
    started: look::Started,
}

impl Calendar {
    pub(super) fn new(deps: &PluginDeps, mailer: Arc<Mailer>) -> Self {
        Self {
            book: Arc::clone(&deps.calendar),
            reminders: Arc::clone(&deps.reminders),
            mailer,
            started: look::Started::default(),
        }
    }

    /// The uid of the event that this act makes.
    pub(super) fn uid(&self, call: &ActionCall) -> String {
        format!("{}@{}", call.effect_id, self.mailer.domain())
    }
}

/// `calendar.*`.
///
/// Changing and cancelling an event always needs a yes: whether it has attendees who would be told
/// is not in the parameters.
pub struct CalendarPlugin {
    calendar: Arc<Calendar>,
    owners: Option<Url>,
}

impl CalendarPlugin {
    /// Over these; where the owner's is, when that is elsewhere.
    pub(super) fn new(calendar: Arc<Calendar>, owners: Option<Url>) -> Self {
        Self { calendar, owners }
    }
}

#[async_trait]
impl Plugin for CalendarPlugin {
    fn name(&self) -> &'static str {
        "calendar"
    }

    fn description(&self) -> &'static str {
        "Keeps events and reminders, and says when you are free"
    }

    fn setup(&self) -> Option<String> {
        Some(match &self.owners {
            Some(url) => format!("the owner's at {url}, everybody else's built in"),
            None => "built in; the owner's can be elsewhere: set CALDAV_URL".to_owned(),
        })
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let moment = json!({"type": "string", "minLength": 10, "maxLength": 40});
        let repeat = json!({"type": "string", "pattern": "^FREQ=", "maxLength": 200});
        let uid = json!({"type": "string", "minLength": 1, "maxLength": 300});
        let mut event = event_properties();
        event["attendees"] = self.calendar.mailer.attendees();
        event["repeat"] = repeat.clone();
        let mut changed = event.clone();
        changed["uid"] = uid.clone();
        changed["repeat"] = json!({"type": "string", "pattern": "^(FREQ=|$)", "maxLength": 200});
        let minutes = event["duration_minutes"].clone();
        let range = json!({"from": moment, "to": moment});
        let mut searched = range.clone();
        searched["duration_minutes"] = minutes;
        let words = json!({"type": "string", "minLength": 1, "maxLength": 2_000});
        vec![
            ActionSpec {
                undo: Some("calendar.cancel_event"),
                look_up: true,
                targets: &["attendees"],
                ..spec(
                    "calendar.schedule_event",
                    "Puts an event into the calendar",
                    event,
                    &["title", "starts_at"],
                    ReachRule::OwnUnless(&["attendees"]),
                )
            },
            ActionSpec {
                look_up: true,
                ..spec("calendar.update_event", "Changes an event", changed, &["uid"], ReachRule::World)
            },
            ActionSpec {
                undo: Some("calendar.schedule_event"),
                look_up: true,
                ..spec(
                    "calendar.cancel_event",
                    "Takes an event or reminder out; of an event that repeats, the whole series",
                    json!({"uid": uid}),
                    &["uid"],
                    ReachRule::World,
                )
            },
            spec("calendar.check_availability", "Says when you are free", searched, &["from", "to"], ReachRule::Read),
            spec("calendar.list_events", "Lists your events", range, &["from", "to"], ReachRule::Read),
            ActionSpec {
                undo: Some("calendar.cancel_event"),
                idempotent: true,
                ..spec(
                    "calendar.set_reminder",
                    "Reminds you of something",
                    json!({"text": words, "at": moment, "repeat": repeat}),
                    &["text", "at"],
                    ReachRule::Own,
                )
            },
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "calendar.schedule_event" => self.calendar.schedule(&call).await,
            "calendar.update_event" => self.calendar.update(&call).await,
            "calendar.cancel_event" => self.calendar.cancel(&call).await,
            "calendar.check_availability" => self.calendar.availability(&call).await,
            "calendar.list_events" => self.calendar.list(&call).await,
            "calendar.set_reminder" => self.set_reminder(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }

    async fn look_up(&self, call: ActionCall) -> LookUp {
        match call.action.as_str() {
            "calendar.schedule_event" => self.calendar.look_up_scheduled(&call).await,
            "calendar.update_event" => self.calendar.look_up_updated(&call).await,
            "calendar.cancel_event" => self.calendar.look_up_cancelled(&call).await,
            _ => LookUp::CannotTell("the calendar keeps no record of it".to_owned()),
        }
    }

    fn time_limit(&self, action: &str) -> Duration {
        match action {
            "calendar.check_availability" | "calendar.list_events" => LOOK_LIMIT,
            _ => CHANGE_LIMIT,
        }
    }
}

impl CalendarPlugin {
    async fn set_reminder(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let zone = call.person.settings.timezone;
        let words = text(&call.args, "text").ok_or_else(|| ActionError::fail("text is missing"))?;
        let at = text(&call.args, "at").unwrap_or_default();
        let mut at = parse_moment(at, zone).ok_or_else(|| ActionError::fail(format!("\"{at}\" is no date-time")))?;
        let mut repeat = text(&call.args, "repeat").map(str::to_owned);
        if at <= call.now {
            // A repeating reminder that was missed goes on with its next time.
            let rule = repeat.ok_or_else(|| ActionError::fail("that time has passed"))?;
            let (next, rest) = recur::rest_after(&rule, at, call.now, zone)?
                .ok_or_else(|| ActionError::fail("it does not repeat any more"))?;
            (at, repeat) = (next, Some(rest));
        }
        let uid = self.calendar.reminders.remind(call, words, at, repeat.as_deref()).await?;
        let when = super::email::invite::human(at, zone);
        let result = json!({"uid": uid, "at": at.with_timezone(&zone).to_rfc3339()});
        let args = json!({"uid": uid}).as_object().cloned().unwrap_or_default();
        let undo = Some(UndoCall { action: "calendar.cancel_event".to_owned(), args });
        Ok(ActionOutcome { undo, ..outcome(result, format!("I will remind you on {when}: {words}")) })
    }
}

/// A range of time in the arguments `from` and `to`.
fn range(call: &ActionCall) -> Result<(chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>), ActionError> {
    const RANGE_DAYS_MAX: i64 = 366;
    let zone = call.person.settings.timezone;
    let read = |name: &str| {
        let at = call.args.get(name).and_then(Value::as_str).unwrap_or_default();
        parse_moment(at, zone).ok_or_else(|| ActionError::fail(format!("{name}: \"{at}\" is no date-time")))
    };
    let (from, to) = (read("from")?, read("to")?);
    if to <= from || (to - from).num_days() > RANGE_DAYS_MAX {
        return Err(ActionError::fail(format!("the range must be 1 minute to {RANGE_DAYS_MAX} days long")));
    }
    Ok((from, to))
}
