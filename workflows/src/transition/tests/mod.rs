//! State × event tables and properties of the transitions.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "plans and outcomes read best as they are made"
)]

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::*;
use crate::action::{ActionSpec, Reach, ReachRule};
use crate::ids::PersonId;
use crate::person::{Channel, Role, Settings};
use crate::ports::actions::UndoCall;
use crate::state::{Item, ItemPhase, Outcome, Prompt, PromptKind, Purpose, Run, Status};

mod edges;
mod honesty;
mod models;
mod properties;
mod replans;

fn spec(name: &str, reach: ReachRule) -> ActionSpec {
    ActionSpec {
        name: name.to_owned(),
        summary: name.to_owned(),
        parameters: json!({"type": "object", "additionalProperties": false, "required": ["to"], "properties": {
            "to": {"type": "array", "items": {"type": "string"}}, "text": {"type": "string"}, "people": {"type": "array"},
            "day": {"type": "string"}}}),
        result: json!({}),
        reach,
        idempotent: matches!(reach, ReachRule::Own),
        look_up: false,
        undo: None,
        targets: &["to"],
        future: &["day"],
        version: None,
        unavailable: None,
    }
}

fn catalog() -> Catalog {
    let off = ActionSpec { unavailable: Some("set KEY".to_owned()), ..spec("off.send", ReachRule::World) };
    let asked = ActionSpec { look_up: true, ..spec("mail.asked", ReachRule::World) };
    Catalog::new(vec![
        spec("mail.send", ReachRule::World),
        spec("own.add", ReachRule::Own),
        spec("own.unless", ReachRule::OwnUnless(&["people"])),
        spec("look.up", ReachRule::Read),
        asked,
        off,
    ])
}

fn person() -> Person {
    let settings = Settings {
        timezone: chrono_tz::Europe::Berlin,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings }
}

fn start_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a valid time")
}

/// A task under test: applies events and keeps a ledger of started acts.
struct Bench {
    catalog: Catalog,
    person: Person,
    now: DateTime<Utc>,
    /// When what comes next was said, when that is not now.
    said_at: Option<DateTime<Utc>>,
    epoch: u64,
    state: TaskState,
    effects: Vec<Effect>,
    frames: Vec<FrameDraft>,
    wake_at: Option<DateTime<Utc>>,
    effects_left: u32,
    contacts: Vec<crate::person::Contact>,
}

impl Bench {
    fn new(plan: Value) -> Self {
        Self::begin(plan).expect("a valid plan")
    }

    fn begin(plan: Value) -> Result<Self, Refusal> {
        Self::begin_with(plan, u32::MAX)
    }

    fn begin_with(plan: Value, effects_left: u32) -> Result<Self, Refusal> {
        let (catalog, person, now) = (catalog(), person(), start_of_time());
        let plan: Plan = Plan::read(&plan, &catalog).map_err(Refusal::Faulty)?;
        let ctx = Context {
            now,
            said_at: now,
            person: &person,
            contacts: &[],
            catalog: &catalog,
            session_id: "s",
            epoch: 1,
            may_start: true,
            effects_left,
        };
        let moved = begin_plan(Seed("seed".to_owned()), plan, &ctx)?;
        let mut bench = Self {
            state: moved.next.clone(),
            effects: Vec::new(),
            frames: Vec::new(),
            wake_at: None,
            epoch: 1,
            effects_left,
            contacts: Vec::new(),
            catalog,
            person,
            now,
            said_at: None,
        };
        bench.take(moved);
        Ok(bench)
    }

    fn take(&mut self, moved: Transition) {
        self.state = moved.next;
        self.effects.extend(moved.effects);
        self.frames.extend(moved.frames);
        self.wake_at = moved.wake_at;
    }

    fn send(&mut self, event: Event) -> Result<(), Refusal> {
        let ctx = Context {
            now: self.now,
            said_at: self.said_at.unwrap_or(self.now),
            person: &self.person,
            contacts: &self.contacts,
            catalog: &self.catalog,
            session_id: "s",
            epoch: self.epoch,
            may_start: true,
            effects_left: self.effects_left,
        };
        let moved = transition(self.state.clone(), event, &ctx)?;
        self.take(moved);
        Ok(())
    }

    fn run(&self) -> &Run {
        self.state.run().expect("a run")
    }

    fn open(&self) -> Prompt {
        self.run().open_prompts().last().cloned().expect("an open question")
    }

