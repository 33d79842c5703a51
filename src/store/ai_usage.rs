//! What models were asked, for whom.

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;
use workflows::ids::PersonId;
use workflows::ports::StoreError;

/// What was asked of one model for a person on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AiUsage {
    /// The provider.
    pub provider: String,
    /// Its model.
    pub model: String,
    /// Calls.
    pub calls: u64,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// What it is thought to have cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

/// Keeping it. Every method fails when the store does.
#[async_trait]
pub trait AiUsageStore: Send + Sync {
    /// What was asked of each model.
    async fn ai_usage(&self, person: &PersonId, day: NaiveDate) -> Result<Vec<AiUsage>, StoreError>;

    /// Adds to what was asked.
    async fn add_ai_usage(&self, person: &PersonId, day: NaiveDate, more: AiUsage) -> Result<(), StoreError>;
}
