//! The Telegram door.
//!
//! An update is kept before Telegram is answered (`poll` and [`webhook`] alike), handled in the
//! order of its chat (`hands`, `handle`), and what comes of it is stored in one commit. Nothing is
//! said from there: the person's log and the queue of replies are what is to be said, and one sender
//! (`sender`) says it, chat by chat, as fast as Telegram allows. So a crash anywhere loses no update
//! and no reply, and a flooded chat holds up nobody else.

pub mod api;
mod commands;
mod edits;
pub mod gates;
mod growing;
mod handle;
mod hands;
mod html;
pub mod keyboard;
pub mod parse;
mod photos;
mod poll;
mod press;
mod progress;
mod render;
mod sender;
pub mod store;
pub mod webhook;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use url::Url;
use workflows::frame::Frame;
use workflows::ports::{Clock, FrameSink, Ids, ReplySoFar};

use crate::port::{Desk, DoorHealth, Members};
use api::{Api, Trouble};
use gates::Gates;
use hands::Hands;
use keyboard::TOKEN_DIGITS;
use parse::Me;
pub use sender::Hints;
use store::{Inbox, Outbox};

pub use html::{TEXT_UNITS_MAX, messages};

/// Shortest pause after a failure.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// Longest pause after failures in a row.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long updates that were handled are kept: Telegram itself sends none again that is older than a day.
const KEEP_DAYS: i64 = 3;
/// How long messages of ours are known after their buttons went: a late press is told who decided.
const COPIES_KEEP_DAYS: i64 = 30;
/// Pause between looks for what can be let go, and whether updates still come.
const LOOK_AFTER_PAUSE: Duration = Duration::from_secs(600);
/// What the names of our conversations begin with.
const CONVERSATIONS: &str = "telegram:";
/// Updates that are taken up at once of those an earlier process left.
const TAKE_UP_MAX: u32 = 100;
/// The commands that Telegram offers while one types.
const COMMANDS: [(&str, &str); 10] = [
    ("start", "Join with a code, or say hello"),
    ("help", "What I can do, and how to ask"),
    ("ask", "Ask for something new, whatever question is open"),
    ("tasks", "Your newest tasks"),
    ("status", "How the task here stands, and what it waits for"),
    ("cancel", "Stop the task here"),
    ("undo", "Take back what the last task did"),
    ("link", "A code that links another way to reach you"),
    ("invite", "A code for a new person (owner only)"),
    ("settings", "Your time zone, language of dates, currency, and where notices go"),
];

/// How updates come in.
#[derive(Debug, Clone)]
pub enum Mode {
    /// We ask for them.
    Poll,
    /// Telegram sends them.
    Webhook {
        /// Where to.
        url: Url,
        /// What proves that it is Telegram.
        secret: SecretString,
    },
}

/// What the door is made of.
pub struct Parts {
    /// The Bot API.
    pub api: Api,
    /// Updates.
    pub inbox: Arc<dyn Inbox>,
    /// Chats and what is said in them.
    pub outbox: Arc<dyn Outbox>,
    /// Who may come in.
    pub members: Arc<dyn Members>,
    /// The engine.
    pub desk: Arc<dyn Desk>,
    /// When what may be sent to a chat; shared with whoever else sends.
    pub gates: Arc<Gates>,
    /// Who tells of what was committed.
    pub hints: Arc<Hints>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How updates come in.
    pub mode: Mode,
    /// Where photos are kept.
    pub uploads: PathBuf,
    /// How people reach the web page.
    pub public_url: Url,
}

