//! From an act's arguments to the bytes of a mail (RFC 5322).

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use workflows::ids::EffectId;
use workflows::ports::ActionError;

use super::MailConfig;

/// A mail to be written.
pub struct Letter {
    /// The act's id: makes the Message-ID.
    pub effect_id: EffectId,
    /// Shown recipients.
    pub to: Vec<String>,
    /// Shown recipients, for their information.
    pub cc: Vec<String>,
    /// Recipients that the others do not see.
    pub bcc: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// A calendar part.
    pub part: Option<Part>,
    /// Its date.
    pub at: DateTime<Utc>,
}

/// A calendar part of a mail (RFC 6047).
pub struct Part {
    /// `REQUEST` or `CANCEL`.
    pub method: &'static str,
    /// The iCalendar text.
    pub ics: String,
}

/// A mail ready to be sent.
pub(super) struct Composed {
    pub(super) recipients: Vec<Address>,
    pub(super) bytes: Vec<u8>,
    pub(super) message_id: String,
}

impl Letter {
    /// Everybody who gets it.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// Writes the mail. The answers go to the person's own address where there is one.
    pub(super) fn compose(
        self,
        config: &MailConfig,
        name: &str,
        reply_to: Option<String>,
    ) -> Result<Composed, ActionError> {
        let message_id = format!("<{}@{}>", self.effect_id, config.email.domain());
        let recipients = self.recipients().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
        let seconds = u64::try_from(self.at.timestamp()).unwrap_or_default();
        let mut builder = Message::builder()
            .from(Mailbox::new(Some(one_line(name)), config.email.clone()))
            .subject(one_line(&self.subject))
            .message_id(Some(message_id.clone()))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for to in &self.to {
            builder = builder.to(Mailbox::new(None, address(to)?));
        }
        for cc in &self.cc {
            builder = builder.cc(Mailbox::new(None, address(cc)?));
        }
        if let Some(reply_to) = reply_to {
            builder = builder.reply_to(Mailbox::new(None, address(&reply_to)?));
        }
        let message = match self.part {
            None => builder.singlepart(SinglePart::plain(self.body)),
            Some(part) => builder.multipart(with_calendar(self.body, part)?),
        };
        let message = message.map_err(|error| ActionError::fail(format!("the mail cannot be written: {error}")))?;
        Ok(Composed { recipients, bytes: message.formatted(), message_id })
    }
}

/// The text and the calendar entry as alternatives, and the entry once more as a file for clients
/// that do not know the first form.
fn with_calendar(body: String, part: Part) -> Result<MultiPart, ActionError> {
    let kind = format!("text/calendar; method={}; charset=utf-8", part.method);
    let inline = content_type(&kind)?;
    let file = content_type("application/ics")?;
    let alternatives = MultiPart::alternative()
        .singlepart(SinglePart::plain(body))
        .singlepart(SinglePart::builder().header(inline).body(part.ics.clone()));
    Ok(MultiPart::mixed()
        .multipart(alternatives)
        .singlepart(Attachment::new("invite.ics".to_owned()).body(part.ics, file)))
}

fn content_type(text: &str) -> Result<ContentType, ActionError> {
    ContentType::parse(text).map_err(|error| ActionError::fail(format!("the mail cannot be written: {error}")))
}

fn address(text: &str) -> Result<Address, ActionError> {
    text.parse().map_err(|_| ActionError::fail(format!("\"{text}\" is no mail address")))
}

/// A header's text on one line: a line break in it would begin another header.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control()).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            effect_id: EffectId::from("e1"),
            to: vec!["bob@example.org".to_owned()],
            cc: Vec::new(),
            bcc: vec!["eve@example.org".to_owned()],
            subject: "Hällo\r\nBcc: evil@example.org".to_owned(),
            body: "Grüße\n.\nend".to_owned(),
            part: None,
            at: DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
        }
    }

    fn config() -> MailConfig {
        MailConfig {
            url: "smtp://localhost:587".parse().expect("a url"),
            email: "bot@test.local".parse().expect("an address"),
            password: None,
            ca_pem: None,
            insecure_loopback: false,
        }
    }

    #[test]
    fn a_subject_cannot_begin_another_header_and_bcc_is_not_shown() {
        let composed = letter().compose(&config(), "Ann\r\nX: y", Some("ann@example.org".to_owned())).expect("a mail");
        let text = String::from_utf8(composed.bytes).expect("text");
        let headers = text.split("\r\n\r\n").next().expect("headers");
        assert!(!headers.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("X:")), "{headers}");
        assert!(headers.contains("Message-ID: <e1@test.local>"), "{headers}");
        assert!(headers.contains("Reply-To: ann@example.org"), "{headers}");
        assert_eq!(composed.message_id, "<e1@test.local>");
        assert_eq!(composed.recipients.len(), 2);
    }

    #[test]
    fn a_bad_address_is_told_before_anything_is_sent() {
        let bad = Letter { to: vec!["bob".to_owned()], ..letter() };
        assert!(matches!(bad.compose(&config(), "Ann", None), Err(error) if error.message.contains("bob")));
    }
}
