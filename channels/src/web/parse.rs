//! API request bodies, read and bounded. Each names every faulty field at once.

use serde_json::Value;
use workflows::action::Catalog;
use workflows::ids::{EffectId, PromptId};
use workflows::inbound::{Answer, CHOICES_MAX, MESSAGE_CHARS_MAX, PHOTOS_MAX};
use workflows::person::Channel;
use workflows::plan::Plan;
use workflows::plan::validate::Fault;

use super::fields::Fields;

/// Longest session id taken, in characters.
pub const SESSION_ID_CHARS_MAX: usize = 128;
/// Longest id of anything else, in characters.
pub const ID_CHARS_MAX: usize = 200;
/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 200;

/// `POST /api/agent/process`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What was said.
    pub message: String,
    /// Who it claims to be from: must equal the caller.
    pub user_id: Option<String>,
    /// The session it belongs to; a fresh one when absent.
    pub session_id: Option<String>,
    /// The ids of pictures that come with the words, at most [`PHOTOS_MAX`].
    pub photos: Vec<String>,
}

/// `POST /api/agent/select` and `POST /api/agent/confirm`.
#[derive(Debug, Clone, PartialEq)]
pub struct Decide {
    /// The session whose question is answered.
    pub session_id: String,
    /// The question; the newest open one that fits when absent.
    pub prompt_id: Option<PromptId>,
    /// The answer.
    pub answer: Answer,
}

/// `POST /api/tasks`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    /// The validated plan.
    pub plan: Box<Plan>,
    /// Shown instead of the plan's title.
    pub title: Option<String>,
    /// The session it belongs to; a fresh one when absent.
    pub session_id: Option<String>,
    /// Where its questions go.
    pub channel: Channel,
}

/// Reads a request to process words.
///
/// # Errors
/// Every faulty field.
pub fn ask(body: &Value) -> Result<Ask, Vec<Fault>> {
    let mut fields = Fields::of(body)?;
    let message = fields.needed("message", MESSAGE_CHARS_MAX);
    let user_id = fields.text("user_id", ID_CHARS_MAX);
    let session_id = session(&mut fields);
    if fields.value("context").is_some_and(|context| !context.is_object()) {
        fields.fault("context", "object_expected", "must be an object");
    }
    let photos = fields.texts("photos", PHOTOS_MAX, ID_CHARS_MAX).unwrap_or_default();
    fields.end()?;
    Ok(Ask { message, user_id, session_id, photos })
}

/// Reads a choice. Whatever it holds, it never approves anything.
///
/// # Errors
/// Every faulty field.
pub fn select(body: &Value) -> Result<Decide, Vec<Fault>> {
    let mut fields = Fields::of(body)?;
    let session_id = fields.needed("session_id", SESSION_ID_CHARS_MAX);
    let prompt_id = fields.text("prompt_id", ID_CHARS_MAX).map(PromptId);
    let one = fields.text("selection", MESSAGE_CHARS_MAX);
    let many = fields.texts("selections", CHOICES_MAX, ID_CHARS_MAX);
    if one.is_none() && many.is_none() && fields.value("selection").is_none() && fields.value("selections").is_none() {
        fields.fault("selection", "missing", "selection or selections is required");
    }
    fields.end()?;
    let chosen = many.unwrap_or_else(|| one.into_iter().collect());
    Ok(Decide { session_id, prompt_id, answer: Answer::Options(chosen) })
}

/// Reads a yes or no.
///
/// # Errors
/// Every faulty field.
pub fn confirm(body: &Value) -> Result<Decide, Vec<Fault>> {
    let mut fields = Fields::of(body)?;
    let session_id = fields.needed("session_id", SESSION_ID_CHARS_MAX);
    let prompt_id = fields.text("prompt_id", ID_CHARS_MAX).map(PromptId);
    let action = fields.needed("action", ID_CHARS_MAX);
    let action_id = fields.text("action_id", ID_CHARS_MAX).map(EffectId);
    let answer = match (action.as_str(), action_id) {
        ("approve_all", None) => Some(Answer::Approve(None)),
        ("reject_all", None) => Some(Answer::Reject(None)),
        ("approve", Some(id)) => Some(Answer::Approve(Some(id))),
        ("reject", Some(id)) => Some(Answer::Reject(Some(id))),
        ("approve" | "reject", None) => {
            fields.fault("action_id", "missing", "is required to decide one action");
            None
        }
        ("approve_all" | "reject_all", Some(_)) => {
            fields.fault("action_id", "unexpected", "does not go with an answer to everything");
            None
        }
        ("", _) => None,
        (_, _) => {
            fields.fault("action", "enum", "must be approve_all, reject_all, approve or reject");
            None
        }
    };
    fields.end()?;
    let answer = answer.ok_or_else(Vec::new)?;
    Ok(Decide { session_id, prompt_id, answer })
}

