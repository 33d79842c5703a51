//! How many people: `for 4`, `a party of six`, `two of us`, `2 adults and a child`, `for me and my wife`.
//!
//! The number is given as it was said; whether so many fit is for the act to judge.

use super::{Read, Tokens, any_phrase, day, is, is_any, number};
use crate::planner::tokens::{Kind, Token};

const PEOPLE: &[&str] = &[
    "people",
    "persons",
    "person",
    "ppl",
    "pax",
    "guests",
    "guest",
    "adults",
    "adult",
    "children",
    "child",
    "kids",
    "kid",
    "infants",
    "infant",
    "babies",
    "baby",
    "diners",
    "friends",
    "colleagues",
    "participants",
    "attendees",
    "travellers",
    "travelers",
    "passengers",
    "visitors",
];
/// What may follow a count without a noun: `for 4 at Luigi's`, not `for 4 hours`.
const AFTER: &[&str] = &[
    "at",
    "in",
    "on",
    "near",
    "nearby",
    "around",
    "close",
    "by",
    "with",
    "within",
    "under",
    "below",
    "from",
    "tomorrow",
    "today",
    "tonight",
    "this",
    "next",
    "and",
    "please",
    "until",
    "between",
    "max",
    "budget",
    "for",
    "it",
    "it's",
    "if",
    "now",
    "somewhere",
    "that",
    "then",
    "the",
    "because",
    "returning",
    "instead",
    "we",
    "i",
    "not",
];
/// Marks that end a count.
const ENDS: &[&str] = &[",", ".", ";", "!", "?", ")", "("];
const AND: &[&str] = &[", and", "and", ",", "&", "plus", "+"];
/// Companions of one row.
const COMPANIONS_MAX: usize = 12;
/// Words of one companion: `my father in law`.
const COMPANION_WORDS_MAX: usize = 4;

/// A number of people.
pub fn headcount(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    party_of(tokens, at)
        .or_else(|| of_us(tokens, at))
        .or_else(|| counted(tokens, at))
        .or_else(|| behind_for(tokens, at))
}

/// A whole number, `10,000` and `10 000` too.
fn whole(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let (mut value, mut next) = number::decimal(tokens, at, true)?;
    let is_group = |token: &&Token<'_>| !token.glued && token.kind == Kind::Number && token.text.len() == 3;
    if value >= 1.0
        && let Some(group) = tokens.get(next).filter(is_group)
    {
        value = value * 1000.0 + group.text.parse::<f64>().ok()?;
        next += 1;
    }
    if value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within bounds, checked above"
    )]
    let value = value as u32;
    Some((value, next))
}

/// A number or the greater of two: `4`, `4-5`, `4 or 5`.
fn number_or_range(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let (first, next) = whole(tokens, at)?;
    let joined = is_any(tokens, next, &["-", "\u{2013}", "\u{2014}", "to", "or"]).then(|| whole(tokens, next + 1));
    match joined.flatten() {
        Some((last, end)) if last > first => Some((last, end)),
        Some(_) | None => Some((first, next)),
    }
}

fn party_of(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let start = any_phrase(tokens, at, &["for a", "for the", "for", "a", "the"]).unwrap_or(at);
    let of = any_phrase(tokens, start, &["party of", "group of", "table of", "family of", "team of", "crowd of"])?;
    let about = any_phrase(tokens, of, &["about", "around", "up to", "roughly"]).unwrap_or(of);
    let (value, next) = number_or_range(tokens, about)?;
    Some((value, if is_any(tokens, next, PEOPLE) { next + 1 } else { next }))
}

/// `two of us`, `the two of us`, `us two`.
fn of_us(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let start = any_phrase(tokens, at, &["for the", "for", "the"]).unwrap_or(at);
    if is(tokens, start, "us")
        && let Some((value, next)) = whole(tokens, start + 1)
    {
        return ends(tokens, next).then_some((value, next));
    }
    let (value, next) = whole(tokens, start)?;
    Some((value, any_phrase(tokens, next, &["of us"])?))
}

/// `4 people`, `2 adults and 1 child`, `about 30 guests`.
fn counted(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let start = any_phrase(tokens, at, &["for about", "for around", "for up to", "for"]).unwrap_or(at);
    let (mut value, mut next) = one_kind(tokens, start, start > at)?;
    while let Some((more, past)) = any_phrase(tokens, next, AND).and_then(|past| one_kind(tokens, past, true)) {
        value = value.saturating_add(more);
        next = past;
    }
    Some((value, next))
}

/// A count with its noun; `a child` only where a count is sure.
fn one_kind(tokens: Tokens<'_, '_>, at: usize, sure: bool) -> Read<u32> {
    let start = if is(tokens, at, "a") && number::whole(tokens, at + 1).is_some() { at + 1 } else { at };
    let found = number_or_range(tokens, start).or_else(|| number::count(tokens, at).filter(|_| sure));
    let (value, next) = found?;
    is_any(tokens, next, PEOPLE).then_some((value, next + 1))
}

/// `for 4`, `for me`, `for me and my wife`.
fn behind_for(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let start = any_phrase(tokens, at, &["for just", "for only", "for"]).or_else(|| {
        let alone = any_phrase(tokens, at, &["just", "only"])?;
        is_any(tokens, alone, &["me", "myself"]).then_some(alone)
    })?;
    if let Some(found) = companions(tokens, start) {
        return Some(found);
    }
    let (value, next) = if any_phrase(tokens, start, &["a couple"]).is_some() {
        number::count(tokens, start)?
    } else {
        number_or_range(tokens, start)?
    };
    let is_time = any_phrase(tokens, next, &["in the"])
        .is_some_and(|part| is_any(tokens, part, &["morning", "afternoon", "evening", "night"]));
    (ends(tokens, next) && !is_time).then_some((value, next))
}

