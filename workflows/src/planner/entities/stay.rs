//! The days of a stay: `from 5 to 7 December`, `Friday to Sunday`, `for 3 nights from Friday`, `this weekend`.
//!
//! The last day said is the day of leaving: `Friday to Sunday` is two nights.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeZone};

use super::day::{self, Span};
use super::{Moment, Read, Tokens, any_phrase, is, is_any, number, period};
use crate::planner::tokens::Kind;

/// What was said of a stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// The first day and the day of leaving, as said: whether they make sense is for the act to judge.
    Days {
        /// Arrival.
        from: NaiveDate,
        /// Leaving.
        to: NaiveDate,
    },
    /// Only the first day.
    From(NaiveDate),
    /// Only the day of leaving.
    Until(NaiveDate),
    /// Only how many nights.
    Nights(u32),
}

impl Stay {
    /// Both together: days and nights make a stay; what was said first stands.
    #[must_use]
    pub fn with(self, more: Self) -> Self {
        match (self, more) {
            (Self::From(from), Self::Until(to)) | (Self::Until(to), Self::From(from)) => Self::Days { from, to },
            (Self::From(from), Self::Nights(nights)) | (Self::Nights(nights), Self::From(from)) => after(from, nights),
            (Self::Nights(_), Self::Days { .. }) => more,
            (Self::Days { .. } | Self::From(_) | Self::Until(_) | Self::Nights(_), _) => self,
        }
    }

    /// How many nights it is, when that is known and there is one.
    pub fn nights(self) -> Option<u32> {
        match self {
            Self::Days { from, to } => u32::try_from((to - from).num_days()).ok().filter(|nights| *nights > 0),
            Self::Nights(nights) => Some(nights),
            Self::From(_) | Self::Until(_) => None,
        }
    }
}

/// A longer stay is not believed.
const NIGHTS_MAX: u32 = 366;
const JOINS: &[&str] = &["to the", "to", "until the", "until", "till", "thru", "through", "-", "\u{2013}", "\u{2014}"];
const FROM: &[&str] = &[
    "arriving on",
    "arriving",
    "checking in on",
    "checking in",
    "check in on",
    "check in",
    "check - in on",
    "check - in",
    "starting on",
    "starting from",
    "starting",
    "beginning",
    "from",
    "between",
    "on",
    "for",
];
const UNTIL: &[&str] = &[
    "checking out on",
    "checking out",
    "check out on",
    "check out",
    "check - out on",
    "check - out",
    "leaving on",
    "leaving",
    "departing on",
    "departing",
    "returning on",
    "returning",
    "coming back on",
    "back on",
    "until",
    "till",
];

fn after(from: NaiveDate, nights: u32) -> Stay {
    from.checked_add_days(Days::new(u64::from(nights))).map_or(Stay::From(from), |to| Stay::Days { from, to })
}

