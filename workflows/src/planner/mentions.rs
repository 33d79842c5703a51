//! One pass over the tokens that finds every value, and the text that is left between them.

use chrono::TimeDelta;

use super::entities::people::{self, Party};
use super::entities::when::{self, When};
use super::entities::{Moment, Tokens, contact_point, duration, is, is_any, place, provider, repeat};
use super::phrase;
use super::tokens::{Kind, Token};
use crate::person::Contact;

/// A found value.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A point or span of time.
    When(When),
    /// How long.
    Length(TimeDelta),
    /// How often, as a recurrence rule.
    Repeat(String),
    /// Somebody known, or an address.
    Party(Party),
    /// Somewhere.
    Place(String),
    /// A telephone number.
    Phone(String),
    /// Where an online meeting is held.
    Provider(&'static str),
}

/// A found value and the tokens that name it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    /// The value.
    pub found: Found,
    /// The first token.
    pub start: usize,
    /// Past the last token.
    pub end: usize,
}

/// Every value from a position on, in order, without overlaps.
pub fn mentions(tokens: Tokens<'_, '_>, from: usize, moment: &Moment, contacts: &[Contact]) -> Vec<Mention> {
    let mut all = Vec::new();
    let mut at = from;
    while at < tokens.len() {
        if let Some((found, next)) = mention(tokens, at, moment, contacts) {
            all.push(Mention { found, start: at, end: next });
            at = next;
        } else {
            at += 1;
        }
    }
    all
}

fn mention(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, contacts: &[Contact]) -> Option<(Found, usize)> {
    if matches!(tokens[at].kind, Kind::Quoted | Kind::Url) {
        return None;
    }
    if let Some((found, next)) = provider::provider(tokens, at) {
        return Some((Found::Provider(found), next));
    }
    if let Some((rule, next)) = repeat::repeat(tokens, at) {
        return Some((Found::Repeat(rule), next));
    }
    if is_any(tokens, at, &["for", "lasting"])
        && let Some((length, next)) = duration::length(tokens, at + 1)
    {
        return Some((Found::Length(length), next));
    }
    if let Some((found, next)) = contact_point::phone(tokens, at).filter(|_| is(tokens, at, "+")) {
        return Some((Found::Phone(found), next));
    }
    if let Some((found, next)) = when::when(tokens, at, moment) {
        return Some((Found::When(found), next));
    }
    if let Some((length, next)) = duration::length(tokens, at) {
        return Some((Found::Length(length), next));
    }
    if let Some((party, next)) = people::known(tokens, at, contacts) {
        return Some((Found::Party(party), next));
    }
    if let Some((found, next)) = place::place(tokens, at) {
        return Some((Found::Place(found), next));
    }
    contact_point::phone(tokens, at).map(|(found, next)| (Found::Phone(found), next))
}

/// The text of a range of tokens without some of them, spaced as it was.
pub fn text_without(text: &str, tokens: &[Token<'_>], range: (usize, usize), drop: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let mut last: Option<usize> = None;
    for at in range.0..range.1.min(tokens.len()) {
        if drop.iter().any(|(start, end)| (*start..*end).contains(&at)) {
            continue;
        }
        match last {
            Some(before) if before + 1 == at => out.push_str(&text[tokens[before].end..tokens[at].start]),
            Some(_) if !tokens[at].is_any(&[",", ".", "!", "?", ";", ":"]) => out.push(' '),
            Some(_) | None => {}
        }
        out.push_str(&text[tokens[at].start..tokens[at].end]);
        last = Some(at);
    }
    out
}

/// The text of a range with each time in it said in full, so that its reader cannot mistake it.
pub fn text_in_full(text: &str, tokens: &[Token<'_>], range: (usize, usize), moment: &Moment) -> String {
    let (from, to) = range;
    let Some(first) = tokens.get(from).filter(|_| from < to) else { return String::new() };
    let mut out = String::new();
    let mut copied = first.start;
    let mut at = from;
    while at < to {
        let Some((found, next)) = when::when(&tokens[..to], at, moment).filter(|_| tokens[at].kind != Kind::Quoted)
        else {
            at += 1;
            continue;
        };
        if let Some(full) = phrase::full(&found, moment) {
            out.push_str(&text[copied..tokens[at].start]);
            out.push_str(lead(tokens, at, &found));
            let time_only = !found.has_day();
            out.push_str(if time_only { full.trim_start_matches("at ") } else { &full });
            copied = tokens[next - 1].end;
        }
        at = next;
    }
    out.push_str(&text[copied..tokens[to - 1].end]);
    out
}

/// The word before a time said in full.
fn lead(tokens: &[Token<'_>], at: usize, found: &When) -> &'static str {
    let first = &tokens[at];
    if !found.has_day() {
        return if first.is("at") { "at " } else { "" };
    }
    if first.is("by") {
        "by "
    } else if first.is_any(&["on", "in", "at"]) {
        "on "
    } else if first.is_any(&["tomorrow", "tmrw"]) {
        "tomorrow, "
    } else if first.is_any(&["today", "tonight"]) {
        "today, "
    } else {
        ""
    }
}
