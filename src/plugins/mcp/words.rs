//! Foreign words, made fit to be shown: bounded, on one line, without control characters.

use serde_json::Value;

/// A text as one line of at most so many characters; what it says is never followed.
pub(super) fn line(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut spaced = true;
    let mut chars = text.chars().filter(|c| !is_hidden(*c));
    for c in chars.by_ref() {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if c == ' ' && spaced {
            continue;
        }
        spaced = c == ' ';
        if out.chars().count() + 1 >= chars_max {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// Characters that change how the rest is read without being seen: bidirectional controls, zero
/// width, tags, variation selectors.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// A text cut to at most so many bytes, and whether it was.
pub(super) fn cut(text: &str, bytes_max: usize) -> (&str, bool) {
    if text.len() <= bytes_max {
        return (text, false);
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (&text[..end], true)
}

/// Takes secrets out of words that are logged or told.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

/// Shorter values are no secrets, and taking them out would leave nothing readable.
const SECRET_CHARS_MIN: usize = 6;

impl Secrets {
    /// These are not to be shown.
    pub(super) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut kept: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SECRET_CHARS_MIN).collect();
        kept.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(kept)
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
        })
    }

    /// The value without them, in the names of its fields either.
    pub(super) fn hide_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(text)),
            // A number is a secret only as a whole.
            Value::Number(number) if self.0.contains(&number.to_string()) => Value::from("***"),
            Value::Array(items) => items.iter().map(|item| self.hide_all(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (self.hide(name), self.hide_all(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_control_and_no_hidden_characters_and_an_end() {
        assert_eq!(line("a\n\n\tb\u{1b}[31m c\u{202e}d\u{200b}e", 40), "a b [31m cde");
        assert_eq!(line("abcdefgh", 5), "abcd…");
        assert_eq!(line("", 5), "");
    }

    #[test]
    fn a_cut_keeps_whole_characters() {
        assert_eq!(cut("aéb", 2), ("a", true));
        assert_eq!(cut("aé", 3), ("aé", false));
    }

    #[test]
    fn secrets_are_taken_out_the_longest_first() {
        let secrets = Secrets::new(["secret".to_owned(), "secret-long".to_owned(), "1".to_owned()]);
        assert_eq!(secrets.hide("a secret-long and secret 1"), "a *** and *** 1");
    }
}
