//! Looks somebody up in the address book: `what is Bob's number?`.

use serde_json::{Map, Value};

use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Looks up a contact.
pub(super) struct FindContact;

/// How many words after the question may name the contact.
const WORDS_MAX: usize = 6;
const WHAT: &[&str] =
    &["email", "number", "address", "phone", "mail", "contact", "contacts", "telephone", "e", "details"];

impl Act for FindContact {
    fn kind(&self) -> &'static str {
        "find_contact"
    }

    fn action(&self) -> &'static str {
        "contacts.find_contact"
    }

    fn offer(&self) -> &'static str {
        "look somebody up: “what is Bob's number?”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        let sure = any_phrase(
            tokens,
            at,
            &[
                "find contact",
                "find the contact",
                "look up contact",
                "search contact",
                "search contacts for",
                "show contact",
                "who is",
            ],
        );
        if let Some(next) = sure {
            return (next < tokens.len()).then(|| Head::weak(next));
        }
        let next = any_phrase(
            tokens,
            at,
            &["what is", "what's", "find", "look up", "show me", "show", "give me", "do i have"],
        )?;
        let asks = (next..tokens.len().min(next + WORDS_MAX)).any(|at| is_any(tokens, at, WHAT));
        asks.then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let words: Vec<&str> = clause.tokens[clause.body..]
            .iter()
            .filter(|token| {
                !token.is_any(WHAT)
                    && !token.is_any(&["the", "of", "for", "in", "my", "mail", "?", ".", "contacts", "a"])
            })
            .map(|token| token.text)
            .collect();
        let name = words.join(" ").replace("'s", "").replace("\u{2019}s", "");
        want.title = want.title.or_else(|| naming::title(&name));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("found");
        let query = if let Some(name) = &want.title {
            phrase::literal(name)
        } else {
            let ask = draft.id(&format!("{id}_name"));
            draft.ask(&ask, "Whom shall I look up?", AnswerType::Text, Vec::new());
            format!("{{{{ {ask} }}}}")
        };
        let mut params = Map::new();
        params.insert("query".to_owned(), Value::from(query));
        draft.titles.push("A look into your contacts".to_owned());
        draft.execute(&id, "Look into your contacts", self.action(), params);
    }
}
