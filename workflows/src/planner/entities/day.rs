//! Single days, relative to a moment: `tomorrow`, `next Friday`, `28 Nov`, `2026-11-28`. A day without a year is the next such day; an explicit past one is marked.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::{Moment, Read, Tokens, any_phrase, is, is_any, number, period};
use crate::planner::tokens::Kind;

/// A day, or several in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub first: NaiveDate,
    /// The day after the last.
    pub end: NaiveDate,
    /// Whether it was named exactly and lies in the past.
    pub past: bool,
}

impl Span {
    pub(super) fn of(first: NaiveDate, days: u64) -> Option<Self> {
        Some(Self { first, end: first.checked_add_days(Days::new(days))?, past: false })
    }

    pub(super) fn exact(first: NaiveDate, today: NaiveDate) -> Option<Self> {
        Self::of(first, 1).map(|span| Self { past: first < today, ..span })
    }
}

const WEEKDAYS: [(&[&str], Weekday); 7] = [
    (&["monday", "mon", "mondays"], Weekday::Mon),
    (&["tuesday", "tue", "tues", "tuesdays"], Weekday::Tue),
    (&["wednesday", "wed", "weds", "wednesdays"], Weekday::Wed),
    (&["thursday", "thu", "thur", "thurs", "thursdays"], Weekday::Thu),
    (&["friday", "fri", "fridays"], Weekday::Fri),
    (&["saturday", "sat", "saturdays"], Weekday::Sat),
    (&["sunday", "sun", "sundays"], Weekday::Sun),
];
const MONTHS: [&[&str]; 12] = [
    &["january", "jan"],
    &["february", "feb"],
    &["march", "mar"],
    &["april", "apr"],
    &["may"],
    &["june", "jun"],
    &["july", "jul"],
    &["august", "aug"],
    &["september", "sep", "sept"],
    &["october", "oct"],
    &["november", "nov"],
    &["december", "dec"],
];
/// How far a day may be counted: `in 400 weeks` is believed, `in 99999 years` is not.
pub(super) const DAYS_AHEAD_MAX: u64 = 36_525;

/// A weekday's name.
pub fn weekday(tokens: Tokens<'_, '_>, at: usize) -> Read<Weekday> {
    let token = tokens.get(at)?;
    let (_, day) = WEEKDAYS.iter().find(|(names, _)| token.is_any(names))?;
    let dotted = tokens.get(at + 1).is_some_and(|dot| dot.glued && dot.is("."))
        && token.text.len() <= 4
        && tokens.get(at + 2).is_some_and(|next| next.kind == Kind::Number);
    Some((*day, if dotted { at + 2 } else { at + 1 }))
}

/// A month's name, 1 to 12.
pub fn month(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let token = tokens.get(at)?;
    let index = MONTHS.iter().position(|names| token.is_any(names))?;
    let dotted = tokens.get(at + 1).is_some_and(|dot| dot.glued && dot.is(".")) && token.text.len() <= 4;
    Some((u32::try_from(index).ok()? + 1, if dotted { at + 2 } else { at + 1 }))
}

/// A day or a span of days.
pub fn span(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    period::stretch(tokens, at, moment)
        .or_else(|| named(tokens, at, moment))
        .or_else(|| numeric(tokens, at, moment))
        .or_else(|| month_day(tokens, at, moment))
        .or_else(|| period::before(tokens, at, moment))
        .or_else(|| of_week(tokens, at, moment))
        .or_else(|| period::counted(tokens, at, moment))
        .or_else(|| period::period(tokens, at, moment))
        .or_else(|| period::holiday(tokens, at, moment))
        .or_else(|| period::whole_month(tokens, at, moment))
}

pub(super) fn days_from(today: NaiveDate, days: u64) -> Option<Span> {
    (days <= DAYS_AHEAD_MAX).then(|| today.checked_add_days(Days::new(days)))?.and_then(|day| Span::of(day, 1))
}

