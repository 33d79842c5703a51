//! What every task store promises, as tests that each implementation passes.
//!
//! [`crate::task_store_contract!`] makes one test of each promise for a store.

#![expect(clippy::missing_panics_doc, reason = "a promise that is not kept panics: that is what they are for")]

use chrono::{DateTime, Duration, Utc};

use super::store::{Accepted, Claim, Lease, PromptRow, Spend, StoreError, TaskRow, TaskStore, TaskWrite, Turn};
use crate::frame::{FrameDraft, FrameKind};
use crate::ids::{ConversationId, PersonId, PromptId, RunnerId, Seed, TaskId};
use crate::inbound::{Inbound, InboundKind};
use crate::person::Channel;
use crate::state::{Finished, Outcome, Planning, PromptState, Request, TaskState};

fn time(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + secs, 0).expect("a valid time")
}

fn inbound(source: &str) -> Inbound {
    Inbound {
        channel: Channel::Web,
        source_id: source.to_owned(),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId::from("web:c"),
        received_at: time(0),
        said_at: None,
        kind: InboundKind::Message { text: "hello".to_owned() },
        photos: Vec::new(),
    }
}

fn request() -> Request {
    Request { text: "hello".to_owned(), said_at: None, amendments: Vec::new(), photos: Vec::new() }
}

fn planning() -> TaskState {
    TaskState::Planning(Planning { seed: Seed("s".to_owned()), request: request(), previous: None })
}

fn write(id: &str, read: Option<&TaskRow>) -> TaskWrite {
    TaskWrite {
        id: TaskId::from(id),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId::from("web:c"),
        read_ver: read.map(|row| row.ver),
        read_epoch: read.map_or(1, |row| row.epoch),
        state: planning(),
        lease: None,
        wake_at: None,
        progress: true,
    }
}

fn turn(task: TaskWrite) -> Turn {
    let draft = FrameDraft { kind: FrameKind::TaskCreated, data: serde_json::Map::new() };
    Turn {
        person_id: task.person_id.clone(),
        task: Some(task),
        prompts: Vec::new(),
        frames: vec![draft],
        inbox: None,
        spend: None,
        at: time(1),
    }
}

fn claim(now: i64, limit: u32) -> Claim {
    Claim { owner: RunnerId::from("r"), now: time(now), lease_until: time(now + 30), limit }
}

async fn loaded<S: TaskStore>(store: &S, id: &str) -> TaskRow {
    store.load(&TaskId::from(id)).await.expect("a load").expect("the task")
}

/// A source id is stored once, and a redelivery is told where the first one is.
pub async fn a_source_id_is_accepted_once<S: TaskStore>(store: &S) {
    let Accepted::New(id) = store.accept(&inbound("a")).await.expect("accepted") else { panic!("it is new") };
    assert_eq!(store.accept(&inbound("a")).await.expect("accepted"), Accepted::Duplicate(id));
    assert!(matches!(store.accept(&inbound("b")).await.expect("accepted"), Accepted::New(other) if other != id));
}

/// Taking up counts an attempt, and hands nothing out twice before a later time.
pub async fn taking_up_counts_and_hands_out_once<S: TaskStore>(store: &S) {
    let Accepted::New(id) = store.accept(&inbound("a")).await.expect("accepted") else { panic!("it is new") };
    assert!(store.take_up(time(0), 10).await.expect("taken").is_empty(), "it was accepted by this process");
    let taken = store.take_up(time(5), 10).await.expect("taken");
    assert_eq!((taken[0].id, taken[0].attempts, taken.len()), (id, 2, 1));
    assert_eq!(taken[0].inbound, Ok(inbound("a")));
    assert!(store.take_up(time(5), 10).await.expect("taken").is_empty());
    assert_eq!(store.take_up(time(9), 10).await.expect("taken")[0].attempts, 3);
}

/// A handled event is not handed out, and cannot be handled again.
pub async fn an_event_is_handled_once<S: TaskStore>(store: &S) {
    let Accepted::New(id) = store.accept(&inbound("a")).await.expect("accepted") else { panic!("it is new") };
    store.commit(Turn { inbox: Some(id), ..turn(write("t", None)) }).await.expect("committed");
    assert!(store.take_up(time(9), 10).await.expect("taken").is_empty());
    let again = store.commit(Turn { inbox: Some(id), ..turn(write("u", None)) }).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    assert!(store.load(&TaskId::from("u")).await.expect("a load").is_none(), "nothing of it was written");
}

