//! A hundred thousand tasks that wait for somebody.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with a digit or two")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super_manager::store::sqlite::Db;
use workflows::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use workflows::ports::{Claim, Clock, PromptRow, SystemClock, TaskStore, TaskWrite, Turn};
use workflows::state::TaskState;

use crate::Line;

const PARKED: usize = 100_000;
const CLAIMED: u32 = 32;

/// The service as a child on this data directory.
struct Service {
    child: Child,
    ready: Duration,
}

impl Service {
    fn start(data: &Path) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(program())
            .env_clear()
            .env("DATA_DIR", data)
            .env("BIND_ADDR", "127.0.0.1:0")
            .env("OWNER_TOKEN", "token-of-the-bench")
            .env("RUST_LOG", "warn")
            .current_dir(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("http://")).expect("an address");
        std::thread::spawn(move || lines.count());
        let address = line[line.find("http://").expect("an address") + 7..].trim().trim_end_matches('/').to_owned();
        while !answers(&address) {
            std::thread::sleep(Duration::from_millis(2));
        }
        Self { child, ready: begun.elapsed() }
    }

    fn rss_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
        kib / 1024.0
    }

    fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a status");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_super-manager"))
}

/// Whether the service says that it is ready.
fn answers(address: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let asked = stream.write_all(b"GET /api/health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// A task that waits for an answer, as one of many.
type Example = (TaskState, PromptRow);

fn parked((state, prompt): &Example, n: usize, wake_at: chrono::DateTime<chrono::Utc>) -> Turn {
    let id = TaskId(format!("parked{n}"));
    let conversation_id = ConversationId(format!("web:{}", n % 1_000));
    let prompt = PromptRow {
        id: PromptId(format!("prompt{n}")),
        task_id: id.clone(),
        conversation_id: conversation_id.clone(),
        ..prompt.clone()
    };
    Turn {
        person_id: PersonId::from("ann"),
        prompts: vec![prompt],
        frames: Vec::new(),
        inbox: None,
        spend: None,
        at: SystemClock.now(),
        task: Some(TaskWrite {
            id,
            person_id: PersonId::from("ann"),
            conversation_id,
            read_ver: None,
            read_epoch: 1,
            state: state.clone(),
            lease: None,
            wake_at: Some(wake_at),
            progress: true,
        }),
    }
}

async fn fill(db: &Db, example: &Example) {
    let far = SystemClock.now() + chrono::Duration::days(30);
    for batch in (0..PARKED).collect::<Vec<_>>().chunks(1_000) {
        let turns = batch.iter().map(|n| db.commit(parked(example, *n, far)));
        for result in futures_util::future::join_all(turns).await {
            result.expect("committed");
        }
    }
}

async fn claim_p50(db: &Db, example: &Example) -> Duration {
    let mut taken = Vec::new();
    for round in 0..40_usize {
        let due = SystemClock.now() - chrono::Duration::days(1);
        let turns = (0..CLAIMED as usize).map(|n| db.commit(parked(example, PARKED + round * 100 + n, due)));
        for result in futures_util::future::join_all(turns).await {
            result.expect("committed");
        }
        let now = SystemClock.now();
        let lease_until = now + chrono::Duration::days(30);
        let claim = Claim { owner: RunnerId::from("bench"), now, lease_until, limit: CLAIMED };
        let begun = Instant::now();
        let rows = db.claim(claim).await.expect("claimed");
        taken.push(begun.elapsed());
        assert_eq!(rows.len(), CLAIMED as usize);
    }
    taken.sort();
    taken[taken.len() / 2]
}

pub(crate) async fn measure() -> Vec<Line> {
    let dir = tempfile::tempdir().expect("a directory");
    let (empty, full) = (dir.path().join("empty"), dir.path().join("full"));
    for path in [&empty, &full] {
        std::fs::create_dir(path).expect("a directory");
    }
    let service = Service::start(&empty);
    std::thread::sleep(Duration::from_secs(3));
    let (empty_ready, empty_rss) = (service.ready, service.rss_mib());
    drop(service);

    let db = Db::open(&full.join("super-manager.db")).await.expect("a database");
    let example = crate::turns::waiting(&db).await;
    fill(&db, &example).await;
    drop(db);
    let service = loop {
        // The lock is let go of when the writer has ended.
        tokio::time::sleep(Duration::from_millis(200)).await;
        if std::fs::File::open(full.join("super-manager.lock")).is_ok_and(|file| file.try_lock().is_ok()) {
            break Service::start(&full);
        }
    };
    std::thread::sleep(Duration::from_secs(3));
    let before = service.cpu_ticks();
    std::thread::sleep(Duration::from_secs(10));
    let cpu = (service.cpu_ticks() - before) as f64 / 10.0;
    let growth = service.rss_mib() - empty_rss;
    let ready = service.ready;
    drop(service);
    let db = Db::open(&full.join("super-manager.db")).await.expect("a database");
    let claim = claim_p50(&db, &example).await;
    vec![
        Line::new("empty start to ready", format!("{empty_ready:?}"), "<= 150 ms", empty_ready.as_millis() <= 150),
        Line::new("idle RSS, empty", format!("{empty_rss:.1} MiB"), "<= 30 MB", empty_rss <= 28.6),
        Line::new("100,000 parked tasks: RSS growth", format!("{growth:.1} MiB"), "<= 30 MB", growth <= 28.6),
        Line::new("100,000 parked tasks: idle CPU of one core", format!("{cpu:.1} %"), "<= 1 %", cpu <= 1.0),
        Line::new("100,000 parked tasks: start to ready", format!("{ready:?}"), "<= 300 ms", ready.as_millis() <= 300),
        Line::new("32 due rows claimed, p50", format!("{claim:?}"), "<= 1 ms", claim <= Duration::from_millis(1)),
    ]
}
