//! Whether a client tells who it is.

use crate::fake_http::Request;

/// How `User-Agent`s begin that tell nothing of the application: those of libraries, and of browsers.
const STOCK: [&str; 14] = [
    "reqwest",
    "hyper",
    "ureq",
    "curl",
    "wget",
    "python",
    "go-http-client",
    "okhttp",
    "java",
    "axios",
    "node",
    "undici",
    "mozilla",
    "dalvik",
];

/// Whether a request tells which application sends it, by `User-Agent` or `Referer`.
pub(super) fn is_identified(request: &Request) -> bool {
    if request.header("referer").is_some_and(|referer| referer.starts_with("http")) {
        return true;
    }
    let agent = request.header("user-agent").unwrap_or_default().trim().to_ascii_lowercase();
    !agent.is_empty() && !STOCK.iter().any(|stock| agent.starts_with(stock))
}
