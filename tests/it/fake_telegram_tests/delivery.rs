//! How updates reach a bot.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use super::{ANN, BOB, Bot, FORUM, GROUP, SUPER, ids};
use crate::fake_telegram::html::found_entities;
use crate::fake_telegram::spec;

#[tokio::test]
async fn updates_come_until_an_offset_confirms_them() {
    let bot = Bot::start().await;
    let first = bot.server.say(ANN, ANN, "one");
    let second = bot.server.say(ANN, ANN, "two");
    assert_eq!(ids(&bot.updates(json!({"limit": 1})).await), [first]);
    assert_eq!(ids(&bot.updates(json!({})).await), [first, second]);
    assert!(!bot.server.confirmed(first));
    assert_eq!(ids(&bot.updates(json!({"offset": second})).await), [second]);
    bot.server.wait_confirmed(first).await;
    assert!(!bot.server.confirmed(second));
    assert_eq!((bot.server.deliveries(first), bot.server.deliveries(second)), (2, 2));
    assert_eq!(bot.refused("getUpdates", json!({"limit": 101})).await, "Bad Request: limit must be between 1 and 100");
    assert_eq!(bot.server.violations().len(), 1);
}

#[tokio::test]
async fn a_poll_waits_for_an_update_and_ends_in_time() {
    let bot = Bot::start().await;
    let server = bot.server.clone();
    let begun = Instant::now();
    let later = tokio::spawn(async move {
        server.wait_for_call("getUpdates", 1).await;
        server.say(ANN, ANN, "now")
    });
    let got = bot.updates(json!({"timeout": 9})).await;
    assert_eq!(ids(&got), [later.await.expect("a task")]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let none = bot.updates(json!({"timeout": 1, "offset": ids(&got)[0] + 1})).await;
    assert_eq!((none.len(), begun.elapsed() >= Duration::from_secs(1)), (0, true));
}

#[tokio::test]
async fn the_earlier_of_two_pollers_is_sent_away() {
    let bot = Bot::start().await;
    let first = tokio::spawn(bot.client.post(bot.url("getUpdates")).json(&json!({"timeout": 30})).send());
    bot.server.wait_for_call("getUpdates", 1).await;
    assert_eq!(bot.updates(json!({})).await.len(), 0);
    let answer = first.await.expect("a task").expect("an answer");
    assert_eq!(answer.status(), 409);
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["description"].as_str().is_some_and(|why| why.starts_with("Conflict: terminated by other")), "{body}");
}

#[tokio::test]
async fn updates_come_again_doubled_and_out_of_order() {
    let bot = Bot::start().await;
    let one = bot.server.say(ANN, ANN, "one");
    let two = bot.server.say(ANN, ANN, "two");
    bot.server.shuffle_next_batch();
    assert_eq!(ids(&bot.updates(json!({})).await), [two, one]);
    bot.server.duplicate_next_batch();
    assert_eq!(ids(&bot.updates(json!({})).await), [one, one, two, two]);
    assert_eq!(bot.updates(json!({"offset": two + 1})).await.len(), 0);
    bot.server.redeliver(1);
    assert_eq!(ids(&bot.updates(json!({"offset": two + 1})).await), [two]);
    assert_eq!(bot.updates(json!({"offset": two + 1})).await.len(), 0);
    bot.server.hold();
    let three = bot.server.raw_update(json!({"poll": {}}));
    assert_eq!(bot.updates(json!({})).await.len(), 0);
    bot.server.release();
    assert_eq!(ids(&bot.updates(json!({})).await), [three]);
}

#[tokio::test]
async fn only_the_kinds_that_are_wanted_come() {
    let bot = Bot::start().await;
    assert_eq!(bot.updates(json!({"allowed_updates": ["callback_query"]})).await.len(), 0);
    bot.server.say(ANN, ANN, "dropped");
    let press = bot.server.press(ANN, ANN, 1, "kept");
    assert_eq!(ids(&bot.updates(json!({})).await), [press.update]);
    if spec::spec().is_some() {
        let why = bot.refused("getUpdates", json!({"allowed_updates": ["telepathy"]})).await;
        assert!(why.contains("telepathy"), "{why}");
    }
}

/// What a webhook got, and the statuses with which it answers.
#[derive(Default)]
struct Hook {
    got: Vec<(String, Value)>,
    answers: Vec<u16>,
}

async fn hook(State(hook): State<Arc<Mutex<Hook>>>, headers: HeaderMap, body: String) -> StatusCode {
    let mut hook = hook.lock().expect("no holder panics");
    let secret = headers.get("x-telegram-bot-api-secret-token").and_then(|value| value.to_str().ok());
    hook.got.push((secret.unwrap_or_default().to_owned(), serde_json::from_str(&body).expect("JSON")));
    let status = if hook.answers.is_empty() { 200 } else { hook.answers.remove(0) };
    StatusCode::from_u16(status).expect("a status")
}

