//! The planner that asks models, one after the other, and rules when none of them can: one turn, one
//! proposal. It decides nothing about the world; what it proposes is untrusted.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;
use tracing::{info, warn};
use workflows::ids::{ConversationId, TaskId};
use workflows::plan::{Stage, StageKind};
use workflows::planner::{Builtin, propose};
use workflows::ports::{BUILTIN, Intent, PlanRequest, Planned, Planner, PlannerError, Proposal};
use workflows::state::{Run, TaskState};

use super::check::Words;
use super::pictures::{self, Pictures, Seen};
use super::prompt::{self, Background};
use super::read::{self, Read, Reading};
use super::router::{Missed, Router};
use super::seat::Seat;
use super::wire::{Chat, Message, Role, Speaker};
use super::{code, extract};
use crate::memory::Memory;
use crate::store::LogStore;
use crate::store::memory::{MemoryId, MemoryKind};

/// Times a planner may mend its answer.
const REPAIRS_MAX: usize = 2;
/// Of an answer that is to be mended, as much is shown again, in characters.
const MENDED_CHARS_MAX: usize = 6_000;
/// What an answer without words is shown as.
const NO_WORDS: &str = "(nothing)";
/// Turns before this one that are told.
const TURNS_MAX: u32 = 4;
/// What is remembered that is told.
const REMEMBERED_MAX: usize = 5;
/// A plan takes at most so many times what one call may, whoever is asked.
const CALLS_LONG: u32 = 2;

/// The planner.
pub struct AiPlanner {
    router: Arc<Router>,
    log: Arc<dyn LogStore>,
    memory: Memory,
    pictures: Pictures,
    builtin: Builtin,
}

/// Why rules plan.
enum Why {
    /// Nobody could be asked.
    Nobody,
    /// Nobody who was asked had an answer.
    NoAnswer,
    /// Nobody may be asked any more.
    Spent(String),
}

/// What came of asking one of them.
enum Came {
    /// This is followed.
    Proposal(Proposal),
    /// The next is asked.
    Nothing,
    /// Nobody is asked any more.
    Spent(String),
}

impl AiPlanner {
    /// A planner that asks these.
    pub fn new(router: Arc<Router>, log: Arc<dyn LogStore>, memory: Memory, uploads: PathBuf) -> Self {
        Self { pictures: Pictures::new(Arc::clone(&router), uploads), router, log, memory, builtin: Builtin }
    }

    /// Asks one of them, and has it mend its answer.
    async fn ask(&self, seat: &Seat, chat: &Chat, request: &PlanRequest<'_>, reading: &Reading<'_>) -> Came {
        let hear = |text: &str| extract::reply_so_far(text).into_iter().for_each(|text| request.listener.so_far(&text));
        let mut chat = chat.clone();
        let (mut doubtful, mut answered) = (None, true);
        for attempt in 0..=REPAIRS_MAX {
            let said = match self.router.ask(seat, Role::Planning, request.person, &chat, &hear).await {
                Ok(said) => said.text,
                Err(Missed::Spent(spent)) => return Came::Spent(spent.to_string()),
                Err(Missed::Fault(_)) => {
                    answered = false;
                    break;
                }
            };
            let faults = match read::read(&said, reading) {
                Read::Good(proposal) => return Came::Proposal(proposal),
                Read::Doubtful(doubts) => {
                    let faults = doubts.iter().map(|doubt| doubt.fault.clone()).collect();
                    let is_the_persons = doubts.iter().all(|doubt| doubt.is_the_persons);
                    doubtful = doubts.into_iter().next();
                    if is_the_persons {
                        break;
                    }
                    faults
                }
                Read::Faulty(faults) => faults,
            };
            info!(planner = seat.name().as_str(), attempt, faults = faults.len(), "a plan has faults");
            // The rules, the request, the newest answer and its faults: no more, so that it stays small.
            chat.messages.truncate(2);
            // Some refuse a message without words.
            let said = if said.trim().is_empty() { NO_WORDS } else { said.as_str() };
            let said: String = said.chars().take(MENDED_CHARS_MAX).collect();
            chat.messages.push(Message::new(Speaker::Assistant, said));
            chat.messages.push(Message::new(Speaker::User, prompt::repair(&faults)));
        }
        if let Some(doubt) = doubtful {
            return Came::Proposal(Proposal::Question {
                text: doubt.question,
                suggestions: doubt.suggestions,
                intent: Intent { kind: "question".to_owned(), ..Intent::default() },
            });
        }
        // What gave no answer is counted as what it was, or was not even asked.
        if answered {
            self.router.useless(seat);
        }
        Came::Nothing
    }

