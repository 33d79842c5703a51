//! Video meetings: a link that nobody can guess, and calls (link, event and invitation in one).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, People};

use super::calendar::Calendar;
use super::email::invite::{DURATION_MINUTES_MAX, Invitation, Method};
use super::email::{Mailer, addresses, receipt};
use super::{Plugin, PluginDeps, outcome, spec, text, texts};

/// `meeting.*`.
pub struct MeetingPlugin {
    base: Url,
    mailer: Arc<Mailer>,
    calendar: Arc<Calendar>,
    people: Arc<dyn People>,
}

impl MeetingPlugin {
    pub(super) fn new(deps: &PluginDeps, mailer: Arc<Mailer>, calendar: Arc<Calendar>) -> Self {
        Self { base: deps.jitsi_base_url.clone(), mailer, calendar, people: Arc::clone(&deps.people) }
    }

    /// The room of an act: the same for every attempt, and unguessable as the act's id is.
    fn room(&self, call: &ActionCall) -> Result<String, ActionError> {
        const TITLE_CHARS_MAX: usize = 40;
        const SECRET_DIGITS: usize = 24;
        let title: String = text(&call.args, "title")
            .unwrap_or("meeting")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(TITLE_CHARS_MAX)
            .collect();
        let words: Vec<&str> = title.split('-').filter(|word| !word.is_empty()).collect();
        let mut secret = hex::encode(Sha256::digest(format!("room/{}", call.effect_id)));
        secret.truncate(SECRET_DIGITS);
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ActionError::fail("JITSI_BASE_URL cannot hold a room"))?
            .pop_if_empty()
            .push(&format!("{}-{secret}", if words.is_empty() { "meeting".to_owned() } else { words.join("-") }));
        Ok(url.to_string())
    }

    async fn create(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        if text(&call.args, "provider").is_some_and(|provider| provider != "jitsi") {
            return Err(ActionError::fail("Google Meet is not configured: this release has Jitsi only"));
        }
        let url = self.room(call)?;
        let result = json!({"url": url, "provider": "jitsi"});
        let attendees = texts(&call.args, "attendees");
        if attendees.is_empty() {
            return Ok(outcome(result, format!("Video meeting: {url}")));
        }
        let mut told =
            self.invite(call, attendees, &url, format!("{}@{}", call.effect_id, self.mailer.domain())).await?;
        if let Value::Object(fields) = result {
            told.result.extend(fields);
        }
        if let Some(left) = &mut told.left {
            let refused = left.args.remove("to").unwrap_or(Value::Null);
            left.args.insert("attendees".to_owned(), refused);
        }
        told.detail = format!("Video meeting: {url}. {}", told.detail);
        Ok(told)
    }

    async fn invite(
        &self,
        call: &ActionCall,
        to: Vec<String>,
        url: &str,
        uid: String,
    ) -> Result<ActionOutcome, ActionError> {
        let invitation =
            Invitation { url: Some(url.to_owned()), ..Invitation::from_args(call, uid.clone(), Method::Request)? };
        let letter = invitation.letter(call, to, &self.mailer)?;
        let sent = self.mailer.send(&call.person, letter).await?;
        Ok(receipt(call, &sent, "Invitation", json!({"uid": uid})))
    }

    async fn schedule_call(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let url = self.room(call)?;
        let mut attendees = Vec::new();
        for name in texts(&call.args, "with") {
            attendees.push(if name.contains('@') { name } else { self.address_of(call, &name).await? });
        }
        let mut event = call.clone();
        event.args.remove("with");
        event.args.entry("title").or_insert_with(|| Value::from(format!("Call with {}", call.person.name)));
        event.args.insert("attendees".to_owned(), Value::from(attendees));
        event.args.insert("url".to_owned(), Value::from(url.as_str()));
        event.args.insert("location".to_owned(), Value::from(url.as_str()));
        let mut made = self.calendar.schedule(&event).await?;
        if let Some(left) = &mut made.left {
            let refused = left.args.remove("attendees").unwrap_or(Value::Null);
            left.args.clone_from(&call.args);
            left.args.insert("with".to_owned(), refused);
        }
        made.result.insert("url".to_owned(), Value::from(url.as_str()));
        made.detail = format!("{}. Link: {url}", made.detail);
        Ok(made)
    }

    async fn address_of(&self, call: &ActionCall, name: &str) -> Result<String, ActionError> {
        let contacts = self
            .people
            .contacts(&call.person.id)
            .await
            .map_err(|_| ActionError::retry("the contacts cannot be read"))?;
        let wanted = name.to_lowercase();
        let mut found = contacts.iter().filter(|contact| {
            contact.name.to_lowercase() == wanted || contact.aliases.iter().any(|alias| alias.to_lowercase() == wanted)
        });
        match (found.next(), found.next()) {
            (Some(only), None) => {
                only.email.clone().ok_or_else(|| ActionError::fail(format!("{name} has no mail address")))
            }
            (Some(_), Some(_)) => Err(ActionError::fail(format!("there are several contacts called {name}"))),
            (None, _) => Err(ActionError::fail(format!("there is no contact called {name}"))),
        }
    }
}

#[async_trait]
impl Plugin for MeetingPlugin {
    fn name(&self) -> &'static str {
        "meeting"
    }

    fn description(&self) -> &'static str {
        "Makes video meetings and schedules calls"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let moment = json!({"type": "string", "minLength": 10, "maxLength": 40});
        let title = json!({"type": "string", "minLength": 1, "maxLength": 300});
        let minutes = json!({"type": "integer", "minimum": 1, "maximum": DURATION_MINUTES_MAX});
        let meeting = json!({"title": title, "starts_at": moment, "duration_minutes": minutes,
            "provider": {"enum": ["jitsi", "google_meet"]}, "attendees": addresses(0)});
        let mut with = addresses(1);
        with["items"] = json!({"type": "string", "minLength": 1, "maxLength": 320});
        let call = json!({"with": with, "starts_at": moment, "duration_minutes": minutes, "title": title});
        vec![
            ActionSpec {
                // Without attendees it only makes a link; with them a mail goes out.
                idempotent: false,
                look_up: true,
                targets: &["attendees"],
                ..spec(
                    "meeting.create_meeting",
                    "Makes a video meeting link",
                    meeting,
                    &["title"],
                    ReachRule::OwnUnless(&["attendees"]),
                )
            },
            ActionSpec {
                undo: Some("calendar.cancel_event"),
                targets: &["with"],
                unavailable: self.mailer.unavailable(),
                ..spec(
                    "meeting.schedule_call",
                    "Schedules a call: link, event and invitation",
                    call,
                    &["with", "starts_at"],
                    ReachRule::World,
                )
            },
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "meeting.create_meeting" => self.create(&call).await,
            "meeting.schedule_call" => self.schedule_call(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }

    async fn look_up(&self, call: ActionCall) -> workflows::ports::LookUp {
        if texts(&call.args, "attendees").is_empty() {
            workflows::ports::LookUp::Absent
        } else {
            workflows::ports::LookUp::CannotTell("the invitation may have gone out".to_owned())
        }
    }

    fn time_limit(&self, _action: &str) -> Duration {
        Duration::from_secs(160)
    }
}
