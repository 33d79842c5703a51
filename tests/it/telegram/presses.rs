//! Who may press, how often, and when it is too late.

use serde_json::{Value, json};

use super::{ANN, BOB, EVE, House, has_button};

/// A plan that asks one yes before one mail.
fn mail() -> Value {
    json!({"version": 1, "title": "One mail", "stages": [
        {"id": "mail", "type": "execution", "action": "email.send_email",
         "params": {"to": ["dora@test.local"], "subject": "Lunch", "body": "At noon?"}}]})
}

/// A plan that asks one yes before three mails.
fn three_mails() -> Value {
    let guests = ["bob", "carol", "dora"].map(|name| json!({"email": format!("{name}@test.local")}));
    json!({"version": 1, "title": "Three mails", "slots": {"guests": guests}, "stages": [
        {"id": "mail", "type": "execution", "action": "email.send_email", "for_each": "slots.guests",
         "params": {"to": ["{{ item.email }}"], "subject": "Hello", "body": "Hello there"}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_tap_a_late_tap_and_a_replay_have_one_effect() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(mail()).await;
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let confirm = card.buttons().into_iter().find(|b| b.label == "Confirm").and_then(|b| b.data).expect("a payload");
    telegram.hold();
    let taps: Vec<_> = (0..50).map(|_| telegram.press(ANN, ANN, card.id, &confirm)).collect();
    telegram.release();
    let mut late = 0;
    for tap in &taps {
        let answer = telegram.wait_answered(&tap.query).await;
        late += usize::from(answer.text.is_some_and(|text| text.starts_with("Already decided by Ann Archer, ")));
    }
    assert_eq!(late, 49, "one decides, the others are told who did");
    telegram.wait_for_text(ANN, "All done.").await;
    telegram.redeliver(40);
    let again = telegram.press(ANN, ANN, card.id, &confirm);
    let words = telegram.wait_answered(&again.query).await.text.expect("words");
    assert!(words.starts_with("Already decided by Ann Archer, "), "{words}");
    assert_eq!(house.smtp.ledger().len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_only_the_one_who_was_asked_can_press() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.invite(BOB).await;
    let group = -100_500;
    telegram.group(group, "Office", &[(ANN, "Ann Archer"), (BOB, "Bob"), (EVE, "Eve")]);
    telegram.say(group, ANN, "@fake_office_bot Email dora@test.local: lunch at noon?");
    let card = telegram.wait_for_message(group, |m| has_button(m, "Confirm")).await;
    for other in [BOB, EVE] {
        let words = house.press(group, other, "Confirm").await.expect("words for their eyes only");
        assert_eq!(words, "Only Ann Archer can decide this");
    }
    // The same payload in another chat is nobody's button.
    let confirm = card.buttons().into_iter().find(|b| b.label == "Confirm").and_then(|b| b.data).expect("a payload");
    let own = telegram.last(ANN).expect("a message").id;
    for (chat, user, message) in [(ANN, ANN, own), (BOB, BOB, telegram.last(BOB).expect("a message").id)] {
        let stray = telegram.press(chat, user, message, &confirm);
        assert_eq!(
            telegram.wait_answered(&stray.query).await.text.as_deref(),
            Some("I do not know this button any more")
        );
    }
    // Bob's words in reply to Ann's question answer nothing.
    telegram.reply(group, BOB, card.id, "yes");
    telegram.wait_for_text(group, "Only Ann Archer can answer that question.").await;
    assert!(house.smtp.ledger().is_empty(), "nobody else's press did anything");
    assert_eq!(house.press(group, ANN, "Confirm").await, None);
    telegram.wait_for_text(group, "All done.").await;
    assert_eq!(house.smtp.ledger().len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_works_after_a_restart_and_an_expired_query_harms_nothing() {
    let mut house = House::new().await;
    house.run(mail()).await;
    house.telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    house.crash();
    let pressed = house.telegram.press_label(ANN, ANN, "Confirm");
    house.telegram.expire(&pressed.query);
    house.telegram.wait_for_text(ANN, "All done.").await;
    assert_eq!(house.smtp.ledger().len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_payloads_are_nobodys_button() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(mail()).await;
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let confirm = card.buttons().into_iter().find(|b| b.label == "Confirm").and_then(|b| b.data).expect("a payload");
    let token = confirm.split('.').next().expect("a token").to_owned();
    let forged = [
        "x".to_owned(),
        ".y".to_owned(),
        format!("{token}."),
        format!("{token}.y1"),
        format!("{token}.o99999999999999999999999"),
        format!("{token}.o7"),
        format!("{token}.u"),
        format!("{}.y", "0".repeat(token.len())),
        "é\u{202e}'; DROP TABLE telegram_copies;--".to_owned(),
    ];
    for data in forged {
        let pressed = telegram.press(ANN, ANN, card.id, &data);
        let words = telegram.wait_answered(&pressed.query).await.text;
        assert!(words.is_some(), "{data} is told so");
    }
    assert!(house.smtp.ledger().is_empty());
    house.press(ANN, ANN, "Confirm").await;
    telegram.wait_for_text(ANN, "All done.").await;
    assert_eq!(house.smtp.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_acts_can_be_picked_and_a_change_is_asked_for_in_words() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(three_mails()).await;
    house.press(ANN, ANN, "Choose which").await;
    let picking = telegram.wait_for_message(ANN, |m| has_button(m, "Do 3 of 3")).await;
    let second = picking.buttons().get(1).expect("three acts").label.clone();
    house.press(ANN, ANN, &second).await;
    house.press(ANN, ANN, "Do 2 of 3").await;
    let report = telegram.wait_for_text(ANN, "All done.").await;
    assert!(report.text.contains("not done, as you said no"), "{}", report.text);
    let mut got: Vec<String> = house.smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
    got.sort();
    assert_eq!(got, ["bob@test.local", "dora@test.local"]);

    telegram.say(ANN, ANN, "Email dora@test.local that the review is on Friday at 3pm");
    let card = telegram.wait_for_message(ANN, |m| m.text.contains("review") && has_button(m, "Confirm")).await;
    house.press(ANN, ANN, "Change").await;
    let ask = telegram.wait_for_text(ANN, "What should be different?").await;
    telegram.reply(ANN, ANN, ask.id, "make it Saturday");
    let anew = telegram.wait_for_message(ANN, |m| m.id > ask.id && has_button(m, "Confirm")).await;
    assert!(anew.text.contains("Saturday"), "{}", anew.text);
    telegram.wait_for_message(ANN, |m| m.id == card.id && m.buttons().is_empty()).await;
    house.press(ANN, ANN, "Cancel").await;
    telegram.wait_for_text(ANN, "Cancelled, as you said no.").await;
    assert_eq!(house.smtp.ledger().len(), 2, "the change was not sent");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_elsewhere_loses_its_buttons_here() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(mail()).await;
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    telegram.say(ANN, ANN, "/status");
    let copy = telegram.wait_for_message(ANN, |m| m.id > card.id && has_button(m, "Confirm")).await;
    let prompts = house.service().get("/api/prompts").await;
    let prompt = &prompts["prompts"][0];
    let body = json!({"session_id": prompt["session_id"], "prompt_id": prompt["prompt_id"], "action": "reject_all"});
    house.service().post("/api/agent/confirm", body).await;
    for message in [card.id, copy.id] {
        let bare = telegram.wait_for_message(ANN, |m| m.id == message && m.buttons().is_empty()).await;
        assert!(bare.text.contains("decided by Ann Archer, "), "{}", bare.text);
    }
    assert!(house.smtp.ledger().is_empty());
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_for_oneself_can_be_undone_by_a_button() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "Schedule lunch with myself tomorrow at noon");
    let report = telegram.wait_for_message(ANN, |m| has_button(m, "Undo")).await;
    house.press(ANN, ANN, "Undo").await;
    telegram.wait_for_text(ANN, "taken back").await;
    telegram.wait_for_message(ANN, |m| m.id == report.id && m.buttons().is_empty()).await;
    let events = house.service().get("/api/events").await;
    assert_eq!(events["events"], json!([]));
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_picked_stays_what_was_picked_when_an_act_is_decided_elsewhere() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(three_mails()).await;
    house.press(ANN, ANN, "Choose which").await;
    telegram.wait_for_message(ANN, |m| has_button(m, "Do 3 of 3")).await;
    // Only the second stays ticked; then the first is decided on the page.
    let picking = telegram.last(ANN).expect("a message");
    for place in [0, 2] {
        let data = picking.buttons()[place].data.clone().expect("a payload");
        let pressed = telegram.press(ANN, ANN, picking.id, &data);
        telegram.wait_answered(&pressed.query).await;
    }
    telegram.wait_for_message(ANN, |m| has_button(m, "Do 1 of 3")).await;
    let prompts = house.service().get("/api/prompts").await;
    let prompt = &prompts["prompts"][0];
    let body = json!({"session_id": prompt["session_id"], "prompt_id": prompt["prompt_id"], "action": "reject",
        "action_id": prompt["pending_actions"][0]["id"]});
    house.service().post("/api/agent/confirm", body).await;
    house.press(ANN, ANN, "Do 1 of 3").await;
    telegram.wait_for_text(ANN, "All done.").await;
    let got: Vec<String> = house.smtp.ledger().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(got, ["carol@test.local"], "only what was ticked");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_question_that_expired_does_nothing_and_is_told_so() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house
        .run(json!({"version": 1, "title": "Soon", "stages": [
            {"id": "mail", "type": "execution", "action": "email.send_email",
             "params": {"to": ["dora@test.local"], "subject": "Lunch", "body": "At noon?"}, "needs": ["ok"]},
            {"id": "ok", "type": "confirmation", "covers": ["mail"], "expires_in": "PT1S", "needs": []}]}))
        .await;
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let confirm = card.buttons().into_iter().find(|b| b.label == "Confirm").and_then(|b| b.data).expect("a payload");
    let bare = telegram.wait_for_message(ANN, |m| m.id == card.id && m.buttons().is_empty()).await;
    assert!(bare.text.contains("expired: nobody answered in time"), "{}", bare.text);
    let pressed = telegram.press(ANN, ANN, card.id, &confirm);
    let words = telegram.wait_answered(&pressed.query).await.text;
    assert_eq!(words.as_deref(), Some("This question has expired: nobody answered in time"));
    assert!(house.smtp.ledger().is_empty(), "nothing was sent");
    house.assert_strict();
}
