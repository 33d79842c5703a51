//! What models may still be asked for a person today, and what it cost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use tracing::warn;
use workflows::ids::PersonId;
use workflows::ports::StoreError;

use super::wire::Usage;
use crate::config::{AiLimits, Price, ProviderName};
use crate::store::{AiUsage, AiUsageStore};

/// People whose day is kept in memory; more, and the days that are over are forgotten.
const PEOPLE_MAX: usize = 10_000;

/// Whose day it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Day {
    /// The person.
    pub person: PersonId,
    /// The day where they are.
    pub day: NaiveDate,
}

/// A day's limit is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// So many calls were made.
    #[error("today's limit of {0} calls to models is reached (QUOTA_AI_CALLS_DAY)")]
    Calls(u64),
    /// So many tokens were used.
    #[error("today's limit of {0} tokens is reached (QUOTA_AI_TOKENS_DAY)")]
    Tokens(u64),
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    calls: u64,
    tokens: u64,
}

/// Everybody's day. One process has a database, so what is in memory is the truth; what is on disk is
/// what a start begins with.
pub struct Budget {
    store: Arc<dyn AiUsageStore>,
    limits: AiLimits,
    days: Mutex<HashMap<Day, Used>>,
}

/// Tokens set aside for a call, until it is known what it took.
#[derive(Debug)]
pub struct Reserved {
    day: Day,
    tokens: u64,
}

impl Budget {
    /// Days as they are kept there.
    pub fn new(store: Arc<dyn AiUsageStore>, limits: AiLimits) -> Self {
        Self { store, limits, days: Mutex::default() }
    }

    fn days(&self) -> MutexGuard<'_, HashMap<Day, Used>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets room for a call aside, or says that there is none.
    ///
    /// # Errors
    /// When the store cannot say what was used.
    pub async fn reserve(&self, day: &Day, tokens: u64) -> Result<Result<Reserved, Spent>, StoreError> {
        if !self.days().contains_key(day) {
            let used = self.store.ai_usage(&day.person, day.day).await?;
            let used = used.iter().fold(Used::default(), |sum, one| Used {
                calls: sum.calls + one.calls,
                tokens: sum.tokens + one.input_tokens + one.output_tokens,
            });
            let mut days = self.days();
            if days.len() >= PEOPLE_MAX {
                days.retain(|other, _| other.day >= day.day);
            }
            days.entry(day.clone()).or_insert(used);
        }
        let mut days = self.days();
        let used = days.entry(day.clone()).or_default();
        if used.calls >= self.limits.calls_day {
            return Ok(Err(Spent::Calls(self.limits.calls_day)));
        }
        if used.tokens.saturating_add(tokens) > self.limits.tokens_day {
            return Ok(Err(Spent::Tokens(self.limits.tokens_day)));
        }
        used.calls += 1;
        used.tokens += tokens;
        Ok(Ok(Reserved { day: day.clone(), tokens }))
    }

    /// What was asked of each model on that day.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn used(&self, day: &Day) -> Result<Vec<AiUsage>, StoreError> {
        self.store.ai_usage(&day.person, day.day).await
    }

    /// Gives back a call that reached nobody.
    pub fn give_back(&self, reserved: &Reserved) {
        if let Some(used) = self.days().get_mut(&reserved.day) {
            used.calls = used.calls.saturating_sub(1);
            used.tokens = used.tokens.saturating_sub(reserved.tokens);
        }
    }

    /// Gives back what a call did not take, and keeps what it did.
    pub async fn settle(&self, reserved: Reserved, of: (ProviderName, &str), price: Option<Price>, usage: Usage) {
        let Reserved { day, tokens } = reserved;
        if let Some(used) = self.days().get_mut(&day) {
            used.tokens = used.tokens.saturating_sub(tokens).saturating_add(usage.input.saturating_add(usage.output));
        }
        let more = AiUsage {
            provider: of.0.as_str().to_owned(),
            model: of.1.to_owned(),
            calls: 1,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cost_micros: price.map_or(0, |price| cost_micros(price, usage)),
        };
        if let Err(error) = self.store.add_ai_usage(&day.person, day.day, more).await {
            warn!(%error, "what a model was asked cannot be kept");
        }
    }
}

/// A price for a million tokens in dollars is the same for one token in millionths of a dollar.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn cost_micros(price: Price, usage: Usage) -> u64 {
    (price.input * usage.input as f64 + price.output * usage.output as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_in_millionths_of_a_dollar() {
        let price = Price { input: 0.15, output: 0.60 };
        assert_eq!(cost_micros(price, Usage { input: 1_000_000, output: 1_000_000 }), 750_000);
        assert_eq!(cost_micros(price, Usage { input: 2_000, output: 500 }), 600);
    }
}
