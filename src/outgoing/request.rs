//! What is sent, and what comes back.

use std::fmt;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// Longest wait for a whole answer, where a caller says nothing.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Largest answer read, where a caller says nothing.
const BYTES_MAX: usize = 4 << 20;
/// What we call ourselves.
const AGENT: &str = concat!("super-manager/", env!("CARGO_PKG_VERSION"));

/// A request.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) time_max: Duration,
    pub(super) bytes_max: usize,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(AGENT))]);
        Self { method, url, headers, body: None, time_max: TIME_MAX, bytes_max: BYTES_MAX }
    }

    /// A look.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A change.
    pub fn post(url: Url) -> Self {
        Self::new(Method::POST, url)
    }

    /// With this header; a value that no header can hold leaves it out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With this header, which no other origin gets and no log shows.
    #[must_use]
    pub fn secret_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// With these headers, as they are.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        headers.into_iter().for_each(|(name, value)| drop(self.headers.insert(name, value)));
        self
    }

    /// With this token.
    #[must_use]
    pub fn bearer(self, token: &SecretString) -> Self {
        self.secret_header(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()))
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header(CONTENT_TYPE, kind)
    }

    /// With this as JSON, asking for JSON.
    ///
    /// # Panics
    /// Never: our own bodies are maps with text keys.
    #[must_use]
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("maps with text keys");
        self.header(ACCEPT, "application/json").body("application/json", body)
    }

    /// Not longer than this.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.time_max = limit;
        self
    }

    /// Reading not more than this.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Takes away what is for one origin only.
    pub(super) fn drop_secrets(&mut self) {
        let open = self.headers.iter().filter(|(name, value)| !value.is_sensitive() && *name != AUTHORIZATION);
        self.headers = open.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method, self.url.host_str().unwrap_or_default())
    }
}

/// What the other side answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl Answer {
    /// Its body as JSON; `None` when it is none of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How long it asks to wait, in seconds (RFC 9110, 10.2.3).
    pub fn retry_after(&self) -> Option<u32> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok();
        seconds.or_else(|| wait_until(&self.headers, RETRY_AFTER.as_str()))
    }
}

/// How long it is until the time in a header, in seconds, by the other side's own clock; at least one.
pub fn wait_until(headers: &HeaderMap, header: &str) -> Option<u32> {
    let time = |name: &str| DateTime::parse_from_rfc2822(headers.get(name)?.to_str().ok()?).ok();
    let wait = time(header)? - time(DATE.as_str())?;
    Some(u32::try_from(wait.num_seconds()).unwrap_or(1).max(1))
}
