//! Where new ids come from.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ids::{Seed, TaskId};

/// Fresh, unguessable ids.
pub trait Ids: Send + Sync {
    /// An id of 128 random bits or more, as lower-case letters and digits; sorts by its making.
    fn fresh(&self) -> String;

    /// A new task's id.
    fn task(&self) -> TaskId {
        TaskId(self.fresh())
    }

    /// A new task's seed.
    fn seed(&self) -> Seed {
        Seed(self.fresh())
    }
}

/// Ids from a source of randomness given by the composition root (UUID version 7 there).
pub struct RandomIds(pub fn() -> String);

impl Ids for RandomIds {
    fn fresh(&self) -> String {
        (self.0)()
    }
}

/// Ids that count; for tests.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn fresh(&self) -> String {
        format!("id{:06}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}
