//! What holds of an earlier plan when another takes its place, and how a task ends while it is made.

use super::models::{asked, found, pick, planned, proposes, said};
use super::*;
use crate::ports::planner::{Intent, Proposal};
use crate::state::view;

fn look_at(town: &str) -> Value {
    json!({"id": "places", "type": "execution", "action": "look.up", "params": {"to": [town]}})
}

fn ask(id: &str) -> Value {
    json!({"id": id, "type": "clarification", "question": "?", "answer": "text"})
}

fn own(id: &str) -> Value {
    json!({"id": id, "type": "execution", "action": "own.add", "params": {"to": [id]}})
}

fn undoable(to: &str) -> Result<ActionOutcome, ActionError> {
    let args = json!({"to": [to]}).as_object().cloned().expect("an object");
    done(to).map(|outcome| ActionOutcome { undo: Some(UndoCall { action: "own.add".to_owned(), args }), ..outcome })
}

/// The person changes the request; another plan is awaited.
fn revise(bench: &mut Bench) {
    bench.send(Event::Revise { text: "otherwise".to_owned() }).expect("a change");
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
}

/// The person changes the request, and this is planned.
fn replan(bench: &mut Bench, stages: Value) {
    revise(bench);
    bench.frames.clear();
    planned(bench, "groq", proposes(stages));
}

fn asks(bench: &mut Bench, text: &str) {
    let (text, suggestions) = (text.to_owned(), Vec::new());
    planned(bench, "groq", Proposal::Question { text, suggestions, intent: Intent::default() });
}

fn answer(bench: &mut Bench, text: &str) {
    bench.answer(Answer::Text(text.to_owned())).expect("an answer");
}

fn difference(bench: &Bench) -> String {
    let said = said(bench);
    said.iter().find(|text| text.contains("changed the plan")).cloned().unwrap_or_else(|| panic!("none in {said:?}"))
}

/// A table at one of the places of Goa, chosen and shown.
fn table_in_goa() -> Bench {
    let mut bench = asked("find a restaurant and ask for a table");
    planned(&mut bench, "groq", proposes(table("Goa")));
    bench.outcome(0, found(json!(["a@goa", "b@goa"])));
    bench.choose("1");
    assert_eq!(shown(&bench).args["to"], json!(["a@goa"]));
    bench
}

fn table(town: &str) -> Value {
    json!([look_at(town), pick("venue", "places.results"), mail("table", "{{ venue }}")])
}

/// The only act of the open confirmation.
fn shown(bench: &Bench) -> Item {
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation: {:?}", bench.open()) };
    assert_eq!(items.len(), 1);
    bench.run().item(&items[0]).cloned().expect("an act")
}

#[test]
fn a_choice_is_not_taken_over_into_a_list_that_lacks_it() {
    let mut bench = table_in_goa();
    replan(&mut bench, table("Mumbai"));
    bench.outcome(0, found(json!(["c@mumbai", "d@mumbai"])));
    let PromptKind::One { options } = bench.open().kind else { panic!("a choice: {:?}", bench.open()) };
    assert_eq!(options.iter().map(|option| option.name.as_str()).collect::<Vec<_>>(), ["c@mumbai", "d@mumbai"]);
    bench.choose("2");
    let table = shown(&bench);
    assert_eq!(table.args["to"], json!(["d@mumbai"]));
    assert!(table.notes[0].contains("it came with \"Up\""), "{:?}", table.notes);
}

#[test]
fn a_choice_that_is_on_the_new_list_too_is_not_asked_again() {
    let mut bench = table_in_goa();
    replan(&mut bench, table("South Goa"));
    bench.outcome(0, found(json!(["e@goa", "a@goa"])));
    let table = shown(&bench);
    assert_eq!(table.args["to"], json!(["a@goa"]));
    assert!(table.notes[0].contains("it came with \"Up\""), "{:?}", table.notes);
}

#[test]
fn several_that_were_chosen_are_taken_over_only_all_together() {
    let many = json!({"id": "venue", "type": "multi_select", "question": "Which?", "options_from": "places.results"});
    let stages = |town: &str| json!([look_at(town), many, ask("q")]);
    for (now_there, is_asked) in [(json!(["c", "b", "a"]), false), (json!(["a", "c"]), true)] {
        let mut bench = asked("look at places");
        planned(&mut bench, "groq", proposes(stages("Goa")));
        bench.outcome(0, found(json!(["a", "b", "c"])));
        bench.answer(Answer::Options(vec!["1".to_owned(), "2".to_owned()])).expect("two");
        replan(&mut bench, stages("Mumbai"));
        bench.outcome(0, found(now_there));
        assert_eq!(matches!(bench.open().kind, PromptKind::Many { .. }), is_asked);
    }
}

