//! What is done about an update. Everything here may be done again after a crash: the engine knows
//! events by their source, and what is ours is stored in one commit at the end.

use tracing::warn;
use workflows::engine::{EngineError, Handled, Refusal};
use workflows::failpoint;
use workflows::ids::{ConversationId, TaskId};
use workflows::inbound::{Inbound, InboundKind, MESSAGE_CHARS_MAX, Photo};
use workflows::person::{Channel, Identity, Person};
use workflows::planner::words::{Word, word};
use workflows::ports::StoreError;

use super::keyboard::{Copy, Subject, Turned};
use super::parse::{self, Membership, Place, Said, Seen, Sender};
use super::photos::{self, Kept};
use super::store::{Chat, Ending, Finished, Queued};
use super::{CONVERSATIONS, Door, commands};
use crate::reply::Reply;

/// Why an update cannot be handled now.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotNow {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine is too busy, or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A photo cannot be written.
    #[error("a photo cannot be kept: {0}")]
    Upload(#[from] std::io::Error),
    /// The door does not know yet who it is.
    #[error("the door is not open yet")]
    Closed,
}

/// The update's own name as a source of events.
pub(super) fn source(id: i64) -> String {
    format!("update:{id}")
}

impl Door {
    /// Handles an update and stores its end. `answered`: an earlier try has answered the press it is.
    pub(super) async fn handle(&self, id: i64, raw: &str, answered: bool) -> Result<(), NotNow> {
        let me = self.0.me.get().ok_or(NotNow::Closed)?;
        let now = self.0.parts.clock.now();
        let nothing = Finished::handled(id, now);
        let (chat, finished) = match parse::update(raw, me) {
            Err(why) => {
                warn!(update = id, why, "an update cannot be read");
                let text = format!("An update from Telegram could not be read: {why}. It was kept and passed over.");
                // Once a day: Telegram may have changed its mind about all of them.
                let replies = self.to_owner(&format!("telegram:unreadable:{}", now.date_naive()), &text).await?;
                let chat = replies.first().map(|reply| reply.place.chat);
                (chat, Finished { ending: Ending::Unreadable(why), replies, ..nothing })
            }
            Ok(Seen::Nothing) => (None, nothing),
            Ok(Seen::Said(said)) => (Some(said.place.chat), self.said(id, said).await?),
            Ok(Seen::Edited(said)) => (Some(said.place.chat), self.edited(id, said).await?),
            Ok(Seen::Pressed(pressed)) => {
                (pressed.place.map(|place| place.chat), self.pressed(id, pressed, answered).await?)
            }
            Ok(Seen::Membership(change)) => (Some(change.place.chat), self.membership(id, change).await?),
            Ok(Seen::Moved { from, to }) => (Some(to), self.moved(id, from, to).await?),
        };
        failpoint::hit("telegram.finish.before");
        self.0.parts.inbox.finish(finished).await?;
        failpoint::hit("telegram.finish.after");
        if let Some(chat) = chat {
            self.0.parts.hints.chat(chat);
        }
        Ok(())
    }

    /// Tells the owner something about the service, on the web and in their own chat, once per key.
    pub(super) async fn to_owner(&self, key: &str, text: &str) -> Result<Vec<Queued>, StoreError> {
        let Some(owner) = self.0.parts.members.tell_owner(key, text).await? else { return Ok(Vec::new()) };
        let chat = self.0.parts.outbox.private_chat(&owner).await?;
        Ok(chat.map(|chat| queued(chat.place, None, text.into())).into_iter().collect())
    }

    /// Who somebody is, as far as Telegram vouches for their id.
    pub(super) async fn who(&self, sender: &Sender) -> Result<Option<Person>, NotNow> {
        Ok(self.0.parts.members.who(&identity(sender)).await?)
    }

    /// The person's chat there.
    pub(super) async fn chat(&self, place: Place, person: &Person) -> Result<Chat, NotNow> {
        let fresh = ConversationId(format!("{CONVERSATIONS}{}", self.0.parts.ids.fresh()));
        Ok(self.0.parts.outbox.chat(place, &person.id, fresh).await?)
    }

