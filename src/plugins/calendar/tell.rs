//! Telling attendees by mail.

use serde_json::{Value, json};
use workflows::ids::EffectId;
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, ActionOutcome};

use super::Calendar;
use crate::plugins::email::invite::{Invitation, Method};
use crate::plugins::email::receipt;
use crate::store::calendar::CalendarEvent;

/// Who is to be told what.
pub(super) struct Letters {
    /// Who is asked to come.
    pub(super) invited: Vec<String>,
    /// Who is told that they are not any more.
    pub(super) uninvited: Vec<String>,
}

impl Letters {
    pub(super) fn is_empty(&self) -> bool {
        self.invited.is_empty() && self.uninvited.is_empty()
    }
}

impl Calendar {
    /// Invites, then uninvites. Once a letter is out, a second one that fails is told as a part that
    /// was not done: the act as a whole was.
    ///
    /// # Errors
    /// When nobody was told, or the first letter may have gone out.
    pub(super) async fn tell_all(
        &self,
        call: &ActionCall,
        event: &CalendarEvent,
        letters: Letters,
    ) -> Result<ActionOutcome, ActionError> {
        if letters.invited.is_empty() {
            return self.tell(call, event, Method::Cancel, letters.uninvited).await;
        }
        let mut told = self.tell(call, event, Method::Request, letters.invited).await?;
        if letters.uninvited.is_empty() {
            return Ok(told);
        }
        // A mail of its own needs a Message-ID of its own.
        let effect_id = EffectId::from(format!("{}.cancel", call.effect_id).as_str());
        let second = ActionCall { effect_id, ..call.clone() };
        let names = letters.uninvited.join(", ");
        match self.tell(&second, event, Method::Cancel, letters.uninvited).await {
            Ok(cancelled) => {
                told.detail = format!("{}. {}", told.detail, cancelled.detail);
                let left = cancelled.left.map(|left| left.error);
                let not_told = left.map_or(Value::Null, Value::from);
                told.result
                    .insert("uninvited".to_owned(), json!({"told": cancelled.result["accepted"], "error": not_told}));
            }
            Err(error) => {
                let words = match error.kind {
                    ActionErrorKind::Unknown => "may not have heard that they need not come",
                    ActionErrorKind::Fail | ActionErrorKind::Retry { .. } => {
                        "could not be told that they need not come"
                    }
                };
                told.detail = format!("{}. {names} {words}: {error}", told.detail);
                told.result.insert("uninvited".to_owned(), json!({"told": [], "error": error.message}));
            }
        }
        Ok(told)
    }

    async fn tell(
        &self,
        call: &ActionCall,
        event: &CalendarEvent,
        method: Method,
        to: Vec<String>,
    ) -> Result<ActionOutcome, ActionError> {
        let invitation = Invitation {
            method,
            uid: event.uid.clone(),
            sequence: event.sequence,
            title: event.title.clone(),
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            timezone: event.timezone,
            location: event.location.clone(),
            description: event.description.clone(),
            url: None,
            repeat: event.repeat.clone(),
        };
        let letter = invitation.letter(call, to, &self.mailer)?;
        let sent = self.mailer.send(&call.person, letter).await?;
        let what = match method {
            Method::Request => "Invitation",
            Method::Cancel => "Cancellation",
        };
        let mut told = receipt(call, &sent, what, json!({}));
        if let Some(left) = &mut told.left {
            let refused = left.args.remove("to").unwrap_or(Value::Null);
            left.args.insert("attendees".to_owned(), refused);
        }
        Ok(told)
    }
}
