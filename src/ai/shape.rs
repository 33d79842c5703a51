//! The shape of an answer, as a JSON schema and as a few words. Pure.

use serde_json::{Value, json};
use workflows::action::{ActionSpec, Catalog};
use workflows::plan::STAGES_MAX;

use super::prompt;

/// The schema of an answer: a plan of these actions, a question, or a reply. The order of the fields is
/// the order in which they are written, so that a reply can be heard as it comes.
pub fn answer(actions: &[&str]) -> Value {
    let text = |max: usize| json!({"type": "string", "minLength": 1, "maxLength": max});
    let stages = json!({"type": "array", "minItems": 1, "maxItems": STAGES_MAX, "items": {"$ref": "#/$defs/stage"}});
    let some = json!({"type": "array", "items": {"$ref": "#/$defs/stage"}, "maxItems": STAGES_MAX});
    let id = json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$"});
    let action = if actions.is_empty() { text(100) } else { json!({"enum": actions}) };
    let stage = |kind: &str, fields: Value, required: &[&str]| {
        let mut properties = json!({"id": id, "type": {"const": kind}});
        if let (Some(all), Value::Object(more)) = (properties.as_object_mut(), fields) {
            all.extend(more);
        }
        let required: Vec<&str> = ["id", "type"].iter().chain(required).copied().collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    };
    let ids = json!({"type": "array", "items": id, "maxItems": STAGES_MAX});
    let option = json!({"type": "object", "required": ["id", "name"], "additionalProperties": false, "properties": {
        "id": text(40), "name": text(200), "description": text(300), "value": {}}});
    let options = json!({"type": "array", "minItems": 1, "maxItems": 100, "items": option});
    let shown = json!({"type": "object", "additionalProperties": false, "properties": {
        "id": text(200), "name": text(300), "description": text(300), "value": text(300)}});
    let choice = json!({"question": text(500), "options_from": text(200), "option": shown, "options": options});
    let mut many = choice.clone();
    many["min"] = json!({"type": "integer", "minimum": 0, "maximum": 100});
    many["max"] = json!({"type": "integer", "minimum": 1, "maximum": 100});
    let answers =
        ["text", "date", "time", "datetime", "number", "money", "email", "emails", "phone", "contact", "yes_no"];
    json!({
        "type": "object",
        "anyOf": [
            {"type": "object", "additionalProperties": false, "required": ["kind", "title", "intent", "slots", "stages"],
             "properties": {"kind": {"const": "plan"}, "title": text(120), "intent": text(40),
                 "slots": {"type": "object"}, "stages": stages}},
            {"type": "object", "additionalProperties": false, "required": ["kind", "text"],
             "properties": {"kind": {"const": "question"}, "text": text(500),
                 "suggestions": {"type": "array", "items": text(100), "maxItems": 8}}},
            {"type": "object", "additionalProperties": false, "required": ["kind", "text"],
             "properties": {"kind": {"const": "reply"}, "text": {"type": "string", "minLength": 1}}},
        ],
        "$defs": {"stage": {"anyOf": [
            stage("clarification", json!({"question": text(500), "answer": {"enum": answers},
                "suggestions": {"type": "array", "items": text(100), "maxItems": 8}, "optional": {"type": "boolean"}}),
                &["question", "answer"]),
            stage("selection", choice, &["question"]),
            stage("multi_select", many, &["question"]),
            stage("confirmation", json!({"question": text(500), "covers": ids}), &["covers"]),
            stage("execution", json!({"action": action, "params": {"type": "object"}, "for_each": text(200),
                "on_failure": {"enum": ["ask", "skip", "stop"]}}), &["action", "params"]),
            stage("parallel", json!({"stages": some}), &["stages"]),
            stage("conditional", json!({"if": text(300), "then": some, "else": some}), &["if", "then"]),
            stage("wait", json!({"until": text(60), "for": text(40), "reply_to": id, "timeout": text(40),
                "then": some, "on_timeout": some}), &[]),
        ]}},
    })
}

