//! Asks a restaurant for a table: `book a table at Luigi's for 4 tomorrow at 7pm`, `reserve a table
//! for 6 near Panjim on Saturday at 8`.

use super::request::{Request, venue};
use super::{Act, Head, event};
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::locality;
use crate::planner::entities::{Tokens, any_phrase, is_any};
use crate::planner::errand::{self, Scan, later, named, object, query};
use crate::planner::mentions;
use crate::planner::tokens::Kind;
use crate::planner::want::Want;

/// Asks a restaurant for a table.
pub(super) struct Table;

const REQUEST: Request =
    Request { action: "booking.book_restaurant", id: "table", thing: "a table", kind: "restaurant", people_max: 500 };

const VERBS: &[&str] = &[
    "book me",
    "book us",
    "book",
    "reserve me",
    "reserve us",
    "reserve",
    "get me",
    "get us",
    "get",
    "make me",
    "make us",
    "make",
    "find me",
    "find us",
    "find",
    "need",
    "want",
    "request",
    "arrange",
    "have",
];
const BOOKS: &[&str] = &["book me", "book us", "book", "reserve me", "reserve us", "reserve"];
const TABLES: &[&str] =
    &["table", "tables", "restaurant reservation", "dinner reservation", "lunch reservation", "restaurant booking"];
/// These may be places of other things: a seat on a train.
const SEATS: &[&str] = &["reservation", "reservations", "spot", "sot", "seat", "seats", "booking"];
const EATERIES: &[&str] = &[
    "restaurant",
    "restaurants",
    "cafe",
    "café",
    "coffee shop",
    "coffee house",
    "coffeehouse",
    "coffee",
    "bar",
    "pub",
    "gastropub",
    "bistro",
    "brasserie",
    "diner",
    "pizzeria",
    "trattoria",
    "osteria",
    "taverna",
    "tavern",
    "steakhouse",
    "steak house",
    "bakery",
    "eatery",
    "tea house",
    "food truck",
    "delicatessen",
    "deli",
    "joint",
    "churrascaria",
    "buffet",
    "grill",
    "izakaya",
    "inn",
    "canteen",
    "rooftop",
    "creperie",
];
const OTHER_THINGS: &[&str] = &[
    "train",
    "flight",
    "plane",
    "bus",
    "ferry",
    "cinema",
    "theatre",
    "theater",
    "concert",
    "hotel room",
    "car",
    "taxi",
    "tennis",
    "football",
    "course",
    "class",
    "workshop",
    "webinar",
    "meeting",
    "room for the night",
    "parking",
];

fn is_eatery(tokens: Tokens<'_, '_>, at: usize) -> Option<usize> {
    any_phrase(tokens, at, EATERIES)
}

/// Whether an event is meant that only takes place at a restaurant: `book a meeting at the bar`.
fn is_event(tokens: Tokens<'_, '_>, from: usize, to: usize) -> bool {
    let meals = ["lunch", "dinner", "breakfast", "brunch", "drinks", "birthday", "party", "coffee"];
    (from..to.min(tokens.len())).any(|at| event::is_event_word(tokens, at) && !is_any(tokens, at, &meals))
}

impl Act for Table {
    fn kind(&self) -> &'static str {
        "book_restaurant"
    }

    fn action(&self) -> &'static str {
        REQUEST.action
    }

    fn offer(&self) -> &'static str {
        "ask for a table: “book a table at Luigi's for 4 tomorrow at 7pm”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, VERBS)
            && let Some(head) = behind_verb(tokens, at, next)
        {
            return Some(head);
        }
        if let Some(next) = any_phrase(tokens, at, &["eat out", "eat"]) {
            return is_any(tokens, next, &["at", "in", "near", "nearby", "by", "a", "on", "tonight", "tomorrow"])
                .then(|| Head::weak(next));
        }
        // "a table for 4 at Luigi's", without a verb.
        let next =
            any_phrase(tokens, at, &["a table", "the table", "table", "need a table", "a reservation", "reservation"])?;
        is_any(tokens, next, &["for", "at", "in", "near"]).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        read(clause)
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        REQUEST.write(want, draft);
    }
}

fn behind_verb(tokens: Tokens<'_, '_>, at: usize, next: usize) -> Option<Head> {
    /// How far behind the verb the kind of restaurant may stand.
    const WORDS_MAX: usize = 8;
    let other = later(tokens, next, OTHER_THINGS);
    if let Some(noun) = named(tokens, next, TABLES) {
        return (!is_any(tokens, noun, &["tennis", "football", "soccer", "of"])).then(|| Head::strong(noun));
    }
    let end = next + object(tokens, next);
    let begins = any_phrase(tokens, at, BOOKS).is_some();
    if let Some(noun) = named(tokens, next, SEATS) {
        let certain = is_any(tokens, noun - 1, &["reservation", "reservations", "booking"]) || begins;
        return (certain && !other && !is_any(tokens, noun - 2, &["hotel", "flight"])).then(|| Head::strong(noun));
    }
    if !begins {
        return None;
    }
    let party =
        any_phrase(tokens, next, &["a party of", "a party at"]).is_some() || later(tokens, next, &["for a party of"]);
    let eatery = (next..tokens.len().min(next + WORDS_MAX)).find(|at| is_eatery(tokens, *at).is_some());
    let eats = eatery.is_some_and(|eatery| !is_event(tokens, next, eatery));
    ((party || eats) && !(other && eatery.is_none()) && end > next).then(|| Head::strong(next))
}

