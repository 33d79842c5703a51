//! Plans at the edge: what is covered twice, what waits for what never begins, lists without end.

use serde_json::Map;

use super::*;

fn with(mut stage: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("an object") {
        stage[name] = value.clone();
    }
    stage
}

fn ask(id: &str) -> Value {
    json!({"id": id, "type": "clarification", "question": "?", "answer": "text"})
}

fn note(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "execution", "action": "own.add", "params": {"to": [text]}})
}

fn shown(bench: &Bench) -> usize {
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation") };
    items.len()
}

#[test]
fn an_act_named_twice_by_a_confirmation_is_done_once() {
    let stages = json!([{"id": "ok", "type": "confirmation", "covers": ["go", "a", "a"]},
        {"id": "go", "type": "parallel", "stages": [mail("a", "x@y")]}]);
    let mut bench = Bench::new(plan(stages));
    assert_eq!(shown(&bench), 1);
    bench.approve();
    assert_eq!(bench.effects.len(), 1);
}

#[test]
fn an_act_covered_by_two_confirmations_is_done_once() {
    let stages = json!([{"id": "ok", "type": "confirmation", "covers": ["a"]},
        {"id": "sure", "type": "confirmation", "covers": ["a"]}, mail("a", "x@y")]);
    let mut bench = Bench::new(plan(stages));
    bench.approve();
    while bench.run().open_prompts().next().is_some() {
        bench.approve();
    }
    assert_eq!(bench.effects.len(), 1);
}

#[test]
fn what_runs_instead_of_a_failed_act_is_confirmed_when_it_comes_and_done_once() {
    let instead = json!([mail("b", "{{ a.error }}@y")]);
    let mut bench = Bench::new(plan(json!([with(mail("a", "x@y"), json!({"on_failure": instead}))])));
    assert_eq!(shown(&bench), 1, "what may never be done is not shown yet");
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("gone")));
    assert_eq!(bench.started().len(), 0);
    assert_eq!(shown(&bench), 1);
    bench.approve();
    assert_eq!(bench.started().len(), 1);
    assert_eq!(bench.started()[0].args["to"], json!(["gone@y"]));
    bench.outcome(0, done("instead"));
    assert!(bench.status().is_terminal());
    assert_eq!(bench.effects.len(), 2);
}

#[test]
fn an_act_that_waits_for_nothing_is_not_shown_with_one_it_does_not_wait_for() {
    let stages = json!([mail("a", "x@y"), with(mail("b", "z@y"), json!({"needs": []}))]);
    let mut bench = Bench::new(plan(stages));
    for _ in 0..2 {
        let prompt = bench.run().open_prompts().next().expect("a question").clone();
        assert!(matches!(&prompt.kind, PromptKind::Confirm { items } if items.len() == 1), "{prompt:?}");
        bench.send(Event::Answer { prompt_id: prompt.id, answer: Answer::Approve(None) }).expect("a yes");
    }
    assert_eq!(bench.started().len(), 2, "both begin with their own yes");
}

#[test]
fn an_act_that_uses_what_is_not_known_yet_is_confirmed_later() {
    let sibling = with(mail("b", "{{ a.message_id }}@y"), json!({"needs": ["a"]}));
    let mut bench = Bench::new(plan(json!([{"id": "go", "type": "parallel", "stages": [mail("a", "x@y"), sibling]}])));
    assert_eq!(shown(&bench), 1);
    bench.approve();
    bench.outcome(0, done("one"));
    bench.approve();
    assert_eq!(bench.started()[0].args["to"], json!(["one@y"]));
}

#[test]
fn a_stage_that_needs_one_of_the_way_not_taken_begins() {
    let stages = json!([{"id": "c", "type": "conditional", "if": "false", "then": [note("x", "x")]},
        with(note("z", "z"), json!({"needs": ["c", "x"]}))]);
    let bench = Bench::new(plan(stages));
    assert_eq!(bench.started().len(), 1, "x never begins, so nothing waits for it");
}

#[test]
fn a_stage_that_needs_its_own_holder_begins() {
    let stages =
        json!([{"id": "w", "type": "wait", "for": "PT0S", "then": [with(note("x", "x"), json!({"needs": ["w"]}))]}]);
    assert_eq!(Bench::new(plan(stages)).started().len(), 1);
}

#[test]
fn a_nested_stage_sees_the_result_of_its_holder() {
    let stages = json!([{"id": "w", "type": "wait", "for": "PT0S", "then": [note("x", "{{ 'late' if w.timed_out else 'in time' }}")]}]);
    assert_eq!(Bench::new(plan(stages)).started()[0].args["to"], json!(["in time"]));
}

#[test]
fn a_wait_until_the_past_is_over_at_once_and_an_empty_list_needs_no_yes() {
    let stages = json!([{"id": "w", "type": "wait", "until": "2001-01-01T00:00"},
        {"id": "nobody", "type": "multi_select", "question": "?", "min": 0, "options": [{"id": "a", "name": "A"}]},
        with(mail("a", "{{ item }}"), json!({"for_each": "nobody"}))]);
    let mut bench = Bench::new(plan(stages));
    bench.answer(Answer::Options(Vec::new())).expect("nobody");
    assert_eq!(bench.status(), Status::Completed);
    assert!(bench.effects.is_empty());
}

