//! One server: what is known of it, and whoever watches over it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use workflows::action::ActionSpec;
use workflows::ports::{ActionError, Clock};

use super::config::ServerConfig;
use super::limits::{CHECK_EVERY, CHECKS_PUT_OFF_MAX, LOOK_AGAIN_MAX, PAUSE, STEADY};
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

    /// Whether a tool is as it was and can be called over this connection.
    ///
    /// # Errors
    /// Why not; nothing has been sent.
    pub(super) fn still(&self, tool: &Known, line: &Line) -> Result<(), ActionError> {
        let name = &self.config.name;
        if !matches!(self.status(), Status::Up(up) if up.is(line)) {
            return Err(ActionError::retry(self.away().unwrap_or_else(|| format!("{name} was connected anew"))));
        }
        if line.is_stale() {
            return Err(ActionError::retry(format!("the tools of the MCP server {name} are being looked at anew")));
        }
        let known = self.known();
        let now = known.iter().find(|other| other.name == tool.name);
        match now.map(|now| (now.off(), now)) {
            None => Err(ActionError::fail("there is no such tool")),
            Some((Some(reason), _)) => Err(ActionError::fail(reason)),
            Some((None, now)) if now.pin.as_ref().map(|pin| &pin.hash) != tool.pin.as_ref().map(|pin| &pin.hash) => {
                Err(ActionError::fail("the tool has changed since"))
            }
            Some((None, _)) => Ok(()),
        }
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
        let mut quiet = None;
        loop {
            let mut listing = line.listing().await;
            if let Err(why) = self.look(line, false).await {
                return why;
            }
            *listing = Some(Instant::now());
            drop((listing, quiet));
            quiet = None;
            let mut put_off = 0;
            loop {
                let told = tokio::time::timeout(CHECK_EVERY, ears.told.notified()).await;
                // A server that does one thing at a time is not asked while it works, but calls without
                // an end do not keep it from being asked.
                if told.is_ok() || !line.is_busy() {
                    break;
                }
                if put_off == CHECKS_PUT_OFF_MAX {
                    quiet = line.quiet().await;
                    break;
                }
                put_off += 1;
            }
        }
    }

    /// Reads once what is offered.
    async fn look(&self, line: &Line, again: bool) -> Result<(), String> {
        let heard = line.ears().heard();
        let entries = line.tools().await?;
        self.learn(&entries, line, again).await?;
        line.ears().looked(heard);
        Ok(())
    }

    /// Reads again what is offered when that was not done just now; not while another call is under way,
    /// which a server that does one thing at a time would end first.
    ///
    /// # Errors
    /// When it does not say in time.
    pub(super) async fn look_again(&self, line: &Line) -> Result<(), String> {
        let looked = tokio::time::timeout(LOOK_AGAIN_MAX, async {
            let mut listing = line.listing().await;
            if Line::is_fresh(*listing) || line.is_busy() {
                return Ok(());
            }
            self.look(line, true).await?;
            *listing = Some(Instant::now());
            Ok(())
        });
        let looked = looked.await.unwrap_or_else(|_| Err("it does not say what it offers".to_owned()));
        if looked.is_err() {
            line.ears().told.notify_one();
        }
        looked
    }

    /// Takes in what is offered; `again` = only as long as this is the connection that can be called.
    async fn learn(&self, entries: &[Value], line: &Line, again: bool) -> Result<(), String> {
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
            matches!(&state.status, Status::Up(up) if up.is(line))
                && state.offers.as_ref() == Some(&offers)
                && state.refused == refused
        };
        if !unchanged {
            info!(
                server = self.config.name,
                tools = offers.len(),
                refused = refused.len(),
                "an MCP server is connected"
            );
            self.change(|state| {
                let is_current = matches!(&state.status, Status::Up(up) if up.is(line));
                if again && !is_current {
                    return;
                }
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
