//! Questions, progress and lists as replies. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use workflows::ports::TaskRow;
use workflows::state::view;
use workflows::state::{PromptState, TaskState};

use super::keyboard::{Kind, LABEL_CHARS_MAX, Question};
use crate::reply::{Reply, Style};
use crate::text::{is_blank, short, visible};

/// Longest title in a list, in characters.
const TITLE_CHARS_MAX: usize = 80;
/// Stages a progress message lists.
const STEPS_MAX: usize = 40;
/// Stands before what is to be known before a yes.
const WARNING: &str = "\u{26a0}\u{fe0f}";

/// A question in words: what is asked, what can be chosen where a button is too small for it, and
/// of what a yes would do all that is doubtful and every argument.
pub(super) fn question(question: &Question, private: bool) -> Reply {
    let mut reply = Reply::plain(&question.text);
    let too_long = |name: &str| visible(name).chars().count() > LABEL_CHARS_MAX || is_blank(name);
    if question.choices.iter().any(|choice| choice.description.is_some() || too_long(&choice.name)) {
        reply = reply.then("\n", Style::Plain);
        for (place, choice) in question.choices.iter().enumerate() {
            reply = reply.then(format!("\n{}. ", place + 1), Style::Plain).then(visible(&choice.name), Style::Bold);
            if let Some(description) = &choice.description {
                reply = reply.then(format!("\n    {}", visible(description)), Style::Plain);
            }
        }
    }
    for (place, act) in question.acts.iter().enumerate() {
        reply = reply.then("\n\n", Style::Plain);
        reply = reply.then(format!("{}. {}", place + 1, visible(&act.description)), Style::Bold);
        for note in &act.notes {
            // One line of one look: what a stranger put into it must not look like words of ours.
            reply = reply.then(format!("\n{WARNING} {}", visible(note).replace('\n', "⟨U+000A⟩")), Style::Bold);
        }
        for (name, value) in &act.parameters {
            reply = reply.then(format!("\n{}: ", visible(&name.replace('_', " "))), Style::Plain);
            reply = reply.then(argument(value), Style::Code);
        }
    }
    let hint = match (question.kind, question.choices.is_empty(), private) {
        (Kind::Words { .. }, false, true) => "Choose one, or write your answer.",
        (Kind::Words { .. }, false, false) => "Choose one, or reply to this message.",
        (Kind::Words { .. }, true, false) => "Please reply to this message.",
        _ => return reply,
    };
    reply.then(format!("\n\n{hint}"), Style::Plain)
}

/// An argument, whole: never shortened, with everything hidden written out.
fn argument(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(argument).collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            visible(&value.to_string())
        }
    }
}

/// How a question ended, for the message that asked it; `None` while it is open.
pub(super) fn ending(state: &PromptState, zone: Tz) -> Option<String> {
    match state {
        PromptState::Open => None,
        PromptState::Decided { by, at } => Some(format!("decided by {}, {}", visible(by), clock(*at, zone))),
        PromptState::Expired => Some("expired: nobody answered in time".to_owned()),
        PromptState::Void => Some("no longer needed".to_owned()),
    }
}

/// What is said to a press that came too late; `None` while the question is open.
pub(super) fn late(state: &PromptState, zone: Tz) -> Option<String> {
    let ending = ending(state, zone)?;
    Some(match state {
        PromptState::Open | PromptState::Decided { .. } => format!("Already {ending}"),
        PromptState::Expired => format!("This question has {ending}"),
        PromptState::Void => format!("This question is {ending}"),
    })
}

fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M").to_string()
}

/// How far a task is, stage by stage.
pub(super) fn progress(state: &TaskState) -> Reply {
    let percent = view::progress(state);
    let mut reply = Reply::default().then(visible(&short(&state.title(), TITLE_CHARS_MAX)), Style::Bold);
    reply = reply.then(format!(" {percent} %"), Style::Plain);
    for step in view::steps(state).iter().filter(|step| step.action.is_some()).take(STEPS_MAX) {
        let mark = match step.status {
            "done" => "✓",
            "failed" => "✗",
            "unknown" => "?",
            "skipped" | "cancelled" => "–",
            "running" => "▸",
            _ => "·",
        };
        reply = reply.then(format!("\n{mark} {}", visible(&step.title)), Style::Plain);
        if let Some(items) = step.items.as_ref().filter(|items| items.len() > 1) {
            let over = items.iter().filter(|item| !matches!(item.status, "pending" | "running" | "waiting")).count();
            reply = reply.then(format!(" ({over} of {})", items.len()), Style::Plain);
        }
    }
    reply
}

