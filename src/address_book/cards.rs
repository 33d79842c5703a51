//! Cuts a file into cards, each no larger than can be read safely.
//!
//! Lines that nobody reads (pictures, notes, streets) are left out on the way, so that what is left
//! of a card is small whatever it holds.

use std::iter::Enumerate;
use std::slice::Split;

/// Largest card without what is left out, in bytes.
pub(super) const CARD_BYTES_MAX: usize = 64 << 10;

/// Properties that are read; others are left out with all their lines.
const READ: &[&str] = &[
    "VERSION",
    "KIND",
    "UID",
    "FN",
    "N",
    "NICKNAME",
    "ORG",
    "EMAIL",
    "TEL",
    "CATEGORIES",
    "RELATED",
    "MEMBER",
    "X-ABLABEL",
    "X-ABRELATEDNAMES",
    "X-ADDRESSBOOKSERVER-KIND",
    "X-ADDRESSBOOKSERVER-MEMBER",
];

/// One card of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// The line it begins at, from 1.
    pub(super) line: usize,
    /// Its lines that are read.
    pub(super) bytes: Vec<u8>,
    /// Whether its end is there.
    pub(super) ended: bool,
    /// Whether more than [`CARD_BYTES_MAX`] would be read of it.
    pub(super) too_large: bool,
}

impl Card {
    fn push(&mut self, line: &[u8]) {
        if self.bytes.len() + line.len() > CARD_BYTES_MAX {
            self.too_large = true;
            return;
        }
        self.bytes.extend_from_slice(line);
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// The lines of a file.
type Lines<'f> = Split<'f, u8, fn(&u8) -> bool>;

/// The cards of a file, one after the other.
pub(super) struct Cards<'f> {
    lines: Enumerate<Lines<'f>>,
    /// A card whose first line was read when the one before had no end.
    begun: Option<usize>,
}

/// What is known of the property that lines belong to.
#[derive(Default)]
struct Property {
    fate: Fate,
    text: Text,
}

/// What becomes of a property.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is left out.
    #[default]
    Left,
    /// It is read.
    Read,
    /// It announces a card inside the card (vCard 2.1), which is left out.
    Agent,
}

/// How a property's text goes on.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// On a line that begins with a blank.
    #[default]
    Folded,
    /// Quoted-printable: also behind a `=` at the end of a line, which the last line had not.
    Quoted,
    /// Quoted-printable, and the last line had one.
    Open,
}

impl Text {
    fn after(self, line: &[u8]) -> Self {
        match self {
            Self::Folded => Self::Folded,
            Self::Quoted | Self::Open if line.ends_with(b"=") => Self::Open,
            Self::Quoted | Self::Open => Self::Quoted,
        }
    }
}

impl<'f> Cards<'f> {
    pub(super) fn of(file: &'f [u8]) -> Self {
        let is_end: fn(&u8) -> bool = |byte| *byte == b'\n';
        Self { lines: file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).split(is_end).enumerate(), begun: None }
    }
}

impl Iterator for Cards<'_> {
    type Item = Card;

    fn next(&mut self) -> Option<Card> {
        let mut card = self.begun.take().map(fresh);
        let mut property = Property::default();
        let mut inner = 0_usize;
        for (n, line) in self.lines.by_ref() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(open) = card.as_mut() else {
                if is(line, "BEGIN:VCARD") {
                    card = Some(fresh(n + 1));
                }
                continue;
            };
            // A last soft line break must not swallow the end.
            let ends = is(line, "END:VCARD");
            if !ends && (property.text == Text::Open || line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))) {
                if property.fate == Fate::Read {
                    open.push(line);
                }
                property.text = property.text.after(line);
            } else if ends {
                property = Property::default();
                if inner == 0 {
                    open.ended = true;
                    return card;
                }
                inner -= 1;
            } else if is(line, "BEGIN:VCARD") {
                if inner == 0 && property.fate != Fate::Agent {
                    self.begun = Some(n + 1);
                    return card;
                }
                inner += 1;
            } else if inner == 0
                && let Some(found) = property_of(line)
            {
                property = found;
                if property.fate == Fate::Read {
                    open.push(line);
                }
            }
        }
        card
    }
}

fn fresh(line: usize) -> Card {
    Card { line, bytes: Vec::new(), ended: false, too_large: false }
}

fn is(line: &[u8], wanted: &str) -> bool {
    line.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
}

/// What a line begins; `None` for one that begins nothing, like a line of a picture.
fn property_of(line: &[u8]) -> Option<Property> {
    let end = line.iter().position(|byte| matches!(byte, b':' | b';'))?;
    let name = std::str::from_utf8(&line[..end]).ok()?.trim();
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return None;
    }
    let head = &line[..line.iter().position(|byte| *byte == b':').unwrap_or(line.len())];
    let quoted = head.to_ascii_uppercase().windows(16).any(|part| part == b"QUOTED-PRINTABLE");
    let fate = match name.to_ascii_uppercase().as_str() {
        "AGENT" => Fate::Agent,
        name if READ.contains(&name) => Fate::Read,
        _ => Fate::Left,
    };
    Some(Property { fate, text: if quoted { Text::Quoted.after(line) } else { Text::Folded } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(file: &str) -> Vec<(usize, String, bool)> {
        Cards::of(file.as_bytes())
            .map(|card| (card.line, String::from_utf8_lossy(&card.bytes).replace("\r\n", "|"), card.ended))
            .collect()
    }

    #[test]
    fn only_what_is_read_is_kept() {
        let file = "\u{feff}BEGIN:VCARD\r\nVERSION:2.1\r\nFN:A\r\n  B\r\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n\
            SkZJ+Rg=\r\n\r\nitem1.EMAIL:a@b.org\r\nNOTE;ENCODING=QUOTED-PRINTABLE:x=\r\nFN:not a name=\r\nEND:VCARD\r\n\
            TEL:1\r\nEND:VCARD\r\n";
        assert_eq!(cut(file), [(1, "VERSION:2.1|FN:A|  B|item1.EMAIL:a@b.org|".to_owned(), true)]);
    }

    #[test]
    fn a_card_in_a_card_is_left_out() {
        let file = "BEGIN:VCARD\nFN:A\nAGENT:\nBEGIN:VCARD\nFN:Inner\nEND:VCARD\nTEL:1\nEND:VCARD\n";
        assert_eq!(cut(file), [(1, "FN:A|TEL:1|".to_owned(), true)]);
    }

    #[test]
    fn a_card_without_end_is_told_from_the_next() {
        let file = "junk\nBEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\nBEGIN:VCARD\nFN:C";
        let wanted = [(2, "FN:A|".to_owned(), false), (4, "FN:B|".to_owned(), true), (7, "FN:C|".to_owned(), false)];
        assert_eq!(cut(file), wanted);
    }

    #[test]
    fn a_large_card_is_told_and_not_kept() {
        let file = format!("BEGIN:VCARD\nFN:A\n{}END:VCARD\n", " aaaaaaa\n".repeat(200_000));
        let card = Cards::of(file.as_bytes()).next().expect("a card");
        assert!(card.too_large && card.bytes.len() <= CARD_BYTES_MAX);
        let file = format!("BEGIN:VCARD\nFN:A\nPHOTO:\n{}END:VCARD\n", " aaaaaaa\n".repeat(200_000));
        let card = Cards::of(file.as_bytes()).next().expect("a card");
        assert!(!card.too_large && card.ended, "a picture counts for nothing");
    }
}
