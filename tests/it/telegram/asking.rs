//! Requests that are more than words: with photos, and with a question open.

use channels::telegram::store::{Outbox as _, Upload};
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use super_manager::store::LogStore as _;
use super_manager::store::sqlite::Db;
use workflows::ids::PersonId;
use workflows::ports::{Clock as _, SystemClock, TaskStore as _};
use workflows::state::TaskState;

use super::{ANN, House, has_button};
use crate::fake_telegram::Fault;
use crate::service::Service;

/// Every file that was kept, by its name.
fn kept(house: &House) -> Vec<(String, Vec<u8>)> {
    let Ok(folder) = std::fs::read_dir(house.setup.data_dir.join("uploads")) else { return Vec::new() };
    let read = |path: std::path::PathBuf| {
        (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(path).expect("a file"))
    };
    let mut kept: Vec<_> = folder.map(|entry| read(entry.expect("an entry").path())).collect();
    kept.sort();
    kept
}

/// What the owner's tasks were asked with, oldest first: the words, and the files of their photos.
async fn requests(house: &House) -> Vec<(String, Vec<String>)> {
    let me = house.service().get("/api/me").await;
    let owner = PersonId::from(me["user_id"].as_str().expect("an id"));
    let db = Db::open_shared(&house.setup.data_dir.join("super-manager.db")).await.expect("the database");
    let mut requests: Vec<(String, Vec<String>)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for frame in db.frames(&owner, 0, 1_000).await.expect("the log") {
        let Some(task) = frame.task_id.filter(|task| seen.insert(task.clone())) else { continue };
        let state: TaskState = db.load(&task).await.expect("a look").expect("the task").state;
        let request = state.request();
        requests.push((request.text.clone(), request.photos.iter().map(|photo| photo.file.clone()).collect()));
    }
    requests
}

