//! Memories on real files.

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use workflows::ids::PersonId;
use workflows::person::{Channel, Person, Role, Settings};

use super::*;
use crate::store::PeopleStore as _;

fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + secs, 0).expect("a time")
}

fn person(id: &str) -> Person {
    let settings = Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    Person { id: id.into(), name: id.to_owned(), role: Role::Member, settings }
}

async fn fresh() -> (Db, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
    for id in ["ann", "bob"] {
        db.create_person(&person(id), at(0)).await.expect("a person");
    }
    (db, dir)
}

async fn fact(db: &Db, person: &str, text: &str, secs: i64) -> MemoryId {
    let source = format!("{text}@{secs}");
    match db.remember(&person.into(), MemoryKind::Fact, &source, text, at(secs)).await.expect("a store that works") {
        Remembered::Kept(id) => id,
        other => panic!("{text}: {other:?}"),
    }
}

async fn found(db: &Db, person: &str, query: &str) -> Vec<String> {
    let found = db.search(&person.into(), query, 100).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    found.into_iter().map(|memory| memory.text).collect()
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    query_scalar(sql).fetch_one(db.reader()).await.expect("a count")
}

/// Whether the index of words is what the texts say; writes nothing.
async fn is_sound(db: &Db) -> bool {
    db.write_one(|connection| {
        Box::pin(async move {
            let sql = "INSERT INTO memories_words (memories_words, rank) VALUES ('integrity-check', 1)";
            Ok(query(sql).execute(connection).await.is_ok())
        })
    })
    .await
    .expect("a look")
}

#[tokio::test]
async fn the_same_told_twice_is_remembered_once() {
    let (db, _dir) = fresh().await;
    let ann = PersonId::from("ann");
    let tell = async |kind, source: &str, text: &str| {
        db.remember(&ann, kind, source, text, at(1)).await.expect("a store that works")
    };
    let first = tell(MemoryKind::Fact, "e1", "Tea, please").await;
    let Remembered::Kept(id) = first.clone() else { panic!("{first:?}") };
    assert_eq!(tell(MemoryKind::Fact, "e1", "Tea, please").await, first, "a repeat of the same act");
    assert_eq!(tell(MemoryKind::Fact, "e2", "tea, PLEASE").await, Remembered::Known(id));
    for text in ["what I asked", "what I asked in other words"] {
        assert!(matches!(tell(MemoryKind::Request, "t1", text).await, Remembered::Kept(_)), "{text}");
    }
    assert!(matches!(tell(MemoryKind::Request, "t2", "what I asked").await, Remembered::Kept(_)), "another task");
    assert_eq!(found(&db, "ann", "asked tea").await.len(), 3);
    assert_eq!(db.facts(&ann, 10).await.expect("facts").len(), 1, "requests are no facts");
}

#[tokio::test]
async fn nobody_finds_lists_or_forgets_what_another_told() {
    let (db, _dir) = fresh().await;
    let (ann, bob) = (PersonId::from("ann"), PersonId::from("bob"));
    let id = fact(&db, "ann", "The safe is behind the mirror", 1).await;
    db.set_vector(&id, "m", &[1.0]).await.expect("kept");
    assert_eq!(found(&db, "bob", "safe mirror").await, Vec::<String>::new());
    assert_eq!(db.facts(&bob, 10).await.expect("facts"), []);
    assert!(db.vectors(&bob, "m", 10).await.expect("vectors").is_empty());
    assert_eq!(db.forget(&bob, &id).await.expect("a look"), None);
    // The same words of another are another memory.
    let other = fact(&db, "bob", "The safe is behind the mirror", 1).await;
    assert_ne!(id, other);
    let forgotten = db.forget(&ann, &id).await.expect("forgotten").expect("it was there");
    assert_eq!(forgotten.text, "The safe is behind the mirror");
    assert_eq!(db.forget(&ann, &id).await.expect("a look"), None, "it is gone");
    assert_eq!(found(&db, "ann", "safe").await, Vec::<String>::new());
    assert_eq!(found(&db, "bob", "safe").await.len(), 1);
    assert!(is_sound(&db).await);
}

