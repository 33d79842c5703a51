//! Whole requests to whole plans: snapshots, properties, and a score on a foreign corpus.

mod corpus;
mod plans;
mod properties;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::propose;
use crate::action::{ActionSpec, Catalog, ReachRule};
use crate::ids::{ContactId, PersonId};
use crate::person::{Channel, Contact, Person, Role, Settings};
use crate::ports::{PlanRequest, Proposal};

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
        id: ContactId::new(name.to_lowercase().replace(' ', "_")),
        name: name.to_owned(),
        aliases: Vec::new(),
        relation: relation.map(str::to_owned),
        email: email.map(str::to_owned),
        telegram: None,
        discord: None,
        phone: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
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
    ]
}

fn spec(name: &str, unavailable: Option<&str>) -> ActionSpec {
    ActionSpec {
        name: name.to_owned(),
        summary: String::new(),
        parameters: json!({"type": "object"}),
        result: json!({"type": "object"}),
        reach: ReachRule::World,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &[],
        unavailable: unavailable.map(str::to_owned),
    }
}

fn catalog_without(off: &str) -> Catalog {
    let names = super::acts::ACTS.iter().map(|act| act.action());
    let off = |name: &str| (name == off).then_some("mail is not configured: set SMTP_URL");
    Catalog::new(names.map(|name| spec(name, off(name))).collect())
}

fn plan_of(text: &str, amendments: &[&str]) -> Proposal {
    let (person, contacts, catalog) = (person(), contacts(), catalog_without(""));
    let amendments: Vec<String> = amendments.iter().map(|words| (*words).to_owned()).collect();
    propose(&PlanRequest {
        text,
        amendments: &amendments,
        person: &person,
        contacts: &contacts,
        now: now(),
        catalog: &catalog,
    })
}