/// A commit needs the version and the epoch it read; a new task needs its id to be free.
pub async fn a_commit_is_guarded_by_version_and_epoch<S: TaskStore>(store: &S) {
    store.commit(turn(write("t", None))).await.expect("committed");
    let row = loaded(store, "t").await;
    assert_eq!((row.ver, row.epoch, row.created_at, row.updated_at), (1, 1, time(1), time(1)));
    assert!(matches!(store.commit(turn(write("t", None))).await, Err(StoreError::Conflict)));
    let committed = store.commit(turn(write("t", Some(&row)))).await.expect("committed");
    assert_eq!(committed.ver, 2);
    assert!(matches!(store.commit(turn(write("t", Some(&row)))).await, Err(StoreError::Conflict)));
    let stale = TaskRow { ver: 2, epoch: 7, ..row };
    assert!(matches!(store.commit(turn(write("t", Some(&stale)))).await, Err(StoreError::Conflict)));
}

/// A conflict writes nothing: no task, no question, no frame.
pub async fn a_conflict_writes_nothing<S: TaskStore>(store: &S) {
    let first = store.commit(turn(write("t", None))).await.expect("committed");
    let question = prompt("p", 1);
    let refused = store.commit(Turn { prompts: vec![question.clone()], ..turn(write("t", None)) }).await;
    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert!(store.prompt(&question.id).await.expect("a look").is_none());
    let row = loaded(store, "t").await;
    let next = store.commit(turn(write("t", Some(&row)))).await.expect("committed");
    assert_eq!(next.frames[0].seq, first.frames[0].seq + 1, "no place was left out or used twice");
}

/// Frames get rising places and carry their task.
pub async fn frames_rise_in_commit_order<S: TaskStore>(store: &S) {
    let mut last = 0;
    for id in ["a", "b", "c"] {
        let committed = store.commit(turn(write(id, None))).await.expect("committed");
        let frame = &committed.frames[0];
        assert!(frame.seq > last);
        assert_eq!((frame.task_id.clone(), frame.timestamp), (Some(TaskId::from(id)), time(1)));
        last = frame.seq;
    }
}

/// Only due tasks are claimed, the most overdue first, and no more than asked for.
pub async fn due_tasks_are_claimed<S: TaskStore>(store: &S) {
    for (id, wake) in [("late", Some(5)), ("later", Some(9)), ("parked", None), ("latest", Some(2))] {
        let task = TaskWrite { wake_at: wake.map(time), ..write(id, None) };
        store.commit(turn(task)).await.expect("committed");
    }
    let mut claimed: Vec<String> =
        store.claim(claim(6, 1)).await.expect("claimed").iter().map(|row| row.id.to_string()).collect();
    assert_eq!(claimed, ["latest"]);
    claimed = store.claim(claim(6, 10)).await.expect("claimed").iter().map(|row| row.id.to_string()).collect();
    assert_eq!(claimed, ["late"]);
    let row = loaded(store, "late").await;
    assert_eq!((row.epoch, row.attempts, row.wake_at), (2, 1, Some(time(36))));
    assert_eq!(row.lease, Some(Lease { owner: RunnerId::from("r"), until: time(36) }));
    assert!(store.claim(claim(8, 10)).await.expect("claimed").is_empty(), "the lease holds");
    assert_eq!(store.claim(claim(40, 10)).await.expect("claimed").len(), 3, "and lapses");
}

/// A result of an earlier epoch is refused.
pub async fn an_earlier_epoch_cannot_commit<S: TaskStore>(store: &S) {
    store.commit(turn(TaskWrite { wake_at: Some(time(0)), ..write("t", None) })).await.expect("committed");
    let before = loaded(store, "t").await;
    store.claim(claim(1, 1)).await.expect("claimed");
    assert!(matches!(store.commit(turn(write("t", Some(&before)))).await, Err(StoreError::Conflict)));
}

