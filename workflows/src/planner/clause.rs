//! Cuts a request into clauses, one act each, and reads what every clause holds.

use super::acts::{self, Act, Head};
use super::entities::people::{self, Party};
use super::entities::{Moment, Tokens, any_phrase, is, is_any, provider, when};
use super::mentions::{self, Found, Mention};
use super::tokens::{Kind, Token};
use super::want::Want;
use crate::person::Contact;

/// A request has at most so many acts; the rest is left to the next request.
pub const ACTS_MAX: usize = 8;

/// One act's part of a request.
pub struct Clause<'a> {
    /// The act.
    pub act: &'static dyn Act,
    /// The whole text.
    pub text: &'a str,
    /// Its tokens up to this clause's end: positions are those of the whole text.
    pub tokens: &'a [Token<'a>],
    /// The first token of the clause.
    pub start: usize,
    /// The first token after the head.
    pub body: usize,
    /// The values in the body.
    pub mentions: Vec<Mention>,
    /// The moment of the request.
    pub moment: Moment,
    /// The address book.
    pub contacts: &'a [Contact],
}

const COURTESY: &[&str] = &[
    "please",
    "can you",
    "could you",
    "would you",
    "will you",
    "can we",
    "kindly",
    "also",
    "then",
    "and then",
    "and also",
    "and",
    "i want to",
    "i want you to",
    "i'd like to",
    "i'd like you to",
    "i would like to",
    "i need to",
    "i need you to",
    "we want to",
    "we'd like to",
    "we would like to",
    "we need to",
    "we need",
    "we want",
    "like to",
    "let's",
    "lets",
    "hey",
    "hi",
    "hello",
    ",",
    "i need",
    "i want",
    "i'd like",
    "i would like",
    "after that",
    "afterwards",
    "next",
    "just",
    "now",
    "so",
];
/// Words of courtesy before an act; more is something else.
const COURTESY_MAX: usize = 6;

/// The position after words of courtesy.
fn courtesy(tokens: Tokens<'_, '_>, at: usize) -> impl Iterator<Item = usize> {
    let mut starts = vec![at];
    let mut next = at;
    while let Some(past) = any_phrase(tokens, next, COURTESY).filter(|_| starts.len() <= COURTESY_MAX) {
        starts.push(past);
        next = past;
    }
    starts.into_iter()
}

/// The act that begins at a position, perhaps behind words of courtesy.
pub fn opening(tokens: Tokens<'_, '_>, at: usize) -> Option<(&'static dyn Act, Head)> {
    courtesy(tokens, at).find_map(|start| acts::head(tokens, start))
}

/// The act behind a time that is said first: `tomorrow at 9 remind me to …`.
fn opening_behind_time(tokens: Tokens<'_, '_>, at: usize, moment: &Moment) -> Option<(&'static dyn Act, Head)> {
    let start = courtesy(tokens, at).last()?;
    let (_, next) = when::when(tokens, start, moment)?;
    opening(tokens, next)
}

/// How sharply a position is cut off from what is before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    None,
    Soft,
    Hard,
}