fn ends(tokens: Tokens<'_, '_>, at: usize) -> bool {
    let Some(token) = tokens.get(at) else { return true };
    if token.is_any(ENDS) {
        let digits = |next: &Token<'_>| next.glued && next.kind == Kind::Number;
        return !(token.glued && tokens.get(at + 1).is_some_and(digits));
    }
    token.is_any(AFTER) || day::weekday(tokens, at).is_some() || matches!(token.kind, Kind::Quoted | Kind::Address)
}

/// A row with the writer in it; nothing when how many it is stays open: `my nieces and I`.
fn companions(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let (mut count, mut writer) = (0, false);
    let mut next = at;
    for _ in 0..COMPANIONS_MAX {
        let (is_writer, past) = companion(tokens, next)?;
        (count, writer) = (count + 1, writer || is_writer);
        match any_phrase(tokens, past, AND).filter(|more| companion(tokens, *more).is_some()) {
            Some(more) => next = more,
            None => return (writer && ends(tokens, past) && !is_open(tokens, past)).then_some((count, past)),
        }
    }
    None
}

/// Whether more people follow, who knows how many: `and my friends`.
fn is_open(tokens: Tokens<'_, '_>, at: usize) -> bool {
    any_phrase(tokens, at, AND)
        .is_some_and(|more| is_any(tokens, more, &["my", "our", "some", "others"]) || is_any(tokens, more, PEOPLE))
}

/// One person of a row, and whether it is the writer.
fn companion(tokens: Tokens<'_, '_>, at: usize) -> Read<bool> {
    const NO_NAMES: &[&str] =
        &["a", "an", "the", "this", "that", "my", "our", "us", "it", "we", "they", "then", "also"];
    if is_any(tokens, at, &["me", "i", "myself"]) {
        return Some((true, at + 1));
    }
    let closes = |at: usize| ends(tokens, at) || is_any(tokens, at, AND);
    if is(tokens, at, "a") && is_any(tokens, at + 1, &["friend", "colleague", "guest", "child", "baby", "kid"]) {
        return Some((false, at + 2));
    }
    if is_any(tokens, at, &["my", "our"]) {
        let words = tokens[at + 1..].iter().take(COMPANION_WORDS_MAX).take_while(|token| token.kind == Kind::Word);
        let last = (1..=words.count()).find(|words| {
            let next = at + 1 + words;
            closes(next) && !is_any(tokens, next + 1, &["law"])
        })?;
        let noun = &tokens[at + last].lower;
        let plural = (noun.ends_with('s') && !noun.ends_with("ss")) || is_any(tokens, at + last, &["family", "team"]);
        return (!plural).then_some((false, at + 1 + last));
    }
    let named = tokens
        .get(at)
        .is_some_and(|token| token.kind == Kind::Word && !token.is_any(NO_NAMES) && !token.is_any(PEOPLE));
    (named && closes(at + 1) && number::whole(tokens, at).is_none()).then_some((false, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::tokens::tokenize;

    /// The first count anywhere, as the scan of a request finds it.
    fn first(text: &str) -> Option<u32> {
        let tokens = tokenize(text);
        (0..tokens.len()).find_map(|at| headcount(&tokens, at)).map(|(count, _)| count)
    }

    #[test]
    fn people_in_their_many_words() {
        let table = [
            ("a table for 4 tomorrow at 7pm", 4),
            ("for 4 people", 4),
            ("for five people in Niger", 5),
            ("for a party of six", 6),
            ("a party of 9.", 9),
            ("a group of about 30 people", 30),
            ("the two of us", 2),
            ("it is for two of us", 2),
            ("for us two", 2),
            ("2 adults", 2),
            ("2 adults and 2 children", 4),
            ("two adults, one child", 3),
            ("for two adults and a baby", 3),
            ("for two at City Tavern", 2),
            ("for one", 1),
            ("for 1 at a diner", 1),
            ("for a six people", 6),
            ("for 4-5 people", 5),
            ("4 or 5 people", 5),
            ("for up to 40 guests", 40),
            ("for me", 1),
            ("for just me", 1),
            ("just me", 1),
            ("for me and my wife", 2),
            ("for my mom and I", 2),
            ("for my father in law and I in Buckner", 2),
            ("for mavis, sheila and I in Syria", 3),
            ("for me and Bob on Friday", 2),
            ("for me and a friend", 2),
            ("for a couple", 2),
            ("for 4 Friday at 8", 4),
            ("for 7 tonight", 7),
            ("for twenty-five", 25),
            // As said: the act refuses these.
            ("for 0 people", 0),
            ("for 10,000 people", 10_000),
            ("for 10 000 people", 10_000),
        ];
        for (text, count) in table {
            assert_eq!(first(text), Some(count), "{text}");
        }
    }

    #[test]
    fn numbers_of_other_things_are_no_people() {
        for text in [
            "for 4 hours",
            "for 3 nights",
            "for 2 rooms",
            "for 7pm",
            "for 7 pm",
            "for 19:30",
            "for 19.30",
            "for 12 am.",
            "for 5 December",
            "for 5/12",
            "for 5-7 December",
            "for 7 in the evening",
            "for zero a.m",
            "for 3rd",
            "for 20 euros",
            "for 20%",
            "for 50k",
            "for the 4th",
            "for a week",
            "for a birthday",
            "4 cafes",
            "for my nieces and I",
            "for me and my friends",
            "for me and friends",
            "for Bob",
            "for my wife",
            "at 4",
            "for 2.5 hours",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
