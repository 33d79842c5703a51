//! What the engine asks about people.

use async_trait::async_trait;

use crate::ids::PersonId;
use crate::person::{Contact, Person};

/// The lookup could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the people store failed")]
pub struct PeopleError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the engine asks about people. Writing them is the doors' and plugins' work.
#[async_trait]
pub trait People: Send + Sync {
    /// The person of this id.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, PeopleError>;

    /// Everyone in a person's address book, by name.
    async fn contacts(&self, id: &PersonId) -> Result<Vec<Contact>, PeopleError>;
}
