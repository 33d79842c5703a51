//! Days in arguments.

use chrono::NaiveDate;
use serde_json::{Value, json};
use workflows::ports::{ActionCall, ActionError};

use super::text;

/// The schema of a day: `2026-12-05`.
pub(crate) fn schema() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
}

/// The day in an argument.
pub(crate) fn arg(call: &ActionCall, name: &str) -> Result<NaiveDate, ActionError> {
    let given = text(&call.args, name).unwrap_or_default();
    given.parse().map_err(|_| ActionError::fail(format!("{name}: \"{given}\" is no date")))
}
