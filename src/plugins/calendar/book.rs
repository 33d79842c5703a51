//! Putting events in, changing them and taking them out.
//!
//! An event is kept first and marked told after its mails are handed over, so that a look at it can
//! tell what happened; when certainly nobody was told, the calendar is made as it was.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, ActionOutcome, UndoCall};

use super::port::{BookError, Kept};
use super::tell::Letters;
use super::{Calendar, recur};
use crate::ical::rule::moved;
use crate::plugins::email::invite::{human, span};
use crate::plugins::{outcome, text, texts};
use crate::store::calendar::{CalendarEvent, Version};

/// Longest repetition that an act may name.
const REPEAT_CHARS_MAX: usize = 200;

impl Calendar {
    pub(in crate::plugins) async fn schedule(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let (starts_at, ends_at) = span(call)?;
        let own = |name: &str| text(&call.args, name).map(str::to_owned);
        let description = match (own("description"), own("url")) {
            (Some(words), Some(url)) => Some(format!("{words}\n{url}")),
            (words, url) => words.or(url),
        };
        let event = CalendarEvent {
            uid: self.uid(call),
            title: own("title").unwrap_or_else(|| "Event".to_owned()),
            starts_at,
            ends_at,
            timezone: call.person.settings.timezone,
            location: own("location"),
            description,
            attendees: texts(&call.args, "attendees"),
            repeat: own("repeat"),
            told: false,
            sequence: 0,
            act: Some(call.effect_id.to_string()),
        };
        recur::until(&event)?;
        let letters = Letters { invited: event.attendees.clone(), uninvited: Vec::new() };
        let mut event = CalendarEvent { told: letters.is_empty(), ..event };
        let version = match self.book.add(&call.person, &event, call.now).await {
            Ok(version) => version,
            // An attempt of this same act came through after all.
            Err(BookError::Exists) => {
                let found = self.look(call, &event.uid).await?;
                if found.event.told {
                    return Ok(scheduled(call, &found.event, None));
                }
                event = found.event;
                found.version
            }
            Err(error) => return Err(error.into()),
        };
        self.finish(call, event, version, None, letters).await
    }

    /// Tells who is to be told, and keeps that they were.
    async fn finish(
        &self,
        call: &ActionCall,
        event: CalendarEvent,
        version: Version,
        before: Option<&Kept>,
        letters: Letters,
    ) -> Result<ActionOutcome, ActionError> {
        if letters.is_empty() {
            return Ok(scheduled(call, &event, None));
        }
        match self.tell_all(call, &event, letters).await {
            Ok(told) => {
                let event = CalendarEvent { told: true, ..event };
                // The mails are out: a failure here must not send them again.
                if let Err(error) = self.book.change(&call.person, &event, &version, call.now).await {
                    tracing::error!(effect = %call.effect_id, %error, "that attendees were told could not be kept");
                }
                Ok(scheduled(call, &event, Some(told)))
            }
            Err(error) if error.kind == ActionErrorKind::Unknown => Err(error),
            Err(error) => Err(self.put_back(call, &event, &version, before, error).await),
        }
    }

    /// Makes the calendar as it was before an act that certainly told nobody; the act's error.
    async fn put_back(
        &self,
        call: &ActionCall,
        event: &CalendarEvent,
        version: &Version,
        before: Option<&Kept>,
        error: ActionError,
    ) -> ActionError {
        let put_back = match before {
            Some(before) => self.book.change(&call.person, &before.event, version, call.now).await.map(drop),
            None => self.book.remove(&call.person, &event.uid, version).await,
        };
        match put_back {
            Ok(()) | Err(BookError::Gone) => error,
            Err(_) => ActionError::unknown(format!("{error}; the calendar may show it all the same")),
        }
    }

