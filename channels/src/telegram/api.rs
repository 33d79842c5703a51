//! Telegram's Bot API, with every way it can fail told apart and no secret in any of them.

use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use teloxide::Bot;
use teloxide::payloads::{
    AnswerCallbackQuery, AnswerCallbackQuerySetters as _, DeleteMessage, DeleteWebhook, EditMessageReplyMarkup,
    EditMessageReplyMarkupSetters as _, EditMessageText, EditMessageTextSetters as _, GetFile, GetMe, GetUpdates,
    GetUpdatesSetters as _, SendMessage, SendMessageSetters as _, SetMyCommands, SetWebhook, SetWebhookSetters as _,
};
use teloxide::requests::Payload;
use teloxide::types::{
    AllowedUpdate, BotCommand, CallbackQueryId, ChatId, FileId, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup,
    LinkPreviewOptions, MessageId, ParseMode, ReplyMarkup, ReplyParameters, ThreadId,
};
use url::Url;

use super::keyboard::Button;
use super::parse::{Me, Place};
use super::store::Arrived;

/// How long getUpdates waits for something to happen.
pub const POLL_SECS: u32 = 25;
/// Updates in one answer.
const BATCH_MAX: u8 = 100;
/// Longest that a call other than getUpdates may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// Longest that a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Largest file fetched, in bytes; Telegram itself gives bots no larger ones.
pub const FILE_BYTES_MAX: usize = 20 << 20;
/// Longest answer to a press, in characters.
const TOAST_CHARS_MAX: usize = 200;

/// Why a call was not done, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Too many calls: not done; not before this.
    #[error("Telegram asks to wait {0} seconds")]
    Wait(u64),
    /// The chat has another id now: not done.
    #[error("the chat has moved")]
    Moved(i64),
    /// The chat cannot be written to: not done.
    #[error("the chat cannot be written to: {0}")]
    Unreachable(String),
    /// The message already is like that.
    #[error("nothing would change")]
    Unchanged,
    /// The message, topic or query is not there any more: not done.
    #[error("it is not there any more: {0}")]
    Gone(String),
    /// Somebody else uses the token: not done.
    #[error("another program uses this bot's token: {0}")]
    Conflict(String),
    /// The token is wrong: not done.
    #[error("Telegram does not know this token")]
    Token,
    /// Telegram refuses it, and would again: not done.
    #[error("Telegram refused it: {0}")]
    Refused(String),
    /// No connection: not done.
    #[error("Telegram cannot be reached")]
    NoConnection,
    /// The answer did not come, or cannot be read: it may have been done.
    #[error("Telegram gave no answer")]
    NoAnswer,
}

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    result: Option<T>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// A message to send.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The words, as HTML.
    pub html: String,
    /// Its buttons, in rows.
    pub rows: Vec<Vec<Button>>,
    /// The message it replies to.
    pub reply_to: Option<i32>,
    /// Whether an answer to it is asked for.
    pub force_reply: bool,
}

/// The Bot API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    bot: Bot,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api(..)")
    }
}

fn markup(rows: &[Vec<Button>]) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new(
        rows.iter().map(|row| {
            row.iter().map(|button| InlineKeyboardButton::callback(button.label.clone(), button.data.clone()))
        }),
    )
}

fn no_previews() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

