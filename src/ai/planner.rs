//! The planner that asks models, one after the other, and rules when none of them can: one turn, one
//! proposal. It decides nothing about the world; what it proposes is untrusted.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tracing::{info, warn};
use workflows::ids::{ConversationId, TaskId};
use workflows::inbound::{PHOTOS_MAX, Photo};
use workflows::plan::{Stage, StageKind};
use workflows::planner::{Builtin, propose};
use workflows::ports::{BUILTIN, Intent, PlanRequest, Planned, Planner, PlannerError, Proposal};
use workflows::state::{Run, TaskState};

use super::check::Words;
use super::prompt::{self, Background};
use super::read::{self, Read, Reading};
use super::router::{Missed, Router};
use super::seat::Seat;
use super::wire::{Chat, Message, Picture, Role, Speaker};
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
/// Descriptions of pictures that are kept.
const SEEN_MAX: usize = 64;
/// Which pictures can be looked at, in words.
const OPENED: &str = "it must be a JPEG, PNG or WebP of at most 10 MB that is still there";
/// Largest picture that is looked at, in bytes.
const PICTURE_BYTES_MAX: u64 = 10 << 20;

/// The planner.
pub struct AiPlanner {
    router: Arc<Router>,
    log: Arc<dyn LogStore>,
    memory: Memory,
    /// Where pictures are kept.
    uploads: PathBuf,
    /// What was on pictures lately: a changed request is planned again with the same ones.
    seen: Mutex<VecDeque<(Vec<Photo>, String)>>,
    builtin: Builtin,
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
        Self { router, log, memory, uploads, seen: Mutex::default(), builtin: Builtin }
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

    /// What is on the pictures, as far as somebody can look at them, and what the person is told of it.
    async fn pictures(&self, request: &PlanRequest<'_>, notes: &mut Vec<String>) -> Option<String> {
        if request.photos.is_empty() {
            return None;
        }
        if let Some((_, seen)) = self.seen().iter().find(|(photos, _)| photos == request.photos) {
            return Some(seen.clone());
        }
        let mut pictures = Vec::new();
        for photo in request.photos.iter().take(PHOTOS_MAX) {
            pictures.extend(self.picture(photo).await);
        }
        if pictures.is_empty() {
            notes.push(format!("I could not open the picture ({OPENED}), so I went by your words alone."));
            return None;
        }
        if pictures.len() < request.photos.len() {
            let (opened, all) = (pictures.len(), request.photos.len());
            notes.push(format!("I looked at {opened} of the {all} pictures; I could not open the rest ({OPENED})."));
        }
        let chat = prompt::pictures(request.text, pictures);
        match self.router.ask_any(Role::Vision, request.person, &chat, &|_| {}).await {
            Ok((_, said)) if !said.text.trim().is_empty() => {
                let mut seen = self.seen();
                seen.truncate(SEEN_MAX - 1);
                seen.push_front((request.photos.to_vec(), said.text.clone()));
                return Some(said.text);
            }
            Ok(_) => notes.push("I could make nothing out on the picture, so I went by your words alone.".to_owned()),
            Err(Some(Missed::Spent(spent))) => notes.push(format!("I did not look at the picture: {spent}.")),
            Err(Some(Missed::Fault(_))) => {
                notes
                    .push("The model that looks at pictures did not answer, so I went by your words alone.".to_owned());
            }
            Err(None) => notes.push(self.blind(request)),
        }
        None
    }

    fn seen(&self) -> MutexGuard<'_, VecDeque<(Vec<Photo>, String)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blind(&self, request: &PlanRequest<'_>) -> String {
        match self.router.without_consent(Role::Vision, request.person).first() {
            Some(name) => format!(
                "I did not look at the picture: only {} could, and you have not allowed remote models (/settings).",
                name.as_str()
            ),
            None => {
                "I cannot look at pictures here: no model for them is set up. I went by your words alone.".to_owned()
            }
        }
    }

    async fn picture(&self, photo: &Photo) -> Option<Picture> {
        // A name, never a path: it came from a store, but nothing outside of what was uploaded is read.
        let is_name = !photo.file.contains(['/', '\\']) && photo.file != ".." && !photo.file.is_empty();
        let path = is_name.then(|| self.uploads.join(&photo.file))?;
        let size = tokio::fs::metadata(&path).await.ok()?.len();
        if size > PICTURE_BYTES_MAX {
            return None;
        }
        let bytes = tokio::fs::read(&path).await.ok()?;
        let media_type = match bytes.as_slice() {
            [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => return None,
        };
        Some(Picture { media_type, bytes })
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
        mut notes: Vec<String>,
        asked: bool,
    ) -> Result<Planned, PlannerError> {
        let stuck = |run: &Run| run.replans > 0 && run.request.amendments.len() == request.amendments.len();
        if request.previous.is_some_and(|run| stuck(run) && run.planner.as_deref() != Some(BUILTIN)) {
            // The same words lead rules to the same plan: that is no other way.
            let why = notes.first().map_or("no model answered", String::as_str);
            return Err(PlannerError(format!("without a model I know no other way ({})", why.trim_end_matches('.'))));
        }
        let kept = self.router.without_consent(Role::Planning, request.person);
        let mut planned = self.builtin.plan(request).await?;
        let lost = matches!(&planned.proposal, Proposal::Reply { intent, .. } if intent.kind == "unknown");
        if lost && asked {
            notes.push("No model gave me a usable answer just now, so I went by my own rules.".to_owned());
        }
        if let Some(name) = kept.first().filter(|_| lost && !asked) {
            let name = name.as_str();
            notes.push(format!("With your consent {name} could plan this: allow remote models in /settings."));
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
        let read = match propose(&request) {
            Proposal::Plan { intent, .. } | Proposal::Reply { intent, .. } | Proposal::Question { intent, .. } => {
                intent
            }
        };
        let is_first = request.amendments.is_empty() && request.previous.is_none() && request.photos.is_empty();
        if is_first
            && read.kind == "unknown"
            && code::is_about(request.text)
            && let Some(planned) = self.code(&request).await
        {
            return Ok(planned);
        }
        let seats = self.router.seats(Role::Planning, request.person);
        let pictures = self.pictures(&request, &mut notes).await;
        if seats.is_empty() {
            return self.by_rules(request, notes, false).await;
        }
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
        let deadline = tokio::time::Instant::now() + self.router.longest_call() * CALLS_LONG;
        for seat in &seats {
            let came = tokio::time::timeout_at(deadline, self.ask(seat, &chat, &request, &reading)).await;
            match came.unwrap_or(Came::Nothing) {
                Came::Proposal(proposal) => {
                    return Ok(Planned { by: seat.name().as_str().to_owned(), proposal, notes });
                }
                Came::Nothing => {}
                Came::Spent(why) => {
                    notes.push(format!("I planned this by my own rules: {why}."));
                    return self.by_rules(request, notes, false).await;
                }
            }
        }
        self.by_rules(request, notes, true).await
    }
}
