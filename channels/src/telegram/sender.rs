//! What is said: replies that wait, what the log tells of a chat's tasks, and messages that are kept
//! up to date. One chat at a time, in order, and never faster than Telegram allows.
//!
//! What was said is noted after Telegram took it, so a crash in between says it once more: nothing
//! is lost. Whatever changes the world is the engine's, not said here.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, warn};
use workflows::frame::{Frame, FrameKind};
use workflows::ids::{PersonId, PromptId, TaskId};
use workflows::ports::{PromptRow, StoreError};
use workflows::state::{PromptState, Status, TaskState, view};

use super::api::{Outgoing, Trouble};
use super::html::{self, TEXT_UNITS_MAX};
use super::keyboard::{Copy, Question, Subject, Verb, rows};
use super::parse::Place;
use super::store::{Chat, Queued};
use super::{BACKOFF_MAX, BACKOFF_MIN, Door, growing, render};
use crate::reply::Reply;

/// Chats written to at the same time.
const CHATS_MAX: usize = 16;
/// Frames and replies taken at a time.
const PIECES_MAX: u32 = 100;
/// Pause between looks for what no hint told of.
const LOOK_PAUSE: Duration = Duration::from_secs(30);
/// A chat's place in the log is noted without anything said once it is so far behind.
const LAG_MAX: i64 = 500;

/// Who has to be looked at: hints, which may be lost.
#[derive(Debug, Default)]
pub struct Hints {
    people: Mutex<HashSet<PersonId>>,
    chats: Mutex<BTreeSet<i64>>,
    pub(super) replies: Mutex<growing::Replies>,
    news: Notify,
}

impl Hints {
    /// Something was committed for these people.
    pub(super) fn people<'a>(&self, people: impl Iterator<Item = &'a PersonId>) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).extend(people.cloned());
        self.news.notify_one();
    }

    /// The people concerned since the last look.
    pub(super) fn take_people(&self) -> HashSet<PersonId> {
        std::mem::take(&mut *self.people.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something is to be said in this chat.
    pub(super) fn chat(&self, chat: i64) {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner).insert(chat);
        self.news.notify_one();
    }
}

/// When a chat is to be looked at again.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// When something happens.
    News,
    /// After this, and not before.
    In(Duration),
    /// After this, or when something happens.
    Look(Duration),
    /// After a pause that grows with every failure.
    Failed,
}

/// Chats that wait for their turn, each once, first come first served.
#[derive(Default)]
struct Line(VecDeque<i64>);

impl Line {
    fn extend(&mut self, chats: impl IntoIterator<Item = i64>) {
        for chat in chats {
            if !self.0.contains(&chat) {
                self.0.push_back(chat);
            }
        }
    }

    fn keep(&mut self, wanted: impl Fn(i64) -> bool) {
        self.0.retain(|chat| wanted(*chat));
    }

    fn next(&mut self, fits: impl Fn(i64) -> bool) -> Option<i64> {
        let place = self.0.iter().position(|chat| fits(*chat))?;
        self.0.remove(place)
    }
}

/// When a chat's time comes.
#[derive(Debug, Clone, Copy)]
struct Later {
    at: Instant,
    /// Whether nothing may be said before.
    shut: bool,
}

/// What could not be said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsaid {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Desk(#[from] workflows::engine::EngineError),
    #[error(transparent)]
    Telegram(#[from] Trouble),
}

