//! Durations (ISO 8601) and moments (local or zoned) as plans write them.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Longest duration taken, in days.
pub const DURATION_DAYS_MAX: i64 = 3660;
/// Moments from this year on are refused.
pub const YEAR_MAX: i32 = 9_999;

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds: `P2D`, `PT1H30M`.
/// Months and years have no fixed length and are refused.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let body = text.strip_prefix('P')?;
    let (date, time) = body.split_once('T').map_or((body, None), |(d, t)| (d, Some(t)));
    if time == Some("") || (date.is_empty() && time.is_none()) {
        return None;
    }
    let days = sum(date, &[('W', 7 * 86_400), ('D', 86_400)])?;
    let secs = sum(time.unwrap_or_default(), &[('H', 3_600), ('M', 60), ('S', 1)])?;
    let total = days.checked_add(secs)?;
    (total <= DURATION_DAYS_MAX * 86_400).then(|| Duration::seconds(total))
}

/// Sums `<digits><unit>` pairs whose units come in the given order, each at most once.
fn sum(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut rest = text;
    let mut total = 0_i64;
    for &(unit, secs) in units {
        if let Some((number, tail)) = rest.split_once(unit) {
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(secs)?)?;
            rest = tail;
        }
    }
    rest.is_empty().then_some(total)
}

/// Reads `2026-11-28T15:00`, with seconds or without, with an offset or in the given zone; a bare
/// date is its midnight. In a gap the clock jumps forward with it; of two, the first is meant.
pub fn parse_moment(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let at = read_moment(text.trim(), zone)?;
    has_usual_year(&at).then_some(at)
}

/// Whether a day is over, or a moment is, in that zone. What cannot be read has not passed.
pub fn has_passed(text: &str, zone: Tz, now: DateTime<Utc>) -> bool {
    match NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d") {
        Ok(day) => day < now.with_timezone(&zone).date_naive(),
        Err(_) => parse_moment(text, zone).is_some_and(|at| at < now),
    }
}

/// Whether every zone can show it and every store keep it.
fn has_usual_year(at: &impl Datelike) -> bool {
    (1..YEAR_MAX).contains(&at.year())
}

fn read_moment(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"));
    if let Ok(zoned) = zoned {
        return Some(zoned.with_timezone(&Utc));
    }
    let local = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    // Before it is put into the zone: at the ends of time that would overflow.
    has_usual_year(&local).then(|| from_local(local, zone))?
}

/// The moment a wall clock of that zone shows this; see [`parse_moment`] for gaps and folds.
pub fn from_local(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        LocalResult::None => {
            let offset = zone.offset_from_utc_datetime(&(local - Duration::days(1)));
            let before = local - chrono::Offset::fix(&offset).local_minus_utc().seconds();
            Some(before.and_utc())
        }
    }
}

trait Seconds {
    fn seconds(self) -> Duration;
}

impl Seconds for i32 {
    fn seconds(self) -> Duration {
        Duration::seconds(i64::from(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_passed_when_it_is_over_where_the_person_is() {
        let now: DateTime<Utc> = "2026-11-28T23:30:00Z".parse().expect("a time");
        let berlin = chrono_tz::Europe::Berlin;
        assert!(has_passed("2026-11-28", berlin, now), "there it is the 29th");
        assert!(!has_passed("2026-11-29", berlin, now));
        assert!(!has_passed("2026-11-28", Tz::UTC, now));
        assert!(has_passed("2026-11-28T23:29", Tz::UTC, now) && !has_passed("2026-11-28T23:31", Tz::UTC, now));
        assert!(!has_passed("soon", Tz::UTC, now));
    }

    #[test]
    fn durations_of_fixed_length_are_read() {
        for (text, secs) in
            [("P2D", 172_800), ("PT1H30M", 5_400), ("P1W", 604_800), ("P1DT1S", 86_401), ("PT0S", 0), ("PT90M", 5_400)]
        {
            assert_eq!(parse_duration(text), Some(Duration::seconds(secs)), "{text}");
        }
        for text in ["", "P", "PT", "2D", "P1M", "P1Y", "P-1D", "P1.5D", "PT1S1H", "P99999999999999999999D", "P4000D"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_local_unless_zoned() {
        let zone = chrono_tz::Europe::Berlin;
        let utc = |text: &str| parse_moment(text, zone).map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string());
        assert_eq!(utc("2026-11-28T15:00").as_deref(), Some("2026-11-28T14:00:00"));
        assert_eq!(utc("2026-11-28T15:00+05:30").as_deref(), Some("2026-11-28T09:30:00"));
        assert_eq!(utc("2026-11-28").as_deref(), Some("2026-11-27T23:00:00"));
        // The clock jumps from 02:00 to 03:00: 02:30 is taken as 03:30 summer time.
        assert_eq!(utc("2026-03-29T02:30").as_deref(), Some("2026-03-29T01:30:00"));
        // 02:30 comes twice: the first.
        assert_eq!(utc("2026-10-25T02:30").as_deref(), Some("2026-10-25T00:30:00"));
        assert_eq!(utc("tomorrow"), None);
    }
}
