//! What people do: each becomes an update for the bot.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::FakeTelegram;
use super::html;
use super::state::{BOT_ID, Held, Kind, Press, State, now, photo_sizes};

/// A press that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pressed {
    /// The update that carries it.
    pub(crate) update: i64,
    /// The id of the callback query.
    pub(crate) query: String,
}

/// The colour of a topic.
const TOPIC_COLOR: i64 = 7_322_096;

impl FakeTelegram {
    /// A person and the private chat with them, which they have begun; its id is theirs.
    pub(crate) fn private(&self, user: i64, name: &str) {
        self.change(|state| state.add_chat(user, name, false, &[(user, name)]));
    }

    /// A group, or a supergroup when the id starts with -100; the bot is a member.
    pub(crate) fn group(&self, chat: i64, title: &str, members: &[(i64, &str)]) {
        self.change(|state| state.add_chat(chat, title, false, members));
    }

    /// A supergroup with topics.
    pub(crate) fn forum(&self, chat: i64, title: &str, members: &[(i64, &str)]) {
        self.change(|state| state.add_chat(chat, title, true, members));
    }

    /// Gives a person a name for mentions, without @.
    pub(crate) fn set_username(&self, user: i64, username: &str) {
        self.change(|state| state.users.entry(user).or_default().username = Some(username.to_owned()));
    }

    /// The language of a person's app.
    pub(crate) fn set_language(&self, user: i64, code: &str) {
        self.change(|state| state.users.entry(user).or_default().language = Some(code.to_owned()));
    }

    /// Opens a topic, and its number.
    pub(crate) fn topic(&self, chat: i64, user: i64, name: &str) -> i64 {
        self.change(|state| {
            let thread = state.next_message(chat);
            state.open_topic(chat, thread, user, name);
            thread
        })
    }

    /// Deletes a topic with its messages; the bot is not told.
    pub(crate) fn delete_topic(&self, chat: i64, thread: i64) {
        self.change(|state| {
            let chat = state.chat_mut(chat);
            chat.topics.insert(thread, None);
            let in_it = |held: &Held| match held {
                Held::Bot(message) => message.thread == Some(thread),
                Held::Other(message) => message["message_thread_id"] == thread,
            };
            let gone: Vec<i64> = chat.messages.iter().filter(|(_, held)| in_it(held)).map(|(id, _)| *id).collect();
            for id in gone {
                chat.messages.remove(&id);
                chat.erased.insert(id);
            }
        });
    }

    /// Somebody writes; the number of the update.
    pub(crate) fn say(&self, chat: i64, user: i64, text: &str) -> i64 {
        self.change(|state| state.write(chat, user, None, None, text))
    }

    /// Somebody writes in a topic, which begins with it when it is new.
    pub(crate) fn say_in_topic(&self, chat: i64, thread: i64, user: i64, text: &str) -> i64 {
        self.change(|state| {
            if !state.chat(chat).topics.contains_key(&thread) {
                state.open_topic(chat, thread, user, &format!("Topic {thread}"));
            }
            state.write(chat, user, Some(thread), None, text)
        })
    }

    /// Somebody replies to a message.
    pub(crate) fn reply(&self, chat: i64, user: i64, to: i64, text: &str) -> i64 {
        self.change(|state| state.write(chat, user, None, Some(to), text))
    }

    /// Somebody edits a message of their own.
    pub(crate) fn edit(&self, chat: i64, user: i64, message: i64, text: &str) -> i64 {
        self.change(|state| {
            let Some(Held::Other(held)) = state.chat_mut(chat).messages.get_mut(&message) else {
                panic!("no message {message} of a person in chat {chat}");
            };
            assert_eq!(held["from"]["id"], user, "message {message} is somebody else's");
            let (key, entities) =
                if held.get("photo").is_some() { ("caption", "caption_entities") } else { ("text", "entities") };
            held[key] = json!(text);
            held["edit_date"] = json!(now());
            put_entities(held, entities, text);
            let edited = held.clone();
            state.queue.push("edited_message", edited)
        })
    }

