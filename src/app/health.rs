//! How everything is, for `/api/health` and `/api/status`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use channels::port::DoorHealth;
use channels::telegram::Door;
use serde_json::{Map, Value, json};
use workflows::person::Person;
use workflows::ports::Clock;

use super::features::{self, Feature};
use crate::ai::{self, router::Router};
use crate::http::Health;
use crate::plugins::mcp::{Servers, component};
use crate::store::LogStore;
use crate::store::sqlite::Db;

/// Front doors of the product, here or not.
const CHANNELS: [&str; 4] = ["telegram", "discord", "email", "web"];

/// Looks at the store each time it is asked.
pub(super) struct Wellbeing {
    db: Db,
    clock: Arc<dyn Clock>,
    features: Vec<Feature>,
    stopping: AtomicBool,
    telegram: Option<Door>,
    mcp: Arc<Servers>,
    ai: Arc<Router>,
}

impl Wellbeing {
    pub(super) fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        features: Vec<Feature>,
        telegram: Option<Door>,
        mcp: Arc<Servers>,
        ai: Arc<Router>,
    ) -> Self {
        Self { db, clock, features, stopping: AtomicBool::new(false), telegram, mcp, ai }
    }

    /// From now on it is not ready.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn store(&self) -> &Db {
        &self.db
    }

    async fn storage_answers(&self) -> bool {
        self.db.queue_depth(self.clock.now()).await.is_ok()
    }

    fn channels(&self) -> Map<String, Value> {
        let door = |name: &str| self.features.iter().find(|feature| feature.name == format!("{name} door"));
        let entry = |name: &str| {
            if let Some(door) = self.telegram.as_ref().filter(|_| name == "telegram") {
                let DoorHealth { status, detail } = door.health();
                return Some((name.to_owned(), json!({"status": status, "detail": detail})));
            }
            let feature = door(name)?;
            let status = if feature.on { "on" } else { "off" };
            Some((name.to_owned(), json!({"status": status, "detail": feature.detail})))
        };
        CHANNELS.iter().filter_map(|name| entry(name)).collect()
    }
}

#[async_trait]
impl Health for Wellbeing {
    async fn ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.storage_answers().await
    }

    async fn health(&self) -> Map<String, Value> {
        let storage = if self.storage_answers().await { "on" } else { "down" };
        let engine = if self.stopping.load(Ordering::Relaxed) { "degraded" } else { "on" };
        let parts = [("storage", storage), ("engine", engine)]
            .map(|(name, status)| (name.to_owned(), json!({"status": status})));
        let models = self
            .ai
            .ill()
            .into_iter()
            .map(|(name, why)| (format!("ai {}", name.as_str()), json!({"status": "degraded", "detail": why})));
        let servers = self.mcp.health();
        let components: Map<String, Value> =
            parts.into_iter().chain(models).chain(servers.iter().map(component)).collect();
        Map::from_iter([
            ("ai_providers".to_owned(), json!([self.ai.on(), vec!["builtin"]].concat())),
            ("channels".to_owned(), Value::Object(self.channels())),
            ("circuit_breakers".to_owned(), json!(self.ai.breakers())),
            ("components".to_owned(), Value::Object(components)),
        ])
    }

    fn metrics(&self) -> String {
        ai::metrics::text(&self.ai.counts(), &self.ai.breakers())
    }

    async fn status(&self, person: &Person) -> Map<String, Value> {
        let builtin = json!({"name": "builtin", "status": "on", "remote": false});
        let providers: Vec<Value> = self.ai.status().into_iter().chain([builtin]).collect();
        Map::from_iter([
            ("providers".to_owned(), Value::Array(providers)),
            ("ai_usage_today".to_owned(), self.ai.usage(person).await),
            ("features".to_owned(), json!(features::now(&self.features, &self.mcp.health(), &self.ai.absent()))),
        ])
    }
}
