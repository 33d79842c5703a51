//! Short words that decide: yes, no, stop, change; and which of the options is meant.

use super::entities::number;
use super::tokens::{Kind, Token, tokenize};

/// What a short message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Go ahead.
    Yes,
    /// Do not.
    No,
    /// Stop everything.
    Stop,
    /// It begins a change of what stands.
    Change,
    /// Leave this out.
    Skip,
    /// Take back what was done.
    Undo,
    /// Anything else.
    Other,
}

const YES: &[&str] = &[
    "yes",
    "y",
    "yep",
    "yeah",
    "yup",
    "ya",
    "ok",
    "okay",
    "k",
    "sure",
    "sure thing",
    "go ahead",
    "go",
    "go for it",
    "go on",
    "confirm",
    "confirmed",
    "do it",
    "do that",
    "please do",
    "yes please",
    "ok go",
    "ok do it",
    "yes do it",
    "yes go ahead",
    "ok go ahead",
    "approve",
    "approved",
    "accept",
    "accepted",
    "sounds good",
    "looks good",
    "looks good to me",
    "lgtm",
    "correct",
    "right",
    "that's right",
    "perfect",
    "great",
    "fine",
    "absolutely",
    "definitely",
    "of course",
    "send it",
    "yes send it",
    "book it",
    "proceed",
    "please",
    "/yes",
    "/confirm",
    "all right",
    "alright",
    "agreed",
    "true",
    "yes that's right",
    "yes thanks",
    "yes thank you",
    "yes ok",
];
const NO: &[&str] = &[
    "no",
    "n",
    "nope",
    "nah",
    "don't",
    "dont",
    "do not",
    "no thanks",
    "no thank you",
    "not now",
    "no don't",
    "please don't",
    "don't do it",
    "don't do that",
    "do not do it",
    "don't send it",
    "reject",
    "rejected",
    "decline",
    "declined",
    "/no",
    "no way",
    "better not",
    "rather not",
    "false",
    "never",
    "no please don't",
];
const STOP: &[&str] = &[
    "stop",
    "cancel",
    "abort",
    "never mind",
    "nevermind",
    "nvm",
    "/cancel",
    "/stop",
    "cancel it",
    "cancel that",
    "stop it",
    "stop that",
    "stop everything",
    "cancel everything",
    "forget it",
    "forget about it",
    "quit",
    "please stop",
    "please cancel",
    "stop please",
    "cancel please",
    "no cancel",
    "no stop",
    "halt",
    "cancel this",
    "stop this",
    "stop now",
    "cancel all",
    "stop all",
    "no cancel it",
    "no stop it",
    "cancel the task",
    "stop the task",
    "drop it",
];
const SKIP: &[&str] = &[
    "skip",
    "none",
    "skip it",
    "skip that",
    "skip this",
    "no matter",
    "doesn't matter",
    "nothing",
    "/skip",
    "leave it out",
];
const UNDO: &[&str] =
    &["undo", "undo it", "undo that", "undo this", "/undo", "take it back", "revert", "please undo", "roll it back"];
const CHANGE: &[&str] = &[
    "make it",
    "make that",
    "change",
    "actually",
    "instead",
    "rather",
    "move it to",
    "move it",
    "move that",
    "move this",
    "not",
    "use",
    "call it",
    "shift it",
    "postpone it",
    "push it",
    "reschedule it",
    "replace",
    "switch",
    "set it to",
    "i meant",
    "i mean",
    "let's make it",
    "better make it",
    "can you make it",
    "could you make it",
    "can we make it",
    "please make it",
    "please change",
    "wait",
];
const THUMBS_UP: [char; 4] = ['\u{1f44d}', '\u{2705}', '\u{1f44c}', '\u{2714}'];
const THUMBS_DOWN: [char; 3] = ['\u{1f44e}', '\u{274c}', '\u{1f6ab}'];
/// A decision is short; a longer text is something else.
const WORDS_MAX: usize = 6;

