//! What a change makes of an address book.
//!
//! Adding never overwrites and never takes away: an entry that is there gets what it lacks. So the
//! same addition twice changes nothing, and what was added can be taken away again exactly.

mod details;

use std::collections::HashMap;

use workflows::ids::ContactId;
use workflows::person::Contact;

use super::{NAMES_MAX, WAYS_MAX, dialled, folded};
use crate::store::people::CONTACTS_MAX;
pub use details::Details;

/// How an entry that is added finds the one it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// By its name: what a person says of "Bob" is said of the Bob they have, unless what the two
    /// are to the person, or their Telegram, differs.
    Name,
    /// By its UID; else by its name together with an address or number, or where one of the two has
    /// none of either.
    Card,
}

/// A change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Adds entries, or what they hold to those that are there.
    Add(Vec<Contact>, Match),
    /// Takes an entry out.
    Remove(ContactId),
    /// Takes something of an entry away.
    Strip(ContactId, Details),
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It is new.
    Added(Contact),
    /// It is another than it was.
    Updated {
        /// As it was.
        before: Contact,
        /// As it is.
        after: Contact,
    },
    /// It was there as it is.
    Unchanged(Contact),
    /// It is out.
    Removed(Contact),
    /// There is no such entry.
    Missing,
    /// Several are meant, and nothing tells which.
    Unclear,
    /// The book is full.
    Full,
}

impl Change {
    /// What it makes of a book, entry by entry; the book itself is left to the store.
    pub fn apply(self, book: Vec<Contact>) -> Vec<Changed> {
        match self {
            Self::Add(entries, how) => {
                let mut book = Book::of(book);
                entries.into_iter().map(|entry| book.add(entry, how)).collect()
            }
            Self::Remove(id) => {
                let found = book.into_iter().find(|contact| contact.id == id);
                vec![found.map_or(Changed::Missing, Changed::Removed)]
            }
            Self::Strip(id, details) => {
                let Some(before) = book.into_iter().find(|contact| contact.id == id) else {
                    return vec![Changed::Missing];
                };
                let after = details.taken_from(before.clone());
                vec![if before == after { Changed::Unchanged(after) } else { Changed::Updated { before, after } }]
            }
        }
    }
}

/// A book that grows, with what entries are found by.
struct Book {
    entries: Vec<Contact>,
    by_id: HashMap<ContactId, usize>,
    by_uid: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Book {
    fn of(entries: Vec<Contact>) -> Self {
        let mut book =
            Self { entries: Vec::new(), by_id: HashMap::new(), by_uid: HashMap::new(), by_name: HashMap::new() };
        for entry in entries {
            book.push(entry);
        }
        book
    }

    fn push(&mut self, entry: Contact) {
        let at = self.entries.len();
        self.by_id.insert(entry.id.clone(), at);
        if let Some(uid) = &entry.uid {
            self.by_uid.insert(uid.clone(), at);
        }
        self.by_name.entry(folded(&entry.name)).or_default().push(at);
        self.entries.push(entry);
    }

    fn add(&mut self, entry: Contact, how: Match) -> Changed {
        if let Some(own) = self.by_id.get(&entry.id) {
            // Done already, by an earlier attempt.
            return Changed::Added(self.entries[*own].clone());
        }
        let found = match how {
            Match::Name => match self.by_what_is_said(&entry) {
                Ok(found) => found,
                Err(()) => return Changed::Unclear,
            },
            Match::Card => self.by_card(&entry),
        };
        let Some(at) = found else {
            if self.entries.len() >= CONTACTS_MAX {
                return Changed::Full;
            }
            self.push(entry.clone());
            return Changed::Added(entry);
        };
        let before = self.entries[at].clone();
        let after = filled(before.clone(), entry);
        if before == after {
            return Changed::Unchanged(after);
        }
        if let Some(uid) = &after.uid {
            self.by_uid.insert(uid.clone(), at);
        }
        self.entries[at] = after.clone();
        Changed::Updated { before, after }
    }

    fn namesakes(&self, entry: &Contact) -> Vec<usize> {
        self.by_name.get(&folded(&entry.name)).cloned().unwrap_or_default()
    }

    fn by_what_is_said(&self, entry: &Contact) -> Result<Option<usize>, ()> {
        let differ = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => folded(one) != folded(other),
            (None, _) | (_, None) => false,
        };
        let mut fitting = self.namesakes(entry);
        fitting.retain(|at| {
            let there = &self.entries[*at];
            !differ(&there.relation, &entry.relation) && !differ(&there.telegram, &entry.telegram)
        });
        if fitting.len() > 1 {
            let sharing: Vec<usize> = fitting.iter().copied().filter(|at| shares(&self.entries[*at], entry)).collect();
            return match sharing.as_slice() {
                [only] => Ok(Some(*only)),
                [] if has_way(entry) => Ok(None),
                _ => Err(()),
            };
        }
        Ok(fitting.first().copied())
    }

