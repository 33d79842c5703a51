//! Who we serve, and whom they know.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::ids::{ContactId, PersonId};

/// A front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A Telegram chat.
    Telegram,
    /// A Discord channel.
    Discord,
    /// A mail thread.
    Email,
    /// A web session.
    Web,
}

impl Channel {
    /// The name used in storage and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Discord => "discord",
            Self::Email => "email",
            Self::Web => "web",
        }
    }

    /// The channel of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Telegram, Self::Discord, Self::Email, Self::Web].into_iter().find(|c| c.as_str() == text)
    }
}

/// Whether a person may invite others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person who runs the service.
    Owner,
    /// An invited person.
    Member,
}

/// A person with their preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The id.
    pub id: PersonId,
    /// What we call them.
    pub name: String,
    /// Owner or member.
    pub role: Role,
    /// What they chose.
    pub settings: Settings,
}

/// What a person chose; the shape of `GET /api/settings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where their days begin and end.
    pub timezone: Tz,
    /// ISO 4217 code for amounts without one.
    pub currency: String,
    /// Language tag for dates, `en`.
    pub locale: String,
    /// Whether remote AI providers may see their requests.
    pub remote_ai: bool,
    /// Where notices go.
    pub notify_on: Channel,
}

/// A (channel, address) pair that is proven to be a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The door.
    pub channel: Channel,
    /// The platform's user id, or the mail address.
    pub address: String,
}

/// An entry of a person's address book; the shape of `/api/contacts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The id.
    pub id: ContactId,
    /// Full name.
    pub name: String,
    /// Other names they go by.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What they are to the person, `wife`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Mail address; the one that is used when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Further mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Telegram chat or user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<String>,
    /// Discord user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discord: Option<String>,
    /// Telephone number; the one that is used when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Further telephone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// Names of groups they belong to.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What another address book knows the entry by: the UID of the vCard it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl Contact {
    /// An entry that has a name and nothing else.
    pub fn named(id: ContactId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            aliases: Vec::new(),
            relation: None,
            email: None,
            emails: Vec::new(),
            telegram: None,
            discord: None,
            phone: None,
            phones: Vec::new(),
            groups: Vec::new(),
            uid: None,
        }
    }

    /// The same entry with a usual address and number wherever it has any, and none twice.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        (self.email, self.emails) = usual(self.email, self.emails);
        (self.phone, self.phones) = usual(self.phone, self.phones);
        self
    }

    /// Every mail address, the usual one first.
    pub fn mail_addresses(&self) -> impl Iterator<Item = &str> {
        self.email.iter().chain(&self.emails).map(String::as_str)
    }

    /// Every telephone number, the usual one first.
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.phone.iter().chain(&self.phones).map(String::as_str)
    }
}

fn usual(first: Option<String>, others: Vec<String>) -> (Option<String>, Vec<String>) {
    let mut all: Vec<String> = Vec::new();
    for one in first.into_iter().chain(others) {
        if !all.iter().any(|there| there.eq_ignore_ascii_case(&one)) {
            all.push(one);
        }
    }
    let mut all = all.into_iter();
    (all.next(), all.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_of_an_earlier_version_is_read_and_written_the_same() {
        let old = json!({"id": "c1", "name": "Ann", "aliases": [], "email": "ann@example.org", "groups": ["friends"]});
        let contact: Contact = serde_json::from_value(old.clone()).expect("an entry");
        assert_eq!(contact.mail_addresses().collect::<Vec<_>>(), ["ann@example.org"]);
        assert_eq!(serde_json::to_value(&contact).expect("json"), old);
    }
}
