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
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telegram chat or user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<String>,
    /// Discord user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discord: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Names of groups they belong to.
    #[serde(default)]
    pub groups: Vec<String>,
}
