//! What a model says.

use std::time::Duration;

use serde_json::{Value, json};

/// How many bytes of text come at a time, unless the test tells.
const CHUNK_BYTES: usize = 24;
/// How many bytes of text a piece of a very long answer has.
const LONG_PIECE_BYTES: usize = 16 * 1024;
/// How long an endless answer is, for a client that reads all of it.
const ENDLESS_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// How long an endless answer is when it is not streamed.
const ENDLESS_WHOLE_BYTES: u64 = 64 * 1024 * 1024;

/// Why a model ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It had said all.
    Stop,
    /// It had no more tokens.
    Length,
    /// The service took offence; Ollama does not know this.
    ContentFilter,
}

/// What becomes of a text where a tool must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    /// It is the arguments of the call.
    Called,
    /// It stays a text.
    Ignored,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolCall {
    /// Its name.
    pub(crate) name: String,
    /// Its arguments, as the model wrote them.
    pub(crate) arguments: String,
}

/// An answer of a model, and how it comes.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way of its own in which an answer is odd")]
pub(crate) struct Reply {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    pub(super) finish: Finish,
    pub(super) chunk_bytes: usize,
    pub(super) pause: Duration,
    /// How often the text comes, one after the other.
    pub(super) times: u64,
    pub(super) error: Option<String>,
    pub(super) pings: bool,
    pub(super) crlf: bool,
    pub(super) done: bool,
    pub(super) where_forced: Forced,
    /// Whether the limit of tokens that was asked for holds.
    pub(super) bounded: bool,
    /// Whether it is told by a service that does not pass it on.
    pub(super) told: bool,
}

impl Reply {
    /// This text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            calls: Vec::new(),
            finish: Finish::Stop,
            chunk_bytes: CHUNK_BYTES,
            pause: Duration::ZERO,
            times: 1,
            error: None,
            pings: false,
            crlf: false,
            done: true,
            where_forced: Forced::Called,
            bounded: true,
            told: true,
        }
    }

    /// This JSON as text, or as the arguments of the tool that must be called.
    pub(crate) fn json(value: &Value) -> Self {
        Self::text(value.to_string())
    }

    /// Nothing at all.
    pub(crate) fn empty() -> Self {
        Self::text("")
    }

    /// This JSON in a fence, with prose around it.
    pub(crate) fn fenced(value: &Value) -> Self {
        Self::text(format!("Sure! Here is the plan you asked for:\n\n```json\n{value:#}\n```\n\nAnything else?"))
    }

    /// The first half of this JSON, as if the model had stopped there.
    pub(crate) fn broken_json(value: &Value) -> Self {
        let text = value.to_string();
        let half = boundary(&text, text.len() / 2);
        Self::text(&text[..half])
    }

    /// A call of a tool.
    pub(crate) fn tool(name: &str, arguments: &Value) -> Self {
        Self::text("").and_tool(name, &arguments.to_string())
    }

    /// A plan of one stage, which does this action: for actions that nobody offers.
    pub(crate) fn plan_of(action: &str, params: &Value) -> Self {
        let stage = json!({"id": "act", "type": "execution", "action": action, "params": params});
        Self::json(&json!({"version": 1, "title": "What was asked for", "stages": [stage]}))
    }

    /// So many bytes of text, or a little more.
    pub(crate) fn huge(bytes: u64) -> Self {
        let mut reply = Self::text("x".repeat(LONG_PIECE_BYTES)).in_chunks(LONG_PIECE_BYTES);
        reply.times = bytes.div_ceil(LONG_PIECE_BYTES as u64);
        reply
    }

    /// Text without an end, if it is streamed; else more than anyone should read.
    pub(crate) fn endless() -> Self {
        Self::huge(ENDLESS_BYTES)
    }

    /// The same with one more call of a tool, whose arguments may be anything.
    pub(crate) fn and_tool(mut self, name: &str, arguments: &str) -> Self {
        self.calls.push(ToolCall { name: name.to_owned(), arguments: arguments.to_owned() });
        self
    }

    /// The same, ending so.
    pub(crate) fn finishing(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    /// The same, so many bytes of text or arguments at a time when it is streamed.
    pub(crate) fn in_chunks(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes.max(1);
        self
    }

    /// The same with this time before each chunk when it is streamed.
    pub(crate) fn pausing(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The first half of the same, then an error: in the stream, or with 500 in its place.
    pub(crate) fn then_error(mut self, message: &str) -> Self {
        self.error = Some(message.to_owned());
        self
    }

    /// The same with a comment before each event; Ollama's lines have none.
    pub(crate) fn with_pings(mut self) -> Self {
        self.pings = true;
        self
    }

    /// The same with lines that end in CR LF; Ollama's never do.
    pub(crate) fn with_crlf(mut self) -> Self {
        self.crlf = true;
        self
    }

    /// The same without the mark that ends a stream: `[DONE]`, or `"done": true`.
    pub(crate) fn without_done(mut self) -> Self {
        self.done = false;
        self
    }

    /// The same as a text even where a tool must be called: some models do not care.
    pub(crate) fn ignoring_tools(mut self) -> Self {
        self.where_forced = Forced::Ignored;
        self
    }

    /// The same past the limit of tokens that was asked for, as from a server that knows none.
    pub(crate) fn past_limits(mut self) -> Self {
        self.bounded = false;
        self
    }

    /// The same, not told by a service that does not pass it on.
    pub(crate) fn untold(mut self) -> Self {
        self.told = false;
        self
    }

    /// The text in chunks; at most half of them when an error follows.
    pub(super) fn chunks(&self) -> Vec<&str> {
        let mut chunks = pieces(&self.text, self.chunk_bytes);
        if self.error.is_some() {
            chunks.truncate(chunks.len().div_ceil(2));
        }
        chunks
    }

    /// The whole text, for an answer that is not streamed.
    pub(super) fn whole(&self) -> String {
        let most = ENDLESS_WHOLE_BYTES / (self.text.len() as u64).max(1);
        let times = if self.times == 1 { 1 } else { self.times.min(most.max(1)) };
        self.text.repeat(usize::try_from(times).expect("a bounded number"))
    }

    /// The same, ended after so many tokens.
    pub(super) fn limited(mut self, tokens: Option<u64>) -> Self {
        let bytes = tokens.map_or(usize::MAX, |tokens| {
            usize::try_from(tokens.saturating_mul(super::TOKEN_BYTES)).unwrap_or(usize::MAX)
        });
        if self.bounded && self.calls.is_empty() && self.times == 1 && self.text.len() > bytes {
            self.text.truncate(boundary(&self.text, bytes));
            self.finish = Finish::Length;
        }
        self
    }

    /// How many tokens it has, about.
    pub(super) fn tokens(&self) -> u64 {
        let calls: usize = self.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        super::tokens(self.text.len() + calls).saturating_mul(self.times).max(1)
    }
}

/// A text in pieces of at most so many bytes, though never less than a character.
pub(super) fn pieces(text: &str, bytes: usize) -> Vec<&str> {
    let (mut rest, mut pieces) = (text, Vec::new());
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (piece, more) = rest.split_at(boundary(rest, bytes).max(first));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// The last place at or before this one where a character begins, or the end of the text.
fn boundary(text: &str, bytes: usize) -> usize {
    let last = bytes.min(text.len());
    (0..=last).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