impl Api {
    /// The API at that address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: &Url, token: &SecretString) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { bot: Bot::with_client(token.expose_secret(), client).set_api_url(url.clone()) })
    }

    async fn call<P, T>(&self, payload: &P, limit: Duration) -> Result<T, Trouble>
    where
        P: Payload + Serialize + Sync,
        T: DeserializeOwned,
    {
        let mut url = self.bot.api_url();
        url.path_segments_mut()
            .map_err(|()| Trouble::NoConnection)?
            .pop_if_empty()
            .extend([format!("bot{}", self.bot.token()).as_str(), P::NAME]);
        let body = serde_json::to_vec(payload).map_err(|error| Trouble::Refused(error.to_string()))?;
        let asked = self.bot.client().post(url).timeout(limit).header("content-type", "application/json").body(body);
        let answer = asked.send().await.map_err(|error| told(&error))?;
        let text = read(answer, ANSWER_BYTES_MAX).await?;
        let envelope: Envelope<T> = serde_json::from_slice(&text).map_err(|_| Trouble::NoAnswer)?;
        match envelope {
            Envelope { ok: true, result: Some(result), .. } => Ok(result),
            Envelope { ok: true, result: None, .. } => Err(Trouble::NoAnswer),
            Envelope { error_code, description, parameters, .. } => {
                Err(refused(error_code.unwrap_or_default(), description.unwrap_or_default(), parameters.as_ref()))
            }
        }
    }

    /// Who the bot is.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn me(&self) -> Result<Me, Trouble> {
        #[derive(Deserialize)]
        struct Bot {
            id: u64,
            username: String,
        }
        let Bot { id, username } = self.call(&GetMe::new(), CALL_LIMIT).await?;
        Ok(Me { id, username })
    }

    /// Waits for updates after those already taken.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn updates(&self, offset: Option<i64>) -> Result<Vec<Arrived>, Trouble> {
        let mut asked = GetUpdates::new().timeout(POLL_SECS).limit(BATCH_MAX).allowed_updates(wanted());
        if let Some(offset) = offset.and_then(|offset| i32::try_from(offset).ok()) {
            asked = asked.offset(offset);
        }
        let limit = CALL_LIMIT + Duration::from_secs(POLL_SECS.into());
        let updates: Vec<serde_json::Value> = self.call(&asked, limit).await?;
        updates.into_iter().map(|raw| arrived(raw).ok_or(Trouble::NoAnswer)).collect()
    }

    /// Has updates sent to an address, or not.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn webhook(&self, to: Option<(&Url, &SecretString)>) -> Result<(), Trouble> {
        let done: bool = match to {
            Some((url, secret)) => {
                let asked = SetWebhook::new(url.clone())
                    .secret_token(secret.expose_secret().to_owned())
                    .allowed_updates(wanted());
                self.call(&asked, CALL_LIMIT).await?
            }
            None => self.call(&DeleteWebhook::new(), CALL_LIMIT).await?,
        };
        if done { Ok(()) } else { Err(Trouble::NoAnswer) }
    }

    /// Names the commands that Telegram offers while one types.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn commands(&self, commands: &[(&str, &str)]) -> Result<(), Trouble> {
        let list = commands.iter().map(|(name, about)| BotCommand::new(*name, *about));
        self.call::<_, bool>(&SetMyCommands::new(list), CALL_LIMIT).await.map(drop)
    }

    /// Sends a message; its id.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn send(&self, place: Place, message: &Outgoing) -> Result<i32, Trouble> {
        #[derive(Deserialize)]
        struct Sent {
            message_id: i32,
        }
        let mut asked = SendMessage::new(ChatId(place.chat), message.html.as_str())
            .parse_mode(ParseMode::Html)
            .link_preview_options(no_previews());
        if let Some(thread) = place.thread {
            asked = asked.message_thread_id(ThreadId(MessageId(thread)));
        }
        if let Some(earlier) = message.reply_to {
            asked = asked.reply_parameters(ReplyParameters::new(MessageId(earlier)).allow_sending_without_reply());
        }
        if !message.rows.is_empty() {
            asked = asked.reply_markup(ReplyMarkup::InlineKeyboard(markup(&message.rows)));
        } else if message.force_reply {
            asked = asked.reply_markup(ReplyMarkup::ForceReply(ForceReply::new().selective()));
        }
        Ok(self.call::<_, Sent>(&asked, CALL_LIMIT).await?.message_id)
    }

    /// Changes a message's words and buttons.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn edit(&self, chat: i64, message: i32, html: &str, rows: &[Vec<Button>]) -> Result<(), Trouble> {
        let mut asked = EditMessageText::new(ChatId(chat), MessageId(message), html)
            .parse_mode(ParseMode::Html)
            .link_preview_options(no_previews());
        if !rows.is_empty() {
            asked = asked.reply_markup(markup(rows));
        }
        self.call::<_, serde_json::Value>(&asked, CALL_LIMIT).await.map(drop)
    }

    /// Changes a message's buttons; without any they go.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn edit_buttons(&self, chat: i64, message: i32, rows: &[Vec<Button>]) -> Result<(), Trouble> {
        let mut asked = EditMessageReplyMarkup::new(ChatId(chat), MessageId(message));
        if !rows.is_empty() {
            asked = asked.reply_markup(markup(rows));
        }
        self.call::<_, serde_json::Value>(&asked, CALL_LIMIT).await.map(drop)
    }

    /// Takes a message of ours away.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn delete(&self, chat: i64, message: i32) -> Result<(), Trouble> {
        let asked = DeleteMessage::new(ChatId(chat), MessageId(message));
        self.call::<_, bool>(&asked, CALL_LIMIT).await.map(drop)
    }

    /// Answers a press, with words only its presser sees.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn answer(&self, query: &str, toast: &str) -> Result<(), Trouble> {
        let mut asked = AnswerCallbackQuery::new(CallbackQueryId(query.to_owned()));
        if !toast.is_empty() {
            asked = asked.text(crate::text::short(toast, TOAST_CHARS_MAX));
        }
        self.call::<_, bool>(&asked, CALL_LIMIT).await.map(drop)
    }

    /// Fetches a file.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn file(&self, id: &str) -> Result<Vec<u8>, Trouble> {
        #[derive(Deserialize)]
        struct File {
            file_path: String,
        }
        let File { file_path } = self.call(&GetFile::new(FileId(id.to_owned())), CALL_LIMIT).await?;
        let mut url = self.bot.api_url();
        url.path_segments_mut()
            .map_err(|()| Trouble::NoConnection)?
            .pop_if_empty()
            .extend(["file", format!("bot{}", self.bot.token()).as_str()])
            .extend(file_path.split('/').filter(|part| !matches!(*part, "" | "." | "..")));
        let answer = self.bot.client().get(url).timeout(CALL_LIMIT).send().await.map_err(|error| told(&error))?;
        if !answer.status().is_success() {
            return Err(Trouble::Refused(format!("the file cannot be had: {}", answer.status())));
        }
        read(answer, FILE_BYTES_MAX).await
    }
}

