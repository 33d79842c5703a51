//! Telegram messages to others, and notices to the person themself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use channels::reply::Reply;
use channels::telegram::api::{Api, Outgoing, Trouble};
use channels::telegram::gates::Gates;
use channels::telegram::messages;
use channels::telegram::parse::Place;
use channels::telegram::store::Outbox;
use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::person::{Person, Role};
use workflows::planner::entities::people::look_up_exactly;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, People};

use super::{Plugin, PluginDeps, outcome, spec, store_failed, text};
use crate::store::PeopleStore;

/// Why it cannot be used.
const OFF: &str = "Telegram is not configured: set TELEGRAM_BOT_TOKEN";

/// Sending by the bot, in turn with its door.
pub struct Telegram {
    /// The Bot API.
    pub api: Api,
    /// When what may be sent to a chat.
    pub gates: Arc<Gates>,
    /// Which chat is whose.
    pub outbox: Arc<dyn Outbox>,
    /// Where the owner's notices go while they have no chat with the bot.
    pub chat_id: Option<i64>,
}

/// Where a message went.
pub(super) struct Sent {
    chat: i64,
    message: i32,
}

impl Sent {
    pub(super) fn result(&self) -> Value {
        json!({"channel": "telegram", "chat_id": self.chat, "message_id": self.message})
    }
}

impl Telegram {
    /// Sends words to a chat.
    pub(super) async fn send(&self, chat: i64, words: &str) -> Result<Sent, ActionError> {
        let place = Place { chat, thread: None, private: chat > 0 };
        let parts = messages(&Reply::plain(words)).into_iter().map(|html| Outgoing { html, ..Outgoing::default() });
        match self.gates.send(&self.api, place, parts.collect()).await {
            Ok(message) => Ok(Sent { chat, message }),
            Err(Trouble::Moved(to)) => {
                self.outbox.move_chat(chat, to).await.map_err(|error| store_failed(&error))?;
                Err(ActionError::fail(format!("the group has become another one, with the id {to}")))
            }
            Err(trouble) => Err(failed(&trouble)),
        }
    }

    /// The person's own chat with the bot; the owner's may be the one that is configured. Nobody else's
    /// notices go where others may read them.
    pub(super) async fn own_chat(&self, person: &Person) -> Result<Option<i64>, ActionError> {
        let own = self.outbox.private_chat(&person.id).await.map_err(|error| store_failed(&error))?;
        Ok(own.map(|chat| chat.place.chat).or(self.chat_id.filter(|_| person.role == Role::Owner)))
    }
}

/// What a trouble says of the act.
fn failed(trouble: &Trouble) -> ActionError {
    let words = trouble.to_string();
    match trouble {
        Trouble::Wait(secs) => ActionError::later(words, Some(u32::try_from(*secs).unwrap_or(u32::MAX))),
        Trouble::NoConnection | Trouble::Conflict(_) => ActionError::retry(words),
        Trouble::NoAnswer => ActionError::unknown(words),
        Trouble::Moved(_)
        | Trouble::Unreachable(_)
        | Trouble::Unchanged
        | Trouble::Gone(_)
        | Trouble::Token
        | Trouble::Refused(_) => ActionError::fail(words),
    }
}

/// `telegram.*`.
pub struct TelegramPlugin {
    telegram: Option<Arc<Telegram>>,
    people: Arc<dyn People>,
    persons: Arc<dyn PeopleStore>,
}

impl TelegramPlugin {
    pub(super) fn new(deps: &PluginDeps) -> Self {
        Self {
            telegram: deps.telegram.clone(),
            people: Arc::clone(&deps.people),
            persons: Arc::clone(&deps.identities),
        }
    }

