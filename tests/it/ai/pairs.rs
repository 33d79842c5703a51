//! Every trouble of one provider before every next one: a person gets one plan, and one mail goes out
//! after their yes, whatever happened on the way.

use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::peer::{NAMES, Peer, breaker, status};
use super::trouble::{Refusing, Trouble};
use super::*;
use crate::fake_ai::Reply;
use crate::fake_smtp::FakeSmtp;

/// Services at the same time: more would wait for the processor and not for each other.
const SERVICES_MAX: usize = 6;
/// Words that rules alone understand too.
const WORDS: &str = "email bob@test.local that dinner is at eight";

/// A provider in trouble and the one that is asked next.
#[derive(Debug, Clone, Copy)]
struct Pair {
    faulty: &'static str,
    trouble: Trouble,
    next: &'static str,
}

impl Pair {
    /// Every trouble before every next provider, on Ollama's wire and on one of the other three.
    fn all() -> Vec<Self> {
        let mut pairs = Vec::new();
        for (row, trouble) in Trouble::ALL.into_iter().enumerate() {
            for (column, next) in NAMES.into_iter().chain(["builtin"]).enumerate() {
                let compatible = ["groq", "zuki", "openai"];
                let other = (0..compatible.len()).map(|at| compatible[(row + column + at) % compatible.len()]);
                let other = other.into_iter().find(|name| *name != next).expect("two of three are others");
                let faulty = ["ollama", other].into_iter().filter(|name| *name != next);
                pairs.extend(faulty.map(|faulty| Self { faulty, trouble, next }));
            }
        }
        pairs
    }

    async fn holds(self) {
        let (ai, smtp) = (FakeAi::start().await, FakeSmtp::start().await);
        let dir = tempfile::tempdir().expect("a directory");
        let (faulty, refusing) = (Peer::of(&ai, self.faulty), Refusing::new());
        self.trouble.befall(&faulty);
        if self.next != "builtin" {
            Peer::of(&ai, self.next).answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Dinner")));
        }
        let order = format!("{},{}", self.faulty, self.next);
        let mut setup = with_models(Setup::new(dir.path(), &smtp.url()), &ai, &order)
            .with("AI_CONNECT_TIMEOUT_SECS", "1")
            .with("AI_FIRST_BYTE_TIMEOUT_SECS", "2")
            .with("AI_TOTAL_TIMEOUT_SECS", "3");
        if self.trouble == Trouble::Refused {
            setup = refusing.instead_of(self.faulty, setup);
        }
        let service = tokio::task::spawn_blocking(move || Service::start(&setup)).await.expect("a start");
        allow_remote(&service).await;
        service.contact("Bob Miller", "bob@test.local").await;

        let mut told = String::new();
        let mut told_by = |value: &Value| write!(told, "{value}").expect("memory");
        let asked = say(&service, WORDS).await;
        told_by(&asked);
        self.shows_one_plan(&service, &asked).await;
        assert_eq!(smtp.ledger().len(), 0, "{self:?}: a mail went out before the yes");
        self.judged(&ai, &service, &faulty).await;

        let done = approve(&service, &asked).await;
        told_by(&done);
        assert_eq!(done["status"], "completed", "{self:?}: {done:#}");
        let mails = smtp.ledger();
        assert_eq!((mails.len(), smtp.violations().len()), (1, 0), "{self:?}");
        assert_eq!(mails[0].to, ["bob@test.local"], "{self:?}");
        for path in ["/api/health", "/api/status", "/api/tasks/"] {
            told_by(&service.get(path).await);
        }
        told.push_str(&service.log());
        for key in [ai.groq.key(), ai.zuki.key(), ai.openai.key()] {
            assert!(!told.contains(&key), "{self:?}: a key was told");
        }
        ai.assert_no_violations();
    }

    /// One task with one plan of the next provider, waiting for one yes.
    async fn shows_one_plan(self, service: &Service, asked: &Value) {
        assert_eq!(asked["planner"], self.next, "{self:?}: {asked:#}");
        assert_eq!(asked["requires_confirmation"], true, "{self:?}: {asked:#}");
        assert_eq!(asked["pending_actions"].as_array().map(Vec::len), Some(1), "{self:?}: {asked:#}");
        let tasks = service.get("/api/tasks/").await;
        assert_eq!(tasks["tasks"].as_array().map(Vec::len), Some(1), "{self:?}: {tasks:#}");
        let prompts = service.get("/api/prompts").await;
        assert_eq!(prompts["prompts"].as_array().map(Vec::len), Some(1), "{self:?}: {prompts:#}");
        let id = asked["task_id"].as_str().expect("a task");
        let events = service.get(&format!("/api/tasks/{id}/events")).await;
        let plans = events["events"].as_array().expect("frames").iter();
        assert_eq!(plans.filter(|frame| frame["type"] == "workflow_created").count(), 1, "{self:?}: {events:#}");
    }

    /// The trouble is seen for what it is, and the next provider has none.
    async fn judged(self, ai: &FakeAi, service: &Service, faulty: &Peer) {
        assert_eq!(breaker(service, self.faulty).await, self.trouble.breaker(), "{self:?}");
        let seen = status(service, self.faulty).await;
        // A server of one's own that is not there gives no vectors either.
        let vectors = usize::from(self.trouble == Trouble::Refused && self.faulty == "ollama");
        assert_eq!(seen["errors"], json!(1 + vectors), "{self:?}: {seen:#}");
        let reached = self.trouble != Trouble::Refused;
        // Groq refuses one form first, in which it may hang and be cut too.
        let forms = usize::from(self.faulty == "groq");
        let chats = faulty.chats().len();
        let wanted = if reached { self.trouble.attempts() } else { 0 };
        assert!(chats == wanted || chats == wanted + forms, "{self:?}: it was asked {chats} times");
        if self.next != "builtin" {
            assert_eq!(breaker(service, self.next).await, "closed", "{self:?}");
            let next = status(service, self.next).await;
            assert_eq!(next["errors"], 0, "{self:?}: {next:#}");
            assert_eq!(Peer::of(ai, self.next).asked().len(), 1, "{self:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_one_the_next_makes_the_one_plan() {
    let pairs = Pair::all();
    assert!(pairs.len() >= Trouble::ALL.len() * 5);
    let turns = Arc::new(Semaphore::new(SERVICES_MAX));
    let mut running = JoinSet::new();
    for pair in pairs {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire().await.expect("it is never closed");
            pair.holds().await;
        });
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "so many pairs do not hold; each says why above");
}
