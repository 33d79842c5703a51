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

/// Scripts, by the name they are loaded under.
const SCRIPTS: [(&str, &str); 8] = [
    ("/assets/api.js", include_str!("pages/api.js")),
    ("/assets/app.js", include_str!("pages/app.js")),
    ("/assets/docs.js", include_str!("pages/docs.js")),
    ("/assets/dom.js", include_str!("pages/dom.js")),
    ("/assets/login.js", include_str!("pages/login.js")),
    ("/assets/panels.js", include_str!("pages/panels.js")),
    ("/assets/prompt.js", include_str!("pages/prompt.js")),
    ("/assets/task.js", include_str!("pages/task.js")),
];

/// The pages and what they load.
pub(crate) fn router() -> Router<HttpState> {
    let pages = Router::new()
        .route("/", get(async || file(HTML, include_str!("pages/index.html"))))
        .route("/login", get(async || file(HTML, include_str!("pages/login.html"))))
        .route("/api/docs", get(async || file(HTML, include_str!("pages/docs.html"))))
        .route("/assets/icon.svg", get(async || file("image/svg+xml", include_str!("pages/icon.svg"))))
        .route("/assets/app.css", get(async || file(STYLE, include_str!("pages/app.css"))))
        .route("/assets/docs.css", get(async || file(STYLE, include_str!("pages/docs.css"))));
    SCRIPTS.into_iter().fold(pages, |pages, (path, text)| pages.route(path, get(async move || file(SCRIPT, text))))
}
