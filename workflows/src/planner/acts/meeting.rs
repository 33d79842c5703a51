//! Makes a link to a video meeting: `set up a video meeting for it`.

use serde_json::{Map, Value, json};

use super::{Act, Head, call};
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, Link};
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Makes a link to a video meeting.
pub(super) struct Meeting;

const VERBS: &[&str] = &[
    "set up", "create", "make", "start", "open", "arrange", "organize", "organise", "get", "generate", "schedule",
    "book", "host", "plan", "give me", "send me", "prepare", "add",
];
const NOUNS: &[&str] = &[
    "video meeting link",
    "video call link",
    "video meeting",
    "video call",
    "video conference",
    "video chat",
    "video link",
    "online meeting",
    "online call",
    "virtual meeting",
    "meeting link",
    "meeting room",
    "jitsi meeting",
    "jitsi link",
    "jitsi",
    "google meet meeting",
    "google meet",
    "videocall",
    "videoconference",
    "call link",
    "meet link",
    "google meet link",
    "web meeting",
    "web conference",
    "zoom meeting",
    "zoom call",
];

/// The position after a verb and the noun of a video meeting.
pub(super) fn video(tokens: Tokens<'_, '_>, at: usize) -> Option<usize> {
    let next = any_phrase(tokens, at, VERBS).unwrap_or(at);
    let next = if is_any(tokens, next, &["a", "an", "the", "new", "me"]) { next + 1 } else { next };
    let next = if is_any(tokens, next, &["a", "an", "new", "quick", "short"]) { next + 1 } else { next };
    any_phrase(tokens, next, NOUNS)
}

impl Act for Meeting {
    fn kind(&self) -> &'static str {
        "create_meeting"
    }

    fn action(&self) -> &'static str {
        "meeting.create_meeting"
    }

    fn offer(&self) -> &'static str {
        "make a video meeting: “set up a video meeting tomorrow at 10”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        let next = video(tokens, at)?;
        let verb = any_phrase(tokens, at, VERBS).is_some();
        Some(if verb { Head::strong(next) } else { Head::weak(next) })
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        if let Some(with) = clause.find(&["with", "for"]) {
            let (parties, _, _) = clause.people(with + 1);
            let known = |party: &crate::planner::entities::people::Party| {
                !matches!(party, crate::planner::entities::people::Party::Unknown(_))
            };
            want.parties = if clause.is(with, "with") { parties } else { parties.into_iter().filter(known).collect() };
        }
        if !want.parties.is_empty() || (want.same_people && clause.has(&["with them", "with him", "with her"])) {
            // With people it is a call: a link, an event and invitations.
            want.act = &call::Call;
            return want;
        }
        want.same_people = false;
        let named = clause
            .find(&["called", "named", "titled", "about", "for", "on"])
            .filter(|at| !clause.is(*at, "on") || want.when.is_none());
        if want.title.is_none()
            && let Some(at) = named.filter(|at| !clause.points_away(*at))
        {
            want.title = naming::title(&clause.rest(at + 1, clause.end()));
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("meeting");
        let title = draft.renamed.clone().or_else(|| want.title.clone()).unwrap_or_else(|| "Meeting".to_owned());
        let mut params = Map::new();
        params.insert("title".to_owned(), Value::from(phrase::literal(&title)));
        if want.when.is_some() {
            let start = draft.starts_at(want, &id, &format!("“{title}”"));
            params.insert("starts_at".to_owned(), Value::from(start));
        }
        if let Some(minutes) = super::event::minutes(want, draft) {
            params.insert("duration_minutes".to_owned(), json!(minutes));
        }
        if let Some(provider) = want.provider {
            params.insert("provider".to_owned(), Value::from(provider));
        }
        draft.titles.push(format!("Video meeting “{title}”"));
        draft.execute(&id, &format!("Create the video meeting “{title}”"), self.action(), params);
        let when = want.when.as_ref().filter(|when| !when.is_past() && when.has_time());
        let when = when.and_then(|when| phrase::full(when, &draft.moment));
        draft.link.get_or_insert(Link { id, title, when });
    }
}