/// What is said of a stay at a position.
pub fn stay(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Stay> {
    if let Some((nights, next)) = nights(tokens, at) {
        return Some((Stay::Nights(nights), next));
    }
    if let Some(next) = any_phrase(tokens, at, UNTIL) {
        let (to, next) = single(tokens, next, moment)?;
        return Some((Stay::Until(to), next));
    }
    let lead = any_phrase(tokens, at, FROM);
    let start = lead.unwrap_or(at);
    weekend(tokens, start, moment)
        .or_else(|| one_month(tokens, start, moment))
        .or_else(|| same_month(tokens, start, moment))
        .or_else(|| stretch(tokens, at, start, moment))
        .or_else(|| two_days(tokens, start, moment, is(tokens, at, "between")))
}

/// The same behind what was said before: `20 December, returning on the 12th` is the 12th after that.
pub fn next(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, before: Option<Stay>) -> Read<Stay> {
    let (found, next) = stay(tokens, at, moment)?;
    let Some(before) = before else { return Some((found, next)) };
    if let (Stay::From(from), Stay::Until(to)) = (before, found)
        && to <= from
        && let Some((to, next)) = any_phrase(tokens, at, UNTIL).and_then(|at| second(tokens, at, moment, from))
    {
        return Some((Stay::Days { from, to }, next));
    }
    Some((before.with(found), next))
}

/// The day a journey begins: `leaving on 5 December`. In a stay, that would be its end.
pub fn departure(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<NaiveDate> {
    const LEADS: &[&str] =
        &["leaving on", "leaving", "departing on", "departing", "flying out on", "flying on", "outbound on"];
    single(tokens, any_phrase(tokens, at, LEADS)?, moment)
}

/// `for 3 nights`, `a night`, `two weeks`, `3 days`.
pub fn nights(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let led = any_phrase(tokens, at, &["for", "staying", "of"]);
    let start = led.unwrap_or(at);
    if is(tokens, start, "overnight") {
        return Some((1, start + 1));
    }
    let (count, next) = number::count(tokens, start)?;
    let unit = tokens.get(next)?;
    let days = unit.is_any(&["night", "nights"]) || (led.is_some() && unit.is_any(&["day", "days"]));
    let weeks = unit.is_any(&["week", "weeks"]) && (led.is_some() || number::whole(tokens, start).is_some());
    if !days && !weeks {
        return None;
    }
    let each = if weeks { 7 } else { 1 };
    let nights = count.checked_mul(each).filter(|nights| (1..=NIGHTS_MAX).contains(nights))?;
    Some((nights, next + 1))
}

/// From Friday on, as people travel; what is left of it when it has begun.
fn weekend(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Stay> {
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    let next_one = is_any(tokens, start, &["next", "following"]);
    let word = if next_one || is_any(tokens, start, &["this", "coming"]) { start + 1 } else { start };
    let named = is_any(tokens, word, &["weekend", "wkend"]) && !is_any(tokens, word + 1, &["of", "after", "before"]);
    let today = moment.local().date();
    let monday = day::monday(today).filter(|_| named)?;
    let ahead = if next_one { 7 } else { 0 };
    let friday = monday.checked_add_days(Days::new(4 + ahead))?;
    let to = monday.checked_add_days(Days::new(6 + ahead))?;
    let from = friday.max(today);
    let to = if to <= from { from.succ_opt()? } else { to };
    Some((Stay::Days { from, to }, word + 1))
}

/// `5 to 7 December`, `the 5th – the 7th of December`, `30 to 2 January`, `5.-7.12.`.
fn one_month(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Stay> {
    let start = if is(tokens, at, "the") { at + 1 } else { at };
    let (first, next) = of_month(tokens, start)?;
    let last = any_phrase(tokens, next, &["and the", "and"]).filter(|_| at > 0 && is(tokens, at - 1, "between"));
    let last = last.or_else(|| any_phrase(tokens, next, JOINS))?;
    of_month(tokens, last)?;
    let (to, next) = single(tokens, last, moment)?;
    Some((Stay::Days { from: back_from(to, first)?, to }, next))
}

/// The number of a day, with what may stand behind it.
fn of_month(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let found = number::ordinal(tokens, at).or_else(|| {
        number::whole(tokens, at).filter(|_| tokens[at].kind == Kind::Number && tokens[at].text.len() <= 2)
    });
    let (value, next) = found.filter(|(value, _)| (1..=31).contains(value))?;
    let dotted = is(tokens, next, ".") && tokens[next].glued;
    Some((value, if dotted { next + 1 } else { next }))
}

/// The day of this number in the month of another day. A late one before an early one is of the
/// month before: `30 to 2 January`.
fn back_from(to: NaiveDate, day_of_month: u32) -> Option<NaiveDate> {
    const LATE: u32 = 20;
    let early = to.day() < LATE / 2;
    if early && day_of_month > LATE {
        return to.with_day(1)?.pred_opt()?.with_day(day_of_month);
    }
    to.with_day(day_of_month)
}

/// `5th to 7th`, `the 5th to the 7th`: the next such days.
fn same_month(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<Stay> {
    let ordinal = |at: usize| number::ordinal(tokens, if is(tokens, at, "the") { at + 1 } else { at });
    let (first, next) = ordinal(at)?;
    let between = at > 0 && is(tokens, at - 1, "between");
    let join = any_phrase(tokens, next, JOINS).or_else(|| any_phrase(tokens, next, &["and"]).filter(|_| between))?;
    let (last, next) = ordinal(join)?;
    let from = day::of_month(moment.local().date(), first)?.first;
    let to = if last > first { from.with_day(last)? } else { day::of_month(from, last)?.first };
    Some((Stay::Days { from, to }, next))
}

/// `Friday to Sunday`, `December 5-7`.
fn stretch(tokens: Tokens<'_, '_>, at: usize, start: usize, moment: &Moment) -> Read<Stay> {
    let (span, next) = period::stretch(tokens, at, moment).or_else(|| period::stretch(tokens, start, moment))?;
    Some((Stay::Days { from: span.first, to: span.end.pred_opt()? }, next))
}

/// A day, and perhaps another; `tomorrow night`.
fn two_days(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, between: bool) -> Read<Stay> {
    let night = is(tokens, at, "tonight");
    let (from, next) = single(tokens, at, moment)?;
    if night || is_any(tokens, next, &["night"]) {
        return Some((after(from, 1), if night { next } else { next + 1 }));
    }
    let and = any_phrase(tokens, next, &["and"]).filter(|_| between);
    let Some(join) = any_phrase(tokens, next, JOINS).or(and) else { return Some((Stay::From(from), next)) };
    let Some((to, end)) = second(tokens, join, moment, from) else { return Some((Stay::From(from), next)) };
    Some((Stay::Days { from, to }, end))
}

/// The second day: as said, else the next such day after the first.
fn second(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, from: NaiveDate) -> Read<NaiveDate> {
    let (plain, next) = single(tokens, at, moment)?;
    if plain > from {
        return Some((plain, next));
    }
    let zone = moment.now.timezone();
    let then = zone.from_local_datetime(&from.and_time(NaiveTime::MIN)).earliest();
    let later = then.and_then(|now| single(tokens, at, &Moment { now }));
    // A year later is a slip: "from 7 to 5 December".
    let near = later.filter(|(to, _)| *to > from && (*to - from).num_days() <= i64::from(NIGHTS_MAX / 2));
    Some(near.unwrap_or((plain, next)))
}

/// Exactly one day.
fn single(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<NaiveDate> {
    let (Span { first, end, .. }, next) = day::span(tokens, at, moment)?;
    (first.succ_opt() == Some(end)).then_some((first, next))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::planner::tokens::tokenize;

    /// Friday, 27 November 2026, 13:30 in Berlin.
    fn moment() -> Moment {
        Moment::new("2026-11-27T12:30:00Z".parse().expect("a time"), Tz::Europe__Berlin)
    }

    /// Everything that is said of a stay, put together as the scan of a request does it.
    fn whole(text: &str) -> String {
        let tokens = tokenize(text);
        let (mut at, mut all): (usize, Option<Stay>) = (0, None);
        while at < tokens.len() {
            match super::next(&tokens, at, &moment(), all) {
                Some((found, next)) => (all, at) = (Some(found), next),
                None => at += 1,
            }
        }
        match all {
            Some(Stay::Days { from, to }) => format!("{from}/{to}"),
            Some(Stay::From(from)) => format!("{from}/"),
            Some(Stay::Until(to)) => format!("/{to}"),
            Some(Stay::Nights(nights)) => format!("{nights} nights"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn stays_in_their_many_words() {
        let table = [
            ("from 5 to 7 December", "2026-12-05/2026-12-07"),
            ("5–7 December", "2026-12-05/2026-12-07"),
            ("5 - 7 Dec for 2", "2026-12-05/2026-12-07"),
            ("December 5-7", "2026-12-05/2026-12-07"),
            ("Dec 5 to Dec 7", "2026-12-05/2026-12-07"),
            ("from 5 December to 7 December", "2026-12-05/2026-12-07"),
            ("from the 5th to the 7th of December", "2026-12-05/2026-12-07"),
            ("between 5 and 7 December", "2026-12-05/2026-12-07"),
            ("between the 5th and the 7th", "2026-12-05/2026-12-07"),
            ("5th to 7th", "2026-12-05/2026-12-07"),
            ("from the 30th to the 2nd", "2026-11-30/2026-12-02"),
            ("30 to 2 January", "2026-12-30/2027-01-02"),
            ("from 30 December to 2 January", "2026-12-30/2027-01-02"),
            ("2026-12-05 to 2026-12-07", "2026-12-05/2026-12-07"),
            ("05.12. - 07.12.", "2026-12-05/2026-12-07"),
            ("5.-7.12.", "2026-12-05/2026-12-07"),
            ("Friday to Sunday", "2026-12-04/2026-12-06"),
            ("from tomorrow to Sunday", "2026-11-28/2026-11-29"),
            ("from tomorrow to the day after tomorrow", "2026-11-28/2026-11-29"),
            ("from next Friday to Sunday", "2026-12-04/2026-12-06"),
            ("from Saturday until Tuesday", "2026-11-28/2026-12-01"),
            ("for 3 nights from Friday", "2026-12-04/2026-12-07"),
            ("from Friday for three nights", "2026-12-04/2026-12-07"),
            ("5 December for a week", "2026-12-05/2026-12-12"),
            ("for 3 days starting on 5 December", "2026-12-05/2026-12-08"),
            ("arriving on 5 December and leaving on the 8th", "2026-12-05/2026-12-08"),
            ("20 December, returning on the 12th", "2026-12-20/2027-01-12"),
            ("check-in 5 December, check-out 7 December", "2026-12-05/2026-12-07"),
            ("this weekend", "2026-11-27/2026-11-29"),
            ("next weekend", "2026-12-04/2026-12-06"),
            ("for the weekend", "2026-11-27/2026-11-29"),
            ("tonight", "2026-11-27/2026-11-28"),
            ("tomorrow night", "2026-11-28/2026-11-29"),
            ("on 5 December", "2026-12-05/"),
            ("for two nights", "2 nights"),
            ("until 7 December", "/2026-12-07"),
            // As said: the act asks about these.
            ("from 7 to 5 December", "2026-12-07/2026-12-05"),
            ("from 7 December to 5 December", "2026-12-07/2026-12-05"),
            ("from 2025-12-05 to 2025-12-07", "2025-12-05/2025-12-07"),
            ("next week", "nothing"),
            ("in March", "nothing"),
            ("for 4 hours", "nothing"),
            ("for 0 nights", "nothing"),
            ("for 9999 nights", "nothing"),
        ];
        for (text, expected) in table {
            assert_eq!(whole(text), expected, "{text}");
        }
    }
}
