//! Finds hotels with their prices: `find a hotel in Goa from 5 to 7 December for 2 people under 20k INR`.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::errand_ask::{ask, ask_day, day, insert_count, max_price, people, people_if_said};
use super::places::Places;
use super::verbs::FIND;
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::limit::Per;
use crate::planner::entities::stay::Stay;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::errand::{self, Errand, Reading, later, named};
use crate::planner::phrase;
use crate::planner::want::Want;

/// Finds hotels.
pub(super) struct Hotels;

/// What the other side takes.
const PEOPLE_MAX: u32 = 50;
const ROOMS_MAX: u32 = 10;
const NIGHTS_MAX: i64 = 99;

const NOUNS: &[&str] = &[
    "hotel room",
    "hotel rooms",
    "hotel",
    "hotels",
    "hostel",
    "hostels",
    "motel",
    "motels",
    "guesthouse",
    "guesthouses",
    "guest house",
    "guest houses",
    "homestay",
    "homestays",
    "resort",
    "resorts",
    "accommodation",
    "accomodation",
    "place to stay",
    "somewhere to stay",
    "double room",
    "double rooms",
    "single room",
    "single rooms",
    "twin room",
    "twin rooms",
];

/// The position after a kind of lodging in the thing behind a verb. A room is one when there are nights.
pub(super) fn lodging(tokens: Tokens<'_, '_>, at: usize) -> Option<usize> {
    named(tokens, at, NOUNS).or_else(|| {
        let room = named(tokens, at, &["room", "rooms", "stay"])?;
        later(tokens, room, &["night", "nights", "hotel", "weekend"]).then_some(room)
    })
}

impl Act for Hotels {
    fn kind(&self) -> &'static str {
        "search_hotels"
    }

    fn action(&self) -> &'static str {
        "search.search_hotels"
    }

    fn offer(&self) -> &'static str {
        "find hotels: “find a hotel in Goa from 5 to 7 December for 2 people under 20k INR”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, FIND) {
            return lodging(tokens, next).map(Head::strong);
        }
        // "a hotel in Goa for the weekend", without a verb.
        let article = if is_any(tokens, at, &["a", "an", "any", "some", "the", "cheap"]) { at + 1 } else { at };
        let room =
            any_phrase(tokens, article, &["room", "rooms"]).filter(|next| later(tokens, *next, &["night", "nights"]));
        let next = any_phrase(tokens, article, NOUNS).or(room)?;
        is_any(tokens, next, &["in", "near", "from", "for", "at", "under", "around"]).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let want = read(clause);
        let asks_prices = want.errand.as_ref().is_some_and(|errand| {
            errand.stay.is_some() || errand.people.is_some() || errand.limit.is_some() || errand.rooms.is_some()
        });
        // "hotels near the station" without days is a question for the map.
        if !asks_prices && clause.has(&["near", "nearby", "around", "close to", "within"]) {
            let start = (clause.start..clause.body).find_map(|at| any_phrase(clause.tokens, at, FIND));
            let body = start.unwrap_or(clause.start);
            let mentions = clause.mentions.clone();
            return Places.read(&Clause { act: &Places, body, mentions, ..*clause });
        }
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let id = draft.id("hotels");
        let title = title(errand);
        let params = params(errand, draft, &id, false);
        draft.titles.push(title.clone());
        draft.execute(&id, &format!("Look for {}", title.replacen("Hotels", "hotels", 1)), self.action(), params);
    }
}

/// What a clause says of a hotel.
pub(super) fn read(clause: &Clause<'_>) -> Want {
    let mut want = Want::of(clause.act);
    let mut scan = errand::scan(clause, Reading::Stays);
    scan.errand.near = scan.errand.near.take().or_else(|| scan.errand.at.take());
    want.place.clone_from(&scan.errand.near);
    want.when = match scan.errand.stay {
        Some(Stay::Days { from, .. } | Stay::From(from)) => Some(errand::day_of(from, &clause.moment)),
        Some(Stay::Until(_) | Stay::Nights(_)) | None => None,
    };
    want.errand = Some(scan.errand);
    want
}

