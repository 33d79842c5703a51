//! What the services look at in a request: <https://platform.openai.com/docs/api-reference/chat/create>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::problem::Problem;
use super::{Compatible, Flavour, Model, StreamOptions, format};
use crate::fake_ai::{Asked, Said};
use crate::fake_http::Request;

/// The fields of a message.
const MESSAGE: [&str; 7] = ["role", "content", "name", "tool_calls", "tool_call_id", "refusal", "function_call"];
/// The numbers of a request, with the least and the most they may be.
const NUMBERS: [(&str, f64, f64); 4] =
    [("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0), ("presence_penalty", -2.0, 2.0), ("frequency_penalty", -2.0, 2.0)];
/// The counts of a request.
const COUNTS: [&str; 3] = ["max_tokens", "max_completion_tokens", "n"];
/// The types of images.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

fn wrong(param: &str, message: impl Into<String>) -> Problem {
    Problem::invalid(param, Some("invalid_value"), message)
}

fn missing(param: &str) -> Problem {
    let message = format!("Missing required parameter: '{param}'.");
    Problem::invalid(param, Some("missing_required_parameter"), message)
}

fn kind(param: &str, wanted: &str) -> Problem {
    let message = format!("Invalid type for '{param}': expected {wanted}.");
    Problem::invalid(param, Some("invalid_type"), message)
}

/// Reads a request. What the service takes in silence goes to the violations.
pub(super) fn chat(request: &Request, site: &Compatible, violations: &mut Vec<String>) -> Result<Asked, Problem> {
    if request.media_type() != "application/json" {
        return Err(Problem::invalid("", None, "Unsupported content type: the body must be application/json."));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let Value::Object(fields) = &body else {
        let message = "We could not parse the JSON body of your request.";
        return Err(Problem::invalid("", None, message));
    };
    for name in fields.keys().filter(|name| !site.flavour.knows(name)) {
        let message = match site.flavour {
            Flavour::OpenAi => format!("Unknown parameter: '{name}'."),
            Flavour::Groq => format!("property '{name}' is unsupported"),
            Flavour::Zuki => {
                violations.push(format!("there is no field \"{name}\""));
                continue;
            }
        };
        return Err(Problem::invalid(name, Some("unknown_parameter"), message));
    }
    let model = model(fields, site)?;
    numbers(fields, site, violations)?;
    let messages = messages(fields, site, model)?;
    let stream = match fields.get("stream") {
        None | Some(Value::Null) => false,
        Some(stream) => stream.as_bool().ok_or_else(|| kind("stream", "a boolean"))?,
    };
    stream_options(fields, stream, site)?;
    let (tools, forced) = format::tools(fields, site)?;
    let format = format::response_format(fields, site, model, &messages)?;
    let tokens_max = fields.get("max_completion_tokens").or_else(|| fields.get("max_tokens")).and_then(Value::as_u64);
    let model = model.id.clone();
    Ok(Asked { model, messages, stream, tools, forced, format, tokens_max, body })
}

fn model<'a>(fields: &Map<String, Value>, site: &'a Compatible) -> Result<&'a Model, Problem> {
    let Some(id) = fields.get("model").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
        return Err(Problem::invalid("model", None, "you must provide a model parameter"));
    };
    let message = format!("The model `{id}` does not exist or you do not have access to it.");
    let unknown = || match site.flavour {
        // Which models there are is the operator's affair.
        Flavour::Zuki => Problem::unsupported("model", format!("The model `{id}` does not exist.")),
        Flavour::Groq | Flavour::OpenAi => Problem::new(404, "invalid_request_error", Some("model_not_found"), message),
    };
    site.models.iter().find(|model| model.id == id).ok_or_else(unknown)
}

fn numbers(fields: &Map<String, Value>, site: &Compatible, violations: &mut Vec<String>) -> Result<(), Problem> {
    let told = |name: &str| fields.get(name).filter(|value| !value.is_null());
    for (name, least, most) in NUMBERS {
        let Some(value) = told(name) else { continue };
        let number = value.as_f64().ok_or_else(|| kind(name, "a decimal"))?;
        if number > most {
            let message = format!(
                "Invalid '{name}': decimal above maximum value. Expected a value <= {most}, but got {number} instead."
            );
            return Err(Problem::invalid(name, Some("decimal_above_max_value"), message));
        }
        if number < least {
            let message = format!(
                "Invalid '{name}': decimal below minimum value. Expected a value >= {least}, but got {number} instead."
            );
            return Err(Problem::invalid(name, Some("decimal_below_min_value"), message));
        }
    }
    for name in COUNTS {
        if told(name).is_some_and(|value| value.as_u64().is_none_or(|number| number == 0)) {
            return Err(kind(name, "an integer of at least 1"));
        }
    }
    if site.flavour == Flavour::Groq && told("n").is_some_and(|number| number != 1) {
        return Err(Problem::invalid("n", None, "'n' : number must be at most 1"));
    }
    if told("seed").is_some_and(|seed| !seed.is_i64() && !seed.is_u64()) {
        return Err(kind("seed", "an integer"));
    }
    if told("user").is_some_and(|user| !user.is_string()) {
        return Err(kind("user", "a string"));
    }
    if told("max_tokens").is_some() && told("max_completion_tokens").is_some() {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(Problem::invalid("max_tokens", Some("invalid_parameter_combination"), message));
    }
    if told("n").is_some_and(|number| number != 1) {
        violations.push("more than one answer is wanted, and paid for".to_owned());
    }
    Ok(())
}