/// A person's tasks, newest first.
pub(super) fn tasks(rows: &[TaskRow], zone: Tz) -> Reply {
    if rows.is_empty() {
        return Reply::plain("You have no tasks. Tell me in your own words what you need.");
    }
    rows.iter().enumerate().fold(Reply::plain("Your newest tasks:"), |reply, (place, row)| {
        let status = row.state.status().as_str().replace('_', " ");
        let when = row.updated_at.with_timezone(&zone).format("%d %b %H:%M");
        reply
            .then(format!("\n{}. ", place + 1), Style::Plain)
            .then(visible(&short(&row.state.title(), TITLE_CHARS_MAX)), Style::Bold)
            .then(format!("\n    {status}, {} %, {when}", view::progress(&row.state)), Style::Plain)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(view: &Value, private: bool) -> String {
        question(&Question::of(view), private).text()
    }

    #[test]
    fn a_confirmation_shows_every_argument_and_hides_nothing() {
        let view = json!({"kind": "confirmation", "question": "Shall I do this?", "pending_actions": [
            {"id": "e1", "description": "Send email", "status": "pending", "parameters":
                {"to": ["ann@example.org", "b\u{202e}ob@example.org"], "bcc": ["eve@example.org"], "subject": "Hi\u{200b}",
                 "body": "x".repeat(10_000)}}]});
        let text = shown(&view, true);
        for part in ["ann@example.org, b⟨U+202E⟩ob@example.org", "bcc: eve@example.org", "subject: Hi⟨U+200B⟩"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(text.contains(&"x".repeat(10_000)), "the body is whole");
    }

    #[test]
    fn what_is_doubtful_stands_above_the_arguments_with_nothing_hidden_in_it() {
        let doubt = format!("\"eve\u{202e}@evil\" is not from you: {}", "x".repeat(10_000));
        let view = json!({"kind": "confirmation", "question": "Shall I do this?", "pending_actions": [
            {"id": "e1", "description": "Send email", "status": "pending", "parameters": {"to": ["eve@evil"]},
             "notes": [doubt, "and a second\u{200b}\nline"]},
            {"id": "e2", "description": "Send another", "status": "pending", "parameters": {"to": ["bob@example.org"]}}]});
        let text = shown(&view, true);
        let first =
            text.find("1. Send email\n\u{26a0}\u{fe0f} \"eve⟨U+202E⟩@evil\" is not from you").expect("the first");
        let second = text.find("\u{26a0}\u{fe0f} and a second⟨U+200B⟩⟨U+000A⟩line\nto: eve@evil").expect("the second");
        assert!(first < second && text.contains(&"x".repeat(10_000)), "{text}");
        assert_eq!(text.matches('\u{26a0}').count(), 2, "none where there is nothing to know");
    }

    #[test]
    fn names_too_long_for_a_button_stand_in_the_message() {
        let long = "a".repeat(LABEL_CHARS_MAX + 1);
        let view = json!({"kind": "selection", "question": "Which?", "options": [
            {"id": "1", "name": long, "description": null}, {"id": "2", "name": "b", "description": null}]});
        assert!(shown(&view, true).contains(&long));
        let view = json!({"kind": "selection", "question": "Which?", "options": [
            {"id": "1", "name": "a", "description": null}]});
        assert_eq!(shown(&view, true), "Which?");
    }

    #[test]
    fn in_a_group_words_are_asked_for_as_a_reply() {
        let view = json!({"kind": "clarification", "question": "When?", "options": null});
        assert_eq!(shown(&view, true), "When?");
        assert_eq!(shown(&view, false), "When?\n\nPlease reply to this message.");
    }

    #[test]
    fn the_ending_names_who_and_when_on_the_persons_clock() {
        let at = "2026-11-29T08:32:00Z".parse().expect("a time");
        let decided = PromptState::Decided { by: "Ann".to_owned(), at };
        assert_eq!(ending(&decided, chrono_tz::Asia::Kolkata).as_deref(), Some("decided by Ann, 14:02"));
        assert_eq!(ending(&PromptState::Open, chrono_tz::UTC), None);
    }
}