    pub(super) async fn update(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let before = self.find(call).await?;
        if let Some(organizer) = &before.organizer {
            return Err(ActionError::fail(format!("{organizer} organises it: only they can change it for everybody")));
        }
        can_write(&before)?;
        let old = &before.event;
        let event = changed(call, old)?;
        // A rule that was there before may be in a form that only calendar programs write.
        if call.args.contains_key("repeat") && event.repeat != old.repeat {
            recur::until(&event)?;
        }
        let stays = |address: &&String| event.attendees.iter().any(|other| other.eq_ignore_ascii_case(address));
        let uninvited = old.attendees.iter().filter(|address| !stays(address)).cloned().collect();
        let letters = Letters { invited: event.attendees.clone(), uninvited };
        // A mail says a start, an end and a rule, and no more.
        if !before.is_plain && !letters.is_empty() {
            let words = "it is said in days, or single repetitions of it were changed or struck out, which the mail to \
                its attendees would get wrong: change it in your calendar program";
            return Err(ActionError::fail(words));
        }
        let event = CalendarEvent { told: letters.is_empty(), ..event };
        self.started.note(&call.effect_id, &before.version);
        let version = self.book.change(&call.person, &event, &before.version, call.now).await?;
        let mut changed = self.finish(call, event, version, Some(&before), letters).await?;
        let args = as_args(old, call.person.settings.timezone);
        changed.undo = Some(UndoCall { action: "calendar.update_event".to_owned(), args });
        Ok(changed)
    }

    pub(super) async fn cancel(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let uid = text(&call.args, "uid").unwrap_or_default();
        if super::reminder::is_reminder(uid) {
            self.reminders.cancel(call, uid).await?;
            return Ok(outcome(json!({"uid": uid}), "The reminder is off"));
        }
        let kept = self.find(call).await?;
        // Before anybody is told that it is off.
        can_write(&kept)?;
        let (event, mut told) = (&kept.event, Map::new());
        let tells = kept.organizer.is_none() && !event.attendees.is_empty();
        if tells {
            let letters = Letters { invited: Vec::new(), uninvited: event.attendees.clone() };
            let event = CalendarEvent { sequence: event.sequence + 1, ..event.clone() };
            told = self.tell_all(call, &event, letters).await?.result;
        }
        match self.book.remove(&call.person, uid, &kept.version).await {
            Ok(()) => {}
            // Not to be tried again by itself: the attendees would be told twice.
            Err(error) if tells => {
                let words = format!("the attendees were told, but the event may still be in the calendar: {error}");
                return Err(ActionError::unknown(words));
            }
            Err(error) => return Err(error.into()),
        }
        told.insert("uid".to_owned(), Value::from(uid));
        let whole = if kept.repeats { ", the whole series" } else { "" };
        let mut detail = format!("\"{}\" is off the calendar{whole}", event.title);
        if let Some(organizer) = &kept.organizer {
            detail = format!("{detail}; {organizer}, who organises it, was not told");
        }
        Ok(ActionOutcome { undo: put_again(call, &kept), ..outcome(Value::Object(told), detail) })
    }

    async fn find(&self, call: &ActionCall) -> Result<Kept, ActionError> {
        self.look(call, text(&call.args, "uid").unwrap_or_default()).await
    }

    async fn look(&self, call: &ActionCall, uid: &str) -> Result<Kept, ActionError> {
        self.book.event(&call.person, uid).await?.ok_or_else(|| ActionError::fail("there is no such event"))
    }
}

/// # Errors
/// When it is known that the event cannot be changed or taken out.
fn can_write(kept: &Kept) -> Result<(), ActionError> {
    kept.fixed.as_ref().map_or(Ok(()), |why| Err(ActionError::fail(why.clone())))
}

/// The rule of a series that is moved and named no new one.
fn moved_rule(old: &CalendarEvent, starts_at: DateTime<Utc>) -> Result<Option<String>, ActionError> {
    let Some(rule) = old.repeat.as_ref().filter(|_| starts_at != old.starts_at) else { return Ok(old.repeat.clone()) };
    let local = |at: DateTime<Utc>| at.with_timezone(&old.timezone).naive_local();
    let moved = moved(rule, (local(old.starts_at), local(starts_at)), old.timezone);
    moved.map(Some).map_err(|error| {
        ActionError::fail(format!("\"{rule}\" {error}: say how it is to repeat (repeat) with the new start"))
    })
}

