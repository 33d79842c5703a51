//! Requests to the server, and what its answers mean.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::multistatus::{Multistatus, multistatus, precondition};
use crate::outgoing::{Answer, Outgoing, Request, Trouble};
use crate::plugins::calendar::port::BookError;

/// The account.
#[derive(Debug, Clone)]
pub struct CalDavConfig {
    /// The server, a principal, a calendar home or a calendar.
    pub url: Url,
    /// Who logs in.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// Longest wait for a look; a large calendar is listed slowly the first time.
const LOOK_LIMIT: Duration = Duration::from_secs(180);
/// Longest wait for a write.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// Largest answer to a look.
pub(super) const LOOK_BYTES_MAX: usize = 32 << 20;
/// Largest answer to a write.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// What must hold for a write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Only<'a> {
    /// Nothing is there.
    IfNew,
    /// What is there has this tag.
    IfTag(&'a str),
}

/// The connection to the account.
#[derive(Clone)]
pub(super) struct Client {
    outgoing: Outgoing,
    config: CalDavConfig,
}

impl Client {
    pub(super) fn new(outgoing: Outgoing, config: CalDavConfig) -> Self {
        Self { outgoing, config }
    }

    /// What the account was configured with.
    pub(super) fn url(&self) -> &Url {
        &self.config.url
    }

    /// Where an href leads from a page; `None` when it leads to another server, which our password is
    /// nothing for.
    pub(super) fn join(&self, page: &Url, href: &str) -> Option<Url> {
        page.join(href).ok().filter(|url| url.origin() == self.config.url.origin())
    }

    fn request(&self, method: &str, url: &Url) -> Request {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        let login = format!("{}:{}", self.config.username, self.config.password.expose_secret());
        let basic = format!("Basic {}", STANDARD.encode(login));
        Request::new(method, url.clone()).secret_header(AUTHORIZATION, &basic)
    }

    /// Asks, and takes the answer as it is.
    async fn ask(&self, method: &str, url: &Url, depth: &str, body: String) -> Result<Answer, BookError> {
        let request = self
            .request(method, url)
            .header(HeaderName::from_static("depth"), depth)
            .body("application/xml; charset=utf-8", body.into_bytes())
            .within(LOOK_LIMIT)
            .at_most(LOOK_BYTES_MAX);
        let answer = self.outgoing.send(request).await.map_err(|trouble| not_read(&trouble))?;
        if answer.url.origin() != url.origin() {
            let there = answer.url.origin().ascii_serialization();
            return Err(BookError::Refused(format!("the calendar is at {there} now: set CALDAV_URL to it")));
        }
        Ok(answer)
    }

    /// Asks for resources; also where they are, after redirects.
    pub(super) async fn look(
        &self,
        method: &str,
        url: &Url,
        depth: &str,
        body: String,
    ) -> Result<(Multistatus, Url), LookError> {
        let answer = self.ask(method, url, depth, body).await?;
        match answer.status {
            StatusCode::MULTI_STATUS => match multistatus(&answer.body) {
                Some(found) => Ok((found, answer.url)),
                None => Err(LookError::Other(BookError::down("the calendar server sent what cannot be read"))),
            },
            status => Err(refused_look(status, &answer)),
        }
    }

    /// Writes an event; its new tag where the answer has a strong one.
    pub(super) async fn put(&self, url: &Url, ics: String, only: Only<'_>) -> Result<Option<String>, BookError> {
        let request = self.request("PUT", url).body("text/calendar; charset=utf-8", ics.into_bytes());
        let answer = self.write(request, only).await?;
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok());
        Ok(tag.filter(|tag| is_strong(tag)).map(str::to_owned))
    }

    /// Takes an event away, in silence: who else is to know is told by us (RFC 6638, 8.1).
    pub(super) async fn delete(&self, url: &Url, only: Only<'_>) -> Result<(), BookError> {
        let request = self.request("DELETE", url).header(HeaderName::from_static("schedule-reply"), "F");
        self.write(request, only).await.map(drop)
    }

    async fn write(&self, request: Request, only: Only<'_>) -> Result<Answer, BookError> {
        let request = match only {
            Only::IfNew => request.header(IF_NONE_MATCH, "*"),
            Only::IfTag(tag) => request.header(IF_MATCH, tag),
        };
        let request = request.within(WRITE_LIMIT).at_most(WRITE_BYTES_MAX);
        let answer = self.outgoing.send(request).await.map_err(|trouble| not_written(&trouble))?;
        if answer.status.is_success() { Ok(answer) } else { Err(refused_write(&answer, only)) }
    }
}

/// Why a look gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LookError {
    /// The server answered this status, with this reason where it named one.
    Status(StatusCode, Option<String>),
    /// Anything else.
    Other(BookError),
}

impl From<BookError> for LookError {
    fn from(error: BookError) -> Self {
        Self::Other(error)
    }
}

