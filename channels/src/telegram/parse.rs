//! Telegram's updates as what was seen. Pure.

use chrono::{DateTime, Utc};
use serde_json::Value;
use teloxide::types::{MaybeInaccessibleMessage, Message, Update, UpdateKind, User};

/// Longest name kept of a person, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The command before words that are something new.
const ASK: &str = "ask";

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its user id.
    pub id: u64,
    /// Its user name, without the at sign.
    pub username: String,
}

/// A chat, or a topic of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The chat.
    pub chat: i64,
    /// The topic.
    pub thread: Option<i32>,
    /// Whether nobody else is in it.
    pub private: bool,
}

/// Who did it, as Telegram vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Their user id.
    pub id: u64,
    /// What they call themselves.
    pub name: String,
}

/// A photo that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// What to fetch it by.
    pub file: String,
    /// The same for the same picture, whoever asks.
    pub unique: String,
}

/// A command, `/name the rest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name in small letters, without the slash.
    pub name: String,
    /// What follows it.
    pub rest: String,
}

/// A message to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Where.
    pub place: Place,
    /// By whom.
    pub sender: Sender,
    /// The message.
    pub message: i32,
    /// When it was written, or last changed.
    pub at: DateTime<Utc>,
    /// The words, without the bot's own name.
    pub text: String,
    /// The command they are, if they are one.
    pub command: Option<Command>,
    /// The message of the bot's that this replies to.
    pub reply_to: Option<i32>,
    /// The largest of the pictures sent along.
    pub photo: Option<Photo>,
    /// Whether it is certainly for us: said in private, to our name, or in reply to us. A bare command
    /// in a group may be another bot's.
    pub certain: bool,
}

impl Said {
    /// Whether it asks for something new, whatever question is open.
    pub fn asks_anew(&self) -> bool {
        self.command.as_ref().is_some_and(|command| command.name == ASK)
    }

    /// What is asked: the words without the command that says that they are something new.
    pub fn words(&self) -> &str {
        self.command.as_ref().filter(|command| command.name == ASK).map_or(&self.text, |command| &command.rest)
    }
}

/// A press of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// What the answer must name.
    pub query: String,
    /// By whom.
    pub sender: Sender,
    /// Where; `None` when Telegram does not say any more.
    pub place: Option<Place>,
    /// On which message.
    pub message: Option<i32>,
    /// What the button carries.
    pub data: String,
}

/// Whether the bot is in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The chat.
    pub place: Place,
    /// Who changed it.
    pub sender: Sender,
    /// Whether the bot can write there now.
    pub present: bool,
    /// Whether it could before.
    pub was_present: bool,
}

/// What an update is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A message to the bot.
    Said(Said),
    /// A message to the bot was changed.
    Edited(Said),
    /// A button was pressed.
    Pressed(Pressed),
    /// The bot was let in or put out.
    Membership(Membership),
    /// A group became a supergroup with another id.
    Moved {
        /// The id it had.
        from: i64,
        /// The id it has.
        to: i64,
    },
    /// Nothing that concerns the bot.
    Nothing,
}

/// The chat an update belongs to, for order; 0 when it belongs to none.
pub fn chat_of(raw: &Value) -> i64 {
    let of = |path: &str| raw.pointer(path).and_then(Value::as_i64);
    // Both tellings of a move belong to the chat that is new.
    [
        "/message/migrate_to_chat_id",
        "/message/chat/id",
        "/edited_message/chat/id",
        "/callback_query/message/chat/id",
        "/my_chat_member/chat/id",
    ]
    .into_iter()
    .find_map(of)
    .unwrap_or_default()
}

/// Reads an update.
///
/// # Errors
/// Why it cannot be read.
pub fn update(raw: &str, me: &Me) -> Result<Seen, String> {
    // Where, but not what: the words in it are nobody else's to read.
    let unreadable = |error: serde_json::Error| format!("it is no update from column {} on", error.column());
    let update: Update = serde_json::from_str(raw).map_err(unreadable)?;
    match update.kind {
        UpdateKind::Message(message) => Ok(match (message.migrate_to_chat_id(), message.migrate_from_chat_id()) {
            (Some(to), _) => Seen::Moved { from: message.chat.id.0, to: to.0 },
            (None, Some(from)) => Seen::Moved { from: from.0, to: message.chat.id.0 },
            (None, None) => said(&message, me).map_or(Seen::Nothing, Seen::Said),
        }),
        UpdateKind::EditedMessage(message) => Ok(said(&message, me).map_or(Seen::Nothing, Seen::Edited)),
        UpdateKind::CallbackQuery(query) => {
            let at = query.message.as_ref();
            Ok(Seen::Pressed(Pressed {
                sender: sender(&query.from),
                place: at.map(|message| match message {
                    MaybeInaccessibleMessage::Regular(message) => place(message),
                    MaybeInaccessibleMessage::Inaccessible(gone) => {
                        Place { chat: gone.chat.id.0, thread: None, private: gone.chat.is_private() }
                    }
                }),
                message: at.map(|message| message.id().0),
                data: query.data.unwrap_or_default(),
                query: query.id.0,
            }))
        }
        UpdateKind::MyChatMember(change) if change.chat.is_channel() => Ok(Seen::Nothing),
        UpdateKind::MyChatMember(change) => {
            let private = change.chat.is_private();
            Ok(Seen::Membership(Membership {
                place: Place { chat: change.chat.id.0, thread: None, private },
                sender: sender(&change.from),
                present: change.new_chat_member.kind.is_present(),
                was_present: change.old_chat_member.kind.is_present(),
            }))
        }
        UpdateKind::Error(_) => Err("it has a shape that is not known".to_owned()),
        _ => Ok(Seen::Nothing),
    }
}

