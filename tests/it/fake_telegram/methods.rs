//! The methods of the Bot API.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::html::{self, Parsed};
use super::http::Params;
use super::state::{Answer, BOT_ID, BOT_USERNAME, BotMessage, Held, Kind, Refusal, State, now, photo_sizes};
use super::{markup, members, spec};

/// The methods that this server has.
const METHODS: [&str; 19] = [
    "getMe",
    "getUpdates",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
    "setMyCommands",
    "getMyCommands",
    "deleteMyCommands",
    "sendMessage",
    "sendPhoto",
    "editMessageText",
    "editMessageReplyMarkup",
    "deleteMessage",
    "answerCallbackQuery",
    "getFile",
    "getChat",
    "getChatMember",
    "sendChatAction",
    "leaveChat",
];
/// Longest text of a message, in UTF-16 units after parsing.
const TEXT_UNITS_MAX: usize = 4096;
/// Longest caption, in the same units.
const CAPTION_UNITS_MAX: usize = 1024;
/// Longest answer to a press, in characters.
const ANSWER_CHARS_MAX: usize = 200;
/// Largest file that a bot may fetch.
const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// What a bot can be seen doing.
const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

type Fields = Map<String, Value>;

/// The method as documented; clients may spell it in any case.
pub(super) fn known(name: &str) -> Option<&'static str> {
    METHODS.iter().copied().find(|method| method.eq_ignore_ascii_case(name))
}

/// What the earlier of two pollers gets.
pub(super) fn conflict() -> Refusal {
    let why = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    Refusal::met(409, why)
}

fn too_old() -> &'static str {
    "query is too old and response timeout expired or query ID is invalid"
}

pub(super) fn integer(params: &Fields, name: &str) -> Result<i64, Refusal> {
    let found = params.get(name).and_then(Value::as_i64);
    found.ok_or_else(|| Refusal::wrong(format_args!("parameter \"{name}\" is not an integer")))
}

fn string<'a>(params: &'a Fields, name: &str) -> Result<&'a str, Refusal> {
    let found = params.get(name).and_then(Value::as_str);
    found.ok_or_else(|| Refusal::wrong(format_args!("parameter \"{name}\" is not a string")))
}

/// Holds a call against the published description.
pub(super) fn check(method: &str, fields: &Fields) -> Result<(), Refusal> {
    let wrong = spec::check(method, fields);
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::wrong(wrong.join("; "))) }
}

impl State {
    /// Does what a call asks for; `seen` tells whether its answer will arrive whole.
    pub(super) fn perform(&mut self, method: &str, params: &Params, seen: bool) -> Answer {
        let fields = &params.fields;
        match method {
            "getMe" => Ok(me()),
            "setWebhook" => self.queue.set_webhook(fields),
            "deleteWebhook" => Ok(self.queue.delete_webhook(fields)),
            "getWebhookInfo" => Ok(self.queue.webhook_info()),
            "setMyCommands" => self.set_commands(fields),
            "getMyCommands" => Ok(self.commands.get(&members::commands_key(fields)).cloned().unwrap_or(json!([]))),
            "deleteMyCommands" => Ok(json!(self.commands.remove(&members::commands_key(fields)).is_none_or(|_| true))),
            "sendMessage" => self.send(params, false),
            "sendPhoto" => self.send(params, true),
            "editMessageText" => self.edit(fields, true),
            "editMessageReplyMarkup" => self.edit(fields, false),
            "deleteMessage" => self.delete(fields),
            "answerCallbackQuery" => self.answer_press(fields, seen),
            "getFile" => self.get_file(fields),
            "getChat" => self.get_chat(fields),
            "getChatMember" => self.get_member(fields),
            "sendChatAction" => self.send_action(fields),
            "leaveChat" => self.leave(fields),
            _ => Err(Refusal::met(404, "Not Found")),
        }
    }

