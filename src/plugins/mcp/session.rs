//! A connection to one server: greeted, listed, called.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest, Implementation,
    ListToolsRequest, PaginatedRequestParams, ProtocolVersion, ServerResult,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, QuitReason, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, Peer, RoleClient, ServiceExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;
use workflows::ports::ActionError;

use super::config::{ServerConfig, Way};
use super::faults::{self, Lost};
use super::http::Http;
use super::limits::{
    CALL_MAX, CALLS_MAX, CONNECT_MAX, LEAVE_MAX, LIST_BYTES_MAX, LIST_FRESH, LIST_MAX, PAGES_MAX, TOOLS_MAX,
};
use super::program::Program;
use super::secrets;
use super::words::{self, Secrets};
use crate::outgoing::{Outgoing, SystemNames};

/// Times a broken stream of events is taken up again, and the longest pause between.
const STREAM_TRIES_MAX: usize = 4;
const STREAM_PAUSE_MAX: Duration = Duration::from_secs(10);
/// As much of a reason as is kept, in characters.
const WHY_CHARS_MAX: usize = 300;

/// Hears what a server says by itself. Nothing it asks for is granted.
#[derive(Clone, Default)]
pub(super) struct Ears {
    /// How often it was told that the tools have changed, and up to which telling they were looked at.
    heard: Arc<AtomicU64>,
    looked: Arc<AtomicU64>,
    /// Told of that, and of a connection that was found broken.
    pub(super) told: Arc<Notify>,
}

impl Ears {
    /// How often it was told of changes.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::SeqCst)
    }

    /// The tools are looked at as they were after that many tellings.
    pub(super) fn looked(&self, heard: u64) {
        self.looked.store(heard, Ordering::SeqCst);
    }
}

impl ClientHandler for Ears {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.told.notify_one();
    }

    fn get_info(&self) -> ClientConfig {
        let we = Implementation::new("super-manager", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), we)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}

/// An open connection, held by whoever watches over it.
pub(super) struct Session {
    pub(super) service: RunningService<RoleClient, Ears>,
    pub(super) program: Option<Program>,
    pub(super) secrets: Secrets,
}

impl Session {
    /// Connects and greets.
    ///
    /// # Errors
    /// Why not, fit to be shown.
    pub(super) async fn open(config: &ServerConfig, ears: Ears) -> Result<Self, String> {
        let secrets = secrets::of(config);
        let opened = match &config.way {
            Way::Program { command, args, env } => {
                let started = Program::start(&config.name, command, args, env, secrets.clone());
                let (program, pipe) = started.map_err(|error| format!("{command} cannot be started: {error}"))?;
                match tokio::time::timeout(CONNECT_MAX, ears.serve(pipe)).await {
                    Ok(Ok(service)) => Ok(Self { service, program: Some(program), secrets: secrets.clone() }),
                    Ok(Err(error)) => Err(told(faults::greeting(&error), program).await),
                    Err(_) => Err(told(slow(), program).await),
                }
            }
            Way::Http { url, headers } => {
                let transport = http(url, headers)?;
                match tokio::time::timeout(CONNECT_MAX, ears.serve(transport)).await {
                    Ok(Ok(service)) => Ok(Self { service, program: None, secrets: secrets.clone() }),
                    Ok(Err(error)) => Err(faults::greeting(&error)),
                    Err(_) => Err(slow()),
                }
            }
        };
        opened.map_err(|why| words::line(&secrets.hide(&why), WHY_CHARS_MAX))
    }

    /// The line to it, to be shared.
    pub(super) fn line(&self) -> Line {
        Line {
            peer: self.service.peer().clone(),
            ears: self.service.service().clone(),
            secrets: self.secrets.clone(),
            calls: Arc::new(tokio::sync::Semaphore::new(CALLS_MAX)),
            under_way: Arc::default(),
            listed: Arc::default(),
        }
    }