/// What a message means as a decision.
pub fn word(text: &str) -> Word {
    let text = text.trim();
    if let Some(first) = text.chars().next()
        && text.chars().filter(|c| c.is_alphanumeric()).count() == 0
    {
        return if THUMBS_UP.contains(&first) {
            Word::Yes
        } else if THUMBS_DOWN.contains(&first) {
            Word::No
        } else {
            Word::Other
        };
    }
    let tokens = tokenize(text);
    let plain = flat(&tokens, text.starts_with('/'));
    let politely = plain.trim_start_matches("please ").trim_end_matches(" please").trim_end_matches(" thanks");
    for (list, meaning) in
        [(STOP, Word::Stop), (YES, Word::Yes), (NO, Word::No), (SKIP, Word::Skip), (UNDO, Word::Undo)]
    {
        if list.contains(&plain.as_str()) || list.contains(&politely) {
            return meaning;
        }
    }
    if is_change(&tokens, &plain) { Word::Change } else { repeated(&plain) }
}

/// `yes yes`, `ok ok ok`, `no no`.
fn repeated(plain: &str) -> Word {
    let words: Vec<_> = plain.split(' ').collect();
    if words.len() > WORDS_MAX {
        return Word::Other;
    }
    if words.iter().all(|one| YES.contains(one)) {
        Word::Yes
    } else if words.iter().all(|one| NO.contains(one)) {
        Word::No
    } else if words.iter().all(|one| STOP.contains(one) || *one == "please" || *one == "it")
        && words.iter().any(|one| STOP.contains(one))
    {
        Word::Stop
    } else {
        Word::Other
    }
}

