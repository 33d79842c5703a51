//! What a tool answered, as an act's outcome. All of it is data: foreign words that templates may
//! use and people may read, and that nothing here follows.

use serde_json::{Map, Value, json};
use workflows::ports::{ActionError, ActionOutcome};

use super::words::{Secrets, cut, line};

/// As much text as is kept, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Largest structured result kept, in bytes of JSON.
const STRUCTURED_BYTES_MAX: usize = 64 << 10;
/// Parts whose kinds are named.
const TYPES_MAX: usize = 100;
/// As much of a reason as is told, in characters.
const WHY_CHARS_MAX: usize = 300;
/// As much of the text as is told in one sentence, in characters.
const DETAIL_CHARS_MAX: usize = 160;

/// What came of a call; `looks` = it can have changed nothing.
///
/// # Errors
/// When the tool says that it failed, with its words. Whether it failed before or after it did something
/// is not known.
pub(super) fn outcome(
    server: &str,
    tool: &str,
    result: &Value,
    secrets: &Secrets,
    looks: bool,
) -> Result<ActionOutcome, ActionError> {
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        let said = line(&secrets.hide(&text(result)), WHY_CHARS_MAX);
        let said = if said.is_empty() { "it gave no reason".to_owned() } else { said };
        let why = format!("the tool {tool} of {server} says that it failed: {said}");
        return Err(if looks { ActionError::fail(why) } else { ActionError::unknown(why) });
    }
    Ok(done(server, tool, result, secrets))
}

fn done(server: &str, tool: &str, result: &Value, secrets: &Secrets) -> ActionOutcome {
    let said = secrets.hide(&text(result));
    let (kept, clipped) = cut(&said, TEXT_BYTES_MAX);
    let types: Vec<&str> = parts(result).iter().take(TYPES_MAX).map(kind).collect();
    let mut fields = Map::from_iter([("text".to_owned(), json!(kept)), ("content_types".to_owned(), json!(types))]);
    let mut left_out = Vec::new();
    if clipped {
        left_out.push("text");
    }
    if let Some(structured) = result.get("structuredContent") {
        if structured.to_string().len() <= STRUCTURED_BYTES_MAX {
            fields.insert("structured".to_owned(), secrets.hide_all(structured));
        } else {
            left_out.push("structured");
        }
    }
    let mut detail = format!("{tool} of {server} is done");
    let first = line(kept, DETAIL_CHARS_MAX);
    if !first.is_empty() {
        detail = format!("{detail}; it answered: {first}");
    }
    if !left_out.is_empty() {
        detail = format!("{detail} (its answer is too large; not all of it was kept)");
        fields.insert("left_out".to_owned(), Value::from(left_out));
    }
    ActionOutcome { result: fields, detail, undo: None, left: None }
}

fn parts(result: &Value) -> &[Value] {
    result.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(result: &Value) -> String {
    let texts = parts(result).iter().filter_map(|part| match kind(part) {
        "text" => part.get("text")?.as_str(),
        "resource" => part.get("resource")?.get("text")?.as_str(),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The kinds that are known; what another calls itself is not repeated.
fn kind(part: &Value) -> &'static str {
    const KINDS: [&str; 5] = ["text", "image", "audio", "resource", "resource_link"];
    let told = part.get("type").and_then(Value::as_str).unwrap_or_default();
    KINDS.into_iter().find(|kind| *kind == told).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use workflows::ports::ActionErrorKind;

    use super::*;

    #[test]
    fn texts_are_joined_structure_is_kept_and_kinds_are_named() {
        let told = json!({"content": [{"type": "text", "text": "one"}, {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "text", "text": "two"}, {"type": "hologram", "text": "no"}, {"type": "resource", "resource": {"uri": "file:///x", "text": "three"}}],
            "structuredContent": {"a": 1}});
        let outcome = done("s", "t", &told, &Secrets::default());
        assert_eq!(outcome.result["text"], "one\ntwo\nthree");
        assert_eq!(outcome.result["structured"], json!({"a": 1}));
        assert_eq!(outcome.result["content_types"], json!(["text", "image", "text", "other", "resource"]));
        assert!(outcome.result.get("left_out").is_none());
        assert_eq!(outcome.detail, "t of s is done; it answered: one two three");
    }

    #[test]
    fn large_answers_are_cut_and_it_is_told() {
        let told = json!({"content": [{"type": "text", "text": "é".repeat(60_000)}], "structuredContent": {"a": "x".repeat(70_000)}});
        let outcome = done("s", "t", &told, &Secrets::default());
        assert!(outcome.result["text"].as_str().is_some_and(|text| text.len() <= TEXT_BYTES_MAX));
        assert!(outcome.result.get("structured").is_none());
        assert_eq!(outcome.result["left_out"], json!(["text", "structured"]));
        assert!(outcome.detail.contains("too large") && outcome.detail.chars().count() < 300, "{}", outcome.detail);
    }

    #[test]
    fn a_tool_that_says_it_failed_may_have_done_something_unless_it_only_looks() {
        let told = json!({"isError": true, "content": [{"type": "text", "text": "hunter2-hunter2 is no card"}]});
        let secrets = Secrets::new(["hunter2-hunter2".to_owned()]);
        let error = |looks| outcome("s", "t", &told, &secrets, looks).expect_err("it failed");
        assert_eq!(error(false).kind, ActionErrorKind::Unknown);
        assert_eq!(error(true).kind, ActionErrorKind::Fail);
        assert!(error(false).message.ends_with("says that it failed: *** is no card"), "{:?}", error(false));
        let mute = outcome("s", "t", &json!({"isError": true}), &secrets, false).expect_err("it failed");
        assert!(mute.message.contains("no reason"), "{mute:?}");
    }

    #[test]
    fn secrets_are_in_no_part_of_an_answer() {
        let secrets = Secrets::new(["hunter2-hunter2".to_owned(), "12345678".to_owned()]);
        let told = json!({"content": [{"type": "text", "text": "key hunter2-hunter2"}],
            "structuredContent": {"a": ["x hunter2-hunter2"], "hunter2-hunter2": 12_345_678, "n": 123_456_789}});
        let outcome = outcome("s", "t", &told, &secrets, false).expect("an answer");
        let all = format!("{:?} {}", outcome.result, outcome.detail);
        assert!(!all.contains("hunter2"), "{all}");
        assert_eq!(outcome.result["text"], "key ***");
        assert_eq!(outcome.result["structured"], json!({"a": ["x ***"], "***": "***", "n": 123_456_789}));
    }
}
