//! How long something lasts: `45 minutes`, `an hour and a half`, `1h30`, `2.5 hours`.

use chrono::TimeDelta;

use super::{Read, Tokens, any_phrase, is, is_any, number};
use crate::planner::tokens::Kind;

const MINUTES: &[&str] = &["minute", "minutes", "min", "mins", "m"];
const HOURS: &[&str] = &["hour", "hours", "hr", "hrs", "h"];
const DAYS: &[&str] = &["day", "days"];
const WEEKS: &[&str] = &["week", "weeks"];
const SECONDS: &[&str] = &["second", "seconds", "sec", "secs"];
/// Longest duration that is believed: ten years.
const MINUTES_MAX: f64 = 5_259_600.0;

fn unit(tokens: Tokens<'_, '_>, at: usize) -> Read<f64> {
    let token = tokens.get(at)?;
    let minutes = [(MINUTES, 1.0), (HOURS, 60.0), (DAYS, 1_440.0), (WEEKS, 10_080.0), (SECONDS, 1.0 / 60.0)];
    minutes.into_iter().find(|(names, _)| token.is_any(names)).map(|(_, factor)| (factor, at + 1))
}

/// A length of time.
pub fn length(tokens: Tokens<'_, '_>, at: usize) -> Read<TimeDelta> {
    let (mut minutes, mut next) = part(tokens, at)?;
    if minutes < MINUTES_MAX {
        if let Some(past) = any_phrase(tokens, next, &["and a half"]) {
            minutes += tokens.get(next - 1).map_or(0.0, |token| if token.is_any(HOURS) { 30.0 } else { 0.0 });
            next = past;
        } else if let Some((more, past)) = tail(tokens, next, minutes) {
            minutes += more;
            next = past;
        }
    }
    (minutes > 0.0 && minutes <= MINUTES_MAX).then(|| {
        #[expect(clippy::cast_possible_truncation, reason = "at most ten years, checked above")]
        let seconds = (minutes * 60.0).round() as i64;
        (TimeDelta::seconds(seconds), next)
    })
}

fn part(tokens: Tokens<'_, '_>, at: usize) -> Read<f64> {
    if let Some(next) = any_phrase(tokens, at, &["half an hour", "half hour", "a half hour", "half a hour"]) {
        return Some((30.0, next));
    }
    if let Some(next) = any_phrase(tokens, at, &["quarter of an hour", "a quarter of an hour", "quarter hour"]) {
        return Some((15.0, next));
    }
    if let Some(next) = any_phrase(tokens, at, &["three quarters of an hour"]) {
        return Some((45.0, next));
    }
    let (value, mut next) = match number::count(tokens, at) {
        Some((value, next)) if tokens[at].kind != Kind::Number => (f64::from(value), next),
        Some(_) | None => number::decimal(tokens, at, false)?,
    };
    let mut extra = 0.0;
    if let Some(past) = any_phrase(tokens, next, &["and a half"]) {
        extra = 0.5;
        next = past;
    }
    if is(tokens, next, "-") {
        next += 1;
    }
    let (factor, next) = unit(tokens, next)?;
    Some(((value + extra) * factor, next))
}

/// The rest of `1 hour 30 minutes`, `1h 30`, `2 hours and 15 minutes`.
fn tail(tokens: Tokens<'_, '_>, at: usize, before: f64) -> Read<f64> {
    let start = if is_any(tokens, at, &["and", ","]) { at + 1 } else { at };
    if let Some((more, next)) = part(tokens, start)
        && more < before
        && before >= 60.0
    {
        return Some((more, next));
    }
    let hours = at > 0 && tokens[at - 1].is("h");
    let token = tokens.get(at)?;
    if !(hours && token.glued && token.kind == Kind::Number) {
        return None;
    }
    token.text.parse::<f64>().ok().filter(|minutes| *minutes < 60.0).map(|minutes| (minutes, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::tokens::tokenize;

    #[test]
    fn lengths_in_minutes() {
        let table = [
            ("45 minutes", 45),
            ("an hour and a half", 90),
            ("30 min", 30),
            ("half an hour", 30),
            ("1h30", 90),
            ("1 hour 30 minutes", 90),
            ("2.5 hours", 150),
            ("two and a half hours", 150),
            ("a couple of hours", 120),
            ("3 days", 4_320),
            ("90-minute", 90),
        ];
        for (text, minutes) in table {
            let tokens = tokenize(text);
            let (found, next) = length(&tokens, 0).expect(text);
            assert_eq!((found.num_minutes(), next), (minutes, tokens.len()), "{text}");
        }
    }
}
