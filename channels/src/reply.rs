//! What is said to people, free of any platform's markup.

use serde::{Deserialize, Serialize};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As it is.
    Plain,
    /// Heavier.
    Bold,
    /// To be read letter by letter.
    Code,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The words.
    pub text: String,
    /// How they look.
    pub style: Style,
}

/// A reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reply {
    /// Its pieces, in order.
    pub spans: Vec<Span>,
}

impl Reply {
    /// A reply of plain words.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::default().then(text, Style::Plain)
    }

    /// The reply with more words.
    #[must_use]
    pub fn then(mut self, text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.spans.push(Span { text, style });
        }
        self
    }

    /// The words without their looks.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}
