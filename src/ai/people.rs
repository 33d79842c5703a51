//! People in a plan: a model knows them by name, their addresses are put in here. Pure.

use serde_json::{Map, Value, json};
use workflows::action::Catalog;
use workflows::person::Contact;

/// Names without an address that are asked about.
const ASKED_MAX: usize = 5;
/// How deep stages are looked into; deeper plans have a fault anyway.
const DEPTH_MAX: usize = 8;

/// Fields of a stage that hold stages.
const INNER: [&str; 5] = ["stages", "then", "else", "on_failure", "on_timeout"];

/// Puts addresses where a plan has names, and questions where a name has no address.
pub fn resolve(plan: &mut Value, catalog: &Catalog, contacts: &[Contact]) {
    let mut people = People { contacts, catalog, lists: Vec::new(), asked: Vec::new() };
    if let Some(Value::Array(stages)) = plan.get_mut("stages") {
        lists(stages, 0, &mut people.lists);
        people.stages(stages, 0);
        stages.splice(0..0, people.asked.into_iter().map(|asked| asked.stage));
    }
}

struct People<'a> {
    contacts: &'a [Contact],
    catalog: &'a Catalog,
    /// The ids of questions whose answers are lists.
    lists: Vec<String>,
    asked: Vec<Asked>,
}

/// Adds the ids of questions whose answers are lists.
fn lists(stages: &[Value], depth: usize, found: &mut Vec<String>) {
    for stage in stages {
        let text = |name: &str| stage.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("type") == "multi_select" || text("answer") == "emails" {
            found.push(text("id").to_owned());
        }
        for list in INNER {
            if let Some(Value::Array(inner)) = stage.get(list).filter(|_| depth < DEPTH_MAX) {
                lists(inner, depth + 1, found);
            }
        }
    }
}

/// A question about a name.
struct Asked {
    name: String,
    id: String,
    stage: Value,
}