    /// What is known besides the words. What cannot be had is left out.
    async fn background(&self, request: &PlanRequest<'_>) -> Background {
        let mut background = Background::default();
        if let Some((conversation, task)) = request.origin {
            self.turns(conversation, task, &mut background).await;
        }
        // A request that is planned anew was noted when it was planned first; it is told as what it is.
        let own = request.origin.map(|(_, task)| MemoryId::of(&request.person.id, MemoryKind::Request, task.as_str()));
        let recalled = self.memory.recall(&request.person.id, request.text, REMEMBERED_MAX + 1).await;
        let others = recalled.into_iter().filter(|recalled| Some(&recalled.id) != own.as_ref());
        background.remembered = others.take(REMEMBERED_MAX).map(|recalled| recalled.text).collect();
        background
    }

    async fn turns(&self, conversation: &ConversationId, task: &TaskId, background: &mut Background) {
        let rows = match self.log.conversation_tasks(conversation, TURNS_MAX + 1).await {
            Ok(rows) => rows,
            Err(error) => {
                warn!(%error, "what was said before cannot be read");
                return;
            }
        };
        for row in rows.iter().filter(|row| &row.id != task).rev() {
            match &row.state {
                TaskState::Finished(finished) => {
                    background.turns.push((finished.request.text.clone(), finished.summary.clone()));
                }
                TaskState::Quarantined(_) => {}
                TaskState::Planning(_) | TaskState::Running(_) | TaskState::Stopping(_) | TaskState::Undoing(_) => {
                    background.running.push(row.state.title());
                }
            }
        }
    }

    /// What is on the pictures, unless rules plan that understand the words: they have no use for it.
    async fn seen(
        &self,
        request: &PlanRequest<'_>,
        understood: bool,
        deadline: Instant,
        notes: &mut Vec<String>,
    ) -> Option<Seen> {
        let could_look = !request.photos.is_empty() && !self.router.seats(Role::Vision, request.person).is_empty();
        if understood && could_look {
            notes.push("I did not look at the picture: no model that could plan with it is here.".to_owned());
            return None;
        }
        let looked = tokio::time::timeout_at(deadline, self.pictures.look(request, notes)).await;
        looked.unwrap_or_else(|_| {
            notes.push(pictures::SILENT.to_owned());
            None
        })
    }

    /// An answer to a question about code, when there is somebody for it.
    async fn code(&self, request: &PlanRequest<'_>) -> Option<Planned> {
        let hear = |text: &str| request.listener.so_far(text);
        let answer = self.router.ask_any(Role::Code, request.person, &prompt::code(request.text), &hear).await;
        let (name, said) = answer.ok().filter(|(_, said)| !said.text.trim().is_empty())?;
        let intent = Intent { kind: "code".to_owned(), ..Intent::default() };
        let proposal = Proposal::Reply { text: said.text.trim().to_owned(), intent };
        Some(Planned { by: name.as_str().to_owned(), proposal, notes: Vec::new() })
    }

