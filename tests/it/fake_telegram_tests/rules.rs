//! What the server takes, and what it refuses.

use serde_json::{Value, json};

use super::{ANN, BOB, Bot, GROUP, SUPER, keyboard};
use crate::fake_telegram::html::parse;
use crate::fake_telegram::spec;

#[test]
fn html_is_read_as_telegram_reads_it() {
    let parsed = parse("😀<b>a<i>b</i></b> &lt;&#65;&#x42;&amp; <a href=\"https://x.test/?a=1&amp;b\">link</a>\n ")
        .expect("HTML");
    assert_eq!(parsed.text, "😀ab <AB& link");
    let entity = |kind: &str, offset: u32, length: u32| json!({"type": kind, "offset": offset, "length": length});
    let mut link = entity("text_link", 10, 4);
    link["url"] = json!("https://x.test/?a=1&b");
    assert_eq!(parsed.entities, [entity("bold", 2, 2), entity("italic", 3, 1), link]);
    assert_eq!(parsed.sloppy, Vec::<String>::new());
    let code = parse("<pre><code class=\"language-rust\">x</code></pre>").expect("HTML");
    assert_eq!(code.entities, [json!({"type": "pre", "offset": 0, "length": 1, "language": "rust"})]);
    let quote = parse("<blockquote expandable>q</blockquote><span class=\"tg-spoiler\">s</span>").expect("HTML");
    assert_eq!(quote.entities, [entity("expandable_blockquote", 0, 1), entity("spoiler", 1, 1)]);
    let nested = parse("<blockquote><code>x</code></blockquote><b></b>\ty\r").expect("HTML");
    assert_eq!(nested.entities, [entity("blockquote", 0, 1), entity("code", 0, 1)]);
    assert_eq!(nested.text, "x y");
    assert_eq!((code.sloppy.len(), quote.sloppy.len(), nested.sloppy.len()), (0, 0, 0));
}

#[test]
fn html_that_is_none_is_refused_in_telegrams_words() {
    for (raw, why) in [
        ("a < b", "Unsupported start tag \"\" at byte offset 2"),
        ("<br>", "Unsupported start tag \"br\" at byte offset 0"),
        ("é<p>x</p>", "Unsupported start tag \"p\" at byte offset 2"),
        ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""),
        ("<b><i>x</b></i>", "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href=\"x", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
    ] {
        assert_eq!(parse(raw), Err(why.to_owned()), "{raw}");
    }
    for raw in [
        "AT&T",
        "a &nbsp; b",
        "a > b",
        "<code><b>x</b></code>",
        "<a href=\"javascript:x\">x</a>",
        "<b class=\"x\">x</b>",
        &"<b>x</b>y".repeat(101),
    ] {
        assert!(!parse(raw).expect("HTML").sloppy.is_empty(), "{raw}");
    }
}

#[tokio::test]
async fn texts_have_a_length_that_counts_after_parsing() {
    let bot = Bot::start().await;
    let send = |text: String| json!({"chat_id": ANN, "text": text, "parse_mode": "HTML"});
    bot.must("sendMessage", send(format!("<b>{}</b>", "é".repeat(4096)))).await;
    bot.must("sendMessage", send("&lt;".repeat(4096))).await;
    assert_eq!(bot.server.violations(), Vec::<String>::new());
    assert_eq!(bot.refused("sendMessage", send("😀".repeat(2049))).await, "Bad Request: message is too long");
    for empty in ["", " \n ", "<b> </b>", "<b></b>"] {
        assert_eq!(bot.refused("sendMessage", send(empty.to_owned())).await, "Bad Request: message text is empty");
    }
    let why = bot.refused("sendMessage", send("a < b".to_owned())).await;
    assert_eq!(why, "Bad Request: can't parse entities: Unsupported start tag \"\" at byte offset 2");
    bot.refused("sendMessage", json!({"chat_id": ANN, "text": "*a*", "parse_mode": "MarkdownV2"})).await;
    assert_eq!(bot.server.violations().len(), 7, "{:#?}", bot.server.violations());
}

