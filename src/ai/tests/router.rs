//! Calls that nobody waits for any more.

use std::time::Duration;

use async_trait::async_trait;
use workflows::ports::clock::ManualClock;

use super::super::budget::Budget;
use super::super::provider::{Presence, Provider};
use super::super::router::Router;
use super::super::seat::Seat;
use super::super::wire::{Chat, Fault, Hear, Message, Role as Use, Said, Speaker};
use super::*;
use crate::config::{AiLimits, Models, ProviderConfig, ProviderName};
use crate::memory::Purpose;
use crate::store::PeopleStore as _;
use crate::store::sqlite::Db;

/// A provider that never answers.
struct Silent;

#[async_trait]
impl Provider for Silent {
    fn name(&self) -> ProviderName {
        ProviderName::OpenAi
    }

    fn model(&self, _role: Use) -> Option<&str> {
        Some("m")
    }

    async fn chat(&self, _model: &str, _chat: &Chat, _hear: Hear<'_>) -> Result<Said, Fault> {
        std::future::pending().await
    }

    async fn embed(&self, _model: &str, _texts: &[String], _purpose: Purpose) -> Result<Vec<Vec<f32>>, Fault> {
        std::future::pending().await
    }

    async fn models(&self) -> Result<Vec<String>, Fault> {
        std::future::pending().await
    }

    async fn look(&self) -> Presence {
        Presence::Unknown
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_counted_and_what_it_did_not_take_is_given_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
    db.create_person(&person(), now()).await.expect("a person");
    let limits = AiLimits {
        connect: Duration::from_secs(1),
        first_byte: Duration::from_secs(1),
        total: Duration::from_secs(1),
        failures: 3,
        cooldown: Duration::from_secs(1),
        tokens_day: 2_000,
        calls_day: 100,
    };
    let config = ProviderConfig {
        name: ProviderName::OpenAi,
        url: "http://127.0.0.1:1/".parse().expect("a URL"),
        key: None,
        models: Models { planning: "m".to_owned(), vision: None, code: None, embed: None },
        price: None,
        local: true,
        at_once: 1,
        assumed: false,
    };
    let db = Arc::new(db);
    let seats = vec![Seat::new(Arc::new(Silent), &config)];
    let router = Router::new(seats, limits, Budget::new(db.clone(), limits), Arc::new(ManualClock::new(now())));
    let message = Message::new(Speaker::User, "three bytes are a token");
    let chat = Chat { messages: vec![message], schema: None, tokens_max: 1_500 };
    let seat = router.seats(Use::Planning, &person()).remove(0);
    // Were it kept, the second would find no room.
    let ann = person();
    for times in 1..=3_u64 {
        let asked = router.ask(&seat, Use::Planning, &ann, &chat, &|_| {});
        assert!(tokio::time::timeout(Duration::from_millis(50), asked).await.is_err(), "it waits for an answer");
        let noted = async {
            while router.usage(&ann).await["models"][0]["calls"] != times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), noted).await.expect("it is noted");
        assert_eq!(router.usage(&ann).await["models"][0]["input_tokens"], times * chat.tokens());
        let counts = &router.counts()[0];
        assert_eq!((counts.requests, counts.errors.as_slice()), (times, [].as_slice()), "it is nobody's error");
    }
}
