//! What a model is told of the plan before.

use workflows::ports::{Intent, PlanRequest};
use workflows::state::Run;

use super::super::prompt::{Background, planning};
use super::*;

/// A run of as many questions, all of them answered, and as many mails that were sent.
fn run(count: usize) -> Run {
    let (mut stages, mut answers, mut items) = (Vec::new(), serde_json::Map::new(), Vec::new());
    for n in 1..=count {
        let id = format!("question_{n}");
        stages.push(json!({"id": id, "type": "clarification", "question": format!("Question {n}?"), "answer": "text"}));
        answers.insert(id, json!({"is": "done", "result": format!("answer {n}")}));
        items.push(json!({"id": format!("mail_{n}"), "stage_id": "mail", "index": n, "action": "email.send_email",
            "args": {}, "reach": "world", "idempotent": false, "look_up": false, "starts": 1,
            "created_at": "2026-01-31T09:00:00Z", "phase": {"phase": "done", "at": "2026-01-31T09:00:00Z",
                "outcome": {"result": {}, "detail": format!("mail {n} sent")}, "undone": false}}));
    }
    let run = json!({"seed": "s", "drawn": 1, "request": {"text": "ask and mail"}, "intent": {"type": "send_email"},
        "plan": {"version": 1, "title": "Mails", "intent": "send_email", "stages": stages}, "stages": answers,
        "items": items, "prompts": [], "progress": 0, "started_at": "2026-01-31T09:00:00Z"});
    serde_json::from_value(run).expect("a run")
}

#[tokio::test]
async fn the_newest_of_what_came_before_is_told() {
    let (catalog, person, run) = (catalog().await, person(), run(30));
    let request = PlanRequest { previous: Some(&run), ..PlanRequest::new("go on", &person, &[], now(), &catalog) };
    let chat = planning(&request, &Intent::default(), &Background::default());
    let text = &chat.messages[1].text;
    for newest in ["mail 30 sent", "Question 30? answer 30", "- question_30 clarification"] {
        assert!(text.contains(newest), "{newest} is not in {text}");
    }
    for oldest in ["mail 1 sent", "Question 1? answer 1\n", "- question_1 clarification"] {
        assert!(!text.contains(oldest), "{oldest} is in {text}");
    }
    let at = |told: &str| text.find(told).unwrap_or_else(|| panic!("{told} is not in {text}"));
    assert!(at("answer 29") < at("answer 30"), "oldest first: {text}");
}
