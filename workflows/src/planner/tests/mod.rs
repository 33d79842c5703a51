//! Whole requests to whole plans: snapshots, properties, and a score on a foreign corpus.

mod corpus;
mod errands;
mod memories;
mod outside;
mod plans;
mod properties;
mod restaurants;
mod runs;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::propose;
use crate::action::{ActionSpec, Catalog, ReachRule};
use crate::ids::{ContactId, PersonId};
use crate::person::{Channel, Contact, Person, Role, Settings};
use crate::ports::{PlanRequest, Proposal};
use crate::state::Amendment;

/// Friday, 27 November 2026, 13:30 in Berlin.
fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 27, 12, 30, 0).unwrap()
}

fn person() -> Person {
    Person {
        id: PersonId::from("p1"),
        name: "Ada".to_owned(),
        role: Role::Owner,
        settings: Settings {
            timezone: Tz::Europe__Berlin,
            currency: "EUR".to_owned(),
            locale: "en".to_owned(),
            remote_ai: false,
            notify_on: Channel::Web,
        },
    }
}

fn contact(name: &str, email: Option<&str>, relation: Option<&str>, groups: &[&str]) -> Contact {
    Contact {
        relation: relation.map(str::to_owned),
        email: email.map(str::to_owned),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Contact::named(ContactId::new(name.to_lowercase().replace(' ', "_")), name)
    }
}

fn contacts() -> Vec<Contact> {
    vec![
        contact("Bob", Some("bob@example.org"), None, &["team"]),
        contact("Carol", Some("carol@example.org"), None, &["team", "friends"]),
        contact("Eve Adams", Some("eve@example.org"), Some("wife"), &["friends"]),
        contact("Sam Green", Some("sam.green@example.org"), None, &[]),
        contact("Sam White", Some("sam.white@example.org"), None, &[]),
        contact("Gus", None, None, &[]),
        Contact {
            emails: vec!["dora@work.example".to_owned()],
            ..contact("Dora", Some("dora@home.example"), Some("mother"), &["Family"])
        },
    ]
}

/// Required and optional parameters of the actions the acts run.
const PARAMETERS: [(&str, &[&str], &[&str]); 15] = [
    ("email.send_email", &["to", "subject", "body"], &["cc", "bcc"]),
    (
        "email.send_invitation",
        &["to", "title", "starts_at"],
        &["ends_at", "duration_minutes", "location", "description", "url"],
    ),
    ("meeting.create_meeting", &["title"], &["starts_at", "duration_minutes", "provider", "attendees"]),
    ("meeting.schedule_call", &["with", "starts_at"], &["duration_minutes", "title", "provider"]),
    (
        "calendar.schedule_event",
        &["title", "starts_at"],
        &["ends_at", "duration_minutes", "location", "attendees", "description", "repeat"],
    ),
    ("calendar.check_availability", &["from", "to"], &["duration_minutes"]),
    ("calendar.list_events", &["from", "to"], &[]),
    ("calendar.cancel_event", &["uid"], &[]),
    ("calendar.set_reminder", &["text", "at"], &["repeat"]),
    ("notify.send_notification", &["text"], &[]),
    ("contacts.add_contact", &["name"], &["relation", "email", "emails", "telegram", "phone", "phones", "groups"]),
    ("contacts.find_contact", &["query"], &[]),
    ("memory.remember", &["text"], &[]),
    ("memory.forget", &["id"], &[]),
    ("memory.recall", &[], &["query", "limit"]),
];

fn schema(required: &[&str], optional: &[&str]) -> Value {
    let kind = |name: &str| match name {
        "to" | "with" | "attendees" | "cc" | "bcc" => {
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1})
        }
        "duration_minutes" => json!({"type": "integer", "minimum": 1}),
        "groups" | "emails" | "phones" => json!({"type": "array", "items": {"type": "string"}}),
        _ => json!({"type": "string", "minLength": 1}),
    };
    let fields: serde_json::Map<String, Value> =
        required.iter().chain(optional).map(|name| ((*name).to_owned(), kind(name))).collect();
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": fields})
}

fn spec(name: &str, parameters: Value, unavailable: Option<&str>) -> ActionSpec {
    ActionSpec {
        name: name.to_owned(),
        summary: String::new(),
        parameters,
        result: json!({"type": "object", "properties": {"url": {}, "uid": {}, "events": {}, "memories": {}}}),
        reach: ReachRule::World,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &[],
        future: &[],
        version: None,
        unavailable: unavailable.map(str::to_owned),
    }
}

fn catalog_without(off: &str) -> Catalog {
    let off = |name: &str| (name == off).then_some("mail is not configured: set SMTP_URL");
    Catalog::new(
        PARAMETERS
            .iter()
            .map(|(name, required, optional)| {
                let mut parameters = schema(required, optional);
                if *name == "calendar.check_availability" || *name == "calendar.list_events" {
                    parameters["properties"]["to"] = json!({"type": "string"});
                }
                spec(name, parameters, off(name))
            })
            .chain(outside::specs(off))
            .collect(),
    )
}

fn plan_of(text: &str, amendments: &[&str]) -> Proposal {
    let (person, contacts, catalog) = (person(), contacts(), catalog_without(""));
    let later = |words: &&str| Amendment { text: (*words).to_owned(), said_at: None };
    let amendments: Vec<Amendment> = amendments.iter().map(later).collect();
    propose(&PlanRequest { amendments: &amendments, ..PlanRequest::new(text, &person, &contacts, now(), &catalog) })
}