    /// What rules make of it, and what the person is to know of why.
    async fn by_rules(
        &self,
        request: PlanRequest<'_>,
        (why, seen): (Why, Option<Seen>),
        mut notes: Vec<String>,
    ) -> Result<Planned, PlannerError> {
        let stuck = |run: &Run| run.replans > 0 && run.request.amendments.len() == request.amendments.len();
        if request.previous.is_some_and(|run| stuck(run) && run.planner.as_deref() != Some(BUILTIN)) {
            // The same words lead rules to the same plan: that is no other way.
            let why = match &why {
                Why::Nobody => "there is none to ask",
                Why::NoAnswer => "no model answered",
                Why::Spent(why) => why,
            };
            return Err(PlannerError(format!("without a model I know no other way ({why})")));
        }
        let kept = self.router.without_consent(Role::Planning, request.person);
        let mut planned = self.builtin.plan(request).await?;
        let lost = matches!(&planned.proposal, Proposal::Reply { intent, .. } if intent.kind == "unknown");
        match (&why, kept.first()) {
            (Why::Spent(why), _) => notes.push(format!("I planned this by my own rules: {why}.")),
            (Why::NoAnswer, _) if lost => {
                notes.push("No model gave me a usable answer just now, so I went by my own rules.".to_owned());
            }
            (Why::Nobody, Some(name)) if lost => {
                let name = name.as_str();
                notes.push(format!("With your consent {name} could plan this: allow remote models in your settings."));
            }
            (Why::Nobody | Why::NoAnswer, _) => {}
        }
        match seen {
            // Rules make nothing of the words; what is on the picture may be all that was wanted.
            Some(Seen { by, text }) if lost => {
                let intent = Intent { kind: "picture".to_owned(), ..Intent::default() };
                planned = Planned {
                    by: by.as_str().to_owned(),
                    proposal: Proposal::Reply { text, intent },
                    notes: Vec::new(),
                };
            }
            Some(_) => notes.push("I went by your words alone: my own rules know nothing of pictures.".to_owned()),
            None => {}
        }
        planned.notes.extend(notes);
        Ok(planned)
    }
}

#[async_trait]
impl Planner for AiPlanner {
    async fn plan(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        let (person, text, task) = (request.person, request.text, request.origin.map(|(_, task)| task));
        let planned = self.propose(request).await?;
        // What was only about memories is none.
        let about_memories = |stage: &&Stage| match &stage.kind {
            StageKind::Execution(e) => e.action.starts_with("memory."),
            _ => false,
        };
        if let (Proposal::Plan { plan, .. }, Some(task)) = (&planned.proposal, task)
            && !plan.all().iter().any(about_memories)
        {
            self.memory.note_request(&person.id, task, text).await;
        }
        Ok(planned)
    }
}

impl AiPlanner {
    async fn propose(&self, request: PlanRequest<'_>) -> Result<Planned, PlannerError> {
        let mut notes = Vec::new();
        if self.router.is_empty() && request.photos.is_empty() {
            return self.builtin.plan(request).await;
        }
        let (began, call) = (Instant::now(), self.router.longest_call());
        let deadline = began + call * CALLS_LONG;
        // Whoever looks at pictures or knows about code leaves time for those who plan.
        let first = began + call;
        let read = match propose(&request) {
            Proposal::Plan { intent, .. } | Proposal::Reply { intent, .. } | Proposal::Question { intent, .. } => {
                intent
            }
        };
        let is_first = request.amendments.is_empty() && request.previous.is_none() && request.photos.is_empty();
        if is_first
            && read.kind == "unknown"
            && code::is_about(request.text)
            && let Ok(Some(planned)) = tokio::time::timeout_at(first, self.code(&request)).await
        {
            return Ok(planned);
        }
        let seats = self.router.seats(Role::Planning, request.person);
        let understood = seats.is_empty() && read.kind != "unknown";
        let seen = self.seen(&request, understood, first, &mut notes).await;
        if seats.is_empty() {
            return self.by_rules(request, (Why::Nobody, seen), notes).await;
        }
        let pictures = seen.as_ref().map(|seen| seen.text.clone());
        let background = Background { pictures, ..self.background(&request).await };
        let chat = prompt::planning(&request, &read, &background);
        let asked = request.previous.map(|run| run.prompts.iter().map(|prompt| prompt.question.clone()).collect());
        let asked: Vec<String> = asked.unwrap_or_default();
        let words = Words {
            text: request.text,
            amendments: request.amendments,
            asked: &asked,
            day: read.entities.get("when").and_then(|when| when.as_str()),
            zone: request.person.settings.timezone,
            now: request.now,
        };
        let reading = Reading { catalog: request.catalog, contacts: request.contacts, words };
        for seat in &seats {
            if deadline <= Instant::now() {
                break;
            }
            let came = tokio::time::timeout_at(deadline, self.ask(seat, &chat, &request, &reading)).await;
            match came.unwrap_or(Came::Nothing) {
                Came::Proposal(proposal) => {
                    return Ok(Planned { by: seat.name().as_str().to_owned(), proposal, notes });
                }
                Came::Nothing => {}
                Came::Spent(why) => return self.by_rules(request, (Why::Spent(why), seen), notes).await,
            }
        }
        self.by_rules(request, (Why::NoAnswer, seen), notes).await
    }
}