    fn answer(&mut self, answer: Answer) -> Result<(), Refusal> {
        let prompt_id = self.open().id;
        self.send(Event::Answer { prompt_id, answer })
    }

    fn choose(&mut self, id: &str) {
        self.answer(Answer::Options(vec![id.to_owned()])).expect("a fitting choice");
    }

    fn approve(&mut self) {
        self.answer(Answer::Approve(None)).expect("a fitting yes");
    }

    fn started(&self) -> Vec<Item> {
        self.run().items.iter().filter(|item| item.is_in_flight()).cloned().collect()
    }

    fn started_now(&self) -> Vec<Item> {
        self.state.run().map(|_| self.started()).unwrap_or_default()
    }

    fn outcome(&mut self, n: usize, result: Result<ActionOutcome, ActionError>) {
        let effect_id = self.started()[n].id.clone();
        self.send(Event::Outcome { effect_id, result }).expect("an awaited outcome");
    }

    fn status(&self) -> Status {
        self.state.status()
    }
}

fn done(detail: &str) -> Result<ActionOutcome, ActionError> {
    let result = json!({"message_id": detail}).as_object().cloned().expect("an object");
    Ok(ActionOutcome { result, detail: detail.to_owned(), undo: None, left: None })
}

fn plan(stages: Value) -> Value {
    json!({"version": 1, "title": "Test", "slots": {"date": "2026-12-01"}, "stages": stages})
}

fn mail(id: &str, to: &str) -> Value {
    json!({"id": id, "type": "execution", "action": "mail.send", "params": {"to": [to], "text": "hi"}})
}

#[test]
fn an_answer_that_waited_means_the_day_it_was_said_on() {
    let mut bench = Bench::new(json!({"version": 1, "title": "T", "stages": [
        {"id": "day", "type": "clarification", "question": "Which day?", "answer": "date"}]}));
    bench.said_at = Some(bench.now - Duration::days(2));
    bench.answer(Answer::Text("tomorrow".to_owned())).expect("an answer");
    let said = bench.said_at.expect("a time").with_timezone(&bench.person.settings.timezone).date_naive();
    let wanted = said.succ_opt().expect("a day").to_string();
    assert_eq!(bench.run().stages[&crate::ids::StageId::from("day")].result(), Some(&json!(wanted)));
}

#[test]
fn a_forgotten_confirmation_is_inserted_and_nothing_runs_before_the_yes() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y"), mail("b", "z@y")])));
    assert!(bench.effects.is_empty());
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation") };
    assert_eq!(items.len(), 2, "both mails share one confirmation");
    bench.approve();
    assert_eq!(bench.started().len(), 1, "the second waits for the first");
    bench.outcome(0, done("one"));
    bench.outcome(0, done("two"));
    assert_eq!(bench.status(), Status::Completed);
    assert_eq!(bench.run().progress, 100);
}

#[test]
fn own_and_read_acts_run_at_once() {
    let stages = json!([{"id": "a", "type": "execution", "action": "own.add", "params": {"to": []}},
        {"id": "b", "type": "execution", "action": "look.up", "params": {"to": []}}]);
    let mut bench = Bench::new(plan(stages));
    bench.outcome(0, done("added"));
    bench.outcome(0, done("seen"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn a_second_answer_is_told_who_decided_first() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    let prompt_id = bench.open().id;
    bench.approve();
    let again = bench.send(Event::Answer { prompt_id, answer: Answer::Approve(None) });
    assert!(matches!(again, Err(Refusal::AlreadyDecided { by, .. }) if by == "Ann"));
    assert_eq!(bench.effects.len(), 1);
}

#[test]
fn rejecting_all_cancels_and_rejecting_one_skips_it() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y"), mail("b", "z@y")])));
    bench.answer(Answer::Reject(None)).expect("a no");
    assert_eq!(bench.status(), Status::Cancelled);
    assert!(bench.effects.is_empty());

    let mut bench = Bench::new(plan(json!([mail("a", "x@y"), mail("b", "z@y")])));
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation") };
    bench.answer(Answer::Reject(Some(items[0].clone()))).expect("one no");
    assert_eq!(bench.status(), Status::Waiting, "the other is undecided");
    bench.answer(Answer::Approve(Some(items[1].clone()))).expect("one yes");
    bench.outcome(0, done("two"));
    assert_eq!(bench.status(), Status::Completed);
    assert_eq!(bench.started().len(), 0);
}

#[test]
fn an_approval_holds_for_exactly_what_was_shown() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    let TaskState::Running(run) = &mut bench.state else { panic!("running") };
    let shown = run.items[0].hash();
    run.items[0].approval = Some(crate::state::Approval { by: PersonId::from("ann"), at: bench.now, hash: shown });
    run.items[0].args.insert("to".to_owned(), json!(["evil@y"]));
    run.items[0].phase = ItemPhase::Ready;
    bench.send(Event::Due).expect("due");
    assert!(bench.effects.is_empty(), "changed arguments never start");
}

