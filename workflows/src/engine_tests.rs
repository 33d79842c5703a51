//! The engine over the store in memory: what is committed when, what is refused, what breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::action::{ActionSpec, Catalog, ReachRule};
use crate::engine::{Engine, EngineError, EngineParts, Handled, Limits};
use crate::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use crate::inbound::{Answer, Command, Inbound, InboundKind};
use crate::person::{Channel, Person, Role, Settings};
use crate::plan::Plan;
use crate::ports::ids::CountingIds;
use crate::ports::memory::{MemoryPeople, MemoryStore, NotifySink};
use crate::ports::store::ConversationView;
use crate::ports::{
    Accepted, ActionCall, ActionError, ActionOutcome, Actions, Claim, Claimed, Clock, Committed, InboxRow, LookUp,
    PlanRequest, Planned, Planner, PlannerError, PromptRow, StoreError, TaskRow, TaskStore, Turn,
};
use crate::state::{ItemPhase, Status};

/// Longest a test waits, in seconds of tokio's paused time.
const PATIENCE_SECS: u64 = 3_600;

/// A store that counts commits and takes events in only while its gate is open.
struct Store {
    inner: MemoryStore,
    commits: AtomicUsize,
    gate: Semaphore,
    at_gate: Notify,
    /// Commits that are refused before one is taken.
    refusals: AtomicUsize,
}

#[async_trait]
impl TaskStore for Store {
    async fn accept(&self, inbound: &Inbound) -> Result<Accepted, StoreError> {
        self.at_gate.notify_one();
        let _open = self.gate.acquire().await.expect("the gate is never closed for good");
        self.inner.accept(inbound).await
    }
    async fn take_up(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        self.inner.take_up(before, limit).await
    }
    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        self.inner.load(id).await
    }
    async fn commit(&self, turn: Turn) -> Result<Committed, StoreError> {
        let refused = self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refused.is_ok() {
            return Err(StoreError::Busy);
        }
        let committed = self.inner.commit(turn).await;
        self.commits.fetch_add(usize::from(committed.is_ok()), Ordering::SeqCst);
        committed
    }
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.inner.claim(claim).await
    }
    async fn renew(
        &self,
        owner: &RunnerId,
        held: &[(TaskId, u64)],
        until: DateTime<Utc>,
    ) -> Result<Vec<TaskId>, StoreError> {
        self.inner.renew(owner, held, until).await
    }
    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, StoreError> {
        self.inner.prompt(id).await
    }
    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, StoreError> {
        self.inner.conversation(id).await
    }
}

/// Acts that break, each counted: `t.run` breaks when it is run, `t.ask` also when it is looked up.
struct Breaking {
    catalog: Arc<Catalog>,
    runs: AtomicUsize,
    /// Acts that went on after their time.
    late: AtomicUsize,
}

#[async_trait]
impl Actions for Breaking {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }
    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        if call.action == "t.slow" {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        assert!(call.action == "t.good", "it breaks");
        Ok(ActionOutcome { result: serde_json::Map::new(), detail: "done".to_owned(), undo: None, left: None })
    }
    async fn look_up(&self, _call: ActionCall) -> LookUp {
        panic!("asking breaks as well")
    }
    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(5)
    }
}

/// The time as tokio's paused clock has it: leases lapse and are renewed as they would be.
struct PausedClock {
    began: tokio::time::Instant,
    at: DateTime<Utc>,
}

impl Clock for PausedClock {
    fn now(&self) -> DateTime<Utc> {
        self.at + self.began.elapsed()
    }
}

/// A planner that breaks.
#[derive(Default)]
struct BreakingPlanner {
    calls: AtomicUsize,
    /// Requests for what takes for ever that nobody waits for any more.
    given_up: AtomicUsize,
}

/// What the planner never comes to an end with.
const FOR_EVER: &str = "count to infinity";

#[async_trait]
impl Planner for BreakingPlanner {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        if request.text == FOR_EVER {
            let _waiting = Waiting(&self.given_up);
            std::future::pending::<()>().await;
        }
        panic!("it breaks")
    }
}

struct World {
    store: Arc<Store>,
    actions: Arc<Breaking>,
    planner: Arc<BreakingPlanner>,
    clock: Arc<PausedClock>,
    sink: Arc<NotifySink>,
    ids: Arc<CountingIds>,
}

impl World {
    fn new() -> Self {
        let spec = |name: &str| ActionSpec {
            name: name.to_owned(),
            summary: name.to_owned(),
            parameters: json!({"type": "object"}),
            result: json!({}),
            reach: ReachRule::Own,
            idempotent: false,
            look_up: name == "t.ask",
            undo: None,
            targets: &[],
            future: &[],
            version: None,
            unavailable: None,
        };
        let catalog = Arc::new(Catalog::new(["t.good", "t.run", "t.ask", "t.slow"].map(spec).to_vec()));
        let at = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let clock = Arc::new(PausedClock { began: tokio::time::Instant::now(), at });
        Self {
            store: Arc::new(Store {
                inner: MemoryStore::default(),
                commits: AtomicUsize::new(0),
                gate: Semaphore::new(1),
                at_gate: Notify::new(),
                refusals: AtomicUsize::new(0),
            }),
            actions: Arc::new(Breaking { catalog, runs: AtomicUsize::new(0), late: AtomicUsize::new(0) }),
            planner: Arc::default(),
            clock,
            sink: Arc::default(),
            ids: Arc::default(),
        }
    }