async fn open_question(house: &House) -> i64 {
    house
        .run(json!({"version": 1, "title": "Q", "stages": [
            {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]}))
        .await;
    house.telegram.wait_for_text(ANN, "Which colour?").await.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_goes_with_its_caption_or_asks_what_is_in_it() {
    let house = House::new().await;
    let telegram = &house.telegram;
    open_question(&house).await;
    telegram.photo(ANN, ANN, "Email dora@test.local: lunch at noon?", b"\xff\xd8\xff\xe0 a picture");
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    let update = telegram.photo(ANN, ANN, "", b"another");
    telegram.wait_confirmed(update).await;
    // The same update again is the same photo, once.
    telegram.redeliver(1);
    telegram.say(ANN, ANN, "/settings colour blue");
    telegram.wait_for_text(ANN, "I know the settings").await;
    let kept = kept(&house);
    let bytes: Vec<&[u8]> = kept.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    assert_eq!(bytes, [b"\xff\xd8\xff\xe0 a picture".as_slice(), b"another"]);
    let asked = requests(&house).await;
    let wanted = [
        (String::new(), vec![]),
        ("Email dora@test.local: lunch at noon?".to_owned(), vec![kept[0].0.clone()]),
        ("What is in this photo?".to_owned(), vec![kept[1].0.clone()]),
    ];
    assert_eq!(asked, wanted, "no photo answers the open question");
    assert!(telegram.messages(ANN).iter().any(|m| m.text.contains("no model for them is set up")), "it is told");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_cannot_be_had_is_told_and_its_words_count() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.fail_next("getFile", Fault::ServerError);
    telegram.photo(ANN, ANN, "Email dora@test.local: lunch at noon?", b"lost");
    telegram.wait_for_text(ANN, "I go by your words alone").await;
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    telegram.fail_next("getFile", Fault::ServerError);
    telegram.photo(ANN, ANN, "", b"lost too");
    telegram.wait_for_text(ANN, "Please send it again").await;
    assert_eq!(requests(&house).await, [("Email dora@test.local: lunch at noon?".to_owned(), vec![])]);
    assert!(kept(&house).is_empty());
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_of_a_day_have_an_end_and_their_words_count_all_the_same() {
    let mut house = House::new().await;
    let me = house.service().get("/api/me").await;
    assert!(house.service.take().expect("it runs").stop());
    let db = Db::open(&house.setup.data_dir.join("super-manager.db")).await.expect("the database");
    for n in 0..99 {
        let upload = Upload {
            person_id: PersonId::from(me["user_id"].as_str().expect("an id")),
            source_id: format!("earlier-{n}"),
            path: format!("earlier-{n}.jpg").into(),
            bytes: 1,
            at: SystemClock.now(),
        };
        db.put_upload(upload).await.expect("a note");
    }
    drop(db);
    house.service = Some(Service::start(&house.setup));
    let telegram = &house.telegram;
    telegram.photo(ANN, ANN, "Email dora@test.local: lunch at noon?", b"the hundredth");
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    telegram.photo(ANN, ANN, "Email dora@test.local: dinner at eight?", b"one more");
    telegram.wait_for_text(ANN, "I look at no more photos of yours today").await;
    telegram.wait_for_message(ANN, |m| m.id > card.id && has_button(m, "Confirm")).await;
    let photos: Vec<usize> = requests(&house).await.iter().map(|(_, photos)| photos.len()).collect();
    assert_eq!(photos, [1, 0]);
    assert_eq!(kept(&house).len(), 1, "it is not even fetched");
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_words_decide_or_answer_is_not_looked_at_and_that_is_told() {
    let house = House::new().await;
    let telegram = &house.telegram;
    telegram.say(ANN, ANN, "Email dora@test.local: lunch at noon?");
    telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    telegram.photo(ANN, ANN, "yes", b"a picture");
    telegram.wait_for_text(ANN, "All done.").await;
    telegram.wait_for_text(ANN, "a question is answered in words").await;
    assert_eq!(house.smtp.ledger().len(), 1);
    assert_eq!(requests(&house).await.len(), 1);
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_is_something_new_whatever_question_is_open() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let question = open_question(&house).await;
    telegram.say(ANN, ANN, "/ask");
    telegram.wait_for_text(ANN, "Write what you need behind it").await;
    telegram.say(ANN, ANN, "/ask Email dora@test.local: lunch at noon?");
    let asked = telegram.last_id(ANN);
    let card = telegram.wait_for_message(ANN, |m| has_button(m, "Confirm")).await;
    // A change of the message is a change of what follows the command.
    telegram.edit(ANN, ANN, asked, "/ask Email dora@test.local: dinner at eight?");
    telegram.wait_for_message(ANN, |m| m.id > card.id && has_button(m, "Confirm")).await;
    let texts: Vec<String> = requests(&house).await.into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["", "Email dora@test.local: lunch at noon?", "Email dora@test.local: dinner at eight?"]);
    let prompts = house.service().get("/api/prompts").await;
    assert!(prompts.to_string().contains("Which colour?"), "the question is still open");
    telegram.reply(ANN, ANN, question, "blue");
    telegram.wait_for_text(ANN, "All done").await;
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_remote_models_may_see_requests_is_shown_and_changed() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let before = house.service().get("/api/settings").await["remote_ai"].as_bool().expect("a yes or no");
    let word = |on: bool| if on { "remote_ai: on" } else { "remote_ai: off" };
    telegram.say(ANN, ANN, "/settings");
    telegram.wait_for_text(ANN, word(before)).await;
    telegram.say(ANN, ANN, if before { "/settings remote_ai off" } else { "/settings remote_ai on" });
    telegram.wait_for_text(ANN, word(!before)).await;
    assert_eq!(house.service().get("/api/settings").await["remote_ai"], json!(!before));
    house.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_waited_for_us_mean_the_day_they_were_said_on() {
    let house = House::new().await;
    let telegram = &house.telegram;
    let written = (SystemClock.now() - TimeDelta::days(1)).timestamp();
    telegram.raw_update(json!({"message": {
        "message_id": 900_001, "date": written, "text": "remind me in 3 days to call the bank",
        "chat": {"id": ANN, "type": "private", "first_name": "Ann Archer"},
        "from": {"id": ANN, "is_bot": false, "first_name": "Ann Archer"}}}));
    let wanted = DateTime::from_timestamp(written, 0).expect("a time") + TimeDelta::days(3);
    let asked = telegram.wait_for_text(ANN, "At what time on").await.text;
    assert!(asked.contains(&wanted.format("%A, %-d %B %Y").to_string()), "{asked}");
    house.assert_strict();
}