#[test]
fn a_world_call_that_only_shows_when_it_runs_is_stopped_and_asked() {
    let stages = json!([{"id": "who", "type": "clarification", "question": "Who?", "answer": "text"},
        {"id": "a", "type": "execution", "action": "own.unless", "params": {"to": [], "people": "{{ [] if who == 'nobody' else [who] }}"}}]);
    let mut bench = Bench::new(plan(stages));
    bench.answer(Answer::Text("bob".to_owned())).expect("an answer");
    assert!(bench.effects.is_empty());
    assert!(matches!(bench.open().kind, PromptKind::Confirm { .. }));
}

#[test]
fn a_failed_act_is_asked_about_and_another_address_is_confirmed_anew() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("550 no such user")));
    let prompt = bench.open();
    assert!(prompt.question.contains("550 no such user"), "{}", prompt.question);
    let PromptKind::One { options } = &prompt.kind else { panic!("a selection") };
    assert_eq!(options.iter().map(|o| o.id.as_str()).collect::<Vec<_>>(), ["retry", "other", "skip", "stop"]);
    bench.choose("other");
    bench.answer(Answer::Text("good@y.org".to_owned())).expect("another address");
    assert!(bench.started().is_empty(), "the new address needs a yes of its own");
    bench.approve();
    assert_eq!(bench.started()[0].args["to"], json!(["good@y.org"]));
    bench.outcome(0, done("sent"));
    assert_eq!(bench.status(), Status::Completed);
}

fn offering(names: &[&str]) -> ActionError {
    let args = |name: &&str| json!({"to": [name], "text": "hi"}).as_object().cloned().expect("an object");
    let offers = names.iter().map(|name| crate::ports::Offer { name: (*name).to_owned(), args: args(name) });
    ActionError::offering("the price is 12 now, not 10", offers.collect())
}

#[test]
fn what_would_be_done_instead_is_confirmed_anew_whatever_the_plan_says_of_failures() {
    for on_failure in ["ask", "skip", "stop"] {
        let mut act = mail("a", "ten");
        act["on_failure"] = json!(on_failure);
        let mut bench = Bench::new(plan(json!([act])));
        bench.approve();
        bench.outcome(0, Err(offering(&["twelve"])));
        assert!(bench.started().is_empty(), "the old yes is not one to the new price");
        let prompt = bench.open();
        assert!(prompt.question.contains("12 now, not 10"), "{}", prompt.question);
        assert!(matches!(prompt.purpose, Purpose::Approve(_)));
        bench.approve();
        assert_eq!(bench.started()[0].args["to"], json!(["twelve"]));
        bench.outcome(0, done("booked"));
        assert_eq!(bench.status(), Status::Completed, "{on_failure}");
    }
    let mut bench = Bench::new(plan(json!([mail("a", "ten")])));
    bench.approve();
    bench.outcome(0, Err(offering(&["twelve"])));
    bench.answer(Answer::Reject(None)).expect("a no");
    assert_eq!(bench.effects.len(), 1, "nothing more was begun");
    assert!(bench.status().is_terminal(), "{:?}", bench.status());
}

