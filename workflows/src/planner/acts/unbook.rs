//! Cancels a booking by its reference. Without one it cannot be known which booking is meant, and a
//! guess would cancel the wrong one: then it is said how to find it.

use serde_json::{Map, Value};

use super::{Act, Head, event};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::errand::Errand;
use crate::planner::phrase;
use crate::planner::want::Want;

/// Cancels a booking.
pub(super) struct CancelBooking;

/// Longest reference that is believed.
const REFERENCE_CHARS: std::ops::RangeInclusive<usize> = 4..=100;

impl Act for CancelBooking {
    fn kind(&self) -> &'static str {
        "cancel_booking"
    }

    fn action(&self) -> &'static str {
        "booking.cancel_booking"
    }

    fn offer(&self) -> &'static str {
        "cancel a booking: “cancel booking bok_123”, or Undo on the task that made it"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        /// How many words after the verb may name the booking.
        const WORDS_MAX: usize = 6;
        let next = any_phrase(tokens, at, &["cancel", "call off", "undo", "withdraw", "delete"])?;
        let near = next..tokens.len().min(next + WORDS_MAX);
        let sure = near.clone().any(|at| is_any(tokens, at, &["booking", "bookings", "reservation", "reservations"]));
        let verb = is_any(tokens, at, &["cancel", "call"]);
        let thing = near.clone().any(|at| is_any(tokens, at, &["hotel", "table", "restaurant", "venue"]));
        let event = near.clone().any(|at| event::is_event_word(tokens, at));
        (sure || (verb && thing && !event)).then(|| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        let text = clause.tokens.get(clause.body).zip(clause.tokens.last());
        let said = text.map_or("", |(first, last)| clause.text.get(first.start..last.end).unwrap_or_default());
        want.errand = Some(Errand { reference: reference(said), ..Errand::default() });
        want
    }

    fn reply(&self, want: &Want) -> Option<String> {
        let known = want.errand.as_ref().is_some_and(|errand| errand.reference.is_some());
        let text = "I cannot tell which booking you mean, and nothing was cancelled. \
            Open the task that made it and press Undo: a hotel is cancelled, a venue is told by mail. \
            A hotel can also be cancelled by the reference in the report of that task, like “cancel booking bok_123”.";
        (!known).then(|| text.to_owned())
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(reference) = want.errand.as_ref().and_then(|errand| errand.reference.as_ref()) else { return };
        let id = draft.id("cancellation");
        let params = Map::from_iter([("reference".to_owned(), Value::from(phrase::literal(reference)))]);
        let title = format!("Cancel booking {reference}");
        draft.titles.push(title.clone());
        draft.execute(&id, &title, self.action(), params);
    }
}

/// What looks like a reference: `bok_…`, or a word with a digit behind `booking` or `reference`.
fn reference(said: &str) -> Option<String> {
    let marks: &[_] = &['.', ',', '!', '?', ';', ':', '(', ')', '"', '\u{201c}', '\u{201d}', '#'];
    let words: Vec<&str> = said.split_whitespace().map(|word| word.trim_matches(marks)).collect();
    let fits = |word: &str| {
        REFERENCE_CHARS.contains(&word.chars().count())
            && word.chars().any(|c| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let led = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before)).map(|word| word.to_lowercase());
        before.is_some_and(|word| {
            ["booking", "reservation", "reference", "ref", "number", "no", "id", "is"].contains(&word.as_str())
        })
    };
    let found = words.iter().enumerate().find(|(at, word)| fits(word) && (word.starts_with("bok_") || led(*at)));
    found.map(|(_, word)| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn references_and_what_is_none() {
        let table = [
            ("my hotel booking bok_0000AVBX7c.", Some("bok_0000AVBX7c")),
            ("booking AB12CD", Some("AB12CD")),
            ("the reservation with the reference “QX-77812”", Some("QX-77812")),
            ("my hotel booking", None),
            ("the table at Luigi's", None),
            ("the table for 4 at 19:00", None),
            ("my booking from 2026-12-05", None),
            ("booking tomorrow", None),
        ];
        for (text, found) in table {
            assert_eq!(reference(text).as_deref(), found, "{text}");
        }
    }
}
