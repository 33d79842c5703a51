//! Adds somebody to the address book: `add contact Dana dana@x.org`.

use serde_json::{Map, Value, json};

use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::people::Party;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::mentions::{self, Found};
use crate::planner::tokens::Kind;
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Adds a contact.
pub(super) struct AddContact;

/// How many words after the verb may name the contact.
const WORDS_MAX: usize = 24;
const RELATIONS: &[&str] = &[
    "wife",
    "husband",
    "partner",
    "mother",
    "father",
    "mom",
    "mum",
    "dad",
    "sister",
    "brother",
    "son",
    "daughter",
    "boss",
    "colleague",
    "friend",
    "doctor",
    "dentist",
    "lawyer",
    "neighbour",
    "neighbor",
    "landlord",
    "accountant",
];

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
        let next = any_phrase(tokens, at, &["add", "save", "put"])?;
        let book = (next..tokens.len().min(next + WORDS_MAX)).any(|at| {
            is_any(tokens, at, &["contacts", "contact"])
                && is_any(tokens, at - 1, &["my", "to", "the", "a", "as", "new"])
        });
        book.then(|| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let mut drop: Vec<(usize, usize)> = clause
            .mentions
            .iter()
            .filter(|mention| matches!(mention.found, Found::Phone(_) | Found::Party(Party::Address(_))))
            .map(|mention| (mention.start, mention.end))
            .collect();
        for at in clause.body..clause.end() {
            let noise = any_phrase(
                clause.tokens,
                at,
                &[
                    "to my contacts",
                    "to the contacts",
                    "to contacts",
                    "as a contact",
                    "as contact",
                    "with email",
                    "with the email",
                    "with the address",
                    "with number",
                    "email",
                    "phone",
                    "number",
                    "mail",
                    "address",
                    "named",
                    "called",
                    "with",
                ],
            );
            if let Some(next) = noise {
                drop.push((at, next));
            }
            if is_any(clause.tokens, at, RELATIONS) {
                want.about = Some(clause.tokens[at].lower.clone());
                let start = if at > clause.body && is_any(clause.tokens, at - 1, &["my", "a"]) { at - 1 } else { at };
                drop.push((start, at + 1));
            }
            if is_any(clause.tokens, at, &["(", ")", ":", "<", ">", ",", ";", "as", "my", "is"])
                && clause.tokens[at].kind != Kind::Quoted
            {
                drop.push((at, at + 1));
            }
        }
        let name = mentions::text_without(clause.text, clause.tokens, (clause.body, clause.end()), &drop);
        want.title = want.title.or_else(|| naming::title(&name));
        want.parties.retain(|party| matches!(party, Party::Address(_)));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("contact");
        let mut params = Map::new();
        let name = if let Some(name) = &want.title {
            phrase::literal(name)
        } else {
            let ask = draft.id(&format!("{id}_name"));
            draft.ask(&ask, "What is the contact's name?", AnswerType::Text, Vec::new());
            format!("{{{{ {ask} }}}}")
        };
        params.insert("name".to_owned(), json!(name));
        if let Some(relation) = &want.about {
            params.insert("relation".to_owned(), Value::from(relation.as_str()));
        }
        if let Some(Party::Address(address)) = want.parties.first() {
            params.insert("email".to_owned(), Value::from(phrase::literal(address)));
        }
        if let Some(phone) = &want.phone {
            params.insert("phone".to_owned(), Value::from(phone.as_str()));
        }
        let shown = want.title.clone().unwrap_or_else(|| "a contact".to_owned());
        draft.titles.push(format!("Contact {shown}"));
        draft.execute(&id, &format!("Add {shown} to your contacts"), self.action(), params);
    }
}
