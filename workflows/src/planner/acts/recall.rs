//! Tells what is remembered: `what do you know about my wife?`.

use serde_json::{Map, Value};

use super::remember::said;
use super::{Act, Head};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Tells what is remembered.
pub(super) struct Recall;

/// Longest text that is looked for.
const QUERY_CHARS_MAX: usize = 200;
/// Who means everything: there is no word to look for.
const ALL: &[&str] = &["me", "us", "myself", "everything", "anything"];

const ABOUT: &[&str] = &[
    "what do you know about",
    "what do you remember about",
    "what do you remember of",
    "what did i tell you about",
    "what have i told you about",
    "what did i say about",
    "what did i ask you about",
    "what have i asked you about",
    "tell me what you know about",
    "tell me what you remember about",
    "tell me what i told you about",
    "show me what you know about",
    "show me what you remember about",
    "do you remember anything about",
    "do you remember what i said about",
    "do you remember what i told you about",
    "do you remember",
    "recall what i told you about",
    "recall what i said about",
];
const EVERYTHING: &[&str] = &[
    "what do you remember",
    "what do you know",
    "what did i tell you",
    "what have i told you",
    "tell me what you remember",
    "show me what you remember",
    "list what you remember",
    "show what you remember",
    "show my memories",
    "list my memories",
];

impl Act for Recall {
    fn kind(&self) -> &'static str {
        "recall"
    }

    fn action(&self) -> &'static str {
        "memory.recall"
    }

    fn offer(&self) -> &'static str {
        "tell you what I remember: “what do you know about my wife?”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, ABOUT).filter(|next| *next < tokens.len()) {
            return Some(Head::weak(next));
        }
        let next = any_phrase(tokens, at, EVERYTHING)?;
        let ends = next == tokens.len() || is_any(tokens, next, &["?", ".", "!"]);
        ends.then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        want.about = said(clause).filter(|about| !ALL.contains(&about.to_lowercase().as_str()));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("memories");
        look(&id, want, draft);
        draft.titles.push(match &want.about {
            Some(about) => format!("What I remember about “{about}”"),
            None => "What I remember".to_owned(),
        });
    }
}

/// Looks for what the want is about.
pub(super) fn look(id: &str, want: &Want, draft: &mut Draft<'_>) {
    let query = want.about.as_ref().map(|about| phrase::literal(&phrase::shortened(about, QUERY_CHARS_MAX)));
    let params: Map<String, Value> = query.map(|query| ("query".to_owned(), Value::from(query))).into_iter().collect();
    draft.execute(id, "Look into the memory", Recall.action(), params);
}
