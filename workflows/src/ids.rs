//! Newtypes for every id, so that one is never taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Wraps a text as this kind of id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// Someone we serve.
    PersonId
);
text_id!(
    /// An entry of a person's address book.
    ContactId
);
text_id!(
    /// A chat, topic, channel, thread or web session: `channel:key`.
    ConversationId
);
text_id!(
    /// One running workflow.
    TaskId
);
text_id!(
    /// A stage of a plan, unique within it.
    StageId
);
text_id!(
    /// An open question's opaque token: what a button carries.
    PromptId
);
text_id!(
    /// An intended act outside the transaction. It is the idempotency key of the act.
    EffectId
);
text_id!(
    /// One process that drives tasks; new at every start.
    RunnerId
);

/// The secret every derived id of a task comes from: random, made once, kept with the task.
///
/// Transitions are pure, so they cannot draw random ids; they derive them from the seed and a
/// counter, which keeps them unguessable and the same however often a turn is tried.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub String);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Seed {
    /// The `n`th prompt token: 20 hexadecimal digits, short enough for any platform's button.
    pub fn prompt(&self, n: u32) -> PromptId {
        PromptId(self.derive("prompt", n, 20))
    }

    /// The `n`th effect id: 24 hexadecimal digits.
    pub fn effect(&self, n: u32) -> EffectId {
        EffectId(self.derive("effect", n, 24))
    }

    fn derive(&self, what: &str, n: u32, digits: usize) -> String {
        let mut text = hex::encode(Sha256::digest(format!("{what}/{n}/{}", self.0)));
        text.truncate(digits);
        text
    }
}