    /// Somebody sends a picture, with or without a caption; `getFile` and its link give the bytes.
    pub(crate) fn photo(&self, chat: i64, user: i64, caption: &str, bytes: &[u8]) -> i64 {
        self.change(|state| {
            let mut message = state.begin_message(chat, user, None, None);
            let file = format!("got{chat}x{}", message["message_id"]);
            message["photo"] = photo_sizes(&file, bytes.len());
            if !caption.is_empty() {
                message["caption"] = json!(caption);
                put_entities(&mut message, "caption_entities", caption);
            }
            state.files.insert(format!("{file}-s"), b"thumbnail".to_vec());
            state.files.insert(file, bytes.to_vec());
            state.take_message(chat, message)
        })
    }

    /// Somebody presses a button with this data.
    pub(crate) fn press(&self, chat: i64, user: i64, message: i64, data: &str) -> Pressed {
        self.change(|state| state.press(chat, user, message, data))
    }

    /// Somebody presses the button with this label under the newest message that has one.
    pub(crate) fn press_label(&self, chat: i64, user: i64, label: &str) -> Pressed {
        self.change(|state| {
            let found = state.messages(chat).rev().find_map(|message| {
                let button = message.buttons().into_iter().find(|button| button.label == label)?;
                Some((message.id, button.data.unwrap_or_else(|| panic!("\"{label}\" carries no data"))))
            });
            let (message, data) = found.unwrap_or_else(|| {
                let there: Vec<_> = state.messages(chat).flat_map(super::BotMessage::buttons).collect();
                panic!("no button \"{label}\" in chat {chat}; there are {there:#?}")
            });
            state.press(chat, user, message, &data)
        })
    }

    /// Makes a callback query too old to be answered.
    pub(crate) fn expire(&self, query: &str) {
        self.change(|state| {
            let press = state.presses.iter_mut().find(|press| press.id == query);
            press.unwrap_or_else(|| panic!("there is no query {query}")).expired = true;
        });
    }

    /// Somebody deletes a message; the bot is not told.
    pub(crate) fn erase(&self, chat: i64, message: i64) {
        self.change(|state| {
            let chat = state.chat_mut(chat);
            assert!(chat.messages.remove(&message).is_some(), "no message {message}");
            chat.erased.insert(message);
        });
    }

    /// Somebody blocks the bot, which it hears as an update.
    pub(crate) fn block(&self, user: i64) -> i64 {
        self.my_chat_member(user, user, "kicked")
    }

    /// Somebody changes the bot's own status in a chat: member, administrator, left or kicked.
    pub(crate) fn my_chat_member(&self, chat: i64, user: i64, status: &str) -> i64 {
        self.change(|state| state.change_bot(chat, user, status))
    }

    /// Sets what `getChatMember` says of a person; no update is made.
    pub(crate) fn set_member(&self, chat: i64, user: i64, status: &str) {
        self.change(|state| state.chat_mut(chat).members.insert(user, status.to_owned()));
    }

    /// Turns a group into a supergroup: a service message in the old one, then one in the new one.
    pub(crate) fn migrate(&self, old: i64, new: i64) -> (i64, i64) {
        self.change(|state| {
            let members: Vec<_> = state.chat(old).members.clone().into_iter().collect();
            let title = state.chat(old).title.clone();
            let user = members.iter().map(|(user, _)| *user).find(|user| *user != BOT_ID).expect("a member");
            if !state.chats.contains_key(&new) {
                state.add_chat(new, &title, false, &[]);
                state.chat_mut(new).members = members.into_iter().collect();
            }
            let mut leaves = state.begin_message(old, user, None, None);
            leaves["migrate_to_chat_id"] = json!(new);
            let mut comes = state.begin_message(new, user, None, None);
            comes["migrate_from_chat_id"] = json!(old);
            state.chat_mut(old).migrated_to = Some(new);
            (state.take_message(old, leaves), state.take_message(new, comes))
        })
    }

    /// Any other update; its number is put in.
    pub(crate) fn raw_update(&self, update: Value) -> i64 {
        self.change(|state| state.queue.push_raw(update))
    }
}

fn put_entities(message: &mut Value, key: &str, text: &str) {
    let entities = html::found_entities(text);
    if let Some(message) = message.as_object_mut() {
        message.remove(key);
        if !entities.is_empty() {
            message.insert(key.to_owned(), json!(entities));
        }
    }
}

