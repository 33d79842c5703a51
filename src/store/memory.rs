//! What is remembered for a person: facts they told, and what they asked for.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workflows::ids::PersonId;
use workflows::ports::StoreError;

/// Longest fact.
pub const FACT_CHARS_MAX: usize = 500;
/// Longest part of a request that is kept.
pub const REQUEST_CHARS_MAX: usize = 500;
/// Facts one person may have, and requests of one person that are kept.
pub const MEMORIES_MAX: usize = 2_000;
/// Words of a search; the rest is left out.
pub const QUERY_WORDS_MAX: usize = 32;

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 24;

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemoryId(pub String);

impl MemoryId {
    /// The id of what a person told there: always the same, so that a repeat is no second memory.
    pub fn of(person: &PersonId, kind: MemoryKind, source: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [person.as_str(), kind.as_str(), source] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut text = hex::encode(hash.finalize());
        text.truncate(ID_DIGITS);
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// What the person wants to be remembered.
    Fact,
    /// What the person asked for.
    Request,
}

impl MemoryKind {
    /// The kind as a machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Request => "request",
        }
    }

    /// The kind of that machine word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Fact, Self::Request].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One thing that is remembered, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Its id.
    pub id: MemoryId,
    /// What it is.
    pub kind: MemoryKind,
    /// The person's own words.
    pub text: String,
    /// When it was told.
    pub at: DateTime<Utc>,
}

/// What became of something to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// It is kept under this id, now or since it was told first.
    Kept(MemoryId),
    /// Another fact says exactly the same.
    Known(MemoryId),
    /// There are [`MEMORIES_MAX`] facts already.
    Full,
    /// A fact is longer than [`FACT_CHARS_MAX`], or empty.
    NoFact,
}

/// Keeping memories. Whatever is asked for a person sees that person's memories only. Lists hold at
/// most [`MEMORIES_MAX`] of a kind; every method fails when the store does.
#[async_trait]
pub trait MemoryStore: Send + Sync {
    /// Keeps a text once for each kind and source. Of a request the first [`REQUEST_CHARS_MAX`]
    /// characters are kept, and beyond [`MEMORIES_MAX`] the oldest requests go.
    async fn remember(
        &self,
        person: &PersonId,
        kind: MemoryKind,
        source: &str,
        text: &str,
        at: DateTime<Utc>,
    ) -> Result<Remembered, StoreError>;

    /// Takes a memory away; gives what it was, when it was there.
    async fn forget(&self, person: &PersonId, id: &MemoryId) -> Result<Option<Memory>, StoreError>;

    /// A person's facts, newest first.
    async fn facts(&self, person: &PersonId, limit: usize) -> Result<Vec<Memory>, StoreError>;

    /// What has any of the words that matter in a query, the best fit first, the newest of equals.
    /// A query is words and nothing else: no sign in it has a meaning.
    async fn search(&self, person: &PersonId, query: &str, limit: usize) -> Result<Vec<Memory>, StoreError>;

    /// Anybody's memories that have no vector of this model, newest first.
    async fn without_vector(&self, model: &str, limit: usize) -> Result<Vec<Memory>, StoreError>;

    /// Gives a memory its vector, in place of one of another model. Nothing when it is gone.
    async fn set_vector(&self, id: &MemoryId, model: &str, vector: &[f32]) -> Result<(), StoreError>;

    /// A person's memories that have a vector of this model, newest first.
    async fn vectors(
        &self,
        person: &PersonId,
        model: &str,
        limit: usize,
    ) -> Result<Vec<(Memory, Vec<f32>)>, StoreError>;
}

/// Words that are in too many texts to find one by.
const COMMON: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do",
    "does", "for", "from", "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "is", "it", "its",
    "know", "me", "my", "of", "on", "or", "our", "please", "remember", "said", "she", "so", "tell", "that", "the",
    "their", "them", "there", "they", "this", "to", "told", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "will", "with", "would", "you", "your",
];

/// The words of a query that matter, each once, in small letters.
pub(crate) fn words(query: &str) -> Vec<String> {
    // A mark that is a sign of its own belongs to the letter before it.
    let inside = |c: char| c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
    let mut words: Vec<String> = Vec::new();
    for word in query.split(|c| !inside(c)).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        // What is left of "wife's" or "I'm".
        let rest = word.len() == 1 && word.chars().all(|c| c.is_ascii_alphabetic());
        if !rest && !COMMON.contains(&word.as_str()) && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == QUERY_WORDS_MAX {
            break;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_matter_are_searched_for() {
        let table: [(&str, &[&str]); 6] = [
            ("What do you know about my wife's shoes?", &["wife", "shoes"]),
            ("wife WIFE Wife", &["wife"]),
            ("Jo NEAR(kind:fact) -tea \"x y\" *", &["jo", "near", "kind", "fact", "tea"]),
            ("what do you know about me", &[]),
            ("cafe\u{301} 42 寿司", &["cafe\u{301}", "42", "寿司"]),
            ("", &[]),
        ];
        for (query, found) in table {
            assert_eq!(words(query), found, "{query}");
        }
        let many: Vec<String> = (0..1_000).map(|n| format!("w{n}")).collect();
        assert_eq!(words(&many.join(" ")), many[..QUERY_WORDS_MAX]);
    }

    #[test]
    fn an_id_is_that_of_one_person_kind_and_source() {
        let id = |person: &str, kind, source: &str| MemoryId::of(&person.into(), kind, source);
        let one = id("ann", MemoryKind::Fact, "e1");
        assert_eq!(one, id("ann", MemoryKind::Fact, "e1"));
        for other in [
            id("bob", MemoryKind::Fact, "e1"),
            id("ann", MemoryKind::Request, "e1"),
            id("ann", MemoryKind::Fact, "e2"),
            id("annf", MemoryKind::Fact, "1"),
        ] {
            assert_ne!(one, other);
        }
    }
}
