//! A server, a calendar of a test's own on it, and another program's hand in it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use super_manager::caldav::{CalDav, CalDavConfig};
use super_manager::outgoing::{Outgoing, SystemNames};
use super_manager::plugins::calendar::port::{CalendarBook as _, Occurrence};
use super_manager::store::calendar::CalendarEvent;
use url::Url;
use workflows::ids::PersonId;
use workflows::person::{Channel, Person, Role, Settings};

pub(crate) struct Peer {
    pub(crate) base: Url,
    pub(crate) user: &'static str,
    /// Where calendars can be made.
    pub(crate) home: &'static str,
}

fn named(variable: &str) -> Option<Url> {
    let found = std::env::var(variable).ok().and_then(|url| url.parse().ok());
    if found.is_none() {
        println!("!!!! NOT RUN: no calendar server (use tests/run) !!!!");
        assert!(std::env::var_os("PEERS_REQUIRED").is_none(), "the peers are required and are not there");
    }
    found
}

impl Peer {
    pub(crate) fn radicale() -> Option<Self> {
        Some(Self { base: named("CALDAV_RADICALE")?, user: "alice", home: "/alice/" })
    }

    pub(crate) fn large() -> Option<Self> {
        Some(Self { base: named("CALDAV_RADICALE")?, user: "large", home: "/large/" })
    }

    /// An account whose calendar it may not write.
    pub(crate) fn reader() -> Option<Self> {
        Some(Self { base: named("CALDAV_RADICALE")?, user: "reader", home: "/reader/" })
    }

    pub(crate) fn xandikos() -> Option<Self> {
        Some(Self { base: named("CALDAV_XANDIKOS")?, user: "alice", home: "/alice/calendars/" })
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.base.join(path).expect("a path")
    }

    /// The calendar as the product has it, configured with this address.
    pub(crate) fn calendar(&self, url: &Url, password: &str) -> CalDav {
        let outgoing = Outgoing::new(std::slice::from_ref(url), Arc::new(SystemNames)).expect("a client");
        let password = SecretString::from(password.to_owned());
        let config = CalDavConfig { url: url.clone(), username: self.user.to_owned(), password };
        CalDav::new(outgoing, config, Some("bot@test.local".to_owned()))
    }

    /// A new calendar: its address, and as the product has it.
    pub(crate) async fn fresh(&self, name: &str) -> (Url, CalDav) {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let url = self.at(&format!("{}{name}-{id}/", self.home));
        let made = self.raw("MKCALENDAR", &url, None, &[]).await;
        assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
        let calendar = self.calendar(&url, "secret");
        (url, calendar)
    }

    /// What another program does: the status, and the body or the new tag.
    pub(crate) async fn raw(
        &self,
        method: &str,
        url: &Url,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let client = reqwest::Client::builder().build().expect("a client");
        let method_has_xml = method == "REPORT";
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = client.request(method, url.clone()).basic_auth(self.user, Some("secret"));
        if let Some(body) = body {
            let kind = if method_has_xml { "application/xml" } else { "text/calendar; charset=utf-8" };
            request = request.header("content-type", kind).body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        (response.status(), response.text().await.expect("a body"))
    }

    /// Another program puts an event in.
    pub(crate) async fn put(&self, calendar: &Url, name: &str, events: &str) {
        let url = calendar.join(name).expect("a name");
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Other//EN\n{events}\nEND:VCALENDAR\n");
        let (status, body) = self.raw("PUT", &url, Some(text.replace('\n', "\r\n")), &[]).await;
        assert!(status.is_success(), "{status} {body}");
    }

    /// The only event of a calendar: its address and its text, unfolded.
    pub(crate) async fn only(&self, calendar: &Url) -> (Url, String) {
        let body = r#"<c:calendar-query xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop><getetag/></prop>
            <c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>"#;
        let (_, found) = self.raw("REPORT", calendar, Some(body.to_owned()), &[("depth", "1")]).await;
        let hrefs: Vec<&str> = found.split("href>").filter(|part| part.contains(".ics")).collect();
        let [href] = hrefs.as_slice() else { panic!("not one event: {found}") };
        let url = calendar.join(href.split('<').next().unwrap_or_default()).expect("an address");
        let (_, text) = self.raw("GET", &url, None, &[]).await;
        (url, text.replace("\r\n ", "").replace("\r\n", "\n"))
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// The owner, in Berlin.
pub(crate) fn owner() -> Person {
    let settings = Settings {
        timezone: chrono_tz::Europe::Berlin,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings }
}

/// An hour at a time.
pub(crate) fn event(uid: &str, starts_at: &str) -> CalendarEvent {
    CalendarEvent {
        uid: uid.to_owned(),
        title: "Review, with cake".to_owned(),
        starts_at: at(starts_at),
        ends_at: at(starts_at) + chrono::Duration::hours(1),
        timezone: chrono_tz::Europe::Berlin,
        location: Some("Room 1; left".to_owned()),
        description: None,
        attendees: Vec::new(),
        repeat: None,
        told: true,
        sequence: 0,
        act: Some("act-1".to_owned()),
    }
}

/// What a calendar shows in a range, on the clock of Berlin.
pub(crate) async fn shown(calendar: &CalDav, from: &str, to: &str) -> Vec<String> {
    let found = calendar.occurrences(&owner(), at(from), at(to)).await.expect("a look");
    let local = |at: DateTime<Utc>| at.with_timezone(&chrono_tz::Europe::Berlin).format("%m-%dT%H:%M").to_string();
    let line = |event: &Occurrence| {
        let marks = [(event.is_all_day, " all day"), (!event.is_busy, " free")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        format!("{} {}{marks}", local(event.starts_at), event.title)
    };
    found.iter().map(line).collect()
}
