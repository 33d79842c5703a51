//! What breaks a process again and again is set aside, and everyone else is served.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use workflows::action::{ActionSpec, Catalog, ReachRule};
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::frame::FrameKind;
use workflows::ids::{ConversationId, PersonId, RunnerId, TaskId};
use workflows::inbound::{Command, Inbound, InboundKind};
use workflows::person::{Channel, Person, Role, Settings};
use workflows::planner::Builtin;
use workflows::ports::ids::CountingIds;
use workflows::ports::memory::{MemoryPeople, MemoryStore, NotifySink};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Actions, Claim, Clock, LookUp, SystemClock, TaskStore};
use workflows::state::Status;

/// Actions that break whoever runs them.
struct Breaking(Arc<Catalog>);

#[async_trait]
impl Actions for Breaking {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0)
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        panic!("{} breaks", call.action);
    }

    async fn look_up(&self, _call: ActionCall) -> LookUp {
        LookUp::Absent
    }

    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(5)
    }
}

fn engine(store: &Arc<MemoryStore>) -> Engine {
    let own = ActionSpec {
        name: "own.break".to_owned(),
        summary: String::new(),
        parameters: json!({"type": "object"}),
        result: json!({}),
        reach: ReachRule::Own,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &[],
        future: &[],
        version: None,
        unavailable: None,
    };
    let settings = Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    let person = Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings };
    Engine::new(EngineParts {
        store: Arc::clone(store) as Arc<dyn TaskStore>,
        people: Arc::new(MemoryPeople { persons: vec![person], contacts: Vec::new() }),
        planner: Arc::new(Builtin),
        actions: Arc::new(Breaking(Arc::new(Catalog::new(vec![own])))),
        sink: Arc::new(NotifySink::default()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(CountingIds::default()),
        limits: Limits { poll_millis: 5, ..Limits::default() },
    })
}

fn inbound(source: &str, kind: InboundKind) -> Inbound {
    Inbound {
        channel: Channel::Web,
        source_id: source.to_owned(),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId(format!("web:{source}")),
        received_at: SystemClock.now() - chrono::Duration::hours(1),
        said_at: None,
        kind,
        photos: Vec::new(),
    }
}

/// Runs an engine until what is asked holds.
async fn run_until(engine: &Engine, holds: impl Fn() -> bool + Send + Sync) {
    let done = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), engine.run(done)).await.expect("it comes to hold");
}

fn said(store: &MemoryStore, words: &str) -> usize {
    let frames = store.frames();
    let messages = frames.iter().filter(|frame| frame.kind == FrameKind::Message);
    messages.filter(|frame| frame.data["text"].as_str().is_some_and(|text| text.contains(words))).count()
}

#[tokio::test]
async fn an_event_that_broke_its_processes_is_set_aside_and_the_next_one_is_served() {
    let store = Arc::new(MemoryStore::default());
    let hello = |source: &str| inbound(source, InboundKind::Message { text: "hello".to_owned() });
    store.accept(&hello("bad")).await.expect("accepted");
    // Two processes took it up alone and died of it.
    for minutes in [50, 40] {
        let before = SystemClock.now() - chrono::Duration::minutes(minutes);
        assert_eq!(store.take_up(before, 1).await.expect("taken").len(), 1);
    }
    store.accept(&hello("good")).await.expect("accepted");
    let engine = engine(&store);
    run_until(&engine, || said(&store, "set it aside") == 1 && said(&store, "Hello") >= 1).await;
    let later = SystemClock.now() + chrono::Duration::hours(1);
    assert!(store.take_up(later, 10).await.expect("taken").is_empty(), "nothing is left over");
}

async fn begin(engine: &Engine, source: &str) -> TaskId {
    let plan = json!({"version": 1, "title": "Break", "stages": [
        {"id": "a", "type": "execution", "action": "own.break", "params": {}}]});
    let plan = serde_json::from_value(plan).expect("a plan");
    let run = InboundKind::Command(Command::Run { plan: Box::new(plan), title: None });
    engine.submit(inbound(source, run)).await.expect("handled").task_id.expect("a task")
}

#[tokio::test]
async fn an_act_that_breaks_is_unknown_and_asked_about() {
    let store = Arc::new(MemoryStore::default());
    let engine = engine(&store);
    begin(&engine, "a").await;
    run_until(&engine, || said(&store, "I cannot tell whether this was done") == 1).await;
}

#[tokio::test]
async fn a_task_claimed_again_and_again_without_progress_is_set_aside() {
    let store = Arc::new(MemoryStore::default());
    let wait = json!({"version": 1, "title": "Wait", "stages": [{"id": "w", "type": "wait", "for": "P1D"}]});
    let first = engine(&store);
    let run = Command::Run { plan: Box::new(serde_json::from_value(wait).expect("a plan")), title: None };
    let id = first.submit(inbound("w", InboundKind::Command(run))).await.expect("handled").task_id.expect("a task");
    // Process after process claims it and dies before it gets on.
    let mut now = SystemClock.now() + chrono::Duration::days(2);
    for _ in 0..5 {
        let claim =
            Claim { owner: RunnerId::from("dead"), now, lease_until: now + chrono::Duration::seconds(1), limit: 10 };
        assert_eq!(store.claim(claim).await.expect("claimed").len(), 1);
        now += chrono::Duration::seconds(2);
    }
    let past = SystemClock.now() - chrono::Duration::seconds(1);
    let claim = Claim { owner: RunnerId::from("dead"), now, lease_until: past, limit: 10 };
    store.claim(claim).await.expect("claimed");
    let next = engine(&store);
    run_until(&next, || said(&store, "aside") == 1).await;
    let row = store.load(&id).await.expect("a load").expect("the task");
    assert_eq!(row.state.status(), Status::Quarantined);
}