/// Sends for ever.
pub(super) async fn run(door: Door) {
    let (mut waiting, mut working) = (Line::default(), HashSet::new());
    let (mut later, mut failures): (HashMap<i64, Later>, HashMap<i64, u32>) = (HashMap::new(), HashMap::new());
    let mut flushes: JoinSet<(i64, Next)> = JoinSet::new();
    let mut look_at = Instant::now();
    loop {
        let now = Instant::now();
        if now >= look_at {
            match door.0.parts.outbox.behind().await {
                Ok(chats) => waiting.extend(chats),
                Err(error) => warn!(%error, "cannot look for what is to be said"),
            }
            look_at = now + LOOK_PAUSE;
        }
        waiting.extend(door.news().await);
        waiting.extend(later.extract_if(|_, later| later.at <= now).map(|(chat, _)| chat));
        // A chat that has to wait needs no hint; its time comes.
        waiting.keep(|chat| !later.get(&chat).is_some_and(|later| later.shut));
        while working.len() < CHATS_MAX
            && let Some(chat) = waiting.next(|chat| !working.contains(&chat))
        {
            working.insert(chat);
            later.remove(&chat);
            let door = door.clone();
            flushes.spawn(async move {
                // What breaks in one chat is tried again there, and holds up no other.
                let next = AssertUnwindSafe(door.flush(chat)).catch_unwind().await;
                (chat, next.unwrap_or(Next::Failed))
            });
        }
        let next = later.values().map(|later| later.at).min().unwrap_or(look_at).min(look_at);
        tokio::select! {
            () = door.0.parts.hints.news.notified() => {}
            () = tokio::time::sleep_until(next) => {}
            Some(ended) = flushes.join_next() => match ended {
                Ok((chat, next)) => {
                    working.remove(&chat);
                    match next {
                        Next::News => {
                            failures.remove(&chat);
                        }
                        Next::In(pause) => {
                            failures.remove(&chat);
                            later.insert(chat, Later { at: Instant::now() + pause, shut: true });
                        }
                        Next::Look(pause) => {
                            failures.remove(&chat);
                            later.insert(chat, Later { at: Instant::now() + pause, shut: false });
                        }
                        Next::Failed => {
                            let count = failures.entry(chat).or_insert(0);
                            let pause = BACKOFF_MIN * 2_u32.saturating_pow((*count).min(16));
                            *count += 1;
                            later.insert(chat, Later { at: Instant::now() + pause.min(BACKOFF_MAX), shut: true });
                        }
                    }
                }
                // None is ever cancelled, and what breaks is caught.
                Err(broke) => error!(%broke, "saying something broke the program"),
            },
        }
    }
}