/// An event as an update makes it.
pub(super) fn changed(call: &ActionCall, old: &CalendarEvent) -> Result<CalendarEvent, ActionError> {
    let zone = call.person.settings.timezone;
    // What is given as empty is taken away, so that an undo can restore that there was nothing.
    let own = |name: &str, before: &Option<String>| {
        if call.args.contains_key(name) { text(&call.args, name).map(str::to_owned) } else { before.clone() }
    };
    let is_timed = ["starts_at", "ends_at", "duration_minutes"].iter().any(|name| call.args.contains_key(*name));
    let (starts_at, ends_at) = if is_timed {
        let mut call = call.clone();
        let local = old.starts_at.with_timezone(&zone).to_rfc3339();
        call.args.entry("starts_at").or_insert_with(|| Value::from(local));
        if !call.args.contains_key("ends_at") && !call.args.contains_key("duration_minutes") {
            let minutes = (old.ends_at - old.starts_at).num_minutes();
            call.args.insert("duration_minutes".to_owned(), Value::from(minutes));
        }
        span(&call)?
    } else {
        (old.starts_at, old.ends_at)
    };
    let attendees =
        if call.args.contains_key("attendees") { texts(&call.args, "attendees") } else { old.attendees.clone() };
    Ok(CalendarEvent {
        uid: old.uid.clone(),
        title: text(&call.args, "title").unwrap_or(&old.title).to_owned(),
        starts_at,
        ends_at,
        // A series stays on the wall clock that it is on.
        timezone: if call.args.contains_key("starts_at") && old.repeat.is_none() { zone } else { old.timezone },
        location: own("location", &old.location),
        description: own("description", &old.description),
        repeat: if call.args.contains_key("repeat") { own("repeat", &None) } else { moved_rule(old, starts_at)? },
        attendees,
        told: false,
        sequence: old.sequence + 1,
        act: Some(call.effect_id.to_string()),
    })
}

pub(super) fn scheduled(call: &ActionCall, event: &CalendarEvent, told: Option<ActionOutcome>) -> ActionOutcome {
    let when = human(event.starts_at, call.person.settings.timezone);
    let mut detail = format!("\"{}\" is in your calendar: {when}", event.title);
    let (mut result, left) = told
        .map(|told| {
            detail = format!("{detail}. {}", told.detail);
            (told.result, told.left)
        })
        .unwrap_or_default();
    result.insert("uid".to_owned(), Value::from(event.uid.as_str()));
    result.insert("starts_at".to_owned(), Value::from(event.starts_at.with_timezone(&event.timezone).to_rfc3339()));
    let args = Map::from_iter([("uid".to_owned(), Value::from(event.uid.as_str()))]);
    let undo = Some(UndoCall { action: "calendar.cancel_event".to_owned(), args });
    ActionOutcome { result, detail, undo, left }
}

/// What puts a cancelled event in again. Only of one that its arguments say wholly: days, single
/// repetitions and a wall clock of another zone would come back as something else.
fn put_again(call: &ActionCall, kept: &Kept) -> Option<UndoCall> {
    let (event, zone) = (&kept.event, call.person.settings.timezone);
    let is_sayable = match &event.repeat {
        None => true,
        Some(rule) => event.timezone == zone && rule.starts_with("FREQ=") && rule.len() <= REPEAT_CHARS_MAX,
    };
    if !kept.is_plain || kept.organizer.is_some() || !is_sayable {
        return None;
    }
    let mut args = as_args(event, zone);
    args.remove("uid");
    if event.repeat.is_none() {
        args.remove("repeat");
    }
    Some(UndoCall { action: "calendar.schedule_event".to_owned(), args })
}

fn as_args(event: &CalendarEvent, zone: chrono_tz::Tz) -> Map<String, Value> {
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339();
    let mut args = json!({"uid": event.uid, "title": event.title, "starts_at": local(event.starts_at),
        "ends_at": local(event.ends_at), "attendees": event.attendees});
    for (name, value) in [("location", &event.location), ("description", &event.description), ("repeat", &event.repeat)]
    {
        args[name] = json!(value.as_deref().unwrap_or_default());
    }
    args.as_object().cloned().unwrap_or_default()
}
