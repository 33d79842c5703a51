//! The tools of MCP servers, for the owner: what they say of themselves, and whether they may be used.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use channels::web::fields::Fields;
use serde_json::json;

use super::Answered;
use crate::http::auth::{Approver, Reader};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::plugins::mcp::NotAllowed;

/// Length of a hash, in characters.
const HASH_CHARS: usize = 64;

impl From<NotAllowed> for ApiError {
    fn from(error: NotAllowed) -> Self {
        match error {
            NotAllowed::Unknown => Self::not_found(),
            NotAllowed::NotOffered => Self::new(
                StatusCode::CONFLICT,
                "not_offered",
                "Its server does not offer it now, so nothing was allowed",
            ),
            NotAllowed::Changed => {
                let text = "It is no longer as it was shown, so nothing was allowed; please look at it again";
                Self::new(StatusCode::CONFLICT, "changed", text)
            }
            NotAllowed::Store(error) => error.into(),
        }
    }
}

/// Every tool of every MCP server, with what changed since it was allowed; the owner's to see.
#[utoipa::path(get, path = "/api/mcp/tools", tag = "plugins",
    responses((status = 200, description = "Tools: name, server, description, status (allowed, new, changed, gone, waiting, refused), reason, hash, before and after", body = Value),
        (status = 403, description = "Not the owner")))]
pub(crate) async fn tools(State(state): State<HttpState>, Reader(caller): Reader) -> Answered {
    caller.need_owner()?;
    Ok(Json(json!({"tools": state.mcp.tools()})))
}

/// Allows a tool as it was shown: the hash says as what. The owner's to do.
#[utoipa::path(post, path = "/api/mcp/tools/{name}/allow", tag = "plugins",
    params(("name" = String, Path, description = "The action's full name, percent-encoded")),
    request_body(content = Value, example = json!({"hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"})),
    responses((status = 200, description = "The tool", body = Value), (status = 403, description = "Not the owner"),
        (status = 404, description = "No such tool"), (status = 409, description = "Not offered now, or not as it was shown")))]
pub(crate) async fn allow(
    State(state): State<HttpState>,
    Approver(caller): Approver,
    Path(name): Path<String>,
    Body(body): Body,
) -> Answered {
    caller.need_owner()?;
    let mut fields = Fields::of(&body)?;
    let hash = fields.needed("hash", HASH_CHARS);
    fields.end()?;
    let tool = state.mcp.allow(&name, &hash, &caller.person.id).await?;
    Ok(Json(json!({"tool": tool})))
}
