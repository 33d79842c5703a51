//! Which zone a `TZID` means (RFC 5545, 3.2.19): IANA names, Windows names, names of one's own.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::tree::Component;

/// Zones that a calendar describes, read.
const ZONES_MAX: usize = 200;

/// The zones that a calendar describes by its `VTIMEZONE` components.
#[derive(Debug, Clone, Default)]
pub struct Zones(BTreeMap<String, Tz>);

impl Zones {
    /// The zones of a calendar. One whose name says nothing is known by `X-LIC-LOCATION`, or else by
    /// its offsets: the first common zone that has them. Where neither helps there is no zone, and
    /// times in it float: they are taken for the looker's own wall clock.
    pub fn of(calendar: &Component) -> Self {
        let described = calendar.children.iter().filter(|child| child.is("VTIMEZONE")).take(ZONES_MAX);
        let known = described.filter_map(|zone| {
            let name = zone.value("TZID")?.trim().to_owned();
            let meant = by_name(&name)
                .or_else(|| zone.value("X-LIC-LOCATION").and_then(by_name))
                .or_else(|| by_offsets(zone))?;
            Some((name, meant))
        });
        Self(known.collect())
    }

    /// The zone of that name.
    pub fn zone(&self, name: &str) -> Option<Tz> {
        let name = name.trim();
        self.0.get(name).copied().or_else(|| by_name(name))
    }
}

/// An IANA name, one behind a vendor's prefix (`/mozilla.org/2005/Europe/Berlin`), or a Windows name.
pub fn by_name(name: &str) -> Option<Tz> {
    let name = name.trim().trim_matches('"');
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(zone);
    }
    let mut rest = name;
    while let Some((_, tail)) = rest.split_once('/') {
        if let Ok(zone) = tail.parse::<Tz>() {
            return Some(zone);
        }
        rest = tail;
    }
    let row = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name))?;
    row.1.parse().ok()
}

/// `+0130` in seconds.
fn offset_secs(value: &str) -> Option<i32> {
    let value = value.trim();
    let (sign, digits) = match value.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    (digits.len() >= 4).then_some(())?;
    Some(sign * (part(0)? * 3_600 + part(2)? * 60 + part(4)?))
}

/// The latest offset that a kind of observance leads to, and the month it begins in.
fn observance(zone: &Component, kind: &str) -> Option<(i32, u32)> {
    let latest = zone.children.iter().filter(|child| child.is(kind)).max_by_key(|child| child.value("DTSTART"))?;
    let month = latest.value("RRULE").and_then(|rule| {
        let part = rule.split(';').find_map(|part| part.strip_prefix("BYMONTH="))?;
        part.parse().ok()
    });
    let first = latest.value("DTSTART").and_then(|at| at.get(4..6)?.parse().ok());
    Some((offset_secs(latest.value("TZOFFSETTO")?)?, month.or(first)?))
}

fn by_offsets(zone: &Component) -> Option<Tz> {
    let standard = observance(zone, "STANDARD");
    let (january, july) = match (standard, observance(zone, "DAYLIGHT")) {
        (Some((standard, _)), None) => (standard, standard),
        (None, Some((only, _))) => (only, only),
        // Summer time that begins in the second half of the year is the south's.
        (Some((standard, _)), Some((daylight, month))) if month > 6 => (daylight, standard),
        (Some((standard, _)), Some((daylight, _))) => (standard, daylight),
        (None, None) => return None,
    };
    let fixed = (january == july && january % 3_600 == 0).then(|| {
        // The sign of these names is the other way round.
        let hours = -january / 3_600;
        if hours == 0 { "UTC".to_owned() } else { format!("Etc/GMT{hours:+}") }
    });
    if let Some(fixed) = fixed {
        return fixed.parse().ok();
    }
    let at = |month: u32| NaiveDate::from_ymd_opt(2026, month, 15).map(|day| day.and_time(NaiveTime::MIN));
    let has =
        |zone: Tz, at: NaiveDateTime, offset: i32| zone.offset_from_utc_datetime(&at).fix().local_minus_utc() == offset;
    let (in_january, in_july) = (at(1)?, at(7)?);
    let common = COMMON.iter().filter_map(|name| name.parse::<Tz>().ok());
    common.into_iter().find(|zone| has(*zone, in_january, january) && has(*zone, in_july, july))
}

/// Zones that stand for all with their offsets.
const COMMON: [&str; 32] = [
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Halifax",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "Pacific/Honolulu",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Kabul",
    "Asia/Tehran",
    "Asia/Yangon",
    "Asia/Colombo",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Norfolk",
    "Pacific/Easter",
    "Pacific/Marquesas",
];

/// Names that Windows and Exchange give (Unicode CLDR, windowsZones), the common ones.
const WINDOWS: [(&str, &str); 62] = [
    ("UTC", "UTC"),
    ("Coordinated Universal Time", "UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Romance Standard Time", "Europe/Paris"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("Middle East Standard Time", "Asia/Beirut"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("Belarus Standard Time", "Europe/Minsk"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("Central Asia Standard Time", "Asia/Almaty"),
    ("Myanmar Standard Time", "Asia/Yangon"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ical::tree::read;

    #[test]
    fn every_name_in_the_tables_is_a_zone() {
        for name in COMMON.iter().chain(WINDOWS.iter().map(|(_, iana)| iana)) {
            assert!(name.parse::<Tz>().is_ok(), "{name}");
        }
    }

    fn described(id: &str, inside: &str) -> Option<Tz> {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:{id}\n{inside}END:VTIMEZONE\nEND:VCALENDAR");
        Zones::of(&read(&text).expect("a calendar")[0]).zone(id)
    }

    fn seasons(standard: &str, daylight: &str, month: u32) -> String {
        format!(
            "BEGIN:STANDARD\nDTSTART:16011028T030000\nTZOFFSETFROM:{daylight}\nTZOFFSETTO:{standard}\nEND:STANDARD\n\
             BEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH={month}\n\
             TZOFFSETFROM:{standard}\nTZOFFSETTO:{daylight}\nEND:DAYLIGHT\n"
        )
    }

    #[test]
    fn a_zone_of_ones_own_is_known_by_its_place_or_its_offsets() {
        let custom = "Customized Time Zone";
        for (inside, zone) in [
            ("X-LIC-LOCATION:Asia/Tokyo\n".to_owned(), Some("Asia/Tokyo")),
            (seasons("+0100", "+0200", 3), Some("Europe/Berlin")),
            (seasons("-0500", "-0400", 3), Some("America/New_York")),
            (seasons("+1000", "+1100", 10), Some("Australia/Sydney")),
            (seasons("+0100", "+0530", 3), None),
            (
                "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD\n"
                    .to_owned(),
                Some("Asia/Kolkata"),
            ),
            (
                "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:-0300\nTZOFFSETTO:-0300\nEND:STANDARD\n"
                    .to_owned(),
                Some("Etc/GMT+3"),
            ),
            ("BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETTO:+0\u{e9}00\nEND:STANDARD\n".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(described(custom, &inside).map(Tz::name), zone, "{inside}");
        }
    }

    #[test]
    fn a_known_name_is_believed_before_the_description() {
        assert_eq!(described("Europe/Berlin", &seasons("-0500", "-0400", 3)), Some(chrono_tz::Europe::Berlin));
        assert_eq!(
            described("(UTC+01:00) Amsterdam, Berlin", &seasons("+0100", "+0200", 3)),
            Some(chrono_tz::Europe::Berlin)
        );
    }
}
