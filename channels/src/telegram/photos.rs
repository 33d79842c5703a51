//! Photos that come with messages: fetched and kept before the engine hears of them.

use std::path::Path;

use chrono::TimeDelta;
use tracing::warn;
use workflows::inbound::Photo;
use workflows::person::Person;

use super::Door;
use super::handle::{NotNow, source};
use super::parse::Said;
use super::store::Upload;

/// What is asked when a photo comes without words.
pub(super) const WHAT_IS_IT: &str = "What is in this photo?";
/// What is said when there is neither a photo nor words to go by.
pub(super) const ONLY_LOST: &str =
    "I could not get the photo from Telegram. Please send it again, or tell me in words what you need.";
/// What is said when there are words to go by.
pub(super) const LOST: &str = "I could not get the photo from Telegram, so I go by your words alone.";
/// What is said when a photo came with the answer to a question.
pub(super) const UNSEEN: &str = "I do not look at that photo: a question is answered in words.";
/// Photos that one person may send in a day.
pub(super) const DAY_MAX: u32 = 100;
/// What is said when there have been so many.
pub(super) const MANY: &str = "I look at no more photos of yours today: 100 a day are the most.";
/// Characters of a picture's own name that its file's name has.
const NAME_CHARS_MAX: usize = 40;

/// What became of a photo.
pub(super) enum Kept {
    /// There was none.
    None,
    /// It is kept.
    There(Photo),
    /// Telegram did not give it.
    Lost,
    /// The person sent too many today.
    Many,
}

impl Kept {
    /// The pictures that are there.
    pub(super) fn photos(self) -> Vec<Photo> {
        match self {
            Self::There(photo) => vec![photo],
            Self::None | Self::Lost | Self::Many => Vec::new(),
        }
    }
}

impl Door {
    /// Fetches and keeps the photo of a message, if it has one. The file's name is made of the update, so
    /// that a second try finds what the first one kept.
    pub(super) async fn keep_photo(&self, id: i64, said: &Said, person: &Person) -> Result<Kept, NotNow> {
        let Some(photo) = &said.photo else { return Ok(Kept::None) };
        // The name Telegram gives the same picture, made harmless, beside the update's own.
        let unique: String = photo.unique.chars().filter(char::is_ascii_alphanumeric).take(NAME_CHARS_MAX).collect();
        let file = format!("telegram-{id}-{unique}.jpg");
        let path = self.0.parts.uploads.join(&file);
        let bytes = match tokio::fs::metadata(&path).await {
            Ok(kept) => kept.len(),
            Err(_) if self.too_many(person).await? => return Ok(Kept::Many),
            Err(_) => match self.0.parts.api.file(&photo.file).await {
                Ok(bytes) => write(&path, &bytes).await?,
                // What was said with it counts; it must not wait for the picture.
                Err(trouble) => {
                    warn!(update = id, %trouble, "a photo cannot be had");
                    return Ok(Kept::Lost);
                }
            },
        };
        let (person_id, at) = (person.id.clone(), self.0.parts.clock.now());
        self.0.parts.outbox.put_upload(Upload { person_id, source_id: source(id), path, bytes, at }).await?;
        Ok(Kept::There(Photo { file }))
    }
}

impl Door {
    async fn too_many(&self, person: &Person) -> Result<bool, NotNow> {
        let since = self.0.parts.clock.now() - TimeDelta::days(1);
        Ok(self.0.parts.outbox.photos_since(&person.id, since).await? >= DAY_MAX)
    }
}

/// Writes a file whole or not at all; how large it is.
async fn write(path: &Path, bytes: &[u8]) -> std::io::Result<u64> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let partly = path.with_extension("part");
    tokio::fs::write(&partly, bytes).await?;
    tokio::fs::rename(&partly, path).await?;
    Ok(bytes.len() as u64)
}
