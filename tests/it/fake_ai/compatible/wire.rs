//! How the services tell what the model says: <https://platform.openai.com/docs/api-reference/chat-streaming>.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{Asked, Flavour, Reply};
use crate::fake_ai::reply::{Forced, pieces};
use crate::fake_ai::{Finish, ToolCall};
use crate::fake_http::Response;
use crate::fake_web::{Answer, Piece, Stream};

/// An answer that is being made.
pub(super) struct Telling<'a> {
    pub(super) flavour: Flavour,
    pub(super) asked: &'a Asked,
    pub(super) reply: &'a Reply,
    /// What the service says in the place of the end.
    pub(super) problem: Option<Problem>,
    /// Whether it tells the usage at the end of the stream.
    pub(super) usage: bool,
    /// The number of the answer.
    pub(super) number: u64,
    pub(super) now: DateTime<Utc>,
}

impl Telling<'_> {
    /// The answer, streamed if it is to be.
    pub(super) fn answer(&self) -> Answer {
        if self.asked.stream {
            let head = Response::new(200, "text/event-stream; charset=utf-8", "").with("Cache-Control", "no-cache");
            return Answer::streamed(head, Stream { pieces: self.events(), pause: self.reply.pause });
        }
        match &self.problem {
            Some(problem) => Response::json(problem.status, &problem.body(self.flavour)).into(),
            None => Response::json(200, &self.whole()).into(),
        }
    }

    /// The calls of tools: those of the script, or its text as the arguments of the tool that must be called.
    fn calls(&self) -> Vec<ToolCall> {
        match &self.asked.forced {
            Some(name)
                if self.reply.calls.is_empty()
                    && !self.reply.text.is_empty()
                    && self.reply.where_forced == Forced::Called =>
            {
                vec![ToolCall { name: name.clone(), arguments: self.reply.whole() }]
            }
            _ => self.reply.calls.clone(),
        }
    }

    fn finish(&self) -> &'static str {
        let named = self.asked.body["tool_choice"].is_object();
        match self.reply.finish {
            Finish::Length => "length",
            Finish::ContentFilter => "content_filter",
            // OpenAI says so when the client named the tool.
            Finish::Stop if named && self.flavour == Flavour::OpenAi => "stop",
            Finish::Stop if !self.calls().is_empty() => "tool_calls",
            Finish::Stop => "stop",
        }
    }

    fn usage(&self) -> Value {
        let (prompt, completion) = (self.asked.tokens(), self.reply.tokens());
        let mut usage = json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        });
        if self.flavour == Flavour::Groq {
            for (name, seconds) in [("queue_time", 0.018), ("prompt_time", 0.002), ("completion_time", 0.051)] {
                usage[name] = json!(seconds);
            }
            usage["total_time"] = json!(0.053);
        }
        usage
    }

    fn call_id(&self, at: usize) -> String {
        format!("call_{:08}{at:02}", self.number)
    }

    fn frame(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": format!("chatcmpl-{:08}", self.number),
            "object": object,
            "created": self.now.timestamp(),
            "model": self.asked.model,
            "choices": choices,
            "system_fingerprint": "fp_fake000001",
        })
    }

    fn whole(&self) -> Value {
        let calls = self.calls();
        let text = if calls.is_empty() || self.asked.forced.is_none() { self.reply.whole() } else { String::new() };
        let mut message = json!({"role": "assistant", "content": text});
        if !calls.is_empty() {
            let call = |(at, call): (usize, &ToolCall)| {
                let function = json!({"name": call.name, "arguments": call.arguments});
                json!({"id": self.call_id(at), "type": "function", "function": function})
            };
            message["tool_calls"] = calls.iter().enumerate().map(call).collect();
            if text.is_empty() {
                message["content"] = Value::Null;
            }
        }
        if self.flavour == Flavour::OpenAi {
            message["refusal"] = Value::Null;
        }
        let finish = self.finish();
        let choices = json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}]);
        let mut body = self.frame("chat.completion", &choices);
        body["usage"] = self.usage();
        if self.flavour == Flavour::Groq {
            body["x_groq"] = json!({"id": format!("req_{:08}", self.number)});
        }
        body
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        let choices = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        let mut chunk = self.frame("chat.completion.chunk", &choices);
        if self.usage && self.flavour == Flavour::OpenAi {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn event(&self, name: Option<&str>, data: &str) -> Vec<u8> {
        let end = if self.reply.crlf { "\r\n" } else { "\n" };
        let ping = if self.reply.pings { format!(": ping{end}{end}") } else { String::new() };
        let name = name.map_or_else(String::new, |name| format!("event: {name}{end}"));
        format!("{ping}{name}data: {data}{end}{end}").into_bytes()
    }

    fn events(&self) -> Vec<Piece> {
        let (calls, reply) = (self.calls(), self.reply);
        let event = |chunk: &Value| self.event(None, &chunk.to_string());
        let mut first = self.chunk(&json!({"role": "assistant", "content": ""}), None);
        if self.flavour == Flavour::Groq {
            first["x_groq"] = json!({"id": format!("req_{:08}", self.number)});
        }
        let mut events: Vec<Piece> = vec![event(&first).into()];
        if self.asked.forced.is_none() || calls.is_empty() {
            events.extend(reply.chunks().into_iter().map(|text| Piece {
                bytes: event(&self.chunk(&json!({ "content": text }), None)),
                times: reply.times,
            }));
        }
        for (at, call) in calls.iter().enumerate() {
            let begun = json!({"name": call.name, "arguments": ""});
            let begun = json!({"index": at, "id": self.call_id(at), "type": "function", "function": begun});
            events.push(event(&self.chunk(&json!({ "tool_calls": [begun] }), None)).into());
            let mut fragments = pieces(&call.arguments, reply.chunk_bytes);
            if self.problem.is_some() {
                fragments.truncate(fragments.len().div_ceil(2));
            }
            for fragment in fragments {
                let more = json!({"index": at, "function": {"arguments": fragment}});
                events.push(event(&self.chunk(&json!({ "tool_calls": [more] }), None)).into());
            }
        }
        if let Some(problem) = &self.problem {
            let name = (self.flavour == Flavour::Groq).then_some("error");
            events.push(self.event(name, &problem.body(self.flavour).to_string()).into());
            return events;
        }
        let mut last = self.chunk(&json!({}), Some(self.finish()));
        if self.flavour == Flavour::Groq {
            last["x_groq"] = json!({"id": format!("req_{:08}", self.number), "usage": self.usage()});
        }
        events.push(event(&last).into());
        if self.usage {
            let mut told = self.frame("chat.completion.chunk", &json!([]));
            told["usage"] = self.usage();
            events.push(event(&told).into());
        }
        if reply.done {
            events.push(self.event(None, "[DONE]").into());
        }
        events
    }
}