    /// A process over what the world holds.
    fn engine(&self) -> Engine {
        let settings = Settings {
            timezone: chrono_tz::UTC,
            currency: "EUR".to_owned(),
            locale: "en".to_owned(),
            remote_ai: false,
            notify_on: Channel::Web,
        };
        let person = Person { id: PersonId::from("ann"), name: "Ann".to_owned(), role: Role::Owner, settings };
        Engine::new(EngineParts {
            store: Arc::clone(&self.store) as _,
            people: Arc::new(MemoryPeople { persons: vec![person], contacts: Vec::new() }),
            planner: Arc::clone(&self.planner) as _,
            actions: Arc::clone(&self.actions) as _,
            sink: Arc::clone(&self.sink) as _,
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::clone(&self.ids) as _,
            limits: Limits { inbound_max: 1, effects_day_max: 2, ..Limits::default() },
        })
    }

    fn inbound(&self, source: &str, kind: InboundKind) -> Inbound {
        Inbound {
            channel: Channel::Web,
            source_id: source.to_owned(),
            person_id: PersonId::from("ann"),
            conversation_id: ConversationId("web:a".to_owned()),
            received_at: self.clock.now(),
            said_at: None,
            kind,
            photos: Vec::new(),
        }
    }

    fn run(&self, source: &str, action: &str) -> Inbound {
        let plan = json!({"version": 1, "title": "T", "stages": [
            {"id": "a", "type": "execution", "action": action, "params": {}}]});
        let plan: Box<Plan> = serde_json::from_value(plan).expect("a plan");
        self.inbound(source, InboundKind::Command(Command::Run { plan, title: None }))
    }

    fn says(&self, source: &str, text: &str) -> Inbound {
        self.inbound(source, InboundKind::Message { text: text.to_owned() })
    }

    fn texts(&self) -> Vec<String> {
        let frames = self.store.inner.frames();
        frames.iter().filter_map(|frame| frame.data.get("text").and_then(Value::as_str).map(str::to_owned)).collect()
    }

