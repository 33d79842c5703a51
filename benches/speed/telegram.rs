//! The Telegram door: how soon a press is answered, and how a backlog is taken in.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::Line;
use crate::fake_telegram::FakeTelegram;

const ANN: i64 = 111;
/// Groups she presses in, so that presses come from many chats.
const CHATS: i64 = 50;
const PRESSES: u32 = 1_000;
const PRESSES_PER_SEC: u32 = 200;
const BACKLOG: usize = 1_000;

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// The service on this data directory, and the code that links its owner.
fn start(data: &Path, telegram: &FakeTelegram) -> (Service, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_super-manager"))
        .env_clear()
        .envs([("DATA_DIR", data.as_os_str())])
        .env("BIND_ADDR", "127.0.0.1:0")
        .env("OWNER_TOKEN", "token-of-the-bench")
        // Nothing is ever sent: every mail waits for a yes that does not come.
        .env("SMTP_URL", "smtp://127.0.0.1:9")
        .env("SMTP_EMAIL", "bot@test.local")
        .env("MAIL_TRUST", "insecure-loopback")
        .env("TELEGRAM_BOT_TOKEN", telegram.token())
        .env("TELEGRAM_API_URL", telegram.api_url())
        .env("RUST_LOG", "warn")
        .current_dir(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("/start ")).expect("a code is printed at the first start");
    let code = line.rsplit(' ').next().expect("a code").to_owned();
    std::thread::spawn(move || lines.count());
    (Service(child), code)
}

/// What is asked in each group: two acts, so that there are buttons to turn.
async fn ask(telegram: &FakeTelegram) -> HashMap<i64, (i64, String)> {
    let mut buttons = HashMap::new();
    for chat in (1..=CHATS).map(|n| -1_000 - n) {
        telegram.group(chat, "Office", &[(ANN, "Ann")]);
        telegram.say(
            chat,
            ANN,
            "@fake_office_bot Email bob@test.local that lunch is at noon and email carol@test.local that dinner is at eight",
        );
        let pick = |label: &str| label == "Choose which";
        telegram.wait_for_message(chat, |message| message.buttons().iter().any(|b| pick(&b.label))).await;
        telegram.press_label(chat, ANN, "Choose which");
        let turned = telegram.wait_for_message(chat, |m| m.buttons().iter().any(|b| b.label.starts_with('☑'))).await;
        let first = turned.buttons().into_iter().find_map(|button| button.data).expect("a payload");
        buttons.insert(chat, (turned.id, first));
    }
    buttons
}

/// Presses at an even pace; how long each answer took, in milliseconds, shortest first.
async fn press(telegram: &FakeTelegram, buttons: &HashMap<i64, (i64, String)>) -> Vec<f64> {
    let chats: Vec<&i64> = buttons.keys().collect();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PRESSES_PER_SEC);
    let mut pressed = Vec::new();
    for n in 0..PRESSES as usize {
        pace.tick().await;
        let chat = chats[n % chats.len()];
        let (message, data) = &buttons[chat];
        pressed.push(telegram.press(*chat, ANN, *message, data).query);
    }
    let mut took = Vec::new();
    for query in &pressed {
        let press = telegram.wait_answered(query).await;
        let answered = press.answered.expect("it was answered");
        took.push(answered.duration_since(press.pressed).as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    took
}

/// Lets a backlog gather, then in: how long until Telegram is told that all of it arrived.
async fn drain(telegram: &FakeTelegram) -> Duration {
    telegram.hold();
    let mut last = 0;
    for n in 0..BACKLOG {
        let chat = -1_001 - i64::try_from(n).expect("a small number") % CHATS;
        last = telegram.say(chat, ANN, "@fake_office_bot /nothing");
    }
    let begun = Instant::now();
    telegram.release();
    telegram.wait_confirmed(last).await;
    begun.elapsed()
}

/// The lines of the report about Telegram.
pub(crate) async fn measure() -> Vec<Line> {
    let folder = tempfile::tempdir().expect("a folder");
    let telegram = FakeTelegram::start().await;
    telegram.private(ANN, "Ann");
    let (_service, code) = start(folder.path(), &telegram);
    telegram.say(ANN, ANN, &format!("/start {code}"));
    telegram.wait_for_text(ANN, "linked to you").await;
    let buttons = ask(&telegram).await;

    let took = press(&telegram, &buttons).await;
    let (half, most) = (took[took.len() / 2], took[took.len() * 99 / 100]);

    let database = folder.path().join("super-manager.db");
    let mut look = SqliteConnectOptions::new().filename(database).read_only(true).connect().await.expect("a look");
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql);
    let newest = count("SELECT max(id) FROM telegram_updates").fetch_one(&mut look).await.expect("an id");
    let polls = telegram.calls_of("getUpdates").len();
    let drained = drain(&telegram).await;
    let batches = telegram.calls_of("getUpdates").len() - polls;
    // A batch is kept in one commit and stamped with one time.
    let sql = "SELECT count(DISTINCT kept_at) FROM telegram_updates WHERE id > ?1";
    let commits: i64 = sqlx::query_scalar(sql).bind(newest).fetch_one(&mut look).await.expect("a count");
    vec![
        Line::new(
            "200 presses a second: press to answer, p50 / p99",
            format!("{half:.1} / {most:.1} ms"),
            "p99 <= 100 ms",
            most <= 100.0,
        ),
        Line::new(
            "1,000 updates in one backlog: kept in",
            format!("{:.0} ms, {commits} commits for {batches} batches", drained.as_secs_f64() * 1_000.0),
            "<= 1 commit per batch",
            commits <= i64::try_from(batches).unwrap_or(i64::MAX),
        ),
    ]
}