#[tokio::test]
async fn the_best_fit_comes_first_and_of_equals_the_newest() {
    let (db, _dir) = fresh().await;
    fact(&db, "ann", "Eve likes olives", 5).await;
    fact(&db, "ann", "Eve likes tulips", 2).await;
    fact(&db, "ann", "My brother Zoë lives in São Paulo with two cats and a dog", 3).await;
    fact(&db, "ann", "Eve wants tulips, red tulips", 4).await;
    assert_eq!(
        found(&db, "ann", "what tulips does Eve like?").await,
        ["Eve wants tulips, red tulips", "Eve likes tulips", "Eve likes olives"]
    );
    assert_eq!(found(&db, "ann", "likes").await, ["Eve likes olives", "Eve likes tulips"], "the newest of equals");
    assert_eq!(found(&db, "ann", "zoe SAO").await.len(), 1, "without regard to accents and capitals");
    assert_eq!(db.search(&"ann".into(), "Eve", 1).await.expect("a search").len(), 1);
    let newest: Vec<String> =
        db.facts(&"ann".into(), 2).await.expect("facts").into_iter().map(|memory| memory.text).collect();
    assert_eq!(newest, ["Eve likes olives", "Eve wants tulips, red tulips"]);
}

#[tokio::test]
async fn no_sign_in_a_query_means_anything() {
    let (db, _dir) = fresh().await;
    fact(&db, "ann", "The plumber is called Near", 1).await;
    fact(&db, "ann", "Olives", 2).await;
    for query in [
        "plumb*",
        "plum*",
        "text:olives AND",
        "-zebra",
        "NOT zebra",
        "^zebra",
        "\"",
        "\"\"\"",
        "zebra\"*",
        "a\" OR text:\"*",
        "{text} : zebra",
        "(",
        ")))",
        "*",
        "%",
        "_",
        "'; DROP TABLE memories; --",
        "\0",
        "zebra\0",
        "Ⓐ",
        "👍",
        " ",
        "",
        "NEAR(",
        "AND OR NOT",
        "x + y",
        "\\",
    ] {
        let found = found(&db, "ann", query).await;
        let meant = query.to_lowercase().contains("near") || query.contains("olives");
        assert_eq!(found.len(), usize::from(meant), "{query:?}: {found:?}");
    }
    assert_eq!(found(&db, "ann", "a\" OR \"olives").await, ["Olives"], "its words are looked for");
    assert_eq!(found(&db, "ann", &"zebra ".repeat(10_000)).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_fact_or_one_too_many_is_refused_and_old_requests_go() {
    let (db, _dir) = fresh().await;
    let ann = PersonId::from("ann");
    let tell = async |kind, source: String, text: String, secs: i64| {
        db.remember(&ann, kind, &source, &text, at(secs)).await.expect("a store that works")
    };
    let long = "ü".repeat(FACT_CHARS_MAX);
    assert!(matches!(tell(MemoryKind::Fact, "long".into(), long.clone(), 1).await, Remembered::Kept(_)));
    assert_eq!(tell(MemoryKind::Fact, "longer".into(), format!("{long}ü"), 1).await, Remembered::NoFact);
    assert_eq!(tell(MemoryKind::Fact, "blank".into(), " \n".into(), 1).await, Remembered::NoFact);
    let facts = (1..MEMORIES_MAX).map(|n| tell(MemoryKind::Fact, format!("f{n}"), format!("fact {n}"), 2));
    futures_util::future::join_all(facts).await;
    assert_eq!(tell(MemoryKind::Fact, "more".into(), "one more".into(), 3).await, Remembered::Full);
    assert!(matches!(tell(MemoryKind::Fact, "long".into(), long, 3).await, Remembered::Kept(_)), "it is there");
    let other = db.remember(&"bob".into(), MemoryKind::Fact, "e", "one more", at(3)).await.expect("it works");
    assert!(matches!(other, Remembered::Kept(_)), "another has room");

    let last = i64::try_from(MEMORIES_MAX).expect("a small number");
    let requests = (0..=last).map(|n| tell(MemoryKind::Request, format!("t{n}"), format!("request number{n}"), n));
    futures_util::future::join_all(requests).await;
    assert_eq!(count(&db, "SELECT count(*) FROM memories WHERE kind = 'request'").await, last);
    assert_eq!(found(&db, "ann", "number0").await, Vec::<String>::new(), "the oldest went");
    assert_eq!(found(&db, "ann", "number1").await.len(), 1);
    assert_eq!(count(&db, "SELECT count(*) FROM memories WHERE kind = 'fact'").await, last + 1, "facts stay");
    tell(MemoryKind::Request, "tlong".into(), "x".repeat(REQUEST_CHARS_MAX + 1), last + 1).await;
    let kept = count(&db, "SELECT length(text) FROM memories WHERE source = 'tlong'").await;
    assert_eq!(usize::try_from(kept), Ok(REQUEST_CHARS_MAX));
    assert!(is_sound(&db).await);
}

#[tokio::test]
async fn vectors_come_back_as_given_and_only_those_of_their_model() {
    let (db, _dir) = fresh().await;
    let ann = PersonId::from("ann");
    let (old, new) = (fact(&db, "ann", "old", 1).await, fact(&db, "ann", "new", 2).await);
    let other = fact(&db, "bob", "other", 3).await;
    let without = async |model: &str| {
        let found = db.without_vector(model, 10).await.expect("a look");
        found.into_iter().map(|memory| memory.id).collect::<Vec<_>>()
    };
    assert_eq!(without("m").await, [other.clone(), new.clone(), old.clone()], "everybody's, newest first");
    assert_eq!(db.without_vector("m", 1).await.expect("a look").len(), 1);
    let numbers = [1.5, -0.0, f32::MIN_POSITIVE, 3.0e38];
    for id in [&old, &new] {
        db.set_vector(id, "m", &numbers).await.expect("kept");
    }
    db.set_vector(&other, "n", &[1.0]).await.expect("kept");
    db.set_vector(&MemoryId("gone".to_owned()), "m", &[1.0]).await.expect("nothing to do");
    assert_eq!(without("m").await, [other], "one of another model counts for nothing");
    assert_eq!(without("n").await, [new.clone(), old]);
    let vectors = db.vectors(&ann, "m", 10).await.expect("vectors");
    assert_eq!(vectors.iter().map(|(memory, _)| memory.text.as_str()).collect::<Vec<_>>(), ["new", "old"]);
    assert_eq!(vectors[0].1.map_bits(), numbers.to_vec().map_bits());
    assert_eq!(db.vectors(&ann, "m", 1).await.expect("vectors").len(), 1);
    db.set_vector(&new, "n", &[2.0]).await.expect("in place of the other");
    assert_eq!(db.vectors(&ann, "m", 10).await.expect("vectors").len(), 1);
    assert_eq!(found(&db, "ann", "new").await.len(), 1, "a vector changes no words");
    assert!(is_sound(&db).await);
}

trait Bits {
    fn map_bits(&self) -> Vec<u32>;
}

impl Bits for Vec<f32> {
    fn map_bits(&self) -> Vec<u32> {
        self.iter().map(|number| number.to_bits()).collect()
    }
}

#[tokio::test]
async fn changed_texts_are_found_by_their_new_words_and_copies_too() {
    let (db, dir) = fresh().await;
    fact(&db, "ann", "The code is rosebud", 1).await;
    db.write_one(|connection| {
        Box::pin(async move {
            let sql = "UPDATE memories SET text = 'The code is tulip'";
            query(sql).execute(connection).await.map(drop).map_err(driver)
        })
    })
    .await
    .expect("a write");
    assert_eq!(found(&db, "ann", "rosebud").await, Vec::<String>::new());
    assert_eq!(found(&db, "ann", "tulip").await.len(), 1);
    assert!(is_sound(&db).await);
    let copy = dir.path().join("copy.db");
    db.copy_to(&copy).await.expect("a copy");
    let copy = Db::open(&copy).await.expect("it opens");
    assert_eq!(found(&copy, "ann", "tulip").await.len(), 1);
    assert!(is_sound(&copy).await);
}

#[tokio::test]
async fn what_has_its_vector_is_not_read_to_find_what_has_none() {
    let (db, _dir) = fresh().await;
    let sql = format!("EXPLAIN QUERY PLAN SELECT id FROM memories WHERE n IN ({WITHOUT}) ORDER BY n DESC LIMIT 5");
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind("m").fetch_all(db.reader()).await.expect("a plan");
    let covered = plan.iter().filter(|step| step.3.contains("COVERING INDEX memories_by_model")).count();
    assert_eq!(covered, 3, "{plan:?}");
    assert!(!plan.iter().any(|step| step.3.starts_with("SCAN")), "{plan:?}");
}

/// The migrations up to one, on a file with a person, then the rest.
#[tokio::test]
async fn a_filled_database_of_the_version_before_gets_a_memory() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("old.db");
    let mut connection = super::super::options(&path).create_if_missing(true).connect().await.expect("a file");
    let before: Vec<_> = super::super::MIGRATIONS.iter().filter(|migration| migration.version < 7).cloned().collect();
    sqlx::migrate::Migrator { migrations: before.into(), ..sqlx::migrate::Migrator::DEFAULT }
        .run(&mut connection)
        .await
        .expect("the earlier ones");
    crate::store::sqlite::people::insert_person(&mut connection, &person("ann"), at(0)).await.expect("a person");
    drop(connection);
    let db = Db::open(&path).await.expect("it is brought up to date");
    fact(&db, "ann", "It works", 1).await;
    assert_eq!(found(&db, "ann", "works").await.len(), 1);
    assert_eq!(db.persons().await.expect("persons").len(), 1);
}
