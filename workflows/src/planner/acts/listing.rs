//! Lists what is in the calendar: `what's on tomorrow?`.

use super::{Act, Head, availability};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase};
use crate::planner::want::Want;

/// How far is looked when no time was said.
const DAYS_AHEAD: i64 = 7;

/// Lists what is in the calendar.
pub(super) struct Listing;

impl Act for Listing {
    fn kind(&self) -> &'static str {
        "list_events"
    }

    fn action(&self) -> &'static str {
        "calendar.list_events"
    }

    fn offer(&self) -> &'static str {
        "list your events: “what's on tomorrow?”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        any_phrase(
            tokens,
            at,
            &[
                "what's on my calendar",
                "what is on my calendar",
                "what's in my calendar",
                "what's on",
                "what is on",
                "what do i have",
                "what have i got",
                "what's planned",
                "what is planned",
                "what's happening",
                "what's my schedule",
                "what is my schedule",
                "what's my day",
                "what does my day look like",
                "what does my week look like",
                "show my calendar",
                "show me my calendar",
                "show my events",
                "show me my events",
                "show my schedule",
                "show me my schedule",
                "show my agenda",
                "list my events",
                "list events",
                "list my appointments",
                "list my meetings",
                "show my meetings",
                "show my appointments",
                "show events",
                "my agenda",
                "my calendar",
                "my schedule",
                "do i have anything",
                "do i have any meetings",
                "do i have any events",
                "do i have any appointments",
                "do i have meetings",
                "what are my plans",
                "what meetings do i have",
                "what events do i have",
                "what appointments do i have",
                "which meetings do i have",
                "what's up",
                "agenda for",
                "list all events",
                "list all my events",
            ],
        )
        .map(Head::strong)
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        want.about = availability::bound(clause);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("events");
        let params = availability::span(want, draft, DAYS_AHEAD);
        draft.titles.push("What is in the calendar".to_owned());
        draft.execute(&id, "Look into the calendar", self.action(), params);
    }
}