fn named(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let after = any_phrase(tokens, at, &["the day after tomorrow", "day after tomorrow", "overmorrow"]);
    if let Some(next) = after {
        return Some((days_from(today, 2)?, next));
    }
    let token = tokens.get(at)?;
    if token.is_any(&["today", "tonight"]) {
        return Some((days_from(today, 0)?, at + 1));
    }
    if token.is_any(&["tomorrow", "tomorrows", "tmrw", "tmr", "tomorow", "tommorow", "tommorrow"]) {
        return Some((days_from(today, 1)?, at + 1));
    }
    if token.is("yesterday") {
        return Some((Span::exact(today.pred_opt()?, today)?, at + 1));
    }
    None
}

/// `2026-11-28`, `28.11.`, `28/11/2026`, `11/28`.
pub(super) fn numeric(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let first = tokens.get(at).filter(|token| token.kind == Kind::Number)?;
    let mark = tokens.get(at + 1).filter(|token| token.is_any(&["-", ".", "/"]) && token.glued)?;
    let second = tokens.get(at + 2).filter(|token| token.kind == Kind::Number && token.glued)?;
    let third =
        tokens.get(at + 4).filter(|token| token.kind == Kind::Number && token.glued && is(tokens, at + 3, &mark.lower));
    let today = moment.local().date();
    if first.text.len() == 4 {
        let day =
            NaiveDate::from_ymd_opt(first.text.parse().ok()?, second.text.parse().ok()?, third?.text.parse().ok()?)?;
        return Some((Span::exact(day, today)?, at + 5));
    }
    if first.text.len() > 2 || second.text.len() > 2 || (mark.is("-") && third.is_none()) {
        return None;
    }
    let (a, b): (u32, u32) = (first.text.parse().ok()?, second.text.parse().ok()?);
    let month_first = if mark.is(".") { false } else { moment.is_month_first() };
    let (day, month) = match (a, b) {
        (13.., _) => (a, b),
        (_, 13..) => (b, a),
        _ if month_first => (b, a),
        _ => (a, b),
    };
    if let Some(year) = third.and_then(|token| year(token.text)) {
        return Some((Span::exact(NaiveDate::from_ymd_opt(year, month, day)?, today)?, at + 5));
    }
    let dotted = mark.is(".") && is(tokens, at + 3, ".") && tokens[at + 3].glued;
    if mark.is(".") && !dotted && second.text.len() != 2 {
        return None;
    }
    Some((rolled(today, month, day)?, if dotted { at + 4 } else { at + 3 }))
}

pub(super) fn year(text: &str) -> Option<i32> {
    let value: i32 = text.parse().ok()?;
    match text.len() {
        4 => Some(value),
        2 if value < 70 => Some(2000 + value),
        2 => Some(1900 + value),
        _ => None,
    }
}

/// The next such day of a year, today included; a leap day may be some years ahead.
pub(super) fn rolled(today: NaiveDate, month: u32, day: u32) -> Option<Span> {
    const LEAP_GAP_YEARS: i32 = 8;
    (0..=LEAP_GAP_YEARS)
        .filter_map(|ahead| NaiveDate::from_ymd_opt(today.year() + ahead, month, day))
        .find(|found| *found >= today)
        .and_then(|found| Span::of(found, 1))
}

/// `28 Nov`, `28th of November 2026`, `Nov 28th, 2026`, `the 28th`.
pub(super) fn month_day(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    let day = number::ordinal(tokens, start)
        .map(|(value, next)| (value, next, true))
        .or_else(|| number::whole(tokens, start).map(|(value, next)| (value, next, false)));
    if let Some((day, mut next, ordinal)) = day {
        if is(tokens, next, ".") && tokens[next].glued && month(tokens, next + 1).is_some() {
            next += 1;
        }
        let of = if is_any(tokens, next, &["of", "/", "-"]) { next + 1 } else { next };
        if let Some((month, past)) = month(tokens, of) {
            return with_year(tokens, past, today, month, day);
        }
        let digits = tokens[start].kind == Kind::Number || (at > 0 && is(tokens, at - 1, "on"));
        return (ordinal && digits && start > at && !is_counted_noun(tokens, next))
            .then(|| of_month(today, day))
            .flatten()
            .map(|s| (s, next));
    }
    let (month, next) = month(tokens, start)?;
    let next = if is(tokens, next, "the") { next + 1 } else { next };
    let (day, past) = number::ordinal(tokens, next).or_else(|| number::whole(tokens, next))?;
    with_year(tokens, past, today, month, day)
}

