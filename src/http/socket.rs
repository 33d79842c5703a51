//! `WS /ws/{user_id}`: a person's log, live.
//!
//! Frames are read from the log and nowhere else: first what is after `?after=`, then, at every
//! hint, what has come since. So there is neither gap nor double, and a slow reader costs no
//! memory: it is disconnected when one frame takes too long to leave. Between them comes what is heard
//! of replies that are being made, which is in no log and may be missed.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::Instant;
use workflows::engine::session_of;
use workflows::frame::{Frame, FrameKind};
use workflows::ids::{PersonId, TaskId};

use super::auth::{Caller, Reader, origin};
use super::error::ApiError;
use super::hub::SoFar;
use super::query::Asked;
use super::state::HttpState;
use super::streams::Streams;

/// Frames read at once.
const PAGE: u32 = 200;
/// WebSockets and waiting calls of one person at the same time.
const LISTENERS_MAX: usize = 100;
/// Longest message taken from a client, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// How often credential and log are looked at without a hint: hints may be lost.
const RECHECK: Duration = Duration::from_secs(15);
/// Longest that saying goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);
/// Tellings of replies taken at once.
const SO_FAR_MAX: usize = 64;
/// The close code for a session that has ended (RFC 6455, 7.4.1: policy violation).
const CLOSE_POLICY: u16 = 1008;
/// The close code when we cannot go on (RFC 6455, 7.4.1: internal error).
const CLOSE_ERROR: u16 = 1011;

/// Frames after which place.
#[derive(Debug, Deserialize)]
pub(crate) struct AfterQuery {
    after: Option<i64>,
}

/// Why a socket ends.
enum End {
    /// The client went, or is too slow.
    Gone,
    /// The credential ended.
    SignedOut,
    /// The log could not be read.
    Broken,
}

/// Opens the caller's own socket.
pub(crate) async fn open(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Path(user_id): Path<PersonId>,
    headers: HeaderMap,
    Asked(query): Asked<AfterQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    if user_id != caller.person.id {
        return Err(ApiError::forbidden("other_person", "This is not the caller's socket"));
    }
    if !origin::is_ours(&headers, &state.config.public_url) {
        return Err(ApiError::forbidden("cross_site", "This came from another site's page"));
    }
    if state.hub.listeners(&user_id) >= LISTENERS_MAX {
        return Err(ApiError::busy());
    }
    let upgrade = upgrade
        .map_err(|_| ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "This is a WebSocket address"))?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| run(socket, state, caller, query.after)))
}

async fn run(mut socket: WebSocket, state: HttpState, caller: Caller, after: Option<i64>) {
    let _open = state.metrics.socket();
    let endings = state.hub.endings();
    let end = tokio::select! {
        () = ended(&state, &caller, endings) => End::SignedOut,
        end = Live::new(&mut socket, &state, &caller.person.id).serve(after) => end,
    };
    let (code, reason) = match end {
        End::Gone => return,
        End::SignedOut => (CLOSE_POLICY, "signed out"),
        End::Broken => (CLOSE_ERROR, "please come again"),
    };
    let goodbye = async {
        let frame = own_frame(&state, &caller.person.id, FrameKind::Disconnected, &json!({"reason": reason}), None, 0);
        socket.send(Message::text(frame)).await?;
        socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await
    };
    // The client may be gone or slow; the socket is dropped either way.
    drop(tokio::time::timeout(GOODBYE_LIMIT, goodbye).await);
}

