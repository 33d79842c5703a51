//! What things and people are called.

use super::entities::people::Party;
use super::phrase;

/// Longest title made from words.
const TITLE_CHARS_MAX: usize = 80;
/// Words of a topic; more are a sentence.
const TOPIC_WORDS_MAX: usize = 5;

/// What people call these, for titles and questions.
pub fn parties(parties: &[Party]) -> Vec<String> {
    parties
        .iter()
        .map(|party| match party {
            Party::Contact(contact) => contact.name.clone(),
            Party::Ambiguous { name, .. } | Party::Unknown(name) => name.clone(),
            Party::Group { name, .. } => format!("the {name}"),
            Party::Address(address) => address.clone(),
        })
        .collect()
}

/// A title from words: without articles before and prepositions after, capital first.
pub fn title(words: &str) -> Option<String> {
    let mut text = words.trim();
    loop {
        let lower = text.to_lowercase();
        let lead = [
            "a ", "an ", "the ", "my ", "our ", "to ", "for ", "about ", "that ", "called ", "named ", "us ", "-", ":",
            ",",
        ]
        .into_iter()
        .find(|lead| lower.starts_with(lead));
        let tail = [
            " on", " at", " in", " for", " to", " with", " and", " from", " by", " please", ".", ",", ":", "!", "?",
            "-", " the", " a",
        ]
        .into_iter()
        .find(|tail| lower.ends_with(tail));
        text = match (lead, tail) {
            (Some(lead), _) => text.get(lead.len()..).unwrap_or_default().trim(),
            (None, Some(tail)) => text.get(..text.len() - tail.len()).unwrap_or_default().trim(),
            (None, None) => break,
        };
    }
    let text = phrase::shortened(text, TITLE_CHARS_MAX);
    (!text.is_empty()).then(|| phrase::capitalised(&text))
}

/// Verbs behind the subject of a sentence.
pub const VERBS: &[&str] = &[
    "moved", "moves", "is", "was", "are", "were", "will", "has", "have", "starts", "begins", "takes", "got", "gets",
    "can", "must", "needs", "happens", "ends", "changed", "changes", "comes", "should", "would", "could", "may",
    "might", "shall", "had", "been", "isn't", "won't",
];

/// The subject of a sentence as a title, when it is a thing.
pub fn subject_of(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let verb = words.iter().position(|word| VERBS.contains(&word.to_lowercase().as_str()))?;
    let pronoun = |word: &&str| {
        ["i", "we", "he", "she", "it", "they", "you", "there", "this", "that"].contains(&word.to_lowercase().as_str())
    };
    if verb == 0 || verb > TOPIC_WORDS_MAX || words.first().is_some_and(pronoun) {
        return None;
    }
    title(&words[..verb].join(" "))
}
