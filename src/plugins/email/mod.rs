//! Mail out: plain mails and invitations, over SMTP, with a receipt per recipient.

mod compose;
pub mod invite;
pub mod smtp;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;
use workflows::action::{ActionSpec, ReachRule};
use workflows::person::{Channel, Person};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, Left};

use super::{Plugin, outcome, spec, store_failed, text, texts};
use crate::store::PeopleStore;
pub use compose::{Letter, Part};
use invite::{Invitation, Method};

/// Recipients of one mail.
pub const RECIPIENTS_MAX: usize = 100;
/// The longest one mail may take, over all its commands.
const TIME_LIMIT: Duration = Duration::from_secs(150);

/// The mail account.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// `smtp://host:587` (STARTTLS required) or `smtps://host:465`.
    pub url: Url,
    /// The address mails come from; also the user name.
    pub email: Address,
    /// Its password; `None` = the server wants none.
    pub password: Option<SecretString>,
    /// An extra trust root, as PEM text.
    pub ca_pem: Option<Vec<u8>>,
    /// Plain text without TLS; only ever for a server on loopback.
    pub insecure_loopback: bool,
}

/// Sends mails in people's names.
pub struct Mailer {
    config: Option<MailConfig>,
    people: Arc<dyn PeopleStore>,
}

/// What became of one mail.
#[derive(Debug, Clone)]
pub struct Sent {
    /// With angle brackets.
    pub message_id: String,
    /// Addresses the server took it for.
    pub accepted: Vec<String>,
    /// Addresses it refused, with its words.
    pub refused: Vec<(String, String)>,
}

impl Mailer {
    pub(super) fn new(config: Option<MailConfig>, people: Arc<dyn PeopleStore>) -> Self {
        Self { config, people }
    }

    /// Why mail is off.
    pub fn unavailable(&self) -> Option<String> {
        self.config.is_none().then(|| "email is not configured: set SMTP_URL and SMTP_EMAIL".to_owned())
    }

    /// The schema of those who are invited by mail; nobody can be while mail is off, and it says why.
    pub(crate) fn attendees(&self) -> Value {
        let mut attendees = addresses(0);
        if let Some(why) = self.unavailable() {
            attendees["maxItems"] = Value::from(0);
            attendees["description"] = Value::from(format!("nobody can be invited: {why}"));
        }
        attendees
    }

    /// The domain of our own address, for UIDs and Message-IDs.
    pub fn domain(&self) -> String {
        self.config.as_ref().map_or_else(|| "super-manager.invalid".to_owned(), |c| c.email.domain().to_owned())
    }

    /// Our own address.
    pub fn address(&self) -> Option<String> {
        self.config.as_ref().map(|config| config.email.to_string())
    }

    /// Sends one mail.
    ///
    /// # Errors
    /// When nobody got it, or somebody may have.
    pub async fn send(&self, person: &Person, letter: Letter) -> Result<Sent, ActionError> {
        let Some(config) = &self.config else {
            return Err(ActionError::fail(self.unavailable().unwrap_or_default()));
        };
        if letter.recipients().count() > RECIPIENTS_MAX {
            return Err(ActionError::fail(format!("a mail may have at most {RECIPIENTS_MAX} recipients")));
        }
        let identities = self.people.identities(&person.id).await.map_err(|error| store_failed(&error))?;
        let own = identities.into_iter().find(|identity| identity.channel == Channel::Email);
        let composed = letter.compose(config, &person.name, own.map(|identity| identity.address))?;
        smtp::send(config, composed).await
    }

    /// The mail address that is proven to be the person's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_address(&self, person: &Person) -> Result<Option<String>, ActionError> {
        let identities = self.people.identities(&person.id).await.map_err(|error| store_failed(&error))?;
        Ok(identities.into_iter().find(|identity| identity.channel == Channel::Email).map(|identity| identity.address))
    }
}

/// `email.*`.
pub struct EmailPlugin {
    mailer: Arc<Mailer>,
}

