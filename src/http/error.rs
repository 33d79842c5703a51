//! What goes wrong, as clients see it: `{"detail", "code", "request_id"}` with the right status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use workflows::engine::{EngineError, Refusal};
use workflows::plan::validate::Fault;
use workflows::ports::{PeopleError, StoreError};

use crate::plugins::calendar::port::BookError;

/// Seconds a client is told to wait when everything is busy.
const BUSY_RETRY_SECS: u64 = 2;

/// An answer that is an error. The request id is filled in on the way out.
#[derive(Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: Value,
    more: Map<String, Value>,
    retry_after_secs: Option<u64>,
}

/// The body of an error, kept with the response until its request id is known.
#[derive(Debug, Clone)]
pub(crate) struct ErrorBody(pub(crate) Map<String, Value>);

impl ApiError {
    /// An error of that status, machine word and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            detail: Value::String(detail.into()),
            more: Map::new(),
            retry_after_secs: None,
        }))
    }

    /// Missing, or someone else's: the two are not told apart.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing under that address")
    }

    /// No credential, or one that does not hold.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Please sign in, or send a token that holds")
    }

    /// The credential does not reach that far.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// Fields that are wrong.
    pub fn fields(faults: &[Fault]) -> Self {
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", "");
        error.0.detail = json!(faults);
        error
    }

    /// One field that is wrong.
    pub fn field(name: &str, kind: &str, what: &str) -> Self {
        Self::fields(&[Fault {
            loc: vec![json!("body"), json!(name)],
            msg: format!("{name}: {what}"),
            kind: kind.to_owned(),
        }])
    }

    /// Too many tries; when to come again.
    pub fn too_many(retry_after_secs: u64) -> Self {
        let text = "Too many tries; please wait before the next";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text).after(retry_after_secs)
    }

    /// Too much is going on.
    pub fn busy() -> Self {
        let text = "Too busy right now; please try again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).after(BUSY_RETRY_SECS)
    }

    /// A file that cannot be written.
    pub fn unwritten(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::ReadOnlyFilesystem => Self::storage_full(error),
            _ => Self::internal(error),
        }
    }

    fn storage_full(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(error), "storage is full");
        let text = "Storage is full or read-only; nothing was changed";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", text)
    }

    fn after(mut self, secs: u64) -> Self {
        self.0.retry_after_secs = Some(secs);
        self
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here; it was noted")
    }
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::busy(),
            StoreError::Full(_) => Self::storage_full(&error),
            StoreError::Conflict | StoreError::Spent { .. } | StoreError::Driver(_) | StoreError::Corrupt(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<BookError> for ApiError {
    fn from(error: BookError) -> Self {
        let code = match &error {
            BookError::Down { .. } | BookError::Refused(_) | BookError::Unknown(_) => "calendar_unavailable",
            BookError::Changed | BookError::Gone | BookError::Exists => "calendar_changed",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, format!("The calendar cannot be read: {error}"))
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        Self::internal(&error)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => Self::busy(),
            EngineError::Store(error) => error.into(),
            EngineError::People(error) => error.into(),
            EngineError::Broken => Self::internal(&error),
        }
    }
}

impl From<Vec<Fault>> for ApiError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::fields(&faults)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::NothingToDecide => conflict("nothing_to_decide"),
            Refusal::AlreadyDecided { by, at } => {
                let mut error = conflict("already_decided");
                error.0.more.insert("decided_by".to_owned(), json!(by));
                error.0.more.insert("decided_at".to_owned(), json!(at));
                error
            }
            Refusal::Expired => Self::new(StatusCode::GONE, "expired", text),
            Refusal::Outdated => conflict("outdated"),
            Refusal::Unfit(what) => Self::field("selection", "unfit_answer", &what),
            Refusal::Faulty(faults) => Self::fields(&faults),
            Refusal::TooLate(_) | Refusal::LateResult => conflict("too_late"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let parts = *self.0;
        let mut body = parts.more;
        body.insert("detail".to_owned(), parts.detail);
        body.insert("code".to_owned(), Value::from(parts.code));
        let mut response = (parts.status, Json(&body)).into_response();
        if let Some(secs) = parts.retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if parts.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(ErrorBody(body));
        response
    }
}
