//! Repetition (RFC 5545, 3.3.10), by the rrule crate, within bounds.
//!
//! The crate counts from the first time on. A rule is set forward by whole intervals to just before
//! the time that is looked at, so that an old series costs no more than a new one.

use chrono::{DateTime, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};

use super::time::{day, instant, local};

/// Longest rule read.
const RULE_CHARS_MAX: usize = 1_000;
/// Times of one series in one look.
pub const TIMES_MAX: usize = 1_000;
/// Steps of a series that are walked in one look.
const STEPS_MAX: usize = 5_000;
/// Intervals that a start is set back to find a time that exists.
const BACK_MAX: i64 = 12;

/// Until when a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Moment(DateTime<Utc>),
}

/// A rule that was read.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: RRule<Unvalidated>,
    until: Option<Until>,
    count: Option<usize>,
}

impl Rule {
    /// Reads the value of an `RRULE`. `None` when it is none, or repeats within the hour, which no
    /// calendar needs and nobody could list.
    pub fn read(value: &str) -> Option<Self> {
        if value.len() > RULE_CHARS_MAX {
            return None;
        }
        let (mut until, mut count, mut kept) = (None, None, Vec::new());
        for part in value.trim().split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.trim().to_ascii_uppercase().as_str() {
                // Read here: programs write it in forms that the crate refuses.
                "UNTIL" => until = Some(read_until(value.trim())?),
                "COUNT" => count = Some(value.trim().parse().ok()?),
                name if name.starts_with("X-") => {}
                name => kept.push(format!("{name}={}", value.trim().to_ascii_uppercase())),
            }
        }
        let pattern: RRule<Unvalidated> = kept.join(";").parse().ok()?;
        let within_the_hour = matches!(pattern.get_freq(), Frequency::Minutely | Frequency::Secondly);
        (!within_the_hour && pattern.get_interval() > 0).then_some(Self { pattern, until, count })
    }

    /// When the last of a counted series begins; `None` = it is not counted. A series of more than
    /// `STEPS_MAX` ends with that one.
    pub fn last_counted(&self, start: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
        let count = self.count?.min(STEPS_MAX);
        let set = set(&self.pattern, start, zone)?;
        let last = (&set).into_iter().take(count).last();
        Some(last.map_or_else(|| instant(start, zone), |last| last.with_timezone(&Utc)))
    }

    /// When the series ends by its own word, on the clock it begins on. `home` is whose days those
    /// are when it says days.
    pub fn until(&self, zone: Tz, (floats, is_days): (bool, bool), home: Tz) -> Option<DateTime<Utc>> {
        let last_second = NaiveTime::from_hms_opt(23, 59, 59)?;
        Some(match self.until? {
            Until::Day(day) => instant(day.and_time(last_second), zone),
            // Midnight in UTC is how some programs say a day.
            Until::Moment(at) if is_days && at.time() == NaiveTime::MIN => {
                instant(at.date_naive().and_time(last_second), zone)
            }
            Until::Local(local) => instant(local, zone),
            Until::Moment(at) if floats => at.with_timezone(&home).naive_local().and_utc(),
            Until::Moment(at) => at,
        })
    }

    /// Whether a time is one of the rule's when the series begins with it.
    fn fits(&self, start: NaiveDateTime, zone: Tz) -> bool {
        let at = instant(start, zone);
        set(&self.pattern, start, zone).is_some_and(|set| (&set).into_iter().take(1).any(|first| first == at))
    }

    /// The times from `from` to before `to` at which a series that began at `start` begins anew, the
    /// first one included, at most [`TIMES_MAX`].
    pub fn times(&self, start: NaiveDateTime, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let begin = self.forwarded(start, zone, from.with_timezone(&zone).naive_local());
        let Some(set) = set(&self.pattern, begin, zone) else { return Vec::new() };
        (&set)
            .into_iter()
            .take(STEPS_MAX)
            .map(|at| at.with_timezone(&Utc))
            .take_while(|at| *at < to)
            .filter(|at| *at >= from)
            .take(TIMES_MAX)
            .collect()
    }

    /// A start of the same series that is at least one interval before `target`, where there is one.
    fn forwarded(&self, start: NaiveDateTime, zone: Tz, target: NaiveDateTime) -> NaiveDateTime {
        let interval = i64::from(self.pattern.get_interval());
        let days = (target.date() - start.date()).num_days();
        let (steps, days_each, months_each) = match self.pattern.get_freq() {
            Frequency::Yearly => (days / (365 * interval), 0, 12 * interval),
            Frequency::Monthly => (days / (31 * interval), 0, interval),
            Frequency::Weekly => (days / (7 * interval), 7 * interval, 0),
            Frequency::Daily => (days / interval, interval, 0),
            // Whole days that are whole intervals too.
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
                let each = if 24 % interval == 0 { 1 } else { interval };
                (days / each, each, 0)
            }
        };
        let shifted = |step: i64| {
            let months = u32::try_from(months_each * step).ok()?;
            let days = u64::try_from(days_each * step).ok()?;
            let at = start.checked_add_months(Months::new(months))?.checked_add_days(Days::new(days))?;
            // A 31st that this month has not, or a time that this day has not, would change the rule.
            let is_same = months == 0 || at.date().format("%d").to_string() == start.date().format("%d").to_string();
            (is_same && !matches!(zone.from_local_datetime(&at), LocalResult::None)).then_some(at)
        };
        // Two before: the division by the shortest or longest month is off by a little.
        let furthest = steps - 2;
        (0..BACK_MAX).map(|back| furthest - back).take_while(|step| *step > 0).find_map(shifted).unwrap_or(start)
    }
}

