//! Days counted, named together or over: `in three days`, `next week`, `13 to 15 July`, `last Friday`.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::day::{
    DAYS_AHEAD_MAX, Span, days_from, monday, month, month_day, numeric, of_week, rolled, weekday, with_year, year,
};
use super::{Moment, Read, Tokens, any_phrase, is, is_any, number, phrase};
use crate::planner::tokens::Kind;

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

/// Several days: `from 13 to 15 July`, `July 13-15`, `2026-07-13 to 2026-07-15`, `Monday to Wednesday`.
pub(super) fn stretch(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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
    if let Some((first, next)) = numeric(tokens, start, moment)
        && let Some((last, next)) = join(next).and_then(|next| numeric(tokens, next, moment))
    {
        return (first.first < last.first).then_some((Span { end: last.end, ..first }, next));
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
pub(super) fn before(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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
pub(super) fn whole_month(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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

/// `in three days`, `two weeks from now`, `a week from Monday`.
pub(super) fn counted(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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
pub(super) fn period(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
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
pub(super) fn end_of(tokens: Tokens<'_, '_>, at: usize, today: NaiveDate) -> Read<Span> {
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

pub(super) fn holiday(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Span> {
    let today = moment.local().date();
    HOLIDAYS.iter().find_map(|(name, month, day)| {
        let next = phrase(tokens, at, name)?;
        with_year(tokens, next, today, *month, *day)
    })
}
