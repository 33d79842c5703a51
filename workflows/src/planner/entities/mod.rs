//! What is found in the words: times, durations, money, people, places. One file each.
//!
//! Every reader is a function of the tokens and a position: it gives the value and the position
//! after it, or nothing. Readers never look back, so a text is read in one pass.

pub mod clock;
pub mod contact_point;
pub mod day;
pub mod duration;
pub mod headcount;
pub mod limit;
pub mod locality;
pub mod money;
pub mod number;
pub mod people;
pub mod period;
pub mod place;
pub mod provider;
pub mod repeat;
pub mod stay;
pub mod when;
pub mod zone;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::tokens::Token;

/// Tokens as the readers take them.
pub type Tokens<'t, 'a> = &'t [Token<'a>];

/// A value with the position after it.
pub type Read<T> = Option<(T, usize)>;

/// The moment a text was written, where its writer lives.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time, in the writer's zone.
    pub now: DateTime<Tz>,
}

impl Moment {
    /// A moment in a zone.
    pub fn new(now: DateTime<Utc>, zone: Tz) -> Self {
        Self { now: now.with_timezone(&zone) }
    }

    /// The wall clock there.
    pub fn local(&self) -> NaiveDateTime {
        self.now.naive_local()
    }

    /// Whether `2/3` is read as February 3rd there: only in the Americas.
    pub fn is_month_first(&self) -> bool {
        self.now.timezone().name().starts_with("America/") || self.now.timezone().name().starts_with("US/")
    }
}

/// Whether the token at a position is this word.
pub fn is(tokens: Tokens<'_, '_>, at: usize, word: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.is(word))
}

/// Whether the token at a position is one of these words.
pub fn is_any(tokens: Tokens<'_, '_>, at: usize, words: &[&str]) -> bool {
    tokens.get(at).is_some_and(|token| token.is_any(words))
}

/// Whether the tokens from a position on are these words, given apart by spaces; the position after.
pub fn phrase(tokens: Tokens<'_, '_>, at: usize, words: &str) -> Option<usize> {
    let mut next = at;
    for word in words.split(' ') {
        if !is(tokens, next, word) {
            return None;
        }
        next += 1;
    }
    Some(next)
}

/// The position after the first of these phrases that stands here.
pub fn any_phrase(tokens: Tokens<'_, '_>, at: usize, phrases: &[&str]) -> Option<usize> {
    phrases.iter().find_map(|words| phrase(tokens, at, words))
}
