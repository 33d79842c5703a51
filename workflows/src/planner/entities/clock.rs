//! Times of day: `3pm`, `15:00`, `noon`, `half past 3`, `from 3 to 5`, `in the afternoon`.

use chrono::{NaiveTime, TimeDelta, Timelike};

use super::{Read, Tokens, any_phrase, is, is_any, number};
use crate::planner::tokens::Kind;

/// A vague part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Before noon.
    Morning,
    /// Around one.
    Lunch,
    /// After noon.
    Afternoon,
    /// After work.
    Evening,
    /// Late.
    Night,
}

impl Part {
    /// The hour taken when one moment is needed.
    pub fn hour(self) -> u32 {
        match self {
            Self::Morning => 9,
            Self::Lunch => 13,
            Self::Afternoon => 15,
            Self::Evening => 18,
            Self::Night => 20,
        }
    }

    /// Its first and past-the-last hour.
    pub fn window(self) -> (u32, u32) {
        match self {
            Self::Morning => (6, 12),
            Self::Lunch => (12, 14),
            Self::Afternoon => (12, 18),
            Self::Evening | Self::Night => (18, 24),
        }
    }

    fn is_late(self) -> bool {
        match self {
            Self::Morning => false,
            Self::Lunch | Self::Afternoon | Self::Evening | Self::Night => true,
        }
    }
}

/// A time as read: whether the half of the day was said or guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// The time of day.
    pub at: NaiveTime,
    /// Whether it could as well be twelve hours later or earlier.
    pub guessed: bool,
    /// Whether it was a number alone, as in `at 9`.
    pub bare: bool,
}

impl Time {
    fn sure(hour: u32, minute: u32) -> Option<Self> {
        NaiveTime::from_hms_opt(hour, minute, 0).map(|at| Self { at, guessed: false, bare: false })
    }

    /// The same dial in the half of the day that the part says.
    #[must_use]
    pub fn within(self, part: Part) -> Self {
        let hour = self.at.hour();
        let hour = match (self.guessed, part.is_late()) {
            (true, true) if hour < 12 => hour + 12,
            (true, false) if hour >= 12 => hour - 12,
            (true | false, _) => hour,
        };
        Self { at: self.at.with_hour(hour).unwrap_or(self.at), guessed: false, ..self }
    }

    /// The same dial, twelve hours later.
    #[must_use]
    pub fn later_half(self) -> Self {
        if self.at.hour() >= 12 {
            return self;
        }
        Self { at: self.at + TimeDelta::hours(12), ..self }
    }
}

/// A part of the day: `morning`, `in the evening`, `at lunchtime`.
pub fn part(tokens: Tokens<'_, '_>, at: usize) -> Read<Part> {
    let start = any_phrase(tokens, at, &["in the", "during the", "in", "at", "this"]).unwrap_or(at);
    let token = tokens.get(start)?;
    let part = if token.is_any(&["morning", "mornings"]) {
        Part::Morning
    } else if token.is_any(&["lunch", "lunchtime"]) && start > at {
        Part::Lunch
    } else if token.is("afternoon") {
        Part::Afternoon
    } else if token.is("evening") {
        Part::Evening
    } else if token.is_any(&["night", "tonight"]) {
        Part::Night
    } else {
        return None;
    };
    Some((part, start + 1))
}

/// A time of day. With `bare`, a number alone is one (it follows `at`, `from`, …).
pub fn time(tokens: Tokens<'_, '_>, at: usize, bare: bool) -> Read<Time> {
    named(tokens, at).or_else(|| relative(tokens, at)).or_else(|| dial(tokens, at, bare))
}

fn named(tokens: Tokens<'_, '_>, at: usize) -> Read<Time> {
    let token = tokens.get(at)?;
    if token.is_any(&["noon", "midday"]) {
        return Some((Time::sure(12, 0)?, at + 1));
    }
    token.is("midnight").then(|| Time::sure(0, 0))?.map(|time| (time, at + 1))
}

