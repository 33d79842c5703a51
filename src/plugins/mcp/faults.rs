//! What is known of a request that came to nothing.
//!
//! Only what was certainly not done is told so: a connection that was never made, a refusal by the
//! protocol. After a request has been sent, silence is *unknown*.

use rmcp::ErrorData;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use workflows::ports::{ActionError, ActionErrorKind};

use super::http::Trouble;
use super::limits::TOO_LARGE;

/// Codes by which JSON-RPC refuses a request before anything is done: it is none, its method or tool is not
/// known, its parameters do not fit.
const REFUSALS: [i32; 4] = [-32_700, -32_600, -32_601, -32_602];

/// A request without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    /// What is known.
    pub(super) kind: ActionErrorKind,
    /// Why, in words; foreign ones may be among them.
    pub(super) why: String,
    /// Whether the connection is of no more use.
    pub(super) broken: bool,
    /// Whether there was an answer that cannot be read.
    pub(super) large: bool,
}

impl Lost {
    fn new(kind: ActionErrorKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), broken: false, large: false }
    }

    /// It was not sent.
    pub(super) fn not_sent(why: &str) -> Self {
        Self { broken: true, ..Self::new(ActionErrorKind::Retry { after_secs: None }, why) }
    }

    /// It may have been done.
    pub(super) fn maybe(why: &str) -> Self {
        Self::new(ActionErrorKind::Unknown, why)
    }

    /// As an act's failure. A look that was lost has changed nothing, so it can be had again; one
    /// whose answer is too large would be as large again.
    pub(super) fn error(self, looks: bool) -> ActionError {
        let kind = match self.kind {
            ActionErrorKind::Unknown if looks && self.large => ActionErrorKind::Fail,
            ActionErrorKind::Unknown if looks => ActionErrorKind::Retry { after_secs: None },
            kind => kind,
        };
        ActionError { kind, message: self.why, offers: Vec::new() }
    }
}

/// A request that was handed to the connection.
pub(super) fn asked(error: &ServiceError) -> Lost {
    match error {
        ServiceError::McpError(error) => answered(error),
        ServiceError::TransportSend(error) => not_sent(error),
        ServiceError::TransportClosed => Lost { broken: true, ..Lost::maybe("the connection ended before its answer") },
        ServiceError::Timeout { timeout } => {
            Lost::maybe(&format!("there was no answer within {} seconds", timeout.as_secs()))
        }
        _ => Lost::maybe("it answered what nobody asked for"),
    }
}

fn answered(error: &ErrorData) -> Lost {
    let code = error.code.0;
    if code == TOO_LARGE {
        return Lost { large: true, ..Lost::maybe(&format!("too large: {}", error.message)) };
    }
    let kind = if REFUSALS.contains(&code) { ActionErrorKind::Fail } else { ActionErrorKind::Unknown };
    Lost::new(kind, format!("it answered with an error: {}", error.message))
}

fn not_sent(error: &DynamicTransportError) -> Lost {
    match error.error.downcast_ref::<StreamableHttpError<Trouble>>() {
        // Over standard input a message counts only when its line is whole.
        None => Lost::not_sent("it takes no more input"),
        Some(StreamableHttpError::SessionExpired) => Lost::not_sent("it has forgotten the session"),
        Some(StreamableHttpError::TransportChannelClosed) => {
            Lost { broken: true, ..Lost::maybe("the connection ended before its answer") }
        }
        Some(StreamableHttpError::Client(trouble)) => http(trouble),
        Some(_) => Lost { broken: true, ..Lost::maybe("the connection broke before its answer") },
    }
}

