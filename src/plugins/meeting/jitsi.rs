//! Rooms on a Jitsi server: a room is there as soon as somebody opens its link, so making one asks
//! nobody.

use sha2::{Digest, Sha256};
use url::Url;
use workflows::ports::{ActionCall, ActionError};

use crate::plugins::text;

/// Longest part of a room's name that is the title's, in characters.
const TITLE_CHARS_MAX: usize = 40;
/// Digits of a room's name that nobody guesses.
const SECRET_DIGITS: usize = 24;

/// The room of an act: the same for every attempt, and unguessable as the act's id is.
///
/// # Errors
/// When the address of the server is none that can hold a room.
pub(super) fn room(base: &Url, call: &ActionCall) -> Result<String, ActionError> {
    let title: String = text(&call.args, "title")
        .unwrap_or("meeting")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(TITLE_CHARS_MAX)
        .collect();
    let words: Vec<&str> = title.split('-').filter(|word| !word.is_empty()).collect();
    let mut secret = hex::encode(Sha256::digest(format!("room/{}", call.effect_id)));
    secret.truncate(SECRET_DIGITS);
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| ActionError::fail("JITSI_BASE_URL cannot hold a room"))?
        .pop_if_empty()
        .push(&format!("{}-{secret}", if words.is_empty() { "meeting".to_owned() } else { words.join("-") }));
    Ok(url.to_string())
}
