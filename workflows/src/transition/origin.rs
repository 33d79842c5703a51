//! Where the targets of an act come from. What is neither the person's word nor among their contacts is
//! told with the act, so that the yes is to a target that was looked at.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::machine::Machine;
use crate::action::ActionSpec;
use crate::plan::{Stage, StageKind};
use crate::ports::planner::BUILTIN;
use crate::state::StageRun;

/// Doubts told of one act.
const DOUBTS_MAX: usize = 20;
/// Plugins whose results are the person's own things or this service's work.
const OWN_PLUGINS: [&str; 3] = ["contacts", "meeting", "memory"];

impl Machine<'_> {
    /// What of an act's targets and links is not from the person, one sentence each.
    pub(super) fn doubts(&self, spec: &ActionSpec, args: &Map<String, Value>) -> Vec<String> {
        let mut aims: BTreeSet<String> = BTreeSet::new();
        for name in spec.targets {
            args.get(*name).into_iter().for_each(|value| texts(value, &mut |text| aims.extend([text.to_owned()])));
        }
        args.values().for_each(|value| texts(value, &mut |text| aims.extend(links(text).map(str::to_owned))));
        aims.into_iter().filter_map(|aim| self.doubt(&aim)).take(DOUBTS_MAX).collect()
    }

    fn doubt(&self, aim: &str) -> Option<String> {
        let wanted = aim.trim().to_lowercase();
        if wanted.is_empty() || self.is_the_persons(&wanted) {
            return None;
        }
        if let Some(stage) = self.outside_source(&wanted) {
            return Some(format!("\"{aim}\" is not from you: it came with \"{}\"", stage.label()));
        }
        let planner = self.run.planner.as_deref().filter(|planner| *planner != BUILTIN)?;
        Some(format!("\"{aim}\" is neither in your words nor among your contacts: {planner} put it there"))
    }

    /// Whether the person said it, here or in their address book.
    fn is_the_persons(&self, wanted: &str) -> bool {
        let request = &self.run.request;
        let mut said = std::iter::once(&request.text).chain(&request.amendments);
        said.any(|text| says(text, wanted))
            || self.ctx.contacts.iter().any(|contact| {
                let handles = [&contact.telegram, &contact.discord].into_iter().flatten().map(String::as_str);
                let mut all = contact.mail_addresses().chain(contact.numbers()).chain(handles).chain([&*contact.name]);
                all.any(|own| own.to_lowercase() == wanted)
            })
            || self.typed().any(|value| any_text(value, &|text| says(text, wanted)))
    }

    /// What was typed in answer to questions.
    fn typed(&self) -> impl Iterator<Item = &Value> {
        let is_typed = |stage: &Stage| matches!(stage.kind, StageKind::Clarification(_));
        let earlier = self.run.earlier.answers.iter().filter(move |(stage, _)| is_typed(stage)).map(|(_, value)| value);
        let now = self.run.plan.all().into_iter().filter(move |stage| is_typed(stage));
        earlier.chain(now.filter_map(|stage| self.run.stages.get(&stage.id)?.result()))
    }

    /// The act whose result it came with.
    fn outside_source(&self, wanted: &str) -> Option<&Stage> {
        self.run.plan.all().into_iter().find(|stage| match (&stage.kind, self.run.stages.get(&stage.id)) {
            (StageKind::Execution(e), Some(StageRun::Done { result })) => {
                let plugin = e.action.split('.').next().unwrap_or_default();
                !OWN_PLUGINS.contains(&plugin) && any_text(result, &|text| text.to_lowercase().contains(wanted))
            }
            _ => false,
        })
    }
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
fn texts(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
    fn links_are_found_inside_sentences() {
        let found: Vec<&str> = links("See <https://a.org/x> (or http://b.org) and c.org").collect();
        assert_eq!(found, ["https://a.org/x", "http://b.org"]);
    }
}
