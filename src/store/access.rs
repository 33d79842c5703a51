//! Who may come in: sessions, API tokens and one-use codes. Callers pass hashes, never secrets.

use async_trait::async_trait;
use channels::port::Joined;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use workflows::ids::PersonId;
use workflows::person::{Identity, Person};
use workflows::ports::StoreError;

/// What a credential may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking.
    Read,
    /// Asking for things, answering questions, changing contacts and settings.
    Act,
    /// Saying yes to a confirmation.
    Approve,
}

/// Whether a credential came from signing in or was made for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A signed-in browser or client.
    Session,
    /// An API token.
    Token,
}

/// A session or token as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its public id.
    pub id: String,
    /// Whose.
    pub person_id: PersonId,
    /// Session or token.
    pub kind: CredentialKind,
    /// The id of the token that opened a session: the session ends with it.
    pub parent: Option<String>,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it lapses; `None` = never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// Signs its person in.
    Login,
    /// Links another identity to its person.
    Link,
    /// Brings in a new person.
    Invite,
}

/// A one-use code as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What it is for.
    pub kind: CodeKind,
    /// Whose it is; for an invitation, who invites.
    pub person_id: PersonId,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// Keeping credentials and codes. Every method fails when the store does.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Keeps a code under its hash.
    async fn put_code(&self, hash: &str, code: &Code) -> Result<(), StoreError>;

    /// Takes a code out if it still holds: it works once.
    async fn redeem_code(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Code>, StoreError>;

    /// Uses a code for an identity that a door has proven, all in one commit: an invitation makes the
    /// newcomer, any other code gives the identity to the code's person, who from then on is told of
    /// notices there if they chose no other place. Whoever the identity belongs to already uses up no code.
    async fn join(
        &self,
        hash: &str,
        identity: &Identity,
        newcomer: &Person,
        now: DateTime<Utc>,
    ) -> Result<Joined, StoreError>;

    /// Keeps a credential under its hash; one that is there already stays as it is, and one whose
    /// parent has ended meanwhile is not kept. What has lapsed by then is let go of.
    async fn put_credential(&self, hash: &str, credential: &Credential) -> Result<(), StoreError>;

    /// The credential of that hash, unless it has lapsed.
    async fn credential(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Credential>, StoreError>;

    /// Notes that a credential was used.
    async fn touch(&self, hash: &str, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// A person's API tokens, newest first.
    async fn tokens(&self, person: &PersonId) -> Result<Vec<Credential>, StoreError>;

    /// Ends a person's credential and the sessions it opened: the ids of what ended, none when it
    /// was not there or not theirs.
    async fn revoke(&self, person: &PersonId, id: &str) -> Result<Vec<String>, StoreError>;
}
