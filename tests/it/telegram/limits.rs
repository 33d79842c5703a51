//! Bounds: how often a message is changed, how much waits, what breaks the program.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use super_manager::store::LogStore as _;
use super_manager::store::sqlite::Db;

use super::{ANN, BOB, House, has_button};
use crate::fake_telegram::Fault;
use crate::service::{Service, has_ended};

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_one_message_changed_at_most_once_a_second() {
    const MESSAGES: usize = 16;
    let house = House::new().await;
    let telegram = &house.telegram;
    for _ in 0..MESSAGES {
        telegram.fail_next("sendMessage", Fault::Delay(Duration::from_millis(350)));
    }
    let words: Vec<String> = (0..MESSAGES).map(|n| format!("message {n}")).collect();
    let task = house
        .run(json!({"version": 1, "title": "Many messages", "slots": {"words": words}, "stages": [
            {"id": "all", "type": "execution", "action": "telegram.send_message", "for_each": "slots.words",
             "params": {"to": BOB.to_string(), "text": "{{ item }}"}}]}))
        .await;
    house.press(ANN, ANN, "Confirm").await;
    let progress = telegram.wait_for_message(ANN, |m| m.text.starts_with("Many messages ")).await;
    house.service().task_until(&task, has_ended).await;
    let last = telegram
        .wait_for_message(ANN, |m| m.text.starts_with("Many messages 100 %") && m.text.contains("(16 of 16)"))
        .await;
    assert_eq!(last.id, progress.id, "it is one message");
    let edits: Vec<Instant> = telegram
        .calls_of("editMessageText")
        .into_iter()
        .filter(|call| call.params["message_id"] == progress.id)
        .map(|call| call.at)
        .collect();
    assert!(edits.len() >= 2, "{} edits", edits.len());
    for pair in edits.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(990), "{:?} between two edits", pair[1] - pair[0]);
    }
    assert_eq!(telegram.messages(BOB).len(), MESSAGES, "each once");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_the_program_again_and_again_is_set_aside_and_the_owner_told() {
    let mut house = House::new().await;
    let telegram = house.telegram.clone();
    house.service.as_mut().expect("it runs").kill();
    // The message that kills; those behind it and in another chat do no harm.
    telegram.say(ANN, ANN, "/settings");
    telegram.say(ANN, ANN, "/tasks");
    let deadly = house.setup.clone().with("SUPER_MANAGER_CRASH_AT_NAME", "telegram.finish.before");
    for life in 0..3 {
        let mut service = Service::try_start(&deadly).expect("it starts");
        let deadline = Instant::now() + Duration::from_secs(20);
        while service.is_running() {
            assert!(Instant::now() < deadline, "life {life} goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    telegram.say(BOB, BOB, "hello");
    house.service = Some(Service::start(&house.setup));
    telegram.wait_for_text(ANN, "You have no tasks").await;
    telegram.wait_for_text(BOB, "I do not know you yet").await;
    telegram.wait_for_text(ANN, "set aside").await;
    let said: Vec<String> = telegram.messages(ANN).into_iter().map(|m| m.text).collect();
    let me = house.service().get("/api/me").await;
    let owner = workflows::ids::PersonId::from(me["user_id"].as_str().expect("an id"));
    let db = Db::open_shared(&house.setup.data_dir.join("super-manager.db")).await.expect("the database");
    let frames = db.frames(&owner, 0, 1_000).await.expect("the log");
    let told = frames.iter().filter_map(|f| f.data.get("text")?.as_str()).filter(|text| text.contains("set aside"));
    assert_eq!(told.count(), 1, "the owner is told once; said: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_has_no_room_says_so_and_loses_nothing() {
    const ROOM: usize = 2_000;
    // A picture is waited for half a minute: by then all have come.
    const AT_ONCE: usize = 16;
    let secret = "a-webhook-secret";
    let (house, webhook) = House::by_webhook(secret).await;
    let telegram = &house.telegram;
    let code = house.service().post("/api/link", json!({})).await["code"].as_str().expect("a code").to_owned();
    telegram.say(ANN, ANN, &format!("/start {code}"));
    house.deliver_once_open().await;
    telegram.wait_for_text(ANN, "linked to you").await;
    // The first waits for its picture, and the others behind it.
    telegram.fail_next("getFile", Fault::Hang);
    telegram.photo(ANN, ANN, "", b"a picture");
    assert_eq!(telegram.deliver_to_webhook().await, [200]);
    let client = reqwest::Client::builder().build().expect("a client");
    let send = |n: usize| {
        let update = json!({"update_id": 900_000 + n, "message": {"message_id": 5_000 + n, "date": 1, "text": "/nothing",
            "chat": {"id": ANN, "type": "private", "first_name": "Ann"},
            "from": {"id": ANN, "is_bot": false, "first_name": "Ann"}}});
        let request = client.post(&webhook.url).header("x-telegram-bot-api-secret-token", secret);
        let sent = request.body(update.to_string()).send();
        async { sent.await.expect("an answer").status().as_u16() }
    };
    let answers = stream::iter(0..ROOM + 20).map(send).buffer_unordered(AT_ONCE).collect::<Vec<u16>>().await;
    let taken = answers.iter().filter(|status| **status == 200).count();
    let full = answers.iter().filter(|status| **status == 503).count();
    assert_eq!((taken, full), (ROOM - 1, 21), "one waits for its picture, so one place less is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_hangs_is_given_up_and_made_anew() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.fail_next("getUpdates", Fault::Hang);
    // The poll under way brings the first; the one after it hangs.
    telegram.say(ANN, ANN, "/settings colour blue");
    telegram.wait_for_text(ANN, "I know the settings").await;
    let before = Instant::now();
    loop {
        telegram.say(ANN, ANN, "/tasks");
        let answered = telegram.messages(ANN).iter().any(|m| m.text.contains("You have no tasks"));
        if answered {
            break;
        }
        assert!(before.elapsed() < Duration::from_secs(90), "it never came back");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(before.elapsed() > Duration::from_secs(30), "the fault was met");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_is_answered_before_anything_is_done_about_it() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "Email dora@test.local: lunch at noon?");
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let pressed = telegram.press_label(ANN, ANN, "Confirm");
    telegram.wait_for_text(ANN, "All done.").await;
    let calls = telegram.calls();
    let place = |method: &str, name: &str, value: &str| {
        calls
            .iter()
            .position(|call| call.method == method && call.params[name].as_str().is_some_and(|v| v.contains(value)))
    };
    let answered = place("answerCallbackQuery", "callback_query_id", &pressed.query).expect("it was answered");
    let reported = place("sendMessage", "text", "All done.").expect("it was reported");
    assert!(answered < reported);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_to_a_flooded_chat_waits_as_long_as_it_was_told() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.flood(ANN, 2);
    telegram.say(ANN, ANN, "/tasks");
    let refused = Instant::now() + Duration::from_secs(10);
    while telegram.refused().is_empty() {
        assert!(Instant::now() < refused, "nothing was refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A notice goes another way than replies, and through the same gate.
    let plan = json!({"version": 1, "title": "A notice", "stages": [
        {"id": "tell", "type": "execution", "action": "telegram.send_notification", "params": {"text": "in due time"}}]});
    let begun = house.service().post("/api/tasks", json!({"plan": plan})).await;
    telegram.wait_for_text(ANN, "in due time").await;
    let ended = house.service().task_until(begun["task_id"].as_str().expect("a task"), has_ended).await;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    house.assert_strict();
}
