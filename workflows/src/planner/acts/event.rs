//! Puts an event into the calendar: `schedule lunch with Bob on Tuesday at 1pm`.

use serde_json::{Map, Value, json};

use super::{Act, Head};
use crate::planner::answer::local;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::people::Party;
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::want::Want;
use crate::planner::{naming, phrase};

/// Puts an event into the calendar.
pub(super) struct Event;

const STRONG: &[&str] = &[
    "schedule",
    "add to my calendar",
    "put in my calendar",
    "block off",
    "block",
    "reserve time for",
    "set up",
    "arrange",
    "pencil in",
];
const WEAK: &[&str] = &["plan", "book", "organize", "organise", "enter"];
const BOOKED: &[&str] = &[
    "table",
    "hotel",
    "flight",
    "room",
    "restaurant",
    "ticket",
    "tickets",
    "taxi",
    "seat",
    "seats",
    "flights",
    "train",
];
const NOUNS: &[&str] = &[
    "lunch",
    "dinner",
    "breakfast",
    "brunch",
    "coffee",
    "meeting",
    "appointment",
    "dentist",
    "party",
    "workshop",
    "interview",
    "training",
    "drinks",
    "birthday",
    "doctor",
    "standup",
    "review",
];

impl Act for Event {
    fn kind(&self) -> &'static str {
        "schedule_event"
    }

    fn action(&self) -> &'static str {
        "calendar.schedule_event"
    }

    fn offer(&self) -> &'static str {
        "keep your calendar: “schedule lunch with Bob on Tuesday at 1pm”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, STRONG) {
            return (next < tokens.len()).then(|| Head::strong(next));
        }
        if is_any(tokens, at, &["add", "put", "enter", "note"]) && in_calendar(tokens, at) {
            return Some(Head::strong(at + 1));
        }
        if let Some(next) = any_phrase(tokens, at, WEAK) {
            // Booking a table or a room is more than an entry in the calendar.
            let books = (next..tokens.len().min(next + 4)).any(|at| is_any(tokens, at, BOOKED));
            return (!books && next < tokens.len()).then(|| Head::weak(next));
        }
        let noun = if is_any(tokens, at, &["a", "an", "my", "the"]) { at + 1 } else { at };
        (is_any(tokens, noun, NOUNS) && noun + 1 < tokens.len() && !is_any(tokens, noun + 1, naming::VERBS))
            .then(|| Head::weak(at))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        if let Some(with) = clause.find(&["with"]) {
            let (parties, _, _) = clause.people(with + 1);
            want.parties = parties;
        } else {
            want.parties.clear();
        }
        let title = naming::title(&title_words(clause, &want));
        want.title = want.title.or(title);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("event");
        let title = draft.renamed.clone().or_else(|| want.title.clone()).unwrap_or_else(|| "Event".to_owned());
        let mut params = Map::new();
        params.insert("title".to_owned(), Value::from(phrase::literal(&title)));
        let start = draft.starts_at(want, &id, &format!("“{title}”"));
        params.insert("starts_at".to_owned(), Value::from(start));
        insert_end(&mut params, want, draft, None);
        if let Some(place) = &want.place {
            params.insert("location".to_owned(), Value::from(phrase::literal(place)));
        }
        let guests: Vec<Party> = want.parties.iter().filter(|party| has_address(party)).cloned().collect();
        if !guests.is_empty() {
            let attendees: Vec<_> = draft.recipients(&guests).into_iter().map(|one| one.address).collect();
            params.insert("attendees".to_owned(), json!(attendees));
        }
        if let Some(link) = &draft.link {
            params.insert("description".to_owned(), Value::from(format!("{{{{ {}.url }}}}", link.id)));
        }
        if let Some(rule) = &want.repeat {
            params.insert("repeat".to_owned(), Value::from(rule.as_str()));
        }
        draft.titles.push(format!("“{title}” in the calendar"));
        draft.execute(&id, &format!("Put “{title}” into the calendar"), self.action(), params);
    }
}

/// Somebody without an address is named in the title; an event of one's own needs no address.
fn has_address(party: &Party) -> bool {
    match party {
        Party::Contact(contact) => contact.mail_addresses().next().is_some(),
        Party::Group { .. } | Party::Ambiguous { .. } | Party::Address(_) => true,
        Party::Unknown(_) => false,
    }
}

fn in_calendar(tokens: Tokens<'_, '_>, at: usize) -> bool {
    (at..tokens.len()).any(|at| {
        is_any(tokens, at, &["calendar", "diary", "agenda", "schedule"])
            && at > 0
            && is_any(tokens, at - 1, &["my", "the"])
    })
}

fn title_words(clause: &Clause<'_>, want: &Want) -> String {
    let mut text = clause.rest(clause.body, clause.end());
    for lead in ["to", "in", "into", "on"] {
        for whose in ["my", "the"] {
            for what in ["calendar", "diary", "agenda", "schedule"] {
                text = text.replace(&format!(" {lead} {whose} {what}"), "");
            }
        }
    }
    if let Some(place) = &want.place {
        for lead in ["at", "in"] {
            text = text.replace(&format!(" {lead} {place}"), "");
        }
    }
    text
}

/// The minutes something lasts, when that was said.
pub(super) fn minutes(want: &Want, draft: &Draft<'_>) -> Option<i64> {
    if let Some(length) = want.length {
        return Some(length.num_minutes()).filter(|minutes| *minutes > 0);
    }
    let when = want.when.as_ref()?;
    Some((when.end(&draft.moment)? - when.start(&draft.moment)?).num_minutes())
}

/// Writes `ends_at` or `duration_minutes`.
pub(super) fn insert_end(
    params: &mut Map<String, Value>,
    want: &Want,
    draft: &Draft<'_>,
    minutes_default: Option<i64>,
) {
    let end = want
        .when
        .as_ref()
        .filter(|when| !when.is_past() && want.length.is_none())
        .and_then(|when| when.end(&draft.moment));
    if let Some(end) = end {
        params.insert("ends_at".to_owned(), Value::from(local(end)));
    } else if let Some(minutes) = minutes(want, draft).or(minutes_default) {
        params.insert("duration_minutes".to_owned(), json!(minutes));
    }
}

/// Whether a clause speaks of an event of the calendar.
pub(super) fn is_event_word(tokens: Tokens<'_, '_>, at: usize) -> bool {
    is_any(tokens, at, NOUNS)
        || is_any(tokens, at, &["event", "call", "appointment", "session", "lesson", "class"])
        || is(tokens, at, "flight")
}
