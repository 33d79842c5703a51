//! Finding the JSON in what a model said: behind fences, between prose, with a comma too many. Pure.

use serde_json::Value;

/// Places where an object is looked for.
const TRIES_MAX: usize = 40;
/// Names of which an answer has at least one.
const NAMES: [&str; 8] = ["kind", "stages", "plan", "reply", "question", "text", "answer", "title"];

/// The answer in a text: the first object that looks like one, else the first object there is.
pub fn object(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut first = None;
    let mut from = 0;
    for _ in 0..TRIES_MAX {
        let Some(start) = text[from..].find('{').map(|at| from + at) else { break };
        match end_of(&text[start..]).and_then(|len| Some((len, parse(&text[start..start + len])?))) {
            Some((_, value)) if NAMES.iter().any(|name| value.get(name).is_some()) => return Some(value),
            Some((len, value)) => {
                first = first.or(Some(value));
                from = start + len;
            }
            None => from = start + 1,
        }
    }
    first.map(|value| called_with(&value).unwrap_or(value))
}

/// What a tool was called with, in the ways that models write a call when nobody reads it for them.
fn called_with(value: &Value) -> Option<Value> {
    let call = value.get("tool_calls").map_or(Some(value), |calls| calls.get(0))?;
    let function = call.get("function").filter(|function| function.is_object()).unwrap_or(call);
    let given = |from: &Value| from.get("arguments").or_else(|| from.get("parameters")).cloned();
    match given(function).or_else(|| given(call))? {
        Value::String(text) => parse(&text),
        given => Some(given).filter(Value::is_object),
    }
}

/// Where the object that a text begins with ends.
fn end_of(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Depth is bounded by the parser.
fn parse(text: &str) -> Option<Value> {
    let value = serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_spare_commas(text)));
    value.ok().filter(Value::is_object)
}

/// The text without commas that nothing follows.
fn without_spare_commas(text: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(text.len()), false, false);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted && rest.as_str().trim_start().starts_with(['}', ']']) => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The words of a plain reply in an answer that is still coming; `None` while there are none.
pub fn reply_so_far(text: &str) -> Option<String> {
    let inside = text.trim_start().strip_prefix('{')?.trim_start();
    let rest = inside.strip_prefix("\"kind\"")?.trim_start().strip_prefix(':')?.trim_start();
    let rest = rest.strip_prefix("\"reply\"")?.trim_start().strip_prefix(',')?.trim_start();
    let rest = rest.strip_prefix("\"text\"")?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let words = words_so_far(rest);
    (!words.is_empty()).then_some(words)
}

/// A JSON string as far as it has come, without an escape that is not whole yet.
fn words_so_far(text: &str) -> String {
    let mut end = text.len();
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                end = at;
                break;
            }
            b'\\' => match bytes.next() {
                Some((_, b'u')) if text.len() < at + 6 => {
                    end = at;
                    break;
                }
                Some(_) => {}
                None => {
                    end = at;
                    break;
                }
            },
            _ => {}
        }
    }
    let whole = |text: &str| serde_json::from_str::<String>(&format!("\"{text}\"")).ok();
    // Half of a pair of escapes is no character yet.
    whole(&text[..end])
        .or_else(|| whole(text[..end].rsplit_once("\\u").map_or("", |(before, _)| before)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_found_wherever_it_is() {
        let answer = json!({"kind": "reply", "text": "a {brace} and a \"quote\", fine,"});
        let plain = answer.to_string();
        for text in [
            plain.clone(),
            format!("```json\n{plain}\n```"),
            format!("Sure! Here is {{the}} plan:\n{plain}\nAnything else?"),
            format!("\u{feff}  {plain}"),
            format!("{{\"thought\": \"hm\"}} {plain}"),
            json!({"name": "answer", "arguments": plain}).to_string(),
            format!("<function=answer>{plain}</function>"),
            json!([{"name": "answer", "parameters": answer}]).to_string(),
            json!({"tool_calls": [{"id": "1", "function": {"name": "answer"}, "parameters": answer}]}).to_string(),
            json!({"tool_calls": [{"function": {"name": "answer", "arguments": plain}}]}).to_string(),
            "{\"kind\": \"reply\", \"text\": \"a {brace} and a \\\"quote\\\", fine,\",\n }".to_owned(),
        ] {
            assert_eq!(object(&text), Some(answer.clone()), "{text}");
        }
        assert_eq!(object("{\"stages\": [{\"id\": \"a\",}, ], }"), Some(json!({"stages": [{"id": "a"}]})));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let deep = "{\"kind\":".repeat(100_000);
        let nested = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let nested = format!("{{\"kind\": {nested}}}");
        let open = "{".repeat(200_000);
        for text in ["", "I have sent the mail.", "{", "}", "{]", "[1, 2]", "{\"kind\": \"pl", &deep, &nested, &open] {
            assert_eq!(object(text), None, "{text:.40}");
        }
    }

    #[test]
    fn a_reply_is_heard_as_it_comes() {
        let whole = r#"{"kind": "reply", "text": "Say \"hi\"\n\u00fc \ud83d\ude00 end"}"#;
        let mut before = String::new();
        for end in (0..=whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            let heard = reply_so_far(&whole[..end]).unwrap_or_default();
            assert!(heard.starts_with(&before), "{heard:?} after {before:?}");
            before = heard;
        }
        assert_eq!(before, "Say \"hi\"\nü 😀 end");
        assert_eq!(reply_so_far(r#"{"kind": "plan", "text": "no"}"#), None);
    }
}
