//! XML as WebDAV servers send it, read within bounds. Entities other than XML's own five are not
//! known, and a document type is refused, so nothing grows.

use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

/// Deepest element.
const DEPTH_MAX: usize = 24;
/// Most elements of one answer: 20,000 events with their few properties fit.
const ELEMENTS_MAX: usize = 400_000;

/// `DAV:` (RFC 4918).
pub(super) const DAV: &str = "DAV:";
/// CalDAV (RFC 4791).
pub(super) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// What Apple's calendar server added; many have its `getctag`.
pub(super) const CALENDARSERVER: &str = "http://calendarserver.org/ns/";

/// A name in its namespace.
pub(super) type Name = (&'static str, &'static str);

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    space: Space,
    local: String,
    /// The text in it, without what is in its children.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    attributes: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Space {
    Dav,
    CalDav,
    CalendarServer,
    #[default]
    Other,
}

impl Space {
    fn of(name: &[u8]) -> Self {
        [(DAV, Self::Dav), (CALDAV, Self::CalDav), (CALENDARSERVER, Self::CalendarServer)]
            .into_iter()
            .find_map(|(known, space)| (known.as_bytes() == name).then_some(space))
            .unwrap_or_default()
    }
}

impl Element {
    /// Whether it has this name.
    pub(super) fn is(&self, (space, local): Name) -> bool {
        self.space != Space::Other && self.space == Space::of(space.as_bytes()) && self.local == local
    }

    /// Its first child of that name.
    pub(super) fn child(&self, name: Name) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    /// Its children of that name.
    pub(super) fn all(&self, name: Name) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// The text of its first child of that name, without blanks around it; `None` when it is empty.
    pub(super) fn text_of(&self, name: Name) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Its own local name, for words.
    pub(super) fn local(&self) -> &str {
        &self.local
    }
}

/// Reads a document. `None` when it is none, or beyond the bounds.
pub(super) fn read(bytes: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = NsReader::from_str(text);
    let mut open = vec![Element::default()];
    let mut count = 0;
    loop {
        let (space, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() > DEPTH_MAX || count > ELEMENTS_MAX {
                    return None;
                }
                open.push(element(&space, &start)?);
            }
            Event::Empty(start) => {
                count += 1;
                let empty = element(&space, &start)?;
                (count <= ELEMENTS_MAX).then_some(())?;
                open.last_mut()?.children.push(empty);
            }
            Event::End(_) => {
                let ended = open.pop()?;
                open.last_mut()?.children.push(ended);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::CData(data) => open.last_mut()?.text.push_str(&data.decode().ok()?),
            Event::GeneralRef(name) => {
                let letter = match name.resolve_char_ref().ok()? {
                    Some(letter) => letter,
                    None => predefined(&name.decode().ok()?)?,
                };
                open.last_mut()?.text.push(letter);
            }
            Event::DocType(_) => return None,
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty())?;
    root.children.pop().filter(|_| root.children.is_empty())
}

fn element(space: &ResolveResult<'_>, start: &quick_xml::events::BytesStart<'_>) -> Option<Element> {
    let space = match space {
        ResolveResult::Bound(name) => Space::of(name.0),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => Space::Other,
    };
    let attributes = start.attributes().flatten().filter_map(|attribute| {
        let name = std::str::from_utf8(attribute.key.as_ref()).ok()?.to_owned();
        Some((name, attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned()))
    });
    let local = std::str::from_utf8(start.local_name().as_ref()).ok()?.to_owned();
    Some(Element { space, local, attributes: attributes.collect(), ..Element::default() })
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

/// A text as it is written between tags.
pub(super) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_their_namespace_whatever_the_prefix() {
        for text in [
            "<multistatus xmlns=\"DAV:\"><response><href>/a%20b/&amp;&#65;</href></response></multistatus>",
            "<?xml version=\"1.0\"?><!-- c --><x:multistatus xmlns:x='DAV:'><x:response><x:href>/a%20b/<![CDATA[&A]]></x:href></x:response></x:multistatus>",
        ] {
            let root = read(text.as_bytes()).expect("a document");
            assert!(root.is((DAV, "multistatus")));
            let response = root.child((DAV, "response")).expect("a response");
            assert_eq!(response.text_of((DAV, "href")), Some("/a%20b/&A"));
        }
        let foreign = read(b"<multistatus xmlns=\"urn:other\"/>").expect("a document");
        assert!(!foreign.is((DAV, "multistatus")));
    }

    #[test]
    fn what_is_no_document_or_would_grow_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(DEPTH_MAX + 1), "</a>".repeat(DEPTH_MAX + 1));
        for text in [
            "",
            "words",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<!DOCTYPE a [<!ENTITY x \"xx\">]><a>&x;</a>",
            "<!DOCTYPE a><a/>",
            "<a>&x;</a>",
            "<html><body><p>unclosed</body></html>",
            deep.as_str(),
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(&[0xff, 0xfe]), None);
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        assert_eq!(read(wide.as_bytes()), None);
    }
}
