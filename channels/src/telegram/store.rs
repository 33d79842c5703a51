//! What the door keeps: updates before they are handled, chats and who is who in them, messages of
//! ours with buttons, and replies that wait to be sent.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use workflows::frame::Frame;
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::ports::StoreError;

use super::keyboard::{Copy, Turned};
use super::parse::Place;
use crate::reply::Reply;

/// An update as Telegram sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Its id: Telegram may send it again under the same.
    pub id: i64,
    /// All of it.
    pub raw: Value,
}

/// An update that is kept and not handled yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its id.
    pub id: i64,
    /// All of it, as text.
    pub raw: String,
    /// Whether an earlier process had it, and may have died of it.
    pub again: bool,
}

/// How an update ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was handled.
    Handled,
    /// It could not be read: kept, and passed over.
    Unreadable(String),
    /// It broke the program again and again: kept, and set aside.
    SetAside,
}

/// A reply that waits to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// Its place in the queue; 0 before it is queued.
    pub id: i64,
    /// Where to.
    pub place: Place,
    /// The message it replies to.
    pub reply_to: Option<i32>,
    /// The words.
    pub reply: Reply,
    /// The question that an answer to it changes.
    pub asks: Option<Copy>,
}

/// What the handling of one update comes to, stored in one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The update.
    pub id: i64,
    /// How it ended.
    pub ending: Ending,
    /// The message that began a task, and the task: an edit of it is about that task.
    pub about: Option<(i64, i32, TaskId)>,
    /// What is to be said.
    pub replies: Vec<Queued>,
    /// How the buttons of a message stand now.
    pub turned: Option<(String, Turned)>,
    /// A stranger who is told how to join, once in a day: without it nothing is said.
    pub stranger: Option<(u64, NaiveDate)>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Finished {
    /// An update that needs nothing more.
    pub fn handled(id: i64, at: DateTime<Utc>) -> Self {
        Self { id, ending: Ending::Handled, about: None, replies: Vec::new(), turned: None, stranger: None, at }
    }
}

/// A photo that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Whose.
    pub person_id: PersonId,
    /// What it came with, unique per channel.
    pub source_id: String,
    /// Its file.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// A person's chat with us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// The engine's name for it; stays when the chat's own id changes.
    pub conversation_id: ConversationId,
    /// Where it is.
    pub place: Place,
    /// Whose.
    pub person_id: PersonId,
    /// Up to where the person's log has been told here.
    pub told: i64,
}

/// Keeping updates. Every method fails when the store does.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps a batch in one commit, each update once per id, counted as begun once; gives those
    /// not seen before. When it returns they survive a power cut; only then may Telegram be answered.
    async fn keep(&self, batch: Vec<Arrived>, at: DateTime<Utc>) -> Result<Vec<Waiting>, StoreError>;

    /// Updates that an earlier process left, oldest first after `after`.
    async fn left_over(&self, after: i64, limit: u32) -> Result<Vec<Waiting>, StoreError>;

    /// Counts that the handling of an update begins once more, or takes that back, committed before it
    /// returns; how often it has begun.
    async fn count(&self, id: i64, by: i32) -> Result<u32, StoreError>;

    /// Ends an update: all of it or nothing. Nothing happens when it has ended before.
    async fn finish(&self, finished: Finished) -> Result<(), StoreError>;

    /// The task that a message began.
    async fn task_of(&self, chat: i64, message: i32) -> Result<Option<TaskId>, StoreError>;

    /// Lets go of updates that ended before that, of the days of strangers before it, and of messages
    /// without buttons that were made before `copies`.
    async fn trim(&self, before: DateTime<Utc>, copies: DateTime<Utc>) -> Result<u64, StoreError>;
}

/// Keeping chats, messages with buttons, and what is to be said. Every method fails when the store
/// does.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The chat of that person there; a new one is told of nothing that was before it.
    async fn chat(&self, place: Place, person: &PersonId, fresh: ConversationId) -> Result<Chat, StoreError>;

    /// The person's own chat, where nobody else is.
    async fn private_chat(&self, person: &PersonId) -> Result<Option<Chat>, StoreError>;

    /// Every chat of that Telegram chat that can be written to.
    async fn chats(&self, chat: i64) -> Result<Vec<Chat>, StoreError>;

    /// The Telegram chats of these people.
    async fn chats_of(&self, people: Vec<PersonId>) -> Result<Vec<i64>, StoreError>;

    /// Telegram chats with something to be said, or with buttons that may be out of date.
    async fn behind(&self) -> Result<Vec<i64>, StoreError>;

    /// What of the person's log concerns this chat and was not told in it, in order; and how far the log goes.
    async fn untold(&self, chat: &Chat, limit: u32) -> Result<(Vec<Frame>, i64), StoreError>;

    /// Notes how far a chat has been told.
    async fn told(&self, conversation: &ConversationId, upto: i64) -> Result<(), StoreError>;

    /// Moves everything of a chat to its new id.
    async fn move_chat(&self, from: i64, to: i64) -> Result<(), StoreError>;

    /// Notes whether a chat can be written to; what is said meanwhile is passed over.
    async fn reachable(&self, chat: i64, yes: bool) -> Result<(), StoreError>;

    /// Keeps a message with buttons before it is sent.
    async fn put_copy(&self, copy: Copy, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The message with buttons of that token.
    async fn copy(&self, token: &str) -> Result<Option<Copy>, StoreError>;

    /// What a message of ours stands for.
    async fn copy_at(&self, chat: i64, message: i32) -> Result<Option<Copy>, StoreError>;

    /// Messages of a chat whose buttons are still there, or that show how far a task is.
    async fn open_copies(&self, chat: i64) -> Result<Vec<Copy>, StoreError>;

    /// Notes which message a copy is and which of its changes it shows.
    async fn shown(&self, token: &str, message: i32, rev: u32) -> Result<(), StoreError>;

    /// Notes that a message has no buttons any more.
    async fn close_copy(&self, token: &str) -> Result<(), StoreError>;

    /// Replies that wait for a chat, in order.
    async fn queued(&self, chat: i64, limit: u32) -> Result<Vec<Queued>, StoreError>;

    /// Takes a reply that was sent out of the queue.
    async fn sent(&self, id: i64) -> Result<(), StoreError>;

    /// How many photos a person sent since then.
    async fn photos_since(&self, person: &PersonId, since: DateTime<Utc>) -> Result<u32, StoreError>;

    /// Notes that a photo was kept.
    async fn put_upload(&self, upload: Upload) -> Result<(), StoreError>;
}
