//! The services that follow OpenAI, and where they do not.

use serde_json::{Value, json};

/// Which service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// <https://api.groq.com/openai/v1>.
    Groq,
    /// <https://api.zukijourney.com/v1>.
    Zuki,
    /// <https://api.openai.com/v1>.
    OpenAi,
}

/// What the service does with `stream_options`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamOptions {
    /// It tells the usage.
    Taken,
    /// It takes them and does nothing.
    Ignored,
    /// It answers 400.
    Refused,
}

/// A model of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    /// Its id.
    pub(crate) id: String,
    /// Whether it looks at images.
    pub(crate) vision: bool,
    /// Whether it takes a JSON schema for the answer.
    pub(crate) schema: bool,
}

impl Model {
    /// A model.
    pub(crate) fn new(id: &str, vision: bool, schema: bool) -> Self {
        Self { id: id.to_owned(), vision, schema }
    }
}

impl Flavour {
    /// Where the API is on the server.
    pub(crate) fn base(self) -> &'static str {
        match self {
            Self::Groq => "/openai/v1",
            Self::Zuki | Self::OpenAi => "/v1",
        }
    }

    /// The key that it takes.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Groq => "gsk_FakeFakeFakeFakeFakeFakeFakeFake",
            Self::Zuki => "zu-FakeFakeFakeFakeFakeFakeFakeFake",
            Self::OpenAi => "sk-proj-FakeFakeFakeFakeFakeFakeFake",
        }
    }

    pub(super) fn models(self) -> Vec<Model> {
        match self {
            Self::Groq => vec![
                Model::new("llama-3.3-70b-versatile", false, false),
                Model::new("llama-3.1-8b-instant", false, false),
                Model::new("meta-llama/llama-4-scout-17b-16e-instruct", true, true),
                Model::new("openai/gpt-oss-20b", false, true),
            ],
            Self::Zuki => vec![Model::new("gpt-4o-mini", true, true), Model::new("claude-3.5-haiku", true, false)],
            Self::OpenAi => vec![Model::new("gpt-4o-mini", true, true), Model::new("gpt-4o", true, true)],
        }
    }

    pub(super) fn entry(self, model: &Model) -> Value {
        let mut entry = json!({"id": model.id, "object": "model", "created": 1_715_367_049, "owned_by": "system"});
        if self == Self::Groq {
            entry["active"] = json!(true);
            entry["context_window"] = json!(131_072);
            entry["public_apps"] = Value::Null;
            entry["max_completion_tokens"] = json!(32_768);
        }
        entry
    }

    pub(super) fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Groq => &["system", "developer", "user", "assistant", "tool"],
            Self::Zuki => &["system", "user", "assistant"],
            Self::OpenAi => &["system", "assistant", "user", "function", "tool", "developer"],
        }
    }

    /// The fields of a request that all the services know.
    pub(super) fn knows(self, field: &str) -> bool {
        let all =
            matches!(
                field,
                "model" | "messages" | "stream" | "stream_options" | "temperature" | "top_p" | "n" | "stop" | "seed"
            ) || matches!(field, "max_tokens" | "max_completion_tokens" | "presence_penalty" | "frequency_penalty")
                || matches!(field, "user" | "tools" | "tool_choice" | "parallel_tool_calls" | "response_format");
        let shared = matches!(field, "service_tier" | "metadata" | "reasoning_effort" | "store");
        let groq = matches!(field, "reasoning_format" | "include_reasoning");
        let openai = matches!(field, "logit_bias" | "logprobs" | "top_logprobs" | "modalities" | "prediction")
            || matches!(field, "safety_identifier" | "prompt_cache_key" | "verbosity");
        match self {
            Self::Groq => all || shared || groq,
            Self::Zuki => all,
            Self::OpenAi => all || shared || openai,
        }
    }
}
