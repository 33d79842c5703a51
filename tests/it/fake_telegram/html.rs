//! HTML parse mode, as the server reads it: the text, its entities, and why it is refused.

use serde_json::{Map, Value, json};

/// The tags that Telegram knows.
const TAGS: [&str; 15] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "code",
    "pre",
    "blockquote",
    "tg-spoiler",
    "tg-emoji",
];
/// Most entities of one message; Telegram drops the rest without a word.
const ENTITIES_MAX: usize = 100;

/// A text after parsing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) text: String,
    pub(crate) entities: Vec<Value>,
    /// What Telegram takes, though the rules forbid it.
    pub(crate) sloppy: Vec<String>,
}

/// A tag that is open.
struct Open {
    name: String,
    argument: Option<String>,
    offset: usize,
    byte: usize,
}

/// A finished entity, in UTF-16 units.
struct Span {
    kind: &'static str,
    offset: usize,
    length: usize,
    extra: Option<(&'static str, String)>,
}

struct Parser<'a> {
    raw: &'a [u8],
    at: usize,
    out: Vec<u8>,
    units: usize,
    open: Vec<Open>,
    spans: Vec<Span>,
    sloppy: Vec<String>,
}

/// Text without markup, trimmed as Telegram does.
pub(crate) fn plain(raw: &str) -> Parsed {
    let visible = |c: char| if c.is_ascii_control() && c != '\n' { ' ' } else { c };
    let text: String = raw.chars().filter(|c| *c != '\r').map(visible).collect();
    trim(&text, Vec::new(), Vec::new())
}

/// Parses HTML; the error is Telegram's, without "can't parse entities".
pub(crate) fn parse(raw: &str) -> Result<Parsed, String> {
    let mut parser = Parser {
        raw: raw.as_bytes(),
        at: 0,
        out: Vec::new(),
        units: 0,
        open: Vec::new(),
        spans: Vec::new(),
        sloppy: Vec::new(),
    };
    parser.run()?;
    let text = String::from_utf8(parser.out).map_err(|_| "text must be encoded in UTF-8".to_owned())?;
    if parser.spans.len() > ENTITIES_MAX {
        parser.sloppy.push(format!("{} entities; those after {ENTITIES_MAX} are dropped", parser.spans.len()));
    }
    // Of two over the same text the outer one closes last, and comes first.
    parser.spans.reverse();
    parser.spans.sort_by_key(|span| (span.offset, std::cmp::Reverse(span.length)));
    check_nesting(&parser.spans, &mut parser.sloppy);
    parser.spans.truncate(ENTITIES_MAX);
    Ok(trim(&text, parser.spans, parser.sloppy))
}

