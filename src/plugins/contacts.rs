//! The address book.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ids::ContactId;
use workflows::person::Contact;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, People};

use super::{Plugin, PluginDeps, outcome, spec, store_failed, text, texts};
use crate::store::ContactStore;

/// Contacts one answer names.
const FOUND_MAX: usize = 50;

/// `contacts.*`.
pub struct ContactsPlugin {
    people: Arc<dyn People>,
    contacts: Arc<dyn ContactStore>,
}

impl ContactsPlugin {
    pub(super) fn new(deps: &PluginDeps) -> Self {
        Self { people: Arc::clone(&deps.people), contacts: Arc::clone(&deps.contacts) }
    }

    /// The contact's id is the effect's, so a repeat adds nothing.
    async fn add(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let own = |name: &str| text(&call.args, name).map(str::to_owned);
        let contact = Contact {
            id: ContactId(call.effect_id.0.clone()),
            name: own("name").ok_or_else(|| ActionError::fail("name is missing"))?,
            aliases: Vec::new(),
            relation: own("relation"),
            email: own("email"),
            telegram: own("telegram"),
            discord: None,
            phone: own("phone"),
            groups: texts(&call.args, "groups"),
        };
        let added = self.contacts.put_contact(&call.person.id, &contact).await.map_err(|error| store_failed(&error))?;
        if !added {
            return Err(ActionError::fail("the address book is full"));
        }
        Ok(outcome(json!({"id": contact.id}), format!("{} is in your contacts", contact.name)))
    }

    async fn find(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let query = text(&call.args, "query").unwrap_or_default().to_lowercase();
        let all = self
            .people
            .contacts(&call.person.id)
            .await
            .map_err(|_| ActionError::retry("the contacts cannot be read"))?;
        let fits = |contact: &&Contact| {
            let fields =
                [Some(&contact.name), contact.email.as_ref(), contact.relation.as_ref(), contact.phone.as_ref()];
            fields
                .into_iter()
                .flatten()
                .chain(&contact.aliases)
                .chain(&contact.groups)
                .any(|field| field.to_lowercase().contains(&query))
        };
        let found: Vec<&Contact> = all.iter().filter(fits).take(FOUND_MAX).collect();
        let lines: Vec<String> = found
            .iter()
            .map(|c| {
                let ways: Vec<&str> =
                    [&c.email, &c.phone, &c.telegram].into_iter().flatten().map(String::as_str).collect();
                if ways.is_empty() { c.name.clone() } else { format!("{}: {}", c.name, ways.join(", ")) }
            })
            .collect();
        let detail = if lines.is_empty() { format!("No contact fits \"{query}\"") } else { lines.join("\n") };
        Ok(outcome(json!({"contacts": found}), detail))
    }
}

#[async_trait]
impl Plugin for ContactsPlugin {
    fn name(&self) -> &'static str {
        "contacts"
    }

    fn description(&self) -> &'static str {
        "Keeps your address book"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let line: Value = json!({"type": "string", "minLength": 1, "maxLength": 320});
        let contact = json!({"name": line, "relation": line, "email": line, "telegram": line, "phone": line,
            "groups": {"type": "array", "maxItems": 20, "items": line}});
        vec![
            ActionSpec {
                idempotent: true,
                ..spec("contacts.add_contact", "Adds somebody to your contacts", contact, &["name"], ReachRule::Own)
            },
            spec(
                "contacts.find_contact",
                "Finds somebody in your contacts",
                json!({"query": line}),
                &["query"],
                ReachRule::Read,
            ),
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "contacts.add_contact" => self.add(&call).await,
            "contacts.find_contact" => self.find(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }
}
