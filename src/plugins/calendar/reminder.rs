//! Reminders: each is a small task of its own that waits and then tells the person.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use workflows::plan::Plan;
use workflows::ports::{ActionCall, ActionError};

use super::recur;

const PREFIX: &str = "reminder-";

/// What starts and stops reminders.
#[async_trait]
pub trait Reminders: Send + Sync {
    /// Starts a reminder, once per effect id, and gives its uid.
    ///
    /// # Errors
    /// When it could not be started.
    async fn remind(
        &self,
        call: &ActionCall,
        text: &str,
        at: DateTime<Utc>,
        repeat: Option<&str>,
    ) -> Result<String, ActionError>;

    /// Stops the reminder of that uid.
    ///
    /// # Errors
    /// When there is none, or it could not be stopped.
    async fn cancel(&self, call: &ActionCall, uid: &str) -> Result<(), ActionError>;
}

/// Whether a uid is a reminder's.
pub fn is_reminder(uid: &str) -> bool {
    uid.starts_with(PREFIX)
}

/// The uid of the reminder that this act starts.
pub fn uid(call: &ActionCall) -> String {
    format!("{PREFIX}{}", call.effect_id)
}

/// The plan of a reminder: wait, tell, and where it repeats set the next one.
///
/// # Errors
/// When the repetition cannot be read.
pub fn plan(call: &ActionCall, text: &str, at: DateTime<Utc>, repeat: Option<&str>) -> Result<Plan, ActionError> {
    const TITLE_CHARS_MAX: usize = 100;
    let zone = call.person.settings.timezone;
    let literal = escaped(text);
    let mut then = vec![json!({"id": "tell", "type": "execution", "action": "notify.send_notification",
        "params": {"text": format!("Reminder: {literal}")}, "on_failure": "skip"})];
    if let Some(rule) = repeat
        && let Some((next, rule)) = recur::rest_after(rule, at, at, zone)?
    {
        let params = json!({"text": literal, "at": next.with_timezone(&zone).to_rfc3339(), "repeat": rule});
        then.push(json!({"id": "again", "type": "execution", "action": "calendar.set_reminder", "params": params, "on_failure": "skip"}));
    }
    let title: String = text.chars().take(TITLE_CHARS_MAX).collect();
    let plan = json!({"version": 1, "title": format!("Reminder: {title}"), "intent": "reminder", "stages": [
        {"id": "wait", "type": "wait", "until": at.with_timezone(&zone).to_rfc3339(), "then": then}]});
    serde_json::from_value(plan).map_err(|error| ActionError::fail(format!("the reminder cannot be made: {error}")))
}

/// A text as a template that comes out as it was typed.
fn escaped(text: &str) -> String {
    text.replace('{', "{{ '{' }}")
}
