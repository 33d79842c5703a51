//! Finds flights: `find flights from Berlin to Goa on 5 December, returning on the 12th`.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::errand_ask::{ask, ask_day, day, insert_count, max_price, people_if_said};
use super::verbs::{BOOK, FIND};
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::limit::Per;
use crate::planner::entities::locality;
use crate::planner::entities::stay::Stay;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::errand::{self, Reading, named};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Finds flights.
pub(super) struct Flights;

/// What the other side takes.
const PEOPLE_MAX: u32 = 9;
const NOUNS: &[&str] =
    &["flight", "flights", "plane ticket", "plane tickets", "airfare", "airfares", "air ticket", "air tickets"];
const CABINS: [(&str, &str); 6] = [
    ("premium economy", "premium_economy"),
    ("business class", "business"),
    ("first class", "first"),
    ("economy class", "economy"),
    ("in business", "business"),
    ("in economy", "economy"),
];
const RETURNS: &[&str] = &[
    "return flight",
    "return flights",
    "round trip",
    "round - trip",
    "roundtrip",
    "and back",
    "there and back",
    "with return",
    "returning",
    "return",
];

impl Act for Flights {
    fn kind(&self) -> &'static str {
        "search_flights"
    }

    fn action(&self) -> &'static str {
        "search.search_flights"
    }

    fn offer(&self) -> &'static str {
        "find flights: “find flights from Berlin to Goa on 5 December, returning on the 12th”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, FIND).or_else(|| any_phrase(tokens, at, BOOK)) {
            return named(tokens, next, NOUNS).map(Head::strong);
        }
        if let Some(next) = any_phrase(tokens, at, &["fly"]).filter(|next| is_any(tokens, *next, &["from", "to"])) {
            return Some(Head::weak(next));
        }
        let article = any_phrase(tokens, at, &["a", "any", "cheap", "return", "direct"]).unwrap_or(at);
        let next = any_phrase(tokens, article, NOUNS)?;
        is_any(tokens, next, &["from", "to", "between"]).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        let mut scan = errand::scan(clause, Reading::Journeys);
        scan.errand.route = route(clause);
        let tokens = clause.tokens;
        scan.errand.cabin = CABINS.iter().find_map(|(words, cabin)| {
            (clause.start..clause.end()).any(|at| any_phrase(tokens, at, &[words]).is_some()).then_some(*cabin)
        });
        scan.errand.returns = (clause.start..clause.end()).any(|at| any_phrase(tokens, at, RETURNS).is_some());
        let first = match scan.errand.stay {
            Some(Stay::Days { from, .. } | Stay::From(from)) => Some(from),
            Some(Stay::Until(_) | Stay::Nights(_)) | None => None,
        };
        want.when = first.map(|first| errand::day_of(first, &clause.moment));
        want.place.clone_from(&scan.errand.route.1);
        want.errand = Some(scan.errand);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let id = draft.id("flights");
        let (from, to) = &errand.route;
        let title = match (from, to) {
            (Some(from), Some(to)) => format!("Flights from {from} to {to}"),
            (None, Some(to)) => format!("Flights to {to}"),
            (Some(from), None) => format!("Flights from {from}"),
            (None, None) => "Flights".to_owned(),
        };
        let end = |draft: &mut Draft<'_>, name: &str, said: &Option<String>, question: &str| {
            let place = said
                .as_deref()
                .map_or_else(|| ask(draft, &format!("{id}_{name}"), question, AnswerType::Text, &[]), phrase::literal);
            (name.to_owned(), Value::from(place))
        };
        let mut params = Map::from_iter([
            end(draft, "from", from, "From which town or airport shall the flight start?"),
            end(draft, "to", to, "To which town or airport shall the flight go?"),
        ]);
        let (out, back) = days(errand.stay, errand.returns, draft, &id);
        params.insert("date".to_owned(), Value::from(out));
        if let Some(back) = back {
            params.insert("return_date".to_owned(), Value::from(back));
        }
        if let Some(people) = people_if_said(errand, draft, &id, PEOPLE_MAX) {
            params.insert("people".to_owned(), people);
        }
        if let Some(cabin) = errand.cabin {
            params.insert("cabin".to_owned(), Value::from(cabin));
        }
        if let Some(limit) = &errand.limit {
            let times = if limit.per == Per::Person { errand.people.or(Some(1)) } else { None };
            params.insert("max_price".to_owned(), max_price(limit, times, draft, &id));
        }
        insert_count(&mut params, errand);
        draft.titles.push(title.clone());
        // Flights are found here, not booked.
        draft.execute(
            &id,
            &format!("Look for {}; to book one is up to you", title.replacen('F', "f", 1)),
            self.action(),
            params,
        );
    }
}

