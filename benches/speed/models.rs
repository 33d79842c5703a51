//! What asking models costs beside the models themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::json;
use super_manager::ai::budget::Budget;
use super_manager::ai::openai::OpenAi;
use super_manager::ai::prompt::{Background, planning};
use super_manager::ai::provider::{Presence, Provider};
use super_manager::ai::router::Router;
use super_manager::ai::seat::Seat;
use super_manager::ai::wire::{Chat, Fault, Hear, Message, Role, Said, Speaker};
use super_manager::config::{AiLimits, Models, ProviderConfig, ProviderName};
use super_manager::memory::Purpose;
use super_manager::outgoing::{Outgoing, SystemNames};
use super_manager::store::sqlite::Db;
use workflows::action::{ActionSpec, Catalog, ReachRule};
use workflows::ids::ContactId;
use workflows::person::Contact;
use workflows::ports::{Clock as _, Intent, PlanRequest, SystemClock};

use crate::Line;
use crate::turns::person;

const TIMES: usize = 300;
const REQUEST: &str =
    "Plan a surprise birthday party for my wife next Saturday in Goa, invite our 10 friends, budget around 50k";
const LIMITS: AiLimits = AiLimits {
    connect: Duration::from_secs(1),
    first_byte: Duration::from_millis(500),
    total: Duration::from_secs(2),
    failures: 1_000_000,
    cooldown: Duration::from_secs(30),
    tokens_day: u64::MAX / 2,
    calls_day: u64::MAX / 2,
};

/// A model that answers at once.
struct Instantly;

#[async_trait]
impl Provider for Instantly {
    fn name(&self) -> ProviderName {
        ProviderName::Ollama
    }
    fn model(&self, _role: Role) -> Option<&str> {
        Some("instant")
    }
    async fn chat(&self, _model: &str, _chat: &Chat, _hear: Hear<'_>) -> Result<Said, Fault> {
        Ok(Said { text: "{}".to_owned(), usage: None })
    }
    async fn embed(&self, _model: &str, _texts: &[String], _purpose: Purpose) -> Result<Vec<Vec<f32>>, Fault> {
        Ok(Vec::new())
    }
    async fn models(&self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
    async fn look(&self) -> Presence {
        Presence::Unknown
    }
}

fn config(name: ProviderName, url: &str) -> ProviderConfig {
    let models = Models { planning: "m".to_owned(), vision: None, code: None, embed: None };
    let url = url.parse().expect("a URL");
    ProviderConfig { name, url, key: None, models, price: None, local: true, at_once: 4, assumed: false }
}

fn instantly() -> Seat {
    Seat::new(Arc::new(Instantly), &config(ProviderName::Ollama, "http://127.0.0.1:1/"))
}

fn at(url: &str) -> Seat {
    let config = config(ProviderName::OpenAi, url);
    let outgoing = Outgoing::new(std::slice::from_ref(&config.url), Arc::new(SystemNames)).expect("a client");
    Seat::new(Arc::new(OpenAi::new(config.clone(), LIMITS, outgoing)), &config)
}

fn router(seats: Vec<Seat>, limits: AiLimits, db: &Db) -> Router {
    Router::new(seats, limits, Budget::new(Arc::new(db.clone()), limits), Arc::new(SystemClock))
}

fn chat() -> Chat {
    Chat { messages: vec![Message::new(Speaker::User, "hello")], schema: None, tokens_max: 10 }
}

async fn ask(router: &Router) -> Duration {
    let began = Instant::now();
    router.ask_any(Role::Planning, &person(), &chat(), &|_| {}).await.expect("an answer");
    began.elapsed()
}

async fn median(router: &Router) -> Duration {
    let mut all = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        all.push(ask(router).await);
    }
    all.sort_unstable();
    all[TIMES / 2]
}

/// About as many actions as the program has, and a full address book.
fn prompt() -> Duration {
    let spec = |n: usize| ActionSpec {
        name: format!("plugin.action_{n}"),
        summary: "Does one of the things that can be done, in a sentence".to_owned(),
        parameters: json!({"type": "object", "required": ["a", "b"], "properties": {
            "a": {"type": "array", "items": {"type": "string"}}, "b": {"type": "string"}, "c": {"type": "integer"},
            "d": {"enum": ["x", "y", "z"]}, "e": {"type": "string"}, "f": {"type": "object"}}}),
        result: json!({"type": "object", "properties": {"results": {"type": "array", "items": {"properties": {"n": {}}}}}}),
        reach: ReachRule::World,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &["a"],
        future: &[],
        version: None,
        unavailable: None,
    };
    let catalog = Catalog::new((0..35).map(spec).collect());
    let contacts: Vec<Contact> = (0..200)
        .map(|n| Contact {
            groups: vec!["friends".to_owned()],
            ..Contact::named(ContactId(n.to_string()), format!("Name{n} Family{n}"))
        })
        .collect();
    let (person, background, read) = (person(), Background::default(), Intent::default());
    let catalog = &catalog;
    let request = PlanRequest::new(REQUEST, &person, &contacts, SystemClock.now(), catalog);
    let mut all: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            std::hint::black_box(planning(&request, &read, &background));
            began.elapsed()
        })
        .collect();
    all.sort_unstable();
    all[TIMES / 2]
}

pub(crate) async fn measure() -> Vec<Line> {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("models.db")).await.expect("a database");
    let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let routed = median(&router(vec![instantly()], LIMITS, &db)).await;
    let failed_over = median(&router(vec![at("http://127.0.0.1:1/"), instantly()], LIMITS, &db)).await;
    let prompt = prompt();
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let hung = router(vec![at(&url), instantly()], AiLimits { failures: 3, ..LIMITS }, &db);
    let (first, second) = (ask(&hung).await, ask(&hung).await);
    vec![
        Line::new(
            "a model asked: the router's part, p50",
            millis(routed),
            "≤ 1 ms",
            routed <= Duration::from_millis(1),
        ),
        Line::new(
            "a prompt of 35 actions and 200 people, p50",
            millis(prompt),
            "≤ 1 ms",
            prompt <= Duration::from_millis(1),
        ),
        Line::new(
            "a refused connection, until the next has answered, p50",
            millis(failed_over),
            "≤ 50 ms",
            failed_over <= Duration::from_millis(50),
        ),
        Line::new(
            "a hung provider (500 ms allowed): first, second request",
            format!("{}, {}", millis(first), millis(second)),
            "its time once",
            first < Duration::from_millis(600) && second < Duration::from_millis(50),
        ),
    ]
}