impl State {
    fn open_topic(&mut self, chat: i64, thread: i64, user: i64, name: &str) {
        assert!(self.chat(chat).forum, "chat {chat} has no topics");
        let mut message = Map::new();
        message.insert("message_id".to_owned(), json!(thread));
        message.insert("from".to_owned(), self.user_json(user));
        message.insert("chat".to_owned(), self.chat_json(chat));
        message.insert("date".to_owned(), json!(now()));
        message.insert("message_thread_id".to_owned(), json!(thread));
        message.insert("is_topic_message".to_owned(), json!(true));
        message.insert("forum_topic_created".to_owned(), json!({"name": name, "icon_color": TOPIC_COLOR}));
        let chat = self.chat_mut(chat);
        chat.next = chat.next.max(thread + 1);
        chat.topics.insert(thread, Some(name.to_owned()));
        chat.messages.insert(thread, Held::Other(Value::Object(message)));
    }

    /// The head of a message of a person.
    fn begin_message(&mut self, chat: i64, user: i64, thread: Option<i64>, reply_to: Option<i64>) -> Value {
        let held = self.chat(chat);
        let is_member = held.members.get(&user).is_some_and(|status| !matches!(status.as_str(), "left" | "kicked"));
        assert!(is_member, "{user} is not a member of chat {chat}");
        assert!(!self.blocked.contains(&chat), "{user} has blocked the bot");
        let id = self.next_message(chat);
        let mut message = json!({
            "message_id": id,
            "from": self.user_json(user),
            "chat": self.chat_json(chat),
            "date": now(),
        });
        let replied = reply_to.map(|to| self.shown(chat, to).unwrap_or_else(|| panic!("no message {to} to reply to")));
        let topic = replied.as_ref().filter(|shown| shown["is_topic_message"] == true);
        let thread = thread.or_else(|| topic?["message_thread_id"].as_i64());
        if let Some(thread) = thread {
            message["message_thread_id"] = json!(thread);
            message["is_topic_message"] = json!(true);
        } else if let Some(to) = reply_to.filter(|_| self.chat(chat).kind == Kind::Supergroup) {
            // A chain of replies has a thread as well, and is no topic.
            let chain = replied.as_ref().and_then(|shown| shown["message_thread_id"].as_i64());
            message["message_thread_id"] = json!(chain.unwrap_or(to));
        }
        // What is said in a topic replies to the message that opened it.
        if let Some(shown) = replied.or_else(|| self.shown(chat, thread?)) {
            message["reply_to_message"] = shown;
        }
        message
    }

    fn take_message(&mut self, chat: i64, message: Value) -> i64 {
        let id = message["message_id"].as_i64().expect("a number");
        self.chat_mut(chat).messages.insert(id, Held::Other(message.clone()));
        self.queue.push("message", message)
    }

    fn write(&mut self, chat: i64, user: i64, thread: Option<i64>, reply_to: Option<i64>, text: &str) -> i64 {
        let mut message = self.begin_message(chat, user, thread, reply_to);
        message["text"] = json!(text);
        put_entities(&mut message, "entities", text);
        self.take_message(chat, message)
    }

    fn press(&mut self, chat: i64, user: i64, message: i64, data: &str) -> Pressed {
        let gone = json!({"chat": self.chat_json(chat), "message_id": message, "date": 0});
        let shown = match self.message(chat, message) {
            Some(message) => self.message_json(message),
            None => gone,
        };
        let query = format!("{}{:06}", 4_990_000_000_u64 + user.unsigned_abs() % 1_000_000, self.presses.len() + 1);
        let update = json!({
            "id": query,
            "from": self.user_json(user),
            "message": shown,
            "chat_instance": chat.to_string(),
            "data": data,
        });
        let update = self.queue.push("callback_query", update);
        self.presses.push(Press {
            id: query.clone(),
            update,
            chat,
            user,
            message,
            data: data.to_owned(),
            pressed: Instant::now(),
            answered: None,
            text: None,
            alert: false,
            expired: false,
            seen: false,
        });
        Pressed { update, query }
    }
}
