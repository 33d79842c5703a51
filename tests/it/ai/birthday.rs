//! The birthday in Goa as a model plans it: asked, answered and told in one chat of Telegram.

use chrono::{Datelike as _, NaiveDate, Weekday};

use super::*;
use crate::fake_ai::{Asked, Reply};
use crate::fake_web::nominatim::Place;
use crate::fake_web::{FakeWeb, Fault};
use crate::telegram::{ANN, House, has_button};

const REQUEST: &str =
    "Plan a surprise birthday party for my wife next Saturday in Goa, invite our friends, budget around 50k";
const HALL: &str = "Calangute Party Hall";

/// The day that is told to the model: what rules read from the request.
fn day_read(asked: &Asked) -> NaiveDate {
    let line = asked.user().lines().find(|line| line.starts_with("READ FROM THE REQUEST BY RULES"));
    let line = line.expect("rules read the day");
    let at = line.find("when=\"").expect("a day") + "when=\"".len();
    line[at..at + "2026-01-31".len()].parse().expect("a day")
}

/// The plan of nine stages for this day.
fn plan(day: NaiveDate) -> Value {
    json!({"kind": "plan", "title": "Surprise birthday party in Goa", "intent": "plan_event",
        "slots": {"date": day.to_string(), "budget": {"amount": 50_000, "currency": "INR"}}, "stages": [
        {"id": "area", "type": "clarification", "question": "Which area in Goa?", "answer": "text",
         "suggestions": ["North (beaches)", "South (quiet)"]},
        {"id": "places", "type": "execution", "action": "search.find_places",
         "params": {"query": "party venue", "near": "{{ area }}, Goa", "limit": 4}},
        {"id": "venue", "type": "selection", "question": "Here are {{ places.results | length }} places, select one",
         "options_from": "places.results", "option": {"name": "{{ item.name }}", "description": "{{ item.address }}"}},
        {"id": "friends", "type": "execution", "action": "contacts.find_contact", "params": {"query": "friends"}},
        {"id": "guests", "type": "multi_select", "question": "Whom shall I invite?", "min": 1, "max": 10,
         "options_from": "friends.contacts"},
        {"id": "ok", "type": "confirmation", "question": "Shall I go ahead?", "covers": ["book", "invite"]},
        {"id": "go", "type": "parallel", "stages": [
            {"id": "book", "type": "execution", "action": "booking.request_reservation",
             "params": {"venue": "{{ venue.name }}", "venue_email": "{{ venue.email }}", "date": "{{ slots.date }}",
                        "time": "19:00", "people": 4}},
            {"id": "invite", "type": "execution", "action": "email.send_invitation", "for_each": "guests",
             "on_failure": "skip", "params": {"to": ["{{ item.email }}"], "title": "Birthday at {{ venue.name }}",
                        "starts_at": "{{ slots.date }}T19:00", "duration_minutes": 180}}]},
        {"id": "check", "type": "conditional", "if": "invite.failed | length > 0", "then": [
            {"id": "other", "type": "clarification", "answer": "emails",
             "question": "{{ invite.failed[0].item.name }} cannot be reached there. Which other address?"},
            {"id": "again", "type": "execution", "action": "email.send_invitation",
             "params": {"to": "{{ other }}", "title": "Birthday at {{ venue.name }}",
                        "starts_at": "{{ slots.date }}T19:00", "duration_minutes": 180}}]},
        {"id": "later", "type": "wait", "for": "PT2S", "then": [
            {"id": "nudge", "type": "execution", "action": "notify.send_notification",
             "params": {"text": "Everybody has been told of the party"}}]}]})
}

/// A house with a model that plans the party, and with friends.
struct Party {
    ai: FakeAi,
    web: FakeWeb,
    house: House,
}

impl Party {
    async fn new(order: &str) -> Self {
        Self::with(order, &[]).await
    }