fn place(message: &Message) -> Place {
    let thread = message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0);
    Place { chat: message.chat.id.0, thread, private: message.chat.is_private() }
}

fn sender(user: &User) -> Sender {
    Sender { id: user.id.0, name: user.full_name().chars().take(NAME_CHARS_MAX).collect() }
}

/// A message, when it is from a person and meant for the bot.
fn said(message: &Message, me: &Me) -> Option<Said> {
    // One who writes in a channel's or group's name is nobody we could know.
    let user = message.from.as_ref().filter(|user| !user.is_bot && message.sender_chat.is_none())?;
    let place = place(message);
    let words = message.text().or_else(|| message.caption()).unwrap_or_default();
    let reply_to = message
        .reply_to_message()
        .filter(|earlier| earlier.from.as_ref().is_some_and(|author| author.id.0 == me.id))
        .map(|earlier| earlier.id.0);
    let (text, mentioned) = without_mention(words, me);
    let command = command(&text, me);
    let certain = place.private || mentioned || reply_to.is_some() || names_us(&text, me);
    let addressed = certain || matches!(command, Some(Ok(_)));
    let photo = message.photo().and_then(|sizes| {
        let largest = sizes.iter().max_by_key(|size| u64::from(size.width) * u64::from(size.height))?;
        Some(Photo { file: largest.file.id.0.clone(), unique: largest.file.unique_id.0.clone() })
    });
    // Joining, leaving, pinning and the like are no words to us.
    let is_content = !words.is_empty() || photo.is_some() || is_content(message);
    (addressed && is_content && !matches!(command, Some(Err(())))).then_some(Said {
        place,
        sender: sender(user),
        message: message.id.0,
        at: message.edit_date().copied().unwrap_or(message.date),
        text,
        command: command.and_then(Result::ok),
        reply_to,
        photo,
        certain,
    })
}

/// Whether a message without words says something: a voice, a file, a place.
fn is_content(message: &Message) -> bool {
    message.voice().is_some()
        || message.audio().is_some()
        || message.video().is_some()
        || message.video_note().is_some()
        || message.document().is_some()
        || message.sticker().is_some()
        || message.location().is_some()
        || message.contact().is_some()
}

/// The words without the bot's name where they begin or end with it, and whether they hold it.
fn without_mention(words: &str, me: &Me) -> (String, bool) {
    let name = format!("@{}", me.username.to_lowercase());
    let is_name =
        |word: &str| word.to_lowercase().trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_') == name.as_str();
    let mentioned = words.split_whitespace().any(is_name);
    let mut text = words.trim();
    if mentioned {
        if let Some(first) = text.split_whitespace().next().filter(|word| is_name(word)) {
            text = text.get(first.len()..).unwrap_or_default().trim_start();
        }
        if let Some(last) = text.split_whitespace().next_back().filter(|word| is_name(word)) {
            text = text.get(..text.len() - last.len()).unwrap_or_default().trim_end();
        }
    }
    (text.to_owned(), mentioned)
}

/// Whether they are a command that names the bot.
fn names_us(text: &str, me: &Me) -> bool {
    let word = text.strip_prefix('/').and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.split_once('@')).is_some_and(|(_, whose)| whose.eq_ignore_ascii_case(&me.username))
}

/// The command these words are; `Err` when it is another bot's.
fn command(text: &str, me: &Me) -> Option<Result<Command, ()>> {
    let rest = text.strip_prefix('/')?;
    let word = rest.split_whitespace().next()?;
    let (name, whose) = word.split_once('@').map_or((word, None), |(name, whose)| (name, Some(whose)));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return None;
    }
    if whose.is_some_and(|whose| !whose.eq_ignore_ascii_case(&me.username)) {
        return Some(Err(()));
    }
    let after = rest.get(word.len()..).unwrap_or_default().trim();
    Some(Ok(Command { name: name.to_ascii_lowercase(), rest: after.to_owned() }))
}