/// `from Berlin to Goa`, `to Goa from Berlin`, `Berlin to Goa`, `between Berlin and Goa`.
fn route(clause: &Clause<'_>) -> (Option<String>, Option<String>) {
    let tokens = clause.tokens;
    // A single letter names no town.
    let name = |at: usize| locality::name(tokens, at, &clause.moment).filter(|(name, _)| name.chars().count() > 1);
    let (mut from, mut to) = (None, None);
    let start = clause.start.max(clause.body.saturating_sub(1));
    for at in start..clause.end() {
        if is_any(tokens, at, &["from", "between"]) && from.is_none() {
            from = name(at + 1);
            // "between Berlin and Goa" is read as one name.
            if let Some((first, second)) = from
                .as_ref()
                .filter(|_| is_any(tokens, at, &["between"]))
                .and_then(|(both, _)| both.split_once(" and "))
            {
                return (Some(first.to_owned()), Some(second.to_owned()));
            }
        } else if is_any(tokens, at, &["to", "into"]) && to.is_none() {
            to = name(at + 1);
        }
    }
    // "flights Berlin to Goa".
    if from.is_none() {
        from = name(clause.body).filter(|(_, next)| is_any(tokens, *next, &["to", "-", "\u{2013}"]));
        if let Some((_, next)) = &from {
            to = to.or_else(|| name(next + 1));
        }
    }
    (from.map(|(name, _)| name), to.map(|(name, _)| name))
}

/// The day out and the day back; asks for what is missing or cannot be.
fn days(stay: Option<Stay>, returns: bool, draft: &mut Draft<'_>, base: &str) -> (String, Option<String>) {
    let today = draft.moment.local().date();
    let (out_id, back_id) = (format!("{base}_date"), format!("{base}_return_date"));
    let past = |date: NaiveDate| format!("{} is in the past. ", phrase::date(date));
    let ask_back = |draft: &mut Draft<'_>, remark: &str| {
        ask_day(draft, &back_id, &format!("{remark}On which day is the flight back?"))
    };
    match stay {
        Some(Stay::Days { from, to }) if from >= today && to >= from => (day(from), Some(day(to))),
        Some(Stay::Days { from, to }) if from >= today => {
            let remark = format!("{} is before {}. ", phrase::date(to), phrase::date(from));
            (day(from), Some(ask_back(draft, &remark)))
        }
        Some(Stay::From(from)) if from >= today => (day(from), returns.then(|| ask_back(draft, ""))),
        Some(Stay::Days { from, .. }) => {
            (ask_day(draft, &out_id, &format!("{}On which day is the flight?", past(from))), Some(ask_back(draft, "")))
        }
        Some(Stay::From(from)) => {
            let out = ask_day(draft, &out_id, &format!("{}On which day is the flight?", past(from)));
            (out, returns.then(|| ask_back(draft, "")))
        }
        Some(Stay::Until(to)) if to >= today => (ask_day(draft, &out_id, "On which day is the flight?"), Some(day(to))),
        Some(Stay::Until(_) | Stay::Nights(_)) => {
            (ask_day(draft, &out_id, "On which day is the flight?"), Some(ask_back(draft, "")))
        }
        None => (ask_day(draft, &out_id, "On which day is the flight?"), returns.then(|| ask_back(draft, ""))),
    }
}
