//! Asking for updates: kept first, acknowledged then.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::api::Trouble;
use super::{BACKOFF_MAX, BACKOFF_MIN, Door};

/// Most updates in one answer.
const BATCH_MAX: usize = 100;
/// Longest that one poll may take before its connection is given up and another is made.
const POLL_LIMIT: Duration = Duration::from_secs(90);
/// After so long without updates Telegram may count from anywhere: what comes then must not be taken
/// for acknowledged.
const QUIET_LIMIT: Duration = Duration::from_secs(5 * 24 * 3_600);
/// Pause while another program polls with the same token.
const CONFLICT_PAUSE: Duration = Duration::from_secs(5);

/// Polls for ever.
pub(super) async fn run(door: Door) {
    let (mut offset, mut pause, mut heard) = (None, BACKOFF_MIN, Instant::now());
    loop {
        match door.round(offset).await {
            Ok(Some(next)) => (offset, heard) = (Some(next), Instant::now()),
            Ok(None) => {}
            Err(wait) => {
                tokio::time::sleep(wait.unwrap_or(pause)).await;
                pause = (pause * 2).min(BACKOFF_MAX);
                continue;
            }
        }
        door.set_health("on", door.mode());
        pause = BACKOFF_MIN;
        if heard.elapsed() > QUIET_LIMIT {
            offset = None;
        }
    }
}

impl Door {
    /// Asks once and keeps what came: the next offset, when something did; how long to wait, when it
    /// failed and that is known.
    async fn round(&self, offset: Option<i64>) -> Result<Option<i64>, Option<Duration>> {
        let room = self.0.hands.room(BATCH_MAX).await;
        let asked = tokio::time::timeout(POLL_LIMIT, self.0.parts.api.updates(offset)).await;
        let mut batch = match asked.unwrap_or(Err(Trouble::NoAnswer)) {
            Ok(batch) => batch,
            Err(trouble) => {
                self.trouble(&trouble);
                return Err(match trouble {
                    Trouble::Wait(secs) => Some(Duration::from_secs(secs)),
                    Trouble::Conflict(_) => {
                        // Somebody may have set a webhook meanwhile; ours is polling.
                        if let Err(trouble) = self.0.parts.api.webhook(None).await {
                            self.trouble(&trouble);
                        }
                        Some(CONFLICT_PAUSE)
                    }
                    _ => None,
                });
            }
        };
        let Some(last) = batch.iter().map(|update| update.id).max() else { return Ok(None) };
        batch.sort_by_key(|update| update.id);
        match self.keep(batch, room).await {
            Ok(()) => Ok(Some(last + 1)),
            Err(error) => {
                warn!(%error, "updates cannot be kept now; Telegram keeps them");
                self.set_health("degraded", "updates cannot be stored now");
                Err(None)
            }
        }
    }
}