#[test]
fn one_of_several_is_chosen_and_a_look_then_goes_on_by_itself() {
    let stages = json!([{"id": "a", "type": "execution", "action": "look.up", "params": {"to": ["Springfield"]}}]);
    let mut bench = Bench::new(plan(stages));
    bench.outcome(0, Err(offering(&["Springfield, Illinois", "Springfield, Ohio"])));
    let PromptKind::One { options } = bench.open().kind else { panic!("a selection") };
    let ids: Vec<&str> = options.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids, ["offer_1", "offer_2", "other", "skip", "stop"]);
    bench.choose("offer_2");
    assert_eq!(bench.started()[0].args["to"], json!(["Springfield, Ohio"]));
    bench.outcome(0, done("found"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn an_offer_that_the_action_cannot_take_is_not_run() {
    let mut bench = Bench::new(plan(json!([mail("a", "ten"), mail("b", "x@y")])));
    bench.approve();
    let offer = |n: u32| {
        let args = json!({"to": [n]}).as_object().cloned().expect("an object");
        crate::ports::Offer { name: "odd".to_owned(), args }
    };
    bench.outcome(0, Err(ActionError::offering("not so", vec![offer(1), offer(2)])));
    bench.choose("offer_1");
    bench.outcome(0, done("the other act"));
    assert_eq!(bench.status(), Status::CompletedWithFailures);
}

#[test]
fn what_would_be_on_a_day_that_has_passed_is_not_even_asked_about() {
    let on = |day: &str| {
        let params = json!({"to": ["x@y"], "day": day});
        Bench::new(plan(json!([{"id": "a", "type": "execution", "action": "mail.send", "params": params}])))
    };
    // The bench's clock shows 18 November 2026.
    let mut bench = on("2026-11-17");
    assert_eq!(bench.status(), Status::Failed);
    assert!(bench.effects.is_empty() && bench.run().open_prompts().next().is_none());
    bench = on("2026-11-18");
    assert!(matches!(bench.open().kind, PromptKind::Confirm { .. }));
    // A yes that comes a day late starts nothing.
    bench.now += Duration::days(1);
    bench.approve();
    assert!(bench.effects.is_empty(), "{:?}", bench.effects);
    assert!(bench.open().question.contains("2026-11-18 has passed"), "{}", bench.open().question);
}

#[test]
fn what_was_left_over_is_asked_about_while_the_rest_counts() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    let args = json!({"to": ["bad@y"], "text": "hi"}).as_object().cloned().expect("an object");
    let outcome = done("one of two").map(|outcome| ActionOutcome {
        left: Some(crate::ports::Left { args, error: "550 bad@y".to_owned() }),
        ..outcome
    });
    bench.outcome(0, outcome);
    assert!(matches!(bench.open().purpose, Purpose::Failure(_)));
    bench.choose("skip");
    assert_eq!(bench.status(), Status::CompletedWithFailures);
}

#[test]
fn retries_are_counted_and_wait() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    for _ in 0..STARTS_MAX - 1 {
        bench.outcome(0, Err(ActionError::retry("421 later")));
        assert!(bench.started().is_empty());
        bench.now = bench.wake_at.expect("a retry is due");
        bench.send(Event::Due).expect("due");
    }
    bench.outcome(0, Err(ActionError::retry("421 later")));
    assert!(matches!(bench.open().purpose, Purpose::Failure(_)));
    assert_eq!(bench.effects.len(), STARTS_MAX as usize);
}

#[test]
fn after_a_crash_an_act_is_unknown_and_resent_only_on_a_new_yes() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    assert_eq!(bench.effects.len(), 1, "nothing is sent again");
    let prompt = bench.open();
    assert!(matches!(prompt.purpose, Purpose::Unknown(_)));
    let PromptKind::One { options } = &prompt.kind else { panic!("a selection") };
    assert_eq!(options.iter().map(|o| o.id.as_str()).collect::<Vec<_>>(), ["resend", "drop"]);
    bench.choose("resend");
    assert_eq!(bench.effects.len(), 2);
    bench.outcome(0, done("sent"));
    assert_eq!(bench.status(), Status::Completed);
}

#[test]
fn after_a_crash_harmless_acts_repeat_and_others_are_looked_up() {
    let own = json!([{"id": "a", "type": "execution", "action": "own.add", "params": {"to": []}}]);
    let mut bench = Bench::new(plan(own));
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    assert_eq!(bench.effects.len(), 2);
    assert!(matches!((&bench.effects[0], &bench.effects[1]), (Effect::Run(a), Effect::Run(b)) if a == b));

    let asked = json!([{"id": "a", "type": "execution", "action": "mail.asked", "params": {"to": ["x@y"]}}]);
    let mut bench = Bench::new(plan(asked));
    bench.approve();
    bench.epoch = 2;
    bench.send(Event::Due).expect("claimed");
    assert!(matches!(bench.effects[1], Effect::LookUp(_)));
    let effect_id = bench.run().items[0].id.clone();
    bench.send(Event::LookedUp { effect_id, answer: LookUp::Absent }).expect("looked up");
    assert_eq!(bench.effects.len(), 3, "it was certainly not done, and the yes still stands");
}

