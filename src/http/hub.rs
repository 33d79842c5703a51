//! Who is to be told that a person's log grew, that a credential ended, or how far a reply has come.
//!
//! A hint carries no data: whoever hears it reads the log, which alone is the truth. So a slow
//! listener costs no memory, and hints that come out of order lose nothing. A reply that is being made
//! is in no log; each telling of it holds all of it, so that missing some loses nothing either.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{broadcast, watch};
use workflows::frame::Frame;
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::ports::{FrameSink, ReplySoFar};

/// Ended credentials that a listener may be behind; one further behind checks its own anew.
const ENDED_BACKLOG: usize = 64;

/// Tellings of replies that a listener may be behind; one further behind hears the newer ones.
const SO_FAR_BACKLOG: usize = 64;
/// Longest reply that is told of while it is being made, in bytes; a longer one is seen when it is done.
const SO_FAR_BYTES_MAX: usize = 64 << 10;

/// A reply as far as it has come.
#[derive(Debug)]
pub struct SoFar {
    /// Who asked.
    pub person_id: PersonId,
    /// Where.
    pub conversation_id: ConversationId,
    /// As which task.
    pub task_id: TaskId,
    /// All of it that is there.
    pub text: Arc<str>,
}

/// Per-person hints, and the news of ended credentials.
pub struct Hub {
    people: Mutex<HashMap<PersonId, watch::Sender<u64>>>,
    ended: broadcast::Sender<String>,
    replies: broadcast::Sender<Arc<SoFar>>,
}

impl Default for Hub {
    fn default() -> Self {
        let (ended, replies) = (broadcast::channel(ENDED_BACKLOG).0, broadcast::channel(SO_FAR_BACKLOG).0);
        Self { people: Mutex::default(), ended, replies }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub(..)")
    }
}

impl Hub {
    fn people(&self) -> MutexGuard<'_, HashMap<PersonId, watch::Sender<u64>>> {
        self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Hears of everything committed for this person from now on.
    pub fn hints(&self, person: &PersonId) -> watch::Receiver<u64> {
        let mut people = self.people();
        // Those nobody listens to any more make room: the map holds listeners only.
        people.retain(|_, sender| sender.receiver_count() > 0);
        people.entry(person.clone()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// How many listen for this person now.
    pub fn listeners(&self, person: &PersonId) -> usize {
        self.people().get(person).map_or(0, watch::Sender::receiver_count)
    }

    /// Hears of credentials that end, by their public id.
    pub fn endings(&self) -> broadcast::Receiver<String> {
        self.ended.subscribe()
    }

    /// Hears of everybody's replies while they are being made.
    pub fn replies(&self) -> broadcast::Receiver<Arc<SoFar>> {
        self.replies.subscribe()
    }

    /// Tells that a credential has ended.
    pub fn end(&self, credential_id: &str) {
        // Nobody listening is fine.
        drop(self.ended.send(credential_id.to_owned()));
    }

    /// Tells that a person's log grew.
    pub fn hint(&self, person: &PersonId) {
        if let Some(sender) = self.people().get(person) {
            sender.send_modify(|count| *count += 1);
        }
    }
}

impl FrameSink for Hub {
    fn publish(&self, frames: &[Frame]) {
        let mut told: Vec<&PersonId> = frames.iter().map(|frame| &frame.user_id).collect();
        told.dedup();
        for person in told {
            self.hint(person);
        }
    }

    fn so_far(&self, reply: &ReplySoFar<'_>) {
        if self.listeners(reply.person_id) == 0 || reply.text.len() > SO_FAR_BYTES_MAX {
            return;
        }
        let so_far = SoFar {
            person_id: reply.person_id.clone(),
            conversation_id: reply.conversation_id.clone(),
            task_id: reply.task_id.clone(),
            text: Arc::from(reply.text),
        };
        // Nobody listening is fine.
        drop(self.replies.send(Arc::new(so_far)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_person_concerned_is_told() {
        let hub = Hub::default();
        let (mut ann, bob) = (hub.hints(&"ann".into()), hub.hints(&"bob".into()));
        hub.hint(&"ann".into());
        ann.changed().await.unwrap();
        assert!(!bob.has_changed().unwrap());
    }

    #[tokio::test]
    async fn forgotten_people_take_no_room() {
        let hub = Hub::default();
        for n in 0..100 {
            drop(hub.hints(&PersonId(format!("p{n}"))));
        }
        let _kept = hub.hints(&"kept".into());
        assert_eq!(hub.people().len(), 1);
    }
}