#[tokio::test]
async fn a_webhook_gets_updates_in_order_until_it_takes_them() {
    let bot = Bot::start().await;
    let kept = Arc::new(Mutex::new(Hook { answers: vec![200, 500], ..Hook::default() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let app = axum::Router::new().route("/hook", post(hook)).with_state(kept.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    bot.must("setWebhook", json!({"url": url, "secret_token": "s3cret"})).await;
    let why = bot.refused("getUpdates", json!({})).await;
    assert!(why.starts_with("Conflict: can't use getUpdates method while webhook is active"), "{why}");
    let (one, two) = (bot.server.say(ANN, ANN, "one"), bot.server.say(ANN, ANN, "two"));
    assert_eq!(bot.must("getWebhookInfo", json!({})).await["pending_update_count"], 2);
    assert_eq!(bot.server.deliver_to_webhook().await, [200, 500, 200]);
    assert!(bot.server.confirmed(one) && bot.server.confirmed(two));
    let got = kept.lock().expect("no holder panics").got.clone();
    assert_eq!(got.iter().map(|(secret, _)| secret.as_str()).collect::<Vec<_>>(), ["s3cret"; 3]);
    assert_eq!(got.iter().map(|(_, update)| update["update_id"].clone()).collect::<Vec<_>>(), [one, two, two]);
    serving.abort();
    let three = bot.server.say(ANN, ANN, "three");
    assert!(bot.server.deliver_to_webhook().await.iter().all(|status| *status != 200));
    bot.must("deleteWebhook", json!({})).await;
    assert_eq!(ids(&bot.updates(json!({})).await), [three]);
    for bad in [json!({"url": "http://a.test"}), json!({"url": url, "secret_token": "no spaces"})] {
        bot.refused("setWebhook", bad).await;
    }
    assert_eq!(bot.server.violations().len(), 2);
}

#[test]
fn commands_and_mentions_are_found_as_telegram_finds_them() {
    let found = |text: &str| -> Vec<(String, i64, i64)> {
        let entities = found_entities(text);
        let part = |entity: &Value, key: &str| entity[key].as_i64().expect("a number");
        let kind = |entity: &Value| entity["type"].as_str().expect("a kind").to_owned();
        entities.iter().map(|entity| (kind(entity), part(entity, "offset"), part(entity, "length"))).collect()
    };
    let command = |offset, length| ("bot_command".to_owned(), offset, length);
    let mention = |offset, length| ("mention".to_owned(), offset, length);
    assert_eq!(found("/start"), [command(0, 6)]);
    assert_eq!(found("/start@fake_office_bot now"), [command(0, 22)]);
    assert_eq!(found("😀 /go, @ann_b"), [command(3, 3), mention(8, 6)]);
    assert_eq!(found("a/b me@home.test 1/2 @ab //"), []);
    assert_eq!(found("(@ann)\n/stop"), [mention(1, 4), command(7, 5)]);
}

#[tokio::test]
async fn topics_and_chains_of_replies_are_told_apart() {
    let bot = Bot::start().await;
    bot.server.say_in_topic(FORUM, 7, ANN, "in a topic");
    let sent = bot.must("sendMessage", json!({"chat_id": FORUM, "text": "a", "message_thread_id": 7})).await;
    assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&json!(7), &json!(true)));
    let first = bot.say(SUPER, "root").await;
    bot.server.reply(SUPER, BOB, first, "chain");
    let updates = bot.updates(json!({})).await;
    assert_eq!(updates[0]["message"]["is_topic_message"], true);
    assert_eq!(updates[0]["message"]["reply_to_message"]["forum_topic_created"]["name"], "Topic 7");
    assert_eq!(updates[1]["message"]["message_thread_id"], first);
    assert_eq!(updates[1]["message"].get("is_topic_message"), None);
    let to_chain = json!({"chat_id": SUPER, "text": "a", "message_thread_id": first});
    assert_eq!(bot.refused("sendMessage", to_chain).await, "Bad Request: message thread not found");
    assert_eq!(bot.server.violations().len(), 1);
    bot.server.delete_topic(FORUM, 7);
    let to_gone = json!({"chat_id": FORUM, "text": "a", "message_thread_id": 7});
    assert_eq!(bot.refused("sendMessage", to_gone).await, "Bad Request: message thread not found");
    assert_eq!(bot.server.violations().len(), 1);
    let topic = bot.server.topic(FORUM, ANN, "New");
    bot.must("sendChatAction", json!({"chat_id": FORUM, "action": "typing", "message_thread_id": topic})).await;
    assert_eq!(bot.server.actions(), [(FORUM, "typing".to_owned())]);
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_says_where_it_went() {
    let bot = Bot::start().await;
    let new = -1_001_000_000_009;
    let (leaves, comes) = bot.server.migrate(GROUP, new);
    let updates = bot.updates(json!({})).await;
    assert_eq!(ids(&updates), [leaves, comes]);
    assert_eq!(updates[0]["message"]["migrate_to_chat_id"], new);
    assert_eq!(updates[1]["message"]["migrate_from_chat_id"], GROUP);
    let answer = bot.call("sendMessage", json!({"chat_id": GROUP, "text": "a"})).await;
    assert_eq!(answer["description"], "Bad Request: group chat was upgraded to a supergroup chat");
    assert_eq!(answer["parameters"]["migrate_to_chat_id"], new);
    bot.say(new, "here").await;
    bot.server.say(new, BOB, "good");
    assert_eq!(bot.server.violations(), Vec::<String>::new());
}