/// Comes back when the credential has ended, by news of it or by looking.
async fn ended(state: &HttpState, caller: &Caller, mut endings: broadcast::Receiver<String>) {
    loop {
        match state.access.credential(&caller.hash, state.clock.now()).await {
            Ok(None) => return,
            Ok(Some(_)) => {}
            Err(error) => tracing::warn!(%error, "a socket's credential could not be looked at"),
        }
        let heard = async {
            loop {
                match endings.recv().await {
                    Ok(id) if id == caller.credential.id => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // Too much news to follow and silence both lead to another look.
        drop(tokio::time::timeout(RECHECK, heard).await);
    }
}

/// A frame that is not of the log.
fn own_frame(
    state: &HttpState,
    person: &PersonId,
    kind: FrameKind,
    data: &Value,
    task: Option<&TaskId>,
    seq: i64,
) -> String {
    let now = state.clock.now();
    json!({"type": kind, "data": data, "timestamp": now, "user_id": person, "task_id": task, "seq": seq}).to_string()
}

/// The newest telling of each of the person's replies, of those that wait.
fn newest(first: Option<Arc<SoFar>>, more: &mut broadcast::Receiver<Arc<SoFar>>, person: &PersonId) -> Vec<Arc<SoFar>> {
    let waiting = std::iter::from_fn(|| more.try_recv().ok()).take(SO_FAR_MAX);
    let mut newest: Vec<Arc<SoFar>> = Vec::new();
    for so_far in first.into_iter().chain(waiting).filter(|so_far| &so_far.person_id == person) {
        newest.retain(|older| older.task_id != so_far.task_id);
        newest.push(so_far);
    }
    newest
}

/// An open socket and how far it has read.
struct Live<'a> {
    socket: &'a mut WebSocket,
    state: &'a HttpState,
    person: &'a PersonId,
    last: i64,
    streams: Streams,
}

impl<'a> Live<'a> {
    fn new(socket: &'a mut WebSocket, state: &'a HttpState, person: &'a PersonId) -> Self {
        Self { socket, state, person, last: 0, streams: Streams::default() }
    }

    async fn serve(mut self, after: Option<i64>) -> End {
        // Before the first look, so that nothing falls between them.
        let mut hints = self.state.hub.hints(self.person);
        let mut replies = self.state.hub.replies();
        self.last = match after {
            Some(after) => after,
            None => match self.state.log.last_seq(self.person).await {
                Ok(last) => last,
                Err(error) => return broken(&error),
            },
        };
        if let Err(end) = self.tell(FrameKind::Connected, &json!({})).await {
            return end;
        }
        loop {
            if let Err(end) = self.catch_up().await {
                return end;
            }
            if let Err(end) = self.listen(&mut hints, &mut replies).await {
                return end;
            }
        }
    }

    /// Passes on what is heard of replies, until the log is to be looked at.
    async fn listen(
        &mut self,
        hints: &mut watch::Receiver<u64>,
        replies: &mut broadcast::Receiver<Arc<SoFar>>,
    ) -> Result<(), End> {
        let recheck = Instant::now() + RECHECK;
        loop {
            let first = tokio::select! {
                heard = hints.changed() => return heard.map_err(|_| End::Broken),
                () = tokio::time::sleep_until(recheck) => return Ok(()),
                message = self.socket.recv() => return match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) | None => Err(End::Gone),
                },
                heard = replies.recv() => match heard {
                    Ok(so_far) => Some(so_far),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return Err(End::Broken),
                },
            };
            let newest = newest(first, replies, self.person);
            // What was committed before it was said comes before it.
            if !newest.is_empty() && hints.has_changed().is_ok_and(|changed| changed) {
                hints.mark_unchanged();
                self.catch_up().await?;
            }
            for so_far in newest {
                self.stream(&so_far).await?;
            }
        }
    }

    /// Sends what is new of a reply that is being made.
    async fn stream(&mut self, so_far: &SoFar) -> Result<(), End> {
        let Some(chunk) = self.streams.tell(&so_far.task_id, &so_far.text) else { return Ok(()) };
        let mut data = json!({"chunk": chunk.text, "session_id": session_of(&so_far.conversation_id)});
        if chunk.replaces {
            data["replace"] = json!(true);
        }
        let text = own_frame(self.state, self.person, FrameKind::AiStreaming, &data, Some(&so_far.task_id), self.last);
        self.send(text).await
    }

    /// Sends all that is in the log and was not sent yet.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            let frames = self.state.log.frames(self.person, self.last, PAGE).await.map_err(|error| broken(&error))?;
            for frame in &frames {
                self.pass_on(frame).await?;
            }
            if frames.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    async fn pass_on(&mut self, frame: &Frame) -> Result<(), End> {
        let text = serde_json::to_string(frame).map_err(|_| End::Broken)?;
        self.send(text).await?;
        self.last = frame.seq;
        self.streams.note(frame);
        self.state.metrics.frame();
        Ok(())
    }

    async fn tell(&mut self, kind: FrameKind, data: &Value) -> Result<(), End> {
        let text = own_frame(self.state, self.person, kind, data, None, self.last);
        self.send(text).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(End::Gone),
            // Protocol pings are answered by the library.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        let kind =
            serde_json::from_str::<Value>(&text).ok().and_then(|said| said.get("type")?.as_str().map(str::to_owned));
        match kind.as_deref() {
            Some("ping") => self.tell(FrameKind::Connected, &json!({"pong": true})).await,
            _ => self.tell(FrameKind::Error, &json!({"detail": "Only {\"type\":\"ping\"} is understood here"})).await,
        }
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        let sent =
            tokio::time::timeout(self.state.config.socket_send_limit, self.socket.send(Message::text(text))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

fn broken(error: &workflows::ports::StoreError) -> End {
    tracing::warn!(%error, "a socket could not read the log");
    End::Broken
}
