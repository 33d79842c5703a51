//! The stand-in over streamable HTTP, in this process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::tools::{Deed, deed};

/// A running stand-in; ends when it is dropped.
pub(crate) struct Http {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    folder: PathBuf,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Http {
    /// Serves that folder on a port of its own, or on this one.
    pub(crate) async fn start(folder: &Path, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let shared = Shared { folder: folder.to_owned(), seen: Arc::clone(&seen) };
        let routes = Router::new().fallback(answer).with_state(shared);
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { url: format!("http://{address}/mcp"), seen, serving }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.trim_end_matches("/mcp").rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// The heads of all requests so far.
    pub(crate) fn seen(&self) -> Vec<HeaderMap> {
        self.seen.lock().expect("no holder panics").clone()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Shared>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    shared.seen.lock().expect("no holder panics").push(headers);
    if let Ok(to) = std::fs::read_to_string(shared.folder.join("redirect")) {
        return (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response();
    }
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let Some(method) = message["method"].as_str().filter(|_| !message["id"].is_null()) else {
        return StatusCode::ACCEPTED.into_response();
    };
    if super::is_faulty(&shared.folder, "unauthorized") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let told = match deed(&shared.folder, method, &message["params"]) {
        Deed::Answer(result) => json!({"jsonrpc": "2.0", "id": message["id"], "result": result}),
        Deed::Refuse(code, text) => {
            json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}})
        }
        Deed::Silence => std::future::pending().await,
        Deed::Break => return broken(),
    };
    let session = ("mcp-session-id", "a-session");
    if super::is_faulty(&shared.folder, "events") {
        let text = format!(": hello\n\nevent: message\ndata: {told}\n\n");
        return ([session, ("content-type", "text/event-stream")], text).into_response();
    }
    ([session, ("content-type", "application/json")], told.to_string()).into_response()
}

/// A body that breaks off after its first part.
fn broken() -> Response {
    let parts = futures_util::stream::iter([
        Ok(Bytes::from_static(b"{\"jsonrpc\": \"2.0\",")),
        Err(std::io::Error::other("broken off")),
    ]);
    let mut response = Response::new(Body::from_stream(parts));
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}
