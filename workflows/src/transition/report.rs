//! What people are told, made by code from frozen arguments and receipts.

use serde_json::{Map, Value, json};

use crate::action::{Reach, words_of};
use crate::person::Person;
use crate::plan::{Execution, Stage};
use crate::receipt::{Receipt, ReceiptStatus};
use crate::state::{Item, ItemPhase, Outcome, Run, StageRun};

/// Receipts a summary lists one by one.
const LINES_MAX: usize = 40;

/// The evidence of an act's outcome, once there is one.
pub fn receipt(item: &Item) -> Option<Receipt> {
    let (status, detail, at, result) = match &item.phase {
        ItemPhase::Done { outcome, at, undone } => {
            let status = if *undone || item.undoes.is_some() { ReceiptStatus::Undone } else { ReceiptStatus::Done };
            (status, outcome.detail.clone(), *at, outcome.result.clone())
        }
        ItemPhase::Failed { error, at, .. } => (ReceiptStatus::Failed, error.clone(), *at, Map::new()),
        ItemPhase::Unknown { error, at, .. } => (ReceiptStatus::Unknown, error.clone(), *at, Map::new()),
        ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Retrying { .. }
        | ItemPhase::Rejected
        | ItemPhase::Cancelled
        | ItemPhase::Replaced => return None,
    };
    let mut result = result;
    for own in ["action", "stage_id", "status", "detail", "at"] {
        result.remove(own);
    }
    Some(Receipt { action: item.action.clone(), stage_id: item.stage_id.clone(), status, detail, at, result })
}

/// Every receipt of a run, those of an earlier plan first.
pub fn receipts(run: &Run) -> Vec<Receipt> {
    run.earlier.done.iter().chain(&run.items).filter_map(receipt).collect()
}

/// What templates see of an execution.
pub(super) fn execution_result(execution: &Execution, items: &[&Item]) -> Value {
    if execution.for_each.is_some() {
        let done: Vec<Value> = items.iter().filter_map(|item| done_result(item)).map(Value::Object).collect();
        let failed: Vec<Value> = items
            .iter()
            .filter_map(|item| error_of(item).map(|error| json!({"item": item.source, "error": error})))
            .collect();
        return json!({"ok": done, "failed": failed});
    }
    let error = items.iter().find_map(|item| error_of(item));
    let mut fields = items.iter().find_map(|item| done_result(item)).unwrap_or_default();
    fields.insert("ok".to_owned(), Value::from(error.is_none() && !items.is_empty()));
    if let Some(error) = error {
        fields.insert("error".to_owned(), Value::from(error));
    }
    Value::Object(fields)
}

fn done_result(item: &Item) -> Option<Map<String, Value>> {
    item.done().map(|outcome| outcome.result.clone())
}

fn error_of(item: &Item) -> Option<String> {
    match &item.phase {
        ItemPhase::Failed { error, .. } => Some(error.clone()),
        ItemPhase::Unknown { error, .. } => Some(format!("unknown: {error}")),
        ItemPhase::Rejected => Some("rejected".to_owned()),
        ItemPhase::Cancelled => Some("cancelled".to_owned()),
        ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Retrying { .. }
        | ItemPhase::Done { .. }
        | ItemPhase::Replaced => None,
    }
}

/// How a run that went to its end came out.
pub(super) fn outcome(run: &Run) -> Outcome {
    let failed_stage = run.stages.values().any(|stage| matches!(stage, StageRun::Failed { .. }));
    // What an earlier plan of the task left in doubt is in doubt still.
    let items = || run.earlier.done.iter().chain(&run.items);
    let failed =
        failed_stage || items().any(|item| matches!(item.phase, ItemPhase::Failed { .. } | ItemPhase::Unknown { .. }));
    let done = items().any(|item| matches!(item.phase, ItemPhase::Done { .. }));
    match (failed, done) {
        (false, _) => Outcome::Completed,
        (true, true) => Outcome::CompletedWithFailures,
        (true, false) => Outcome::Failed,
    }
}

