//! Plans that come from a model: what it asks, what it says, and another way when it was wrong.

use super::*;
use crate::ids::ContactId;
use crate::person::Contact;
use crate::ports::planner::{Intent, Proposal};
use crate::state::Amendment;

/// A task that waits for its plan.
pub(super) fn asked(text: &str) -> Bench {
    let mut bench = Bench::new(plan(json!([{"id": "q", "type": "clarification", "question": "?", "answer": "text"}])));
    let request = Request { text: text.to_owned(), said_at: None, amendments: Vec::new(), photos: Vec::new() };
    let planning = Planning { seed: Seed("seed".to_owned()), request, previous: None };
    bench.state = TaskState::Planning(planning);
    (bench.effects, bench.frames) = (Vec::new(), Vec::new());
    bench
}

pub(super) fn planned(bench: &mut Bench, by: &str, proposal: Proposal) {
    let amendments = bench.state.request().amendments.len();
    let answer = Ok(Planned { by: by.to_owned(), proposal, notes: vec!["a note".to_owned()] });
    bench.send(Event::Planned { amendments, answer }).expect("an awaited plan");
}

pub(super) fn proposes(stages: Value) -> Proposal {
    let plan: Plan = serde_json::from_value(plan(stages)).expect("a plan");
    Proposal::Plan { plan: Box::new(plan), intent: Intent::default() }
}

pub(super) fn said(bench: &Bench) -> Vec<String> {
    let texts = bench.frames.iter().filter(|frame| frame.kind == FrameKind::Message);
    texts.filter_map(|frame| Some(frame.data.get("text")?.as_str()?.to_owned())).collect()
}

pub(super) fn look(id: &str) -> Value {
    json!({"id": id, "type": "execution", "action": "look.up", "params": {"to": ["places"]}})
}

pub(super) fn pick(id: &str, from: &str) -> Value {
    json!({"id": id, "type": "selection", "question": "Which?", "options_from": from})
}

pub(super) fn found(list: Value) -> Result<ActionOutcome, ActionError> {
    let result = json!({"results": list}).as_object().cloned().expect("an object");
    Ok(ActionOutcome { result, detail: "found".to_owned(), undo: None, left: None })
}

#[test]
fn what_a_model_must_know_is_asked_and_planned_with() {
    let mut bench = asked("mail Bob");
    let question = || Proposal::Question {
        text: "Which Bob?".to_owned(),
        suggestions: vec!["Old".to_owned()],
        intent: Intent::default(),
    };
    planned(&mut bench, "groq", question());
    assert_eq!(bench.open().question, "Which Bob?");
    bench.answer(Answer::Options(vec!["1".to_owned()])).expect("an answer");
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.state.status());
    assert_eq!(bench.effects.last(), Some(&Effect::Plan));
    let amendments = &bench.state.request().amendments;
    assert_eq!(*amendments, [Amendment { text: "Old".to_owned(), said_at: Some(bench.now) }]);
    // What waited for us was said when it was said.
    bench.said_at = Some(bench.now - chrono::TimeDelta::days(2));
    bench.send(Event::Revise { text: "make it tomorrow".to_owned() }).expect("a change");
    let later = Amendment { text: "make it tomorrow".to_owned(), said_at: bench.said_at };
    assert_eq!(bench.state.request().amendments.last(), Some(&later));
    // The same question again is asked again: the answer before is not taken for an answer to it.
    planned(&mut bench, "groq", question());
    assert_eq!(bench.open().question, "Which Bob?");
    bench.answer(Answer::Text("the young one".to_owned())).expect("an answer");
    planned(&mut bench, "groq", proposes(json!([mail("a", "bob@y")])));
    assert!(matches!(bench.open().kind, PromptKind::Confirm { .. }));
    assert!(!said(&bench).iter().any(|text| text.contains("changed the plan")), "{:?}", said(&bench));
    assert!(said(&bench).contains(&"a note".to_owned()));
}

#[test]
fn questions_without_end_are_ended() {
    let mut bench = asked("mail Bob");
    for n in 0..=AMENDMENTS_MAX {
        let question =
            Proposal::Question { text: "Who?".to_owned(), suggestions: Vec::new(), intent: Intent::default() };
        planned(&mut bench, "groq", question);
        assert_ne!(bench.status(), Status::Failed, "ended after {n}");
        bench.answer(Answer::Text("him".to_owned())).expect("an answer");
    }
    assert_eq!(bench.status(), Status::Failed);
}

#[test]
fn words_of_a_model_are_told_apart_from_what_was_done() {
    let mut bench = asked("mail Bob");
    let claims = || Proposal::Reply { text: "I have sent it.".to_owned(), intent: Intent::default() };
    planned(&mut bench, "groq", claims());
    assert!(said(&bench).last().is_some_and(|text| text.contains("groq answered; nothing was done")));
    assert!(bench.effects.is_empty());
    let mut bench = asked("mail Bob");
    planned(&mut bench, "builtin", claims());
    assert_eq!(said(&bench).last().map(String::as_str), Some("I have sent it.\n\na note"), "all in one");
}

