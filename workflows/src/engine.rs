//! The engine: accept, route, move, commit, perform.
//!
//! One message goes one way: [`Engine::submit`] stores it (commit 1), finds out what it is for,
//! moves a task by a pure transition and commits state, questions, log and inbox together
//! (commit 2); only then are effects performed, each fed back as an event of its own. This file
//! decides nothing about tasks and performs nothing: see [`crate::transition`] and
//! `runner`.

use std::sync::Arc;

use crate::failpoint;
use crate::ids::{ConversationId, PersonId, RunnerId, TaskId};
use crate::inbound::{Command, Inbound, InboundKind};
use crate::person::Person;
use crate::plans::Plans;
use crate::ports::store::ConversationView;
use crate::ports::{
    Accepted, Actions, Clock, FrameSink, Ids, InboxId, Lease, People, PeopleError, Planner, PromptRow, Spend,
    StoreError, TaskRow, TaskStore, TaskWrite, Turn,
};
use crate::route::{self, Route};
use crate::runner::Runner;
use crate::state::{Prompt, PromptState, Run, TaskState, view};
pub use crate::transition::Refusal;
use crate::transition::{
    Context, Effect, Event, Transition, acts_begun, begin_plan, begin_request, message, transition,
};

/// Times a turn is tried again because another turn of the same task came first.
const CONFLICTS_MAX: u32 = 200;

/// What bounds the engine.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a claim holds without renewal.
    pub lease_secs: u32,
    /// Inbound events handled at the same time; more are refused as busy.
    pub inbound_max: usize,
    /// Effects under way at the same time, over all tasks.
    pub effects_max: usize,
    /// Acts started for one person in a day of theirs; beyond it an act fails, and says so.
    pub effects_day_max: u32,
    /// Pause between looks for due tasks.
    pub poll_millis: u64,
    /// Longest wait for what is under way when the service stops.
    pub drain_secs_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lease_secs: 30,
            inbound_max: 512,
            effects_max: 64,
            effects_day_max: 500,
            poll_millis: 500,
            drain_secs_max: 10,
        }
    }
}

/// What the engine is made of.
pub struct EngineParts {
    /// Where tasks live.
    pub store: Arc<dyn TaskStore>,
    /// Who people are.
    pub people: Arc<dyn People>,
    /// Who turns words into plans.
    pub planner: Arc<dyn Planner>,
    /// What can be done.
    pub actions: Arc<dyn Actions>,
    /// Who hears of committed frames.
    pub sink: Arc<dyn FrameSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// What bounds it.
    pub limits: Limits,
}

/// What came of an inbound event.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// The task it began or moved.
    pub task_id: Option<TaskId>,
    /// Why it moved nothing, when it did not.
    pub refusal: Option<Refusal>,
    /// Whether the same event had been taken before: then nothing happened now.
    pub duplicate: bool,
}

/// The event could not be taken, or not be handled now; what was accepted is handled later.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Too much is waiting; nothing was stored.
    #[error("too busy, try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The people store failed.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The turn broke; the event is kept and tried once more at the next start.
    #[error("that could not be handled")]
    Broken,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: EngineParts,
    pub(crate) id: RunnerId,
    /// When this process began: what was accepted before is another's.
    pub(crate) began_at: chrono::DateTime<chrono::Utc>,
    pub(crate) inbound: Arc<tokio::sync::Semaphore>,
    pub(crate) runner: Runner,
    pub(crate) plans: Plans,
}

impl Engine {
    /// An engine of these parts. Nothing runs until [`Engine::run`], except what is submitted.
    pub fn new(parts: EngineParts) -> Self {
        let id = RunnerId(parts.ids.fresh());
        let inbound = Arc::new(tokio::sync::Semaphore::new(parts.limits.inbound_max));
        let runner = Runner::new(parts.limits.effects_max);
        let began_at = parts.clock.now();
        Self(Arc::new(Inner { parts, id, began_at, inbound, runner, plans: Plans::default() }))
    }

