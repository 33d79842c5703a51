//! Who is asked: in the configured order, past breakers and limits, never past a person's day or their
//! consent. A call is made once; what fails is left to the next.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tracing::{info, warn};
use workflows::person::Person;
use workflows::ports::{Clock, StoreError};

use super::breaker::{Breaker, Pass, Rules, Standing};
use super::budget::{Budget, Day, Reserved, Spent};
use super::seat::{Counts, Seat};
use super::wire::{Chat, Class, Fault, Hear, Role, Said, Usage};
use crate::config::{AiLimits, ProviderName};
use crate::memory::Purpose;

/// Longest wait for vectors: whoever waits for them has something else to do.
const EMBED_LIMIT: Duration = Duration::from_secs(3);
/// And for each text beyond the first.
const EMBED_LIMIT_MORE: Duration = Duration::from_secs(1);

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// This one cannot now; the next may.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Nobody may be asked for this person any more today.
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// The router.
pub struct Router {
    seats: Vec<Arc<Seat>>,
    limits: AiLimits,
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
}

/// A call that is charged for, also when it is given up before it has ended.
struct Charge<'a> {
    router: &'a Router,
    seat: &'a Seat,
    model: &'a str,
    chat: &'a Chat,
    reserved: Option<Reserved>,
    /// How much of an answer was heard, in bytes.
    heard: AtomicUsize,
    began: Instant,
}

impl Charge<'_> {
    async fn settle(mut self, result: &Result<Said, Fault>) {
        let usage = took(self.chat, result);
        self.seat.note(result, self.began, usage);
        let Some(reserved) = self.reserved.take() else { return };
        if result.as_ref().err().is_some_and(|fault| !reached(fault.class)) {
            self.router.budget.give_back(&reserved);
        } else {
            self.router.budget.settle(reserved, (self.seat.name(), self.model), self.seat.price, usage).await;
        }
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        let Some(reserved) = self.reserved.take() else { return };
        let usage = Usage::of_length(self.chat, self.heard.load(Ordering::Relaxed));
        self.seat.note_given_up(usage);
        let (budget, name, model) = (Arc::clone(&self.router.budget), self.seat.name(), self.model.to_owned());
        let price = self.seat.price;
        tokio::spawn(async move { budget.settle(reserved, (name, &model), price, usage).await });
    }
}

/// A call that may be given up before it has ended: then another may probe.
struct Passage<'a> {
    router: &'a Router,
    seat: &'a Seat,
    model: &'a str,
    pass: Pass,
    over: bool,
}

impl Passage<'_> {
    fn end(mut self, result: &Result<Said, Fault>) {
        self.over = true;
        let now = self.router.clock.now();
        let mut breakers = self.seat.breakers();
        let breaker = self.router.breaker(&mut breakers, self.model);
        match result {
            Ok(_) => breaker.succeeded(self.pass),
            Err(fault) => breaker.failed(self.pass, fault, now),
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if !self.over {
            let now = self.router.clock.now();
            self.router.breaker(&mut self.seat.breakers(), self.model).abandoned(self.pass, now);
        }
    }
}

impl Router {
    /// A router over these, in this order.
    pub fn new(seats: Vec<Seat>, limits: AiLimits, budget: Budget, clock: Arc<dyn Clock>) -> Self {
        Self { seats: seats.into_iter().map(Arc::new).collect(), limits, budget: Arc::new(budget), clock }
    }

    /// Whether anybody is configured.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The longest that one call may take.
    pub fn longest_call(&self) -> Duration {
        self.limits.total
    }

