//! Tasks: `/api/tasks` and `/api/task/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use channels::web::{parse, render};
use serde::Deserialize;
use serde_json::{Value, json};
use workflows::ids::{PersonId, TaskId};
use workflows::inbound::{Command, InboundKind};
use workflows::person::Channel;
use workflows::ports::TaskRow;

use super::agent::{Origin, inbound, origin, origin_at, submit};
use super::{Answered, same_person};
use crate::http::auth::{Actor, Reader};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::query::Asked;
use crate::http::state::{HttpState, Linked};

/// Tasks on a page unless told otherwise.
const PAGE_DEFAULT: u32 = 50;
/// Tasks on a page at most.
const PAGE_MAX: u32 = 200;
/// Frames in one answer.
const EVENTS_MAX: u32 = 500;

/// Which page of tasks.
#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    limit: Option<u32>,
    before: Option<TaskId>,
}

/// Frames after which place.
#[derive(Debug, Deserialize)]
pub(crate) struct AfterQuery {
    after: Option<i64>,
}

async fn own(state: &HttpState, person: &PersonId, id: &TaskId) -> Result<TaskRow, ApiError> {
    let row = state.desk.load(id).await?.filter(|row| &row.person_id == person);
    row.ok_or_else(ApiError::not_found)
}

/// The caller's tasks, newest first.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks",
    params(("limit" = Option<u32>, Query, description = "1 to 200"), ("before" = Option<String>, Query, description = "The last id of the page before")),
    responses((status = 200, description = "A page of tasks", body = Value)))]
pub(crate) async fn list(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Asked(page): Asked<PageQuery>,
) -> Answered {
    let limit = page.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let mut rows = state.log.tasks(&caller.person.id, page.before.as_ref(), limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    Ok(Json(json!({"tasks": rows.iter().map(render::task).collect::<Vec<_>>(), "next": next})))
}

/// One task.
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks",
    params(("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The task", body = Value), (status = 404, description = "Missing, or someone else's")))]
pub(crate) async fn get(State(state): State<HttpState>, Reader(caller): Reader, Path(id): Path<TaskId>) -> Answered {
    Ok(Json(render::task(&own(&state, &caller.person.id, &id).await?)))
}

/// Runs a plan given as data, confirmed like a planner's; with `channel` it asks and reports in the
/// caller's own chat there.
#[utoipa::path(post, path = "/api/tasks", tag = "tasks",
    request_body(content = Value, example = json!({"plan": {"version": 1, "title": "A link", "stages": []}})),
    responses((status = 201, description = "What it asks next, or how it ended", body = Value),
        (status = 422, description = "Every fault of the plan")))]
pub(crate) async fn run(
    State(state): State<HttpState>,
    Actor(caller): Actor,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    same_person(&caller, &body)?;
    let wanted = parse::run_plan(&body, &state.desk.catalog())?;
    let person = &caller.person.id;
    let door = wanted.channel.as_str();
    let origin = match state.doors.linked(person, wanted.channel).await? {
        _ if wanted.channel == Channel::Web => origin(&state, person, &headers, wanted.session_id).await?,
        Linked::At(conversation_id) => origin_at(&state, person, &headers, conversation_id)?,
        Linked::NotConfigured => {
            return Err(ApiError::field("channel", "not_configured", &format!("{door} is not configured")));
        }
        Linked::NotLinked => {
            let text = format!("you have not linked {door}: POST /api/link gives a code for it");
            return Err(ApiError::field("channel", "not_linked", &text));
        }
    };
    let command = InboundKind::Command(Command::Run { plan: wanted.plan, title: wanted.title });
    let row = submit(&state, inbound(&state, person, origin, command)).await??;
    Ok((StatusCode::CREATED, Json(render::process(&row, None))))
}

async fn command(state: &HttpState, person: &PersonId, id: TaskId, make: fn(Option<TaskId>) -> Command) -> Answered {
    let row = own(state, person, &id).await?;
    let origin = Origin { source_id: state.ids.fresh(), conversation_id: row.conversation_id };
    let kind = InboundKind::Command(make(Some(id.clone())));
    let handled = state.desk.submit(inbound(state, person, origin, kind)).await?;
    match handled.refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok(Json(render::task(&own(state, person, &id).await?))),
    }
}

/// Stops a task: nothing new starts once this is answered.
#[utoipa::path(post, path = "/api/tasks/{id}/cancel", tag = "tasks",
    params(("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The task as it stands", body = Value), (status = 409, description = "It has ended")))]
pub(crate) async fn cancel(State(state): State<HttpState>, Actor(caller): Actor, Path(id): Path<TaskId>) -> Answered {
    command(&state, &caller.person.id, id, Command::Cancel).await
}

/// Takes back what a task did, where that can be done.
#[utoipa::path(post, path = "/api/tasks/{id}/undo", tag = "tasks",
    params(("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The task as it stands", body = Value), (status = 409, description = "Nothing to undo")))]
pub(crate) async fn undo(State(state): State<HttpState>, Actor(caller): Actor, Path(id): Path<TaskId>) -> Answered {
    command(&state, &caller.person.id, id, Command::Undo).await
}

/// A task's log.
#[utoipa::path(get, path = "/api/tasks/{id}/events", tag = "tasks",
    params(("id" = String, Path, description = "The task"), ("after" = Option<i64>, Query, description = "Frames after this place")),
    responses((status = 200, description = "Frames, in order", body = Value)))]
pub(crate) async fn events(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Path(id): Path<TaskId>,
    Asked(query): Asked<AfterQuery>,
) -> Answered {
    own(&state, &caller.person.id, &id).await?;
    let after = query.after.unwrap_or(0);
    let frames = state.log.task_frames(&id, after, EVENTS_MAX).await?;
    let next = frames.last().map_or(after, |frame| frame.seq);
    Ok(Json(json!({"events": frames, "next": next})))
}
