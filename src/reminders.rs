//! Reminders as small tasks of the engine.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflows::engine::Engine;
use workflows::ids::{ConversationId, TaskId};
use workflows::inbound::{Command, Inbound, InboundKind};
use workflows::person::Channel;
use workflows::ports::{ActionCall, ActionError};

use crate::plugins::Reminders;
use crate::plugins::calendar::reminder::{plan, uid};
use crate::plugins::store_failed;
use crate::store::LogStore;

/// Tasks looked through for a reminder.
const PAGES_MAX: u32 = 20;
const PAGE: u32 = 100;
/// Where a reminder's plan keeps its uid.
const UID_SLOT: &str = "uid";
/// What a conversation's name has added to it for its reminders.
const SUFFIX: &str = "#reminders";

/// Starts and stops reminders through the engine, which is there only after the plugins are.
pub struct EngineReminders {
    engine: RwLock<Option<Engine>>,
    log: Arc<dyn LogStore>,
}

impl EngineReminders {
    /// Reminders that wait for their engine.
    pub fn new(log: Arc<dyn LogStore>) -> Self {
        Self { engine: RwLock::new(None), log }
    }

    /// Gives them their engine.
    pub fn connect(&self, engine: Engine) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    /// Lets go of the engine, which holds the plugins that hold these reminders: without this the
    /// ring would keep the database open for ever.
    pub fn disconnect(&self) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn engine(&self) -> Result<Engine, ActionError> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner).clone();
        engine.ok_or_else(|| ActionError::retry("the service is starting or stopping"))
    }

    /// Submits an event that is the person's own.
    async fn submit(&self, call: &ActionCall, source_id: String, command: Command) -> Result<(), ActionError> {
        let conversation_id = conversation(&call.conversation_id);
        let inbound = Inbound {
            channel: Channel::Web,
            source_id,
            person_id: call.person.id.clone(),
            conversation_id,
            received_at: call.now,
            said_at: None,
            kind: InboundKind::Command(command),
            photos: Vec::new(),
        };
        let handled = self.engine()?.submit(inbound).await.map_err(|error| {
            tracing::error!(%error, "a reminder could not be handed over");
            ActionError::retry("the reminder could not be stored")
        })?;
        handled.refusal.map_or(Ok(()), |refusal| Err(ActionError::fail(refusal.to_string())))
    }

    /// The uid of the reminder this act starts: a repetition keeps that of the first, so that what
    /// was told once stops it for good.
    async fn uid(&self, call: &ActionCall) -> Result<String, ActionError> {
        if call.conversation_id != conversation(&call.conversation_id) {
            return Ok(uid(call));
        }
        let before = self.engine()?.load(&call.task_id).await.map_err(|error| {
            tracing::error!(%error, "a reminder could not look at the one before it");
            ActionError::retry("the reminder could not be stored")
        })?;
        let slot = before.as_ref().and_then(|row| row.state.plan()?.slots.get(UID_SLOT)?.as_str());
        Ok(slot.map_or_else(|| uid(call), str::to_owned))
    }

    /// The newest task of the reminder: an earlier one has told and is over.
    async fn find(&self, call: &ActionCall, uid: &str) -> Result<Option<TaskId>, ActionError> {
        let mut before: Option<TaskId> = None;
        for _ in 0..PAGES_MAX {
            let page = self.log.tasks(&call.person.id, before.as_ref(), PAGE).await.map_err(|e| store_failed(&e))?;
            let is_it = |slots: &serde_json::Map<String, serde_json::Value>| {
                slots.get(UID_SLOT).and_then(|v| v.as_str()) == Some(uid)
            };
            if let Some(row) = page.iter().find(|row| row.state.plan().is_some_and(|plan| is_it(&plan.slots))) {
                return Ok(Some(row.id.clone()));
            }
            match page.last() {
                Some(last) => before = Some(last.id.clone()),
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The conversation of a conversation's reminders, its own when it is one: "stop" in a chat must not
/// mean one of its reminders, and repetitions stay where the first one is.
fn conversation(asked_in: &ConversationId) -> ConversationId {
    let name = asked_in.as_str();
    ConversationId(format!("{}{SUFFIX}", name.strip_suffix(SUFFIX).unwrap_or(name)))
}

#[async_trait]
impl Reminders for EngineReminders {
    async fn remind(
        &self,
        call: &ActionCall,
        text: &str,
        at: DateTime<Utc>,
        repeat: Option<&str>,
    ) -> Result<String, ActionError> {
        let id = self.uid(call).await?;
        let mut plan = plan(call, text, at, repeat)?;
        plan.slots.insert(UID_SLOT.to_owned(), id.clone().into());
        let run = Command::Run { plan: Box::new(plan), title: None };
        // Idempotent by the act, not by the reminder: every repetition is an act of its own.
        self.submit(call, uid(call), run).await?;
        Ok(id)
    }

    async fn cancel(&self, call: &ActionCall, uid: &str) -> Result<(), ActionError> {
        match self.find(call, uid).await? {
            Some(task) => self.submit(call, format!("cancel:{}", call.effect_id), Command::Cancel(Some(task))).await,
            None => Err(ActionError::fail("there is no such reminder")),
        }
    }
}