#[tokio::test]
async fn a_link_to_a_person_is_a_mention() {
    let bot = Bot::start().await;
    let link = |id: i64| json!({"chat_id": ANN, "text": format!("<a href=\"tg://user?id={id}\">you</a>"), "parse_mode": "HTML"});
    let message = bot.must("sendMessage", link(BOB)).await;
    assert_eq!(
        (&message["entities"][0]["type"], &message["entities"][0]["user"]["id"]),
        (&json!("text_mention"), &json!(BOB))
    );
    assert_eq!(spec::check_type("Message", &message), Vec::<String>::new());
    assert_eq!(bot.server.violations(), Vec::<String>::new());
    assert_eq!(bot.must("sendMessage", link(9)).await.get("entities"), None);
    assert_eq!(bot.server.violations().len(), 1);
}

#[tokio::test]
async fn keyboards_are_checked() {
    let bot = Bot::start().await;
    let button = |text: &str, data: &str| json!({"text": text, "callback_data": data});
    let row = |count: usize| Value::Array(vec![button("x", "y"); count]);
    for (rows, why) in [
        (json!([[button("x", &"y".repeat(65))]]), "BUTTON_DATA_INVALID"),
        (json!([[button("x", "")]]), "BUTTON_DATA_INVALID"),
        (json!([[button(" ", "y")]]), "text can't be empty"),
        (json!([[{"text": "x"}]]), "text buttons are unallowed"),
        (json!([[{"text": "x", "url": "https://a.test", "callback_data": "y"}]]), "more than one thing"),
        (json!([[{"text": "x", "url": "http://localhost:80/"}]]), "BUTTON_URL_INVALID"),
        (json!([[{"text": "x", "url": "ftp://a.test"}]]), "BUTTON_URL_INVALID"),
        (json!([row(9)]), "9 buttons in a row"),
        (Value::Array(vec![row(8); 13]), "reply markup is too long"),
    ] {
        let params = json!({"chat_id": ANN, "text": "x", "reply_markup": keyboard(&rows)});
        let said = bot.refused("sendMessage", params).await;
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(bot.server.violations().len(), 9);
    let good =
        keyboard(&json!([row(8), [{"text": "x", "url": "http://127.0.0.1:9/"}], [button("é", &"é".repeat(32))]]));
    bot.must("sendMessage", json!({"chat_id": ANN, "text": "x", "reply_markup": good})).await;
    assert_eq!(bot.server.violations().len(), 9);
}

#[tokio::test]
async fn calls_are_held_against_the_description() {
    let bot = Bot::start().await;
    if spec::spec().is_none() {
        return;
    }
    for (params, why) in [
        (json!({"chat_id": ANN}), "sendMessage.text is missing"),
        (json!({"chat_id": ANN, "text": 1}), "sendMessage.text is not String: 1"),
        (json!({"chat_id": ANN, "text": "x", "disable_web_page_preview": true}), "disable_web_page_preview is unknown"),
        (json!({"chat_id": ANN, "text": "x", "parse_mode": null}), "parse_mode is not String: null"),
        (json!({"chat_id": ANN, "text": "x", "link_preview_options": {"is_disabled": "yes"}}), "not Boolean: \"yes\""),
        (json!({"chat_id": ANN, "text": "x", "reply_parameters": {"message_id": "1"}}), "not Integer: \"1\""),
        (
            json!({"chat_id": ANN, "text": "x", "reply_markup": keyboard(&json!([{"text": "x"}]))}),
            "not Array of Inline",
        ),
        (json!({"chat_id": 1.5, "text": "x"}), "chat_id is not"),
    ] {
        let said = bot.refused("sendMessage", params).await;
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(bot.server.violations().len(), 8);
}

#[tokio::test]
async fn messages_are_edited_replied_to_and_deleted_when_they_are_there() {
    let bot = Bot::start().await;
    let id = bot.say(ANN, "old").await;
    let edit = |id: i64, text: &str| json!({"chat_id": ANN, "message_id": id, "text": text});
    let edited = bot.must("editMessageText", edit(id, "new")).await;
    assert_eq!((&edited["text"], edited["edit_date"].is_i64()), (&json!("new"), true));
    assert!(bot.refused("editMessageText", edit(id, "new ")).await.starts_with("Bad Request: message is not modified"));
    let markup = keyboard(&json!([[{"text": "x", "callback_data": "y"}]]));
    let mark = json!({"chat_id": ANN, "message_id": id, "reply_markup": markup});
    bot.must("editMessageReplyMarkup", mark).await;
    assert_eq!(bot.server.buttons(ANN), ["x"]);
    // An edit without a keyboard takes it away.
    bot.must("editMessageText", edit(id, "new")).await;
    assert_eq!(bot.server.buttons(ANN), Vec::<String>::new());
    assert_eq!(bot.server.message(ANN, id).map(|message| message.edits), Some(3));
    let reply = |to: i64| json!({"chat_id": ANN, "text": "re", "reply_parameters": {"message_id": to}});
    assert_eq!(bot.must("sendMessage", reply(id)).await["reply_to_message"]["message_id"], id);
    bot.must("deleteMessage", json!({"chat_id": ANN, "message_id": id})).await;
    assert_eq!(bot.refused("editMessageText", edit(id, "x")).await, "Bad Request: message to edit not found");
    assert_eq!(bot.refused("sendMessage", reply(id)).await, "Bad Request: message to be replied not found");
    let mut lenient = reply(id);
    lenient["reply_parameters"]["allow_sending_without_reply"] = json!(true);
    bot.must("sendMessage", lenient).await;
    bot.server.erase(ANN, bot.server.last_id(ANN));
    assert_eq!(bot.server.violations(), Vec::<String>::new());
    bot.server.say(ANN, ANN, "mine");
    let theirs = bot.server.last_id(ANN);
    assert_eq!(bot.refused("editMessageText", edit(theirs, "x")).await, "Bad Request: message can't be edited");
    assert_eq!(bot.refused("sendMessage", reply(9_999)).await, "Bad Request: message to be replied not found");
    assert_eq!(bot.server.violations().len(), 2);
}

#[tokio::test]
async fn supergroups_number_their_messages_alone() {
    let bot = Bot::start().await;
    assert_eq!((bot.say(ANN, "a").await, bot.say(GROUP, "b").await), (1, 2));
    assert_eq!((bot.say(SUPER, "c").await, bot.say(SUPER, "d").await), (1, 2));
}

#[tokio::test]
async fn a_picture_is_fetched_in_two_steps() {
    let bot = Bot::start().await;
    bot.server.photo(ANN, ANN, "a receipt", b"whole picture");
    let update = bot.updates(json!({})).await.remove(0);
    let sizes = update["message"]["photo"].as_array().expect("sizes");
    let fetch = async |id: &Value| {
        let file = bot.must("getFile", json!({"file_id": id})).await;
        assert_eq!(spec::check_type("File", &file), Vec::<String>::new());
        let path = file["file_path"].as_str().expect("a path").replace('/', "%2F");
        let url = format!("{}/file/bot{}/{path}", bot.server.api_url(), bot.server.token());
        bot.client.get(url).send().await.expect("an answer").bytes().await.expect("bytes")
    };
    assert_eq!(fetch(&sizes[1]["file_id"]).await, "whole picture");
    assert_eq!(fetch(&sizes[0]["file_id"]).await, "thumbnail");
    assert_eq!(bot.refused("getFile", json!({"file_id": "no"})).await, "Bad Request: invalid file_id");
}

#[tokio::test]
async fn commands_chats_and_members_are_answered() {
    let bot = Bot::start().await;
    let set = |name: &str, text: &str| json!({"commands": [{"command": name, "description": text}]});
    bot.must("setMyCommands", set("help", "Helps")).await;
    let mut private = set("start", "Starts");
    private["scope"] = json!({"type": "all_private_chats"});
    private["language_code"] = json!("de");
    bot.must("setMyCommands", private).await;
    assert_eq!(bot.server.commands("all_private_chats de")[0]["command"], "start");
    assert_eq!(bot.must("getMyCommands", json!({})).await, set("help", "Helps")["commands"]);
    for (name, text) in [("Help", "x"), ("/help", "x"), ("", "x"), ("help", ""), ("help", &"x".repeat(257))] {
        bot.refused("setMyCommands", set(name, text)).await;
    }
    assert_eq!(bot.server.violations().len(), 5);
    bot.must("deleteMyCommands", json!({})).await;
    assert_eq!(bot.must("getMyCommands", json!({})).await, json!([]));
    for chat in [ANN, GROUP, SUPER] {
        let found = bot.must("getChat", json!({"chat_id": chat})).await;
        assert_eq!(spec::check_type("ChatFullInfo", &found), Vec::<String>::new());
    }
    bot.server.set_member(SUPER, BOB, "administrator");
    let member = bot.must("getChatMember", json!({"chat_id": SUPER, "user_id": BOB})).await;
    assert_eq!(member["status"], "administrator");
    assert_eq!(spec::check_type("ChatMember", &member), Vec::<String>::new());
    assert_eq!(bot.server.violations().len(), 5);
}
