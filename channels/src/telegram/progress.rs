//! Messages that are kept up to date while something goes on: how far a task is, and what is shared
//! with replies that grow.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;
use workflows::ids::TaskId;
use workflows::state::Status;

use super::api::Outgoing;
use super::keyboard::Copy;
use super::parse::Place;
use super::sender::Unsaid;
use super::{Door, html, render};

/// A task that ends sooner needs no message that says how far it is.
pub(super) const PROGRESS_DELAY: Duration = Duration::from_millis(1_200);
/// Pause between changes of messages that say how far a task is, in a person's own chat.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
/// The same in a group, where Telegram allows about twenty messages a minute.
const PROGRESS_PAUSE_GROUP: Duration = Duration::from_secs(4);

/// What the sender remembers of messages that say how far tasks are; it may be lost.
#[derive(Default)]
pub(super) struct Progress {
    /// When such a message was first wanted, and what it says.
    copies: HashMap<String, (Instant, String)>,
    /// When one was last changed in a chat.
    changed: HashMap<i64, Instant>,
}

impl Door {
    /// Says how far a task is, at most once a second; how long until it may be said.
    pub(super) async fn refresh_progress(&self, copy: &Copy, task: &TaskId) -> Result<Option<Duration>, Unsaid> {
        let Some(row) = self.0.parts.desk.load(task).await? else {
            self.0.parts.outbox.close_copy(&copy.token).await?;
            return Ok(None);
        };
        let (now, status) = (Instant::now(), row.state.status());
        let over = status.is_terminal();
        // While it waits for the person there is nothing to tell that they do not see.
        if status != Status::Running && copy.message.is_none() {
            self.forget_progress(copy);
            self.0.parts.outbox.close_copy(&copy.token).await?;
            return Ok(None);
        }
        let words = html::messages(&render::progress(&row.state)).into_iter().next().unwrap_or_default();
        if let Some(left) = self.bring_up_to_date(copy, now, words).await? {
            return Ok(Some(left));
        }
        if over {
            self.forget_progress(copy);
            self.0.parts.outbox.close_copy(&copy.token).await?;
        }
        Ok(None)
    }

    /// Has a message say these words, when it has been wanted for a while and none was changed just now;
    /// how long until it may. `wanted`: since when, unless that is known already.
    pub(super) async fn bring_up_to_date(
        &self,
        copy: &Copy,
        wanted: Instant,
        words: String,
    ) -> Result<Option<Duration>, Unsaid> {
        let (chat, now) = (copy.place.chat, Instant::now());
        let (since, said, changed) = self.with_progress(|progress| {
            let (since, said) = progress.copies.entry(copy.token.clone()).or_insert_with(|| (wanted, String::new()));
            (*since, said.clone(), progress.changed.get(&chat).copied())
        });
        if said == words {
            return Ok(None);
        }
        let after_others = changed.map_or(now, |changed| changed + Self::pause(copy.place));
        let at = if copy.message.is_none() { after_others.max(since + PROGRESS_DELAY) } else { after_others };
        if let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) {
            return Ok(Some(left));
        }
        match copy.message {
            None => {
                let sent = self.send(copy.place, vec![Outgoing { html: words.clone(), ..Outgoing::default() }]).await?;
                if let Some(message) = sent {
                    self.0.parts.outbox.shown(&copy.token, message, copy.rev).await?;
                }
            }
            Some(message) => {
                let api = &self.0.parts.api;
                self.changed(chat, async { api.edit(chat, message, &words, &[]).await }).await?;
            }
        }
        self.with_progress(|progress| {
            progress.changed.insert(chat, Instant::now());
            progress.copies.insert(copy.token.clone(), (since, words));
        });
        Ok(None)
    }

    /// Pause between two changes of such messages.
    pub(super) fn pause(place: Place) -> Duration {
        if place.private { PROGRESS_PAUSE } else { PROGRESS_PAUSE_GROUP }
    }

    fn with_progress<T>(&self, look: impl FnOnce(&mut Progress) -> T) -> T {
        look(&mut self.0.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn forget_progress(&self, copy: &Copy) {
        let now = Instant::now();
        self.with_progress(|progress| {
            progress.copies.remove(&copy.token);
            progress.changed.retain(|_, at| *at + PROGRESS_PAUSE_GROUP > now);
        });
    }
}
