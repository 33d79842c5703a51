//! What a tool says of its arguments, made safe to check with.
//!
//! A schema comes from a stranger. It is written out without references: a place that is referred to
//! is put where the reference stands, and a reference into itself is left open, so that checking
//! arguments always ends. The server checks its arguments too; what is left open here is its part.

use serde_json::{Map, Value, json};

/// Largest schema taken, in bytes of JSON.
const SCHEMA_BYTES_MAX: usize = 64 << 10;
/// Largest schema once its references are written out, in bytes of JSON.
const WRITTEN_BYTES_MAX: usize = 256 << 10;
/// What one level costs at least, so that empty ones come to an end too.
const LEVEL_BYTES: usize = 16;
/// Deepest nesting once references are written out.
const DEPTH_MAX: usize = 40;
/// Longest word of the validator that is told.
const FAULT_CHARS_MAX: usize = 200;

/// The schema to check arguments with.
///
/// # Errors
/// Why this one cannot be used.
pub(super) fn parameters(schema: &Value) -> Result<Value, String> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its schema is not that of an object".to_owned());
    }
    if schema.to_string().len() > SCHEMA_BYTES_MAX {
        return Err(format!("its schema is larger than {SCHEMA_BYTES_MAX} bytes"));
    }
    let mut writer = Writer { root: schema, spent: 0, open: vec!["#".to_owned()] };
    let mut written = writer.schema(schema, 1)?;
    if let (Some(dialect), Some(fields)) = (schema.get("$schema"), written.as_object_mut()) {
        fields.insert("$schema".to_owned(), dialect.clone());
    }
    match jsonschema::validator_for(&written) {
        Ok(_) => Ok(written),
        Err(error) => Err(format!("its schema is faulty: {}", super::words::line(&error.to_string(), FAULT_CHARS_MAX))),
    }
}

/// Keywords that hold a schema.
const ONE: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold a list of schemas; `items` may, in older dialects.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name; `dependencies` may hold lists of names too.
const MAPS: [&str; 4] = ["dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Keywords that only name places, which nothing refers to once references are written out.
const PLACES: [&str; 10] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$id",
    "$recursiveAnchor",
    "$schema",
    "$vocabulary",
    "definitions",
    "id",
];
/// Keywords that check nothing.
const NOTES: [&str; 7] = ["default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"];

struct Writer<'a> {
    root: &'a Value,
    spent: usize,
    /// The references that are being written out.
    open: Vec<String>,
}

impl Writer<'_> {
    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.spent += bytes + LEVEL_BYTES;
        if self.spent > WRITTEN_BYTES_MAX {
            return Err("its schema is too large once its references are written out".to_owned());
        }
        Ok(())
    }

    fn schema(&mut self, value: &Value, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err(format!("its schema is nested deeper than {DEPTH_MAX}"));
        }
        self.spend(0)?;
        match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::Object(fields) => self.object(fields, depth),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err("its schema is faulty: a part of it is no schema".to_owned())
            }
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, depth: usize) -> Result<Value, String> {
        let mut out = Map::new();
        let mut target = None;
        for (key, value) in fields {
            let name = key.as_str();
            let written = match value {
                _ if name == "$ref" => {
                    target = self.target(value, depth)?;
                    continue;
                }
                _ if PLACES.contains(&name) || matches!(name, "$dynamicRef" | "$recursiveRef") => continue,
                Value::Object(all) if MAPS.contains(&name) => {
                    let mut written = Map::new();
                    for (name, part) in all {
                        self.spend(name.len())?;
                        let part = if part.is_array() { self.copied(part)? } else { self.schema(part, depth + 1)? };
                        written.insert(name.clone(), part);
                    }
                    Value::Object(written)
                }
                Value::Array(all) if LISTS.contains(&name) || name == "items" => {
                    let parts: Result<Vec<Value>, String> =
                        all.iter().map(|part| self.schema(part, depth + 1)).collect();
                    Value::Array(parts?)
                }
                _ if ONE.contains(&name) => self.schema(value, depth + 1)?,
                _ => self.copied(value)?,
            };
            self.spend(name.len())?;
            out.insert(key.clone(), written);
        }
        Ok(match target {
            None => Value::Object(out),
            Some(target) => joined(out, target),
        })
    }

    fn copied(&mut self, value: &Value) -> Result<Value, String> {
        self.spend(value.to_string().len())?;
        Ok(value.clone())
    }

    /// What a reference stands for; `None` when it leads into itself and is left open.
    fn target(&mut self, reference: &Value, depth: usize) -> Result<Option<Value>, String> {
        let Some(pointer) = reference.as_str().and_then(|text| text.strip_prefix('#')) else {
            return Err("its schema refers to another document".to_owned());
        };
        let name = format!("#{pointer}");
        if self.open.contains(&name) {
            return Ok(None);
        }
        let Some(place) = self.root.pointer(pointer) else {
            return Err("its schema refers to a place that is not in it".to_owned());
        };
        self.open.push(name);
        let written = self.schema(place, depth + 1);
        self.open.pop();
        written.map(Some)
    }
}

