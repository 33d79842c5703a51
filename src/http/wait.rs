//! Waiting for the next thing a person has to answer, or the end.

use std::time::Duration;

use channels::web::render::newest_prompt;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;
use workflows::ids::TaskId;
use workflows::ports::TaskRow;
use workflows::state::Status;

use super::error::ApiError;
use super::state::HttpState;

/// Longest between two looks at a task: hints may be lost.
const RECHECK: Duration = Duration::from_secs(2);

/// Comes back with the task as soon as it asks something, sleeps beyond the wait, or has ended; at
/// the latest after the configured wait, with the task as it stands. `hints` must have been taken
/// before what is waited for was begun.
///
/// # Errors
/// When the task is gone or the store fails.
pub async fn settle(state: &HttpState, mut hints: watch::Receiver<u64>, id: &TaskId) -> Result<TaskRow, ApiError> {
    let deadline = Instant::now() + state.config.answer_wait;
    let sleeps_until = state.clock.now() + state.config.answer_wait;
    loop {
        hints.mark_unchanged();
        let row = state.desk.load(id).await?.ok_or_else(ApiError::not_found)?;
        if is_settled(&row, sleeps_until) || Instant::now() >= deadline {
            return Ok(row);
        }
        let look_again = deadline.min(Instant::now() + RECHECK);
        tokio::select! {
            heard = hints.changed() => {
                if heard.is_err() {
                    tokio::time::sleep_until(look_again).await;
                }
            }
            () = tokio::time::sleep_until(look_again) => {}
        }
    }
}

fn is_settled(row: &TaskRow, sleeps_until: DateTime<Utc>) -> bool {
    let status = row.state.status();
    let sleeps = status == Status::Waiting && row.wake_at.is_none_or(|at| at > sleeps_until);
    status.is_terminal() || sleeps || newest_prompt(&row.state).is_some()
}