/// Attempts count claims until there is progress.
pub async fn attempts_count_until_progress<S: TaskStore>(store: &S) {
    store.commit(turn(TaskWrite { wake_at: Some(time(0)), ..write("t", None) })).await.expect("committed");
    for (n, now) in [(1, 0), (2, 100), (3, 200)] {
        assert_eq!(store.claim(claim(now, 1)).await.expect("claimed")[0].attempts, n);
    }
    let row = loaded(store, "t").await;
    store.commit(turn(TaskWrite { progress: false, ..write("t", Some(&row)) })).await.expect("committed");
    let row = loaded(store, "t").await;
    assert_eq!(row.attempts, 3);
    store.commit(turn(write("t", Some(&row)))).await.expect("committed");
    assert_eq!(loaded(store, "t").await.attempts, 0);
}

/// Only the owner renews, and only in its epoch.
pub async fn only_the_holder_renews<S: TaskStore>(store: &S) {
    store.commit(turn(TaskWrite { wake_at: Some(time(0)), ..write("t", None) })).await.expect("committed");
    let row = store.claim(claim(0, 1)).await.expect("claimed").remove(0);
    let held = vec![(row.id.clone(), row.epoch)];
    assert!(store.renew(&RunnerId::from("x"), &held, time(99)).await.expect("renewed").is_empty());
    assert!(store.renew(&RunnerId::from("r"), &[(row.id.clone(), 1)], time(99)).await.expect("renewed").is_empty());
    assert_eq!(
        store.renew(&RunnerId::from("r"), &held, time(99)).await.expect("renewed"),
        std::slice::from_ref(&row.id)
    );
    let row = loaded(store, "t").await;
    assert_eq!((row.wake_at, row.lease.map(|lease| lease.until)), (Some(time(99)), Some(time(99))));
}

fn prompt(id: &str, asked: i64) -> PromptRow {
    PromptRow {
        id: PromptId::from(id),
        task_id: TaskId::from("t"),
        person_id: PersonId::from("ann"),
        conversation_id: ConversationId::from("web:c"),
        status: PromptState::Open,
        view: serde_json::json!({"kind": "selection", "question": "?"}),
        asked_at: time(asked),
        expires_at: time(asked + 100),
    }
}

/// Questions are found by token; a conversation shows its open ones, newest first, and its tasks.
pub async fn conversations_show_what_is_open<S: TaskStore>(store: &S) {
    let conversation = ConversationId::from("web:c");
    assert_eq!(store.conversation(&conversation).await.expect("a look"), super::store::ConversationView::default());
    let asked = Turn { prompts: vec![prompt("p", 1), prompt("q", 2)], ..turn(write("t", None)) };
    store.commit(asked).await.expect("committed");
    let row = loaded(store, "t").await;
    let decided = PromptState::Decided { by: "Ann".to_owned(), at: time(3) };
    let closed = PromptRow { status: decided.clone(), ..prompt("q", 2) };
    store
        .commit(Turn { prompts: vec![closed, prompt("r", 4)], ..turn(write("t", Some(&row))) })
        .await
        .expect("committed");
    let view = store.conversation(&conversation).await.expect("a look");
    let open: Vec<&str> = view.open.iter().map(|prompt| prompt.id.as_str()).collect();
    assert_eq!(open, ["r", "p"]);
    assert_eq!((view.person_id, view.live), (Some(PersonId::from("ann")), Some(TaskId::from("t"))));
    assert_eq!(store.prompt(&PromptId::from("q")).await.expect("a look").map(|row| row.status), Some(decided));
}

/// A task that has ended is not live, but is still the newest.
pub async fn an_ended_task_is_not_live<S: TaskStore>(store: &S) {
    let state = TaskState::Finished(Finished {
        request: request(),
        run: None,
        outcome: Outcome::Completed,
        summary: String::new(),
        reason: None,
        at: time(1),
    });
    store.commit(turn(TaskWrite { state: state.clone(), ..write("t", None) })).await.expect("committed");
    let view = store.conversation(&ConversationId::from("web:c")).await.expect("a look");
    assert_eq!((view.live, view.newest), (None, Some(TaskId::from("t"))));
    assert_eq!(loaded(store, "t").await.state, state);
}

/// Of many commits that read the same version, one wins.
pub async fn one_of_many_wins<S: TaskStore>(store: &S) {
    store.commit(turn(write("t", None))).await.expect("committed");
    let row = loaded(store, "t").await;
    let tries = (0..100).map(|_| store.commit(turn(write("t", Some(&row)))));
    let won = futures_util::future::join_all(tries).await.into_iter().flatten().count();
    assert_eq!(won, 1);
    assert_eq!(loaded(store, "t").await.ver, 2);
}

