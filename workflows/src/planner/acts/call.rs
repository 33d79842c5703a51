//! Schedules a call with somebody: a link, an event and an invitation.

use serde_json::{Map, Value, json};

use super::{Act, Head, meeting};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Schedules a call.
pub(super) struct Call;

const STRONG: &[&str] = &[
    "schedule a phone call with",
    "schedule a call with",
    "schedule call with",
    "set up a call with",
    "arrange a call with",
    "book a call with",
    "plan a call with",
    "schedule a video call with",
    "schedule a video meeting with",
    "organize a call with",
    "organise a call with",
    "make a call with",
    "have a call with",
    "set up a phone call with",
    "set up a quick call with",
    "schedule a quick call with",
];
const WEAK: &[&str] = &["a call with", "call with", "video call with", "phone call with", "phone", "call"];

impl Act for Call {
    fn kind(&self) -> &'static str {
        "schedule_call"
    }

    fn action(&self) -> &'static str {
        "meeting.schedule_call"
    }

    fn offer(&self) -> &'static str {
        "schedule a call: “call with Carol tomorrow at 10”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, STRONG) {
            return Some(Head::strong(next));
        }
        if let Some(next) = meeting::video(tokens, at).filter(|next| is_any(tokens, *next, &["with"])) {
            return Some(Head::strong(next + 1));
        }
        let next = any_phrase(tokens, at, WEAK)?;
        let nobody = is_any(tokens, next, &["me", "it", "off", "the", "a", "an", "that", "us", "for", "back", "in"]);
        (!nobody && next < tokens.len()).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let (parties, next, choose) = clause.people(clause.body);
        (want.parties, want.choose) = (parties, choose);
        want.same_people = want.parties.is_empty() && is_any(clause.tokens, clause.body, &["them", "him", "her"]);
        let inside = |at: usize| clause.mentions.iter().any(|mention| (mention.start..mention.end).contains(&at));
        let leads = ["about", "on", "regarding", "to", "called"];
        let about = (next..clause.end()).find(|at| is_any(clause.tokens, *at, &leads) && !inside(*at));
        if let Some(about) = about {
            want.title = want.title.or_else(|| naming::title(&clause.rest(about + 1, clause.end())));
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("call");
        let whom = phrase::row(&naming::parties(&want.parties));
        let named = draft.renamed.clone().or_else(|| want.title.clone());
        let title =
            named.unwrap_or_else(|| if whom.is_empty() { "Call".to_owned() } else { format!("Call with {whom}") });
        let mut params = Map::new();
        let with = if want.parties.is_empty() {
            let ask = draft.id(&format!("{id}_with"));
            draft.ask(&ask, "Who is the call with? Please type the addresses.", AnswerType::Emails, Vec::new());
            json!(format!("{{{{ {ask} }}}}"))
        } else {
            json!(draft.recipients(&want.parties).into_iter().map(|one| one.address).collect::<Vec<_>>())
        };
        params.insert("with".to_owned(), with);
        let start = draft.starts_at(want, &id, &format!("“{title}”"));
        params.insert("starts_at".to_owned(), Value::from(start));
        if let Some(minutes) = super::event::minutes(want, draft) {
            params.insert("duration_minutes".to_owned(), json!(minutes));
        }
        if let Some(provider) = want.provider {
            params.insert("provider".to_owned(), Value::from(provider));
        }
        params.insert("title".to_owned(), Value::from(phrase::literal(&title)));
        draft.titles.push(title.clone());
        draft.execute(&id, &format!("Schedule “{title}”"), self.action(), params);
    }
}
