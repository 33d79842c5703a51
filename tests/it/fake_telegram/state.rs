//! What the server knows: people, chats, messages, and the ledger.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use workflows::ports::{Clock, SystemClock};

use super::updates::Queue;

/// The bot's own account.
pub(crate) const BOT_ID: i64 = 7_000_000_001;
/// Its name for mentions.
pub(crate) const BOT_USERNAME: &str = "fake_office_bot";
/// Ids below this belong to supergroups.
const SUPERGROUP_ID_MAX: i64 = -1_000_000_000_000;

/// How the next call of a method goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers 429 and does nothing.
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Answers 409, as to a second poller, and does nothing.
    Conflict,
    /// Answers 500 with a page of HTML and does nothing.
    ServerError,
    /// Answers 502 with a page of HTML and does nothing.
    BadGateway,
    /// Does nothing and never answers.
    Hang,
    /// Does nothing and closes.
    Close,
    /// Does it, sends half of the answer and closes.
    HalfAnswer,
    /// Does it and closes without an answer.
    PerformAndClose,
    /// Does it and never answers.
    PerformAndHang,
    /// Does it after this time, whether or not the client still waits, and answers.
    Delay(Duration),
}

/// A call of the Bot API.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The method, spelled as in the documentation.
    pub(crate) method: &'static str,
    /// Its parameters; an upload stands as `attach://name`.
    pub(crate) params: Value,
    /// When it came.
    pub(crate) at: Instant,
    /// Whether the answer was ok; `None` as long as there is no whole answer.
    pub(crate) ok: Option<bool>,
}

/// An answer that was not ok.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The method.
    pub(crate) method: &'static str,
    /// The status.
    pub(crate) code: u16,
    /// Telegram's words.
    pub(crate) description: String,
}

/// A message of the bot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BotMessage {
    /// The chat it is in.
    pub(crate) chat: i64,
    /// Its number in the chat.
    pub(crate) id: i64,
    /// The text or caption after parsing.
    pub(crate) text: String,
    /// The text or caption as it came.
    pub(crate) raw: String,
    /// The entities after parsing.
    pub(crate) entities: Vec<Value>,
    /// The keyboard; an empty one is none.
    pub(crate) markup: Option<Value>,
    /// The topic of a forum.
    pub(crate) thread: Option<i64>,
    /// The message it replies to.
    pub(crate) reply_to: Option<i64>,
    /// The picture.
    pub(crate) photo: Option<String>,
    /// How often it was edited.
    pub(crate) edits: u32,
    pub(super) date: i64,
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Button {
    /// What it says.
    pub(crate) label: String,
    /// What comes back when it is pressed.
    pub(crate) data: Option<String>,
    /// What it opens.
    pub(crate) url: Option<String>,
}

impl BotMessage {
    /// The buttons under it, row by row.
    pub(crate) fn buttons(&self) -> Vec<Button> {
        let text = |button: &Value, key: &str| button[key].as_str().map(str::to_owned);
        let rows = self.markup.as_ref().and_then(|markup| markup["inline_keyboard"].as_array());
        let buttons = rows.into_iter().flatten().filter_map(Value::as_array).flatten();
        let button = |button| Button {
            label: text(button, "text").unwrap_or_default(),
            data: text(button, "callback_data"),
            url: text(button, "url"),
        };
        buttons.map(button).collect()
    }
}

/// A callback query.
#[derive(Debug, Clone)]
pub(crate) struct Press {
    /// The id of the query.
    pub(crate) id: String,
    /// The update that carries it.
    pub(crate) update: i64,
    /// Where it was pressed.
    pub(crate) chat: i64,
    /// Who pressed.
    pub(crate) user: i64,
    /// Under which message.
    pub(crate) message: i64,
    /// What the button carries.
    pub(crate) data: String,
    /// When it was pressed.
    pub(crate) pressed: Instant,
    /// When the bot answered.
    pub(crate) answered: Option<Instant>,
    /// What the answer said.
    pub(crate) text: Option<String>,
    /// Whether the answer was an alert.
    pub(crate) alert: bool,
    pub(super) expired: bool,
    /// Whether the whole first answer was sent.
    pub(super) seen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Private,
    Group,
    Supergroup,
}

pub(super) enum Held {
    Bot(Box<BotMessage>),
    Other(Value),
}

