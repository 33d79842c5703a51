//! What a request says of something to be found or booked: how many people, which days, where, for
//! how much. One pass over a clause; every act takes from it what it needs.

use chrono::NaiveDate;

use super::clause::Clause;
use super::entities::day::Span;
use super::entities::limit::{self, Limit};
use super::entities::locality::{self, Spot};
use super::entities::people::Party;
use super::entities::stay::{self, Stay};
use super::entities::when::{self, When};
use super::entities::{Moment, Tokens, any_phrase, headcount, is, is_any, number};
use super::mentions;
use super::phrase;
use super::tokens::Kind;

/// Longest note to a venue, as typed.
const NOTES_CHARS_MAX: usize = 500;
/// Longest text that is looked for.
pub const QUERY_CHARS_MAX: usize = 200;

/// Something to be found or booked, as far as the words say it.
#[derive(Debug, Clone, Default)]
pub struct Errand {
    /// What is looked for: `Italian restaurants`.
    pub what: Option<String>,
    /// The venue, the hotel's guest house, the airline: who is asked.
    pub venue: Option<Party>,
    /// The address of the venue, as written.
    pub email: Option<String>,
    /// Where to look.
    pub near: Option<String>,
    /// Whether it is to be near the person.
    pub here: bool,
    /// What stood behind `at`.
    pub at: Option<String>,
    /// Where a journey begins and ends.
    pub route: (Option<String>, Option<String>),
    /// How many people, as said.
    pub people: Option<u32>,
    /// How many rooms.
    pub rooms: Option<u32>,
    /// How many results.
    pub count: Option<u32>,
    /// The days of a stay.
    pub stay: Option<Stay>,
    /// The class of a flight.
    pub cabin: Option<&'static str>,
    /// Whether there is a way back.
    pub returns: bool,
    /// What it may cost.
    pub limit: Option<Limit>,
    /// What the other side is to know.
    pub notes: Option<String>,
    /// What a booking is known by.
    pub reference: Option<String>,
}

/// An errand with the time said for it, and the tokens that were read.
pub struct Scan {
    /// What was said.
    pub errand: Errand,
    /// The days and times, put together.
    pub when: Option<When>,
    /// Ranges of tokens that were read.
    pub taken: Vec<(usize, usize)>,
}

/// Whether days are those of a stay or journey: `Friday to Sunday` is one value then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Arrival and leaving.
    Stays,
    /// The way there and the way back.
    Journeys,
    /// A day and a time.
    Moments,
}

const NOTES: &[&str] = &[
    "it is a",
    "it is an",
    "it is my",
    "it is our",
    "it is for",
    "it is the",
    "it's a",
    "it's an",
    "it's my",
    "it's our",
    "it's for",
    "it's the",
    "it will be",
    "we are celebrating",
    "we're celebrating",
    "we need",
    "we would like",
    "we'd like",
    "one of us",
    "some of us",
];
const NOTES_LED: &[&str] = &[
    "with the note that",
    "with the note",
    "with a note that",
    "with a note",
    "please note that",
    "note that",
    "notes :",
    "note :",
    "and say that",
    "saying that",
    "saying",
];

/// One pass over a clause, from its first token, so that what was said before the act counts too.
pub fn scan(clause: &Clause<'_>, reading: Reading) -> Scan {
    let tokens = clause.tokens;
    let mut scan = Scan { errand: Errand::default(), when: None, taken: Vec::new() };
    let mut at = clause.start;
    while at < clause.end() {
        let next = scan.step(clause, at, reading);
        if let Some(next) = next {
            scan.taken.push((at, next));
        }
        // "2.5 people" is not 5 people.
        let decimal = || number::decimal(tokens, at, true).filter(|_| tokens[at].kind == Kind::Number);
        at = next.or_else(|| decimal().map(|(_, next)| next)).unwrap_or(at + 1).max(at + 1);
    }
    scan
}

