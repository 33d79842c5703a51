//! Words, choices and decisions: `/api/agent/*` and `/api/prompts`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use channels::web::parse::{self, Decide};
use channels::web::{conversation_of, render};
use serde_json::{Value, json};
use workflows::engine::Refusal;
use workflows::ids::{ConversationId, PersonId, PromptId};
use workflows::inbound::{Answer, Inbound, InboundKind};
use workflows::person::Channel;
use workflows::planner::words::{Word, word};
use workflows::ports::{PromptRow, TaskRow};
use workflows::route::{self, Route};
use workflows::transition::Event;

use super::{Answered, photos, same_person};
use crate::http::auth::{Actor, Approver, Caller, Reader, secret};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::http::wait::settle;
use crate::store::access::Scope;

/// Longest `Idempotency-Key`, in bytes.
const KEY_BYTES_MAX: usize = 200;
/// Hexadecimal digits of a session id made from an idempotency key.
const SESSION_DIGITS: usize = 32;
/// The option that sends an act of unknown outcome once more: it stands for a yes.
const RESEND: &str = "resend";

/// Where a request belongs: its unique source id and its session.
pub(crate) struct Origin {
    /// Unique per person: the idempotency key, or fresh.
    pub(crate) source_id: String,
    /// The conversation.
    pub(crate) conversation_id: ConversationId,
}

/// The person's idempotency key, if the request has one.
///
/// # Errors
/// 400 for an unusable key: passed over, it would not protect whoever relies on it.
fn key_of(person: &PersonId, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(Some(format!("{person}/{key}"))),
        Ok(_) | Err(_) => {
            let text = format!("Idempotency-Key must have 1 to {KEY_BYTES_MAX} ASCII characters");
            Err(ApiError::new(StatusCode::BAD_REQUEST, "unusable_key", text))
        }
    }
}

/// Finds the source id and the session, and makes a session not seen before the caller's.
///
/// # Errors
/// 400 for an unusable key, 404 for someone else's session.
pub(crate) async fn origin(
    state: &HttpState,
    person: &PersonId,
    headers: &HeaderMap,
    session_id: Option<String>,
) -> Result<Origin, ApiError> {
    let key = key_of(person, headers)?;
    let session_id = session_id.unwrap_or_else(|| match &key {
        // The same key must find the same session again.
        Some(key) => secret::hash(key).chars().take(SESSION_DIGITS).collect(),
        None => state.ids.fresh(),
    });
    let conversation_id = conversation_of(&session_id);
    if !state.log.claim_conversation(&conversation_id, person, state.clock.now()).await? {
        return Err(ApiError::not_found());
    }
    Ok(Origin { source_id: key.unwrap_or_else(|| state.ids.fresh()), conversation_id })
}

/// The source id of a request about a conversation that is known to be the person's.
///
/// # Errors
/// 400 for an unusable key.
pub(crate) fn origin_at(
    state: &HttpState,
    person: &PersonId,
    headers: &HeaderMap,
    conversation_id: ConversationId,
) -> Result<Origin, ApiError> {
    let source_id = key_of(person, headers)?.unwrap_or_else(|| state.ids.fresh());
    Ok(Origin { source_id, conversation_id })
}

/// An event of this person from the web.
pub(crate) fn inbound(state: &HttpState, person: &PersonId, origin: Origin, kind: InboundKind) -> Inbound {
    Inbound {
        channel: Channel::Web,
        source_id: origin.source_id,
        person_id: person.clone(),
        conversation_id: origin.conversation_id,
        received_at: state.clock.now(),
        said_at: None,
        kind,
        photos: Vec::new(),
    }
}

/// Submits an event and waits: the task, or the refusal.
///
/// # Errors
/// Store failures, busy, and a task that cannot be found.
pub(crate) async fn submit(state: &HttpState, inbound: Inbound) -> Result<Result<TaskRow, Refusal>, ApiError> {
    let hints = state.hub.hints(&inbound.person_id);
    let conversation_id = inbound.conversation_id.clone();
    let handled = state.desk.submit(inbound).await?;
    if let Some(refusal) = handled.refusal {
        return Ok(Err(refusal));
    }
    let id = match handled.task_id {
        Some(id) => id,
        // The same event came before: its task is the conversation's newest.
        None => state.desk.conversation(&conversation_id).await?.newest.ok_or_else(ApiError::not_found)?,
    };
    Ok(Ok(settle(state, hints, &id).await?))
}

/// Says something: begins a task, or answers, changes or stops the one under way. `photos` are ids of
/// `POST /api/photos`; with them it begins a task.
#[utoipa::path(post, path = "/api/agent/process", tag = "agent",
    request_body(content = Value, example = json!({"message": "Remind me tomorrow at 9 to call Ann", "session_id": "s1"})),
    responses((status = 200, description = "What it asks next, or how it ended", body = Value),
        (status = 404, description = "A photo or a session that is missing, or someone else's"),
        (status = 409, description = "Nothing to decide, or too late"), (status = 422, description = "Wrong fields")))]
