//! What is looked after as long as the service runs: who of the models is there, what of the memory has no
//! vector yet, and which files are over.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use workflows::ports::Clock;

use crate::ai::{self, router::Router};
use crate::memory::Memory;
use crate::store::sqlite::Db;
use crate::uploads;

/// What is looked after.
pub(super) struct Upkeep {
    ai: Arc<Router>,
    memory: Memory,
    /// Where files that people sent are.
    uploads: PathBuf,
    db: Db,
    clock: Arc<dyn Clock>,
}

impl Upkeep {
    /// All of these.
    pub(super) fn new(ai: &Arc<Router>, memory: Memory, uploads: PathBuf, db: &Db, clock: &Arc<dyn Clock>) -> Self {
        Self { ai: Arc::clone(ai), memory, uploads, db: db.clone(), clock: Arc::clone(clock) }
    }

    /// Looks after it until then.
    pub(super) async fn run(self, until: CancellationToken) {
        let files = uploads::tend(self.uploads, Arc::new(self.db), self.clock, until.clone());
        tokio::join!(ai::tend(&self.ai, &self.memory, until), files);
    }
}