    pub(super) async fn submit(
        &self,
        source: String,
        chat: &Chat,
        kind: InboundKind,
        photos: Vec<Photo>,
        said: Option<&Said>,
    ) -> Result<Handled, NotNow> {
        let inbound = Inbound {
            channel: Channel::Telegram,
            source_id: source,
            person_id: chat.person_id.clone(),
            conversation_id: chat.conversation_id.clone(),
            received_at: self.0.parts.clock.now(),
            said_at: said.map(|said| said.at),
            kind,
            photos,
        };
        Ok(self.0.parts.desk.submit(inbound).await?)
    }

    /// A message with buttons that is to be sent to this chat.
    pub(super) fn new_copy(&self, chat: &Chat, subject: Subject) -> Copy {
        Copy {
            token: self.token(),
            conversation_id: chat.conversation_id.clone(),
            person_id: chat.person_id.clone(),
            place: chat.place,
            message: None,
            subject,
            turned: Turned::default(),
            rev: 0,
            shown: 0,
        }
    }

    /// An update that ends with a few words in reply.
    pub(super) fn reply(&self, id: i64, said: &Said, reply: impl Into<Reply>) -> Finished {
        let queued = queued(said.place, (!said.place.private).then_some(said.message), reply.into());
        Finished { replies: vec![queued], ..Finished::handled(id, self.0.parts.clock.now()) }
    }

    async fn said(&self, id: i64, said: Said) -> Result<Finished, NotNow> {
        let Some(person) = self.who(&said.sender).await? else { return self.stranger(id, &said).await };
        if let Some(command) = said.command.as_ref().filter(|_| !said.asks_anew()) {
            if let Some(finished) = self.command(id, &said, &person, command).await? {
                return Ok(finished);
            }
            if word(&said.text) == Word::Other {
                return Ok(if said.place.private {
                    self.reply(id, &said, format!("I do not know /{}. /help says what I know.", command.name))
                } else {
                    // It may well be another bot's.
                    Finished::handled(id, self.0.parts.clock.now())
                });
            }
        }
        self.asked(id, &said, &person).await
    }

    /// Words, a photo, or both.
    async fn asked(&self, id: i64, said: &Said, person: &Person) -> Result<Finished, NotNow> {
        let chat = self.chat(said.place, person).await?;
        let kept = self.keep_photo(id, said, person).await?;
        let words = match (said.words().trim(), &kept) {
            ("", Kept::There(_)) => photos::WHAT_IS_IT,
            ("", Kept::Lost) => return Ok(self.reply(id, said, photos::ONLY_LOST)),
            ("", Kept::Many) => return Ok(self.reply(id, said, photos::MANY)),
            ("", Kept::None) if said.asks_anew() => return Ok(self.reply(id, said, commands::HOW_TO_ASK)),
            ("", Kept::None) => {
                return Ok(self.reply(id, said, "I can read words only. Tell me in words what you need."));
            }
            (words, _) => words,
        };
        if words.chars().count() > MESSAGE_CHARS_MAX {
            return Ok(self.reply(id, said, "That is too long for me. Please say it in fewer words."));
        }
        let kind = match self.kind_of(said, words, person).await? {
            Ok(kind) => kind,
            Err(why) => return Ok(self.reply(id, said, why)),
        };
        let mut finished = Finished::handled(id, self.0.parts.clock.now());
        let notice = match (&kept, &kind) {
            (Kept::Lost, _) => Some(photos::LOST),
            (Kept::Many, _) => Some(photos::MANY),
            (Kept::There(_), InboundKind::Request { .. }) | (Kept::None, _) => None,
            (Kept::There(_), _) => Some(photos::UNSEEN),
        };
        finished.replies.extend(notice.map(|words| queued(said.place, None, words.into())));
        let handled = self.submit(source(id), &chat, kind, kept.photos(), Some(said)).await?;
        if handled.refusal == Some(Refusal::NotFound) {
            // The engine says nothing of what is not this person's.
            finished.replies.push(queued(said.place, None, Refusal::NotFound.to_string().into()));
        }
        if let Some(task) = handled.task_id
            && self.began_with(&task, words).await?
        {
            finished.about = Some((said.place.chat, said.message, task));
        }
        Ok(finished)
    }