    /// Stores an event, then routes, moves and commits. Comes back when its turn is committed;
    /// effects go on in the background. Goes on even if the caller goes away.
    ///
    /// # Errors
    /// [`EngineError::Busy`] and store failures before anything is stored; after that, the event is
    /// kept, and handled as soon as the store lets it.
    pub async fn submit(&self, inbound: Inbound) -> Result<Handled, EngineError> {
        let permit = Arc::clone(&self.0.inbound).try_acquire_owned().map_err(|_| EngineError::Busy)?;
        let engine = self.clone();
        let turn = self.0.runner.spawn(async move {
            failpoint::hit("engine.accept.before");
            let accepted = engine.0.parts.store.accept(&inbound).await.map_err(busy)?;
            failpoint::hit("engine.accept.after");
            match accepted {
                Accepted::New(id) => {
                    let handled = engine.handle(id, inbound.clone()).await;
                    if handled.is_err() {
                        engine.handle_later(id, inbound, permit);
                    }
                    handled
                }
                Accepted::Duplicate(_) => Ok(Handled { task_id: None, refusal: None, duplicate: true }),
            }
        });
        turn.await.unwrap_or(Err(EngineError::Broken))
    }

    /// The task of that id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(&self, id: &TaskId) -> Result<Option<TaskRow>, EngineError> {
        Ok(self.0.parts.store.load(id).await?)
    }

    /// The question of that token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prompt(&self, id: &crate::ids::PromptId) -> Result<Option<PromptRow>, EngineError> {
        Ok(self.0.parts.store.prompt(id).await?)
    }

    /// How a conversation stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn conversation(&self, id: &ConversationId) -> Result<ConversationView, EngineError> {
        Ok(self.0.parts.store.conversation(id).await?)
    }

    /// What can be done now.
    pub fn catalog(&self) -> Arc<crate::action::Catalog> {
        self.0.parts.actions.catalog()
    }

    /// Routes a stored event and commits its turn.
    pub(crate) async fn handle(&self, inbox: InboxId, inbound: Inbound) -> Result<Handled, EngineError> {
        for _ in 0..CONFLICTS_MAX {
            let route = self.route(&inbound).await?;
            match self.follow(inbox, &inbound, route).await {
                Err(EngineError::Store(StoreError::Conflict)) => {}
                other => return other,
            }
        }
        Err(EngineError::Store(StoreError::Conflict))
    }

    async fn route(&self, inbound: &Inbound) -> Result<Route, EngineError> {
        let store = &self.0.parts.store;
        let conversation = store.conversation(&inbound.conversation_id).await?;
        if conversation.person_id.as_ref().is_some_and(|owner| owner != &inbound.person_id) {
            return Ok(Route::Refuse(Refusal::NotFound));
        }
        Ok(match &inbound.kind {
            InboundKind::Message { text } => route::message(text, &conversation, &inbound.person_id),
            InboundKind::Request { text } => Route::Begin(text.trim().to_owned()),
            InboundKind::Reply { prompt_id, text } => {
                let asked = store.prompt(prompt_id).await?.filter(|row| row.person_id == inbound.person_id);
                match asked.filter(|row| row.status == PromptState::Open) {
                    Some(row) => route::reply(&row, text),
                    None => route::message(text, &conversation, &inbound.person_id),
                }
            }
            InboundKind::Choice { prompt_id, answer } => match store.prompt(prompt_id).await? {
                Some(row) if row.person_id == inbound.person_id => {
                    let event = Event::Answer { prompt_id: prompt_id.clone(), answer: answer.clone() };
                    Route::Move(row.task_id, event)
                }
                Some(_) | None => Route::Refuse(Refusal::NotFound),
            },
            InboundKind::Command(Command::Cancel(task)) => {
                route::to_task(task.clone().or(conversation.live), Event::Cancel, "Nothing is running.")
            }
            InboundKind::Command(Command::Undo(task)) => {
                route::to_task(task.clone().or(conversation.newest), Event::Undo, "There is nothing to undo.")
            }
            InboundKind::Command(Command::Run { plan, title }) => {
                let mut plan = (**plan).clone();
                if let Some(title) = title {
                    plan.title.clone_from(title);
                }
                Route::Run(Box::new(plan))
            }
        })
    }

    async fn follow(&self, inbox: InboxId, inbound: &Inbound, route: Route) -> Result<Handled, EngineError> {
        let person = self.person(&inbound.person_id).await?;
        let time = self.time_of(&person);
        let refused = match route {
            Route::Refuse(refusal) => refusal,
            Route::Begin(text) => {
                let photos = inbound.photos.clone();
                let moved = self.with_context(&person, inbound, time, u32::MAX, |ctx, seed| {
                    Ok(begin_request(seed, text, photos, ctx))
                });
                return self.begin(inbox, inbound, moved.map_err(|_| EngineError::Broken)?, time).await;
            }
            Route::Run(plan) => {
                let mut effects_left = u32::MAX;
                loop {
                    let begin = |ctx: &Context<'_>, seed| begin_plan(seed, (*plan).clone(), ctx);
                    match self.with_context(&person, inbound, time, effects_left, begin) {
                        Err(refusal) => break refusal,
                        Ok(moved) => match self.begin(inbox, inbound, moved, time).await {
                            Err(EngineError::Store(StoreError::Spent { left })) if left < effects_left => {
                                effects_left = left;
                            }
                            other => return other,
                        },
                    }
                }
            }
            Route::Move(id, event) => {
                match self.0.parts.store.load(&id).await?.filter(|row| row.person_id == inbound.person_id) {
                    None => Refusal::NotFound,
                    Some(row) => match self
                        .turn(row, event, Origin { inbox: Some(inbox), said_at: Some(inbound.said_at()) })
                        .await?
                    {
                        Ok(()) => return Ok(Handled { task_id: Some(id), refusal: None, duplicate: false }),
                        Err(refusal) => refusal,
                    },
                }
            }
        };
        self.refuse(inbox, inbound, refused, time.now).await
    }

    fn time_of(&self, person: &Person) -> Time {
        let now = self.0.parts.clock.now();
        Time { now, day: now.with_timezone(&person.settings.timezone).date_naive() }
    }

    fn with_context(
        &self,
        person: &Person,
        inbound: &Inbound,
        time: Time,
        effects_left: u32,
        make: impl FnOnce(&Context<'_>, crate::ids::Seed) -> Result<Transition, Refusal>,
    ) -> Result<Transition, Refusal> {
        let catalog = self.catalog();
        let ctx = Context {
            now: time.now,
            said_at: inbound.said_at(),
            person,
            contacts: &[],
            catalog: &catalog,
            session_id: session_of(&inbound.conversation_id),
            epoch: 1,
            may_start: true,
            effects_left,
        };
        make(&ctx, self.0.parts.ids.seed())
    }

    /// Commits the first turn of a new task.
    async fn begin(
        &self,
        inbox: InboxId,
        inbound: &Inbound,
        moved: Transition,
        time: Time,
    ) -> Result<Handled, EngineError> {
        let id = self.0.parts.ids.task();
        let row = TaskRow {
            id: id.clone(),
            person_id: inbound.person_id.clone(),
            conversation_id: inbound.conversation_id.clone(),
            ver: 0,
            epoch: 1,
            attempts: 0,
            lease: None,
            wake_at: None,
            state: moved.next.clone(),
            created_at: time.now,
            updated_at: time.now,
        };
        self.commit(&row, None, moved, Some(inbox), time).await?;
        Ok(Handled { task_id: Some(id), refusal: None, duplicate: false })
    }

    /// Marks a refused event as handled, and says why where it was said in words.
    async fn refuse(
        &self,
        inbox: InboxId,
        inbound: &Inbound,
        refusal: Refusal,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Handled, EngineError> {
        let in_words = matches!(inbound.kind, InboundKind::Message { .. } | InboundKind::Reply { .. });
        let frames = if in_words && refusal != Refusal::NotFound {
            vec![message(&refusal.to_string(), session_of(&inbound.conversation_id))]
        } else {
            Vec::new()
        };
        let turn = Turn {
            person_id: inbound.person_id.clone(),
            task: None,
            prompts: Vec::new(),
            frames,
            inbox: Some(inbox),
            spend: None,
            at: now,
        };
        let committed = self.0.parts.store.commit(turn).await?;
        self.0.parts.sink.publish(&committed.frames);
        Ok(Handled { task_id: None, refusal: Some(refusal), duplicate: false })
    }

    /// Moves a loaded task and commits; the refusal when the event does not fit.
    pub(crate) async fn turn(
        &self,
        row: TaskRow,
        event: Event,
        origin: Origin,
    ) -> Result<Result<(), Refusal>, EngineError> {
        let person = self.person(&row.person_id).await?;
        let contacts =
            if needs_contacts(&event) { self.0.parts.people.contacts(&row.person_id).await? } else { Vec::new() };
        let time = self.time_of(&person);
        let catalog = self.catalog();
        let mut ctx = Context {
            now: time.now,
            said_at: origin.said_at.unwrap_or(time.now),
            person: &person,
            contacts: &contacts,
            catalog: &catalog,
            session_id: session_of(&row.conversation_id),
            epoch: row.epoch,
            may_start: row.lease.as_ref().is_none_or(|lease| lease.owner == self.0.id),
            // The commit knows how many are left; only a turn that starts too many is made again.
            effects_left: u32::MAX,
        };
        loop {
            match transition(row.state.clone(), event.clone(), &ctx) {
                Err(refusal) => return Ok(Err(refusal)),
                Ok(moved) => match self.commit(&row, Some(row.ver), moved, origin.inbox, time).await {
                    Err(EngineError::Store(StoreError::Spent { left })) if left < ctx.effects_left => {
                        ctx.effects_left = left;
                    }
                    other => return other.map(Ok),
                },
            }
        }
    }

    /// Commits a moved task, tells of it, and performs what it asks for.
    async fn commit(
        &self,
        row: &TaskRow,
        read_ver: Option<u64>,
        moved: Transition,
        inbox: Option<InboxId>,
        time: Time,
    ) -> Result<(), EngineError> {
        let in_flight = is_in_flight(&moved.next);
        let effects = moved.next.run().map_or(0, |run| acts_begun(run, &moved.effects));
        let effects_max = self.0.parts.limits.effects_day_max;
        let until = time.now + chrono::Duration::seconds(i64::from(self.0.parts.limits.lease_secs));
        // Another process' effects stay its own: its lease is kept as it is.
        let lease = match row.lease.clone().filter(|lease| lease.owner != self.0.id) {
            Some(theirs) if in_flight => Some(theirs),
            Some(_) | None => in_flight.then(|| Lease { owner: self.0.id.clone(), until }),
        };
        let turn = Turn {
            person_id: row.person_id.clone(),
            prompts: prompt_rows(row, read_ver.and(row.state.run()), moved.next.run()),
            frames: moved.frames,
            inbox,
            spend: (effects > 0).then_some(Spend { day: time.day, effects, effects_max }),
            at: time.now,
            task: Some(TaskWrite {
                id: row.id.clone(),
                person_id: row.person_id.clone(),
                conversation_id: row.conversation_id.clone(),
                read_ver,
                read_epoch: row.epoch,
                // While effects are under way the lease's end is all that makes it due: timers are
                // looked at again with every outcome.
                wake_at: lease.as_ref().map(|lease| lease.until).or(moved.wake_at),
                lease,
                state: moved.next.clone(),
                progress: moved.progress,
            }),
        };
        if !moved.effects.is_empty() {
            self.0.runner.hold(&row.id, row.epoch, moved.effects.len());
        }
        match self.0.parts.store.commit(turn).await {
            Ok(committed) => {
                self.0.parts.sink.publish(&committed.frames);
                // A plan that is being made is for the request as it was.
                self.0.plans.moved(&row.id, committed.ver);
                if !moved.effects.is_empty() {
                    let row = moved_row(row, moved.next, committed.ver);
                    self.perform(&row, moved.effects);
                }
                Ok(())
            }
            Err(error) => {
                self.0.runner.release(&row.id, moved.effects.len());
                Err(error.into())
            }
        }
    }

    fn perform(&self, row: &TaskRow, effects: Vec<Effect>) {
        for effect in effects {
            let (engine, row) = (self.clone(), row.clone());
            // Not awaited: the runner tracks it, and its outcome is an event of its own.
            drop(self.0.runner.spawn(async move {
                // Released even when it breaks: a lease renewed for nobody would hold the task for ever.
                let _held = HeldEffect { engine: &engine, id: &row.id };
                engine.perform_one(&row, effect).await;
            }));
        }
    }

    pub(crate) async fn person(&self, id: &PersonId) -> Result<Person, EngineError> {
        match self.0.parts.people.person(id).await? {
            Some(person) => Ok(person),
            None => Err(EngineError::Store(StoreError::Corrupt(format!("no person {id}")))),
        }
    }
}

/// One effect under way, as long as it lives.
struct HeldEffect<'a> {
    engine: &'a Engine,
    id: &'a TaskId,
}

