//! A point or span of time, put together from its pieces: a day, a time, a part of the day.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike};

use chrono_tz::Tz;

use super::clock::{self, Part, Time};
use super::day::{self, Span};
use super::{Moment, Read, Tokens, any_phrase, duration, is, is_any, zone};

/// What was said about when. At least one of `day`, `time`, `part` is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// The day or days.
    pub day: Option<Span>,
    /// The time of day.
    pub time: Option<Time>,
    /// The end of a span of time.
    pub until: Option<Time>,
    /// A part of the day.
    pub part: Option<Part>,
    /// A moment counted from now; it has everything.
    pub instant: Option<NaiveDateTime>,
    /// Whose clock the time is by, when it is not the person's.
    pub zone: Option<Tz>,
    /// The words that named the day, as token positions.
    pub day_words: Option<(usize, usize)>,
    /// The words that named the time.
    pub time_words: Option<(usize, usize)>,
}

impl When {
    /// Whether the day is named exactly and over.
    pub fn is_past(&self) -> bool {
        self.day.is_some_and(|day| day.past)
    }

    /// Whether a day was said.
    pub fn has_day(&self) -> bool {
        self.day.is_some() || self.instant.is_some()
    }

    /// Whether a time of day was said, be it vaguely.
    pub fn has_time(&self) -> bool {
        self.time.is_some() || self.part.is_some() || self.instant.is_some()
    }

    /// The time of day, when one was said.
    pub fn clock(&self) -> Option<NaiveTime> {
        if let Some(instant) = self.instant {
            return Some(instant.time());
        }
        self.time.map(|time| time.at).or_else(|| self.part.and_then(|part| NaiveTime::from_hms_opt(part.hour(), 0, 0)))
    }

    /// The first day; without one said, the next on which the time is still ahead.
    pub fn date(&self, moment: &Moment) -> NaiveDate {
        if let Some(instant) = self.instant {
            return instant.date();
        }
        if let Some(day) = self.day {
            return day.first;
        }
        let now = moment.local();
        match self.clock() {
            Some(at) if at <= now.time() && self.rolled_half(now.time()).is_none() => {
                now.date().succ_opt().unwrap_or(now.date())
            }
            Some(_) | None => now.date(),
        }
    }

    /// `at 9`, said at 14:00 without a day, is 21:00 tonight.
    fn rolled_half(&self, now: NaiveTime) -> Option<NaiveTime> {
        let time = self.time.filter(|time| time.guessed && self.day.is_none() && time.at <= now)?;
        Some(time.later_half().at).filter(|later| *later > now)
    }

    /// The moment it starts, when a time of day was said.
    pub fn start(&self, moment: &Moment) -> Option<NaiveDateTime> {
        if self.instant.is_some() {
            return self.instant;
        }
        let at = self.rolled_half(moment.local().time()).or_else(|| self.clock())?;
        Some(self.here(self.date(moment).and_time(at), moment))
    }

    /// The person's wall clock at a time that was said by another's.
    fn here(&self, at: NaiveDateTime, moment: &Moment) -> NaiveDateTime {
        let there = self.zone.and_then(|zone| zone.from_local_datetime(&at).earliest());
        there.map_or(at, |there| there.with_timezone(&moment.now.timezone()).naive_local())
    }

    /// The moment it ends, when an end was said.
    pub fn end(&self, moment: &Moment) -> Option<NaiveDateTime> {
        let (start, until) = (self.start(moment)?, self.until?);
        let same_day = self.here(self.date(moment).and_time(until.at), moment);
        if same_day > start { Some(same_day) } else { same_day.checked_add_days(Days::new(1)) }
    }

    /// The whole span looked at: a part's hours, a day from 0 to 24, a week.
    pub fn window(&self, moment: &Moment) -> (NaiveDateTime, NaiveDateTime) {
        /// How much around a single moment is looked at.
        const MOMENT_MINUTES: i64 = 60;
        if let Some(start) = self.start(moment).filter(|_| self.time.is_some() || self.instant.is_some()) {
            let end = self.end(moment).unwrap_or(start + TimeDelta::minutes(MOMENT_MINUTES));
            return (start, end);
        }
        let date = self.date(moment);
        if let Some(part) = self.part {
            let (first, last) = part.window();
            let midnight = date.and_time(NaiveTime::MIN);
            return (midnight + TimeDelta::hours(i64::from(first)), midnight + TimeDelta::hours(i64::from(last)));
        }
        let end = self.day.map_or_else(|| date.succ_opt().unwrap_or(date), |day| day.end);
        (date.and_time(NaiveTime::MIN), end.and_time(NaiveTime::MIN))
    }

