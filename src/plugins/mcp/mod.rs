//! Tools of configured MCP servers, as actions.
//!
//! A server is a stranger's program. What it says of its tools is taken as words, never as orders;
//! what a tool answers is data. Each tool is an action `mcp.SERVER.TOOL` that needs a yes, unless the
//! operator lists it under `read`. All that a server offers when it is first seen is allowed; whatever
//! changes or comes later is off until the owner allows it as it then is.
//!
//! | part | what it does |
//! |---|---|
//! | [`config`] | the file that `MCP_CONFIG` names |
//! | `tool`, `schema` | what is offered, held against what is allowed |
//! | `session` over `program` or `http` | one connection: greet, list, call |
//! | `server` | watches over one server and starts it again |
//! | `faults`, `result` | what is known of a call afterwards |

pub mod config;
mod faults;
mod http;
mod limits;
mod lines;
mod program;
mod result;
mod schema;
mod secrets;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod tool;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use workflows::action::ActionSpec;
use workflows::ids::PersonId;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Clock};

use super::Plugin;
use crate::store::StoreError;
use crate::store::mcp::{McpStore, Pin};
use config::McpConfig;
use server::{Means, Server, Status};
use tool::{Known, Standing};

/// As much of what a tool says of itself as a list shows, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1_000;

/// Every server of the configuration. Does nothing until it is run.
pub struct Servers {
    servers: Vec<Arc<Server>>,
    means: Arc<Means>,
}

/// How one server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHealth {
    /// Its name.
    pub name: String,
    /// `on`, `starting`, `off` or `down`.
    pub status: &'static str,
    /// In words that anyone may read.
    pub detail: String,
    /// The words for the owner: why it is down.
    pub why: Option<String>,
}

/// A tool as it was allowed, or is offered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// The hash of all of it.
    pub hash: String,
    /// What it says of itself.
    pub description: String,
    /// What it says of its arguments.
    pub schema: Value,
}

/// A tool as the owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolView {
    /// The action's name, or the tool's own when it is refused.
    pub name: String,
    /// Its server.
    pub server: String,
    /// What it says of itself now; foreign words.
    pub description: String,
    /// `allowed`, `new`, `changed`, `gone`, `waiting` or `refused`.
    pub status: &'static str,
    /// Why it cannot be used now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What would be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// As it was allowed, when that is not as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Said>,
    /// As it is now, when that is not as it was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Said>,
}

/// Why a tool was not allowed.
#[derive(Debug, thiserror::Error)]
pub enum NotAllowed {
    /// There is no such tool.
    #[error("there is no such tool")]
    Unknown,
    /// It is not offered now, so nobody can have seen it.
    #[error("its server does not offer it now")]
    NotOffered,
    /// It is not as it was shown.
    #[error("it is no longer as it was shown")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Servers {
    /// The servers, with what was allowed of each.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(config: &McpConfig, store: Arc<dyn McpStore>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let means = Arc::new(Means { store, clock, version: Arc::new(AtomicU64::new(0)) });
        let mut servers = Vec::new();
        for config in &config.servers {
            let pins = means.store.pins(&config.name).await?;
            servers.push(Arc::new(Server::new(config.clone(), pins, Arc::clone(&means))));
        }
        Ok(Self { servers, means })
    }

    /// Starts all of them and watches over them; ends them after `stop`, within a bound.
    pub async fn run(&self, stop: CancellationToken) {
        let mut watched = tokio::task::JoinSet::new();
        for server in &self.servers {
            let (server, stop) = (Arc::clone(server), stop.clone());
            watched.spawn(async move { server.run(stop).await });
        }
        stop.cancelled().await;
        let ended = async { while watched.join_next().await.is_some() {} };
        // What has not ended by then is killed as it is dropped.
        let _late = tokio::time::timeout(server::STOP, ended).await;
    }

    /// How each server is.
    pub fn health(&self) -> Vec<ServerHealth> {
        let one = |server: &Arc<Server>| {
            let known = server.known();
            let off = known.iter().filter(|tool| tool.off().is_some()).count() + server.refused().len();
            let (status, detail, why) = match server.status() {
                Status::Disabled => ("off", "turned off in MCP_CONFIG".to_owned(), None),
                Status::Starting => ("starting", "being started".to_owned(), None),
                Status::Up(_) if off == 0 => ("on", format!("{} tools", known.len()), None),
                Status::Up(_) => {
                    ("on", format!("{} tools, {off} of them off", known.len() + server.refused().len()), None)
                }
                Status::Down(why) => ("down", "not connected; it is tried again".to_owned(), Some(why)),
            };
            ServerHealth { name: server.config.name.clone(), status, detail, why }
        };
        self.servers.iter().map(one).collect()
    }

    /// Every tool, as the owner sees it.
    pub fn tools(&self) -> Vec<ToolView> {
        self.servers.iter().flat_map(|server| views(server)).collect()
    }

    /// Allows a tool as it was shown.
    ///
    /// # Errors
    /// See [`NotAllowed`].
    pub async fn allow(&self, action: &str, hash: &str, by: &PersonId) -> Result<ToolView, NotAllowed> {
        let (server, tool) = self.find(action).ok_or(NotAllowed::Unknown)?;
        let offer = tool.offer.as_ref().ok_or(NotAllowed::NotOffered)?;
        if offer.hash != hash {
            return Err(NotAllowed::Changed);
        }
        let pin: Pin = tool::pin(offer);
        self.means.store.allow(&server.config.name, pin.clone(), by, self.means.clock.now()).await?;
        server.allowed(pin);
        let views = views(server);
        views.into_iter().find(|view| view.name == action).ok_or(NotAllowed::Unknown)
    }

    fn find(&self, action: &str) -> Option<(&Arc<Server>, Known)> {
        let (server, tool) = action.strip_prefix("mcp.")?.split_once('.')?;
        let server = self.servers.iter().find(|one| one.config.name == server)?;
        let known = server.known();
        known.iter().find(|known| known.name == tool).cloned().map(|tool| (server, tool))
    }

    fn version(&self) -> u64 {
        self.means.version.load(Ordering::SeqCst)
    }
}

