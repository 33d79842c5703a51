//! Looking at the fields of a request.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::Refusal;

/// What is to be said against a request that is answered all the same.
#[derive(Default)]
pub(super) struct Check {
    /// Each a sentence.
    pub(super) notes: Vec<String>,
}

/// An object of a request and where it is in the data.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    fields: &'a Map<String, Value>,
    pointer: &'a str,
}

impl Check {
    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// An object, its unknown fields noted.
    pub(super) fn object<'a>(&mut self, value: &'a Value, pointer: &'a str, known: &[&str]) -> Result<At<'a>, Refusal> {
        let fields = value.as_object().ok_or_else(|| wrong_type(pointer, "an object"))?;
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            self.note(format!("there is no field {pointer}/{name}"));
        }
        Ok(At { fields, pointer })
    }

    /// The parameters of a query, unknown ones noted.
    pub(super) fn query(&mut self, query: &[(String, String)], known: &[&str]) {
        for (name, _) in query.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            self.note(format!("there is no parameter \"{name}\""));
        }
    }
}

fn wrong_type(pointer: &str, wanted: &str) -> Refusal {
    Refusal::field("validation_type", pointer, format!("Field needs to be {wanted}"))
}

impl<'a> At<'a> {
    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    /// A field that may be missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&'a Value, Refusal> {
        let blank = |value: &&Value| value.as_str() != Some("") && value.as_array().is_none_or(|list| !list.is_empty());
        self.get(name).filter(blank).ok_or_else(|| {
            Refusal::field("validation_required", &self.pointer(name), format!("Field '{name}' can't be blank"))
        })
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.need(name)?.as_str().ok_or_else(|| wrong_type(&self.pointer(name), "a string"))
    }

    /// A list that must be there and have something in it.
    pub(super) fn list(&self, name: &str) -> Result<&'a Vec<Value>, Refusal> {
        self.need(name)?.as_array().ok_or_else(|| wrong_type(&self.pointer(name), "a list"))
    }

    /// A whole number that must be there.
    pub(super) fn whole(&self, name: &str) -> Result<i64, Refusal> {
        self.need(name)?.as_i64().ok_or_else(|| wrong_type(&self.pointer(name), "an integer"))
    }

    /// A number that must be there.
    pub(super) fn number(&self, name: &str) -> Result<f64, Refusal> {
        self.need(name)?.as_f64().ok_or_else(|| wrong_type(&self.pointer(name), "a number"))
    }

    /// A day that must be there.
    pub(super) fn day(&self, name: &str) -> Result<NaiveDate, Refusal> {
        let text = self.text(name)?;
        let exact = text.len() == "2026-01-02".len();
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| exact).ok_or_else(|| {
            let what = format!("Field '{name}' needs to be an ISO 8601 date");
            Refusal::field("validation_format", &self.pointer(name), what)
        })
    }

    /// A field out of its bounds.
    pub(super) fn outside(&self, name: &str, what: impl Into<String>) -> Refusal {
        Refusal::field("validation_inclusion", &self.pointer(name), what)
    }

    /// A field that is not written as it must be.
    pub(super) fn misspelt(&self, name: &str, what: impl Into<String>) -> Refusal {
        Refusal::field("validation_format", &self.pointer(name), what)
    }
}
