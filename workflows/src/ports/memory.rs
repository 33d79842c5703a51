//! Stand-ins in memory: a store that passes the same contract as the real ones, and people, actions
//! and a sink that do as they are told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

use super::actions::{ActionCall, ActionError, ActionOutcome, Actions, LookUp};
use super::people::{People, PeopleError};
use super::store::{
    Accepted, Claim, Claimed, Committed, ConversationView, FrameSink, InboxId, InboxRow, Lease, PromptRow, StoreError,
    TaskRow, TaskStore, Turn,
};
use crate::action::Catalog;
use crate::frame::Frame;
use crate::ids::{ConversationId, PersonId, PromptId, RunnerId, TaskId};
use crate::inbound::Inbound;
use crate::person::{Channel, Contact, Person};
use crate::state::PromptState;

struct Event {
    inbound: Inbound,
    attempts: u32,
    taken_at: DateTime<Utc>,
    done: bool,
}

#[derive(Default)]
struct Rows {
    inbox: BTreeMap<i64, Event>,
    sources: HashMap<(Channel, String), i64>,
    tasks: BTreeMap<TaskId, TaskRow>,
    prompts: HashMap<PromptId, PromptRow>,
    conversations: HashMap<ConversationId, PersonId>,
    frames: Vec<Frame>,
    usage: HashMap<(PersonId, NaiveDate), u32>,
}

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore(Mutex<Rows>);

impl MemoryStore {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Every frame committed so far.
    pub fn frames(&self) -> Vec<Frame> {
        self.rows().frames.clone()
    }
}

impl Rows {
    fn holds(&self, turn: &Turn) -> bool {
        let inbox = turn.inbox.is_none_or(|id| self.inbox.get(&id.0).is_some_and(|event| !event.done));
        let task = turn.task.as_ref().is_none_or(|write| match (self.tasks.get(&write.id), write.read_ver) {
            (None, None) => true,
            (Some(row), Some(ver)) => row.ver == ver && row.epoch == write.read_epoch,
            (None, Some(_)) | (Some(_), None) => false,
        });
        inbox && task
    }

    /// Counts what a turn starts, or says how much is left.
    fn spend(&mut self, turn: &Turn) -> Result<(), StoreError> {
        let Some(spend) = turn.spend else { return Ok(()) };
        let used = self.usage.entry((turn.person_id.clone(), spend.day)).or_default();
        let left = spend.effects_max.saturating_sub(*used);
        if spend.effects > left {
            return Err(StoreError::Spent { left });
        }
        *used += spend.effects;
        Ok(())
    }

    fn write(&mut self, turn: Turn) -> Committed {
        let task_id = turn.task.as_ref().map(|write| write.id.clone());
        let mut ver = 0;
        if let Some(write) = turn.task {
            let before = self.tasks.get(&write.id);
            ver = before.map_or(0, |row| row.ver) + 1;
            self.conversations.entry(write.conversation_id.clone()).or_insert_with(|| write.person_id.clone());
            let row = TaskRow {
                id: write.id.clone(),
                person_id: write.person_id,
                conversation_id: write.conversation_id,
                ver,
                epoch: before.map_or(1, |row| row.epoch),
                attempts: before.map_or(0, |row| if write.progress { 0 } else { row.attempts }),
                lease: write.lease,
                wake_at: write.wake_at,
                state: write.state,
                created_at: before.map_or(turn.at, |row| row.created_at),
                updated_at: turn.at,
            };
            self.tasks.insert(write.id, row);
        }
        for prompt in turn.prompts {
            self.prompts.insert(prompt.id.clone(), prompt);
        }
        if let Some(event) = turn.inbox.and_then(|id| self.inbox.get_mut(&id.0)) {
            event.done = true;
        }
        let mut seq = self.frames.last().map_or(0, |frame| frame.seq);
        let frames: Vec<Frame> = turn
            .frames
            .into_iter()
            .map(|draft| {
                seq += 1;
                let (kind, data, user_id) = (draft.kind, draft.data, turn.person_id.clone());
                Frame { kind, data, timestamp: turn.at, user_id, task_id: task_id.clone(), seq }
            })
            .collect();
        self.frames.extend(frames.iter().cloned());
        Committed { ver, frames }
    }
}

#[async_trait]
impl TaskStore for MemoryStore {
    async fn accept(&self, inbound: &Inbound) -> Result<Accepted, StoreError> {
        let mut rows = self.rows();
        let source = (inbound.channel, inbound.source_id.clone());
        if let Some(id) = rows.sources.get(&source) {
            return Ok(Accepted::Duplicate(InboxId(*id)));
        }
        let id = rows.inbox.last_key_value().map_or(0, |(id, _)| *id) + 1;
        rows.sources.insert(source, id);
        let event = Event { inbound: inbound.clone(), attempts: 1, taken_at: inbound.received_at, done: false };
        rows.inbox.insert(id, event);
        Ok(Accepted::New(InboxId(id)))
    }