/// `half past 3`, `quarter to five`, `10 minutes past 3`.
fn relative(tokens: Tokens<'_, '_>, at: usize) -> Read<Time> {
    let start = if is(tokens, at, "a") { at + 1 } else { at };
    let (minutes, next) = if is(tokens, start, "half") {
        (30, start + 1)
    } else if is(tokens, start, "quarter") {
        (15, start + 1)
    } else {
        let (value, next) = number::whole(tokens, start)?;
        (value, if is_any(tokens, next, &["minutes", "min", "mins"]) { next + 1 } else { next })
    };
    let back = if is_any(tokens, next, &["past", "after"]) {
        false
    } else if is_any(tokens, next, &["to", "before", "till", "of"]) && minutes % 5 == 0 && is_spoken(tokens, start) {
        true
    } else {
        return None;
    };
    if minutes == 0 || minutes >= 60 {
        return None;
    }
    let (hour, past) = time(tokens, next + 1, true)?;
    if hour.at.minute() != 0 {
        return None;
    }
    let shift = TimeDelta::minutes(i64::from(minutes));
    let moved = if back { hour.at - shift } else { hour.at + shift };
    Some((Time { at: moved, bare: false, ..hour }, past))
}

/// `3 to 5` is a range, `ten to five` and `quarter to 5` are times.
fn is_spoken(tokens: Tokens<'_, '_>, at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.kind == Kind::Word || matches!(token.text, "20" | "25"))
}

fn dial(tokens: Tokens<'_, '_>, at: usize, bare: bool) -> Read<Time> {
    let token = tokens.get(at)?;
    if token.kind == Kind::Number && token.text.len() > 2 {
        return military(tokens, at, bare);
    }
    let (hour, mut next) = number::whole(tokens, at)?;
    let zero_led = token.text.starts_with('0');
    let minute = minutes_after(tokens, next);
    let mut exact = false;
    let minute = match minute {
        Some((minute, past)) => {
            next = past;
            exact = true;
            minute
        }
        None => match number::whole(tokens, next).filter(|_| token.kind == Kind::Word) {
            Some((spoken, past)) if (10..60).contains(&spoken) => {
                next = past;
                spoken
            }
            _ => 0,
        },
    };
    if let Some((afternoon, past)) = meridiem(tokens, next) {
        if hour == 0 || hour > 12 {
            // "15:00 pm" says the same twice.
            return (hour <= 23 && exact).then(|| Time::sure(hour, minute))?.map(|time| (time, past));
        }
        let hour = hour % 12 + if afternoon { 12 } else { 0 };
        return Some((Time::sure(hour, minute)?, past));
    }
    if is(tokens, next, "h") && tokens[next].glued {
        let glued =
            tokens.get(next + 1).filter(|token| token.glued && token.kind == Kind::Number && token.text.len() == 2);
        let minute = glued.and_then(|token| token.text.parse().ok());
        let past = if minute.is_some() { next + 2 } else { next + 1 };
        return (bare || minute.is_some()).then(|| Time::sure(hour, minute.unwrap_or(0)))?.map(|time| (time, past));
    }
    let clock = any_phrase(tokens, next, &["o'clock", "oclock", "hrs"]);
    if let Some((afternoon, past)) = clock.and_then(|past| meridiem(tokens, past)).filter(|_| (1..=12).contains(&hour))
    {
        return Some((Time::sure(hour % 12 + if afternoon { 12 } else { 0 }, minute)?, past));
    }
    let bare = bare || is_before_part(tokens, next);
    if !(exact || clock.is_some() || bare) || hour > 24 {
        return None;
    }
    if clock.is_none() && !exact && is_quantity(tokens, next) {
        return None;
    }
    let at_dial = guess(hour, minute, zero_led || hour > 12)?;
    Some((Time { bare: !exact, ..at_dial }, clock.unwrap_or(next)))
}

/// `8 in the evening`, `9 tomorrow morning`, `8 tonight`.
fn is_before_part(tokens: Tokens<'_, '_>, at: usize) -> bool {
    let start = if is_any(tokens, at, &["tomorrow", "today"]) { at + 1 } else { at };
    (start > at || is_any(tokens, at, &["in", "this", "tonight"])) && part(tokens, start).is_some()
}

/// A number before a noun of quantity is no time: `at 3 euros`, `9 people`, `5%`.
fn is_quantity(tokens: Tokens<'_, '_>, at: usize) -> bool {
    const NOUNS: &[&str] = &[
        "people", "persons", "guests", "euros", "eur", "dollars", "days", "weeks", "minutes", "hours", "min", "hour",
        "minute", "%", "€", "k", "percent", "months", "years", "street", "avenue", "times", "items", "friends",
    ];
    let fraction = is_any(tokens, at, &[".", ","])
        && tokens[at].glued
        && tokens.get(at + 1).is_some_and(|token| token.glued && token.kind == Kind::Number);
    fraction || is_any(tokens, at, NOUNS)
}

