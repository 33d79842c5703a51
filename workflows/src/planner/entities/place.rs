//! Places: `in Goa`, `at the office`, `at Luigi's`.

use super::{Read, Tokens, is, is_any};
use crate::planner::tokens::{Kind, Token};

const COMMON: &[&str] = &[
    "office",
    "park",
    "library",
    "airport",
    "hotel",
    "restaurant",
    "gym",
    "school",
    "beach",
    "station",
    "church",
    "club",
    "bar",
    "cafe",
    "café",
    "university",
    "hospital",
    "cinema",
    "mall",
    "garden",
    "museum",
    "zoo",
    "pub",
    "house",
];
/// Words of the longest place name.
const NAME_WORDS_MAX: usize = 4;

fn is_name(token: &Token<'_>) -> bool {
    token.kind == Kind::Word && token.text.starts_with(char::is_uppercase) && !token.is("i")
}

/// A place behind `in` or `at`; with the preposition.
pub fn place(tokens: Tokens<'_, '_>, at: usize) -> Read<String> {
    if !is_any(tokens, at, &["in", "at"]) {
        return None;
    }
    if is(tokens, at, "at") && is(tokens, at + 1, "home") {
        return Some(("home".to_owned(), at + 2));
    }
    let start = if is_any(tokens, at + 1, &["the", "my", "our"]) { at + 2 } else { at + 1 };
    let text = |from: usize, to: usize| tokens[from..to].iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
    if start > at + 1 && is_any(tokens, start, COMMON) {
        return Some((text(at + 1, start + 1), start + 1));
    }
    let words = tokens.get(start..)?.iter().take(NAME_WORDS_MAX).take_while(|token| is_name(token)).count();
    (words > 0).then(|| (text(at + 1, start + words), start + words))
}