fn views(server: &Server) -> Vec<ToolView> {
    let (known, away, name) = (server.known(), server.away(), &server.config.name);
    let pinned =
        |pin: &Pin| Said { hash: pin.hash.clone(), description: pin.description.clone(), schema: pin.schema.clone() };
    let offered = |offer: &tool::Offer| Said {
        hash: offer.hash.clone(),
        description: offer.description.clone(),
        schema: offer.schema.clone(),
    };
    let view = |tool: &Known| {
        let differs = matches!(tool.standing, Standing::New | Standing::Changed);
        let (before, after) = (tool.pin.as_ref().map(pinned), tool.offer.as_ref().map(offered));
        ToolView {
            name: tool::action(name, &tool.name),
            server: name.clone(),
            description: after
                .as_ref()
                .or(before.as_ref())
                .map(|said| words::line(&said.description, DESCRIPTION_CHARS_MAX))
                .unwrap_or_default(),
            status: match tool.standing {
                Standing::Allowed => "allowed",
                Standing::New => "new",
                Standing::Changed => "changed",
                Standing::Gone => "gone",
                Standing::NotSeen => "waiting",
            },
            reason: tool.off().or_else(|| away.clone()),
            hash: after.as_ref().or(before.as_ref()).map(|said| said.hash.clone()),
            before: before.filter(|_| differs),
            after: after.filter(|_| differs),
        }
    };
    let refused = server.refused().into_iter().map(|tool| ToolView {
        name: tool.name,
        server: name.clone(),
        description: String::new(),
        status: "refused",
        reason: Some(tool.why),
        hash: None,
        before: None,
        after: None,
    });
    known.iter().map(view).chain(refused).collect()
}

/// The servers' tools, as one plugin.
pub struct McpPlugin {
    servers: Arc<Servers>,
}

impl McpPlugin {
    /// The plugin over these servers.
    pub fn new(servers: Arc<Servers>) -> Self {
        Self { servers }
    }
}

