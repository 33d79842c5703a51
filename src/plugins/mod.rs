//! What the service can do in the world.
//!
//! A plugin is one folder or file: it declares its actions and runs them. To add one, implement
//! [`Plugin`] and name it in [`Plugins::new`]; nothing else has to know it.
//!
//! ```
//! use async_trait::async_trait;
//! use serde_json::{Map, json};
//! use super_manager::plugins::{Plugin, spec};
//! use workflows::action::{ActionSpec, ReachRule};
//! use workflows::ports::{ActionCall, ActionError, ActionOutcome};
//!
//! struct Dice;
//!
//! #[async_trait]
//! impl Plugin for Dice {
//!     fn name(&self) -> &'static str {
//!         "dice"
//!     }
//!     fn description(&self) -> &'static str {
//!         "Throws dice"
//!     }
//!     fn specs(&self) -> Vec<ActionSpec> {
//!         let parameters = json!({"sides": {"type": "integer", "minimum": 2, "maximum": 100}});
//!         vec![spec("dice.throw", "Throws one die", parameters, &["sides"], ReachRule::Own)]
//!     }
//!     async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
//!         let sides = call.args["sides"].as_u64().ok_or_else(|| ActionError::fail("no sides"))?;
//!         // The effect's id is as good as any die: the same throw whenever it is repeated.
//!         let thrown = call.effect_id.as_str().bytes().map(u64::from).sum::<u64>() % sides + 1;
//!         let result = Map::from_iter([("thrown".to_owned(), json!(thrown))]);
//!         Ok(ActionOutcome { result, detail: format!("Threw a {thrown}"), undo: None, left: None })
//!     }
//! }
//! ```

pub mod booking;
pub mod calendar;
pub mod contacts;
pub(crate) mod dates;
pub(crate) mod duffel;
pub mod email;
pub mod mcp;
pub mod meeting;
pub mod memory;
pub(crate) mod money;
pub mod notify;
pub mod rates;
mod results;
pub mod search;
pub mod telegram;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod web;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use url::Url;
use workflows::action::{ActionSpec, Catalog, ReachRule, words_of};
use workflows::plan::validate::parameter_faults;
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Actions, Ids, LookUp, People};

use crate::config::{DuffelConfig, GoogleConfig, SearchConfig};
use crate::outgoing::Outgoing;
use crate::store::{ContactStore, LogStore, PeopleStore};
use calendar::port::CalendarBook;
pub use calendar::reminder::Reminders;
pub use email::MailConfig;

/// The longest one attempt may take when a plugin says nothing.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Actions that are named one by one when a plugin is only half on.
const WITHOUT_MAX: usize = 5;

/// A group of capabilities.
#[async_trait]
pub trait Plugin: Send + Sync {
    /// The first part of its actions' names.
    fn name(&self) -> &'static str;

    /// One sentence for people.
    fn description(&self) -> &'static str;

    /// Its actions, as things stand now.
    fn specs(&self) -> Vec<ActionSpec>;

    /// Rises whenever `specs` would say something else.
    fn version(&self) -> u64 {
        0
    }

    /// Why it is off as a whole, for a plugin whose actions are not known beforehand or do not tell.
    fn off(&self) -> Option<String> {
        None
    }

    /// What it is set up to work with, when that tells more than its description. Who says it is on, whatever can
    /// be used of its actions by now.
    fn setup(&self) -> Option<String> {
        None
    }

    /// What it means for an act that its action is not available now, with the reason.
    fn refusal(&self, _action: &str, reason: &str) -> ActionError {
        ActionError::fail(reason)
    }

    /// Runs one act; see [`Actions::run`] for what a plugin promises.
    ///
    /// # Errors
    /// When it was not done, or may have been.
    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError>;

    /// Says whether an act was done; only asked of actions that declare `look_up`.
    async fn look_up(&self, call: ActionCall) -> LookUp {
        LookUp::CannotTell(format!("{} keeps no record of it", call.action))
    }

    /// The longest one attempt of this action may take.
    fn time_limit(&self, _action: &str) -> Duration {
        TIME_LIMIT
    }
}

