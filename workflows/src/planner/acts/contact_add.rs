//! Adds somebody to the address book: `add contact Dana dana@x.org`.

use serde_json::{Map, Value, json};

use super::{Act, Head, contact_words};
use crate::person::Contact;
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, Named};
use crate::planner::entities::people::{self, Party};
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::mentions::{self, Found, Mention};
use crate::planner::tokens::Kind;
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Adds a contact.
pub(super) struct AddContact;

/// How many words after the verb may name the contact.
const WORDS_MAX: usize = 24;
const CONTACTS: &[&str] = &["contacts", "contact", "address book"];

impl Act for AddContact {
    fn kind(&self) -> &'static str {
        "add_contact"
    }

    fn action(&self) -> &'static str {
        "contacts.add_contact"
    }

    fn offer(&self) -> &'static str {
        "keep your contacts: “add contact Dana dana@x.org”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        let plain = any_phrase(
            tokens,
            at,
            &[
                "add a new contact",
                "add a contact",
                "add contact",
                "add new contact",
                "new contact",
                "create a contact",
                "create contact",
                "save contact",
                "save the contact",
                "save a contact",
                "add the contact",
            ],
        );
        if let Some(next) = plain {
            return Some(Head::strong(next));
        }
        let next = any_phrase(tokens, at, &["add", "save", "put", "store", "remember", "note"])?;
        let end = sentence_end(tokens, next);
        let book = (next..end).any(|at| {
            any_phrase(tokens, at, CONTACTS).is_some() && is_any(tokens, at - 1, &["my", "to", "the", "a", "as", "new"])
        });
        let fits = book
            || contact_words::groups(tokens, next + 1, end).is_some()
            || contact_words::says_whose(tokens, next, end);
        fits.then(|| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let (tokens, body, end) = (clause.tokens, clause.body, clause.end());
        let is_way = |mention: &&Mention| matches!(mention.found, Found::Phone(_) | Found::Party(Party::Address(_)));
        let mut drop: Vec<(usize, usize)> =
            clause.mentions.iter().filter(is_way).map(|mention| (mention.start, mention.end)).collect();
        let has_way = !drop.is_empty();
        if let Some(groups) = contact_words::groups(tokens, body, end) {
            want.groups = groups.names.iter().map(|name| contact_words::as_known(name, clause.contacts)).collect();
            drop.push((groups.start, groups.end));
        }
        let inside = |drop: &[(usize, usize)], at: usize| drop.iter().any(|(from, to)| (*from..*to).contains(&at));
        if !has_way && !want.groups.is_empty() {
            let (people, next, _) = clause.people(body);
            if !people.is_empty() && (next == end || inside(&drop, next)) {
                // "add Bob and my wife to the family group": they are known, or at least their names are.
                want.parties = people;
                want.title = None;
                return want;
            }
        }
        if let Some((relation, from, to)) =
            contact_words::relation(tokens, body, end).filter(|(_, from, _)| !inside(&drop, *from))
        {
            want.about = Some(relation);
            drop.push((from, to));
        }
        for at in body..end {
            if let Some(next) = any_phrase(tokens, at, contact_words::NOISE) {
                drop.push((at, next));
            }
            if is_any(tokens, at, &["(", ")", ":", "<", ">", ",", ";", "as", "my", "is", "+"])
                && tokens[at].kind != Kind::Quoted
            {
                drop.push((at, at + 1));
            }
        }
        let name = mentions::text_without(clause.text, tokens, (body, end), &drop);
        want.title = want.title.or_else(|| naming::title(&name)).map(|name| whose(&name, clause.contacts));
        want.phones = more_phones(clause, want.phone.as_deref());
        want.parties.retain(|party| matches!(party, Party::Address(_)));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let known = want.parties.iter().any(|party| !matches!(party, Party::Address(_)));
        if known {
            for name in draft.names(&want.parties) {
                keep(want, &name, draft);
            }
            return;
        }
        let name = if let Some(name) = &want.title {
            Named { shown: name.clone(), written: phrase::literal(name) }
        } else {
            let ask = draft.id("contact_name");
            draft.ask(&ask, "What is the contact's name?", AnswerType::Text, Vec::new());
            Named { shown: "a contact".to_owned(), written: format!("{{{{ {ask} }}}}") }
        };
        keep(want, &name, draft);
    }
}

/// Adds one contact.
fn keep(want: &Want, name: &Named, draft: &mut Draft<'_>) {
    let id = draft.id("contact");
    let mut params = Map::new();
    params.insert("name".to_owned(), json!(name.written));
    if let Some(relation) = &want.about {
        params.insert("relation".to_owned(), Value::from(relation.as_str()));
    }
    let mut mails = want.parties.iter().filter_map(|party| match party {
        Party::Address(address) => Some(phrase::literal(address)),
        Party::Contact(_) | Party::Ambiguous { .. } | Party::Group { .. } | Party::Unknown(_) => None,
    });
    if let Some(first) = mails.next() {
        params.insert("email".to_owned(), Value::from(first));
    }
    let groups = want.groups.iter().map(|group| phrase::literal(group));
    if let Some(phone) = &want.phone {
        params.insert("phone".to_owned(), Value::from(phone.as_str()));
    }
    let lists: [(&str, Vec<String>); 3] =
        [("emails", mails.collect()), ("phones", want.phones.clone()), ("groups", groups.collect())];
    for (field, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        params.insert(field.to_owned(), json!(list));
    }
    let shown = &name.shown;
    draft.titles.push(format!("Contact {shown}"));
    let title = match want.groups.as_slice() {
        [] => format!("Add {shown} to your contacts"),
        groups => format!("Add {shown} to your contacts, in {}", phrase::row(groups)),
    };
    draft.execute(&id, &title, AddContact.action(), params);
}

/// The end of the sentence, or of what is looked at.
fn sentence_end(tokens: Tokens<'_, '_>, from: usize) -> usize {
    let end = tokens.len().min(from + WORDS_MAX);
    let stops = |at: &usize| is_any(tokens, *at, &[";", "!", "?"]) || (is(tokens, *at, ".") && !tokens[*at].glued);
    (from..end).find(stops).unwrap_or(end)
}

/// `Bob's` is Bob, by the name the address book has for him.
fn whose(name: &str, contacts: &[Contact]) -> String {
    let Some(stem) = ["'s", "\u{2019}s"].iter().find_map(|ending| name.strip_suffix(ending)) else {
        return name.to_owned();
    };
    match people::look_up(stem, contacts).as_slice() {
        [one] => one.name.clone(),
        _ => stem.to_owned(),
    }
}

fn more_phones(clause: &Clause<'_>, first: Option<&str>) -> Vec<String> {
    let all = clause.mentions.iter().filter_map(|mention| match &mention.found {
        Found::Phone(phone) => Some(phone.clone()),
        Found::When(_)
        | Found::Length(_)
        | Found::Repeat(_)
        | Found::Party(_)
        | Found::Place(_)
        | Found::Provider(_) => None,
    });
    all.filter(|phone| Some(phone.as_str()) != first).collect()
}
