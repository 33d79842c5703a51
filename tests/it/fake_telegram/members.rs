//! Chats, their members, and the bot's commands.

use serde_json::{Map, Value, json};

use super::methods::integer;
use super::state::{Answer, BOT_ID, Kind, Refusal, State, now};

/// Most commands of a bot.
const COMMANDS_MAX: usize = 100;
/// Longest name of a command.
const COMMAND_CHARS_MAX: usize = 32;
/// Longest description of a command.
const DESCRIPTION_CHARS_MAX: usize = 256;
/// Whose commands they may be.
const SCOPES: [&str; 7] = [
    "default",
    "all_private_chats",
    "all_group_chats",
    "all_chat_administrators",
    "chat",
    "chat_administrators",
    "chat_member",
];
/// What an administrator may do.
const RIGHTS: [&str; 12] = [
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
];
/// What a restricted member may not do.
const PERMISSIONS: [&str; 15] = [
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
];

/// Scope and language of a list of commands.
pub(super) fn commands_key(params: &Map<String, Value>) -> String {
    let scope = params.get("scope").map_or_else(|| json!({"type": "default"}), Clone::clone);
    let mut key = scope["type"].as_str().unwrap_or_default().to_owned();
    for name in ["chat_id", "user_id"] {
        if let Some(id) = scope.get(name) {
            key = format!("{key} {id}");
        }
    }
    match params.get("language_code").and_then(Value::as_str) {
        Some(language) if !language.is_empty() => format!("{key} {language}"),
        _ => key,
    }
}

impl State {
    pub(super) fn set_commands(&mut self, params: &Map<String, Value>) -> Answer {
        let key = commands_key(params);
        if !SCOPES.contains(&key.split(' ').next().unwrap_or_default()) {
            return Err(Refusal::wrong("can't parse BotCommandScope: unsupported type specified"));
        }
        let commands = params.get("commands").and_then(Value::as_array);
        let commands = commands.ok_or_else(|| Refusal::wrong("parameter \"commands\" is required"))?;
        if commands.len() > COMMANDS_MAX {
            return Err(Refusal::wrong("BOT_COMMANDS_TOO_MUCH"));
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        for command in commands {
            let name = command["command"].as_str().unwrap_or_default();
            if !(1..=COMMAND_CHARS_MAX).contains(&name.len()) || !name.chars().all(is_plain) {
                return Err(Refusal::wrong(format_args!("BOT_COMMAND_INVALID: \"{name}\"")));
            }
            let description = command["description"].as_str().unwrap_or_default().chars().count();
            if !(1..=DESCRIPTION_CHARS_MAX).contains(&description) {
                return Err(Refusal::wrong(format_args!("BOT_COMMAND_DESCRIPTION_INVALID of \"{name}\"")));
            }
        }
        self.commands.insert(key, json!(commands));
        Ok(json!(true))
    }

    pub(super) fn get_chat(&mut self, params: &Map<String, Value>) -> Answer {
        let id = self.target(params)?;
        let mut chat = self.chat_json(id);
        chat["accent_color_id"] = json!(0);
        chat["max_reaction_count"] = json!(11);
        chat["accepted_gift_types"] = json!({
            "unlimited_gifts": true,
            "limited_gifts": true,
            "unique_gifts": true,
            "premium_subscription": true,
            "gifts_from_channels": true,
        });
        if self.chat(id).kind != Kind::Private {
            chat["permissions"] = json!({"can_send_messages": true, "can_invite_users": true});
        }
        Ok(chat)
    }

    pub(super) fn get_member(&mut self, params: &Map<String, Value>) -> Answer {
        let chat = self.target(params)?;
        let user = integer(params, "user_id")?;
        if user != BOT_ID && !self.users.contains_key(&user) {
            return Err(Refusal::met(400, "Bad Request: member not found"));
        }
        let status = self.chat(chat).members.get(&user).map_or("left", String::as_str);
        Ok(self.member_json(user, status))
    }

    pub(super) fn leave(&mut self, params: &Map<String, Value>) -> Answer {
        let id = self.target(params)?;
        if self.chat(id).kind == Kind::Private {
            return Err(Refusal::wrong("chat member status can't be changed in private chats"));
        }
        self.change_bot(id, BOT_ID, "left");
        Ok(json!(true))
    }

    /// Changes the bot's own status, and tells it who did it.
    pub(super) fn change_bot(&mut self, chat: i64, by: i64, status: &str) -> i64 {
        let before = self.chat(chat).members.get(&BOT_ID).cloned().unwrap_or_else(|| "left".to_owned());
        if self.chat(chat).kind == Kind::Private {
            if status == "kicked" {
                self.blocked.insert(chat)
            } else {
                self.blocked.remove(&chat)
            };
        }
        self.chat_mut(chat).members.insert(BOT_ID, status.to_owned());
        let update = json!({
            "chat": self.chat_json(chat),
            "from": self.user_json(by),
            "date": now(),
            "old_chat_member": self.member_json(BOT_ID, &before),
            "new_chat_member": self.member_json(BOT_ID, status),
        });
        self.queue.push("my_chat_member", update)
    }

    /// A member with a status and all that belongs to it.
    pub(super) fn member_json(&self, user: i64, status: &str) -> Value {
        let mut member = json!({"user": self.user_json(user), "status": status});
        let mut put = |names: &[&str], value: Value| {
            for name in names {
                member[*name] = value.clone();
            }
        };
        match status {
            "creator" => put(&["is_anonymous"], json!(false)),
            "administrator" => {
                put(&["can_be_edited", "is_anonymous"], json!(false));
                put(&RIGHTS, json!(true));
            }
            "restricted" => {
                put(&["is_member"], json!(true));
                put(&PERMISSIONS, json!(false));
                put(&["can_manage_topics"], json!(false));
                put(&["until_date"], json!(0));
            }
            "kicked" => put(&["until_date"], json!(0)),
            "member" | "left" => {}
            _ => panic!("there is no status {status}"),
        }
        member
    }
}
