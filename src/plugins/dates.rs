//! Days in arguments.

use chrono::NaiveDate;
use serde_json::{Value, json};
use workflows::ports::{ActionCall, ActionError};

use super::text;

/// The schema of a day: `2026-12-05`, or a date-time whose day counts.
pub(crate) fn schema() -> Value {
    json!({"type": "string", "minLength": 10, "maxLength": 40, "pattern": "^\\d{4}-\\d{2}-\\d{2}"})
}

/// The day in an argument.
pub(crate) fn arg(call: &ActionCall, name: &str) -> Result<NaiveDate, ActionError> {
    let given = text(&call.args, name).unwrap_or_default();
    let day = given.get(..10).and_then(|day| day.parse().ok());
    day.ok_or_else(|| ActionError::fail(format!("{name}: \"{given}\" is no date")))
}