    fn take(&mut self, piece: &Piece, words: (usize, usize)) -> bool {
        let fits = match piece {
            Piece::Day(_) => !self.has_day(),
            Piece::Time(_) | Piece::Range(..) => self.time.is_none() && self.instant.is_none(),
            Piece::Part(_) => self.part.is_none() && self.instant.is_none(),
            Piece::Tonight(_) => !self.has_day() && self.part.is_none(),
            Piece::Instant(_) => !self.has_day() && !self.has_time(),
        };
        if !fits {
            return false;
        }
        let join = |old: Option<(usize, usize)>| Some(old.map_or(words, |(start, _)| (start, words.1)));
        match piece {
            Piece::Day(span) => (self.day, self.day_words) = (Some(*span), Some(words)),
            Piece::Tonight(span) => {
                (self.day, self.part, self.day_words) = (Some(*span), Some(Part::Night), Some(words));
            }
            Piece::Time(time) => (self.time, self.time_words) = (Some(*time), join(self.time_words)),
            Piece::Range(first, last) => {
                (self.time, self.until, self.time_words) = (Some(*first), Some(*last), join(self.time_words));
            }
            Piece::Part(part) => (self.part, self.time_words) = (Some(*part), join(self.time_words)),
            Piece::Instant(at) => (self.instant, self.day_words) = (Some(*at), Some(words)),
        }
        true
    }
}

enum Piece {
    Day(Span),
    Tonight(Span),
    Time(Time),
    Range(Time, Time),
    Part(Part),
    Instant(NaiveDateTime),
}

/// Words between the pieces: `on`, `at`, a comma.
const LINKS: &[&str] = &[
    "at around",
    "at about",
    "on",
    "at",
    "@",
    "by",
    "around",
    "about",
    "in the",
    "starting at",
    "starting",
    "of",
    ",",
    "for",
];

