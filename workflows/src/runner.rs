//! Performing what was committed, and coming back to what is due.
//!
//! Nothing here decides: an effect is performed after the commit that recorded it, its outcome
//! goes back as an event. What is under way is tracked, its leases are renewed, and a stop waits
//! for it.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::engine::{Engine, EngineError, Handled, Origin};
use crate::failpoint;
use crate::ids::{EffectId, TaskId};
use crate::inbound::Inbound;
use crate::ports::{
    ActionCall, ActionError, Claim, Claimed, InboxId, InboxRow, Listener, LookUp, PlanRequest, ReplySoFar, StoreError,
    TaskRow, Turn,
};
use crate::state::TaskState;
use crate::transition::{Effect, Event, Refusal, message};

/// Times an inbound event is taken up before it is set aside: once among others, whose crash it may
/// have been, and twice alone.
const INBOX_ATTEMPTS_MAX: u32 = 3;
/// Claims without progress before a task is set aside.
const CLAIMS_MAX: u32 = 5;
/// Tasks claimed at once.
const BATCH_MAX: u32 = 32;
/// First and longest pause when an outcome cannot be stored.
const STORE_PAUSE_MILLIS: (u64, u64) = (50, 5_000);

/// What is under way in this process.
pub(crate) struct Runner {
    effects: Arc<Semaphore>,
    held: Mutex<HashMap<TaskId, Held>>,
    tracked: watch::Sender<usize>,
    stopping: watch::Sender<bool>,
}

struct Held {
    epoch: u64,
    effects: usize,
}

impl Runner {
    pub(crate) fn new(effects_max: usize) -> Self {
        Self {
            effects: Arc::new(Semaphore::new(effects_max)),
            held: Mutex::new(HashMap::new()),
            tracked: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        }
    }

    /// Runs a future to its end whether or not anybody awaits it; a stop waits for it.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let guard = Tracked::new(&self.tracked);
        tokio::spawn(async move {
            let _guard = guard;
            work.await
        })
    }

    /// Notes effects of a task as under way, so that its lease is renewed.
    pub(crate) fn hold(&self, id: &TaskId, epoch: u64, effects: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = held.entry(id.clone()).or_insert(Held { epoch, effects: 0 });
        entry.epoch = epoch;
        entry.effects += effects;
    }

    /// Notes effects of a task as ended.
    pub(crate) fn release(&self, id: &TaskId, effects: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = held.get_mut(id) {
            entry.effects = entry.effects.saturating_sub(effects);
            if entry.effects == 0 {
                held.remove(id);
            }
        }
    }

    fn held(&self) -> Vec<(TaskId, u64)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(id, entry)| (id.clone(), entry.epoch)).collect()
    }
}

/// Counts one piece of work as long as it lives.
struct Tracked(watch::Sender<usize>);

