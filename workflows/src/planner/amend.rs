//! Later words that change a request: the request's own words are replaced by them, and it is
//! planned again. So stage ids stay as they were.

use super::acts;
use super::clause::{self, Clause};
use super::entities::day::Span;
use super::entities::people::Party;
use super::entities::when::When;
use super::entities::{Moment, any_phrase, headcount, is_any, limit, stay};
use super::mentions::{self, Found, Mention};
use super::naming;
use super::tokens::{Token, tokenize};
use crate::person::Contact;
use crate::state::Amendment;

/// A request with its changes worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The request's new words.
    pub text: String,
    /// What it is to be called, when that was said.
    pub title: Option<String>,
}

/// Works changes into a request, oldest first.
pub fn amended(text: &str, amendments: &[Amendment], moment: &Moment, contacts: &[Contact]) -> Amended {
    /// More changes than these are not followed.
    const AMENDMENTS_MAX: usize = 50;
    let mut now = Amended { text: text.to_owned(), title: None };
    for amendment in amendments.iter().take(AMENDMENTS_MAX) {
        if let Some(title) = new_title(&amendment.text, &tokenize(&amendment.text)) {
            now.title = Some(title);
            continue;
        }
        let said = amendment.said_at.map_or(*moment, |at| Moment::new(at, moment.now.timezone()));
        now = one(now, &anchored(&amendment.text, moment, &said, contacts), moment, contacts);
    }
    now
}

/// Words that were said later, as if they had been said with the first: `tomorrow`, said on Wednesday, becomes
/// the date of Thursday.
fn anchored(text: &str, first: &Moment, said: &Moment, contacts: &[Contact]) -> String {
    let is_another_day = said.local().date() != first.local().date();
    let found = mentions::mentions(&tokenize(text), 0, said, contacts);
    let mut text = text.to_owned();
    // From the end, so that the positions of what is left hold.
    for mention in found.iter().rev() {
        let Found::When(when) = &mention.found else { continue };
        let source = |text: &str, words| source(text, &tokenize(text), words).to_lowercase();
        let anchor = match (when.instant, when.day, when.day_words) {
            (Some(at), _, _) if said.now != first.now => {
                Some(((mention.start, mention.end), at.format("on %Y-%m-%d at %H:%M").to_string()))
            }
            (None, Some(day), Some(words)) if is_another_day => Some((words, dated(&day, &source(&text, words)))),
            (Some(_) | None, _, _) => None,
        };
        if let Some((words, date)) = anchor {
            text = spliced(&text, &tokenize(&text), words, &date);
        }
    }
    text
}

/// A day or a span of days in words that hold whenever they are read.
fn dated(day: &Span, said: &str) -> String {
    let first = day.first.format("%Y-%m-%d");
    match day.end.pred_opt().filter(|last| *last > day.first) {
        Some(last) => format!("from {first} to {}", last.format("%Y-%m-%d")),
        None if said.contains("tonight") => format!("on {first} at night"),
        None => format!("on {first}"),
    }
}