/// An action's declaration with object parameters; nothing else is allowed in them.
#[expect(clippy::needless_pass_by_value, reason = "schemas are written where they are passed")]
pub fn spec(name: &str, summary: &str, properties: Value, required: &[&str], reach: ReachRule) -> ActionSpec {
    ActionSpec {
        name: name.to_owned(),
        summary: summary.to_owned(),
        parameters: json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties}),
        result: results::of(name),
        reach,
        idempotent: false,
        look_up: false,
        undo: None,
        targets: &[],
        future: &[],
        version: None,
        unavailable: None,
    }
}

/// What plugins are made of.
#[derive(Clone)]
pub struct PluginDeps {
    /// The mail account; `None` = email is off.
    pub mail: Option<MailConfig>,
    /// The Telegram bot; `None` = Telegram is off.
    pub telegram: Option<Arc<telegram::Telegram>>,
    /// Where Jitsi meetings are held.
    pub jitsi_base_url: Url,
    /// The Google account that meetings are made with; `None` = off.
    pub google: Option<GoogleConfig>,
    /// Where things are looked for.
    pub search: SearchConfig,
    /// The account for hotels and flights; `None` = off.
    pub duffel: Option<DuffelConfig>,
    /// What calls outside services.
    pub outgoing: Outgoing,
    /// Who people are, and whom they know.
    pub people: Arc<dyn People>,
    /// Their identities.
    pub identities: Arc<dyn PeopleStore>,
    /// Their address books.
    pub contacts: Arc<dyn ContactStore>,
    /// Their calendars.
    pub calendar: Arc<dyn CalendarBook>,
    /// Where the owner's is; `None` = here.
    pub calendar_url: Option<Url>,
    /// What is remembered for them.
    pub memory: crate::memory::Memory,
    /// The log, where web notices go.
    pub log: Arc<dyn LogStore>,
    /// Who hears of notices at once.
    pub sink: Arc<dyn workflows::ports::FrameSink>,
    /// What starts reminders.
    pub reminders: Arc<dyn Reminders>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// The MCP servers; none when none is configured.
    pub mcp: Arc<mcp::Servers>,
}

/// A plugin as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// One sentence; says what of it cannot be used, and why.
    pub description: String,
    /// The full names of its actions.
    pub capabilities: Vec<String>,
    /// What it is set up to work with, if it says so.
    pub setup: Option<String>,
    /// Why it is off; `None` when any of its actions can be used.
    pub off: Option<String>,
}

/// All plugins, as one.
pub struct Plugins {
    plugins: Vec<Box<dyn Plugin>>,
    /// The catalog of that version.
    catalog: Mutex<(u64, Arc<Catalog>)>,
}

impl Plugins {
    /// Builds every plugin.
    pub fn new(deps: &PluginDeps) -> Self {
        let mailer = Arc::new(email::Mailer::new(deps.mail.clone(), Arc::clone(&deps.identities)));
        let calendar = Arc::new(calendar::Calendar::new(deps, Arc::clone(&mailer)));
        let plugins: Vec<Box<dyn Plugin>> = vec![
            Box::new(email::EmailPlugin::new(Arc::clone(&mailer))),
            Box::new(meeting::MeetingPlugin::new(deps, Arc::clone(&mailer), Arc::clone(&calendar))),
            Box::new(calendar::CalendarPlugin::new(calendar, deps.calendar_url.clone())),
            Box::new(booking::BookingPlugin::new(deps, Arc::clone(&mailer))),
            Box::new(notify::NotifyPlugin::new(deps, mailer)),
            Box::new(telegram::TelegramPlugin::new(deps)),
            Box::new(contacts::ContactsPlugin::new(deps)),
            Box::new(memory::MemoryPlugin::new(deps)),
            Box::new(search::SearchPlugin::new(deps)),
            Box::new(mcp::McpPlugin::new(Arc::clone(&deps.mcp))),
        ];
        let catalog = Mutex::new((version(&plugins), catalog(&plugins)));
        Self { plugins, catalog }
    }

    fn plugin(&self, action: &str) -> Option<&dyn Plugin> {
        let name = action.split('.').next().unwrap_or_default();
        self.plugins.iter().find(|plugin| plugin.name() == name).map(AsRef::as_ref)
    }

