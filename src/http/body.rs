//! JSON bodies, bounded, with the right status for each way they can be wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde_json::Value;

use super::error::ApiError;

/// Longest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A request body as JSON.
#[derive(Debug)]
pub struct Body(pub Value);

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            let text = "The body must be application/json";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", text));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let text = format!("The body has more than {BODY_BYTES_MAX} bytes");
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
            }
            _ => ApiError::new(StatusCode::BAD_REQUEST, "unreadable", "The body could not be read"),
        })?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "invalid_utf8", "The body is not UTF-8"))?;
        let value = serde_json::from_str(text).map_err(|error| {
            let text = format!("The body is not JSON: line {} column {}", error.line(), error.column());
            ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", text)
        })?;
        Ok(Self(value))
    }
}
