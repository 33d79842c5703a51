//! Sends an invitation with a calendar file: `invite Bob to a review on Friday at 3pm`.

use serde_json::{Map, Value, json};

use super::{Act, Head};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// How long an invitation lasts when nobody said.
const MINUTES: i64 = 60;

/// Sends an invitation.
pub(super) struct Invitation;

impl Act for Invitation {
    fn kind(&self) -> &'static str {
        "send_invitation"
    }

    fn action(&self) -> &'static str {
        "email.send_invitation"
    }

    fn offer(&self) -> &'static str {
        "send invitations: “invite Bob and Carol to a review on Friday at 3pm for an hour”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        any_phrase(
            tokens,
            at,
            &[
                "send an invitation to",
                "send invitations to",
                "send invites to",
                "send an invite to",
                "send out invitations to",
                "invite",
            ],
        )
        .map(Head::strong)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let (parties, next, choose) = clause.people(clause.body);
        let next = if want.same_people && parties.is_empty() { clause.body + 1 } else { next };
        (want.parties, want.choose) = (parties, choose);
        // Behind a comma comes something else: "invite our friends, budget around 50k".
        let stop = (next..clause.end()).find(|at| clause.is(*at, ",")).unwrap_or(clause.end());
        let mut drop_place = clause.rest(next, stop);
        if let Some(place) = &want.place {
            for lead in ["at ", "in "] {
                drop_place = drop_place.replace(&format!("{lead}{place}"), "");
            }
        }
        want.title = want.title.or_else(|| naming::title(&drop_place));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("invitation");
        let known = draft.renamed.clone().or_else(|| want.title.clone());
        let written = known.as_deref().map_or_else(|| ask_title(draft, &id), phrase::literal);
        let what = known.map_or_else(|| "it".to_owned(), |title| format!("“{title}”"));
        let mut params = Map::new();
        let to = match draft_choice(want, draft, &id) {
            Some(to) => to,
            None if want.parties.is_empty() => {
                let ask = draft.id(&format!("{id}_to"));
                draft.ask(&ask, "Whom shall I invite?", crate::plan::AnswerType::Emails, Vec::new());
                json!(format!("{{{{ {ask} }}}}"))
            }
            None => json!(draft.recipients(&want.parties).into_iter().map(|one| one.address).collect::<Vec<_>>()),
        };
        params.insert("to".to_owned(), to);
        params.insert("title".to_owned(), Value::from(written));
        let start = draft.starts_at(want, &id, &what);
        params.insert("starts_at".to_owned(), Value::from(start));
        super::event::insert_end(&mut params, want, draft, Some(MINUTES));
        if let Some(place) = &want.place {
            params.insert("location".to_owned(), Value::from(phrase::literal(place)));
        }
        if let Some(link) = &draft.link {
            params.insert("url".to_owned(), Value::from(format!("{{{{ {}.url }}}}", link.id)));
        }
        let names = phrase::row(&naming::parties(&want.parties));
        draft.titles.push(if what == "it" { "Invitation".to_owned() } else { format!("Invitation to {what}") });
        draft.execute(&id, &format!("Invite {names} to {what}"), self.action(), params);
    }
}

fn ask_title(draft: &mut Draft<'_>, id: &str) -> String {
    let ask = draft.id(&format!("{id}_title"));
    draft.ask(&ask, "What is the invitation to?", crate::plan::AnswerType::Text, Vec::new());
    format!("{{{{ {ask} }}}}")
}

fn draft_choice(want: &Want, draft: &mut Draft<'_>, id: &str) -> Option<Value> {
    if !want.choose {
        return None;
    }
    let stage = draft.choose_people(id, "Whom shall I invite?", &want.parties)?;
    Some(json!(format!("{{{{ {stage} | map(attribute='email') | list }}}}")))
}