/// The length in UTF-16 units.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        self.raw.get(self.at).copied().unwrap_or(0)
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn slice(&self, from: usize) -> String {
        String::from_utf8_lossy(&self.raw[from..self.at]).into_owned()
    }

    fn run(&mut self) -> Result<(), String> {
        while self.at < self.raw.len() {
            match self.peek() {
                b'<' if self.raw.get(self.at + 1) == Some(&b'/') => self.end_tag()?,
                b'<' => self.start_tag()?,
                b'&' => {
                    if let Some(c) = self.character() {
                        self.units += c.len_utf16();
                        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    } else {
                        self.sloppy.push(format!("a bare & at byte offset {}", self.at));
                        self.literal();
                    }
                }
                b'>' => {
                    self.sloppy.push(format!("a bare > at byte offset {}", self.at));
                    self.literal();
                }
                _ => self.literal(),
            }
        }
        match self.open.last() {
            Some(open) => Err(format!("Can't find end tag corresponding to start tag \"{}\"", open.name)),
            None => Ok(()),
        }
    }

    fn literal(&mut self) {
        let byte = self.peek();
        if byte == b'\r' {
            self.at += 1;
            return;
        }
        // Other control characters become spaces.
        let byte = if byte.is_ascii_control() && byte != b'\n' { b' ' } else { byte };
        if byte & 0xc0 != 0x80 {
            self.units += 1 + usize::from(byte >= 0xf0);
        }
        self.out.push(byte);
        self.at += 1;
    }

    /// The character of the reference here, and steps over it; `None` leaves the place as it was.
    fn character(&mut self) -> Option<char> {
        let rest = &self.raw[self.at + 1..];
        let end = rest.iter().take(10).position(|byte| *byte == b';')?;
        let name = std::str::from_utf8(&rest[..end]).ok()?;
        let found = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code).filter(|c| *c != '\0')?
            }
        };
        self.at += end + 2;
        Some(found)
    }

    fn start_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        self.at += 1;
        while !self.peek().is_ascii_whitespace() && self.peek() != b'>' && self.at < self.raw.len() {
            self.at += 1;
        }
        if self.at >= self.raw.len() {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        let name = self.slice(begin + 1).to_ascii_lowercase();
        if !TAGS.contains(&name.as_str()) && name != "span" {
            return Err(format!("Unsupported start tag \"{name}\" at byte offset {begin}"));
        }
        let mut argument = None;
        loop {
            self.skip_spaces();
            if self.peek() == b'>' {
                break;
            }
            let (key, value) = self.attribute(&name, begin)?;
            match (name.as_str(), key.as_str(), value) {
                ("a", "href", Some(value)) | ("tg-emoji", "emoji-id", Some(value)) => argument = Some(value),
                ("code", "class", Some(value)) if value.starts_with("language-") => {
                    argument = Some(value["language-".len()..].to_owned());
                }
                ("span", "class", Some(value)) if value == "tg-spoiler" => argument = Some(value),
                ("blockquote", "expandable", _) => argument = Some(String::new()),
                _ => self.sloppy.push(format!("<{name}> has an attribute {key} that is dropped")),
            }
        }
        if name == "span" && argument.is_none() {
            return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"));
        }
        self.at += 1;
        self.open.push(Open { name, argument, offset: self.units, byte: self.out.len() });
        Ok(())
    }

    fn attribute(&mut self, tag: &str, begin: usize) -> Result<(String, Option<String>), String> {
        let unclosed = || format!("Unclosed start tag \"{tag}\" at byte offset {begin}");
        let from = self.at;
        while self.at < self.raw.len()
            && !matches!(self.peek(), b'=' | b'>' | b'/' | b'"' | b'\'' | b' ' | b'\n' | b'\t')
        {
            self.at += 1;
        }
        let key = self.slice(from);
        if key.is_empty() {
            return Err(if self.at >= self.raw.len() {
                unclosed()
            } else {
                format!("Empty attribute name in the tag \"{tag}\" at byte offset {begin}")
            });
        }
        self.skip_spaces();
        if self.peek() != b'=' {
            return if self.at >= self.raw.len() { Err(unclosed()) } else { Ok((key, None)) };
        }
        self.at += 1;
        self.skip_spaces();
        let quote = self.peek();
        if quote != b'"' && quote != b'\'' {
            let from = self.at;
            while self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'.' | b'-') {
                self.at += 1;
            }
            if !self.peek().is_ascii_whitespace() && self.peek() != b'>' {
                return Err(format!("Unexpected end of name token at byte offset {from}"));
            }
            return Ok((key, Some(self.slice(from).to_ascii_lowercase())));
        }
        self.at += 1;
        let mut value = Vec::new();
        while self.at < self.raw.len() && self.peek() != quote {
            let is_reference = self.peek() == b'&';
            if let Some(c) = is_reference.then(|| self.character()).flatten() {
                value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            if is_reference {
                self.sloppy.push(format!("a bare & at byte offset {}", self.at));
            }
            value.push(self.peek());
            self.at += 1;
        }
        self.at += 1;
        if self.at >= self.raw.len() {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        Ok((key, Some(String::from_utf8_lossy(&value).into_owned())))
    }

    fn end_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let Some(open) = self.open.pop() else {
            return Err(format!("Unexpected end tag at byte offset {begin}"));
        };
        self.at += 2;
        while !self.peek().is_ascii_whitespace() && self.peek() != b'>' && self.at < self.raw.len() {
            self.at += 1;
        }
        let name = self.slice(begin + 2);
        self.skip_spaces();
        if self.peek() != b'>' {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        self.at += 1;
        if !name.is_empty() && name != open.name {
            let expected = open.name;
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{name}>\""
            ));
        }
        if self.units == open.offset {
            // An empty tag leaves nothing behind.
            return Ok(());
        }
        self.close(open);
        Ok(())
    }

    fn close(&mut self, open: Open) {
        let (offset, length) = (open.offset, self.units - open.offset);
        let inner = String::from_utf8_lossy(&self.out[open.byte..]).into_owned();
        let (kind, extra) = match open.name.as_str() {
            "b" | "strong" => ("bold", None),
            "i" | "em" => ("italic", None),
            "u" | "ins" => ("underline", None),
            "s" | "strike" | "del" => ("strikethrough", None),
            "span" | "tg-spoiler" => ("spoiler", None),
            "blockquote" if open.argument.is_some() => ("expandable_blockquote", None),
            "blockquote" => ("blockquote", None),
            "code" => ("code", open.argument.map(|language| ("language", language))),
            "pre" => {
                let same = |span: &Span| span.kind == "code" && span.offset == offset && span.length == length;
                let code = self.spans.pop_if(|span| same(span));
                ("pre", code.and_then(|span| span.extra))
            }
            "tg-emoji" => match open.argument.filter(|id| id.parse::<u64>().is_ok()) {
                Some(id) => ("custom_emoji", Some(("custom_emoji_id", id))),
                None => return self.sloppy.push("<tg-emoji> without a valid emoji-id is dropped".to_owned()),
            },
            _ => {
                let link = open.argument.filter(|link| !link.is_empty()).unwrap_or(inner);
                match url::Url::parse(&link) {
                    Ok(url) if super::markup::link_is_valid(&url) => ("text_link", Some(("url", url.to_string()))),
                    _ => return self.sloppy.push(format!("the link \"{link}\" is not valid and is dropped")),
                }
            }
        };
        self.spans.push(Span { kind, offset, length, extra });
    }
}

