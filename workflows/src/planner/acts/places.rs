//! Finds places: `find Italian restaurants near Panjim`, `where is a pharmacy near me`.

use serde_json::{Map, Value};

use super::errand_ask::{around, ask, insert_count, near};
use super::verbs::FIND;
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::Draft;
use crate::planner::entities::{Tokens, any_phrase, is_any, number};
use crate::planner::errand::{self, Reading, object};
use crate::planner::phrase;
use crate::planner::tokens::Kind;
use crate::planner::want::Want;

/// Finds places.
pub(super) struct Places;

/// Kinds of places, in the singular.
const KINDS: &[&str] = &[
    "restaurant",
    "cafe",
    "café",
    "bar",
    "pub",
    "bistro",
    "bakery",
    "pizzeria",
    "diner",
    "steakhouse",
    "brewery",
    "eatery",
    "canteen",
    "venue",
    "hall",
    "hotel",
    "hostel",
    "motel",
    "guesthouse",
    "resort",
    "campsite",
    "pharmacy",
    "chemist",
    "hospital",
    "clinic",
    "doctor",
    "dentist",
    "vet",
    "optician",
    "supermarket",
    "grocery",
    "shop",
    "store",
    "mall",
    "market",
    "bookshop",
    "bookstore",
    "florist",
    "hairdresser",
    "barber",
    "salon",
    "spa",
    "sauna",
    "gym",
    "pool",
    "park",
    "playground",
    "beach",
    "museum",
    "gallery",
    "theatre",
    "theater",
    "cinema",
    "club",
    "nightclub",
    "zoo",
    "aquarium",
    "library",
    "school",
    "kindergarten",
    "university",
    "church",
    "temple",
    "mosque",
    "synagogue",
    "bank",
    "atm",
    "station",
    "airport",
    "parking",
    "garage",
    "mechanic",
    "laundry",
    "laundromat",
    "toilet",
    "police",
    "embassy",
    "consulate",
    "location",
    "caterer",
    "studio",
    "workspace",
    "attraction",
    "viewpoint",
    "sight",
    "deli",
    "delicatessen",
    "buffet",
    "patisserie",
    "butcher",
    "winery",
    "casino",
    "stadium",
    "court",
    "yoga",
    "pizza",
    "sushi",
    "burger",
    "coffee",
    "place",
];
/// Pairs of words that are one kind.
const KINDS_OF_TWO: &[&str] = &[
    "petrol station",
    "gas station",
    "charging station",
    "post office",
    "ice cream",
    "car rental",
    "bike rental",
    "coworking space",
    "event space",
    "function room",
    "party room",
    "community centre",
    "community center",
    "shopping centre",
    "shopping center",
    "tourist office",
    "bus stop",
    "police station",
    "things to do",
    "places to eat",
    "place to eat",
    "somewhere to eat",
    "something to eat",
    "street food",
    "tea house",
    "coffee shop",
];
/// Things that are found elsewhere: in the calendar, the address book, a mail.
const ELSEWHERE: &[&str] = &[
    "slot",
    "slots",
    "time",
    "times",
    "meeting",
    "meetings",
    "appointment",
    "appointments",
    "event",
    "events",
    "contact",
    "contacts",
    "number",
    "email",
    "e",
    "mail",
    "mails",
    "address",
    "addresses",
    "phone",
    "telephone",
    "details",
    "gap",
    "day",
    "date",
    "reminder",
    "reminders",
    "file",
    "document",
    "calendar",
    "schedule",
    "agenda",
    "availability",
    "flight",
    "flights",
    "train",
    "link",
    "news",
    "weather",
    "price",
    "prices",
    "message",
    "messages",
];
const RELATIONS: &[&str] = &[
    "near",
    "nearby",
    "close to",
    "close by",
    "around here",
    "within",
    "not far from",
    "next to",
    "in walking distance",
];

