//! The queue of updates, and the two ways in which a bot gets them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::state::{Answer, Refusal, State};
use super::{FakeTelegram, methods, spec};

/// Longest time of one poll.
const POLL_MAX: Duration = Duration::from_secs(50);
/// Most updates of one batch.
const BATCH_MAX: i64 = 100;
/// Kinds that come only when asked for.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];
/// The ports that a webhook may have.
const PORTS: [u16; 4] = [443, 80, 88, 8443];
/// How often an update is posted before the delivery ends.
const POSTS_MAX: u32 = 3;
/// How long the bot may take to answer a post.
const POST_TIME_MAX: Duration = Duration::from_secs(10);
/// The first update.
const FIRST_UPDATE: i64 = 870_000_001;

#[derive(Clone)]
struct Pending {
    id: i64,
    update: Value,
    /// It comes although its number is below the offset.
    again: bool,
}

#[derive(Clone)]
struct Webhook {
    url: String,
    secret: Option<String>,
    connections: i64,
    last_error: Option<String>,
}

/// Updates that wait, and those that are done.
#[derive(Default)]
pub(super) struct Queue {
    issued: i64,
    pending: VecDeque<Pending>,
    done: Vec<(i64, Value)>,
    pub(super) confirmed: HashSet<i64>,
    /// How often an update was handed out.
    delivered: HashMap<i64, u32>,
    allowed: Option<Vec<String>>,
    webhook: Option<Webhook>,
    polls: u64,
    pub(super) held: bool,
    pub(super) shuffle: bool,
    pub(super) duplicate: bool,
}

impl Queue {
    /// The number of the next update.
    pub(super) fn issue(&mut self) -> i64 {
        self.issued += 1;
        FIRST_UPDATE + self.issued - 1
    }

    /// Queues an update, unless the bot does not want its kind.
    pub(super) fn push(&mut self, kind: &str, payload: Value) -> i64 {
        let id = self.issue();
        let wanted = match &self.allowed {
            Some(kinds) => kinds.iter().any(|wanted| wanted == kind),
            None => !ON_REQUEST.contains(&kind),
        };
        if wanted {
            let mut update = Map::new();
            update.insert("update_id".to_owned(), json!(id));
            update.insert(kind.to_owned(), payload);
            self.pending.push_back(Pending { id, update: Value::Object(update), again: false });
        }
        id
    }

    /// Queues an update as it is.
    pub(super) fn push_raw(&mut self, mut update: Value) -> i64 {
        let id = self.issue();
        update["update_id"] = json!(id);
        self.pending.push_back(Pending { id, update, again: false });
        id
    }

    /// Puts the last confirmed updates in front once more.
    pub(super) fn redeliver(&mut self, count: usize) {
        let from = self.done.len().saturating_sub(count);
        for (id, update) in self.done[from..].iter().rev() {
            self.pending.push_front(Pending { id: *id, update: update.clone(), again: true });
        }
    }

    /// The updates that wait.
    pub(super) fn waiting(&self) -> Vec<i64> {
        self.pending.iter().map(|pending| pending.id).collect()
    }

    pub(super) fn deliveries(&self, id: i64) -> u32 {
        self.delivered.get(&id).copied().unwrap_or(0)
    }

    fn confirm_below(&mut self, offset: i64) {
        let (kept, done) = self.pending.drain(..).partition(|pending| pending.again || pending.id >= offset);
        self.pending = kept;
        let done: VecDeque<Pending> = done;
        for pending in done {
            self.finish(pending);
        }
    }

    fn finish(&mut self, pending: Pending) {
        if self.confirmed.insert(pending.id) {
            self.done.push((pending.id, pending.update));
        }
    }

    fn batch(&mut self, limit: usize) -> Vec<Value> {
        if self.held {
            return Vec::new();
        }
        let mut batch = Vec::new();
        for pending in self.pending.iter_mut().take(limit) {
            pending.again = false;
            *self.delivered.entry(pending.id).or_default() += 1;
            batch.push(pending.update.clone());
        }
        self.disturb(&mut batch);
        batch
    }

    fn disturb<T: Clone>(&mut self, batch: &mut Vec<T>) {
        if batch.len() > 1 && std::mem::take(&mut self.shuffle) {
            batch.reverse();
        }
        if !batch.is_empty() && std::mem::take(&mut self.duplicate) {
            *batch = batch.iter().flat_map(|update| [update.clone(), update.clone()]).collect();
        }
    }

    fn allow(&mut self, params: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(kinds) = params.get("allowed_updates").and_then(Value::as_array) else { return Ok(()) };
        let kinds: Vec<String> = kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if let Some(unknown) = kinds.iter().find(|kind| !spec::is_update_kind(kind)) {
            return Err(Refusal::wrong(format_args!("allowed_updates has an unknown kind \"{unknown}\"")));
        }
        self.allowed = (!kinds.is_empty()).then_some(kinds);
        Ok(())
    }

