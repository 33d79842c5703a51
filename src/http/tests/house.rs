//! What the tests stand on: a whole service without network, two people, a planner of set phrases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Map, Value, json};
use tower::ServiceExt;
use workflows::action::{ActionSpec, Catalog, ReachRule};
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::ids::{ConversationId, PersonId};
use workflows::person::{Channel, Person, Role, Settings};
use workflows::plan::Plan;
use workflows::ports::clock::ManualClock;
use workflows::ports::{
    ActionCall, ActionError, ActionOutcome, Actions, BUILTIN, Clock, FrameSink, Ids, Intent, LookUp, PlanRequest,
    Planned, Planner, PlannerError, Proposal, StoreError,
};

use crate::http::auth::{owner, secret};
use crate::http::{Doors, Health, HttpConfig, HttpState, Hub, Linked, PluginInfo, router};
use crate::plugins::mcp::Servers;
use crate::plugins::mcp::config::McpConfig;
use crate::store::PeopleStore;
use crate::store::access::{Credential, CredentialKind, Scope};
use crate::store::sqlite::Db;

/// Ids that count, so that snapshots are the same every time.
#[derive(Default)]
struct TestIds(AtomicU64);

impl Ids for TestIds {
    fn fresh(&self) -> String {
        format!("id{:06}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Sends into a ledger.
pub(super) struct Ledger {
    catalog: Arc<Catalog>,
    pub(super) sent: AtomicU64,
}

#[async_trait]
impl Actions for Ledger {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let result = Map::from_iter([("message_id".to_owned(), json!("<1@example.org>"))]);
        Ok(ActionOutcome { result, detail: format!("Sent to {}", call.args["to"]), undo: None, left: None })
    }

    async fn look_up(&self, _: ActionCall) -> LookUp {
        LookUp::Absent
    }

    fn time_limit(&self, _: &str) -> Duration {
        Duration::from_secs(5)
    }
}

/// Plans set phrases.
struct Phrases;

#[async_trait]
impl Planner for Phrases {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        let by = |proposal| Planned { by: BUILTIN.to_owned(), proposal, notes: Vec::new() };
        let intent = Intent { kind: "send_email".to_owned(), confidence: Some(0.9), entities: Map::new() };
        if request.text.starts_with("mail") {
            let plan: Plan = serde_json::from_value(plan()).map_err(|error| PlannerError(error.to_string()))?;
            return Ok(by(Proposal::Plan { plan: Box::new(plan), intent }));
        }
        Ok(by(Proposal::Reply { text: "I can send mail.".to_owned(), intent: Intent::default() }))
    }
}

/// A question, then a mail that needs a yes.
pub(super) fn plan() -> Value {
    json!({"version": 1, "title": "Mail Ann", "intent": "send_email", "stages": [
        {"id": "which", "type": "selection", "question": "Which greeting?",
         "options": [{"id": "a", "name": "Hello"}, {"id": "b", "name": "Hi"}]},
        {"id": "sure", "type": "confirmation", "covers": ["send"]},
        {"id": "send", "type": "execution", "action": "email.send_email",
         "params": {"to": "ann@example.org", "text": "{{ which.name }}"}},
    ]})
}

struct Well;

#[async_trait]
impl Health for Well {
    async fn ready(&self) -> bool {
        true
    }

    async fn health(&self) -> Map<String, Value> {
        Map::from_iter([("channels".to_owned(), json!({"web": {"status": "on", "detail": ""}}))])
    }