    /// Waits until it has ended by itself or `until` comes, then closes it; why it ended by itself.
    pub(super) async fn watch(self, until: impl Future<Output = ()>) -> Option<String> {
        let Self { service, program, secrets } = self;
        let stop = service.cancellation_token();
        let mut running = std::pin::pin!(service.waiting());
        let ended = tokio::select! {
            () = until => None,
            quit = &mut running => Some(quit),
        };
        let why = match ended {
            None => {
                stop.cancel();
                let _slow = tokio::time::timeout(LEAVE_MAX, running).await;
                None
            }
            Some(Ok(QuitReason::Closed | QuitReason::Cancelled) | Err(_)) => Some("the connection ended"),
            Some(Ok(_)) => Some("the connection broke"),
        };
        let last = match program {
            Some(program) => program.end().await,
            None => String::new(),
        };
        why.map(|why| secrets.hide(&with_last(why, &last)))
    }
}

fn slow() -> String {
    format!("it did not greet within {} seconds", CONNECT_MAX.as_secs())
}

fn with_last(why: &str, last: &str) -> String {
    if last.is_empty() { why.to_owned() } else { format!("{why}; it said: {last}") }
}

/// A reason with the last words of the program, which is ended.
async fn told(why: String, program: Program) -> String {
    with_last(&why, &program.end().await)
}

fn http(url: &Url, headers: &[(HeaderName, SecretString)]) -> Result<StreamableHttpClientTransport<Http>, String> {
    let outgoing = Outgoing::new(std::slice::from_ref(url), Arc::new(SystemNames));
    let client = Http(outgoing.map_err(|_| "no HTTP client can be made".to_owned())?);
    let mut all = HashMap::new();
    for (name, value) in headers {
        let mut value =
            HeaderValue::from_str(value.expose_secret()).map_err(|_| format!("the header {name} is none"))?;
        value.set_sensitive(true);
        all.insert(name.clone(), value);
    }
    let mut tries = ExponentialBackoff::default();
    tries.max_times = Some(STREAM_TRIES_MAX);
    tries.max_delay = Some(STREAM_PAUSE_MAX);
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).custom_headers(all);
    config.retry_config = Arc::new(tries);
    config.max_concurrent_requests = CALLS_MAX;
    // A new session is the watcher's to open: what is offered in it has to be looked at first.
    config.reinit_on_expired_session = false;
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

/// A line to a server: for lists and calls.
#[derive(Clone)]
pub(super) struct Line {
    peer: Peer<RoleClient>,
    ears: Ears,
    secrets: Secrets,
    calls: Arc<tokio::sync::Semaphore>,
    /// How many calls have been sent and not been answered.
    under_way: Arc<AtomicUsize>,
    /// When its tools were last listed; held while they are.
    listed: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

/// Leave to make one call, until it is dropped.
pub(super) struct Leave {
    _permit: tokio::sync::OwnedSemaphorePermit,
    begun: Instant,
}

/// A call that is under way.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Line {
    /// Whether the tools have changed since they were looked at.
    pub(super) fn is_stale(&self) -> bool {
        self.ears.heard() != self.ears.looked.load(Ordering::SeqCst)
    }