#[test]
fn a_late_outcome_of_an_earlier_epoch_is_refused() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    bench.approve();
    let effect_id = bench.started()[0].id.clone();
    bench.epoch = 2;
    let late = bench.send(Event::Outcome { effect_id, result: done("late") });
    assert_eq!(late, Err(Refusal::LateResult));
}

#[test]
fn stop_starts_nothing_more_and_waits_for_what_is_under_way() {
    let stages =
        json!([{"id": "p", "type": "parallel", "stages": [mail("a", "x@y"), mail("b", "z@y")]}, mail("c", "w@y")]);
    let mut bench = Bench::new(plan(stages));
    bench.approve();
    assert_eq!(bench.effects.len(), 2);
    bench.send(Event::Cancel).expect("a stop");
    assert_eq!(bench.status(), Status::Running);
    bench.outcome(0, done("one"));
    bench.outcome(0, done("two"));
    assert_eq!(bench.status(), Status::Cancelled);
    assert_eq!(bench.effects.len(), 2, "the third never started");
    assert_eq!(report::receipts(bench.run()).len(), 2);
}

#[test]
fn stop_on_failure_takes_back_what_was_done_newest_first() {
    let own = |id: &str| json!({"id": id, "type": "execution", "action": "own.add", "params": {"to": [id]}});
    let last = json!({"id": "c", "type": "execution", "action": "own.add", "params": {"to": []}, "on_failure": "stop"});
    let mut bench = Bench::new(plan(json!([own("a"), own("b"), last])));
    let undoable = |n: &str| {
        let args = json!({"to": [n]}).as_object().cloned().expect("an object");
        done(n).map(|outcome| ActionOutcome { undo: Some(UndoCall { action: "own.add".to_owned(), args }), ..outcome })
    };
    bench.outcome(0, undoable("a"));
    bench.outcome(0, undoable("b"));
    bench.outcome(0, Err(ActionError::fail("no")));
    assert_eq!(bench.started()[0].args["to"], json!(["b"]), "newest first");
    bench.outcome(0, done("b is gone"));
    assert_eq!(bench.started()[0].args["to"], json!(["a"]));
    bench.outcome(0, done("a is gone"));
    assert_eq!(bench.status(), Status::Failed);
    assert!(
        matches!(&bench.state, TaskState::Finished(f) if f.outcome == Outcome::Failed && f.summary.contains("taken back"))
    );
}

#[test]
fn questions_lapse_once_and_then_the_task_gives_up() {
    let mut bench = Bench::new(plan(json!([mail("a", "x@y")])));
    let first = bench.open().id;
    bench.now += Duration::hours(49);
    let late = bench.send(Event::Answer { prompt_id: first.clone(), answer: Answer::Approve(None) });
    assert_eq!(late, Err(Refusal::Expired));
    bench.send(Event::Due).expect("due");
    assert_ne!(bench.open().id, first, "it is asked once more");
    bench.now += Duration::hours(49);
    bench.send(Event::Due).expect("due");
    assert_eq!(bench.status(), Status::Cancelled);
    assert!(matches!(&bench.state, TaskState::Finished(f) if f.reason.as_deref() == Some("expired")));
    assert!(bench.effects.is_empty(), "an expired question is no yes");
}

