//! API tokens, and the codes that link or invite.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use channels::port::CodeFor;
use channels::web::fields::Fields;
use serde_json::{Value, json};

use super::Answered;
use crate::http::auth::{Actor, Caller, Reader, secret};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::members::make_code;
use crate::store::access::{Credential, CredentialKind, Scope};

/// API tokens one person may have.
const TOKENS_MAX: usize = 100;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;

fn shown(token: &Credential) -> Value {
    json!({
        "id": token.id, "name": token.name, "scopes": token.scopes,
        "created_at": token.created_at, "last_used_at": token.last_used_at,
    })
}

/// The caller's API tokens, without their secrets.
#[utoipa::path(get, path = "/api/tokens", tag = "access",
    responses((status = 200, description = "Tokens", body = Value)))]
pub(crate) async fn tokens(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    let tokens = state.access.tokens(&caller.person.id).await?;
    Ok(Json(json!({"tokens": tokens.iter().map(shown).collect::<Vec<_>>()})))
}

/// Makes an API token; its secret is shown this once.
#[utoipa::path(post, path = "/api/tokens", tag = "access",
    request_body(content = Value, example = json!({"name": "script", "scopes": ["read"]})),
    responses((status = 201, description = "The token with its secret", body = Value)))]
pub(crate) async fn make_token(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut fields = Fields::of(&body)?;
    let name = fields.needed("name", NAME_CHARS_MAX);
    let scopes: Option<Vec<Scope>> = match fields.value("scopes") {
        None => Some(vec![Scope::Read]),
        Some(scopes) => serde_json::from_value(scopes.clone()).ok(),
    };
    if scopes.as_ref().is_none_or(|scopes| scopes.is_empty() || scopes.len() > 3) {
        fields.fault("scopes", "enum", "must be a list of read, act, approve");
    }
    fields.end()?;
    let scopes = scopes.unwrap_or_default();
    for scope in &scopes {
        // Nobody hands on more than they have.
        caller.need(*scope)?;
    }
    if state.access.tokens(&caller.person.id).await?.len() >= TOKENS_MAX {
        return Err(ApiError::new(StatusCode::CONFLICT, "too_many_tokens", format!("There are {TOKENS_MAX} already")));
    }
    let (now, token) = (state.clock.now(), secret::token(state.ids.as_ref()));
    let credential = Credential {
        id: state.ids.fresh(),
        person_id: caller.person.id,
        kind: CredentialKind::Token,
        parent: None,
        name,
        scopes,
        created_at: now,
        last_used_at: None,
        expires_at: None,
    };
    state.access.put_credential(&secret::hash(&token), &credential).await?;
    let mut answer = shown(&credential);
    answer["token"] = json!(token);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Ends an API token and the sessions it opened; their open WebSockets close.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "access",
    params(("id" = String, Path, description = "The token")),
    responses((status = 204, description = "Ended"), (status = 404, description = "Missing, or someone else's")))]
pub(crate) async fn revoke(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let ended = state.access.revoke(&caller.person.id, &id).await?;
    if ended.is_empty() {
        return Err(ApiError::not_found());
    }
    for id in &ended {
        state.hub.end(id);
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn code(state: &HttpState, caller: &Caller, kind: CodeFor) -> Answered {
    let made = make_code(&*state.access, &*state.ids, &caller.person.id, kind, state.clock.now()).await?;
    Ok(Json(json!({"code": made.0, "expires_at": made.1})))
}

/// A code that links another identity of the caller: one use, 10 minutes.
#[utoipa::path(post, path = "/api/link", tag = "access",
    responses((status = 200, description = "The code", body = Value)))]
pub(crate) async fn link(State(state): State<HttpState>, Actor(caller): Actor) -> Answered {
    // Whoever redeems it may do everything the person may.
    caller.need(Scope::Approve)?;
    code(&state, &caller, CodeFor::Link).await
}

/// A code that brings in a new person: the owner's to give.
#[utoipa::path(post, path = "/api/invites", tag = "access",
    responses((status = 200, description = "The code", body = Value), (status = 403, description = "Not the owner")))]
pub(crate) async fn invite(State(state): State<HttpState>, Actor(caller): Actor) -> Answered {
    caller.need_owner()?;
    code(&state, &caller, CodeFor::Invite).await
}