    fn by_card(&self, entry: &Contact) -> Option<usize> {
        if let Some(at) = entry.uid.as_ref().and_then(|uid| self.by_uid.get(uid)) {
            return Some(*at);
        }
        let namesakes = self.namesakes(entry);
        let sharing: Vec<usize> = namesakes.iter().copied().filter(|at| shares(&self.entries[*at], entry)).collect();
        // Of several, the one that has all of it already, so that the same card finds the same entry.
        let has_all = |at: &usize| filled(self.entries[*at].clone(), entry.clone()) == self.entries[*at];
        let best = |of: &[usize]| of.iter().copied().find(has_all).or_else(|| of.first().copied());
        best(&sharing).or_else(|| {
            let bare = |at: &usize| {
                let there = &self.entries[*at];
                (there.uid.is_none() || entry.uid.is_none()) && (!has_way(there) || !has_way(entry))
            };
            best(&namesakes.into_iter().filter(bare).collect::<Vec<_>>())
        })
    }
}

fn has_way(entry: &Contact) -> bool {
    entry.mail_addresses().next().is_some() || entry.numbers().next().is_some() || entry.telegram.is_some()
}

fn shares(one: &Contact, other: &Contact) -> bool {
    let mail = one.mail_addresses().any(|a| other.mail_addresses().any(|b| a.eq_ignore_ascii_case(b)));
    let number = one.numbers().any(|a| other.numbers().any(|b| dialled(a) == dialled(b)));
    mail || number || (one.telegram.is_some() && one.telegram == other.telegram)
}

/// An entry with what it lacks of another.
pub(super) fn filled(mut entry: Contact, more: Contact) -> Contact {
    let own = folded(&entry.name);
    let names = std::iter::once(more.name).chain(more.aliases).filter(|name| folded(name) != own);
    extend(&mut entry.aliases, names, NAMES_MAX, folded);
    let mails: Vec<String> = more.email.into_iter().chain(more.emails).collect();
    let mut all: Vec<String> = entry.email.take().into_iter().chain(std::mem::take(&mut entry.emails)).collect();
    extend(&mut all, mails, WAYS_MAX + 1, str::to_lowercase);
    (entry.email, entry.emails) = split(all);
    let numbers: Vec<String> = more.phone.into_iter().chain(more.phones).collect();
    let mut all: Vec<String> = entry.phone.take().into_iter().chain(std::mem::take(&mut entry.phones)).collect();
    extend(&mut all, numbers, WAYS_MAX + 1, dialled);
    (entry.phone, entry.phones) = split(all);
    extend(&mut entry.groups, more.groups, NAMES_MAX, folded);
    entry.relation = entry.relation.or(more.relation);
    entry.telegram = entry.telegram.or(more.telegram);
    entry.discord = entry.discord.or(more.discord);
    entry.uid = entry.uid.or(more.uid);
    entry
}

/// The usual one, and the others.
fn split(mut all: Vec<String>) -> (Option<String>, Vec<String>) {
    if all.is_empty() {
        return (None, all);
    }
    let first = all.remove(0);
    (Some(first), all)
}

fn extend(list: &mut Vec<String>, more: impl IntoIterator<Item = String>, most: usize, key: impl Fn(&str) -> String) {
    for one in more {
        if list.len() < most && !list.iter().any(|there| key(there) == key(&one)) {
            list.push(one);
        }
    }
}

#[cfg(test)]
mod tests;
