//! Health, status and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Answered;
use crate::http::auth::Reader;
use crate::http::error::ApiError;
use crate::http::state::HttpState;

/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

fn is_ill(part: &Value) -> bool {
    let status = |entry: &Value| entry.get("status").unwrap_or(entry).as_str().map(str::to_owned);
    let entries = part.as_object().into_iter().flatten();
    entries.filter_map(|(_, entry)| status(entry)).any(|status| matches!(status.as_str(), "degraded" | "down"))
}

/// How everything is; public, without personal data.
#[utoipa::path(get, path = "/api/health", tag = "health",
    responses((status = 200, description = "Health", body = Value)), security(()))]
pub(crate) async fn health(State(state): State<HttpState>) -> Json<Value> {
    let parts = state.health.health().await;
    let ill = ["channels", "components"].iter().filter_map(|name| parts.get(*name)).any(is_ill);
    let healthy = !ill && state.health.ready().await;
    let mut shown = Map::new();
    shown.insert("status".to_owned(), json!(if healthy { "healthy" } else { "degraded" }));
    shown.extend(parts);
    shown.insert("version".to_owned(), json!(state.config.version));
    Json(Value::Object(shown))
}

/// The process runs.
#[utoipa::path(get, path = "/api/health/live", tag = "health",
    responses((status = 200, description = "It runs", body = Value)), security(()))]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "live"}))
}

/// Requests can be served.
#[utoipa::path(get, path = "/api/health/ready", tag = "health",
    responses((status = 200, description = "Ready", body = Value), (status = 503, description = "Not ready")), security(()))]
pub(crate) async fn ready(State(state): State<HttpState>) -> Answered {
    if state.health.ready().await {
        return Ok(Json(json!({"status": "ready"})));
    }
    Err(ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_ready",
        "Storage does not answer, or the service is stopping",
    ))
}

/// Version, providers, channels, queue and features.
#[utoipa::path(get, path = "/api/status", tag = "health",
    responses((status = 200, description = "Status", body = Value)))]
pub(crate) async fn status(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    let mut shown = Map::new();
    shown.insert("version".to_owned(), json!(state.config.version));
    shown.insert("queue_depth".to_owned(), json!(state.log.queue_depth(state.clock.now()).await?));
    shown.extend(state.health.health().await);
    shown.extend(state.health.status(&caller.person).await);
    Ok(Json(Value::Object(shown)))
}

/// Counters in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(state): State<HttpState>, Reader(_caller): Reader) -> Result<Response, ApiError> {
    open_metrics(State(state)).await
}

/// The same without a token, for the listener at `METRICS_ADDR`.
pub(crate) async fn open_metrics(State(state): State<HttpState>) -> Result<Response, ApiError> {
    let depth = state.log.queue_depth(state.clock.now()).await?;
    Ok(([(header::CONTENT_TYPE, METRICS_TYPE)], state.metrics.render(depth) + &state.health.metrics()).into_response())
}
