//! The address book.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ids::ContactId;
use workflows::person::Contact;
use workflows::planner::entities::people;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, People, UndoCall};

use super::{Plugin, PluginDeps, outcome, spec, store_failed, text, texts};
use crate::address_book::{Change, Changed, Details, Match, NAMES_MAX, TEXT_CHARS_MAX, WAYS_MAX};
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

    /// Somebody of that name who is there gets what they lack; nothing is overwritten. The id of a
    /// new contact is the effect's, so a repeat adds nothing; a repeat after a crash of what only
    /// filled up a contact finds nothing to add, and so has no undo.
    async fn add(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let own = |name: &str| text(&call.args, name).map(str::to_owned);
        let name = own("name").ok_or_else(|| ActionError::fail("name is missing"))?;
        let contact = Contact {
            relation: own("relation"),
            email: own("email"),
            emails: texts(&call.args, "emails"),
            telegram: own("telegram"),
            phone: own("phone"),
            phones: texts(&call.args, "phones"),
            groups: texts(&call.args, "groups"),
            ..Contact::named(ContactId(call.effect_id.0.clone()), name.as_str())
        };
        match self.change(call, Change::Add(vec![contact.sorted()], Match::Name)).await? {
            Changed::Added(contact) => {
                let told = outcome(json!({"id": contact.id}), format!("{} is in your contacts", contact.name));
                Ok(ActionOutcome { undo: Some(undo("contacts.remove_contact", &json!({"id": contact.id}))), ..told })
            }
            Changed::Updated { before, after } => {
                let new = Details::between(&before, &after);
                let detail = format!("{} was in your contacts already; new: {}", after.name, new.words());
                let told = outcome(json!({"id": after.id}), detail);
                Ok(ActionOutcome { undo: Some(undo("contacts.remove_details", &args_of(&after.id, &new))), ..told })
            }
            Changed::Unchanged(contact) => {
                let detail = format!("{} is in your contacts already, with all of that", contact.name);
                Ok(outcome(json!({"id": contact.id}), detail))
            }
            Changed::Unclear => {
                Err(ActionError::fail(format!("there are several contacts called {name}; say more of who is meant")))
            }
            Changed::Full => Err(ActionError::fail("the address book is full")),
            Changed::Removed(_) | Changed::Missing => Err(ActionError::fail("it was not added")),
        }
    }

    async fn remove(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let id = ContactId(text(&call.args, "id").unwrap_or_default().to_owned());
        let detail = match self.change(call, Change::Remove(id.clone())).await? {
            Changed::Removed(contact) => format!("{} is out of your contacts", contact.name),
            _ => "That contact is not in your contacts".to_owned(),
        };
        Ok(outcome(json!({"id": id}), detail))
    }

    async fn remove_details(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let own = |name: &str| text(&call.args, name).map(str::to_owned);
        let id = ContactId(own("id").unwrap_or_default());
        let details = Details {
            aliases: texts(&call.args, "aliases"),
            emails: texts(&call.args, "emails"),
            phones: texts(&call.args, "phones"),
            groups: texts(&call.args, "groups"),
            relation: own("relation"),
            telegram: own("telegram"),
        };
        let words = details.words();
        let detail = match self.change(call, Change::Strip(id.clone(), details)).await? {
            Changed::Updated { after, .. } => format!("No longer of {}: {words}", after.name),
            Changed::Unchanged(contact) => format!("{} has none of that", contact.name),
            _ => return Err(ActionError::fail("there is no such contact")),
        };
        Ok(outcome(json!({"id": id}), detail))
    }

    async fn change(&self, call: &ActionCall, change: Change) -> Result<Changed, ActionError> {
        let changed = self.contacts.change_contacts(&call.person.id, change).await;
        let mut changed = changed.map_err(|error| store_failed(&error))?;
        changed.pop().ok_or_else(|| ActionError::fail("nothing was changed"))
    }

    async fn find(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let query = text(&call.args, "query").unwrap_or_default().to_lowercase();
        let all = self
            .people
            .contacts(&call.person.id)
            .await
            .map_err(|_| ActionError::retry("the contacts cannot be read"))?;
        let fits = |contact: &&Contact| {
            let names = [&contact.name].into_iter().chain(&contact.relation).chain(&contact.aliases);
            names
                .chain(&contact.groups)
                .map(String::as_str)
                .chain(contact.mail_addresses())
                .chain(contact.numbers())
                .any(|field| field.to_lowercase().contains(&query))
        };
        let mut found: Vec<&Contact> = all.iter().filter(fits).take(FOUND_MAX).collect();
        if found.is_empty() {
            // "my wife" is in no field.
            found = people::look_up(&query, &all).into_iter().take(FOUND_MAX).collect();
        }
        let lines: Vec<String> = found
            .iter()
            .map(|c| {
                let ways: Vec<&str> = c.mail_addresses().chain(c.numbers()).chain(c.telegram.as_deref()).collect();
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
        let line = json!({"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX});
        let address = json!({"type": "string", "minLength": 3, "maxLength": TEXT_CHARS_MAX,
            "pattern": "^[^\\s<>@,;]+@[^\\s<>@,;]+$"});
        let list = |items: &Value, most: usize| json!({"type": "array", "maxItems": most, "items": items});
        let contact = json!({"name": line, "relation": line, "email": address, "emails": list(&address, WAYS_MAX),
            "telegram": line, "phone": line, "phones": list(&line, WAYS_MAX), "groups": list(&line, NAMES_MAX)});
        let details = json!({"id": line, "aliases": list(&line, NAMES_MAX), "emails": list(&line, WAYS_MAX + 1),
            "phones": list(&line, WAYS_MAX + 1), "groups": list(&line, NAMES_MAX), "relation": line, "telegram": line});
        vec![
            ActionSpec {
                idempotent: true,
                undo: Some("contacts.remove_contact"),
                ..spec(
                    "contacts.add_contact",
                    "Adds somebody to your contacts, or what is new of somebody who is there",
                    contact,
                    &["name"],
                    ReachRule::Own,
                )
            },
            // What takes something away needs a yes, unless it takes back what was just added.
            ActionSpec {
                idempotent: true,
                ..spec(
                    "contacts.remove_contact",
                    "Takes somebody out of your contacts",
                    json!({"id": line}),
                    &["id"],
                    ReachRule::World,
                )
            },
            ActionSpec {
                idempotent: true,
                ..spec(
                    "contacts.remove_details",
                    "Takes addresses, numbers, groups or other details off a contact",
                    details,
                    &["id"],
                    ReachRule::World,
                )
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
            "contacts.remove_contact" => self.remove(&call).await,
            "contacts.remove_details" => self.remove_details(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }
}

fn undo(action: &str, args: &Value) -> UndoCall {
    UndoCall { action: action.to_owned(), args: args.as_object().cloned().unwrap_or_default() }
}

fn args_of(id: &ContactId, details: &Details) -> Value {
    let mut args = json!({"id": id, "aliases": details.aliases, "emails": details.emails, "phones": details.phones,
        "groups": details.groups});
    for (name, value) in [("relation", &details.relation), ("telegram", &details.telegram)] {
        if let Some(value) = value {
            args[name] = json!(value);
        }
    }
    args
}
