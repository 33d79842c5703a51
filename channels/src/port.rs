//! What the front doors need of the engine, and nothing more of it.

use async_trait::async_trait;
use workflows::action::Catalog;
use workflows::engine::{Engine, EngineError, Handled};
use workflows::ids::{ConversationId, PromptId, TaskId};
use workflows::inbound::Inbound;
use workflows::ports::store::ConversationView;
use workflows::ports::{PromptRow, TaskRow};

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

    /// What can be done.
    fn catalog(&self) -> &Catalog;
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

    fn catalog(&self) -> &Catalog {
        Engine::catalog(self)
    }
}