#[test]
fn what_was_looked_up_holds_for_minutes_and_what_was_done_for_ever() {
    let stages = || json!([own("a"), look_at("Goa"), ask("q")]);
    let mut bench = asked("add it and look");
    planned(&mut bench, "groq", proposes(stages()));
    bench.outcome(0, done("added"));
    bench.outcome(0, found(json!(["old"])));
    bench.now += Duration::minutes(5);
    replan(&mut bench, stages());
    assert!(bench.started().is_empty(), "nothing is looked up anew right after");
    bench.now += Duration::days(1);
    replan(&mut bench, stages());
    assert_eq!(bench.started().iter().map(|item| item.action.as_str()).collect::<Vec<_>>(), ["look.up"]);
    bench.outcome(0, found(json!(["new"])));
    answer(&mut bench, "done");
    assert_eq!(report::receipts(bench.run()).len(), 2, "one of each: what is old is told no more");
    assert_eq!(bench.run().items[1].done().map(|outcome| &outcome.result["results"]), Some(&json!(["new"])));
}

#[test]
fn what_was_done_can_be_taken_back_while_another_plan_is_made() {
    let mut bench = asked("add it");
    planned(&mut bench, "groq", proposes(json!([own("a"), mail("b", "x@y")])));
    bench.outcome(0, undoable("a"));
    revise(&mut bench);
    bench.send(Event::Undo).expect("an undo");
    bench.outcome(0, done("gone"));
    assert_eq!(bench.status(), Status::Cancelled);
    assert!(matches!(bench.run().items[0].phase, ItemPhase::Done { undone: true, .. }));
    assert_eq!(bench.state.request().amendments.len(), 1, "what was said is kept");
    let late = Event::Planned { amendments: 1, answer: Err("too late".to_owned()) };
    assert_eq!(bench.send(late), Err(Refusal::LateResult));

    let mut bench = asked("add it");
    assert!(matches!(bench.send(Event::Undo), Err(Refusal::TooLate(_))), "nothing was done yet");
    planned(&mut bench, "groq", proposes(json!([ask("q")])));
    revise(&mut bench);
    assert!(matches!(bench.send(Event::Undo), Err(Refusal::TooLate(_))), "nothing can be undone");
}

#[test]
fn acts_that_are_about_to_be_planned_anew_are_not_asked_about() {
    let mut bench = asked("mail Bob and whoever is found");
    let stages = json!([look_at("Goa"), {"id": "ok", "type": "confirmation", "covers": ["a", "b"]},
        mail("a", "bob@y"), mail("b", "{{ places.results[0] }}")]);
    planned(&mut bench, "groq", proposes(stages));
    bench.outcome(0, found(json!([])));
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
    assert!(bench.run().prompts.is_empty(), "nobody could answer it: {:?}", bench.run().prompts);
    assert!(!bench.frames.iter().any(|frame| frame.data.contains_key("prompt_id")));
}

#[test]
fn what_changed_is_shown_after_questions_in_between() {
    let mut bench = asked("mail Bob, then Carl");
    planned(&mut bench, "groq", proposes(json!([mail("first", "bob@y"), ask("q"), mail("second", "carl@y")])));
    bench.approve();
    bench.outcome(0, done("sent"));
    revise(&mut bench);
    asks(&mut bench, "Which Dora?");
    answer(&mut bench, "the old one");
    asks(&mut bench, "Which address?");
    assert!(!said(&bench).iter().any(|text| text.contains("changed the plan")), "a question changes nothing yet");
    answer(&mut bench, "dora@y");
    planned(&mut bench, "groq", proposes(json!([mail("third", "dora@y")])));
    let difference = difference(&bench);
    assert!(!difference.contains("bob@y"), "it stays done: {difference}");
    assert!(difference.contains("\u{2212} Send ([\"carl@y\"]"), "{difference}");
    assert!(difference.contains("+ Send ([\"dora@y\"]"), "{difference}");
    assert_eq!(bench.run().earlier.plan, None, "it is kept no longer than needed");
}

