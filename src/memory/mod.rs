//! What the service remembers for people: recalled by words always, and by meaning where there is a
//! model that turns texts into vectors.
//!
//! It decides nothing, and what it gives back is data: the words a person said once are never an
//! order now.

mod rank;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tracing::warn;
use workflows::ids::{PersonId, TaskId};
use workflows::ports::Clock;

use crate::store::memory::{MEMORIES_MAX, Memory as Stored, MemoryId, MemoryKind, Remembered};
use crate::store::{MemoryStore, StoreError};

/// Memories one recall gives.
pub const RECALLED_MAX: usize = 50;
/// Characters of all texts of one recall together.
pub const RECALLED_CHARS_MAX: usize = 4_000;
/// Vectors that one recall is compared with: the newest of a person.
pub const VECTORS_MAX: usize = 2 * MEMORIES_MAX;
/// Longest part of a text that is looked for by its meaning.
const QUERY_CHARS_MAX: usize = 2_000;
/// Texts that get their vectors in one run of [`Memory::index`].
const BATCH_MAX: usize = 16;
/// A text that every model can make a vector of.
const WELL: &str = "hello";
/// Numbers of one vector.
pub const DIMENSIONS_MAX: usize = 8_192;

/// What a text is turned into a vector for: some models have to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be found.
    Document,
    /// To find others by.
    Query,
}

/// Turns texts into vectors, when there is a model for it.
///
/// It is given what people said without asking them: an implementation sends texts only to where the
/// operator's own models run.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The model's name; vectors of different models are never compared. `None` = there is none now.
    fn model(&self) -> Option<String>;

    /// One vector for each text, in their order, within a time of its own; `None` when it cannot.
    async fn embed(&self, texts: &[String], purpose: Purpose) -> Option<Vec<Vec<f32>>>;
}

/// What was remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// Its id.
    pub id: MemoryId,
    /// What it is.
    pub kind: MemoryKind,
    /// The person's own words.
    pub text: String,
    /// When it was told.
    pub at: DateTime<Utc>,
}

impl From<Stored> for Recalled {
    fn from(memory: Stored) -> Self {
        Self { id: memory.id, kind: memory.kind, text: memory.text, at: memory.at }
    }
}

/// The memory of the service.
#[derive(Clone)]
pub struct Memory {
    store: Arc<dyn MemoryStore>,
    embedder: Option<Arc<dyn Embedder>>,
    clock: Arc<dyn Clock>,
}

