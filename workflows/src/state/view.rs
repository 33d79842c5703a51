//! What people and API clients see of a state. Pure reading.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Item, ItemPhase, Prompt, PromptKind, Purpose, Run, StageRun, TaskState};
use crate::plan::{Stage, StageKind};
use crate::receipt::Receipt;
use crate::transition::report;

/// One stage as `GET /api/tasks/{id}` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The stage's id.
    pub id: String,
    /// The stage's type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it is called.
    pub title: String,
    /// `pending waiting running done skipped failed unknown cancelled`.
    pub status: &'static str,
    /// For executions: the full action name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The receipt of a single act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The acts of a `for_each`, or of one that was done in parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<StepItem>>,
}

/// One act of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepItem {
    /// As a step's.
    pub status: &'static str,
    /// Its evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskResult {
    /// What the person was told.
    pub summary: String,
    /// The evidence.
    pub receipts: Vec<Receipt>,
    /// Why, when it did not simply complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One act a confirmation shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PendingAction {
    /// The effect's id.
    pub id: String,
    /// Full action name.
    pub action_type: String,
    /// A few words.
    pub description: String,
    /// Every argument, as it will run.
    pub parameters: Map<String, Value>,
    /// The first part of the name.
    pub plugin: String,
    /// `pending`, `approved` or `rejected`.
    pub status: &'static str,
    /// What to know before saying yes: targets that are not from the person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it was frozen.
    pub created_at: DateTime<Utc>,
}

/// Every stage of the task's plan, nested ones after their holder.
pub fn steps(state: &TaskState) -> Vec<Step> {
    let ended = state.status().is_terminal();
    state.run().map(|run| run.plan.all().into_iter().map(|stage| step(run, stage, ended)).collect()).unwrap_or_default()
}

fn step(run: &Run, stage: &Stage, ended: bool) -> Step {
    let items: Vec<&Item> = run.items_of(&stage.id).collect();
    let (action, single) = match &stage.kind {
        StageKind::Execution(e) => (Some(e.action.clone()), e.for_each.is_none() && items.len() <= 1),
        StageKind::Clarification(_)
        | StageKind::Selection(_)
        | StageKind::MultiSelect(_)
        | StageKind::Confirmation(_)
        | StageKind::Parallel(_)
        | StageKind::Conditional(_)
        | StageKind::Wait(_) => (None, true),
    };
    let error = match run.stages.get(&stage.id) {
        Some(StageRun::Failed { error, .. }) => Some(error.clone()),
        _ => items.iter().find_map(|item| item_error(item)),
    };
    let receipt = if single { items.first().and_then(|item| report::receipt(item)) } else { None };
    let items = (!single).then(|| items.iter().map(|item| step_item(item)).collect());
    Step {
        id: stage.id.to_string(),
        kind: stage.kind.name(),
        title: title(run, stage),
        status: stage_status(run, stage, ended),
        action,
        error,
        receipt,
        items,
    }
}

/// What a stage is called: its own title, else its question as it was asked.
fn title(run: &Run, stage: &Stage) -> String {
    let asked = run.prompts.iter().rev().find(|prompt| prompt.purpose == Purpose::Stage(stage.id.clone()));
    match (asked, &stage.kind) {
        (Some(prompt), kind) if stage.title.is_none() && !matches!(kind, StageKind::Confirmation(_)) => {
            prompt.question.clone()
        }
        (_, _) => stage.label(),
    }
}

fn stage_status(run: &Run, stage: &Stage, ended: bool) -> &'static str {
    let items = || run.items_of(&stage.id);
    match run.stages.get(&stage.id) {
        None if ended => "skipped",
        None => "pending",
        Some(StageRun::Asking | StageRun::Sleeping { .. }) => "waiting",
        Some(StageRun::Running) if items().any(|item| matches!(item.phase, ItemPhase::Unknown { .. })) => "unknown",
        Some(StageRun::Running) if !items().any(in_work) => "waiting",
        Some(StageRun::Running | StageRun::Inside { .. }) => "running",
        Some(StageRun::Done { .. }) => "done",
        Some(StageRun::Skipped { .. }) => "skipped",
        Some(StageRun::Failed { .. }) if items().any(|item| matches!(item.phase, ItemPhase::Unknown { .. })) => {
            "unknown"
        }
        Some(StageRun::Failed { .. }) => "failed",
        Some(StageRun::Cancelled) => "cancelled",
    }
}

fn in_work(item: &Item) -> bool {
    item.is_in_flight() || matches!(item.phase, ItemPhase::Ready | ItemPhase::Retrying { .. })
}

fn item_error(item: &Item) -> Option<String> {
    match &item.phase {
        ItemPhase::Failed { error, .. } | ItemPhase::Unknown { error, .. } => Some(error.clone()),
        ItemPhase::Retrying { error, .. } => Some(error.message.clone()),
        ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Done { .. }
        | ItemPhase::Rejected
        | ItemPhase::Cancelled
        | ItemPhase::Replaced => None,
    }
}

