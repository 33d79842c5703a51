//! Days and spans of days, relative to a moment: `tomorrow`, `next Friday`, `28 Nov`, `2026-11-28`,
//! `next week`. A day without a year is the next such day; an explicit past one is marked.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::{Moment, Read, Tokens, any_phrase, is, is_any, number, phrase};
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
    fn of(first: NaiveDate, days: u64) -> Option<Self> {
        Some(Self { first, end: first.checked_add_days(Days::new(days))?, past: false })
    }

    fn exact(first: NaiveDate, today: NaiveDate) -> Option<Self> {
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
const HOLIDAYS: [(&str, u32, u32); 10] = [
    ("christmas eve", 12, 24),
    ("christmas day", 12, 25),
    ("christmas", 12, 25),
    ("xmas", 12, 25),
    ("boxing day", 12, 26),
    ("new year's eve", 12, 31),
    ("new year's day", 1, 1),
    ("new year's", 1, 1),
    ("halloween", 10, 31),
    ("valentine's day", 2, 14),
];
/// How far a day may be counted: `in 400 weeks` is believed, `in 99999 years` is not.
const DAYS_AHEAD_MAX: u64 = 36_525;

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
    stretch(tokens, at, moment)
        .or_else(|| named(tokens, at, moment))
        .or_else(|| numeric(tokens, at, moment))
        .or_else(|| month_day(tokens, at, moment))
        .or_else(|| before(tokens, at, moment))
        .or_else(|| of_week(tokens, at, moment))
        .or_else(|| counted(tokens, at, moment))
        .or_else(|| period(tokens, at, moment))
        .or_else(|| holiday(tokens, at, moment))
        .or_else(|| whole_month(tokens, at, moment))
}

/// Several days: `from 13 to 15 July`, `July 13-15`, `Monday to Wednesday`.
fn stretch(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    const JOINS: &[&str] = &["to the", "to", "until", "till", "thru", "through", "-", "\u{2013}", "and the", "and"];
    let led = is_any(tokens, at, &["from", "between"]);
    let start = if led { at + 1 } else { at };
    let join =
        |next: usize| any_phrase(tokens, next, JOINS).filter(|_| !is(tokens, next, "and") || is(tokens, at, "between"));
    let number = |at: usize| {
        number::ordinal(tokens, at).or_else(|| number::whole(tokens, at).filter(|_| tokens[at].kind == Kind::Number))
    };
    // "13 to 15 July": the month is said once, behind.
    let day = if is(tokens, start, "the") { start + 1 } else { start };
    if let Some((first, next)) = number(day).filter(|(first, _)| (1..=31).contains(first))
        && let Some(last) = join(next)
        && let Some((end, next)) = month_day(tokens, last, moment)
        && number(last).is_some()
    {
        let first = end.first.with_day(first).filter(|first| *first < end.first)?;
        return Some((Span { first, ..end }, next));
    }
    // "July 13-15": it is said once, before.
    if let Some((first, next)) = month(tokens, start).and_then(|_| month_day(tokens, start, moment))
        && let Some((last, next)) = join(next).and_then(number)
        && tokens.get(next).is_none_or(|token| !token.is_any(&["am", "pm", ":", "h"]))
    {
        let last = first.first.with_day(last).filter(|last| *last > first.first)?;
        return Some((Span { end: last.succ_opt()?, ..first }, next));
    }
    let (first, next) = of_week(tokens, start, moment)?;
    let (last, next) = of_week(tokens, join(next)?, moment)?;
    let mut end = last.end;
    if end <= first.first {
        end = end.checked_add_days(Days::new(7))?;
    }
    Some((Span { end, ..first }, next))
}

