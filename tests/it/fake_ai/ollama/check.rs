//! What Ollama looks at in a request, and what it should.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Model;
use crate::fake_ai::{Asked, Said};
use crate::fake_http::Request;

/// The context of a model, in tokens, unless the client tells.
pub(crate) const CONTEXT_TOKENS: u64 = 4096;
/// The fields of a chat.
const CHAT: [&str; 12] = [
    "model",
    "messages",
    "stream",
    "format",
    "keep_alive",
    "tools",
    "options",
    "think",
    "truncate",
    "shift",
    "logprobs",
    "top_logprobs",
];
/// The fields of a prompt that is no chat.
const GENERATE: [&str; 8] = ["model", "prompt", "system", "stream", "keep_alive", "options", "format", "raw"];
/// The fields of a message.
const MESSAGE: [&str; 7] = ["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"];
/// The roles that the templates of the models know.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
/// The fields of a request for embeddings.
const EMBED: [&str; 6] = ["model", "input", "truncate", "keep_alive", "options", "dimensions"];
/// The options that are whole numbers.
const WHOLE: [&str; 10] = [
    "num_ctx",
    "num_predict",
    "num_keep",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "seed",
    "top_k",
    "repeat_last_n",
];
/// The options that are numbers.
const NUMBERS: [&str; 7] =
    ["temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"];
/// A field, its type as the server names it, and whether a value is of it.
type Typed = (&'static str, &'static str, fn(&Value) -> bool);
/// The fields whose type the server looks at.
const TYPES: [Typed; 6] = [
    ("model", "string", Value::is_string),
    ("messages", "[]api.Message", Value::is_array),
    ("stream", "bool", Value::is_boolean),
    ("tools", "api.Tools", Value::is_array),
    ("options", "map[string]interface {}", Value::is_object),
    ("truncate", "bool", Value::is_boolean),
];

/// What the server says to a request that it does not take.
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) message: String,
}

fn fault<T>(status: u16, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { status, message: message.into() })
}

/// Texts to be embedded.
pub(super) struct Wanted {
    pub(super) model: String,
    pub(super) input: Vec<String>,
    pub(super) dimensions: Option<usize>,
}

fn object(request: &Request, known: &[&str], violations: &mut Vec<String>) -> Result<Map<String, Value>, Fault> {
    if request.media_type() != "application/json" {
        violations.push("the body is not said to be JSON".to_owned());
    }
    if request.body.is_empty() {
        return fault(400, "missing request body");
    }
    let value: Value = match serde_json::from_slice(&request.body) {
        Ok(value) => value,
        Err(error) => return fault(400, format!("invalid character: {error}")),
    };
    let Value::Object(fields) = value else { return fault(400, "json: cannot unmarshal into Go value") };
    unknown("", &fields, known, violations);
    for (name, kind, fits) in TYPES {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null() && !fits(value)) {
            let found = kind_of(value);
            return fault(400, format!("json: cannot unmarshal {found} into Go struct field .{name} of type {kind}"));
        }
    }
    keep_alive(&fields)?;
    let options = fields.get("options").and_then(Value::as_object);
    options.map_or(Ok(()), |options| check_options(options, violations))?;
    Ok(fields)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unknown(at: &str, fields: &Map<String, Value>, known: &[&str], violations: &mut Vec<String>) {
    let unknown = fields.keys().filter(|name| !known.contains(&name.as_str()));
    violations.extend(unknown.map(|name| format!("there is no field \"{at}{name}\"")));
}

/// Seconds, or a duration of Go like `5m` or `1h30m`.
fn keep_alive(fields: &Map<String, Value>) -> Result<(), Fault> {
    let fits = match fields.get("keep_alive") {
        None | Some(Value::Null | Value::Number(_)) => true,
        Some(Value::String(text)) => {
            let rest = text.strip_prefix('-').unwrap_or(text);
            let units = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || ".hmsuµn".contains(letter));
            let begins = rest.starts_with(|letter: char| letter.is_ascii_digit());
            begins && units.is_empty() && (rest == "0" || rest.ends_with(['h', 'm', 's']))
        }
        Some(_) => false,
    };
    let value = fields.get("keep_alive").unwrap_or(&Value::Null);
    if fits { Ok(()) } else { fault(400, format!("time: invalid duration {value}")) }
}

fn check_options(options: &Map<String, Value>, violations: &mut Vec<String>) -> Result<(), Fault> {
    for (name, value) in options.iter().filter(|(_, value)| !value.is_null()) {
        let name = name.as_str();
        let (kind, fits) = match name {
            "stop" => ("array", value.is_array()),
            "use_mmap" => ("boolean", value.is_boolean()),
            _ if WHOLE.contains(&name) => ("integer", value.is_number()),
            _ if NUMBERS.contains(&name) => ("float32", value.is_number()),
            _ => {
                violations.push(format!("there is no option \"{name}\""));
                continue;
            }
        };
        if !fits {
            return fault(500, format!("option \"{name}\" must be of type {kind}"));
        }
    }
    Ok(())
}