    /// The chat of a call, if the bot may act there.
    pub(super) fn target(&self, params: &Fields) -> Result<i64, Refusal> {
        let missing = || Refusal::met(400, "Bad Request: chat not found");
        let id = match params.get("chat_id") {
            Some(Value::String(name)) => {
                let name = name.strip_prefix('@');
                let name = name.ok_or_else(|| Refusal::wrong("chat_id is a string without @"))?;
                let named = |id: &&i64| self.users.get(*id).is_some_and(|user| user.username.as_deref() == Some(name));
                *self.chats.keys().find(named).ok_or_else(missing)?
            }
            _ => integer(params, "chat_id")?,
        };
        let Some(chat) = self.chats.get(&id) else {
            return Err(if self.users.contains_key(&id) {
                Refusal::met(403, "Forbidden: bot can't initiate conversation with a user")
            } else {
                missing()
            });
        };
        if let Some(new) = chat.migrated_to {
            let why = "Bad Request: group chat was upgraded to a supergroup chat";
            return Err(Refusal { parameters: Some(json!({"migrate_to_chat_id": new})), ..Refusal::met(400, why) });
        }
        if self.blocked.contains(&id) {
            return Err(Refusal::met(403, "Forbidden: bot was blocked by the user"));
        }
        let place = if chat.kind == Kind::Supergroup { "supergroup chat" } else { "group chat" };
        match chat.members.get(&BOT_ID).map_or("left", String::as_str) {
            "kicked" => Err(Refusal::met(403, format!("Forbidden: bot was kicked from the {place}"))),
            "left" => Err(Refusal::met(403, format!("Forbidden: bot is not a member of the {place}"))),
            _ => Ok(id),
        }
    }

