//! Schemas that are followed strictly, of which the services take only some:
//! <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>.

use serde_json::Value;

/// How deep objects may be in each other.
const DEPTH_MAX: usize = 10;
/// What a schema must not have.
const NOT_PERMITTED: [&str; 7] = ["allOf", "oneOf", "not", "if", "then", "else", "dependentRequired"];

/// A schema in a schema.
struct Part<'a> {
    schema: &'a Value,
    /// Where it is.
    at: Vec<&'a str>,
    /// How many objects it is in.
    depth: usize,
}

/// What is wrong with a schema, as the service says it.
pub(super) fn wrong(schema: &Value) -> Option<String> {
    if schema["type"] != "object" {
        return Some("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.".to_owned());
    }
    let mut left = vec![Part { schema, at: Vec::new(), depth: 0 }];
    while let Some(part) = left.pop() {
        if let Some(what) = wrong_with(&part) {
            let at: Vec<_> = part.at.iter().map(|word| format!("'{word}'")).collect();
            return Some(format!("In context=({}), {what}", at.join(", ")));
        }
        left.extend(inner(&part));
    }
    None
}

fn is_object(schema: &Value) -> bool {
    let listed = schema["type"].as_array().is_some_and(|all| all.iter().any(|kind| kind == "object"));
    schema["type"] == "object" || listed || schema["properties"].is_object()
}

/// What is wrong with a part itself.
fn wrong_with(part: &Part<'_>) -> Option<String> {
    let schema = part.schema;
    if let Some(word) = NOT_PERMITTED.iter().find(|&&word| schema.get(word).is_some()) {
        return Some(format!("'{word}' is not permitted."));
    }
    if !is_object(schema) {
        return None;
    }
    if part.depth >= DEPTH_MAX {
        return Some(format!("the nesting of objects exceeds the limit of {DEPTH_MAX}."));
    }
    if schema["additionalProperties"] != false {
        return Some("'additionalProperties' is required to be supplied and to be false.".to_owned());
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let mut names = schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys());
    let missing = names.find(|&name| !required.iter().any(|own| own == name))?;
    let what = "'required' is required to be supplied and to be an array including every key in properties.";
    Some(format!("{what} Missing '{missing}'."))
}

/// The parts of a part.
fn inner<'a>(part: &Part<'a>) -> Vec<Part<'a>> {
    let (schema, mut parts) = (part.schema, Vec::new());
    let mut put = |words: &[&'a str], schema: &'a Value, depth: usize| {
        let at = part.at.iter().chain(words).copied().collect();
        parts.push(Part { schema, at, depth });
    };
    // What is defined aside begins anew.
    for (word, depth) in [("properties", part.depth + 1), ("$defs", 0), ("definitions", 0)] {
        for (name, schema) in schema[word].as_object().into_iter().flatten() {
            put(&[word, name], schema, depth);
        }
    }
    if let Some(items) = schema.get("items") {
        put(&["items"], items, part.depth);
    }
    for schema in schema["anyOf"].as_array().into_iter().flatten() {
        put(&["anyOf"], schema, part.depth);
    }
    parts
}