/// Reads a chat. What the server takes in silence goes to the violations.
pub(super) fn chat(request: &Request, violations: &mut Vec<String>) -> Result<Asked, Fault> {
    let fields = object(request, &CHAT, violations)?;
    let messages = fields.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let messages: Vec<_> =
        messages.iter().enumerate().map(|(at, message)| said(at, message, violations)).collect::<Result<_, _>>()?;
    let Some(model) = fields.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) else {
        return fault(400, "model is required");
    };
    let format = match fields.get("format") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text == "json" => Some(Value::Null),
        Some(Value::String(text)) if text.is_empty() => None,
        Some(schema @ Value::Object(_)) => Some(schema.clone()),
        Some(other) => {
            let message = format!("invalid format: {other}; expected \"json\" or a valid JSON Schema object");
            return fault(500, message);
        }
    };
    let tools = fields.get("tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let option = |name: &str| fields.get("options").and_then(|options| options.get(name));
    let asked = Asked {
        model: model.to_owned(),
        messages,
        stream: fields.get("stream").and_then(Value::as_bool).unwrap_or(true),
        tools: tools.iter().enumerate().map(|(at, tool)| tool_name(at, tool)).collect::<Result<_, _>>()?,
        forced: None,
        format,
        // Less than nothing means no end.
        tokens_max: option("num_predict").and_then(Value::as_u64).filter(|&tokens| tokens > 0),
        body: Value::Object(fields.clone()),
    };
    let context = option("num_ctx").and_then(Value::as_u64).unwrap_or(CONTEXT_TOKENS);
    let tokens = asked.tokens();
    if tokens > context {
        violations.push(format!("the prompt of about {tokens} tokens does not fit into the {context} of num_ctx"));
    }
    Ok(asked)
}

fn said(at: usize, message: &Value, violations: &mut Vec<String>) -> Result<Said, Fault> {
    let Some(fields) = message.as_object() else {
        return fault(400, "json: cannot unmarshal into Go struct field .messages of type api.Message");
    };
    let place = format!("messages[{at}].");
    unknown(&place, fields, &MESSAGE, violations);
    let role = match fields.get("role") {
        Some(Value::String(role)) => role.to_lowercase(),
        None | Some(Value::Null) => String::new(),
        Some(_) => return fault(400, "json: cannot unmarshal into Go struct field .messages.role of type string"),
    };
    if !ROLES.contains(&role.as_str()) {
        violations.push(format!("there is no role \"{role}\""));
    }
    let text = match fields.get("content") {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => {
            let found = kind_of(other);
            let field = "into Go struct field ChatRequest.messages.content of type string";
            return fault(400, format!("json: cannot unmarshal {found} {field}"));
        }
    };
    let images = fields.get("images").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let image = |image: &Value| match image.as_str().map(|text| STANDARD.decode(text)) {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(base64::DecodeError::InvalidByte(at, _))) => {
            fault(400, format!("illegal base64 data at input byte {at}"))
        }
        Some(Err(_)) => fault(400, "illegal base64 data at input byte 0"),
        None => fault(400, "json: cannot unmarshal into Go struct field .messages.images of type api.ImageData"),
    };
    Ok(Said { role, text, images: images.iter().map(image).collect::<Result<_, _>>()? })
}

fn tool_name(at: usize, tool: &Value) -> Result<String, Fault> {
    let name = tool["function"]["name"].as_str().filter(|name| !name.is_empty());
    let fits = tool["type"] == "function" && tool["function"]["parameters"].is_object();
    match name.filter(|_| fits) {
        Some(name) => Ok(name.to_owned()),
        None => fault(400, format!("json: cannot unmarshal into Go struct field .tools[{at}] of type api.Tool")),
    }
}

/// Whether the model can do what is asked of it.
pub(super) fn capable(asked: &Asked, model: &Model, violations: &mut Vec<String>) -> Result<(), Fault> {
    let name = &asked.model;
    if model.embeds {
        return fault(400, format!("\"{name}\" does not support chat"));
    }
    if !asked.tools.is_empty() && !model.tools {
        return fault(400, format!("registry.ollama.ai/library/{} does not support tools", model.name));
    }
    if !matches!(asked.body.get("think"), None | Some(Value::Null | Value::Bool(false))) {
        return fault(400, format!("\"{name}\" does not support thinking"));
    }
    if !model.vision && asked.messages.iter().any(|said| !said.images.is_empty()) {
        violations.push(format!("{name} does not see images"));
    }
    Ok(())
}

/// Reads a prompt that is no chat, and tells its model.
pub(super) fn generate(request: &Request, violations: &mut Vec<String>) -> Result<String, Fault> {
    let fields = object(request, &GENERATE, violations)?;
    let Some(model) = fields.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) else {
        return fault(400, "model is required");
    };
    for name in ["prompt", "system"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null() && !value.is_string()) {
            let found = kind_of(value);
            return fault(400, format!("json: cannot unmarshal {found} into Go struct field .{name} of type string"));
        }
    }
    // The real one streams then; nobody here reads that.
    if fields.get("stream") != Some(&Value::Bool(false)) {
        violations.push("a stream of what is not read".to_owned());
    }
    if fields.get("options").and_then(|options| options.get("num_predict")) != Some(&Value::from(1)) {
        violations.push("more than a word of what is not read".to_owned());
    }
    Ok(model.to_owned())
}

/// Reads a request for embeddings.
pub(super) fn embed(request: &Request, violations: &mut Vec<String>) -> Result<Wanted, Fault> {
    let fields = object(request, &EMBED, violations)?;
    let Some(model) = fields.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) else {
        return fault(400, "model is required");
    };
    let input = match fields.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => {
            texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        None | Some(Value::Null) => {
            violations.push("nothing to embed".to_owned());
            Vec::new()
        }
        Some(_) => return fault(400, "invalid input type"),
    };
    let mut long = String::new();
    for (at, text) in input.iter().enumerate().filter(|(_, text)| super::tokens(text.len()) > CONTEXT_TOKENS) {
        write!(long, "input[{at}] of {} bytes is cut; ", text.len()).expect("memory");
    }
    if !long.is_empty() {
        violations.push(long);
    }
    let dimensions = fields.get("dimensions").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    Ok(Wanted { model: model.to_owned(), input, dimensions: dimensions.filter(|&number| number > 0) })
}
