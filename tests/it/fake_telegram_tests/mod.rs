//! The stand-in for Telegram itself.

mod delivery;
mod faults;
mod rules;

use std::time::Duration;

use serde_json::{Value, json};

use crate::fake_telegram::state::{BOT_ID, BOT_USERNAME, Button};
use crate::fake_telegram::{FakeTelegram, spec};

/// A person.
const ANN: i64 = 101;
/// Another.
const BOB: i64 = 102;
/// A plain group.
const GROUP: i64 = -4_001;
/// A supergroup.
const SUPER: i64 = -1_001_000_000_001;
/// A forum.
const FORUM: i64 = -1_001_000_000_002;

/// A client that knows nothing of the rules.
struct Bot {
    server: FakeTelegram,
    client: reqwest::Client,
}

impl Bot {
    /// A server with two people and three groups, and a client.
    async fn start() -> Self {
        let server = FakeTelegram::start().await;
        server.private(ANN, "Ann");
        server.group(GROUP, "Plain", &[(ANN, "Ann"), (BOB, "Bob")]);
        server.group(SUPER, "Super", &[(ANN, "Ann"), (BOB, "Bob")]);
        server.forum(FORUM, "Forum", &[(ANN, "Ann")]);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client");
        Self { server, client }
    }

    fn url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.server.api_url(), self.server.token())
    }

    /// The status and the answer; `None` when there is no whole answer in JSON.
    async fn try_call(&self, method: &str, params: Value) -> Option<(u16, Value)> {
        let answer = self.client.post(self.url(method)).json(&params).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let (status, answer) = self.try_call(method, params).await.expect("an answer");
        assert_eq!(answer["ok"] == true, status == 200, "{answer}");
        assert!(status == 200 || answer["error_code"] == status, "{answer}");
        answer
    }

    /// The result of a call that must do.
    async fn must(&self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params).await;
        assert_eq!(answer["ok"], true, "{answer}");
        answer["result"].take()
    }

    /// The words with which a call is refused.
    async fn refused(&self, method: &str, params: Value) -> String {
        let answer = self.call(method, params).await;
        assert_eq!(answer["ok"], false, "{answer}");
        answer["description"].as_str().expect("words").to_owned()
    }

    async fn say(&self, chat: i64, text: &str) -> i64 {
        let message = self.must("sendMessage", json!({"chat_id": chat, "text": text})).await;
        message["message_id"].as_i64().expect("a number")
    }

    async fn updates(&self, params: Value) -> Vec<Value> {
        self.must("getUpdates", params).await.as_array().expect("updates").clone()
    }
}

fn ids(updates: &[Value]) -> Vec<i64> {
    updates.iter().filter_map(|update| update["update_id"].as_i64()).collect()
}

/// A keyboard of these rows.
fn keyboard(buttons: &Value) -> Value {
    json!({"inline_keyboard": buttons})
}