/// The same schema as the parameters of a tool: one object, as `OpenAI` wants no alternatives at the top of
/// one, and forgiving, as Groq refuses to pass on what does not fit, while what is read here can be mended.
pub fn as_parameters(schema: &Value) -> Value {
    let variants = schema.get("anyOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut properties = serde_json::Map::new();
    for (name, field) in variants.iter().filter_map(|variant| variant["properties"].as_object()).flatten() {
        match (properties.get_mut(name), field.get("const")) {
            (None, Some(only)) => drop(properties.insert(name.clone(), json!({"enum": [only]}))),
            (None, None) => drop(properties.insert(name.clone(), field.clone())),
            (Some(known), Some(one)) => known["enum"].as_array_mut().into_iter().for_each(|all| all.push(one.clone())),
            (Some(_), None) => {}
        }
    }
    let has =
        |variant: &Value, name: &Value| variant["required"].as_array().is_some_and(|required| required.contains(name));
    // What every one of them has.
    let required = variants.first().and_then(|first| first["required"].as_array()).into_iter().flatten();
    let required: Vec<&Value> = required.filter(|name| variants.iter().all(|variant| has(variant, name))).collect();
    let mut parameters = json!({"type": "object", "properties": properties, "required": required});
    if let Some(parts) = schema.get("$defs") {
        parameters["$defs"] = parts.clone();
    }
    open(&mut parameters);
    parameters
}

/// Lets objects have more fields than are named, and texts be as they are.
fn open(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for name in ["additionalProperties", "pattern", "minLength", "maxLength"] {
                // A property may have such a name; a rule is no object.
                if fields.get(name).is_some_and(|rule| !rule.is_object()) {
                    fields.remove(name);
                }
            }
            fields.values_mut().for_each(open);
        }
        Value::Array(items) => items.iter_mut().for_each(open),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An action in one line: `email.send_email(to[], cc[]?, subject, body) -> message_id  Sends a mail`.
pub fn line(spec: &ActionSpec) -> String {
    let required: Vec<&str> = spec
        .parameters
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = spec.parameters.get("properties").and_then(Value::as_object);
    let mut names: Vec<(&String, &Value)> = properties.into_iter().flatten().collect();
    // What must be there comes first, in the order it is declared.
    names.sort_by_key(|(name, _)| required.iter().position(|other| other == name).unwrap_or(usize::MAX));
    let params = names.into_iter().map(|(name, schema)| {
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        format!("{name}{}{optional}", kind(schema))
    });
    let params: Vec<String> = params.collect();
    let result = fields(&spec.result);
    let result = if result.is_empty() { String::new() } else { format!(" -> {}", result.join(", ")) };
    format!("{}({}){result}: {}", spec.name, params.join(", "), clipped(&spec.summary))
}

/// What a parameter is, where it is not simply text.
fn kind(schema: &Value) -> String {
    let words = |list: &Value| {
        let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        format!("={}", words.join("|"))
    };
    match (schema.get("enum"), schema.get("type").and_then(Value::as_str)) {
        (Some(list), _) => words(list),
        (None, Some("array")) => "[]".to_owned(),
        (None, Some("integer" | "number")) => "#".to_owned(),
        (None, Some("boolean")) => "=true|false".to_owned(),
        (None, Some("object")) => "{}".to_owned(),
        (None, _) => String::new(),
    }
}

/// The fields of a result, lists with those of their items.
fn fields(schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let field = |(name, schema): (&String, &Value)| {
        let inner = schema.get("items").map(fields).unwrap_or_default();
        match (schema.get("type").and_then(Value::as_str), inner.is_empty()) {
            (Some("array"), true) => format!("{name}[]"),
            (Some("array"), false) => format!("{name}[{}]", inner.join(" ")),
            _ => name.clone(),
        }
    };
    properties.into_iter().flatten().map(field).collect()
}

fn clipped(text: &str) -> String {
    const SUMMARY_CHARS_MAX: usize = 120;
    prompt::flat(text).chars().take(SUMMARY_CHARS_MAX).collect()
}

/// The actions that can be used, those that the words are about first where there are too many.
pub fn usable<'a>(catalog: &'a Catalog, words: &str, max: usize) -> Vec<&'a ActionSpec> {
    let mut all: Vec<&ActionSpec> = catalog.iter().filter(|spec| spec.unavailable.is_none()).collect();
    if all.len() <= max {
        return all;
    }
    let words: Vec<String> = words.to_lowercase().split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
    let fits = |spec: &ActionSpec| {
        let about = format!("{} {}", spec.name, spec.summary).to_lowercase();
        let shared = words.iter().filter(|word| word.len() > 2 && about.contains(word.as_str())).count();
        // What is of this program stays; tools of others make room.
        (spec.plugin() != "mcp", shared)
    };
    all.sort_by_key(|spec| std::cmp::Reverse(fits(spec)));
    all.truncate(max);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_tool_are_one_object_that_takes_every_answer() {
        let parameters = as_parameters(&answer(&["email.send_email"]));
        let mut fields: Vec<&str> = parameters.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["$defs", "properties", "required", "type"]);
        assert_eq!(parameters["properties"]["kind"], json!({"enum": ["plan", "question", "reply"]}));
        assert_eq!(parameters["required"], json!(["kind"]));
        assert!(!parameters.to_string().contains("additionalProperties"), "{parameters}");
        let validator = jsonschema::validator_for(&parameters).expect("a schema");
        let act = json!({"id": "A b", "type": "execution", "action": "email.send_email", "params": {}, "why": "so"});
        for answer in [
            json!({"kind": "plan", "title": "t", "stages": [act], "slots": {}, "note": "more"}),
            json!({"kind": "question", "text": "?", "suggestions": ["a"]}),
            json!({"kind": "reply", "text": "", "title": "t"}),
        ] {
            assert!(validator.is_valid(&answer), "{answer}");
        }
        for answer in
            [json!({"kind": "perhaps"}), json!({"text": "a"}), json!({"kind": "plan", "stages": [{"id": "a"}]})]
        {
            assert!(!validator.is_valid(&answer), "{answer}");
        }
    }
}