fn stream_options(fields: &Map<String, Value>, stream: bool, site: &Compatible) -> Result<(), Problem> {
    if fields.get("stream_options").is_none_or(Value::is_null) {
        return Ok(());
    }
    if site.stream_options == StreamOptions::Refused {
        return Err(Problem::unsupported("stream_options", "'stream_options' is not supported."));
    }
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Problem::invalid("stream_options", None, message));
    }
    Ok(())
}

fn messages(fields: &Map<String, Value>, site: &Compatible, model: &Model) -> Result<Vec<Said>, Problem> {
    let messages = fields.get("messages").filter(|messages| !messages.is_null()).ok_or_else(|| missing("messages"))?;
    let messages = messages.as_array().ok_or_else(|| kind("messages", "an array of objects"))?;
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
        return Err(Problem::invalid("messages", Some("empty_array"), message));
    }
    let mut calls = Vec::new();
    let mut all = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let place = format!("messages[{at}]");
        all.push(said(&place, message, site, model)?);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            calls.push(call["id"].clone());
        }
        if message["role"] == "tool" && !calls.contains(&message["tool_call_id"]) {
            let text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
            return Err(Problem::invalid(&place, None, format!("Invalid parameter: {text}")));
        }
    }
    if site.flavour == Flavour::Zuki && !all.iter().any(|said| said.role == "user") {
        return Err(wrong("messages", "Messages must contain at least one user message"));
    }
    Ok(all)
}

fn said(place: &str, message: &Value, site: &Compatible, model: &Model) -> Result<Said, Problem> {
    let fields = message.as_object().ok_or_else(|| kind(place, "an object"))?;
    if let Some(name) = fields.keys().find(|name| !MESSAGE.contains(&name.as_str())) {
        let param = format!("{place}.{name}");
        return Err(Problem::invalid(&param, Some("unknown_parameter"), format!("Unknown parameter: '{param}'.")));
    }
    let param = format!("{place}.role");
    let role = fields.get("role").and_then(Value::as_str).ok_or_else(|| missing(&param))?;
    if !site.flavour.roles().contains(&role) {
        let known: Vec<_> = site.flavour.roles().iter().map(|role| format!("'{role}'")).collect();
        let message = format!("Invalid value: '{role}'. Supported values are: {}.", known.join(", "));
        return Err(wrong(&param, message));
    }
    let param = format!("{place}.content");
    let mut said = Said { role: role.to_owned(), text: String::new(), images: Vec::new() };
    match fields.get("content") {
        Some(Value::String(text)) if text.is_empty() && site.flavour == Flavour::Zuki => {
            return Err(wrong(&param, "Message content cannot be empty"));
        }
        Some(Value::String(text)) => text.clone_into(&mut said.text),
        Some(Value::Array(parts)) if !parts.is_empty() => {
            for (at, part) in parts.iter().enumerate() {
                take_part(&format!("{param}[{at}]"), part, site, model, &mut said)?;
            }
        }
        None | Some(Value::Null) if role == "assistant" && fields.contains_key("tool_calls") => {}
        _ => {
            let message = format!("Invalid value for '{param}': expected a string or an array of parts.");
            return Err(Problem::invalid(&param, Some("invalid_type"), message));
        }
    }
    Ok(said)
}

fn take_part(place: &str, part: &Value, site: &Compatible, model: &Model, said: &mut Said) -> Result<(), Problem> {
    match part["type"].as_str() {
        Some("text") => {
            let text = part["text"].as_str().ok_or_else(|| missing(&format!("{place}.text")))?;
            if !said.text.is_empty() {
                said.text.push('\n');
            }
            said.text.push_str(text);
        }
        Some("image_url") => {
            if !model.vision {
                let message = match site.flavour {
                    Flavour::Groq => "content must be a string",
                    Flavour::Zuki | Flavour::OpenAi => {
                        "Invalid content type. image_url is only supported by certain models."
                    }
                };
                return Err(wrong(place, message));
            }
            if said.role != "user" {
                let role = &said.role;
                let message = format!("Image URLs are only allowed for messages with role 'user', not '{role}'.");
                return Err(wrong(place, message));
            }
            let param = format!("{place}.image_url.url");
            let url = part["image_url"]["url"].as_str().ok_or_else(|| missing(&param))?;
            said.images.push(image(url).ok_or_else(|| {
                let message = "Invalid image data: expected a data URL of an image in base64.";
                Problem::invalid(&param, Some("invalid_base64"), message)
            })?);
        }
        _ => {
            let message = format!("Invalid value: {}. Supported values are: 'text' and 'image_url'.", part["type"]);
            return Err(wrong(&format!("{place}.type"), message));
        }
    }
    Ok(())
}

/// The image of a data URL; an image elsewhere is not fetched here.
fn image(url: &str) -> Option<Vec<u8>> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let bytes = STANDARD.decode(data).ok()?;
    (IMAGES.contains(&kind) && !bytes.is_empty()).then_some(bytes)
}
