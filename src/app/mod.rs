//! The composition root: builds every adapter, supervises what runs, owns the order of the end.
//!
//! It decides nothing: what is on and off comes from the configuration, what happens from the
//! engine. The end has an order and a bound: the doors take nothing new, what is under way goes
//! on for at most [`Limits::drain_secs_max`], then the store closes.

mod doors;
mod features;
mod health;
#[cfg(test)]
mod tests;
mod upkeep;
mod welcome;

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;
use uuid::Uuid;
use workflows::engine::{Engine, EngineParts, Limits};
use workflows::person::{Channel, Settings};
use workflows::ports::{Clock, FrameSink, Ids, Planner, RandomIds, SystemClock};

use crate::ai::{self, AiPlanner, RouterEmbedder};
use crate::caldav::CalDav;
use crate::config::Config;
use crate::http::auth::attempts::Attempts;
use crate::http::auth::owner::{Welcome, ensure_owner};
use crate::http::metrics::Metrics;
use crate::http::state::{ANSWER_WAIT, SIGN_IN_DELAY, SOCKET_SEND_LIMIT};
use crate::http::{self, HttpConfig, HttpState, Hub, PluginInfo};
use crate::memory::Memory;
use crate::outgoing::{Outgoing, SystemNames};
use crate::plugins::calendar::builtin;
use crate::plugins::calendar::port::CalendarBook;
use crate::plugins::calendar::whose::Calendars;
use crate::plugins::mcp::Servers;
use crate::plugins::{PluginDeps, Plugins};
use crate::reminders::EngineReminders;
use crate::store::sqlite::Db;
use crate::store::{PeopleStore, StoreError};

pub use features::Feature;
use health::Wellbeing;
use upkeep::Upkeep;

/// Longest wait for a look at models before the first screen is shown.
const LOOK_LIMIT: Duration = Duration::from_millis(100);
/// Longest wait for requests that are under way when the service stops.
const DOORS_SECS_MAX: u64 = 2;

