//! Video meetings: a link that nobody can guess, and calls (link, event and invitation in one).
//!
//! A link is a room on a Jitsi server, or a space on Google Meet when an account is configured.
//! Neither can be taken back, and neither harms while nobody has it: a link alone has no undo.

pub mod google;
mod jitsi;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use url::Url;
use workflows::action::{ActionSpec, ReachRule};
use workflows::planner::entities::people;
use workflows::ports::{ActionCall, ActionError, ActionErrorKind, ActionOutcome, Offer, People};

use super::calendar::Calendar;
use super::email::invite::{DURATION_MINUTES_MAX, Invitation, Method};
use super::email::{Mailer, addresses, receipt};
use super::{Plugin, PluginDeps, outcome, spec, text, texts};
use google::Google;

/// `meeting.*`.
pub struct MeetingPlugin {
    jitsi: Url,
    google: Option<Google>,
    mailer: Arc<Mailer>,
    calendar: Arc<Calendar>,
    people: Arc<dyn People>,
}

/// Where a meeting is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Jitsi,
    GoogleMeet,
}

impl Provider {
    fn as_str(self) -> &'static str {
        match self {
            Self::Jitsi => "jitsi",
            Self::GoogleMeet => "google_meet",
        }
    }
}

/// A link, and whose it is.
struct Link {
    url: String,
    provider: Provider,
}

impl Link {
    /// An error of what came after the link was made. A space that was made is not forgotten.
    fn told(&self, what: &str, error: ActionError) -> ActionError {
        if self.provider == Provider::Jitsi {
            return error;
        }
        let but = match error.kind {
            ActionErrorKind::Unknown => format!("but it is not known whether {what}"),
            ActionErrorKind::Retry { .. } | ActionErrorKind::Fail => format!("but not: {what}"),
        };
        ActionError { message: format!("Google Meet made {}, {but}: {}", self.url, error.message), ..error }
    }
}

impl MeetingPlugin {
    pub(super) fn new(deps: &PluginDeps, mailer: Arc<Mailer>, calendar: Arc<Calendar>) -> Self {
        Self {
            jitsi: deps.jitsi_base_url.clone(),
            google: deps.google.clone().map(|config| Google::new(config, deps.outgoing.clone())),
            mailer,
            calendar,
            people: Arc::clone(&deps.people),
        }
    }

    async fn link(&self, call: &ActionCall) -> Result<Link, ActionError> {
        match text(&call.args, "provider") {
            None | Some("jitsi") => Ok(Link { url: jitsi::room(&self.jitsi, call)?, provider: Provider::Jitsi }),
            Some("google_meet") => match &self.google {
                Some(google) => Ok(Link { url: google.space(call).await?, provider: Provider::GoogleMeet }),
                None => Err(ActionError::fail(format!("Google Meet is {}", google::MISSING))),
            },
            Some(other) => Err(ActionError::fail(format!("there is no provider {other}"))),
        }
    }

    async fn create(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let attendees = texts(&call.args, "attendees");
        if attendees.is_empty() {
            let link = self.link(call).await?;
            let result = json!({"url": link.url, "provider": link.provider.as_str()});
            return Ok(outcome(result, format!("Video meeting: {}", link.url)));
        }
        // What would refuse the invitation refuses it before anything is made.
        if let Some(why) = self.mailer.unavailable() {
            return Err(ActionError::fail(why));
        }
        let uid = format!("{}@{}", call.effect_id, self.mailer.domain());
        let invitation = Invitation::from_args(call, uid.clone(), Method::Request)?;
        let link = self.link(call).await?;
        let invitation = Invitation { url: Some(link.url.clone()), ..invitation };
        let letter = invitation.letter(call, attendees, &self.mailer)?;
        let sent = self.mailer.send(&call.person, letter).await;
        let sent = sent.map_err(|error| link.told("the invitations went out", error))?;
        let more = json!({"uid": uid, "url": link.url, "provider": link.provider.as_str()});
        let mut told = receipt(call, &sent, "Invitation", more);
        if let Some(left) = &mut told.left {
            let refused = left.args.remove("to").unwrap_or(Value::Null);
            left.args.insert("attendees".to_owned(), refused);
        }
        told.detail = format!("Video meeting: {}. {}", link.url, told.detail);
        Ok(told)
    }