/// Lapsed times of a claim stay what they were for a task that is not due.
pub async fn parked_tasks_stay_parked<S: TaskStore>(store: &S) {
    store.commit(turn(write("t", None))).await.expect("committed");
    let far = Claim { now: time(0) + Duration::days(10_000), ..claim(0, 10) };
    assert!(store.claim(far).await.expect("claimed").is_empty());
}

/// No more acts start in a day than may; what does not fit is not written at all.
pub async fn a_day_has_a_limit<S: TaskStore>(store: &S) {
    let day = |n: i64| (time(0) + Duration::days(n)).date_naive();
    let begin = |id: &str, effects: u32, n: i64| Turn {
        spend: Some(Spend { day: day(n), effects, effects_max: 3 }),
        ..turn(write(id, None))
    };
    store.commit(begin("a", 2, 0)).await.expect("two of three");
    let refused = store.commit(begin("b", 2, 0)).await;
    assert!(matches!(refused, Err(StoreError::Spent { left: 1 })), "{refused:?}");
    assert!(store.load(&TaskId::from("b")).await.expect("a load").is_none(), "nothing of it was written");
    store.commit(begin("b", 1, 0)).await.expect("the third");
    let refused = store.commit(begin("c", 1, 0)).await;
    assert!(matches!(refused, Err(StoreError::Spent { left: 0 })), "{refused:?}");
    store.commit(begin("c", 3, 1)).await.expect("another day");
    let mut theirs = begin("d", 3, 0);
    theirs.person_id = PersonId::from("bob");
    store.commit(theirs).await.expect("another person");
    let refused = store.commit(begin("e", 4, 2)).await;
    assert!(matches!(refused, Err(StoreError::Spent { left: 3 })), "{refused:?}");
}

/// Turns committed at the same time do not pass the day's limit together.
pub async fn a_day_has_a_limit_whatever_comes_at_once<S: TaskStore>(store: &S) {
    let turns = (0..8).map(|n| {
        let spend = Some(Spend { day: time(0).date_naive(), effects: 1, effects_max: 3 });
        store.commit(Turn { spend, ..turn(write(&format!("task{n}"), None)) })
    });
    let committed = futures_util::future::join_all(turns).await;
    assert_eq!(committed.iter().filter(|result| result.is_ok()).count(), 3, "{committed:?}");
}

/// Begins the `n`th task.
pub async fn begin<S: TaskStore>(store: &S, n: u32) {
    try_begin(store, n).await.expect("committed");
}

/// Begins the `n`th task, if the store takes it.
///
/// # Errors
/// What the store says.
pub async fn try_begin<S: TaskStore>(store: &S, n: u32) -> Result<(), StoreError> {
    store.commit(turn(write(&format!("task{n}"), None))).await.map(drop)
}

/// Whether the `n`th task is there.
pub async fn is_there<S: TaskStore>(store: &S, n: u32) -> bool {
    store.load(&TaskId(format!("task{n}"))).await.expect("a load").is_some()
}

/// Makes one test of each promise for the store that `$make` gives; it may hold things that must
/// outlive the store.
#[macro_export]
macro_rules! task_store_contract {
    ($make:expr) => {
        $crate::task_store_contract!($make =>
            a_source_id_is_accepted_once, taking_up_counts_and_hands_out_once, an_event_is_handled_once,
            a_commit_is_guarded_by_version_and_epoch, a_conflict_writes_nothing, frames_rise_in_commit_order,
            due_tasks_are_claimed, an_earlier_epoch_cannot_commit, attempts_count_until_progress,
            only_the_holder_renews, conversations_show_what_is_open, an_ended_task_is_not_live, one_of_many_wins,
            parked_tasks_stay_parked, a_day_has_a_limit, a_day_has_a_limit_whatever_comes_at_once);
    };
    ($make:expr => $($promise:ident),+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let (store, _kept) = $make.await;
                $crate::ports::contract::$promise(&store).await;
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    crate::task_store_contract!(async { (crate::ports::memory::MemoryStore::default(), ()) });
}