impl Drop for HeldEffect<'_> {
    fn drop(&mut self) {
        self.engine.0.runner.release(self.id, 1);
    }
}

fn busy(error: StoreError) -> EngineError {
    match error {
        StoreError::Busy => EngineError::Busy,
        StoreError::Conflict
        | StoreError::Spent { .. }
        | StoreError::Full(_)
        | StoreError::Driver(_)
        | StoreError::Corrupt(_) => error.into(),
    }
}

/// Where an event comes from, when it was not ourselves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Origin {
    /// What it is marked as handled by.
    inbox: Option<InboxId>,
    /// When it was said.
    said_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// The time of a turn, and the day it is where the person is.
#[derive(Clone, Copy)]
struct Time {
    now: chrono::DateTime<chrono::Utc>,
    day: chrono::NaiveDate,
}

/// Whether whom the person knows matters: answers name people, and acts that are shown are held against
/// whom they are aimed at.
fn needs_contacts(event: &Event) -> bool {
    match event {
        Event::Planned { .. } | Event::Answer { .. } | Event::Outcome { .. } | Event::LookedUp { .. } | Event::Due => {
            true
        }
        Event::Revise { .. } | Event::Cancel | Event::Undo | Event::Quarantine => false,
    }
}

fn moved_row(row: &TaskRow, state: TaskState, ver: u64) -> TaskRow {
    TaskRow {
        id: row.id.clone(),
        person_id: row.person_id.clone(),
        conversation_id: row.conversation_id.clone(),
        lease: row.lease.clone(),
        state,
        ver,
        ..*row
    }
}

