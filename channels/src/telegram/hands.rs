//! Who handles which update: one chat in its order, many chats at the same time, and no more in
//! memory than there is room for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};
use tracing::{error, warn};
use workflows::failpoint;
use workflows::ports::StoreError;

use super::store::{Arrived, Ending, Finished, Waiting};
use super::{BACKOFF_MAX, BACKOFF_MIN, Door, parse};

/// Updates in memory; beyond them the poller waits and the webhook answers 503.
const WAITING_MAX: usize = 2_000;
/// Chats handled at the same time.
const CHATS_MAX: usize = 64;
/// Times the handling of an update may begin: once as it comes, twice alone after a death of the process.
const BEGUN_MAX: u32 = 3;
/// Times it may panic in one life of the process.
const PANICS_MAX: u32 = 2;

/// What came of one attempt at an update.
enum Attempt {
    /// It has ended.
    Ended,
    /// Not yet.
    NotNow,
    /// It broke the program.
    Panicked,
}

type Line = VecDeque<(Waiting, OwnedSemaphorePermit)>;

/// The lines of updates, one a chat.
pub(super) struct Hands {
    lines: Mutex<HashMap<i64, Line>>,
    waiting: Arc<Semaphore>,
    chats: Arc<Semaphore>,
    /// Written by whoever must be handled while nothing else is.
    alone: RwLock<()>,
}

impl Default for Hands {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            chats: Arc::new(Semaphore::new(CHATS_MAX)),
            alone: RwLock::default(),
        }
    }
}

impl Hands {
    /// Room for so many updates, once there is.
    pub(super) async fn room(&self, count: usize) -> OwnedSemaphorePermit {
        let count = u32::try_from(count.min(WAITING_MAX)).unwrap_or(u32::MAX);
        Arc::clone(&self.waiting).acquire_many_owned(count).await.expect("it is never closed")
    }

    /// Room for one update, if there is.
    pub(super) fn room_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().ok()
    }

    /// Puts an update into its chat's line; whether somebody has to begin with it.
    fn put(&self, chat: i64, update: Waiting, room: OwnedSemaphorePermit) -> bool {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = !lines.contains_key(&chat);
        lines.entry(chat).or_default().push_back((update, room));
        begins
    }

    /// The next of a chat's line; without one the line ends.
    fn next(&self, chat: i64) -> Option<(Waiting, OwnedSemaphorePermit)> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lines.get_mut(&chat).and_then(VecDeque::pop_front);
        if next.is_none() {
            lines.remove(&chat);
        }
        next
    }
}

impl Door {
    /// Keeps a batch in one commit, then has handled what of it is new. Goes on even if the caller goes away: what
    /// is kept must be handed over by this process.
    pub(super) async fn keep(&self, batch: Vec<Arrived>, room: OwnedSemaphorePermit) -> Result<(), StoreError> {
        let door = self.clone();
        let keeping = self.0.tasks.spawn(async move {
            failpoint::hit("telegram.keep.before");
            let fresh = door.0.parts.inbox.keep(batch, door.0.parts.clock.now()).await?;
            failpoint::hit("telegram.keep.after");
            door.hand_over(fresh, room);
            Ok(())
        });
        // A panic while keeping: Telegram is not answered, and sends it again.
        keeping.await.unwrap_or(Err(StoreError::Busy))
    }

    /// Has kept updates handled, each in its chat's order.
    pub(super) fn hand_over(&self, updates: Vec<Waiting>, mut room: OwnedSemaphorePermit) {
        for update in updates {
            let Some(one) = room.split(1) else {
                // There was less room than updates: those without wait for the next start.
                return error!("an update had no room");
            };
            let raw = serde_json::from_str(&update.raw).unwrap_or_default();
            let chat = parse::chat_of(&raw);
            if self.0.hands.put(chat, update, one) {
                let door = self.clone();
                self.0.tasks.spawn(async move { door.work_off(chat).await });
            }
        }
    }

    async fn work_off(&self, chat: i64) {
        let _turn = self.0.hands.chats.acquire().await.expect("it is never closed");
        while !self.0.stop.is_cancelled()
            && let Some((update, _room)) = self.0.hands.next(chat)
        {
            self.take(update).await;
        }
    }

    /// Handles one update until it has ended, or the service stops.
    async fn take(&self, update: Waiting) {
        let Waiting { id, raw, again } = update;
        let (mut pause, mut panics, mut answered) = (BACKOFF_MIN, 0, false);
        // The order of the chat is kept: nothing after this update is handled before it has ended.
        while !self.0.stop.is_cancelled() {
            match self.attempt(id, &raw, again, answered).await {
                Attempt::Ended => return,
                Attempt::NotNow => answered = true,
                Attempt::Panicked => panics += 1,
            }
            if panics >= PANICS_MAX {
                return self.set_aside(id).await;
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(BACKOFF_MAX);
        }
    }

    /// Handles an update once. Who was being handled when an earlier process died may be why: it is counted
    /// before it is looked at, and handled while nothing else is, so that nobody else is to blame.
    async fn attempt(&self, id: i64, raw: &str, again: bool, answered: bool) -> Attempt {
        let (_alone, _among) = if again {
            (Some(self.0.hands.alone.write().await), None)
        } else {
            (None, Some(self.0.hands.alone.read().await))
        };
        if again {
            match self.0.parts.inbox.count(id, 1).await {
                Ok(count) if count > BEGUN_MAX => {
                    self.set_aside(id).await;
                    return Attempt::Ended;
                }
                Ok(_) => {}
                Err(error) => {
                    warn!(update = id, %error, "an update could not be counted yet");
                    return Attempt::NotNow;
                }
            }
        }
        let (door, raw) = (self.clone(), raw.to_owned());
        match tokio::spawn(async move { door.handle(id, &raw, answered).await }).await {
            Ok(Ok(())) => Attempt::Ended,
            Ok(Err(error)) => {
                warn!(update = id, %error, "an update could not be handled yet");
                // It broke nothing.
                if again && let Err(error) = self.0.parts.inbox.count(id, -1).await {
                    warn!(update = id, %error, "an update stays counted");
                }
                Attempt::NotNow
            }
            Err(broke) => {
                error!(update = id, %broke, "an update broke the program");
                Attempt::Panicked
            }
        }
    }

    async fn set_aside(&self, id: i64) {
        let text = "A message from Telegram broke the program again and again. It was kept and set aside; nothing was done for it.";
        let ended = async {
            let replies = self.to_owner(&format!("telegram:aside:{id}"), text).await?;
            let chat = replies.first().map(|reply| reply.place.chat);
            let nothing = Finished::handled(id, self.0.parts.clock.now());
            self.0.parts.inbox.finish(Finished { ending: Ending::SetAside, replies, ..nothing }).await?;
            Ok::<_, StoreError>(chat)
        };
        match ended.await {
            Ok(chat) => chat.into_iter().for_each(|chat| self.0.parts.hints.chat(chat)),
            Err(error) => error!(update = id, %error, "an update that was set aside could not be noted"),
        }
    }
}
