//! Keeping other sites from using a signed-in browser.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::http::error::ApiError;
use crate::http::state::HttpState;

/// Whether these headers can come from a page of ours, or from no browser at all.
///
/// Browsers send `Origin` with every cross-site write and upgrade, and `Sec-Fetch-Site` since 2023;
/// a request with neither is no browser's, so nobody else's page can have sent it.
pub fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    if let Some(site) = headers.get("sec-fetch-site") {
        if !matches!(site.as_bytes(), b"same-origin" | b"none") {
            return false;
        }
        if text(header::ORIGIN).is_none() {
            return true;
        }
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let Ok(origin) = Url::parse(origin) else { return false };
    if origin.origin() == public_url.origin() {
        return true;
    }
    let authority = origin.port().map_or_else(
        || origin.host_str().unwrap_or_default().to_owned(),
        |port| format!("{}:{port}", origin.host_str().unwrap_or_default()),
    );
    let hosts = text(header::HOST);
    matches!(origin.scheme(), "http" | "https") && hosts.is_some_and(|host| host.eq_ignore_ascii_case(&authority))
}

/// Refuses writes that another site's page made a browser send. A bearer token is not sent by
/// browsers on their own, so requests with one pass.
pub(crate) async fn guard(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let bearer = request.headers().contains_key(header::AUTHORIZATION);
    if reads || bearer || is_ours(request.headers(), &state.config.public_url) {
        return next.run(request).await;
    }
    ApiError::forbidden("cross_site", "This came from another site's page").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_ours(&headers, &Url::parse("https://home.example/").unwrap())
    }

    #[test]
    fn only_our_own_pages_pass() {
        assert!(ours(&[]));
        assert!(ours(&[("origin", "https://home.example")]));
        assert!(ours(&[("origin", "http://127.0.0.1:8000"), ("host", "127.0.0.1:8000")]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(!ours(&[("origin", "https://evil.example"), ("host", "home.example")]));
        assert!(!ours(&[("origin", "null"), ("host", "home.example")]));
        assert!(!ours(&[("origin", "http://home.example"), ("host", "home.example:81")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]));
        assert!(!ours(&[("sec-fetch-site", "same-site"), ("origin", "https://home.example")]));
    }
}
