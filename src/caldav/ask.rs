//! What is asked of the server: the bodies of requests.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::xml::escaped;
use crate::ical::time::utc;

const SPACES: &str = r#"xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/""#;

/// What a resource is, and where the account's things are.
pub(super) fn account() -> String {
    format!(
        "<propfind {SPACES}><prop><resourcetype/><current-user-principal/><c:calendar-home-set/>\
         <c:schedule-inbox-URL/><c:calendar-user-address-set/><c:supported-calendar-component-set/></prop></propfind>"
    )
}

/// Which calendars there are, and whether they have changed. The tag of changes costs some servers
/// a walk through the calendar, so only one of the two kinds is asked for once it is known.
pub(super) fn calendars(tags: Tags) -> String {
    let tags = match tags {
        Tags::None => "",
        Tags::Sync => "<sync-token/>",
        Tags::Ctag => "<cs:getctag/>",
    };
    format!(
        "<propfind {SPACES}><prop><resourcetype/><displayname/><c:supported-calendar-component-set/>\
         <current-user-privilege-set/><c:schedule-calendar-transp/><supported-report-set/>{tags}</prop></propfind>"
    )
}

/// Which tag of changes is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tags {
    /// None.
    None,
    /// `sync-token` (RFC 6578).
    Sync,
    /// `getctag`.
    Ctag,
}

/// Which calendar new events go to (RFC 6638, 9.2).
pub(super) fn default_calendar() -> String {
    format!("<propfind {SPACES}><prop><c:schedule-default-calendar-URL/></prop></propfind>")
}

/// The tag of everything in a calendar.
pub(super) fn tags() -> String {
    format!("<propfind {SPACES}><prop><getetag/><resourcetype/></prop></propfind>")
}

/// What has changed since a token; everything without one.
pub(super) fn changes(token: Option<&str>) -> String {
    let token = escaped(token.unwrap_or_default());
    format!(
        "<sync-collection {SPACES}><sync-token>{token}</sync-token><sync-level>1</sync-level>\
         <prop><getetag/></prop></sync-collection>"
    )
}

/// What these hold.
pub(super) fn these<'a>(hrefs: impl IntoIterator<Item = &'a str>) -> String {
    let mut body = format!("<c:calendar-multiget {SPACES}><prop><getetag/><c:calendar-data/></prop>");
    for href in hrefs {
        // Writing to a String cannot fail.
        let _infallible = write!(body, "<href>{}</href>", escaped(href));
    }
    body.push_str("</c:calendar-multiget>");
    body
}

fn query(filter: &str) -> String {
    format!(
        "<c:calendar-query {SPACES}><prop><getetag/><c:calendar-data/></prop><c:filter>\
         <c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\">{filter}</c:comp-filter></c:comp-filter>\
         </c:filter></c:calendar-query>"
    )
}

/// The events that take some of a range.
pub(super) fn in_range(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    query(&format!("<c:time-range start=\"{}\" end=\"{}\"/>", utc(from), utc(to)))
}

/// The event of a uid; servers look for it as a part of a text.
pub(super) fn of_uid(uid: &str) -> String {
    let uid = escaped(uid);
    query(&format!(
        "<c:prop-filter name=\"UID\"><c:text-match collation=\"i;octet\">{uid}</c:text-match></c:prop-filter>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caldav::xml::read;

    #[test]
    fn every_body_is_a_document_whatever_is_put_into_it() {
        let evil = "\"><x/>&<![CDATA[";
        let at = "2026-11-29T00:00:00Z".parse().expect("a time");
        for body in [
            account(),
            calendars(Tags::Sync),
            default_calendar(),
            tags(),
            changes(Some(evil)),
            changes(None),
            these([evil, "/a.ics"]),
            in_range(at, at),
            of_uid(evil),
        ] {
            assert!(read(body.as_bytes()).is_some(), "{body}");
        }
        assert!(of_uid(evil).contains("&lt;x/&gt;"));
    }
}
