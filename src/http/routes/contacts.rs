//! The address book: `/api/contacts` and `/api/groups`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use channels::web::fields::Fields;
use serde_json::{Value, json};
use workflows::ids::ContactId;
use workflows::person::Contact;

use super::Answered;
use crate::http::auth::{Actor, Reader};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::store::people::CONTACTS_MAX;

/// Longest name, address or number, in characters.
const TEXT_CHARS_MAX: usize = 254;
/// Other names, or groups, of one contact.
const NAMES_MAX: usize = 50;

fn read(body: &Value, id: ContactId) -> Result<Contact, ApiError> {
    let mut fields = Fields::of(body)?;
    let contact = Contact {
        id,
        name: fields.needed("name", TEXT_CHARS_MAX),
        aliases: fields.texts("aliases", NAMES_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
        relation: fields.text("relation", TEXT_CHARS_MAX),
        email: fields.text("email", TEXT_CHARS_MAX),
        telegram: fields.text("telegram", TEXT_CHARS_MAX),
        discord: fields.text("discord", TEXT_CHARS_MAX),
        phone: fields.text("phone", TEXT_CHARS_MAX),
        groups: fields.texts("groups", NAMES_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
    };
    if contact.email.as_deref().is_some_and(|email| !is_address(email)) {
        fields.fault("email", "email", "must be one mail address");
    }
    fields.end()?;
    Ok(contact)
}

fn is_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>'));
    plain
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains(char::is_alphanumeric))
}

/// Everyone in the caller's address book.
#[utoipa::path(get, path = "/api/contacts", tag = "people",
    responses((status = 200, description = "Contacts", body = Value)))]
pub(crate) async fn list(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    Ok(Json(json!({"contacts": state.people.contacts(&caller.person.id).await?})))
}

/// Adds a contact.
#[utoipa::path(post, path = "/api/contacts", tag = "people",
    request_body(content = Value, example = json!({"name": "Ann", "email": "ann@example.org", "groups": ["friends"]})),
    responses((status = 201, description = "The contact", body = Value)))]
pub(crate) async fn add(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let contact = read(&body, ContactId(state.ids.fresh()))?;
    if !state.contacts.put_contact(&caller.person.id, &contact).await? {
        return Err(ApiError::new(StatusCode::CONFLICT, "full", format!("There are {CONTACTS_MAX} contacts already")));
    }
    Ok((StatusCode::CREATED, Json(json!(contact))))
}

/// One contact.
#[utoipa::path(get, path = "/api/contacts/{id}", tag = "people",
    params(("id" = String, Path, description = "The contact")),
    responses((status = 200, description = "The contact", body = Value), (status = 404, description = "Missing, or someone else's")))]
pub(crate) async fn get(State(state): State<HttpState>, Reader(caller): Reader, Path(id): Path<ContactId>) -> Answered {
    let contact = state.contacts.contact(&caller.person.id, &id).await?;
    Ok(Json(json!(contact.ok_or_else(ApiError::not_found)?)))
}

/// Replaces a contact.
#[utoipa::path(put, path = "/api/contacts/{id}", tag = "people",
    params(("id" = String, Path, description = "The contact")), request_body(content = Value),
    responses((status = 200, description = "The contact", body = Value), (status = 404, description = "Missing, or someone else's")))]
pub(crate) async fn put(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Path(id): Path<ContactId>,
    Body(body): Body,
) -> Answered {
    let contact = read(&body, id.clone())?;
    state.contacts.contact(&caller.person.id, &id).await?.ok_or_else(ApiError::not_found)?;
    state.contacts.put_contact(&caller.person.id, &contact).await?;
    Ok(Json(json!(contact)))
}

/// Removes a contact.
#[utoipa::path(delete, path = "/api/contacts/{id}", tag = "people",
    params(("id" = String, Path, description = "The contact")),
    responses((status = 204, description = "Removed"), (status = 404, description = "Missing, or someone else's")))]
pub(crate) async fn delete(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    Path(id): Path<ContactId>,
) -> Result<StatusCode, ApiError> {
    let there = state.contacts.delete_contact(&caller.person.id, &id).await?;
    if there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}

/// The caller's groups, by name.
#[utoipa::path(get, path = "/api/groups", tag = "people",
    responses((status = 200, description = "Groups", body = Value)))]
pub(crate) async fn groups(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    let contacts = state.people.contacts(&caller.person.id).await?;
    let mut groups: BTreeMap<&str, Vec<&ContactId>> = BTreeMap::new();
    for contact in &contacts {
        for group in &contact.groups {
            groups.entry(group).or_default().push(&contact.id);
        }
    }
    let shown: Vec<Value> = groups.iter().map(|(name, members)| json!({"name": name, "members": members})).collect();
    Ok(Json(json!({"groups": shown})))
}