/// Whether one of the words of the thing behind a verb is a kind of place.
fn is_kind(tokens: Tokens<'_, '_>, at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        let word = token.lower.as_str();
        let singular = [word.strip_suffix('s'), word.strip_suffix("es")];
        let ies = word.strip_suffix("ies").map(|stem| format!("{stem}y"));
        token.kind == Kind::Word
            && (KINDS.contains(&word)
                || singular.into_iter().flatten().any(|stem| KINDS.contains(&stem))
                || ies.is_some_and(|stem| KINDS.contains(&stem.as_str())))
    }) || any_phrase(tokens, at, KINDS_OF_TWO).is_some()
}

/// Whether the words from a position on name something that stands somewhere.
fn names_a_place(tokens: Tokens<'_, '_>, next: usize) -> bool {
    let words = object(tokens, next);
    let thing = next..next + words;
    if words == 0 || thing.clone().any(|at| is_any(tokens, at, ELSEWHERE)) {
        return false;
    }
    // "Bob's", "the keys" and "my bag" are somebody's, and on no map.
    let owned = is_any(tokens, next, &["my", "our", "his", "her", "their", "that", "this"]);
    let person = thing.clone().any(|at| tokens[at].lower.ends_with("'s"));
    let kind = thing.clone().any(|at| is_kind(tokens, at));
    let relation =
        (next + words..tokens.len().min(next + words + 2)).any(|at| any_phrase(tokens, at, RELATIONS).is_some());
    if owned || (person && !kind) {
        return false;
    }
    let plain = !is_any(tokens, next, &["the"]) && !tokens[next].text.starts_with(char::is_uppercase);
    let in_a_place = is_any(tokens, next + words, &["in"])
        && tokens
            .get(next + words + 1)
            .is_some_and(|name| name.kind == Kind::Word && name.text.starts_with(char::is_uppercase));
    kind || relation || (plain && in_a_place)
}

impl Act for Places {
    fn kind(&self) -> &'static str {
        "find_places"
    }

    fn action(&self) -> &'static str {
        "search.find_places"
    }

    fn offer(&self) -> &'static str {
        "find places: “find Italian restaurants near Panjim”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, FIND) {
            return names_a_place(tokens, next).then(|| Head::strong(next));
        }
        // "a pharmacy near Panjim", without a verb.
        let words = object(tokens, at);
        let kind = (at..at + words).any(|at| is_kind(tokens, at) && !is_any(tokens, at, ELSEWHERE));
        let begins = at == 0 || is_any(tokens, at, &["a", "an", "the", "any", "some"]);
        let relation = any_phrase(tokens, at + words, RELATIONS).is_some();
        (kind && begins && relation && words > 0).then(|| Head::weak(at))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = Want::of(clause.act);
        let mut scan = errand::scan(clause, Reading::Moments);
        let counted = number::whole(clause.tokens, clause.body).filter(|_| !scan.has(clause.body));
        let (count, from) = counted.map_or((None, clause.body), |(count, next)| (Some(count), next));
        scan.errand.count = count;
        let what = scan.words(clause, from);
        scan.errand.what = what.map(|what| if what == "something to eat" { "place to eat".to_owned() } else { what });
        scan.errand.near = scan.errand.near.take().or_else(|| scan.errand.at.take());
        want.place.clone_from(&scan.errand.near);
        want.when = scan.when;
        want.errand = Some(scan.errand);
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let Some(errand) = &want.errand else { return };
        let id = draft.id("places");
        let what = errand.what.clone().unwrap_or_else(|| "places".to_owned());
        let query = match &errand.what {
            Some(what) => phrase::literal(what),
            None => ask(
                draft,
                "places_what",
                "What kind of place shall I look for?",
                AnswerType::Text,
                &["restaurant", "cafe", "hotel"],
            ),
        };
        let near = near(errand, draft, &id, &what);
        let mut params =
            Map::from_iter([("query".to_owned(), Value::from(query)), ("near".to_owned(), Value::from(near))]);
        insert_count(&mut params, errand);
        let around = around(errand);
        let title = format!("Look for “{what}”{around}");
        draft.titles.push(phrase::capitalised(&format!("{what}{around}")));
        draft.execute(&id, &title, self.action(), params);
    }
}