/// Why the service did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory cannot be made.
    #[error("the data directory {0} cannot be made")]
    DataDir(PathBuf, #[source] std::io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] std::io::Error),
    /// The public address is none.
    #[error("the public address is none")]
    PublicUrl(#[from] url::ParseError),
    /// No HTTP client can be made.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// A part that runs as long as the service does has ended.
    #[error("{0} ended by itself")]
    Ended(&'static str),
}

/// A service that is built and listens, but serves nothing yet.
pub struct App {
    address: SocketAddr,
    welcome: String,
    doors: Vec<Door>,
    engine: Engine,
    reminders: Arc<EngineReminders>,
    health: Arc<Wellbeing>,
    telegram: Option<channels::telegram::Door>,
    mcp: Arc<Servers>,
    upkeep: Upkeep,
}

/// A listener with its routes.
struct Door {
    listener: TcpListener,
    routes: Router,
}

/// Runs the service until `shutdown` is there.
///
/// # Errors
/// See [`AppError`].
pub async fn serve(config: Config, shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
    let app = App::start(config).await?;
    // A service whose output nobody reads any more serves all the same.
    let _unread = writeln!(std::io::stdout(), "{}", app.welcome());
    app.run(shutdown).await
}

/// Makes or updates the database: how many migrations it has now.
///
/// # Errors
/// See [`AppError`].
pub async fn migrate(config: &Config) -> Result<usize, AppError> {
    Ok(open(config).await?.migrations().await?.0)
}

async fn open(config: &Config) -> Result<Db, AppError> {
    config.make_data_dir().map_err(|error| AppError::DataDir(config.data_dir.clone(), error))?;
    Ok(Db::open(&config.database).await?)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|error| AppError::Bind(address, error))
}

/// Ids that nobody guesses and that sort by their making.
fn fresh_id() -> String {
    // Version 7 alone has 74 random bits.
    format!("{}{:016x}", Uuid::now_v7().simple(), rand::random::<u64>())
}

impl App {
    /// Opens the database, takes over what an earlier process left, and listens.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn start(config: Config) -> Result<Self, AppError> {
        let db = open(&config).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds(fresh_id));
        let released = db.release_leases(clock.now()).await?;
        if released > 0 {
            info!(tasks = released, "taken over from a process that is gone");
        }
        let listener = listen(config.bind_addr).await?;
        let address = listener.local_addr().map_err(|error| AppError::Bind(config.bind_addr, error))?;
        let public_url = public_url(&config, address)?;
        let (first, owner) = owner(&db, &config, &*clock, &*ids).await?;

        let hub = Arc::new(Hub::default());
        let reminders = Arc::new(EngineReminders::new(Arc::new(db.clone())));
        let bot = doors::Bot::new(&config, &db)?;
        let sink = doors::sink(&hub, bot.as_ref());
        let servers = config.mcp.clone().unwrap_or_default();
        let mcp = Arc::new(Servers::load(&servers, Arc::new(db.clone()), Arc::clone(&clock)).await?);
        let outgoing = outgoing(&config)?;
        let ai = Arc::new(ai::router(&config.ai, Arc::new(db.clone()), Arc::clone(&clock)).map_err(AppError::Client)?);
        let embedder = Arc::new(RouterEmbedder(Arc::clone(&ai)));
        let memory = Memory::new(Arc::new(db.clone()), Some(embedder), Arc::clone(&clock));
        let calendar = calendars(&config, &outgoing, &db);
        let deps = PluginDeps {
            telegram: bot.as_ref().map(doors::Bot::plugin),
            ..plugin_deps(&config, outgoing, &calendar, &db, &sink, &reminders, &ids, &mcp, memory.clone())
        };
        let plugins = Arc::new(Plugins::new(&deps));
        let features = features::list(&config, &plugins.infos());
        let http_config = http_config(&config, &public_url, &plugins);
        let planner = AiPlanner::new(Arc::clone(&ai), Arc::new(db.clone()), memory.clone(), config.uploads());
        let engine = engine(&config, &db, Arc::new(planner), plugins, &sink, &clock, &ids);
        reminders.connect(engine.clone());
        let telegram = bot.map(|bot| {
            let members = doors::members(&db, &sink, &clock, &ids, settings(&config));
            bot.door(&config, &db, &public_url, &engine, members, &clock, &ids)
        });
        let health = Arc::new(Wellbeing::new(
            db.clone(),
            Arc::clone(&clock),
            features.clone(),
            telegram.clone(),
            Arc::clone(&mcp),
            Arc::clone(&ai),
        ));

        let upkeep = Upkeep::new(&ai, memory, config.uploads(), &db, &clock);
        let state = http_state(
            http_config,
            &db,
            calendar,
            &engine,
            hub,
            Arc::clone(&health),
            telegram.is_some(),
            Arc::clone(&mcp),
            clock,
            ids,
        );
        let mut doors = Vec::new();
        if let Some(address) = config.metrics_addr {
            doors.push(Door { listener: listen(address).await?, routes: http::metrics_router(state.clone()) });
        }
        let webhook = telegram.as_ref().map(channels::telegram::webhook::router).unwrap_or_default();
        doors.push(Door { listener, routes: http::router(state).merge(webhook) });
        look_around(&ai).await;
        let features = features::now(&features, &[], &ai.absent());
        let welcome = welcome::text(&config, &public_url, &owner, first, &features);
        Ok(Self { address, welcome, doors, engine, reminders, health, telegram, mcp, upkeep })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What can be done.
    #[cfg(test)]
    pub(crate) fn catalog(&self) -> Arc<workflows::action::Catalog> {
        self.engine.catalog()
    }

    /// What to print for the person who started it; holds secrets at the first start.
    pub fn welcome(&self) -> &str {
        &self.welcome
    }

    /// Serves until `shutdown` is there, then ends in order.
    ///
    /// # Errors
    /// [`AppError::Ended`] when a part ended by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), AppError> {
        let (closing, draining) = (CancellationToken::new(), CancellationToken::new());
        let mut doors = spawn_doors(self.doors, &closing);
        let (engine, until) = (self.engine, draining.clone());
        let mut running = tokio::spawn(async move { engine.run(until.cancelled_owned()).await });
        let (leaving, mcp) = (CancellationToken::new(), self.mcp);
        let until = leaving.clone();
        let mut servers = tokio::spawn(async move { mcp.run(until).await });
        let mut upkeep = tokio::spawn(self.upkeep.run(leaving.clone()));
        let (telegram, until) = (self.telegram, closing.clone());
        let mut chats = tokio::spawn(async move {
            match telegram {
                Some(door) => door.run(until).await,
                None => until.cancelled().await,
            }
        });
        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            _ended = &mut doors => Err(AppError::Ended("a door")),
            _ended = &mut running => Err(AppError::Ended("the engine")),
            _ended = &mut chats => Err(AppError::Ended("the Telegram door")),
            _ended = &mut servers => Err(AppError::Ended("the watch over MCP servers")),
            _ended = &mut upkeep => Err(AppError::Ended("the upkeep")),
        };
        info!("stopping: nothing new is taken, what is under way goes on");
        self.health.stop();
        closing.cancel();
        // The chat doors first: what they still hand in must find the engine running.
        if !chats.is_finished() && tokio::time::timeout(Duration::from_secs(DOORS_SECS_MAX), &mut chats).await.is_err()
        {
            chats.abort();
            warn!("Telegram updates were still being handled; they are taken up at the next start");
        }
        draining.cancel();
        if !running.is_finished() && running.await.is_err() {
            warn!("the engine broke while it stopped");
        }
        if !doors.is_finished() && tokio::time::timeout(Duration::from_secs(DOORS_SECS_MAX), &mut doors).await.is_err()
        {
            doors.abort();
            warn!("requests were still waiting for their answer");
        }
        // Last, for what was under way may have been calling them.
        leaving.cancel();
        if !servers.is_finished() && servers.await.is_err() {
            warn!("the watch over MCP servers broke while it stopped");
        }
        if !upkeep.is_finished() && upkeep.await.is_err() {
            warn!("the upkeep broke while it stopped");
        }
        self.reminders.disconnect();
        info!("stopped");
        outcome
    }
}

