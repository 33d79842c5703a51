//! What a message is for: an open question, a change of what is planned, a stop, or something new.
//! Pure.

use serde_json::Value;

use crate::ids::{PersonId, TaskId};
use crate::inbound::Answer;
use crate::plan::Plan;
use crate::planner::words::{Word, pick, word};
use crate::ports::PromptRow;
use crate::ports::store::ConversationView;
use crate::transition::{Event, Refusal};

/// Where an event goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    /// It moves this task.
    Move(TaskId, Event),
    /// It begins a task with these words.
    Begin(String),
    /// It begins a task with this plan.
    Run(Box<Plan>),
    /// It moves nothing.
    Refuse(Refusal),
}

/// An event for a task, or these words when there is none.
pub fn to_task(task: Option<TaskId>, event: Event, none: &str) -> Route {
    task.map_or_else(|| Route::Refuse(Refusal::TooLate(none.to_owned())), |id| Route::Move(id, event))
}

/// Where words go: matched to the newest open question by its kind, else to what runs, else new.
pub fn message(text: &str, conversation: &ConversationView, person: &PersonId) -> Route {
    let text = text.trim();
    let said = word(text);
    match said {
        Word::Stop => return to_task(conversation.live.clone(), Event::Cancel, "Nothing is running."),
        Word::Undo => return to_task(conversation.newest.clone(), Event::Undo, "There is nothing to undo."),
        Word::Yes | Word::No | Word::Change | Word::Skip | Word::Other => {}
    }
    let open = conversation.open.iter().find(|row| &row.person_id == person);
    if let Some(row) = open
        && let Some(route) = to_prompt(row, text, said)
    {
        return route;
    }
    match (said, &conversation.live) {
        (Word::Change, Some(live)) => Route::Move(live.clone(), Event::Revise { text: text.to_owned() }),
        (Word::Yes | Word::No | Word::Skip, _) => Route::Refuse(Refusal::NothingToDecide),
        (Word::Change | Word::Other | Word::Stop | Word::Undo, _) => Route::Begin(text.to_owned()),
    }
}

/// Where words go that were said in reply to this open question: to it, whatever else is open. What
/// decides nothing about a confirmation changes what it is about.
pub fn reply(row: &PromptRow, text: &str) -> Route {
    let text = text.trim();
    let said = word(text);
    if said == Word::Stop {
        return Route::Move(row.task_id.clone(), Event::Cancel);
    }
    if let Some(route) = to_prompt(row, text, said) {
        return route;
    }
    let confirms = row.view.get("kind").and_then(Value::as_str) == Some("confirmation");
    let event = if confirms || said == Word::Change {
        Event::Revise { text: text.to_owned() }
    } else {
        Event::Answer { prompt_id: row.id.clone(), answer: Answer::Text(text.to_owned()) }
    };
    Route::Move(row.task_id.clone(), event)
}

/// Where words go that may answer this question; `None` when they are about something else.
fn to_prompt(row: &PromptRow, text: &str, said: Word) -> Option<Route> {
    let answer = |answer| Some(Route::Move(row.task_id.clone(), Event::Answer { prompt_id: row.id.clone(), answer }));
    let kind = row.view.get("kind").and_then(Value::as_str).unwrap_or_default();
    let typed = row.view.get("answer").and_then(Value::as_str).unwrap_or("text");
    match (kind, said) {
        ("clarification", Word::Change) if typed != "text" => None,
        ("clarification", _) => answer(Answer::Text(text.to_owned())),
        ("confirmation", Word::Yes) => answer(Answer::Approve(None)),
        ("confirmation", Word::No) => answer(Answer::Reject(None)),
        ("selection" | "multi_select", _) => {
            let chosen = pick(text, &options(&row.view));
            (!chosen.is_empty()).then(|| answer(Answer::Options(chosen)))?
        }
        _ => None,
    }
}

fn options(view: &Value) -> Vec<(String, String)> {
    let text = |option: &Value, name: &str| option.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    view.get("options")
        .and_then(Value::as_array)
        .map(|options| options.iter().map(|option| (text(option, "id"), text(option, "name"))).collect())
        .unwrap_or_default()
}