impl Memory {
    /// A memory kept in this store.
    pub fn new(store: Arc<dyn MemoryStore>, embedder: Option<Arc<dyn Embedder>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, embedder, clock }
    }

    /// What is known that bears on these words, best first; never fails: what cannot be recalled is
    /// left out. At most [`RECALLED_MAX`] memories of [`RECALLED_CHARS_MAX`] characters together.
    pub async fn recall(&self, person: &PersonId, text: &str, limit: usize) -> Vec<Recalled> {
        let limit = limit.min(RECALLED_MAX);
        let by_words = self.store.search(person, text, RECALLED_MAX).await.unwrap_or_else(|error| {
            warn!(%error, "the memory could not be searched");
            Vec::new()
        });
        let by_meaning = self.by_meaning(person, text).await;
        bounded(rank::merged(by_words, by_meaning), limit)
    }

    /// The newest facts of a person.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn facts(&self, person: &PersonId, limit: usize) -> Result<Vec<Recalled>, StoreError> {
        let limit = limit.min(RECALLED_MAX);
        Ok(bounded(self.store.facts(person, limit).await?, limit))
    }

    /// Keeps a fact once for each source.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remember(&self, person: &PersonId, source: &str, text: &str) -> Result<Remembered, StoreError> {
        self.store.remember(person, MemoryKind::Fact, source, text, self.clock.now()).await
    }

    /// Takes a memory away; gives what it was, when it was there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(&self, person: &PersonId, id: &MemoryId) -> Result<Option<Recalled>, StoreError> {
        Ok(self.store.forget(person, id).await?.map(Recalled::from))
    }

    /// Keeps what a task was asked for, once. A request that cannot be kept is none that fails.
    pub async fn note_request(&self, person: &PersonId, task: &TaskId, text: &str) {
        let noted = self.store.remember(person, MemoryKind::Request, task.as_str(), text, self.clock.now()).await;
        if let Err(error) = noted {
            warn!(%error, %task, "a request could not be remembered");
        }
    }

    /// Gives vectors to what has none, a bounded batch at a time.
    pub async fn index(&self) {
        let Some((embedder, model)) = self.model() else { return };
        let batch = match self.store.without_vector(&model, BATCH_MAX).await {
            Ok(batch) if batch.is_empty() => return,
            Ok(batch) => batch,
            Err(error) => return warn!(%error, "what has no vector could not be read"),
        };
        let texts: Vec<String> = batch.iter().map(|memory| memory.text.clone()).collect();
        let vectors = match embedded(embedder, &texts, Purpose::Document).await {
            Some(vectors) => vectors,
            None => one_by_one(embedder, &texts).await,
        };
        // The model may have become another one meanwhile: its vectors are of no use under this name.
        if embedder.model().as_ref() != Some(&model) {
            return;
        }
        for (memory, vector) in batch.iter().zip(&vectors) {
            if let Err(error) = self.store.set_vector(&memory.id, &model, vector).await {
                return warn!(%error, "a vector could not be kept");
            }
        }
    }

    fn model(&self) -> Option<(&dyn Embedder, String)> {
        let embedder = self.embedder.as_deref()?;
        Some((embedder, embedder.model()?))
    }

    /// What means nearly the same, nearest first; nothing when there is no model or it does not answer.
    async fn by_meaning(&self, person: &PersonId, text: &str) -> Vec<Stored> {
        let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
        let Some((embedder, model)) = self.model().filter(|_| !text.trim().is_empty()) else { return Vec::new() };
        let Some(vectors) = embedded(embedder, &[text], Purpose::Query).await else { return Vec::new() };
        let Some(asked) = vectors.first() else { return Vec::new() };
        match self.store.vectors(person, &model, VECTORS_MAX).await {
            Ok(all) => rank::nearest(asked, all, RECALLED_MAX),
            Err(error) => {
                warn!(%error, "the vectors of the memory could not be read");
                Vec::new()
            }
        }
    }
}

/// A sound vector for each text, or nothing.
async fn embedded(embedder: &dyn Embedder, texts: &[String], purpose: Purpose) -> Option<Vec<Vec<f32>>> {
    let vectors = embedder.embed(texts, purpose).await?;
    let sound = |vector: &Vec<f32>| {
        !vector.is_empty() && vector.len() <= DIMENSIONS_MAX && vector.iter().all(|number| number.is_finite())
    };
    if vectors.len() == texts.len() && vectors.iter().all(sound) {
        return Some(vectors);
    }
    warn!(texts = texts.len(), vectors = vectors.len(), "the model's vectors are not what was asked for");
    None
}

/// The same where one text may be what the model fails at: that one has an empty vector, which is near to
/// nothing, and holds up no other. As many as could be made, from the first on: where the model is not well,
/// the text is not what it fails at.
async fn one_by_one(embedder: &dyn Embedder, texts: &[String]) -> Vec<Vec<f32>> {
    let mut vectors = Vec::with_capacity(texts.len());
    let is_well = async || embedded(embedder, &[WELL.to_owned()], Purpose::Document).await.is_some();
    if !is_well().await {
        return vectors;
    }
    for text in texts {
        let vector = embedded(embedder, std::slice::from_ref(text), Purpose::Document).await;
        if vector.is_none() {
            if !is_well().await {
                return vectors;
            }
            warn!("the model makes no vector of a text, which is found by its words alone");
        }
        vectors.push(vector.and_then(|mut one| one.pop()).unwrap_or_default());
    }
    vectors
}

/// The first of these, as many as fit.
fn bounded(memories: Vec<Stored>, limit: usize) -> Vec<Recalled> {
    let mut left = RECALLED_CHARS_MAX;
    let fits = |memory: &Stored| {
        let rest = left.checked_sub(memory.text.chars().count());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    memories.into_iter().take(limit).take_while(fits).map(Recalled::from).collect()
}