/// Serves all doors in one task that ends when the first one does, or all after `closing`.
fn spawn_doors(doors: Vec<Door>, closing: &CancellationToken) -> JoinHandle<()> {
    let serving: Vec<_> = doors
        .into_iter()
        .map(|Door { listener, routes }| {
            let service = routes.into_make_service_with_connect_info::<SocketAddr>();
            let closing = closing.clone();
            axum::serve(listener, service).with_graceful_shutdown(closing.cancelled_owned()).into_future()
        })
        .collect();
    tokio::spawn(async move {
        if let Err(error) = futures_util::future::try_join_all(serving).await {
            tracing::error!(%error, "a door broke");
        }
    })
}

/// Looks who of the models is there, so that the first screen is true; one that does not answer at once is
/// told of later.
async fn look_around(ai: &ai::router::Router) {
    if tokio::time::timeout(LOOK_LIMIT, ai.look_around()).await.is_err() {
        info!("models are still being looked for");
    }
}

fn public_url(config: &Config, address: SocketAddr) -> Result<Url, AppError> {
    match &config.public_url {
        Some(url) => Ok(url.clone()),
        None if address.ip().is_unspecified() => Ok(format!("http://localhost:{}", address.port()).parse()?),
        None => Ok(format!("http://{address}").parse()?),
    }
}

/// What a new person starts with.
fn settings(config: &Config) -> Settings {
    Settings {
        timezone: config.timezone,
        currency: config.currency.clone(),
        locale: "en".to_owned(),
        remote_ai: false,
        notify_on: Channel::Web,
    }
}

/// Whether this is the first start, and the owner.
async fn owner(db: &Db, config: &Config, clock: &dyn Clock, ids: &dyn Ids) -> Result<(bool, Welcome), AppError> {
    let first = db.persons().await?.is_empty();
    let token = config.owner_token.as_ref().map(ExposeSecret::expose_secret);
    Ok((first, ensure_owner(db, &config.owner_name, settings(config), token, clock, ids).await?))
}

/// Everybody's calendar.
fn calendars(config: &Config, outgoing: &Outgoing, db: &Db) -> Arc<dyn CalendarBook> {
    let ours = config.mail.as_ref().map(|mail| mail.email.to_string());
    let owners = config.caldav.clone().map(|account| CalDav::new(outgoing.clone(), account, ours));
    let owners = owners.map(|calendar| Arc::new(calendar) as Arc<dyn CalendarBook>);
    Arc::new(Calendars::new(Arc::new(builtin::Builtin(Arc::new(db.clone()))), owners))
}

