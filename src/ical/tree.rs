//! Components (RFC 5545, 3.4 to 3.6): lines and components in components.

use super::Unreadable;
use super::line::Line;

/// Largest text read, in bytes.
pub const TEXT_BYTES_MAX: usize = 8 << 20;
/// Most lines read, folded ones counted once.
const LINES_MAX: usize = 200_000;
/// Deepest component; a calendar with an event with an alarm is 3.
const DEPTH_MAX: usize = 8;

/// A component: an event, a calendar, an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, as it is written.
    pub name: String,
    /// Its own lines, in their order.
    pub lines: Vec<Line>,
    /// What is in it.
    pub children: Vec<Component>,
}

impl Component {
    /// An empty one.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), lines: Vec::new(), children: Vec::new() }
    }

    /// Whether it has this name; names have no case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its first line of that name.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.is(name))
    }

    /// Its lines of that name.
    pub fn lines_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.is(name))
    }

    /// The value of its first line of that name, as it is written.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.line(name).map(Line::value)
    }

    /// The text of its first line of that name; `None` when it is blank.
    pub fn text(&self, name: &str) -> Option<String> {
        self.line(name).map(Line::as_text).filter(|text| !text.trim().is_empty())
    }

    /// Adds a line.
    pub fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Puts a line in the place of the first of its name, and takes the others of it away.
    pub fn set(&mut self, line: Line) {
        let name = line.name().to_owned();
        match self.lines.iter().position(|old| old.is(&name)) {
            Some(at) => {
                self.lines[at] = line;
                let mut index = 0;
                self.lines.retain(|old| {
                    index += 1;
                    index - 1 <= at || !old.is(&name)
                });
            }
            None => self.lines.push(line),
        }
    }

    /// Takes every line of that name away.
    pub fn remove(&mut self, name: &str) {
        self.lines.retain(|line| !line.is(name));
    }

    /// Writes it.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    // The depth is bounded where components are read, and small where we make them.
    fn write_to(&self, out: &mut String) {
        Line::new("BEGIN", self.name.as_str()).write(out);
        self.lines.iter().for_each(|line| line.write(out));
        self.children.iter().for_each(|child| child.write_to(out));
        Line::new("END", self.name.as_str()).write(out);
    }
}

/// Lines with their folds undone, by any kind of line end; empty ones left out.
fn unfold(text: &str) -> Result<Vec<String>, Unreadable> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(['\n', '\r']) {
        let is_full = lines.len() == LINES_MAX;
        match (part.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(line)) => line.push_str(rest),
            _ if part.is_empty() => {}
            _ if is_full => return Err(Unreadable::TooLarge),
            _ => lines.push(part.to_owned()),
        }
    }
    Ok(lines)
}

/// Reads the calendars of a text; what is before, between and after them is passed over.
///
/// # Errors
/// When it is too large, too deep, torn, or holds none.
pub fn read(text: &str) -> Result<Vec<Component>, Unreadable> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let (mut open, mut whole): (Vec<Component>, Vec<Component>) = (Vec::new(), Vec::new());
    let lines = unfold(text.trim_start_matches('\u{feff}'))?;
    for (at, line) in lines.iter().enumerate() {
        let line = Line::read(line.trim_end());
        if line.is("BEGIN") {
            if open.len() == DEPTH_MAX {
                return Err(Unreadable::TooDeep);
            }
            open.push(Component::new(line.value().trim()));
        } else if line.is("END") {
            let ended = open.pop().filter(|ended| ended.is(line.value().trim())).ok_or(Unreadable::Torn(at + 1))?;
            match open.last_mut() {
                Some(parent) => parent.children.push(ended),
                None => whole.push(ended),
            }
        } else if let Some(component) = open.last_mut() {
            component.lines.push(line);
        }
    }
    if !open.is_empty() {
        return Err(Unreadable::Torn(lines.len()));
    }
    whole.retain(|component| component.is("VCALENDAR"));
    if whole.is_empty() { Err(Unreadable::Nothing) } else { Ok(whole) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const FOREIGN: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Work\r\nBEGIN:VEVENT\r\nUID:1\r\n\
        X-MOZ-LASTACK;X-P=\"a:b\":20260101T000000Z\r\nSUMMARY:A long summary that is folded right here and goes on for\r\n \x20a while\r\n\
        BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let read_once = read(FOREIGN).expect("a calendar");
        let unfolded = |text: &str| text.replace("\r\n ", "");
        assert_eq!(unfolded(&read_once[0].write()), unfolded(FOREIGN));
        let event = &read_once[0].children[0];
        assert_eq!(
            event.text("summary").as_deref(),
            Some("A long summary that is folded right here and goes on for a while")
        );
        assert_eq!(event.children[0].value("TRIGGER"), Some("-PT15M"));
    }

    #[test]
    fn every_kind_of_line_end_is_read() {
        let expected = read(FOREIGN);
        for end in ["\n", "\r", "\r\n\r\n"] {
            assert_eq!(read(&FOREIGN.replace("\r\n", end)).map(|all| all.len()), Ok(1), "{end:?}");
        }
        assert_eq!(read(&format!("\u{feff}{}", FOREIGN.replace("\r\n", "\n"))), expected);
    }

    #[test]
    fn torn_and_nested_texts_are_refused_and_nothing_panics() {
        for (text, why) in [
            ("", Unreadable::Nothing),
            ("BEGIN:", Unreadable::Torn(1)),
            ("<html>not found</html>", Unreadable::Nothing),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", Unreadable::Torn(3)),
            ("BEGIN:VCALENDAR\nSUMMARY:x", Unreadable::Torn(2)),
            ("END:VCALENDAR", Unreadable::Torn(1)),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
        assert_eq!(read(&"BEGIN:VEVENT\n".repeat(100_000)), Err(Unreadable::TooDeep));
        assert_eq!(read(&"X:1\n".repeat(LINES_MAX + 1)), Err(Unreadable::TooLarge));
        assert_eq!(read(&"x".repeat(TEXT_BYTES_MAX + 1)), Err(Unreadable::TooLarge));
    }

    #[test]
    fn as_many_folds_as_fit_into_a_text_are_read_in_no_time() {
        let mut text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDESCRIPTION:a".to_owned();
        // Fewer are joined in time even by what copies the line at each of them.
        while text.len() < TEXT_BYTES_MAX - 100 {
            let _infallible = write!(text, "\r\n b");
        }
        text.push_str("\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        let begun = std::time::Instant::now();
        let read = read(&text).expect("a calendar");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(read[0].children[0].value("DESCRIPTION").is_some_and(|value| value.len() > TEXT_BYTES_MAX / 5));
    }

    #[test]
    fn setting_a_line_leaves_one_of_its_name_in_its_place() {
        let mut event = read(FOREIGN).expect("a calendar")[0].children[0].clone();
        event.push(Line::new("summary", "another"));
        event.set(Line::text("SUMMARY", "New"));
        assert_eq!(event.lines_of("SUMMARY").count(), 1);
        assert_eq!(event.lines[2].value(), "New");
        event.remove("Summary");
        assert_eq!(event.lines.len(), 2);
    }
}