    async fn schedule_call(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let mut attendees = Vec::new();
        for name in texts(&call.args, "with") {
            attendees.push(if name.contains('@') { name } else { self.address_of(call, &name).await? });
        }
        let link = self.link(call).await?;
        let mut event = call.clone();
        event.args.remove("with");
        event.args.remove("provider");
        event.args.entry("title").or_insert_with(|| Value::from(format!("Call with {}", call.person.name)));
        event.args.insert("attendees".to_owned(), Value::from(attendees));
        event.args.insert("url".to_owned(), Value::from(link.url.as_str()));
        event.args.insert("location".to_owned(), Value::from(link.url.as_str()));
        let made = self.calendar.schedule(&event).await;
        let mut made = made.map_err(|error| link.told("the call was scheduled", error))?;
        if let Some(left) = &mut made.left {
            let refused = left.args.remove("attendees").unwrap_or(Value::Null);
            left.args.clone_from(&call.args);
            left.args.insert("with".to_owned(), refused);
        }
        made.result.insert("url".to_owned(), Value::from(link.url.as_str()));
        made.result.insert("provider".to_owned(), Value::from(link.provider.as_str()));
        made.detail = format!("{}. Link: {}", made.detail, link.url);
        Ok(made)
    }

    /// The parameter that says where: only what can be had is in it, and why the rest is not.
    fn provider_schema(&self) -> Value {
        let default = Provider::Jitsi.as_str();
        if self.google.is_some() {
            return json!({"enum": [default, Provider::GoogleMeet.as_str()], "default": default,
                "description": "where the meeting is held"});
        }
        let why = format!("google_meet is {}", google::MISSING);
        json!({"enum": [default], "default": default, "description": why})
    }

    /// The address of somebody by name or relation. The yes was given to that name: where it may mean
    /// another, or several addresses fit, the person is asked which.
    async fn address_of(&self, call: &ActionCall, name: &str) -> Result<String, ActionError> {
        let contacts = self
            .people
            .contacts(&call.person.id)
            .await
            .map_err(|_| ActionError::retry("the contacts cannot be read"))?;
        let exact = people::look_up_exactly(name, &contacts);
        let is_exact = !exact.is_empty();
        let found = if is_exact { exact } else { people::look_up(name, &contacts) };
        if found.is_empty() {
            return Err(ActionError::fail(format!("there is no contact called {name}")));
        }
        let addresses: Vec<(&str, &str)> =
            found.iter().flat_map(|one| one.mail_addresses().map(|mail| (one.name.as_str(), mail))).collect();
        match addresses.as_slice() {
            [] => Err(ActionError::fail(format!("{name} has no mail address"))),
            [(_, only)] if is_exact && found.len() == 1 => Ok((*only).to_owned()),
            some => {
                let offers = some
                    .iter()
                    .map(|(who, mail)| Offer { name: format!("{who}, {mail}"), args: with_instead(call, name, mail) });
                let message = match some {
                    [(who, mail)] => format!("{name} may be {who}, {mail}"),
                    _ => format!("several addresses fit {name}"),
                };
                Err(ActionError::offering(message, offers.collect()))
            }
        }
    }
}

/// The arguments of a call with an address in place of a name.
fn with_instead(call: &ActionCall, name: &str, mail: &str) -> Map<String, Value> {
    let with = texts(&call.args, "with").into_iter().map(|one| if one == name { mail.to_owned() } else { one });
    let mut args = call.args.clone();
    args.insert("with".to_owned(), with.collect());
    args
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
        let provider = self.provider_schema();
        let meeting = json!({"title": title, "starts_at": moment, "duration_minutes": minutes,
            "provider": provider, "attendees": self.mailer.attendees()});
        let mut with = addresses(1);
        with["items"] = json!({"type": "string", "minLength": 1, "maxLength": 320});
        let call = json!({"with": with, "starts_at": moment, "duration_minutes": minutes, "title": title,
            "provider": provider});
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
