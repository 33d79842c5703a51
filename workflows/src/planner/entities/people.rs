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

/// Words for the same relation.
const SAME: &[&[&str]] = &[
    &["mother", "mom", "mum", "mama", "mummy"],
    &["father", "dad", "papa", "daddy"],
    &["grandmother", "grandma", "granny"],
    &["grandfather", "grandpa", "granddad"],
    &["colleague", "coworker", "co-worker"],
    &["neighbour", "neighbor"],
];
/// A wide word, and the narrower ones that it can mean and that can mean it.
const WIDER: &[(&str, &[&str])] = &[
    ("spouse", &["wife", "husband", "partner"]),
    ("partner", &["wife", "husband", "girlfriend", "boyfriend"]),
    ("parent", &["mother", "mom", "mum", "father", "dad"]),
    ("sibling", &["sister", "brother"]),
    ("child", &["son", "daughter"]),
];

/// Whether a relation is one that another word can mean: `mum` and `mother`, `wife` and `spouse`.
fn is_akin(relation: &str, wanted: &str) -> bool {
    let relation = fold(relation);
    let means = |wide: &str, narrow: &str| WIDER.iter().any(|(first, rest)| *first == wide && rest.contains(&narrow));
    SAME.iter().any(|row| row.contains(&relation.as_str()) && row.contains(&wanted))
        || means(&relation, wanted)
        || means(wanted, &relation)
}

/// The contacts a name can mean: those whose whole name or alias it is, else those whose first name
/// it is, else those who are that to the person (`my wife`), else those who have it in their name.
pub fn look_up<'c>(name: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    said(name, contacts, look_up_folded)
}

/// The contacts a name means without a guess: those whose whole name or alias it is, else those who
/// are that to the person.
pub fn look_up_exactly<'c>(name: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    said(name, contacts, |wanted, contacts| {
        let whole = wholly(wanted, contacts);
        if whole.is_empty() { related(wanted, contacts) } else { whole }
    })
}

/// Looks for a name as it was said, then without `my`.
fn said<'c>(
    name: &str,
    contacts: &'c [Contact],
    look: impl Fn(&str, &'c [Contact]) -> Vec<&'c Contact>,
) -> Vec<&'c Contact> {
    let wanted = fold(name);
    let found = if wanted.is_empty() { Vec::new() } else { look(&wanted, contacts) };
    match wanted.strip_prefix("my ").or_else(|| wanted.strip_prefix("our ")) {
        Some(theirs) if found.is_empty() => look(theirs, contacts),
        Some(_) | None => found,
    }
}

fn wholly<'c>(wanted: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    let is =
        |contact: &&Contact| fold(&contact.name) == wanted || contact.aliases.iter().any(|alias| fold(alias) == wanted);
    contacts.iter().filter(is).collect()
}

fn related<'c>(wanted: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    let by = |fits: &dyn Fn(&str) -> bool| -> Vec<&'c Contact> {
        contacts.iter().filter(|contact| contact.relation.as_deref().is_some_and(fits)).collect()
    };
    let same = by(&|relation| fold(relation) == wanted);
    if same.is_empty() { by(&|relation| is_akin(relation, wanted)) } else { same }
}

fn look_up_folded<'c>(wanted: &str, contacts: &'c [Contact]) -> Vec<&'c Contact> {
    let whole = wholly(wanted, contacts);
    let partly = |contact: &&Contact| fold(&contact.name).split(' ').any(|word| word == wanted);
    let first = |contact: &&Contact| fold(&contact.name).split(' ').next() == Some(wanted);
    let firsts: Vec<_> = contacts.iter().filter(first).collect();
    match (whole.len(), firsts.len()) {
        // "Bob" is one contact's whole name and another's first: who is meant is open.
        (1.., 2..) if !wanted.contains(' ') => firsts,
        (1.., _) => whole,
        (0, 1..) => firsts,
        (0, 0) => {
            let found = related(wanted, contacts);
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

/// Somebody by what they are to the person, where a person must stand: `wife`, `the landlord`.
pub fn relative(tokens: Tokens<'_, '_>, at: usize, contacts: &[Contact]) -> Read<Party> {
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    let name = joined(tokens, start, 1)?;
    let found = look_up(&name, contacts);
    match found.as_slice() {
        [one] if is_relation_only(&name, &found) => Some((Party::Contact((*one).clone()), start + 1)),
        _ => None,
    }
}

fn is_relation_only(name: &str, found: &[&Contact]) -> bool {
    let wanted = fold(name);
    !found.is_empty()
        && found.iter().all(|contact| {
            contact.relation.as_deref().is_some_and(|relation| fold(relation) == wanted || is_akin(relation, &wanted))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ContactId;

    fn contact(name: &str, alias: &str, relation: &str) -> Contact {
        let mut contact = Contact::named(ContactId::from(name), name);
        contact.aliases.extend(Some(alias.to_owned()).filter(|alias| !alias.is_empty()));
        contact.relation = Some(relation.to_owned()).filter(|relation| !relation.is_empty());
        contact
    }

    #[test]
    fn people_are_found_by_name_alias_and_what_they_are() {
        let book = [
            contact("Priya Singh", "Pri", "wife"),
            contact("Rosa Miller", "", "Mother"),
            contact("Tom Hill", "", "brother"),
            contact("Tim Hill", "", "brother"),
            contact("My Linh", "", ""),
        ];
        let table: [(&str, &[&str], &[&str]); 14] = [
            ("priya  SINGH", &["Priya Singh"], &["Priya Singh"]),
            ("Pri", &["Priya Singh"], &["Priya Singh"]),
            ("Priya", &["Priya Singh"], &[]),
            ("Singh", &["Priya Singh"], &[]),
            ("wife", &["Priya Singh"], &["Priya Singh"]),
            ("my wife", &["Priya Singh"], &["Priya Singh"]),
            ("My Spouse", &["Priya Singh"], &["Priya Singh"]),
            ("my husband", &[], &[]),
            ("mum", &["Rosa Miller"], &["Rosa Miller"]),
            ("our mother", &["Rosa Miller"], &["Rosa Miller"]),
            ("my brother", &["Tom Hill", "Tim Hill"], &["Tom Hill", "Tim Hill"]),
            ("my sibling", &["Tom Hill", "Tim Hill"], &["Tom Hill", "Tim Hill"]),
            ("My Linh", &["My Linh"], &["My Linh"]),
            (" ", &[], &[]),
        ];
        for (said, loose, exact) in table {
            let names = |found: Vec<&Contact>| found.into_iter().map(|one| one.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(look_up(said, &book)), loose, "{said}");
            assert_eq!(names(look_up_exactly(said, &book)), exact, "{said}, exactly");
        }
    }
}
