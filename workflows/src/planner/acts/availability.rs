//! Looks whether there is time: `am I free on Friday afternoon?`.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::{Map, Value, json};

use super::{Act, Head};
use crate::planner::answer::local;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::when::When;
use crate::planner::entities::{Moment, Tokens, any_phrase};
use crate::planner::mentions::Found;
use crate::planner::want::Want;

/// How far is looked when no time was said.
const DAYS_AHEAD: i64 = 7;

/// Looks whether there is time.
pub(super) struct Availability;

impl Act for Availability {
    fn kind(&self) -> &'static str {
        "check_availability"
    }

    fn action(&self) -> &'static str {
        "calendar.check_availability"
    }

    fn offer(&self) -> &'static str {
        "look when you are free: “am I free on Friday afternoon?”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        any_phrase(
            tokens,
            at,
            &[
                "am i free",
                "am i available",
                "am i busy",
                "am i booked",
                "when am i free",
                "when am i available",
                "check my availability",
                "check availability",
                "do i have time",
                "do i have some time",
                "is my calendar free",
                "what times am i free",
                "check if i am free",
                "check if i'm free",
                "check whether i am free",
                "check whether i'm free",
                "find a free slot",
                "find me a free slot",
                "find a slot",
                "find time",
                "when do i have time",
                "show my availability",
                "my availability",
                "see if i am free",
                "see if i'm free",
                "do i have a free slot",
            ],
        )
        .map(Head::strong)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        want.about = bound(clause);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("availability");
        let mut params = span(want, draft, DAYS_AHEAD);
        if let Some(length) = want.length {
            params.insert("duration_minutes".to_owned(), json!(length.num_minutes().max(1)));
        }
        draft.titles.push("Availability".to_owned());
        draft.execute(&id, "Look when you are free", self.action(), params);
    }
}

/// `after` or `before`, when it stands before the time.
pub(super) fn bound(clause: &Clause<'_>) -> Option<String> {
    let first = clause.mentions.iter().find(|mention| matches!(mention.found, Found::When(_)))?;
    let word = clause.tokens.get(first.start.checked_sub(1)?)?;
    word.is_any(&["after", "before", "until", "from"]).then(|| word.lower.clone())
}

/// The window, open to the end of the day behind `after`, from its beginning behind `before`.
fn bounded(when: &When, bound: Option<&str>, moment: &Moment) -> (NaiveDateTime, NaiveDateTime) {
    let (from, to) = when.window(moment);
    let clock = when.time.is_some() && when.until.is_none();
    match bound {
        Some("after" | "from") if clock => (from, (from.date() + TimeDelta::days(1)).and_time(NaiveTime::MIN)),
        Some("before" | "until") if clock => (from.date().and_time(NaiveTime::MIN), from),
        Some(_) | None => (from, to),
    }
}

/// `from` and `to` of what was said, else the coming days. Nothing over is looked at.
pub(super) fn span(want: &Want, draft: &Draft<'_>, days_ahead: i64) -> Map<String, Value> {
    let moment = draft.moment;
    let now = moment.local();
    let (from, to) = match want.when.as_ref() {
        Some(when) => bounded(when, want.about.as_deref(), &moment),
        None => (now, (now.date() + TimeDelta::days(days_ahead + 1)).and_time(NaiveTime::MIN)),
    };
    // A past day that was asked for stays as asked; today begins now.
    let from = if from < now && to > now { now } else { from };
    let mut params = Map::new();
    params.insert("from".to_owned(), Value::from(local(from)));
    params.insert("to".to_owned(), Value::from(local(to)));
    params
}
