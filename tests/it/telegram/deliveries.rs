//! Ten thousand deliveries: again, out of order, and with the service dying between receiving,
//! keeping and acknowledging.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::SeedableRng as _;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use super_manager::store::PeopleStore as _;
use super_manager::store::sqlite::Db;
use workflows::ports::People as _;

use super::{ANN, BOB, EVE, House};
use crate::service::Service;

/// Messages said.
const MESSAGES: usize = 1_500;
/// Deliveries of them at least.
const DELIVERIES: usize = 10_000;
/// Times the service dies.
const DEATHS: usize = 20;
/// After so long without a change nothing more comes.
const SETTLED: Duration = Duration::from_secs(6);
/// Most time that may take.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_deliveries_lose_no_message_and_handle_none_twice() {
    let seed =
        std::env::var("DELIVERIES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("DELIVERIES_SEED={seed}");
    let mut dice = rand::rngs::StdRng::seed_from_u64(seed);
    let mut house = House::new().await;
    let telegram = house.telegram.clone();
    let people = [ANN, BOB, EVE, 444];
    telegram.private(444, "Dora");
    for user in &people[1..] {
        house.invite(*user).await;
    }
    let began = Instant::now();
    let (mut updates, mut deaths) = (Vec::new(), 0);
    let delivered = |updates: &[i64]| updates.iter().map(|id| telegram.deliveries(*id) as usize).sum::<usize>();
    while updates.len() < MESSAGES || delivered(&updates) < DELIVERIES || deaths < DEATHS {
        assert!(began.elapsed() < PATIENCE, "{} of {DELIVERIES} deliveries", delivered(&updates));
        for _ in 0..dice.random_range(1..60).min(MESSAGES - updates.len()) {
            let n = updates.len();
            let user = people[n % people.len()];
            updates.push(telegram.say(user, user, &format!("Add contact Guest{n} with email guest{n}@test.local")));
        }
        match dice.random_range(0..6) {
            0 => telegram.shuffle_next_batch(),
            1 => telegram.duplicate_next_batch(),
            _ => telegram.redeliver(dice.random_range(1..400)),
        }
        if deaths < DEATHS && dice.random_range(0..3) == 0 {
            deaths += 1;
            die(&mut house, &mut dice).await;
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..40))).await;
    }
    let counts = settled(&house).await;
    let lost: Vec<usize> = (0..MESSAGES).filter(|n| !counts.contains_key(&format!("Guest{n}"))).collect();
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    println!("{} deliveries of {MESSAGES} messages, {deaths} deaths, {:?}", delivered(&updates), began.elapsed());
    let database = house.setup.data_dir.join("super-manager.db");
    let mut look = SqliteConnectOptions::new().filename(database).read_only(true).connect().await.expect("a look");
    let sql = "SELECT id, begun, coalesce(ending, 'waits') FROM telegram_updates WHERE ending IS NOT 'handled'";
    let odd: Vec<(i64, i64, String)> = sqlx::query_as(sql).fetch_all(&mut look).await.expect("a list");
    println!("not handled: {odd:?}");
    assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, doubled {doubled:?}");
    house.assert_strict();
}

/// Dies at a random moment, or at a named point a few hits on, and begins anew.
async fn die(house: &mut House, dice: &mut rand::rngs::StdRng) {
    house.service.as_mut().expect("it runs").kill();
    let hit = dice.random_range(1..80).to_string();
    let doomed = house.setup.clone().with("SUPER_MANAGER_CRASH_AT_HIT", &hit);
    if let Some(mut short_lived) = Service::try_start(&doomed) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..120))).await;
        short_lived.kill();
    }
    house.service = Some(Service::start(&house.setup));
    // An update at which the process dies again and again is rightly set aside; so each life gets past what it
    // found, and the next death meets what is new.
    let database = house.setup.data_dir.join("super-manager.db");
    let mut look = SqliteConnectOptions::new().filename(database).read_only(true).connect().await.expect("a look");
    let sql = "SELECT id FROM telegram_updates WHERE ended_at IS NULL";
    let begun: Vec<i64> = sqlx::query_scalar(sql).fetch_all(&mut look).await.expect("a list");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let sql =
            "SELECT count(*) FROM telegram_updates WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(?1))";
        let asked = sqlx::query_scalar(sql).bind(serde_json::json!(begun).to_string());
        let left: i64 = asked.fetch_one(&mut look).await.expect("a count");
        if left == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "it does not get on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How often each guest is in somebody's address book, once nothing waits any more.
async fn settled(house: &House) -> HashMap<String, usize> {
    let db = Db::open_shared(&house.setup.data_dir.join("super-manager.db")).await.expect("the database");
    let (mut before, mut changed) = (0, Instant::now());
    loop {
        let mut counts = HashMap::new();
        for person in db.persons().await.expect("people") {
            for contact in db.contacts(&person.id).await.expect("contacts") {
                *counts.entry(contact.name).or_insert(0) += 1;
            }
        }
        let total = counts.values().sum::<usize>();
        if total > before {
            (before, changed) = (total, Instant::now());
        }
        // What would come twice comes within that time, too.
        if changed.elapsed() > SETTLED {
            return counts;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