    fn breaker<'a>(&self, breakers: &'a mut BTreeMap<String, Breaker>, model: &str) -> &'a mut Breaker {
        let rules = Rules { failures: self.limits.failures, cooldown: self.limits.cooldown };
        breakers.entry(model.to_owned()).or_insert_with(|| Breaker::new(rules))
    }

    /// Whom to ask for this, in order: those that have a model for it and may see what the person says.
    pub fn seats(&self, role: Role, person: &Person) -> Vec<Arc<Seat>> {
        let may = |seat: &&Arc<Seat>| (seat.local || person.settings.remote_ai) && seat.model(role).is_ok();
        self.seats.iter().filter(may).cloned().collect()
    }

    /// Those that the person's consent alone keeps from being asked.
    pub fn without_consent(&self, role: Role, person: &Person) -> Vec<ProviderName> {
        let kept = |seat: &&Arc<Seat>| seat.is_remote() && !person.settings.remote_ai && seat.model(role).is_ok();
        self.seats.iter().filter(kept).map(|seat| seat.name()).collect()
    }

    /// Asks one of them, once.
    ///
    /// # Errors
    /// Why it has no answer, and whether another may be asked.
    pub async fn ask(
        &self,
        seat: &Seat,
        role: Role,
        person: &Person,
        chat: &Chat,
        hear: Hear<'_>,
    ) -> Result<Said, Missed> {
        let model = seat.model(role).map_err(|why| Fault::new(Class::NoModel, why))?;
        let passage = self.pass(seat, model)?;
        let waited = tokio::time::timeout(self.limits.first_byte, seat.calls.acquire()).await;
        let Ok(Ok(_permit)) = waited else {
            return Err(Fault::new(Class::Overload, "too many calls are under way").into());
        };
        let day = Day { person: person.id.clone(), day: self.today(person) };
        let expected = chat.tokens() + u64::from(chat.tokens_max);
        let reserved = self.budget.reserve(&day, expected).await.map_err(|error| unknown(&error))??;
        let (reserved, began) = (Some(reserved), Instant::now());
        let charge = Charge { router: self, seat, model, chat, reserved, heard: AtomicUsize::new(0), began };
        let heard = |text: &str| {
            charge.heard.store(text.len(), Ordering::Relaxed);
            hear(text);
        };
        let result = seat.provider.chat(model, chat, &heard).await;
        passage.end(&result);
        if result.as_ref().is_err_and(|fault| fault.class == Class::Late) {
            seat.provider.was_late(model, Some(chat));
        }
        charge.settle(&result).await;
        if let Err(fault) = &result {
            warn!(provider = seat.name().as_str(), model, class = fault.class.as_str(), %fault, "a model did not answer");
        }
        result.map_err(Into::into)
    }

    /// Asks all of them, one after the other, until one answers.
    ///
    /// # Errors
    /// Why the last of them had no answer; `None` when there was nobody to ask.
    pub async fn ask_any(
        &self,
        role: Role,
        person: &Person,
        chat: &Chat,
        hear: Hear<'_>,
    ) -> Result<(ProviderName, Said), Option<Missed>> {
        let mut last = None;
        for seat in self.seats(role, person) {
            match self.ask(&seat, role, person, chat, hear).await {
                Ok(said) => return Ok((seat.name(), said)),
                Err(spent @ Missed::Spent(_)) => return Err(Some(spent)),
                Err(missed) => last = Some(missed),
            }
        }
        Err(last)
    }

    /// Notes that an answer, though it came whole, was nothing that was asked for.
    pub fn useless(&self, seat: &Seat) {
        seat.note_error(Class::BadOutput);
    }

    /// Turns texts into vectors, when somebody of the operator's own can.
    pub async fn embed(&self, texts: &[String], purpose: Purpose) -> Option<Vec<Vec<f32>>> {
        for seat in self.seats.iter().filter(|seat| seat.local) {
            let Ok(model) = seat.model(Role::Embedding) else { continue };
            let Ok(passage) = self.pass(seat, model) else { continue };
            let more = u32::try_from(texts.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let limit = EMBED_LIMIT.saturating_add(EMBED_LIMIT_MORE.saturating_mul(more));
            let limited = tokio::time::timeout(limit, seat.provider.embed(model, texts, purpose)).await;
            let result = limited.unwrap_or_else(|_| Err(Fault::new(Class::Late, "no vectors in time")));
            let outcome = result.as_ref().map(|_| Said::default()).map_err(Clone::clone);
            passage.end(&outcome);
            if outcome.as_ref().is_err_and(|fault| fault.class == Class::Late) {
                seat.provider.was_late(model, None);
            }
            seat.note_vectors(&outcome);
            match result {
                Ok(vectors) => return Some(vectors),
                Err(fault) => {
                    warn!(provider = seat.name().as_str(), model, %fault, "texts were not turned into vectors");
                }
            }
        }
        None
    }

    /// The model that turns texts into vectors.
    pub fn embedding_model(&self) -> Option<String> {
        let mut local = self.seats.iter().filter(|seat| seat.local);
        local.find_map(|seat| seat.model(Role::Embedding).ok().map(str::to_owned))
    }

    fn pass<'a>(&'a self, seat: &'a Seat, model: &'a str) -> Result<Passage<'a>, Fault> {
        let now = self.clock.now();
        let mut breakers = seat.breakers();
        match self.breaker(&mut breakers, model).pass(now) {
            Some(pass) => Ok(Passage { router: self, seat, model, pass, over: false }),
            None => Err(Fault::new(Class::Overload, "it is left alone for a while")),
        }
    }

    fn today(&self, person: &Person) -> chrono::NaiveDate {
        self.clock.now().with_timezone(&person.settings.timezone).date_naive()
    }

    /// Looks whether those that can be looked at are there.
    pub async fn look_around(&self) {
        for seat in &self.seats {
            let found = seat.provider.look().await;
            let mut presence = seat.presence.lock().unwrap_or_else(PoisonError::into_inner);
            if *presence != found {
                info!(provider = seat.name().as_str(), presence = ?found, "a provider of models was looked at");
                *presence = found;
            }
        }
    }

    /// Providers that can be asked now, for `/api/health`.
    pub fn on(&self) -> Vec<&'static str> {
        let is_on = |seat: &&Arc<Seat>| seat.away().is_none() && seat.model(Role::Planning).is_ok();
        self.seats.iter().filter(is_on).map(|seat| seat.name().as_str()).collect()
    }

    /// Providers that are not there, and why.
    pub fn absent(&self) -> Vec<(ProviderName, String)> {
        let why = |seat: &Arc<Seat>| seat.model(Role::Planning).err().map(|why| (seat.name(), why));
        self.seats.iter().filter_map(why).collect()
    }

    /// How the breaker of each provider's model for plans stands; `/api/status` has those of the others.
    pub fn breakers(&self) -> BTreeMap<&'static str, &'static str> {
        let now = self.clock.now();
        let standing = |seat: &Seat| {
            let breakers = seat.breakers();
            let planning = seat.provider.model(Role::Planning).and_then(|model| breakers.get(model));
            planning.map_or(Standing::Closed, |breaker| breaker.standing(now))
        };
        self.seats.iter().map(|seat| (seat.name().as_str(), standing(seat).as_str())).collect()
    }

    /// Whether a provider that was asked for by name is not well, and why.
    pub fn ill(&self) -> Vec<(ProviderName, String)> {
        let now = self.clock.now();
        let why = |seat: &Arc<Seat>| {
            if let Some(why) = seat.away().or_else(|| seat.model(Role::Planning).err()) {
                return (!seat.assumed).then_some((seat.name(), why));
            }
            let breakers = seat.breakers();
            let planning = breakers.get(seat.provider.model(Role::Planning)?)?;
            // One that may be tried again is not known to be ill.
            let is_open = planning.standing(now) == Standing::Open;
            is_open.then(|| (seat.name(), planning.why().unwrap_or("it failed").to_owned()))
        };
        self.seats.iter().filter_map(why).collect()
    }

    /// Everything about each provider, for people who look after the service.
    pub fn status(&self) -> Vec<Value> {
        let now = self.clock.now();
        self.seats.iter().map(|seat| seat.status(now)).collect()
    }

    /// What a person used of their day.
    pub async fn usage(&self, person: &Person) -> Value {
        let day = Day { person: person.id.clone(), day: self.today(person) };
        let limits = json!({"calls": self.limits.calls_day, "tokens": self.limits.tokens_day});
        match self.budget.used(&day).await {
            Ok(models) => json!({"limits": limits, "models": models}),
            Err(error) => {
                warn!(%error, "what was used of a day cannot be read");
                json!({"limits": limits, "models": null})
            }
        }
    }

    /// What happened so far, by provider, for the metrics.
    pub fn counts(&self) -> Vec<Counts> {
        self.seats.iter().map(|seat| seat.counts()).collect()
    }
}

/// What a call took: as the other side counted, else by its length. What failed took what was sent.
fn took(chat: &Chat, result: &Result<Said, Fault>) -> Usage {
    match result {
        Ok(Said { usage: Some(usage), .. }) | Err(Fault { usage: Some(usage), .. }) => *usage,
        Ok(said) => Usage::of(chat, &said.text),
        // It came, and was nothing that could be used.
        Err(fault) if fault.class == Class::BadOutput => Usage::most(chat),
        Err(fault) if reached(fault.class) => Usage { input: chat.tokens(), output: 0 },
        Err(_) => Usage::default(),
    }
}

/// Whether a model may have worked before the call failed.
fn reached(class: Class) -> bool {
    match class {
        Class::Late | Class::Overload | Class::BadOutput => true,
        Class::Refused
        | Class::Loading
        | Class::Rate
        | Class::Quota
        | Class::Auth
        | Class::NoModel
        | Class::BadRequest => false,
    }
}

fn unknown(error: &StoreError) -> Fault {
    warn!(%error, "what was used of a day cannot be read");
    Fault::new(Class::Overload, "what was used today cannot be read")
}
