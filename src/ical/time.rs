//! Dates, times and lengths (RFC 5545, 3.3.4 to 3.3.6).

use chrono::{
    DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Utc,
};
use chrono_tz::Tz;

use super::line::Line;
use super::zone::Zones;

/// Longest length read, in days.
const LENGTH_DAYS_MAX: i64 = 366 * 10;

/// A time as an event says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A whole day, wherever one is.
    Day(NaiveDate),
    /// A time on whatever clock one looks at.
    Floating(NaiveDateTime),
    /// A time on the clock of a place.
    At(NaiveDateTime, Tz),
}

impl When {
    /// Reads the value of a line, with its `VALUE` and `TZID`. A zone that nobody knows makes the
    /// time a floating one.
    pub fn read(line: &Line, zones: &Zones) -> Option<Self> {
        Self::read_value(line.value(), line, zones)
    }

    /// Reads one value of a line that may have several.
    pub fn read_value(value: &str, line: &Line, zones: &Zones) -> Option<Self> {
        let value = value.trim();
        if let Some(day) = day(value) {
            return Some(Self::Day(day));
        }
        let (local, is_utc) = local(value)?;
        if is_utc {
            return Some(Self::At(local, Tz::UTC));
        }
        match line.param("TZID").and_then(|name| zones.zone(name)) {
            Some(zone) => Some(Self::At(local, zone)),
            None => Some(Self::Floating(local)),
        }
    }

    /// The wall clock it says.
    pub fn local(self) -> NaiveDateTime {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN),
            Self::Floating(local) | Self::At(local, _) => local,
        }
    }

    /// The zone whose clock it is said on; `home` for whoever says none.
    pub fn zone(self, home: Tz) -> Tz {
        match self {
            Self::At(_, zone) => zone,
            Self::Day(_) | Self::Floating(_) => home,
        }
    }

    /// The moment it is.
    pub fn instant(self, home: Tz) -> DateTime<Utc> {
        instant(self.local(), self.zone(home))
    }

    /// Whether it is a whole day.
    pub fn is_day(self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The same kind of time at another wall clock.
    #[must_use]
    pub fn at(self, local: NaiveDateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(local.date()),
            Self::Floating(_) => Self::Floating(local),
            Self::At(_, zone) => Self::At(local, zone),
        }
    }
}

/// The moment of a wall clock: the first of two, and what the clock would show had it not been put
/// forward where there is none (RFC 5545, 3.3.5).
pub fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    const GAP_HOURS_MAX: i64 = 25;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        LocalResult::None => {
            let before = local.checked_sub_signed(Duration::hours(GAP_HOURS_MAX)).unwrap_or(local);
            let offset = zone.offset_from_utc_datetime(&before).fix();
            local.checked_sub_offset(offset).unwrap_or(local).and_utc()
        }
    }
}

/// `20261129`.
pub fn day(value: &str) -> Option<NaiveDate> {
    (value.len() == 8).then(|| NaiveDate::parse_from_str(value, "%Y%m%d").ok()).flatten()
}

/// `20261129T080000` with or without `Z`, and whether it has one.
pub fn local(value: &str) -> Option<(NaiveDateTime, bool)> {
    let (text, is_utc) = match value.strip_suffix(['Z', 'z']) {
        Some(text) => (text, true),
        None => (value, false),
    };
    // Some programs leave the seconds out.
    let form = if text.len() == 13 { "%Y%m%dT%H%M" } else { "%Y%m%dT%H%M%S" };
    let text = text.replace('t', "T");
    // A leap second is taken for the one before it.
    let text = text.strip_suffix("60").map_or_else(|| text.clone(), |head| format!("{head}59"));
    NaiveDateTime::parse_from_str(&text, form).ok().map(|local| (local, is_utc))
}

/// `20261129T080000Z`.
pub fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// How long something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Length {
    /// Days by the calendar, however many hours they have.
    pub days: i64,
    /// And seconds by the clock.
    pub secs: i64,
}

impl Length {
    /// So many days.
    pub fn days(days: i64) -> Self {
        Self { days, secs: 0 }
    }

