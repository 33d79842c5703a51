//! What is remembered, asked for and forgotten; and what only sounds like it.

use super::plans::shown_all;
use super::*;

#[test]
fn memories() {
    insta::assert_snapshot!(shown_all(&[
        "remember that my wife is vegetarian",
        "Please remember: the code of the gate is {{ 4711 }}.",
        "note that I am allergic to nuts and my son is allergic to cats",
        "remember my sister lives in Porto",
        "Don't forget that we fly on Fridays only. We never fly at night.",
        "remember that",
        "remember that my wife is vegetarian and book a table at Luigi's for 2 tomorrow at 7pm",
        "what do you know about my wife?",
        "What did I tell you about Luigi's",
        "what do you remember?",
        "what do you know about me?",
        "forget that my wife is vegetarian",
        "forget my sister's address",
        "remember: \"The key is under the mat\"",
    ]));
}

fn kinds(text: &str) -> Vec<String> {
    match plan_of(text, &[]) {
        Proposal::Plan { plan, .. } => {
            let mut actions = Vec::new();
            for stage in &plan.stages {
                stage.walk(&mut |stage| {
                    if let crate::plan::StageKind::Execution(execution) = &stage.kind {
                        actions.push(execution.action.clone());
                    }
                });
            }
            actions
        }
        Proposal::Reply { intent, .. } | Proposal::Question { intent, .. } => vec![intent.kind],
    }
}

#[test]
fn what_only_sounds_like_remembering_is_something_else() {
    let table: [(&str, &[&str]); 14] = [
        ("remember to call Bob tomorrow at 9", &["calendar.set_reminder"]),
        ("remind me tomorrow at 9 that the rent is due", &["calendar.set_reminder"]),
        ("remember that my brother is Tom Hill, tom@hill.org", &["contacts.add_contact"]),
        ("email Bob that we moved. Please note that the bell is broken", &["email.send_email"]),
        ("email Bob that we moved and remember that the bell is broken", &["email.send_email"]),
        (
            "book a table at Luigi's, luigi@x.test, for 2 tomorrow at 7pm, note that my wife is vegetarian",
            &["booking.book_restaurant"],
        ),
        (
            "book a table at Luigi's, luigi@x.test, for 2 tomorrow at 7pm. Please note that we need a high chair.",
            &["booking.book_restaurant"],
        ),
        ("remember my passport", &["unknown"]),
        ("remember that I told you about Rome?", &["unknown"]),
        ("forget about it", &["unknown"]),
        ("forget that", &["unknown"]),
        ("what's on tomorrow, and remember that I hate Mondays", &["calendar.list_events", "memory.remember"]),
        ("remember that Bob is away. Email Carol that Bob is away", &["memory.remember", "email.send_email"]),
        ("tell me what you remember about Bob", &["memory.recall"]),
    ];
    for (text, expected) in table {
        assert_eq!(kinds(text), expected, "{text}");
    }
}