/// The one HTTP client for outside services: it may call what is configured wherever that is.
fn outgoing(config: &Config) -> Result<Outgoing, AppError> {
    let search = &config.search;
    let mut configured = vec![search.nominatim.clone(), search.overpass.clone()];
    configured.extend([&search.searxng, &search.rates].into_iter().flatten().cloned());
    configured.extend(config.caldav.iter().map(|account| account.url.clone()));
    configured.extend(config.duffel.iter().map(|duffel| duffel.api_url.clone()));
    configured.extend(config.google.iter().flat_map(|google| [google.token_url.clone(), google.meet_url.clone()]));
    Outgoing::new(&configured, Arc::new(SystemNames)).map_err(AppError::Client)
}

#[expect(clippy::too_many_arguments, reason = "plugins are given everything they need, once")]
fn plugin_deps(
    config: &Config,
    outgoing: Outgoing,
    calendar: &Arc<dyn CalendarBook>,
    db: &Db,
    sink: &Arc<dyn FrameSink>,
    reminders: &Arc<EngineReminders>,
    ids: &Arc<dyn Ids>,
    mcp: &Arc<Servers>,
    memory: Memory,
) -> PluginDeps {
    PluginDeps {
        mail: config.mail.clone(),
        telegram: None,
        jitsi_base_url: config.jitsi_base_url.clone(),
        google: config.google.clone(),
        search: config.search.clone(),
        duffel: config.duffel.clone(),
        outgoing,
        people: Arc::new(db.clone()),
        identities: Arc::new(db.clone()),
        contacts: Arc::new(db.clone()),
        calendar: Arc::clone(calendar),
        calendar_url: config.caldav.as_ref().map(|account| account.url.clone()),
        memory,
        log: Arc::new(db.clone()),
        sink: Arc::clone(sink),
        reminders: Arc::clone(reminders) as Arc<dyn crate::plugins::Reminders>,
        ids: Arc::clone(ids),
        mcp: Arc::clone(mcp),
    }
}

fn engine(
    config: &Config,
    db: &Db,
    planner: Arc<dyn Planner>,
    plugins: Arc<Plugins>,
    sink: &Arc<dyn FrameSink>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
) -> Engine {
    Engine::new(EngineParts {
        store: Arc::new(db.clone()),
        people: Arc::new(db.clone()),
        planner,
        actions: plugins,
        sink: Arc::clone(sink),
        clock: Arc::clone(clock),
        ids: Arc::clone(ids),
        limits: Limits { lease_secs: config.lease_secs, effects_day_max: config.effects_day_max, ..Limits::default() },
    })
}

fn http_config(config: &Config, public_url: &Url, plugins: &Plugins) -> HttpConfig {
    let shown =
        |info: crate::plugins::PluginInfo| PluginInfo { name: info.name, description: info.description, off: info.off };
    HttpConfig {
        public_url: public_url.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings(config),
        plugins: plugins.infos().into_iter().map(shown).collect(),
        answer_wait: ANSWER_WAIT,
        sign_in_delay: SIGN_IN_DELAY,
        socket_send_limit: SOCKET_SEND_LIMIT,
        uploads: config.uploads(),
    }
}

#[expect(clippy::too_many_arguments, reason = "the routes are given everything they need, once")]
fn http_state(
    config: HttpConfig,
    db: &Db,
    calendar: Arc<dyn CalendarBook>,
    engine: &Engine,
    hub: Arc<Hub>,
    health: Arc<Wellbeing>,
    telegram: bool,
    mcp: Arc<Servers>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
) -> HttpState {
    HttpState {
        desk: Arc::new(engine.clone()),
        log: Arc::new(db.clone()),
        people: Arc::new(db.clone()),
        persons: Arc::new(db.clone()),
        contacts: Arc::new(db.clone()),
        photos: Arc::new(db.clone()),
        calendar,
        access: Arc::new(db.clone()),
        hub,
        health,
        doors: Arc::new(doors::Chats { db: db.clone(), telegram }),
        mcp,
        metrics: Arc::new(Metrics::default()),
        attempts: Arc::new(Attempts::default()),
        clock,
        ids,
        config: Arc::new(config),
    }
}
