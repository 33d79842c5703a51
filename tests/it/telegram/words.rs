//! Whatever is said, Telegram takes it, and nothing of it is lost.

use channels::text::{clean, is_blank};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{ANN, House};

/// Plans tried in one run.
const PLANS: usize = 60;

/// Text of any script, with what breaks markup, with pictures, marks and invisible characters.
fn text(max: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z ]{1,20}",
        "[а-яёА-ЯЁ ]{1,20}",
        "[א-ת؀-ۿ ]{1,20}",
        "[<>&\"'/=#;]{1,8}",
        "[😀👩🏽🚀❤️🇩🇪‍]{1,6}",
        "\\PC{1,10}",
        "[\u{0}-\u{1f}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{2800}\u{3164}\u{feff}]{1,4}",
        Just("<b>&amp;&lt;/code&gt;</pre>".to_owned()),
        Just("\n\n  \n".to_owned()),
        "[漢字かな]{1,20}",
    ];
    proptest::collection::vec(piece, 1..max).prop_map(|pieces| pieces.concat())
}

fn options() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec((text(6), proptest::option::of(text(8))), 1..24).prop_map(|options| {
        let shown = |(n, (name, description)): (usize, (String, Option<String>))| {
            json!({"id": format!("o{n}"), "name": name, "description": description})
        };
        options.into_iter().enumerate().map(shown).collect()
    })
}

fn stage() -> impl Strategy<Value = Value> {
    let id = "q";
    prop_oneof![
        (text(400), proptest::collection::vec(text(4), 0..8)).prop_map(move |(question, suggestions)| {
            json!({"id": id, "type": "clarification", "question": question, "answer": "text", "suggestions": suggestions})
        }),
        (text(40), options()).prop_map(move |(question, options)| {
            json!({"id": id, "type": "selection", "question": question, "options": options})
        }),
        (text(40), options()).prop_map(move |(question, options)| {
            json!({"id": id, "type": "multi_select", "question": question, "options": options})
        }),
        (text(40), text(900)).prop_map(move |(title, body)| {
            json!({"id": id, "type": "execution", "action": "email.send_email", "title": title,
                "params": {"to": ["dora@test.local"], "subject": "s", "body": body}})
        }),
    ]
}

/// What a reader sees of a text.
fn seen(text: &str) -> String {
    text.chars().filter(|c| !is_blank(&c.to_string())).collect()
}

/// A text as a template that comes out as it is.
fn literal(value: Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace('{', "(")),
        Value::Array(items) => items.into_iter().map(literal).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, literal(value))).collect(),
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_any_options_telegram_takes_it_and_reads_the_same() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let seed = std::env::var("WORDS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("WORDS_SEED={seed}");
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(Config::default().rng_algorithm, &bytes));
    let (mut asked, mut long) = (0, 0);
    while asked < PLANS {
        let stage = literal(stage().new_tree(&mut runner).expect("a stage").current());
        let before = telegram.last(ANN).map_or(0, |message| message.id);
        let plan = json!({"version": 1, "title": "T", "stages": [stage]});
        let body = json!({"plan": plan, "channel": "telegram"});
        let (status, begun) =
            house.service().call(reqwest::Method::POST, "/api/tasks", Some(body)).await.expect("an answer");
        if status == 422 {
            continue;
        }
        assert_eq!(status, 201, "{begun}");
        asked += 1;
        let prompts = house.service().get("/api/prompts").await;
        let prompt = &prompts["prompts"][0];
        telegram
            .wait_for_message(ANN, |m| {
                m.id > before
                    && (m.markup.is_some() || prompt["options"].is_null() && prompt["pending_actions"].is_null())
            })
            .await;
        // The stop comes after everything that was asked.
        house
            .service()
            .post(&format!("/api/tasks/{}/cancel", begun["task_id"].as_str().expect("an id")), json!({}))
            .await;
        let stop = telegram.wait_for_message(ANN, |m| m.id > before && m.text.starts_with("Stopped.")).await;
        telegram
            .wait_for_message(ANN, |m| m.id > before && (m.text.contains("no longer needed") || m.markup.is_none()))
            .await;
        let messages: Vec<_> = telegram.messages(ANN).into_iter().filter(|m| m.id > before && m.id < stop.id).collect();
        long += usize::from(messages.len() > 1);
        let joined: String = messages.iter().map(|m| m.raw.replace("\n\n— no longer needed", "")).collect();
        let question = clean(prompt["question"].as_str().expect("words"));
        assert!(
            is_blank(&question) || seen(&read(&joined)).starts_with(&seen(&question)),
            "asked {question:?}, read {joined:?}"
        );
        if prompt["kind"] == "confirmation" {
            let body = prompt["pending_actions"][0]["parameters"]["body"].as_str().expect("a body");
            assert!(seen(&read(&joined)).contains(&seen(&channels::text::visible(body))), "all of the body is shown");
        }
        house.assert_strict();
        assert!(telegram.refused().is_empty(), "nothing is refused: {:?}", telegram.refused());
    }
    assert!(long > 0, "some are longer than one message");
}

/// What a reader reads of HTML.
fn read(html: &str) -> String {
    ["<b>", "</b>", "<code>", "</code>"]
        .iter()
        .fold(html.to_owned(), |html, tag| html.replace(tag, ""))
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