    pub(super) fn set_webhook(&mut self, params: &Map<String, Value>) -> Answer {
        let url = params.get("url").and_then(Value::as_str).unwrap_or_default();
        if url.is_empty() {
            return Ok(self.delete_webhook(params));
        }
        let parsed = url::Url::parse(url).map_err(|_| Refusal::wrong("bad webhook: invalid webhook URL specified"))?;
        let loopback = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if parsed.scheme() != "https" && !loopback {
            return Err(Refusal::wrong("bad webhook: An HTTPS URL must be provided for webhook"));
        }
        if !loopback && !parsed.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return Err(Refusal::wrong("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"));
        }
        let secret = params.get("secret_token").and_then(Value::as_str);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if secret.is_some_and(|secret| !(1..=256).contains(&secret.len()) || !plain(secret)) {
            return Err(Refusal::wrong("secret token contains unallowed characters"));
        }
        let connections = params.get("max_connections").and_then(Value::as_i64).unwrap_or(40);
        if !(1..=100).contains(&connections) {
            return Err(Refusal::wrong("max_connections must be between 1 and 100"));
        }
        self.allow(params)?;
        if params.get("drop_pending_updates") == Some(&json!(true)) {
            self.pending.clear();
        }
        let secret = secret.map(str::to_owned);
        self.webhook = Some(Webhook { url: url.to_owned(), secret, connections, last_error: None });
        Ok(json!(true))
    }

    pub(super) fn delete_webhook(&mut self, params: &Map<String, Value>) -> Value {
        if params.get("drop_pending_updates") == Some(&json!(true)) {
            self.pending.clear();
        }
        self.webhook = None;
        json!(true)
    }

    pub(super) fn webhook_info(&self) -> Value {
        let mut info = json!({"url": "", "has_custom_certificate": false, "pending_update_count": self.pending.len()});
        if let Some(webhook) = &self.webhook {
            info["url"] = json!(webhook.url);
            info["max_connections"] = json!(webhook.connections);
            info["ip_address"] = json!("127.0.0.1");
            if let Some(error) = &webhook.last_error {
                info["last_error_date"] = json!(super::state::now());
                info["last_error_message"] = json!(error);
            }
        }
        if let Some(allowed) = &self.allowed {
            info["allowed_updates"] = json!(allowed);
        }
        info
    }

    fn webhook_is_active(&self) -> Result<(), Refusal> {
        let why = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                   webhook first";
        if self.webhook.is_some() { Err(Refusal::met(409, why)) } else { Ok(()) }
    }
}

/// A poll that has begun.
struct Poll {
    number: u64,
    limit: usize,
    until: Instant,
}

fn begin(state: &mut State, params: &Map<String, Value>) -> Result<Poll, Refusal> {
    state.queue.webhook_is_active()?;
    let number = |key, default| params.get(key).and_then(Value::as_i64).unwrap_or(default);
    let (limit, timeout) = (number("limit", BATCH_MAX), number("timeout", 0));
    if !(1..=BATCH_MAX).contains(&limit) {
        return Err(Refusal::wrong("limit must be between 1 and 100"));
    }
    let Ok(timeout) = u64::try_from(timeout) else { return Err(Refusal::wrong("timeout must not be negative")) };
    let queue = &mut state.queue;
    queue.allow(params)?;
    let offset = number("offset", 0);
    if offset < 0 {
        let last = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let from = queue.pending.len().saturating_sub(last);
        let first = queue.pending.get(from).map_or(0, |pending| pending.id);
        queue.confirm_below(first);
    } else {
        queue.confirm_below(offset);
    }
    queue.polls += 1;
    let until = Instant::now() + Duration::from_secs(timeout).min(POLL_MAX);
    Ok(Poll { number: queue.polls, limit: usize::try_from(limit).unwrap_or(1), until })
}

impl FakeTelegram {
    /// Waits for updates as long as the client wants.
    pub(super) async fn get_updates(&self, params: &Map<String, Value>) -> Answer {
        let poll = self.change(|state| begin(state, params))?;
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state();
                state.queue.webhook_is_active()?;
                if state.queue.polls != poll.number {
                    return Err(methods::conflict());
                }
                let batch = state.queue.batch(poll.limit);
                if !batch.is_empty() {
                    return Ok(Value::Array(batch));
                }
            }
            if tokio::time::timeout_at(poll.until, changed).await.is_err() {
                return Ok(json!([]));
            }
        }
    }

    /// Posts what waits to the webhook, one by one and in order; the statuses of all posts, 0 for none.
    ///
    /// An update that is not acknowledged is posted again, and ends the delivery when that is in vain.
    pub(crate) async fn deliver_to_webhook(&self) -> Vec<u16> {
        let (webhook, updates) = self.change(|state| {
            let webhook = state.queue.webhook.clone().expect("a webhook is set");
            let mut updates: Vec<Pending> = state.queue.pending.iter().cloned().collect();
            state.queue.disturb(&mut updates);
            (webhook, updates)
        });
        let client = reqwest::Client::builder().timeout(POST_TIME_MAX).build().expect("a client");
        let mut statuses = Vec::new();
        for pending in updates {
            let mut taken = false;
            for _ in 0..POSTS_MAX {
                self.change(|state| *state.queue.delivered.entry(pending.id).or_default() += 1);
                let mut post = client.post(&webhook.url).json(&pending.update);
                if let Some(secret) = &webhook.secret {
                    post = post.header("X-Telegram-Bot-Api-Secret-Token", secret);
                }
                let (status, body) = match post.send().await {
                    Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
                    Err(_) => (0, String::new()),
                };
                statuses.push(status);
                taken = (200..300).contains(&status);
                self.change(|state| state.posted(&pending, taken, status, &body));
                if taken {
                    break;
                }
            }
            if !taken {
                break;
            }
        }
        statuses
    }
}

impl State {
    fn posted(&mut self, pending: &Pending, taken: bool, status: u16, body: &str) {
        let is_call = serde_json::from_str::<Value>(body).is_ok_and(|body| body.get("method").is_some());
        if is_call {
            self.violations.push("webhook: a call in the answer is not supported here".to_owned());
        }
        let queue = &mut self.queue;
        if taken {
            queue.pending.retain(|other| other.id != pending.id);
            queue.finish(pending.clone());
        } else if let Some(webhook) = &mut queue.webhook {
            webhook.last_error = Some(format!("Wrong response from the webhook: {status}"));
        }
    }
}