/// What stood beside a reference, with what it stands for.
fn joined(mut beside: Map<String, Value>, target: Value) -> Value {
    if beside.keys().all(|key| NOTES.contains(&key.as_str()))
        && let Value::Object(mut fields) = target
    {
        fields.extend(beside);
        return Value::Object(fields);
    } else if let Some(Value::Array(all)) = beside.get_mut("allOf") {
        all.push(target);
        return Value::Object(beside);
    }
    beside.insert("allOf".to_owned(), json!([target]));
    Value::Object(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(schema: &Value, args: &Value) -> usize {
        let written = parameters(schema).expect("a schema");
        jsonschema::validator_for(&written).expect("it compiles").iter_errors(args).count()
    }

    #[test]
    fn a_plain_schema_stays_as_it_is() {
        let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": "string", "enum": ["x", "$ref"]}, "$ref": {"type": "integer"}}});
        assert_eq!(parameters(&schema).expect("a schema"), schema);
    }

    #[test]
    fn references_are_written_out_and_checked() {
        let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
            "properties": {"to": {"$ref": "#/definitions/address", "description": "whom"}, "cc": {"type": "array", "items": {"$ref": "#/definitions/address"}}},
            "definitions": {"address": {"type": "string", "minLength": 3, "description": "an address"}}});
        let written = parameters(&schema).expect("a schema");
        assert!(!written.to_string().contains("$ref"), "{written}");
        assert_eq!(written["properties"]["to"]["description"], "whom");
        assert_eq!(faults(&schema, &json!({"to": "abc", "cc": ["abc"]})), 0);
        assert_eq!(faults(&schema, &json!({"to": "a", "cc": [1]})), 2);
    }

    #[test]
    fn what_stands_beside_a_reference_is_checked_too() {
        let schema = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/n", "maximum": 5}}, "$defs": {"n": {"type": "integer"}}});
        assert_eq!(faults(&schema, &json!({"a": 4})), 0);
        assert_eq!(faults(&schema, &json!({"a": 6})), 1);
        assert_eq!(faults(&schema, &json!({"a": "x"})), 1);
    }

    #[test]
    fn schemas_that_lead_into_themselves_end() {
        let tree = json!({"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}});
        assert_eq!(faults(&tree, &json!({"name": "a", "children": [{"name": 1}]})), 0, "deeper parts are the server's");
        assert_eq!(faults(&tree, &json!({"name": 1})), 1);
        for looped in [
            json!({"type": "object", "$ref": "#"}),
            json!({"type": "object", "allOf": [{"$ref": "#"}]}),
            json!({"type": "object", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}}),
            json!({"type": "object", "properties": {"x": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#/properties/x"}]}}}),
            json!({"type": "object", "$dynamicRef": "#", "properties": {"a": {"$recursiveRef": "#"}}}),
        ] {
            let mut deep = json!({});
            for _ in 0..100 {
                deep = json!({"x": deep});
            }
            let _whatever_it_finds = faults(&looped, &deep);
        }
    }

    #[test]
    fn schemas_that_grow_without_measure_are_refused() {
        let mut doubling = json!({"type": "object", "$ref": "#/$defs/d0", "$defs": {"d30": {"type": "object"}}});
        for n in 0..30 {
            let next = format!("#/$defs/d{}", n + 1);
            doubling["$defs"][format!("d{n}")] = json!({"allOf": [{"$ref": next}, {"$ref": next}]});
        }
        let why = parameters(&doubling).expect_err("too large");
        assert!(why.contains("too large") || why.contains("deeper"), "{why}");
        let wide: Vec<Value> = (0..2_000).map(|_| json!({"$ref": "#/$defs/d"})).collect();
        let copying = json!({"type": "object", "anyOf": wide, "$defs": {"d": {"enum": ["x".repeat(1_000)]}}});
        assert!(parameters(&copying).expect_err("too large").contains("too large"));
    }

    #[test]
    fn deep_large_remote_and_senseless_ones_are_refused_with_the_reason() {
        let mut deep = json!({});
        for _ in 0..50 {
            deep = json!({"properties": {"a": deep}});
        }
        deep["type"] = json!("object");
        for (schema, wanted) in [
            (deep, "deeper"),
            (json!({"type": "object", "description": "x".repeat(70_000)}), "larger"),
            (json!({"type": "string"}), "object"),
            (json!(true), "object"),
            (
                json!({"type": "object", "properties": {"a": {"$ref": "https://evil.example/schema.json"}}}),
                "another document",
            ),
            (json!({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}), "another document"),
            (json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}), "not in it"),
            (json!({"type": "object", "properties": {"a": 5}}), "no schema"),
            (json!({"type": "object", "properties": {"a": {"type": "nothing"}}}), "faulty"),
            (json!({"type": "object", "properties": {"a": {"pattern": "("}}}), "faulty"),
        ] {
            let why = parameters(&schema).expect_err("refused");
            assert!(why.contains(wanted), "{wanted}: {why}");
        }
    }

    #[test]
    fn an_own_base_fetches_nothing() {
        let schema = json!({"$id": "https://evil.example/", "type": "object", "properties": {"a": {"$id": "b", "type": "string"}}});
        assert!(!parameters(&schema).expect("a schema").to_string().contains("evil"));
    }
}