impl Door {
    /// The chats that hints speak of.
    async fn news(&self) -> Vec<i64> {
        let hints = &self.0.parts.hints;
        let mut chats: Vec<i64> =
            std::mem::take(&mut *hints.chats.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
        let people = hints.take_people();
        if !people.is_empty() {
            match self.0.parts.outbox.chats_of(people.into_iter().collect()).await {
                Ok(found) => chats.extend(found),
                // The next look finds them.
                Err(error) => warn!(%error, "cannot look up who is to be told"),
            }
        }
        chats
    }

    /// Says all there is to be said in a chat; when to look again.
    async fn flush(&self, chat: i64) -> Next {
        if let Some(left) = self.0.parts.gates.shut_for(chat) {
            return Next::In(left);
        }
        match self.say_all(chat).await {
            Ok(None) => Next::News,
            Ok(Some(pause)) => Next::Look(pause),
            Err(Unsaid::Telegram(Trouble::Wait(secs))) => {
                self.0.parts.gates.shut(chat, secs);
                Next::In(Duration::from_secs(secs))
            }
            Err(Unsaid::Telegram(Trouble::Moved(to))) => match self.0.parts.outbox.move_chat(chat, to).await {
                Ok(()) => {
                    self.0.parts.hints.chat(to);
                    Next::News
                }
                Err(_) => Next::Failed,
            },
            Err(Unsaid::Telegram(Trouble::Unreachable(why))) => {
                warn!(why, "a chat cannot be written to any more");
                if self.0.parts.outbox.reachable(chat, false).await.is_ok() { Next::News } else { Next::Failed }
            }
            Err(error) => {
                if let Unsaid::Telegram(trouble) = &error {
                    self.trouble(trouble);
                }
                warn!(%error, "something could not be said yet");
                Next::Failed
            }
        }
    }

    async fn say_all(&self, chat: i64) -> Result<Option<Duration>, Unsaid> {
        loop {
            let queued = self.0.parts.outbox.queued(chat, PIECES_MAX).await?;
            if queued.is_empty() {
                break;
            }
            for queued in queued {
                let id = queued.id;
                self.say_queued(queued).await?;
                self.0.parts.outbox.sent(id).await?;
            }
        }
        let mut wait: Option<Duration> = None;
        for mut chat in self.0.parts.outbox.chats(chat).await? {
            loop {
                let (frames, upto) = self.0.parts.outbox.untold(&chat, PIECES_MAX).await?;
                for frame in &frames {
                    if self.say_frame(&chat, frame).await? {
                        self.0.parts.outbox.told(&chat.conversation_id, frame.seq).await?;
                    }
                }
                let behind = upto > chat.told;
                if behind && (!frames.is_empty() || upto - chat.told > LAG_MAX) {
                    self.0.parts.outbox.told(&chat.conversation_id, upto).await?;
                }
                chat.told = upto;
                if frames.is_empty() {
                    break;
                }
            }
            let left = self.show_growing(&chat).await?;
            wait = [wait, left].into_iter().flatten().min();
        }
        let left = self.keep_up_to_date(chat).await?;
        Ok([wait, left].into_iter().flatten().min())
    }

    async fn say_queued(&self, queued: Queued) -> Result<(), Unsaid> {
        match queued.asks {
            Some(copy) => match copy.subject.clone() {
                Subject::Prompt(prompt) => {
                    if let Some(row) = self.0.parts.desk.prompt(&prompt).await? {
                        self.ask(copy, &row).await?;
                    }
                    Ok(())
                }
                Subject::Change(_) | Subject::Report(_) | Subject::Progress(_) | Subject::Growing(_) => {
                    let force_reply = matches!(copy.subject, Subject::Change(_));
                    let message =
                        self.say(queued.place, queued.reply_to, &queued.reply, Vec::new(), force_reply).await?;
                    if let Some(message) = message {
                        self.0.parts.outbox.shown(&copy.token, message, copy.rev).await?;
                    }
                    Ok(self.0.parts.outbox.close_copy(&copy.token).await?)
                }
            },
            None => self.say(queued.place, queued.reply_to, &queued.reply, Vec::new(), false).await.map(drop),
        }
    }

    /// Says what a frame says; whether it did.
    async fn say_frame(&self, chat: &Chat, frame: &Frame) -> Result<bool, Unsaid> {
        let text = |name: &str| frame.data.get(name).and_then(Value::as_str);
        match (frame.kind, text("prompt_id"), &frame.task_id) {
            (FrameKind::StageWaiting, Some(prompt), _) => {
                if let Some(row) = self.0.parts.desk.prompt(&PromptId::from(prompt)).await? {
                    let copy = self.unsent_copy(chat, Subject::Prompt(row.id.clone())).await?;
                    self.ask(copy, &row).await?;
                }
                Ok(true)
            }
            (FrameKind::Message, None, task) => {
                let words = Reply::plain(text("text").unwrap_or_default());
                match task {
                    Some(task) => self.report(chat, task, &words).await?,
                    None => drop(self.say(chat.place, None, &words, Vec::new(), false).await?),
                }
                Ok(true)
            }
            (FrameKind::TaskProgress, _, Some(task)) => {
                let row = self.0.parts.desk.load(task).await?;
                if row.is_some_and(|row| row.state.status() == Status::Running) {
                    let subject = Subject::Progress(task.clone());
                    let open = self.0.parts.outbox.open_copies(chat.place.chat).await?;
                    if !open.iter().any(|copy| copy.subject == subject) {
                        self.0.parts.outbox.put_copy(self.new_copy(chat, subject), self.0.parts.clock.now()).await?;
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// A kept message with buttons that is not known to have been sent: the one an earlier try left, or a new one.
    async fn unsent_copy(&self, chat: &Chat, subject: Subject) -> Result<Copy, Unsaid> {
        let open = self.0.parts.outbox.open_copies(chat.place.chat).await?;
        let left = open.into_iter().find(|copy| {
            copy.subject == subject && copy.message.is_none() && copy.conversation_id == chat.conversation_id
        });
        if let Some(copy) = left {
            return Ok(copy);
        }
        let copy = self.new_copy(chat, subject);
        self.0.parts.outbox.put_copy(copy.clone(), self.0.parts.clock.now()).await?;
        Ok(copy)
    }

    /// What a task says; its report has a button that takes back what it did, where that can be, and
    /// stands where it was seen growing.
    async fn report(&self, chat: &Chat, task: &TaskId, words: &Reply) -> Result<(), Unsaid> {
        let row = self.0.parts.desk.load(task).await?;
        let is_report = |state: &TaskState| view::result(state).is_some_and(|result| result.summary == words.text());
        let Some(row) = row.filter(|row| is_report(&row.state)) else {
            return self.say(chat.place, None, words, Vec::new(), false).await.map(drop);
        };
        let copy = if can_undo(&row.state) {
            Some(self.unsent_copy(chat, Subject::Report(task.clone())).await?)
        } else {
            None
        };
        let undo =
            |copy: &Copy| super::keyboard::Button { label: "Undo".to_owned(), data: Verb::Undo.data(&copy.token) };
        let buttons: Vec<_> = copy.iter().map(|copy| vec![undo(copy)]).collect();
        let turned = match self.growing_copy(chat, task).await? {
            Some(growing) => self.turn_growing(&growing, words, &buttons).await?,
            None => None,
        };
        let message = match turned {
            Some(message) => Some(message),
            None => self.say(chat.place, None, words, buttons, false).await?,
        };
        if let (Some(copy), Some(message)) = (copy, message) {
            self.0.parts.outbox.shown(&copy.token, message, copy.rev).await?;
        }
        Ok(())
    }

    /// Asks a question with its buttons; one that has ended without them.
    async fn ask(&self, copy: Copy, row: &PromptRow) -> Result<(), Unsaid> {
        let question = Question::of(&row.view);
        let mut words = render::question(&question, copy.place.private);
        if crate::text::is_blank(&words.text()) {
            words = Reply::plain("Please choose:");
        }
        if row.status != PromptState::Open {
            return self.say(copy.place, None, &words, Vec::new(), false).await.map(drop);
        }
        let buttons = rows(&question, &copy.turned, &copy.token);
        if let Some(message) = self.say(copy.place, None, &words, buttons, false).await? {
            self.0.parts.outbox.shown(&copy.token, message, copy.rev).await?;
        }
        Ok(())
    }

    /// Says something, in as many messages as it takes, the buttons under the last; its id.
    async fn say(
        &self,
        place: Place,
        reply_to: Option<i32>,
        words: &Reply,
        rows: Vec<Vec<super::keyboard::Button>>,
        force_reply: bool,
    ) -> Result<Option<i32>, Unsaid> {
        let parts = html::messages(words);
        let count = parts.len();
        let parts: Vec<Outgoing> = parts
            .into_iter()
            .enumerate()
            .map(|(n, html)| Outgoing {
                html,
                rows: if n + 1 == count { rows.clone() } else { Vec::new() },
                reply_to: reply_to.filter(|_| n == 0),
                force_reply: force_reply && n + 1 == count,
            })
            .collect();
        if parts.is_empty() { Ok(None) } else { self.send(place, parts).await }
    }

    /// Sends a message in its parts; `None` when Telegram will not have it, ever.
    pub(super) async fn send(&self, place: Place, parts: Vec<Outgoing>) -> Result<Option<i32>, Unsaid> {
        let gates = &self.0.parts.gates;
        let mut sent = gates.send(&self.0.parts.api, place, parts.clone()).await;
        if matches!(sent, Err(Trouble::Gone(_))) && place.thread.is_some() {
            // The topic is gone: the chat itself is still there.
            sent = gates.send(&self.0.parts.api, Place { thread: None, ..place }, parts).await;
        }
        match sent {
            Ok(id) => Ok(Some(id)),
            Err(trouble @ (Trouble::Refused(_) | Trouble::Gone(_))) => Ok(refused(&trouble)),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Takes away the buttons of what was decided, turns those that were turned, and tells how far
    /// tasks are; how long until there is more to do.
    async fn keep_up_to_date(&self, chat: i64) -> Result<Option<Duration>, Unsaid> {
        let open = self.0.parts.outbox.open_copies(chat).await?;
        let mut wait: Option<Duration> = None;
        for copy in &open {
            match &copy.subject {
                Subject::Prompt(prompt) => self.refresh_question(copy, prompt).await?,
                Subject::Report(task) => {
                    let row = self.0.parts.desk.load(task).await?;
                    let is_report = |other: &&Copy| {
                        matches!(other.subject, Subject::Report(_)) && other.conversation_id == copy.conversation_id
                    };
                    let newest = open.iter().rev().find(is_report).is_some_and(|newest| newest.token == copy.token);
                    let stands =
                        newest && row.is_some_and(|row| row.state.status().is_terminal() && can_undo(&row.state));
                    if let Some(message) = copy.message.filter(|_| !stands) {
                        let api = &self.0.parts.api;
                        self.changed(chat, async { api.edit_buttons(chat, message, &[]).await }).await?;
                        self.0.parts.outbox.close_copy(&copy.token).await?;
                    }
                }
                Subject::Progress(task) => {
                    let left = self.refresh_progress(copy, task).await?;
                    wait = [wait, left].into_iter().flatten().min();
                }
                Subject::Growing(task) => {
                    let left = self.refresh_growing(copy, task).await?;
                    wait = [wait, left].into_iter().flatten().min();
                }
                Subject::Change(_) => self.0.parts.outbox.close_copy(&copy.token).await?,
            }
        }
        Ok(wait)
    }

    async fn refresh_question(&self, copy: &Copy, prompt: &PromptId) -> Result<(), Unsaid> {
        let (outbox, api, chat) = (&self.0.parts.outbox, &self.0.parts.api, copy.place.chat);
        let Some(row) = self.0.parts.desk.prompt(prompt).await? else {
            return Ok(outbox.close_copy(&copy.token).await?);
        };
        let question = Question::of(&row.view);
        let person = self.0.parts.members.person(&copy.person_id).await?;
        let zone = person.map_or(chrono_tz::UTC, |person| person.settings.timezone);
        let Some(message) = copy.message else {
            if row.status != PromptState::Open {
                outbox.close_copy(&copy.token).await?;
            }
            return Ok(());
        };
        if let Some(ending) = render::ending(&row.status, zone) {
            if rows(&question, &copy.turned, &copy.token).is_empty() {
                // There is nothing left to press.
                return Ok(outbox.close_copy(&copy.token).await?);
            }
            let words = render::question(&question, copy.place.private);
            let last = html::messages(&words).pop().unwrap_or_else(|| "Please choose:".to_owned());
            let ending = html::messages(&Reply::plain(format!("\n\n— {ending}"))).pop().unwrap_or_default();
            // Markup is counted too, so a text near the limit keeps its words and loses its buttons only.
            let fits = last.encode_utf16().count() + ending.encode_utf16().count() <= TEXT_UNITS_MAX;
            self.changed(chat, async {
                if fits {
                    api.edit(chat, message, &format!("{last}{ending}"), &[]).await
                } else {
                    api.edit_buttons(chat, message, &[]).await
                }
            })
            .await?;
            return Ok(outbox.close_copy(&copy.token).await?);
        }
        if copy.rev != copy.shown {
            let buttons = rows(&question, &copy.turned, &copy.token);
            self.changed(chat, async { api.edit_buttons(chat, message, &buttons).await }).await?;
            outbox.shown(&copy.token, message, copy.rev).await?;
        }
        Ok(())
    }

    /// Changes a message in turn with who else sends to the chat; whether it is as wanted now. One that is
    /// gone needs nothing.
    pub(super) async fn changed(
        &self,
        chat: i64,
        change: impl Future<Output = Result<(), Trouble>>,
    ) -> Result<bool, Unsaid> {
        let _turn = self.0.parts.gates.turn(chat).await;
        if let Some(left) = self.0.parts.gates.shut_for(chat) {
            return Err(Trouble::Wait(left.as_secs() + 1).into());
        }
        match change.await {
            Ok(()) | Err(Trouble::Unchanged) => Ok(true),
            Err(Trouble::Gone(_)) => Ok(false),
            Err(trouble @ Trouble::Refused(_)) => {
                let _none = refused(&trouble);
                Ok(false)
            }
            Err(trouble) => {
                if let Trouble::Wait(secs) = trouble {
                    self.0.parts.gates.shut(chat, secs);
                }
                Err(trouble.into())
            }
        }
    }
}

fn can_undo(state: &TaskState) -> bool {
    state.run().is_some_and(|run| run.undoable().is_some())
}

/// Notes a message that Telegram will never have: our mistake, and worth knowing.
fn refused(trouble: &Trouble) -> Option<i32> {
    error!(%trouble, "Telegram refused a message");
    None
}