/// Whether an ordinal belongs to a noun: `the 2nd floor` is no day.
fn is_counted_noun(tokens: Tokens<'_, '_>, at: usize) -> bool {
    const AFTER_A_DAY: &[&str] =
        &["at", "and", "from", "between", "in", "for", "with", "that", "to", "then", "on", "by", "until"];
    tokens.get(at).is_some_and(|token| token.kind == Kind::Word && !token.is_any(AFTER_A_DAY))
}

pub(super) fn with_year(tokens: Tokens<'_, '_>, at: usize, today: NaiveDate, month: u32, day: u32) -> Read<Span> {
    let year_at = if is_any(tokens, at, &[",", "/", "-", "of"]) { at + 1 } else { at };
    let named = tokens.get(year_at).filter(|token| token.kind == Kind::Number && token.text.len() == 4);
    let clock = tokens.get(year_at + 1).is_some_and(|token| token.is_any(&["h", "hrs", "hours", ":"]));
    if let Some(year) = named.and_then(|token| year(token.text)).filter(|year| !clock && (1900..=2200).contains(year)) {
        return Some((Span::exact(NaiveDate::from_ymd_opt(year, month, day)?, today)?, year_at + 1));
    }
    Some((rolled(today, month, day)?, at))
}

pub(super) fn of_month(today: NaiveDate, day: u32) -> Option<Span> {
    (0..=2)
        .filter_map(|ahead| today.with_day(1)?.checked_add_months(Months::new(ahead))?.with_day(day))
        .find(|found| *found >= today)
        .and_then(|found| Span::of(found, 1))
}

pub(super) fn monday(today: NaiveDate) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))
}

/// `Friday`, `this Friday`, `next Friday` (of next week), `Friday next week`.
pub(super) fn of_week(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    if let Some(start) = any_phrase(tokens, at, &["next week", "next week on"])
        && let Some((day, next)) = weekday(tokens, if is(tokens, start, "on") { start + 1 } else { start })
    {
        return Some((in_next_week(today, day)?, next));
    }
    let which = tokens.get(at)?;
    let start = if which.is_any(&["this", "next", "coming", "on"]) { at + 1 } else { at };
    let (day, next) = weekday(tokens, start)?;
    if start == at && is_plain_word(tokens, at) {
        return None;
    }
    if let Some(past) = any_phrase(tokens, next, &["next week", "of next week"]) {
        return Some((in_next_week(today, day)?, past));
    }
    if which.is("next") {
        return Some((in_next_week(today, day)?, next));
    }
    let ahead = u64::from((7 + day.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7);
    let ahead = if ahead == 0 && !which.is("this") { 7 } else { ahead };
    // The day's date may follow: "Friday, 4 December". The date says more than the weekday.
    let comma = if is(tokens, next, ",") { next + 1 } else { next };
    if let Some(dated) = numeric(tokens, comma, moment).or_else(|| month_day(tokens, comma, moment)) {
        return Some(dated);
    }
    Some((days_from(today, ahead)?, next))
}

/// `I sat down` and `the sun shines` name no day: these need a capital, or a word before that fits.
fn is_plain_word(tokens: Tokens<'_, '_>, at: usize) -> bool {
    let token = &tokens[at];
    let short = token.is_any(&["sat", "sun", "wed", "mon"]);
    let alone = tokens.get(at + 1).is_none_or(|next| {
        next.kind != Kind::Word
            || next.is_any(&["at", "morning", "afternoon", "evening", "night", "next", "from", "noon"])
    });
    let led = (at == 0 && alone)
        || at > 0 && is_any(tokens, at - 1, &["on", "next", "this", "every", "by", "until", "to", "and", "from"]);
    short && !led && token.text.starts_with(|c: char| c.is_lowercase())
}

fn in_next_week(today: NaiveDate, day: Weekday) -> Option<Span> {
    let ahead = 7 + u64::from(day.num_days_from_monday());
    Span::of(monday(today)?.checked_add_days(Days::new(ahead))?, 1)
}
