//! Whole and decimal numbers, in digits and words.

use super::{Read, Tokens, is, is_any};
use crate::planner::tokens::Kind;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

fn index(list: &[&str], word: &str) -> Option<u32> {
    list.iter().position(|one| *one == word).and_then(|at| u32::try_from(at).ok())
}

/// A whole number: `12`, `twelve`, `twenty five`, `twenty-five`.
pub fn whole(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let token = tokens.get(at)?;
    if token.kind == Kind::Number {
        return token.text.parse().ok().map(|value| (value, at + 1));
    }
    if token.kind != Kind::Word {
        return None;
    }
    if let Some(value) = index(&SMALL, &token.lower) {
        return Some((value, at + 1));
    }
    let tens = (index(&TENS, &token.lower)? + 2) * 10;
    let ones_at = if is(tokens, at + 1, "-") { at + 2 } else { at + 1 };
    let ones = tokens.get(ones_at).and_then(|next| index(&SMALL[1..10], &next.lower));
    Some(ones.map_or((tens, at + 1), |ones| (tens + ones + 1, ones_at + 1)))
}

/// A count before a unit: a whole number, `a`, `an`, `a couple of`, `a few`.
pub fn count(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    if let Some(found) = whole(tokens, at) {
        return Some(found);
    }
    let start = if is(tokens, at, "a") { at + 1 } else { at };
    for (word, value) in [("couple", 2), ("few", 3), ("pair", 2)] {
        if is(tokens, start, word) {
            return Some((value, if is(tokens, start + 1, "of") { start + 2 } else { start + 1 }));
        }
    }
    is_any(tokens, at, &["a", "an"]).then_some((1, at + 1))
}

/// An ordinal: `3rd`, `third`, `twenty-first`.
pub fn ordinal(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let token = tokens.get(at)?;
    if token.kind == Kind::Number {
        let suffix = tokens.get(at + 1)?;
        return (suffix.glued && suffix.is_any(&["st", "nd", "rd", "th"]))
            .then(|| token.text.parse().ok())?
            .map(|value| (value, at + 2));
    }
    if let Some(value) = index(&ORDINALS, &token.lower) {
        return Some((value + 1, at + 1));
    }
    if token.is("thirtieth") {
        return Some((30, at + 1));
    }
    let tens = (index(&TENS, &token.lower)? + 2) * 10;
    let ones_at = if is(tokens, at + 1, "-") { at + 2 } else { at + 1 };
    let ones = index(&ORDINALS[..9], &tokens.get(ones_at)?.lower)?;
    Some((tens + ones + 1, ones_at + 1))
}

/// A number with separators: `50,000`, `1,00,000`, `1.5`, `1.234,50`. With `grouped`, a single
/// point before exactly three digits groups thousands, as in sums of money.
pub fn decimal(tokens: Tokens<'_, '_>, at: usize, grouped: bool) -> Read<f64> {
    let first = tokens.get(at)?;
    if first.kind != Kind::Number {
        return whole(tokens, at).map(|(value, next)| (f64::from(value), next));
    }
    let mut groups = vec![first.text];
    let mut marks = Vec::new();
    let mut next = at + 1;
    while let (Some(mark), Some(digits)) = (tokens.get(next), tokens.get(next + 1)) {
        if !(mark.glued && mark.is_any(&[",", "."]) && digits.glued && digits.kind == Kind::Number) {
            break;
        }
        marks.push(mark.lower.as_str());
        groups.push(digits.text);
        next += 2;
    }
    let fraction = fraction_group(&groups, &marks, grouped);
    let cut = if fraction { groups.len() - 1 } else { groups.len() };
    let mut text = groups[..cut].concat();
    if fraction {
        text.push('.');
        text.push_str(groups[cut]);
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| (value, next))
}

/// Whether the last group is a fraction.
fn fraction_group(groups: &[&str], marks: &[&str], grouped: bool) -> bool {
    let (Some(last_mark), Some(last)) = (marks.last(), groups.last()) else { return false };
    let differs = marks.iter().any(|mark| mark != last_mark);
    if differs {
        return true;
    }
    if marks.len() > 1 {
        return false;
    }
    last.len() != 3 || (*last_mark == "." && !grouped)
}

/// A number as JSON: whole when it is whole.
pub fn to_json(value: f64) -> serde_json::Value {
    /// Above this, floats have gaps between whole numbers (2^53).
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, checked above")]
        let whole = value as i64;
        return serde_json::Value::from(whole);
    }
    serde_json::Value::from(value)
}
