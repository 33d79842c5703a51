//! The web pages: fixed files, nothing made on the server.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::state::HttpState;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file, asked for anew each time: a new version is seen at once.
fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text)
}

/// The pages and what they load.
pub(crate) fn router() -> Router<HttpState> {
    Router::new()
        .route("/", get(async || file(HTML, include_str!("pages/index.html"))))
        .route("/login", get(async || file(HTML, include_str!("pages/login.html"))))
        .route("/assets/app.js", get(async || file(SCRIPT, include_str!("pages/app.js"))))
        .route("/assets/app.css", get(async || file(STYLE, include_str!("pages/app.css"))))
        .route("/api/docs", get(async || file(HTML, include_str!("pages/docs.html"))))
        .route("/assets/docs.js", get(async || file(SCRIPT, include_str!("pages/docs.js"))))
        .route("/assets/docs.css", get(async || file(STYLE, include_str!("pages/docs.css"))))
}
