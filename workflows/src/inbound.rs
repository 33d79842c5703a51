//! What people send us, free of any platform.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, EffectId, PersonId, PromptId, TaskId};
use crate::person::Channel;
use crate::plan::Plan;

/// Longest message taken, in characters.
pub const MESSAGE_CHARS_MAX: usize = 10_000;
/// Most options one choice may name.
pub const CHOICES_MAX: usize = 100;
/// Most pictures that may come with one message.
pub const PHOTOS_MAX: usize = 4;

/// One event from a front door. Stored as it is before anything is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// The door it came through.
    pub channel: Channel,
    /// The platform's own id of the event, unique on that channel: redelivery is seen by it.
    pub source_id: String,
    /// Whose it is, as proven by the door.
    pub person_id: PersonId,
    /// Where it was said.
    pub conversation_id: ConversationId,
    /// When we got it.
    pub received_at: DateTime<Utc>,
    /// When it was said, where the platform tells: it may have waited for us since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<DateTime<Utc>>,
    /// What it is.
    pub kind: InboundKind,
    /// Pictures that came with the words, at most [`PHOTOS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<Photo>,
}

impl Inbound {
    /// When its words were said: "tomorrow" is the day after that. Never after it came, whatever the
    /// platform's clock says.
    pub fn said_at(&self) -> DateTime<Utc> {
        self.said_at.map_or(self.received_at, |said| said.min(self.received_at))
    }
}

/// A picture that a door has kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Photo {
    /// Its name among what was uploaded.
    pub file: String,
}

/// The kinds of inbound event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundKind {
    /// Words.
    Message {
        /// What was said, 1 to [`MESSAGE_CHARS_MAX`] characters.
        text: String,
    },
    /// Words that ask for something new, whatever question is open.
    Request {
        /// What was said, 1 to [`MESSAGE_CHARS_MAX`] characters.
        text: String,
    },
    /// Words in reply to the message that asked this question.
    Reply {
        /// The question.
        prompt_id: PromptId,
        /// What was said, 1 to [`MESSAGE_CHARS_MAX`] characters.
        text: String,
    },
    /// A press of a button, or its equal.
    Choice {
        /// The question it answers.
        prompt_id: PromptId,
        /// The answer.
        answer: Answer,
    },
    /// A command that needs no planner.
    Command(Command),
}

/// An answer to an open question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Chosen option ids.
    Options(Vec<String>),
    /// Words, to be read as the question wants them.
    Text(String),
    /// Yes to everything still pending, or to one pending action.
    Approve(Option<EffectId>),
    /// No to everything still pending, or to one pending action.
    Reject(Option<EffectId>),
}

/// A command that needs no planner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Stop this task, or the newest live one of the conversation.
    Cancel(Option<TaskId>),
    /// Undo what this task did, or the newest one of the conversation.
    Undo(Option<TaskId>),
    /// Run a plan given as data.
    Run {
        /// The plan, already validated by the door for a good answer; validated again here.
        plan: Box<Plan>,
        /// Shown instead of the plan's title.
        title: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_said_after_they_came() {
        let time = |secs: i64| DateTime::from_timestamp(1_800_000_000 + secs, 0).expect("a time");
        let said_at = |said_at| {
            let inbound = Inbound {
                channel: Channel::Web,
                source_id: "1".to_owned(),
                person_id: PersonId::from("ann"),
                conversation_id: ConversationId("web:a".to_owned()),
                received_at: time(0),
                said_at,
                kind: InboundKind::Message { text: "hello".to_owned() },
                photos: Vec::new(),
            };
            inbound.said_at()
        };
        assert_eq!(said_at(None), time(0));
        assert_eq!(said_at(Some(time(-90))), time(-90));
        assert_eq!(said_at(Some(time(90))), time(0), "that clock is ahead of ours");
    }
}
