//! The birthday in Goa, from the first question to the reminder, through the web door.

use serde_json::{Value, json};
use workflows::ports::{Clock, SystemClock};

use crate::fake_smtp::{FakeSmtp, header};
use crate::fake_web::FakeWeb;
use crate::fake_web::nominatim::Place;
use crate::service::{Service, Setup, has_ended};

fn plan() -> Value {
    let now = SystemClock.now();
    let date = (now + chrono::Duration::days(6)).date_naive().to_string();
    // The day itself is far off; what is told on it is told in some seconds.
    let reminder = (now + chrono::Duration::seconds(8)).to_rfc3339();
    let guest = |id: &str, name: &str| json!({"id": id, "name": name, "value": {"name": name, "email": format!("{id}@test.local")}});
    json!({"version": 1, "title": "Surprise birthday party in Goa", "intent": "plan_event",
        "slots": {"date": date, "reminder": reminder, "budget": {"amount": 50_000, "currency": "INR"}, "people": 10},
        "stages": [
        {"id": "area", "type": "clarification", "question": "Which area in Goa?", "answer": "text",
         "suggestions": ["North (beaches)", "South (quiet)"]},
        {"id": "places", "type": "execution", "action": "search.find_places",
         "params": {"query": "party venue", "near": "{{ area }}, Goa", "limit": 4}},
        {"id": "venue", "type": "selection", "question": "Here are {{ places.results | length }} options, select one",
         "options_from": "places.results", "option": {"name": "{{ item.name }}", "description": "{{ item.address }}"}},
        {"id": "guests", "type": "multi_select", "question": "Whom shall I invite?", "min": 1, "max": 10,
         "options": [guest("bob", "Bob"), guest("eve", "Eve"), guest("kim", "Kim")]},
        {"id": "ok", "type": "confirmation", "question": "Shall I go ahead?", "covers": ["go"]},
        {"id": "go", "type": "parallel", "stages": [
            {"id": "book", "type": "execution", "action": "booking.request_reservation", "on_failure": "ask",
             "params": {"venue": "{{ venue.name }}", "venue_email": "{{ venue.email }}", "date": "{{ slots.date }}", "time": "19:00", "people": 10}},
            {"id": "invite", "type": "execution", "action": "email.send_invitation", "for_each": "guests",
             "params": {"to": ["{{ item.email }}"], "title": "Birthday", "starts_at": "{{ slots.date }}T19:00", "duration_minutes": 180}}]},
        {"id": "check", "type": "conditional", "if": "invite.failed | length > 0",
         "then": [{"id": "other", "type": "clarification", "question": "Some invitations failed. Other addresses?", "answer": "emails"}],
         "else": []},
        {"id": "eve_before", "type": "wait", "until": "{{ slots.reminder }}",
         "then": [{"id": "nudge", "type": "execution", "action": "notify.send_notification", "params": {"text": "The party is today"}}]}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_birthday_from_the_first_question_to_the_reminder() {
    let dir = tempfile::tempdir().expect("a directory");
    let (web, smtp) = (FakeWeb::start().await, FakeSmtp::start().await);
    let north = [("state_district", "North Goa"), ("state", "Goa"), ("country", "India"), ("country_code", "in")];
    web.nominatim.add_place(Place::settlement(1_942_563, 15.545, 73.76, &north));
    smtp.refuse("eve@test.local", "550 5.1.1 <eve@test.local>: no such user here");
    let mut setup = Setup::new(dir.path(), &smtp.url());
    for (name, value) in web.settings() {
        setup = setup.with(name, &value);
    }
    let service = Service::start(&setup);
    let begun = service.post("/api/tasks", json!({"plan": plan(), "session_id": "s"})).await;
    let task = begun["task_id"].as_str().expect("a task").to_owned();
    let select = async |answer: Value| service.post("/api/agent/select", answer).await;

    let venues = select(json!({"session_id": "s", "selection": "North (beaches)"})).await;
    assert_eq!(venues["stage_type"], "selection", "{venues:#}");
    assert!(venues["response"].as_str().expect("words").starts_with("Here are "), "{venues:#}");
    let options = venues["options"].as_array().expect("options");
    let hall = options.iter().find(|option| option["name"] == "Calangute Party Hall").expect("it is near");
    let guests = select(json!({"session_id": "s", "selection": hall["id"]})).await;
    assert_eq!(guests["stage_type"], "multi_select", "{guests:#}");
    let asked = select(json!({"session_id": "s", "selections": ["bob", "eve", "kim"]})).await;
    assert_eq!(asked["stage_type"], "confirmation", "{asked:#}");
    let shown = asked["pending_actions"].to_string();
    for wanted in
        ["book@partyhall.example", "Calangute Party Hall", "bob@test.local", "eve@test.local", "kim@test.local"]
    {
        assert!(shown.contains(wanted), "{wanted} is shown: {shown}");
    }
    assert_eq!(asked["pending_actions"].as_array().map(Vec::len), Some(4), "the hall and three guests");
    assert!(smtp.ledger().is_empty(), "nothing goes out before the yes");

    let failed = service.post("/api/agent/confirm", json!({"session_id": "s", "action": "approve_all"})).await;
    assert!(failed["response"].as_str().expect("words").contains("no such user here"), "{failed:#}");
    let others = select(json!({"session_id": "s", "selection": "skip"})).await;
    assert!(others["response"].as_str().expect("words").contains("Other addresses?"), "{others:#}");
    select(json!({"session_id": "s", "selection": "eve2@test.local"})).await;
    let ended = service.task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed_with_failures", "{ended:#}");

    let mails = smtp.ledger();
    let mut got: Vec<&str> = mails.iter().flat_map(|mail| mail.to.iter().map(String::as_str)).collect();
    got.sort_unstable();
    assert_eq!(got, ["bob@test.local", "book@partyhall.example", "kim@test.local"], "each exactly once");
    let letter = mails.iter().find(|mail| mail.to == ["book@partyhall.example"]).expect("the letter to the hall");
    assert!(header(&letter.data, "Subject").expect("a subject").starts_with("Reservation for 10 people on"));
    let receipts = ended["result"]["receipts"].as_array().expect("receipts");
    let book = receipts.iter().find(|receipt| receipt["stage_id"] == "book").expect("a receipt of the letter");
    assert_eq!(book["message_id"], letter.message_id.as_str());
    let failed = receipts.iter().find(|receipt| receipt["status"] == "failed").expect("what failed is told");
    assert!(failed["detail"].as_str().expect("words").contains("eve@test.local"), "{failed:#}");
    assert!(receipts.iter().any(|receipt| receipt["stage_id"] == "nudge" && receipt["status"] == "done"));
    web.assert_no_violations();
    assert_eq!(smtp.violations(), Vec::<String>::new());
}
