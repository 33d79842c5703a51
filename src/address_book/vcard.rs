//! vCard files as phones and mail services export them: versions 2.1, 3.0 (RFC 2426) and 4.0
//! (RFC 6350), folded lines, quoted-printable text, grouped properties.
//!
//! The file is cut into small cards first ([`super::cards`]); a card that cannot be read is told
//! with its line and spoils no other.

use std::collections::HashMap;

use calcard::vcard::{
    VCard, VCardEntry, VCardKind, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue,
};
use calcard::{Entry, Parser};
use workflows::ids::ContactId;
use workflows::person::Contact;

use super::cards::{CARD_BYTES_MAX, Card, Cards};
use super::owner::Owner;
use super::{NAMES_MAX, TEXT_CHARS_MAX, WAYS_MAX, dialled, filled, folded, is_address};
use crate::store::people::CONTACTS_MAX;

/// Largest file, in bytes. Most of one is pictures, which are left out.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// Cards read of one file: more do not fit into an address book.
pub const CARDS_MAX: usize = CONTACTS_MAX;
/// Cards that were left out and are told one by one.
pub const SKIPPED_MAX: usize = 100;
/// Fewest digits of a telephone number; emergency and short numbers are kept.
const DIGITS_MIN: usize = 2;
/// A group that is on every card of Google's and says nothing.
const EVERYBODY: &str = "mycontacts";

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
            push(&mut people[*at].1.groups, name.clone(), NAMES_MAX, |group| folded(group));
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

/// A card as it is read.
struct Reading<'c> {
    card: &'c VCard,
}

impl<'c> Reading<'c> {
    fn of(card: &'c VCard) -> Self {
        Self { card }
    }

    fn all(&self, name: &VCardProperty) -> impl Iterator<Item = &'c VCardEntry> {
        self.card.entries.iter().filter(move |entry| entry.name == *name)
    }

    fn others(&self, name: &'static str) -> impl Iterator<Item = &'c VCardEntry> {
        let is = move |entry: &&VCardEntry| matches!(&entry.name, VCardProperty::Other(other) if other.eq_ignore_ascii_case(name));
        self.card.entries.iter().filter(is)
    }

    fn texts(&self, name: &VCardProperty) -> Vec<String> {
        self.all(name).flat_map(values).collect()
    }

    fn is_group(&self) -> bool {
        let apple = self.others("X-ADDRESSBOOKSERVER-KIND").flat_map(values).any(|kind| folded(&kind) == "group");
        let kinds = self.all(&VCardProperty::Kind).flat_map(|entry| &entry.values);
        apple || kinds.into_iter().any(|value| matches!(value, VCardValue::Kind(VCardKind::Group)))
    }

    fn members(&self) -> Vec<String> {
        let apple = self.others("X-ADDRESSBOOKSERVER-MEMBER").flat_map(values);
        self.all(&VCardProperty::Member).flat_map(values).chain(apple).filter_map(|uid| as_uid(&uid)).collect()
    }

    /// How the card calls its person: formatted, else put together, else by another name, else the
    /// company's.
    fn name(&self) -> Option<String> {
        let formatted = self.texts(&VCardProperty::Fn).into_iter().next();
        let parts = || {
            let entry = self.all(&VCardProperty::N).next()?;
            let part = |at: usize| entry.values.get(at).map(words).unwrap_or_default();
            // Family, given, additional.
            let name = plain(&[part(1), part(2), part(0)].join(" "));
            (!name.is_empty()).then_some(name)
        };
        let first = |name: &VCardProperty| self.texts(name).into_iter().next();
        formatted
            .or_else(parts)
            .or_else(|| first(&VCardProperty::Nickname))
            .or_else(|| first(&VCardProperty::Org))
            .map(|name| clipped(&name))
    }

    fn contact(&self, id: ContactId, owner: &Owner, mut left_out: impl FnMut(&str, String)) -> Option<Contact> {
        let name = self.name();
        let shown = name.clone().unwrap_or_default();
        let mut bad = |what: String| left_out(&shown, what);
        let mails = self.ways(&VCardProperty::Email, |raw| {
            let mail = raw.strip_prefix("mailto:").unwrap_or(raw).trim();
            if is_address(mail) && mail.chars().count() <= TEXT_CHARS_MAX {
                return Some(mail.to_owned());
            }
            bad(format!("“{}” is no mail address; the rest was read", short(raw)));
            None
        });
        let numbers = self.ways(&VCardProperty::Tel, |raw| {
            let number = raw.strip_prefix("tel:").and_then(|uri| uri.split(';').next()).unwrap_or(raw);
            let number = plain(number);
            if dialled(&number).len() >= DIGITS_MIN && number.chars().count() <= TEXT_CHARS_MAX {
                return Some(number);
            }
            bad(format!("“{}” is no telephone number; the rest was read", short(raw)));
            None
        });
        let name = name.or_else(|| mails.first().cloned()).or_else(|| numbers.first().cloned())?;
        let own = folded(&name);
        let mut contact = Contact::named(id, name);
        for alias in self.texts(&VCardProperty::Nickname).iter().filter(|alias| folded(alias) != own) {
            push(&mut contact.aliases, clipped(alias), NAMES_MAX, |one| folded(one));
        }
        for group in self.texts(&VCardProperty::Categories).iter().filter(|group| folded(group) != EVERYBODY) {
            push(&mut contact.groups, clipped(group), NAMES_MAX, |one| folded(one));
        }
        contact.relation = self.relation(owner);
        contact.uid = self.texts(&VCardProperty::Uid).first().and_then(|uid| as_uid(uid));
        let (mut mails, mut numbers) = (unique(mails, |mail| mail.to_lowercase()), unique(numbers, |n| dialled(n)));
        contact.email = mails.next();
        contact.emails = mails.take(WAYS_MAX).collect();
        contact.phone = numbers.next();
        contact.phones = numbers.take(WAYS_MAX).collect();
        Some(contact)
    }

    /// Addresses or numbers, the preferred first.
    fn ways(&self, name: &VCardProperty, mut read: impl FnMut(&str) -> Option<String>) -> Vec<String> {
        let mut ways: Vec<(u32, String)> = Vec::new();
        for entry in self.all(name) {
            let raw = entry.values.iter().map(words).collect::<Vec<_>>().join(" ");
            if !raw.trim().is_empty()
                && let Some(way) = read(raw.trim())
            {
                ways.push((preference(entry), way));
            }
        }
        ways.sort_by_key(|(preference, _)| *preference);
        ways.into_iter().map(|(_, way)| way).collect()
    }

    /// What the card's person is to the owner, when the card says whose they are and names the owner.
    fn relation(&self, owner: &Owner) -> Option<String> {
        let standard = self.all(&VCardProperty::Related).flat_map(|entry| {
            let kinds: Vec<&str> =
                entry.parameters(&VCardParameterName::Type).filter_map(VCardParameterValue::as_text).collect();
            values(entry)
                .flat_map(move |whom| kinds.clone().into_iter().map(move |kind| (kind.to_owned(), whom.clone())))
        });
        let apple = self.others("X-ABRELATEDNAMES").flat_map(|entry| {
            let label = self.others("X-ABLABEL").find(|label| label.group.is_some() && label.group == entry.group);
            let label = label.and_then(|label| values(label).next()).unwrap_or_default();
            let kind = label.trim_start_matches("_$!<").trim_end_matches(">!$_").to_owned();
            values(entry).map(move |whom| (kind.clone(), whom))
        });
        standard.chain(apple).find_map(|(kind, whom)| owner.relation(&kind, &whom)).map(str::to_owned)
    }
}