    /// The chat that is meant: by its number, a contact, or a person who uses this service.
    async fn chat_of(&self, telegram: &Telegram, call: &ActionCall, to: &str) -> Result<i64, ActionError> {
        if let Ok(id) = to.parse::<i64>() {
            return Ok(id);
        }
        let wanted = to.to_lowercase();
        let contacts = self.people.contacts(&call.person.id).await;
        let contacts = contacts.map_err(|_| ActionError::retry("the contacts cannot be read"))?;
        let named = |name: &String| name.to_lowercase() == wanted;
        let mut found = look_up_exactly(to, &contacts).into_iter();
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => return Err(ActionError::fail(format!("there are several contacts called {to}"))),
            (Some(only), None) => {
                if let Some(id) = &only.telegram {
                    return id.trim().parse().map_err(|_| {
                        ActionError::fail(format!(
                            "{to} has no Telegram number but \"{id}\"; a bot cannot write to a user name"
                        ))
                    });
                }
            }
            (None, _) => {}
        }
        let persons = self.persons.persons().await.map_err(|error| store_failed(&error))?;
        let mut found = persons.iter().filter(|person| named(&person.name));
        let (Some(person), None) = (found.next(), found.next()) else {
            return Err(ActionError::fail(format!("I do not know where on Telegram {to} is")));
        };
        let chat = telegram.outbox.private_chat(&person.id).await.map_err(|error| store_failed(&error))?;
        chat.map(|chat| chat.place.chat).ok_or_else(|| ActionError::fail(format!("{to} has no chat with the bot")))
    }
}

#[async_trait]
impl Plugin for TelegramPlugin {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn description(&self) -> &'static str {
        "Sends Telegram messages"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let words = || json!({"type": "string", "minLength": 1, "maxLength": 4_000});
        let to = json!({"type": "string", "minLength": 1, "maxLength": 200});
        let unavailable = self.telegram.is_none().then(|| OFF.to_owned());
        let message = json!({"to": to, "text": words()});
        let summary = "Sends a Telegram message to a contact, a person or a chat";
        vec![
            ActionSpec {
                targets: &["to"],
                unavailable: unavailable.clone(),
                ..spec("telegram.send_message", summary, message, &["to", "text"], ReachRule::World)
            },
            ActionSpec {
                unavailable,
                ..spec(
                    "telegram.send_notification",
                    "Tells you something on Telegram",
                    json!({"text": words()}),
                    &["text"],
                    ReachRule::Own,
                )
            },
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        let telegram = self.telegram.as_ref().ok_or_else(|| ActionError::fail(OFF))?;
        let words = text(&call.args, "text").ok_or_else(|| ActionError::fail("text is missing"))?;
        if call.action == "telegram.send_notification" {
            let chat = telegram.own_chat(&call.person).await?;
            let chat = chat.ok_or_else(|| ActionError::fail("you have no chat with the bot: link one first"))?;
            let sent = telegram.send(chat, words).await?;
            return Ok(outcome(sent.result(), format!("Told you on Telegram: {words}")));
        }
        let to = text(&call.args, "to").ok_or_else(|| ActionError::fail("to is missing"))?;
        let chat = self.chat_of(telegram, &call, to).await?;
        let sent = telegram.send(chat, words).await?;
        Ok(outcome(sent.result(), format!("Telegram message to {to}")))
    }

    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(90)
    }
}

#[cfg(test)]
mod tests {
    use workflows::ports::ActionErrorKind;

    use super::*;

    #[test]
    fn only_what_may_have_been_done_is_unknown() {
        assert_eq!(failed(&Trouble::NoAnswer).kind, ActionErrorKind::Unknown);
        assert_eq!(failed(&Trouble::Wait(7)).kind, ActionErrorKind::Retry { after_secs: Some(7) });
        assert_eq!(failed(&Trouble::NoConnection).kind, ActionErrorKind::Retry { after_secs: None });
        let blocked = Trouble::Unreachable("Forbidden: bot was blocked by the user".to_owned());
        assert_eq!(failed(&blocked).kind, ActionErrorKind::Fail);
    }
}
