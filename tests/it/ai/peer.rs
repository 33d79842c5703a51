//! One of the providers, whichever wire it speaks, and what the service says of it.

use std::time::Duration;

use super::*;
use crate::fake_ai::{Asked, FakeCompatible, FakeOllama, Refusal, Reply};
use crate::fake_web::{Entry, Fault};

/// The wires.
pub(super) const NAMES: [&str; 4] = ["ollama", "groq", "zuki", "openai"];

/// A stand-in under its name.
#[derive(Clone)]
pub(super) enum Peer {
    Ollama(FakeOllama),
    Compatible(FakeCompatible),
}

impl Peer {
    pub(super) fn of(ai: &FakeAi, name: &str) -> Self {
        match name {
            "ollama" => Self::Ollama(ai.ollama.clone()),
            "groq" => Self::Compatible(ai.groq.clone()),
            "zuki" => Self::Compatible(ai.zuki.clone()),
            "openai" => Self::Compatible(ai.openai.clone()),
            other => panic!("there is no provider {other}"),
        }
    }

    pub(super) fn answer_with(&self, speaker: impl FnMut(&Asked) -> Reply + Send + 'static) {
        match self {
            Self::Ollama(server) => server.answer_with(speaker),
            Self::Compatible(server) => server.answer_with(speaker),
        }
    }

    /// What the model was asked.
    pub(super) fn asked(&self) -> Vec<Asked> {
        match self {
            Self::Ollama(server) => server.asked(),
            Self::Compatible(server) => server.asked(),
        }
    }

    /// Every chat fails so from now on.
    pub(super) fn fails(&self, fault: Fault) {
        match self {
            Self::Ollama(server) => server.fault_at(&server.chats(), u32::MAX, fault),
            Self::Compatible(server) => server.fault_at(&server.chats(), u32::MAX, fault),
        }
    }

    /// Its own words for a refusal.
    pub(super) fn refusal(&self, refusal: Refusal) -> Fault {
        match self {
            Self::Ollama(server) => server.refusal(refusal),
            Self::Compatible(server) => server.refusal(refusal),
        }
    }

    /// The requests for a chat that arrived, whatever became of them.
    pub(super) fn chats(&self) -> Vec<Entry> {
        match self {
            Self::Ollama(server) => server.requests_to(&server.chats()),
            Self::Compatible(server) => server.requests_to(&server.chats()),
        }
    }
}

/// How a provider's breaker stands.
pub(super) async fn breaker(service: &Service, name: &str) -> String {
    let health = service.get("/api/health").await;
    health["circuit_breakers"][name].as_str().unwrap_or_else(|| panic!("no breaker of {name}: {health:#}")).to_owned()
}

/// Waits until a provider's breaker stands so.
pub(super) async fn breaker_until(service: &Service, name: &str, standing: &str) {
    let reached = async {
        while breaker(service, name).await != standing {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
    assert!(reached.is_ok(), "the breaker of {name} is never {standing}");
}

/// What the status says of a provider.
pub(super) async fn status(service: &Service, name: &str) -> Value {
    let status = service.get("/api/status").await;
    let all = status["providers"].as_array().expect("providers");
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}: {status:#}")).clone()
}
