//! Keeps a fact: `remember that my wife is vegetarian`.

use serde_json::{Map, Value};

use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::tokens::Kind;
use crate::planner::want::{Message, Tone, Want};
use crate::planner::{mentions, naming, phrase};

/// Keeps a fact.
pub(super) struct Remember;

/// Longest part of a fact that titles show.
const SHOWN_CHARS_MAX: usize = 60;
/// Words behind a bare `remember` that make a sentence: `remember my passport` is none.
const SENTENCE_WORDS_MIN: usize = 4;

const SURE: &[&str] = &[
    "remember that",
    "remember :",
    "remember this :",
    "remember the following :",
    "remember the fact that",
    "keep in mind that",
    "bear in mind that",
    "don't forget that",
    "do not forget that",
    "never forget that",
    "memorise that",
    "memorize that",
];
/// Said to others, too: `book a table, note that we need a high chair`.
const NOTES: &[&str] = &[
    "note that",
    "note down that",
    "take note that",
    "take a note that",
    "make a note that",
    "note :",
    "take a note :",
    "make a note :",
];
/// What a sentence about oneself begins with.
const STARTS: &[&str] = &["my", "our", "i", "i'm", "i've", "we", "we're", "he", "she", "they", "his", "her", "their"];

impl Act for Remember {
    fn kind(&self) -> &'static str {
        "remember"
    }

    fn action(&self) -> &'static str {
        "memory.remember"
    }

    fn offer(&self) -> &'static str {
        "remember what you tell me: “remember that my wife is vegetarian”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if tokens.last().is_some_and(|last| last.is("?")) {
            // "Remember that I told you about Rome?"
            return None;
        }
        if let Some(next) = any_phrase(tokens, at, SURE) {
            return Some(Head::strong(next));
        }
        if let Some(next) = any_phrase(tokens, at, NOTES) {
            return Some(Head::weak(next));
        }
        let next =
            any_phrase(tokens, at, &["remember", "don't forget"]).filter(|next| is_any(tokens, *next, STARTS))?;
        let words = tokens[next..].iter().take_while(|token| matches!(token.kind, Kind::Word | Kind::Number)).count();
        (words >= SENTENCE_WORDS_MIN).then(|| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        let said = said(clause).map(|said| phrase::capitalised(&said));
        want.message = said.map(|said| Message { tone: Tone::Statement, full: said.clone(), said });
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("memory");
        let (text, what) = if let Some(message) = &want.message {
            let shown = phrase::shortened(&message.said, SHOWN_CHARS_MAX);
            (phrase::literal(&message.said), format!("Remember “{shown}”"))
        } else {
            let ask = draft.id(&format!("{id}_text"));
            draft.ask(&ask, "What shall I remember?", AnswerType::Text, Vec::new());
            (format!("{{{{ {ask} }}}}"), "Remember something".to_owned())
        };
        let params = Map::from_iter([("text".to_owned(), Value::from(text))]);
        draft.titles.push(what.clone());
        draft.execute(&id, &what, self.action(), params);
    }
}

/// What the clause says behind its head, in the person's own words.
pub(super) fn said(clause: &Clause<'_>) -> Option<String> {
    let (body, end) = (clause.body, clause.end());
    let text = match clause.tokens.get(body..end) {
        Some([only]) if only.kind == Kind::Quoted => only.text.to_owned(),
        Some(_) | None => {
            let start = if is(clause.tokens, body, ":") { body + 1 } else { body };
            mentions::text_without(clause.text, clause.tokens, (start, end), &[])
        }
    };
    let text = text.trim().trim_matches([',', ':']).trim_end_matches(['.', '!', '?']).trim();
    naming::title(text)?;
    Some(text.to_owned())
}
