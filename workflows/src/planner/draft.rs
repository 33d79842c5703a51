//! A plan in the making: questions first, then the acts, with ids that stay the same when the
//! request is planned again.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::{Map, Value, json};

use super::answer::local;
use super::entities::Moment;
use super::entities::people::Party;
use super::phrase;
use super::want::Want;
use crate::ids::StageId;
use crate::person::{Contact, Person};
use crate::plan::{AnswerType, Choose, Clarification, Execution, OnFailure, OptionSpec, STAGES_MAX, Stage, StageKind};

/// A stage id's longest form is 40; this leaves room for a number.
const SLUG_CHARS_MAX: usize = 24;
/// Longest question, before braces in it are written as literals.
const QUESTION_CHARS_MAX: usize = 500;
/// Longest stage title.
const TITLE_CHARS_MAX: usize = 160;
/// What the key of a known person begins with; no name holds it.
const ADDRESS_OF: &str = "\u{0}address of ";
/// Options of one question.
const OPTIONS_MAX: usize = 100;

/// Somebody with an address, which may be a template over an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// What they are called, safe as a template; `None` when only the address is known.
    pub name: Option<String>,
    /// The address, safe as a template.
    pub address: String,
    /// Whether the address is known already.
    pub is_known: bool,
}

/// Somebody's name, which may be a template over an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// For titles.
    pub shown: String,
    /// Safe as a template.
    pub written: String,
}

/// A meeting that this plan makes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The stage that makes it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it is, in full.
    pub when: Option<String>,
}

/// A plan in the making.
pub struct Draft<'a> {
    /// Who asks.
    pub person: &'a Person,
    /// The moment of the request.
    pub moment: Moment,
    /// The address book.
    pub contacts: &'a [Contact],
    /// The meeting that mails of this plan link to.
    pub link: Option<Link>,
    /// A title given later: `call it Budget review`.
    pub renamed: Option<String>,
    /// `slots` of the plan.
    pub slots: Map<String, Value>,
    /// What the plan does, for its title.
    pub titles: Vec<String>,
    asks: Vec<Stage>,
    acts: Vec<Stage>,
    ids: HashSet<String>,
    known: HashMap<String, Recipient>,
    times: HashMap<NaiveDate, String>,
}

impl<'a> Draft<'a> {
    /// An empty plan.
    pub fn new(person: &'a Person, moment: Moment, contacts: &'a [Contact]) -> Self {
        Self {
            person,
            moment,
            contacts,
            link: None,
            renamed: None,
            slots: Map::new(),
            titles: Vec::new(),
            asks: Vec::new(),
            acts: Vec::new(),
            ids: HashSet::new(),
            known: HashMap::new(),
            times: HashMap::new(),
        }
    }

    /// All stages: the questions, then the acts.
    pub fn into_stages(self) -> (Vec<Stage>, Map<String, Value>, Vec<String>) {
        (self.asks.into_iter().chain(self.acts).collect(), self.slots, self.titles)
    }

    /// A fresh id: the base, else the base with a number.
    pub fn id(&mut self, base: &str) -> String {
        let base =
            if base.starts_with(|c: char| c.is_ascii_lowercase()) { base.to_owned() } else { format!("s_{base}") };
        let free = (1..=STAGES_MAX)
            .map(|n| if n == 1 { base.clone() } else { format!("{base}_{n}") })
            .find(|id| !self.ids.contains(id));
        let id = free.unwrap_or(base);
        self.ids.insert(id.clone());
        id
    }