pub(super) struct Chat {
    pub(super) id: i64,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) forum: bool,
    /// Status by user; the bot is among them.
    pub(super) members: BTreeMap<i64, String>,
    /// Topics by thread; `None` once deleted.
    pub(super) topics: BTreeMap<i64, Option<String>>,
    pub(super) messages: BTreeMap<i64, Held>,
    /// Messages that were there once.
    pub(super) erased: HashSet<i64>,
    pub(super) migrated_to: Option<i64>,
    /// The number of the next message of a supergroup.
    pub(super) next: i64,
}

#[derive(Default)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) username: Option<String>,
    pub(super) language: Option<String>,
}

pub(super) struct Flood {
    pub(super) until: Instant,
    /// Whether the client has been told.
    pub(super) told: bool,
}

/// Why a call is refused.
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) description: String,
    pub(super) parameters: Option<Value>,
    /// Whether only a faulty client meets it.
    pub(super) violation: bool,
}

impl Refusal {
    /// What a correct client can meet.
    pub(super) fn met(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None, violation: false }
    }

    /// What only a faulty client meets.
    pub(super) fn wrong(why: impl std::fmt::Display) -> Self {
        Self { violation: true, ..Self::met(400, format!("Bad Request: {why}")) }
    }

    pub(super) fn too_many(retry_after: u64) -> Self {
        let parameters = Some(json!({"retry_after": retry_after}));
        Self { parameters, ..Self::met(429, format!("Too Many Requests: retry after {retry_after}")) }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({"ok": false, "error_code": self.code, "description": self.description});
        if let Some(parameters) = &self.parameters {
            body["parameters"] = parameters.clone();
        }
        body
    }
}

pub(super) type Answer = Result<Value, Refusal>;

#[derive(Default)]
pub(super) struct State {
    pub(super) users: HashMap<i64, User>,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) blocked: HashSet<i64>,
    /// Content by file id.
    pub(super) files: HashMap<String, Vec<u8>>,
    pub(super) queue: Queue,
    pub(super) faults: HashMap<&'static str, VecDeque<Fault>>,
    pub(super) floods: HashMap<i64, Flood>,
    pub(super) calls: Vec<Call>,
    pub(super) refused: Vec<Refused>,
    pub(super) violations: Vec<String>,
    pub(super) sent: Vec<BotMessage>,
    pub(super) presses: Vec<Press>,
    /// Commands by scope and language.
    pub(super) commands: BTreeMap<String, Value>,
    pub(super) actions: Vec<(i64, String)>,
    /// The last message of private chats and groups, which count together.
    last_message: i64,
}

/// Now, as Telegram writes it.
pub(super) fn now() -> i64 {
    SystemClock.now().timestamp()
}

impl State {
    pub(super) fn add_user(&mut self, id: i64, name: &str) {
        assert!(id > 0 && id != BOT_ID, "{id} is no user");
        name.clone_into(&mut self.users.entry(id).or_default().name);
    }

    pub(super) fn add_chat(&mut self, id: i64, title: &str, forum: bool, members: &[(i64, &str)]) {
        let kind = match id {
            1.. => Kind::Private,
            ..=SUPERGROUP_ID_MAX => Kind::Supergroup,
            _ => Kind::Group,
        };
        assert!(!forum || kind == Kind::Supergroup, "a forum is a supergroup: its id starts with -100");
        for (user, name) in members {
            self.add_user(*user, name);
        }
        let in_it = members.iter().map(|(user, _)| *user).chain([BOT_ID]);
        let chat = Chat {
            id,
            kind,
            title: title.to_owned(),
            forum,
            members: in_it.map(|user| (user, "member".to_owned())).collect(),
            topics: BTreeMap::new(),
            messages: BTreeMap::new(),
            erased: HashSet::new(),
            migrated_to: None,
            next: 1,
        };
        assert!(self.chats.insert(id, chat).is_none(), "chat {id} is already there");
    }

    pub(super) fn chat(&self, id: i64) -> &Chat {
        self.chats.get(&id).unwrap_or_else(|| panic!("there is no chat {id}"))
    }

    pub(super) fn chat_mut(&mut self, id: i64) -> &mut Chat {
        self.chats.get_mut(&id).unwrap_or_else(|| panic!("there is no chat {id}"))
    }

    /// The number of the next message of a chat: a supergroup counts alone, the others together.
    pub(super) fn next_message(&mut self, chat: i64) -> i64 {
        if self.chat(chat).kind == Kind::Supergroup {
            let chat = self.chat_mut(chat);
            chat.next += 1;
            chat.next - 1
        } else {
            self.last_message += 1;
            self.last_message
        }
    }

