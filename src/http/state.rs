//! What the routes are given.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use channels::port::Desk;
use serde_json::{Map, Value};
use url::Url;
use workflows::ids::{ConversationId, PersonId};
use workflows::person::{Channel, Person, Settings};
use workflows::ports::{Clock, Ids, People, StoreError};

use super::auth::attempts::Attempts;
use super::hub::Hub;
use super::metrics::Metrics;
use crate::plugins::calendar::port::CalendarBook;
use crate::plugins::mcp::Servers;
use crate::store::{AccessStore, ContactStore, LogStore, PeopleStore, PhotoStore};

/// Longest that process, select and confirm wait for the next question or the end.
pub const ANSWER_WAIT: Duration = Duration::from_secs(25);
/// How long a wrong sign-in takes to be told so.
pub const SIGN_IN_DELAY: Duration = Duration::from_millis(400);
/// Longest that one frame may take to leave for a WebSocket's client.
pub const SOCKET_SEND_LIMIT: Duration = Duration::from_secs(10);

/// How everything is, for `/api/health` and `/api/status`.
#[async_trait]
pub trait Health: Send + Sync {
    /// Whether requests can be served: storage answers, and the service is not stopping.
    async fn ready(&self) -> bool;

    /// The public part: `ai_providers`, `channels`, `circuit_breakers`, `components`, each in API.md's
    /// shape, without personal data.
    async fn health(&self) -> Map<String, Value>;

    /// The part for people who are signed in: `providers`, `features`, what they used today.
    async fn status(&self, person: &Person) -> Map<String, Value>;

    /// More for `/metrics`, in its format.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// Where a person is reached through another door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// The door is off.
    NotConfigured,
    /// The person has not linked it.
    NotLinked,
    /// Their own conversation there.
    At(ConversationId),
}

/// The other doors, as the routes see them.
#[async_trait]
pub trait Doors: Send + Sync {
    /// Where a person is reached through a door.
    ///
    /// # Errors
    /// When the store fails.
    async fn linked(&self, person: &PersonId, channel: Channel) -> Result<Linked, StoreError>;
}

/// One plugin as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its name: the first part of its actions' names.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Why it is off as a whole.
    pub off: Option<String>,
}

/// Configuration the routes need.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where browsers reach us.
    pub public_url: Url,
    /// The program's version.
    pub version: String,
    /// What a new person starts with.
    pub settings: Settings,
    /// Plugins, in the order listed.
    pub plugins: Vec<PluginInfo>,
    /// See [`ANSWER_WAIT`].
    pub answer_wait: Duration,
    /// See [`SIGN_IN_DELAY`].
    pub sign_in_delay: Duration,
    /// See [`SOCKET_SEND_LIMIT`].
    pub socket_send_limit: Duration,
    /// Where pictures are kept.
    pub uploads: PathBuf,
}

impl HttpConfig {
    /// Whether browsers reach us by TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// Everything behind the routes. Cheap to clone.
#[derive(Clone)]
pub struct HttpState {
    /// The engine.
    pub desk: Arc<dyn Desk>,
    /// Tasks, questions and the log.
    pub log: Arc<dyn LogStore>,
    /// Who people are.
    pub people: Arc<dyn People>,
    /// Persons and identities.
    pub persons: Arc<dyn PeopleStore>,
    /// Address books.
    pub contacts: Arc<dyn ContactStore>,
    /// Pictures that were sent.
    pub photos: Arc<dyn PhotoStore>,
    /// The calendar.
    pub calendar: Arc<dyn CalendarBook>,
    /// Credentials and codes.
    pub access: Arc<dyn AccessStore>,
    /// Hints of what was committed.
    pub hub: Arc<Hub>,
    /// How everything is.
    pub health: Arc<dyn Health>,
    /// The other doors.
    pub doors: Arc<dyn Doors>,
    /// The MCP servers.
    pub mcp: Arc<Servers>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wrong sign-ins.
    pub attempts: Arc<Attempts>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Configuration.
    pub config: Arc<HttpConfig>,
}
