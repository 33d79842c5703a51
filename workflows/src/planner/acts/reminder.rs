//! Sets a reminder: `remind me tomorrow at 9 to call the bank`.

use serde_json::{Map, Value};

use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::mentions::{self, Found, Mention};
use crate::planner::want::{Message, Tone, Want};
use crate::planner::{naming, phrase};

/// Sets a reminder.
pub(super) struct Reminder;

impl Act for Reminder {
    fn kind(&self) -> &'static str {
        "set_reminder"
    }

    fn action(&self) -> &'static str {
        "calendar.set_reminder"
    }

    fn offer(&self) -> &'static str {
        "remind you: “remind me tomorrow at 9 to call the bank”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        any_phrase(
            tokens,
            at,
            &[
                "set a reminder",
                "set up a reminder",
                "create a reminder",
                "add a reminder",
                "set reminder",
                "make a reminder",
                "reminder",
                "remind me",
                "don't let me forget",
                "wake me up",
                "wake me",
                "set an alarm",
                "remember to",
            ],
        )
        .map(Head::strong)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        want.message = told(clause);
        want.parties.clear();
        if let Some(mention) = clause.mentions.iter().find(|mention| is_before(clause, mention)) {
            // "an hour before": of the other act. What is told is known when the acts are put together.
            want.refers = true;
            let rest = clause.rest(mention.end + 1, clause.end());
            want.message = naming::title(&rest).map(|said| Message { tone: Tone::Statement, full: said.clone(), said });
        } else {
            want.length = None;
            want.refers = false;
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("reminder");
        let said = draft.renamed.clone().or_else(|| want.message.as_ref().map(|message| message.said.clone()));
        let text = if let Some(text) = &said {
            phrase::literal(text)
        } else {
            let ask = draft.id(&format!("{id}_text"));
            draft.ask(&ask, "What shall I remind you of?", AnswerType::Text, Vec::new());
            format!("{{{{ {ask} }}}}")
        };
        let what = said.map_or_else(
            || "the reminder".to_owned(),
            |text| format!("the reminder “{}”", phrase::shortened(&text, 60)),
        );
        let mut params = Map::new();
        params.insert("text".to_owned(), Value::from(text));
        let at = draft.starts_at(want, &id, &what);
        params.insert("at".to_owned(), Value::from(at));
        if let Some(rule) = &want.repeat {
            params.insert("repeat".to_owned(), Value::from(rule.as_str()));
        }
        draft.titles.push(phrase::capitalised(what.trim_start_matches("the ")));
        draft.execute(&id, &format!("Set {what}"), self.action(), params);
    }
}

fn is_before(clause: &Clause<'_>, mention: &Mention) -> bool {
    matches!(mention.found, Found::Length(_))
        && is_any(clause.tokens, mention.end, &["before", "beforehand", "earlier", "ahead"])
}

/// What is to be told: everything but the time at the edges and the `to` before it.
pub(super) fn told(clause: &Clause<'_>) -> Option<Message> {
    if let Some(said) = clause.quoted() {
        return Some(Message { tone: Tone::Verbatim, full: said.clone(), said });
    }
    let mut drop = Vec::new();
    let mut taken = false;
    for mention in &clause.mentions {
        match &mention.found {
            // Only the first time is the reminder's; a second belongs to what is told.
            Found::When(_) if !taken => {
                taken = true;
                drop.push((mention.start, mention.end));
            }
            Found::Repeat(_) => drop.push((mention.start, mention.end)),
            Found::When(_)
            | Found::Length(_)
            | Found::Party(_)
            | Found::Place(_)
            | Found::Phone(_)
            | Found::Provider(_) => {}
        }
    }
    let text = mentions::text_without(clause.text, clause.tokens, (clause.body, clause.end()), &drop);
    let mut text = text.trim().trim_matches([',', ':', '.', '-']).trim();
    for lead in ["to ", "that ", "about ", "of ", "for ", "me to ", "saying "] {
        let matches = text.get(..lead.len()).is_some_and(|start| start.eq_ignore_ascii_case(lead));
        if matches {
            text = text[lead.len()..].trim();
        }
    }
    naming::title(text)?;
    let said = phrase::capitalised(text.trim_matches([',', '.', ':']).trim());
    Some(Message { tone: Tone::Statement, full: said.clone(), said })
}
