//! What is asked of a model and what comes back, whoever's it is.

use std::time::Duration;

use serde_json::Value;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Plans and plain replies.
    Planning,
    /// Looks at pictures.
    Vision,
    /// Answers questions about code.
    Code,
    /// Turns texts into vectors.
    Embedding,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The program: the rules.
    System,
    /// The person, and the program on their behalf.
    User,
    /// The model, before.
    Assistant,
}

impl Speaker {
    /// Its name on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A picture, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// One message of a conversation with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub speaker: Speaker,
    /// What.
    pub text: String,
    /// Pictures that go with it.
    pub pictures: Vec<Picture>,
}

impl Message {
    /// A message of words alone.
    pub fn new(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, text: text.into(), pictures: Vec::new() }
    }
}

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// The conversation.
    pub messages: Vec<Message>,
    /// The JSON schema the answer is to fit; `None` = words.
    pub schema: Option<Value>,
    /// Longest answer, in tokens.
    pub tokens_max: u32,
}

impl Chat {
    /// About how many tokens this is, rather too many: three bytes are one.
    pub fn tokens(&self) -> u64 {
        const BYTES_PER_TOKEN: usize = 3;
        const TOKENS_PER_PICTURE: usize = 800;
        let bytes: usize = self.messages.iter().map(|message| message.text.len()).sum();
        let pictures: usize = self.messages.iter().map(|message| message.pictures.len()).sum();
        (bytes / BYTES_PER_TOKEN + pictures * TOKENS_PER_PICTURE) as u64
    }
}

/// Tokens that were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sent.
    pub input: u64,
    /// Received.
    pub output: u64,
}

impl Usage {
    /// The most that a call takes: as long an answer as was asked for.
    pub fn most(chat: &Chat) -> Self {
        Self { input: chat.tokens(), output: u64::from(chat.tokens_max) }
    }

    /// What was said after this had been spent in vain.
    pub fn and(self, chat: &Chat, said: Said) -> Said {
        let usage = said.usage.or_else(|| (self != Self::default()).then(|| Self::of(chat, &said.text)));
        Said { usage: usage.map(|usage| self + usage), ..said }
    }

    /// What a call took, by the length of what was sent and what came.
    pub fn of(chat: &Chat, text: &str) -> Self {
        Self::of_length(chat, text.len())
    }

    /// The same, of so many bytes.
    pub fn of_length(chat: &Chat, bytes: usize) -> Self {
        const BYTES_PER_TOKEN: usize = 4;
        Self { input: chat.tokens(), output: (bytes / BYTES_PER_TOKEN) as u64 }
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { input: self.input.saturating_add(more.input), output: self.output.saturating_add(more.output) }
    }
}

/// What a model said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The words, or the JSON.
    pub text: String,
    /// What it took, when the other side counts.
    pub usage: Option<Usage>,
}

/// What kind of failure it is; each has a reaction of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// No connection: nothing was sent.
    Refused,
    /// No answer, or no more of it, in time.
    Late,
    /// The model is being loaded: nothing was sent.
    Loading,
    /// The connection broke, or the other side is overloaded or broken.
    Overload,
    /// Asked too often.
    Rate,
    /// Nothing is left to spend there.
    Quota,
    /// The key is wrong.
    Auth,
    /// There is no such model.
    NoModel,
    /// What was asked does not fit.
    BadRequest,
    /// What came back is nothing that was asked for.
    BadOutput,
}

impl Class {
    /// The name in metrics and status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Late => "late",
            Self::Loading => "loading",
            Self::Overload => "overload",
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::NoModel => "no_model",
            Self::BadRequest => "bad_request",
            Self::BadOutput => "bad_output",
        }
    }
}

/// Who hears an answer as far as it has come.
pub type Hear<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why a model said nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// What kind it is.
    pub class: Class,
    /// One sentence for whoever runs the service. No URL, no key, nothing a person said.
    pub what: String,
    /// How long the other side wants to be left alone.
    pub after: Option<Duration>,
    /// What it took all the same, as far as that is known.
    pub usage: Option<Usage>,
    /// What the model wrote, where the other side would not pass it on as an answer; empty when that is not
    /// told.
    pub withheld: Option<String>,
}

impl Fault {
    /// A failure without a wish.
    pub fn new(class: Class, what: impl Into<String>) -> Self {
        Self { class, what: what.into(), after: None, usage: None, withheld: None }
    }

    /// The same after so much of an answer had come: that was paid for.
    #[must_use]
    pub fn having_heard(self, chat: &Chat, said: &Said) -> Self {
        let guessed = || (!said.text.is_empty()).then(|| Usage::of(chat, &said.text));
        Self { usage: self.usage.or(said.usage).or_else(guessed), ..self }
    }
}
