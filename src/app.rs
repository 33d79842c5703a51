//! The composition root: builds every part, runs them, and stops them in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::person::{Channel, Settings};
use workflows::planner::Builtin;
use workflows::ports::{Actions, Clock, Ids, RandomIds, SystemClock};

use crate::config::Config;
use crate::http::auth::owner::{Welcome, ensure_owner};
use crate::http::state::{ANSWER_WAIT, SIGN_IN_DELAY, SOCKET_SEND_LIMIT};
use crate::http::{Health, HttpConfig, HttpState, Hub, PluginInfo, router};
use crate::plugins::{PluginDeps, Plugins};
use crate::reminders::EngineReminders;
use crate::store::sqlite::Db;
use crate::store::{LogStore, StoreError};

/// Longest wait for requests under way when the service stops.
const HTTP_DRAIN: Duration = Duration::from_secs(5);

/// Why the service did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory cannot be used.
    #[error("the data directory {0} cannot be used")]
    DataDir(std::path::PathBuf, #[source] std::io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The address cannot be told as a URL.
    #[error("the address cannot be told as a URL")]
    Address(#[from] url::ParseError),
}

/// A built service, listening and not yet serving.
pub struct Service {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What to tell whoever started it.
    pub welcome: String,
    listener: TcpListener,
    engine: Engine,
    routes: axum::Router,
    stopping: watch::Sender<bool>,
}

/// Builds every part. Nothing outside is touched but the data directory and the port.
///
/// # Errors
/// See [`AppError`].
pub async fn build(config: &Config) -> Result<Service, AppError> {
    std::fs::create_dir_all(&config.data_dir).map_err(|error| AppError::DataDir(config.data_dir.clone(), error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds(fresh_id));
    let db = Db::open(&config.database).await?;
    db.release_leases(clock.now()).await?;
    let listener = TcpListener::bind(config.bind_addr).await.map_err(|e| AppError::Listen(config.bind_addr, e))?;
    let addr = listener.local_addr().map_err(|e| AppError::Listen(config.bind_addr, e))?;
    let public_url = config.public_url.clone().map_or_else(|| Url::parse(&format!("http://{addr}")), Ok)?;

    let settings = first_settings(config);
    let token = config.owner_token.as_ref().map(ExposeSecret::expose_secret);
    let owner = ensure_owner(&db, &config.owner_name, settings.clone(), token, clock.as_ref(), ids.as_ref()).await?;

    let hub = Arc::new(Hub::default());
    let reminders = Arc::new(EngineReminders::new(Arc::new(db.clone())));
    let plugins = Arc::new(Plugins::new(&deps(config, &db, &hub, &reminders, &ids)));
    let engine = Engine::new(EngineParts {
        store: Arc::new(db.clone()),
        people: Arc::new(db.clone()),
        planner: Arc::new(Builtin),
        actions: Arc::clone(&plugins) as Arc<dyn Actions>,
        sink: Arc::clone(&hub) as _,
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        limits: Limits { lease_secs: config.lease_secs, ..Limits::default() },
    });
    reminders.connect(engine.clone());

    let stopping = watch::Sender::new(false);
    let health = ServiceHealth { db: db.clone(), plugins: Arc::clone(&plugins), clock: Arc::clone(&clock), stopping: stopping.clone() };
    let state = HttpState {
        desk: Arc::new(engine.clone()),
        log: Arc::new(db.clone()),
        people: Arc::new(db.clone()),
        persons: Arc::new(db.clone()),
        contacts: Arc::new(db.clone()),
        calendar: Arc::new(db.clone()),
        access: Arc::new(db),
        hub,
        health: Arc::new(health),
        metrics: Arc::default(),
        attempts: Arc::default(),
        clock,
        ids,
        config: Arc::new(http_config(&plugins, settings, public_url.clone())),
    };
    let welcome = welcome(config, &owner, &public_url, &plugins);
    Ok(Service { addr, welcome, listener, engine, routes: router(state), stopping })
}

impl Service {
    /// Serves until `shutdown` is there; then takes no more requests, lets the engine end what is
    /// under way, and comes back.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), AppError> {
        let stopping = self.stopping;
        let told = stopping.clone();
        let signal = tokio::spawn(async move {
            shutdown.await;
            told.send_replace(true);
        });
        let until = |stopping: &watch::Sender<bool>| {
            let mut told = stopping.subscribe();
            async move {
                // The sender lives as long as the service: the wait ends only by its word.
                let _stopped = told.wait_for(|stop| *stop).await;
            }
        };
        let engine = self.engine.clone();
        let engine_until = until(&stopping);
        let running = tokio::spawn(async move { engine.run(engine_until).await });
        let routes = self.routes.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(self.listener, routes).with_graceful_shutdown(until(&stopping));
        let forced = async {
            until(&stopping).await;
            tokio::time::sleep(HTTP_DRAIN).await;
        };
        let served = tokio::select! {
            served = serving.into_future() => served.map_err(|error| AppError::Listen(self.addr, error)),
            // Open sockets must not keep the service from stopping.
            () = forced => Ok(()),
        };
        stopping.send_replace(true);
        if running.await.is_err() {
            tracing::error!("the engine broke while it was stopping");
        }
        signal.abort();
        served
    }
}

/// UUIDs of version 7, so that ids sort by their making.
fn fresh_id() -> String {
    uuid::Uuid::now_v7().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string()[..8]
}

fn first_settings(config: &Config) -> Settings {
    Settings {
        timezone: config.timezone,
        currency: config.currency.clone(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    }
}

fn deps(config: &Config, db: &Db, hub: &Arc<Hub>, reminders: &Arc<EngineReminders>, ids: &Arc<dyn Ids>) -> PluginDeps {
    PluginDeps {
        mail: config.mail.clone(),
        jitsi_base_url: config.jitsi_base_url.clone(),
        people: Arc::new(db.clone()),
        identities: Arc::new(db.clone()),
        contacts: Arc::new(db.clone()),
        calendar: Arc::new(db.clone()),
        log: Arc::new(db.clone()),
        sink: Arc::clone(hub) as _,
        reminders: Arc::clone(reminders) as _,
        ids: Arc::clone(ids),
    }
}

fn http_config(plugins: &Plugins, settings: Settings, public_url: Url) -> HttpConfig {
    let infos = plugins.infos();
    HttpConfig {
        public_url,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings,
        plugins: infos.into_iter().map(|info| PluginInfo { name: info.name, description: info.description }).collect(),
        answer_wait: ANSWER_WAIT,
        sign_in_delay: SIGN_IN_DELAY,
        socket_send_limit: SOCKET_SEND_LIMIT,
    }
}

/// What the start prints: where it is, how to get in, what is on.
fn welcome(config: &Config, owner: &Welcome, url: &Url, plugins: &Plugins) -> String {
    let mut lines = vec![
        format!("Super Manager {} listens on {url}", env!("CARGO_PKG_VERSION")),
        format!("Sign in (works once, for a day): {url}login?code={}", owner.login_code),
    ];
    if let Some(token) = &owner.new_token {
        lines.push(format!("Your API token, shown only now: {token}"));
    }
    for info in plugins.infos() {
        lines.push(match &info.off {
            None => format!("  on   {:<10} {}", info.name, info.description),
            Some(why) => format!("  off  {:<10} {why}", info.name),
        });
    }
    for name in &config.without_effect {
        lines.push(format!("  off  {name} is set, but has no effect in this release"));
    }
    lines.join("\n")
}

struct ServiceHealth {
    db: Db,
    plugins: Arc<Plugins>,
    clock: Arc<dyn Clock>,
    stopping: watch::Sender<bool>,
}

impl ServiceHealth {
    async fn database(&self) -> bool {
        self.db.queue_depth(self.clock.now()).await.is_ok()
    }
}

#[async_trait]
impl Health for ServiceHealth {
    async fn ready(&self) -> bool {
        !*self.stopping.borrow() && self.database().await
    }

    async fn health(&self) -> Map<String, Value> {
        let database = if self.database().await { "ok" } else { "down" };
        let off = json!({"status": "off", "detail": "this release does not have it"});
        let shown = json!({
            "ai_providers": ["builtin"],
            "channels": {"web": {"status": "on", "detail": ""}, "telegram": off, "discord": off, "email": off},
            "circuit_breakers": {},
            "components": {"database": database},
        });
        shown.as_object().cloned().unwrap_or_default()
    }

    async fn status(&self) -> Map<String, Value> {
        let features: Map<String, Value> = self
            .plugins
            .infos()
            .into_iter()
            .map(|info| (info.name, json!({"on": info.off.is_none(), "reason": info.off})))
            .collect();
        let depth = self.db.queue_depth(self.clock.now()).await.ok();
        let shown = json!({
            "providers": {"builtin": {"status": "on"}},
            "features": features,
            "queue_depth": depth,
            "commits": self.db.commits(),
        });
        shown.as_object().cloned().unwrap_or_default()
    }
}