#[test]
fn an_act_under_another_target_is_done_after_questions_too() {
    let mut bench = asked("mail Bob");
    planned(&mut bench, "groq", proposes(json!([mail("a", "old@y"), ask("q")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("no such mailbox")));
    bench.choose("other");
    answer(&mut bench, "new@y.org");
    bench.approve();
    bench.outcome(0, done("sent"));
    revise(&mut bench);
    asks(&mut bench, "Who else?");
    answer(&mut bench, "Carl");
    planned(&mut bench, "groq", proposes(json!([mail("b", "carl@y")])));
    assert!(!difference(&bench).contains('\u{2212}'), "{}", difference(&bench));
}

#[test]
fn what_was_done_two_plans_ago_is_no_part_of_what_is_given_up() {
    let on_day =
        |id: &str| json!({"id": id, "type": "execution", "action": "own.add", "params": {"to": ["{{ slots.date }}"]}});
    let mut bench = asked("mail Bob and note the day");
    planned(&mut bench, "groq", proposes(json!([on_day("day"), mail("m", "bob@y"), ask("q")])));
    bench.outcome(0, done("noted"));
    bench.approve();
    bench.outcome(0, done("sent"));
    // Neither is come to, and the act called as the mail was is another.
    replan(&mut bench, json!([ask("r"), on_day("noted"), mail("again", "bob@y"), mail("m", "carl@y")]));
    replan(&mut bench, json!([mail("d", "dora@y")]));
    let difference = difference(&bench);
    assert!(!difference.contains("bob@y") && !difference.contains("slots.date"), "they stay done: {difference}");
    assert!(difference.contains("\u{2212} Send ([\"carl@y\"]"), "{difference}");
}

/// The answers that are kept of a question.
fn kept(bench: &Bench, id: &str) -> Vec<Value> {
    let run = bench.run();
    let earlier = run.earlier.answers.iter().filter(|(stage, _)| stage.id.as_str() == id).map(|(_, value)| value);
    let now = run.stages.iter().filter(|(stage, _)| stage.as_str() == id).filter_map(|(_, state)| state.result());
    earlier.chain(now).cloned().collect()
}

#[test]
fn an_answer_is_kept_once_however_often_it_is_planned_anew() {
    let stages = || json!([ask("q"), ask("r")]);
    let mut bench = asked("ask me");
    planned(&mut bench, "groq", proposes(stages()));
    answer(&mut bench, "yes");
    for _ in 0..3 {
        replan(&mut bench, stages());
        assert_eq!(kept(&bench, "q"), [json!("yes")]);
    }
    // Nor is it forgotten by a plan that has no use for it.
    replan(&mut bench, json!([ask("s")]));
    replan(&mut bench, stages());
    assert_eq!(kept(&bench, "q"), [json!("yes")]);
}

#[test]
fn a_newer_answer_takes_the_place_of_the_older_one() {
    let mut bench = table_in_goa();
    replan(&mut bench, table("Mumbai"));
    bench.outcome(0, found(json!(["c@mumbai"])));
    bench.choose("1");
    assert_eq!(kept(&bench, "venue"), [json!("c@mumbai")]);
    replan(&mut bench, json!([ask("q")]));
    assert_eq!(kept(&bench, "venue"), [json!("c@mumbai")]);
}

/// A task that has done one thing, asks about a second, and is being planned anew.
fn half_done() -> Bench {
    let mut bench = asked("add it, then mail them");
    let asking = json!({"id": "go", "type": "parallel", "stages": [ask("q"), mail("b", "x@y")]});
    planned(&mut bench, "groq", proposes(json!([own("a"), asking])));
    bench.outcome(0, done("added"));
    revise(&mut bench);
    bench.frames.clear();
    bench
}

/// Nothing of an ended task waits or runs, and its last frame tells how it ended.
fn assert_ended(bench: &Bench, kind: FrameKind, status: &str) {
    assert_eq!(bench.status().as_str(), status);
    let steps = view::steps(&bench.state);
    let is_open = |status: &str| matches!(status, "waiting" | "running" | "pending");
    assert!(!steps.iter().any(|step| is_open(step.status)), "{steps:?}");
    let items = &bench.run().items;
    assert!(!items.iter().any(|item| is_open(view::item_status(item))), "{items:?}");
    let last = bench.frames.last().expect("frames");
    assert_eq!((last.kind, &last.data["status"]), (kind, &json!(status)));
    assert_eq!(last.data["receipts"][0]["detail"], "added");
    assert!(last.data["summary"].as_str().is_some_and(|text| text.contains("\u{2713} added")), "{last:?}");
}

#[test]
fn what_ends_while_another_plan_is_made_leaves_nothing_open() {
    let mut bench = half_done();
    bench.send(Event::Cancel).expect("a stop");
    assert_ended(&bench, FrameKind::TaskFailed, "cancelled");

    let mut bench = half_done();
    bench.send(Event::Planned { amendments: 1, answer: Err("no planner answered".to_owned()) }).expect("awaited");
    assert_ended(&bench, FrameKind::TaskFailed, "failed");

    let mut bench = half_done();
    planned(&mut bench, "groq", Proposal::Reply { text: "It is fine.".to_owned(), intent: Intent::default() });
    assert_ended(&bench, FrameKind::TaskCompleted, "completed");
    let said = said(&bench).pop().expect("words");
    assert!(said.contains("groq answered; nothing more was done"), "{said}");
}

#[test]
fn what_ends_before_any_plan_tells_how_it_ended() {
    let mut bench = asked("hello");
    planned(&mut bench, "groq", Proposal::Reply { text: "Hello.".to_owned(), intent: Intent::default() });
    let last = bench.frames.last().expect("frames");
    assert_eq!((last.kind, &last.data["status"]), (FrameKind::TaskCompleted, &json!("completed")));
    assert_eq!(last.data["receipts"], json!([]));
    let mut bench = asked("hello");
    bench.send(Event::Cancel).expect("a stop");
    let last = bench.frames.last().expect("frames");
    assert_eq!((last.kind, &last.data["status"]), (FrameKind::TaskFailed, &json!("cancelled")));
    assert_eq!(said(&bench), ["Stopped. Nothing was done."]);
}
