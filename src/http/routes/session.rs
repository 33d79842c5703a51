//! Signing in and out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use channels::web::fields::Fields;
use chrono::Duration;
use serde_json::json;
use workflows::ids::PersonId;
use workflows::person::{Person, Role};

use crate::http::auth::{Anyone, COOKIE, secret};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::store::access::{CodeKind, Credential, CredentialKind, Scope};

/// How long a session holds, in days.
const SESSION_DAYS: i64 = 30;
/// Longest token or code taken, in characters.
const SECRET_CHARS_MAX: usize = 512;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// What a new person is called who gave no name.
const NAME_DEFAULT: &str = "New member";

/// The address a request came from, as far as it can be known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address(IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        // Only a proxy beside us is believed, and only what it added itself: the last entry.
        let told = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        Ok(Self(if peer.is_loopback() { told.unwrap_or(peer) } else { peer }))
    }
}

/// Signs in with a token or a one-use code.
#[utoipa::path(post, path = "/api/session", tag = "access",
    request_body(content = Value, example = json!({"code": "…"})),
    responses((status = 200, description = "A session, and its cookie", body = Value),
        (status = 401, description = "Wrong or used"), (status = 429, description = "Too many wrong tries")))]
pub(crate) async fn sign_in(
    State(state): State<HttpState>,
    Address(address): Address,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let began = tokio::time::Instant::now();
    let mut fields = Fields::of(&body)?;
    let token = fields.text("token", SECRET_CHARS_MAX);
    let code = fields.text("code", SECRET_CHARS_MAX);
    let name = fields.text("name", NAME_CHARS_MAX);
    if token.is_some() == code.is_some() {
        fields.fault("token", "missing", "exactly one of token and code is required");
    }
    fields.end()?;
    state.attempts.begin(address, state.clock.now()).map_err(ApiError::too_many)?;
    let proven = match (token, code) {
        (Some(token), _) => by_token(&state, &token).await?,
        (None, code) => by_code(&state, &code.unwrap_or_default(), name).await?,
    };
    let Some(proven) = proven else {
        tokio::time::sleep_until(began + state.config.sign_in_delay).await;
        let text = "That token or code is wrong, used or expired";
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong_secret", text));
    };
    state.attempts.succeeded(address);
    open(&state, proven).await
}

/// Who signs in, how far their session reaches, and the token it ends with.
struct Proven {
    person: PersonId,
    scopes: Vec<Scope>,
    token: Option<String>,
}

async fn by_token(state: &HttpState, token: &str) -> Result<Option<Proven>, ApiError> {
    let found = state.access.credential(&secret::hash(token), state.clock.now()).await?;
    // A session reaches as far as the token it came from, never further.
    let found = found.filter(|found| found.kind == CredentialKind::Token);
    Ok(found.map(|found| Proven { person: found.person_id, scopes: found.scopes, token: Some(found.id) }))
}

async fn by_code(state: &HttpState, code: &str, name: Option<String>) -> Result<Option<Proven>, ApiError> {
    let now = state.clock.now();
    let Some(code) = state.access.redeem_code(&secret::hash(code), now).await? else { return Ok(None) };
    let person = match code.kind {
        CodeKind::Login | CodeKind::Link => code.person_id,
        CodeKind::Invite => {
            let id = PersonId(state.ids.fresh());
            let name = name.unwrap_or_else(|| NAME_DEFAULT.to_owned());
            let settings = state.config.settings.clone();
            state.persons.create_person(&Person { id: id.clone(), name, role: Role::Member, settings }, now).await?;
            id
        }
    };
    Ok(Some(Proven { person, scopes: vec![Scope::Read, Scope::Act, Scope::Approve], token: None }))
}

async fn open(state: &HttpState, proven: Proven) -> Result<Response, ApiError> {
    let Proven { person, scopes, token: parent } = proven;
    let (now, token) = (state.clock.now(), secret::token(state.ids.as_ref()));
    let expires_at = now + Duration::days(SESSION_DAYS);
    let credential = Credential {
        id: state.ids.fresh(),
        person_id: person.clone(),
        kind: CredentialKind::Session,
        parent,
        name: "session".to_owned(),
        scopes,
        created_at: now,
        last_used_at: Some(now),
        expires_at: Some(expires_at),
    };
    state.access.put_credential(&secret::hash(&token), &credential).await?;
    let cookie = cookie(state, &token, Duration::days(SESSION_DAYS).num_seconds());
    let body = Json(json!({"user_id": person, "token": token, "expires_at": expires_at}));
    Ok(([(header::SET_COOKIE, cookie)], body).into_response())
}

fn cookie(state: &HttpState, value: &str, secs: i64) -> HeaderValue {
    // Strict costs nothing: the pages are the same for everybody, and what they then ask for comes from our own site.
    let secure = if state.config.is_https() { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={secs}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Signs out; open WebSockets of the session close.
#[utoipa::path(delete, path = "/api/session", tag = "access",
    responses((status = 204, description = "Signed out"), (status = 400, description = "Not a session")))]
pub(crate) async fn sign_out(State(state): State<HttpState>, Anyone(caller): Anyone) -> Result<Response, ApiError> {
    if caller.credential.kind != CredentialKind::Session {
        let text = "A token is ended by DELETE /api/tokens/{id}";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "not_a_session", text));
    }
    state.access.revoke(&caller.person.id, &caller.credential.id).await?;
    state.hub.end(&caller.credential.id);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&state, "", 0))]).into_response())
}
