//! Streamable HTTP: a request is posted, its answer comes as one body or as a stream of events.
//!
//! Addresses are the operator's, so they may be in a private network; for that very reason a redirect
//! is never followed. Every body and every event has a bound, kept before anything is parsed.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::transport::common::http_header::{EVENT_STREAM_MIME_TYPE, JSON_MIME_TYPE};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::{Sse, SseStream};

use url::Url;

use super::limits::MESSAGE_BYTES_MAX;
use super::program::too_large;
use crate::outgoing::{self, Outgoing, Request};

/// What names a session.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// What names the last event that was read.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// Why a request came to nothing. Holds no address and no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No connection could be made: nothing was sent.
    #[error("no connection can be made")]
    NoConnection,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// An answer that refuses the request.
    #[error("it answered {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its wish when to come again, in seconds.
        after_secs: Option<u32>,
    },
    /// Another kind of answer than agreed.
    #[error("it answered what is no MCP message")]
    Strange,
}

type Failed = StreamableHttpError<Trouble>;

fn trouble(trouble: &outgoing::Trouble) -> Failed {
    StreamableHttpError::Client(if trouble.is_before() { Trouble::NoConnection } else { Trouble::Broken })
}

/// What calls one server. It follows nothing: what it opens is the answer.
#[derive(Clone)]
pub(super) struct Http(pub(super) Outgoing);

impl Http {
    async fn open(
        &self,
        request: Request,
        session: Option<&str>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<Response, Failed> {
        let mut request = request.header(ACCEPT, &format!("{EVENT_STREAM_MIME_TYPE}, {JSON_MIME_TYPE}"));
        if let Some(session) = session {
            request = request.header(SESSION, session);
        }
        self.0.open(&request.headers(headers)).await.map_err(|why| trouble(&why))
    }
}

fn request(method: Method, uri: &str) -> Result<Request, Failed> {
    // The address is the configuration's, read as one there.
    let url: Url = uri.parse().map_err(|_| StreamableHttpError::Client(Trouble::NoConnection))?;
    Ok(Request::new(method, url))
}

fn refused(response: &Response) -> Failed {
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    StreamableHttpError::Client(Trouble::Refused { status: response.status().as_u16(), after_secs: after })
}

fn is(response: &Response, kind: &str) -> bool {
    let told = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    told.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

impl StreamableHttpClient for Http {
    type Error = Trouble;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let body = serde_json::to_vec(&message)?;
        let id = match &message {
            ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
            ClientJsonRpcMessage::Response(_)
            | ClientJsonRpcMessage::Notification(_)
            | ClientJsonRpcMessage::Error(_) => None,
        };
        let request = request(Method::POST, &uri)?.body(JSON_MIME_TYPE, body);
        let response = self.open(request, session.as_deref(), headers).await?;
        match response.status() {
            StatusCode::NOT_FOUND if session.is_some() => return Err(StreamableHttpError::SessionExpired),
            status if !status.is_success() => return not_done(response, id).await,
            _ => {}
        }
        // Nothing is waited for after a notification, whatever comes.
        let Some(id) = id.filter(|_| !matches!(response.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT))
        else {
            return Ok(StreamableHttpPostResponse::Accepted);
        };
        let told = response.headers().get(SESSION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if is(&response, EVENT_STREAM_MIME_TYPE) {
            return Ok(StreamableHttpPostResponse::Sse(events(response, Some(id)), told));
        }
        if !is(&response, JSON_MIME_TYPE) {
            return Err(StreamableHttpError::Client(Trouble::Strange));
        }
        match bounded(response).await? {
            None => Ok(StreamableHttpPostResponse::Json(too_large(id), told)),
            Some(body) => match serde_json::from_slice(&body) {
                Ok(message) => Ok(StreamableHttpPostResponse::Json(message, told)),
                Err(_) => Err(StreamableHttpError::Client(Trouble::Strange)),
            },
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        self.open(request(Method::DELETE, &uri)?, Some(&session), headers).await.map(drop)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        let mut request = request(Method::GET, &uri)?;
        if let Some(last) = last_event {
            request = request.header(LAST_EVENT, &last);
        }
        let response = self.open(request, session.as_deref(), headers).await?;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        if !response.status().is_success() {
            return Err(refused(&response));
        }
        if !is(&response, EVENT_STREAM_MIME_TYPE) {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        Ok(events(response, None))
    }
}

/// A refusal may carry the protocol's own error, whose words say more than the status.
async fn not_done(response: Response, id: Option<RequestId>) -> Result<StreamableHttpPostResponse, Failed> {
    let refusal = refused(&response);
    let says_why = response.status().is_client_error()
        && !matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
        );
    if id.is_none() || !says_why || !is(&response, JSON_MIME_TYPE) {
        return Err(refusal);
    }
    let body = bounded(response).await?.unwrap_or_default();
    match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
        Ok(ServerJsonRpcMessage::Error(error)) => {
            Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error.error, id), None))
        }
        Ok(_) | Err(_) => Err(refusal),
    }
}

