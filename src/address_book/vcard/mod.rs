//! vCard files as phones and mail services export them: versions 2.1, 3.0 (RFC 2426) and 4.0
//! (RFC 6350), folded lines, quoted-printable text, grouped properties.
//!
//! The file is cut into small cards first (`super::cards`); a card that cannot be read is told
//! with its line and spoils no other.

mod reading;

use std::collections::HashMap;

use calcard::vcard::VCard;
use calcard::{Entry, Parser};
use workflows::ids::ContactId;
use workflows::person::Contact;

use super::cards::{CARD_BYTES_MAX, Card, Cards};
use super::owner::Owner;
use super::{NAMES_MAX, filled, folded};
use crate::store::people::CONTACTS_MAX;
use reading::{Reading, push};

/// Largest file, in bytes. Most of one is pictures, which are left out.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// Cards read of one file: more do not fit into an address book.
pub const CARDS_MAX: usize = CONTACTS_MAX;
/// Cards that were left out and are told one by one.
pub const SKIPPED_MAX: usize = 100;
/// What a file holds.
#[derive(Debug, Default)]
pub struct File {
    /// Its people, with where their cards begin.
    pub people: Vec<(usize, Contact)>,
    /// What was left out.
    pub skipped: Skipped,
    /// Whether there was any card in it.
    pub has_cards: bool,
}

/// What was left out of a file.
#[derive(Debug, Default)]
pub struct Skipped {
    /// One by one, at most [`SKIPPED_MAX`].
    pub told: Vec<Skip>,
    /// How many more there are.
    pub more: usize,
}

/// A card, or a part of one, that was left out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skip {
    /// The line its card begins at.
    pub line: usize,
    /// Whose it is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why.
    pub why: String,
}

impl Skipped {
    /// Notes one more.
    pub fn add(&mut self, line: usize, name: Option<&str>, why: impl Into<String>) {
        if self.told.len() < SKIPPED_MAX {
            self.told.push(Skip { line, name: name.map(str::to_owned), why: why.into() });
        } else {
            self.more += 1;
        }
    }
}

/// Reads a file; entries get ids in turn.
pub fn read(file: &[u8], owner: &Owner, mut fresh: impl FnMut() -> ContactId) -> File {
    let mut out = File::default();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut by_uid = HashMap::new();
    for (n, card) in Cards::of(file).enumerate() {
        out.has_cards = true;
        if n >= CARDS_MAX {
            out.skipped.add(card.line, None, format!("a file may have at most {CARDS_MAX} cards"));
            continue;
        }
        let parsed = match parsed(&card) {
            Ok(parsed) => parsed,
            Err(why) => {
                out.skipped.add(card.line, None, why);
                continue;
            }
        };
        let reading = Reading::of(&parsed);
        if reading.is_group() {
            groups.extend(reading.name().map(|name| (name, reading.members())));
            continue;
        }
        match reading.contact(fresh(), owner, |name, why| out.skipped.add(card.line, Some(name), why)) {
            Some(contact) => out.keep(&mut by_uid, card.line, contact),
            None => out.skipped.add(card.line, None, "it has no name, no address and no number"),
        }
    }
    join(&mut out.people, &by_uid, &groups);
    out
}

impl File {
    /// Keeps an entry; cards of one UID are one entry.
    fn keep(&mut self, by_uid: &mut HashMap<String, usize>, line: usize, contact: Contact) {
        let Some(uid) = contact.uid.clone() else {
            self.people.push((line, contact));
            return;
        };
        if let Some(at) = by_uid.get(&uid) {
            let (first, there) = &mut self.people[*at];
            let why = format!("it has the UID of the card at line {first} and was read as a part of it");
            self.skipped.add(line, Some(&contact.name), why);
            *there = filled(there.clone(), contact);
            return;
        }
        by_uid.insert(uid, self.people.len());
        self.people.push((line, contact));
    }
}

/// Puts the members of group cards into their groups.
fn join(people: &mut [(usize, Contact)], by_uid: &HashMap<String, usize>, groups: &[(String, Vec<String>)]) {
    for (name, members) in groups {
        for at in members.iter().filter_map(|uid| by_uid.get(uid)) {
            push(&mut people[*at].1.groups, name.clone(), NAMES_MAX, folded);
        }
    }
}

fn parsed(card: &Card) -> Result<VCard, String> {
    if card.too_large {
        return Err(format!("it has more than {} KiB without its pictures", CARD_BYTES_MAX >> 10));
    }
    if !card.ended {
        return Err("its end is missing".to_owned());
    }
    let lines = text(&card.bytes).ok_or("its text is not UTF-8")?;
    match Parser::new(&format!("BEGIN:VCARD\r\n{lines}END:VCARD\r\n")).entry() {
        Entry::VCard(card) => Ok(card),
        _ => Err("it is no vCard".to_owned()),
    }
}

/// A card's text. Version 2.1 is older than UTF-8 everywhere: what is none is Latin-1 there.
fn text(bytes: &[u8]) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    let old = bytes.to_ascii_uppercase().windows(11).any(|part| part == b"VERSION:2.1");
    old.then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests;
