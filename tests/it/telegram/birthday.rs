//! The birthday, from the first question to the report, in one chat.

use serde_json::json;

use super::{ANN, BOB, House, has_button};
use crate::service::has_ended;

fn plan() -> serde_json::Value {
    json!({"version": 1, "title": "Surprise birthday party in Goa", "stages": [
        {"id": "area", "type": "clarification", "question": "Which area in Goa?", "answer": "text",
         "suggestions": ["North (beaches)", "South (quiet)"]},
        {"id": "venue", "type": "selection", "question": "Here are 2 options in {{ area }}, select one", "options": [
            {"id": "v1", "name": "Beach Resort", "description": "INR 35,000"}, {"id": "v2", "name": "Hill House"}]},
        {"id": "friends", "type": "execution", "action": "contacts.find_contact", "params": {"query": "friends"}},
        {"id": "guests", "type": "multi_select", "question": "Whom shall I invite?", "options_from": "friends.contacts"},
        {"id": "ok", "type": "confirmation", "question": "Shall I go ahead?", "covers": ["go"]},
        {"id": "go", "type": "parallel", "stages": [
            {"id": "invite", "type": "execution", "action": "email.send_invitation", "for_each": "guests",
             "params": {"to": ["{{ item.email }}"], "title": "Birthday at {{ venue.name }}",
                        "starts_at": "2031-01-30T19:00", "duration_minutes": 180}},
            {"id": "tell", "type": "execution", "action": "telegram.send_message",
             "params": {"to": "Bob", "text": "Keep it <secret> & come to {{ venue.name }}"}}]},
        {"id": "remind", "type": "execution", "action": "calendar.set_reminder",
         "params": {"text": "The party is today", "at": "2031-01-30T09:00"}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_birthday_from_the_first_question_to_the_report() {
    let house = House::new().await;
    let (telegram, smtp) = (&house.telegram, &house.smtp);
    house.invite(BOB).await;
    for name in ["Bob", "Carol", "Dora", "Emil", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim"] {
        let email = format!("{}@test.local", name.to_lowercase());
        house.service().post("/api/contacts", json!({"name": name, "email": email, "groups": ["friends"]})).await;
    }
    smtp.refuse("carol@test.local", "550 5.1.1 <carol@test.local>: no such user here");
    let task = house.run(plan()).await;

    assert_eq!(house.press(ANN, ANN, "North (beaches)").await, None);
    let asked = telegram.wait_for_text(ANN, "options in North (beaches)").await;
    assert!(asked.text.contains("Beach Resort") && asked.text.contains("INR 35,000"), "{}", asked.text);
    house.press(ANN, ANN, "Beach Resort").await;

    let asked = telegram.wait_for_text(ANN, "Whom shall I invite?").await;
    assert_eq!(asked.buttons().len(), 8 + 3 + 1, "eight guests, the pages, Done");
    assert_eq!(house.press(ANN, ANN, "Done (0)").await.as_deref(), Some("Please choose at least 1"));
    house.press(ANN, ANN, "☐ Bob").await;
    telegram.wait_for_message(ANN, |message| has_button(message, "☑ Bob")).await;
    house.press(ANN, ANN, "☐ Carol").await;
    house.press(ANN, ANN, "›").await;
    house.press(ANN, ANN, "☐ Kim").await;
    house.press(ANN, ANN, "Done (3)").await;

    let card = telegram.wait_for_text(ANN, "Shall I go ahead?").await;
    for shown in
        ["bob@test.local", "carol@test.local", "kim@test.local", "Birthday at Beach Resort", "Keep it <secret>"]
    {
        assert!(card.text.contains(shown), "{shown} is shown: {}", card.text);
    }
    assert!(!card.text.contains("dora@test.local"));
    assert!(smtp.ledger().is_empty(), "nothing goes out before the yes");
    house.press(ANN, ANN, "Confirm").await;

    telegram.wait_for_text(ANN, "no such user here").await;
    house.press(ANN, ANN, "Use another address").await;
    telegram.say(ANN, ANN, "carol2@test.local");
    let again =
        telegram.wait_for_message(ANN, |m| m.text.contains("carol2@test.local") && has_button(m, "Confirm")).await;
    assert!(!again.text.contains("kim@test.local"), "only the new address is asked about: {}", again.text);
    house.press(ANN, ANN, "Confirm").await;

    let told = telegram.wait_for_text(BOB, "Keep it").await;
    assert_eq!(told.text, "Keep it <secret> & come to Beach Resort");
    let ended = house.service().task_until(&task, has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let report = telegram.wait_for_text(ANN, "All done.").await;
    assert!(report.text.contains("Bob") && has_button(&report, "Undo"), "{}", report.text);
    let mut got: Vec<String> = smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
    got.sort();
    assert_eq!(got, ["bob@test.local", "carol2@test.local", "kim@test.local"], "each exactly once");
    let receipt = ended["steps"].as_array().expect("steps").iter().find(|step| step["id"] == "tell").expect("it");
    assert_eq!(receipt["receipt"]["message_id"], told.id);

    // What was decided has no buttons left, and says by whom.
    let decided =
        telegram.wait_for_message(ANN, |m| m.text.contains("Which area in Goa?") && m.buttons().is_empty()).await;
    assert!(decided.text.contains("decided by Ann Archer, "), "{}", decided.text);
    telegram.wait_for_message(ANN, |m| m.text.contains("Whom shall I invite?") && m.text.contains("decided by")).await;
    house.assert_strict();
}