fn cut_before(tokens: &[Token<'_>], at: usize) -> Cut {
    let Some(before) = at.checked_sub(1).and_then(|at| tokens.get(at)) else { return Cut::Hard };
    let token = &tokens[at];
    if before.is_any(&[";", "!", "?"]) || (before.is(".") && !token.glued) {
        return Cut::Hard;
    }
    if token.is_any(&["then", "afterwards"]) || (token.is("and") && is_any(tokens, at + 1, &["then", "also"])) {
        return Cut::Hard;
    }
    if before.is(",") && token.is("and") && is_any(tokens, at + 1, &["then", "also"]) {
        return Cut::Hard;
    }
    if token.is("and") || before.is(",") { Cut::Soft } else { Cut::None }
}

/// The clauses of a request; none when nothing in it names an act.
pub fn clauses<'a>(text: &'a str, tokens: &'a [Token<'a>], moment: Moment, contacts: &'a [Contact]) -> Vec<Clause<'a>> {
    let mut heads: Vec<(usize, &'static dyn Act, Head)> = Vec::new();
    let mut at = 0;
    let mut verbatim = false;
    while at < tokens.len() && heads.len() < ACTS_MAX {
        let cut = cut_before(tokens, at);
        let found = if cut == Cut::None || verbatim {
            None
        } else {
            opening(tokens, at).or_else(|| opening_behind_time(tokens, at, &moment))
        };
        let found = found.filter(|(act, head)| {
            let alone = heads.is_empty() || cut == Cut::Hard || splits_softly(&heads, *act, *head);
            alone && !is_told(&heads, *act, *head)
        });
        if let Some((act, head)) = found {
            heads.push((at, act, head));
            at = head.next.max(at + 1);
            continue;
        }
        verbatim = verbatim || opens_verbatim(tokens, at, &heads);
        at += 1;
    }
    let ends: Vec<usize> = heads.iter().skip(1).map(|(start, ..)| *start).chain([tokens.len()]).collect();
    heads
        .into_iter()
        .zip(ends)
        .map(|((start, act, head), end)| {
            let tokens = &tokens[..trimmed(tokens, head.next, end)];
            let first = courtesy(tokens, start).last().unwrap_or(start);
            let led = when::when(&tokens[..head.next.min(tokens.len())], first, &moment);
            let mut mentions: Vec<Mention> =
                led.map(|(when, end)| Mention { found: Found::When(when), start: first, end }).into_iter().collect();
            mentions.extend(mentions::mentions(tokens, head.next, &moment, contacts));
            Clause { act, text, tokens, start, body: head.next, mentions, moment, contacts }
        })
        .collect()
}

/// Whether an act behind `and` or a comma is one of its own. What is told may hold weak words.
fn splits_softly(heads: &[(usize, &'static dyn Act, Head)], act: &'static dyn Act, head: Head) -> bool {
    // All the rest is what is searched for.
    if heads.last().is_some_and(|(_, last, _)| last.kind() == "search_web") {
        return false;
    }
    if head.strong {
        return !keeps(heads, act);
    }
    let tells = ["send_email", "set_reminder", "send_notification"];
    let told = heads.last().is_some_and(|(_, last, _)| tells.contains(&last.kind()));
    !told && matches!(act.kind(), "send_email" | "cancel_event")
}

/// `email Bob that we moved. Please note that the bell is broken` is one mail: what is to be noted or
/// remembered behind another act is for whoever is told there.
fn is_told(heads: &[(usize, &'static dyn Act, Head)], act: &'static dyn Act, head: Head) -> bool {
    let Some((_, last, _)) = heads.last().filter(|_| act.action().starts_with("memory.")) else { return false };
    let tells = ["send_email", "send_invitation", "send_notification", "set_reminder"];
    tells.contains(&last.kind()) || (!head.strong && act.kind() == "remember")
}

/// `remind me to buy milk and call mum` is one reminder.
fn keeps(heads: &[(usize, &'static dyn Act, Head)], act: &'static dyn Act) -> bool {
    let told = heads.last().is_some_and(|(_, last, _)| matches!(last.kind(), "set_reminder" | "send_notification"));
    let errands = ["search.", "booking."].iter().any(|plugin| act.action().starts_with(plugin));
    told && (errands || matches!(act.kind(), "cancel_event" | "find_contact" | "send_email" | "schedule_call"))
}

/// Behind `email bob@x.org:` everything is the message.
fn opens_verbatim(tokens: &[Token<'_>], at: usize, heads: &[(usize, &'static dyn Act, Head)]) -> bool {
    let mail = heads.last().is_some_and(|(_, act, _)| act.kind() == "send_email");
    let inside = tokens.get(at + 1).is_some_and(|next| next.glued && next.kind == Kind::Number);
    let quoted = tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Quoted);
    mail && tokens[at].is(":") && !inside && !quoted
}

fn trimmed(tokens: &[Token<'_>], from: usize, end: usize) -> usize {
    let mut end = end;
    while end > from && tokens[end - 1].is_any(&[",", ";", "and", "then"]) {
        end -= 1;
    }
    end
}

const REFERENCES: &[&str] = &[
    "for it",
    "about it",
    "for that",
    "for this",
    "to it",
    "the link",
    "the meeting link",
    "meeting link",
    "for the meeting",
];

impl Clause<'_> {
    /// Whether a reference to another act stands at a position: `for it`.
    pub fn points_away(&self, at: usize) -> bool {
        any_phrase(self.tokens, at, REFERENCES).is_some()
    }

    /// Past the last token.
    pub fn end(&self) -> usize {
        self.tokens.len()
    }

    /// A want with the slots that every act reads the same way.
    pub fn want(&self) -> Want {
        let mut want = Want::of(self.act);
        for mention in &self.mentions {
            match &mention.found {
                Found::When(when) => want.when = want.when.or_else(|| Some(when.clone())),
                Found::Length(length) => want.length = want.length.or(Some(*length)),
                Found::Repeat(rule) => want.repeat = want.repeat.or_else(|| Some(rule.clone())),
                Found::Party(party) => want.parties.push(party.clone()),
                Found::Place(place) => want.place = want.place.or_else(|| Some(place.clone())),
                Found::Phone(phone) => want.phone = want.phone.or_else(|| Some(phone.clone())),
                // The last one said counts: a change is said behind what it changes.
                Found::Provider(provider) => want.provider = Some(provider),
            }
        }
        // "a Google Meet link" is in the words that name the act.
        let named = (self.start..self.body).find_map(|at| provider::provider(self.tokens, at));
        want.provider = want.provider.or(named.map(|(provider, _)| provider));
        want.refers = (self.body..self.end()).any(|at| any_phrase(self.tokens, at, REFERENCES).is_some());
        want.same_people = (self.body..self.end()).any(|at| {
            is_any(self.tokens, at, &["them", "him", "her"])
                && (at == self.body || is_any(self.tokens, at - 1, &["with", "to", "for", "and", "invite"]))
        });
        want.title = self.quoted();
        want
    }

    /// The first quoted text: a title.
    pub fn quoted(&self) -> Option<String> {
        self.tokens[self.body.min(self.end())..]
            .iter()
            .find(|token| token.kind == Kind::Quoted)
            .map(|token| token.text.trim().to_owned())
    }

    /// What is left of a range without times, lengths, repetitions and references.
    pub fn rest(&self, from: usize, to: usize) -> String {
        let mut drop: Vec<(usize, usize)> = self
            .mentions
            .iter()
            .filter(|mention| {
                matches!(mention.found, Found::When(_) | Found::Length(_) | Found::Repeat(_) | Found::Provider(_))
            })
            .map(|mention| (mention.start, mention.end))
            .collect();
        drop.extend((from..to).filter_map(|at| any_phrase(self.tokens, at, REFERENCES).map(|next| (at, next))));
        mentions::text_without(self.text, self.tokens, (from, to), &drop)
    }

    /// People in a row from a position on: `Bob and Carol`, `my friends`, `bob@x.org, Dana`; the
    /// position after them, and whether some are to be chosen.
    pub fn people(&self, at: usize) -> (Vec<Party>, usize, bool) {
        let mut found = Vec::new();
        let mut choose = false;
        let mut next = at;
        let mut end = at;
        while next < self.end() {
            if let Some(past) = any_phrase(self.tokens, next, &["some of", "a few of", "selected", "one of"]) {
                choose = true;
                next = past;
            }
            if let Some(past) = any_phrase(self.tokens, next, &["each of", "all of", "all", "each", "both"]) {
                next = past;
            }
            let Some((party, past)) = people::known(self.tokens, next, self.contacts)
                .or_else(|| people::relative(self.tokens, next, self.contacts))
                .or_else(|| self.stranger(next))
            else {
                break;
            };
            found.push(party);
            end = past;
            let Some(past) = any_phrase(self.tokens, end, &[", and", ",", "and", "&", "plus", "as well as"]) else {
                break;
            };
            next = past;
        }
        (found, end, choose)
    }

    /// A name that is in no address book: capitalised, and neither a time nor a word of grammar.
    pub fn stranger(&self, at: usize) -> Option<(Party, usize)> {
        const GRAMMAR: &[&str] = &[
            "that", "to", "about", "the", "a", "an", "saying", "if", "whether", "i", "we", "me", "it", "them", "him",
            "her", "us", "for", "on", "at", "in", "with", "and", "my", "our", "this", "everyone", "link", "please",
            "asking", "set", "is", "you", "he", "she", "they",
        ];
        let my = is_any(self.tokens, at, &["my", "our"]);
        let start = if my { at + 1 } else { at };
        let first = self.tokens.get(start).filter(|token| token.kind == Kind::Word && !token.is_any(GRAMMAR))?;
        if when::when(self.tokens, start, &self.moment).is_some() {
            return None;
        }
        let capital = |token: &Token<'_>| {
            token.kind == Kind::Word && token.text.starts_with(char::is_uppercase) && !token.is_any(GRAMMAR)
        };
        if !capital(first) {
            let ends = self.tokens.get(start + 1).is_none_or(|next| {
                next.is_any(&["that", "to", "about", ":", ",", "and", "saying", "if", "whether", "on", "at"])
                    || next.kind == Kind::Quoted
            });
            return ends.then(|| (Party::Unknown(first.text.to_owned()), start + 1));
        }
        let words = self.tokens[start..].iter().take(3).take_while(|token| capital(token)).count();
        let name = self.tokens[start..start + words].iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
        Some((Party::Unknown(name), start + words))
    }

    /// Whether a word stands in the body.
    pub fn has(&self, words: &[&str]) -> bool {
        (self.body..self.end()).any(|at| any_phrase(self.tokens, at, words).is_some())
    }

    /// The first position of one of these words in the body.
    pub fn find(&self, words: &[&str]) -> Option<usize> {
        (self.body..self.end()).find(|at| any_phrase(self.tokens, *at, words).is_some())
    }

    /// Whether this word stands at a position.
    pub fn is(&self, at: usize, word: &str) -> bool {
        is(self.tokens, at, word)
    }
}
