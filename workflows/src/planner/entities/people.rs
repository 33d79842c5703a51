//! People and groups, as a person calls them: name, alias, relation, group, address.

use super::{Read, Tokens, contact_point, is, is_any};
use crate::person::Contact;
use crate::planner::tokens::Kind;

/// Words of the longest name that is looked for.
const NAME_WORDS_MAX: usize = 4;

/// Someone who was mentioned.
#[derive(Debug, Clone, PartialEq)]
pub enum Party {
    /// One contact.
    Contact(Contact),
    /// Several contacts go by that name.
    Ambiguous {
        /// The name.
        name: String,
        /// Who is meant, perhaps.
        candidates: Vec<Contact>,
    },
    /// Everyone of a group.
    Group {
        /// The group's name.
        name: String,
        /// Its members.
        members: Vec<Contact>,
    },
    /// A mail address as written.
    Address(String),
    /// A name that is in no address book.
    Unknown(String),
}

/// The contacts a name can mean: those whose whole name or alias it is, else those whose relation
/// or first or last name it is.
pub fn look_up<'c>(name: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    let wanted = fold(name);
    if wanted.is_empty() {
        return Vec::new();
    }
    let whole: Vec<_> = contacts
        .iter()
        .filter(|contact| fold(&contact.name) == wanted || contact.aliases.iter().any(|alias| fold(alias) == wanted))
        .collect();
    let related = |contact: &&Contact| contact.relation.as_deref().is_some_and(|relation| fold(relation) == wanted);
    let partly = |contact: &&Contact| fold(&contact.name).split(' ').any(|word| word == wanted);
    let first = |contact: &&Contact| fold(&contact.name).split(' ').next() == Some(wanted.as_str());
    let firsts: Vec<_> = contacts.iter().filter(first).collect();
    match (whole.len(), firsts.len()) {
        // "Bob" is one contact's whole name and another's first: who is meant is open.
        (1.., 2..) if !wanted.contains(' ') => firsts,
        (1.., _) => whole,
        (0, 1..) => firsts,
        (0, 0) => {
            let found: Vec<_> = contacts.iter().filter(related).collect();
            if found.is_empty() { contacts.iter().filter(partly).collect() } else { found }
        }
    }
}

/// The members of a group of this name; `friends` also finds a group `friend`.
pub fn group<'c>(name: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    let wanted = fold(name);
    let same = |group: &String| {
        let group = fold(group);
        group == wanted || group.trim_end_matches('s') == wanted.trim_end_matches('s')
    };
    contacts.iter().filter(|contact| contact.groups.iter().any(same)).collect()
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('\u{2019}', "'")
}

/// A party the address book knows, or an address.
pub fn known(tokens: Tokens<'_, '_>, at: usize, contacts: &[Contact]) -> Read<Party> {
    if let Some((address, next)) = contact_point::email(tokens, at) {
        return Some((Party::Address(address), next));
    }
    let my = is_any(tokens, at, &["my", "our"]);
    let start = if my || is(tokens, at, "the") { at + 1 } else { at };
    let start = if start > at && is(tokens, start, "whole") { start + 1 } else { start };
    for words in (1..=NAME_WORDS_MAX).rev() {
        let Some(name) = joined(tokens, start, words) else { continue };
        let next = start + words;
        if start > at || words > 1 {
            let members = group(&name, contacts);
            if !members.is_empty() {
                return Some((Party::Group { name, members: members.into_iter().cloned().collect() }, next));
            }
        }
        let found = look_up(&name, contacts);
        if is_relation_only(&name, &found) && !my {
            continue;
        }
        match found.as_slice() {
            [] => {}
            [one] => return Some((Party::Contact((*one).clone()), next)),
            several => {
                let candidates = several.iter().map(|contact| (*contact).clone()).collect();
                return Some((Party::Ambiguous { name, candidates }, next));
            }
        }
    }
    None
}

fn is_relation_only(name: &str, found: &[&Contact]) -> bool {
    let wanted = fold(name);
    !found.is_empty()
        && found.iter().all(|contact| {
            contact.relation.as_deref().is_some_and(|relation| fold(relation) == wanted)
                && !fold(&contact.name).split(' ').any(|word| word == wanted)
                && !contact.aliases.iter().any(|alias| fold(alias) == wanted)
        })
}

/// Words that name nobody, though an address book may hold them.
const NO_NAMES: &[&str] = &[
    "a", "i", "to", "at", "on", "in", "is", "it", "me", "my", "the", "and", "that", "for", "will", "may", "of", "mark",
];

fn joined(tokens: Tokens<'_, '_>, at: usize, words: usize) -> Option<String> {
    let some = tokens.get(at..at + words)?;
    if !some.iter().all(|token| token.kind == Kind::Word || (token.kind == Kind::Quoted && words == 1)) {
        return None;
    }
    if words == 1 && some[0].is_any(NO_NAMES) && some[0].text.starts_with(|c: char| c.is_lowercase()) {
        return None;
    }
    let mut name = some.iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
    for ending in ["'s", "\u{2019}s"] {
        if let Some(stem) = name.strip_suffix(ending) {
            name = stem.to_owned();
        }
    }
    Some(name)
}
