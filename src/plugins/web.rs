//! What an answer over HTTP, or none, means for an act.

use reqwest::StatusCode;
use workflows::ports::ActionError;

use crate::outgoing::{Answer, Trouble};

/// Longest part of another side's words that people are shown, in characters.
const WORDS_CHARS_MAX: usize = 300;

/// An outside service: how people know it, and the key that lets us in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// `Duffel`.
    pub(crate) name: &'static str,
    /// The key of the configuration to check when it refuses us.
    pub(crate) key: &'static str,
}

/// What was asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To look: nothing can have been done.
    Look,
    /// To do something: without a clear answer it may have been done.
    Act,
}

impl Service {
    /// No answer.
    pub(crate) fn no_answer(self, kind: Kind, trouble: &Trouble) -> ActionError {
        let words = format!("{}: {trouble}", self.name);
        match (kind, trouble) {
            (_, Trouble::Forbidden { .. } | Trouble::Redirected(_)) | (Kind::Look, Trouble::Elsewhere(_)) => {
                ActionError::fail(words)
            }
            (Kind::Look, _) => ActionError::retry(words),
            (Kind::Act, trouble) if trouble.is_before() => ActionError::retry(words),
            (Kind::Act, _) => ActionError::unknown(words),
        }
    }

    /// An answer that is no success, with the service's own words where it gave any.
    pub(crate) fn refusal(self, kind: Kind, answer: &Answer, words: Option<&str>) -> ActionError {
        let status = answer.status;
        let told = match words.map(plain).filter(|words| !words.is_empty()) {
            Some(words) => format!("{}: {words} ({})", self.name, status.as_u16()),
            None => format!("{} answered {status}", self.name),
        };
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return ActionError::fail(format!("{told}: check {}", self.key));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return ActionError::later(format!("{} asks to wait", self.name), answer.retry_after());
        }
        match kind {
            Kind::Look if status.is_server_error() => ActionError::retry(told),
            // A redirect that leads nowhere says nothing of what was done.
            Kind::Act if status.is_server_error() || status.is_redirection() => ActionError::unknown(told),
            Kind::Look | Kind::Act => ActionError::fail(told),
        }
    }

    /// A success whose body is not what it should be.
    pub(crate) fn unreadable(self, kind: Kind) -> ActionError {
        let words = format!("the answer of {} cannot be read", self.name);
        match kind {
            Kind::Look => ActionError::retry(words),
            Kind::Act => ActionError::unknown(words),
        }
    }
}

/// Another side's words on one line, shortened, without control characters.
pub(crate) fn plain(words: &str) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WORDS_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use workflows::ports::ActionErrorKind;

    use super::*;

    const SERVICE: Service = Service { name: "Shop", key: "SHOP_TOKEN" };

    fn answer(status: u16) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: [(reqwest::header::RETRY_AFTER, "7".parse().expect("a value"))].into_iter().collect(),
            body: Vec::new(),
            url: "http://shop.test/".parse().expect("a url"),
        }
    }

    #[test]
    fn an_act_is_unknown_exactly_when_it_may_have_been_done() {
        use ActionErrorKind::{Fail, Retry, Unknown};
        let kinds =
            |status| [Kind::Look, Kind::Act].map(|kind| SERVICE.refusal(kind, &answer(status), Some("no\nway")).kind);
        assert_eq!(kinds(500), [Retry { after_secs: None }, Unknown]);
        assert_eq!(kinds(503), [Retry { after_secs: None }, Unknown]);
        assert_eq!(kinds(303), [Fail, Unknown]);
        assert_eq!(kinds(422), [Fail, Fail]);
        assert_eq!(kinds(429), [Retry { after_secs: Some(7) }; 2]);
        assert_eq!(kinds(401), [Fail, Fail]);
        let host = || "shop.test".to_owned();
        let troubles = [
            (Trouble::NoConnection(host()), Retry { after_secs: None }),
            (Trouble::Redirected(host()), Fail),
            (Trouble::Forbidden { host: host(), why: "private" }, Fail),
            (Trouble::Elsewhere(host()), Unknown),
            (Trouble::Broken(host()), Unknown),
            (Trouble::Late { host: host(), secs: 3 }, Unknown),
            (Trouble::TooLarge { host: host(), max: 3 }, Unknown),
        ];
        for (trouble, kind) in troubles {
            assert_eq!(SERVICE.no_answer(Kind::Act, &trouble).kind, kind, "{trouble}");
            assert_ne!(SERVICE.no_answer(Kind::Look, &trouble).kind, Unknown, "{trouble}");
        }
    }

    #[test]
    fn a_refused_key_is_named() {
        assert!(SERVICE.refusal(Kind::Look, &answer(403), None).message.contains("SHOP_TOKEN"));
    }
}
