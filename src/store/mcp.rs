//! The tools of MCP servers as they were allowed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use workflows::ids::PersonId;
use workflows::ports::StoreError;

/// A tool as it was allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// The tool's own name.
    pub tool: String,
    /// The hash of name, description and schema.
    pub hash: String,
    /// What it said of itself.
    pub description: String,
    /// What it said of its arguments.
    pub schema: Value,
}

/// Keeping what is allowed. Every method fails when the store does.
#[async_trait]
pub trait McpStore: Send + Sync {
    /// What is allowed of a server; `None` when it has never been seen.
    async fn pins(&self, server: &str) -> Result<Option<Vec<Pin>>, StoreError>;

    /// Notes a server that was never seen, and allows what it offers; changes nothing when it was.
    async fn first_sight(&self, server: &str, pins: Vec<Pin>, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Allows a tool as it is now.
    async fn allow(&self, server: &str, pin: Pin, by: &PersonId, at: DateTime<Utc>) -> Result<(), StoreError>;
}