/// The half of the day nobody named: office hours, 8 to 19.
fn guess(hour: u32, minute: u32, sure: bool) -> Option<Time> {
    if sure || hour == 0 {
        return Time::sure(hour % 24, minute);
    }
    let guessed = if (1..=7).contains(&hour) { hour + 12 } else { hour };
    NaiveTime::from_hms_opt(guessed, minute, 0).map(|at| Time { at, guessed: true, bare: false })
}

fn minutes_after(tokens: Tokens<'_, '_>, at: usize) -> Read<u32> {
    let mark = tokens.get(at).filter(|token| token.glued && token.is_any(&[":", "."]))?;
    let digits =
        tokens.get(at + 1).filter(|token| token.glued && token.kind == Kind::Number && token.text.len() == 2)?;
    let dotted_half = mark.is(".") && meridiem(tokens, at + 2).is_none();
    let minute = digits.text.parse().ok().filter(|minute| *minute < 60 && !dotted_half)?;
    let seconds = is(tokens, at + 2, ":")
        && tokens.get(at + 3).is_some_and(|token| token.glued && token.kind == Kind::Number && token.text.len() == 2);
    Some((minute, if seconds { at + 4 } else { at + 2 }))
}

/// `1530`, `0900`, `at 1030`.
fn military(tokens: Tokens<'_, '_>, at: usize, bare: bool) -> Read<Time> {
    let text = tokens[at].text;
    if !(bare && matches!(text.len(), 3 | 4)) || is_quantity(tokens, at + 1) {
        return None;
    }
    let (hour, minute) = text.split_at(text.len() - 2);
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    if let Some((afternoon, past)) = meridiem(tokens, at + 1).filter(|_| (1..=12).contains(&hour)) {
        return Some((Time::sure(hour % 12 + if afternoon { 12 } else { 0 }, minute)?, past));
    }
    Some((guess(hour, minute, text.len() == 4 && (hour > 12 || text.starts_with('0')))?, at + 1))
}

/// `am`, `p.m.`, `a`; `true` for the afternoon.
fn meridiem(tokens: Tokens<'_, '_>, at: usize) -> Read<bool> {
    let token = tokens.get(at)?;
    if token.is_any(&["am", "pm"]) {
        return Some((token.is("pm"), at + 1));
    }
    if !token.is_any(&["a", "p"]) {
        return None;
    }
    let dotted = is(tokens, at + 1, ".") && is(tokens, at + 2, "m");
    if dotted {
        let end = if is(tokens, at + 3, ".") && tokens[at + 3].glued { at + 4 } else { at + 3 };
        return Some((token.is("p"), end));
    }
    token.glued.then(|| (token.is("p"), at + 1))
}

/// Two times: `from 3 to 5`, `between 9 and 12`, `3-5pm`, `14:00 - 15:30`.
pub fn range(tokens: Tokens<'_, '_>, at: usize) -> Read<(Time, Time)> {
    let between = is(tokens, at, "between");
    let led = between || is(tokens, at, "from");
    let start = if led { at + 1 } else { at };
    let (mut first, next) = dial(tokens, start, true).or_else(|| named(tokens, start))?;
    let joins: &[&str] =
        if between { &["and"] } else { &["to", "until", "untill", "till", "til", "-", "\u{2013}", "\u{2014}"] };
    if !is_any(tokens, next, joins) {
        return None;
    }
    let (mut last, end) = time(tokens, next + 1, true)?;
    if !led && first.bare && last.bare {
        return None;
    }
    if first.guessed && !last.guessed {
        // "3-5pm": the half said once holds for both; "11-1pm" starts before noon.
        let dial = first.at.hour() % 12;
        let same = if last.at.hour() >= 12 { dial + 12 } else { dial };
        let hour = if same < last.at.hour() || (same == last.at.hour() && first.at.minute() < last.at.minute()) {
            same
        } else {
            dial
        };
        first = Time { at: first.at.with_hour(hour)?, guessed: false, ..first };
    }
    if last.guessed && last.at <= first.at {
        last = last.later_half();
        if last.at <= first.at {
            // "from 22:00 to 2:00" ends in the night.
            last = Time { at: last.at.with_hour(last.at.hour() % 12)?, guessed: false, ..last };
        }
    }
    Some(((first, last), end))
}