/// What the API calls a conversation: a web session by its own id, others by their whole name.
pub fn session_of(conversation: &ConversationId) -> &str {
    conversation.as_str().strip_prefix("web:").unwrap_or(conversation.as_str())
}

/// Whether a process must stand by this state: something is under way outside.
fn is_in_flight(state: &TaskState) -> bool {
    match state {
        TaskState::Planning(_) => true,
        TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_) => {
            state.run().is_some_and(|run| run.items.iter().any(crate::state::Item::is_in_flight))
        }
        TaskState::Finished(_) | TaskState::Quarantined(_) => false,
    }
}

/// The rows of questions that were opened or changed between two runs.
fn prompt_rows(row: &TaskRow, before: Option<&Run>, after: Option<&Run>) -> Vec<PromptRow> {
    let Some(after) = after else { return Vec::new() };
    let changed_confirmations = |prompt: &Prompt| {
        prompt.is_open()
            && before.is_some_and(|run| view::pending_actions(run, prompt) != view::pending_actions(after, prompt))
    };
    let known: std::collections::HashMap<&crate::ids::PromptId, &PromptState> =
        before.map(|run| run.prompts.iter().map(|prompt| (&prompt.id, &prompt.state)).collect()).unwrap_or_default();
    after
        .prompts
        .iter()
        .filter(|prompt| known.get(&prompt.id) != Some(&&prompt.state) || changed_confirmations(prompt))
        .map(|prompt| PromptRow {
            id: prompt.id.clone(),
            task_id: row.id.clone(),
            person_id: row.person_id.clone(),
            conversation_id: row.conversation_id.clone(),
            status: prompt.state.clone(),
            view: view::prompt_view(after, prompt),
            asked_at: prompt.asked_at,
            expires_at: prompt.expires_at,
        })
        .collect()
}