    /// Waits for commits until the task is as wanted.
    async fn until(&self, id: &TaskId, wanted: impl Fn(&TaskRow) -> bool) -> TaskRow {
        let work = async {
            loop {
                let told = self.sink.0.notified();
                let row = self.store.load(id).await.expect("it loads").expect("it is there");
                if wanted(&row) {
                    return row;
                }
                told.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(PATIENCE_SECS), work).await.expect("it comes")
    }
}

fn task(handled: Result<Handled, EngineError>) -> TaskId {
    handled.expect("it is handled").task_id.expect("it begins a task")
}

fn is_unknown(row: &TaskRow) -> bool {
    row.state.run().is_some_and(|run| matches!(run.items[0].phase, ItemPhase::Unknown { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_one_commit_and_an_act_two() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.run("1", "t.good")).await);
    let row = world.until(&id, |row| row.state.status() == Status::Completed).await;
    assert_eq!((world.store.commits.load(Ordering::SeqCst), row.ver), (2, 2), "the start, then the outcome");
    let again = engine.submit(world.run("1", "t.good")).await.expect("taken");
    assert!(again.duplicate);
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 1);
    assert_eq!(world.store.commits.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn beyond_its_limit_the_engine_is_busy_and_what_it_took_completes() {
    let world = World::new();
    let engine = world.engine();
    let shut = world.store.gate.acquire().await.expect("open");
    let first = tokio::spawn({
        let (engine, inbound) = (engine.clone(), world.run("1", "t.good"));
        async move { engine.submit(inbound).await }
    });
    world.store.at_gate.notified().await;
    assert!(matches!(engine.submit(world.run("2", "t.good")).await, Err(EngineError::Busy)));
    drop(shut);
    task(first.await.expect("no panic"));
    let second = engine.submit(world.run("2", "t.good")).await.expect("room again");
    assert!(!second.duplicate, "what was refused as busy was not stored");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_days_limit_an_act_is_asked_about_and_not_run() {
    let world = World::new();
    let engine = world.engine();
    for source in ["1", "2"] {
        let id = task(engine.submit(world.run(source, "t.good")).await);
        world.until(&id, |row| row.state.status() == Status::Completed).await;
    }
    let id = task(engine.submit(world.run("3", "t.good")).await);
    let row = world.until(&id, |row| row.state.status() == Status::Waiting).await;
    let run = row.state.run().expect("a run");
    assert!(matches!(&run.items[0].phase, ItemPhase::Failed { error, .. } if error.contains("QUOTA_EFFECTS_DAY")));
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 2);
    let retry = InboundKind::Choice {
        prompt_id: run.open_prompts().next().expect("a question").id.clone(),
        answer: crate::inbound::Answer::Options(vec!["retry".to_owned()]),
    };
    tokio::time::advance(Duration::from_secs(86_400)).await;
    engine.submit(world.inbound("4", retry)).await.expect("taken");
    world.until(&id, |row| row.state.status() == Status::Completed).await;
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_act_that_breaks_is_unknown_and_not_repeated() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.run("1", "t.run")).await);
    let row = world.until(&id, is_unknown).await;
    assert_eq!(row.state.status(), Status::Waiting, "the person is asked");
    assert!(row.lease.is_none(), "nothing is under way");
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_act_whose_time_is_over_does_not_go_on_behind_the_question() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.run("1", "t.slow")).await);
    world.until(&id, is_unknown).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 1);
    assert_eq!(world.actions.late.load(Ordering::SeqCst), 0, "it was ended when it was called unknown");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_breaks_cannot_tell() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.run("1", "t.ask")).await);
    let row = world.until(&id, is_unknown).await;
    let prompt_id = row.state.run().and_then(|run| run.open_prompts().next()).expect("a question").id.clone();
    let answer = Answer::Options(vec!["check".to_owned()]);
    task(engine.submit(world.inbound("2", InboundKind::Choice { prompt_id, answer })).await);
    let row = world.until(&id, |row| is_unknown(row) && row.ver > 3).await;
    assert_eq!(row.state.run().map(|run| run.open_prompts().count()), Some(1), "the person is asked again");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_breaks_its_driver_again_and_again_is_set_aside() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.says("1", "anything")).await);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move { engine.run(async { drop(stopped.await) }).await });
    world.until(&id, |row| row.state.status() == Status::Quarantined).await;
    assert_eq!(world.planner.calls.load(Ordering::SeqCst), 6, "once, and once for each of five claims");
    assert!(world.texts().iter().any(|text| text.contains("aside")), "{:?}", world.texts());
    drop(stop);
    running.await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_what_is_not_wanted_any_more_is_given_up() {
    let world = World::new();
    let engine = world.engine();
    let id = task(engine.submit(world.says("1", FOR_EVER)).await);
    let plans = || (world.planner.calls.load(Ordering::SeqCst), world.planner.given_up.load(Ordering::SeqCst));
    let reached = async |wanted| {
        let reached = async {
            while plans() != wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(PATIENCE_SECS), reached).await;
        assert!(in_time.is_ok(), "{:?} plans were asked for and given up, not {wanted:?}", plans());
    };
    reached((1, 0)).await;
    engine.submit(world.says("2", "make it Sunday")).await.expect("it changes the request");
    reached((2, 1)).await;
    engine.submit(world.says("3", "stop")).await.expect("it calls it off");
    reached((2, 2)).await;
    world.until(&id, |row| row.state.status() == Status::Cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_before_a_crash_is_handled_once_at_the_next_start() {
    let world = World::new();
    world.store.accept(&world.run("1", "t.good")).await.expect("accepted, then the process died");
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let engine = world.engine();
        engine.run(std::future::ready(())).await;
    }
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 1);
    let again = world.engine().submit(world.run("1", "t.good")).await.expect("taken");
    assert!(again.duplicate);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_broke_every_process_that_took_it_up_is_set_aside() {
    for (crashes, taken_in) in [(1, true), (2, false)] {
        let world = World::new();
        world.store.accept(&world.run("1", "t.good")).await.expect("accepted");
        for _ in 0..crashes {
            tokio::time::advance(Duration::from_secs(1)).await;
            let taken = world.store.take_up(world.clock.now(), 1).await.expect("taken up, then the process died");
            assert_eq!(taken.len(), 1);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        world.engine().run(std::future::ready(())).await;
        assert_eq!(world.actions.runs.load(Ordering::SeqCst) == 1, taken_in, "{crashes}");
        assert_eq!(world.texts().iter().any(|text| text.contains("set it aside")), !taken_in, "{crashes}");
        let left = world.store.take_up(world.clock.now() + chrono::Duration::days(1), 1).await.expect("it reads");
        assert!(left.is_empty(), "it is done with");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_handled_once_the_store_lets_it_and_not_only_at_the_next_start() {
    let world = World::new();
    let engine = world.engine();
    world.store.refusals.store(3, Ordering::SeqCst);
    let refused = engine.submit(world.run("1", "t.good")).await;
    assert!(matches!(refused, Err(EngineError::Store(StoreError::Busy))), "{refused:?}");
    let again = engine.submit(world.run("1", "t.good")).await;
    // The one that waits has the only place; whoever asks again is told so, or that it is known.
    assert!(matches!(again, Err(EngineError::Busy)) || again.is_ok_and(|handled| handled.duplicate));
    let conversation = ConversationId("web:a".to_owned());
    let begun = async {
        loop {
            let told = world.sink.0.notified();
            if let Some(id) = engine.conversation(&conversation).await.expect("it reads").newest {
                return id;
            }
            told.await;
        }
    };
    let id = tokio::time::timeout(Duration::from_secs(PATIENCE_SECS), begun).await.expect("it comes");
    world.until(&id, |row| row.state.status() == Status::Completed).await;
    assert_eq!(world.actions.runs.load(Ordering::SeqCst), 1, "once");
}