/// Code, pre and quotes hold less than other entities; Telegram drops what they may not hold.
fn check_nesting(spans: &[Span], sloppy: &mut Vec<String>) {
    let quote = |span: &Span| span.kind.ends_with("blockquote");
    for (n, outer) in spans.iter().enumerate() {
        let end = outer.offset + outer.length;
        for inner in spans[n + 1..].iter().take_while(|inner| inner.offset < end) {
            let is_code = |span: &Span| matches!(span.kind, "code" | "pre");
            if is_code(outer) || (is_code(inner) && !quote(outer)) || (quote(outer) && quote(inner)) {
                sloppy.push(format!("{} inside {} is not kept", inner.kind, outer.kind));
            }
        }
    }
}

/// Cuts the white space at both ends, and the entities with it.
fn trim(text: &str, spans: Vec<Span>, sloppy: Vec<String>) -> Parsed {
    let kept = text.trim_end();
    let first = spans.first().map_or(usize::MAX, |span| span.offset);
    let cut = kept.chars().take_while(|c| matches!(c, ' ' | '\n')).count().min(first);
    let kept = &kept[cut..];
    let total = units(kept);
    let entities = spans
        .into_iter()
        .filter_map(|span| {
            let offset = span.offset - cut;
            let length = span.length.min(total.saturating_sub(offset));
            (length > 0).then(|| {
                let mut entity = Map::new();
                entity.insert("type".to_owned(), json!(span.kind));
                entity.insert("offset".to_owned(), json!(offset));
                entity.insert("length".to_owned(), json!(length));
                if let Some((key, value)) = span.extra.filter(|_| span.kind != "code") {
                    entity.insert(key.to_owned(), json!(value));
                }
                Value::Object(entity)
            })
        })
        .collect();
    Parsed { text: kept.to_owned(), entities, sloppy }
}

/// The entities that Telegram finds in what a person writes: commands and mentions.
pub(crate) fn found_entities(text: &str) -> Vec<Value> {
    let mut entities = Vec::new();
    let mut before = ' ';
    let mut rest = text;
    let mut offset = 0;
    while let Some(c) = rest.chars().next() {
        let starts = !(before.is_alphanumeric() || matches!(before, '_' | '/' | '@' | '<' | '>'));
        let length = match c {
            '/' if starts => command_length(rest),
            '@' if starts => mention_length(rest),
            _ => 0,
        };
        if length > 0 {
            let kind = if c == '/' { "bot_command" } else { "mention" };
            entities.push(json!({"type": kind, "offset": offset, "length": length}));
        }
        // A command or mention is ASCII, so its length is the same in bytes and in units.
        let step = if length > 0 { length } else { c.len_utf8() };
        offset += units(&rest[..step]);
        before = rest[..step].chars().next_back().unwrap_or(' ');
        rest = &rest[step..];
    }
    entities
}

fn word_length(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// `/name` or `/name@bot`, at most 64 characters of name.
fn command_length(text: &str) -> usize {
    let name = word_length(&text[1..]);
    if name == 0 || name > 64 {
        return 0;
    }
    let after = &text[1 + name..];
    if after.starts_with('@') && word_length(&after[1..]) >= 3 {
        return 1 + name + 1 + word_length(&after[1..]);
    }
    if after.starts_with(|c: char| c == '/' || c.is_alphanumeric()) { 0 } else { 1 + name }
}

/// `@name`, 3 to 32 characters.
fn mention_length(text: &str) -> usize {
    let name = word_length(&text[1..]);
    let whole = !text[1 + name..].starts_with(char::is_alphanumeric);
    if (3..=32).contains(&name) && whole { 1 + name } else { 0 }
}
