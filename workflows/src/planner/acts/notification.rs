//! Tells the person themself something: now, or as a reminder when a time was said.

use serde_json::{Map, Value};

use super::reminder::{self, Reminder};
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Sends the person a notification.
pub(super) struct Notification;

impl Act for Notification {
    fn kind(&self) -> &'static str {
        "send_notification"
    }

    fn action(&self) -> &'static str {
        "notify.send_notification"
    }

    fn offer(&self) -> &'static str {
        "send you a notice: “tell me at 5pm to leave”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        any_phrase(
            tokens,
            at,
            &[
                "send me a notification",
                "send me a notice",
                "send a notification to me",
                "send a notification",
                "notify me",
                "tell me",
                "ping me",
                "alert me",
                "message me",
                "let me know",
                "send myself a note",
                "send me a message",
            ],
        )
        .filter(|next| *next < tokens.len())
        .map(Head::weak)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        want.message = reminder::told(clause);
        want.parties.clear();
        if want.when.is_some() {
            want.act = &Reminder;
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("notice");
        let text = if let Some(message) = &want.message {
            phrase::literal(&message.said)
        } else {
            let ask = draft.id(&format!("{id}_text"));
            draft.ask(&ask, "What shall I tell you?", AnswerType::Text, Vec::new());
            format!("{{{{ {ask} }}}}")
        };
        let mut params = Map::new();
        params.insert("text".to_owned(), Value::from(text));
        draft.titles.push("A notice to you".to_owned());
        draft.execute(&id, "Send you a notice", self.action(), params);
    }
}
