//! Replies that are shown while they are being made: one message a task, changed as they grow, and in
//! the end turned into the final reply, or taken away before it.
//!
//! What is heard is kept in memory only and may be lost. The message is kept as a copy before it is sent,
//! so that a later process finds what it has to turn or to take away; until then its mark says that it
//! is not the end.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use workflows::frame::{Frame, FrameKind};
use workflows::ids::{ConversationId, TaskId};
use workflows::ports::ReplySoFar;
use workflows::state::TaskState;

use super::html::{self, TEXT_UNITS_MAX};
use super::keyboard::{Button, Copy, Subject};
use super::progress::PROGRESS_DELAY;
use super::sender::{Hints, Unsaid};
use super::store::Chat;
use super::{CONVERSATIONS, Door};
use crate::reply::Reply;
use crate::text::{clean, is_blank};

/// Replies listened to at the same time; more are seen when they are done.
const GROWING_MAX: usize = 256;
/// A reply that nothing was heard of for so long makes room for others.
const SILENT_MAX: Duration = Duration::from_secs(600);
/// Stands behind what is not the end.
const MARK: &str = " …";

/// A reply as far as it was heard.
#[derive(Debug, Clone)]
pub(super) struct Growing {
    conversation_id: ConversationId,
    /// When it was first heard of.
    since: Instant,
    /// When it was last heard of.
    heard: Instant,
    /// As much of it as may be shown.
    text: Arc<str>,
    /// Whether the sender knows that there is more than it has shown.
    wanted: bool,
}

/// Replies that are being made.
pub(super) type Replies = HashMap<TaskId, Growing>;

impl Hints {
    fn growing(&self) -> MutexGuard<'_, Replies> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears how far a reply has come. The sender is told once, and again when it has shown what there was.
    pub(super) fn grows(&self, reply: &ReplySoFar<'_>) {
        if !reply.conversation_id.as_str().starts_with(CONVERSATIONS) {
            return;
        }
        let text: Arc<str> = reply.text.chars().take(TEXT_UNITS_MAX).collect::<String>().into();
        let now = Instant::now();
        let was_wanted = {
            let mut growing = self.growing();
            if let Some(known) = growing.get_mut(reply.task_id) {
                (known.text, known.heard) = (text, now);
                std::mem::replace(&mut known.wanted, true)
            } else {
                growing.retain(|_, other| now - other.heard < SILENT_MAX);
                if growing.len() >= GROWING_MAX {
                    return;
                }
                let conversation_id = reply.conversation_id.clone();
                let heard = Growing { conversation_id, since: now, heard: now, text, wanted: true };
                growing.insert(reply.task_id.clone(), heard);
                false
            }
        };
        if !was_wanted {
            self.people(std::iter::once(reply.person_id));
        }
    }

    /// Lets go of replies whose planner has answered.
    pub(super) fn answered(&self, frames: &[Frame]) {
        let ends = |frame: &&Frame| {
            matches!(frame.kind, FrameKind::AiComplete | FrameKind::TaskCompleted | FrameKind::TaskFailed)
        };
        let mut growing = self.growing();
        for task in frames.iter().filter(ends).filter_map(|frame| frame.task_id.as_ref()) {
            growing.remove(task);
        }
    }

    /// What is heard for a conversation.
    fn heard(&self, conversation: &ConversationId) -> Vec<(TaskId, Growing)> {
        let growing = self.growing();
        let here = growing.iter().filter(|(_, reply)| &reply.conversation_id == conversation);
        here.map(|(task, reply)| (task.clone(), reply.clone())).collect()
    }

    /// Notes what was shown of a reply; whether that is all there is.
    fn has_shown(&self, task: &TaskId, text: &Arc<str>) -> bool {
        match self.growing().get_mut(task) {
            Some(known) if known.text != *text => false,
            Some(known) => {
                known.wanted = false;
                true
            }
            None => true,
        }
    }
}

/// What is shown of a reply that has come so far, as HTML; `None` when nobody would see anything.
fn shown(text: &str) -> Option<String> {
    if is_blank(text) {
        return None;
    }
    let room = TEXT_UNITS_MAX - MARK.encode_utf16().count();
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= room
    };
    let beginning: String = clean(text).chars().take_while(fits).collect();
    html::messages(&Reply::plain(format!("{}{MARK}", beginning.trim_end()))).pop()
}

impl Door {
    /// Shows how far the replies of a chat have come; how long until there is more to show.
    pub(super) async fn show_growing(&self, chat: &Chat) -> Result<Option<Duration>, Unsaid> {
        let mut wait: Option<Duration> = None;
        for (task, reply) in self.0.parts.hints.heard(&chat.conversation_id) {
            let left = self.show_one(chat, &task, &reply).await?;
            wait = [wait, left].into_iter().flatten().min();
        }
        Ok(wait)
    }

    async fn show_one(&self, chat: &Chat, task: &TaskId, reply: &Growing) -> Result<Option<Duration>, Unsaid> {
        let hints = &self.0.parts.hints;
        let row = self.0.parts.desk.load(task).await?;
        let words = shown(&reply.text).filter(|_| row.is_some_and(|row| is_planning(&row.state)));
        let Some(words) = words else {
            hints.has_shown(task, &reply.text);
            return Ok(None);
        };
        let left = (reply.since + PROGRESS_DELAY).saturating_duration_since(Instant::now());
        let copy = match self.growing_copy(chat, task).await? {
            Some(copy) => copy,
            None if !left.is_zero() => return Ok(Some(left)),
            None => {
                let copy = self.new_copy(chat, Subject::Growing(task.clone()));
                self.0.parts.outbox.put_copy(copy.clone(), self.0.parts.clock.now()).await?;
                copy
            }
        };
        if let Some(left) = self.bring_up_to_date(&copy, reply.since, words).await? {
            return Ok(Some(left));
        }
        Ok((!hints.has_shown(task, &reply.text)).then(|| Self::pause(copy.place)))
    }