/// Reads when: as many pieces as fit together, with the prepositions before and between them.
pub fn when(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<When> {
    let mut found = When::default();
    let mut end = None;
    let mut next = at;
    while let Some((piece, start, past)) = linked(tokens, next, moment, end.is_some()) {
        if !found.take(&piece, (start, past)) {
            break;
        }
        let (zone, past) = zone::zone(tokens, past)
            .filter(|_| found.time.is_some() && found.zone.is_none())
            .map_or((None, past), |(zone, next)| (Some(zone), next));
        if zone.is_some() {
            found.zone = zone;
            found.time_words = found.time_words.map(|(start, _)| (start, past));
        }
        end = Some(past);
        next = past;
    }
    let end = end?;
    if let (Some(time), Some(part)) = (found.time, found.part) {
        found.time = Some(time.within(part));
        found.until = found.until.map(|until| until.within(part));
    }
    Some((found, end))
}

/// The next piece, behind at most one linking word; where it starts and ends.
fn linked(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, follows: bool) -> Option<(Piece, usize, usize)> {
    if let Some((piece, next)) = piece(tokens, at, moment, false) {
        return Some((piece, at, next));
    }
    let next = any_phrase(tokens, at, LINKS)?;
    if !follows && is_any(tokens, at, &[",", "of", "for", "about", "in"]) {
        return None;
    }
    let second = if is(tokens, at, ",") { any_phrase(tokens, next, LINKS).unwrap_or(next) } else { next };
    let bare = is_any(tokens, second - 1, &["at", "@", "by", "around", "about", "starting"]);
    let (piece, end) = piece(tokens, second, moment, bare)?;
    Some((piece, if is(tokens, at, ",") { next } else { at }, end))
}

fn piece(tokens: Tokens<'_, '_>, at: usize, moment: &Moment, bare: bool) -> Read<Piece> {
    if let Some((instant, next)) = instant(tokens, at, moment) {
        return Some((Piece::Instant(instant), next));
    }
    if let Some((span, next)) = day::span(tokens, at, moment) {
        if is(tokens, at, "tonight") {
            return Some((Piece::Tonight(span), next));
        }
        // The T of 2026-11-28T15:00.
        let next = if is(tokens, next, "t") && tokens[next].glued { next + 1 } else { next };
        return Some((Piece::Day(span), next));
    }
    if let Some(((first, last), next)) = clock::range(tokens, at) {
        return Some((Piece::Range(first, last), next));
    }
    if let Some((time, next)) = clock::time(tokens, at, bare) {
        return Some((Piece::Time(time), next));
    }
    if is(tokens, at, "this")
        && let Some((part, next)) = clock::part(tokens, at)
    {
        return Some((Piece::Part(part), next));
    }
    let (part, next) = clock::part(tokens, at)?;
    Some((Piece::Part(part), next))
}

/// `in 2 hours`, `in an hour and a half`, `45 minutes from now`, `now`.
fn instant(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Read<NaiveDateTime> {
    if let Some(next) = any_phrase(tokens, at, &["right now"]) {
        return Some((moment.local(), next));
    }
    let start = any_phrase(tokens, at, &["in about", "in", "within"]);
    let (length, next) = duration::length(tokens, start.unwrap_or(at))?;
    if length.num_minutes() >= 1_440 {
        return None;
    }
    let next = if start.is_some() { next } else { any_phrase(tokens, next, &["from now", "later", "hence"])? };
    let then = moment.now.checked_add_signed(length)?.naive_local();
    // A minute is the grain people mean.
    Some((then.with_second(0).and_then(|t| t.with_nanosecond(0)).unwrap_or(then), next))
}

/// The first mention of a time anywhere in the tokens, with its place.
pub fn find(tokens: Tokens<'_, '_>, moment: &Moment) -> Option<(When, usize, usize)> {
    (0..tokens.len()).find_map(|at| when(tokens, at, moment).map(|(found, next)| (found, at, next)))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::planner::tokens::tokenize;

    /// Start and end of the window, in the zone.
    fn window(text: &str, now: &str, zone: Tz) -> String {
        let now: DateTime<Utc> = now.parse().expect("a time");
        let moment = Moment::new(now, zone);
        let tokens = tokenize(text);
        let (found, next) = when(&tokens, 0, &moment).unwrap_or_else(|| panic!("{text}: nothing"));
        assert_eq!(next, tokens.len(), "{text}: not all of it");
        let (from, to) = found.window(&moment);
        format!("{}/{}", from.format("%Y-%m-%dT%H:%M"), to.format("%Y-%m-%dT%H:%M"))
    }

    #[test]
    fn times_in_the_persons_zone() {
        let friday = "2026-11-27T12:30:00Z";
        let late = "2026-12-31T23:30:00Z";
        let table = [
            ("this afternoon", friday, Tz::Europe__Berlin, "2026-11-27T12:00/2026-11-27T18:00"),
            ("next week", friday, Tz::Europe__Berlin, "2026-11-30T00:00/2026-12-07T00:00"),
            ("from 3 to 5", friday, Tz::Europe__Berlin, "2026-11-27T15:00/2026-11-27T17:00"),
            ("tomorrow between 9 and 12", friday, Tz::Europe__Berlin, "2026-11-28T09:00/2026-11-28T12:00"),
            ("Friday 3pm", friday, Tz::Europe__Berlin, "2026-12-04T15:00/2026-12-04T16:00"),
            ("at 3pm, on 4 December 2026", friday, Tz::Europe__Berlin, "2026-12-04T15:00/2026-12-04T16:00"),
            ("11-1pm on Monday", friday, Tz::Europe__Berlin, "2026-11-30T11:00/2026-11-30T13:00"),
            ("from 22:00 to 2:00", friday, Tz::Europe__Berlin, "2026-11-27T22:00/2026-11-28T02:00"),
            ("from 13 to 15 December", friday, Tz::Europe__Berlin, "2026-12-13T00:00/2026-12-16T00:00"),
            ("Monday to Wednesday", friday, Tz::Europe__Berlin, "2026-11-30T00:00/2026-12-03T00:00"),
            ("9 tomorrow morning", friday, Tz::Europe__Berlin, "2026-11-28T09:00/2026-11-28T10:00"),
            ("11/28", friday, Tz::America__New_York, "2026-11-28T00:00/2026-11-29T00:00"),
            ("3/12", friday, Tz::America__New_York, "2027-03-12T00:00/2027-03-13T00:00"),
            ("3/12", friday, Tz::Europe__Berlin, "2026-12-03T00:00/2026-12-04T00:00"),
            ("Monday 3pm EST", friday, Tz::Europe__Berlin, "2026-11-30T21:00/2026-11-30T22:00"),
            // Already next year in Tokyo, still the old one in New York.
            ("today", late, Tz::Asia__Tokyo, "2027-01-01T00:00/2027-01-02T00:00"),
            ("today", late, Tz::America__New_York, "2026-12-31T00:00/2027-01-01T00:00"),
            // The clocks go forward at 2:00 that night: two hours later it is 4:30.
            ("in 2 hours", "2026-03-29T00:30:00Z", Tz::Europe__Berlin, "2026-03-29T04:30/2026-03-29T05:30"),
            ("29 Feb", friday, Tz::UTC, "2028-02-29T00:00/2028-03-01T00:00"),
        ];
        for (text, now, zone, expected) in table {
            assert_eq!(window(text, now, zone), expected, "{text} at {now} in {zone}");
        }
    }

    #[test]
    fn words_that_are_no_time_stay_words() {
        let moment = Moment::new("2026-11-27T12:30:00Z".parse().expect("a time"), Tz::UTC);
        for text in
            ["sat down", "may I", "march on", "at 20 euros", "second", "32.13.", "25:00", "in Goa", "the second floor"]
        {
            assert_eq!(when(&tokenize(text), 0, &moment).map(|(_, next)| next), None, "{text}");
        }
    }
}
