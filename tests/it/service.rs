//! The built program as a child process, and a client of its API.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "owner-token-for-tests";

/// What a child is started with.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) data_dir: PathBuf,
    pub(crate) smtp_url: String,
    pub(crate) env: Vec<(String, String)>,
}

impl Setup {
    pub(crate) fn new(data_dir: &Path, smtp_url: &str) -> Self {
        Self { data_dir: data_dir.to_owned(), smtp_url: smtp_url.to_owned(), env: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The program with these settings and nothing of ours from around it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_super-manager"));
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.current_dir(&self.data_dir);
        command.env("DATA_DIR", &self.data_dir).env("BIND_ADDR", "127.0.0.1:0").env("OWNER_TOKEN", TOKEN);
        command.env("OWNER_NAME", "Ann Archer").env("RUST_LOG", "warn");
        // No model of whoever runs the tests.
        command.env("AI_PROVIDERS", "builtin");
        if !self.smtp_url.is_empty() {
            command.env("SMTP_URL", &self.smtp_url).env("SMTP_EMAIL", "bot@test.local");
            command.env("MAIL_TRUST", "insecure-loopback");
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running child; killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) base: String,
    client: reqwest::Client,
    log: Arc<Mutex<Vec<String>>>,
}

/// Why a call gave no answer: the service is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Service {
    /// Starts it and waits for its first line; `None` when it dies before.
    pub(crate) fn try_start(setup: &Setup) -> Option<Self> {
        let mut child =
            setup.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("a pipe");
        let log = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if std::env::var_os("SHOW_LOGS").is_some() {
                    println!("| {line}");
                }
                kept.lock().expect("no holder panics").push(line);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let base = loop {
            let Some(Ok(line)) = lines.next() else {
                // It has died; there is nothing to wait for but its end.
                let _status = child.wait();
                return None;
            };
            if let Some(at) = line.find("http://") {
                break line[at..].trim().trim_end_matches('/').to_owned();
            }
        };
        std::thread::spawn(move || lines.count());
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        Some(Self { child, base, client, log })
    }

    pub(crate) fn start(setup: &Setup) -> Self {
        Self::try_start(setup).expect("the service starts")
    }

    /// Calls the API as the owner.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), Gone> {
        self.call_as(TOKEN, method, path, body, None).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Result<(u16, Value), Gone> {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(|_| Gone)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|_| Gone)?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Sends a file as it is.
    pub(crate) async fn upload(&self, token: &str, path: &str, bytes: Vec<u8>) -> Result<(u16, Value), Gone> {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(token).body(bytes);
        let response = request.send().await.map_err(|_| Gone)?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.map_err(|_| Gone)?))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await.expect("an answer");
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await.expect("an answer");
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn contact(&self, name: &str, email: &str) {
        self.post("/api/contacts", json!({"name": name, "email": email})).await;
    }

    /// Looks at a task until it fits.
    pub(crate) async fn task_until(&self, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.task_until_within(Duration::from_secs(60), id, fits).await
    }

    /// The same, for so long.
    pub(crate) async fn task_until_within(&self, limit: Duration, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + limit;
        loop {
            let task = self.get(&format!("/api/tasks/{id}")).await;
            if fits(&task) {
                return task;
            }
            assert!(Instant::now() < deadline, "the task never got there: {task:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no holder panics").join("\n")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not died yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a look").is_none()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        // It may be dead already.
        let _dead = self.child.kill();
        let _status = self.child.wait();
    }

    /// Asks it to stop, and waits: whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.child.wait().expect("an end").success()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn has_ended(task: &Value) -> bool {
    let status = task["status"].as_str().unwrap_or_default();
    ["completed", "completed_with_failures", "failed", "cancelled", "quarantined"].contains(&status)
}
