//! The events that a chat completion comes in, as they are taken together to an answer
//! (<https://platform.openai.com/docs/api-reference/chat-streaming>). Servers that ignore that a stream is wanted
//! send the same in one piece.

use serde::Deserialize;
use serde_json::Value;

use super::stream::{ANSWER_BYTES_MAX, Line, UNFIT, cut, tell, too_large, unfinished};
use super::wire::{Class, Fault, Hear, Said, Usage};

/// An answer on its way.
#[derive(Default)]
pub(super) struct Answer {
    /// What came so far.
    pub(super) said: Said,
    /// Whether it came as the call of a tool.
    pub(super) called: bool,
    /// How it was said to have ended.
    finish: Option<String>,
}

/// One event of a stream.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    x_groq: Option<Groq>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    /// Where the answer comes in one piece, though a stream was asked for; some send what came so far besides.
    message: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    #[serde(default)]
    index: usize,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Groq {
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Answer {
    /// Whether it is all there.
    pub(super) fn whole(&self) -> Result<(), Fault> {
        match self.finish.as_deref() {
            None => Err(unfinished()),
            Some("length") => Err(cut()),
            Some("content_filter") => Err(Fault::new(Class::BadOutput, "the answer was withheld by a filter")),
            Some(_) => Ok(()),
        }
    }

    /// Takes one line of a stream of server-sent events, or an answer without a stream; what is no data is
    /// passed over.
    pub(super) fn take(&mut self, line: &str, hear: Hear<'_>) -> Result<Line, Fault> {
        let bare = || line.starts_with('{').then_some(line);
        let Some(data) = line.strip_prefix("data:").map(str::trim).or_else(bare) else { return Ok(Line::More) };
        if data == "[DONE]" {
            return Ok(Line::End);
        }
        let event: Event = serde_json::from_str(data)
            .map_err(|_| Fault::new(Class::BadOutput, "an event of the answer is no JSON"))?;
        if let Some(error) = event.error {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            let unfit = UNFIT.contains(&text("code"));
            let class = if unfit { Class::BadOutput } else { Class::Overload };
            let withheld = unfit.then(|| text("failed_generation").to_owned());
            return Err(Fault { withheld, ..Fault::new(class, "it failed in the middle of the answer") });
        }
        if let Some(counted) = event.usage.or(event.x_groq.and_then(|groq| groq.usage)) {
            self.said.usage = Some(Usage { input: counted.prompt_tokens, output: counted.completion_tokens });
        }
        for choice in event.choices {
            self.finish = choice.finish_reason.or(self.finish.take());
            let Some(delta) = choice.delta.or(choice.message) else { continue };
            // Only the first call counts: one answer was asked for.
            let calls = delta.tool_calls.unwrap_or_default().into_iter().filter(|call| call.index == 0);
            let arguments: Vec<String> = calls.filter_map(|call| call.function?.arguments).collect();
            if !arguments.is_empty() && !self.called {
                // What was said before the call is not the answer.
                self.called = true;
                self.said.text.clear();
            }
            let words = delta.content.filter(|_| !self.called);
            for piece in arguments.iter().chain(&words).filter(|piece| !piece.is_empty()) {
                self.said.text.push_str(piece);
                if self.said.text.len() > ANSWER_BYTES_MAX {
                    return Err(too_large());
                }
                tell(hear, &self.said.text);
            }
        }
        Ok(Line::More)
    }
}
