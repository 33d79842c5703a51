//! What models are for besides planning: pictures, questions about code, and what is remembered.

mod code;
mod memory;
mod vision;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use super_manager::ai::router::Router;
use super_manager::ai::{self, AiPlanner, RouterEmbedder};
use super_manager::config::{AiConfig, AiLimits, Models, ProviderConfig, ProviderName};
use super_manager::memory::Memory;
use super_manager::store::PeopleStore as _;
use super_manager::store::sqlite::Db;
use workflows::action::Catalog;
use workflows::inbound::Photo;
use workflows::person::{Channel, Person, Role, Settings};
use workflows::ports::{PlanRequest, Planned, Planner as _, Proposal, SystemClock};

use crate::fake_ai::{Asked, FakeAi};

/// Models as Ollama has them.
fn all_models() -> Models {
    Models {
        planning: "llama3.2".to_owned(),
        vision: Some("llava".to_owned()),
        code: Some("codellama".to_owned()),
        embed: Some("nomic-embed-text".to_owned()),
    }
}

/// An Ollama server with these models.
fn ollama(ai: &FakeAi, models: Models) -> ProviderConfig {
    ProviderConfig {
        name: ProviderName::Ollama,
        url: ai.ollama.url().parse().expect("a URL"),
        key: None,
        models,
        price: None,
        local: true,
        at_once: 4,
        assumed: false,
    }
}

/// OpenAI with a model for everything but vectors.
fn openai(ai: &FakeAi) -> ProviderConfig {
    let model = || "gpt-4o-mini".to_owned();
    ProviderConfig {
        name: ProviderName::OpenAi,
        url: format!("{}/", ai.openai.url().trim_end_matches('/')).parse().expect("a URL"),
        key: Some(ai.openai.key().into()),
        models: Models { planning: model(), vision: Some(model()), code: Some(model()), embed: None },
        price: None,
        local: false,
        at_once: 4,
        assumed: false,
    }
}

/// A planner in this process, and what it works with.
struct Desk {
    ai: FakeAi,
    router: Arc<Router>,
    planner: AiPlanner,
    memory: Memory,
    db: Db,
    person: Person,
    catalog: Catalog,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new(providers: impl FnOnce(&FakeAi) -> Vec<ProviderConfig>) -> Self {
        let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
        std::fs::create_dir(dir.path().join("uploads")).expect("a directory");
        let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
        let settings = Settings {
            timezone: chrono_tz::UTC,
            currency: "EUR".to_owned(),
            locale: "en".to_owned(),
            remote_ai: false,
            notify_on: Channel::Web,
        };
        let person = Person { id: "ann".into(), name: "Ann".to_owned(), role: Role::Owner, settings };
        db.create_person(&person, now()).await.expect("a person");
        let (router, planner, memory) = planner(&db, providers(&ai), dir.path().join("uploads"));
        Self { ai, router, planner, memory, db, person, catalog: Catalog::default(), dir }
    }

    /// Another planner over the same store, asking others.
    fn ask_instead(&mut self, providers: Vec<ProviderConfig>) {
        (self.router, self.planner, self.memory) = planner(&self.db, providers, self.uploads());
    }

    /// Looks who is there.
    async fn look_around(&self) {
        self.router.look_around().await;
    }

    fn uploads(&self) -> PathBuf {
        self.dir.path().join("uploads")
    }

    /// Keeps a file as if it had been uploaded.
    fn upload(&self, name: &str, bytes: &[u8]) -> Photo {
        std::fs::write(self.uploads().join(name), bytes).expect("a file");
        Photo { file: name.to_owned() }
    }

    /// Plans these words, as task so-and-so.
    async fn plan(&self, text: &str, task: &str, photos: &[Photo]) -> Planned {
        let (conversation, task) = ("web:s".into(), task.into());
        let request = PlanRequest {
            origin: Some((&conversation, &task)),
            photos,
            ..PlanRequest::new(text, &self.person, &[], now(), &self.catalog)
        };
        self.planner.plan(request).await.expect("a proposal")
    }
}

fn planner(db: &Db, providers: Vec<ProviderConfig>, uploads: PathBuf) -> (Arc<Router>, AiPlanner, Memory) {
    let limits = AiLimits {
        connect: Duration::from_secs(3),
        first_byte: Duration::from_secs(10),
        total: Duration::from_secs(20),
        failures: 3,
        cooldown: Duration::from_secs(60),
        tokens_day: 1_000_000,
        calls_day: 1_000,
    };
    let config = AiConfig { providers, off: Vec::new(), limits };
    let (db, clock) = (Arc::new(db.clone()), Arc::new(SystemClock));
    let router = Arc::new(ai::router(&config, db.clone(), clock.clone()).expect("a router"));
    let memory = Memory::new(db.clone(), Some(Arc::new(RouterEmbedder(Arc::clone(&router)))), clock);
    (Arc::clone(&router), AiPlanner::new(router, db, memory.clone(), uploads), memory)
}

fn now() -> DateTime<Utc> {
    // 2026-11-24, a Tuesday.
    DateTime::from_timestamp(1_795_500_000, 0).expect("a time")
}

/// A plan that any catalog allows.
fn some_plan() -> Value {
    json!({"kind": "plan", "title": "Dinner", "intent": "plan_event", "slots": {}, "stages": [
        {"id": "who", "type": "clarification", "question": "Who comes?", "answer": "text"}]})
}

/// What was asked of this model.
fn asked_of(asked: Vec<Asked>, model: &str) -> Vec<Asked> {
    asked.into_iter().filter(|asked| asked.model == model).collect()
}

fn reply(planned: &Planned) -> &str {
    match &planned.proposal {
        Proposal::Reply { text, .. } => text,
        other => panic!("a reply, not {other:?}"),
    }
}
