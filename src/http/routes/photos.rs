//! Pictures to ask with: `/api/photos`.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use workflows::ids::PersonId;
use workflows::inbound::Photo;

use crate::http::auth::Actor;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::http::upload::Picture;
use crate::store::photos::{KeptPhoto, PhotoQuota};

/// Pictures that one person may send in a day.
pub(crate) const PHOTOS_DAY_MAX: u32 = 100;

/// Keeps a picture; its id goes into `photos` of `POST /api/agent/process`.
#[utoipa::path(post, path = "/api/photos", tag = "agent",
    request_body(content = String, content_type = "image/*", description = "A JPEG, PNG or WebP picture of at most 10 MiB"),
    responses((status = 201, description = "It is kept", body = Value, example = json!({"photo_id": "0193f2"})),
        (status = 413, description = "It is too large"), (status = 415, description = "It is no such picture"),
        (status = 429, description = "Too many in a day")))]
pub(crate) async fn add(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    picture: Picture,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (person, now) = (caller.person.id, state.clock.now());
    let quota = PhotoQuota { since: now - Duration::days(1), max: PHOTOS_DAY_MAX };
    if !state.photos.may_send(&person, quota).await? {
        return Err(too_many());
    }
    let id = state.ids.fresh();
    let file = format!("web-{id}.{}", picture.ending);
    let path = state.config.uploads.join(&file);
    write(&path, &picture.bytes).await.map_err(|error| ApiError::unwritten(&error))?;
    let photo = KeptPhoto { id, person_id: person, file, bytes: picture.bytes.len() as u64, at: now };
    let noted = state.photos.put_photo(&photo, quota).await;
    if !matches!(noted, Ok(true)) {
        // Nobody knows of the file; should it stay, it takes room and nothing else.
        drop(tokio::fs::remove_file(&path).await);
    }
    if noted? { Ok((StatusCode::CREATED, Json(json!({"photo_id": photo.id})))) } else { Err(too_many()) }
}

/// The caller's pictures of these ids.
///
/// # Errors
/// 404 for one that is missing or another's.
pub(crate) async fn of_ids(state: &HttpState, person: &PersonId, ids: &[String]) -> Result<Vec<Photo>, ApiError> {
    let mut photos = Vec::with_capacity(ids.len());
    for id in ids {
        let file = state.photos.photo_file(person, id).await?.ok_or_else(ApiError::not_found)?;
        photos.push(Photo { file });
    }
    Ok(photos)
}

/// Writes a file whole or not at all.
async fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let partly = path.with_extension("part");
    tokio::fs::write(&partly, bytes).await?;
    tokio::fs::rename(&partly, path).await
}

fn too_many() -> ApiError {
    let text = format!("{PHOTOS_DAY_MAX} photos a day are the most; please come again tomorrow");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_photos", text)
}
