//! What a model was asked, the same for all wires.

use serde_json::Value;

/// A message to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Whose it is: `system`, `user`, `assistant` or another that the service knows.
    pub(crate) role: String,
    /// Its text, the parts of it joined by line ends.
    pub(crate) text: String,
    /// Its images, decoded.
    pub(crate) images: Vec<Vec<u8>>,
}

/// A request for an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The model, as the client named it.
    pub(crate) model: String,
    /// The messages in their order.
    pub(crate) messages: Vec<Said>,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// The names of the tools.
    pub(crate) tools: Vec<String>,
    /// The tool that must be called, if one must.
    pub(crate) forced: Option<String>,
    /// The JSON schema that the answer is to follow, or a null when only JSON is wanted.
    pub(crate) format: Option<Value>,
    /// How many tokens the answer may have.
    pub(crate) tokens_max: Option<u64>,
    /// The request as it came.
    pub(crate) body: Value,
}

impl Asked {
    /// The text of the latest message of the person.
    pub(crate) fn user(&self) -> &str {
        self.latest("user")
    }

    /// The text of the latest message of the system.
    pub(crate) fn system(&self) -> &str {
        self.latest("system")
    }

    fn latest(&self, role: &str) -> &str {
        self.messages.iter().rev().find(|said| said.role == role).map_or("", |said| said.text.as_str())
    }

    /// How many tokens the prompt has, about: the messages and the tools, without images.
    pub(crate) fn tokens(&self) -> u64 {
        let messages: usize = self.messages.iter().map(|said| said.role.len() + said.text.len()).sum();
        let tools = self.body.get("tools").map_or(0, |tools| tools.to_string().len());
        super::tokens(messages + tools)
    }
}

/// All text in a value: the names and the values, depth first.
pub(super) fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(fields) => {
            for (name, value) in fields {
                into.push(name.clone());
                texts(value, into);
            }
        }
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => into.push(number.to_string()),
    }
}
