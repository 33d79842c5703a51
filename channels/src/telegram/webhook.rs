//! Updates that Telegram sends: kept first, answered then.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::Ordering;
use tracing::warn;

use super::{Door, Mode, api};

/// Where Telegram sends updates to.
pub const PATH: &str = "/telegram/webhook";
/// Largest update taken, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The header that proves it is Telegram.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The route for Telegram; without one in polling mode.
pub fn router(door: &Door) -> Router {
    match door.0.parts.mode {
        Mode::Poll => Router::new(),
        Mode::Webhook { .. } => {
            Router::new().route(PATH, post(take)).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(door.clone())
        }
    }
}

async fn take(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Mode::Webhook { secret, .. } = &door.0.parts.mode else { return StatusCode::NOT_FOUND };
    let told = headers.get(SECRET_HEADER).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    if !is_same(told, secret.expose_secret().as_bytes()) {
        return StatusCode::UNAUTHORIZED;
    }
    if !door.0.open.load(Ordering::Acquire) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let Some(update) = serde_json::from_slice(&body).ok().and_then(api::arrived) else {
        warn!("something that is no update came with the right secret");
        return StatusCode::BAD_REQUEST;
    };
    let Some(room) = door.0.hands.room_now() else { return StatusCode::SERVICE_UNAVAILABLE };
    match door.keep(vec![update], room).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            warn!(%error, "an update cannot be kept now; Telegram keeps it");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
fn is_same(told: &[u8], secret: &[u8]) -> bool {
    let (told, secret) = (Sha256::digest(told), Sha256::digest(secret));
    told.iter().zip(secret.iter()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
