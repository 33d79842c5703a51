//! From what a model said to a proposal, or to what is wrong with it. Pure.

use serde_json::{Map, Value, json};
use workflows::action::Catalog;
use workflows::person::Contact;
use workflows::plan::{PLAN_VERSION, Plan};
use workflows::ports::{Intent, Proposal};

use super::check::{self, Doubt, Words};
use super::{extract, people};

/// Faults that are told at a time.
const FAULTS_MAX: usize = 8;
/// Longest question and suggestion, in characters.
const QUESTION_CHARS_MAX: usize = 500;
/// Most suggestions.
const SUGGESTIONS_MAX: usize = 8;
/// Longest plain reply, in characters.
const REPLY_CHARS_MAX: usize = 8_000;
/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 120;
/// How deep values are looked into; deeper plans have a fault anyway.
const DEPTH_MAX: usize = 32;

/// What a proposal is read with.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What can be done.
    pub catalog: &'a Catalog,
    /// Whom the person knows.
    pub contacts: &'a [Contact],
    /// What was said.
    pub words: Words<'a>,
}

/// What came of reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// It can be followed.
    Good(Proposal),
    /// It can be followed but for this: the planner may mend it, or the person is asked.
    Doubtful(Vec<Doubt>),
    /// It cannot be followed.
    Faulty(Vec<String>),
}

/// Reads an answer.
pub fn read(said: &str, reading: &Reading<'_>) -> Read {
    let Some(mut answer) = extract::object(said) else {
        return Read::Faulty(vec!["the answer is not one JSON object".to_owned()]);
    };
    prune(&mut answer, 0);
    match kind(&answer) {
        "reply" => match text(&answer, &["text", "reply"]) {
            Some(text) => {
                let text = clipped(&text, REPLY_CHARS_MAX);
                Read::Good(Proposal::Reply { text, intent: intent("reply", Map::new()) })
            }
            None => Read::Faulty(vec!["text: a reply has words".to_owned()]),
        },
        "question" => match text(&answer, &["text", "question"]) {
            Some(text) => {
                let suggestions = answer.get("suggestions").and_then(Value::as_array).into_iter().flatten();
                let suggestions = suggestions.filter_map(Value::as_str).map(|text| clipped(text, QUESTION_CHARS_MAX));
                let suggestions = suggestions.filter(|text| !text.is_empty()).take(SUGGESTIONS_MAX).collect();
                let text = plain(&clipped(&text, QUESTION_CHARS_MAX));
                Read::Good(Proposal::Question { text, suggestions, intent: intent("question", Map::new()) })
            }
            None => Read::Faulty(vec!["text: a question has words".to_owned()]),
        },
        _ => plan(answer, reading),
    }
}

/// What an answer is, whether or not it says so.
fn kind(answer: &Value) -> &str {
    if answer.get("stages").is_some() || answer.get("plan").is_some() {
        return "plan";
    }
    let said = answer.get("kind").and_then(Value::as_str).unwrap_or_default();
    let has = |name: &str| answer.get(name).is_some();
    match said {
        "plan" | "reply" | "question" => said,
        _ if has("question") => "question",
        _ if has("reply") || has("text") => "reply",
        _ => "plan",
    }
}

fn text(answer: &Value, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| answer.get(*name)?.as_str())?.trim();
    (!found.is_empty()).then(|| found.to_owned())
}

fn plan(answer: Value, reading: &Reading<'_>) -> Read {
    let mut plan = match answer {
        Value::Object(mut all) => match all.remove("plan") {
            Some(Value::Object(inner)) => Value::Object(inner),
            Some(Value::Array(stages)) => json!({"stages": stages}),
            _ => Value::Object(all),
        },
        other => other,
    };
    let Some(fields) = plan.as_object_mut() else { return Read::Faulty(vec!["a plan is an object".to_owned()]) };
    fields.remove("kind");
    fields.insert("version".to_owned(), json!(PLAN_VERSION));
    let title = fields.get("title").and_then(Value::as_str).unwrap_or(reading.words.text);
    let title = clipped(title, TITLE_CHARS_MAX);
    fields.insert("title".to_owned(), Value::from(title));
    if !fields.get("slots").is_some_and(Value::is_object) {
        fields.insert("slots".to_owned(), json!({}));
    }
    if let Some(Value::Array(stages)) = fields.get_mut("stages") {
        for stage in stages {
            tidy(stage, reading.catalog, 0);
        }
    }
    people::resolve(&mut plan, reading.catalog, reading.contacts);
    match Plan::read(&plan, reading.catalog) {
        Err(faults) => Read::Faulty(faults.into_iter().take(FAULTS_MAX).map(|fault| fault.msg).collect()),
        Ok(plan) => {
            let doubts = check::doubts(&plan, reading.catalog, &reading.words);
            if !doubts.is_empty() {
                return Read::Doubtful(doubts);
            }
            let intent = intent(&plan.intent, plan.slots.clone());
            Read::Good(Proposal::Plan { plan: Box::new(plan), intent })
        }
    }
}

fn intent(kind: &str, entities: Map<String, Value>) -> Intent {
    Intent { kind: kind.to_owned(), confidence: None, entities }
}

/// Takes away what is there only to say that nothing is: models that must fill a form write `null`.
fn prune(value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(|value| prune(value, depth + 1));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Mends what is plainly meant: an action without the first part of its name, no parameters at all.
fn tidy(stage: &mut Value, catalog: &Catalog, depth: usize) {
    let Some(fields) = stage.as_object_mut().filter(|_| depth < DEPTH_MAX) else { return };
    if fields.get("type").and_then(Value::as_str) == Some("execution") {
        fields.entry("params").or_insert_with(|| json!({}));
        let named = fields.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
        if catalog.get(&named).is_none() {
            let ends = |name: &&str| name.split_once('.').is_some_and(|(_, own)| own == named);
            let found: Vec<&str> = catalog.iter().map(|spec| spec.name.as_str()).filter(ends).collect();
            if let [only] = found.as_slice() {
                fields.insert("action".to_owned(), Value::from(*only));
            }
        }
    }
    for list in ["stages", "then", "else", "on_failure", "on_timeout"] {
        if let Some(Value::Array(inner)) = fields.get_mut(list) {
            for stage in inner {
                tidy(stage, catalog, depth + 1);
            }
        }
    }
}

fn clipped(text: &str, max: usize) -> String {
    text.trim().chars().take(max).collect()
}

/// The words themselves: what looks like a template in a question is none.
fn plain(text: &str) -> String {
    text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
}
