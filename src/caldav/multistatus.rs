//! Multistatus answers (RFC 4918, 13): per resource, per property.

use super::xml::{CALDAV, CALENDARSERVER, DAV, Element, Name, read};

/// One resource of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// Where it is, as the server wrote it.
    pub(super) href: String,
    /// The status of all of it, where the server gave one.
    pub(super) status: Option<u16>,
    /// The properties that were found.
    pub(super) props: Vec<Element>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Multistatus {
    pub(super) resources: Vec<Resource>,
    /// What to ask with the next time (RFC 6578).
    pub(super) sync_token: Option<String>,
}

impl Resource {
    /// A property that was found.
    pub(super) fn prop(&self, name: Name) -> Option<&Element> {
        self.props.iter().find(|prop| prop.is(name))
    }

    /// The text of a property that was found.
    pub(super) fn text(&self, name: Name) -> Option<&str> {
        self.prop(name).map(|prop| prop.text.trim()).filter(|text| !text.is_empty())
    }

    /// The address in a property that holds one.
    pub(super) fn href(&self, name: Name) -> Option<&str> {
        self.prop(name)?.text_of((DAV, "href"))
    }

    /// Whether its type has this in it.
    pub(super) fn is_a(&self, name: Name) -> bool {
        self.prop((DAV, "resourcetype")).is_some_and(|kind| kind.child(name).is_some())
    }

    /// Whether it is gone.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }

    /// Whether the server could not say what it is, and it may be there.
    pub(super) fn has_failed(&self) -> bool {
        self.status.is_some_and(|status| !(200..300).contains(&status)) && !self.is_gone()
    }

    /// Its tag.
    pub(super) fn etag(&self) -> Option<&str> {
        self.text((DAV, "getetag"))
    }

    /// What it holds.
    pub(super) fn data(&self) -> Option<&str> {
        self.prop((CALDAV, "calendar-data")).map(|data| data.text.as_str())
    }

    /// What says whether anything in it has changed.
    pub(super) fn change_tag(&self) -> Option<&str> {
        self.text((DAV, "sync-token")).or_else(|| self.text((CALENDARSERVER, "getctag")))
    }
}

/// Reads an answer; `None` when it is none.
pub(super) fn multistatus(body: &[u8]) -> Option<Multistatus> {
    let mut root = read(body).filter(|root| root.is((DAV, "multistatus")))?;
    let sync_token = root.text_of((DAV, "sync-token")).map(str::to_owned);
    let resources = root.children.drain(..).filter(|child| child.is((DAV, "response"))).filter_map(resource).collect();
    Some(Multistatus { resources, sync_token })
}

fn resource(response: Element) -> Option<Resource> {
    let href = response.text_of((DAV, "href"))?.to_owned();
    let status = response.text_of((DAV, "status")).and_then(code);
    let mut props = Vec::new();
    for propstat in response.children {
        // A propstat without a status is a fault of the server's; what it lists is believed.
        let found = propstat.text_of((DAV, "status")).and_then(code).is_none_or(|code| (200..300).contains(&code));
        if propstat.is((DAV, "propstat")) && found {
            let all = propstat.children.into_iter().filter(|child| child.is((DAV, "prop")));
            props.extend(all.flat_map(|prop| prop.children));
        }
    }
    Some(Resource { href, status, props })
}

/// `HTTP/1.1 200 OK`.
fn code(status: &str) -> Option<u16> {
    status.split_whitespace().nth(1)?.parse().ok()
}

/// What a refusal names as its reason (RFC 4918, 16), like `no-uid-conflict`.
pub(super) fn precondition(body: &[u8]) -> Option<String> {
    let root = read(body).filter(|root| root.is((DAV, "error")))?;
    root.children.first().map(|reason| reason.local().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_and_missing_properties_are_told_apart() {
        let body = br#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
            <d:response><d:href>/cal/a.ics</d:href>
              <d:propstat><d:prop><d:getetag>"1"</d:getetag><c:calendar-data>BEGIN:VCALENDAR&#13;
END:VCALENDAR</c:calendar-data></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
              <d:propstat><d:prop><d:sync-token/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>
            <d:response><d:href>/cal/b.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
            <d:sync-token>urn:next</d:sync-token></d:multistatus>"#;
        let answer = multistatus(body).expect("an answer");
        assert_eq!(answer.sync_token.as_deref(), Some("urn:next"));
        let [a, b] = answer.resources.as_slice() else { panic!("{answer:?}") };
        assert_eq!((a.href.as_str(), a.etag(), a.change_tag()), ("/cal/a.ics", Some("\"1\""), None));
        assert_eq!(a.data(), Some("BEGIN:VCALENDAR\r\nEND:VCALENDAR"));
        assert!(b.is_gone() && !a.is_gone());
    }

    #[test]
    fn a_page_is_no_answer() {
        assert_eq!(multistatus(b"<html><body>502</body></html>"), None);
        assert_eq!(multistatus(b"<error xmlns='DAV:'/>"), None);
    }

    #[test]
    fn a_refusal_names_its_reason() {
        let body = b"<d:error xmlns:d='DAV:'><c:no-uid-conflict xmlns:c='urn:ietf:params:xml:ns:caldav'/></d:error>";
        assert_eq!(precondition(body).as_deref(), Some("no-uid-conflict"));
        assert_eq!(precondition(b"Forbidden"), None);
    }
}