/// What a clause says of a table; a venue is read the same way.
pub(super) fn read(clause: &Clause<'_>) -> Want {
    let mut want = Want::of(clause.act);
    let mut scan = errand::scan(clause, errand::Reading::Moments);
    let at = scan.errand.at.take();
    let (kind_at, name_at) = match at {
        Some(name) if is_kind_name(&name) => (Some(name), None),
        other => (None, other),
    };
    let mut name = name_at.or_else(|| name_behind(clause, &scan));
    // "Café Einstein, Berlin" says where it is.
    if let Some((venue, town)) =
        name.as_deref().and_then(|name| name.rsplit_once(", ")).filter(|_| scan.errand.near.is_none())
    {
        (scan.errand.near, name) = (Some(town.to_owned()), Some(venue.to_owned()));
    }
    scan.errand.what = kind(clause, &scan).filter(|_| name.is_none()).or(kind_at);
    if clause.has(&["that serves", "which serves", "serving"])
        && let Some(kind) = &scan.errand.what
    {
        scan.errand.what = served(clause).and_then(|dish| query(&format!("{dish} {kind}"))).or(scan.errand.what);
    }
    scan.errand.venue = name.as_deref().map(|name| venue(name, clause.contacts));
    want.place.clone_from(&scan.errand.near);
    want.about = Some(name.map_or_else(|| "Table".to_owned(), |name| format!("Table at {name}")));
    want.when = scan.when;
    evening(&mut want, clause);
    want.errand = Some(scan.errand);
    want
}

/// `best pub`, `tavern`: a kind in small letters, and no name.
fn is_kind_name(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or(name);
    EATERIES.contains(&last) || EATERIES.contains(&name)
}

/// A table at 8 is one in the evening, unless it is for breakfast.
fn evening(want: &mut Want, clause: &Clause<'_>) {
    let by_day = ["breakfast", "brunch", "morning", "meeting", "workshop", "conference", "seminar", "training"];
    let Some(time) = want.when.as_mut().and_then(|when| when.time.as_mut()) else { return };
    let hour = chrono::Timelike::hour(&time.at);
    if time.guessed && (8..=10).contains(&hour) && !clause.has(&by_day) {
        *time = time.later_half();
        time.guessed = false;
    }
}

/// The kind of restaurant with the words before it: `creole tavern`.
fn kind(clause: &Clause<'_>, scan: &Scan) -> Option<String> {
    const BEFORE_MAX: usize = 3;
    const NO_KIND: &[&str] = &[
        "a",
        "an",
        "the",
        "for",
        "at",
        "in",
        "me",
        "us",
        "book",
        "reserve",
        "some",
        "any",
        "that",
        "of",
        "to",
        "reservation",
        "table",
        "spot",
        "best",
        "my",
        "our",
        "on",
        "near",
        "nearby",
        "good",
        "nice",
        "popular",
        "and",
        "with",
        "get",
        "find",
        "make",
        "need",
        "want",
    ];
    let tokens = clause.tokens;
    let free = |at: usize| !scan.has(at) && tokens[at].kind == Kind::Word;
    let noun = (clause.start..clause.end()).find(|at| {
        free(*at)
            && tokens[*at].text.starts_with(char::is_lowercase)
            && is_eatery(tokens, *at).is_some_and(|end| end <= clause.end())
    })?;
    let mut start = noun;
    while start > clause.start && noun - start < BEFORE_MAX && free(start - 1) && !tokens[start - 1].is_any(NO_KIND) {
        start -= 1;
    }
    let end = is_eatery(tokens, noun)?;
    query(&mentions::text_without(clause.text, tokens, (start, end), &[]))
}

/// `that serves turkish food`: the dish or cuisine.
fn served(clause: &Clause<'_>) -> Option<String> {
    let tokens = clause.tokens;
    let next = (clause.body..clause.end())
        .find_map(|at| any_phrase(tokens, at, &["that serves", "which serves", "serving"]))?;
    let (dish, _) = locality::name(tokens, next, &clause.moment)?;
    query(dish.trim_end_matches(" food").trim_end_matches(" cuisine"))
}

/// The venue's name where no `at` leads it: `book Tupelo Honey Cafe`, `a table for The Dome`.
fn name_behind(clause: &Clause<'_>, scan: &Scan) -> Option<String> {
    let tokens = clause.tokens;
    let verb = (clause.start..clause.body).any(|at| any_phrase(tokens, at, BOOKS) == Some(clause.body));
    let capital = |at: usize| {
        tokens.get(at).is_some_and(|token| token.kind == Kind::Word && token.text.starts_with(char::is_uppercase))
    };
    if verb && capital(clause.body) && !scan.has(clause.body) {
        return locality::name(tokens, clause.body, &clause.moment).map(|(name, _)| name);
    }
    (clause.body..clause.end()).filter(|at| clause.is(*at, "for") && !scan.has(*at)).find_map(|at| {
        let the = clause.is(at + 1, "the");
        let start = if the { at + 2 } else { at + 1 };
        let (name, _) = locality::name(tokens, at + 1, &clause.moment).filter(|_| capital(start))?;
        let marked = tokens[at + 1].text == "The"
            || name.split(' ').any(|word| EATERIES.contains(&word.to_lowercase().as_str()) || word == "Shop");
        marked.then_some(name)
    })
}