pub(crate) async fn process(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    headers: HeaderMap,
    Body(body): Body,
) -> Answered {
    let ask = parse::ask(&body)?;
    same_person(&caller, &body)?;
    let person = &caller.person.id;
    let photos = photos::of_ids(&state, person, &ask.photos).await?;
    let origin = origin(&state, person, &headers, ask.session_id).await?;
    let conversation_id = origin.conversation_id.clone();
    if !caller.may(Scope::Approve) {
        refuse_a_yes(&state, &caller, &conversation_id, &ask.message).await?;
    }
    // A picture answers no question: it comes with something new, unless its words decide.
    let kind = match word(ask.message.trim()) {
        Word::Other | Word::Change if !photos.is_empty() => InboundKind::Request { text: ask.message },
        _ => InboundKind::Message { text: ask.message },
    };
    match submit(&state, Inbound { photos, ..inbound(&state, person, origin, kind) }).await? {
        Ok(row) => Ok(Json(render::process(&row, None))),
        Err(Refusal::Unfit(why)) => {
            // Words that do not fit are asked for again, as in any other chat.
            let open = state.desk.conversation(&conversation_id).await?.open;
            let asked = open.first().ok_or_else(|| ApiError::from(Refusal::NothingToDecide))?;
            let row = state.desk.load(&asked.task_id).await?.ok_or_else(ApiError::not_found)?;
            Ok(Json(render::process(&row, Some(&why))))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A token without the scope approve must not say yes in words either.
async fn refuse_a_yes(
    state: &HttpState,
    caller: &Caller,
    conversation: &ConversationId,
    text: &str,
) -> Result<(), ApiError> {
    let view = state.desk.conversation(conversation).await?;
    let resends = match route::message(text, &view, &caller.person.id) {
        Route::Move(_, Event::Answer { answer: Answer::Options(ids), .. }) => ids.iter().any(|id| id == RESEND),
        _ => false,
    };
    if resends || word(text.trim()) == Word::Yes { caller.need(Scope::Approve) } else { Ok(()) }
}

/// The question a decision is about.
async fn question(
    state: &HttpState,
    person: &PersonId,
    decide: &Decide,
    confirms: bool,
) -> Result<PromptRow, ApiError> {
    let conversation_id = conversation_of(&decide.session_id);
    if let Some(id) = &decide.prompt_id {
        let row = state.desk.prompt(id).await?.filter(|row| &row.person_id == person);
        // Questions of other channels are listed under their conversation's whole name.
        let here = |row: &PromptRow| {
            row.conversation_id == conversation_id || row.conversation_id.as_str() == decide.session_id
        };
        return row.filter(here).ok_or_else(ApiError::not_found);
    }
    let view = state.desk.conversation(&conversation_id).await?;
    if view.person_id.as_ref() != Some(person) {
        return Err(ApiError::not_found());
    }
    let fits = |row: &PromptRow| {
        &row.person_id == person && (row.view.get("kind").and_then(Value::as_str) == Some("confirmation")) == confirms
    };
    view.open.into_iter().find(fits).ok_or_else(|| Refusal::NothingToDecide.into())
}

async fn decide(
    state: &HttpState,
    person: &PersonId,
    headers: &HeaderMap,
    decide: Decide,
    confirms: bool,
) -> Result<(TaskRow, PromptId), ApiError> {
    let source_id = key_of(person, headers)?;
    let asked = question(state, person, &decide, confirms).await?;
    let source_id = source_id.unwrap_or_else(|| state.ids.fresh());
    let origin = Origin { source_id, conversation_id: asked.conversation_id.clone() };
    let kind = InboundKind::Choice { prompt_id: asked.id.clone(), answer: decide.answer };
    let hints = state.hub.hints(person);
    let handled = state.desk.submit(inbound(state, person, origin, kind)).await?;
    match handled.refusal {
        None => Ok((settle(state, hints, &asked.task_id).await?, asked.id)),
        Some(Refusal::Unfit(why)) if confirms => Err(ApiError::field("action", "unfit_answer", &why)),
        Some(refusal) => Err(refusal.into()),
    }
}

/// Answers a clarification, a selection or a multi-select.
#[utoipa::path(post, path = "/api/agent/select", tag = "agent",
    request_body(content = Value, example = json!({"session_id": "s1", "selection": "1"})),
    responses((status = 200, description = "The next stage, a confirmation, or how it goes on", body = Value),
        (status = 409, description = "Nothing to decide, or already decided"), (status = 410, description = "Expired")))]
pub(crate) async fn select(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    headers: HeaderMap,
    Body(body): Body,
) -> Answered {
    let wanted = parse::select(&body)?;
    same_person(&caller, &body)?;
    if matches!(&wanted.answer, Answer::Options(ids) if ids.iter().any(|id| id == RESEND)) {
        caller.need(Scope::Approve)?;
    }
    let (row, _) = decide(&state, &caller.person.id, &headers, wanted, false).await?;
    Ok(Json(render::select(&row)))
}

/// Approves or rejects what a confirmation shows.
#[utoipa::path(post, path = "/api/agent/confirm", tag = "agent",
    request_body(content = Value, example = json!({"session_id": "s1", "action": "approve_all"})),
    responses((status = 200, description = "What came of it, or what it waits for", body = Value),
        (status = 409, description = "Nothing to decide, or already decided"), (status = 410, description = "Expired")))]
pub(crate) async fn confirm(
    State(state): State<HttpState>,
    Approver(caller): Approver,
    headers: HeaderMap,
    Body(body): Body,
) -> Answered {
    let wanted = parse::confirm(&body)?;
    same_person(&caller, &body)?;
    let (row, decided) = decide(&state, &caller.person.id, &headers, wanted, true).await?;
    Ok(Json(render::confirm(&row, &decided)))
}

/// The caller's open questions, newest first.
#[utoipa::path(get, path = "/api/prompts", tag = "agent",
    responses((status = 200, description = "Open questions", body = Value)))]
pub(crate) async fn prompts(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    let open = state.log.open_prompts(&caller.person.id).await?;
    Ok(Json(json!({"prompts": open.iter().map(render::prompt).collect::<Vec<_>>()})))
}
