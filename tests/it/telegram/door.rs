//! Who comes in, and how the door behaves when Telegram does not.

use std::time::{Duration, Instant};

use serde_json::json;

use super_manager::store::LogStore as _;
use super_manager::store::sqlite::Db;

use super::{ANN, BOB, EVE, House, has_button};
use crate::fake_telegram::{FakeTelegram, Fault};

/// Waits until the health of the door is as wanted.
async fn health(house: &House, status: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let health = house.service().get("/api/health").await;
        let door = &health["channels"]["telegram"];
        if door["status"] == status {
            return door["detail"].as_str().expect("words").to_owned();
        }
        assert!(Instant::now() < deadline, "it is {door}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the bot has nothing more to do, seen by what it said last.
async fn echo(telegram: &FakeTelegram, chat: i64) {
    telegram.say(chat, chat, "/settings colour blue");
    telegram.wait_for_text(chat, "I know the settings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_once_how_to_join_and_gets_nothing_else() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let commands = telegram.commands("default");
    let names: Vec<&str> = commands.as_array().expect("a list").iter().filter_map(|c| c["command"].as_str()).collect();
    assert_eq!(names, ["start", "help", "ask", "tasks", "status", "cancel", "undo", "link", "invite", "settings"]);
    for words in ["/start", "Email dora@test.local: hello", "/invite", "/start 0123456789abcdef0123", "/undo"] {
        let update = telegram.say(EVE, EVE, words);
        telegram.wait_confirmed(update).await;
    }
    telegram.wait_for_text(EVE, "I do not know you yet").await;
    echo(telegram, ANN).await;
    assert_eq!(telegram.messages(EVE).len(), 1, "{}", telegram.report());
    assert!(house.smtp.ledger().is_empty());
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lets_in_once_and_what_it_makes_is_a_person() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "/invite");
    let told = telegram.wait_for_text(ANN, "lets one new person in").await;
    let code = told.text.split("start=").nth(1).expect("a link").trim().to_owned();
    telegram.say(BOB, BOB, &format!("/start {code}"));
    telegram.wait_for_text(BOB, "Welcome").await;
    telegram.say(EVE, EVE, &format!("/start {code}"));
    telegram.wait_for_text(EVE, "I do not know you yet").await;
    telegram.say(BOB, BOB, "/invite");
    telegram.wait_for_text(BOB, "Only the owner").await;
    telegram.say(BOB, BOB, "/settings timezone Asia/Kolkata");
    telegram.wait_for_text(BOB, "timezone: Asia/Kolkata").await;
    telegram.say(BOB, BOB, "/tasks");
    telegram.wait_for_text(BOB, "You have no tasks").await;
    // A code for another account moves it, and the account sees nothing of its former person.
    telegram.say(ANN, ANN, "/link");
    let told = telegram.wait_for_text(ANN, "links another way").await;
    let code = told.text.split("start=").nth(1).expect("a link").trim().to_owned();
    telegram.say(EVE, EVE, &format!("/start {code}"));
    telegram.wait_for_text(EVE, "linked to you now. Hello Ann Archer").await;
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_it_hears_what_is_meant_for_it_and_answers_in_the_topic() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let forum = -1_001_000_000_500;
    telegram.forum(forum, "Office", &[(ANN, "Ann Archer"), (EVE, "Eve")]);
    let topic = telegram.topic(forum, ANN, "Plans");
    telegram.say_in_topic(forum, topic, ANN, "just talking among us");
    telegram.say_in_topic(forum, topic, ANN, "/tasks@some_other_bot");
    telegram.say_in_topic(forum, topic, ANN, "/link");
    let told = telegram.wait_for_text(forum, "for your eyes only").await;
    assert_eq!(told.thread, Some(topic));
    telegram.say_in_topic(forum, topic, ANN, "Email dora@test.local: lunch at noon? @fake_office_bot");
    let card = telegram.wait_for_message(forum, |m| has_button(m, "Confirm")).await;
    assert_eq!(card.thread, Some(topic), "the question is asked where it was said");
    assert!(!card.text.contains("fake_office_bot"), "its own name is no part of the request: {}", card.text);
    telegram.reply(forum, ANN, card.id, "yes");
    telegram.wait_for_text(forum, "All done.").await;
    assert_eq!(house.smtp.ledger().len(), 1);
    assert_eq!(telegram.messages(forum).iter().filter(|m| m.text.contains("for your eyes")).count(), 1);
    telegram.delete_topic(forum, topic);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_becomes_a_supergroup_takes_its_tasks_along() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let (old, new) = (-4_711, -1_001_000_004_711);
    telegram.group(old, "Family", &[(ANN, "Ann Archer")]);
    telegram.say(old, ANN, "@fake_office_bot Email dora@test.local: lunch at noon?");
    telegram.wait_for_message(old, |m| has_button(m, "Confirm")).await;
    telegram.migrate(old, new);
    telegram.wait_for_message(new, |m| has_button(m, "Confirm")).await;
    assert_eq!(house.press(new, ANN, "Confirm").await, None);
    telegram.wait_for_text(new, "All done.").await;
    assert_eq!(house.smtp.ledger().len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_poller_is_noticed_and_survived() {
    let house = House::new().await;
    house.telegram.fail_next("getUpdates", Fault::Conflict);
    house.telegram.say(ANN, ANN, "/help");
    assert!(health(&house, "degraded").await.contains("another program uses this bot's token"));
    house.telegram.say(ANN, ANN, "/tasks");
    house.telegram.wait_for_text(ANN, "You have no tasks").await;
    health(&house, "on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_telegram_is_away_nothing_is_lost() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.stop().await;
    assert!(health(&house, "degraded").await.starts_with("Telegram"), "it says what is wrong");
    let plan = json!({"version": 1, "title": "Q", "stages": [
        {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]});
    house.run(plan).await;
    telegram.say(ANN, ANN, "/tasks");
    telegram.restart().await;
    telegram.wait_for_text(ANN, "Which colour?").await;
    telegram.wait_for_text(ANN, "Your newest tasks").await;
    health(&house, "on").await;
    for fault in [Fault::ServerError, Fault::BadGateway, Fault::Close, Fault::HalfAnswer] {
        telegram.fail_next("getUpdates", fault);
        let before = telegram.messages(ANN).len();
        telegram.say(ANN, ANN, "/help");
        telegram.wait_for_message(ANN, |m| m.text.starts_with("Tell me in your own words") && m.id > 0).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while telegram.messages(ANN).len() == before {
            assert!(Instant::now() < deadline, "no answer after the fault");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_chat_waits_as_long_as_it_is_told_and_holds_up_nobody() {
    const FLOOD_SECS: u32 = 6;
    let flood = Duration::from_secs(FLOOD_SECS.into());
    let house = House::new().await;
    let telegram = &house.telegram;
    house.invite(BOB).await;
    telegram.flood(ANN, FLOOD_SECS);
    let before = Instant::now();
    telegram.say(ANN, ANN, "/tasks");
    telegram.say(ANN, ANN, "/settings");
    while telegram.refused().is_empty() {
        assert!(before.elapsed() < flood, "nothing was refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    telegram.say(BOB, BOB, "/tasks");
    telegram.wait_for_text(BOB, "You have no tasks").await;
    assert!(before.elapsed() < flood, "Bob does not wait for Ann's chat");
    telegram.wait_for_text(ANN, "You have no tasks").await;
    telegram.wait_for_text(ANN, "currency: USD").await;
    assert!(before.elapsed() >= flood);
    let said: Vec<String> = telegram.messages(ANN).into_iter().map(|m| m.text).collect();
    let place = |part: &str| said.iter().position(|text| text.contains(part)).expect("it was said");
    assert!(place("You have no tasks") < place("currency: USD"), "in order");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_blocks_nobody_and_the_owner_is_told() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.raw_update(json!({"message": {"message_id": "seven", "chat": {"id": ANN}, "text": [1, 2]}}));
    telegram.raw_update(json!({"something_new": {"from": {"id": ANN}, "deep": {"deeper": [[[[]]]]}}}));
    echo(telegram, ANN).await;
    let me = house.service().get("/api/me").await;
    let owner = workflows::ids::PersonId::from(me["user_id"].as_str().expect("an id"));
    let db = Db::open_shared(&house.setup.data_dir.join("super-manager.db")).await.expect("the database");
    let frames = db.frames(&owner, 0, 1_000).await.expect("the log");
    let texts = frames.iter().filter_map(|frame| frame.data.get("text")?.as_str());
    let told = texts.filter(|text| text.contains("could not be read")).count();
    assert_eq!(told, 1, "once a day");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_request_begins_anew_while_nothing_was_done_for_it() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "Email dora@test.local: lunch at noon?");
    let asked = telegram.last_id(ANN);
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    house
        .run(json!({"version": 1, "title": "Q", "stages": [
            {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]}))
        .await;
    telegram.wait_for_text(ANN, "Which colour?").await;
    telegram.edit(ANN, ANN, asked, "Email dora@test.local: dinner at eight?");
    let anew = telegram.wait_for_message(ANN, |m| m.id > card.id && has_button(m, "Confirm")).await;
    assert!(anew.text.contains("dinner") && !anew.text.contains("lunch"), "{}", anew.text);
    telegram.wait_for_message(ANN, |m| m.id == card.id && m.buttons().is_empty()).await;
    house.press(ANN, ANN, "Confirm").await;
    telegram.wait_for_text(ANN, "All done.").await;
    telegram.edit(ANN, ANN, asked, "Email dora@test.local: breakfast?");
    telegram.wait_for_text(ANN, "I had begun with it already").await;
    let ledger = house.smtp.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].data.contains("dinner"), "{}", ledger[0].data);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_comes_where_it_was_asked_for() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let at = (workflows::ports::Clock::now(&workflows::ports::SystemClock) + chrono::Duration::seconds(5)).to_rfc3339();
    let task = house
        .run(json!({"version": 1, "title": "Plants", "stages": [
            {"id": "set", "type": "execution", "action": "calendar.set_reminder",
             "params": {"text": "water the <plants>", "at": at}}]}))
        .await;
    house.service().task_until(&task, crate::service::has_ended).await;
    telegram.wait_for_text(ANN, "Reminder: water the <plants>").await;
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_blocks_the_bot_is_left_alone_until_they_come_back() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let update = telegram.block(ANN);
    telegram.wait_confirmed(update).await;
    let plan = json!({"version": 1, "title": "Q", "stages": [
        {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]});
    house.run(plan).await;
    telegram.my_chat_member(ANN, ANN, "member");
    telegram.say(ANN, ANN, "/status");
    telegram.wait_for_text(ANN, "Which colour?").await;
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn by_webhook_only_telegram_is_believed_and_nothing_is_taken_twice() {
    let (house, webhook) = House::by_webhook("canary_webhook-secret").await;
    let telegram = &house.telegram;
    health(&house, "on").await;
    let code = house.service().post("/api/link", json!({})).await["code"].as_str().expect("a code").to_owned();
    telegram.say(ANN, ANN, &format!("/start {code}"));
    house.deliver_once_open().await;
    telegram.wait_for_text(ANN, "linked to you").await;

    let client = reqwest::Client::builder().build().expect("a client");
    let forged = json!({"update_id": 999_999, "message": {"message_id": 9, "date": 1, "text": "/invite",
        "chat": {"id": ANN, "type": "private", "first_name": "Ann"}, "from": {"id": ANN, "is_bot": false, "first_name": "Ann"}}});
    let send = |secret: Option<&str>, body: Vec<u8>| {
        let mut request = client.post(&webhook.url).body(body);
        if let Some(secret) = secret {
            request = request.header("x-telegram-bot-api-secret-token", secret);
        }
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    for wrong in [None, Some(""), Some("canary_webhook-secreT"), Some("canary_webhook-secret2")] {
        assert_eq!(send(wrong, forged.to_string().into_bytes()).await, 401);
    }
    let secret = Some("canary_webhook-secret");
    assert_eq!(send(secret, b"\xff\xfe not json".to_vec()).await, 400);
    assert_eq!(send(secret, b"{}".to_vec()).await, 400);
    assert_eq!(send(secret, vec![b' '; (1 << 20) + 1]).await, 413);
    for _ in 0..3 {
        assert_eq!(send(secret, forged.to_string().into_bytes()).await, 200);
    }
    telegram.wait_for_text(ANN, "lets one new person in").await;
    telegram.say(ANN, ANN, "/tasks");
    telegram.deliver_to_webhook().await;
    telegram.wait_for_text(ANN, "You have no tasks").await;
    let codes = telegram.messages(ANN).iter().filter(|m| m.text.contains("lets one new person in")).count();
    assert_eq!(codes, 1, "the same update three times is one update");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_fit_nothing_are_answered_too() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "yes");
    telegram.wait_for_text(ANN, "There is nothing to decide right now").await;
    telegram.say(ANN, ANN, "stop");
    telegram.wait_for_text(ANN, "Nothing is running.").await;
    house
        .run(json!({"version": 1, "title": "Q", "stages": [
            {"id": "q", "type": "clarification", "question": "Which day?", "answer": "date"}]}))
        .await;
    telegram.wait_for_text(ANN, "Which day?").await;
    let before = telegram.messages(ANN).len();
    telegram.say(ANN, ANN, "banana");
    telegram.wait_for_message(ANN, |m| !m.text.contains("Which day?") && m.text.contains("date")).await;
    assert!(telegram.messages(ANN).len() > before);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_linked_anew_hears_nothing_of_its_former_person() {
    let house = House::new().await;
    let telegram = &house.telegram;
    house.invite(BOB).await;
    telegram.say(BOB, BOB, "Email dora@test.local: the secret of Bob");
    let card = telegram.wait_for_message(BOB, |m| has_button(m, "Confirm")).await;
    let confirm = card.buttons().into_iter().find(|b| b.label == "Confirm").and_then(|b| b.data).expect("a payload");
    // Bob goes on by the web; what his task asks in a moment is for his eyes.
    telegram.say(BOB, BOB, "/link");
    let told = telegram.wait_for_text(BOB, "links another way").await;
    let code = told.text.split("start=").nth(1).expect("a link").trim().to_owned();
    let session = house.service().post("/api/session", json!({"code": code})).await;
    let token = session["token"].as_str().expect("a token");
    let plan = json!({"version": 1, "title": "Later", "stages": [{"id": "later", "type": "wait", "for": "PT5S", "then": [
        {"id": "q", "type": "clarification", "question": "The secret question?", "answer": "text"}]}]});
    let body = json!({"plan": plan, "channel": "telegram"});
    let call = house.service().call_as(token, reqwest::Method::POST, "/api/tasks", Some(body), None);
    let later = async {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let tasks = house.service().call_as(token, reqwest::Method::GET, "/api/tasks", None, None).await;
            if tasks.expect("an answer").1.to_string().contains("Later") {
                break;
            }
            assert!(Instant::now() < deadline, "the task never began");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        house.link(BOB).await;
    };
    let (begun, ()) = tokio::join!(call, later);
    let task = begun.expect("an answer").1["task_id"].as_str().expect("a task").to_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let path = format!("/api/tasks/{task}");
        let (_, row) =
            house.service().call_as(token, reqwest::Method::GET, &path, None, None).await.expect("an answer");
        if row["steps"].to_string().contains("The secret question?") {
            break;
        }
        assert!(Instant::now() < deadline, "{row:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!telegram.messages(BOB).iter().any(|m| m.text.contains("secret question")), "{}", telegram.report());
    let pressed = telegram.press(BOB, BOB, card.id, &confirm);
    let words = telegram.wait_answered(&pressed.query).await.text;
    assert_eq!(words.as_deref(), Some("Only Bob can decide this"), "the account is Ann's now");
    telegram.say(BOB, BOB, "/status");
    telegram.wait_for_text(BOB, "Nothing is running here.").await;
    assert!(house.smtp.ledger().is_empty());
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_that_is_cut_off_by_a_flood_goes_on_where_it_was() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let body = (0..2_000).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    house
        .run(json!({"version": 1, "title": "Long", "stages": [
            {"id": "mail", "type": "execution", "action": "email.send_email",
             "params": {"to": ["dora@test.local"], "subject": "Long", "body": "short"}}]}))
        .await;
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    house.press(ANN, ANN, "Cancel").await;
    telegram.wait_for_text(ANN, "Cancelled").await;
    // The second part of the card is held up.
    telegram.fail_next("sendMessage", Fault::Delay(Duration::from_millis(1)));
    telegram.fail_next("sendMessage", Fault::TooMany { retry_after: 1 });
    house
        .run(json!({"version": 1, "title": "Long", "stages": [
            {"id": "mail", "type": "execution", "action": "email.send_email",
             "params": {"to": ["dora@test.local"], "subject": "Long", "body": body}}]}))
        .await;
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let parts: Vec<String> = telegram.messages(ANN).into_iter().map(|m| m.text).collect();
    for n in [0, 700, 1_999] {
        let holding = parts.iter().filter(|text| text.lines().any(|line| line.ends_with(&format!("line {n}")))).count();
        assert_eq!(holding, 1, "line {n} is said once");
    }
    house.assert_strict();
}
