//! The life of a breaker, seen from outside: who is asked when, and how long a person waits.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::peer::{Peer, breaker, breaker_until, status};
use super::trouble::Refusing;
use super::*;
use crate::fake_ai::Reply;
use crate::fake_web::Fault;

/// Requests whose time is taken.
const MEASURED: usize = 21;
/// What a refused connection may cost before the next provider is asked.
const FAILOVER_MAX: Duration = Duration::from_millis(50);
/// What a person may wait when nobody is waited for in vain.
const ANSWER_MAX: Duration = Duration::from_millis(300);

/// A service with two providers, Zuki before Groq, whose plans tell them apart.
async fn two(dir: &std::path::Path, ai: &FakeAi, settings: &[(&str, &str)]) -> Service {
    for name in ["zuki", "groq"] {
        Peer::of(ai, name).answer_with(move |_| Reply::json(&mail_plan("Bob Miller", name)));
    }
    let setup = with_models(Setup::new(dir, "smtp://127.0.0.1:9"), ai, "zuki,groq");
    let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
    let service = consenting(&setup).await;
    service.contact("Bob Miller", "bob@test.local").await;
    service
}

/// Who plans a request in a conversation of its own.
async fn planner(service: &Service, session: &str) -> String {
    let answer = say_in(service, session, "write to Bob what I promised").await;
    answer["planner"].as_str().unwrap_or_else(|| panic!("nobody: {answer:#}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_opens_rests_lets_one_call_through_and_closes() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = two(dir.path(), &ai, &[("AI_BREAKER_FAILURES", "2"), ("AI_BREAKER_COOLDOWN_SECS", "5")]).await;
    let zuki = Peer::of(&ai, "zuki");
    ai.zuki.stop();
    assert_eq!(planner(&service, "a").await, "groq");
    assert_eq!(breaker(&service, "zuki").await, "closed", "once is not often enough");
    let closed = Instant::now();
    assert_eq!(planner(&service, "b").await, "groq");
    assert_eq!(breaker(&service, "zuki").await, "open");

    // It is back, and would answer, but it is left alone.
    ai.zuki.restart().await;
    assert_eq!(planner(&service, "c").await, "groq");
    assert_eq!(breaker(&service, "zuki").await, "open", "or this machine is too slow to tell");
    assert_eq!(zuki.chats().len(), 0, "nobody was asked while the breaker was open");
    let seen = status(&service, "zuki").await;
    assert_eq!((&seen["requests"], &seen["errors"]), (&json!(2), &json!(2)), "{seen:#}");

    // One call of five that come at once goes through, and takes longer than all of them take to come.
    breaker_until(&service, "zuki", "half_open").await;
    assert!(closed.elapsed() >= Duration::from_secs(5), "it rested");
    let slow = |_: &_| Reply::json(&mail_plan("Bob Miller", "zuki")).in_chunks(16).pausing(Duration::from_millis(200));
    zuki.answer_with(slow);
    let sessions = ["d", "e", "f", "g", "h"];
    let mut planners = join_all(sessions.map(|session| planner(&service, session))).await;
    planners.sort();
    assert_eq!(planners, ["groq", "groq", "groq", "groq", "zuki"]);
    assert_eq!(zuki.chats().len(), 1, "exactly one probe");
    assert_eq!(breaker(&service, "zuki").await, "closed");
    assert_eq!(planner(&service, "i").await, "zuki");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_opens_it_again() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = two(dir.path(), &ai, &[("AI_BREAKER_FAILURES", "2"), ("AI_BREAKER_COOLDOWN_SECS", "3")]).await;
    let zuki = Peer::of(&ai, "zuki");
    zuki.fails(Fault::ServerError);
    for session in ["a", "b"] {
        assert_eq!(planner(&service, session).await, "groq");
    }
    assert_eq!(zuki.chats().len(), 2);
    breaker_until(&service, "zuki", "half_open").await;
    assert_eq!(planner(&service, "c").await, "groq");
    assert_eq!((zuki.chats().len(), breaker(&service, "zuki").await.as_str()), (3, "open"), "one failure is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_before_the_time_they_told() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = two(dir.path(), &ai, &[("AI_BREAKER_COOLDOWN_SECS", "1")]).await;
    let zuki = Peer::of(&ai, "zuki");
    ai.zuki.fault_at(&ai.zuki.chats(), 1, Fault::TooMany { retry_after: Some(3) });
    assert_eq!(planner(&service, "a").await, "groq");
    // More requests than one come in that time, some of them after the usual rest.
    for n in 0.. {
        let by = planner(&service, &format!("b{n}")).await;
        if by == "zuki" {
            break;
        }
        assert_eq!(by, "groq");
        assert!(n < 500, "it is never asked again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let chats = zuki.chats();
    assert_eq!(chats.len(), 2, "not one call between");
    let waited = chats[1].at - chats[0].at;
    assert!(waited >= Duration::from_secs(3), "it was asked again after {waited:?}");
    assert!(waited < Duration::from_secs(5), "it was asked again only after {waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_is_waited_for_once() {
    let (ai, dir) = (FakeAi::start().await, tempfile::tempdir().expect("a directory"));
    let service = two(dir.path(), &ai, &[("AI_FIRST_BYTE_TIMEOUT_SECS", "1")]).await;
    let zuki = Peer::of(&ai, "zuki");
    zuki.fails(Fault::Hang);
    let began = Instant::now();
    assert_eq!(planner(&service, "a").await, "groq");
    assert!(began.elapsed() >= Duration::from_secs(1), "the first waits as long as is set");
    let mut quickest = Duration::MAX;
    for session in ["b", "c", "d"] {
        let began = Instant::now();
        assert_eq!(planner(&service, session).await, "groq");
        quickest = quickest.min(began.elapsed());
    }
    assert!(quickest < ANSWER_MAX, "the others waited too: {quickest:?}");
    assert_eq!(zuki.chats().len(), 1);
}

/// How long it takes until Groq has planned a request.
async fn time_of(service: &Service, session: &str) -> Duration {
    let began = Instant::now();
    assert_eq!(planner(service, session).await, "groq");
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_costs_next_to_nothing() {
    let (ai, refusing) = (FakeAi::start().await, Refusing::new());
    ai.groq.answer_with(|_| Reply::json(&mail_plan("Bob Miller", "Hello")));
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let mut services = Vec::new();
    for (order, dir) in ["groq", "zuki,groq"].into_iter().zip(&dirs) {
        // It never opens, so each request is refused anew.
        let setup = with_models(Setup::new(dir.path(), "smtp://127.0.0.1:9"), &ai, order);
        let service = consenting(&refusing.instead_of("zuki", setup).with("AI_BREAKER_FAILURES", "1000")).await;
        service.contact("Bob Miller", "bob@test.local").await;
        services.push(service);
    }
    let [direct, failing] = &services[..] else { panic!("two services") };
    // In turns: whatever else this machine does, it does to both.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for session in (0..MEASURED).map(|n| format!("m{n}")) {
        without.push(time_of(direct, &session).await);
        with.push(time_of(failing, &session).await);
    }
    assert_eq!(status(failing, "zuki").await["errors"], MEASURED, "each was refused");
    let (direct, failed_over) = (median(without), median(with));
    println!("request to plan: {direct:?} directly, {failed_over:?} after a refused connection");
    assert!(failed_over.saturating_sub(direct) <= FAILOVER_MAX, "{direct:?} became {failed_over:?}");
}