#[test]
fn when_the_plan_cannot_go_on_its_maker_is_asked_for_another_way() {
    let mut bench = asked("find a place and mail them");
    let stages =
        json!([mail("first", "bob@y"), look("places"), pick("venue", "places.results"), mail("a", "{{ venue }}")]);
    planned(&mut bench, "groq", proposes(stages));
    bench.approve();
    bench.outcome(0, done("sent"));
    bench.outcome(0, found(json!([])));
    let TaskState::Planning(planning) = &bench.state else { panic!("planning, not {:?}", bench.status()) };
    let before = planning.previous.as_deref().expect("the run before");
    assert!(before.stages.values().any(|stage| matches!(stage, crate::state::StageRun::Failed { .. })));
    // The same act once more is not done once more.
    planned(&mut bench, "groq", proposes(json!([mail("again", "bob@y"), mail("b", "c@y")])));
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation") };
    assert_eq!(items.len(), 1, "only what is not done yet");
    let difference = said(&bench).iter().find(|text| text.contains("changed the plan")).cloned().expect("a difference");
    assert!(difference.contains("+ Send ([\"c@y\"]") && !difference.contains("bob@y"), "{difference}");
}

#[test]
fn another_way_is_looked_for_a_few_times_only_and_never_by_rules() {
    let stages = || json!([look("places"), pick("venue", "places.results")]);
    let mut bench = asked("find a place");
    for _ in 0..2 {
        planned(&mut bench, "groq", proposes(stages()));
        bench.outcome(0, found(json!([])));
        assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
        // What was looked up is known already; another look is another act.
        let TaskState::Planning(planning) = &mut bench.state else { panic!("planning") };
        planning.previous.as_mut().expect("a run").earlier.done.clear();
        planning.previous.as_mut().expect("a run").items.clear();
    }
    planned(&mut bench, "groq", proposes(stages()));
    bench.outcome(0, found(json!([])));
    assert!(matches!(bench.state, TaskState::Finished(_)), "{:?}", bench.status());
    let mut bench = asked("find a place");
    planned(&mut bench, "builtin", proposes(stages()));
    bench.outcome(0, found(json!([])));
    assert!(matches!(bench.state, TaskState::Finished(_)), "{:?}", bench.status());
}

#[test]
fn after_a_failure_the_person_may_have_the_rest_planned_anew() {
    let mut bench = asked("mail Bob");
    planned(&mut bench, "groq", proposes(json!([mail("a", "bob@y"), mail("b", "c@y")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("no such mailbox")));
    bench.choose("replan");
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
    assert!(bench.started_now().is_empty(), "nothing goes on meanwhile");
    planned(&mut bench, "groq", proposes(json!([mail("b", "c@y")])));
    assert!(matches!(bench.open().kind, PromptKind::Confirm { .. }), "old yeses do not count for a new plan");
    // Nobody else than its maker could find another way.
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("no such mailbox")));
    let PromptKind::One { options } = bench.open().kind else { panic!("a choice") };
    assert!(!options.iter().any(|option| option.id == "replan"));
}

#[test]
fn what_was_done_is_reported_when_no_other_way_is_found() {
    for (answer, status) in
        [(Ok("It cannot be had."), Status::CompletedWithFailures), (Err("no planner answered"), Status::Failed)]
    {
        let mut bench = asked("mail Bob, then find a place");
        planned(
            &mut bench,
            "groq",
            proposes(json!([mail("m", "bob@y"), look("places"), pick("venue", "places.results")])),
        );
        bench.approve();
        bench.outcome(0, done("sent to bob@y"));
        bench.outcome(0, found(json!([])));
        let answer = answer.map_err(str::to_owned).map(|text| Planned {
            by: "groq".to_owned(),
            proposal: Proposal::Reply { text: text.to_owned(), intent: Intent::default() },
            notes: Vec::new(),
        });
        bench.send(Event::Planned { amendments: 0, answer }).expect("awaited");
        assert_eq!(bench.status(), status);
        assert!(said(&bench).last().is_some_and(|text| text.contains("\u{2713} sent to bob@y")), "{:?}", said(&bench));
    }
}

#[test]
fn targets_that_are_not_the_persons_are_told() {
    let notes = |bench: &Bench, n: usize| bench.run().items[n].notes.join(" ");
    let mut bench = asked("mail bob@y and whoever we find");
    let stages = json!([look("places"), pick("venue", "places.results"),
        {"id": "ok", "type": "confirmation", "covers": ["a", "b", "c", "d"]},
        mail("a", "bob@y"), mail("b", "eve@evil"), mail("c", "{{ venue }}"), mail("d", "ann@friends")]);
    planned(&mut bench, "groq", proposes(stages));
    bench.outcome(0, found(json!(["info@venue", "other@venue"])));
    let contact = Contact { email: Some("ann@friends".to_owned()), ..Contact::named(ContactId::from("c1"), "Ann") };
    bench.contacts.push(contact);
    bench.choose("1");
    assert_eq!(notes(&bench, 1), "");
    assert!(notes(&bench, 2).contains("neither in your words nor among your contacts: groq put it there"));
    assert!(notes(&bench, 3).contains("\"info@venue\" is not from you"), "{}", notes(&bench, 3));
    assert_eq!(notes(&bench, 4), "");
    let view = crate::state::view::prompt_view(bench.run(), &bench.open());
    assert!(view["pending_actions"][1]["notes"][0].as_str().is_some_and(|note| note.contains("eve@evil")), "{view}");
}