    /// The person's own entry in the address book.
    pub fn own_contact(&self) -> Option<&'a Contact> {
        let is_own = |relation: &String| ["me", "myself", "self"].contains(&relation.to_lowercase().as_str());
        let named = |contact: &&Contact| contact.name.eq_ignore_ascii_case(self.person.name.trim());
        let related = |contact: &&Contact| contact.relation.as_ref().is_some_and(is_own);
        self.contacts.iter().find(related).or_else(|| self.contacts.iter().find(named))
    }

    /// Adds a question before all acts.
    pub fn ask(&mut self, id: &str, question: &str, answer: AnswerType, suggestions: Vec<String>) {
        let kind = Clarification {
            question: phrase::literal(&phrase::shortened(question, QUESTION_CHARS_MAX)),
            answer,
            suggestions,
            optional: false,
            default: None,
            expires_in: None,
        };
        self.asks.push(stage(id, None, StageKind::Clarification(kind)));
    }

    /// Adds an act.
    pub fn execute(&mut self, id: &str, title: &str, action: &str, params: Map<String, Value>) {
        self.acts.push(execution(id, title, action, params, None));
    }

    /// Adds an act that runs once per item.
    pub fn execute_each(&mut self, id: &str, title: &str, action: &str, params: Map<String, Value>, list: String) {
        self.acts.push(execution(id, title, action, params, Some(list)));
    }

    /// Adds any stage among the acts.
    pub fn push(&mut self, stage: Stage) {
        self.acts.push(stage);
    }

    /// When an act starts, as a template; asks for what is missing or past.
    pub fn starts_at(&mut self, want: &Want, base: &str, what: &str) -> String {
        let moment = self.moment;
        let Some(when) = want.when.as_ref().filter(|when| !when.is_past()) else {
            let past = want.when.as_ref().map(|when| format!("{} is in the past. ", phrase::date(when.date(&moment))));
            let question = format!("{}When shall {what} be?", past.unwrap_or_default());
            return self.ask_when(base, &question);
        };
        let spans_days = when.day.is_some_and(|day| day.first.succ_opt() != Some(day.end));
        if spans_days {
            return self.ask_when(base, &format!("On which day and at what time shall {what} be?"));
        }
        if let Some(start) = when.start(&moment) {
            if start < moment.local() && when.instant.is_none() {
                return self.ask_when(base, &format!("{} is already over. When shall {what} be?", clock_of(start)));
            }
            return local(start);
        }
        let day = when.date(&moment);
        if let Some(id) = self.times.get(&day) {
            // Asked already for another act of that day.
            return format!("{}T{{{{ {id} }}}}", day.format("%Y-%m-%d"));
        }
        let id = self.id(&format!("{base}_time"));
        self.times.insert(day, id.clone());
        self.ask(
            &id,
            &format!("At what time on {} shall {what} be?", phrase::date(day)),
            AnswerType::Time,
            ["10:00", "15:00", "18:00"].map(str::to_owned).to_vec(),
        );
        format!("{}T{{{{ {id} }}}}", day.format("%Y-%m-%d"))
    }

    fn ask_when(&mut self, base: &str, question: &str) -> String {
        let id = self.id(&format!("{base}_when"));
        let days: Vec<String> = (3..=4)
            .filter_map(|ahead| self.moment.local().date().checked_add_signed(TimeDelta::days(ahead)))
            .map(|day| format!("{} at 15:00", day.format("%A")))
            .collect();
        let suggestions = std::iter::once("tomorrow at 10:00".to_owned()).chain(days).collect();
        self.ask(&id, question, AnswerType::Datetime, suggestions);
        format!("{{{{ {id} }}}}")
    }

    /// Everyone of these with an address; asks who is meant, which of several addresses of one
    /// person, and for addresses nobody knows. Of a group everyone's usual address is taken.
    pub fn recipients(&mut self, parties: &[Party]) -> Vec<Recipient> {
        let mut all: Vec<Recipient> = Vec::new();
        for party in parties {
            let some = match party {
                Party::Contact(contact) if contact.mail_addresses().nth(1).is_some() => {
                    vec![self.which_address(contact)]
                }
                Party::Contact(contact) => vec![self.contact(contact)],
                Party::Group { members, .. } => members.iter().map(|contact| self.contact(contact)).collect(),
                Party::Address(address) => {
                    vec![Recipient { name: None, address: phrase::literal(address), is_known: true }]
                }
                Party::Ambiguous { name, candidates } => vec![self.which(name, candidates)],
                Party::Unknown(name) => vec![self.address_of(name)],
            };
            for one in some {
                if !all.iter().any(|other| other.address == one.address) {
                    all.push(one);
                }
            }
        }
        all
    }

    fn contact(&mut self, contact: &Contact) -> Recipient {
        match contact.mail_addresses().next() {
            Some(email) => Recipient {
                name: Some(phrase::literal(&contact.name)),
                address: phrase::literal(email),
                is_known: true,
            },
            None => self.address_of(&contact.name),
        }
    }

    fn address_of(&mut self, name: &str) -> Recipient {
        if let Some(found) = self.known.get(name) {
            return found.clone();
        }
        let id = self.id(format!("address_{}", phrase::slug(name, SLUG_CHARS_MAX)).trim_end_matches('_'));
        self.ask(&id, &format!("What is the mail address of {name}?"), AnswerType::Email, Vec::new());
        let found =
            Recipient { name: Some(phrase::literal(name)), address: format!("{{{{ {id} }}}}"), is_known: false };
        self.known.insert(name.to_owned(), found.clone());
        found
    }

    fn which_address(&mut self, contact: &Contact) -> Recipient {
        let key = format!("{ADDRESS_OF}{}", contact.id);
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let id = self.id(format!("address_{}", phrase::slug(&contact.name, SLUG_CHARS_MAX)).trim_end_matches('_'));
        let options = contact.mail_addresses().take(OPTIONS_MAX).enumerate().map(|(n, email)| OptionSpec {
            id: format!("address_{}", n + 1),
            name: email.to_owned(),
            description: None,
            value: Some(json!({"name": contact.name, "email": email})),
        });
        let question = phrase::literal(&format!("Which address of {} do you mean?", contact.name));
        let kind = StageKind::Selection(choose(question, options.collect(), None));
        self.asks.push(stage(&id, None, kind));
        let found = Recipient {
            name: Some(phrase::literal(&contact.name)),
            address: format!("{{{{ {id}.email }}}}"),
            is_known: false,
        };
        self.known.insert(key, found.clone());
        found
    }

    fn which(&mut self, name: &str, candidates: &[Contact]) -> Recipient {
        if let Some(found) = self.known.get(name) {
            return found.clone();
        }
        let options: Vec<OptionSpec> = candidates.iter().flat_map(options).take(OPTIONS_MAX).collect();
        let reachable = candidates.iter().filter(|one| one.mail_addresses().next().is_some()).count();
        if reachable < candidates.len().min(2) {
            return self.address_of(name);
        }
        let id = self.id(format!("who_{}", phrase::slug(name, SLUG_CHARS_MAX)).trim_end_matches('_'));
        let question = phrase::literal(&format!("Which {name} do you mean?"));
        self.asks.push(stage(&id, None, StageKind::Selection(choose(question, options, None))));
        let found = Recipient {
            name: Some(format!("{{{{ {id}.name }}}}")),
            address: format!("{{{{ {id}.email }}}}"),
            is_known: false,
        };
        self.known.insert(name.to_owned(), found.clone());
        found
    }

    /// The names of these people; asks who is meant where several fit.
    pub fn names(&mut self, parties: &[Party]) -> Vec<Named> {
        let named = |name: &str| Named { shown: name.to_owned(), written: phrase::literal(name) };
        let mut all: Vec<Named> = Vec::new();
        for party in parties {
            let some = match party {
                Party::Contact(contact) => vec![named(&contact.name)],
                Party::Group { members, .. } => members.iter().map(|member| named(&member.name)).collect(),
                Party::Unknown(name) => vec![named(name)],
                Party::Ambiguous { name, candidates } => vec![self.which_name(name, candidates)],
                Party::Address(_) => Vec::new(),
            };
            for one in some {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        all
    }

    fn which_name(&mut self, name: &str, candidates: &[Contact]) -> Named {
        let id = self.id(format!("who_{}", phrase::slug(name, SLUG_CHARS_MAX)).trim_end_matches('_'));
        let options = candidates.iter().take(OPTIONS_MAX).map(|one| OptionSpec {
            id: one.id.as_str().to_owned(),
            name: one.name.clone(),
            description: one.mail_addresses().next().map(str::to_owned),
            value: Some(json!({"name": one.name})),
        });
        let question = phrase::literal(&format!("Which {name} do you mean?"));
        let kind = StageKind::Selection(choose(question, options.collect(), None));
        self.asks.push(stage(&id, None, kind));
        Named { shown: name.to_owned(), written: format!("{{{{ {id}.name }}}}") }
    }

    /// Lets the person choose among contacts; gives the id of the stage, whose result is a list of
    /// `{name, email}`.
    pub fn choose_people(&mut self, base: &str, question: &str, parties: &[Party]) -> Option<String> {
        let mut people: Vec<&Contact> = Vec::new();
        for party in parties {
            match party {
                Party::Group { members, .. } => people.extend(members),
                Party::Contact(contact) => people.push(contact),
                Party::Ambiguous { candidates, .. } => people.extend(candidates),
                Party::Address(_) | Party::Unknown(_) => {}
            }
        }
        let options: Vec<OptionSpec> =
            people.into_iter().filter_map(|one| options(one).next()).take(OPTIONS_MAX).collect();
        if options.is_empty() {
            return None;
        }
        let id = self.id(&format!("{base}_people"));
        let kind = StageKind::MultiSelect(choose(phrase::literal(question), options, Some(1)));
        self.asks.push(stage(&id, None, kind));
        Some(id)
    }
}

fn clock_of(at: NaiveDateTime) -> String {
    format!("{} at {}", phrase::date(at.date()), phrase::clock(at.time()))
}

/// One option for each address of somebody; the usual address has the contact's own id.
fn options(contact: &Contact) -> impl Iterator<Item = OptionSpec> {
    contact.mail_addresses().enumerate().map(|(n, email)| OptionSpec {
        id: if n == 0 { contact.id.as_str().to_owned() } else { format!("{}_{}", contact.id, n + 1) },
        name: contact.name.clone(),
        description: Some(email.to_owned()),
        value: Some(json!({"name": contact.name, "email": email})),
    })
}

fn choose(question: String, options: Vec<OptionSpec>, min: Option<usize>) -> Choose {
    Choose { question, options: Some(options), options_from: None, option: None, min, max: None, expires_in: None }
}

/// A stage of these parts.
pub fn stage(id: &str, title: Option<String>, kind: StageKind) -> Stage {
    Stage { id: StageId::from(id), title, needs: None, kind }
}

/// An execution stage.
pub fn execution(id: &str, title: &str, action: &str, params: Map<String, Value>, for_each: Option<String>) -> Stage {
    let kind =
        Execution { action: action.to_owned(), params, for_each, on_failure: OnFailure::Default, timeout_secs: None };
    stage(id, Some(phrase::shortened(title, TITLE_CHARS_MAX)), StageKind::Execution(kind))
}
