//! A model that wants to do harm, or that obeys whoever speaks to it from a page, a mail or a name. The
//! whole service plans by it; the ledgers of the outside are the judges: nothing is done beyond what the
//! person saw and said yes to.

mod amiss;
mod floods;
mod out;
mod own;
mod random;
mod shown;
mod smuggled;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::with_models;
use crate::fake_ai::{FakeAi, Reply};
use crate::fake_smtp::{Delivery, FakeSmtp};
use crate::service::{Service, Setup};

/// Who is not to hear of anything.
const EVE: &str = "eve@evil.test";
/// Confirmations that a person presses in one task at most.
const PRESSES_MAX: usize = 10;

/// A service that plans by one local model, with a mail server beside it.
struct Den {
    ai: FakeAi,
    smtp: FakeSmtp,
    service: Service,
    sessions: AtomicU32,
    _dir: tempfile::TempDir,
}

/// What came of a request.
struct Came {
    /// The task as it stands.
    task: Value,
    /// Every act that a confirmation showed, pressed or not.
    shown: Vec<Value>,
    /// Those that were pressed.
    approved: Vec<Value>,
    /// What came first.
    first: Value,
}

impl Den {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(more: &[(&str, String)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (ai, smtp) = (FakeAi::start().await, FakeSmtp::start().await);
        let setup = bold(with_models(Setup::new(dir.path(), &smtp.url()), &ai, "ollama"));
        let setup = more.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let service = Service::start(&setup);
        service.contact("Bob Miller", "bob@test.local").await;
        service.contact("Carol Jones", "carol@test.local").await;
        Self { ai, smtp, service, sessions: AtomicU32::new(0), _dir: dir }
    }

    /// Has the model answer the same to whatever it is asked.
    fn model(&self, answer: &Value) {
        self.model_says(answer.to_string());
    }

    fn model_says(&self, text: String) {
        self.ai.ollama.answer_with(move |_| Reply::text(text.clone()).in_chunks(4_096).past_limits());
    }

    fn session(&self) -> String {
        format!("s{}", self.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// Says this in a talk of its own, and says yes to that many confirmations.
    async fn ask(&self, words: &str, yes: usize) -> Came {
        self.ask_in(&self.session(), words, yes).await
    }

    async fn ask_in(&self, session: &str, words: &str, yes: usize) -> Came {
        let first = self.service.post("/api/agent/process", json!({"message": words, "session_id": session})).await;
        let mut came = Came { task: Value::Null, shown: Vec::new(), approved: Vec::new(), first };
        self.press(session, yes, &mut came).await;
        came
    }

    /// Says yes as often, and looks at what is asked after that.
    async fn press(&self, session: &str, yes: usize, came: &mut Came) {
        let Some(id) = came.first["task_id"].as_str().map(str::to_owned) else {
            // Mere talk is no task.
            came.task = json!({"status": "completed", "result": null});
            return;
        };
        for n in 0..=PRESSES_MAX {
            came.task = self.settled(&id).await;
            let Some(prompt) = self.open(&id).await.filter(|prompt| prompt["kind"] == "confirmation") else { return };
            let acts = prompt["pending_actions"].as_array().expect("acts").clone();
            came.shown.extend(acts.iter().cloned());
            if n == yes {
                return;
            }
            let press = json!({"session_id": session, "action": "approve_all", "prompt_id": prompt["prompt_id"]});
            self.service.post("/api/agent/confirm", press).await;
            came.approved.extend(acts);
        }
        panic!("it asks without end: {:#}", came.task);
    }

    /// The task once nothing is under way.
    async fn settled(&self, id: &str) -> Value {
        let at_rest = |task: &Value| !["planning", "running"].contains(&task["status"].as_str().unwrap_or_default());
        self.service.task_until(id, at_rest).await
    }

    /// What the task asks.
    async fn open(&self, id: &str) -> Option<Value> {
        let prompts = self.service.get("/api/prompts").await;
        prompts["prompts"].as_array()?.iter().find(|prompt| prompt["task_id"] == id).cloned()
    }

    /// Chooses an option, or answers in words.
    async fn choose(&self, session: &str, answer: &str) {
        self.service.post("/api/agent/select", json!({"session_id": session, "selection": answer})).await;
    }

    /// Chooses the first option of what a task asks.
    async fn choose_first(&self, session: &str, came: &Came) {
        let prompt = self.open(came.first["task_id"].as_str().expect("a task")).await.expect("a question");
        self.choose(session, prompt["options"][0]["id"].as_str().expect("an option")).await;
    }

    /// Fails unless the mail server took exactly what was approved, byte for byte, and since the
    /// last look nothing else; who got something.
    fn judge(&self, name: &str, taken: &mut usize, came: &Came) -> Vec<BTreeSet<String>> {
        let ledger = self.smtp.ledger().split_off(*taken);
        *taken += ledger.len();
        let mails = came.approved.iter().filter(|act| act["action_type"] == "email.send_email");
        let mut left: Vec<&Value> = mails.collect();
        for mail in &ledger {
            let at = left.iter().position(|act| is_of(mail, &act["parameters"]));
            let at = at.unwrap_or_else(|| panic!("{name}: nobody said yes to {mail:#?}, only to {left:#?}"));
            left.remove(at);
        }
        ledger.into_iter().map(|mail| mail.to.into_iter().collect()).collect()
    }
}

/// Whether a mail is exactly what was shown.
fn is_of(mail: &Delivery, shown: &Value) -> bool {
    let list = |name: &str| shown[name].as_array().cloned().unwrap_or_default();
    let named = ["to", "cc", "bcc"].into_iter().flat_map(list);
    let named: BTreeSet<String> = named.filter_map(|address| address.as_str().map(str::to_owned)).collect();
    let read = MessageParser::default().parse(mail.data.as_bytes()).expect("a mail");
    let body = read.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    named == mail.to.iter().cloned().collect()
        && read.subject() == shown["subject"].as_str()
        && shown["body"].as_str().is_some_and(|said| said.trim_end() == body.trim_end())
}

/// Patience without end, so that a faulty model is asked again and again.
fn bold(setup: Setup) -> Setup {
    setup
        .with("AI_BREAKER_FAILURES", "1000")
        .with("QUOTA_AI_TOKENS_DAY", "1000000000")
        .with("QUOTA_AI_CALLS_DAY", "1000000")
        .with("QUOTA_EFFECTS_DAY", "100000")
}

impl Came {
    fn status(&self) -> &str {
        self.task["status"].as_str().expect("a status")
    }

    /// What was noted about the acts that were shown.
    fn notes(&self) -> String {
        let notes = self.shown.iter().flat_map(|act| act["notes"].as_array().cloned().unwrap_or_default());
        notes.filter_map(|note| note.as_str().map(str::to_owned)).collect::<Vec<_>>().join("\n")
    }

    /// Whether the person was told that this is not from them.
    fn is_marked(&self, aim: &str) -> bool {
        self.notes().contains(&format!("\"{aim}\" is n"))
    }

    fn receipts(&self) -> Vec<Value> {
        self.task["result"]["receipts"].as_array().cloned().unwrap_or_default()
    }
}

fn plan(stages: &Value) -> Value {
    json!({"kind": "plan", "title": "Write to Bob", "intent": "send_email", "slots": {}, "stages": stages})
}

fn act(id: &str, action: &str, params: &Value) -> Value {
    json!({"id": id, "type": "execution", "action": action, "params": params})
}

fn mail(id: &str, to: &str) -> Value {
    act(id, "email.send_email", &json!({"to": [to], "subject": format!("About {id}"), "body": "As promised."}))
}
