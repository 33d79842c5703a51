//! How calls go wrong.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ANN, BOB, Bot, GROUP, SUPER, keyboard};
use crate::fake_telegram::Fault;
use crate::fake_telegram::inbound::Pressed;
use crate::fake_telegram::state::Press;

#[tokio::test]
async fn a_call_fails_as_told_and_the_ledger_knows_whether_it_was_done() {
    let bot = Bot::start().await;
    let hi = |text: &str| json!({"chat_id": ANN, "text": text});
    for (fault, status) in [
        (Fault::TooMany { retry_after: 3 }, Some(429)),
        (Fault::Conflict, Some(409)),
        (Fault::ServerError, None),
        (Fault::BadGateway, None),
        (Fault::Close, None),
    ] {
        bot.server.fail_next("sendMessage", fault);
        let answer = bot.try_call("sendMessage", hi("lost")).await;
        assert_eq!(answer.map(|(status, _)| status), status, "{fault:?}");
    }
    assert_eq!(bot.server.sent(), []);
    for fault in [Fault::HalfAnswer, Fault::PerformAndClose] {
        bot.server.fail_next("SendMessage", fault);
        assert_eq!(bot.try_call("sendMessage", hi(&format!("{fault:?}"))).await, None);
    }
    assert_eq!(bot.server.messages(ANN).len(), 2);
    let oks: Vec<_> = bot.server.calls().iter().map(|call| call.ok).collect();
    let no = Some(false);
    assert_eq!(oks, [no, no, no, no, None, None, None]);
    bot.say(ANN, "at last").await;
    assert_eq!(bot.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_call_without_an_answer_in_time_may_be_done_or_not() {
    let bot = Bot::start().await;
    let faults =
        [("hang", Fault::Hang), ("done", Fault::PerformAndHang), ("late", Fault::Delay(Duration::from_millis(900)))];
    for (text, fault) in faults {
        bot.server.fail_next("sendMessage", fault);
        let call = bot.client.post(bot.url("sendMessage")).timeout(Duration::from_millis(500));
        assert!(call.json(&json!({"chat_id": ANN, "text": text})).send().await.is_err());
    }
    bot.server.wait_for_text(ANN, "done").await;
    bot.server.wait_for_text(ANN, "late").await;
    assert_eq!(bot.server.messages(ANN).len(), 2);
}

#[tokio::test]
async fn a_flooded_chat_is_to_be_left_alone() {
    let bot = Bot::start().await;
    bot.server.flood(ANN, 2);
    let begun = Instant::now();
    let hi = json!({"chat_id": ANN, "text": "hi"});
    let answer = bot.call("sendMessage", hi.clone()).await;
    assert_eq!((&answer["error_code"], &answer["parameters"]["retry_after"]), (&json!(429), &json!(2)));
    bot.say(SUPER, "elsewhere").await;
    assert_eq!(bot.server.violations(), Vec::<String>::new());
    bot.call("sendMessage", hi.clone()).await;
    assert_eq!(bot.server.violations().len(), 1);
    tokio::time::sleep(Duration::from_millis(2_050).saturating_sub(begun.elapsed())).await;
    bot.must("sendMessage", hi).await;
    assert_eq!(bot.server.violations().len(), 1);
}

#[tokio::test]
async fn who_cannot_be_reached_is_no_fault_of_the_bot() {
    let bot = Bot::start().await;
    let send = |chat: i64| bot.refused("sendMessage", json!({"chat_id": chat, "text": "hi"}));
    assert_eq!(send(4711).await, "Bad Request: chat not found");
    assert_eq!(send(BOB).await, "Forbidden: bot can't initiate conversation with a user");
    bot.server.block(ANN);
    assert_eq!(send(ANN).await, "Forbidden: bot was blocked by the user");
    bot.server.my_chat_member(SUPER, ANN, "kicked");
    assert_eq!(send(SUPER).await, "Forbidden: bot was kicked from the supergroup chat");
    bot.must("leaveChat", json!({"chat_id": GROUP})).await;
    assert_eq!(send(GROUP).await, "Forbidden: bot is not a member of the group chat");
    bot.server.my_chat_member(ANN, ANN, "member");
    bot.say(ANN, "back").await;
    assert_eq!(bot.server.refused().len(), 5);
    assert_eq!(bot.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_press_is_answered_once_and_in_time() {
    let bot = Bot::start().await;
    let markup = keyboard(&json!([[{"text": "Yes", "callback_data": "y:1"}]]));
    bot.must("sendMessage", json!({"chat_id": ANN, "text": "Sure?", "reply_markup": markup})).await;
    let press: Pressed = bot.server.press_label(ANN, ANN, "Yes");
    let answer = |query: &str, text: &str| json!({"callback_query_id": query, "text": text, "show_alert": true});
    let updates = bot.updates(json!({})).await;
    assert_eq!(updates[0]["callback_query"]["data"], "y:1");
    let long = "é".repeat(201);
    assert_eq!(bot.refused("answerCallbackQuery", answer(&press.query, &long)).await, "Bad Request: MESSAGE_TOO_LONG");
    bot.must("answerCallbackQuery", answer(&press.query, "Done")).await;
    let held: Press = bot.server.wait_answered(&press.query).await;
    assert_eq!((held.text.as_deref(), held.alert, held.data.as_str()), (Some("Done"), true, "y:1"));
    let why = bot.refused("answerCallbackQuery", answer(&press.query, "Again")).await;
    assert!(why.starts_with("Bad Request: query is too old"), "{why}");
    assert_eq!(bot.server.violations().len(), 2);
    // An expired one, and one whose first answer was lost, are met by a bot without fault.
    let late = bot.server.press_label(ANN, ANN, "Yes");
    bot.server.expire(&late.query);
    bot.refused("answerCallbackQuery", answer(&late.query, "Late")).await;
    let unsure = bot.server.press_label(ANN, ANN, "Yes");
    bot.server.fail_next("answerCallbackQuery", Fault::PerformAndClose);
    assert_eq!(bot.try_call("answerCallbackQuery", answer(&unsure.query, "One")).await, None);
    bot.refused("answerCallbackQuery", answer(&unsure.query, "Two")).await;
    assert_eq!(bot.server.violations().len(), 2);
    bot.refused("answerCallbackQuery", answer("77", "Whose?")).await;
    assert_eq!(bot.server.violations().len(), 3);
    assert_eq!(bot.server.presses().len(), 3);
}

#[tokio::test]
#[should_panic(expected = "no button \"No\" in chat 101; there are")]
async fn a_button_that_is_not_there_cannot_be_pressed() {
    let bot = Bot::start().await;
    let markup = keyboard(&json!([[{"text": "Yes", "callback_data": "y"}]]));
    bot.must("sendMessage", json!({"chat_id": ANN, "text": "Sure?", "reply_markup": markup})).await;
    bot.server.press_label(ANN, ANN, "No");
}