/// The kinds of update we ask for.
fn wanted() -> [AllowedUpdate; 4] {
    [AllowedUpdate::Message, AllowedUpdate::EditedMessage, AllowedUpdate::CallbackQuery, AllowedUpdate::MyChatMember]
}

/// An update with its id; `None` when it has none.
pub fn arrived(raw: serde_json::Value) -> Option<Arrived> {
    raw.get("update_id").and_then(serde_json::Value::as_i64).map(|id| Arrived { id, raw })
}

/// Reads a body of at most `max` bytes.
async fn read(answer: reqwest::Response, max: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Trouble::NoAnswer)?;
        if body.len() + piece.len() > max {
            return Err(Trouble::NoAnswer);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What a failed request means. Its text is never passed on: it holds the address, and that the token.
fn told(error: &reqwest::Error) -> Trouble {
    if error.is_connect() || error.is_builder() { Trouble::NoConnection } else { Trouble::NoAnswer }
}

/// What a refusal means.
fn refused(code: u16, words: String, parameters: Option<&Parameters>) -> Trouble {
    if let Some(Parameters { retry_after: Some(secs), .. }) = parameters {
        return Trouble::Wait(*secs);
    }
    if let Some(Parameters { migrate_to_chat_id: Some(to), .. }) = parameters {
        return Trouble::Moved(*to);
    }
    let has = |part: &str| words.contains(part);
    match code {
        401 | 404 => Trouble::Token,
        403 => Trouble::Unreachable(words),
        409 => Trouble::Conflict(words),
        429 => Trouble::Wait(1),
        400 if has("message is not modified") => Trouble::Unchanged,
        400 if has("chat not found") || has("PEER_ID_INVALID") || has("group is deactivated") => {
            Trouble::Unreachable(words)
        }
        400 if has("not enough rights") || has("CHAT_WRITE_FORBIDDEN") || has("CHAT_RESTRICTED") => {
            Trouble::Unreachable(words)
        }
        400 if has("TOPIC_CLOSED") || has("TOPIC_DELETED") => Trouble::Gone(words),
        400 if has("not found") || has("query is too old") || has("MESSAGE_ID_INVALID") => Trouble::Gone(words),
        400 if has("can't be edited") || has("can't be deleted") => Trouble::Gone(words),
        400..=499 => Trouble::Refused(words),
        // What a gateway in between answers says nothing about whether it was done.
        _ => Trouble::NoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_meaning() {
        let meaning = |code, words: &str| refused(code, words.to_owned(), None);
        assert_eq!(meaning(400, "Bad Request: message is not modified: specified …"), Trouble::Unchanged);
        for gone in [
            "Bad Request: message to edit not found",
            "Bad Request: message to delete not found",
            "Bad Request: message can't be deleted for everyone",
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
            "Bad Request: message thread not found",
        ] {
            assert!(matches!(meaning(400, gone), Trouble::Gone(_)), "{gone}");
        }
        assert!(matches!(meaning(400, "Bad Request: chat not found"), Trouble::Unreachable(_)));
        assert!(matches!(meaning(403, "Forbidden: bot was blocked by the user"), Trouble::Unreachable(_)));
        assert!(matches!(meaning(400, "Bad Request: can't parse entities"), Trouble::Refused(_)));
        assert_eq!(meaning(401, "Unauthorized"), Trouble::Token);
        assert_eq!(meaning(502, ""), Trouble::NoAnswer);
        let wait = Parameters { retry_after: Some(7), migrate_to_chat_id: None };
        assert_eq!(refused(429, String::new(), Some(&wait)), Trouble::Wait(7));
        let moved = Parameters { retry_after: None, migrate_to_chat_id: Some(-100) };
        assert_eq!(refused(400, String::new(), Some(&moved)), Trouble::Moved(-100));
    }
}