    pub(super) fn message(&self, chat: i64, id: i64) -> Option<&BotMessage> {
        match self.chats.get(&chat)?.messages.get(&id)? {
            Held::Bot(message) => Some(message),
            Held::Other(_) => None,
        }
    }

    pub(super) fn messages(&self, chat: i64) -> impl DoubleEndedIterator<Item = &BotMessage> {
        let held = self.chats.get(&chat).into_iter().flat_map(|chat| chat.messages.values());
        held.filter_map(|held| match held {
            Held::Bot(message) => Some(&**message),
            Held::Other(_) => None,
        })
    }

    pub(super) fn user_json(&self, id: i64) -> Value {
        if id == BOT_ID {
            return json!({"id": BOT_ID, "is_bot": true, "first_name": "Fake Office", "username": BOT_USERNAME});
        }
        let user = self.users.get(&id).unwrap_or_else(|| panic!("there is no user {id}"));
        let mut found = json!({"id": id, "is_bot": false, "first_name": user.name});
        if let Some(username) = &user.username {
            found["username"] = json!(username);
        }
        if let Some(language) = &user.language {
            found["language_code"] = json!(language);
        }
        found
    }

    pub(super) fn chat_json(&self, id: i64) -> Value {
        let chat = self.chat(id);
        match chat.kind {
            Kind::Private => {
                let user = self.user_json(id);
                let mut found = json!({"id": id, "first_name": user["first_name"], "type": "private"});
                if let Some(username) = user.get("username") {
                    found["username"] = username.clone();
                }
                found
            }
            Kind::Group => {
                json!({"id": id, "title": chat.title, "type": "group"})
            }
            Kind::Supergroup if chat.forum => {
                json!({"id": id, "title": chat.title, "type": "supergroup", "is_forum": true})
            }
            Kind::Supergroup => json!({"id": id, "title": chat.title, "type": "supergroup"}),
        }
    }

    /// A message as Telegram shows it; what it replies to is shown one level deep.
    pub(super) fn message_json(&self, message: &BotMessage) -> Value {
        let mut found = Map::new();
        let mut put = |key: &str, value: Value| found.insert(key.to_owned(), value);
        put("message_id", json!(message.id));
        put("from", self.user_json(BOT_ID));
        put("chat", self.chat_json(message.chat));
        put("date", json!(message.date));
        if message.edits > 0 {
            put("edit_date", json!(now()));
        }
        if let Some(thread) = message.thread {
            put("message_thread_id", json!(thread));
            put("is_topic_message", json!(true));
        }
        let (text, entities) = match &message.photo {
            Some(photo) => {
                put("photo", photo_sizes(photo, 0));
                ("caption", "caption_entities")
            }
            None => ("text", "entities"),
        };
        if !message.text.is_empty() {
            put(text, json!(message.text));
        }
        if !message.entities.is_empty() {
            put(entities, json!(message.entities));
        }
        if let Some(markup) = message.markup.as_ref().filter(|markup| markup.get("inline_keyboard").is_some()) {
            put("reply_markup", markup.clone());
        }
        if let Some(other) = message.reply_to.or(message.thread).and_then(|id| self.shown(message.chat, id)) {
            put("reply_to_message", other);
        }
        Value::Object(found)
    }

    /// Any message of a chat, without what it replies to.
    pub(super) fn shown(&self, chat: i64, id: i64) -> Option<Value> {
        let mut found = match self.chats.get(&chat)?.messages.get(&id)? {
            Held::Bot(message) => {
                let alone = BotMessage { reply_to: Some(0), ..(**message).clone() };
                self.message_json(&alone)
            }
            Held::Other(value) => value.clone(),
        };
        if let Some(fields) = found.as_object_mut() {
            fields.remove("reply_to_message");
        }
        Some(found)
    }
}

/// The sizes of a picture: the last is the whole one.
pub(super) fn photo_sizes(id: &str, bytes: usize) -> Value {
    json!([
        {"file_id": format!("{id}-s"), "file_unique_id": format!("u{id}-s"), "width": 90, "height": 60, "file_size": 9},
        {"file_id": id, "file_unique_id": format!("u{id}"), "width": 1280, "height": 853, "file_size": bytes}
    ])
}
