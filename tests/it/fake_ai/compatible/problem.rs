//! Errors, each service's in its own shape.
//!
//! OpenAI: <https://platform.openai.com/docs/guides/error-codes>; Groq: <https://console.groq.com/docs/errors>;
//! Zuki: as its published server makes them, whose `code` is the status.

use serde_json::{Value, json};

use super::Flavour;
use crate::fake_ai::Refusal;
use crate::fake_http::Response;
use crate::fake_web::Answer;

/// An error.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    /// What the model said that the service did not pass on.
    failed: Option<String>,
    /// Whether only a faulty client meets it.
    violation: bool,
}

impl Problem {
    /// An error that a careful client may meet.
    pub(super) fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind, param: None, code, failed: None, violation: false }
    }

    /// A request that no careful client sends.
    pub(super) fn invalid(param: &str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        let param = (!param.is_empty()).then(|| param.to_owned());
        Self { param, violation: true, ..Self::new(400, "invalid_request_error", code, message) }
    }

    /// Something that this service or model does not do.
    pub(super) fn unsupported(param: &str, message: impl Into<String>) -> Self {
        Self { violation: false, ..Self::invalid(param, None, message) }
    }

    /// An answer of the model that the service does not pass on.
    pub(super) fn failed(code: &'static str, message: impl Into<String>, said: String) -> Self {
        Self { failed: Some(said), ..Self::new(400, "invalid_request_error", Some(code), message) }
    }

    /// The same without what the model said.
    pub(super) fn untold(self) -> Self {
        Self { failed: None, ..self }
    }

    /// A refusal in the words of the service.
    pub(super) fn refusal(flavour: Flavour, refusal: Refusal) -> Self {
        let (request, server) = ("invalid_request_error", "server_error");
        let rate = Some("rate_limit_exceeded");
        match (flavour, refusal) {
            (Flavour::OpenAi, Refusal::Key) => {
                let advice = "You can find your API key at https://platform.openai.com/account/api-keys.";
                let message = format!("Incorrect API key provided: sk-proj-****Fake. {advice}");
                Self::new(401, request, Some("invalid_api_key"), message)
            }
            (Flavour::Groq, Refusal::Key) => Self::new(401, request, Some("invalid_api_key"), "Invalid API Key"),
            (Flavour::Zuki, Refusal::Key) => Self::new(401, request, None, "The key you provided is invalid."),
            (_, Refusal::Payment) => Self::new(402, request, Some("payment_required"), "Payment Required"),
            (Flavour::OpenAi, Refusal::Rate) => {
                let limit = "Rate limit reached for gpt-4o-mini in organization org-fake on requests per min (RPM)";
                let message = format!("{limit}: Limit 3, Used 3, Requested 1. Please try again in 20s.");
                Self::new(429, "requests", rate, message)
            }
            (Flavour::Groq, Refusal::Rate) => {
                let limit = "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_fake`";
                let rest =
                    "service tier `on_demand` on tokens per minute (TPM): Limit 12000, Used 11500, Requested 900";
                Self::new(429, "tokens", rate, format!("{limit} {rest}. Please try again in 2s."))
            }
            (Flavour::Zuki, Refusal::Rate) => Self::new(429, request, None, "Rate limit exceeded: 12 per 1 minute"),
            (Flavour::Zuki, Refusal::Quota) => {
                let message = "You have 0 credits left. This request requires 120 credits.";
                Self::new(429, "insufficient_quota", None, message)
            }
            (_, Refusal::Quota) => {
                let message = "You exceeded your current quota, please check your plan and billing details.";
                Self::new(429, "insufficient_quota", Some("insufficient_quota"), message)
            }
            (Flavour::Zuki, Refusal::Overloaded) => Self::new(503, request, None, "No provider available."),
            (Flavour::Groq, Refusal::Overloaded) => {
                Self::new(503, "internal_server_error", None, "Service Unavailable")
            }
            (Flavour::OpenAi, Refusal::Overloaded) => {
                Self::new(503, server, None, "The server is overloaded or not ready yet.")
            }
        }
    }

    /// The error as the service tells it.
    pub(super) fn body(&self, flavour: Flavour) -> Value {
        let mut error = json!({"message": self.message, "type": self.kind});
        match flavour {
            Flavour::OpenAi => {
                error["param"] = json!(self.param);
                error["code"] = json!(self.code);
            }
            Flavour::Zuki => error["code"] = json!(self.status),
            Flavour::Groq => {
                for (name, value) in [("code", self.code), ("failed_generation", self.failed.as_deref())] {
                    if let Some(value) = value {
                        error[name] = json!(value);
                    }
                }
            }
        }
        json!({ "error": error })
    }

    /// The answer.
    pub(super) fn answer(&self, flavour: Flavour) -> Answer {
        let response = Response::json(self.status, &self.body(flavour));
        if self.violation { Answer::violation(response, self.message.clone()) } else { response.into() }
    }
}
