//! Who may use the doors, over the store.

use std::sync::Arc;

use async_trait::async_trait;
use channels::port::{CodeFor, Joined, Members};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value};
use workflows::frame::{FrameDraft, FrameKind};
use workflows::ids::PersonId;
use workflows::person::{Identity, Person, Role, Settings};
use workflows::ports::{Clock, FrameSink, Ids, StoreError, TaskRow};

use crate::http::auth::secret;
use crate::store::access::{Code, CodeKind};
use crate::store::{AccessStore, LogStore, PeopleStore};

/// How long a code that links an identity holds, in minutes.
pub const LINK_MINUTES: i64 = 10;
/// How long an invitation holds, in days.
pub const INVITE_DAYS: i64 = 7;

/// Members, as the doors see them.
pub struct StoredMembers {
    /// Who people are.
    pub people: Arc<dyn workflows::ports::People>,
    /// Their identities and settings.
    pub persons: Arc<dyn PeopleStore>,
    /// Codes.
    pub access: Arc<dyn AccessStore>,
    /// Their tasks, and where the owner is told things.
    pub log: Arc<dyn LogStore>,
    /// Who hears of notices at once.
    pub sink: Arc<dyn FrameSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// What a new person starts with.
    pub settings: Settings,
}

/// Makes and keeps a one-use code.
///
/// # Errors
/// When the store fails.
pub async fn make_code(
    access: &dyn AccessStore,
    ids: &dyn Ids,
    person: &PersonId,
    kind: CodeFor,
    now: DateTime<Utc>,
) -> Result<(String, DateTime<Utc>), StoreError> {
    let (kind, holds) = match kind {
        CodeFor::Link => (CodeKind::Link, Duration::minutes(LINK_MINUTES)),
        CodeFor::Invite => (CodeKind::Invite, Duration::days(INVITE_DAYS)),
    };
    let (code, expires_at) = (secret::code(ids), now + holds);
    access.put_code(&secret::hash(&code), &Code { kind, person_id: person.clone(), expires_at }).await?;
    Ok((code, expires_at))
}

#[async_trait]
impl Members for StoredMembers {
    async fn who(&self, identity: &Identity) -> Result<Option<Person>, StoreError> {
        self.persons.person_by_identity(identity.channel, &identity.address).await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.people.person(id).await.map_err(|error| StoreError::Driver(Box::new(error)))
    }

    async fn join(&self, code: &str, identity: &Identity, name: &str) -> Result<Joined, StoreError> {
        let newcomer = Person {
            id: PersonId(self.ids.fresh()),
            name: name.to_owned(),
            role: Role::Member,
            settings: Settings { notify_on: identity.channel, ..self.settings.clone() },
        };
        self.access.join(&secret::hash(code), identity, &newcomer, self.clock.now()).await
    }

    async fn code(&self, person: &PersonId, kind: CodeFor) -> Result<(String, DateTime<Utc>), StoreError> {
        make_code(&*self.access, &*self.ids, person, kind, self.clock.now()).await
    }

    async fn choose(&self, person: &PersonId, settings: &Settings) -> Result<(), StoreError> {
        self.persons.save_settings(person, settings).await
    }

    async fn tasks(&self, person: &PersonId, limit: u32) -> Result<Vec<TaskRow>, StoreError> {
        self.log.tasks(person, None, limit).await
    }

    async fn tell_owner(&self, key: &str, text: &str) -> Result<Option<PersonId>, StoreError> {
        let persons = self.persons.persons().await?;
        let Some(owner) = persons.into_iter().find(|person| person.role == Role::Owner) else { return Ok(None) };
        let data = Map::from_iter([("text".to_owned(), Value::from(text))]);
        let draft = FrameDraft { kind: FrameKind::Notification, data };
        let told = self.log.append(&owner.id, None, draft, key, self.clock.now()).await?;
        Ok(told.map(|frame| {
            self.sink.publish(&[frame]);
            owner.id
        }))
    }
}
