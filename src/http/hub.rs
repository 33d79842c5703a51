//! Who is to be told that a person's log grew, or that a credential ended.
//!
//! A hint carries no data: whoever hears it reads the log, which alone is the truth. So a slow
//! listener costs no memory, and hints that come out of order lose nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{broadcast, watch};
use workflows::frame::Frame;
use workflows::ids::PersonId;
use workflows::ports::FrameSink;

/// Ended credentials that a listener may be behind; one further behind checks its own anew.
const ENDED_BACKLOG: usize = 64;

/// Per-person hints, and the news of ended credentials.
pub struct Hub {
    people: Mutex<HashMap<PersonId, watch::Sender<u64>>>,
    ended: broadcast::Sender<String>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { people: Mutex::default(), ended: broadcast::channel(ENDED_BACKLOG).0 }
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
