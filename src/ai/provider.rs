//! What a provider of models is to the router.

use async_trait::async_trait;

use super::wire::{Chat, Fault, Hear, Role, Said};
use crate::config::ProviderName;
use crate::memory::Purpose;

/// What there is of a provider, as far as one can look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing is known until it is asked.
    Unknown,
    /// It is there, with these models.
    Here(Vec<String>),
    /// It is not.
    Away(String),
}

/// Somebody who has models. Decides nothing: what it says is untrusted.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Whose it is.
    fn name(&self) -> ProviderName;

    /// Its model for this, when it has one.
    fn model(&self, role: Role) -> Option<&str>;

    /// Asks, and tells what came so far while it comes. Asks once: nothing is repeated, except in
    /// another form when the other side refuses the form.
    ///
    /// # Errors
    /// Why nothing usable came.
    async fn chat(&self, model: &str, chat: &Chat, hear: Hear<'_>) -> Result<Said, Fault>;

    /// Hears that a model did not answer in time, and what it was asked (`None`: for vectors). It may only
    /// have to be loaded; whoever can see to that does so without being waited for, once at a time.
    fn was_late(&self, _model: &str, _chat: Option<&Chat>) {}

    /// Turns texts into vectors, in their order.
    ///
    /// # Errors
    /// Why there are none.
    async fn embed(&self, model: &str, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, Fault>;

    /// Its models by name.
    ///
    /// # Errors
    /// Why it does not say.
    async fn models(&self) -> Result<Vec<String>, Fault>;

    /// Looks whether it is there, where that tells nobody anything.
    async fn look(&self) -> Presence;

    /// What was learnt of a model, for people who look after the service.
    fn learnt(&self, _model: &str) -> Option<String> {
        None
    }
}

/// Whether a model is among those that are there; without a tag the newest is meant.
pub fn has(models: &[String], wanted: &str) -> bool {
    models.iter().any(|there| there == wanted || there.strip_suffix(":latest") == Some(wanted))
}