fn flat(tokens: &[Token<'_>], command: bool) -> String {
    let words = tokens.iter().filter(|token| token.kind != Kind::Punct).map(|token| token.lower.as_str());
    let text = words.collect::<Vec<_>>().join(" ");
    if command { format!("/{text}") } else { text }
}

fn is_change(tokens: &[Token<'_>], plain: &str) -> bool {
    let begins = |beginning: &str| plain.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(' '));
    if CHANGE.iter().any(|beginning| begins(beginning)) || plain.ends_with(" instead") {
        return true;
    }
    // "no, Sunday" and "no make it 4" say what is wanted; "no thanks" was read above.
    let no_first = tokens.first().is_some_and(|token| token.is_any(&["no", "nope", "nah"]));
    let comma = tokens.get(1).is_some_and(|token| token.is_any(&[",", "-", ":", ";", "\u{2014}", "."]));
    let rest = plain.split_once(' ').map_or("", |(_, rest)| rest);
    no_first && !rest.is_empty() && (comma || CHANGE.iter().any(|beginning| rest.starts_with(beginning)))
}

const ALL: &[&str] = &[
    "all",
    "everyone",
    "everybody",
    "all of them",
    "all of these",
    "both",
    "both of them",
    "everything",
    "the whole list",
    "everyone please",
];

/// The ids of the options that are meant, in their own order; empty when unsure.
pub fn pick(text: &str, options: &[(String, String)]) -> Vec<String> {
    let text = text.trim();
    let lower = text.to_lowercase();
    if let Some(one) = exact(&lower, options) {
        return vec![options[one].0.clone()];
    }
    let plain = flat(&tokenize(text), false);
    if ALL.contains(&plain.as_str()) && (!plain.starts_with("both") || options.len() == 2) {
        return options.iter().map(|(id, _)| id.clone()).collect();
    }
    if let Some(one) = single(text, options) {
        return vec![options[one].0.clone()];
    }
    let mut chosen = Vec::new();
    for part in parts(&lower) {
        let Some(one) = single(part, options) else { return Vec::new() };
        chosen.push(one);
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|one| options[one].0.clone()).collect()
}

fn parts(lower: &str) -> impl Iterator<Item = &str> {
    lower
        .split([',', ';', '&', '+', '\n'])
        .flat_map(|part| part.split(" and "))
        .map(|part| part.trim().trim_start_matches("and ").trim())
        .filter(|part| !part.is_empty() && *part != "please")
}

fn exact(lower: &str, options: &[(String, String)]) -> Option<usize> {
    let same = |one: &str| one.to_lowercase() == lower;
    options.iter().position(|(id, _)| same(id)).or_else(|| unique(options, |name| name == lower))
}

fn unique(options: &[(String, String)], test: impl Fn(&str) -> bool) -> Option<usize> {
    let mut hits = options.iter().enumerate().filter(|(_, (_, name))| test(&name.to_lowercase()));
    let (first, _) = hits.next()?;
    hits.next().is_none().then_some(first)
}

/// The one option that a part of an answer means.
fn single(part: &str, options: &[(String, String)]) -> Option<usize> {
    /// Shorter texts are in too many names to mean one.
    const SUBSTRING_CHARS_MIN: usize = 3;
    let lower = part.trim().trim_end_matches(['.', '!', ')', '?']).to_lowercase();
    if let Some(one) = exact(&lower, options) {
        return Some(one);
    }
    if let Some(at) = position(&lower, options.len()) {
        return Some(at);
    }
    let plain = ["the ", "option ", "just ", "only ", "i take ", "i'll take ", "take "]
        .iter()
        .fold(lower.as_str(), |text, lead| text.strip_prefix(lead).unwrap_or(text))
        .trim_end_matches(" please")
        .trim_end_matches(" one");
    if plain.is_empty() {
        return None;
    }
    unique(options, |name| name == plain).or_else(|| unique(options, |name| name.starts_with(plain))).or_else(|| {
        let long = plain.chars().count() >= SUBSTRING_CHARS_MIN;
        if long { unique(options, |name| name.contains(plain)) } else { None }
    })
}

/// `2`, `#2`, `the second`, `option 3`, `the last one`.
fn position(lower: &str, count: usize) -> Option<usize> {
    let tokens: Vec<_> = tokenize(lower);
    let mut at = 0;
    while tokens.get(at).is_some_and(|t| {
        t.is_any(&["the", "option", "number", "no", "#", "nr", "just", "only", "i", "take", "i'll", "."])
    }) {
        at += 1;
    }
    let (value, mut next) = number::ordinal(&tokens, at).or_else(|| number::whole(&tokens, at)).or_else(|| {
        let last = tokens.get(at)?.is("last");
        last.then(|| u32::try_from(count).ok())?.map(|value| (value, at + 1))
    })?;
    while tokens.get(next).is_some_and(|t| t.is_any(&["one", "option", "please", "."])) {
        next += 1;
    }
    let index = usize::try_from(value).ok()?.checked_sub(1)?;
    (next == tokens.len() && index < count).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_in_words() {
        let table = [
            (
                Word::Yes,
                &[
                    "yes",
                    "Yes!",
                    "ok",
                    "OK, go ahead",
                    "confirm",
                    "do it",
                    "👍",
                    "👍🏽",
                    "yes please",
                    "Sure.",
                    "sounds good",
                ][..],
            ),
            (Word::No, &["no", "don't", "Don’t!", "nope", "no thanks", "👎", "please don't"]),
            (
                Word::Stop,
                &[
                    "stop",
                    "cancel",
                    "abort",
                    "never mind",
                    "/cancel",
                    "STOP!",
                    "cancel that",
                    "stop stop",
                    "please stop",
                ],
            ),
            (
                Word::Change,
                &[
                    "make it Sunday",
                    "change the time to 4pm",
                    "actually 4pm",
                    "no, Sunday",
                    "to Bob instead",
                    "move it to Monday",
                    "rather 5pm",
                ],
            ),
            (Word::Skip, &["skip", "none"]),
            (Word::Undo, &["undo", "/undo", "Undo that"]),
            (
                Word::Other,
                &[
                    "add Carol",
                    "email Bob",
                    "Friday 3pm",
                    "",
                    "   ",
                    "cancel my dentist appointment",
                    "stop the music at 5",
                    "2",
                    "😀",
                ],
            ),
        ];
        for (meaning, texts) in table {
            for text in texts {
                assert_eq!(word(text), meaning, "{text}");
            }
        }
    }

    fn options() -> Vec<(String, String)> {
        [("a1", "Beach Resort"), ("b2", "Beach House"), ("c3", "City Hotel"), ("d4", "Bob Stone")]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .to_vec()
    }

    #[test]
    fn options_by_id_position_and_name() {
        let table: [(&str, &[&str]); 16] = [
            ("2", &["b2"]),
            ("the second", &["b2"]),
            ("the last one", &["d4"]),
            ("a1", &["a1"]),
            ("city", &["c3"]),
            ("Beach", &[]),
            ("beach house", &["b2"]),
            ("house and 1", &["a1", "b2"]),
            ("1, 3", &["a1", "c3"]),
            ("all", &["a1", "b2", "c3", "d4"]),
            ("everyone", &["a1", "b2", "c3", "d4"]),
            ("9", &[]),
            ("", &[]),
            ("0", &[]),
            ("Bob, please", &["d4"]),
            ("City Hotel and nonsense", &[]),
        ];
        for (text, ids) in table {
            assert_eq!(pick(text, &options()), ids, "{text}");
        }
    }
}
