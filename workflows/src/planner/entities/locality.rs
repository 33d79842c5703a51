//! Where to look: `near Panjim`, `in Goa, India`, `within 2 km of Alexanderplatz`, `near me`, `at Luigi's`.
//!
//! Names may be in small letters: `near panjim`. They end before a time, a count of people, a price
//! or a word of grammar.

use super::{Moment, Read, Tokens, any_phrase, headcount, is, is_any, limit, number, when};
use crate::planner::tokens::{Kind, Token};

/// A place that was named, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// `in Goa`, `within 2 km of Goa`: as a search takes it.
    Near(String),
    /// `at Luigi's`: the place itself, or where it is.
    At(String),
    /// `near me`: where that is, is not known.
    Here,
}

/// Words of the longest name.
const NAME_WORDS_MAX: usize = 9;
/// Longest name, in characters; searches take no longer ones.
const NAME_CHARS_MAX: usize = 100;
const HERE: &[&str] =
    &["near me", "near us", "near here", "around here", "around me", "close to me", "nearby me", "close to us"];
const AROUND: &[&str] = &[
    "in the state of",
    "in the city of",
    "in the area of",
    "in the vicinity of",
    "within the same area of",
    "within walking distance of",
    "within walking distance from",
    "in and around",
    "somewhere in",
    "somewhere near",
    "not far from",
    "next to",
    "close by to",
    "close by",
    "close - by",
    "close to",
    "near to",
    "near",
    "nearby",
    "around",
    "in",
];
const UNITS: &[&str] = &[
    "km",
    "kms",
    "kilometres",
    "kilometers",
    "kilometre",
    "kilometer",
    "m",
    "metres",
    "meters",
    "miles",
    "mile",
    "mi",
];
/// Words that are in no name, and end one.
const STOPS: &[&str] = &[
    "a",
    "an",
    "from",
    "for",
    "on",
    "at",
    "with",
    "within",
    "under",
    "below",
    "between",
    "until",
    "till",
    "that",
    "which",
    "who",
    "whose",
    "next",
    "this",
    "tomorrow",
    "today",
    "tonight",
    "in",
    "near",
    "nearby",
    "around",
    "by",
    "budget",
    "max",
    "maximum",
    "up",
    "please",
    "to",
    "is",
    "it",
    "it's",
    "i",
    "me",
    "we",
    "us",
    "my",
    "our",
    "if",
    "whether",
    "and",
    "or",
    "then",
    "as",
    "far",
    "close",
    "somewhere",
    "returning",
    "leaving",
    "departing",
    "arriving",
    "checking",
    "check",
    "staying",
    "because",
    "now",
    "not",
    "so",
    "but",
    "per",
    "all",
    "total",
    "advance",
    "person",
    "case",
    "cash",
    "general",
    "about",
    "what",
    "where",
    "when",
    "there",
    "here",
    "be",
    "are",
    "have",
    "book",
    "of",
    "the",
    "one",
    "way",
    "round",
    "via",
    "less",
    "cheaper",
    "saying",
    "asap",
];
/// Words that may be inside a name, before a capital letter.
const INNER: &[&str] =
    &["of the", "on the", "in the", "of", "on", "de la", "de", "del", "da", "do", "am", "an der", "and", "the"];

