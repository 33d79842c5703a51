//! Forgets a fact: looks for what may be meant, lets the person choose, forgets that.

use serde_json::{Map, Value};

use super::recall::look;
use super::remember::said;
use super::{Act, Head};
use crate::plan::{Choose, Conditional, OptionTemplate, StageKind};
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, execution, stage};
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Forgets a fact.
pub(super) struct Forget;

/// Longest part of what was said that the question repeats.
const SHOWN_CHARS_MAX: usize = 100;

impl Act for Forget {
    fn kind(&self) -> &'static str {
        "forget"
    }

    fn action(&self) -> &'static str {
        "memory.forget"
    }

    fn offer(&self) -> &'static str {
        "forget something again: “forget that my wife is vegetarian”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        let next = any_phrase(
            tokens,
            at,
            &[
                "forget the fact that",
                "forget that",
                "forget what i told you about",
                "forget what i said about",
                "forget what you know about",
                "forget everything about",
                "forget everything i told you about",
                "forget about",
                "do not remember that",
                "don't remember that",
                "don't remember any longer that",
            ],
        );
        let next =
            next.or_else(|| (is(tokens, at, "forget") && is_any(tokens, at + 1, &["my", "our"])).then_some(at + 1))?;
        // "Forget about it" is a no to something else.
        let points = is_any(tokens, next, &["it", "that", "this", "please", ".", "!", ",", "?"]);
        (next < tokens.len() && !points).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        want.about = said(clause);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let (found, which, forget) = (draft.id("memories"), draft.id("which"), draft.id("forget"));
        let what = want.about.clone().unwrap_or_else(|| "something".to_owned());
        let what = phrase::shortened(&what, SHOWN_CHARS_MAX);
        look(&found, want, draft);
        let choose = Choose {
            question: phrase::literal(&format!("Which one shall I forget? You said “{what}”.")),
            options: None,
            options_from: Some(format!("{found}.memories")),
            option: Some(OptionTemplate {
                id: Some("{{ item.id }}".to_owned()),
                name: Some("{{ item.text }}".to_owned()),
                description: None,
                value: None,
            }),
            min: None,
            max: None,
            expires_in: None,
        };
        let params = Map::from_iter([("id".to_owned(), Value::from(format!("{{{{ {which}.id }}}}")))]);
        let then = vec![
            stage(&which, None, StageKind::Selection(choose)),
            execution(&forget, "Forget it", self.action(), params, None),
        ];
        let any = draft.id("if_any");
        let condition =
            Conditional { condition: format!("{found}.memories | length > 0"), then, otherwise: Vec::new() };
        draft.push(stage(&any, Some("If there is one".to_owned()), StageKind::Conditional(condition)));
        draft.titles.push(format!("Forget “{what}”"));
    }
}