/// The body, or `None` when it is larger than it may be.
async fn bounded(response: Response) -> Result<Option<Vec<u8>>, Failed> {
    if response.content_length().is_some_and(|length| length > MESSAGE_BYTES_MAX as u64) {
        return Ok(None);
    }
    let mut body = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| StreamableHttpError::Client(Trouble::Broken))?;
        if body.len() + part.len() > MESSAGE_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&part);
    }
    Ok(Some(body))
}

/// Counts the bytes of an event until the empty line that ends it.
#[derive(Default)]
struct Size {
    event: usize,
    line: usize,
}

impl Size {
    /// Whether the event is still as large as it may be.
    fn fits(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.line == 0 => self.event = 0,
                b'\n' => self.line = 0,
                b'\r' => {}
                _ => {
                    self.line += 1;
                    self.event += 1;
                }
            }
            if self.event > MESSAGE_BYTES_MAX {
                return false;
            }
        }
        true
    }
}

/// Why a stream of events is read no further.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("an event is larger than it may be")]
    TooLarge,
    #[error("the connection broke")]
    Broken,
}

/// The events of a stream. One that is too large ends it, with an error in its place that answers `id`.
fn events(response: Response, id: Option<RequestId>) -> BoxStream<'static, Result<Sse, SseError>> {
    let mut size = Size::default();
    let bytes = response.bytes_stream().map(move |part| match part {
        Ok(part) if size.fits(&part) => Ok(part),
        Ok(_) => Err(Cut::TooLarge),
        Err(_) => Err(Cut::Broken),
    });
    let ended = SseStream::from_bytes_stream(bytes).scan(false, |ended, event| {
        let goes_on = !std::mem::replace(ended, event.is_err());
        std::future::ready(goes_on.then_some(event))
    });
    let answered = ended.map(move |event| match event {
        Err(SseError::Body(cut)) if matches!(cut.downcast_ref(), Some(Cut::TooLarge)) => {
            let data = id.clone().and_then(|id| serde_json::to_string(&too_large(id)).ok());
            data.map_or(Err(SseError::Body(cut)), |data| {
                Ok(Sse { event: None, data: Some(data), id: None, retry: None })
            })
        }
        other => other,
    });
    answered.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_measured_until_its_end() {
        let mut size = Size::default();
        let part = vec![b'x'; MESSAGE_BYTES_MAX - 10];
        assert!(size.fits(b"data: ") && size.fits(&part) && size.fits(b"\r\n\r\n"));
        assert!(size.fits(b"data: ") && size.fits(&part), "the next event begins anew");
        assert!(!size.fits(&[b'y'; 10]));
        let mut lines = Size::default();
        let many = b"data: x\n".repeat(MESSAGE_BYTES_MAX / 7 + 1);
        assert!(!lines.fits(&many), "lines of one event count together");
    }
}