/// The report at the end: one line a receipt.
pub(super) fn summary(run: &Run, outcome: Outcome, reason: &str, person: &Person) -> String {
    let head = match (outcome, reason) {
        (_, "undone") => "Stopped, and what could be taken back was.",
        (Outcome::Completed, _) => "All done.",
        (Outcome::CompletedWithFailures, _) => "Done in part.",
        (Outcome::Failed, "stopped") => "Stopped after a failure; what could be taken back was.",
        (Outcome::Failed, _) => "That did not work.",
        (Outcome::Cancelled, "rejected") => "Cancelled, as you said no.",
        (Outcome::Cancelled, "expired") => "Cancelled: nobody answered in time.",
        (Outcome::Cancelled, _) => "Stopped.",
    };
    let items: Vec<&Item> = run.earlier.done.iter().chain(&run.items).collect();
    if let [only] = items.as_slice()
        && only.reach == Reach::Read
        && let ItemPhase::Done { outcome, .. } = &only.phase
    {
        return outcome.detail.clone();
    }
    let lines: Vec<String> = items.iter().filter_map(|item| line(item, person)).collect();
    let stages = run.plan.all().into_iter().filter_map(|stage| match run.stages.get(&stage.id) {
        Some(StageRun::Failed { error, .. }) if run.items_of(&stage.id).next().is_none() => {
            Some(format!("✗ {}: {error}", stage.label()))
        }
        _ => None,
    });
    let lines: Vec<String> = lines.into_iter().chain(stages).collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    let mut text = head.to_owned();
    for line in lines.iter().take(LINES_MAX) {
        text.push('\n');
        text.push_str(line);
    }
    if more > 0 {
        text.push_str("\n… and ");
        text.push_str(&more.to_string());
        text.push_str(" more; the task's page lists all");
    }
    if lines.is_empty() && outcome == Outcome::Cancelled {
        text.push_str(" Nothing was done.");
    }
    text
}

fn line(item: &Item, person: &Person) -> Option<String> {
    let at =
        |at: &chrono::DateTime<chrono::Utc>| at.with_timezone(&person.settings.timezone).format("%H:%M").to_string();
    match &item.phase {
        ItemPhase::Done { outcome, undone: true, .. } => Some(format!("↩ {} (taken back)", outcome.detail)),
        ItemPhase::Done { outcome, .. } if item.undoes.is_some() => Some(format!("↩ {}", outcome.detail)),
        ItemPhase::Done { outcome, .. } => Some(format!("✓ {}", outcome.detail)),
        ItemPhase::Failed { error, .. } => Some(format!("✗ {}: {error}", aim(item))),
        ItemPhase::Unknown { error, at: when, .. } => {
            Some(format!("? {} (unknown since {}): {error}", aim(item), at(when)))
        }
        ItemPhase::Rejected => Some(format!("– {}: not done, as you said no", aim(item))),
        ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Retrying { .. }
        | ItemPhase::Cancelled
        | ItemPhase::Replaced => None,
    }
}

/// An act in a few words: its action, and whom or what it is aimed at.
pub fn aim(item: &Item) -> String {
    let what = words_of(&item.action);
    for name in ["to", "with", "attendees", "venue", "name", "title", "text", "uid"] {
        match item.args.get(name) {
            Some(Value::String(text)) => return format!("{what} ({text})"),
            Some(Value::Array(list)) if !list.is_empty() => {
                let names: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                return format!("{what} to {}", names.join(", "));
            }
            _ => {}
        }
    }
    what
}

pub(super) fn confirmation_question(items: usize) -> String {
    match items {
        1 => "Shall I do this?".to_owned(),
        n => format!("Shall I do these {n} things?"),
    }
}

pub(super) fn failure_question(item: &Item, error: &str) -> String {
    format!("{} did not work: {error}. What shall I do?", aim(item))
}

/// Asks for a yes to what the other side would do instead.
pub(super) fn offer_question(error: &str) -> String {
    format!("{error}. Shall I do it like this?")
}

/// Asks which of several is meant.
pub(super) fn choice_question(item: &Item, error: &str) -> String {
    format!("{}: {error}. Which shall I take?", aim(item))
}

/// Whether an act is aimed at addresses.
pub(super) fn names_addresses(item: &Item) -> bool {
    item.args.values().any(|value| match value {
        Value::String(text) => text.contains('@'),
        Value::Array(items) => items.iter().any(|v| v.as_str().is_some_and(|text| text.contains('@'))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    })
}

pub(super) fn unknown_question(item: &Item, error: &str) -> String {
    let args = serde_json::to_string_pretty(&item.args).unwrap_or_default();
    format!("I cannot tell whether this was done: {}. {error}.\n{args}\nWhat shall I do?", aim(item))
}

pub(super) fn stage_failed(stage: &Stage, error: &str) -> String {
    format!("\"{}\" could not be done: {error}.", stage.label())
}
