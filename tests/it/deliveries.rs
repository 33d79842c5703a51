//! Ten thousand deliveries, each up to three times and out of order, through an engine that is cut
//! off again and again: none lost, none doubled.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use super_manager::store::LogStore;
use super_manager::store::sqlite::Db;
use workflows::action::Catalog;
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::ids::{ConversationId, PersonId};
use workflows::inbound::{Inbound, InboundKind};
use workflows::person::{Channel, Person, Role, Settings};
use workflows::ports::memory::{MemoryPeople, NotifySink, ScriptedActions};
use workflows::ports::{
    BUILTIN, Intent, PlanRequest, Planned, Planner, PlannerError, Proposal, RandomIds, SystemClock,
};

/// Events delivered.
const EVENTS: usize = 10_000;
/// Times the engine is cut off on the way.
const LIVES: usize = 25;
/// Deliveries under way at the same time.
const AT_ONCE: usize = 64;

/// Answers every request with its own words.
struct Echo;

#[async_trait]
impl Planner for Echo {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        let intent = Intent::default();
        let proposal = Proposal::Reply { text: request.text.to_owned(), intent };
        Ok(Planned { by: BUILTIN.to_owned(), proposal, notes: Vec::new() })
    }
}

fn person() -> Person {
    let settings = Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings }
}

fn engine(db: &Db) -> Engine {
    Engine::new(EngineParts {
        store: Arc::new(db.clone()),
        people: Arc::new(MemoryPeople { persons: vec![person()], contacts: Vec::new() }),
        planner: Arc::new(Echo),
        actions: Arc::new(ScriptedActions::new(Catalog::default())),
        sink: Arc::new(NotifySink::default()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds(|| uuid::Uuid::new_v4().simple().to_string())),
        limits: Limits { poll_millis: 20, drain_secs_max: 0, effects_day_max: u32::MAX, ..Limits::default() },
    })
}

fn event(n: usize) -> Inbound {
    Inbound {
        channel: Channel::Telegram,
        source_id: format!("update-{n}"),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId(format!("telegram:{}", n % 50)),
        received_at: workflows::ports::Clock::now(&SystemClock),
        said_at: None,
        kind: InboundKind::Message { text: format!("tell me about number {n}") },
        photos: Vec::new(),
    }
}

/// Each event one to three times, shuffled over all lives.
fn deliveries() -> Vec<usize> {
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).expect("31 bits")
    };
    let mut all: Vec<usize> = (0..EVENTS).flat_map(|n| std::iter::repeat_n(n, 1 + n % 3)).collect();
    for n in (1..all.len()).rev() {
        all.swap(n, next() % (n + 1));
    }
    all
}

/// One life: delivers until the runtime is torn down under it; gives back what was acknowledged.
fn live(path: &Path, todo: &[usize], cut_after: usize) -> Vec<usize> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let acknowledged = Arc::new(std::sync::Mutex::new(Vec::new()));
    let db = runtime.block_on(Db::open(path)).expect("the database opens");
    runtime.block_on(db.release_leases(workflows::ports::Clock::now(&SystemClock))).expect("leases are released");
    let engine = engine(&db);
    drop(db);
    let running = engine.clone();
    runtime.spawn(async move { running.run(std::future::pending()).await });
    runtime.block_on(async {
        let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        for n in todo {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("a permit");
            let (engine, told, n) = (engine.clone(), Arc::clone(&acknowledged), *n);
            tokio::spawn(async move {
                if engine.submit(event(n)).await.is_ok() {
                    told.lock().expect("no panic").push(n);
                }
                drop(permit);
            });
            if acknowledged.lock().expect("no panic").len() >= cut_after {
                break;
            }
        }
        if cut_after == usize::MAX {
            let all = u32::try_from(AT_ONCE).expect("a small number");
            drop(permits.acquire_many(all).await.expect("the last ones end"));
        }
    });
    drop(engine);
    // Nothing is awaited: whatever was between two steps stays there.
    runtime.shutdown_timeout(Duration::from_secs(5));
    acknowledged.lock().expect("no panic").clone()
}

#[test]
fn ten_thousand_deliveries_lose_nothing_and_double_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deliveries.db");
    let mut todo = deliveries();
    let share = todo.len() / LIVES;
    for life in 0..LIVES {
        let cut_after = if life + 1 == LIVES { usize::MAX } else { share };
        for n in live(&path, &todo, cut_after) {
            // A platform delivers again until it is answered, and here once for every copy.
            let at = todo.iter().position(|other| *other == n).expect("it was delivered");
            todo.remove(at);
        }
    }
    assert!(todo.is_empty(), "{} deliveries were never acknowledged", todo.len());
    let counts = replies(&path);
    let lost = (0..EVENTS).filter(|n| !counts.contains_key(n)).count();
    let doubled = counts.values().filter(|count| **count > 1).count();
    assert_eq!((lost, doubled), (0, 0));
}

/// How often each event was replied to, by the log, once everything has settled.
fn replies(path: &Path) -> HashMap<usize, usize> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let db = Db::open(path).await.expect("the database opens");
        db.release_leases(workflows::ports::Clock::now(&SystemClock)).await.expect("leases are released");
        let engine = engine(&db);
        let settled = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if db.queue_depth(DateTime::<chrono::Utc>::MAX_UTC).await.expect("a look") == 0 {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), engine.run(settled)).await.expect("everything settles");
        let mut counts = HashMap::new();
        let mut after = 0;
        loop {
            let frames = db.frames(&PersonId::from("ann"), after, 5_000).await.expect("the log");
            let Some(last) = frames.last() else { return counts };
            after = last.seq;
            for frame in frames.iter().filter(|frame| frame.kind == workflows::frame::FrameKind::Message) {
                let text = frame.data["text"].as_str().expect("words");
                let n = text.rsplit(' ').next().and_then(|n| n.parse().ok());
                let n = n.unwrap_or_else(|| panic!("not an echo: {text}"));
                *counts.entry(n).or_insert(0) += 1;
            }
        }
    })
}
