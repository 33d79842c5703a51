//! What one card says of its person.

use calcard::vcard::{
    VCard, VCardEntry, VCardKind, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue,
};
use workflows::ids::ContactId;
use workflows::person::Contact;

use crate::address_book::{NAMES_MAX, Owner, TEXT_CHARS_MAX, WAYS_MAX, dialled, folded, is_address};

/// Fewest digits of a telephone number; emergency and short numbers are kept.
const DIGITS_MIN: usize = 2;
/// A group that is on every card of Google's and says nothing.
const EVERYBODY: &str = "mycontacts";

/// A card as it is read.
pub(super) struct Reading<'c> {
    card: &'c VCard,
}

impl<'c> Reading<'c> {
    pub(super) fn of(card: &'c VCard) -> Self {
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

    pub(super) fn is_group(&self) -> bool {
        let apple = self.others("X-ADDRESSBOOKSERVER-KIND").flat_map(values).any(|kind| folded(&kind) == "group");
        let kinds = self.all(&VCardProperty::Kind).flat_map(|entry| &entry.values);
        apple || kinds.into_iter().any(|value| matches!(value, VCardValue::Kind(VCardKind::Group)))
    }

    pub(super) fn members(&self) -> Vec<String> {
        let apple = self.others("X-ADDRESSBOOKSERVER-MEMBER").flat_map(values);
        self.all(&VCardProperty::Member).flat_map(values).chain(apple).filter_map(|uid| as_uid(&uid)).collect()
    }

    /// How the card calls its person: formatted, else put together, else by another name, else the
    /// company's.
    pub(super) fn name(&self) -> Option<String> {
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

    pub(super) fn contact(
        &self,
        id: ContactId,
        owner: &Owner,
        mut left_out: impl FnMut(&str, String),
    ) -> Option<Contact> {
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
            push(&mut contact.aliases, clipped(alias), NAMES_MAX, folded);
        }
        for group in self.texts(&VCardProperty::Categories).iter().filter(|group| folded(group) != EVERYBODY) {
            push(&mut contact.groups, clipped(group), NAMES_MAX, folded);
        }
        contact.relation = self.relation(owner);
        contact.uid = self.texts(&VCardProperty::Uid).first().and_then(|uid| as_uid(uid));
        let (mut mails, mut numbers) = (unique(mails, str::to_lowercase), unique(numbers, dialled));
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

pub(super) fn push(list: &mut Vec<String>, one: String, most: usize, key: impl Fn(&str) -> String) {
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
