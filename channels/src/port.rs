//! What the front doors need of the engine, and nothing more of it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::action::Catalog;
use workflows::engine::{Engine, EngineError, Handled};
use workflows::ids::{ConversationId, PersonId, PromptId, TaskId};
use workflows::inbound::Inbound;
use workflows::person::{Identity, Person, Settings};
use workflows::ports::store::ConversationView;
use workflows::ports::{PromptRow, StoreError, TaskRow};

/// The engine as the doors see it.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Stores an event and commits its turn; effects go on in the background.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when nothing was stored, and what a store can fail with.
    async fn submit(&self, inbound: Inbound) -> Result<Handled, EngineError>;

    /// The task of that id, whoever's it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, EngineError>;

    /// The question of that token, whoever's it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, EngineError>;

    /// How a conversation stands, whoever's it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, EngineError>;

    /// What can be done now.
    fn catalog(&self) -> Arc<Catalog>;
}

#[async_trait]
impl Desk for Engine {
    async fn submit(&self, inbound: Inbound) -> Result<Handled, EngineError> {
        Engine::submit(self, inbound).await
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, EngineError> {
        Engine::load(self, id).await
    }

    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, EngineError> {
        Engine::prompt(self, id).await
    }

    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, EngineError> {
        Engine::conversation(self, id).await
    }

    fn catalog(&self) -> Arc<Catalog> {
        Engine::catalog(self)
    }
}

/// What a one-use code made at a door is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFor {
    /// Another identity of the same person.
    Link,
    /// A new person.
    Invite,
}

/// What came of a code that somebody gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// Their identity is this person's now.
    Linked(Person),
    /// They are this new person.
    Welcome(Person),
    /// They were this person before; the code was not used.
    Already(Person),
    /// It is wrong, used or expired.
    Wrong,
}

/// Who may use the doors, and what they chose.
#[async_trait]
pub trait Members: Send + Sync {
    /// Whose identity it is.
    async fn who(&self, identity: &Identity) -> Result<Option<Person>, StoreError>;

    /// The person of that id.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError>;

    /// Uses a code for an identity that a door has proven, in one commit.
    async fn join(&self, code: &str, identity: &Identity, name: &str) -> Result<Joined, StoreError>;

    /// Makes a one-use code, and says until when it holds.
    async fn code(&self, person: &PersonId, kind: CodeFor) -> Result<(String, DateTime<Utc>), StoreError>;

    /// Keeps what a person chose.
    async fn choose(&self, person: &PersonId, settings: &Settings) -> Result<(), StoreError>;

    /// A person's newest tasks.
    async fn tasks(&self, person: &PersonId, limit: u32) -> Result<Vec<TaskRow>, StoreError>;

    /// Tells the owner something about the service on the web, once per key; who they are, when it was news.
    async fn tell_owner(&self, key: &str, text: &str) -> Result<Option<PersonId>, StoreError>;
}

/// How a door is, for people who look after the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorHealth {
    /// `on`, `degraded` or `down`.
    pub status: &'static str,
    /// Why, or as what it is on. No personal data.
    pub detail: String,
}
