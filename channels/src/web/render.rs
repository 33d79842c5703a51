//! States and questions in the API's shapes.

use serde_json::{Map, Value, json};
use workflows::ids::PromptId;
use workflows::plan::Plan;
use workflows::ports::{PromptRow, TaskRow};
use workflows::state::view::{self, PendingAction};
use workflows::state::{Item, ItemPhase, Outcome, Prompt, Run, TaskState};
use workflows::transition::report;

use super::session_of;

/// The newest open question of a task.
pub fn newest_prompt(state: &TaskState) -> Option<(&Run, &Prompt)> {
    match state {
        TaskState::Running(run) => run.prompts.iter().rev().find(|prompt| prompt.is_open()).map(|prompt| (run, prompt)),
        TaskState::Planning(_)
        | TaskState::Stopping(_)
        | TaskState::Undoing(_)
        | TaskState::Finished(_)
        | TaskState::Quarantined(_) => None,
    }
}

/// Where a task stands, in a sentence.
fn words(state: &TaskState) -> String {
    if let Some((_, prompt)) = newest_prompt(state) {
        return prompt.question.clone();
    }
    if let Some(result) = view::result(state) {
        return result.summary;
    }
    match state {
        TaskState::Planning(_) => "I am working out a plan.".to_owned(),
        TaskState::Running(_) => format!("I am on it: {} % done.", view::progress(state)),
        TaskState::Stopping(_) => "I am stopping; what is under way comes to its end first.".to_owned(),
        TaskState::Undoing(_) => "I am taking back what was done.".to_owned(),
        TaskState::Finished(_) | TaskState::Quarantined(_) => String::new(),
    }
}

fn stage_type(state: &TaskState) -> Value {
    match (state, newest_prompt(state)) {
        (_, Some((_, prompt))) => json!(prompt.stage_type()),
        (TaskState::Planning(_), None) => json!("planning"),
        (TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_), None) => json!("execution"),
        (TaskState::Finished(_) | TaskState::Quarantined(_), None) => Value::Null,
    }
}

/// What of a question every answer carries: options, pending actions, its token.
fn question(state: &TaskState) -> (Value, Vec<PendingAction>, Option<PromptId>) {
    match newest_prompt(state) {
        None => (Value::Null, Vec::new(), None),
        Some((run, prompt)) => {
            let options = view::prompt_view(run, prompt).get("options").cloned().unwrap_or(Value::Null);
            (options, view::pending_actions(run, prompt), Some(prompt.id.clone()))
        }
    }
}

fn meeting_url(state: &TaskState) -> Option<String> {
    let receipts = report::receipts(state.run()?);
    let mut meetings = receipts.iter().rev().filter(|receipt| receipt.action.starts_with("meeting."));
    meetings.find_map(|receipt| receipt.result.get("url")?.as_str().map(str::to_owned))
}

/// The answer of `POST /api/agent/process`; `note` is said before the task's own words.
pub fn process(row: &TaskRow, note: Option<&str>) -> Value {
    let state = &row.state;
    let run = state.run();
    let (options, pending, prompt_id) = question(state);
    let confirms = !pending.is_empty();
    let unplanned = run.is_none() && view::result(state).is_some();
    let said = words(state);
    json!({
        "response": note.map_or_else(|| said.clone(), |note| format!("{note}. {said}")),
        "intent": run.map_or_else(|| json!({"type": "unknown", "entities": {}}), |run| json!(run.intent)),
        "plan": state.plan().map_or_else(|| json!({}), |plan: &Plan| json!(plan)),
        "result": view::result(state).map_or_else(|| json!({}), |result| json!(result)),
        "task_id": (!unplanned).then_some(&row.id),
        "session_id": session_of(&row.conversation_id),
        "stage_type": stage_type(state),
        "requires_selection": prompt_id.is_some() && !confirms,
        "options": options,
        "requires_confirmation": confirms,
        "pending_actions": confirms.then_some(pending),
        "meeting_url": meeting_url(state),
        "prompt_id": prompt_id,
        "planner": run.and_then(|run| run.planner.clone()),
    })
}

/// The answer of `POST /api/agent/select`.
pub fn select(row: &TaskRow) -> Value {
    let state = &row.state;
    let session_id = session_of(&row.conversation_id);
    let (options, pending, prompt_id) = question(state);
    match prompt_id {
        Some(prompt_id) if pending.is_empty() => json!({
            "status": "next_stage", "response": words(state), "requires_selection": true, "options": options,
            "session_id": session_id, "stage_type": stage_type(state), "prompt_id": prompt_id,
        }),
        Some(prompt_id) => json!({
            "status": "ready_for_confirmation", "response": words(state), "requires_confirmation": true,
            "pending_actions": pending, "session_id": session_id, "stage_type": stage_type(state),
            "prompt_id": prompt_id,
        }),
        None => json!({
            "status": if state.status().is_terminal() { "completed" } else { "running" },
            "response": words(state), "results": results(state), "session_id": session_id,
        }),
    }
}

