//! Commits and turns against the raw rate of the same file.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with a digit or two")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, query};
use super_manager::store::sqlite::Db;
use workflows::action::{ActionSpec, Catalog, ReachRule};
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::ids::{ConversationId, PersonId, TaskId};
use workflows::inbound::{Answer, Command, Inbound, InboundKind};
use workflows::person::{Channel, Person, Role, Settings};
use workflows::plan::Plan;
use workflows::planner::Builtin;
use workflows::ports::memory::{MemoryPeople, NotifySink};
use workflows::ports::{
    ActionCall, ActionError, ActionOutcome, Actions, Clock, LookUp, PromptRow, RandomIds, SystemClock, TaskStore,
    TaskWrite, Turn,
};

use workflows::state::TaskState;

use crate::Line;

const AT_ONCE: usize = 64;
const ALONE: usize = 400;

struct Quick(Arc<Catalog>);

#[async_trait]
impl Actions for Quick {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0)
    }
    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        Ok(ActionOutcome { result: Map::new(), detail: call.action, undo: None, left: None })
    }
    async fn look_up(&self, _call: ActionCall) -> LookUp {
        LookUp::Absent
    }
    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(5)
    }
}

pub(crate) fn person() -> Person {
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
    let send = ActionSpec {
        name: "own.note".to_owned(),
        summary: String::new(),
        parameters: json!({"type": "object"}),
        result: json!({}),
        reach: ReachRule::Own,
        idempotent: true,
        look_up: false,
        undo: None,
        targets: &[],
        future: &[],
        version: None,
        unavailable: None,
    };
    Engine::new(EngineParts {
        store: Arc::new(db.clone()),
        people: Arc::new(MemoryPeople { persons: vec![person()], contacts: Vec::new() }),
        planner: Arc::new(Builtin),
        actions: Arc::new(Quick(Arc::new(Catalog::new(vec![send])))),
        sink: Arc::new(NotifySink::default()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds(|| uuid::Uuid::new_v4().simple().to_string())),
        limits: Limits::default(),
    })
}

fn inbound(conversation: usize, kind: InboundKind) -> Inbound {
    Inbound {
        channel: Channel::Web,
        source_id: uuid::Uuid::new_v4().simple().to_string(),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId(format!("web:{conversation}")),
        received_at: SystemClock.now(),
        said_at: None,
        kind,
        photos: Vec::new(),
    }
}

/// A plan of questions only: each answer is one pure turn.
fn questions(n: usize) -> Plan {
    let stages: Vec<Value> = (0..n)
        .map(|i| json!({"id": format!("q{i}"), "type": "clarification", "question": "?", "answer": "text"}))
        .collect();
    serde_json::from_value(json!({"version": 1, "title": "Q", "stages": stages})).expect("a plan")
}

async fn begin(engine: &Engine, conversation: usize, plan: Plan) -> TaskId {
    let run = InboundKind::Command(Command::Run { plan: Box::new(plan), title: None });
    engine.submit(inbound(conversation, run)).await.expect("begun").task_id.expect("a task")
}

async fn answer(engine: &Engine, conversation: usize, task: &TaskId) {
    let row = engine.load(task).await.expect("a load").expect("the task");
    let prompt_id = row.state.run().and_then(|run| run.open_prompts().next()).expect("a question").id.clone();
    let choice = InboundKind::Choice { prompt_id, answer: Answer::Text("yes".to_owned()) };
    engine.submit(inbound(conversation, choice)).await.expect("answered");
}

/// Rewrites one task again and again through the store: the commit of a pure turn and no more.
async fn rewrite(db: &Db, id: &TaskId, times: usize) -> Vec<Duration> {
    let mut row = db.load(id).await.expect("a load").expect("the task");
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let turn = Turn {
            person_id: row.person_id.clone(),
            prompts: Vec::new(),
            frames: Vec::new(),
            inbox: None,
            spend: None,
            at: SystemClock.now(),
            task: Some(TaskWrite {
                id: row.id.clone(),
                person_id: row.person_id.clone(),
                conversation_id: row.conversation_id.clone(),
                read_ver: Some(row.ver),
                read_epoch: row.epoch,
                state: row.state.clone(),
                lease: None,
                wake_at: row.wake_at,
                progress: true,
            }),
        };
        let begun = Instant::now();
        row.ver = db.commit(turn).await.expect("committed").ver;
        taken.push(begun.elapsed());
    }
    taken
}

fn p50(mut taken: Vec<Duration>) -> Duration {
    taken.sort();
    taken[taken.len() / 2]
}