    async fn take_up(&self, before: DateTime<Utc>, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        let mut rows = self.rows();
        let waiting = rows.inbox.iter_mut().filter(|(_, event)| !event.done && event.taken_at < before);
        Ok(waiting
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(id, event)| {
                event.attempts += 1;
                event.taken_at = before;
                InboxRow { id: InboxId(*id), inbound: Ok(event.inbound.clone()), attempts: event.attempts }
            })
            .collect())
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, StoreError> {
        Ok(self.rows().tasks.get(id).cloned())
    }

    async fn commit(&self, turn: Turn) -> Result<Committed, StoreError> {
        let mut rows = self.rows();
        if !rows.holds(&turn) {
            return Err(StoreError::Conflict);
        }
        rows.spend(&turn)?;
        Ok(rows.write(turn))
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let mut rows = self.rows();
        let mut due: Vec<(DateTime<Utc>, TaskId)> = rows
            .tasks
            .values()
            .filter_map(|row| row.wake_at.filter(|at| *at <= claim.now).map(|at| (at, row.id.clone())))
            .collect();
        due.sort();
        due.truncate(usize::try_from(claim.limit).unwrap_or(usize::MAX));
        let mut claimed = Vec::new();
        for (_, id) in due {
            if let Some(row) = rows.tasks.get_mut(&id) {
                row.epoch += 1;
                row.attempts += 1;
                row.lease = Some(Lease { owner: claim.owner.clone(), until: claim.lease_until });
                row.wake_at = Some(claim.lease_until);
                claimed.push(Claimed { id, epoch: row.epoch, attempts: row.attempts });
            }
        }
        Ok(claimed)
    }

    async fn renew(
        &self,
        owner: &RunnerId,
        held: &[(TaskId, u64)],
        until: DateTime<Utc>,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut rows = self.rows();
        let mut renewed = Vec::new();
        for (id, epoch) in held {
            if let Some(row) = rows.tasks.get_mut(id)
                && row.epoch == *epoch
                && row.lease.as_ref().is_some_and(|lease| &lease.owner == owner)
            {
                row.lease = Some(Lease { owner: owner.clone(), until });
                row.wake_at = Some(until);
                renewed.push(id.clone());
            }
        }
        Ok(renewed)
    }

    async fn prompt(&self, id: &PromptId) -> Result<Option<PromptRow>, StoreError> {
        Ok(self.rows().prompts.get(id).cloned())
    }

    async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, StoreError> {
        let rows = self.rows();
        let mut open: Vec<PromptRow> = rows
            .prompts
            .values()
            .filter(|prompt| &prompt.conversation_id == id && prompt.status == PromptState::Open)
            .cloned()
            .collect();
        open.sort_by_key(|prompt| std::cmp::Reverse(prompt.asked_at));
        let mut tasks: Vec<&TaskRow> = rows.tasks.values().filter(|row| &row.conversation_id == id).collect();
        tasks.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id.clone())));
        Ok(ConversationView {
            person_id: rows.conversations.get(id).cloned(),
            open,
            live: tasks.iter().find(|row| !row.state.status().is_terminal()).map(|row| row.id.clone()),
            newest: tasks.first().map(|row| row.id.clone()),
        })
    }
}

/// People who are simply there.
#[derive(Default)]
pub struct MemoryPeople {
    /// The persons.
    pub persons: Vec<Person>,
    /// What each one's address book holds; everybody's is the same.
    pub contacts: Vec<Contact>,
}

#[async_trait]
impl People for MemoryPeople {
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, PeopleError> {
        Ok(self.persons.iter().find(|person| &person.id == id).cloned())
    }

    async fn contacts(&self, _id: &PersonId) -> Result<Vec<Contact>, PeopleError> {
        Ok(self.contacts.clone())
    }
}

/// Actions that answer from a script and keep a ledger of what they were asked to do.
pub struct ScriptedActions {
    catalog: Arc<Catalog>,
    ledger: Mutex<Vec<ActionCall>>,
    script: Mutex<VecDeque<Result<ActionOutcome, ActionError>>>,
}

impl ScriptedActions {
    /// Actions of this catalog.
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog: Arc::new(catalog), ledger: Mutex::default(), script: Mutex::default() }
    }

    /// What the next act answers; without a word it is done.
    pub fn answer(&self, result: Result<ActionOutcome, ActionError>) {
        self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_back(result);
    }

    /// Every act so far.
    pub fn ledger(&self) -> Vec<ActionCall> {
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Actions for ScriptedActions {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        let detail = format!("did {}", call.action);
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(call);
        let scripted = self.script.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
        scripted.unwrap_or(Ok(ActionOutcome { result: serde_json::Map::new(), detail, undo: None, left: None }))
    }

    async fn look_up(&self, _call: ActionCall) -> LookUp {
        LookUp::Absent
    }

    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(5)
    }
}

/// A sink that tells whoever waits that something was committed.
#[derive(Default)]
pub struct NotifySink(pub tokio::sync::Notify);

impl FrameSink for NotifySink {
    fn publish(&self, _frames: &[Frame]) {
        self.0.notify_waiters();
    }
}