    async fn status(&self, _: &Person) -> Map<String, Value> {
        Map::new()
    }
}

#[async_trait]
impl Doors for Well {
    async fn linked(&self, _: &PersonId, channel: Channel) -> Result<Linked, StoreError> {
        Ok(match channel {
            Channel::Discord => Linked::At(ConversationId("discord:c1".to_owned())),
            Channel::Email => Linked::NotLinked,
            Channel::Telegram | Channel::Web => Linked::NotConfigured,
        })
    }
}

/// The whole service, with the secrets of its people.
pub(super) struct House {
    pub(super) app: Router,
    pub(super) state: HttpState,
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

/// The owner's token.
pub(super) const OWNER: &str = "sm_owner";
/// Another person's token.
pub(super) const BOB: &str = "sm_bob";
/// The owner's token that may only look.
pub(super) const READ: &str = "sm_read";
/// The owner's token that may look and act, but not approve.
pub(super) const ACT: &str = "sm_act";

pub(super) fn settings() -> Settings {
    Settings {
        timezone: chrono_tz::UTC,
        currency: "USD".to_owned(),
        locale: "en".to_owned(),
        remote_ai: true,
        notify_on: Channel::Web,
    }
}

fn catalog() -> Catalog {
    Catalog::new(vec![ActionSpec {
        name: "email.send_email".to_owned(),
        summary: "Sends a mail".to_owned(),
        parameters: json!({"type": "object", "additionalProperties": false, "required": ["to", "text"],
            "properties": {"to": {"type": "string"}, "text": {"type": "string"}}}),
        result: json!({"type": "object"}),
        reach: ReachRule::World,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &["to"],
        future: &[],
        version: None,
        unavailable: None,
    }])
}

impl House {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Arc::new(Db::open(&folder.path().join("test.db")).await.unwrap());
        let clock = Arc::new(ManualClock::new(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let (ids, hub) = (Arc::new(TestIds::default()), Arc::new(Hub::default()));
        let welcome =
            owner::ensure_owner(db.as_ref(), "Owner", settings(), Some(OWNER), clock.as_ref(), ids.as_ref()).await;
        let owner = welcome.unwrap().owner.id;
        let bob = Person { id: "bob".into(), name: "Bob".to_owned(), role: Role::Member, settings: settings() };
        db.create_person(&bob, clock.now()).await.unwrap();
        let ledger = Arc::new(Ledger { catalog: Arc::new(catalog()), sent: AtomicU64::new(0) });
        let engine = Engine::new(EngineParts {
            store: db.clone(),
            people: db.clone(),
            planner: Arc::new(Phrases),
            actions: ledger.clone(),
            sink: hub.clone() as Arc<dyn FrameSink>,
            clock: clock.clone(),
            ids: ids.clone(),
            limits,
        });
        let state = HttpState {
            desk: Arc::new(engine),
            log: db.clone(),
            people: db.clone(),
            persons: db.clone(),
            contacts: db.clone(),
            photos: db.clone(),
            calendar: Arc::new(crate::plugins::calendar::builtin::Builtin(db.clone())),
            access: db.clone(),
            hub,
            health: Arc::new(Well),
            doors: Arc::new(Well),
            mcp: Arc::new(Servers::load(&McpConfig::default(), db.clone(), clock.clone()).await.unwrap()),
            metrics: Arc::default(),
            attempts: Arc::default(),
            clock: clock.clone(),
            ids,
            config: Arc::new(config(folder.path())),
        };
        let house = Self { app: router(state.clone()), state, ledger, clock, _folder: folder };
        let all = vec![Scope::Read, Scope::Act, Scope::Approve];
        house.token(BOB, &"bob".into(), all).await;
        house.token(READ, &owner, vec![Scope::Read]).await;
        house.token(ACT, &owner, vec![Scope::Read, Scope::Act]).await;
        house
    }

    async fn token(&self, token: &str, person: &workflows::ids::PersonId, scopes: Vec<Scope>) {
        let credential = Credential {
            id: format!("id-of-{token}"),
            person_id: person.clone(),
            kind: CredentialKind::Token,
            parent: None,
            name: token.to_owned(),
            scopes,
            created_at: self.clock.now(),
            last_used_at: None,
            expires_at: None,
        };
        self.state.access.put_credential(&secret::hash(token), &credential).await.unwrap();
    }

    /// One request; an empty token sends none.
    pub(super) async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (StatusCode, Value) {
        let (status, _, body) = self.send(request(method, path, token, body)).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(super) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, bytes.to_vec())
    }
}

fn config(folder: &std::path::Path) -> HttpConfig {
    HttpConfig {
        public_url: "http://127.0.0.1:8000".parse().unwrap(),
        version: "0.0.0".to_owned(),
        settings: settings(),
        plugins: vec![PluginInfo { name: "email".to_owned(), description: "Mail".to_owned(), off: None }],
        answer_wait: Duration::from_secs(10),
        sign_in_delay: Duration::from_millis(1),
        socket_send_limit: Duration::from_secs(1),
        uploads: folder.join("uploads"),
    }
}

pub(super) fn request(method: &str, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    match body {
        None => request.body(Body::empty()).unwrap(),
        Some(body) => {
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
        }
    }
}
