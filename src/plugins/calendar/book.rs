//! Putting events in, changing them, taking them out, and telling their attendees.

use chrono::DateTime;
use serde_json::{Map, Value, json};
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, ActionOutcome, LookUp, UndoCall};

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
        self.keep(call, event, None).await
    }

    async fn keep(
        &self,
        call: &ActionCall,
        mut event: CalendarEvent,
        before: Option<&CalendarEvent>,
    ) -> Result<ActionOutcome, ActionError> {
        event.told = event.attendees.is_empty();
        self.put(call, &event).await?;
        if event.told {
            return Ok(scheduled(call, &event, None));
        }
        match self.tell(call, &event, Method::Request).await {
            Ok(told) => {
                event.told = true;
                // The mails are out: a failure here must not send them again.
                if let Err(error) = self.put(call, &event).await {
                    tracing::error!(effect = %call.effect_id, %error, "that attendees were told could not be kept");
                }
                Ok(scheduled(call, &event, Some(told)))
            }
            Err(error) if error.kind == ActionErrorKind::Unknown => Err(error),
            Err(error) => Err(self.put_back(call, &event, before, error).await),
        }
    }

    async fn put(&self, call: &ActionCall, event: &CalendarEvent) -> Result<(), ActionError> {
        let until = recur::until(event)?;
        self.store.put_event(&call.person.id, event, until).await.map_err(|error| store_failed(&error))
    }

    /// Makes the calendar as it was before an act that certainly told nobody; the act's error.
    async fn put_back(
        &self,
        call: &ActionCall,
        event: &CalendarEvent,
        before: Option<&CalendarEvent>,
        error: ActionError,
    ) -> ActionError {
        let put_back = if let Some(before) = before {
            self.put(call, before).await
        } else {
            let gone = self.store.delete_event(&call.person.id, &event.uid).await;
            gone.map(drop).map_err(|error| store_failed(&error))
        };
        if put_back.is_ok() {
            return error;
        }
        ActionError::unknown(format!("{error}; the calendar may show it all the same"))
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
        // What is given as empty is taken away, so that an undo can restore that there was nothing.
        let own = |name: &str, before: &Option<String>| {
            if call.args.contains_key(name) { text(&call.args, name).map(str::to_owned) } else { before.clone() }
        };
        let location = own("location", &old.location);
        let description = own("description", &old.description);
        let repeat = own("repeat", &old.repeat);
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
            location,
            description,
            repeat,
            attendees,
            told: false,
            sequence: old.sequence + 1,
            uid: old.uid.clone(),
        };
        let mut changed = self.keep(&call, event, Some(&old)).await?;
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
        let gone = self.store.delete_event(&call.person.id, uid).await.map_err(|error| {
            let error = store_failed(&error);
            if event.attendees.is_empty() {
                return error;
            }
            // Not to be tried again by itself: the attendees would be told twice.
            ActionError::unknown("the attendees were told, but the event could not be taken off the calendar")
        })?;
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
        args[name] = json!(value.as_deref().unwrap_or_default());
    }
    args.as_object().cloned().unwrap_or_default()
}