fn http(trouble: &Trouble) -> Lost {
    let why = trouble.to_string();
    match trouble {
        Trouble::NoConnection => Lost::not_sent(&why),
        Trouble::Broken => Lost { broken: true, ..Lost::maybe(&why) },
        Trouble::Refused { status: 429, after_secs } => {
            Lost::new(ActionErrorKind::Retry { after_secs: *after_secs }, format!("{why}: too many requests"))
        }
        Trouble::Refused { status: 300..=399, .. } => {
            Lost::new(ActionErrorKind::Fail, format!("{why}: redirects are not followed"))
        }
        Trouble::Refused { status: 400..=499, .. } => Lost { broken: true, ..Lost::new(ActionErrorKind::Fail, why) },
        Trouble::Strange | Trouble::Refused { .. } => Lost::maybe(&why),
    }
}

/// Why a server could not be greeted.
pub(super) fn greeting(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended before it greeted".to_owned(),
        ClientInitializeError::TransportError { error, .. } => not_sent(error).why,
        ClientInitializeError::JsonRpcError(error) => format!("it refused to greet: {}", error.message),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => "it speaks no version known here".to_owned(),
        _ => "it did not greet as agreed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;

    use super::*;

    fn sent(error: StreamableHttpError<Trouble>) -> ActionErrorKind {
        let raw = DynamicTransportError::from_parts("t", std::any::TypeId::of::<()>(), Box::new(error));
        asked(&ServiceError::TransportSend(raw)).kind
    }

    fn told(code: i32) -> ActionErrorKind {
        asked(&ServiceError::McpError(ErrorData::new(ErrorCode(code), "x", None))).kind
    }

    #[test]
    fn only_what_was_certainly_not_done_is_told_so() {
        let retry = ActionErrorKind::Retry { after_secs: None };
        let refused = |status| StreamableHttpError::Client(Trouble::Refused { status, after_secs: Some(7) });
        for (kind, wanted) in [
            (sent(StreamableHttpError::Client(Trouble::NoConnection)), retry),
            (sent(StreamableHttpError::SessionExpired), retry),
            (sent(StreamableHttpError::Client(Trouble::Broken)), ActionErrorKind::Unknown),
            (sent(StreamableHttpError::Client(Trouble::Strange)), ActionErrorKind::Unknown),
            (sent(StreamableHttpError::UnexpectedEndOfStream), ActionErrorKind::Unknown),
            (sent(StreamableHttpError::TransportChannelClosed), ActionErrorKind::Unknown),
            (sent(refused(429)), ActionErrorKind::Retry { after_secs: Some(7) }),
            (sent(refused(401)), ActionErrorKind::Fail),
            (sent(refused(302)), ActionErrorKind::Fail),
            (sent(refused(500)), ActionErrorKind::Unknown),
            (sent(refused(503)), ActionErrorKind::Unknown),
            (told(-32_602), ActionErrorKind::Fail),
            (told(-32_601), ActionErrorKind::Fail),
            (told(-32_603), ActionErrorKind::Unknown),
            (told(-32_002), ActionErrorKind::Unknown),
            (told(-32_000), ActionErrorKind::Unknown),
            (told(TOO_LARGE), ActionErrorKind::Unknown),
            (asked(&ServiceError::TransportClosed).kind, ActionErrorKind::Unknown),
            (
                asked(&ServiceError::Timeout { timeout: std::time::Duration::from_secs(1) }).kind,
                ActionErrorKind::Unknown,
            ),
            (asked(&ServiceError::UnexpectedResponse).kind, ActionErrorKind::Unknown),
        ] {
            assert_eq!(kind, wanted);
        }
    }

    #[test]
    fn a_look_that_was_lost_can_be_had_again_unless_it_is_too_large() {
        let retry = ActionErrorKind::Retry { after_secs: None };
        assert_eq!(Lost::maybe("x").error(true).kind, retry);
        assert_eq!(Lost::maybe("x").error(false).kind, ActionErrorKind::Unknown);
        let large = asked(&ServiceError::McpError(ErrorData::new(ErrorCode(TOO_LARGE), "x", None)));
        assert_eq!(large.clone().error(true).kind, ActionErrorKind::Fail);
        assert_eq!(large.error(false).kind, ActionErrorKind::Unknown);
    }
}
