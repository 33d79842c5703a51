//! How things are said to people: dates in full, names in a row, sentences; and text made safe for
//! templates.

use chrono::{NaiveDate, NaiveTime, Timelike};

use super::entities::Moment;
use super::entities::clock::Part;
use super::entities::when::When;

/// User text as a template that gives exactly this text back: `{{` and its like become literals.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let braces = rest[at..].bytes().take_while(|byte| *byte == b'{').count();
        let mark = rest[at + braces..].chars().next().filter(|c| matches!(c, '%' | '#'));
        let run = braces + usize::from(mark.is_some());
        let special = braces > 1 || mark.is_some() || at + braces == rest.len();
        if special {
            out.push_str("{{ '");
            out.push_str(&rest[at..at + run]);
            out.push_str("' }}");
        } else {
            out.push('{');
        }
        rest = &rest[at + run..];
    }
    out.push_str(rest);
    out
}

/// `Friday, 4 December 2026`.
pub fn date(day: NaiveDate) -> String {
    day.format("%A, %-d %B %Y").to_string()
}

/// `3:00 pm`.
pub fn clock(at: NaiveTime) -> String {
    let (afternoon, hour) = at.hour12();
    format!("{hour}:{:02} {}", at.minute(), if afternoon { "pm" } else { "am" })
}

/// When, so that nobody can mistake it; `None` when it is too vague for that.
pub fn full(when: &When, moment: &Moment) -> Option<String> {
    let zone = moment.now.timezone().name();
    if when.day.is_some_and(|day| day.first.succ_opt() != Some(day.end)) {
        return None;
    }
    let time = if when.time.is_some() || when.instant.is_some() {
        let start = when.start(moment)?;
        Some(match when.end(moment) {
            Some(end) => format!("from {} to {} ({zone})", clock(start.time()), clock(end.time())),
            None => format!("at {} ({zone})", clock(start.time())),
        })
    } else {
        when.part.map(|part| in_part(part).to_owned())
    };
    match (when.has_day(), time) {
        (true, Some(time)) => Some(format!("{} {time}", date(when.date(moment)))),
        (true, None) => Some(date(when.date(moment))),
        (false, time) => time.filter(|_| when.time.is_some()),
    }
}

fn in_part(part: Part) -> &'static str {
    match part {
        Part::Morning => "in the morning",
        Part::Lunch => "at lunchtime",
        Part::Afternoon => "in the afternoon",
        Part::Evening | Part::Night => "in the evening",
    }
}

/// `Bob`, `Bob and Carol`, `Bob, Carol and Dana`.
pub fn row(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// With a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A sentence: capital first, an end mark last.
pub fn sentence(text: &str) -> String {
    let text = capitalised(text.trim());
    if text.ends_with(['.', '!', '?', '…']) { text } else { format!("{text}.") }
}

/// Cut at a word, with an ellipsis, when longer than this.
pub fn shortened(text: &str, chars_max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= chars_max {
        return text;
    }
    let cut: String = text.chars().take(chars_max).collect();
    let kept = cut.rfind(' ').filter(|at| *at > 0).map_or(cut.as_str(), |at| &cut[..at]);
    format!("{}…", kept.trim_end_matches([',', ';', ':']))
}

/// A part of a stage id: lower-case letters, digits and underscores.
pub fn slug(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
        if out.len() >= chars_max {
            break;
        }
    }
    out.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn literals_come_out_as_typed(text in "([{}%# a-c'\"\\-\n]|\\PC){0,40}") {
            // A dot at the end: templates lose a last newline.
            let text = format!("{text}.");
            let env = minijinja::Environment::new();
            proptest::prop_assert_eq!(env.render_str(&literal(&text), ()).expect("a literal renders"), text);
        }
    }

    #[test]
    fn sentences_and_rows() {
        assert_eq!(sentence("the review moved"), "The review moved.");
        assert_eq!(row(&["Bob".into(), "Carol".into(), "Dana".into()]), "Bob, Carol and Dana");
        assert_eq!(shortened("one two three", 9), "one two…");
        assert_eq!(slug("Zoë O'Hara", 20), "zo_o_hara");
    }
}
