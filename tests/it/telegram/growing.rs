//! Replies that are shown while they are being made: an engine whose planner says what it is told to.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use channels::telegram::api::Api;
use channels::telegram::gates::Gates;
use channels::telegram::store::Outbox as _;
use channels::telegram::{Door, Hints, Mode, Parts};
use serde_json::{Value, json};
use super_manager::members::StoredMembers;
use super_manager::store::PeopleStore as _;
use super_manager::store::sqlite::Db;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workflows::action::Catalog;
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::person::{Channel, Identity, Person, Role, Settings};
use workflows::ports::memory::ScriptedActions;
use workflows::ports::{Clock, Intent, PlanRequest, Planned, Planner, PlannerError, Proposal, RandomIds, SystemClock};

use super::ANN;
use crate::fake_telegram::{Call, FakeTelegram, Fault};

/// What the planner does next.
enum Step {
    SoFar(String),
    Reply(String),
    Plan(Value),
}

/// A planner that does as it is told, step by step.
struct Told(Mutex<mpsc::UnboundedReceiver<Step>>);

#[async_trait]
impl Planner for Told {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        let intent = Intent::default();
        loop {
            let proposal = match self.0.lock().await.recv().await {
                Some(Step::SoFar(text)) => {
                    request.listener.so_far(&text);
                    continue;
                }
                Some(Step::Reply(text)) => Proposal::Reply { text, intent },
                Some(Step::Plan(plan)) => {
                    let plan = serde_json::from_value(plan).map_err(|error| PlannerError(error.to_string()))?;
                    Proposal::Plan { plan: Box::new(plan), intent }
                }
                // Whoever told it what to do died, and so has it.
                None => std::future::pending().await,
            };
            return Ok(Planned { by: "model".to_owned(), proposal, notes: Vec::new() });
        }
    }
}

/// What a model's reply ends with.
const END: &str = "\n\n(model answered; nothing was done.)";

/// An engine and a door in this process.
struct Life {
    telegram: FakeTelegram,
    db: Db,
    steps: mpsc::UnboundedSender<Step>,
    running: Vec<JoinHandle<()>>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}

fn settings() -> Settings {
    Settings {
        timezone: chrono_tz::UTC,
        currency: "EUR".to_owned(),
        locale: "en".to_owned(),
        remote_ai: true,
        notify_on: Channel::Telegram,
    }
}

impl Life {
    /// The first one, with the owner linked.
    async fn first(dir: &Path) -> Self {
        let telegram = FakeTelegram::start().await;
        telegram.private(ANN, "Ann Archer");
        let db = Db::open(&dir.join("growing.db")).await.expect("the database opens");
        let ann = Person { id: "ann".into(), name: "Ann".to_owned(), role: Role::Owner, settings: settings() };
        db.create_person(&ann, SystemClock.now()).await.expect("a person");
        let identity = Identity { channel: Channel::Telegram, address: ANN.to_string() };
        db.link_identity(&ann.id, &identity, SystemClock.now()).await.expect("a link");
        Self::over(&db, telegram, dir)
    }

