//! The shape of plans as JSON: reading one with every fault of shape listed by its path.
//!
//! The schemas here are also what a model is given as the form of its answer.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::validate::{FAULTS_MAX, Fault};
use super::{DEPTH_MAX, PLAN_BYTES_MAX, Plan};

/// The names of the stage types, in the order of the language.
pub const STAGE_TYPES: [&str; 8] =
    ["clarification", "selection", "multi_select", "confirmation", "execution", "parallel", "conditional", "wait"];

/// Reads a plan, listing every fault of shape.
///
/// # Errors
/// All faults of shape. Rules that need the whole plan are [`Plan::validate`]'s.
pub fn read(value: &Value) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    if value.to_string().len() > PLAN_BYTES_MAX {
        return Err(vec![Fault::new(&[], "too_long", format!("the plan is larger than {PLAN_BYTES_MAX} bytes"))]);
    }
    check(validator("plan"), value, &[], &mut faults);
    if let Some(stages) = value.get("stages").and_then(Value::as_array) {
        check_list(stages, &[Value::from("stages")], 1, &mut faults);
    }
    if faults.is_empty() {
        match serde_json::from_value(value.clone()) {
            Ok(plan) => return Ok(plan),
            Err(error) => faults.push(Fault::new(&[], "malformed", error.to_string())),
        }
    }
    faults.truncate(FAULTS_MAX);
    Err(faults)
}

fn check_list(stages: &[Value], loc: &[Value], depth: usize, faults: &mut Vec<Fault>) {
    if depth > DEPTH_MAX {
        faults.push(Fault::new(loc, "too_deep", format!("stages are nested deeper than {DEPTH_MAX}")));
        return;
    }
    for (n, stage) in stages.iter().enumerate() {
        if faults.len() >= FAULTS_MAX {
            return;
        }
        let mut here = loc.to_vec();
        here.push(Value::from(n));
        check_stage(stage, &here, depth, faults);
    }
}

fn check_stage(stage: &Value, loc: &[Value], depth: usize, faults: &mut Vec<Fault>) {
    let Some(name) = stage.get("type").and_then(Value::as_str) else {
        faults.push(Fault::new(loc, "missing_type", "a stage is an object with a \"type\""));
        return;
    };
    if !STAGE_TYPES.contains(&name) {
        let mut here = loc.to_vec();
        here.push(Value::from("type"));
        let known = STAGE_TYPES.join(", ");
        faults.push(Fault::new(&here, "unknown_type", format!("unknown stage type \"{name}\"; known are {known}")));
        return;
    }
    check(validator(name), stage, loc, faults);
    for list in ["stages", "then", "else", "on_failure", "on_timeout"] {
        if let Some(stages) = stage.get(list).and_then(Value::as_array) {
            let mut here = loc.to_vec();
            here.push(Value::from(list));
            check_list(stages, &here, depth + 1, faults);
        }
    }
}

fn check(validator: &Validator, value: &Value, loc: &[Value], faults: &mut Vec<Fault>) {
    for error in validator.iter_errors(value) {
        let mut here = loc.to_vec();
        here.extend(steps(&error.instance_path().to_string()));
        faults.push(Fault::new(&here, "shape", clipped(&error.to_string())));
    }
}

/// The steps of a JSON pointer; digits are positions.
pub(super) fn steps(pointer: &str) -> Vec<Value> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| match step.parse::<usize>() {
            Ok(position) => Value::from(position),
            Err(_) => Value::from(step.replace("~1", "/").replace("~0", "~")),
        })
        .collect()
}

/// A validator's message, bounded: it repeats the value it dislikes.
pub(super) fn clipped(message: &str) -> String {
    const MESSAGE_CHARS_MAX: usize = 300;
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

fn validator(name: &str) -> &'static Validator {
    static VALIDATORS: OnceLock<BTreeMap<&'static str, Validator>> = OnceLock::new();
    let all = VALIDATORS.get_or_init(|| {
        STAGE_TYPES
            .into_iter()
            .map(|kind| (kind, stage_schema(kind)))
            .chain([("plan", plan_schema())])
            .map(|(kind, schema)| (kind, jsonschema::validator_for(&schema).expect("our own schemas are valid")))
            .collect()
    });
    &all[name]
}

fn plan_schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["version", "title", "stages"],
        "properties": {
            "version": {"const": super::PLAN_VERSION},
            "title": {"type": "string", "minLength": 1, "maxLength": 200},
            "intent": {"type": "string", "maxLength": 60},
            "slots": {"type": "object", "maxProperties": 60},
            "stages": {"type": "array", "minItems": 1},
        }
    })
}

/// The schema of one stage type, its nested lists left open.
pub fn stage_schema(kind: &str) -> Value {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 4000});
    let list = json!({"type": "array"});
    let duration = json!({"type": "string", "pattern": "^P", "maxLength": 40});
    let (fields, required): (Value, &[&str]) = match kind {
        "clarification" => (
            json!({"question": text, "optional": {"type": "boolean"}, "default": {}, "expires_in": duration,
                "answer": {"enum": ["text", "date", "time", "datetime", "number", "money", "email", "emails", "phone", "contact", "yes_no"]},
                "suggestions": {"type": "array", "maxItems": super::SUGGESTIONS_MAX, "items": {"type": "string", "minLength": 1, "maxLength": 200}}}),
            &["question", "answer"],
        ),
        "selection" => (choose(&text, &duration), &["question"]),
        "multi_select" => {
            let mut fields = choose(&text, &duration);
            let count = json!({"type": "integer", "minimum": 0, "maximum": super::FAN_OUT_MAX});
            fields["min"] = count.clone();
            fields["max"] = count;
            (fields, &["question"])
        }
        "confirmation" => (
            json!({"question": text, "expires_in": duration,
                "covers": {"type": "array", "minItems": 1, "maxItems": super::STAGES_MAX, "items": {"type": "string"}}}),
            &["covers"],
        ),
        "execution" => (
            json!({"action": {"type": "string", "minLength": 1, "maxLength": 120}, "params": {"type": "object"},
                "for_each": text, "timeout_secs": {"type": "integer", "minimum": 1, "maximum": 600},
                "on_failure": {"anyOf": [{"enum": ["ask", "skip", "stop"]}, list]}}),
            &["action", "params"],
        ),
        "parallel" => (json!({"stages": {"type": "array", "minItems": 1}}), &["stages"]),
        "conditional" => (json!({"if": text, "then": list, "else": list}), &["if", "then"]),
        _ => (
            json!({"until": text, "for": duration, "reply_to": {"type": "string"}, "timeout": duration, "then": list, "on_timeout": list}),
            &[],
        ),
    };
    let mut properties = json!({
        "id": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}, "type": {"const": kind},
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "needs": {"type": "array", "maxItems": super::STAGES_MAX, "items": {"type": "string"}},
    });
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), fields) {
        all.extend(own);
    }
    let required: Vec<&str> = ["id", "type"].into_iter().chain(required.iter().copied()).collect();
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn choose(text: &Value, duration: &Value) -> Value {
    let short = json!({"type": "string", "maxLength": 1000});
    json!({"question": text, "options_from": text, "expires_in": duration,
        "options": {"type": "array", "minItems": 1, "maxItems": super::FAN_OUT_MAX, "items": {
            "type": "object", "additionalProperties": false, "required": ["id", "name"],
            "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 64}, "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": {"type": "string", "maxLength": 1000}, "value": {}}}},
        "option": {"type": "object", "additionalProperties": false,
            "properties": {"id": short, "name": short, "description": short, "value": short}}})
}
