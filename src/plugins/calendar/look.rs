//! Whether an act on the calendar was done, told from the calendar.

use serde_json::json;
use workflows::ports::{ActionCall, LookUp};

use super::Calendar;
use super::book::{changed, scheduled};
use super::port::BookError;
use crate::plugins::{outcome, text};

impl Calendar {
    pub(super) async fn look_up_scheduled(&self, call: &ActionCall) -> LookUp {
        match self.book.event(&call.person, &self.uid(call)).await {
            Ok(None) => LookUp::Absent,
            Ok(Some(kept)) if kept.event.told => LookUp::Done(scheduled(call, &kept.event, None)),
            Ok(Some(_)) => {
                LookUp::CannotTell("the event is there, but its invitations may not have gone out".to_owned())
            }
            Err(error) => cannot_tell(&error),
        }
    }

    pub(super) async fn look_up_updated(&self, call: &ActionCall) -> LookUp {
        let uid = text(&call.args, "uid").unwrap_or_default();
        let event = match self.book.event(&call.person, uid).await {
            Ok(Some(kept)) => kept.event,
            Ok(None) => return LookUp::CannotTell("the event is not there any more".to_owned()),
            Err(error) => return cannot_tell(&error),
        };
        let is_ours = event.act.as_deref() == Some(call.effect_id.as_str());
        match (is_ours, event.told) {
            (true, true) => LookUp::Done(scheduled(call, &event, None)),
            (true, false) => LookUp::CannotTell("it is changed, but its attendees may not have been told".to_owned()),
            // Somebody else's write may have come over ours; what it says tells.
            (false, _) => match changed(call, &event) {
                Ok(made) if made.says_the_same(&event) => {
                    LookUp::CannotTell("the event is as asked for, but another change was the last".to_owned())
                }
                Ok(_) | Err(_) => LookUp::Absent,
            },
        }
    }

    pub(super) async fn look_up_cancelled(&self, call: &ActionCall) -> LookUp {
        let uid = text(&call.args, "uid").unwrap_or_default();
        if super::reminder::is_reminder(uid) {
            return LookUp::Absent;
        }
        match self.book.event(&call.person, uid).await {
            Ok(None) => LookUp::Done(outcome(json!({"uid": uid}), "The event is off the calendar")),
            Ok(Some(kept)) if kept.event.attendees.is_empty() || kept.organizer.is_some() => LookUp::Absent,
            Ok(Some(_)) => {
                LookUp::CannotTell("the event is still there, but its attendees may have been told".to_owned())
            }
            Err(error) => cannot_tell(&error),
        }
    }
}

fn cannot_tell(error: &BookError) -> LookUp {
    LookUp::CannotTell(error.to_string())
}