    /// Holds back what goes to a flooded chat.
    fn check_flood(&mut self, chat: i64) -> Result<(), Refusal> {
        let Some(flood) = self.floods.get_mut(&chat) else { return Ok(()) };
        let left = flood.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.floods.remove(&chat);
            return Ok(());
        }
        if std::mem::replace(&mut flood.told, true) {
            self.violations.push(format!("flood: chat {chat} was to be left alone for {left:?} more"));
        }
        Err(Refusal::too_many(left.as_secs() + 1))
    }

    fn text(&mut self, params: &Fields, name: &str, max: usize) -> Result<(Parsed, String), Refusal> {
        let raw = params.get(name).and_then(Value::as_str).unwrap_or_default();
        for other in ["entities", "caption_entities"] {
            if params.contains_key(other) {
                return Err(Refusal::wrong(format_args!("{other} are not in use here: HTML is")));
            }
        }
        let mut parsed = match params.get("parse_mode").map(Value::as_str) {
            None => html::plain(raw),
            Some(Some(mode)) if mode.eq_ignore_ascii_case("html") => {
                html::parse(raw).map_err(|why| Refusal::wrong(format_args!("can't parse entities: {why}")))?
            }
            Some(mode) => return Err(Refusal::wrong(format_args!("parse_mode {mode:?} is not in use here"))),
        };
        self.resolve_mentions(&mut parsed);
        for why in &parsed.sloppy {
            self.violations.push(format!("{name}: {why}: {raw}"));
        }
        if html::units(&parsed.text) > max {
            let why = if name == "text" { "message is too long" } else { "message caption is too long" };
            return Err(Refusal::wrong(why));
        }
        if parsed.text.is_empty() && name == "text" {
            return Err(Refusal::wrong("message text is empty"));
        }
        Ok((parsed, raw.to_owned()))
    }

    /// A link to a person is a mention of them, and nothing when the bot does not know them.
    fn resolve_mentions(&self, parsed: &mut Parsed) {
        let Parsed { entities, sloppy, .. } = parsed;
        entities.retain_mut(|entity| {
            let Some(id) = entity["url"].as_str().and_then(|link| link.strip_prefix("tg://user?id=")) else {
                return true;
            };
            let Some(id) = id.parse().ok().filter(|id| self.users.contains_key(id)) else {
                sloppy.push(format!("the mention of {id} is dropped: nobody known"));
                return false;
            };
            *entity = json!({"type": "text_mention", "offset": entity["offset"], "length": entity["length"],
                "user": self.user_json(id)});
            true
        });
    }

    fn send(&mut self, params: &Params, photo: bool) -> Answer {
        let fields = &params.fields;
        let (name, max) = if photo { ("caption", CAPTION_UNITS_MAX) } else { ("text", TEXT_UNITS_MAX) };
        let (parsed, raw) = self.text(fields, name, max)?;
        let markup = markup::of(fields, false)?;
        let chat = self.target(fields)?;
        self.check_flood(chat)?;
        let reply_to = self.reply(fields, chat)?;
        let of_reply = reply_to.and_then(|id| self.thread_of(chat, id));
        let thread = self.thread(fields, chat)?.or(of_reply);
        let id = self.next_message(chat);
        let photo = if photo { Some(self.uploaded(params, chat, id)?) } else { None };
        let message = BotMessage {
            chat,
            id,
            text: parsed.text,
            raw,
            entities: parsed.entities,
            markup,
            thread,
            reply_to,
            photo,
            edits: 0,
            date: now(),
        };
        self.sent.push(message.clone());
        let answer = self.message_json(&message);
        self.chat_mut(chat).messages.insert(id, Held::Bot(Box::new(message)));
        Ok(answer)
    }

    fn uploaded(&mut self, params: &Params, chat: i64, id: i64) -> Result<String, Refusal> {
        let photo = string(&params.fields, "photo")?;
        if let Some(name) = photo.strip_prefix("attach://") {
            let bytes = params.files.get(name).filter(|bytes| !bytes.is_empty());
            let bytes = bytes.ok_or_else(|| Refusal::wrong("file must be non-empty"))?.clone();
            let file = format!("sent{chat}x{id}");
            self.files.insert(file.clone(), bytes);
            return Ok(file);
        }
        if !self.files.contains_key(photo) {
            return Err(Refusal::wrong("wrong file identifier/HTTP URL specified"));
        }
        Ok(photo.to_owned())
    }

    /// The topic that a message belongs to.
    fn thread_of(&self, chat: i64, id: i64) -> Option<i64> {
        self.shown(chat, id).filter(|shown| shown["is_topic_message"] == true)?["message_thread_id"].as_i64()
    }

    fn thread(&self, params: &Fields, chat: i64) -> Result<Option<i64>, Refusal> {
        if params.get("message_thread_id").is_none() {
            return Ok(None);
        }
        let thread = integer(params, "message_thread_id")?;
        match self.chat(chat).topics.get(&thread) {
            Some(Some(_)) => Ok(Some(thread)),
            Some(None) => Err(Refusal::met(400, "Bad Request: message thread not found")),
            None => Err(Refusal::wrong("message thread not found")),
        }
    }

    fn reply(&self, params: &Fields, chat: i64) -> Result<Option<i64>, Refusal> {
        let Some(reply) = params.get("reply_parameters").and_then(Value::as_object) else { return Ok(None) };
        let id = integer(reply, "message_id")?;
        if reply.get("chat_id").is_some_and(|other| other != chat) {
            return Err(Refusal::wrong("replies to another chat are not in use here"));
        }
        if let Some(shown) = self.shown(chat, id) {
            let text = shown["text"].as_str().or(shown["caption"].as_str()).unwrap_or_default();
            let quote = reply.get("quote").and_then(Value::as_str).unwrap_or_default();
            if text.contains(quote) { Ok(Some(id)) } else { Err(Refusal::wrong("QUOTE_TEXT_INVALID")) }
        } else if reply.get("allow_sending_without_reply") == Some(&json!(true)) {
            Ok(None)
        } else {
            let was_there = self.chat(chat).erased.contains(&id);
            Err(Refusal { violation: !was_there, ..Refusal::wrong("message to be replied not found") })
        }
    }

    fn edit(&mut self, params: &Fields, with_text: bool) -> Answer {
        let parsed = if with_text {
            string(params, "text")?;
            Some(self.text(params, "text", TEXT_UNITS_MAX)?)
        } else {
            None
        };
        let markup = markup::of(params, true)?;
        if params.contains_key("inline_message_id") {
            return Err(Refusal::wrong("inline messages are not in use here"));
        }
        let chat = self.target(params)?;
        self.check_flood(chat)?;
        let id = integer(params, "message_id")?;
        match self.chat(chat).messages.get(&id) {
            Some(Held::Bot(_)) => {}
            Some(Held::Other(_)) => return Err(Refusal::wrong("message can't be edited")),
            None => return Err(Refusal::met(400, "Bad Request: message to edit not found")),
        }
        let Some(Held::Bot(message)) = self.chat_mut(chat).messages.get_mut(&id) else {
            return Err(Refusal::met(400, "Bad Request: message to edit not found"));
        };
        let mut changed = (**message).clone();
        if let Some((parsed, raw)) = parsed {
            if message.photo.is_some() {
                return Err(Refusal::wrong("there is no text in the message to edit"));
            }
            (changed.text, changed.entities, changed.raw) = (parsed.text, parsed.entities, raw);
        }
        changed.markup = markup;
        let same =
            |a: &BotMessage, b: &BotMessage| (&a.text, &a.entities, &a.markup) == (&b.text, &b.entities, &b.markup);
        if same(&changed, message) {
            let why = "Bad Request: message is not modified: specified new message content and reply markup are \
                       exactly the same as a current content and reply markup of the message";
            return Err(Refusal::met(400, why));
        }
        changed.edits += 1;
        **message = changed.clone();
        Ok(self.message_json(&changed))
    }

    fn delete(&mut self, params: &Fields) -> Answer {
        let chat = self.target(params)?;
        let id = integer(params, "message_id")?;
        let chat = self.chat_mut(chat);
        let may = chat.kind == Kind::Private || chat.members.get(&BOT_ID).is_some_and(|s| s == "administrator");
        match chat.messages.get(&id) {
            None => return Err(Refusal::met(400, "Bad Request: message to delete not found")),
            Some(Held::Other(_)) if !may => return Err(Refusal::met(400, "Bad Request: message can't be deleted")),
            Some(Held::Bot(_) | Held::Other(_)) => {}
        }
        chat.messages.remove(&id);
        chat.erased.insert(id);
        Ok(json!(true))
    }

    fn answer_press(&mut self, params: &Fields, seen: bool) -> Answer {
        let id = string(params, "callback_query_id")?;
        let text = params.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > ANSWER_CHARS_MAX) {
            return Err(Refusal::wrong("MESSAGE_TOO_LONG"));
        }
        let Some(press) = self.presses.iter_mut().find(|press| press.id == id) else {
            return Err(Refusal::wrong(too_old()));
        };
        if press.expired {
            return Err(Refusal::met(400, format!("Bad Request: {}", too_old())));
        }
        if press.answered.is_some() {
            // A bot that cannot know of its first answer may well give a second.
            let violation = press.seen && self.queue.deliveries(press.update) < 2;
            return Err(Refusal { violation, ..Refusal::wrong(too_old()) });
        }
        press.answered = Some(Instant::now());
        press.seen = seen;
        press.text = text.map(str::to_owned);
        press.alert = params.get("show_alert") == Some(&json!(true));
        Ok(json!(true))
    }

    fn get_file(&mut self, params: &Fields) -> Answer {
        let id = string(params, "file_id")?;
        let bytes = self.files.get(id).ok_or_else(|| Refusal::wrong("invalid file_id"))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Refusal::met(400, "Bad Request: file is too big"));
        }
        Ok(json!({
            "file_id": id,
            "file_unique_id": photo_sizes(id, 0)[1]["file_unique_id"],
            "file_size": bytes.len(),
            "file_path": format!("photos/{id}.jpg"),
        }))
    }

    fn send_action(&mut self, params: &Fields) -> Answer {
        let action = string(params, "action")?;
        if !ACTIONS.contains(&action) {
            return Err(Refusal::wrong("wrong parameter action in request"));
        }
        let chat = self.target(params)?;
        self.thread(params, chat)?;
        self.actions.push((chat, action.to_owned()));
        Ok(json!(true))
    }
}

fn me() -> Value {
    json!({
        "id": BOT_ID,
        "is_bot": true,
        "first_name": "Fake Office",
        "username": BOT_USERNAME,
        "can_join_groups": true,
        "can_read_all_group_messages": true,
        "supports_inline_queries": false,
        "can_connect_to_business": false,
        "has_main_web_app": false,
        "has_topics_enabled": false,
        "allows_users_to_create_topics": false,
    })
}
