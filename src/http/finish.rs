//! What every answer gets on its way out: a request id, errors in one shape, and the headers that
//! keep browsers strict.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::error::ErrorBody;
use super::state::HttpState;

/// The header that carries a request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken from a client, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// No script, style, image or connection but our own, and no frame around us.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

fn given_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fit = (1..=REQUEST_ID_BYTES_MAX).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    fit.then(|| text.to_owned())
}

/// The outermost layer.
pub(crate) async fn finish(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let id = given_id(request.headers()).unwrap_or_else(|| state.ids.fresh());
    let response = next.run(request).await;
    let mut response = if response.status().as_u16() >= 400 { shaped(response, &id) } else { response };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// An error in the API's shape, whoever made it.
fn shaped(mut response: Response, id: &str) -> Response {
    let status = response.status();
    let ErrorBody(mut body) = response.extensions_mut().remove::<ErrorBody>().unwrap_or_else(|| plain(status));
    body.insert("request_id".to_owned(), json!(id));
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let mut shaped = (status, Json(Value::Object(body))).into_response();
    shaped.headers_mut().extend(parts.headers);
    shaped
}

/// The body of an error that a library made.
fn plain(status: StatusCode) -> ErrorBody {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", "There is nothing under that address"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "That method is not for this address"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is too large"),
        status if status.is_server_error() => ("internal", "Something went wrong here; it was noted"),
        _ => ("bad_request", "The request cannot be read"),
    };
    ErrorBody(Map::from_iter([("detail".to_owned(), json!(detail)), ("code".to_owned(), json!(code))]))
}