/// Reads a plan given as data.
///
/// # Errors
/// Every faulty field and every fault of the plan, each under `["body", "plan", …]`.
pub fn run_plan(body: &Value, catalog: &Catalog) -> Result<RunPlan, Vec<Fault>> {
    let mut fields = Fields::of(body)?;
    let title = fields.text("title", TITLE_CHARS_MAX);
    let session_id = session(&mut fields);
    let channel = match fields.text("channel", ID_CHARS_MAX).as_deref().map(Channel::parse) {
        None => Some(Channel::Web),
        Some(Some(channel)) => Some(channel),
        Some(None) => {
            fields.fault("channel", "enum", "must be telegram, discord, email or web");
            None
        }
    };
    let plan = match fields.value("plan") {
        None => {
            fields.fault("plan", "missing", "is required");
            None
        }
        Some(plan) => Some(Plan::read(plan, catalog)),
    };
    let mut faults = fields.end().err().unwrap_or_default();
    match (plan, channel) {
        (Some(Ok(plan)), Some(channel)) if faults.is_empty() => {
            Ok(RunPlan { plan: Box::new(plan), title, session_id, channel })
        }
        (plan, _) => {
            faults.extend(plan.and_then(Result::err).into_iter().flatten().map(in_body));
            Err(faults)
        }
    }
}

fn in_body(mut fault: Fault) -> Fault {
    fault.loc.splice(0..0, [Value::from("body"), Value::from("plan")]);
    fault
}

fn session(fields: &mut Fields<'_>) -> Option<String> {
    let id = fields.text("session_id", SESSION_ID_CHARS_MAX)?;
    if id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        fields.fault("session_id", "pattern", "must have no spaces or control characters");
        return None;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_faulty_field_is_named_at_once() {
        let photos = vec!["p"; PHOTOS_MAX + 1];
        let faults = ask(&json!({"message": "", "user_id": 3, "context": [], "photos": photos})).unwrap_err();
        let named: Vec<&Value> = faults.iter().map(|fault| &fault.loc[1]).collect();
        assert_eq!(named, ["message", "user_id", "context", "photos"]);
    }

    #[test]
    fn message_length_counts_characters() {
        let body = |n: usize| json!({"message": "é".repeat(n)});
        assert!(ask(&body(MESSAGE_CHARS_MAX)).is_ok());
        assert!(ask(&body(MESSAGE_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn a_selection_never_becomes_a_yes() {
        for words in ["yes", "approve_all", "ok"] {
            let decide = select(&json!({"session_id": "s", "selection": words})).unwrap();
            assert_eq!(decide.answer, Answer::Options(vec![words.to_owned()]));
        }
    }

    #[test]
    fn one_action_needs_its_id_and_all_takes_none() {
        let read =
            |action: &str, id: Option<&str>| confirm(&json!({"session_id": "s", "action": action, "action_id": id}));
        assert_eq!(read("approve_all", None).unwrap().answer, Answer::Approve(None));
        assert_eq!(read("reject", Some("e")).unwrap().answer, Answer::Reject(Some("e".into())));
        assert_eq!(read("approve", None).unwrap_err()[0].loc[1], "action_id");
        assert_eq!(read("approve_all", Some("e")).unwrap_err()[0].loc[1], "action_id");
        assert_eq!(read("maybe", None).unwrap_err()[0].loc[1], "action");
    }

    #[test]
    fn plan_faults_are_found_under_the_body() {
        let faults = run_plan(&json!({"plan": {"version": 1}}), &Catalog::default()).unwrap_err();
        assert!(faults.iter().all(|fault| fault.loc[..2] == [json!("body"), json!("plan")]), "{faults:?}");
        assert!(!faults.is_empty());
    }
}
