//! Who calls: the person comes from the credential and from nothing else.

pub mod attempts;
pub mod origin;
pub mod owner;
pub mod secret;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chrono::Duration;
use workflows::person::{Person, Role};

use super::error::ApiError;
use super::state::HttpState;
use crate::store::access::{Credential, Scope};

/// The session cookie's name.
pub const COOKIE: &str = "session";
/// Most often that the use of a credential is written down, in minutes.
const TOUCH_MINUTES: i64 = 1;

/// A proven caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub person: Person,
    /// By which credential.
    pub credential: Credential,
    /// What the secret is kept as.
    pub hash: String,
}

impl Caller {
    /// Whether the credential reaches that far.
    pub fn may(&self, scope: Scope) -> bool {
        self.credential.scopes.contains(&scope)
    }

    /// # Errors
    /// 403 when the credential does not reach that far.
    pub fn need(&self, scope: Scope) -> Result<(), ApiError> {
        let name = match scope {
            Scope::Read => "read",
            Scope::Act => "act",
            Scope::Approve => "approve",
        };
        if self.may(scope) {
            return Ok(());
        }
        Err(ApiError::forbidden("missing_scope", format!("This token does not have the scope {name}")))
    }

    /// # Errors
    /// 403 when the caller is not the owner.
    pub fn need_owner(&self) -> Result<(), ApiError> {
        match self.person.role {
            Role::Owner => Ok(()),
            Role::Member => Err(ApiError::forbidden("owner_only", "Only the owner may do this")),
        }
    }
}

/// The secret a request carries: the header's before the cookie's.
///
/// # Errors
/// 401 for an `Authorization` that is no bearer token.
fn secret_of(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().ok().and_then(|text| text.split_once(' '));
        return match text {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
            _ => Err(ApiError::unauthorized()),
        };
    }
    Ok(cookie_of(headers))
}

/// The session cookie's value.
fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|text| text.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE && !value.is_empty()).then_some(value)
    })
}

/// Proves who sent these headers.
///
/// # Errors
/// 401 without a credential that holds, and store failures.
pub async fn caller(headers: &HeaderMap, state: &HttpState) -> Result<Caller, ApiError> {
    let secret = secret_of(headers)?.ok_or_else(ApiError::unauthorized)?;
    let (hash, now) = (secret::hash(secret), state.clock.now());
    let credential = state.access.credential(&hash, now).await?.ok_or_else(ApiError::unauthorized)?;
    let person = state.people.person(&credential.person_id).await?.ok_or_else(ApiError::unauthorized)?;
    let unnoted = credential.last_used_at.is_none_or(|at| now - at >= Duration::minutes(TOUCH_MINUTES));
    if unnoted && let Err(error) = state.access.touch(&hash, now).await {
        // Only a note for its owner; no reason to refuse.
        tracing::debug!(%error, "the use of a credential was not noted");
    }
    Ok(Caller { person, credential, hash })
}

macro_rules! with_scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Caller);

        impl FromRequestParts<HttpState> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, ApiError> {
                let caller = caller(&parts.headers, state).await?;
                caller.need($scope)?;
                Ok(Self(caller))
            }
        }
    };
}

with_scope!(
    /// A caller who may look.
    Reader,
    Scope::Read
);
with_scope!(
    /// A caller who may ask for things and change their own.
    Actor,
    Scope::Act
);
with_scope!(
    /// A caller who may say yes.
    Approver,
    Scope::Approve
);

/// A caller with a credential that holds, whatever its scopes.
#[derive(Debug, Clone)]
pub struct Anyone(pub Caller);

impl FromRequestParts<HttpState> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, ApiError> {
        Ok(Self(caller(&parts.headers, state).await?))
    }
}
