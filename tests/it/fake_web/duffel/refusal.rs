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
    kind: &'static str,
    /// The error itself, as `validation_required`; its title says the same in words.
    code: &'static str,
    /// A sentence.
    pub(crate) message: String,
    /// The field at fault and where it is.
    source: Option<Box<(String, String)>>,
    /// Whether only a faulty client meets it.
    pub(super) violation: bool,
}

impl Refusal {
    /// An error that a careful client may meet.
    pub(crate) fn new(status: u16, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code, message: message.into(), source: None, violation: false }
    }

    /// The same, met only by a faulty client.
    pub(super) fn violation(mut self) -> Self {
        self.violation = true;
        self
    }

    /// There is no such thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", "not_found", message)
    }

    /// A thing whose state forbids what is asked.
    pub(super) fn state(code: &'static str, message: &str) -> Self {
        Self::new(422, "invalid_state_error", code, message)
    }

    /// A field that is missing or wrong.
    pub(super) fn field(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(422, "validation_error", code, message).violation();
        let field = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
        refusal.source = Some(Box::new((field.to_owned(), pointer.to_owned())));
        refusal
    }

    /// The answer.
    pub(super) fn response(&self, request_id: &str) -> Response {
        let title = self.code.replace('_', " ");
        let title = title[..1].to_uppercase() + &title[1..];
        let mut error = json!({
            "type": self.kind,
            "title": title,
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "code": self.code,
        });
        if let Some((field, pointer)) = self.source.as_deref() {
            error["source"] = json!({"field": field, "pointer": pointer});
        }
        let meta = json!({"status": self.status, "request_id": request_id});
        let body: Value = json!({"errors": [error], "meta": meta});
        Response::json(self.status, &body).with("x-request-id", request_id)
    }
}
