//! The one outgoing HTTP client.
//!
//! Addresses that the operator configured may be anywhere. Every other address, like the target of
//! a redirect, must be on the public internet: its name is looked up once, every address found is
//! judged, and the connection goes to one of those. Redirects are followed here, each judged anew,
//! and secrets go to no other origin than the one they were meant for. Time and size are bounded,
//! and no error holds a URL or a header.

pub mod guard;
mod names;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::LOCATION;
use reqwest::{Client, Method, Response, StatusCode};
use url::{Origin, Url};

pub use names::{Names, SystemNames};
pub use request::{Answer, Request, wait_until};

/// Longest that a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: shorter than servers do, so that it is not closed under a request.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Redirects followed for one request.
const REDIRECTS_MAX: usize = 5;

/// Why a call has no answer. No URL, no header, no secret is in any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The address may not be called: nothing was sent to it.
    #[error("{host} may not be called: {why}")]
    Forbidden {
        /// Its host.
        host: String,
        /// Why.
        why: &'static str,
    },
    /// No connection: nothing was sent.
    #[error("{0} cannot be reached")]
    NoConnection(String),
    /// It leads on and on, or where a request of this kind must not follow. Nothing was done: a look
    /// does nothing, and whoever answers a change with 307 or 308 has not made it.
    #[error("{0} redirects where this request cannot follow")]
    Redirected(String),
    /// A change was answered with a redirect to a look: as a rule it was made (RFC 9110, 15.4.4).
    #[error("{0} answered with a redirect instead of what came of it")]
    Elsewhere(String),
    /// No answer in time: it may have been done.
    #[error("{host} did not answer within {secs} seconds")]
    Late {
        /// Its host.
        host: String,
        /// The limit.
        secs: u64,
    },
    /// The connection broke: it may have been done.
    #[error("the connection to {0} broke")]
    Broken(String),
    /// The answer is larger than is read: it may have been done.
    #[error("the answer of {host} is larger than {max} bytes")]
    TooLarge {
        /// Its host.
        host: String,
        /// The limit.
        max: usize,
    },
}

impl Trouble {
    /// Whether it is certain that the other side did nothing.
    pub fn is_before(&self) -> bool {
        match self {
            Self::Forbidden { .. } | Self::NoConnection(_) | Self::Redirected(_) => true,
            Self::Elsewhere(_) | Self::Late { .. } | Self::Broken(_) | Self::TooLarge { .. } => false,
        }
    }
}

/// The client.
#[derive(Clone)]
pub struct Outgoing {
    inner: Arc<Inner>,
}

struct Inner {
    /// For what the operator configured.
    open: Client,
    /// For everything else.
    guarded: Client,
    configured: Vec<Origin>,
}

impl Outgoing {
    /// A client that may call these addresses of the operator's wherever they are.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(configured: &[Url], names: Arc<dyn Names>) -> Result<Self, reqwest::Error> {
        Self::connecting_within(CONNECT_LIMIT, configured, names)
    }

    /// The same, waiting no longer than this for a connection.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn connecting_within(
        limit: Duration,
        configured: &[Url],
        names: Arc<dyn Names>,
    ) -> Result<Self, reqwest::Error> {
        let builder = || {
            Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(limit)
                .pool_idle_timeout(IDLE_LIMIT)
        };
        let inner = Inner {
            open: builder().build()?,
            guarded: builder().dns_resolver(Arc::new(names::PublicOnly(names))).build()?,
            configured: configured.iter().map(Url::origin).collect(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Sends a request, follows where it may, and reads the answer. Whatever the status, an answer
    /// is an answer. Nothing is repeated.
    ///
    /// # Errors
    /// When there is no answer; [`Trouble::is_before`] tells whether something may have been done.
    pub async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        let (host, limit) = (host_of(&request.url), request.time_max);
        match tokio::time::timeout(limit, self.follow(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Late { host, secs: limit.as_secs() }),
        }
    }

    async fn follow(&self, mut request: Request) -> Result<Answer, Trouble> {
        let first = host_of(&request.url);
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.once(&request).await?;
            let Some(target) = target(&answer) else { return Ok(answer) };
            let same = target.origin() == request.url.origin();
            let downgraded = request.url.scheme() == "https" && target.scheme() != "https";
            let repeats = matches!(answer.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            if !is_safe(&request.method) && !repeats {
                return Err(Trouble::Elsewhere(first));
            }
            if downgraded || !(is_safe(&request.method) || same) {
                return Err(Trouble::Redirected(first));
            }
            if !same {
                request.drop_secrets();
            }
            request.url = target;
        }
        Err(Trouble::Redirected(first))
    }

    async fn once(&self, request: &Request) -> Result<Answer, Trouble> {
        let answer = self.open(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = read(answer, host_of(&request.url), request.bytes_max).await?;
        Ok(Answer { status, headers, body, url: request.url.clone() })
    }

    /// Sends a request and gives the answer before its body, for streams: a redirect is an answer, and
    /// whoever reads it keeps the bounds of time and size.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn open(&self, request: &Request) -> Result<Response, Trouble> {
        let host = host_of(&request.url);
        let is_ours = self.inner.configured.contains(&request.url.origin());
        if !is_ours && let Some(why) = guard::objection(&request.url) {
            return Err(Trouble::Forbidden { host, why });
        }
        let client = if is_ours { &self.inner.open } else { &self.inner.guarded };
        let mut sending = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        sending.send().await.map_err(|error| told(&error, host))
    }
}

/// Methods that change nothing, so that they may go wherever they are sent on to (RFC 9110, 9.2.1;
/// RFC 4918 and RFC 3253 for the last two).
fn is_safe(method: &Method) -> bool {
    matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PROPFIND" | "REPORT")
}

/// Where an answer leads.
fn target(answer: &Answer) -> Option<Url> {
    let leads = matches!(
        answer.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = answer.headers.get(LOCATION).filter(|_| leads)?;
    answer.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

async fn read(answer: Response, host: String, max: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Trouble::Broken(host.clone()))?;
        if body.len() + chunk.len() > max {
            return Err(Trouble::TooLarge { host, max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn told(error: &reqwest::Error, host: String) -> Trouble {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(source) = cause {
        if source.is::<names::Private>() {
            return Trouble::Forbidden { host, why: "it leads into a private network" };
        }
        cause = source.source();
    }
    if error.is_connect() { Trouble::NoConnection(host) } else { Trouble::Broken(host) }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
