//! The first person: made at the first start, signed in by a code or `OWNER_TOKEN`.

use chrono::Duration;
use workflows::ids::PersonId;
use workflows::person::{Person, Role, Settings};
use workflows::ports::{Clock, Ids, StoreError};

use super::secret;
use crate::store::access::{Code, CodeKind, Credential, CredentialKind, Scope};
use crate::store::{AccessStore, PeopleStore};

/// How long a login code holds, in hours.
const LOGIN_CODE_HOURS: i64 = 24;
/// The id `OWNER_TOKEN` is kept under, so that a changed one takes the old one's place.
const OWNER_TOKEN_ID: &str = "owner-token";

/// What the first start prints.
#[derive(Clone)]
pub struct Welcome {
    /// The owner.
    pub owner: Person,
    /// A one-use code for `/login?code=…`.
    pub login_code: String,
    /// The owner's API token, when it was generated now: it is never shown again.
    pub new_token: Option<String>,
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome").field("owner", &self.owner.id).finish_non_exhaustive()
    }
}

/// Sees to it that there is an owner with a token, and makes a login code.
///
/// A `token` given is the owner's from now on and every one given before ends; without one, the
/// first start generates it.
///
/// # Errors
/// When a store fails.
pub async fn ensure_owner<S: AccessStore + PeopleStore>(
    store: &S,
    name: &str,
    settings: Settings,
    token: Option<&str>,
    clock: &dyn Clock,
    ids: &dyn Ids,
) -> Result<Welcome, StoreError> {
    let now = clock.now();
    let found = store.persons().await?.into_iter().find(|person| person.role == Role::Owner);
    let first = found.is_none();
    let owner = if let Some(owner) = found {
        owner
    } else {
        let owner = Person { id: PersonId(ids.fresh()), name: name.to_owned(), role: Role::Owner, settings };
        store.create_person(&owner, now).await?;
        owner
    };
    let new_token = (first && token.is_none()).then(|| secret::token(ids));
    if let Some(token) = token.or(new_token.as_deref()) {
        let hash = secret::hash(token);
        let kept = store.credential(&hash, now).await?;
        if kept.is_none_or(|kept| kept.id != OWNER_TOKEN_ID) {
            store.revoke(&owner.id, OWNER_TOKEN_ID).await?;
            store.put_credential(&hash, &owner_token(&owner.id, now)).await?;
        }
    }
    let login_code = secret::code(ids);
    let expires_at = now + Duration::hours(LOGIN_CODE_HOURS);
    let code = Code { kind: CodeKind::Login, person_id: owner.id.clone(), expires_at };
    store.put_code(&secret::hash(&login_code), &code).await?;
    Ok(Welcome { owner, login_code, new_token })
}

fn owner_token(owner: &PersonId, now: chrono::DateTime<chrono::Utc>) -> Credential {
    Credential {
        id: OWNER_TOKEN_ID.to_owned(),
        person_id: owner.clone(),
        kind: CredentialKind::Token,
        parent: None,
        name: "OWNER_TOKEN".to_owned(),
        scopes: vec![Scope::Read, Scope::Act, Scope::Approve],
        created_at: now,
        last_used_at: None,
        expires_at: None,
    }
}
