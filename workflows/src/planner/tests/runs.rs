//! Plans of errands, run by the engine to what is shown for the yes.

use super::*;
use crate::action::Catalog;
use crate::ids::Seed;
use crate::inbound::Answer;
use crate::ports::ActionOutcome;
use crate::state::{Item, Prompt, PromptKind, Status, TaskState};
use crate::transition::{Context, Event, Transition, begin_plan, transition};

/// A task of one request, with the answers of the other side given by the test.
struct Task {
    catalog: Catalog,
    person: Person,
    state: TaskState,
}

impl Task {
    fn of(text: &str) -> Self {
        let Proposal::Plan { plan, .. } = plan_of(text, &[]) else { panic!("{text}: a plan") };
        let (catalog, person) = (catalog_without(""), person());
        let begun = begin_plan(Seed("seed".to_owned()), *plan, &context(&catalog, &person));
        let Transition { next: state, .. } = begun.expect("a sound plan");
        Self { catalog, person, state }
    }

    fn send(&mut self, event: Event) {
        let context = context(&self.catalog, &self.person);
        self.state = transition(self.state.clone(), event, &context).expect("it fits").next;
    }

    /// The act under way ends with these results.
    fn found(&mut self, results: &Value) -> Item {
        let run = self.state.run().expect("a run");
        let item = run.items.iter().find(|item| item.is_in_flight()).cloned().expect("an act under way");
        let result = json!({"results": results}).as_object().cloned().expect("an object");
        let outcome = ActionOutcome { result, detail: "found".to_owned(), undo: None, left: None };
        self.send(Event::Outcome { effect_id: item.id.clone(), result: Ok(outcome) });
        item
    }

    fn open(&self) -> Prompt {
        self.state.run().expect("a run").open_prompts().last().cloned().expect("an open question")
    }

    fn answer(&mut self, answer: Answer) {
        self.send(Event::Answer { prompt_id: self.open().id, answer });
    }

    fn say(&mut self, text: &str) {
        self.answer(Answer::Text(text.to_owned()));
    }

    fn choose(&mut self, id: &str) {
        self.answer(Answer::Options(vec![id.to_owned()]));
    }

    /// What is shown for the yes.
    fn shown(&self) -> Value {
        let PromptKind::Confirm { items } = self.open().kind else {
            panic!("a confirmation: {}", self.open().question)
        };
        let run = self.state.run().expect("a run");
        Value::Object(run.item(&items[0]).expect("an act").args.clone())
    }
}

fn context<'a>(catalog: &'a Catalog, person: &'a Person) -> Context<'a> {
    Context {
        now: now(),
        said_at: now(),
        person,
        contacts: &[],
        catalog,
        session_id: "s",
        epoch: 1,
        may_start: true,
        effects_left: u32::MAX,
    }
}

fn letter(email: &str) -> Value {
    json!({"venue": "Café A", "venue_email": email, "date": "2026-11-28", "time": "20:00", "people": 6})
}

#[test]
fn a_place_with_an_address_is_asked_there() {
    let mut task = Task::of("reserve a table for 6 near Panjim on Saturday at 8");
    let looked = task.found(
        &json!([{"name": "Café A", "address": "Main Road", "lat": 1, "lon": 1, "distance_m": 5, "email": "a@x.test"}]),
    );
    assert_eq!(Value::Object(looked.args), json!({"query": "restaurant", "near": "Panjim"}));
    task.choose("1");
    assert_eq!(task.shown(), letter("a@x.test"));
}

#[test]
fn a_place_without_an_address_is_asked_at_the_one_that_is_typed() {
    for place in [
        json!({"name": "Café A", "address": "Main Road"}),
        json!({"name": "Café A", "address": "Main Road", "email": null}),
    ] {
        let mut task = Task::of("reserve a table for 6 near Panjim on Saturday at 8");
        task.found(&json!([{"name": "B", "address": "b", "email": "b@x.test"}, place]));
        task.choose("2");
        assert!(task.open().question.contains("no mail address of Café A"), "{}", task.open().question);
        task.say("typed@x.test");
        assert_eq!(task.shown(), letter("typed@x.test"));
    }
}

#[test]
fn nothing_found_ends_without_a_letter() {
    let mut task = Task::of("reserve a table for 6 near Panjim on Saturday at 8");
    task.found(&json!([]));
    assert_eq!(task.state.status(), Status::Completed);
    assert_eq!(task.state.run().expect("a run").items.len(), 1, "only the search");
}

#[test]
fn a_hotel_is_chosen_the_guest_asked_for_and_the_booking_shown_with_its_price() {
    let mut task = Task::of("book a hotel in Goa from Friday to Sunday for 2");
    let hotel = json!({"id": "srr_1", "offer_id": "srr_1", "name": "Sea View", "description": "INR 9,000", "terms": "Double; no refund", "address": "Beach",
        "price": {"amount": 9000, "currency": "INR"}, "from": "2026-12-04", "to": "2026-12-06", "people": 2});
    let looked = task.found(&json!([hotel]));
    assert_eq!(
        Value::Object(looked.args),
        json!({"place": "Goa", "from": "2026-12-04", "to": "2026-12-06", "people": 2})
    );
    let PromptKind::One { options } = task.open().kind else { panic!("a selection") };
    assert_eq!((options[0].name.as_str(), options[0].description.as_deref()), ("Sea View", Some("INR 9,000")));
    task.choose("srr_1");
    task.say("Ada");
    task.say("Byron");
    task.say("ada@x.test");
    // Without the country code it would be refused after the yes.
    task.say("030 1234567");
    assert!(task.open().question.contains("country code"), "{}", task.open().question);
    task.say("+49 30 1234567");
    let expected = json!({"offer_id": "srr_1", "hotel": "Sea View", "terms": "Double; no refund", "from": "2026-12-04", "to": "2026-12-06",
        "price": {"amount": 9000, "currency": "INR"}, "guests": [{"given_name": "Ada", "family_name": "Byron"}],
        "email": "ada@x.test", "phone": "+49301234567"});
    assert_eq!(task.shown(), expected);
}

#[test]
fn answers_fill_what_a_request_left_open() {
    let mut task = Task::of("book a table");
    for answer in ["Luigi's", "luigi@x.test", "tomorrow", "8pm", "4"] {
        task.say(answer);
    }
    let expected =
        json!({"venue": "Luigi's", "venue_email": "luigi@x.test", "date": "2026-11-28", "time": "20:00", "people": 4});
    assert_eq!(task.shown(), expected);
}
