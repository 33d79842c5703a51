//! The routes, one file a subject. Handlers only translate; nothing is decided here.

pub mod access;
pub mod agent;
pub mod contacts;
pub mod health;
pub mod mcp;
pub mod me;
pub mod photos;
pub mod plugins;
pub mod session;
pub mod tasks;

use axum::Json;
use serde_json::Value;

use super::auth::Caller;
use super::error::ApiError;

/// What most handlers answer.
pub type Answered = Result<Json<Value>, ApiError>;

/// # Errors
/// 403 when a body claims to come from someone else than its credential.
pub(crate) fn same_person(caller: &Caller, body: &Value) -> Result<(), ApiError> {
    for name in ["user_id", "person_id"] {
        if body.get(name).and_then(Value::as_str).is_some_and(|id| id != caller.person.id.as_str()) {
            return Err(ApiError::forbidden("other_person", format!("{name} is not the caller's")));
        }
    }
    Ok(())
}