async fn raw_p50(dir: &std::path::Path) -> Duration {
    let mut connection = SqliteConnectOptions::new()
        .filename(dir.join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await
        .expect("a connection");
    query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)").execute(&mut connection).await.expect("a table");
    let body = "x".repeat(1_000);
    let mut taken = Vec::new();
    for n in 0..1_000_i64 {
        let begun = Instant::now();
        query("INSERT OR REPLACE INTO t VALUES (?1, ?2)")
            .bind(n % 64)
            .bind(&body)
            .execute(&mut connection)
            .await
            .expect("a commit");
        taken.push(begun.elapsed());
    }
    p50(taken)
}

/// Commits of a pure turn and of an outside action, acceptance apart, one at a time.
async fn commits(db: &Db, engine: &Engine, task: &TaskId) -> (f64, f64) {
    const EACH: usize = 10;
    let before = db.commits();
    for _ in 0..EACH {
        answer(engine, 0, task).await;
    }
    let per_turn = (db.commits() - before) as f64 / EACH as f64 - 1.0;
    let note = json!({"version": 1, "title": "N", "stages": [
        {"id": "n", "type": "execution", "action": "own.note", "params": {}}]});
    let before = db.commits();
    for n in 0..EACH {
        let acting = begin(engine, 1 + n, serde_json::from_value(note.clone()).expect("a plan")).await;
        while !engine.load(&acting).await.expect("a load").is_some_and(|row| row.state.status().is_terminal()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // Without the acceptance of each plan; its first turn starts the act.
    (per_turn, (db.commits() - before) as f64 / EACH as f64 - 1.0)
}

/// A task that waits for an answer, and its question.
pub(crate) async fn waiting(db: &Db) -> (TaskState, PromptRow) {
    let engine = engine(db);
    let id = begin(&engine, 0, questions(8)).await;
    let row = db.load(&id).await.expect("a load").expect("the task");
    let prompt = row.state.run().and_then(|run| run.open_prompts().next()).expect("a question").id.clone();
    (row.state, db.prompt(&prompt).await.expect("a look").expect("the question"))
}

/// Turns a second with many tasks at once: through the store alone, and the whole way.
async fn rates(db: &Db, engine: &Engine) -> (f64, f64) {
    const REWRITES: usize = 300;
    const STAGES: usize = 8;
    const ANSWERS: usize = STAGES - 1;
    let mut tasks = Vec::new();
    for n in 0..AT_ONCE {
        tasks.push(begin(engine, 100 + n, questions(STAGES)).await);
    }
    let begun = Instant::now();
    let all = tasks.iter().map(|id| {
        let (db, id) = (db.clone(), id.clone());
        tokio::spawn(async move { rewrite(&db, &id, REWRITES).await })
    });
    futures_util::future::join_all(all).await;
    let store = (AT_ONCE * REWRITES) as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let all = tasks.into_iter().enumerate().map(|(n, id)| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for _ in 0..ANSWERS {
                answer(&engine, 100 + n, &id).await;
            }
        })
    });
    futures_util::future::join_all(all).await;
    (store, (AT_ONCE * ANSWERS) as f64 / begun.elapsed().as_secs_f64())
}

pub(crate) async fn measure() -> Vec<Line> {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("bench.db")).await.expect("a database");
    let engine = engine(&db);
    let raw = raw_p50(dir.path()).await;
    let raw_rate = 1.0 / raw.as_secs_f64();
    let task = begin(&engine, 0, questions(20)).await;
    let (per_turn, per_action) = commits(&db, &engine, &task).await;
    let alone = p50(rewrite(&db, &task, ALONE).await);
    let (store_rate, engine_rate) = rates(&db, &engine).await;
    let of_raw = |rate: f64| format!("{rate:.0}/s = {:.1} x raw", rate / raw_rate);
    let ratio = alone.as_secs_f64() / raw.as_secs_f64();
    vec![
        Line::new(
            "raw single-connection FULL commit, p50",
            format!("{raw:?} = {raw_rate:.0}/s"),
            "(the yardstick)",
            true,
        ),
        Line::new("commits per pure turn, acceptance apart", format!("{per_turn:.2}"), "1", per_turn <= 1.01),
        Line::new("commits per outside action", format!("{per_action:.2}"), "<= 2", per_action <= 2.0),
        Line::new(
            "one at a time: a turn's commit, p50",
            format!("{alone:?} = {ratio:.1} x raw"),
            "<= 3 x raw",
            ratio <= 3.0,
        ),
        Line::new("64 at once: turns committed", of_raw(store_rate), ">= 10 x raw", store_rate >= 10.0 * raw_rate),
        Line::new(
            "64 at once: answers, accepted and moved",
            of_raw(engine_rate),
            "(whole way, two commits each)",
            true,
        ),
    ]
}