impl EmailPlugin {
    pub(super) fn new(mailer: Arc<Mailer>) -> Self {
        Self { mailer }
    }

    async fn send_email(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let letter = Letter {
            effect_id: call.effect_id.clone(),
            to: texts(&call.args, "to"),
            cc: texts(&call.args, "cc"),
            bcc: texts(&call.args, "bcc"),
            subject: text(&call.args, "subject").unwrap_or_default().to_owned(),
            body: call.args.get("body").and_then(Value::as_str).unwrap_or_default().to_owned(),
            part: None,
            at: call.now,
        };
        let sent = self.mailer.send(&call.person, letter).await?;
        Ok(receipt(call, &sent, "Mail", json!({})))
    }

    async fn send_invitation(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let uid = format!("{}@{}", call.effect_id, self.mailer.domain());
        let invitation = Invitation::from_args(call, uid.clone(), Method::Request)?;
        let letter = invitation.letter(call, texts(&call.args, "to"), &self.mailer)?;
        let sent = self.mailer.send(&call.person, letter).await?;
        Ok(receipt(call, &sent, "Invitation", json!({"uid": uid})))
    }
}

/// The outcome of a mail that somebody got; who did not is left over.
pub(crate) fn receipt(call: &ActionCall, sent: &Sent, what: &str, more: Value) -> ActionOutcome {
    let refused: Vec<Value> =
        sent.refused.iter().map(|(address, reply)| json!({"address": address, "reply": reply})).collect();
    let mut result = json!({"message_id": sent.message_id, "accepted": sent.accepted, "refused": refused});
    if let (Some(all), Value::Object(more)) = (result.as_object_mut(), more) {
        all.extend(more);
    }
    let mut outcome = outcome(result, format!("{what} sent to {}", sent.accepted.join(", ")));
    if !sent.refused.is_empty() {
        let mut args: Map<String, Value> = call.args.clone();
        args.remove("cc");
        args.remove("bcc");
        args.insert("to".to_owned(), sent.refused.iter().map(|(address, _)| Value::from(address.as_str())).collect());
        let words: Vec<String> = sent.refused.iter().map(|(address, reply)| format!("{address}: {reply}")).collect();
        outcome.left = Some(Left { args, error: words.join("; ") });
    }
    outcome
}

/// The schema of a list of mail addresses.
pub(crate) fn addresses(min: usize) -> Value {
    json!({"type": "array", "minItems": min, "maxItems": RECIPIENTS_MAX,
        "items": {"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[^\\s<>@]+@[^\\s<>@]+$"}})
}

#[async_trait]
impl Plugin for EmailPlugin {
    fn name(&self) -> &'static str {
        "email"
    }

    fn description(&self) -> &'static str {
        "Sends mails and invitations"
    }

    fn setup(&self) -> Option<String> {
        self.mailer.config.as_ref().map(|mail| format!("{} by {}", mail.email, mail.url))
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let line = json!({"type": "string", "minLength": 1, "maxLength": 500});
        let body = json!({"type": "string", "minLength": 1, "maxLength": 100_000});
        let mail = json!({"to": addresses(1), "cc": addresses(0), "bcc": addresses(0), "subject": line, "body": body});
        let mut invitation = invite::event_properties();
        invitation["to"] = addresses(1);
        let all = [
            spec("email.send_email", "Sends a mail", mail, &["to", "subject", "body"], ReachRule::World),
            spec(
                "email.send_invitation",
                "Invites people by mail, with a calendar entry they can accept",
                invitation,
                &["to", "title", "starts_at"],
                ReachRule::World,
            ),
        ];
        all.into_iter()
            .map(|spec| ActionSpec { targets: &["to"], unavailable: self.mailer.unavailable(), ..spec })
            .collect()
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "email.send_email" => self.send_email(&call).await,
            "email.send_invitation" => self.send_invitation(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }

    fn time_limit(&self, _action: &str) -> Duration {
        TIME_LIMIT
    }
}