/// `Hotels in Goa`.
pub(super) fn title(errand: &Errand) -> String {
    errand
        .near
        .as_ref()
        .map_or_else(|| "Hotels".to_owned(), |near| format!("Hotels in {near}").replacen("in within", "within", 1))
}

/// The parameters of a search, with questions for what is missing.
pub(super) fn params(errand: &Errand, draft: &mut Draft<'_>, base: &str, counted: bool) -> Map<String, Value> {
    let mut params = Map::new();
    let place = errand.near.as_deref().map_or_else(|| ask_place(errand, draft, base), phrase::literal);
    params.insert("place".to_owned(), Value::from(place));
    let (from, to) = days(errand.stay, draft, base);
    params.insert("from".to_owned(), Value::from(from));
    params.insert("to".to_owned(), Value::from(to));
    let people = if counted {
        Some(people(errand, draft, base, PEOPLE_MAX))
    } else {
        people_if_said(errand, draft, base, PEOPLE_MAX)
    };
    if let Some(people) = people {
        params.insert("people".to_owned(), people);
    }
    if let Some(rooms) = errand.rooms.filter(|rooms| (1..=ROOMS_MAX).contains(rooms)) {
        params.insert("rooms".to_owned(), json!(rooms));
    }
    if let Some(limit) = &errand.limit {
        let times = if limit.per == Per::Night { errand.stay.and_then(Stay::nights) } else { errand.people };
        params.insert("max_price".to_owned(), max_price(limit, times, draft, base));
    }
    insert_count(&mut params, errand);
    params
}

fn ask_place(errand: &Errand, draft: &mut Draft<'_>, base: &str) -> String {
    let remark = if errand.here { "I do not know where you are. " } else { "" };
    let asked = format!("{remark}In which town shall I look for hotels?");
    ask(draft, &format!("{base}_place"), &asked, AnswerType::Text, &[])
}

/// Arrival and leaving; asks for what is missing or cannot be.
fn days(stay: Option<Stay>, draft: &mut Draft<'_>, base: &str) -> (String, String) {
    let today = draft.moment.local().date();
    let named = |date: NaiveDate| phrase::date(date);
    match stay {
        Some(Stay::Days { from, to }) => match fault(from, to, today) {
            None => (day(from), day(to)),
            Some(remark) => both(&format!("{remark} "), draft, base),
        },
        Some(Stay::From(from)) if from >= today => {
            (day(from), ask_day(draft, &format!("{base}_to"), &format!("From {} until which day?", named(from))))
        }
        Some(Stay::From(from)) => both(&format!("{} is in the past. ", named(from)), draft, base),
        Some(Stay::Until(to)) if to > today => {
            (ask_day(draft, &format!("{base}_from"), &format!("Until {} from which day on?", named(to))), day(to))
        }
        Some(Stay::Until(to)) => both(&format!("{} is too early. ", named(to)), draft, base),
        Some(Stay::Nights(nights)) => {
            let asked = if nights == 1 { "1 night".to_owned() } else { format!("{nights} nights") };
            let from = ask_day(draft, &format!("{base}_from"), &format!("From which day on shall the {asked} be?"));
            (from, ask_day(draft, &format!("{base}_to"), &format!("And on which day do you leave, after {asked}?")))
        }
        None => both("", draft, base),
    }
}

/// Why these days cannot be a stay.
fn fault(from: NaiveDate, to: NaiveDate, today: NaiveDate) -> Option<String> {
    let nights = (to - from).num_days();
    if from < today {
        return Some(format!("{} is in the past.", phrase::date(from)));
    }
    if nights < 1 {
        return Some(format!("{} is not after {}.", phrase::date(to), phrase::date(from)));
    }
    (nights > NIGHTS_MAX).then(|| format!("A stay can be {NIGHTS_MAX} nights at most."))
}

fn both(remark: &str, draft: &mut Draft<'_>, base: &str) -> (String, String) {
    let from = ask_day(draft, &format!("{base}_from"), &format!("{remark}From which day on do you want to stay?"));
    (from, ask_day(draft, &format!("{base}_to"), "On which day do you leave?"))
}
