//! A provider and what is known of it: whether it is there, how its breakers stand, what happened so far.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::breaker::Breaker;
use super::provider::{Presence, Provider, has};
use super::wire::{Class, Fault, Role, Said, Usage};
use crate::config::{Price, ProviderConfig, ProviderName};

/// A provider at the router's table.
pub struct Seat {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) local: bool,
    pub(super) assumed: bool,
    pub(super) price: Option<Price>,
    pub(super) calls: Semaphore,
    breakers: Mutex<BTreeMap<String, Breaker>>,
    pub(super) presence: Mutex<Presence>,
    counted: Counted,
}

/// What happened so far.
#[derive(Default)]
struct Counted {
    requests: AtomicU64,
    errors: Mutex<BTreeMap<Class, u64>>,
    millis: AtomicU64,
    answers: AtomicU64,
    tokens: AtomicU64,
}

/// What happened so far with one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Whose.
    pub provider: &'static str,
    /// Calls that were made.
    pub requests: u64,
    /// Those that came to nothing, by kind.
    pub errors: Vec<(&'static str, u64)>,
    /// Tokens sent and received.
    pub tokens: u64,
    /// Calls that were answered, and how long that took in all, in milliseconds.
    pub answers: (u64, u64),
}

impl Seat {
    /// A provider as it is configured.
    pub fn new(provider: Arc<dyn Provider>, config: &ProviderConfig) -> Self {
        Self {
            provider,
            local: config.local,
            assumed: config.assumed,
            price: config.price,
            calls: Semaphore::new(config.at_once),
            breakers: Mutex::default(),
            presence: Mutex::new(Presence::Unknown),
            counted: Counted::default(),
        }
    }

    /// Whose it is.
    pub fn name(&self) -> ProviderName {
        self.provider.name()
    }

    /// Whether what it is told leaves the operator's hands.
    pub fn is_remote(&self) -> bool {
        !self.local
    }

    pub(super) fn breakers(&self) -> MutexGuard<'_, BTreeMap<String, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presence(&self) -> Presence {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why it is not there, as far as one can look.
    pub(super) fn away(&self) -> Option<String> {
        match self.presence() {
            Presence::Away(why) => Some(why),
            Presence::Unknown | Presence::Here(_) => None,
        }
    }

    /// Its model for this, unless it is known not to be there.
    pub(super) fn model(&self, role: Role) -> Result<&str, String> {
        let model = self.provider.model(role).ok_or_else(|| "it has no model for this".to_owned())?;
        match self.presence() {
            Presence::Away(why) if self.assumed => Err(why),
            // One that was asked for by name is tried, and its breaker says how it is.
            Presence::Unknown | Presence::Away(_) => Ok(model),
            Presence::Here(models) if has(&models, model) => Ok(model),
            Presence::Here(_) => Err(format!("the model {model} is not there: ollama pull {model}")),
        }
    }

    pub(super) fn note(&self, result: &Result<Said, Fault>, began: Instant, usage: Usage) {
        let counted = &self.counted;
        counted.requests.fetch_add(1, Ordering::Relaxed);
        counted.tokens.fetch_add(usage.input.saturating_add(usage.output), Ordering::Relaxed);
        match result {
            Ok(_) => {
                let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                counted.millis.fetch_add(millis, Ordering::Relaxed);
                counted.answers.fetch_add(1, Ordering::Relaxed);
            }
            Err(fault) => self.note_error(fault.class),
        }
    }

    /// A call that nobody waited for any more: that is no error of whoever was asked.
    pub(super) fn note_given_up(&self, usage: Usage) {
        self.counted.requests.fetch_add(1, Ordering::Relaxed);
        self.counted.tokens.fetch_add(usage.input.saturating_add(usage.output), Ordering::Relaxed);
    }

    /// The same for vectors: they take no time to speak of, and would hide that of answers.
    pub(super) fn note_vectors(&self, result: &Result<Said, Fault>) {
        self.counted.requests.fetch_add(1, Ordering::Relaxed);
        if let Err(fault) = result {
            self.note_error(fault.class);
        }
    }

    pub(super) fn note_error(&self, class: Class) {
        *self.counted.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(class).or_default() += 1;
    }

    pub(super) fn counts(&self) -> Counts {
        let counted = &self.counted;
        let errors = counted.errors.lock().unwrap_or_else(PoisonError::into_inner);
        Counts {
            provider: self.name().as_str(),
            requests: counted.requests.load(Ordering::Relaxed),
            errors: errors.iter().map(|(class, count)| (class.as_str(), *count)).collect(),
            tokens: counted.tokens.load(Ordering::Relaxed),
            answers: (counted.answers.load(Ordering::Relaxed), counted.millis.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn status(&self, now: DateTime<Utc>) -> Value {
        let counts = self.counts();
        let (answers, millis) = counts.answers;
        let errors: u64 = counts.errors.iter().map(|(_, count)| count).sum();
        let roles = [Role::Planning, Role::Vision, Role::Code, Role::Embedding];
        let models: Vec<&str> = roles.iter().filter_map(|role| self.model(*role).ok()).collect();
        let breakers: BTreeMap<String, Value> = self
            .breakers()
            .iter()
            .map(|(model, breaker)| {
                let learnt = self.provider.learnt(model);
                let standing = breaker.standing(now).as_str();
                (model.clone(), json!({"breaker": standing, "last_error": breaker.why(), "learnt": learnt}))
            })
            .collect();
        let (status, detail) = match (self.model(Role::Planning), self.away()) {
            (Ok(_), None) => ("on", None),
            (Ok(_), Some(why)) => ("down", Some(why)),
            (Err(why), _) => ("off", Some(why)),
        };
        json!({
            "name": self.name().as_str(), "status": status, "detail": detail, "remote": self.is_remote(),
            "models": models, "breakers": breakers, "requests": counts.requests, "errors": errors,
            "latency_ms": millis.checked_div(answers), "tokens": counts.tokens,
        })
    }
}
