//! Searches the web: `search the web for …`, `google …`, `look up … online`.

use serde_json::{Map, Value};

use super::errand_ask::ask;
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::errand::{self, Errand};
use crate::planner::want::Want;
use crate::planner::{mentions, phrase};

/// Searches the web.
pub(super) struct Web;

const BEFORE: &[&str] = &[
    "search the web for",
    "search the internet for",
    "search the net for",
    "search on the web for",
    "search on the internet for",
    "search online for",
    "search the web about",
    "search the web",
    "search the internet",
    "do a web search for",
    "do a web search on",
    "do a google search for",
    "make a web search for",
    "web search for",
    "web search",
    "search google for",
    "search on google for",
    "look on the internet for",
    "look on the web for",
    "look online for",
    "check online for",
    "find out online",
    "google for",
    "google",
];
/// Things of that name that are no search.
const GOOGLES: &[&str] = &[
    "meet", "calendar", "maps", "docs", "drive", "doc", "sheet", "sheets", "hangouts", "account", "is", "has", "mail",
];
const VERBS: &[&str] = &[
    "look up",
    "search for",
    "search",
    "find out",
    "find me",
    "find",
    "look for",
    "check",
    "look",
    "what does the internet say about",
];
const BEHIND: &[&str] =
    &["online", "on the web", "on the internet", "on the net", "on google", "in the web", "in the internet"];

/// The position of `online` and its like, when it ends a sentence.
fn behind(tokens: Tokens<'_, '_>, from: usize) -> Option<usize> {
    /// Words of the longest query with the mark behind it.
    const WORDS_MAX: usize = 60;
    let ends = |at: usize| {
        tokens.get(at).is_none_or(|token| token.is_any(&[".", "!", "?", ";", ",", "and", "then", "please"]))
    };
    let sentence = |at: &usize| {
        !(is_any(tokens, *at, &[";", "!", "?"])
            || (is(tokens, *at, ".") && tokens.get(at + 1).is_some_and(|next| !next.glued)))
    };
    let within = (from..tokens.len().min(from + WORDS_MAX)).take_while(sentence);
    within.filter(|at| *at > from).find(|at| any_phrase(tokens, *at, BEHIND).is_some_and(ends))
}

impl Act for Web {
    fn kind(&self) -> &'static str {
        "search_web"
    }

    fn action(&self) -> &'static str {
        "search.search_web"
    }

    fn offer(&self) -> &'static str {
        "search the web: “search the web for vegan birthday cakes”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, BEFORE) {
            let name =
                is(tokens, at, "google") && next == at + 1 && (is_any(tokens, next, GOOGLES) || next == tokens.len());
            return (!name).then(|| Head::strong(next));
        }
        let next = any_phrase(tokens, at, VERBS)?;
        behind(tokens, next).map(|_| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        let led = (clause.start..clause.body).any(|at| any_phrase(clause.tokens, at, BEFORE) == Some(clause.body));
        let end = behind(clause.tokens, clause.body).filter(|_| !led).unwrap_or(clause.end());
        let text = mentions::text_without(clause.text, clause.tokens, (clause.body, end), &[]);
        let text = text.trim().trim_start_matches([':', ',']).trim_end_matches(['.', ',', ';', '!']);
        want.errand = Some(Errand { what: errand::query(text), ..Errand::default() });
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let id = draft.id("web");
        let (query, title) = if let Some(what) = &errand.what {
            (phrase::literal(what), format!("Search the web for “{}”", phrase::shortened(what, 80)))
        } else {
            let asked = ask(draft, "web_query", "What shall I search the web for?", AnswerType::Text, &[]);
            (asked, "Search the web".to_owned())
        };
        let params = Map::from_iter([("query".to_owned(), Value::from(query))]);
        draft.titles.push(title.clone());
        draft.execute(&id, &title, self.action(), params);
    }
}
