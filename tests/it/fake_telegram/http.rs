//! What a request to the Bot API carries.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::spec;
use crate::fake_http::Request;

/// What a call carries.
#[derive(Default)]
pub(super) struct Params {
    pub(super) fields: Map<String, Value>,
    /// Uploads by the name of their part.
    pub(super) files: HashMap<String, Vec<u8>>,
}

impl Request {
    /// What it carries for a method.
    pub(super) fn params(&self, method: &str) -> Result<Params, String> {
        let mut params = Params::default();
        let add_form = |form: &[u8], params: &mut Params| {
            for (name, text) in url::form_urlencoded::parse(form) {
                params.fields.insert(name.to_string(), spec::from_text(method, &name, &text));
            }
        };
        add_form(self.query.as_bytes(), &mut params);
        let kind = self.media_type();
        match kind.as_str() {
            _ if self.body.is_empty() => {}
            "application/json" => match serde_json::from_slice(&self.body) {
                Ok(Value::Object(fields)) => params.fields.extend(fields),
                // A method without parameters may come as a null of the client's own making.
                Ok(Value::Null) => {}
                Ok(_) | Err(_) => return Err("can't parse JSON object".to_owned()),
            },
            "application/x-www-form-urlencoded" => add_form(&self.body, &mut params),
            "multipart/form-data" => self.parts(method, &mut params)?,
            _ => return Err(format!("unsupported content type \"{kind}\"")),
        }
        Ok(params)
    }

    fn parts(&self, method: &str, params: &mut Params) -> Result<(), String> {
        let content_type = self.header("content-type").unwrap_or_default();
        let boundary = content_type.split_once("boundary=").map(|(_, after)| after);
        let boundary = boundary.ok_or("multipart without a boundary")?.split(';').next().unwrap_or_default();
        let mark = format!("\r\n--{}", boundary.trim().trim_matches('"'));
        let whole = [b"\r\n", self.body.as_slice()].concat();
        let mut rest = whole.as_slice();
        let start = find(rest, mark.as_bytes()).ok_or("multipart without a part")?;
        rest = &rest[start + mark.len()..];
        while !rest.starts_with(b"--") {
            let end = find(rest, mark.as_bytes()).ok_or("multipart without an end")?;
            let part = rest[..end].strip_prefix(b"\r\n").ok_or("a part without a start")?;
            rest = &rest[end + mark.len()..];
            let head_end = find(part, b"\r\n\r\n").ok_or("a part without a head")?;
            let head = String::from_utf8_lossy(&part[..head_end]);
            let content = &part[head_end + 4..];
            let name = attribute(&head, "name").ok_or("a part without a name")?;
            if attribute(&head, "filename").is_some() {
                // A file sent under the name of its field stands for itself.
                if !params.fields.values().any(|value| value == &Value::from(format!("attach://{name}"))) {
                    params.fields.insert(name.clone(), Value::from(format!("attach://{name}")));
                }
                params.files.insert(name, content.to_vec());
            } else {
                let text = std::str::from_utf8(content).map_err(|_| "strings must be encoded in UTF-8")?;
                let value = spec::from_text(method, &name, text);
                if let Some(attached) = text.strip_prefix("attach://").filter(|attached| *attached != name) {
                    // The upload came before the field that names it.
                    params.fields.remove(attached);
                }
                params.fields.insert(name, value);
            }
        }
        Ok(())
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// A quoted attribute of `Content-Disposition`.
fn attribute(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let found = line.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(found.trim_matches('"').to_owned())
}