/// Days that are over: `last Friday`, `last week`, `3 days ago`.
fn before(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let over = |first: NaiveDate, days: u64| Span::of(first, days).map(|span| Span { past: true, ..span });
    if let Some((count, unit)) = number::count(tokens, at)
        && is(tokens, unit + 1, "ago")
    {
        let count = u64::from(count).min(DAYS_AHEAD_MAX);
        let days = if is_any(tokens, unit, &["day", "days"]) {
            count
        } else if is_any(tokens, unit, &["week", "weeks"]) {
            count * 7
        } else {
            return None;
        };
        return Some((over(today.checked_sub_days(Days::new(days))?, 1)?, unit + 2));
    }
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    if !is_any(tokens, start, &["last", "past", "previous"]) {
        return None;
    }
    if let Some((day, next)) = weekday(tokens, start + 1) {
        let back = (6 + today.weekday().num_days_from_monday() - day.num_days_from_monday()) % 7 + 1;
        return Some((over(today.checked_sub_days(Days::new(u64::from(back)))?, 1)?, next));
    }
    let unit = tokens.get(start + 1)?;
    let first = monday(today)?.checked_sub_days(Days::new(7))?;
    let span = if unit.is("week") {
        over(first, 7)?
    } else if unit.is_any(&["weekend"]) {
        over(first.checked_add_days(Days::new(5))?, 2)?
    } else if unit.is("month") {
        let end = today.with_day(1)?;
        Span { first: end.checked_sub_months(Months::new(1))?, end, past: true }
    } else if unit.is("year") {
        let end = NaiveDate::from_ymd_opt(today.year(), 1, 1)?;
        Span { first: end.checked_sub_months(Months::new(12))?, end, past: true }
    } else {
        return None;
    };
    Some((span, start + 2))
}

/// `March`, `in March`, `next March`, `October 2027`. A small `march` or `may` is a word.
fn whole_month(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let led = is_any(tokens, at, &["in", "during", "next", "this", "for"]);
    let (month, next) = month(tokens, if led { at + 1 } else { at })?;
    let word = &tokens[if led { at + 1 } else { at }];
    let year = tokens
        .get(next)
        .filter(|token| token.kind == Kind::Number && token.text.len() == 4)
        .and_then(|token| year(token.text));
    let proper = word.text.starts_with(char::is_uppercase) && !word.is("may");
    if !(led || proper || year.is_some()) || word.text.len() < 3 {
        return None;
    }
    let (first, next) = if let Some(year) = year {
        (NaiveDate::from_ymd_opt(year, month, 1)?, next + 1)
    } else {
        let this_year = NaiveDate::from_ymd_opt(today.year(), month, 1)?;
        let over = this_year < today.with_day(1)?;
        (if over { this_year.checked_add_months(Months::new(12))? } else { this_year }, next)
    };
    let end = first.checked_add_months(Months::new(1))?;
    Some((Span { first, end, past: end <= today }, next))
}

fn days_from(today: NaiveDate, days: u64) -> Option<Span> {
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
fn numeric(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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

fn year(text: &str) -> Option<i32> {
    let value: i32 = text.parse().ok()?;
    match text.len() {
        4 => Some(value),
        2 if value < 70 => Some(2000 + value),
        2 => Some(1900 + value),
        _ => None,
    }
}

/// The next such day of a year, today included; a leap day may be some years ahead.
fn rolled(today: NaiveDate, month: u32, day: u32) -> Option<Span> {
    const LEAP_GAP_YEARS: i32 = 8;
    (0..=LEAP_GAP_YEARS)
        .filter_map(|ahead| NaiveDate::from_ymd_opt(today.year() + ahead, month, day))
        .find(|found| *found >= today)
        .and_then(|found| Span::of(found, 1))
}

/// `28 Nov`, `28th of November 2026`, `Nov 28th, 2026`, `the 28th`.
fn month_day(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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

fn with_year(tokens: Tokens<'_, '_>, at: usize, today: NaiveDate, month: u32, day: u32) -> Read<Span> {
    let year_at = if is_any(tokens, at, &[",", "/", "-", "of"]) { at + 1 } else { at };
    let named = tokens.get(year_at).filter(|token| token.kind == Kind::Number && token.text.len() == 4);
    let clock = tokens.get(year_at + 1).is_some_and(|token| token.is_any(&["h", "hrs", "hours", ":"]));
    if let Some(year) = named.and_then(|token| year(token.text)).filter(|year| !clock && (1900..=2200).contains(year)) {
        return Some((Span::exact(NaiveDate::from_ymd_opt(year, month, day)?, today)?, year_at + 1));
    }
    Some((rolled(today, month, day)?, at))
}

fn of_month(today: NaiveDate, day: u32) -> Option<Span> {
    (0..=2)
        .filter_map(|ahead| today.with_day(1)?.checked_add_months(Months::new(ahead))?.with_day(day))
        .find(|found| *found >= today)
        .and_then(|found| Span::of(found, 1))
}

fn monday(today: NaiveDate) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))
}

