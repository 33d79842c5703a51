//! Embeddings that are the same each time and near each other for texts that share words.

use sha2::{Digest, Sha256};

/// How many dimensions an embedding has, unless the client tells.
pub(crate) const DIMENSIONS: usize = 768;

/// The text without the word that says what it is for; `None` when there is no such word.
pub(super) fn without_prefix(text: &str) -> Option<&str> {
    ["search_document: ", "search_query: ", "clustering: ", "classification: "]
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix))
}

/// The embedding of a text: its words, whatever their case, each at its own place, normalised.
pub(crate) fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    let lower = text.to_lowercase();
    for word in lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = Sha256::digest(word);
        let place = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
        vector[place as usize % dimensions] += 1.0;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length == 0.0 {
        // A text without words has a place too.
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|value| value / length).collect()
}
