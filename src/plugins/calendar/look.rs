//! Whether an act on the calendar was done, told from the calendar.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use workflows::ids::EffectId;
use workflows::ports::{ActionCall, LookUp};

use super::Calendar;
use super::book::{changed, scheduled};
use super::port::BookError;
use crate::plugins::{outcome, text};
use crate::store::calendar::Version;

/// Acts whose starts are remembered.
const STARTED_MAX: usize = 256;

/// What the events were like that changes started from. It is not kept over a restart.
#[derive(Default)]
pub(super) struct Started(Mutex<VecDeque<(EffectId, Version)>>);

impl Started {
    pub(super) fn note(&self, act: &EffectId, version: &Version) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(of, _)| of != act);
        if all.len() == STARTED_MAX {
            all.pop_front();
        }
        all.push_back((act.clone(), version.clone()));
    }

    /// Whether an act is known to have started from this version.
    fn is_from(&self, act: &EffectId, version: &Version) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|(of, from)| of == act && from == version)
    }
}

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
        let kept = match self.book.event(&call.person, uid).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return LookUp::CannotTell("the event is not there any more".to_owned()),
            Err(error) => return cannot_tell(&error),
        };
        let event = &kept.event;
        let is_ours = event.act.as_deref() == Some(call.effect_id.as_str());
        match (is_ours, event.told) {
            (true, true) => LookUp::Done(scheduled(call, event, None)),
            (true, false) => LookUp::CannotTell("it is changed, but its attendees may not have been told".to_owned()),
            // It is as it was when the act began: nothing was written.
            (false, _) if self.started.is_from(&call.effect_id, &kept.version) => LookUp::Absent,
            // Somebody else's write may have come over ours.
            (false, _) => LookUp::CannotTell(match changed(call, event) {
                Ok(made) if made.says_the_same(event) => {
                    "the event is as asked for, but another change was the last".to_owned()
                }
                Ok(_) | Err(_) => {
                    "the event is not as asked for, but another change may have come over it: look at it".to_owned()
                }
            }),
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