#[tokio::test]
async fn a_message_is_kept_and_shown_as_documented() {
    let bot = Bot::start().await;
    let markup =
        keyboard(&json!([[{"text": "Yes", "callback_data": "y"}], [{"text": "Site", "url": "https://a.test"}]]));
    let params = json!({"chat_id": ANN, "text": " <b>Hi</b> there ", "parse_mode": "HTML", "reply_markup": markup});
    // Clients may spell a method in any case.
    let message = bot.must("SendMessage", params).await;
    assert_eq!(spec::check_type("Message", &message), Vec::<String>::new(), "{message:#}");
    let kept = bot.server.wait_for_text(ANN, "Hi there").await;
    assert_eq!((kept.text.as_str(), kept.raw.as_str()), ("Hi there", " <b>Hi</b> there "));
    assert_eq!(kept.entities, [json!({"type": "bold", "offset": 0, "length": 2})]);
    let button = |label: &str, data: Option<&str>, url: Option<&str>| Button {
        label: label.to_owned(),
        data: data.map(str::to_owned),
        url: url.map(str::to_owned),
    };
    assert_eq!(kept.buttons(), [button("Yes", Some("y"), None), button("Site", None, Some("https://a.test"))]);
    assert_eq!(bot.server.buttons(ANN), ["Yes", "Site"]);
    assert_eq!(bot.server.sent(), [kept]);
    assert_eq!(bot.server.calls_of("sendMessage")[0].ok, Some(true));
    assert_eq!(bot.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_method_are_told_apart() {
    let bot = Bot::start().await;
    let post = |path: String| bot.client.post(format!("{}/{path}", bot.server.api_url())).send();
    let answer = post("bot1:no/getMe".to_owned()).await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body, json!({"ok": false, "error_code": 401, "description": "Unauthorized"}));
    assert_eq!(bot.refused("sendNothing", json!({})).await, "Not Found");
    assert_eq!(bot.server.violations(), ["sendNothing: no such method here"]);
    let me = bot.must("getMe", json!({})).await;
    assert_eq!((&me["id"], &me["username"]), (&json!(BOT_ID), &json!(BOT_USERNAME)));
    assert_eq!(spec::check_type("User", &me), Vec::<String>::new());
}

#[tokio::test]
async fn bodies_come_in_all_the_forms_there_are() {
    let bot = Bot::start().await;
    let form = |kind: &str, body: String| {
        bot.client.post(bot.url("sendMessage")).header("content-type", kind).body(body).send()
    };
    let chat = format!("chat_id={ANN}&text=12&reply_markup=%7B%22inline_keyboard%22%3A%5B%5D%7D");
    form("application/x-www-form-urlencoded", chat).await.expect("an answer");
    assert_eq!(bot.server.last(ANN).map(|message| message.text), Some("12".to_owned()));
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts = format!("{}{}--x--\r\n", part("chat_id", &ANN.to_string()), part("text", "two\nlines"));
    form("multipart/form-data; boundary=x", parts).await.expect("an answer");
    assert_eq!(bot.server.last(ANN).map(|message| message.text), Some("two\nlines".to_owned()));
    let file = "--x\r\nContent-Disposition: form-data; name=\"f1\"; filename=\"a.jpg\"\r\n\r\n\u{1}bytes\r\n";
    let parts = format!("{}{}{file}--x--\r\n", part("chat_id", &ANN.to_string()), part("photo", "attach://f1"));
    let kind = "multipart/form-data; boundary=x";
    let request = bot.client.post(bot.url("sendPhoto")).header("content-type", kind).body(parts);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(spec::check_type("Message", &answer["result"]), Vec::<String>::new(), "{answer}");
    let photo = bot.server.last(ANN).and_then(|message| message.photo).expect("a picture");
    assert_eq!(bot.server.file(&photo).as_deref(), Some(b"\x01bytes".as_slice()));
    let chunks = [format!("{{\"chat_id\":{ANN},"), "\"text\":\"in chunks\"}".to_owned()];
    let chunks = futures_util::stream::iter(chunks.map(Ok::<_, std::io::Error>));
    let request = bot.client.post(bot.url("sendMessage")).header("content-type", "application/json");
    let answer = request.body(reqwest::Body::wrap_stream(chunks)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let query = bot.client.get(format!("{}?chat_id={ANN}&text=by%20GET", bot.url("sendMessage")));
    assert_eq!(query.send().await.expect("an answer").status(), 200);
    let texts: Vec<_> = bot.server.messages(ANN).into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["12", "two\nlines", "", "in chunks", "by GET"]);
    assert_eq!(bot.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn it_stops_and_starts_again_with_what_it_knows() {
    let bot = Bot::start().await;
    let id = bot.say(ANN, "before").await;
    let poll = tokio::spawn(bot.client.post(bot.url("getUpdates")).json(&json!({"timeout": 30})).send());
    bot.server.wait_for_call("getUpdates", 1).await;
    bot.server.stop().await;
    assert!(poll.await.expect("a task").is_err(), "the connection is closed");
    assert!(bot.try_call("getMe", json!({})).await.is_none(), "the port is closed");
    let update = bot.server.say(ANN, ANN, "meanwhile");
    bot.server.restart().await;
    assert_eq!(ids(&bot.updates(json!({})).await), [update]);
    assert_eq!(bot.server.last(ANN).map(|message| message.id), Some(id));
}

#[tokio::test]
async fn all_updates_are_as_documented() {
    let bot = Bot::start().await;
    let server = &bot.server;
    server.set_username(ANN, "ann");
    server.set_language(ANN, "de");
    let message = bot.say(ANN, "hello").await;
    server.say(ANN, ANN, "hi");
    server.edit(ANN, ANN, server.last_id(ANN), "hi /there");
    server.reply(ANN, ANN, message, "to you");
    server.photo(ANN, ANN, "look @ann", b"picture");
    server.press(ANN, ANN, message, "x");
    server.press(ANN, ANN, 9_999, "x");
    server.say_in_topic(FORUM, 7, ANN, "topic");
    server.say(SUPER, BOB, "super");
    server.reply(SUPER, BOB, server.last_id(SUPER), "chain");
    for status in ["administrator", "restricted", "left", "member", "kicked"] {
        server.my_chat_member(SUPER, ANN, status);
    }
    server.migrate(GROUP, -1_001_000_000_009);
    server.block(ANN);
    let updates = bot.updates(json!({})).await;
    bot.must("leaveChat", json!({"chat_id": FORUM})).await;
    assert_eq!(updates.len(), 17);
    let left = bot.updates(json!({"offset": -1})).await;
    assert_eq!(left[0]["my_chat_member"]["new_chat_member"]["status"], "left");
    for update in updates.into_iter().chain(left) {
        assert_eq!(spec::check_type("Update", &update), Vec::<String>::new(), "{update:#}");
    }
}
