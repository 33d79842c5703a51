//! `WS /ws/{user_id}`: a person's log, live.
//!
//! Frames are read from the log and nowhere else: first what is after `?after=`, then, at every
//! hint, what has come since. So there is neither gap nor double, and a slow reader costs no
//! memory: it is disconnected when one frame takes too long to leave.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use workflows::frame::{Frame, FrameKind};
use workflows::ids::PersonId;

use super::auth::{Caller, Reader, origin};
use super::error::ApiError;
use super::query::Asked;
use super::state::HttpState;

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
        end = Live { socket: &mut socket, state: &state, person: &caller.person.id, last: 0 }.serve(after) => end,
    };
    let (code, reason) = match end {
        End::Gone => return,
        End::SignedOut => (CLOSE_POLICY, "signed out"),
        End::Broken => (CLOSE_ERROR, "please come again"),
    };
    let goodbye = async {
        let frame = own_frame(&state, &caller.person.id, FrameKind::Disconnected, &json!({"reason": reason}), 0);
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
fn own_frame(state: &HttpState, person: &PersonId, kind: FrameKind, data: &Value, seq: i64) -> String {
    json!({"type": kind, "data": data, "timestamp": state.clock.now(), "user_id": person, "task_id": null, "seq": seq})
        .to_string()
}

/// An open socket and how far it has read.
struct Live<'a> {
    socket: &'a mut WebSocket,
    state: &'a HttpState,
    person: &'a PersonId,
    last: i64,
}

impl Live<'_> {
    async fn serve(mut self, after: Option<i64>) -> End {
        // Before the first look, so that nothing falls between them.
        let mut hints = self.state.hub.hints(self.person);
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
            tokio::select! {
                heard = hints.changed() => if heard.is_err() { return End::Broken },
                () = tokio::time::sleep(RECHECK) => {}
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => if let Err(end) = self.hear(message).await { return end },
                    Some(Err(_)) | None => return End::Gone,
                },
            }
        }
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
        self.state.metrics.frame();
        Ok(())
    }

    async fn tell(&mut self, kind: FrameKind, data: &Value) -> Result<(), End> {
        let text = own_frame(self.state, self.person, kind, data, self.last);
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
