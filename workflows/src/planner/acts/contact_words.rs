//! What words say of a contact that is to be kept: groups, relations, whose number it is.

use crate::person::Contact;
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::tokens::Kind;

/// Words of the longest group name.
const GROUP_WORDS_MAX: usize = 4;
/// Groups of one request.
const GROUPS_MAX: usize = 5;

/// What somebody is to a person.
pub(super) const RELATIONS: &[&str] = &[
    "wife",
    "husband",
    "spouse",
    "partner",
    "girlfriend",
    "boyfriend",
    "mother",
    "father",
    "mom",
    "mum",
    "dad",
    "sister",
    "brother",
    "son",
    "daughter",
    "grandmother",
    "grandfather",
    "grandma",
    "grandpa",
    "uncle",
    "aunt",
    "cousin",
    "nephew",
    "niece",
    "boss",
    "manager",
    "assistant",
    "colleague",
    "coworker",
    "friend",
    "doctor",
    "dentist",
    "lawyer",
    "teacher",
    "plumber",
    "electrician",
    "babysitter",
    "neighbour",
    "neighbor",
    "landlord",
    "landlady",
    "accountant",
];

/// Words around a contact's values that are no part of its name.
pub(super) const NOISE: &[&str] = &[
    "to my contacts",
    "to the contacts",
    "to contacts",
    "in my contacts",
    "to my address book",
    "to the address book",
    "in my address book",
    "as a contact",
    "as contact",
    "with email",
    "with the email",
    "with the address",
    "with number",
    "her email is",
    "his email is",
    "their email is",
    "her number is",
    "his number is",
    "her phone is",
    "his phone is",
    "telephone number",
    "phone number",
    "mail address",
    "email address",
    "email",
    "phone",
    "number",
    "mail",
    "address",
    "named",
    "called",
    "with",
    "that",
    "her",
    "his",
];

const LEADS: &[&str] = &["to", "in", "into"];
const DETERMINERS: &[&str] = &["my", "the", "our", "a", "new"];
/// Words that are in no group's name: what they stand in is no group.
const NO_GROUP: &[&str] = &["call", "meeting", "calendar", "with", "on", "at", "mail", "email"];

/// Groups that are named, and the tokens that name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Groups {
    pub(super) names: Vec<String>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// `to the family group`, `into the friends and team groups`, `to the group Book club`.
pub(super) fn groups(tokens: Tokens<'_, '_>, from: usize, to: usize) -> Option<Groups> {
    (from..to.min(tokens.len())).find_map(|at| groups_at(tokens, at))
}

fn groups_at(tokens: Tokens<'_, '_>, at: usize) -> Option<Groups> {
    let mut next = if is_any(tokens, at, LEADS) { at + 1 } else { return None };
    while is_any(tokens, next, DETERMINERS) {
        next += 1;
    }
    if is_any(tokens, next, &["group", "groups"]) {
        let start = any_phrase(tokens, next + 1, &["called", "named", ":"]).unwrap_or(next + 1);
        let end = name_end(tokens, start);
        return (end > start).then(|| Groups { names: vec![joined(tokens, start, end)], start: at, end });
    }
    let mut names = Vec::new();
    let mut start = next;
    while names.len() < GROUPS_MAX {
        let stop = (start..tokens.len().min(start + GROUP_WORDS_MAX + 1))
            .find(|at| is_any(tokens, *at, &["group", "groups", "and", "&", ","]) || !is_name(tokens, *at))?;
        if stop == start || !is_any(tokens, stop, &["group", "groups", "and", "&", ","]) {
            return None;
        }
        names.push(joined(tokens, start, stop));
        if is_any(tokens, stop, &["group", "groups"]) {
            return Some(Groups { names, start: at, end: stop + 1 });
        }
        start = stop + 1;
        while is_any(tokens, start, DETERMINERS) || is(tokens, start, "and") {
            start += 1;
        }
    }
    None
}

fn is_name(tokens: Tokens<'_, '_>, at: usize) -> bool {
    tokens
        .get(at)
        .is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Number) && !token.is_any(NO_GROUP))
}

fn name_end(tokens: Tokens<'_, '_>, start: usize) -> usize {
    let words = (start..tokens.len().min(start + GROUP_WORDS_MAX))
        .take_while(|at| is_name(tokens, *at) && !is_any(tokens, *at, &["and", "please"]));
    start + words.count()
}

fn joined(tokens: Tokens<'_, '_>, from: usize, to: usize) -> String {
    tokens[from..to].iter().map(|token| token.text.trim()).collect::<Vec<_>>().join(" ")
}

/// A group as the address book writes it already, or as it was said.
pub(super) fn as_known(name: &str, contacts: &[Contact]) -> String {
    let plain = |name: &str| name.to_lowercase().trim_end_matches('s').to_owned();
    let mut known = contacts.iter().flat_map(|contact| &contact.groups);
    known.find(|group| plain(group) == plain(name)).cloned().unwrap_or_else(|| name.to_owned())
}

/// `my wife`, `as my boss`: the relation and where it stands.
pub(super) fn relation(tokens: Tokens<'_, '_>, from: usize, to: usize) -> Option<(String, usize, usize)> {
    let at = (from..to.min(tokens.len())).find(|at| is_any(tokens, *at, RELATIONS))?;
    let mut start = at;
    while start > from && is_any(tokens, start - 1, &["my", "a", "our", "as", "is"]) {
        start -= 1;
    }
    Some((tokens[at].lower.clone(), start, at + 1))
}

/// Whether words say whose address or number it is: `my wife Priya priya@x.org`, `Bob's number …`.
pub(super) fn says_whose(tokens: Tokens<'_, '_>, from: usize, to: usize) -> bool {
    let end = to.min(tokens.len());
    let value = (from..end).find(|at| {
        tokens[*at].kind == Kind::Address || (tokens[*at].kind == Kind::Number && tokens[*at].text.len() > 2)
    });
    let Some(value) = value else { return false };
    let related = (from + 1..value).any(|at| is_any(tokens, at, RELATIONS) && is_any(tokens, at - 1, &["my", "our"]));
    let whose = (from + 1..value).any(|at| {
        is_any(tokens, at, &["email", "mail", "number", "phone", "address", "telephone"])
            && tokens[at - 1].lower.ends_with("'s")
    });
    // "add Bob's number to the note" is about a note.
    (related || whose) && !(from..end).any(|at| is_any(tokens, at, &["to", "on", "into"]))
}
