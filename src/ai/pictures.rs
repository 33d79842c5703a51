//! Looking at pictures that came with a request.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use workflows::inbound::{PHOTOS_MAX, Photo};
use workflows::ports::PlanRequest;

use super::prompt;
use super::router::{Missed, Router};
use super::wire::{Picture, Role};
use crate::config::ProviderName;

/// What is said when nobody looks at a picture.
pub(super) const SILENT: &str = "The model that looks at pictures did not answer, so I went by your words alone.";
/// Which pictures can be looked at, in words.
const OPENED: &str = "it must be a JPEG, PNG or WebP of at most 10 MB that is still there";
/// Largest picture that is looked at, in bytes.
const PICTURE_BYTES_MAX: u64 = 10 << 20;
/// Descriptions of pictures that are kept.
const SEEN_MAX: usize = 64;

/// What is on pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Who looked.
    pub(super) by: ProviderName,
    /// In words.
    pub(super) text: String,
}

/// Those who look at pictures, and what they saw.
pub(super) struct Pictures {
    router: Arc<Router>,
    /// Where pictures are kept.
    uploads: PathBuf,
    /// What was seen lately: a changed request is planned again with the same pictures.
    lately: Mutex<VecDeque<(Vec<Photo>, Seen)>>,
}

impl Pictures {
    /// Those that are kept there.
    pub(super) fn new(router: Arc<Router>, uploads: PathBuf) -> Self {
        Self { router, uploads, lately: Mutex::default() }
    }

    /// What is on the pictures of a request, as far as somebody can look at them, and what the person is told
    /// of it.
    pub(super) async fn look(&self, request: &PlanRequest<'_>, notes: &mut Vec<String>) -> Option<Seen> {
        if request.photos.is_empty() {
            return None;
        }
        if let Some((_, seen)) = self.lately().iter().find(|(photos, _)| photos == request.photos) {
            return Some(seen.clone());
        }
        let mut pictures = Vec::new();
        for photo in request.photos.iter().take(PHOTOS_MAX) {
            pictures.extend(self.picture(photo).await);
        }
        if pictures.is_empty() {
            notes.push(format!("I could not open the picture ({OPENED}), so I went by your words alone."));
            return None;
        }
        if pictures.len() < request.photos.len() {
            let (opened, all) = (pictures.len(), request.photos.len());
            notes.push(format!("I looked at {opened} of the {all} pictures; I could not open the rest ({OPENED})."));
        }
        let chat = prompt::pictures(request.text, pictures);
        match self.router.ask_any(Role::Vision, request.person, &chat, &|_| {}).await {
            Ok((by, said)) if !said.text.trim().is_empty() => {
                let what = Seen { by, text: said.text };
                let mut seen = self.lately();
                seen.truncate(SEEN_MAX - 1);
                seen.push_front((request.photos.to_vec(), what.clone()));
                return Some(what);
            }
            Ok(_) => notes.push("I could make nothing out on the picture, so I went by your words alone.".to_owned()),
            Err(Some(Missed::Spent(spent))) => notes.push(format!("I did not look at the picture: {spent}.")),
            Err(Some(Missed::Fault(_))) => notes.push(SILENT.to_owned()),
            Err(None) => notes.push(self.blind(request)),
        }
        None
    }

    fn lately(&self) -> MutexGuard<'_, VecDeque<(Vec<Photo>, Seen)>> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blind(&self, request: &PlanRequest<'_>) -> String {
        match self.router.without_consent(Role::Vision, request.person).first() {
            Some(name) => format!(
                "I did not look at the picture: only {} could, and you have not allowed remote models in your settings.",
                name.as_str()
            ),
            None => {
                "I cannot look at pictures here: no model for them is set up. I went by your words alone.".to_owned()
            }
        }
    }

    async fn picture(&self, photo: &Photo) -> Option<Picture> {
        // A name, never a path: it came from a store, but nothing outside of what was uploaded is read.
        let is_name = !photo.file.contains(['/', '\\']) && photo.file != ".." && !photo.file.is_empty();
        let path = is_name.then(|| self.uploads.join(&photo.file))?;
        let size = tokio::fs::metadata(&path).await.ok()?.len();
        if size > PICTURE_BYTES_MAX {
            return None;
        }
        let bytes = tokio::fs::read(&path).await.ok()?;
        let media_type = match bytes.as_slice() {
            [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => return None,
        };
        Some(Picture { media_type, bytes })
    }
}
