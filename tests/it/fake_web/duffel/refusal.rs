//! Errors in Duffel's shape: <https://duffel.com/docs/api/overview/errors>.

use serde_json::{Value, json};

use crate::fake_http::Response;

/// Where every error points.
const DOCUMENTATION: &str = "https://duffel.com/docs/api/overview/errors";

/// An error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The status.
    pub(crate) status: u16,
    /// The general category, as `validation_error`.
    pub(crate) kind: String,
    /// The error itself, as `validation_required`.
    pub(crate) code: String,
    /// A few words.
    pub(crate) title: String,
    /// A sentence.
    pub(crate) message: String,
    /// The field at fault and where it is.
    pub(crate) source: Option<(String, String)>,
    /// Whether only a faulty client meets it.
    pub(crate) violation: bool,
}

impl Refusal {
    /// An error that a careful client may meet.
    pub(crate) fn new(status: u16, kind: &str, code: &str, message: impl Into<String>) -> Self {
        let title = code.replace('_', " ");
        let title = title[..1].to_uppercase() + &title[1..];
        let (kind, code) = (kind.to_owned(), code.to_owned());
        Self { status, kind, code, title, message: message.into(), source: None, violation: false }
    }

    /// The same, met only by a faulty client.
    pub(super) fn violation(mut self) -> Self {
        self.violation = true;
        self
    }

    /// A version that is missing or wrong.
    pub(super) fn version(code: &str, title: &str, message: &str) -> Self {
        let mut refusal = Self::new(400, "invalid_request_error", code, message).violation();
        title.clone_into(&mut refusal.title);
        refusal
    }

    /// There is no such thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", "not_found", message)
    }

    /// A thing whose state forbids what is asked.
    pub(super) fn state(code: &str, message: &str) -> Self {
        Self::new(422, "invalid_state_error", code, message)
    }

    /// A field that is missing or wrong.
    pub(super) fn field(code: &str, pointer: &str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(422, "validation_error", code, message).violation();
        let field = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
        refusal.source = Some((field.to_owned(), pointer.to_owned()));
        refusal
    }

    /// The answer.
    pub(super) fn response(&self, request_id: &str) -> Response {
        let mut error = json!({
            "type": self.kind,
            "title": self.title,
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "code": self.code,
        });
        if let Some((field, pointer)) = &self.source {
            error["source"] = json!({"field": field, "pointer": pointer});
        }
        let meta = json!({"status": self.status, "request_id": request_id});
        let body: Value = json!({"errors": [error], "meta": meta});
        Response::json(self.status, &body).with("x-request-id", request_id)
    }
}
