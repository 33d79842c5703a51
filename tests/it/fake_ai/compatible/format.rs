//! `response_format` and `tools`: <https://platform.openai.com/docs/guides/structured-outputs>.

use serde_json::{Map, Value};

use super::problem::Problem;
use super::{Compatible, Flavour, Model, strict};
use crate::fake_ai::Said;

/// How long the name of a schema or a tool may be.
const NAME_BYTES_MAX: usize = 64;

fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(fits)
}

/// The schema of the answer; a null when only JSON is wanted.
pub(super) fn response_format(
    fields: &Map<String, Value>,
    site: &Compatible,
    model: &Model,
    messages: &[Said],
) -> Result<Option<Value>, Problem> {
    let Some(format) = fields.get("response_format").filter(|format| !format.is_null()) else { return Ok(None) };
    if !site.takes_format {
        return Err(Problem::unsupported("response_format", "'response_format' is not supported."));
    }
    match format["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => {
            let told = messages.iter().any(|said| said.text.to_lowercase().contains("json"));
            if !told && site.flavour != Flavour::Zuki {
                let format = "to use 'response_format' of type 'json_object'";
                let message = format!("'messages' must contain the word 'json' in some form, {format}.");
                return Err(Problem::invalid("messages", None, message));
            }
            Ok(Some(Value::Null))
        }
        Some("json_schema") => schema(format, fields, site, model).map(Some),
        _ => {
            let values = "'json_object', 'json_schema', and 'text'";
            let message = format!("Invalid value: {}. Supported values are: {values}.", format["type"]);
            Err(Problem::invalid("response_format.type", Some("invalid_value"), message))
        }
    }
}

fn schema(format: &Value, fields: &Map<String, Value>, site: &Compatible, model: &Model) -> Result<Value, Problem> {
    if !model.schema {
        let message = match site.flavour {
            Flavour::Groq => "This model does not support response format `json_schema`.",
            Flavour::Zuki | Flavour::OpenAi => {
                "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
            }
        };
        return Err(Problem::unsupported("response_format", message));
    }
    let told = &format["json_schema"];
    let missing = |name: &str| {
        let param = format!("response_format.json_schema.{name}");
        let message = format!("Missing required parameter: '{param}'.");
        Problem::invalid(&param, Some("missing_required_parameter"), message)
    };
    let name = told["name"].as_str().ok_or_else(|| missing("name"))?;
    if !is_name(name) {
        let message =
            format!("Invalid 'response_format.json_schema.name': '{name}' does not match '^[a-zA-Z0-9_-]+$'.");
        return Err(Problem::invalid("response_format.json_schema.name", Some("invalid_value"), message));
    }
    let schema = told.get("schema").filter(|schema| schema.is_object()).ok_or_else(|| missing("schema"))?;
    let both = fields.get("tools").is_some() || fields.get("stream") == Some(&Value::Bool(true));
    if site.flavour == Flavour::Groq && both {
        let message = "response format `json_schema` cannot be combined with streaming or tools";
        return Err(Problem::invalid("response_format", None, message));
    }
    if told["strict"] == true
        && let Some(wrong) = strict::wrong(schema)
    {
        let message = format!("Invalid schema for response_format '{name}': {wrong}");
        return Err(Problem::invalid("response_format", None, message));
    }
    Ok(schema.clone())
}

/// The names of the tools, and the one that must be called.
pub(super) fn tools(fields: &Map<String, Value>, site: &Compatible) -> Result<(Vec<String>, Option<String>), Problem> {
    let tools = fields.get("tools").filter(|tools| !tools.is_null());
    let choice = fields.get("tool_choice").filter(|choice| !choice.is_null());
    if (tools.is_some() || choice.is_some()) && !site.takes_tools {
        return Err(Problem::unsupported("tools", "'tools' is not supported."));
    }
    let Some(tools) = tools else {
        let message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return match choice {
            Some(_) => Err(Problem::invalid("tool_choice", None, message)),
            None => Ok((Vec::new(), None)),
        };
    };
    let tools = tools.as_array().filter(|tools| !tools.is_empty());
    let short = || Problem::invalid("tools", Some("empty_array"), "Invalid 'tools': empty array.");
    let names: Vec<_> = tools
        .ok_or_else(short)?
        .iter()
        .enumerate()
        .map(|tool| tool_name(tool, site.flavour))
        .collect::<Result<_, _>>()?;
    let forced = match choice {
        None => None,
        Some(Value::String(word)) if word == "required" => names.first().cloned(),
        Some(Value::String(word)) if word == "none" || word == "auto" => None,
        Some(choice) => {
            let name = choice["function"]["name"].as_str().filter(|_| choice["type"] == "function");
            let known = name.filter(|name| names.iter().any(|own| own == name));
            let message = format!("Tool choice {choice} not found in 'tools' parameter.");
            Some(known.ok_or_else(|| Problem::invalid("tool_choice", None, message))?.to_owned())
        }
    };
    Ok((names, forced))
}

fn tool_name((at, tool): (usize, &Value), flavour: Flavour) -> Result<String, Problem> {
    let name = tool["function"]["name"].as_str().unwrap_or_default();
    let parameters = tool["function"].get("parameters");
    let alternatives = ["oneOf", "anyOf", "allOf", "enum", "const", "not"];
    let choosy =
        |schema: &Value| schema["type"] != "object" || alternatives.iter().any(|word| schema.get(word).is_some());
    let named = tool["type"] == "function" && is_name(name);
    if flavour == Flavour::OpenAi && named && parameters.is_some_and(|schema| schema.is_object() && choosy(schema)) {
        let rule =
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'const'/'not' at the top level";
        let param = format!("tools[{at}].function.parameters");
        let message = format!("Invalid schema for function '{name}': {rule}.");
        return Err(Problem::invalid(&param, Some("invalid_function_parameters"), message));
    }
    if tool["type"] == "function" && is_name(name) && parameters.is_none_or(Value::is_object) {
        return Ok(name.to_owned());
    }
    let message = format!("Invalid 'tools[{at}]': a function with a name that matches '^[a-zA-Z0-9_-]+$' is needed.");
    Err(Problem::invalid(&format!("tools[{at}]"), Some("invalid_value"), message))
}