fn one(before: Amended, amendment: &str, moment: &Moment, contacts: &[Contact]) -> Amended {
    let tokens = tokenize(amendment);
    if is_another_act(&tokens) {
        return Amended {
            text: format!("{}; then {amendment}", before.text.trim_end_matches(['.', ';', ' '])),
            ..before
        };
    }
    let found = mentions::mentions(&tokens, 0, moment, contacts);
    let mut text = before.text;
    if let Some(people) = new_people(&tokens, moment, contacts, &found) {
        text = with_people(&text, &people, moment, contacts);
    }
    // The first of each kind counts.
    let kinds = found.iter().map(|mention| std::mem::discriminant(&mention.found));
    let firsts = kinds.enumerate().scan(Vec::new(), |seen, (at, kind)| {
        let new = !seen.contains(&kind);
        seen.push(kind);
        Some(new.then_some(at))
    });
    for mention in firsts.flatten().map(|at| &found[at]) {
        let words = source(amendment, &tokens, (mention.start, mention.end));
        match &mention.found {
            Found::When(when) => text = with_when(&text, when, (amendment, &tokens, mention), moment, contacts),
            Found::Length(_) => text = with_length(&text, words, moment, contacts),
            Found::Place(_) => {
                text = replaced(&text, words, moment, contacts, |found| matches!(found, Found::Place(_)));
            }
            Found::Repeat(_) => {
                text = replaced(&text, words, moment, contacts, |found| matches!(found, Found::Repeat(_)));
            }
            Found::Provider(_) => text = format!("{} {words}", text.trim_end_matches(['.', ' '])),
            Found::Party(_) | Found::Phone(_) => {}
        }
    }
    if is_errand(&text, moment, contacts) {
        text = with_numbers(&text, amendment, &tokens);
    }
    Amended { text, title: before.title }
}

/// Whether a request is for something to be found or booked.
fn is_errand(text: &str, moment: &Moment, contacts: &[Contact]) -> bool {
    let tokens = tokenize(text);
    let clauses = clause::clauses(text, &tokens, *moment, contacts);
    let mut actions = clauses.iter().map(|clause| clause.act.action());
    actions.any(|action| action.starts_with("search.") || action.starts_with("booking."))
}

