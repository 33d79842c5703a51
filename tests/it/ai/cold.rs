//! A model that is not loaded: whoever asks first does not wait longer than anybody may, and it is loaded
//! all the same.

use std::time::{Duration, Instant};

use super::peer::{Peer, breaker_until, status};
use super::*;
use crate::fake_ai::Reply;

const WORDS: &str = "write to Bob what I promised";
/// Longer than anybody waits for a first word here.
const LOAD: Duration = Duration::from_secs(4);
/// What a person may wait when nobody is waited for in vain.
const ANSWER_MAX: Duration = Duration::from_millis(500);

async fn planner(service: &Service, session: &str) -> Value {
    say_in(service, session, WORDS).await["planner"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_late_is_loaded_apart_and_left_alone_until_then() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    ai.ollama.cool_down("llama3.2", LOAD);
    ai.ollama.answer_with(|_| Reply::json(&mail_plan("bob@test.local", "Dinner")));
    let setup = with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, "ollama");
    let setup = setup.with("AI_FIRST_BYTE_TIMEOUT_SECS", "1").with("AI_BREAKER_COOLDOWN_SECS", "1");
    let service = Service::start(&setup);
    let chats = || Peer::of(&ai, "ollama").chats().len();

    let began = Instant::now();
    assert_eq!(planner(&service, "a").await, "builtin");
    assert!(began.elapsed() < LOAD, "nobody waits for the load");
    assert_eq!(chats(), 1);

    breaker_until(&service, "ollama", "half_open").await;
    let asked = Instant::now();
    assert_eq!(planner(&service, "b").await, "builtin");
    assert!(began.elapsed() < LOAD, "this machine is too slow to tell");
    assert!(asked.elapsed() < ANSWER_MAX, "it is known to be loading: {:?}", asked.elapsed());
    assert_eq!(chats(), 1, "a model that is being loaded is not asked");
    let seen = status(&service, "ollama").await;
    assert_eq!(seen["breakers"]["llama3.2"]["last_error"], "its model is being loaded", "{seen:#}");
    assert_eq!(
        service.get("/api/status").await["ai_usage_today"]["models"][0]["calls"],
        1,
        "what was not sent is not counted"
    );

    // It is there when it is loaded, and was loaded once, for nobody in particular.
    let loaded = async {
        for n in 0.. {
            if planner(&service, &format!("c{n}")).await == "ollama" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), loaded).await.expect("it is loaded in the end");
    let loads = ai.ollama.requests_to("POST /api/generate");
    assert_eq!(loads.len(), 1);
    let (load, chat) = (loads[0].json(), ai.ollama.asked().last().expect("a chat").clone());
    assert_eq!(load["system"], chat.system(), "it has read what every prompt begins with");
    assert_eq!(load["options"]["num_ctx"], chat.body["options"]["num_ctx"], "another size is loaded anew");
    assert!(!load.to_string().contains("promised"), "nothing of what was said is in it");
    ai.assert_no_violations();
}