/// The answer of `POST /api/agent/confirm`, after a decision about the question `decided`.
pub fn confirm(row: &TaskRow, decided: &PromptId) -> Value {
    let state = &row.state;
    let undecided = state.run().and_then(|run| Some((run, run.prompt(decided).filter(|prompt| prompt.is_open())?)));
    if let (TaskState::Running(_), Some((run, prompt))) = (state, undecided) {
        let pending = view::pending_actions(run, prompt);
        let left = pending.iter().filter(|action| action.status == "pending").count();
        return json!({
            "status": "waiting", "message": format!("Noted; {left} still to decide."), "pending_actions": pending,
            "session_id": session_of(&row.conversation_id), "stage_type": "confirmation", "prompt_id": decided,
        });
    }
    if newest_prompt(state).is_some() {
        let mut next = select(row);
        next["message"] = json!(words(state));
        return next;
    }
    match state {
        TaskState::Finished(finished) if finished.outcome == Outcome::Cancelled => {
            json!({"status": "cancelled", "message": words(state)})
        }
        TaskState::Finished(_) | TaskState::Quarantined(_) => {
            json!({"status": "completed", "message": words(state), "results": results(state)})
        }
        TaskState::Planning(_) | TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_) => json!({
            "status": "waiting", "message": words(state), "results": results(state),
            "session_id": session_of(&row.conversation_id), "stage_type": stage_type(state),
        }),
    }
}

/// What came of each act so far, those of an earlier plan first: `completed`, `failed`, `rejected` or `unknown`.
pub fn results(state: &TaskState) -> Vec<Value> {
    let items = state.run().into_iter().flat_map(|run| run.earlier.done.iter().chain(&run.items));
    items.filter(|item| item.undoes.is_none()).filter_map(outcome).collect()
}

fn outcome(item: &Item) -> Option<Value> {
    let (status, result) = match &item.phase {
        ItemPhase::Done { outcome, .. } => ("completed", json!(outcome.result)),
        ItemPhase::Failed { error, .. } => ("failed", json!(error)),
        ItemPhase::Unknown { error, .. } => ("unknown", json!(error)),
        ItemPhase::Rejected => ("rejected", Value::Null),
        ItemPhase::Held
        | ItemPhase::Ready
        | ItemPhase::Started { .. }
        | ItemPhase::LookingUp { .. }
        | ItemPhase::Retrying { .. }
        | ItemPhase::Cancelled
        | ItemPhase::Replaced => return None,
    };
    Some(json!({"action": item.action, "result": result, "status": status, "details": report::receipt(item)}))
}

/// A task of `GET /api/tasks`.
pub fn task(row: &TaskRow) -> Value {
    json!({
        "id": row.id,
        "user_id": row.person_id,
        "intent": row.state.run().map_or("unknown", |run| run.intent.kind.as_str()),
        "title": row.state.title(),
        "status": row.state.status().as_str(),
        "result": view::result(&row.state),
        "steps": view::steps(&row.state),
        "progress": view::progress(&row.state),
        "session_id": session_of(&row.conversation_id),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    })
}

/// A question of `GET /api/prompts`.
pub fn prompt(row: &PromptRow) -> Value {
    let mut shown = Map::new();
    shown.insert("prompt_id".to_owned(), json!(row.id));
    shown.insert("task_id".to_owned(), json!(row.task_id));
    shown.insert("session_id".to_owned(), json!(session_of(&row.conversation_id)));
    for name in ["kind", "question", "options", "pending_actions", "min", "max", "answer", "optional"] {
        shown.insert(name.to_owned(), row.view.get(name).cloned().unwrap_or(Value::Null));
    }
    shown.insert("expires_at".to_owned(), json!(row.expires_at));
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_begin_with_what_an_earlier_plan_did() {
        let mail = |id: &str| {
            json!({"id": id, "stage_id": id, "index": 0, "action": "email.send_email", "args": {}, "reach": "world",
                "idempotent": false, "look_up": false, "starts": 1, "created_at": "2026-01-31T09:00:00Z",
                "phase": {"phase": "done", "outcome": {"result": {"message_id": id}, "detail": id},
                    "at": "2026-01-31T09:00:00Z", "undone": false}})
        };
        let state = json!({"state": "running", "seed": "s", "drawn": 2, "request": {"text": "mail them"},
            "intent": {"type": "send_email"}, "plan": {"version": 1, "title": "Mails", "intent": "send_email", "stages": []},
            "stages": {}, "items": [mail("now")], "prompts": [], "earlier": {"answers": [], "done": [mail("before")]},
            "progress": 0, "started_at": "2026-01-31T09:00:00Z"});
        let state: TaskState = serde_json::from_value(state).expect("a state");
        let details: Vec<Value> = results(&state).iter().map(|result| result["details"]["detail"].clone()).collect();
        assert_eq!(details, ["before", "now"]);
    }
}