impl Scan {
    fn step(&mut self, clause: &Clause<'_>, at: usize, reading: Reading) -> Option<usize> {
        let tokens = clause.tokens;
        if matches!(tokens[at].kind, Kind::Quoted | Kind::Url) {
            return None;
        }
        if tokens[at].kind == Kind::Address {
            self.errand.email.get_or_insert_with(|| tokens[at].text.to_owned());
            return Some(at + 1);
        }
        if let Some((said, next)) = notes(clause, at) {
            self.errand.notes.get_or_insert(said);
            return Some(next);
        }
        if let Some((found, next)) = limit::limit(tokens, at) {
            self.errand.limit.get_or_insert(found);
            return Some(next);
        }
        if let Some((rooms, next)) = rooms(tokens, at) {
            self.errand.rooms.get_or_insert(rooms);
            return Some(next);
        }
        if let Some((people, next)) = headcount::headcount(tokens, at) {
            // "-2 people" is nobody.
            let minus = tokens[at].glued && at > 0 && is(tokens, at - 1, "-") && at > clause.start;
            self.errand.people.get_or_insert(if minus { 0 } else { people });
            return Some(next);
        }
        let before = self.errand.stay;
        if reading == Reading::Journeys
            && let Some((day, next)) = stay::departure(tokens, at, &clause.moment)
        {
            self.errand.stay = Some(Stay::From(day)).map(|found| before.map_or(found, |before| before.with(found)));
            return Some(next);
        }
        if reading != Reading::Moments
            && let Some((found, next)) = stay::next(tokens, at, &clause.moment, before)
        {
            self.errand.stay = Some(found);
            return Some(next);
        }
        if let Some((found, next)) = when::when(tokens, at, &clause.moment) {
            merge(&mut self.when, found);
            return Some(next);
        }
        let (spot, next) = locality::spot(tokens, at, &clause.moment)?;
        match spot {
            Spot::Near(name) if self.errand.near.is_none() => self.errand.near = Some(name),
            Spot::At(name) if self.errand.at.is_none() => self.errand.at = Some(name),
            Spot::Here => self.errand.here = true,
            Spot::Near(_) | Spot::At(_) => return None,
        }
        Some(next)
    }

    /// The words of a range up to the first that was read, without marks and prepositions at the end.
    pub fn words(&self, clause: &Clause<'_>, from: usize) -> Option<String> {
        let stop = self.taken.iter().map(|(start, _)| *start).filter(|start| *start >= from).min();
        let mut end = stop.unwrap_or(clause.end()).min(clause.end());
        while end > from && (is_any(clause.tokens, end - 1, TAILS) || clause.tokens[end - 1].kind == Kind::Punct) {
            end -= 1;
        }
        let mut start = from;
        while start < end && is_any(clause.tokens, start, LEADS) {
            start += 1;
        }
        query(&mentions::text_without(clause.text, clause.tokens, (start, end), &[]))
    }

    /// Whether a token was read already.
    pub fn has(&self, at: usize) -> bool {
        self.taken.iter().any(|(start, end)| (*start..*end).contains(&at))
    }
}

const LEADS: &[&str] = &[
    "a", "an", "the", "some", "any", "me", "us", "my", "our", "of", "for", "good", "nice", "nearest", "closest", "few",
    "couple", ",", ":", "please", "out", "where", "there",
];
const TAILS: &[&str] = &[
    "on", "at", "in", "for", "to", "with", "and", "from", "by", "please", "the", "a", "of", "is", "are", "that",
    "which", "located",
];

