//! The published description of the Bot API: every call is held against it.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// Where the description lies from the root of the repository, unless `TELEGRAM_SPEC` says otherwise.
const SPEC: &str = "../shared/specs/telegram-bot-api-10.1.json";
/// How deep a value may nest.
const DEPTH_MAX: usize = 32;

/// The description, when the file is there.
pub(crate) fn spec() -> Option<&'static Value> {
    static FOUND: OnceLock<Option<Value>> = OnceLock::new();
    let read = || {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(SPEC);
        let path = std::env::var_os("TELEGRAM_SPEC").map_or(home, PathBuf::from);
        let text = std::fs::read_to_string(path).ok()?;
        Some(serde_json::from_str(&text).expect("the description is JSON"))
    };
    FOUND.get_or_init(read).as_ref()
}

fn fields_of<'a>(spec: &'a Value, of: &str, name: &str) -> &'a [Value] {
    spec[of][name]["fields"].as_array().map_or(&[], Vec::as_slice)
}

fn types_of(field: &Value) -> impl Iterator<Item = &str> {
    field["types"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The kinds of updates there are.
pub(crate) fn is_update_kind(name: &str) -> bool {
    let known = |spec| fields_of(spec, "types", "Update").iter().any(|field| field["name"] == name);
    spec().is_none_or(known)
}

/// What a text from a form is in JSON, by the types of its field.
pub(crate) fn from_text(method: &str, field: &str, text: &str) -> Value {
    let types: Vec<&str> = spec()
        .and_then(|spec| fields_of(spec, "methods", method).iter().find(|known| known["name"] == field))
        .map(|known| types_of(known).collect())
        .unwrap_or_default();
    let parsed = serde_json::from_str::<Value>(text).ok();
    let as_is = || Value::String(text.to_owned());
    if types.is_empty() {
        const TEXTS: [&str; 8] =
            ["text", "caption", "url", "action", "secret_token", "callback_query_id", "file_id", "photo"];
        return if TEXTS.contains(&field) { as_is() } else { parsed.unwrap_or_else(as_is) };
    }
    let fits = |value: &Value| match value {
        Value::Number(_) => types.iter().any(|kind| matches!(*kind, "Integer" | "Float")),
        Value::Bool(_) => types.contains(&"Boolean"),
        Value::Array(_) => types.iter().any(|kind| kind.starts_with("Array of ")),
        Value::Object(_) => types.iter().any(|kind| !matches!(*kind, "Integer" | "Float" | "String" | "Boolean")),
        Value::Null | Value::String(_) => false,
    };
    match (text, parsed) {
        ("True" | "1", _) if types == ["Boolean"] => Value::Bool(true),
        ("False" | "0", _) if types == ["Boolean"] => Value::Bool(false),
        (_, Some(value)) if fits(&value) => value,
        _ => as_is(),
    }
}

/// What is wrong with a call, in the words of the description.
pub(crate) fn check(method: &str, params: &Map<String, Value>) -> Vec<String> {
    let Some(spec) = spec() else { return Vec::new() };
    let mut wrong = Vec::new();
    check_fields(spec, fields_of(spec, "methods", method), params, method, 0, &mut wrong);
    wrong
}

/// What is wrong with a value of a type, in the same words.
pub(crate) fn check_type(kind: &str, value: &Value) -> Vec<String> {
    spec().map_or_else(Vec::new, |spec| misfit(spec, kind, value, kind, 0))
}

fn check_fields(
    spec: &Value,
    fields: &[Value],
    given: &Map<String, Value>,
    place: &str,
    depth: usize,
    wrong: &mut Vec<String>,
) {
    for field in fields {
        let name = field["name"].as_str().unwrap_or_default();
        match given.get(name) {
            Some(value) => {
                let reasons: Vec<_> =
                    types_of(field).map(|kind| misfit(spec, kind, value, &format!("{place}.{name}"), depth)).collect();
                if reasons.iter().all(|reason| !reason.is_empty()) {
                    // The shortest list of reasons belongs to the type that was meant.
                    wrong.extend(reasons.into_iter().min_by_key(Vec::len).unwrap_or_default());
                }
            }
            None if field["required"] == true => wrong.push(format!("{place}.{name} is missing")),
            None => {}
        }
    }
    for name in given.keys().filter(|name| !fields.iter().any(|field| field["name"] == name.as_str())) {
        wrong.push(format!("{place}.{name} is unknown"));
    }
}

/// Why a value is not of a type; empty when it is.
fn misfit(spec: &Value, kind: &str, value: &Value, place: &str, depth: usize) -> Vec<String> {
    if depth > DEPTH_MAX {
        return vec![format!("{place} is too deep")];
    }
    let simple = |fits: bool| if fits { Vec::new() } else { vec![format!("{place} is not {kind}: {value}")] };
    if let Some(inner) = kind.strip_prefix("Array of ") {
        let Some(items) = value.as_array() else { return simple(false) };
        let each = items.iter().enumerate();
        return each.flat_map(|(n, item)| misfit(spec, inner, item, &format!("{place}[{n}]"), depth + 1)).collect();
    }
    match kind {
        "Integer" => simple(value.is_i64()),
        "Float" => simple(value.is_number()),
        "Boolean" => simple(value.is_boolean()),
        "String" => simple(value.is_string()),
        "InputFile" => simple(value.as_str().is_some_and(|text| text.starts_with("attach://"))),
        _ => {
            let Some(object) = value.as_object() else { return simple(false) };
            let known = &spec["types"][kind];
            if let Some(subtypes) = known["subtypes"].as_array() {
                let tries = subtypes.iter().filter_map(Value::as_str);
                let reasons = tries.map(|subtype| misfit(spec, subtype, value, place, depth + 1));
                return reasons.min_by_key(Vec::len).unwrap_or_default();
            }
            let mut wrong = Vec::new();
            check_fields(spec, fields_of(spec, "types", kind), object, place, depth + 1, &mut wrong);
            wrong
        }
    }
}
