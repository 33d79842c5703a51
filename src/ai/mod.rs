//! Planning by models.
//!
//! A router asks providers in their configured order ([`mod@router`]), past breakers ([`breaker`]), limits
//! and a person's day ([`budget`]); each provider speaks its own wire ([`ollama`], [`openai`]). The
//! planner ([`planner`]) has pictures looked at, makes a small prompt ([`prompt`]), reads what came back ([`extract`],
//! [`read`]), puts addresses where names are ([`people`]), holds days and sums against the words
//! ([`mod@check`]), has faults mended, and falls back to the next, last to the rules that are always there.
//!
//! Everything a model says is untrusted. It proposes; the engine validates, shows and asks.

mod addresses;
pub mod breaker;
pub mod budget;
pub mod check;
pub mod code;
mod events;
pub mod extract;
pub mod metrics;
pub mod ollama;
pub mod openai;
pub mod people;
mod pictures;
pub mod planner;
pub mod prompt;
pub mod provider;
pub mod read;
pub mod router;
pub mod seat;
pub mod shape;
mod stream;
#[cfg(test)]
mod tests;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflows::ports::Clock;

use crate::config::{AiConfig, AiLimits, ProviderConfig, ProviderName};
use crate::memory::{Embedder, Memory, Purpose};
use crate::outgoing::{Outgoing, SystemNames};
use crate::store::AiUsageStore;
use budget::Budget;
use ollama::Ollama;
use openai::OpenAi;
pub use planner::AiPlanner;
use provider::Provider;
use router::Router;
use seat::Seat;
use wire::Role;

/// A router over what is configured.
///
/// # Errors
/// When TLS cannot be set up.
pub fn router(
    config: &AiConfig,
    usage: Arc<dyn AiUsageStore>,
    clock: Arc<dyn Clock>,
) -> Result<Router, reqwest::Error> {
    let seats =
        config.providers.iter().map(|one| Ok::<_, reqwest::Error>(Seat::new(provider(one, &config.limits)?, one)));
    let seats = seats.collect::<Result<Vec<Seat>, _>>()?;
    Ok(Router::new(seats, config.limits, Budget::new(usage, config.limits), clock))
}

fn provider(config: &ProviderConfig, limits: &AiLimits) -> Result<Arc<dyn Provider>, reqwest::Error> {
    let urls = std::slice::from_ref(&config.url);
    let outgoing = Outgoing::connecting_within(limits.connect, urls, Arc::new(SystemNames))?;
    Ok(match config.name {
        ProviderName::Ollama => Arc::new(Ollama::new(config.clone(), *limits, outgoing)),
        ProviderName::Groq | ProviderName::Zuki | ProviderName::OpenAi => {
            Arc::new(OpenAi::new(config.clone(), *limits, outgoing))
        }
    })
}

/// Looks whether a provider answers and has its model for plans: what does not work for want of another model,
/// one sentence for each. Only Ollama says what is missing: others may list less than they have.
///
/// # Errors
/// Why not, in one sentence.
pub async fn check(config: &ProviderConfig, limits: &AiLimits) -> Result<Vec<String>, String> {
    let provider = provider(config, limits).map_err(|error| error.to_string())?;
    let models = provider.models().await.map_err(|fault| fault.what)?;
    let is_pulled = config.name == ProviderName::Ollama;
    let missing = |role| config.models.of(role).filter(|wanted| !provider::has(&models, wanted));
    if let Some(model) = missing(Role::Planning) {
        let hint = if is_pulled { format!(": ollama pull {model}") } else { String::new() };
        return Err(format!("it has no model {model}{hint}"));
    }
    let without = [
        (Role::Vision, "pictures are not looked at"),
        (Role::Code, "questions about code are answered by the model for plans"),
        (Role::Embedding, "memories are found by their words, not by their meaning"),
    ];
    let told = |(role, what)| missing(role).map(|model| format!("{what}: ollama pull {model}"));
    Ok(if is_pulled { without.into_iter().filter_map(told).collect() } else { Vec::new() })
}

/// Pause between looks at who is there, and at what has no vector yet.
const TEND_PAUSE: Duration = Duration::from_secs(30);

/// Looks who is there and gives vectors to what has none, again and again.
pub async fn tend(router: &Router, memory: &Memory, until: CancellationToken) {
    let round = async {
        loop {
            router.look_around().await;
            memory.index().await;
            tokio::time::sleep(TEND_PAUSE).await;
        }
    };
    tokio::select! {
        () = until.cancelled() => {}
        () = round => {}
    }
}

/// The router as what turns texts into vectors.
pub struct RouterEmbedder(pub Arc<Router>);

#[async_trait]
impl Embedder for RouterEmbedder {
    fn model(&self) -> Option<String> {
        self.0.embedding_model()
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Option<Vec<Vec<f32>>> {
        self.0.embed(texts, purpose).await
    }
}