/// Why a rule does not go with a series that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmoved {
    /// It is none that is read here.
    #[error("cannot be read here")]
    Unreadable,
    /// It names days or times that the new start is none of.
    #[error("names days or times that the new start does not fit")]
    Unfit,
}

/// A rule as it is when its series is moved from one start to another, on the wall clock of `zone`:
/// it ends as much later, so that none is lost.
///
/// # Errors
/// When it cannot be read, or names days or times that the new start is none of.
pub fn moved(value: &str, (old, new): (NaiveDateTime, NaiveDateTime), zone: Tz) -> Result<String, Unmoved> {
    let rule = Rule::read(value).ok_or(Unmoved::Unreadable)?;
    let name = |part: &str| part.split('=').next().unwrap_or_default().trim().to_ascii_uppercase();
    if value.split(';').any(|part| name(part).starts_with("BY")) && !rule.fits(new, zone) {
        return Err(Unmoved::Unfit);
    }
    let form = "%Y%m%dT%H%M%S";
    let days = new.date() - old.date();
    let until = rule.until.map(|until| match until {
        Until::Day(day) => (day + days).format("%Y%m%d").to_string(),
        Until::Local(local) => (local + (new - old)).format(form).to_string(),
        Until::Moment(at) => {
            let local = at.with_timezone(&zone).naive_local() + (new - old);
            format!("{}Z", instant(local, zone).format(form))
        }
    });
    let part = |part: &str| match &until {
        Some(until) if name(part) == "UNTIL" => format!("UNTIL={until}"),
        Some(_) | None => part.to_owned(),
    };
    Ok(value.split(';').map(part).collect::<Vec<_>>().join(";"))
}

fn set(rule: &RRule<Unvalidated>, start: NaiveDateTime, zone: Tz) -> Option<RRuleSet> {
    let begin = instant(start, zone).with_timezone(&rrule::Tz::from(zone));
    Some(rule.clone().build(begin).ok()?.limit())
}

