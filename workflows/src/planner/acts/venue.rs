//! Asks a venue for a date: `ask Beach Resort (events@beach.test) whether we can have the place for
//! 30 people on Saturday at 7pm`.

use super::request::{Request, venue};
use super::table::{self, Table};
use super::{Act, Head};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::people::{self, Party};
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::errand::later;
use crate::planner::mentions;
use crate::planner::tokens::Kind;
use crate::planner::want::Want;

/// Asks a venue for a date.
pub(super) struct Venue;

const REQUEST: Request = Request {
    action: "booking.request_reservation",
    id: "reservation",
    thing: "a reservation",
    kind: "event venue",
    people_max: 5_000,
};

const REQUESTS: &[&str] = &[
    "request a reservation",
    "request the reservation",
    "request reservation",
    "request a booking",
    "send a reservation request",
    "send a booking request",
    "make a reservation request",
    "ask for a reservation",
    "inquire about a reservation",
    "enquire about a reservation",
    "request the venue",
    "request the place",
];
const ASK: &[&str] = &[
    "ask the",
    "ask",
    "write to the",
    "write to",
    "email the",
    "email",
    "mail",
    "contact",
    "check with",
    "inquire at",
    "enquire at",
    "find out from",
];
const WANTED: &[&str] = &[
    "we can have",
    "i can have",
    "we could have",
    "i could have",
    "we can book",
    "i can book",
    "we could book",
    "i could book",
    "we can reserve",
    "i can reserve",
    "we could reserve",
    "we can rent",
    "i can rent",
    "we could rent",
    "we can use",
    "they have room",
    "they have space",
    "they have a table",
    "they have the",
    "they can host",
    "they could host",
    "they can take",
    "there is room",
    "there is space",
    "there is a table",
    "the place is",
    "the venue is",
    "the hall is",
    "it is free",
    "they are free",
    "it would be possible to book",
    "it is possible to book",
    "it is possible to reserve",
];
const PLACES: &[&str] = &[
    "place",
    "venue",
    "hall",
    "room",
    "rooms",
    "house",
    "garden",
    "terrace",
    "space",
    "location",
    "restaurant",
    "bar",
    "club",
    "table",
    "villa",
    "barn",
    "rooftop",
    "host",
    "boat",
    "lawn",
];

/// The position of `whether we can have the place`, when that is what is asked.
fn question(tokens: Tokens<'_, '_>, from: usize) -> Option<usize> {
    /// Words of the longest name of a venue with its address.
    const WORDS_MAX: usize = 14;
    let whether = (from..tokens.len().min(from + WORDS_MAX)).find(|at| is_any(tokens, *at, &["whether", "if"]))?;
    let wanted = any_phrase(tokens, whether + 1, WANTED)?;
    later(&tokens[..tokens.len().min(wanted + WORDS_MAX)], whether, PLACES).then_some(whether)
}

impl Act for Venue {
    fn kind(&self) -> &'static str {
        "request_reservation"
    }

    fn action(&self) -> &'static str {
        REQUEST.action
    }

    fn offer(&self) -> &'static str {
        "ask a venue: “ask Beach Resort whether we can have the place for 30 people on Saturday at 7pm”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, REQUESTS) {
            return Some(Head::strong(next));
        }
        let next = any_phrase(tokens, at, ASK)?;
        let for_it = any_phrase(tokens, at, &["ask"]).and_then(|_| {
            let ends = (next..tokens.len().min(next + 6)).find(|at| {
                any_phrase(tokens, *at, &["for a table", "for a reservation", "about a table", "about a reservation"])
                    .is_some()
            });
            ends.filter(|end| *end > next)
        });
        (question(tokens, next).is_some() || for_it.is_some()).then(|| Head::strong(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = table::read(clause);
        let asked = (clause.start..clause.body).any(|at| any_phrase(clause.tokens, at, ASK) == Some(clause.body));
        if let Some(errand) = &mut want.errand {
            let named = if asked { addressed(clause) } else { errand.venue.take().or_else(|| behind(clause)) };
            // "ask Luigi's for a table": what is asked for is no kind of place to look for.
            errand.what = errand.what.take().filter(|_| !asked && named.is_none());
            errand.venue = named;
        }
        if clause.has(&["table", "a table"]) {
            want.act = &Table;
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        REQUEST.write(want, draft);
    }
}

/// Who is asked: a contact, or the words up to the address or the question.
fn addressed(clause: &Clause<'_>) -> Option<Party> {
    if let Some((party, _)) = people::known(clause.tokens, clause.body, clause.contacts)
        && matches!(party, Party::Contact(_) | Party::Ambiguous { .. })
    {
        return Some(party);
    }
    let stop = |at: &usize| {
        let token = &clause.tokens[*at];
        token.kind == Kind::Address || token.is_any(&["(", "<", "whether", "if", "for", "about", ",", "at", ":"])
    };
    named(clause, clause.body, (clause.body..clause.end()).find(stop).unwrap_or(clause.end()))
}

/// Who is asked behind `request a reservation from`.
fn behind(clause: &Clause<'_>) -> Option<Party> {
    let from = clause.find(&["from", "with", "to"])?;
    let stop = |at: &usize| {
        let token = &clause.tokens[*at];
        token.kind == Kind::Address
            || token.is_any(&["(", "<", "for", "on", ",", "in", "near", "tomorrow", "next", "this", "."])
    };
    named(clause, from + 1, (from + 1..clause.end()).find(stop).unwrap_or(clause.end()))
}

fn named(clause: &Clause<'_>, from: usize, to: usize) -> Option<Party> {
    let start = if is(clause.tokens, from, "the") { from + 1 } else { from };
    let name = mentions::text_without(clause.text, clause.tokens, (start, to), &[]);
    let name = name.trim().trim_matches(['"', '\u{201c}', '\u{201d}']);
    let is_name = name.chars().any(char::is_alphabetic) && name.chars().count() <= 100;
    is_name.then(|| venue(name, clause.contacts))
}