impl<'a> People<'a> {
    fn stages(&mut self, stages: &mut [Value], depth: usize) {
        for stage in stages.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(Value::Array(options)) = stage.get_mut("options") {
                // April among months is no contact of that name.
                if options.iter().all(|option| self.contact_of(option).is_some()) {
                    for option in options {
                        self.option(option);
                    }
                }
            }
            let action = stage.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(Value::Object(params)) = stage.get_mut("params") {
                self.params(&action, params);
            }
            for list in INNER {
                if let Some(Value::Array(inner)) = stage.get_mut(list).filter(|_| depth < DEPTH_MAX) {
                    self.stages(inner, depth + 1);
                }
            }
        }
    }

    /// The contact that an option names.
    fn contact_of(&self, option: &Value) -> Option<&'a Contact> {
        let name = option.get("name").and_then(Value::as_str).unwrap_or_default();
        let said = match option.get("value") {
            None | Some(Value::Null) => name,
            Some(Value::String(text)) => text,
            Some(value) => value.get("name").and_then(Value::as_str).unwrap_or(name),
        };
        match self.named(said).as_slice() {
            [contact] => Some(contact),
            _ => None,
        }
    }

    /// Gives an option that names a contact what is known of them, unless it has an address.
    fn option(&self, option: &mut Value) {
        let has_address = option
            .get("value")
            .is_some_and(|value| value.get("email").is_some() || value.as_str().is_some_and(|text| text.contains('@')));
        let (Some(contact), false) = (self.contact_of(option), has_address) else { return };
        let (email, telegram, phone) = (&contact.email, &contact.telegram, &contact.phone);
        option["value"] = json!({"name": contact.name, "email": email, "telegram": telegram, "phone": phone});
    }

    fn params(&mut self, action: &str, params: &mut Map<String, Value>) {
        let Some(spec) = self.catalog.get(action) else { return };
        let properties = spec.parameters.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let Some(value) = params.get_mut(name) else { continue };
            if is_address(schema) {
                if let Some(text) = value.as_str().filter(|text| is_name(text)) {
                    let mut found = self.addresses(text);
                    if found.len() == 1 {
                        *value = Value::from(found.remove(0));
                    }
                }
            } else if schema.get("items").is_some_and(is_address) {
                if let Some(list) = self.whole_list(value) {
                    *value = list;
                    continue;
                }
                let all = match value {
                    Value::Array(items) => std::mem::take(items),
                    Value::String(text) if text.contains("{{") => vec![Value::from(std::mem::take(text))],
                    Value::String(text) => text.split(',').map(|one| Value::from(one.trim())).collect(),
                    _ => continue,
                };
                *value = all.into_iter().flat_map(|item| self.item(item)).collect();
            }
        }
    }

    /// The template that alone stands for all of a list: inside of a list it would be a list in a list.
    fn whole_list(&self, value: &Value) -> Option<Value> {
        let only = match value {
            Value::Array(items) => items.first().filter(|_| items.len() == 1)?,
            other => other,
        };
        let expression = only.as_str()?.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
        let is_list = self.lists.iter().any(|id| id == expression) || expression.contains("map(");
        (is_list && !expression.contains("}}")).then(|| only.clone())
    }

    fn item(&mut self, item: Value) -> Vec<Value> {
        match item.as_str().filter(|text| is_name(text)) {
            Some(text) => self.addresses(text).into_iter().map(Value::from).collect(),
            None => vec![item],
        }
    }

    /// The addresses that a name stands for, or the question about it.
    fn addresses(&mut self, text: &str) -> Vec<String> {
        let found = self.named(text);
        if found.is_empty() {
            let members = self.contacts.iter().filter(|contact| contact.groups.iter().any(|group| same(group, text)));
            let members: Vec<&Contact> = members.collect();
            if !members.is_empty() {
                let each = members.into_iter().map(|member| (member.email.clone(), member.name.as_str()));
                return each.map(|(email, name)| email.unwrap_or_else(|| self.ask(name, &[]))).collect();
            }
        }
        match found.as_slice() {
            [] => vec![self.ask(text, &[])],
            [one] => vec![one.email.clone().unwrap_or_else(|| self.ask(&one.name, &[]))],
            // Which is meant is the person's to say.
            several => vec![self.ask(text, several)],
        }
    }

    /// Who goes by this name, alias or relation.
    fn named(&self, text: &str) -> Vec<&'a Contact> {
        let fits = |contact: &&Contact| {
            let names = std::iter::once(&contact.name).chain(&contact.aliases).chain(&contact.relation);
            names.into_iter().any(|name| same(name, text))
        };
        let whole: Vec<&Contact> = self.contacts.iter().filter(fits).collect();
        if !whole.is_empty() {
            return whole;
        }
        let first = |contact: &&Contact| contact.name.split_whitespace().next().is_some_and(|name| same(name, text));
        self.contacts.iter().filter(first).collect()
    }

    /// A question for the address that goes by a name, of one of these or of somebody unknown.
    fn ask(&mut self, name: &str, among: &[&Contact]) -> String {
        if let Some(asked) = self.asked.iter().find(|asked| same(&asked.name, name)) {
            return format!("{{{{ {} }}}}", asked.id);
        }
        if self.asked.len() >= ASKED_MAX {
            // What is left as it is has a fault, which is told.
            return name.to_owned();
        }
        let id = format!("address_{}", self.asked.len() + 1);
        let options = among.iter().enumerate().filter_map(|(n, contact)| {
            let email = contact.email.as_ref()?;
            Some(json!({"id": (n + 1).to_string(), "name": contact.name, "description": email, "value": email}))
        });
        let options: Vec<Value> = options.collect();
        let stage = if options.is_empty() {
            let question = format!("What is the mail address of {name}?");
            json!({"id": id, "type": "clarification", "answer": "email", "question": question})
        } else {
            json!({"id": id, "type": "selection", "question": format!("Which {name} do you mean?"), "options": options})
        };
        let answer = format!("{{{{ {id} }}}}");
        self.asked.push(Asked { name: name.to_owned(), id, stage });
        answer
    }
}

/// Whether a schema is of a mail address.
fn is_address(schema: &Value) -> bool {
    let has =
        |field: &str, wanted: &str| schema.get(field).and_then(Value::as_str).is_some_and(|text| text.contains(wanted));
    has("type", "string") && (has("pattern", "@") || has("format", "email"))
}

/// Whether a text may be somebody's name: no address and no template.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.trim_start_matches('@').contains('@') && !text.contains("{{")
}

/// Whether two names are the same, `my`, `the` and `@` aside.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().trim_start_matches('@').to_lowercase();
        let text = text.strip_prefix("group:").unwrap_or(&text).trim();
        let known = ["my ", "the ", "all "].iter().find_map(|word| text.strip_prefix(word));
        known.unwrap_or(text).trim().to_owned()
    };
    plain(one) == plain(other)
}