fn step_item(item: &Item) -> StepItem {
    StepItem { status: item_status(item), receipt: report::receipt(item), error: item_error(item) }
}

/// How an act stands, in the API's words.
pub fn item_status(item: &Item) -> &'static str {
    match &item.phase {
        ItemPhase::Held => "waiting",
        ItemPhase::Ready => "pending",
        ItemPhase::Started { .. } | ItemPhase::LookingUp { .. } | ItemPhase::Retrying { .. } => "running",
        ItemPhase::Done { .. } => "done",
        ItemPhase::Failed { .. } => "failed",
        ItemPhase::Unknown { .. } => "unknown",
        ItemPhase::Rejected => "skipped",
        ItemPhase::Cancelled | ItemPhase::Replaced => "cancelled",
    }
}

/// 0 to 100; never falls.
pub fn progress(state: &TaskState) -> u8 {
    match state {
        TaskState::Finished(finished) if finished.run.is_none() => 100,
        TaskState::Planning(_)
        | TaskState::Running(_)
        | TaskState::Stopping(_)
        | TaskState::Undoing(_)
        | TaskState::Finished(_)
        | TaskState::Quarantined(_) => state.run().map_or(0, |run| run.progress),
    }
}

/// How the task ended, once it has.
pub fn result(state: &TaskState) -> Option<TaskResult> {
    match state {
        TaskState::Finished(finished) => Some(TaskResult {
            summary: finished.summary.clone(),
            receipts: finished.run.as_deref().map(report::receipts).unwrap_or_default(),
            reason: finished.reason.clone(),
        }),
        TaskState::Quarantined(_) => Some(TaskResult {
            summary: "It was set aside after failing again and again.".to_owned(),
            receipts: state.run().map(report::receipts).unwrap_or_default(),
            reason: Some("quarantined".to_owned()),
        }),
        TaskState::Planning(_) | TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_) => None,
    }
}

/// The acts a confirmation shows; empty for other questions.
pub fn pending_actions(run: &Run, prompt: &Prompt) -> Vec<PendingAction> {
    match &prompt.kind {
        PromptKind::Confirm { items } => items.iter().filter_map(|id| run.item(id)).map(pending).collect(),
        PromptKind::Text { .. } | PromptKind::One { .. } | PromptKind::Many { .. } => Vec::new(),
    }
}

fn pending(item: &Item) -> PendingAction {
    PendingAction {
        id: item.id.to_string(),
        action_type: item.action.clone(),
        description: report::aim(item),
        parameters: item.args.clone(),
        plugin: item.action.split('.').next().unwrap_or_default().to_owned(),
        status: match (&item.phase, &item.approval) {
            (ItemPhase::Held, None) => "pending",
            (ItemPhase::Rejected | ItemPhase::Cancelled | ItemPhase::Replaced, _) => "rejected",
            (_, _) => "approved",
        },
        notes: item.notes.clone(),
        created_at: item.created_at,
    }
}

/// A question as the API shows it.
pub fn prompt_view(run: &Run, prompt: &Prompt) -> Value {
    let options = |options: &[super::PromptOption]| -> Value {
        options.iter().map(|o| json!({"id": o.id, "name": o.name, "description": o.description})).collect()
    };
    let mut view =
        json!({"kind": prompt.stage_type(), "question": prompt.question, "options": null, "pending_actions": null});
    match &prompt.kind {
        PromptKind::Text { answer, suggestions, optional } => {
            view["answer"] = json!(answer);
            view["optional"] = json!(optional);
            if !suggestions.is_empty() {
                let list: Vec<Value> = suggestions
                    .iter()
                    .enumerate()
                    .map(|(n, text)| json!({"id": (n + 1).to_string(), "name": text, "description": null}))
                    .collect();
                view["options"] = Value::Array(list);
            }
        }
        PromptKind::One { options: all } => view["options"] = options(all),
        PromptKind::Many { options: all, min, max } => {
            view["options"] = options(all);
            view["min"] = json!(min);
            view["max"] = json!(max);
        }
        PromptKind::Confirm { .. } => view["pending_actions"] = json!(pending_actions(run, prompt)),
    }
    view
}

/// The stage a question belongs to.
pub fn prompt_stage(run: &Run, prompt: &Prompt) -> Option<String> {
    match &prompt.purpose {
        Purpose::Stage(id) => Some(id.to_string()),
        Purpose::Failure(id) | Purpose::Other(id) | Purpose::Unknown(id) => {
            run.item(id).map(|item| item.stage_id.to_string())
        }
        Purpose::Approve(ids) => ids.first().and_then(|id| run.item(id)).map(|item| item.stage_id.to_string()),
    }
}