impl Tracked {
    fn new(counter: &watch::Sender<usize>) -> Self {
        counter.send_modify(|n| *n += 1);
        Self(counter.clone())
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

impl Engine {
    /// Takes up what an earlier process left, then looks for due tasks until `shutdown` is there;
    /// comes back when what is under way has ended, or after the longest wait.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = std::pin::pin!(shutdown);
        self.recover_inbox().await;
        let limits = &self.0.parts.limits;
        let mut poll = tokio::time::interval(Duration::from_millis(limits.poll_millis));
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut heartbeat = tokio::time::interval(Duration::from_millis(u64::from(limits.lease_secs) * 1_000 / 3));
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = poll.tick() => self.claim_due().await,
                _ = heartbeat.tick() => self.renew().await,
            }
        }
        self.0.runner.stopping.send_replace(true);
        let mut tracked = self.0.runner.tracked.subscribe();
        let drained = tracked.wait_for(|n| *n == 0);
        if tokio::time::timeout(Duration::from_secs(limits.drain_secs_max), drained).await.is_err() {
            warn!("stopped while effects were under way; they are looked into at the next start");
        }
    }

    /// Handles what was accepted and not handled before this process began. One at a time: should
    /// one break the process, only its own attempt is counted.
    async fn recover_inbox(&self) {
        loop {
            match self.0.parts.store.take_up(self.0.began_at, 1).await {
                Ok(rows) if rows.is_empty() => return,
                Ok(rows) => {
                    for row in rows {
                        self.recover(row).await;
                    }
                }
                Err(error) => {
                    error!(%error, "the inbox cannot be read");
                    return;
                }
            }
        }
    }

    async fn recover(&self, row: InboxRow) {
        match row.inbound {
            Ok(inbound) if row.attempts <= INBOX_ATTEMPTS_MAX => {
                let engine = self.clone();
                let id = row.id;
                match self.0.runner.spawn(async move { engine.handle(id, inbound).await }).await {
                    Ok(Ok(Handled { .. })) => info!(inbox = id.0, "an earlier message is handled"),
                    Ok(Err(error)) => error!(inbox = id.0, %error, "an earlier message could not be handled"),
                    Err(_) => error!(inbox = id.0, "handling an earlier message broke"),
                }
            }
            Ok(inbound) => {
                let text = "I could not take in your last message: it broke me twice. I have set it aside.";
                let frames = vec![message(text, crate::engine::session_of(&inbound.conversation_id))];
                self.set_aside(&row.id, inbound.person_id, frames).await;
            }
            Err(stored) => {
                error!(inbox = row.id.0, bytes = stored.len(), "a stored message cannot be read; it is set aside");
                self.set_aside(&row.id, crate::ids::PersonId::from(""), Vec::new()).await;
            }
        }
    }

    async fn set_aside(
        &self,
        id: &crate::ports::InboxId,
        person_id: crate::ids::PersonId,
        frames: Vec<crate::frame::FrameDraft>,
    ) {
        let at = self.0.parts.clock.now();
        let turn = Turn { person_id, task: None, prompts: Vec::new(), frames, inbox: Some(*id), spend: None, at };
        match self.0.parts.store.commit(turn).await {
            Ok(committed) => self.0.parts.sink.publish(&committed.frames),
            Err(error) => error!(inbox = id.0, %error, "a message could not be set aside"),
        }
    }

    async fn claim_due(&self) {
        let now = self.0.parts.clock.now();
        let claim = Claim {
            owner: self.0.id.clone(),
            now,
            lease_until: now + chrono::Duration::seconds(i64::from(self.0.parts.limits.lease_secs)),
            limit: BATCH_MAX,
        };
        match self.0.parts.store.claim(claim).await {
            Ok(rows) => {
                for row in rows {
                    let engine = self.clone();
                    drop(self.0.runner.spawn(async move { engine.drive(row).await }));
                }
            }
            Err(error) => error!(%error, "due tasks cannot be claimed"),
        }
    }

    /// Moves a claimed task.
    async fn drive(&self, task: Claimed) {
        failpoint::hit("runner.claimed");
        let event = if task.attempts > CLAIMS_MAX { Event::Quarantine } else { Event::Due };
        self.apply(&task.id, task.epoch, &event).await;
    }

    async fn renew(&self) {
        let held = self.0.runner.held();
        if held.is_empty() {
            return;
        }
        let until = self.0.parts.clock.now() + chrono::Duration::seconds(i64::from(self.0.parts.limits.lease_secs));
        if let Err(error) = self.0.parts.store.renew(&self.0.id, &held, until).await {
            error!(%error, "leases cannot be renewed");
        }
    }

    /// Performs one committed effect and feeds its outcome back.
    pub(crate) async fn perform_one(&self, row: &TaskRow, effect: Effect) {
        let event = match effect {
            Effect::Plan => {
                let wanted = self.0.plans.begin(&row.id, row.ver);
                wanted.make(self.plan(row)).await.flatten()
            }
            Effect::Run(id) => self.run_act(row, id).await,
            Effect::LookUp(id) => self.look_up(row, id).await,
        };
        if let Some(event) = event {
            self.apply(&row.id, row.epoch, &event).await;
        }
    }

    async fn plan(&self, row: &TaskRow) -> Option<Event> {
        let request = row.state.request().clone();
        let parts = &self.0.parts;
        let told = async {
            Ok::<_, EngineError>((self.person(&row.person_id).await?, parts.people.contacts(&row.person_id).await?))
        };
        let (person, contacts) = match told.await {
            Ok(told) => told,
            Err(error) => {
                // The lease lapses and the task is claimed again.
                error!(task = %row.id, %error, "planning could not begin");
                return None;
            }
        };
        let catalog = parts.actions.catalog();
        let tell = |text: &str| {
            let (person_id, conversation_id, task_id) = (&row.person_id, &row.conversation_id, &row.id);
            parts.sink.so_far(&ReplySoFar { person_id, conversation_id, task_id, text });
        };
        let asked = PlanRequest {
            text: &request.text,
            amendments: &request.amendments,
            person: &person,
            contacts: &contacts,
            now: parts.clock.now(),
            said_at: request.said_at.unwrap_or(row.created_at),
            catalog: &catalog,
            origin: Some((&row.conversation_id, &row.id)),
            photos: &request.photos,
            previous: row.state.run(),
            listener: Listener::new(&tell),
        };
        let answer = parts.planner.plan(asked).await.map_err(|error| error.to_string());
        Some(Event::Planned { amendments: request.amendments.len(), answer })
    }

    async fn call(&self, row: &TaskRow, id: &EffectId) -> Option<ActionCall> {
        let item = row.state.run().and_then(|run| run.item(id))?;
        let person = match self.person(&row.person_id).await {
            Ok(person) => person,
            Err(error) => {
                error!(task = %row.id, %error, "an act could not begin");
                return None;
            }
        };
        Some(ActionCall {
            effect_id: id.clone(),
            task_id: row.id.clone(),
            conversation_id: row.conversation_id.clone(),
            person,
            action: item.action.clone(),
            args: item.args.clone(),
            now: self.0.parts.clock.now(),
        })
    }

    async fn run_act(&self, row: &TaskRow, id: EffectId) -> Option<Event> {
        let _permit = Arc::clone(&self.0.runner.effects).acquire_owned().await.ok()?;
        let Some(call) = self.call(row, &id).await else {
            let result = Err(ActionError::retry("it could not begin"));
            return Some(Event::Outcome { effect_id: id, result });
        };
        let limit = self.time_limit(row, &call.action, &id);
        let actions = Arc::clone(&self.0.parts.actions);
        failpoint::hit("runner.act.before");
        let work = tokio::spawn(async move { AssertUnwindSafe(actions.run(call)).0.await });
        let stop = work.abort_handle();
        let result = match tokio::time::timeout(limit, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(broken)) => {
                error!(task = %row.id, effect = %id, %broken, "an act broke");
                Err(ActionError::unknown("it broke while it was being done"))
            }
            Err(_) => {
                // What is called over must not go on behind the person's back.
                stop.abort();
                Err(ActionError::unknown(format!("there was no answer within {} seconds", limit.as_secs())))
            }
        };
        failpoint::hit("runner.act.after");
        Some(Event::Outcome { effect_id: id, result })
    }

    fn time_limit(&self, row: &TaskRow, action: &str, id: &EffectId) -> Duration {
        let own = self.0.parts.actions.time_limit(action);
        let stage = row.state.run().and_then(|run| run.plan.find(&run.item(id)?.stage_id));
        match stage.map(|stage| &stage.kind) {
            Some(crate::plan::StageKind::Execution(e)) => {
                e.timeout_secs.map_or(own, |secs| own.min(Duration::from_secs(u64::from(secs))))
            }
            _ => own,
        }
    }

    async fn look_up(&self, row: &TaskRow, id: EffectId) -> Option<Event> {
        let call = self.call(row, &id).await?;
        let limit = self.0.parts.actions.time_limit(&call.action);
        let actions = Arc::clone(&self.0.parts.actions);
        let work = tokio::spawn(async move { actions.look_up(call).await });
        let stop = work.abort_handle();
        let answer = match tokio::time::timeout(limit, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(broken)) => {
                error!(task = %row.id, effect = %id, %broken, "looking an act up broke");
                LookUp::CannotTell("asking whether it was done broke".to_owned())
            }
            Err(_) => {
                stop.abort();
                LookUp::CannotTell("there was no answer to the question".to_owned())
            }
        };
        Some(Event::LookedUp { effect_id: id, answer })
    }

    /// Commits what follows from an event that must not be lost: tries until the store takes it,
    /// the task has moved on without it, or the service stops.
    /// Handles an accepted event again until the store takes its turn, or the service stops: then it is handled
    /// at the next start. Whoever sent it may send it again meanwhile; that is a duplicate.
    pub(crate) fn handle_later(&self, inbox: InboxId, inbound: Inbound, permit: tokio::sync::OwnedSemaphorePermit) {
        let engine = self.clone();
        // What came of it is in the log; nobody waits for it here.
        drop(self.0.runner.spawn(async move {
            let _permit = permit;
            let (mut pause, longest) = STORE_PAUSE_MILLIS;
            while !*engine.0.runner.stopping.borrow() {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                pause = (pause * 2).min(longest);
                match engine.handle(inbox, inbound.clone()).await {
                    Ok(_) | Err(EngineError::Broken | EngineError::Store(StoreError::Corrupt(_))) => return,
                    Err(error) => warn!(source = inbound.source_id, %error, "an event cannot be handled yet"),
                }
            }
        }));
    }

    async fn apply(&self, id: &TaskId, epoch: u64, event: &Event) {
        let (mut pause, longest) = STORE_PAUSE_MILLIS;
        loop {
            match self.apply_once(id, epoch, event).await {
                Ok(()) => return,
                Err(EngineError::Store(StoreError::Conflict)) => {}
                Err(EngineError::Store(StoreError::Corrupt(why))) => {
                    // It stays as it is, for a program that can read it.
                    error!(task = %id, why, "a task cannot be read; it is left alone");
                    return;
                }
                Err(error) => {
                    error!(task = %id, %error, "an outcome cannot be stored yet");
                    if *self.0.runner.stopping.borrow() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn apply_once(&self, id: &TaskId, epoch: u64, event: &Event) -> Result<(), EngineError> {
        let Some(row) = self.load(id).await?.filter(|row| row.epoch == epoch) else {
            info!(task = %id, "a result came after the task was taken over; it is dropped");
            return Ok(());
        };
        if matches!(row.state, TaskState::Finished(_)) && !matches!(event, Event::Due) {
            return Ok(());
        }
        match self.turn(row, event.clone(), Origin::default()).await? {
            Ok(()) => Ok(()),
            Err(Refusal::LateResult) => {
                info!(task = %id, "a result that nobody waits for is dropped");
                Ok(())
            }
            Err(refusal) => {
                warn!(task = %id, %refusal, "an event did not fit its task");
                Ok(())
            }
        }
    }
}
