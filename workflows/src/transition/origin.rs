//! Where the targets of an act come from. What is neither the person's word nor among their contacts is
//! told with the act, so that the yes is to a target that was looked at.

use serde_json::{Map, Value};

use super::machine::Machine;
use crate::action::{ActionSpec, words_of};
use crate::plan::{Clarification, StageKind};
use crate::ports::planner::BUILTIN;
use crate::state::StageRun;

/// Doubts told of one act.
const DOUBTS_MAX: usize = 20;
/// Targets, addresses and links of one act that are looked at.
const AIMS_MAX: usize = 200;
/// Plugins whose results are the person's own things or this service's work.
const OWN_PLUGINS: [&str; 3] = ["contacts", "meeting", "memory"];

impl Machine<'_> {
    /// What of an act's targets, addresses and links is not from the person, one sentence each.
    pub(super) fn doubts(&self, spec: &ActionSpec, args: &Map<String, Value>) -> Vec<String> {
        // Whom it is aimed at comes first: nothing else may crowd that out.
        let mut aims: Vec<String> = Vec::new();
        let mut add = |aim: &str| {
            if aims.len() <= AIMS_MAX && !aims.iter().any(|other| other == aim) {
                aims.push(aim.to_owned());
            }
        };
        for name in spec.targets {
            args.get(*name).into_iter().for_each(|value| texts(value, &mut |text| add(text)));
        }
        args.values().for_each(|value| texts(value, &mut |text| addresses(text).chain(links(text)).for_each(&mut add)));
        let is_whole = aims.len() <= AIMS_MAX;
        let mut doubts: Vec<String> = aims.into_iter().take(AIMS_MAX).filter_map(|aim| self.doubt(&aim)).collect();
        if doubts.len() > DOUBTS_MAX || (!is_whole && !doubts.is_empty()) {
            doubts.truncate(DOUBTS_MAX);
            doubts.push("There are more addresses or links in it that are not from you.".to_owned());
        }
        doubts
    }

    fn doubt(&self, aim: &str) -> Option<String> {
        let wanted = aim.trim().to_lowercase();
        if wanted.is_empty() || self.is_the_persons(&wanted) {
            return None;
        }
        if let Some(action) = self.outside_source(&wanted) {
            // The action, not the title: that is the planner's to choose.
            return Some(format!("\"{aim}\" is not from you: it came with \"{}\"", words_of(action)));
        }
        let planner = self.run.planner.as_deref().filter(|planner| *planner != BUILTIN)?;
        Some(format!("\"{aim}\" is neither in your words nor among your contacts: {planner} put it there"))
    }

    /// Whether the person said it, here or in their address book.
    fn is_the_persons(&self, wanted: &str) -> bool {
        let request = &self.run.request;
        // A suggestion that was pressed is the planner's word.
        let later = request.amendments.iter().map(|said| &said.text);
        let typed = later.filter(|said| !self.asked().any(|(ask, _)| ask.suggestions.contains(said)));
        let mut said = std::iter::once(&request.text).chain(typed);
        said.any(|text| says(text, wanted))
            || self.ctx.contacts.iter().any(|contact| {
                let handles = [&contact.telegram, &contact.discord].into_iter().flatten().map(String::as_str);
                let mut all = contact.mail_addresses().chain(contact.numbers()).chain(handles).chain([&*contact.name]);
                all.any(|own| own.to_lowercase() == wanted)
            })
            || self.asked().any(|(ask, value)| any_text(value, &|text| says(text, wanted)) && !offers(ask, wanted))
    }

    /// The questions that want words, with what was answered.
    fn asked(&self) -> impl Iterator<Item = (&Clarification, &Value)> {
        let earlier = self.run.earlier.answers.iter().map(|(stage, value)| (stage, value));
        let stages = self.run.plan.all().into_iter();
        let now = stages.filter_map(|stage| Some((stage, self.run.stages.get(&stage.id)?.result()?)));
        earlier.chain(now).filter_map(|(stage, value)| {
            let StageKind::Clarification(ask) = &stage.kind else { return None };
            Some((ask, value))
        })
    }

    /// The act whose result it came with.
    fn outside_source(&self, wanted: &str) -> Option<&str> {
        self.run.plan.all().into_iter().find_map(|stage| {
            let (StageKind::Execution(e), StageRun::Done { result }) = (&stage.kind, self.run.stages.get(&stage.id)?)
            else {
                return None;
            };
            let is_own = OWN_PLUGINS.contains(&e.action.split('.').next().unwrap_or_default());
            let is_there = !is_own && any_text(result, &|text| text.to_lowercase().contains(wanted));
            is_there.then_some(e.action.as_str())
        })
    }
}

/// Whether a question had this among what it offered: then an answer is not the person's word for it.
fn offers(ask: &Clarification, wanted: &str) -> bool {
    let default = ask.default.as_ref().is_some_and(|default| any_text(default, &|text| says(text, wanted)));
    default || ask.suggestions.iter().any(|text| says(text, wanted))
}

/// Whether a text has these small letters in it, and not only as a part of another address or word.
fn says(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '+' | '%' | '/');
    text.match_indices(wanted).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + wanted.len()..]);
        let begins = !before.ends_with(|c| goes_on(c) || c == '.');
        // A full stop ends a sentence unless a name goes on behind it.
        begins && !after.trim_start_matches('.').starts_with(goes_on)
    })
}

fn any_text(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    let mut found = false;
    texts(value, &mut |text| found = found || test(text));
    found
}

/// Every text of a value; its depth is bounded where it was parsed.
pub(super) fn texts(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The mail addresses in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | '[' | ']' | ',' | ';');
    let words = text.split(is_end).map(|word| word.trim_matches(['.', '!', '?', ':', '\'']));
    let words = words.map(|word| word.strip_prefix("mailto:").unwrap_or(word));
    words.filter(|word| {
        !word.contains("//") && word.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
    })
}

/// The links in a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | ']');
    text.split(is_end).filter_map(|word| word.find("http://").or_else(|| word.find("https://")).map(|at| &word[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_an_address_is_another_address() {
        for text in ["mail bob@example.org", "Mail BOB@example.org.", "(bob@example.org), please"] {
            assert!(says(text, "bob@example.org"), "{text}");
        }
        for text in ["mail bob@example.org.evil.net", "bob@example.organic", "x.bob@example.org", "no-bob@example.org"]
        {
            assert!(!says(text, "bob@example.org"), "{text}");
        }
    }

    #[test]
    fn addresses_are_found_inside_sentences() {
        let text = "Ask Eve <eve@evil.test>, mailto:bob@example.org. Not @bob, https://a@b.org or x@ (c@d.org)!";
        assert_eq!(addresses(text).collect::<Vec<_>>(), ["eve@evil.test", "bob@example.org", "c@d.org"]);
    }

    #[test]
    fn links_are_found_inside_sentences() {
        let found: Vec<&str> = links("See <https://a.org/x> (or http://b.org) and c.org").collect();
        assert_eq!(found, ["https://a.org/x", "http://b.org"]);
    }
}
