//! One server: what is known of it, and whoever watches over it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use workflows::action::ActionSpec;
use workflows::ports::Clock;

use super::config::ServerConfig;
use super::limits::{CHECK_EVERY, PAUSE, STEADY};
use super::session::{Ears, Line, Session};
use super::tool::{self, Known, Offer, Refused};
use crate::store::mcp::{McpStore, Pin};

/// How a server stands.
#[derive(Clone)]
pub(super) enum Status {
    /// The operator turned it off.
    Disabled,
    /// It is being started, for the first time.
    Starting,
    /// It can be called.
    Up(Line),
    /// It cannot; why, in words that may be shown to the owner.
    Down(String),
}

/// What is known of a server.
struct State {
    status: Status,
    /// What is allowed; `None` = it has never been seen.
    pins: Option<Vec<Pin>>,
    /// What it offers; `None` = it has not said yet.
    offers: Option<Vec<Offer>>,
    refused: Vec<Refused>,
    known: Arc<Vec<Known>>,
}

/// What watching needs.
pub(super) struct Means {
    pub(super) store: Arc<dyn McpStore>,
    pub(super) clock: Arc<dyn Clock>,
    /// Rises whenever what can be done may have changed.
    pub(super) version: Arc<AtomicU64>,
}

/// One server of the configuration.
pub(super) struct Server {
    pub(super) config: ServerConfig,
    state: Mutex<State>,
    means: Arc<Means>,
}

impl Server {
    pub(super) fn new(config: ServerConfig, pins: Option<Vec<Pin>>, means: Arc<Means>) -> Self {
        let status = if config.disabled { Status::Disabled } else { Status::Starting };
        let known = Arc::new(tool::judge(pins.as_deref().unwrap_or_default(), None));
        Self { config, state: Mutex::new(State { status, pins, offers: None, refused: Vec::new(), known }), means }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.known = Arc::new(tool::judge(state.pins.as_deref().unwrap_or_default(), state.offers.as_deref()));
        drop(state);
        self.means.version.fetch_add(1, Ordering::SeqCst);
    }

    /// How it stands.
    pub(super) fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// Its tools, allowed or offered.
    pub(super) fn known(&self) -> Arc<Vec<Known>> {
        Arc::clone(&self.state().known)
    }

    /// What it offers that is not taken at all.
    pub(super) fn refused(&self) -> Vec<Refused> {
        self.state().refused.clone()
    }

    /// Why its tools cannot be called now, for anyone to read.
    pub(super) fn away(&self) -> Option<String> {
        let name = &self.config.name;
        match self.status() {
            Status::Up(_) => None,
            Status::Disabled => Some(format!("the MCP server {name} is turned off in MCP_CONFIG")),
            Status::Starting => Some(format!("the MCP server {name} is being started")),
            Status::Down(_) => Some(format!("the MCP server {name} is not connected")),
        }
    }

    /// Whether the operator says that this tool only looks.
    pub(super) fn looks(&self, tool: &str) -> bool {
        self.config.read.contains(tool)
    }

    /// Its tools as actions.
    pub(super) fn specs(&self) -> Vec<ActionSpec> {
        let (known, away) = (self.known(), self.away());
        known.iter().map(|tool| tool.spec(&self.config.name, self.looks(&tool.name), away.as_deref())).collect()
    }

    /// From now on this is allowed.
    pub(super) fn allowed(&self, pin: Pin) {
        self.change(|state| {
            let pins = state.pins.get_or_insert_default();
            pins.retain(|other| other.tool != pin.tool);
            pins.push(pin);
        });
    }

    /// Starts it, watches over it and starts it again, until `stop`.
    pub(super) async fn run(&self, stop: CancellationToken) {
        if self.config.disabled {
            return;
        }
        let name = &self.config.name;
        let mut pause = PAUSE.0;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let why = match self.live(&stop).await {
                Ok(()) => break,
                Err(why) => why,
            };
            if begun.elapsed() >= STEADY {
                pause = PAUSE.0;
            }
            warn!(server = name, why, pause_secs = pause.as_secs(), "an MCP server is not connected");
            self.change(|state| state.status = Status::Down(why));
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSE.1);
        }
        self.change(|state| state.status = Status::Down("the service is stopping".to_owned()));
    }

    /// One life of a connection; `Err` = it ended by itself.
    async fn live(&self, stop: &CancellationToken) -> Result<(), String> {
        let ears = Ears::default();
        let session = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            session = Session::open(&self.config, ears.clone()) => session?,
        };
        let line = session.line();
        let lost = Arc::new(Mutex::new(None));
        let until = async {
            let why = tokio::select! {
                () = stop.cancelled() => None,
                why = self.listen(&line, &ears) => Some(why),
            };
            *lost.lock().unwrap_or_else(PoisonError::into_inner) = why;
        };
        let ended = session.watch(until).await;
        let lost = lost.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ended.or(lost) {
            None => Ok(()),
            Some(why) => Err(why),
        }
    }

    /// Keeps what is offered up to date; comes back with the reason when the server no longer says.
    pub(super) async fn listen(&self, line: &Line, ears: &Ears) -> String {
        loop {
            let heard = ears.heard();
            match line.tools().await {
                Ok(entries) => {
                    if let Err(why) = self.learn(&entries, line).await {
                        return why;
                    }
                }
                Err(why) => return why,
            }
            ears.looked(heard);
            loop {
                let told = tokio::time::timeout(CHECK_EVERY, ears.told.notified()).await;
                // A server that does one thing at a time is not asked while it works.
                if told.is_ok() || !line.is_busy() {
                    break;
                }
            }
        }
    }

    /// Takes in what is offered.
    async fn learn(&self, entries: &[Value], line: &Line) -> Result<(), String> {
        let (offers, refused) = tool::offers(entries);
        let seen = self.state().pins.is_some();
        if !seen {
            let pins: Vec<Pin> = offers.iter().map(tool::pin).collect();
            let kept = self.means.store.first_sight(&self.config.name, pins.clone(), self.means.clock.now()).await;
            if let Err(error) = kept {
                tracing::error!(%error, server = self.config.name, "the tools of an MCP server cannot be stored");
                return Err("its tools could not be stored".to_owned());
            }
            info!(server = self.config.name, tools = pins.len(), "an MCP server is seen for the first time");
            self.change(|state| state.pins = Some(pins));
        }
        let unchanged = {
            let state = self.state();
            matches!(state.status, Status::Up(_)) && state.offers.as_ref() == Some(&offers) && state.refused == refused
        };
        if !unchanged {
            info!(
                server = self.config.name,
                tools = offers.len(),
                refused = refused.len(),
                "an MCP server is connected"
            );
            self.change(|state| {
                state.status = Status::Up(line.clone());
                state.offers = Some(offers);
                state.refused = refused;
            });
        }
        Ok(())
    }
}

/// How long a stop may take for a server.
pub(super) const STOP: Duration = super::limits::STOP_MAX;