/// Changes people, nights and prices of something to be found or booked: `for 6 people`, `under 500 euros`.
fn with_numbers(text: &str, amendment: &str, amending: &[Token<'_>]) -> String {
    type Reader = fn(&[Token<'_>], usize) -> Option<usize>;
    const READERS: [Reader; 3] = [
        |tokens, at| headcount::headcount(tokens, at).map(|(_, next)| next),
        |tokens, at| limit::limit(tokens, at).map(|(_, next)| next),
        |tokens, at| stay::nights(tokens, at).map(|(_, next)| next),
    ];
    let mut text = text.to_owned();
    for read in READERS {
        let first = |tokens: &[Token<'_>]| (0..tokens.len()).find_map(|at| read(tokens, at).map(|next| (at, next)));
        let Some(new) = first(amending) else { continue };
        let words = source(amendment, amending, new);
        let tokens = tokenize(&text);
        text = match first(&tokens) {
            Some(old) => spliced(&text, &tokens, old, words),
            None => format!("{} {words}", text.trim_end_matches(['.', ' '])),
        };
    }
    text
}

/// `also email Bob that I am late` asks for one more thing; `email Carol instead` changes one.
fn is_another_act(tokens: &[Token<'_>]) -> bool {
    /// Shorter ones are changes.
    const TOKENS_MIN: usize = 4;
    let change = tokens.iter().any(|token| token.is("instead"))
        || is_any(tokens, 0, &["make", "change", "move", "call", "actually", "no"]);
    !change && tokens.len() >= TOKENS_MIN && clause::opening(tokens, 0).is_some_and(|(_, head)| head.strong)
}

fn source<'t>(text: &'t str, tokens: &[Token<'_>], range: (usize, usize)) -> &'t str {
    match (tokens.get(range.0), range.1.checked_sub(1).and_then(|last| tokens.get(last))) {
        (Some(first), Some(last)) if first.start <= last.end => &text[first.start..last.end],
        _ => "",
    }
}

fn new_title(amendment: &str, tokens: &[Token<'_>]) -> Option<String> {
    let leads = [
        "call it",
        "name it",
        "title it",
        "change the title to",
        "change the subject to",
        "make the title",
        "make the subject",
        "rename it to",
        "change title to",
        "the title is",
        "the subject is",
    ];
    let next = (0..tokens.len().min(4)).find_map(|at| any_phrase(tokens, at, &leads))?;
    let token = tokens.get(next)?;
    let words = amendment[token.start..].trim().trim_matches(['"', '\u{201c}', '\u{201d}', '\'', '.']);
    (!words.is_empty()).then(|| words.to_owned())
}

/// What happens to the people of a request.
enum People {
    Add(String),
    Instead(String),
    Without(Vec<Party>),
    Swap(Box<Party>, String),
}

fn new_people(tokens: &[Token<'_>], moment: &Moment, contacts: &[Contact], found: &[Mention]) -> Option<People> {
    let parties: Vec<&Mention> = found.iter().filter(|mention| matches!(mention.found, Found::Party(_))).collect();
    let clause = Clause {
        act: acts::ACTS[0],
        text: "",
        tokens,
        start: 0,
        body: 0,
        mentions: Vec::new(),
        moment: *moment,
        contacts,
    };
    let words = |range: (usize, usize)| -> String {
        tokens[range.0..range.1].iter().map(|token| token.text).collect::<Vec<_>>().join(" ").replace(" ,", ",")
    };
    let list = |at: usize| {
        let (some, end, _) = clause.people(at);
        (!some.is_empty()).then(|| words((at, end)))
    };
    for at in 0..tokens.len() {
        if let Some(next) = any_phrase(tokens, at, &["without", "remove", "leave out", "drop", "not to", "except"]) {
            let (some, ..) = clause.people(next);
            return (!some.is_empty()).then_some(People::Without(some));
        }
        if let Some(next) = any_phrase(tokens, at, &["replace", "instead of"]).filter(|_| parties.len() >= 2) {
            let [first, second, ..] = parties.as_slice() else { return None };
            let (old, new) =
                if tokens[next - 1].is("of") && second.start == next { (second, first) } else { (first, second) };
            let Found::Party(old) = &old.found else { return None };
            return Some(People::Swap(Box::new(old.clone()), words((new.start, new.end))));
        }
        if let Some(next) = any_phrase(tokens, at, &["add", "include", "also to", "also invite", "also", "and"])
            .filter(|_| at == 0 || tokens[at].is("add"))
        {
            return list(next).map(People::Add);
        }
    }
    let to = (0..tokens.len())
        .find(|at| is_any(tokens, *at, &["to", "with", "but", "it"]) && clause.people(at + 1).1 > at + 1);
    let to = to.filter(|at| {
        found.iter().any(|mention| mention.start == at + 1 && matches!(mention.found, Found::Party(_)))
            || tokens.iter().any(|token| token.is("instead"))
    });
    let to = to.filter(|at| {
        !found
            .iter()
            .any(|mention| mention.start <= at + 1 && at + 1 < mention.end && !matches!(mention.found, Found::Party(_)))
    });
    if let Some(at) = to {
        return list(at + 1).map(People::Instead);
    }
    parties.first().map(|first| first.start).and_then(list).map(People::Instead)
}

/// Where the people of a request stand: the first row of them behind an act's head.
fn people_of(
    text: &str,
    tokens: &[Token<'_>],
    moment: &Moment,
    contacts: &[Contact],
) -> Option<(Vec<Party>, usize, usize)> {
    for clause in clause::clauses(text, tokens, *moment, contacts) {
        let (some, end, _) = clause.people(clause.body);
        if !some.is_empty() {
            return Some((some, clause.body, end));
        }
        if let Some(at) = clause.find(&["with", "to"]) {
            let (some, end, _) = clause.people(at + 1);
            if !some.is_empty() {
                return Some((some, at + 1, end));
            }
        }
    }
    None
}

fn with_people(text: &str, change: &People, moment: &Moment, contacts: &[Contact]) -> String {
    let tokens = tokenize(text);
    let Some((parties, start, end)) = people_of(text, &tokens, moment, contacts) else {
        return match change {
            People::Add(names) | People::Instead(names) => format!("{text} with {names}"),
            People::Without(_) | People::Swap(..) => text.to_owned(),
        };
    };
    let old = source(text, &tokens, (start, end));
    let called = |party: &Party| naming::parties(std::slice::from_ref(party)).join("");
    let new = match change {
        People::Add(names) => format!("{old} and {names}"),
        People::Instead(names) => names.clone(),
        People::Without(gone) => {
            let kept: Vec<String> = parties.iter().filter(|party| !gone.contains(party)).map(called).collect();
            if kept.is_empty() { old.to_owned() } else { kept.join(" and ") }
        }
        People::Swap(out, names) => {
            let swap = |party: &Party| if *party == **out { names.clone() } else { called(party) };
            parties.iter().map(swap).collect::<Vec<_>>().join(" and ")
        }
    };
    spliced(text, &tokens, (start, end), &new)
}

fn spliced(text: &str, tokens: &[Token<'_>], range: (usize, usize), new: &str) -> String {
    let (from, to) = (tokens[range.0].start, tokens[range.1 - 1].end);
    format!("{}{new}{}", &text[..from], &text[to..])
}

/// The words that name the day and those that name the time, as said.
fn day_and_time<'t>(text: &'t str, tokens: &[Token<'_>], when: &When) -> (Option<&'t str>, Option<&'t str>) {
    let of = |range: Option<(usize, usize)>| {
        range.map(|range| source(text, tokens, range)).filter(|words| !words.is_empty())
    };
    (of(when.day_words), of(when.time_words))
}

fn with_when(
    text: &str,
    new: &When,
    said: (&str, &[Token<'_>], &Mention),
    moment: &Moment,
    contacts: &[Contact],
) -> String {
    let (amendment, amending, mention) = said;
    let tokens = tokenize(text);
    // "make the reminder Sunday" is about the reminder.
    let from = if amending.iter().any(|token| token.lower.starts_with("remind")) {
        tokens.iter().position(|token| token.lower.starts_with("remind")).unwrap_or(0)
    } else {
        0
    };
    let whole = source(amendment, amending, (mention.start, mention.end));
    let found = mentions::mentions(&tokens, from, moment, contacts);
    let old = found.iter().find_map(|mention| match &mention.found {
        Found::When(when) => Some((when, mention)),
        Found::Length(_)
        | Found::Repeat(_)
        | Found::Party(_)
        | Found::Place(_)
        | Found::Phone(_)
        | Found::Provider(_) => None,
    });
    let Some((old, place)) = old else {
        return format!("{} {whole}", text.trim_end_matches(['.', ' ']));
    };
    let (day, time) = day_and_time(text, &tokens, old);
    let words = match (new.has_day(), new.has_time()) {
        (true, false) => {
            format!("{} {}", day_and_time(amendment, amending, new).0.unwrap_or(whole), time.unwrap_or_default())
        }
        (false, true) if old.instant.is_none() => {
            let start = day_and_time(amendment, amending, new).1.unwrap_or(whole);
            let bare = !start.starts_with("at ") && new.time.is_some_and(|time| time.bare);
            format!("{} {}{start}", day.unwrap_or_default(), if bare { "at " } else { "" })
        }
        (true | false, _) => whole.to_owned(),
    };
    spliced(text, &tokens, (place.start, place.end), words.trim())
}

fn with_length(text: &str, words: &str, moment: &Moment, contacts: &[Contact]) -> String {
    let words = if words.starts_with("for ") { words.to_owned() } else { format!("for {words}") };
    replaced(text, &words, moment, contacts, |found| matches!(found, Found::Length(_)))
}

/// Replaces the first mention of a kind, or adds the words at the end.
fn replaced(text: &str, words: &str, moment: &Moment, contacts: &[Contact], kind: impl Fn(&Found) -> bool) -> String {
    let tokens = tokenize(text);
    let found = mentions::mentions(&tokens, 0, moment, contacts);
    match found.iter().find(|mention| kind(&mention.found)) {
        Some(mention) => spliced(text, &tokens, (mention.start, mention.end), words),
        None => format!("{} {words}", text.trim_end_matches(['.', ' '])),
    }
}