#[test]
fn a_condition_that_cannot_be_judged_fails_its_stage_and_the_plan_goes_on() {
    let stages = json!([ask("who"), {"id": "c", "type": "conditional", "if": "who.name.first", "then": [note("x", "x")]},
        note("z", "z")]);
    let mut bench = Bench::new(plan(stages));
    bench.answer(Answer::Text("bob".to_owned())).expect("an answer");
    assert_eq!(bench.started()[0].stage_id.as_str(), "z");
    bench.outcome(0, done("z"));
    assert_eq!(bench.status(), Status::CompletedWithFailures);
}

#[test]
fn a_moment_beyond_every_calendar_fails_its_stage() {
    for until in ["+262142-12-31T23:59", "-262143-01-01T00:00"] {
        let stages = json!([ask("when"), {"id": "w", "type": "wait", "until": "{{ when }}"}]);
        let mut bench = Bench::new(plan(stages));
        bench.answer(Answer::Text(until.to_owned())).expect("an answer");
        assert_eq!(bench.status(), Status::Failed, "{until}");
    }
}

#[test]
fn every_option_of_a_list_can_be_chosen_alone() {
    let options = json!([{"id": "o", "name": "O", "value": [{"id": "2", "name": "A"}, {"id": "2", "name": "B"}]}]);
    let stages = json!([{"id": "first", "type": "selection", "question": "?", "options": options},
        {"id": "then", "type": "selection", "question": "?", "options_from": "first"}]);
    let mut bench = Bench::new(plan(stages));
    bench.choose("o");
    let PromptKind::One { options } = bench.open().kind else { panic!("a selection") };
    assert_ne!(options[0].id, options[1].id);
    bench.choose(&options[1].id);
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn a_number_that_is_typed_is_the_number_and_a_button_is_the_suggestion() {
    let stages = json!([{"id": "people", "type": "clarification", "question": "How many?", "answer": "number",
        "suggestions": ["5", "10"]}, {"id": "n", "type": "execution", "action": "own.add", "params": {"to": ["{{ people }}!"]}}]);
    for (answer, expected) in [(Answer::Text("2".to_owned()), "2!"), (Answer::Options(vec!["2".to_owned()]), "10!")] {
        let mut bench = Bench::new(plan(stages.clone()));
        bench.answer(answer).expect("a number");
        assert_eq!(bench.started()[0].args["to"], json!([expected]));
    }
}

#[test]
fn an_act_beyond_the_days_limit_is_not_begun_and_can_be_tried_again() {
    let stages = json!([{"id": "go", "type": "parallel", "stages": [mail("a", "a@y"), mail("b", "b@y")]}]);
    let mut bench = Bench::new(plan(stages));
    bench.effects_left = 1;
    bench.approve();
    assert_eq!(bench.started().len(), 1);
    let PromptKind::One { .. } = bench.open().kind else { panic!("a question about the other") };
    assert!(bench.open().question.contains("today's limit"), "{}", bench.open().question);
    bench.outcome(0, done("sent"));
    bench.effects_left = 0;
    bench.choose("retry");
    assert_eq!(bench.started().len(), 0, "the day is still full");
    bench.effects_left = 500;
    bench.choose("retry");
    assert_eq!(bench.started().len(), 1);
    bench.outcome(0, done("sent"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn a_full_day_ends_what_may_fail_and_the_plan_goes_on() {
    let stages = json!([with(note("a", "x"), json!({"on_failure": "skip"})), ask("q")]);
    let mut bench = Bench::begin_with(plan(stages), 0).expect("a valid plan");
    assert!(bench.effects.is_empty());
    assert_eq!(bench.open().question, "?", "the next stage is reached in the same turn");
    bench.answer(Answer::Text("done".to_owned())).expect("it fits");
    assert!(bench.status().is_terminal());
}

#[test]
fn taking_back_is_not_counted_against_the_day() {
    let mut bench = Bench::new(plan(json!([note("a", "x")])));
    let undo = crate::ports::UndoCall {
        action: "own.add".to_owned(),
        args: Map::from_iter([("to".to_owned(), json!(["x"]))]),
    };
    let outcome = ActionOutcome { undo: Some(undo), ..done("noted").expect("an outcome") };
    bench.outcome(0, Ok(outcome));
    bench.effects_left = 0;
    bench.send(Event::Undo).expect("it can be undone");
    assert_eq!(bench.started().len(), 1);
}

#[test]
fn an_act_that_may_have_been_done_is_never_said_not_to_be_because_the_day_is_full() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    bench.effects_left = 0;
    bench.choose("resend");
    assert_eq!(bench.started().len(), 1, "the same act again, with a yes of its own: it was counted when it began");

    let mut bench = Bench::new(plan(json!([note("a", "x")])));
    bench.epoch = 2;
    bench.effects_left = 0;
    bench.send(Event::Due).expect("claimed");
    assert_eq!(bench.started().len(), 1, "what was interrupted and harms nothing is repeated");
}

#[test]
fn a_full_day_that_stops_the_plan_begins_nothing_after_it() {
    let stops = with(mail("a", "a@y"), json!({"on_failure": "stop"}));
    let stages = json!([{"id": "go", "type": "parallel", "stages": [stops, mail("b", "b@y")]}]);
    let mut bench = Bench::new(plan(stages));
    bench.effects_left = 0;
    bench.approve();
    assert!(bench.effects.is_empty());
    assert_eq!(bench.status(), Status::Failed);
}
