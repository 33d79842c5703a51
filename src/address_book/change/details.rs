//! A part of an entry: what was added to it, or is to be taken off.

use workflows::person::Contact;

use super::split;
use crate::address_book::{dialled, folded};

/// Something of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Other names.
    pub aliases: Vec<String>,
    /// Mail addresses.
    pub emails: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// What they are to the person.
    pub relation: Option<String>,
    /// The Telegram chat.
    pub telegram: Option<String>,
}

fn refs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

impl Details {
    /// What an entry has more than it had.
    pub fn between(before: &Contact, after: &Contact) -> Self {
        let more = |before: Vec<&str>, after: Vec<&str>| -> Vec<String> {
            after.into_iter().filter(|one| !before.contains(one)).map(str::to_owned).collect()
        };
        Self {
            aliases: more(refs(&before.aliases), refs(&after.aliases)),
            emails: more(before.mail_addresses().collect(), after.mail_addresses().collect()),
            phones: more(before.numbers().collect(), after.numbers().collect()),
            groups: more(refs(&before.groups), refs(&after.groups)),
            relation: after.relation.clone().filter(|_| before.relation.is_none()),
            telegram: after.telegram.clone().filter(|_| before.telegram.is_none()),
        }
    }

    /// An entry without it.
    pub(super) fn taken_from(&self, mut entry: Contact) -> Contact {
        let goes = |gone: &[String], key: &dyn Fn(&str) -> String, one: &str| gone.iter().any(|g| key(g) == key(one));
        entry.aliases.retain(|one| !goes(&self.aliases, &folded, one));
        entry.groups.retain(|one| !goes(&self.groups, &folded, one));
        let mails = entry.email.take().into_iter().chain(std::mem::take(&mut entry.emails));
        (entry.email, entry.emails) = split(mails.filter(|one| !goes(&self.emails, &folded, one)).collect());
        let numbers = entry.phone.take().into_iter().chain(std::mem::take(&mut entry.phones));
        (entry.phone, entry.phones) = split(numbers.filter(|one| !goes(&self.phones, &dialled, one)).collect());
        if self.relation.is_some() && entry.relation == self.relation {
            entry.relation = None;
        }
        if self.telegram.is_some() && entry.telegram == self.telegram {
            entry.telegram = None;
        }
        entry
    }

    /// In words, `bob@example.org, group family`.
    pub fn words(&self) -> String {
        let named = |what: &str, list: &[String]| list.iter().map(|one| format!("{what} {one}")).collect::<Vec<_>>();
        let mut all = self.emails.clone();
        all.extend(self.phones.iter().cloned());
        all.extend(self.relation.iter().cloned());
        all.extend(self.telegram.iter().map(|chat| format!("Telegram {chat}")));
        all.extend(named("also called", &self.aliases));
        all.extend(named("group", &self.groups));
        all.join(", ")
    }
}
