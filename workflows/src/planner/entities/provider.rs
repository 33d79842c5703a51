//! Where an online meeting is held: `on Google Meet`, `via Jitsi`.

use super::{Read, Tokens, any_phrase, is_any};

const LEADS: &[&str] = &["on", "via", "over", "by", "using", "through", "with", "in"];
const GOOGLE: &[&str] = &["google meet", "google meets", "googlemeet", "gmeet"];
const JITSI: &[&str] = &["jitsi meet", "jitsi"];

/// A provider, with the word that leads to it.
pub fn provider(tokens: Tokens<'_, '_>, at: usize) -> Read<&'static str> {
    let start = if is_any(tokens, at, LEADS) { at + 1 } else { at };
    if let Some(next) = any_phrase(tokens, start, GOOGLE) {
        return Some(("google_meet", next));
    }
    any_phrase(tokens, start, JITSI).map(|next| ("jitsi", next))
}
