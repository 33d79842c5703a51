//! What is told to models, and what is made of what they say.

mod names;
mod previous;
mod prompts;
mod readings;
mod router;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use workflows::action::Catalog;
use workflows::ids::{ContactId, PersonId};
use workflows::person::{Channel, Contact, Person, Role, Settings};

use crate::app::App;
use crate::config::from_values;

/// Every action of the program, all of them on; nothing is called.
async fn catalog() -> Arc<Catalog> {
    let dir = tempfile::tempdir().expect("a directory");
    let values = [
        ("DATA_DIR", dir.path().to_str().expect("a plain path")),
        ("BIND_ADDR", "127.0.0.1:0"),
        // No model of whoever runs the tests.
        ("AI_PROVIDERS", "builtin"),
        ("SMTP_URL", "smtp://127.0.0.1:1"),
        ("SMTP_EMAIL", "bot@test.local"),
        ("MAIL_TRUST", "insecure-loopback"),
        ("SEARXNG_URL", "http://127.0.0.1:1"),
        ("DUFFEL_API_URL", "http://127.0.0.1:1"),
        ("DUFFEL_API_TOKEN", "token"),
        ("TELEGRAM_API_URL", "http://127.0.0.1:1"),
        ("TELEGRAM_BOT_TOKEN", "1:abc"),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let config = from_values(&values, Vec::new()).expect("a configuration");
    let catalog = App::start(config).await.expect("a service").catalog();
    let on = catalog.iter().filter(|spec| spec.unavailable.is_none()).count();
    assert!(on > 25, "{on} actions are on");
    catalog
}

fn person() -> Person {
    let settings = Settings {
        timezone: chrono_tz::Asia::Kolkata,
        currency: "INR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: true,
        notify_on: Channel::Web,
    };
    Person { id: PersonId::from("ann"), name: "Ann Archer".to_owned(), role: Role::Owner, settings }
}

/// A Tuesday.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_500_000, 0).expect("a time")
}

fn contact(n: usize, name: &str, groups: &[&str]) -> Contact {
    Contact {
        email: Some(format!("{}@test.local", name.to_lowercase().replace(' ', "."))),
        phone: Some("+49 170 1234567".to_owned()),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Contact::named(ContactId(format!("c{n}")), name)
    }
}

fn contacts() -> Vec<Contact> {
    let mut all: Vec<Contact> = ["Bob Miller", "Eve Stone", "Carl Young", "Dora Lane"]
        .iter()
        .enumerate()
        .map(|(n, name)| contact(n, name, &["friends"]))
        .collect();
    all.push(Contact { relation: Some("wife".to_owned()), ..contact(9, "Mia Archer", &[]) });
    all.push(contact(10, "Bob Smith", &[]));
    all.push(Contact { email: None, ..contact(11, "Noah Field", &[]) });
    all
}

fn plan(stages: &serde_json::Value) -> String {
    json!({"kind": "plan", "title": "t", "intent": "x", "slots": {}, "stages": stages}).to_string()
}