    /// Whether a call is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) > 0
    }

    /// Whether this is the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.under_way, &other.under_way)
    }

    /// What is never to be shown.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Its ears.
    pub(super) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// Leave to list the tools, one at a time, with when that was last done.
    pub(super) async fn listing(&self) -> tokio::sync::MutexGuard<'_, Option<Instant>> {
        self.listed.lock().await
    }

    /// Whether a list of that time still tells what there is.
    pub(super) fn is_fresh(at: Option<Instant>) -> bool {
        at.is_some_and(|at| at.elapsed() < LIST_FRESH)
    }

    /// Waits until no call is under way; new ones wait until what is returned is dropped.
    pub(super) async fn quiet(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let all = u32::try_from(CALLS_MAX).unwrap_or(u32::MAX);
        Arc::clone(&self.calls).acquire_many_owned(all).await.ok()
    }

    /// Leave to make a call; more at once wait here, where nothing has been sent.
    ///
    /// # Errors
    /// When there is none in time.
    pub(super) async fn leave(&self) -> Result<Leave, ActionError> {
        let begun = Instant::now();
        match tokio::time::timeout(LIST_MAX, Arc::clone(&self.calls).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Leave { _permit: permit, begun }),
            Ok(Err(_)) | Err(_) => Err(ActionError::retry(format!("{CALLS_MAX} calls to this server are under way"))),
        }
    }

    /// Every tool, as told.
    ///
    /// # Errors
    /// Why they cannot be told, fit to be shown.
    pub(super) async fn tools(&self) -> Result<Vec<Value>, String> {
        let (mut tools, mut cursors): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for _ in 0..PAGES_MAX {
            let (page, next) = self.page(cursors.last().cloned()).await?;
            bytes += page.iter().map(|tool| tool.to_string().len()).sum::<usize>();
            if bytes > LIST_BYTES_MAX {
                return Err(format!("its list of tools is larger than {LIST_BYTES_MAX} bytes"));
            }
            tools.extend(page);
            if tools.len() > TOOLS_MAX {
                return Err(format!("it lists more than {TOOLS_MAX} tools"));
            }
            match next {
                None => return Ok(tools),
                Some(next) if cursors.contains(&next) => {
                    return Err("its list of tools goes round in a circle".to_owned());
                }
                Some(next) => cursors.push(next),
            }
        }
        Err(format!("its list of tools has more than {PAGES_MAX} pages"))
    }

    async fn page(&self, cursor: Option<String>) -> Result<(Vec<Value>, Option<String>), String> {
        let params = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let request = ListToolsRequest { params, ..ListToolsRequest::default() };
        let answer = self.ask(ClientRequest::ListToolsRequest(request), LIST_MAX).await;
        let answer = answer.map_err(|lost| self.shown(&format!("its tools cannot be listed: {}", lost.why)))?;
        match answer {
            ServerResult::ListToolsResult(list) => {
                let tools = list.tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()).collect();
                Ok((tools, list.next_cursor))
            }
            // One tool that is told wrongly makes the list no list; each is looked at by itself then.
            ServerResult::CustomResult(told) => {
                let tools = told.0.get("tools").and_then(Value::as_array).cloned();
                let next = told.0.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
                tools.map(|tools| (tools, next)).ok_or_else(|| "its list of tools is none".to_owned())
            }
            _ => Err("its list of tools is none".to_owned()),
        }
    }

    /// Calls a tool once.
    ///
    /// # Errors
    /// What is known of a call that has no result; `looks` = it can have changed nothing.
    pub(super) async fn call(
        &self,
        leave: Leave,
        tool: &str,
        args: Map<String, Value>,
        looks: bool,
    ) -> Result<Value, ActionError> {
        let _under_way = UnderWay::new(&self.under_way);
        let limit = CALL_MAX.saturating_sub(leave.begun.elapsed());
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(args);
        let strange = || Lost::maybe("it answered something else than a result").error(looks);
        match self.ask(ClientRequest::CallToolRequest(CallToolRequest::new(params)), limit).await {
            Ok(ServerResult::CallToolResult(result)) => serde_json::to_value(result).map_err(|_| strange()),
            Ok(ServerResult::EmptyResult(_)) => Ok(Value::Object(Map::new())),
            // A result with a part of a kind that is not known here.
            Ok(ServerResult::CustomResult(told)) if told.0.get("content").is_some_and(Value::is_array) => Ok(told.0),
            Ok(_) => Err(strange()),
            Err(lost) => {
                if lost.broken {
                    self.ears.told.notify_one();
                }
                Err(Lost { why: self.shown(&lost.why), ..lost }.error(looks))
            }
        }
    }

    async fn ask(&self, request: ClientRequest, limit: Duration) -> Result<ServerResult, Lost> {
        let options = PeerRequestOptions::with_timeout(limit);
        let sent = self.peer.send_request_with_option(request, options).await;
        let handle = sent.map_err(|_| Lost::not_sent("the connection had ended"))?;
        handle.await_response().await.map_err(|error| faults::asked(&error))
    }

    /// Words of the server's, fit to be shown.
    fn shown(&self, text: &str) -> String {
        words::line(&self.secrets.hide(text), WHY_CHARS_MAX)
    }
}