fn read_until(value: &str) -> Option<Until> {
    if let Some(day) = day(value) {
        return Some(Until::Day(day));
    }
    let (at, is_utc) = local(value)?;
    Some(if is_utc { Until::Moment(at.and_utc()) } else { Until::Local(at) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        local(text).expect("a time").0.and_utc()
    }

    fn times(rule: &str, start: &str, zone: Tz, from: &str, to: &str) -> Vec<String> {
        let rule = Rule::read(rule).expect("a rule");
        let found = rule.times(at(start).naive_utc(), zone, at(from), at(to));
        found.iter().map(|at| at.with_timezone(&zone).format("%m%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_weekly_series_keeps_its_wall_clock_over_both_changes_of_the_clock() {
        let berlin = chrono_tz::Europe::Berlin;
        let weekly = |from: &str, to: &str| times("FREQ=WEEKLY", "20200106T090000", berlin, from, to);
        assert_eq!(weekly("20260322T000000Z", "20260407T000000Z"), ["0323 09:00", "0330 09:00", "0406 09:00"]);
        assert_eq!(weekly("20261018T000000Z", "20261103T000000Z"), ["1019 09:00", "1026 09:00", "1102 09:00"]);
    }

    #[test]
    fn a_time_that_a_day_does_not_have_is_an_hour_later_and_does_not_move_the_others() {
        let found =
            times("FREQ=DAILY", "20200101T023000", chrono_tz::Europe::Berlin, "20260328T000000Z", "20260331T000000Z");
        assert_eq!(found, ["0328 02:30", "0329 03:30", "0330 02:30"]);
        let after =
            times("FREQ=DAILY", "20200101T023000", chrono_tz::Europe::Berlin, "20260331T000000Z", "20260401T000000Z");
        assert_eq!(after, ["0331 02:30"]);
    }

    #[test]
    fn rules_as_programs_write_them_are_read() {
        for rule in [
            "FREQ=WEEKLY;BYDAY=MO,WE",
            "freq=weekly;byday=mo;wkst=SU",
            "FREQ=DAILY;UNTIL=20261231",
            "FREQ=DAILY;UNTIL=20261231T090000",
            "FREQ=DAILY;UNTIL=20261231T090000Z;",
            "FREQ=MONTHLY;BYDAY=-1FR;X-NOTE=1",
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=3",
        ] {
            assert!(Rule::read(rule).is_some(), "{rule}");
        }
        for rule in [
            "",
            "FREQ=SOMETIMES",
            "DAILY",
            "FREQ=SECONDLY",
            "FREQ=MINUTELY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;UNTIL=x",
        ] {
            assert!(Rule::read(rule).is_none(), "{rule}");
        }
        assert!(Rule::read(&format!("FREQ=DAILY;X-A={}", "a".repeat(RULE_CHARS_MAX))).is_none());
    }

    #[test]
    fn a_rule_goes_along_with_its_series_or_is_refused() {
        let berlin = chrono_tz::Europe::Berlin;
        let local = |text: &str| local(text).expect("a time").0;
        let from = |rule: &str, to: &str| moved(rule, (local("20261201T090000"), local(to)), berlin);
        // 1 December 2026 is a Tuesday.
        for (rule, to, expected) in [
            ("FREQ=WEEKLY", "20261202T090000", Ok("FREQ=WEEKLY")),
            ("FREQ=WEEKLY;BYDAY=TU", "20261201T150000", Ok("FREQ=WEEKLY;BYDAY=TU")),
            ("FREQ=WEEKLY;BYDAY=TU", "20261202T090000", Err(Unmoved::Unfit)),
            ("FREQ=MONTHLY;BYMONTHDAY=1", "20261202T090000", Err(Unmoved::Unfit)),
            ("FREQ=MINUTELY", "20261202T090000", Err(Unmoved::Unreadable)),
            ("FREQ=DAILY;UNTIL=20261205", "20261203T090000", Ok("FREQ=DAILY;UNTIL=20261207")),
            ("FREQ=DAILY;UNTIL=20261205T080000Z", "20261201T150000", Ok("FREQ=DAILY;UNTIL=20261205T140000Z")),
            // Into summer time: the same wall clock.
            ("FREQ=DAILY;UNTIL=20270327T080000Z", "20261202T090000", Ok("FREQ=DAILY;UNTIL=20270328T070000Z")),
            (
                "FREQ=DAILY;UNTIL=20261205T090000;COUNT=2",
                "20261201T100000",
                Ok("FREQ=DAILY;UNTIL=20261205T100000;COUNT=2"),
            ),
        ] {
            assert_eq!(from(rule, to), expected.map(str::to_owned), "{rule} to {to}");
        }
    }

    #[test]
    fn a_counted_series_has_a_last_time() {
        let last = |rule: &str| {
            let rule = Rule::read(rule).expect("a rule");
            rule.last_counted(at("20260101T090000Z").naive_utc(), Tz::UTC)
        };
        assert_eq!(last("FREQ=DAILY;COUNT=3"), Some(at("20260103T090000Z")));
        assert_eq!(last("FREQ=DAILY"), None);
        assert!(last("FREQ=DAILY;COUNT=4000000000").is_some_and(|last| last < at("20410101T000000Z")));
    }

    const RULES: [&str; 12] = [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;INTERVAL=2",
        "FREQ=MONTHLY;BYDAY=2TU",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "FREQ=HOURLY;INTERVAL=7",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn setting_a_rule_forward_changes_none_of_its_times(
            rule in 0..RULES.len(), day in 0_u64..800, hour in 0_i64..24, ahead in 0_i64..1_200, berlin: bool,
        ) {
            let zone = if berlin { chrono_tz::Europe::Berlin } else { Tz::UTC };
            let start = at("20190131T000000Z").naive_utc() + Days::new(day) + chrono::Duration::hours(hour);
            let from = start.and_utc() + chrono::Duration::days(ahead);
            let to = from + chrono::Duration::days(40);
            let rule = Rule::read(RULES[rule]).expect("a rule");
            let set = set(&rule.pattern, start, zone).expect("a set");
            let slow: Vec<_> = (&set).into_iter().map(|at| at.with_timezone(&Utc))
                .take_while(|at| *at < to).filter(|at| *at >= from).collect();
            prop_assert_eq!(rule.times(start, zone, from, to), slow);
        }
    }
}