/// The Telegram door. Cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    parts: Parts,
    me: OnceLock<Me>,
    /// Whether what an earlier process left is taken up, so that new updates may come.
    open: AtomicBool,
    health: Mutex<DoorHealth>,
    hands: Hands,
    progress: Mutex<progress::Progress>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    /// A door of these parts. Nothing runs until [`Door::run`].
    pub fn new(parts: Parts) -> Self {
        let health = DoorHealth { status: "degraded", detail: "starting".to_owned() };
        Self(Arc::new(Inner {
            parts,
            me: OnceLock::new(),
            open: AtomicBool::new(false),
            health: Mutex::new(health),
            hands: Hands::default(),
            progress: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// How it is.
    pub fn health(&self) -> DoorHealth {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs until `until` is cancelled, then lets what is under way come to its end.
    pub async fn run(&self, until: CancellationToken) {
        tokio::select! {
            () = until.cancelled() => {}
            () = self.work() => {}
        }
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn work(&self) {
        self.introduce().await;
        self.take_up().await;
        self.0.open.store(true, Ordering::Release);
        let polls = async {
            if matches!(self.0.parts.mode, Mode::Poll) {
                forever("the Telegram poller", || poll::run(self.clone())).await;
            }
        };
        tokio::join!(
            forever("the Telegram sender", || sender::run(self.clone())),
            forever("the looking after updates", || look_after(self.clone())),
            polls,
        );
    }

    /// Tells Telegram how updates are to come and which commands there are, and learns who we are.
    async fn introduce(&self) {
        let mut pause = BACKOFF_MIN;
        loop {
            match self.try_introduce().await {
                Ok(me) => {
                    info!(bot = %me.username, "the Telegram door is open");
                    // Set once: the token, and so the bot, stays what it is.
                    let _same = self.0.me.set(me);
                    return self.set_health("on", self.mode());
                }
                Err(trouble) => {
                    self.trouble(&trouble);
                    if let Trouble::Wait(secs) = trouble {
                        tokio::time::sleep(Duration::from_secs(secs)).await;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF_MAX);
        }
    }

    async fn try_introduce(&self) -> Result<Me, Trouble> {
        let api = &self.0.parts.api;
        let me = api.me().await?;
        self.say_where().await?;
        if let Err(trouble) = api.commands(&COMMANDS).await {
            // Telegram offers none, or the old ones; they work all the same.
            warn!(%trouble, "the commands cannot be named");
        }
        Ok(me)
    }

    /// Tells Telegram how updates are to come.
    async fn say_where(&self) -> Result<(), Trouble> {
        match &self.0.parts.mode {
            Mode::Poll => self.0.parts.api.webhook(None).await,
            Mode::Webhook { url, secret } => self.0.parts.api.webhook(Some((url, secret))).await,
        }
    }

    /// Takes up what an earlier process kept and did not end.
    async fn take_up(&self) {
        let (mut after, mut pause) = (i64::MIN, BACKOFF_MIN);
        loop {
            match self.0.parts.inbox.left_over(after, TAKE_UP_MAX).await {
                Ok(taken) => {
                    let Some(last) = taken.last() else { return };
                    after = last.id;
                    let room = self.0.hands.room(taken.len()).await;
                    self.hand_over(taken, room);
                }
                Err(error) => {
                    warn!(%error, "updates of an earlier process cannot be taken up yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    fn mode(&self) -> &'static str {
        match self.0.parts.mode {
            Mode::Poll => "long polling",
            Mode::Webhook { .. } => "webhook",
        }
    }

    fn set_health(&self, status: &'static str, detail: &str) {
        let mut health = self.0.health.lock().unwrap_or_else(PoisonError::into_inner);
        if health.status != status || health.detail != detail {
            *health = DoorHealth { status, detail: detail.to_owned() };
        }
    }

    /// Notes that Telegram does not answer as it should.
    fn trouble(&self, trouble: &Trouble) {
        let status = if *trouble == Trouble::Token { "down" } else { "degraded" };
        let before = self.health().detail;
        let detail = trouble.to_string();
        if before != detail {
            warn!(%trouble, "the Telegram door is not well");
        }
        self.set_health(status, &detail);
    }

    /// What a button of a new message carries.
    fn token(&self) -> String {
        let secret = format!("telegram/{}/{}", self.0.parts.ids.fresh(), self.0.parts.ids.fresh());
        let mut digits = Sha256::digest(secret).iter().fold(String::new(), |mut digits, byte| {
            use std::fmt::Write as _;
            // Writing to a String cannot fail.
            let _infallible = write!(digits, "{byte:02x}");
            digits
        });
        digits.truncate(TOKEN_DIGITS);
        digits
    }
}

/// Hears of everything committed, and has the sender look at the chats concerned.
impl FrameSink for Hints {
    fn publish(&self, frames: &[Frame]) {
        self.answered(frames);
        self.people(frames.iter().map(|frame| &frame.user_id));
    }

    fn so_far(&self, reply: &ReplySoFar<'_>) {
        self.grows(reply);
    }
}

/// Runs a part that never ends by itself, and again when it breaks.
async fn forever<F>(name: &'static str, part: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut running = tokio::task::JoinSet::new();
        running.spawn(part());
        let ended = running.join_next().await;
        tracing::error!(part = name, broke = ?ended.map(|ended| ended.is_err()), "a part ended; it begins anew");
        tokio::time::sleep(BACKOFF_MIN).await;
    }
}

/// Lets go of updates that ended long ago, and says again where updates are to go: somebody may have changed it.
async fn look_after(door: Door) {
    loop {
        if matches!(door.0.parts.mode, Mode::Webhook { .. }) {
            match door.say_where().await {
                Ok(()) => door.set_health("on", door.mode()),
                Err(trouble) => door.trouble(&trouble),
            }
        }
        let now = door.0.parts.clock.now();
        let (updates, copies) = (chrono::Duration::days(KEEP_DAYS), chrono::Duration::days(COPIES_KEEP_DAYS));
        if let Err(error) = door.0.parts.inbox.trim(now - updates, now - copies).await {
            warn!(%error, "old updates cannot be let go of now");
        }
        let well = door.health().status == "on";
        tokio::time::sleep(if well { LOOK_AFTER_PAUSE } else { BACKOFF_MAX }).await;
    }
}
