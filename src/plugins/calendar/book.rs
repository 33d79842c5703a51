//! Putting events in, changing them, taking them out, and telling their attendees.

use chrono::DateTime;
use serde_json::{Map, Value, json};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, LookUp, UndoCall};

use super::{Calendar, recur};
use crate::plugins::email::invite::{Invitation, Method, human, span};
use crate::plugins::email::receipt;
use crate::plugins::{outcome, store_failed, text, texts};
use crate::store::calendar::CalendarEvent;

impl Calendar {
    /// Keeps the event first and marks it told after its mails are handed over, so that a look at
    /// it can tell what happened.
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
        };
        self.keep(call, event, Method::Request).await
    }

    async fn keep(
        &self,
        call: &ActionCall,
        mut event: CalendarEvent,
        method: Method,
    ) -> Result<ActionOutcome, ActionError> {
        let until = recur::until(&event)?;
        let store = |event: CalendarEvent| async move {
            self.store.put_event(&call.person.id, &event, until).await.map_err(|error| store_failed(&error))
        };
        event.told = event.attendees.is_empty();
        store(event.clone()).await?;
        let told = if event.attendees.is_empty() { None } else { Some(self.tell(call, &event, method).await?) };
        if told.is_some() {
            event.told = true;
            store(event.clone()).await?;
        }
        Ok(scheduled(call, &event, told))
    }

    async fn tell(
        &self,
        call: &ActionCall,
        event: &CalendarEvent,
        method: Method,
    ) -> Result<ActionOutcome, ActionError> {
        let invitation = Invitation {
            method,
            uid: event.uid.clone(),
            sequence: event.sequence,
            title: event.title.clone(),
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            location: event.location.clone(),
            description: event.description.clone(),
            url: None,
            repeat: event.repeat.clone(),
        };
        let letter = invitation.letter(call, event.attendees.clone(), &self.mailer)?;
        let sent = self.mailer.send(&call.person, letter).await?;
        let mut told = receipt(call, &sent, "Invitation", json!({}));
        if let Some(left) = &mut told.left {
            let refused = left.args.remove("to").unwrap_or(Value::Null);
            left.args.insert("attendees".to_owned(), refused);
        }
        Ok(told)
    }

    pub(super) async fn update(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let old = self.find(call).await?;
        let own =
            |name: &str, before: &Option<String>| text(&call.args, name).map(str::to_owned).or_else(|| before.clone());
        let mut call = call.clone();
        let zone = call.person.settings.timezone;
        let local = |at: DateTime<chrono::Utc>| Value::from(at.with_timezone(&zone).to_rfc3339());
        let moved = call.args.contains_key("starts_at");
        call.args.entry("starts_at").or_insert_with(|| local(old.starts_at));
        if !call.args.contains_key("ends_at") && !call.args.contains_key("duration_minutes") {
            call.args.insert("duration_minutes".to_owned(), Value::from((old.ends_at - old.starts_at).num_minutes()));
        }
        let (starts_at, ends_at) = span(&call)?;
        let attendees =
            if call.args.contains_key("attendees") { texts(&call.args, "attendees") } else { old.attendees.clone() };
        let event = CalendarEvent {
            title: text(&call.args, "title").unwrap_or(&old.title).to_owned(),
            starts_at,
            ends_at,
            timezone: if moved { zone } else { old.timezone },
            location: own("location", &old.location),
            description: own("description", &old.description),
            repeat: own("repeat", &old.repeat),
            attendees,
            told: false,
            sequence: old.sequence + 1,
            uid: old.uid.clone(),
        };
        let mut changed = self.keep(&call, event, Method::Request).await?;
        changed.undo = Some(UndoCall { action: "calendar.update_event".to_owned(), args: as_args(&old, zone) });
        Ok(changed)
    }

    pub(super) async fn cancel(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let uid = text(&call.args, "uid").unwrap_or_default();
        if super::reminder::is_reminder(uid) {
            self.reminders.cancel(call, uid).await?;
            return Ok(outcome(json!({"uid": uid}), "The reminder is off"));
        }
        let event = self.find(call).await?;
        let mut told = Map::new();
        if !event.attendees.is_empty() {
            let event = CalendarEvent { sequence: event.sequence + 1, ..event.clone() };
            told = self.tell(call, &event, Method::Cancel).await?.result;
        }
        let gone = self.store.delete_event(&call.person.id, uid).await.map_err(|error| store_failed(&error))?;
        if !gone {
            return Err(ActionError::fail("that event is gone already"));
        }
        told.insert("uid".to_owned(), Value::from(uid));
        Ok(outcome(Value::Object(told), format!("\"{}\" is off the calendar", event.title)))
    }

    async fn find(&self, call: &ActionCall) -> Result<CalendarEvent, ActionError> {
        let uid = text(&call.args, "uid").unwrap_or_default();
        let found = self.store.event(&call.person.id, uid).await.map_err(|error| store_failed(&error))?;
        found.ok_or_else(|| ActionError::fail("there is no such event"))
    }

    pub(super) async fn look_up_scheduled(&self, call: &ActionCall) -> LookUp {
        match self.store.event(&call.person.id, &self.uid(call)).await {
            Ok(None) => LookUp::Absent,
            Ok(Some(event)) if event.told => LookUp::Done(scheduled(call, &event, None)),
            Ok(Some(_)) => {
                LookUp::CannotTell("the event is there, but its invitations may not have gone out".to_owned())
            }
            Err(error) => LookUp::CannotTell(store_failed(&error).message),
        }
    }

    pub(super) async fn look_up_cancelled(&self, call: &ActionCall) -> LookUp {
        let uid = text(&call.args, "uid").unwrap_or_default();
        if super::reminder::is_reminder(uid) {
            return LookUp::Absent;
        }
        match self.store.event(&call.person.id, uid).await {
            Ok(None) => LookUp::Done(outcome(json!({"uid": uid}), "The event is off the calendar")),
            Ok(Some(event)) if event.attendees.is_empty() => LookUp::Absent,
            Ok(Some(_)) => {
                LookUp::CannotTell("the event is still there, but its attendees may have been told".to_owned())
            }
            Err(error) => LookUp::CannotTell(store_failed(&error).message),
        }
    }
}

fn scheduled(call: &ActionCall, event: &CalendarEvent, told: Option<ActionOutcome>) -> ActionOutcome {
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

fn as_args(event: &CalendarEvent, zone: chrono_tz::Tz) -> Map<String, Value> {
    let local = |at: DateTime<chrono::Utc>| at.with_timezone(&zone).to_rfc3339();
    let mut args = json!({"uid": event.uid, "title": event.title, "starts_at": local(event.starts_at),
        "ends_at": local(event.ends_at), "attendees": event.attendees});
    for (name, value) in [("location", &event.location), ("description", &event.description), ("repeat", &event.repeat)]
    {
        if let Some(value) = value {
            args[name] = json!(value);
        }
    }
    args.as_object().cloned().unwrap_or_default()
}
