//! A letter to a venue that asks for a date, and the one that takes it back.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, UndoCall};

use super::BookingPlugin;
use crate::plugins::email::Letter;
use crate::plugins::{dates, outcome, text};

/// What a letter is about.
pub(super) struct Reservation<'a> {
    venue: &'a str,
    venue_email: &'a str,
    day: NaiveDate,
    time: &'a str,
    people: u64,
    name: &'a str,
    phone: Option<&'a str>,
    notes: Option<&'a str>,
    table: bool,
}

impl<'a> Reservation<'a> {
    pub(super) fn of(call: &'a ActionCall) -> Result<Self, ActionError> {
        let needed = |name: &str| text(&call.args, name).ok_or_else(|| ActionError::fail(format!("{name} is missing")));
        Ok(Self {
            venue: needed("venue")?,
            venue_email: needed("venue_email")?,
            day: dates::arg(call, "date")?,
            time: needed("time")?,
            people: call.args.get("people").and_then(Value::as_u64).unwrap_or(1),
            name: text(&call.args, "name").unwrap_or(&call.person.name),
            phone: text(&call.args, "phone"),
            notes: text(&call.args, "notes"),
            table: call.action == "booking.book_restaurant",
        })
    }

    /// `Saturday 5 December 2026 at 19:00`: no reader takes the day for the month.
    fn when(&self) -> String {
        format!("{} at {}", self.day.format("%A %-d %B %Y"), self.time)
    }

    fn people(&self) -> String {
        if self.people == 1 { "1 person".to_owned() } else { format!("{} people", self.people) }
    }

    pub(super) fn subject(&self) -> String {
        let what = if self.table { "Table" } else { "Reservation" };
        format!("{what} for {} on {}, {}", self.people(), self.day.format("%-d %B %Y"), self.time)
    }

    pub(super) fn request(&self) -> String {
        let what = if self.table { "a table" } else { "your place" };
        let mut lines = vec![
            format!("Dear {} team,", self.venue),
            String::new(),
            format!("I would like to reserve {what} for {} on {}.", self.people(), self.when()),
        ];
        if let Some(notes) = self.notes {
            lines.extend([String::new(), notes.to_owned()]);
        }
        lines.extend([
            String::new(),
            "Could you tell me whether that is possible, and at what price? Please reply to this mail.".to_owned(),
        ]);
        self.signed(lines)
    }

    fn withdrawal(&self) -> String {
        let lines = vec![
            format!("Dear {} team,", self.venue),
            String::new(),
            format!("I have to cancel my request for {} on {}.", self.people(), self.when()),
            "If you hold anything for me, please release it. I am sorry for the trouble.".to_owned(),
        ];
        self.signed(lines)
    }

    fn signed(&self, mut lines: Vec<String>) -> String {
        lines.extend([String::new(), "Kind regards".to_owned(), self.name.to_owned()]);
        lines.extend(self.phone.map(str::to_owned));
        lines.extend([String::new(), "--".to_owned()]);
        lines.push(format!("Sent for {} by Super Manager", self.name));
        lines.join("\n")
    }

    fn letter(&self, call: &ActionCall, subject: String, body: String) -> Letter {
        Letter {
            effect_id: call.effect_id.clone(),
            to: vec![self.venue_email.to_owned()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject,
            body,
            part: None,
            at: call.now,
        }
    }
}

impl BookingPlugin {
    /// Asks. What comes back is the venue's word, and the person's to judge: nothing is booked yet.
    pub(super) async fn request(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let asked = Reservation::of(call)?;
        let letter = asked.letter(call, asked.subject(), asked.request());
        let sent = self.mailer.send(&call.person, letter).await?;
        let result = json!({"message_id": sent.message_id, "reference": sent.message_id, "venue": asked.venue});
        let answer_to = self.mailer.own_address(&call.person).await.ok().flatten().or_else(|| self.mailer.address());
        let detail = format!(
            "Asked {} ({}) for {} on {}. It is booked when they say so; their answer goes to {}",
            asked.venue,
            asked.venue_email,
            asked.people(),
            asked.when(),
            answer_to.unwrap_or_default()
        );
        let mut args: Map<String, Value> = call.args.clone();
        args.remove("notes");
        args.insert("reference".to_owned(), Value::from(sent.message_id));
        let undo = Some(UndoCall { action: "booking.cancel_booking".to_owned(), args });
        Ok(ActionOutcome { undo, ..outcome(result, detail) })
    }

    /// Takes a request back.
    pub(super) async fn withdraw(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let asked = Reservation::of(call)?;
        let letter = asked.letter(call, format!("Cancelled: {}", asked.subject()), asked.withdrawal());
        let sent = self.mailer.send(&call.person, letter).await?;
        let reference = text(&call.args, "reference").unwrap_or_default();
        let result = json!({"reference": reference, "message_id": sent.message_id});
        Ok(outcome(result, format!("Told {} ({}) that it is cancelled", asked.venue, asked.venue_email)))
    }
}