#[test]
fn every_stage_type_nested_runs_to_its_end() {
    let stages = json!([
        {"id": "area", "type": "clarification", "question": "Which area?", "answer": "text", "suggestions": ["North", "South"]},
        {"id": "venue", "type": "selection", "question": "Which venue in {{ area }}?", "options": [
            {"id": "v1", "name": "Beach", "value": {"name": "Beach"}}, {"id": "v2", "name": "Hill", "value": {"name": "Hill"}}]},
        {"id": "guests", "type": "multi_select", "question": "Who?", "min": 1, "max": 2, "options": [
            {"id": "bob", "name": "Bob", "value": {"email": "bob@x"}}, {"id": "eve", "name": "Eve", "value": {"email": "eve@x"}}]},
        {"id": "ok", "type": "confirmation", "covers": ["go"]},
        {"id": "go", "type": "parallel", "stages": [
            {"id": "invite", "type": "execution", "action": "mail.send", "for_each": "guests", "on_failure": "skip",
             "params": {"to": ["{{ item.email }}"], "text": "At {{ venue.name }}"}}]},
        {"id": "check", "type": "conditional", "if": "invite.failed | length > 0",
         "then": [{"id": "note", "type": "execution", "action": "own.add", "params": {"to": ["{{ invite.failed[0].error }}"]}}], "else": []},
        {"id": "later", "type": "wait", "for": "PT1H",
         "then": [{"id": "nudge", "type": "execution", "action": "own.add", "params": {"to": ["nudge"]}}]}]);
    let mut bench = Bench::new(plan(stages));
    bench.choose("1");
    assert!(bench.open().question.contains("North"));
    bench.choose("v2");
    bench.answer(Answer::Options(vec!["eve".to_owned(), "bob".to_owned()])).expect("two guests");
    let PromptKind::Confirm { items } = bench.open().kind else { panic!("a confirmation") };
    let shown: Vec<Value> = items.iter().map(|id| json!(bench.run().item(id).map(|item| &item.args))).collect();
    assert_eq!(shown, [json!({"to": ["bob@x"], "text": "At Hill"}), json!({"to": ["eve@x"], "text": "At Hill"})]);
    bench.approve();
    bench.outcome(0, Err(ActionError::fail("bounced")));
    bench.outcome(0, done("eve"));
    assert_eq!(bench.started()[0].args["to"], json!(["bounced"]));
    bench.outcome(0, done("noted"));
    assert_eq!(bench.status(), Status::Waiting);
    assert_eq!(bench.wake_at, Some(bench.now + Duration::hours(1)));
    bench.now += Duration::hours(1);
    bench.send(Event::Due).expect("due");
    bench.outcome(0, done("nudged"));
    assert_eq!(bench.status(), Status::CompletedWithFailures);
}

#[test]
fn an_over_long_for_each_fails_with_its_reason() {
    let many: Vec<Value> = (0..99).map(|n| json!({"id": format!("o{n}"), "name": "x", "value": [1, 2]})).collect();
    let stages = json!([{"id": "pick", "type": "multi_select", "question": "?", "min": 99, "options": many},
        {"id": "a", "type": "execution", "action": "own.add", "for_each": "pick + pick", "params": {"to": []}}]);
    let mut bench = Bench::new(plan(stages));
    let all = (0..99).map(|n| format!("o{n}")).collect();
    bench.answer(Answer::Options(all)).expect("all");
    assert_eq!(bench.status(), Status::Failed);
    assert!(
        matches!(&bench.state, TaskState::Finished(f) if f.summary.contains("198 items; at most 100")),
        "{:?}",
        bench.state
    );
}

/// Every state against every event that is not its own: refused or taken, never a panic, and a
/// finished task moves only by an undo.
#[test]
fn every_state_meets_every_event() {
    let waiting = Bench::new(plan(json!([mail("a", "x@y")])));
    let mut running = Bench::new(plan(json!([mail("a", "x@y")])));
    running.approve();
    let mut stopping = Bench::new(plan(json!([mail("a", "x@y")])));
    stopping.approve();
    stopping.send(Event::Cancel).expect("a stop");
    let mut finished = Bench::new(plan(json!([mail("a", "x@y")])));
    finished.send(Event::Cancel).expect("a stop");
    let mut aside = Bench::new(plan(json!([mail("a", "x@y")])));
    aside.send(Event::Quarantine).expect("set aside");
    let mut table = Vec::new();
    for (name, bench) in [
        ("waiting", waiting),
        ("running", running),
        ("stopping", stopping),
        ("finished", finished),
        ("quarantined", aside),
    ] {
        let prompt_id = bench.run().prompts[0].id.clone();
        let effect_id = bench.run().items[0].id.clone();
        let events = [
            ("planned", Event::Planned { amendments: 0, answer: Err("no".to_owned()) }),
            ("answer", Event::Answer { prompt_id, answer: Answer::Approve(None) }),
            ("revise", Event::Revise { text: "make it Sunday".to_owned() }),
            ("cancel", Event::Cancel),
            ("undo", Event::Undo),
            ("outcome", Event::Outcome { effect_id: effect_id.clone(), result: done("x") }),
            ("looked_up", Event::LookedUp { effect_id, answer: LookUp::Absent }),
            ("due", Event::Due),
            ("quarantine", Event::Quarantine),
        ];
        for (event_name, event) in events {
            let mut copy = Bench { state: bench.state.clone(), ..Bench::new(plan(json!([mail("a", "x@y")]))) };
            let result = match copy.send(event) {
                Ok(()) => copy.status().as_str().to_owned(),
                Err(refusal) => format!("refused: {refusal}"),
            };
            table.push(format!("{name} + {event_name} = {result}"));
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}