    /// Every plugin, on or off.
    pub fn infos(&self) -> Vec<PluginInfo> {
        let mut infos: Vec<PluginInfo> = self
            .plugins
            .iter()
            .map(|plugin| PluginInfo {
                name: plugin.name().to_owned(),
                description: plugin.description().to_owned(),
                capabilities: Vec::new(),
                setup: plugin.setup(),
                off: None,
            })
            .collect();
        let catalog = self.catalog();
        for info in &mut infos {
            let own: Vec<&ActionSpec> = catalog.iter().filter(|spec| spec.plugin() == info.name).collect();
            info.capabilities = own.iter().map(|spec| spec.name.clone()).collect();
            if own.iter().all(|spec| spec.unavailable.is_some()) {
                let whole = self.plugin(&info.name).and_then(Plugin::off);
                info.off = whole.or_else(|| own.iter().find_map(|spec| spec.unavailable.clone()));
                continue;
            }
            for (why, mut without) in missing(&own) {
                if without.len() > WITHOUT_MAX {
                    let more = without.split_off(WITHOUT_MAX).len();
                    without.push(format!("{more} more"));
                }
                info.description = format!("{}; not: {} ({why})", info.description, without.join(", "));
            }
        }
        infos
    }
}

fn version(plugins: &[Box<dyn Plugin>]) -> u64 {
    plugins.iter().map(|plugin| plugin.version()).sum()
}

fn catalog(plugins: &[Box<dyn Plugin>]) -> Arc<Catalog> {
    Arc::new(Catalog::new(plugins.iter().flat_map(|plugin| plugin.specs()).collect()))
}

/// What cannot be used, by the reason why.
fn missing<'a>(specs: &[&'a ActionSpec]) -> Vec<(&'a str, Vec<String>)> {
    let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
    for spec in specs {
        let Some(why) = spec.unavailable.as_deref() else { continue };
        match missing.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(words_of(&spec.name)),
            None => missing.push((why, vec![words_of(&spec.name)])),
        }
    }
    missing
}

#[async_trait]
impl Actions for Plugins {
    fn catalog(&self) -> Arc<Catalog> {
        // Read before the specs are: what changes meanwhile is seen the next time.
        let version = version(&self.plugins);
        let mut kept = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != version {
            *kept = (version, catalog(&self.plugins));
        }
        Arc::clone(&kept.1)
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        let catalog = self.catalog();
        let spec = catalog.get(&call.action).ok_or_else(|| ActionError::fail("there is no such action"))?;
        if let Some(reason) = &spec.unavailable {
            return Err(match self.plugin(&call.action) {
                Some(plugin) => plugin.refusal(&call.action, reason),
                None => ActionError::fail(reason.clone()),
            });
        }
        if let Some((_, what)) = parameter_faults(spec, &call.args).into_iter().next() {
            return Err(ActionError::fail(what));
        }
        match self.plugin(&call.action) {
            Some(plugin) => plugin.run(call).await,
            None => Err(ActionError::fail("there is no such plugin")),
        }
    }

    async fn look_up(&self, call: ActionCall) -> LookUp {
        match self.plugin(&call.action) {
            Some(plugin) => plugin.look_up(call).await,
            None => LookUp::CannotTell("there is no such plugin".to_owned()),
        }
    }

    fn time_limit(&self, action: &str) -> Duration {
        self.plugin(action).map_or(TIME_LIMIT, |plugin| plugin.time_limit(action))
    }
}

/// An argument that is text.
pub(crate) fn text<'a>(args: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    args.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// An argument that is a list of texts.
pub(crate) fn texts(args: &Map<String, Value>, name: &str) -> Vec<String> {
    let items = args.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(|text| text.trim().to_owned()).collect()
}

/// An outcome with these result fields.
pub(crate) fn outcome(result: Value, detail: impl Into<String>) -> ActionOutcome {
    let result = match result {
        Value::Object(fields) => fields,
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    ActionOutcome { result, detail: detail.into(), undo: None, left: None }
}

/// A store's failure as an act's: nothing was done, and it may work later.
pub(crate) fn store_failed(error: &crate::store::StoreError) -> ActionError {
    tracing::error!(%error, "a plugin could not use the store");
    ActionError::retry("it could not be stored")
}
