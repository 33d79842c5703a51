//! Recall over a real store, with a model that is a table.

use std::sync::Mutex;

use chrono::DateTime;
use tempfile::TempDir;
use workflows::person::{Channel, Person, Role, Settings};
use workflows::ports::clock::ManualClock;

use super::*;
use crate::store::PeopleStore as _;
use crate::store::sqlite::Db;

/// A model of three meanings: food, money, everything else.
#[derive(Default)]
struct Table {
    silent: Mutex<bool>,
    broken: Mutex<Option<Vec<Vec<f32>>>>,
    batches: Mutex<Vec<usize>>,
    purposes: Mutex<Vec<Purpose>>,
    /// After so many more it is silent.
    patience: Mutex<Option<u32>>,
}

/// What the model fails at.
const UNLOVED: &str = "\u{fffd}";

#[async_trait]
impl Embedder for Table {
    fn model(&self) -> Option<String> {
        Some("table".to_owned())
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Option<Vec<Vec<f32>>> {
        self.batches.lock().expect("no holder panics").push(texts.len());
        if *self.silent.lock().expect("no holder panics") {
            return None;
        }
        if let Some(left) = &mut *self.patience.lock().expect("no holder panics") {
            *left = left.checked_sub(1)?;
        }
        if texts.iter().any(|text| text.contains(UNLOVED)) {
            return None;
        }
        self.purposes.lock().expect("no holder panics").push(purpose);
        if let Some(broken) = self.broken.lock().expect("no holder panics").clone() {
            return Some(broken);
        }
        let meaning = |text: &String| {
            let has = |words: &[&str]| words.iter().any(|word| text.to_lowercase().contains(word));
            if has(&["vegetarian", "dinner"]) {
                vec![1.0, 0.1, 0.0]
            } else if has(&["rent", "bank"]) {
                vec![0.1, 1.0, 0.0]
            } else {
                vec![0.0, 0.0, 1.0]
            }
        };
        Some(texts.iter().map(meaning).collect())
    }
}

struct Bench {
    db: Db,
    table: Arc<Table>,
    memory: Memory,
    ann: PersonId,
    _dir: TempDir,
}

async fn bench(with_model: bool) -> Bench {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let settings = Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    };
    let ann = Person { id: "ann".into(), name: "Ann".to_owned(), role: Role::Owner, settings };
    db.create_person(&ann, now).await.expect("a person");
    let table = Arc::new(Table::default());
    let embedder = with_model.then(|| Arc::clone(&table) as Arc<dyn Embedder>);
    let memory = Memory::new(Arc::new(db.clone()), embedder, Arc::new(ManualClock::new(now)));
    Bench { db, table, memory, ann: ann.id, _dir: dir }
}

impl Bench {
    async fn tell(&self, texts: &[&str]) {
        for text in texts {
            let kept = self.memory.remember(&self.ann, text, text).await.expect("a store that works");
            assert!(matches!(kept, Remembered::Kept(_)), "{text}: {kept:?}");
        }
    }

    async fn recalled(&self, text: &str) -> Vec<String> {
        let found = self.memory.recall(&self.ann, text, RECALLED_MAX).await;
        found.into_iter().map(|memory| memory.text).collect()
    }
}

const FACTS: &[&str] = &["My wife is vegetarian", "The rent is due on the 1st", "My wife likes jazz"];

#[tokio::test]
async fn without_a_model_words_are_enough() {
    let bench = bench(false).await;
    bench.tell(FACTS).await;
    bench.memory.index().await;
    assert_eq!(bench.recalled("when is the rent due").await, ["The rent is due on the 1st"]);
    assert_eq!(bench.recalled("plan a dinner").await, Vec::<String>::new());
}

#[tokio::test]
async fn with_a_model_what_means_the_same_is_found_and_what_both_ways_find_comes_first() {
    let bench = bench(true).await;
    bench.tell(FACTS).await;
    assert_eq!(bench.recalled("plan a dinner").await, Vec::<String>::new(), "nothing has a vector yet");
    bench.memory.index().await;
    assert_eq!(bench.recalled("plan a dinner").await, ["My wife is vegetarian"]);
    assert_eq!(
        bench.recalled("dinner with my wife").await,
        ["My wife is vegetarian", "My wife likes jazz"],
        "by both ways, then by words alone"
    );
    *bench.table.silent.lock().expect("no holder panics") = true;
    assert_eq!(bench.recalled("dinner, jazz").await, ["My wife likes jazz"], "a model that is silent costs nothing");
}