impl From<LookError> for BookError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Status(status, _) => {
                Self::Refused(format!("the calendar server answered {status}: check CALDAV_URL"))
            }
            LookError::Other(error) => error,
        }
    }
}

/// Whether a tag may guard a write (RFC 9110, 8.8.1).
pub(super) fn is_strong(tag: &str) -> bool {
    tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"')
}

fn login_refused() -> BookError {
    BookError::Refused("the calendar server does not let us in: check CALDAV_USERNAME and CALDAV_PASSWORD".to_owned())
}

fn not_read(trouble: &Trouble) -> BookError {
    match trouble {
        // An answer that is too large is no smaller the next time.
        Trouble::Forbidden { .. } | Trouble::Redirected(_) | Trouble::TooLarge { .. } => {
            BookError::Refused(format!("the calendar: {trouble}"))
        }
        Trouble::NoConnection(_) | Trouble::Elsewhere(_) | Trouble::Late { .. } | Trouble::Broken(_) => {
            BookError::down(format!("the calendar: {trouble}"))
        }
    }
}

fn not_written(trouble: &Trouble) -> BookError {
    if trouble.is_before() { not_read(trouble) } else { BookError::Unknown(format!("the calendar: {trouble}")) }
}

fn refused_look(status: StatusCode, answer: &Answer) -> LookError {
    let words = format!("the calendar server answered {status}");
    LookError::Other(match status {
        StatusCode::UNAUTHORIZED => login_refused(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            BookError::Down { what: words, after_secs: answer.retry_after() }
        }
        status if status.is_server_error() => BookError::down(words),
        status => return LookError::Status(status, precondition(&answer.body)),
    })
}

fn refused_write(answer: &Answer, only: Only<'_>) -> BookError {
    let status = answer.status;
    let reason = precondition(&answer.body);
    let words = match reason.as_deref() {
        Some("need-privileges") => "the calendar can only be read: its server does not let us write there".to_owned(),
        Some(reason) => format!("the calendar server refused it: {reason} ({})", status.as_u16()),
        None => format!("the calendar server answered {status}"),
    };
    match (status, only) {
        (StatusCode::UNAUTHORIZED, _) => login_refused(),
        (StatusCode::PRECONDITION_FAILED, Only::IfNew) => BookError::Exists,
        (StatusCode::PRECONDITION_FAILED, Only::IfTag(_)) => BookError::Changed,
        (StatusCode::NOT_FOUND | StatusCode::GONE, Only::IfTag(_)) => BookError::Gone,
        (StatusCode::LOCKED | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
            BookError::Down { what: words, after_secs: answer.retry_after() }
        }
        (status, _) if status.is_server_error() => BookError::Unknown(words),
        (_, Only::IfNew) if reason.as_deref() == Some("no-uid-conflict") => BookError::Exists,
        _ => BookError::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, "7".parse().expect("a value"))]),
            body: body.as_bytes().to_vec(),
            url: "http://cal.example.org/".parse().expect("a url"),
        }
    }

    #[test]
    fn what_a_refused_write_means_follows_from_its_status() {
        let kind = |status: u16, only: Only<'_>| match refused_write(&answer(status, "<html>"), only) {
            BookError::Down { after_secs, .. } => format!("down {after_secs:?}"),
            BookError::Refused(_) => "refused".to_owned(),
            BookError::Changed => "changed".to_owned(),
            BookError::Gone => "gone".to_owned(),
            BookError::Exists => "exists".to_owned(),
            BookError::Unknown(_) => "unknown".to_owned(),
        };
        for (status, new, old) in [
            (401, "refused", "refused"),
            (403, "refused", "refused"),
            (404, "refused", "gone"),
            (409, "refused", "refused"),
            (410, "refused", "gone"),
            (412, "exists", "changed"),
            (413, "refused", "refused"),
            (423, "down Some(7)", "down Some(7)"),
            (429, "down Some(7)", "down Some(7)"),
            (500, "unknown", "unknown"),
            (502, "unknown", "unknown"),
            (503, "down Some(7)", "down Some(7)"),
            (504, "unknown", "unknown"),
            (507, "unknown", "unknown"),
        ] {
            assert_eq!(kind(status, Only::IfNew), new, "{status}");
            assert_eq!(kind(status, Only::IfTag("\"1\"")), old, "{status}");
        }
        let conflict = "<d:error xmlns:d='DAV:'><c:no-uid-conflict xmlns:c='urn:ietf:params:xml:ns:caldav'/></d:error>";
        assert_eq!(refused_write(&answer(403, conflict), Only::IfNew), BookError::Exists);
        let words = refused_write(&answer(409, conflict), Only::IfTag("\"1\"")).to_string();
        assert!(words.contains("no-uid-conflict"), "{words}");
    }

    #[test]
    fn a_weak_or_empty_tag_guards_nothing() {
        assert!(is_strong("\"a\""));
        for tag in ["W/\"a\"", "", "a", "\"\"", "\"", "\"a"] {
            assert!(!is_strong(tag), "{tag}");
        }
    }
}