    /// What these words are to the engine; why they are nothing to it.
    async fn kind_of(&self, said: &Said, words: &str, person: &Person) -> Result<Result<InboundKind, String>, NotNow> {
        let text = words.to_owned();
        // A photo alone answers no question.
        if said.asks_anew() || said.words().trim().is_empty() {
            return Ok(Ok(InboundKind::Request { text }));
        }
        let asked = match said.reply_to {
            Some(message) => self.0.parts.outbox.copy_at(said.place.chat, message).await?,
            None => None,
        };
        Ok(match asked.map(|copy| (copy.person_id, copy.subject)) {
            Some((whose, Subject::Prompt(_) | Subject::Change(_))) if whose != person.id => {
                Err(format!("Only {} can answer that question.", self.name_of(&whose).await?))
            }
            Some((_, Subject::Prompt(prompt_id) | Subject::Change(prompt_id))) => {
                Ok(InboundKind::Reply { prompt_id, text })
            }
            // One with words comes with something new, unless the words decide.
            _ if said.photo.is_some() && matches!(word(words), Word::Other | Word::Change) => {
                Ok(InboundKind::Request { text })
            }
            Some((_, Subject::Report(_) | Subject::Progress(_) | Subject::Growing(_))) | None => {
                Ok(InboundKind::Message { text })
            }
        })
    }

    /// Whether these words are what the task was asked with.
    async fn began_with(&self, task: &TaskId, words: &str) -> Result<bool, NotNow> {
        let row = self.0.parts.desk.load(task).await?;
        Ok(row.is_some_and(|row| row.state.request().text == words.trim()))
    }

    /// What a person is called by others.
    pub(super) async fn name_of(&self, id: &workflows::ids::PersonId) -> Result<String, NotNow> {
        let person = self.0.parts.members.person(id).await?;
        Ok(person.map_or_else(|| "somebody else".to_owned(), |person| crate::text::visible(&person.name)))
    }

    /// Somebody we do not know: let in with a code, else told once a day how to join.
    async fn stranger(&self, id: i64, said: &Said) -> Result<Finished, NotNow> {
        if let Some(finished) = self.join(id, said).await? {
            return Ok(finished);
        }
        let now = self.0.parts.clock.now();
        if !said.certain {
            return Ok(Finished::handled(id, now));
        }
        let finished = self.reply(id, said, commands::HOW_TO_JOIN);
        Ok(Finished { stranger: Some((said.sender.id, now.date_naive())), ..finished })
    }

    async fn membership(&self, id: i64, change: Membership) -> Result<Finished, NotNow> {
        let finished = Finished::handled(id, self.0.parts.clock.now());
        self.0.parts.outbox.reachable(change.place.chat, change.present).await?;
        let joined = change.present && !change.was_present && !change.place.private;
        if !joined || self.who(&change.sender).await?.is_none() {
            return Ok(finished);
        }
        let hello = "Hello. Mention me, reply to me, or use a command, and I do what you ask. \
            Each of you must have joined me first; what I ask can be answered only by the one I asked.";
        Ok(Finished { replies: vec![queued(change.place, None, hello.into())], ..finished })
    }

    async fn moved(&self, id: i64, from: i64, to: i64) -> Result<Finished, NotNow> {
        self.0.parts.outbox.move_chat(from, to).await?;
        let mut finished = Finished::handled(id, self.0.parts.clock.now());
        let shown = self.0.parts.outbox.open_copies(to).await?;
        for chat in self.0.parts.outbox.chats(to).await? {
            let open = self.0.parts.desk.conversation(&chat.conversation_id).await?.open;
            // The old messages cannot be changed any more, so what is open is asked once more.
            let unseen = open.iter().rev().filter(|row| {
                !shown.iter().any(|copy| matches!(&copy.subject, Subject::Prompt(prompt) if prompt == &row.id))
            });
            finished.replies.extend(unseen.map(|row| self.ask_again(&chat, row)));
        }
        Ok(finished)
    }

    /// An open question, to be asked once more.
    pub(super) fn ask_again(&self, chat: &Chat, row: &workflows::ports::PromptRow) -> Queued {
        let copy = self.new_copy(chat, Subject::Prompt(row.id.clone()));
        Queued { asks: Some(copy), ..queued(chat.place, None, Reply::default()) }
    }
}

pub(super) fn identity(sender: &Sender) -> Identity {
    Identity { channel: Channel::Telegram, address: sender.id.to_string() }
}

/// A reply that is to be sent there.
pub(super) fn queued(place: Place, reply_to: Option<i32>, reply: Reply) -> Queued {
    Queued { id: 0, place, reply_to, reply, asks: None }
}
