//! The store on real files.

use chrono::DateTime;
use tempfile::TempDir;
use workflows::ports::StoreError;

use super::Db;
use crate::store::calendar::{CalendarEvent, Expected, Version, Written};
use crate::store::{CalendarStore as _, LogStore, PeopleStore as _};

async fn fresh() -> (Db, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
    (db, dir)
}

mod contract {
    workflows::task_store_contract!(super::fresh());
}

#[tokio::test]
async fn a_second_service_on_the_same_file_is_refused() {
    let (db, dir) = fresh().await;
    let path = dir.path().join("test.db");
    let second = Db::open(&path).await;
    assert!(matches!(&second, Err(error) if format!("{error:?}").contains("need Postgres")));
    Db::open_shared(&path).await.expect("looking is allowed");
    drop(db);
}

#[tokio::test]
async fn a_damaged_file_is_told_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("test.db");
    std::fs::write(&path, b"this is no database at all, and long enough to be looked at as one".repeat(100))
        .expect("a file");
    let opened = Db::open(&path).await;
    assert!(
        matches!(&opened, Err(StoreError::Corrupt(text)) if text.contains("restore a backup")),
        "{:?}",
        opened.err()
    );
}

#[tokio::test]
async fn many_turns_share_few_commits() {
    let (db, _dir) = fresh().await;
    let before = db.commits();
    let turns = (0..64).map(|n| workflows::ports::contract::begin(&db, n));
    futures_util::future::join_all(turns).await;
    let commits = db.commits() - before;
    assert!(commits <= 16, "64 turns took {commits} commits");
}

#[tokio::test]
async fn a_conflict_in_a_batch_is_told_to_the_one_that_has_it() {
    let (db, _dir) = fresh().await;
    let mut begun = 0_u32;
    // Around the numbers of rows that statements are made for.
    for (size, conflict) in [(2, false), (9, false), (65, false), (1, true), (8, true), (64, true), (65, true)] {
        if conflict {
            workflows::ports::contract::begin(&db, begun).await;
        }
        let tries = (begun..begun + size).map(|n| workflows::ports::contract::try_begin(&db, n));
        let results = futures_util::future::join_all(tries).await;
        assert_eq!(matches!(results[0], Err(StoreError::Conflict)), conflict, "of {size}: {:?}", results[0]);
        assert!(results[1..].iter().all(Result::is_ok), "of {size}: {results:?}");
        for n in begun..begun + size {
            assert!(workflows::ports::contract::is_there(&db, n).await, "task {n} of {size}");
        }
        begun += size;
    }
    let frames = db.frames(&"ann".into(), 0, 1_000).await.expect("the log");
    let seqs: Vec<i64> = frames.iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, (1..=i64::from(begun)).collect::<Vec<_>>(), "no place was left out or used twice");
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing_then_works_again() {
    let (db, _dir) = fresh().await;
    workflows::ports::contract::begin(&db, 0).await;
    let limit = |pages: i64| {
        db.write(move |connection| {
            Box::pin(async move {
                let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
                sqlx::query(sql).execute(connection).await.map(drop).map_err(super::error::driver)
            })
        })
    };
    limit(1).await.expect("a limit");
    let mut stored = 1;
    let refused = loop {
        match workflows::ports::contract::try_begin(&db, stored).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 10_000, "the disk never filled");
    };
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    for n in 0..stored {
        assert!(workflows::ports::contract::is_there(&db, n).await, "task {n} was acknowledged");
    }
    limit(1_000_000).await.expect("a limit");
    workflows::ports::contract::begin(&db, stored).await;
}

#[tokio::test]
async fn claims_and_lists_use_their_indexes() {
    let (db, _dir) = fresh().await;
    for (sql, index) in [
        (
            "SELECT n FROM tasks INDEXED BY tasks_due WHERE wake_at <= 1 AND state_version <= 1 ORDER BY wake_at LIMIT 32",
            "tasks_due",
        ),
        (
            "SELECT state FROM tasks JOIN snapshots ON snapshots.task = tasks.n WHERE person_id = 'a' AND listed = 1 ORDER BY created_at DESC, id DESC LIMIT 20",
            "tasks_of_person",
        ),
        ("SELECT * FROM frames WHERE person_id = 'a' AND seq > 5 ORDER BY seq LIMIT 10", "frames_of_person"),
        (
            "SELECT * FROM prompts WHERE person_id = 'a' AND open = 1 ORDER BY asked_at DESC LIMIT 10",
            "prompts_open_of_person",
        ),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(db.reader())
                .await
                .expect("a plan");
        let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{sql}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}: {plan:?}");
    }
}

#[tokio::test]
async fn a_state_of_a_newer_program_waits() {
    let (db, _dir) = fresh().await;
    workflows::ports::contract::begin(&db, 0).await;
    db.write(|connection| {
        Box::pin(async move {
            let sql = "UPDATE tasks SET state_version = 99, wake_at = 0";
            sqlx::query(sql).execute(connection).await.map(drop).map_err(super::error::driver)
        })
    })
    .await
    .expect("a write");
    let claim = workflows::ports::Claim {
        owner: "r".into(),
        now: DateTime::from_timestamp(2_000_000_000, 0).expect("a time"),
        lease_until: DateTime::from_timestamp(2_000_000_030, 0).expect("a time"),
        limit: 10,
    };
    assert!(workflows::ports::TaskStore::claim(&db, claim).await.expect("claimed").is_empty());
    let loaded = workflows::ports::TaskStore::load(&db, &"task0".into()).await;
    assert!(matches!(loaded, Err(StoreError::Corrupt(text)) if text.contains("newer program")));
}

