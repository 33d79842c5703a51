//! When what may be sent to a chat: one message at a time, and none before Telegram allows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use workflows::failpoint;

use super::api::{Api, Outgoing, Trouble};
use super::parse::Place;

#[derive(Default)]
struct Gate {
    turn: Arc<tokio::sync::Mutex<()>>,
    not_before: Option<Instant>,
}

/// The gates of all chats; whoever sends goes through them.
#[derive(Default)]
pub struct Gates(Mutex<HashMap<i64, Gate>>);

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gates(..)")
    }
}

impl Gates {
    fn with<T>(&self, chat: i64, look: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Gates nobody stands at and that are open need not be remembered.
        gates.retain(|id, gate| {
            *id == chat || Arc::strong_count(&gate.turn) > 1 || gate.not_before.is_some_and(|at| at > now)
        });
        look(gates.entry(chat).or_default())
    }

    /// The turn to send to a chat, once it is ours.
    pub async fn turn(&self, chat: i64) -> OwnedMutexGuard<()> {
        let turn = self.with(chat, |gate| Arc::clone(&gate.turn));
        turn.lock_owned().await
    }

    /// How long nothing may be sent to a chat.
    pub fn shut_for(&self, chat: i64) -> Option<Duration> {
        self.with(chat, |gate| gate.not_before.and_then(|at| at.checked_duration_since(Instant::now())))
            .filter(|left| !left.is_zero())
    }

    /// Shuts a chat's gate for so long.
    pub fn shut(&self, chat: i64, secs: u64) {
        let until = Instant::now() + Duration::from_secs(secs);
        self.with(chat, |gate| gate.not_before = gate.not_before.max(Some(until)));
    }

    /// Sends a message in parts, in turn with everybody else who sends to that chat; the id of the
    /// last part. Once begun it goes on to its end, waiting as long as Telegram asks.
    ///
    /// # Errors
    /// See [`Trouble`]; when an earlier part was sent it is any but [`Trouble::Wait`].
    pub async fn send(&self, api: &Api, place: Place, parts: Vec<Outgoing>) -> Result<i32, Trouble> {
        let _turn = self.turn(place.chat).await;
        let mut last = None;
        for part in &parts {
            last = Some(loop {
                if let Some(left) = self.shut_for(place.chat) {
                    if last.is_none() {
                        return Err(Trouble::Wait(left.as_secs() + 1));
                    }
                    tokio::time::sleep(left).await;
                }
                failpoint::hit("telegram.send.before");
                let sent = api.send(place, part).await;
                failpoint::hit("telegram.send.after");
                match sent {
                    Ok(message) => break message,
                    Err(Trouble::Wait(secs)) => {
                        self.shut(place.chat, secs);
                        if last.is_none() {
                            return Err(Trouble::Wait(secs));
                        }
                    }
                    Err(trouble) => return Err(trouble),
                }
            });
        }
        last.ok_or_else(|| Trouble::Refused("there is nothing to send".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_shut_gate_opens_by_itself_and_only_for_its_chat() {
        let gates = Gates::default();
        gates.shut(1, 7);
        gates.shut(1, 3);
        assert_eq!(gates.shut_for(1), Some(Duration::from_secs(7)), "the longer wish counts");
        assert_eq!(gates.shut_for(2), None);
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(gates.shut_for(1), None);
    }

    #[tokio::test]
    async fn only_one_sends_to_a_chat_and_open_gates_are_forgotten() {
        let gates = Gates::default();
        let turn = gates.turn(1).await;
        assert!(tokio::time::timeout(Duration::from_millis(10), gates.turn(1)).await.is_err());
        drop(turn);
        drop(gates.turn(1).await);
        for chat in 2..100 {
            drop(gates.turn(chat).await);
        }
        assert!(gates.0.lock().expect("not poisoned").len() <= 2);
    }
}
