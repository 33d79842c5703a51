//! Time zones behind a time: `3pm EST`, `15:00 (UTC)`, `9am London time`.

use chrono_tz::Tz;

use super::{Read, Tokens, any_phrase, is};

/// Names people write, and the place whose clock they mean. A place, so that `EST` written in
/// summer means what clocks there show.
const ZONES: [(&[&str], Tz); 14] = [
    (&["utc", "gmt", "zulu"], Tz::UTC),
    (&["est", "edt", "et", "eastern time", "new york time", "eastern"], Tz::America__New_York),
    (&["cst", "cdt", "central time", "chicago time"], Tz::America__Chicago),
    (&["mst", "mdt", "mountain time", "denver time"], Tz::America__Denver),
    (&["pst", "pdt", "pt", "pacific time", "pacific"], Tz::America__Los_Angeles),
    (&["bst", "uk time", "london time", "british time"], Tz::Europe__London),
    (&["cet", "cest", "berlin time", "paris time", "central european time"], Tz::Europe__Berlin),
    (&["eet", "eest", "athens time"], Tz::Europe__Athens),
    (&["msk", "moscow time"], Tz::Europe__Moscow),
    (&["ist", "india time", "indian time"], Tz::Asia__Kolkata),
    (&["sgt", "singapore time"], Tz::Asia__Singapore),
    (&["jst", "tokyo time", "japan time"], Tz::Asia__Tokyo),
    (&["aest", "aedt", "sydney time"], Tz::Australia__Sydney),
    (&["brt", "sao paulo time"], Tz::America__Sao_Paulo),
];

/// A zone's name, perhaps in brackets.
pub fn zone(tokens: Tokens<'_, '_>, at: usize) -> Read<Tz> {
    let open = is(tokens, at, "(");
    let start = if open { at + 1 } else { at };
    let (zone, next) =
        ZONES.iter().find_map(|(names, zone)| any_phrase(tokens, start, names).map(|next| (*zone, next)))?;
    Some((zone, if open && is(tokens, next, ")") { next + 1 } else { next }))
}