    /// With more settings.
    async fn with(order: &str, more: &[(&'static str, &str)]) -> Self {
        let (ai, web) = (FakeAi::start().await, FakeWeb::start().await);
        let north = [("state_district", "North Goa"), ("state", "Goa"), ("country", "India"), ("country_code", "in")];
        web.nominatim.add_place(Place::settlement(1_942_563, 15.545, 73.76, &north));
        let settings: Vec<(&str, String)> = ai.settings().into_iter().chain(web.settings()).collect();
        let mut settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        settings.push(("AI_PROVIDERS", order));
        settings.extend(more);
        let house = House::empty(&settings).await;
        house.link(ANN).await;
        let consent = Some(json!({"remote_ai": true}));
        house.service().call(reqwest::Method::PATCH, "/api/settings", consent).await.expect("an answer");
        for name in ["Bob", "Carol", "Dora", "Kim"] {
            let email = format!("{}@test.local", name.to_lowercase());
            house.service().post("/api/contacts", json!({"name": name, "email": email, "groups": ["friends"]})).await;
        }
        let wife = json!({"name": "Meera", "email": "meera@test.local", "relation": "wife"});
        house.service().post("/api/contacts", wife).await;
        house.smtp.refuse("carol@test.local", "550 5.1.1 <carol@test.local>: no such user here");
        Self { ai, web, house }
    }

    /// From the words to the card with everything that would go out; the place of its message.
    async fn up_to_the_card(&self) -> i64 {
        let Self { house, .. } = self;
        let telegram = &house.telegram;
        telegram.say(ANN, ANN, REQUEST);
        house.press(ANN, ANN, "North (beaches)").await;
        telegram.wait_for_text(ANN, "places, select one").await;
        house.press(ANN, ANN, HALL).await;
        let asked = telegram.wait_for_text(ANN, "Whom shall I invite?").await;
        assert_eq!(asked.buttons().len(), 4 + 1, "the friends, Done: {asked:?}");
        for name in ["☐ Bob", "☐ Carol", "☐ Kim"] {
            house.press(ANN, ANN, name).await;
        }
        house.press(ANN, ANN, "Done (3)").await;
        let card = telegram.wait_for_text(ANN, "Shall I go ahead?").await;
        for shown in ["book@partyhall.example", "bob@test.local", "carol@test.local", "kim@test.local"] {
            assert!(card.text.contains(shown), "{shown} is shown: {}", card.text);
        }
        assert!(card.text.contains("\"book@partyhall.example\" is not from you"), "{}", card.text);
        for hidden in ["dora@test.local", "meera@test.local"] {
            assert!(!card.text.contains(hidden), "{hidden}: {}", card.text);
        }
        assert!(house.smtp.ledger().is_empty(), "nothing goes out before the yes");
        card.id
    }

    /// From the yes to the report, over the address that fails.
    async fn to_the_end(&self, day: NaiveDate) {
        let Self { house, .. } = self;
        let (telegram, smtp) = (&house.telegram, &house.smtp);
        house.press(ANN, ANN, "Confirm").await;
        telegram.wait_for_text(ANN, "Carol cannot be reached there. Which other address?").await;
        assert_eq!(smtp.ledger().len(), 3, "the hall, Bob and Kim");
        telegram.say(ANN, ANN, "carol2@test.local");
        let again =
            telegram.wait_for_message(ANN, |m| m.text.contains("carol2@test.local") && has_button(m, "Confirm")).await;
        assert!(!again.text.contains("kim@test.local"), "only the new address is asked about: {}", again.text);
        assert_eq!(smtp.ledger().len(), 3, "nor does the new address go without a yes");
        house.press(ANN, ANN, "Confirm").await;
        telegram.wait_for_text(ANN, "Everybody has been told of the party").await;
        let report = telegram.wait_for_text(ANN, "Done in part.").await;

        let mails = smtp.ledger();
        let mut got: Vec<&str> = mails.iter().flat_map(|mail| mail.to.iter().map(String::as_str)).collect();
        got.sort_unstable();
        let all = ["bob@test.local", "book@partyhall.example", "carol2@test.local", "kim@test.local"];
        assert_eq!(got, all, "each exactly once");
        let starts = format!("{}T19", day.format("%Y%m%d"));
        assert!(mails.iter().filter(|mail| mail.data.contains(&starts)).count() >= 1, "invited for {day}");

        let tasks = house.service().get("/api/tasks").await;
        let id = tasks["tasks"][0]["id"].as_str().unwrap_or_else(|| panic!("a task: {tasks:#}"));
        let ended = house.service().task_until(id, crate::service::has_ended).await;
        assert_eq!(ended["status"], "completed_with_failures", "{ended:#}");
        let receipts = ended["result"]["receipts"].as_array().expect("receipts");
        let told = report.text.lines().filter(|line| line.starts_with(['✓', '✗', '?', '↩', '–'])).count();
        assert_eq!(told, receipts.len(), "one line for each receipt: {}\n{receipts:#?}", report.text);
        let failed: Vec<&Value> = receipts.iter().filter(|receipt| receipt["status"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{receipts:#?}");
        assert!(report.text.contains("no such user here"), "{}", report.text);

        for message in telegram.messages(ANN).into_iter().filter(|message| message.id != report.id) {
            assert_eq!(message.buttons().len(), 0, "every old button is gone: {message:?}");
        }
    }

    fn assert_strict(&self) {
        self.house.assert_strict();
        self.ai.assert_no_violations();
        self.web.assert_no_violations();
        assert_eq!(self.house.smtp.violations(), Vec::<String>::new());
    }

    /// Questions of these words that were asked in the chat.
    fn asked(&self, words: &str) -> usize {
        self.house.telegram.sent().iter().filter(|message| message.text.contains(words)).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_birthday_goes_from_the_words_to_the_report() {
    let party = Party::new("groq").await;
    party.ai.groq.answer_with(|asked| Reply::json(&plan(day_read(asked))));
    party.up_to_the_card().await;
    let asked = party.ai.groq.asked();
    party.to_the_end(day_read(&asked[0])).await;
    assert_eq!(party.ai.groq.asked().len(), 1, "the model is asked for the plan, and for nothing else");
    for prompt in party.ai.groq.prompts() {
        assert!(prompt.contains("GROUP friends: Bob, Carol, Dora, Kim"), "{prompt}");
        assert!(!prompt.contains("@test.local"), "addresses stay here: {prompt}");
    }
    party.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_model_hangs_the_next_plans_the_same_birthday() {
    let party = Party::with("ollama,groq", &[("AI_FIRST_BYTE_TIMEOUT_SECS", "2")]).await;
    party.ai.ollama.fault_at(&party.ai.ollama.chats(), 1, Fault::Hang);
    party.ai.groq.answer_with(|asked| Reply::json(&plan(day_read(asked))));
    party.up_to_the_card().await;
    let asked = party.ai.groq.asked();
    party.to_the_end(day_read(&asked[0])).await;
    assert_eq!((party.ai.ollama.count(&party.ai.ollama.chats()), party.ai.groq.asked().len()), (1, 1));
    party.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn make_it_sunday_is_planned_anew_by_the_model_and_asks_nothing_twice() {
    let party = Party::new("groq").await;
    // What rules read from the words is told with what was said later.
    party.ai.groq.answer_with(|asked| Reply::json(&plan(day_read(asked))));
    let card = party.up_to_the_card().await;
    let telegram = &party.house.telegram;
    let confirm = telegram.message(ANN, card).expect("the card").buttons();
    let confirm = confirm.into_iter().find(|button| button.label == "Confirm").and_then(|button| button.data);
    let confirm = confirm.expect("a payload");
    party.house.press(ANN, ANN, "Change").await;
    let ask = telegram.wait_for_text(ANN, "What should be different?").await;
    telegram.reply(ANN, ANN, ask.id, "make it Sunday");

    let difference = telegram.wait_for_text(ANN, "I have changed the plan").await;
    let asked = party.ai.groq.asked();
    let (saturday, sunday) = (day_read(&asked[0]), day_read(&asked[1]));
    assert_eq!((saturday.weekday(), sunday.weekday()), (Weekday::Sat, Weekday::Sun));
    let line = format!("date: {saturday} → {sunday}");
    assert!(difference.text.contains(&line), "{line} is shown: {}", difference.text);
    assert!(asked[1].user().contains("THEN THE PERSON SAID\nmake it Sunday"), "{}", asked[1].user());
    assert!(asked[1].user().contains("ANSWERED ALREADY"), "{}", asked[1].user());
    assert!(asked[1].user().contains("- Which area in Goa? North (beaches)"), "{}", asked[1].user());

    telegram.wait_for_message(ANN, |m| m.id > card && has_button(m, "Confirm")).await;
    telegram.wait_for_message(ANN, |m| m.id == card && m.buttons().is_empty()).await;
    let late = telegram.press(ANN, ANN, card, &confirm);
    let words = telegram.wait_answered(&late.query).await.text.expect("words");
    assert_eq!(words, "This question is no longer needed");
    assert!(party.house.smtp.ledger().is_empty(), "the old yes does nothing");

    party.to_the_end(sunday).await;
    assert_eq!(party.ai.groq.asked().len(), 2);
    for question in ["Which area in Goa?", "places, select one", "Whom shall I invite?"] {
        assert_eq!(party.asked(question), 1, "{question} is asked once");
    }
    party.assert_strict();
}
