//! The address book: `/api/contacts` and `/api/groups`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use channels::web::fields::Fields;
use serde_json::{Value, json};
use workflows::ids::ContactId;
use workflows::person::{Channel, Contact};

use super::Answered;
use crate::address_book::vcard::{self, File, Skipped};
use crate::address_book::{Change, Changed, Match, NAMES_MAX, Owner, TEXT_CHARS_MAX, WAYS_MAX, is_address};
use crate::http::auth::{Actor, Reader};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::http::upload::VCards;
use crate::store::people::CONTACTS_MAX;

/// Entries of a file that are put into the book in one go.
const BATCH_MAX: usize = 500;

fn read(body: &Value, id: ContactId, uid: Option<String>) -> Result<Contact, ApiError> {
    let mut fields = Fields::of(body)?;
    let contact = Contact {
        id,
        name: fields.needed("name", TEXT_CHARS_MAX),
        aliases: fields.texts("aliases", NAMES_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
        relation: fields.text("relation", TEXT_CHARS_MAX),
        email: fields.text("email", TEXT_CHARS_MAX),
        emails: fields.texts("emails", WAYS_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
        telegram: fields.text("telegram", TEXT_CHARS_MAX),
        discord: fields.text("discord", TEXT_CHARS_MAX),
        phone: fields.text("phone", TEXT_CHARS_MAX),
        phones: fields.texts("phones", WAYS_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
        groups: fields.texts("groups", NAMES_MAX, TEXT_CHARS_MAX).unwrap_or_default(),
        uid,
    };
    if contact.email.as_deref().is_some_and(|email| !is_address(email)) {
        fields.fault("email", "email", "must be one mail address");
    }
    if contact.emails.iter().any(|email| !is_address(email)) {
        fields.fault("emails", "email", "must be a list of mail addresses");
    }
    fields.end()?;
    Ok(contact.sorted())
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
    let contact = read(&body, ContactId(state.ids.fresh()), None)?;
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
    let before = state.contacts.contact(&caller.person.id, &id).await?.ok_or_else(ApiError::not_found)?;
    let contact = read(&body, id, before.uid)?;
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

/// Adds the people of a vCard file. What is there is never overwritten or taken away, so the same
/// file twice changes nothing.
#[utoipa::path(post, path = "/api/contacts/import", tag = "people",
    request_body(content = String, content_type = "text/vcard", description = "A vCard file, version 2.1, 3.0 or 4.0"),
    responses((status = 200, description = "What became of its cards", body = Value,
            example = json!({"added": 2, "updated": 1, "unchanged": 0,
                "skipped": [{"line": 12, "why": "its end is missing"}], "skipped_more": 0})),
        (status = 413, description = "The file is too large"), (status = 422, description = "There is no card in it")))]
pub(crate) async fn import(State(state): State<HttpState>, Actor(caller): Actor, VCards(bytes): VCards) -> Answered {
    let identities = state.persons.identities(&caller.person.id).await?;
    let mails = identities.into_iter().filter(|one| one.channel == Channel::Email).map(|one| one.address);
    let owner = Owner::new(std::iter::once(caller.person.name.clone()).chain(mails));
    let ids = Arc::clone(&state.ids);
    let reading = tokio::task::spawn_blocking(move || vcard::read(&bytes, &owner, || ContactId(ids.fresh())));
    let Ok(File { people, mut skipped, has_cards }) = reading.await else {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "unreadable", "The file could not be read"));
    };
    if !has_cards {
        let text = "There is no vCard in the file";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "no_cards", text));
    }
    let (mut added, mut updated, mut unchanged) = (0_usize, 0_usize, 0_usize);
    for batch in people.chunks(BATCH_MAX) {
        let entries = batch.iter().map(|(_, contact)| contact.clone()).collect();
        let changed = state.contacts.change_contacts(&caller.person.id, Change::Add(entries, Match::Card)).await?;
        for ((line, contact), changed) in batch.iter().zip(changed) {
            match changed {
                Changed::Added(_) => added += 1,
                Changed::Updated { .. } => updated += 1,
                Changed::Unchanged(_) => unchanged += 1,
                Changed::Full | Changed::Unclear | Changed::Missing | Changed::Removed(_) => {
                    let why = format!("there are {CONTACTS_MAX} contacts already");
                    skipped.add(*line, Some(&contact.name), why);
                }
            }
        }
    }
    let Skipped { told, more } = skipped;
    Ok(Json(json!({"added": added, "updated": updated, "unchanged": unchanged, "skipped": told, "skipped_more": more})))
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
