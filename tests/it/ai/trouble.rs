//! Everything that can be wrong with a provider, and what each is to its breaker.

use std::time::Duration;

use super::peer::Peer;
use super::*;
use crate::fake_ai::{Refusal, Reply};
use crate::fake_web::Fault;
use crate::port::Port;

/// Bytes of the arguments of a tool that are more than anyone should read.
const ARGUMENTS_BYTES: u64 = 8 << 20;

/// What is wrong with a provider, for as long as a test lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Refused,
    HangsBeforeHead,
    HangsAfterHead,
    HangsInStream,
    WrongKey,
    Unpaid,
    RateWithTime,
    Rate,
    Quota,
    PageOf500,
    Overloaded,
    Truncated,
    NoJson,
    UnknownAction,
    Endless,
    Empty,
    Drips,
    ErrorInStream,
}

impl Trouble {
    pub(super) const ALL: [Self; 18] = [
        Self::Refused,
        Self::HangsBeforeHead,
        Self::HangsAfterHead,
        Self::HangsInStream,
        Self::WrongKey,
        Self::Unpaid,
        Self::RateWithTime,
        Self::Rate,
        Self::Quota,
        Self::PageOf500,
        Self::Overloaded,
        Self::Truncated,
        Self::NoJson,
        Self::UnknownAction,
        Self::Endless,
        Self::Empty,
        Self::Drips,
        Self::ErrorInStream,
    ];

    /// How the breaker stands after it happened once.
    pub(super) fn breaker(self) -> &'static str {
        match self {
            // Whoever waited, has the wrong key or asked too often is not to do so again.
            Self::HangsBeforeHead
            | Self::HangsAfterHead
            | Self::HangsInStream
            | Self::Drips
            | Self::WrongKey
            | Self::Unpaid
            | Self::RateWithTime
            | Self::Rate
            | Self::Quota => "open",
            // These count, and one is not enough; or the provider is well, and its model is not.
            Self::Refused
            | Self::PageOf500
            | Self::Overloaded
            | Self::Truncated
            | Self::ErrorInStream
            | Self::NoJson
            | Self::UnknownAction
            | Self::Endless
            | Self::Empty => "closed",
        }
    }

    /// How often the model is asked before the next is.
    pub(super) fn attempts(self) -> usize {
        match self {
            Self::NoJson | Self::UnknownAction | Self::Empty => 3,
            _ => 1,
        }
    }

    /// Makes it so.
    pub(super) fn befall(self, peer: &Peer) {
        let plan = mail_plan("Bob Miller", "not to be used");
        let good = Reply::json(&plan);
        match self {
            Self::HangsBeforeHead => peer.fails(Fault::Hang),
            Self::HangsAfterHead => peer.fails(Fault::HeadThenHang),
            Self::HangsInStream => peer.fails(Fault::HalfThenHang),
            Self::WrongKey => peer.fails(peer.refusal(Refusal::Key)),
            Self::Unpaid => peer.fails(peer.refusal(Refusal::Payment)),
            Self::RateWithTime => peer.fails(Fault::TooMany { retry_after: Some(20) }),
            Self::Rate => peer.fails(peer.refusal(Refusal::Rate)),
            Self::Quota => peer.fails(peer.refusal(Refusal::Quota)),
            Self::PageOf500 => peer.fails(Fault::ServerError),
            Self::Overloaded => peer.fails(peer.refusal(Refusal::Overloaded)),
            Self::Truncated => peer.fails(Fault::Truncated),
            // Nobody is there (see `Refusing`), or it is what the model says.
            Self::Refused
            | Self::NoJson
            | Self::UnknownAction
            | Self::Endless
            | Self::Empty
            | Self::Drips
            | Self::ErrorInStream => {}
        }
        let reply = match self {
            Self::NoJson => Reply::broken_json(&plan),
            Self::UnknownAction => Reply::plan_of("rocket.launch", &json!({"to": ["Bob Miller"]})),
            Self::Endless => match peer {
                Peer::Ollama(_) => Reply::endless(),
                // As the arguments of a tool it must have an end.
                Peer::Compatible(_) => Reply::huge(ARGUMENTS_BYTES),
            },
            Self::Empty => Reply::empty(),
            // Each pause is shorter than the limit for one, all of them are longer than that for all.
            Self::Drips => good.in_chunks(1).pausing(Duration::from_millis(100)),
            Self::ErrorInStream => good.then_error("the model runner has unexpectedly stopped"),
            _ => good,
        };
        peer.answer_with(move |_| reply.clone());
    }
}

/// A port that nobody listens on and nobody else gets.
pub(super) struct Refusing {
    port: Port,
}

impl Refusing {
    pub(super) fn new() -> Self {
        Self { port: Port::new() }
    }

    /// The settings that lead a provider there.
    pub(super) fn instead_of(&self, name: &str, setup: Setup) -> Setup {
        setup.with(&format!("{}_BASE_URL", name.to_uppercase()), &format!("http://{}", self.port.addr))
    }
}
