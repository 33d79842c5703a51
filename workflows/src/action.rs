//! What the service can do, as declared: names, parameters, reach. Running is a port's work
//! ([`crate::ports::Actions`]).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::plan::time;

/// Whom an action touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Looks only.
    Read,
    /// Touches only the person's own things here, or tells only them.
    Own,
    /// Anyone or anything else: needs the person's yes.
    World,
}

/// How an action's reach follows from its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachRule {
    /// Looks inside this service only.
    Read,
    /// Looks outside: private data in a parameter makes it need a yes.
    ReadOutside,
    /// Always the person's own.
    Own,
    /// The person's own unless one of these parameters is there and not empty.
    OwnUnless(&'static [&'static str]),
    /// Always the world.
    World,
}

/// The declaration of one action.
#[derive(Debug, Clone)]
pub struct ActionSpec {
    /// Full name, `email.send_email`.
    pub name: String,
    /// One sentence for people and planners.
    pub summary: String,
    /// JSON Schema of the parameters, an object with `additionalProperties: false`.
    pub parameters: Value,
    /// JSON Schema of the result.
    pub result: Value,
    /// How far it reaches.
    pub reach: ReachRule,
    /// Whether running it twice with the same effect id is the same as once.
    pub idempotent: bool,
    /// Whether it can be asked if an effect id was done.
    pub look_up: bool,
    /// Which action undoes it.
    pub undo: Option<&'static str>,
    /// The parameters that name whom or what it is aimed at.
    pub targets: &'static [&'static str],
    /// The parameters that are days or times that must not have passed.
    pub future: &'static [&'static str],
    /// What it is now, when what it does is not of this program; a yes to another version is none.
    pub version: Option<String>,
    /// Why it cannot be used, with the key to set; `None` when it can.
    pub unavailable: Option<String>,
}

impl ActionSpec {
    /// The plugin's name: the part before the dot.
    pub fn plugin(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// The reach of a call with these arguments. Unevaluated templates count as present.
    pub fn reach(&self, args: &Map<String, Value>) -> Reach {
        match self.reach {
            ReachRule::ReadOutside if fields_hold_private_data(args) => Reach::World,
            ReachRule::Read | ReachRule::ReadOutside => Reach::Read,
            ReachRule::Own => Reach::Own,
            ReachRule::OwnUnless(names) => {
                if names.iter().any(|name| args.get(*name).is_some_and(is_filled)) {
                    Reach::World
                } else {
                    Reach::Own
                }
            }
            ReachRule::World => Reach::World,
        }
    }
}

impl ActionSpec {
    /// The first of its times that has passed: a day when it is over where the person is, a moment at once.
    pub fn passed<'a>(&self, args: &'a Map<String, Value>, zone: Tz, now: DateTime<Utc>) -> Option<&'a str> {
        let given = self.future.iter().filter_map(|name| args.get(*name)?.as_str());
        given.into_iter().find(|text| time::has_passed(text, zone, now))
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// As many digits are a telephone number, or the number of an account.
const PHONE_DIGITS_MIN: usize = 9;
/// A text that long is a message.
const MESSAGE_CHARS_MIN: usize = 200;

/// Whether a value has an address, a telephone number or a whole text in it.
fn holds_private_data(value: &Value) -> bool {
    match value {
        Value::String(text) => is_private(text),
        Value::Number(number) => digits(&number.to_string()) >= PHONE_DIGITS_MIN,
        Value::Array(items) => items.iter().any(holds_private_data),
        Value::Object(fields) => fields_hold_private_data(fields),
        Value::Null | Value::Bool(_) => false,
    }
}

/// The same of fields: their names are given away too.
fn fields_hold_private_data(fields: &Map<String, Value>) -> bool {
    fields.iter().any(|(name, value)| is_private(name) || holds_private_data(value))
}

fn is_private(text: &str) -> bool {
    let dialled = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '+' | '.');
    let phone = digits(text) >= PHONE_DIGITS_MIN && (text.contains('+') || text.chars().all(dialled));
    text.contains('@') || phone || text.chars().count() >= MESSAGE_CHARS_MIN
}

fn digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}

/// `email.send_email` as `Send email`; with more parts, `mcp.files.read_file` as `Files: read file`.
pub fn words_of(action: &str) -> String {
    let own = action.split_once('.').map_or(action, |(_, own)| own);
    let name = own.replacen('.', ": ", 1).replace('_', " ");
    let mut letters = name.chars();
    letters.next().map_or(name.clone(), |first| first.to_uppercase().chain(letters).collect())
}

/// All actions that are known, available or not.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    specs: Vec<ActionSpec>,
}

impl Catalog {
    /// A catalog of these declarations.
    pub fn new(specs: Vec<ActionSpec>) -> Self {
        Self { specs }
    }

    /// The declaration of that full name.
    pub fn get(&self, name: &str) -> Option<&ActionSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }

    /// The declaration, when the action is known and can be used.
    pub fn available(&self, name: &str) -> Option<&ActionSpec> {
        self.get(name).filter(|spec| spec.unavailable.is_none())
    }

    /// Every declaration.
    pub fn iter(&self) -> impl Iterator<Item = &ActionSpec> {
        self.specs.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_numbers_and_the_names_of_fields_are_private_data_too() {
        for private in [
            json!({"number": 491_701_234_567_u64}),
            json!({"account": 123_456_789}),
            json!({"list": [{"n": 123_456_789}]}),
            json!({"who": {"bob@example.org": true}}),
            json!({"bob@example.org": 1}),
            json!({"who": {"+49 170 1234567": 1}}),
        ] {
            assert!(holds_private_data(&private), "{private}");
        }
        for plain in [json!({"count": 12_345_678, "price": 19.99}), json!({"place": {"town": "Berlin"}})] {
            assert!(!holds_private_data(&plain), "{plain}");
        }
    }
}