/// A text as it is looked for, bounded; without quotes when it is quoted as a whole.
pub fn query(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = [('"', '"'), ('\u{201c}', '\u{201d}')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .filter(|inner| !inner.contains(['"', '\u{201c}', '\u{201d}']));
    let text = phrase::shortened(inner.unwrap_or(text), QUERY_CHARS_MAX);
    (!text.is_empty()).then_some(text)
}

/// A whole day as a time.
pub fn day_of(first: NaiveDate, moment: &Moment) -> When {
    let past = first < moment.local().date();
    When { day: first.succ_opt().map(|end| Span { first, end, past }), ..When::default() }
}

fn merge(all: &mut Option<When>, more: When) {
    let Some(all) = all else {
        *all = Some(more);
        return;
    };
    if !all.has_day() {
        all.day = more.day;
    }
    if all.instant.is_some() {
        return;
    }
    if all.time.is_none() {
        (all.time, all.until, all.zone) = (more.time, more.until, more.zone);
    }
    all.part = all.part.or(more.part);
    if let (Some(time), Some(part)) = (all.time, all.part) {
        all.time = Some(time.within(part));
    }
}

fn rooms(tokens: Tokens<'_, '_>, at: usize) -> Option<(u32, usize)> {
    /// More is an event, and nothing to be booked by the room.
    const ROOMS_MAX: u32 = 99;
    let start = if is(tokens, at, "for") { at + 1 } else { at };
    let (count, next) = number::whole(tokens, start)?;
    let kind = any_phrase(tokens, next, &["double", "single", "twin", "hotel", "separate", "family"]).unwrap_or(next);
    (is_any(tokens, kind, &["room", "rooms"]) && (1..=ROOMS_MAX).contains(&count)).then_some((count, kind + 1))
}

/// What the other side is to know, to the end of the sentence.
fn notes(clause: &Clause<'_>, at: usize) -> Option<(String, usize)> {
    let tokens = clause.tokens;
    let begins = at <= clause.start
        || tokens[at - 1]
            .is_any(&[",", ".", ";", "!", "(", "-", "\u{2013}", "\u{2014}", "and", "because", "as", "since"]);
    let led = any_phrase(tokens, at, NOTES_LED);
    let start = led.or_else(|| any_phrase(tokens, at, NOTES).filter(|_| begins).map(|_| at))?;
    let end = (start..clause.end())
        .find(|at| {
            tokens[*at].is_any(&[";", "!", "?", ")"])
                || (tokens[*at].is(".") && !tokens.get(at + 1).is_some_and(|next| next.glued))
        })
        .unwrap_or(clause.end());
    let text = mentions::text_without(clause.text, tokens, (start, end), &[]);
    let text = text.trim().trim_matches(['"', '\u{201c}', '\u{201d}', ',', ':']).trim();
    (!text.is_empty()).then(|| (phrase::sentence(&phrase::shortened(text, NOTES_CHARS_MAX)), end))
}

/// How many words of the thing behind a verb stand before the first preposition: `a nice hotel`.
pub fn object(tokens: Tokens<'_, '_>, at: usize) -> usize {
    /// Words of the longest that is believed.
    const WORDS_MAX: usize = 8;
    const STOPS: &[&str] = &[
        "for", "in", "at", "near", "nearby", "on", "from", "with", "under", "below", "to", "that", "which", "around",
        "close", "within", "between", "by", "tomorrow", "today", "tonight", "next", "this", "where", "whether", "if",
        "and", "then", "of", "about",
    ];
    let rest = tokens.get(at..).unwrap_or_default();
    let words = rest.iter().take(WORDS_MAX).take_while(|token| !token.is_any(STOPS) && token.kind != Kind::Quoted);
    words.take_while(|token| token.kind != Kind::Punct || token.is_any(&["-", "&"])).count()
}

/// The position after the first of these nouns in the thing behind a verb.
pub fn named(tokens: Tokens<'_, '_>, at: usize, nouns: &[&str]) -> Option<usize> {
    (at..at + object(tokens, at)).find_map(|at| any_phrase(tokens, at, nouns))
}

/// Whether one of these stands anywhere from a position on, within the words of one request.
pub fn later(tokens: Tokens<'_, '_>, at: usize, phrases: &[&str]) -> bool {
    /// How far is looked.
    const WORDS_MAX: usize = 40;
    (at..tokens.len().min(at + WORDS_MAX)).any(|at| any_phrase(tokens, at, phrases).is_some())
}