    /// Reads a `DURATION` value, like `P1DT2H`; a negative one is none.
    pub fn read(value: &str) -> Option<Self> {
        let rest = value.trim().trim_start_matches('+').strip_prefix(['P', 'p'])?;
        let (mut length, mut number, mut in_time) = (Self::default(), String::new(), false);
        for letter in rest.chars() {
            if letter.is_ascii_digit() {
                number.push(letter);
                continue;
            }
            if letter.eq_ignore_ascii_case(&'T') {
                in_time = true;
                continue;
            }
            let count: i64 = number.parse().ok()?;
            number.clear();
            match (letter.to_ascii_uppercase(), in_time) {
                ('W', _) => length.days = length.days.checked_add(count.checked_mul(7)?)?,
                ('D', _) => length.days = length.days.checked_add(count)?,
                ('H', true) => length.secs = length.secs.checked_add(count.checked_mul(3_600)?)?,
                ('M', true) => length.secs = length.secs.checked_add(count.checked_mul(60)?)?,
                ('S', true) => length.secs = length.secs.checked_add(count)?,
                _ => return None,
            }
        }
        let whole = length.secs.checked_div(86_400)?.checked_add(length.days)?;
        (number.is_empty() && whole <= LENGTH_DAYS_MAX).then_some(length)
    }

    /// When something of this length ends.
    pub fn end(self, start: When, home: Tz) -> DateTime<Utc> {
        let days = Days::new(u64::try_from(self.days).unwrap_or_default());
        let local = start.local().checked_add_days(days).unwrap_or(start.local());
        let secs = Duration::seconds(self.secs);
        let day_end = start.at(local).instant(home);
        day_end.checked_add_signed(secs).unwrap_or(day_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(line: &str) -> Option<String> {
        let when = When::read(&Line::read(line), &Zones::default())?;
        Some(utc(when.instant(chrono_tz::Asia::Tokyo)))
    }

    #[test]
    fn a_time_is_read_on_the_clock_it_is_said_on() {
        for (line, at) in [
            ("DTSTART:20260701T100000Z", Some("20260701T100000Z")),
            ("DTSTART;TZID=Europe/Berlin:20260701T100000", Some("20260701T080000Z")),
            ("DTSTART;TZID=\"Europe/Berlin\":20260101T100000", Some("20260101T090000Z")),
            ("DTSTART;TZID=/mozilla.org/20050126_1/America/New_York:20260701T100000", Some("20260701T140000Z")),
            ("DTSTART;TZID=W. Europe Standard Time:20260701T100000", Some("20260701T080000Z")),
            ("DTSTART:20260701T100000", Some("20260701T010000Z")),
            ("DTSTART;TZID=Nowhere:20260701T100000", Some("20260701T010000Z")),
            ("DTSTART;VALUE=DATE:20260701", Some("20260630T150000Z")),
            ("DTSTART:20260701", Some("20260630T150000Z")),
            ("DTSTART:20260701T1000Z", Some("20260701T100000Z")),
            ("DTSTART:20261231T235960Z", Some("20261231T235959Z")),
            ("DTSTART;TZID=Europe/Berlin:20260329T023000", Some("20260329T013000Z")),
            ("DTSTART;TZID=Europe/Berlin:20261025T023000", Some("20261025T003000Z")),
            ("DTSTART:20260231T100000Z", None),
            ("DTSTART:tomorrow", None),
            ("DTSTART:", None),
            ("DTSTART:2026070１T100000Z", None),
        ] {
            assert_eq!(when(line).as_deref(), at, "{line}");
        }
    }

    #[test]
    fn lengths_are_read_and_bounded() {
        for (text, length) in [
            ("PT1H", Some((0, 3_600))),
            ("P1DT2H3M4S", Some((1, 7_384))),
            ("+P2W", Some((14, 0))),
            ("PT90M", Some((0, 5_400))),
            ("-PT15M", None),
            ("P1H", None),
            ("PT", Some((0, 0))),
            ("P99999999999999999999D", None),
            ("P4000D", None),
            ("PT9223372036854775807S", None),
            ("1H", None),
            ("P1", None),
        ] {
            assert_eq!(Length::read(text).map(|length| (length.days, length.secs)), length, "{text}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_calendar_says() {
        let berlin = chrono_tz::Europe::Berlin;
        let start = When::Day(NaiveDate::from_ymd_opt(2026, 3, 29).expect("a day"));
        let long = Length::days(1).end(start, berlin) - start.instant(berlin);
        assert_eq!(long.num_hours(), 23);
    }
}
