//! A server that is played by hand, over a pipe and in paused time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rmcp::ServiceExt as _;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio_util::sync::CancellationToken;
use workflows::ids::PersonId;
use workflows::ports::{ActionErrorKind, StoreError, SystemClock};

use super::config::{ServerConfig, Way};
use super::limits::{CALL_MAX, CALLS_MAX, CHECK_EVERY, LEAVE_MAX, LIST_MAX, PAGES_MAX, TOOLS_MAX};
use super::program::Pipe;
use super::server::{Means, Server, Status};
use super::session::{Ears, Line, Session};
use super::words::Secrets;
use crate::store::mcp::{McpStore, Pin};

/// Answers requests by hand; `None` = says nothing. Comes with a way to say something unasked.
async fn played(
    answer: impl Fn(&str, &Value) -> Option<Value> + Send + 'static,
) -> (Session, Ears, Arc<Mutex<Vec<String>>>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let unasked = Arc::<Mutex<Vec<String>>>::default();
    tokio::spawn(play(theirs, answer, Arc::clone(&unasked)));
    let (read, write) = tokio::io::split(ours);
    let ears = Ears::default();
    let service = ears.clone().serve(Pipe::new("s", read, write)).await.expect("it greets");
    (Session { service, program: None, secrets: Secrets::default() }, ears, unasked)
}

async fn play(stream: DuplexStream, answer: impl Fn(&str, &Value) -> Option<Value>, unasked: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = serde_json::from_str(&line).expect("a message");
        let method = message["method"].as_str().unwrap_or_default();
        let result = match method {
            "initialize" => Some(
                json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}),
            ),
            _ if message["id"].is_null() => None,
            method => answer(method, &message["params"]),
        };
        let more = std::mem::take(&mut *unasked.lock().expect("no holder panics"));
        let told = result.map(|result| json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string());
        for line in more.into_iter().chain(told) {
            write.write_all(format!("{line}\n").as_bytes()).await.expect("it is heard");
        }
    }
}

fn tool(name: &str) -> Value {
    json!({"name": name, "description": "d", "inputSchema": {"type": "object"}})
}