#[tokio::test]
async fn vectors_are_given_in_bounded_batches_and_broken_ones_are_not_kept() {
    let bench = bench(true).await;
    let texts: Vec<String> = (0..=BATCH_MAX).map(|n| format!("fact {n}")).collect();
    bench.tell(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let left = async || bench.db.without_vector("table", 1_000).await.expect("a look").len();
    let broken = |vectors: Option<Vec<Vec<f32>>>| *bench.table.broken.lock().expect("no holder panics") = vectors;
    for vectors in [vec![], vec![vec![1.0]; 3], vec![vec![f32::NAN]; BATCH_MAX], vec![vec![]; BATCH_MAX]] {
        broken(Some(vectors));
        bench.memory.index().await;
        assert_eq!(left().await, BATCH_MAX + 1);
    }
    broken(None);
    bench.table.batches.lock().expect("no holder panics").clear();
    bench.memory.index().await;
    assert_eq!(left().await, 1);
    bench.memory.index().await;
    assert_eq!(left().await, 0);
    bench.memory.index().await;
    let batches = bench.table.batches.lock().expect("no holder panics");
    assert_eq!(*batches, [BATCH_MAX, 1], "nothing is asked when there is nothing to do");
}

#[tokio::test]
async fn one_text_that_a_model_fails_at_holds_up_no_other() {
    let bench = bench(true).await;
    let unloved = format!("fact {UNLOVED}");
    bench.tell(&["My wife is vegetarian", &unloved, "The rent is due on the 1st"]).await;
    bench.memory.index().await;
    assert_eq!(bench.recalled("plan a dinner").await, ["My wife is vegetarian"]);
    bench.memory.index().await;
    let left = bench.db.without_vector("table", 10).await.expect("a look");
    assert_eq!(left, [], "what it fails at is not tried again and again");
    assert_eq!(bench.recalled("fact").await, [unloved], "words find it");
    let batches = bench.table.batches.lock().expect("no holder panics").clone();
    assert_eq!(batches[..6], [3, 1, 1, 1, 1, 1], "all, whether it is well, one by one, and whether it is well still");
    let purposes = bench.table.purposes.lock().expect("no holder panics").clone();
    assert_eq!(purposes, [&[Purpose::Document; 4][..], &[Purpose::Query; 2]].concat());
}

#[tokio::test]
async fn a_model_that_falls_ill_in_between_loses_nothing() {
    let bench = bench(true).await;
    bench.tell(&["The rent is due on the 1st", &format!("fact {UNLOVED}"), "My wife is vegetarian"]).await;
    // All, whether it is well, and the first: then it is no more.
    *bench.table.patience.lock().expect("no holder panics") = Some(3);
    bench.memory.index().await;
    assert_eq!(bench.db.without_vector("table", 10).await.expect("a look").len(), 2, "one was made");
    *bench.table.patience.lock().expect("no holder panics") = None;
    bench.memory.index().await;
    assert_eq!(bench.recalled("plan a dinner").await, ["My wife is vegetarian"]);
    assert_eq!(bench.recalled("the bank").await, ["The rent is due on the 1st"], "none was taken for one it fails at");
}

#[tokio::test]
async fn a_model_that_is_not_well_is_asked_no_more_than_twice() {
    let bench = bench(true).await;
    bench.tell(FACTS).await;
    *bench.table.silent.lock().expect("no holder panics") = true;
    bench.memory.index().await;
    assert_eq!(*bench.table.batches.lock().expect("no holder panics"), [FACTS.len(), 1]);
    assert_eq!(bench.db.without_vector("table", 10).await.expect("a look").len(), FACTS.len());
}

#[tokio::test]
async fn a_request_is_noted_once_and_recalled_as_one() {
    let bench = bench(false).await;
    for _ in 0..2 {
        bench.memory.note_request(&bench.ann, &"t1".into(), "book a table at Luigi's").await;
    }
    let found = bench.memory.recall(&bench.ann, "luigi", 10).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].text.as_str()), (MemoryKind::Request, "book a table at Luigi's"));
    // Nobody is asked for who cannot be found: it is told to the log, and that is all.
    bench.memory.note_request(&"nobody".into(), &"t2".into(), "luigi").await;
    assert_eq!(bench.memory.recall(&"nobody".into(), "luigi", 10).await, []);
}

#[tokio::test]
async fn what_is_recalled_is_bounded() {
    let bench = bench(false).await;
    let long: Vec<String> = (0..20).map(|n| format!("olive {n} {}", "x".repeat(400))).collect();
    bench.tell(&long.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let recalled = bench.recalled("olive").await;
    let chars: usize = recalled.iter().map(|text| text.chars().count()).sum();
    assert_eq!(recalled.len(), 9);
    assert!(chars <= RECALLED_CHARS_MAX, "{chars}");
    assert_eq!(bench.memory.recall(&bench.ann, "olive", 2).await.len(), 2);
    assert_eq!(bench.memory.facts(&bench.ann, 100).await.expect("facts").len(), 9);
}