    /// Dies once it has noted which message grows, and lives again.
    async fn again(self, dir: &Path) -> Self {
        let (telegram, db) = (self.telegram.clone(), self.db.clone());
        let deadline = Instant::now() + Duration::from_secs(5);
        while db.open_copies(ANN).await.expect("a look").iter().all(|copy| copy.message.is_none()) {
            assert!(Instant::now() < deadline, "it was never noted");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(self);
        db.release_leases(SystemClock.now()).await.expect("leases are released");
        Self::over(&db, telegram, dir)
    }

    fn over(db: &Db, telegram: FakeTelegram, dir: &Path) -> Self {
        let (steps, told) = mpsc::unbounded_channel();
        let (clock, hints): (Arc<dyn Clock>, Arc<Hints>) = (Arc::new(SystemClock), Arc::default());
        let ids = Arc::new(RandomIds(|| uuid::Uuid::new_v4().simple().to_string()));
        let engine = Engine::new(EngineParts {
            store: Arc::new(db.clone()),
            people: Arc::new(db.clone()),
            planner: Arc::new(Told(Mutex::new(told))),
            actions: Arc::new(ScriptedActions::new(Catalog::default())),
            sink: hints.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            limits: Limits { poll_millis: 20, drain_secs_max: 0, ..Limits::default() },
        });
        let members = StoredMembers {
            people: Arc::new(db.clone()),
            persons: Arc::new(db.clone()),
            access: Arc::new(db.clone()),
            log: Arc::new(db.clone()),
            sink: hints.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            settings: settings(),
        };
        let url = telegram.api_url().parse().expect("an address");
        let door = Door::new(Parts {
            api: Api::new(&url, &telegram.token().into()).expect("a client"),
            inbox: Arc::new(db.clone()),
            outbox: Arc::new(db.clone()),
            members: Arc::new(members),
            desk: Arc::new(engine.clone()),
            gates: Arc::<Gates>::default(),
            hints,
            clock,
            ids,
            mode: Mode::Poll,
            uploads: dir.join("uploads"),
            public_url: url,
        });
        let running = vec![
            tokio::spawn(async move { engine.run(std::future::pending()).await }),
            tokio::spawn(async move { door.run(CancellationToken::new()).await }),
        ];
        Self { telegram, db: db.clone(), steps, running }
    }

    fn tell(&self, step: Step) {
        self.steps.send(step).expect("it lives");
    }

    /// Asks something in that chat, and has the planner begin to answer until that is seen.
    async fn begin(&self, chat: i64, words: &str) -> i64 {
        self.telegram.say(chat, ANN, "@fake_office_bot tell me a story");
        self.tell(Step::SoFar(words.to_owned()));
        self.telegram.wait_for_text(chat, &format!("{words} …")).await.id
    }

    /// Has the planner say more and more, so long.
    async fn go_on(&self, words: &str, pieces: usize, pause: Duration) -> String {
        let mut all = words.to_owned();
        for n in 0..pieces {
            all = format!("{all} piece {n}");
            self.tell(Step::SoFar(all.clone()));
            tokio::time::sleep(pause).await;
        }
        all
    }

    /// Ends with these words; waits until they are there, whole.
    async fn end(&self, chat: i64, words: &str) -> i64 {
        self.tell(Step::Reply(words.to_owned()));
        let whole = format!("{words}{END}");
        self.telegram.wait_for_message(chat, |message| message.text == whole).await.id
    }

    /// The changes of a message, in order.
    fn edits(&self, message: i64) -> Vec<Call> {
        let edits = self.telegram.calls_of("editMessageText");
        edits.into_iter().filter(|call| call.params["message_id"] == message).collect()
    }

    fn texts(&self, chat: i64) -> Vec<String> {
        self.telegram.messages(chat).into_iter().map(|message| message.text).collect()
    }

    fn assert_strict(&self) {
        assert_eq!(self.telegram.violations(), Vec::<String>::new());
    }
}

/// That changes but the last, which ends it, are so long apart.
fn assert_apart(edits: &[Call], least: Duration) {
    let growing = &edits[..edits.len() - 1];
    for pair in growing.windows(2) {
        assert!(pair[1].at - pair[0].at >= least, "{:?} between two edits", pair[1].at - pair[0].at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_grows_in_one_message_that_becomes_the_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let message = life.begin(ANN, "Once").await;
    let words = life.go_on("Once", 100, Duration::from_millis(25)).await;
    life.telegram.wait_for_text(ANN, "piece 99 …").await;
    // What is said next may be something else.
    life.tell(Step::SoFar("Twice".to_owned()));
    life.telegram.wait_for_message(ANN, |m| m.text == "Twice …").await;
    assert_eq!(life.end(ANN, &words).await, message, "it is one message");
    let edits = life.edits(message);
    assert!((4..=8).contains(&edits.len()), "{} edits of a hundred pieces", edits.len());
    assert_apart(&edits, Duration::from_millis(990));
    assert_eq!(life.texts(ANN), [format!("{words}{END}")], "and said once");
    assert!(life.telegram.calls_of("deleteMessage").is_empty());
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_reply_is_said_at_once_and_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    life.telegram.say(ANN, ANN, "tell me a story");
    life.tell(Step::SoFar("On".to_owned()));
    life.tell(Step::SoFar("Once".to_owned()));
    life.end(ANN, "Once upon a time").await;
    // Nothing of it comes after it.
    life.telegram.say(ANN, ANN, "/tasks");
    life.telegram.wait_for_text(ANN, "You have no tasks").await;
    assert_eq!(life.telegram.calls_of("sendMessage").len(), 2);
    assert!(life.telegram.calls_of("editMessageText").is_empty());
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_one_message_is_shown_in_part_and_said_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let words = (0..700).map(|n| format!("<word> {n}")).collect::<Vec<_>>().join("\n");
    life.telegram.say(ANN, ANN, "tell me a story");
    life.tell(Step::SoFar(words.clone()));
    let part = life.telegram.wait_for_message(ANN, |m| m.text.ends_with(" …")).await;
    assert!(part.text.encode_utf16().count() <= 4_096, "{}", part.text.len());
    assert!(words.starts_with(part.text.trim_end_matches(" …")) && part.text.len() > 4_000);
    life.tell(Step::Reply(words.clone()));
    life.telegram.wait_for_text(ANN, "nothing was done").await;
    assert_eq!(life.texts(ANN).join("\n"), format!("{words}{END}"), "the part is gone, the whole is there");
    assert_eq!(life.telegram.calls_of("deleteMessage").len(), 1);
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_end_in_a_plan_are_taken_away() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    life.begin(ANN, "I will").await;
    life.tell(Step::Plan(json!({"version": 1, "title": "Q", "stages": [
        {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]})));
    life.telegram.wait_for_text(ANN, "Which colour?").await;
    life.telegram.wait_for_call("deleteMessage", 1).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while life.texts(ANN).iter().any(|text| text.contains("I will")) {
        assert!(Instant::now() < deadline, "{}", life.telegram.report());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(life.texts(ANN).len(), 1, "{}", life.telegram.report());
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_chat_is_left_alone_and_has_the_whole_in_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let message = life.begin(ANN, "Once").await;
    life.telegram.flood(ANN, 2);
    let words = life.go_on("Once", 60, Duration::from_millis(25)).await;
    assert!(!life.telegram.refused().is_empty(), "it was refused once");
    assert_eq!(life.end(ANN, &words).await, message);
    assert_eq!(life.texts(ANN), [format!("{words}{END}")]);
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_it_grows_more_slowly_and_ends_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let group = -4_711;
    life.telegram.group(group, "Family", &[(ANN, "Ann Archer")]);
    let message = life.begin(group, "Once").await;
    let words = life.go_on("Once", 95, Duration::from_millis(100)).await;
    let before = Instant::now();
    assert_eq!(life.end(group, &words).await, message);
    assert!(before.elapsed() < Duration::from_secs(2), "the end does not wait for the pause");
    let edits = life.edits(message);
    assert!((3..=4).contains(&edits.len()), "{} edits", edits.len());
    assert_apart(&edits, Duration::from_millis(3_990));
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_process_ends_what_an_earlier_one_began() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let message = life.begin(ANN, "Once").await;
    let life = life.again(dir.path()).await;
    assert_eq!(life.end(ANN, "Once upon a time").await, message, "the same message");
    assert_eq!(life.texts(ANN).len(), 1);
    // And takes away what comes to something else.
    let half = life.begin(ANN, "I will").await;
    let life = life.again(dir.path()).await;
    life.tell(Step::Plan(json!({"version": 1, "title": "Q", "stages": [
        {"id": "q", "type": "clarification", "question": "Which colour?", "answer": "text"}]})));
    life.telegram.wait_for_text(ANN, "Which colour?").await;
    life.telegram.wait_for_call("deleteMessage", 1).await;
    assert_eq!(life.telegram.calls_of("deleteMessage")[0].params["message_id"], half);
    life.assert_strict();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_the_way_costs_no_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let message = life.begin(ANN, "Once").await;
    for fault in [Fault::HalfAnswer, Fault::ServerError] {
        life.telegram.fail_next("editMessageText", fault);
    }
    assert_eq!(life.end(ANN, "Once upon a time").await, message);
    life.telegram.say(ANN, ANN, "/tasks");
    life.telegram.wait_for_text(ANN, "You have no tasks").await;
    assert_eq!(life.texts(ANN).len(), 2, "{}", life.telegram.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_taken_away_by_hand_is_said_anew_in_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::first(dir.path()).await;
    let message = life.begin(ANN, "Once").await;
    life.telegram.erase(ANN, message);
    let words = life.go_on("Once", 60, Duration::from_millis(25)).await;
    assert_ne!(life.end(ANN, &words).await, message);
    assert_eq!(life.texts(ANN), [format!("{words}{END}")]);
    life.assert_strict();
}