async fn listed(answer: impl Fn(&str, &Value) -> Option<Value> + Send + 'static) -> Result<Vec<Value>, String> {
    let (session, _, _) = played(answer).await;
    session.line().tools().await
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_to_its_end_and_no_further_than_its_bounds() {
    let two = listed(|_, params| {
        Some(match params["cursor"].as_str() {
            None => json!({"tools": [tool("a")], "nextCursor": "b"}),
            Some(_) => json!({"tools": [tool("b")]}),
        })
    });
    assert_eq!(two.await.expect("tools").len(), 2);

    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let endless = listed(move |_, _| {
        let n = counted.fetch_add(1, Ordering::SeqCst);
        Some(json!({"tools": [tool("a")], "nextCursor": n.to_string()}))
    });
    assert!(endless.await.expect_err("no end").contains("pages"));
    assert_eq!(asked.load(Ordering::SeqCst), PAGES_MAX);

    let circle = listed(|_, _| Some(json!({"tools": [tool("a")], "nextCursor": "again"})));
    assert!(circle.await.expect_err("a circle").contains("circle"));

    let many: Vec<Value> = (0..=TOOLS_MAX).map(|n| tool(&format!("t{n}"))).collect();
    let crowd = listed(move |_, _| Some(json!({"tools": many})));
    assert!(crowd.await.expect_err("too many").contains("more than"));

    let large = json!({"name": "a", "description": "x".repeat(1 << 20), "inputSchema": {"type": "object"}});
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let heavy = listed(move |_, _| {
        let n = counted.fetch_add(1, Ordering::SeqCst);
        Some(json!({"tools": [large], "nextCursor": n.to_string()}))
    });
    assert!(heavy.await.expect_err("too large").contains("larger than"));
    assert!(asked.load(Ordering::SeqCst) <= 8, "it is given up as soon as it is too large");

    let mute = listed(|_, _| None);
    let begun = tokio::time::Instant::now();
    assert!(mute.await.expect_err("no answer").contains("no answer"));
    assert_eq!(begun.elapsed(), LIST_MAX);
}

#[tokio::test]
async fn one_tool_that_is_told_wrongly_leaves_the_others_as_they_are() {
    let told = listed(|_, _| Some(json!({"tools": [tool("good"), {"name": "ill", "inputSchema": true}, {"name": 5}]})));
    let (offers, refused) = super::tool::offers(&told.await.expect("a list"));
    assert_eq!(offers.len(), 2);
    assert!(offers[0].parameters.is_ok() && offers[1].parameters.is_err(), "{offers:?}");
    assert_eq!(refused.len(), 1);
}

async fn call(line: &Line) -> Result<Value, ActionErrorKind> {
    let leave = line.leave().await.map_err(|error| error.kind)?;
    line.call(leave, "t", Map::new(), false).await.map_err(|error| error.kind)
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_in_its_time_and_is_unknown() {
    let (session, _, _) = played(|_, _| None).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(call(&session.line()).await, Err(ActionErrorKind::Unknown));
    assert_eq!(begun.elapsed(), CALL_MAX);
    assert!(CALL_MAX < super::limits::ACTION_MAX, "its own words come before the engine's");
}

#[tokio::test(start_paused = true)]
async fn more_calls_at_once_than_allowed_wait_and_have_not_been_made() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let (session, _, _) = played(move |method, _| {
        counted.fetch_add(usize::from(method == "tools/call"), Ordering::SeqCst);
        None
    })
    .await;
    let line = session.line();
    let all = (0..=CALLS_MAX).map(|_| call(&line));
    let kinds = futures_util::future::join_all(all).await;
    let waited = kinds.iter().filter(|kind| matches!(kind, Err(ActionErrorKind::Retry { .. }))).count();
    assert_eq!((waited, made.load(Ordering::SeqCst)), (1, CALLS_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_ended_sends_nothing() {
    let (session, _, _) = played(|_, _| Some(json!({"content": []}))).await;
    let line = session.line();
    assert!(call(&line).await.is_ok());
    session.watch(std::future::ready(())).await;
    assert_eq!(call(&line).await, Err(ActionErrorKind::Retry { after_secs: None }));
}

/// What is allowed, in memory.
#[derive(Default)]
struct Kept(Mutex<Option<Vec<Pin>>>);

#[async_trait]
impl McpStore for Kept {
    async fn pins(&self, _server: &str) -> Result<Option<Vec<Pin>>, StoreError> {
        Ok(self.0.lock().expect("no holder panics").clone())
    }
    async fn first_sight(&self, _server: &str, pins: Vec<Pin>, _at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.lock().expect("no holder panics").get_or_insert(pins);
        Ok(())
    }
    async fn allow(&self, _server: &str, _pin: Pin, _by: &PersonId, _at: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn server(command: &str) -> (Arc<Server>, Arc<AtomicU64>) {
    let version = Arc::new(AtomicU64::new(0));
    let means = Means { store: Arc::new(Kept::default()), clock: Arc::new(SystemClock), version: Arc::clone(&version) };
    let way = Way::Program { command: command.to_owned(), args: Vec::new(), env: std::collections::BTreeMap::new() };
    let config = ServerConfig { name: "s".to_owned(), way, read: BTreeSet::new(), disabled: false };
    (Arc::new(Server::new(config, None, Arc::new(means))), version)
}

#[tokio::test]
async fn what_a_program_says_as_it_goes_down_is_told_and_one_that_says_nothing_is_not_waited_for() {
    let open = async |script: &str| {
        let args = vec!["-c".to_owned(), script.to_owned()];
        let way = Way::Program { command: "sh".to_owned(), args, env: std::collections::BTreeMap::new() };
        let config = ServerConfig { name: "s".to_owned(), way, read: BTreeSet::new(), disabled: false };
        Session::open(&config, Ears::default()).await.err().expect("it does not greet")
    };
    // It has said nothing yet when the connection ends.
    let why = open("exec >&-; sleep 0.3; echo first >&2; echo no room on the disk >&2").await;
    assert!(why.ends_with("it said: no room on the disk"), "{why}");
    let begun = std::time::Instant::now();
    let why = open("exec >&-; sleep 60").await;
    assert!(!why.contains("it said"), "{why}");
    assert!(begun.elapsed() < LEAVE_MAX * 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_no_longer_answers_is_noticed_though_nobody_calls_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let (session, ears, _) =
        played(move |_, _| (counted.fetch_add(1, Ordering::SeqCst) < 3).then(|| json!({"tools": [tool("a")]}))).await;
    let (server, version) = server("nowhere");
    let (line, begun) = (session.line(), tokio::time::Instant::now());
    let why = server.listen(&line, &ears).await;
    assert!(why.contains("no answer"), "{why}");
    assert_eq!(begun.elapsed(), CHECK_EVERY * 3 + LIST_MAX);
    assert!(matches!(server.status(), Status::Up(_)), "it was up meanwhile");
    assert_eq!(version.load(Ordering::SeqCst), 2, "the same list again changes nothing");
}

#[tokio::test(start_paused = true)]
async fn calls_without_an_end_do_not_keep_it_from_being_asked_what_it_offers() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let (session, ears, _) = played(move |method, _| {
        (method == "tools/list").then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            json!({"tools": [tool("t")]})
        })
    })
    .await;
    let (server, _) = server("nowhere");
    let line = session.line();
    let steady = |late: u64| {
        let line = line.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(late)).await;
            loop {
                let _unknown = call(&line).await;
            }
        }
    };
    let calls = async { tokio::join!(steady(1), steady(50)) };
    let all = async { tokio::join!(server.listen(&line, &ears), calls) };
    let _ended = tokio::time::timeout(Duration::from_secs(1_200), Box::pin(all)).await;
    assert!(asked.load(Ordering::SeqCst) >= 4, "{} times in twenty minutes", asked.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_fresh_is_read_again_and_a_tool_that_changed_is_not_called() {
    let changed = Arc::new(AtomicU64::new(0));
    let asked = Arc::new(AtomicUsize::new(0));
    let (now, counted) = (Arc::clone(&changed), Arc::clone(&asked));
    let (session, ears, _) = played(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut told = tool("t");
        told["description"] = json!(format!("version {}", now.load(Ordering::SeqCst)));
        Some(json!({"tools": [told]}))
    })
    .await;
    let (server, _) = server("nowhere");
    let line = session.line();
    let _listens = tokio::time::timeout(Duration::from_secs(1), server.listen(&line, &ears)).await;
    let known = server.known()[0].clone();
    changed.store(1, Ordering::SeqCst);
    server.look_again(&line).await.expect("it answers");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the list is a second old");
    server.still(&known, &line).expect("as far as is known");
    tokio::time::sleep(Duration::from_secs(6)).await;
    server.look_again(&line).await.expect("it answers");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let error = server.still(&known, &line).expect_err("it changed");
    assert_eq!(error.kind, ActionErrorKind::Fail);
    assert!(error.message.contains("changed since it was allowed"), "{error:?}");
    // The owner allows it meanwhile: what was begun is still not for it.
    let offer = server.known()[0].offer.clone().expect("an offer");
    server.allowed(super::tool::pin(&offer));
    assert_eq!(server.still(&known, &line).expect_err("another").kind, ActionErrorKind::Fail);
    assert!(server.still(&server.known()[0].clone(), &line).is_ok());
}

#[tokio::test(start_paused = true)]
async fn between_the_news_of_a_change_and_a_look_at_it_nothing_is_called() {
    let (session, ears, unasked) = played(|_, _| Some(json!({"tools": [tool("a")]}))).await;
    let line = session.line();
    assert!(!line.is_stale());
    let news = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}).to_string();
    // It changes while its list is being read: what was read may be the old one.
    let heard = ears.heard();
    unasked.lock().expect("no holder panics").push(news);
    line.tools().await.expect("tools");
    tokio::time::timeout(Duration::from_secs(1), ears.told.notified()).await.expect("it is told");
    ears.looked(heard);
    assert!(line.is_stale());
    let heard = ears.heard();
    line.tools().await.expect("tools");
    ears.looked(heard);
    assert!(!line.is_stale());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_started_is_tried_again_less_and_less_often() {
    let (server, version) = server("/nowhere/at-all");
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (server, stop) = (Arc::clone(&server), stop.clone());
        async move { server.run(stop).await }
    });
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let tries = version.load(Ordering::SeqCst);
    // 1, 2, 4 … 256 seconds, then every 300.
    assert!((17..=21).contains(&tries), "{tries} tries in an hour");
    let Status::Down(why) = server.status() else { panic!("it is down") };
    assert!(why.contains("cannot be started"), "{why}");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(1), running).await.expect("soon").expect("well");
}
