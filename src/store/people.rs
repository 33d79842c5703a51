//! Persons, their identities, and their address books.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::ids::{ContactId, PersonId};
use workflows::person::{Channel, Contact, Identity, Person, Settings};
use workflows::ports::StoreError;

use crate::address_book::{Change, Changed};

/// Contacts one person may have.
pub const CONTACTS_MAX: usize = 5_000;

/// Persons and identities. Every method fails when the store does.
#[async_trait]
pub trait PeopleStore: Send + Sync {
    /// Adds a person. Precondition: the id is new.
    async fn create_person(&self, person: &Person, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Everyone, the owner first.
    async fn persons(&self) -> Result<Vec<Person>, StoreError>;

    /// Whose identity it is.
    async fn person_by_identity(&self, channel: Channel, address: &str) -> Result<Option<Person>, StoreError>;

    /// Makes a proven identity a person's; takes it from whoever had it.
    async fn link_identity(&self, person: &PersonId, identity: &Identity, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// A person's identities.
    async fn identities(&self, person: &PersonId) -> Result<Vec<Identity>, StoreError>;

    /// Keeps what a person chose.
    async fn save_settings(&self, person: &PersonId, settings: &Settings) -> Result<(), StoreError>;
}

/// Writing address books; reading them is [`workflows::ports::People::contacts`].
#[async_trait]
pub trait ContactStore: Send + Sync {
    /// The contact of that id.
    async fn contact(&self, person: &PersonId, id: &ContactId) -> Result<Option<Contact>, StoreError>;

    /// Adds or replaces a contact; `false` when the book is full ([`CONTACTS_MAX`]).
    async fn put_contact(&self, person: &PersonId, contact: &Contact) -> Result<bool, StoreError>;

    /// Applies a change to the whole book at once: nobody else changes it meanwhile.
    async fn change_contacts(&self, person: &PersonId, change: Change) -> Result<Vec<Changed>, StoreError>;

    /// Removes a contact; whether it was there.
    async fn delete_contact(&self, person: &PersonId, id: &ContactId) -> Result<bool, StoreError>;
}
