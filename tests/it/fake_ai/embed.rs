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
    // No number of a real one is naught: they are as long on the wire as they get.
    let mut vector: Vec<f32> = vec![0.001_234_5; dimensions];
    let empty = vector.clone();
    let lower = text.to_lowercase();
    for word in lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = Sha256::digest(word);
        let place = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
        vector[place as usize % dimensions] += 1.0;
    }
    if vector == empty {
        // A text without words has a place too.
        vector[0] = 1.0;
    }
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "a number of at most 1")]
    vector.iter().map(|value| (f64::from(*value) / length) as f32).collect()
}
