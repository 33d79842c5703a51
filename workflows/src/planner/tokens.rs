//! Cuts a text into tokens with byte spans. Total on any input, and linear in its length.

/// Longest local part of a mail address (RFC 5321, section 4.5.3.1.1); bounds the look-ahead.
const LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest domain (RFC 1035, section 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Letters, with inner apostrophes: `what's`.
    Word,
    /// ASCII digits only; separators are tokens of their own.
    Number,
    /// One other character.
    Punct,
    /// A text in double quotes; `text` is without them.
    Quoted,
    /// A mail address.
    Address,
    /// A web address.
    Url,
}

/// One token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As written.
    pub text: &'a str,
    /// As written, in lower case and with straight apostrophes: what is compared.
    pub lower: String,
    /// First byte in the whole text, quotes included.
    pub start: usize,
    /// Past the last byte.
    pub end: usize,
    /// Whether no space is before it.
    pub glued: bool,
}

impl Token<'_> {
    /// Whether it is this word or mark, given in lower case.
    pub fn is(&self, what: &str) -> bool {
        self.kind != Kind::Quoted && self.lower == what
    }

    /// Whether it is one of these words or marks.
    pub fn is_any(&self, what: &[&str]) -> bool {
        what.iter().any(|one| self.is(one))
    }
}

/// Cuts a text into tokens.
pub fn tokenize(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut glued = false;
    let mut unclosed = Vec::new();
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() || is_invisible(first) {
            at += first.len_utf8();
            glued = false;
            continue;
        }
        let (kind, length) = measure(&text[at..], first, &mut unclosed);
        let end = at + length;
        let shown = if kind == Kind::Quoted { inside_quotes(&text[at..end], first) } else { &text[at..end] };
        tokens.push(Token {
            kind,
            text: shown,
            lower: shown.to_lowercase().replace(['\u{2019}', '\u{2018}'], "'"),
            start: at,
            end,
            glued,
        });
        at = end;
        glued = true;
    }
    tokens
}

/// Zero-width characters carry no meaning here, and must not hide a word.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}')
}

fn measure(rest: &str, first: char, unclosed: &mut Vec<char>) -> (Kind, usize) {
    if let Some(length) = url(rest) {
        return (Kind::Url, length);
    }
    if first.is_alphanumeric()
        && let Some(length) = address(rest)
    {
        return (Kind::Address, length);
    }
    if first.is_ascii_digit() {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        return (Kind::Number, length);
    }
    if first.is_alphabetic() {
        return (Kind::Word, word(rest));
    }
    if let Some(length) = quoted(rest, first, unclosed) {
        return (Kind::Quoted, length);
    }
    (Kind::Punct, first.len_utf8())
}

fn word(rest: &str) -> usize {
    let mut length = 0;
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let apostrophe = matches!(c, '\'' | '\u{2019}') && chars.peek().is_some_and(|next| next.is_alphabetic());
        let mark = matches!(c, '\u{300}'..='\u{36f}');
        if !(c.is_alphabetic() || apostrophe || mark || (c.is_numeric() && !c.is_ascii_digit())) {
            break;
        }
        length += c.len_utf8();
    }
    length
}

fn closer(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '\u{201c}' | '\u{201e}' => Some('\u{201d}'),
        '\u{ab}' => Some('\u{bb}'),
        _ => None,
    }
}

/// `unclosed` remembers which openings have no end any more, so that none is looked for twice.
fn quoted(rest: &str, first: char, unclosed: &mut Vec<char>) -> Option<usize> {
    let close = closer(first)?;
    if unclosed.contains(&close) {
        return None;
    }
    let body = &rest[first.len_utf8()..];
    let Some(length) = body.find(close) else {
        unclosed.push(close);
        return None;
    };
    (!body[..length].trim().is_empty()).then_some(first.len_utf8() + length + close.len_utf8())
}

fn inside_quotes(whole: &str, first: char) -> &str {
    let close = closer(first).map_or(0, char::len_utf8);
    &whole[first.len_utf8()..whole.len() - close]
}

fn url(rest: &str) -> Option<usize> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let whole = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let kept = rest[..whole].trim_end_matches(['.', ',', ';', '!', '?', ')', '"', '\'', ':']).len();
    (kept > scheme.len()).then_some(kept)
}

fn address(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let local = bytes
        .iter()
        .take(LOCAL_PART_BYTES_MAX + 1)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\''))
        .count();
    if local == 0 || local > LOCAL_PART_BYTES_MAX || bytes.get(local) != Some(&b'@') || bytes[local - 1] == b'.' {
        return None;
    }
    let domain = bytes[local + 1..]
        .iter()
        .take(DOMAIN_BYTES_MAX)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        .count();
    let domain = rest[local + 1..local + 1 + domain].trim_end_matches(['.', '-']);
    let sound = !domain.is_empty() && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    sound.then_some(local + 1 + domain.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(Kind, String)> {
        tokenize(text).into_iter().map(|t| (t.kind, t.text.to_owned())).collect()
    }

    #[test]
    fn addresses_urls_and_quotes_are_one_token_each() {
        let tokens = cut("mail bob.x+1@example.org: see https://a.example/x?y=1. “Budget review”");
        assert_eq!(tokens[1], (Kind::Address, "bob.x+1@example.org".to_owned()));
        assert_eq!(tokens[4], (Kind::Url, "https://a.example/x?y=1".to_owned()));
        assert_eq!(tokens[6], (Kind::Quoted, "Budget review".to_owned()));
    }

    #[test]
    fn numbers_and_their_units_are_apart_but_glued() {
        let tokens = tokenize("3pm 15:00");
        assert_eq!(tokens.iter().map(|t| t.text).collect::<Vec<_>>(), ["3", "pm", "15", ":", "00"]);
        assert!(tokens[1].glued && !tokens[2].glued);
    }

    #[test]
    fn spans_give_back_the_text() {
        let text = "Ünïcode \"quo ted\" — what’s up? 👍 a@b.c";
        for token in tokenize(text) {
            assert!(text[token.start..token.end].contains(token.text));
        }
    }

    #[test]
    fn hostile_lengths_stay_quick() {
        for part in ["a.", "\u{201c}", "\"", "a@", "1,", "http://"] {
            assert!(!tokenize(&part.repeat(10_000)).is_empty());
        }
    }
}
