//! Content lines (RFC 5545, 3.1): folding, names, parameters, text values.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Octets of a written line before it is folded.
const FOLD_OCTETS: usize = 75;

/// One line, unfolded: `NAME;PARAM=VALUE:VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name with its parameters, as it is written.
    head: String,
    /// What is after the colon, as it is written; `None` = a line without a colon, kept as it is.
    value: Option<String>,
}

impl Line {
    /// A line of a name without parameters, with a value that is written as it is.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { head: name.to_owned(), value: Some(value.into()) }
    }

    /// A line of a text.
    pub fn text(name: &str, text: &str) -> Self {
        Self::new(name, escaped(text))
    }

    /// Reads an unfolded line.
    pub fn read(line: &str) -> Self {
        let mut quoted = false;
        let colon = line.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b':' && !quoted
        });
        // A quote that is never closed hides the colon: the first one is taken then.
        match colon.or_else(|| line.find(':')) {
            Some(at) => Self { head: line[..at].to_owned(), value: Some(line[at + 1..].to_owned()) },
            None => Self { head: line.to_owned(), value: None },
        }
    }

    /// The name, as it is written.
    pub fn name(&self) -> &str {
        self.head.split(';').next().unwrap_or_default()
    }

    /// Whether it has this name; names have no case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The value, as it is written.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    /// The value as a text.
    pub fn as_text(&self) -> String {
        unescaped(self.value())
    }

    /// A parameter's value, without quotes.
    pub fn param(&self, name: &str) -> Option<&str> {
        params(&self.head).find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_matches('"'))
    }

    /// With another value; the parameters stay.
    pub fn set_value(&mut self, value: impl Into<String>) {
        self.value = Some(value.into());
    }

    /// With this parameter, in the place of one of that name. A value that cannot be written as one
    /// loses what stands in the way.
    pub fn set_param(&mut self, name: &str, value: &str) {
        self.drop_param(name);
        let clean: String = value.chars().filter(|c| *c != '"' && !c.is_control()).collect();
        let quote = if clean.contains([':', ';', ',']) { "\"" } else { "" };
        // Writing to a String cannot fail.
        let _infallible = write!(self.head, ";{name}={quote}{clean}{quote}");
    }

    /// With this parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set_param(name, value);
        self
    }

    /// Without that parameter.
    pub fn drop_param(&mut self, name: &str) {
        let kept: Vec<&str> = pieces(&self.head)
            .enumerate()
            .filter(|(at, piece)| {
                *at == 0 || !piece.split('=').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
            })
            .map(|(_, piece)| piece)
            .collect();
        self.head = kept.join(";");
    }

    /// Writes it, folded.
    pub fn write(&self, out: &mut String) {
        let whole = match &self.value {
            Some(value) => Cow::Owned(format!("{}:{value}", self.head)),
            None => Cow::Borrowed(self.head.as_str()),
        };
        let mut octets = 0;
        for letter in whole.chars() {
            if octets + letter.len_utf8() > FOLD_OCTETS {
                out.push_str("\r\n ");
                octets = 1;
            }
            out.push(letter);
            octets += letter.len_utf8();
        }
        out.push_str("\r\n");
    }
}

/// A head in its pieces between semicolons that are not quoted.
fn pieces(head: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    head.split(move |letter| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    })
}

fn params(head: &str) -> impl Iterator<Item = (&str, &str)> {
    pieces(head).skip(1).filter_map(|piece| piece.split_once('='))
}

/// A text as it is written in a value (RFC 5545, 3.3.11).
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\\' | ';' | ',' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            // Other control characters cannot be written at all.
            letter if letter.is_control() && letter != '\t' => {}
            letter => out.push(letter),
        }
    }
    out
}

/// A text as it was before it was written.
pub fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (letter, false) => out.push(letter),
        }
    }
    out
}

/// A list of values between commas that are not escaped.
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    value.split(move |letter| {
        let splits = letter == ',' && !escaped;
        escaped = letter == '\\' && !escaped;
        splits
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_its_name_its_parameters_and_its_value() {
        let line = Line::read(r#"ATTENDEE;CN="Doe; Jane: PhD";rsvp=TRUE:mailto:jane@example.org"#);
        assert!(line.is("attendee"));
        assert_eq!(line.param("cn"), Some("Doe; Jane: PhD"));
        assert_eq!(line.param("RSVP"), Some("TRUE"));
        assert_eq!(line.param("ROLE"), None);
        assert_eq!(line.value(), "mailto:jane@example.org");
    }

    #[test]
    fn a_parameter_is_put_in_the_place_of_the_old_one_and_cannot_begin_another() {
        let mut line = Line::read("ATTENDEE;PARTSTAT=ACCEPTED;X-A=\"a;b\":mailto:a@b");
        line.set_param("partstat", "DECLINED");
        line.set_param("CN", "Eve\";X-B=1:evil\r\nATTENDEE:mailto:x@y");
        let mut out = String::new();
        line.write(&mut out);
        let unfolded = out.replace("\r\n ", "");
        assert_eq!(
            unfolded,
            "ATTENDEE;X-A=\"a;b\";partstat=DECLINED;CN=\"Eve;X-B=1:evilATTENDEE:mailto:x@y\":mailto:a@b\r\n"
        );
    }

    #[test]
    fn a_text_comes_back_as_it_was() {
        for (text, written) in [
            ("a, b; c\\d", "a\\, b\\; c\\\\d"),
            ("one\ntwo\r\nthree", "one\\ntwo\\nthree"),
            ("BEGIN:VEVENT", "BEGIN:VEVENT"),
            ("bell\u{7}", "bell"),
        ] {
            assert_eq!(escaped(text), written);
        }
        assert_eq!(unescaped("a\\, b\\Nc\\;\\\\n\\"), "a, b\nc;\\n\\");
        assert_eq!(list("a\\,b,c\\\\,d").collect::<Vec<_>>(), ["a\\,b", "c\\\\", "d"]);
    }

    #[test]
    fn a_line_without_a_colon_is_kept() {
        let mut out = String::new();
        Line::read("just words").write(&mut out);
        assert_eq!(out, "just words\r\n");
        assert_eq!(Line::read("X;A=\"open:1").value(), "1");
    }

    proptest! {
        #[test]
        fn folded_lines_are_at_most_75_octets_and_unfold_to_what_they_were(text in "\\PC{0,400}") {
            let line = Line::text("SUMMARY", &text);
            let mut out = String::new();
            line.write(&mut out);
            prop_assert!(out.split("\r\n").all(|part| part.len() <= FOLD_OCTETS));
            let whole = out.replace("\r\n ", "");
            prop_assert_eq!(Line::read(whole.trim_end_matches("\r\n")).as_text(), text);
        }
    }
}
