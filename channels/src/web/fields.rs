//! Reading the fields of a request body, noting every fault on the way.

use serde_json::{Map, Value, json};
use workflows::plan::validate::Fault;

/// A request body being read.
#[derive(Debug)]
pub struct Fields<'a> {
    body: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// Begins to read a body.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn of(body: &'a Value) -> Result<Self, Vec<Fault>> {
        match body {
            Value::Object(body) => Ok(Self { body, faults: Vec::new() }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(vec![Fault {
                loc: vec![json!("body")],
                msg: "body: must be an object".to_owned(),
                kind: "object_expected".to_owned(),
            }]),
        }
    }

    /// Notes a fault of a field.
    pub fn fault(&mut self, name: &str, kind: &str, what: &str) {
        self.faults.push(Fault {
            loc: vec![json!("body"), json!(name)],
            msg: format!("{name}: {what}"),
            kind: kind.to_owned(),
        });
    }

    /// A field's value, unless it is absent or null.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// An optional text of 1 to `chars_max` characters.
    pub fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.trim().is_empty() => {
                self.fault(name, "string_too_short", "must not be empty");
                None
            }
            Value::String(text) if text.chars().count() > chars_max => {
                self.fault(name, "string_too_long", &format!("must have at most {chars_max} characters"));
                None
            }
            Value::String(text) => Some(text.clone()),
            _ => {
                self.fault(name, "string_expected", "must be a text");
                None
            }
        }
    }

    /// A text that must be there.
    pub fn needed(&mut self, name: &str, chars_max: usize) -> String {
        if self.value(name).is_none() {
            self.fault(name, "missing", "is required");
        }
        self.text(name, chars_max).unwrap_or_default()
    }

    /// An optional list of at most `items_max` texts.
    pub fn texts(&mut self, name: &str, items_max: usize, chars_max: usize) -> Option<Vec<String>> {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= chars_max;
        let list = self.value(name)?.as_array().filter(|list| list.len() <= items_max);
        let texts: Option<Vec<String>> = list.and_then(|list| {
            list.iter().map(|item| item.as_str().filter(|text| fits(text)).map(str::to_owned)).collect()
        });
        if texts.is_none() {
            self.fault(name, "list_expected", &format!("must be a list of at most {items_max} short texts"));
        }
        texts
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every fault that was noted.
    pub fn end(self) -> Result<(), Vec<Fault>> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}
