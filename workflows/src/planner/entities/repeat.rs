//! Repetition as a recurrence rule (RFC 5545): `every day`, `every Monday`, `weekly`.

use chrono::Weekday;

use super::day;
use super::{Read, Tokens, is_any};

fn code(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

/// A recurrence rule, and the position after it. A weekday stays to be read as the first day.
pub fn repeat(tokens: Tokens<'_, '_>, at: usize) -> Read<String> {
    let token = tokens.get(at)?;
    let rule = |text: &str, next| Some((text.to_owned(), next));
    if token.is("daily") {
        return rule("FREQ=DAILY", at + 1);
    }
    if token.is("weekly") {
        return rule("FREQ=WEEKLY", at + 1);
    }
    if token.is("monthly") {
        return rule("FREQ=MONTHLY", at + 1);
    }
    if token.is("yearly") {
        return rule("FREQ=YEARLY", at + 1);
    }
    if !token.is_any(&["every", "each"]) {
        return None;
    }
    if let Some((day, _)) = day::weekday(tokens, at + 1) {
        return Some((format!("FREQ=WEEKLY;BYDAY={}", code(day)), at + 1));
    }
    let unit = tokens.get(at + 1)?;
    if unit.is("day") {
        return rule("FREQ=DAILY", at + 2);
    }
    if unit.is_any(&["morning", "evening", "afternoon", "night"]) {
        return rule("FREQ=DAILY", at + 1);
    }
    if unit.is_any(&["weekday", "workday"]) {
        return rule("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", at + 2);
    }
    if unit.is("week") {
        return rule("FREQ=WEEKLY", at + 2);
    }
    if unit.is("month") {
        return rule("FREQ=MONTHLY", at + 2);
    }
    if is_any(tokens, at + 1, &["year"]) {
        return rule("FREQ=YEARLY", at + 2);
    }
    None
}
