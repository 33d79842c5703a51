//! Mail addresses and telephone numbers.

use super::{Read, Tokens};
use crate::planner::tokens::Kind;

/// Fewest and most digits of a telephone number (ITU-T E.164 allows 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A mail address.
pub fn email(tokens: Tokens<'_, '_>, at: usize) -> Read<String> {
    let token = tokens.get(at)?;
    (token.kind == Kind::Address).then(|| (token.text.to_owned(), at + 1))
}

/// A telephone number: `+49 30 1234567`, `(030) 123-4567`. Only its plus and digits are kept.
pub fn phone(tokens: Tokens<'_, '_>, at: usize) -> Read<String> {
    let mut digits = String::new();
    let mut next = at;
    if tokens.get(next)?.is("+") {
        digits.push('+');
        next += 1;
    }
    let mut end = at;
    while let Some(token) = tokens.get(next).filter(|_| digits.len() <= *PHONE_DIGITS.end()) {
        if token.kind == Kind::Number {
            digits.push_str(token.text);
            end = next + 1;
        } else if !token.is_any(&["(", ")", "-", "/", "."]) {
            break;
        }
        next += 1;
    }
    let count = digits.trim_start_matches('+').len();
    (end > at && PHONE_DIGITS.contains(&count)).then_some((digits, end))
}
