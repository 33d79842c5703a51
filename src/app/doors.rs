//! The chat doors, put together.

use std::sync::Arc;

use async_trait::async_trait;
use channels::telegram::api::Api;
use channels::telegram::gates::Gates;
use channels::telegram::store::Outbox as _;
use channels::telegram::{self, Hints, Mode, Parts};
use url::Url;
use workflows::engine::Engine;
use workflows::frame::Frame;
use workflows::ids::PersonId;
use workflows::person::{Channel, Settings};
use workflows::ports::{Clock, FrameSink, Ids, ReplySoFar, StoreError};

use super::AppError;
use crate::config::{Config, TelegramConfig};
use crate::http::{Doors, Hub, Linked};
use crate::members::StoredMembers;
use crate::plugins::telegram::Telegram;
use crate::store::sqlite::Db;

/// Tells several of what was committed.
struct Everybody(Vec<Arc<dyn FrameSink>>);

impl FrameSink for Everybody {
    fn publish(&self, frames: &[Frame]) {
        for sink in &self.0 {
            sink.publish(frames);
        }
    }

    fn so_far(&self, reply: &ReplySoFar<'_>) {
        for sink in &self.0 {
            sink.so_far(reply);
        }
    }
}

/// Whoever hears of what was committed.
pub(super) fn sink(hub: &Arc<Hub>, bot: Option<&Bot>) -> Arc<dyn FrameSink> {
    let hub = Arc::clone(hub) as Arc<dyn FrameSink>;
    match bot {
        None => hub,
        Some(bot) => Arc::new(Everybody(vec![hub, Arc::clone(&bot.hints) as Arc<dyn FrameSink>])),
    }
}

/// Who may use the doors.
pub(super) fn members(
    db: &Db,
    sink: &Arc<dyn FrameSink>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
    settings: Settings,
) -> Arc<StoredMembers> {
    Arc::new(StoredMembers {
        people: Arc::new(db.clone()),
        persons: Arc::new(db.clone()),
        access: Arc::new(db.clone()),
        log: Arc::new(db.clone()),
        sink: Arc::clone(sink),
        clock: Arc::clone(clock),
        ids: Arc::clone(ids),
        settings,
    })
}

/// What the Telegram door and plugin share.
pub(super) struct Bot {
    config: TelegramConfig,
    api: Api,
    gates: Arc<Gates>,
    hints: Arc<Hints>,
    db: Db,
}

impl Bot {
    /// The bot, when one is configured.
    pub(super) fn new(config: &Config, db: &Db) -> Result<Option<Self>, AppError> {
        let Some(config) = config.telegram.clone() else { return Ok(None) };
        let api = Api::new(&config.api_url, &config.token).map_err(AppError::Client)?;
        Ok(Some(Self { config, api, gates: Arc::default(), hints: Arc::default(), db: db.clone() }))
    }

    /// What the plugin sends with.
    pub(super) fn plugin(&self) -> Arc<Telegram> {
        Arc::new(Telegram {
            api: self.api.clone(),
            gates: Arc::clone(&self.gates),
            outbox: Arc::new(self.db.clone()),
            chat_id: self.config.chat_id,
        })
    }

    /// The door.
    #[expect(clippy::too_many_arguments, reason = "a door is made of everything it needs, once")]
    pub(super) fn door(
        self,
        config: &Config,
        db: &Db,
        public_url: &Url,
        engine: &Engine,
        members: Arc<StoredMembers>,
        clock: &Arc<dyn Clock>,
        ids: &Arc<dyn Ids>,
    ) -> telegram::Door {
        let mode = match self.config.webhook_secret {
            None => Mode::Poll,
            Some(secret) => {
                let mut url = public_url.clone();
                let path = format!("{}{}", url.path().trim_end_matches('/'), telegram::webhook::PATH);
                url.set_path(&path);
                Mode::Webhook { url, secret }
            }
        };
        telegram::Door::new(Parts {
            api: self.api,
            inbox: Arc::new(db.clone()),
            outbox: Arc::new(db.clone()),
            members,
            desk: Arc::new(engine.clone()),
            gates: self.gates,
            hints: self.hints,
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
            mode,
            uploads: config.uploads(),
            public_url: public_url.clone(),
        })
    }
}

/// The chat doors, as the routes see them.
pub(super) struct Chats {
    /// Where chats are kept.
    pub(super) db: Db,
    /// Whether the Telegram door is on.
    pub(super) telegram: bool,
}

#[async_trait]
impl Doors for Chats {
    async fn linked(&self, person: &PersonId, channel: Channel) -> Result<Linked, StoreError> {
        if channel != Channel::Telegram || !self.telegram {
            return Ok(Linked::NotConfigured);
        }
        let chat = self.db.private_chat(person).await?;
        Ok(chat.map_or(Linked::NotLinked, |chat| Linked::At(chat.conversation_id)))
    }
}

#[cfg(test)]
mod tests {
    use workflows::ids::{ConversationId, TaskId};

    use super::*;

    #[test]
    fn everybody_hears_of_a_reply_while_it_is_made() {
        let (person, conversation, task) = (PersonId::from("ann"), ConversationId::from("web:s"), TaskId::from("t"));
        let hubs = [Arc::new(Hub::default()), Arc::new(Hub::default())];
        let mut heard: Vec<_> = hubs.iter().map(|hub| (hub.hints(&person), hub.replies())).collect();
        let all = Everybody(hubs.iter().map(|hub| Arc::clone(hub) as Arc<dyn FrameSink>).collect());
        let reply = ReplySoFar { person_id: &person, conversation_id: &conversation, task_id: &task, text: "Hel" };
        all.so_far(&reply);
        for (_listens, replies) in &mut heard {
            assert_eq!(&*replies.try_recv().expect("it was told").text, "Hel");
        }
    }
}
