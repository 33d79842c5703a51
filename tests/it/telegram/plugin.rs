//! What is sent to others, and notices.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ANN, BOB, House, has_button};
use crate::fake_telegram::Fault;
use crate::service::has_ended;

fn message(to: &str, text: &str) -> Value {
    json!({"version": 1, "title": "A message", "stages": [
        {"id": "tell", "type": "execution", "action": "telegram.send_message", "params": {"to": to, "text": text}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_to_a_contact_by_name_and_its_receipt_names_it() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.service().post("/api/contacts", json!({"name": "Bobby", "telegram": BOB.to_string()})).await;
    let task = house.run(message("Bobby", "See you <at> 8 & bring 🎂")).await;
    house.press(ANN, ANN, "Confirm").await;
    let got = telegram.wait_for_text(BOB, "See you <at> 8 & bring 🎂").await;
    let ended = house.service().task_until(&task, has_ended).await;
    let receipt = &ended["steps"].as_array().expect("steps").iter().find(|s| s["id"] == "tell").expect("it")["receipt"];
    assert_eq!((&receipt["chat_id"], &receipt["message_id"]), (&json!(BOB), &json!(got.id)), "{ended:#}");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_have_gone_out_is_asked_about_and_not_sent_again() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.run(message(&BOB.to_string(), "once")).await;
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    telegram.fail_next("sendMessage", Fault::PerformAndClose);
    house.press(ANN, ANN, "Confirm").await;
    let asked = telegram.wait_for_text(ANN, "I cannot tell whether this was done").await;
    assert!(asked.text.contains("once"), "{}", asked.text);
    assert_eq!(telegram.messages(BOB).len(), 1, "it did go out, and only once");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_somebody_who_blocked_the_bot_fails_with_telegrams_words() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.block(BOB);
    house.run(message(&BOB.to_string(), "hello?")).await;
    house.press(ANN, ANN, "Confirm").await;
    let asked = telegram.wait_for_text(ANN, "What shall I do?").await;
    assert!(asked.text.contains("bot was blocked by the user"), "{}", asked.text);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_notices_go_to_the_configured_chat_until_they_have_one() {
    let group = -777;
    let house = House::empty(&[("TELEGRAM_CHAT_ID", &group.to_string())]).await;
    let telegram = &house.telegram;
    telegram.group(group, "Operators", &[(ANN, "Ann Archer")]);
    let plan = |words: &str| {
        json!({"plan": {"version": 1, "title": "A notice", "stages": [
            {"id": "tell", "type": "execution", "action": "telegram.send_notification", "params": {"text": words}}]}})
    };
    house.service().post("/api/tasks", plan("first notice")).await;
    telegram.wait_for_text(group, "first notice").await;
    // A member who has no chat with the bot is told so; their notices are nobody else's to read.
    let code = house.service().post("/api/invites", json!({})).await["code"].clone();
    let joined = house.service().post("/api/session", json!({"code": code, "name": "Carol"})).await;
    let token = joined["token"].as_str().expect("a token");
    let (_, answer) = house
        .service()
        .call_as(token, Method::POST, "/api/tasks", Some(plan("secret of Carol")), None)
        .await
        .expect("an answer");
    assert!(answer.to_string().contains("you have no chat with the bot"), "{answer:#}");
    house.link(ANN).await;
    house.service().post("/api/tasks", plan("second notice")).await;
    telegram.wait_for_text(ANN, "second notice").await;
    assert_eq!(telegram.messages(group).len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_in_no_log_and_no_answer() {
    let house = House::empty(&[("RUST_LOG", "debug")]).await;
    let telegram = &house.telegram;
    house.link(ANN).await;
    for fault in [Fault::ServerError, Fault::BadGateway, Fault::Close, Fault::HalfAnswer, Fault::Conflict] {
        telegram.fail_next("getUpdates", fault);
    }
    telegram.fail_next("sendMessage", Fault::Close);
    telegram.fail_next("answerCallbackQuery", Fault::Close);
    telegram.say(ANN, ANN, "/tasks");
    telegram.wait_for_text(ANN, "You have no tasks").await;
    telegram.stop().await;
    let doctor = house.setup.command().env("RUST_LOG", "debug").arg("doctor").output().expect("doctor runs");
    let said = format!("{}{}", String::from_utf8_lossy(&doctor.stdout), String::from_utf8_lossy(&doctor.stderr));
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(said.contains("Telegram cannot be reached"), "{said}");
    let (health, status) = (house.service().get("/api/health").await, house.service().get("/api/status").await);
    let secret = telegram.token().split(':').nth(1).expect("a secret part").to_owned();
    let log = house.service().log();
    assert!(!log.is_empty(), "there is a log to look through");
    for text in [said, health.to_string(), status.to_string(), log] {
        assert!(!text.contains(&secret), "{text}");
    }
}