/// What is preferred comes first: `PREF=1` is the most, a bare `PREF` as much.
fn preference(entry: &VCardEntry) -> u32 {
    const LEAST: u32 = 101;
    let given = entry.parameters(&VCardParameterName::Pref).next().map(|value| match value {
        VCardParameterValue::Integer(rank) => *rank,
        _ => 1,
    });
    let typed = entry
        .parameters(&VCardParameterName::Type)
        .any(|kind| kind.as_text().is_some_and(|kind| kind.eq_ignore_ascii_case("pref")));
    given.unwrap_or(if typed { 1 } else { LEAST })
}

/// The texts of a property on one line each, without empty ones.
fn values(entry: &VCardEntry) -> impl Iterator<Item = String> {
    entry.values.iter().map(|value| plain(&words(value))).filter(|text| !text.is_empty())
}

fn words(value: &VCardValue) -> String {
    match value {
        VCardValue::Component(parts) => parts.join(" "),
        other => other.as_text().unwrap_or_default().to_owned(),
    }
}

fn as_uid(text: &str) -> Option<String> {
    const URN: &str = "urn:uuid:";
    let bare = match text.get(..URN.len()) {
        Some(start) if start.eq_ignore_ascii_case(URN) => &text[URN.len()..],
        Some(_) | None => text,
    };
    let fits = !bare.is_empty() && bare.chars().count() <= TEXT_CHARS_MAX;
    fits.then(|| bare.to_owned())
}

/// One line without control characters.
fn plain(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clipped(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn short(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    plain(text).chars().take(SHOWN_CHARS_MAX).collect()
}

fn push(list: &mut Vec<String>, one: String, most: usize, key: impl Fn(&str) -> String) {
    if list.len() < most && !list.iter().any(|there| key(there) == key(&one)) {
        list.push(one);
    }
}

fn unique(list: Vec<String>, key: impl Fn(&str) -> String) -> impl Iterator<Item = String> {
    let mut seen: Vec<String> = Vec::new();
    list.into_iter().filter(move |one| {
        let key = key(one);
        let new = !seen.contains(&key);
        if new {
            seen.push(key);
        }
        new
    })
}

#[cfg(test)]
mod tests;