/// A place with the words before it.
pub fn spot(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Spot> {
    if let Some(next) = any_phrase(tokens, at, HERE) {
        return Some((Spot::Here, next));
    }
    if let Some((distance, of)) = distance(tokens, at) {
        if is_any(tokens, of, &["me", "us", "here"]) {
            return Some((Spot::Here, of + 1));
        }
        let (name, next) = name(tokens, of, moment)?;
        return Some((Spot::Near(format!("within {distance} of {name}")), next));
    }
    if is(tokens, at, "at") {
        let (name, next) = name(tokens, at + 1, moment)?;
        return Some((Spot::At(name), next));
    }
    let next = any_phrase(tokens, at, AROUND)?;
    if let Some((name, end)) = name(tokens, next, moment) {
        return Some((Spot::Near(name), end));
    }
    // "a pharmacy nearby" is one near the writer.
    let alone = tokens.get(next).is_none_or(|token| token.kind == Kind::Punct);
    (alone && is_any(tokens, at, &["nearby", "close"])).then_some((Spot::Here, next))
}

/// `within 2 km of`: the distance as said.
fn distance(tokens: Tokens<'_, '_>, at: usize) -> Read<String> {
    let start = any_phrase(tokens, at, &["within", "not more than", "at most", "in a radius of", "up to"])?;
    let (amount, unit) = number::decimal(tokens, start, false)
        .or_else(|| number::count(tokens, start).map(|(n, next)| (f64::from(n), next)))?;
    let word = tokens.get(unit).filter(|token| token.is_any(UNITS))?;
    let of = any_phrase(tokens, unit + 1, &["away from", "around", "from", "of", "to"])?;
    Some((format!("{amount} {}", word.lower), of))
}

fn is_capital(token: &Token<'_>) -> bool {
    token.kind == Kind::Word && token.text.starts_with(char::is_uppercase)
}

/// The name of a place.
pub fn name(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<String> {
    // "The Ivy" is called so, "the Ritz" is not.
    let article = tokens.get(at).is_some_and(|token| token.text == "the");
    let start = if article { at + 1 } else { at };
    if let Some(quoted) = tokens.get(start).filter(|token| token.kind == Kind::Quoted) {
        let name = quoted.text.trim();
        return (name.chars().count() <= NAME_CHARS_MAX).then(|| (name.to_owned(), start + 1));
    }
    if when::when(tokens, at, moment).is_some() || when::when(tokens, start, moment).is_some() {
        return None;
    }
    let mut next = start;
    let mut words = 0;
    while words < NAME_WORDS_MAX {
        let Some(past) = part(tokens, next, next == start, moment) else { break };
        words += past - next;
        next = past;
    }
    let said = tokens.get(start..next).filter(|some| !some.is_empty())?;
    let mut name = String::new();
    for token in said {
        if !name.is_empty() && !token.glued {
            name.push(' ');
        }
        name.push_str(token.text);
    }
    (name.chars().count() <= NAME_CHARS_MAX).then_some((name, next))
}

/// The position after the next part of a name.
fn part(tokens: Tokens<'_, '_>, at: usize, first: bool, moment: &Moment) -> Option<usize> {
    let token = tokens.get(at)?;
    let ended = !first
        && (when::when(tokens, at, moment).is_some()
            || headcount::headcount(tokens, at).is_some()
            || limit::limit(tokens, at).is_some());
    if ended {
        return None;
    }
    let capital = |at: usize| tokens.get(at).is_some_and(is_capital);
    let timed = |at: usize| when::when(tokens, at, moment).is_some();
    match token.kind {
        Kind::Word if is_capital(token) && !token.is_any(&["i", "for", "on", "from", "and", "with", "to"]) => {
            Some(at + 1)
        }
        Kind::Word if !token.is_any(STOPS) => Some(at + 1),
        Kind::Word if !first => any_phrase(tokens, at, INNER).filter(|next| capital(*next) && !timed(*next)),
        // "10 Downing Street", "Area 51".
        Kind::Number if first => capital(at + 1).then_some(at + 1),
        Kind::Number => {
            (capital(at - 1) && tokens.get(at + 1).is_none_or(|next| next.kind == Kind::Punct)).then_some(at + 1)
        }
        // "Baden-Baden", "James D. Conrey", "Goa, India".
        Kind::Punct if first => None,
        Kind::Punct if token.is_any(&["-", "&"]) => {
            (tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Word && (next.glued || capital(at + 1))))
                .then_some(at + 2)
        }
        Kind::Punct if token.is(".") => {
            (token.glued && capital(at - 1) && tokens[at - 1].text.len() <= 3 && capital(at + 1)).then_some(at + 1)
        }
        Kind::Punct if token.is(",") => {
            (capital(at + 1) && !timed(at + 1) && !ends_list(tokens, at + 1)).then_some(at + 1)
        }
        Kind::Word | Kind::Punct | Kind::Quoted | Kind::Address | Kind::Url => None,
    }
}

/// Whether a word behind a comma begins something else.
fn ends_list(tokens: Tokens<'_, '_>, at: usize) -> bool {
    is_any(tokens, at, STOPS)
        || is_any(
            tokens,
            at,
            &["invite", "email", "mail", "send", "remind", "tell", "call", "schedule", "find", "search"],
        )
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::planner::tokens::tokenize;

    fn first(text: &str) -> Option<Spot> {
        let moment = Moment::new("2026-11-27T12:30:00Z".parse().expect("a time"), Tz::Europe__Berlin);
        let tokens = tokenize(text);
        (0..tokens.len()).find_map(|at| spot(&tokens, at, &moment)).map(|(spot, _)| spot)
    }

    #[test]
    fn places_to_look_around() {
        let table = [
            ("near Panjim", "Panjim"),
            ("near panjim for 4", "panjim"),
            ("in Goa", "Goa"),
            ("in goa from friday to sunday", "goa"),
            ("in Goa tomorrow", "Goa"),
            ("in Goa, India on Saturday", "Goa, India"),
            ("in Goa, Friday to Sunday", "Goa"),
            ("in New York next week", "New York"),
            ("in Cle Elum, NE", "Cle Elum, NE"),
            ("within 2 km of Alexanderplatz, Berlin", "within 2 km of Alexanderplatz, Berlin"),
            ("within 1.5 miles from the Brandenburg Gate", "within 1.5 miles of Brandenburg Gate"),
            ("in the state of NE", "NE"),
            ("in the Republic of the Congo", "Republic of the Congo"),
            ("close to Brooklawn", "Brooklawn"),
            ("nearby West Reading", "West Reading"),
            ("around Baden-Baden under 500 euros", "Baden-Baden"),
            ("near 10 Downing Street", "10 Downing Street"),
            ("near \"the old mill\"", "the old mill"),
            ("in Panjim two people", "Panjim"),
        ];
        for (text, name) in table {
            assert_eq!(first(text), Some(Spot::Near(name.to_owned())), "{text}");
        }
        for (text, name) in [
            ("at Luigi's for 4", "Luigi's"),
            ("at luigi's tomorrow at 7pm", "luigi's"),
            ("at the Beach Resort on Saturday", "Beach Resort"),
            ("at James D. Conrey House in Urbank", "James D. Conrey House"),
            ("at Windows on the World in Cokeville", "Windows on the World"),
            ("at The Ivy for 2", "The Ivy"),
            ("at Cliff House, San Francisco", "Cliff House, San Francisco"),
        ] {
            assert_eq!(first(text), Some(Spot::At(name.to_owned())), "{text}");
        }
        for text in ["near me", "a pharmacy nearby", "around here.", "within 5 km of me"] {
            assert_eq!(first(text), Some(Spot::Here), "{text}");
        }
    }

    #[test]
    fn times_and_the_like_are_no_places() {
        for text in [
            "at 7pm",
            "in 2 hours",
            "in March",
            "in the evening",
            "in a hurry",
            "in total",
            "at 7",
            "around 8pm",
            "within 2 km",
            "in",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