#[tokio::test]
async fn what_telegram_needs_no_more_is_let_go_and_nothing_else() {
    use channels::telegram::keyboard::{Copy, Subject, Turned};
    use channels::telegram::parse::Place;
    use channels::telegram::store::{Arrived, Finished, Inbox, Outbox};

    let (db, _dir) = fresh().await;
    let at = |secs| DateTime::from_timestamp(secs, 0).expect("a time");
    let copy = |token: &str| Copy {
        token: token.to_owned(),
        conversation_id: "telegram:a".into(),
        person_id: "ann".into(),
        place: Place { chat: 1, thread: None, private: true },
        message: Some(7),
        subject: Subject::Prompt("p".into()),
        turned: Turned::default(),
        rev: 0,
        shown: 0,
    };
    for (token, made) in [("old", 10), ("open", 10), ("new", 90)] {
        db.put_copy(copy(token), at(made)).await.expect("it is kept");
    }
    for token in ["old", "new"] {
        db.close_copy(token).await.expect("it is closed");
    }
    let batch = (1..=3).map(|id| Arrived { id, raw: serde_json::json!({"update_id": id}) }).collect();
    assert_eq!(Inbox::keep(&db, batch, at(10)).await.expect("kept").len(), 3);
    Inbox::finish(&db, Finished::handled(1, at(10))).await.expect("ended");
    Inbox::finish(&db, Finished::handled(2, at(90))).await.expect("ended");
    assert_eq!(Inbox::trim(&db, at(50), at(50)).await.expect("trimmed"), 1, "the one that ended long ago");
    for (token, there) in [("old", false), ("open", true), ("new", true)] {
        assert_eq!(Outbox::copy(&db, token).await.expect("a look").is_some(), there, "{token}");
    }
    let left = Inbox::left_over(&db, i64::MIN, 10).await.expect("a look");
    assert_eq!(left.iter().map(|update| update.id).collect::<Vec<_>>(), [3], "what has not ended stays");
}

#[tokio::test]
async fn what_is_allowed_of_a_server_is_kept_and_first_sight_is_only_once() {
    use crate::store::mcp::{McpStore as _, Pin};
    let (db, _dir) = fresh().await;
    let pin = |tool: &str, hash: &str| Pin {
        tool: tool.to_owned(),
        hash: hash.to_owned(),
        description: "d".to_owned(),
        schema: serde_json::json!({"type": "object"}),
    };
    let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    assert_eq!(db.pins("s").await.expect("a look"), None, "never seen");
    db.first_sight("s", vec![pin("a", "1"), pin("b", "1")], at).await.expect("kept");
    db.first_sight("s", vec![pin("a", "2"), pin("c", "2")], at).await.expect("nothing to do");
    assert_eq!(db.pins("s").await.expect("a look"), Some(vec![pin("a", "1"), pin("b", "1")]));
    db.allow("s", pin("a", "3"), &"ann".into(), at).await.expect("allowed");
    db.allow("s", pin("c", "3"), &"ann".into(), at).await.expect("allowed");
    assert_eq!(db.pins("s").await.expect("a look"), Some(vec![pin("a", "3"), pin("b", "1"), pin("c", "3")]));
    db.first_sight("empty", Vec::new(), at).await.expect("kept");
    assert_eq!(db.pins("empty").await.expect("a look"), Some(Vec::new()), "seen, with nothing to offer");
    assert!(db.allow("unseen", pin("a", "1"), &"ann".into(), at).await.is_err());
}

#[tokio::test]
async fn an_event_is_written_only_where_it_still_is_what_was_read() {
    let (db, _dir) = fresh().await;
    let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let settings = workflows::person::Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: workflows::person::Channel::Web,
    };
    let ann = workflows::person::Person {
        id: "ann".into(),
        name: "Ann".to_owned(),
        role: workflows::person::Role::Owner,
        settings,
    };
    db.create_person(&ann, at).await.expect("a person");
    let event = |title: &str| CalendarEvent {
        uid: "u".to_owned(),
        title: title.to_owned(),
        starts_at: at,
        ends_at: at + chrono::Duration::hours(1),
        timezone: chrono_tz::UTC,
        location: None,
        description: None,
        attendees: Vec::new(),
        repeat: None,
        told: true,
        sequence: 0,
        act: None,
    };
    let put = async |title: &str, expected: &Expected| {
        db.put_event(&ann.id, &event(title), at, expected).await.expect("a store that works")
    };
    let first = Expected::Version(event("first").version());
    assert_eq!(put("first", &first).await, Written::Absent);
    assert_eq!(put("first", &Expected::Absent).await, Written::Done);
    assert_eq!(put("again", &Expected::Absent).await, Written::Differs);
    assert_eq!(put("second", &first).await, Written::Done);
    assert_eq!(put("late", &first).await, Written::Differs);
    let kept = db.event(&ann.id, "u").await.expect("a look").expect("there");
    assert_eq!(kept, event("second"));
    let remove = async |version: &Version| db.delete_event(&ann.id, "u", version).await.expect("a store that works");
    assert_eq!(remove(&event("first").version()).await, Written::Differs);
    assert_eq!(remove(&kept.version()).await, Written::Done);
    assert_eq!(remove(&kept.version()).await, Written::Absent);
}