/// `Friday`, `this Friday`, `next Friday` (of next week), `Friday next week`.
fn of_week(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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

/// `in three days`, `two weeks from now`, `a week from Monday`.
fn counted(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let has_in = is(tokens, at, "in");
    let (count, unit_at) = number::count(tokens, if has_in { at + 1 } else { at })?;
    let unit = tokens.get(unit_at)?;
    let mut next = unit_at + 1;
    let mut base = today;
    if !has_in {
        next = any_phrase(tokens, next, &["from now", "from today", "hence", "later"])
            .or_else(|| phrase(tokens, next, "from tomorrow").inspect(|_| base = base.succ_opt().unwrap_or(base)))
            .or_else(|| {
                let (from, past) = of_week(tokens, phrase(tokens, next, "from")?, moment)?;
                base = from.first;
                Some(past)
            })?;
    }
    let day = if unit.is_any(&["day", "days"]) {
        days_from(base, u64::from(count))?
    } else if unit.is_any(&["week", "weeks"]) {
        days_from(base, u64::from(count) * 7)?
    } else if unit.is_any(&["fortnight", "fortnights"]) {
        days_from(base, u64::from(count) * 14)?
    } else if unit.is_any(&["month", "months"]) {
        Span::of(base.checked_add_months(Months::new(count.min(1_200)))?, 1)?
    } else if unit.is_any(&["year", "years"]) {
        Span::of(base.checked_add_months(Months::new(count.min(100) * 12))?, 1)?
    } else {
        return None;
    };
    Some((day, next))
}

/// `next week`, `this month`, `the weekend`, `the next three days`, `the end of the month`.
fn period(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    if let Some(found) = end_of(tokens, start, today) {
        return Some(found);
    }
    let next_one = is_any(tokens, start, &["next", "coming", "following"]);
    let named = next_one || is(tokens, start, "this") || is(tokens, start, "rest");
    let unit_at = if named { start + 1 } else { start };
    if next_one
        && let Some((count, units)) = number::count(tokens, unit_at)
        && is_any(tokens, units, &["days", "weeks"])
    {
        let days = u64::from(count) * if is(tokens, units, "weeks") { 7 } else { 1 };
        let first = today.succ_opt()?;
        return Some((Span::of(first, days.min(DAYS_AHEAD_MAX))?, units + 1));
    }
    let unit = tokens.get(unit_at)?;
    if unit.is_any(&["weekend", "wkend"]) {
        let saturday = monday(today)?.checked_add_days(Days::new(if next_one { 12 } else { 5 }))?;
        return Some((Span::of(saturday, 2)?, unit_at + 1));
    }
    if !named {
        return None;
    }
    let span = if unit.is("week") {
        let first = monday(today)?.checked_add_days(Days::new(if next_one { 7 } else { 0 }))?;
        Span::of(first, 7)?
    } else if unit.is("month") {
        let first = today.with_day(1)?.checked_add_months(Months::new(u32::from(next_one)))?;
        Span { first, end: first.checked_add_months(Months::new(1))?, past: false }
    } else if unit.is("year") {
        let first = NaiveDate::from_ymd_opt(today.year() + i32::from(next_one), 1, 1)?;
        Span { first, end: first.checked_add_months(Months::new(12))?, past: false }
    } else {
        return None;
    };
    Some((span, unit_at + 1))
}

/// The last day of a month, week or year.
fn end_of(tokens: Tokens<'_, '_>, at: usize, today: NaiveDate) -> Read<Span> {
    let start = phrase(tokens, at, "end of")?;
    let start = if is_any(tokens, start, &["the", "this"]) { start + 1 } else { start };
    let next_one = is(tokens, start, "next");
    let unit_at = if next_one { start + 1 } else { start };
    let more = u32::from(next_one);
    if let Some((month, past)) = month(tokens, unit_at) {
        let first = rolled(today.with_day(1)?, month, 1)?.first;
        return Some((Span::of(first.checked_add_months(Months::new(1))?.pred_opt()?, 1)?, past));
    }
    let unit = tokens.get(unit_at)?;
    let last = if unit.is("month") {
        today.with_day(1)?.checked_add_months(Months::new(1 + more))?.pred_opt()?
    } else if unit.is("year") {
        NaiveDate::from_ymd_opt(today.year() + i32::from(next_one), 12, 31)?
    } else if unit.is("week") {
        monday(today)?.checked_add_days(Days::new(4 + 7 * u64::from(more)))?
    } else if unit.is("day") {
        today
    } else {
        return None;
    };
    Some((Span::of(last, 1)?, unit_at + 1))
}

fn holiday(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    HOLIDAYS.iter().find_map(|(name, month, day)| {
        let next = phrase(tokens, at, name)?;
        with_year(tokens, next, today, *month, *day)
    })
}