#[async_trait]
impl Plugin for McpPlugin {
    fn name(&self) -> &'static str {
        "mcp"
    }

    fn description(&self) -> &'static str {
        "Uses the tools of MCP servers"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        self.servers.servers.iter().flat_map(|server| server.specs()).collect()
    }

    fn version(&self) -> u64 {
        self.servers.version()
    }

    fn off(&self) -> Option<String> {
        match (self.servers.servers.as_slice(), self.setup()) {
            ([], _) => Some("not configured: set MCP_CONFIG".to_owned()),
            (_, None) => Some("no server is turned on in MCP_CONFIG".to_owned()),
            (_, Some(_)) => None,
        }
    }

    /// The servers are being started when this is asked; how each is, their health tells.
    fn setup(&self) -> Option<String> {
        let on = self.servers.servers.iter().filter(|server| !server.config.disabled);
        let names: Vec<&str> = on.map(|server| server.config.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("tools of {}", names.join(", ")))
    }

    /// A server that is away comes back; what the owner has not allowed does not by itself.
    fn refusal(&self, action: &str, reason: &str) -> ActionError {
        let comes_back = self
            .servers
            .find(action)
            .is_some_and(|(server, tool)| tool.off().is_none() && !server.config.disabled && server.away().is_some());
        if comes_back { ActionError::retry(reason) } else { ActionError::fail(reason) }
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        let Some((server, tool)) = self.servers.find(&call.action) else {
            return Err(ActionError::fail("there is no such tool"));
        };
        let name = &server.config.name;
        let Status::Up(line) = server.status() else {
            return Err(ActionError::retry(server.away().unwrap_or_else(|| format!("{name} is not connected"))));
        };
        if let Some(reason) = tool.off() {
            return Err(ActionError::fail(reason));
        }
        let looks = server.looks(&tool.name);
        let of_server = |mut error: ActionError| {
            error.message = format!("the MCP server {name}: {}", error.message);
            error
        };
        let leave = line.leave().await.map_err(of_server)?;
        if !looks {
            server.look_again(&line).await.map_err(|why| of_server(ActionError::retry(why)))?;
        }
        // All of that took time: it is sent only to a tool that is as it was when it began.
        server.still(&tool, &line)?;
        let answer = line.call(leave, &tool.name, call.args, looks).await.map_err(of_server)?;
        result::outcome(name, &tool.name, &answer, line.secrets(), looks)
    }

    fn time_limit(&self, _action: &str) -> Duration {
        limits::ACTION_MAX
    }
}

/// What `doctor` finds of one server.
pub struct Examined {
    /// Its name.
    pub name: String,
    /// What it offers, or why it does not; `None` = it is turned off.
    pub found: Option<Result<String, String>>,
}

/// Connects to each server once, lists its tools and leaves; `pins` = what was allowed, where that is known.
pub async fn examine(config: &McpConfig, store: Option<&dyn McpStore>) -> Vec<Examined> {
    let mut all = Vec::new();
    for server in &config.servers {
        let found = if server.disabled { None } else { Some(look(server, store).await) };
        all.push(Examined { name: server.name.clone(), found });
    }
    all
}

async fn look(config: &config::ServerConfig, store: Option<&dyn McpStore>) -> Result<String, String> {
    let session = session::Session::open(config, session::Ears::default()).await?;
    let line = session.line();
    let told = line.tools().await;
    let _ended = session.watch(std::future::ready(())).await;
    let (offers, refused) = tool::offers(&told?);
    let pins = match store {
        // A database that was never there holds nothing back.
        Some(store) => store.pins(&config.name).await.ok().flatten(),
        None => None,
    };
    let known = match &pins {
        Some(pins) => tool::judge(pins, Some(&offers)),
        None => tool::judge(&offers.iter().map(tool::pin).collect::<Vec<_>>(), Some(&offers)),
    };
    let off = known.iter().filter_map(|tool| Some(format!("{}: {}", tool.name, tool.off()?)));
    let refused = refused.iter().map(|tool| format!("{}: {}", tool.name, tool.why));
    let unknown = config.read.iter().filter(|name| offers.iter().all(|offer| offer.name != **name));
    let unknown = unknown.map(|name| format!("{}: listed under read, but not offered", words::line(name, 64)));
    let notes: Vec<String> = off.chain(refused).chain(unknown).collect();
    let mut text = format!("{} tools", offers.len());
    if !notes.is_empty() {
        const NOTES_MAX: usize = 10;
        text = format!("{text}; {}", notes.iter().take(NOTES_MAX).cloned().collect::<Vec<_>>().join("; "));
        if notes.len() > NOTES_MAX {
            text = format!("{text}; and {} more", notes.len() - NOTES_MAX);
        }
    }
    Ok(text)
}

/// Health as the components of the service show it.
pub(crate) fn component(health: &ServerHealth) -> (String, Value) {
    (format!("mcp {}", health.name), json!({"status": health.status, "detail": health.detail}))
}