    /// The message that shows a task's growing reply.
    pub(super) async fn growing_copy(&self, chat: &Chat, task: &TaskId) -> Result<Option<Copy>, Unsaid> {
        let open = self.0.parts.outbox.open_copies(chat.place.chat).await?;
        let is_it = |copy: &Copy| {
            matches!(&copy.subject, Subject::Growing(of) if of == task) && copy.conversation_id == chat.conversation_id
        };
        Ok(open.into_iter().find(is_it))
    }

    /// Turns a growing message into the final reply, or takes it away; the message where it could be turned.
    pub(super) async fn turn_growing(
        &self,
        copy: &Copy,
        words: &Reply,
        rows: &[Vec<Button>],
    ) -> Result<Option<i32>, Unsaid> {
        let parts = html::messages(words);
        let turned = match (copy.message, parts.as_slice()) {
            (Some(message), [whole]) => {
                let (api, chat) = (&self.0.parts.api, copy.place.chat);
                let edit = async { api.edit(chat, message, whole, rows).await };
                self.changed(chat, edit).await?.then_some(message)
            }
            (_, _) => None,
        };
        if turned.is_some() {
            self.forget_progress(copy);
            self.0.parts.outbox.close_copy(&copy.token).await?;
        } else {
            self.take_away(copy).await?;
        }
        Ok(turned)
    }

    /// Takes a growing message away whose task has said all that it says; how long until it is to be looked at again.
    pub(super) async fn refresh_growing(&self, copy: &Copy, task: &TaskId) -> Result<Option<Duration>, Unsaid> {
        let row = self.0.parts.desk.load(task).await?;
        if row.is_some_and(|row| is_planning(&row.state)) {
            return Ok(None);
        }
        for chat in self.0.parts.outbox.chats(copy.place.chat).await? {
            // It ended just now: the reply that the message becomes is still to be told.
            let (frames, _) = self.0.parts.outbox.untold(&chat, 1).await?;
            if chat.conversation_id == copy.conversation_id && !frames.is_empty() {
                return Ok(Some(Duration::ZERO));
            }
        }
        self.take_away(copy).await?;
        Ok(None)
    }

    async fn take_away(&self, copy: &Copy) -> Result<(), Unsaid> {
        if let Some(message) = copy.message {
            let (api, chat) = (&self.0.parts.api, copy.place.chat);
            self.changed(chat, async { api.delete(chat, message).await }).await?;
        }
        self.forget_progress(copy);
        Ok(self.0.parts.outbox.close_copy(&copy.token).await?)
    }
}

/// Whether a planner is being asked.
fn is_planning(state: &TaskState) -> bool {
    matches!(state, TaskState::Planning(_))
}

#[cfg(test)]
mod tests {
    use workflows::ids::PersonId;

    use super::*;

    #[test]
    fn what_is_shown_fits_one_message_and_is_marked() {
        assert_eq!(shown("a < b\n"), Some("a &lt; b …".to_owned()));
        assert_eq!(shown(" \n\u{200b}"), None);
        for text in ["😀".repeat(5_000), "word ".repeat(2_000), "x\u{202e}".repeat(4_096)] {
            let shown = shown(&text).expect("something");
            assert!(shown.encode_utf16().count() <= TEXT_UNITS_MAX && shown.ends_with('…'), "{}", shown.len());
            assert!(shown.encode_utf16().count() > TEXT_UNITS_MAX - 20, "as much as fits");
        }
    }

    fn say(hints: &Hints, task: &str, conversation: &str, text: &str) {
        hints.grows(&ReplySoFar {
            person_id: &PersonId::from("ann"),
            conversation_id: &ConversationId::from(conversation),
            task_id: &TaskId::from(task),
            text,
        });
    }

    #[tokio::test(start_paused = true)]
    async fn the_sender_is_told_once_until_it_has_shown_all_there_is() {
        let hints = Hints::default();
        let told = || !hints.take_people().is_empty();
        let here = ConversationId::from("telegram:1");
        say(&hints, "t", "telegram:1", "a");
        assert!(told());
        say(&hints, "t", "telegram:1", "ab");
        assert!(!told(), "it knows");
        let heard = hints.heard(&here);
        say(&hints, "t", "telegram:1", "abc");
        assert!(!hints.has_shown(&heard[0].0, &heard[0].1.text), "there is more by now");
        let heard = hints.heard(&here);
        assert!(hints.has_shown(&heard[0].0, &heard[0].1.text));
        assert!(!told());
        say(&hints, "t", "telegram:1", "abcd");
        assert!(told());
        say(&hints, "u", "web:1", "a");
        assert!(!told(), "that is for another door");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_heard_takes_bounded_room() {
        let hints = Hints::default();
        for n in 0..2 * GROWING_MAX {
            say(&hints, &format!("t{n}"), "telegram:1", &"x".repeat(100_000));
        }
        assert_eq!(hints.growing().len(), GROWING_MAX);
        assert!(hints.growing().values().all(|reply| reply.text.len() <= TEXT_UNITS_MAX));
        tokio::time::advance(SILENT_MAX).await;
        say(&hints, "new", "telegram:1", "x");
        assert_eq!(hints.growing().len(), 1, "the silent ones made room");
    }
}