#[test]
fn links_from_elsewhere_are_told_too() {
    let mut bench = asked("tell bob@y about it");
    let told = json!({"id": "a", "type": "execution", "action": "mail.send",
        "params": {"to": ["bob@y"], "text": "See {{ places.results[0] }} and https://made.up/x"}});
    planned(&mut bench, "groq", proposes(json!([look("places"), told])));
    bench.outcome(0, found(json!(["https://phish.example/login"])));
    let notes = bench.run().items[1].notes.join(" ");
    assert!(notes.contains("https://phish.example/login\" is not from you"), "{notes}");
    assert!(notes.contains("https://made.up/x\" is neither"), "{notes}");
}

/// Two branches at once: a mail that may have gone out, and one whose choice has nothing to choose from.
fn torn() -> Bench {
    let mut bench = asked("mail Bob and find a place");
    let branches = json!([look("places"), {"id": "both", "type": "parallel", "stages": [mail("a", "bob@y"), pick("venue", "places.results")]}]);
    planned(&mut bench, "groq", proposes(branches));
    bench.outcome(0, found(json!([])));
    bench.approve();
    bench
}

#[test]
fn what_may_have_been_done_is_settled_before_another_way_is_looked_for() {
    let mut bench = torn();
    assert!(matches!(bench.state, TaskState::Running(_)), "the mail is under way: {:?}", bench.status());
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    assert!(matches!(bench.state, TaskState::Running(_)), "{:?}", bench.status());
    assert!(bench.wake_at.is_some_and(|at| at > bench.now), "nothing is due until somebody answers");
    bench.choose("resend");
    assert_eq!(bench.started_now().len(), 1, "again, as the person said");
    bench.outcome(0, done("sent to bob@y"));
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
    planned(&mut bench, "groq", proposes(json!([mail("again", "bob@y")])));
    assert_eq!(bench.status(), Status::Completed, "it is done already");
}

#[test]
fn an_act_in_doubt_is_not_done_again_without_a_word() {
    let mut bench = torn();
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    bench.choose("drop");
    assert!(matches!(bench.state, TaskState::Planning(_)), "{:?}", bench.status());
    planned(&mut bench, "groq", proposes(json!([mail("again", "bob@y")])));
    let notes = bench.run().items.last().map(|item| item.notes.join(" ")).unwrap_or_default();
    assert!(notes.contains("It may have been done before"), "{notes}");
    // What touches only the person's own things asks as well then.
    let own = json!({"id": "own", "type": "execution", "action": "own.add", "params": {"to": ["x"]}});
    let mut bench = asked("add it and find a place");
    let branches =
        json!([look("places"), {"id": "both", "type": "parallel", "stages": [own, pick("venue", "places.results")]}]);
    planned(&mut bench, "groq", proposes(branches));
    bench.outcome(0, found(json!([])));
    bench.outcome(0, Err(ActionError::unknown("no answer")));
    bench.choose("drop");
    planned(&mut bench, "groq", proposes(json!([own_again()])));
    assert!(bench.started_now().is_empty(), "not without a yes");
    assert!(matches!(bench.open().kind, PromptKind::Confirm { .. }));
}

fn own_again() -> Value {
    json!({"id": "other", "type": "execution", "action": "own.add", "params": {"to": ["x"]}})
}

#[test]
fn a_stop_while_another_way_is_looked_for_tells_what_was_done() {
    let mut bench = asked("mail Bob, then find a place");
    planned(&mut bench, "groq", proposes(json!([mail("m", "bob@y"), look("places"), pick("venue", "places.results")])));
    bench.approve();
    bench.outcome(0, done("sent to bob@y"));
    bench.outcome(0, found(json!([])));
    bench.send(Event::Cancel).expect("a stop");
    assert_eq!(bench.status(), Status::Cancelled);
    assert!(said(&bench).last().is_some_and(|text| text.contains("\u{2713} sent to bob@y")), "{:?}", said(&bench));
}

#[test]
fn what_was_done_is_no_part_of_what_is_given_up() {
    let mut bench = asked("mail Bob, then find a place and mail Carl");
    let stages = json!([mail("first", "bob@y"), look("places"), pick("venue", "places.results"), mail("a", "carl@y")]);
    planned(&mut bench, "groq", proposes(stages));
    bench.approve();
    bench.outcome(0, done("sent"));
    bench.outcome(0, found(json!([])));
    planned(&mut bench, "groq", proposes(json!([mail("b", "dora@y")])));
    let difference = said(&bench).iter().find(|text| text.contains("changed the plan")).cloned().expect("a difference");
    assert!(!difference.contains("bob@y"), "it stays done: {difference}");
    assert!(difference.contains("\u{2212} Send ([\"carl@y\"]"), "{difference}");
}
