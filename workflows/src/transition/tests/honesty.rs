//! What may have been done is told, whatever ends the task; what was not done can be tried again.

use super::*;
use crate::ports::planner::Proposal;

fn own(id: &str) -> Value {
    json!({"id": id, "type": "execution", "action": "own.add", "params": {"to": [id]}})
}

fn undoable(action: &str, to: &str) -> Result<ActionOutcome, ActionError> {
    let args = json!({"to": [to]}).as_object().cloned().expect("an object");
    let undo = Some(UndoCall { action: action.to_owned(), args });
    done(to).map(|outcome| ActionOutcome { undo, ..outcome })
}

fn revise(bench: &mut Bench, stages: Value) {
    let TaskState::Running(run) = &mut bench.state else { panic!("running") };
    run.request.text = "please".to_owned();
    bench.send(Event::Revise { text: "otherwise".to_owned() }).expect("a change");
    let plan: Plan = serde_json::from_value(plan(stages)).expect("a plan");
    let proposal = Proposal::Plan { plan: Box::new(plan), intent: crate::ports::planner::Intent::default() };
    let answer = Ok(Planned { by: "test".to_owned(), proposal, notes: Vec::new() });
    bench.send(Event::Planned { amendments: 1, answer }).expect("planned");
}

#[test]
fn what_was_left_over_can_be_tried_again_with_a_yes_of_its_own() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    let args = json!({"to": ["bad@y"], "text": "hi"}).as_object().cloned().expect("an object");
    let left = Some(crate::ports::Left { args, error: "451 later".to_owned() });
    bench.outcome(0, done("one of two").map(|outcome| ActionOutcome { left, ..outcome }));
    bench.choose("retry");
    assert!(bench.started().is_empty(), "nobody said yes to just this");
    assert!(matches!(bench.open().purpose, Purpose::Approve(_)));
    bench.approve();
    assert_eq!(bench.started()[0].args["to"], json!(["bad@y"]));
    bench.outcome(0, done("the rest"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn an_act_found_not_done_after_a_check_can_be_tried_again() {
    let asked = json!([{"id": "a", "type": "execution", "action": "mail.asked", "params": {"to": ["x@y"]}}]);
    let mut bench = Bench::new(plan(asked));
    bench.approve();
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    bench.choose("check");
    let effect_id = bench.run().items[0].id.clone();
    bench.send(Event::LookedUp { effect_id, answer: LookUp::Absent }).expect("looked up");
    bench.choose("retry");
    bench.approve();
    bench.outcome(0, done("sent"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn a_harmless_act_interrupted_while_stopping_is_told_as_unknown() {
    let mut bench = Bench::new(plan(json!([own("a")])));
    bench.send(Event::Cancel).expect("a stop");
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    assert_eq!(bench.status(), Status::Cancelled);
    assert_eq!(report::receipts(bench.run()).len(), 1, "it may have been done");
}

#[test]
fn taking_back_is_retried_like_any_other_act() {
    let mut bench = Bench::new(plan(json!([own("a")])));
    bench.outcome(0, undoable("own.add", "a"));
    bench.send(Event::Undo).expect("an undo");
    bench.outcome(0, Err(ActionError::retry("421 later")));
    assert_eq!(bench.status(), Status::Running);
    bench.now = bench.wake_at.expect("a retry is due");
    bench.send(Event::Due).expect("due");
    bench.outcome(0, done("gone"));
    assert_eq!(bench.status(), Status::Completed);
    assert!(matches!(bench.run().items[0].phase, ItemPhase::Done { undone: true, .. }));
}

#[test]
fn an_interrupted_undo_that_was_not_done_is_done() {
    let mut bench = Bench::new(plan(json!([own("a")])));
    bench.outcome(0, undoable("mail.asked", "a"));
    bench.send(Event::Undo).expect("an undo");
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    let effect_id = bench.run().items[1].id.clone();
    bench.send(Event::LookedUp { effect_id, answer: LookUp::Absent }).expect("looked up");
    assert_eq!(bench.started().len(), 1, "it goes on");
}

#[test]
fn an_act_of_an_earlier_plan_is_marked_as_taken_back() {
    let ask = json!({"id": "q", "type": "clarification", "question": "?", "answer": "text"});
    let mut bench = Bench::new(plan(json!([own("a"), ask.clone()])));
    bench.outcome(0, undoable("own.add", "a"));
    revise(&mut bench, json!([ask]));
    bench.send(Event::Undo).expect("an undo");
    bench.outcome(0, done("gone"));
    assert!(matches!(bench.run().earlier.done[0].phase, ItemPhase::Done { undone: true, .. }));
}

#[test]
fn an_unknown_outcome_outlives_a_change_of_plan_and_still_asks_before_a_second_time() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    revise(&mut bench, json!([mail("a", "x@y")]));
    assert_eq!(bench.effects.iter().filter(|effect| matches!(effect, Effect::Run(_))).count(), 1);
    bench.answer(Answer::Reject(None)).expect("a no");
    let TaskState::Finished(finished) = &bench.state else { panic!("ended") };
    assert!(finished.summary.contains("unknown since"), "{}", finished.summary);
}

#[test]
fn a_task_set_aside_tells_what_may_have_been_done_and_asks_nothing_more() {
    let stages = json!([{"id": "p", "type": "parallel", "stages": [mail("a", "x@y"),
        {"id": "q", "type": "clarification", "question": "?", "answer": "text"}]}]);
    let mut bench = Bench::new(plan(stages));
    bench.approve();
    bench.frames.clear();
    bench.epoch = 7;
    bench.send(Event::Quarantine).expect("set aside");
    assert_eq!(bench.status(), Status::Quarantined);
    assert_eq!(bench.run().open_prompts().count(), 0, "an open question would swallow every later message");
    assert_eq!(report::receipts(bench.run()).len(), 1);
    assert!(bench.frames.iter().any(|frame| frame.data.get("text").is_some_and(|t| t.to_string().contains("x@y"))));
}

#[test]
fn a_task_with_an_act_in_doubt_from_an_earlier_plan_is_not_reported_as_all_done() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    revise(&mut bench, json!([{"id": "b", "type": "execution", "action": "own.add", "params": {"to": []}}]));
    bench.outcome(0, done("added"));
    assert_eq!(bench.status(), Status::CompletedWithFailures);
}

/// The catalog with another version of `mail.send`.
fn versioned(version: &str) -> Catalog {
    let tool = ActionSpec { version: Some(version.to_owned()), ..spec("mail.send", ReachRule::World) };
    Catalog::new(catalog().iter().filter(|other| other.name != tool.name).cloned().chain([tool.clone()]).collect())
}

/// A mail that is asked about, with a first version of its tool.
fn asked_of_a_tool() -> Bench {
    let stages = json!([{"id": "q", "type": "clarification", "question": "Who?", "answer": "text"}, mail("a", "x@y")]);
    let mut bench = Bench::new(plan(stages));
    bench.catalog = versioned("1");
    bench.answer(Answer::Text("x".to_owned())).expect("an answer");
    assert_eq!(bench.run().items[0].version.as_deref(), Some("1"));
    bench
}

#[test]
fn a_yes_to_a_tool_that_has_changed_since_starts_nothing_and_another_try_needs_a_yes_of_its_own() {
    let mut bench = asked_of_a_tool();
    bench.catalog = versioned("2");
    bench.approve();
    assert!(bench.effects.is_empty() && bench.started().is_empty());
    let prompt = bench.open();
    assert!(prompt.question.contains("the tool has changed since you said yes"), "{}", prompt.question);
    bench.choose("retry");
    assert!(bench.effects.is_empty(), "the old yes is spent");
    assert!(matches!(bench.open().purpose, Purpose::Approve(_)));
    bench.approve();
    bench.outcome(0, done("sent"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn an_act_in_doubt_is_not_told_undone_because_its_tool_has_changed() {
    let mut bench = asked_of_a_tool();
    bench.approve();
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    bench.catalog = versioned("2");
    bench.choose("resend");
    assert_eq!(bench.effects.len(), 1, "nothing is sent again");
    assert!(matches!(bench.open().purpose, Purpose::Unknown(_)));
    bench.choose("resend");
    assert_eq!(bench.effects.len(), 2, "this yes is to the tool as it is now");
}

#[test]
fn the_hash_of_a_yes_has_the_version_in_it_only_where_there_is_one() {
    let bench = Bench::new(plan(json!([mail("a", "x@y")])));
    let plain = bench.run().items[0].clone();
    assert_eq!(plain.hash(), crate::state::item::call_hash(&plain.action, &plain.args));
    assert!(serde_json::to_value(&plain).expect("it").get("version").is_none(), "old states stay as they are");
    let of = |version: &str| Item { version: Some(version.to_owned()), ..plain.clone() }.hash();
    assert_ne!(of("1"), plain.hash());
    assert_ne!(of("1"), of("2"));
}
