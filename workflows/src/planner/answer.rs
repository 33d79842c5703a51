//! Reads a typed answer as the kind of value a clarification asked for.

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::entities::when::{self, When};
use super::entities::{Moment, contact_point, money, number, people};
use super::tokens::{Kind, Token, tokenize};
use super::words::{Word, word};
use crate::person::Contact;
use crate::plan::AnswerType;

/// What an answer is read against.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// Where the person's days begin and end.
    pub timezone: Tz,
    /// The currency of a sum without one.
    pub currency: &'a str,
    /// Whom they know.
    pub contacts: &'a [Contact],
    /// The time now.
    pub now: DateTime<Utc>,
}

impl AnswerContext<'_> {
    fn moment(&self) -> Moment {
        Moment::new(self.now, self.timezone)
    }
}

/// How much of an answer is repeated in an error.
const QUOTED_CHARS_MAX: usize = 40;

/// Reads an answer.
///
/// # Errors
/// One friendly sentence that says why it does not fit, and what would.
pub fn read_answer(kind: AnswerType, text: &str, ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("That was empty; please type an answer.".to_owned());
    }
    let tokens = tokenize(text);
    match kind {
        AnswerType::Text => Ok(Value::from(text)),
        AnswerType::Date => date(text, &tokens, ctx),
        AnswerType::Time => time(text, &tokens, ctx),
        AnswerType::Datetime => datetime(text, &tokens, ctx),
        AnswerType::Number => one_number(text, &tokens),
        AnswerType::Money => sum(text, &tokens, ctx),
        AnswerType::Email => one_email(text, &tokens, ctx),
        AnswerType::Emails => emails(text, &tokens, ctx).map(Value::from),
        AnswerType::Phone => phone(text, &tokens, ctx),
        AnswerType::Contact => contact(text, &tokens, ctx),
        AnswerType::YesNo => yes_no(text),
    }
}

fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        short.push('…');
    }
    format!("“{short}”")
}

fn unread(what: &str, text: &str, hint: &str) -> String {
    format!("I could not read {what} in {}; try {hint}.", quoted(text))
}

/// What was said about when, wherever it stands: day and time may be apart.
fn found_when(tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Option<When> {
    when::find(tokens, &ctx.moment()).map(|(found, ..)| found)
}

fn date(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let found = found_when(tokens, ctx).filter(When::has_day);
    let found = found.ok_or_else(|| unread("a date", text, "2026-11-28 or next Friday"))?;
    if found.is_past() {
        return Err(format!("{} is in the past; which day do you mean?", quoted(text)));
    }
    Ok(Value::from(found.date(&ctx.moment()).format("%Y-%m-%d").to_string()))
}

fn time(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let clock = found_when(tokens, ctx).and_then(|found| found.clock()).or_else(|| bare_time(tokens));
    let clock = clock.ok_or_else(|| unread("a time", text, "15:00 or 3pm"))?;
    Ok(Value::from(clock.format("%H:%M").to_string()))
}

fn bare_time(tokens: &[Token<'_>]) -> Option<NaiveTime> {
    let (time, next) = super::entities::clock::time(tokens, 0, true)?;
    (next == tokens.len()).then_some(time.at)
}

fn datetime(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let found =
        found_when(tokens, ctx).ok_or_else(|| unread("a date and time", text, "2026-11-28 15:00 or Friday 3pm"))?;
    if found.is_past() {
        return Err(format!("{} is in the past; which day do you mean?", quoted(text)));
    }
    let moment = ctx.moment();
    let Some(start) = found.start(&moment) else {
        return Err(format!(
            "I have the day, but no time in {}; try “{} at 3pm”.",
            quoted(text),
            text_of_day(&found, &moment)
        ));
    };
    if start < moment.local() && found.instant.is_none() {
        return Err(format!("{} is already over; which time do you mean?", quoted(text)));
    }
    Ok(Value::from(local(start)))
}

fn text_of_day(found: &When, moment: &Moment) -> String {
    found.date(moment).format("%A").to_string()
}

/// A local time as plans write it.
pub fn local(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M").to_string()
}

fn one_number(text: &str, tokens: &[Token<'_>]) -> Result<Value, String> {
    let mut found =
        (0..tokens.len()).find_map(|at| number::decimal(tokens, at, false).map(|(value, next)| (value, at, next)));
    if let Some((value, at, _)) = &mut found
        && *at > 0
        && tokens[*at - 1].is_any(&["-", "\u{2212}"])
    {
        *value = -*value;
    }
    let (value, ..) = found.ok_or_else(|| unread("a number", text, "10"))?;
    Ok(number::to_json(value))
}

fn sum(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let found = (0..tokens.len()).find_map(|at| money::sum(tokens, at));
    let (sum, _) = found.ok_or_else(|| unread("an amount", text, "50,000 or $1.5k"))?;
    Ok(json!({"amount": number::to_json(sum.amount), "currency": sum.currency.unwrap_or(ctx.currency)}))
}

fn one_email(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let mut found = emails(text, tokens, ctx)?;
    if found.len() > 1 {
        return Err("I need exactly one mail address; which one?".to_owned());
    }
    Ok(found.pop().map_or(Value::Null, Value::from))
}

fn emails(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some((party, next)) = people::known(tokens, at, ctx.contacts) else {
            at += 1;
            continue;
        };
        for address in addresses(party)? {
            if !found.iter().any(|other| other.eq_ignore_ascii_case(&address)) {
                found.push(address);
            }
        }
        at = next;
    }
    if found.is_empty() {
        return Err(unread("a mail address", text, "name@example.org"));
    }
    Ok(found)
}

fn addresses(party: people::Party) -> Result<Vec<String>, String> {
    let first = |contact: &Contact| contact.mail_addresses().next().map(str::to_owned);
    let none = |contact: &Contact| format!("I have no mail address of {}; please type it.", contact.name);
    match party {
        people::Party::Address(address) => Ok(vec![address]),
        people::Party::Contact(contact) => match contact.mail_addresses().collect::<Vec<_>>().as_slice() {
            [] => Err(none(&contact)),
            [only] => Ok(vec![(*only).to_owned()]),
            several => Err(which_of(&contact.name, "addresses", several)),
        },
        // Of many people at once nobody is asked about: each gets it at the usual address.
        people::Party::Group { members, .. } => {
            members.iter().map(|contact| first(contact).ok_or_else(|| none(contact))).collect()
        }
        people::Party::Ambiguous { name, candidates } => Err(which(&name, &candidates)),
        people::Party::Unknown(name) => Err(format!("I do not know {name}; please type the mail address.")),
    }
}

fn which(name: &str, candidates: &[Contact]) -> String {
    let names = candidates.iter().map(|contact| contact.name.as_str()).collect::<Vec<_>>().join(" or ");
    format!("There are several named {name}; do you mean {names}?")
}

fn which_of(name: &str, what: &str, several: &[&str]) -> String {
    const SHOWN_MAX: usize = 3;
    let some = several.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(" or ");
    format!("{name} has several {what}; do you mean {some}?")
}

fn phone(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    if let Some((number, _)) = (0..tokens.len()).find_map(|at| contact_point::phone(tokens, at)) {
        return Ok(Value::from(number));
    }
    let known = people::look_up(text, ctx.contacts);
    match known.as_slice() {
        [one] => match one.numbers().collect::<Vec<_>>().as_slice() {
            [] => Err(format!("I have no telephone number of {}; please type it.", one.name)),
            [only] => Ok(Value::from(*only)),
            several => Err(which_of(&one.name, "numbers", several)),
        },
        _ => Err(unread("a telephone number", text, "+49 30 1234567")),
    }
}

fn contact(text: &str, tokens: &[Token<'_>], ctx: &AnswerContext<'_>) -> Result<Value, String> {
    let address = tokens.iter().find(|token| token.kind == Kind::Address);
    let by_address = address.and_then(|token| {
        ctx.contacts.iter().find(|one| one.mail_addresses().any(|email| email.eq_ignore_ascii_case(token.text)))
    });
    let by_id = ctx.contacts.iter().find(|one| one.id.as_str() == text);
    if let Some(found) = by_id.or(by_address) {
        return as_json(found);
    }
    let whole = people::look_up(text, ctx.contacts);
    if let [one] = whole.as_slice() {
        return as_json(one);
    }
    match (0..tokens.len()).find_map(|at| people::known(tokens, at, ctx.contacts)) {
        Some((people::Party::Contact(one), _)) => as_json(&one),
        Some((people::Party::Ambiguous { name, candidates }, _)) => Err(which(&name, &candidates)),
        Some((people::Party::Group { name, .. }, _)) => Err(format!("{name} are several; please name one of them.")),
        Some((people::Party::Address(_) | people::Party::Unknown(_), _)) | None => {
            Err(format!("I know nobody called {}; try the name of a contact.", quoted(text)))
        }
    }
}

fn as_json(contact: &Contact) -> Result<Value, String> {
    serde_json::to_value(contact).map_err(|_| "I could not read that contact.".to_owned())
}

fn yes_no(text: &str) -> Result<Value, String> {
    match word(text) {
        Word::Yes => Ok(Value::from(true)),
        Word::No => Ok(Value::from(false)),
        Word::Stop | Word::Change | Word::Skip | Word::Undo | Word::Other => {
            Err(format!("I could not tell whether {} is a yes; please answer yes or no.", quoted(text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::ids::ContactId;

    fn contact(id: &str, name: &str, email: Option<&str>) -> Contact {
        Contact { email: email.map(str::to_owned), ..Contact::named(ContactId::from(id), name) }
    }

    fn read(kind: AnswerType, text: &str) -> Result<Value, String> {
        let contacts = [contact("c1", "Bob Stone", Some("bob@example.org")), contact("c2", "Carol", None)];
        let ctx = AnswerContext {
            timezone: Tz::Europe__Berlin,
            currency: "EUR",
            contacts: &contacts,
            // Friday, 13:30 in Berlin.
            now: Utc.with_ymd_and_hms(2026, 11, 27, 12, 30, 0).unwrap(),
        };
        read_answer(kind, text, &ctx)
    }

    #[test]
    fn dates_and_times() {
        let table = [
            (AnswerType::Date, "2026-11-28", "2026-11-28"),
            (AnswerType::Date, "tomorrow", "2026-11-28"),
            (AnswerType::Date, "next Saturday please", "2026-12-05"),
            (AnswerType::Date, "28.11.", "2026-11-28"),
            (AnswerType::Date, "28 Nov", "2026-11-28"),
            (AnswerType::Date, "Nov 26th", "2027-11-26"),
            (AnswerType::Date, "3/12/2026", "2026-12-03"),
            (AnswerType::Date, "in three days", "2026-11-30"),
            (AnswerType::Date, "maybe on the 30th", "2026-11-30"),
            (AnswerType::Date, "friday", "2026-12-04"),
            (AnswerType::Date, "end of month", "2026-11-30"),
            (AnswerType::Time, "3pm", "15:00"),
            (AnswerType::Time, "15:30", "15:30"),
            (AnswerType::Time, "9", "09:00"),
            (AnswerType::Time, "half past 3", "15:30"),
            (AnswerType::Time, "noon", "12:00"),
            (AnswerType::Time, "quarter to five", "16:45"),
            (AnswerType::Time, "8 in the evening", "20:00"),
            (AnswerType::Datetime, "Friday 3pm", "2026-12-04T15:00"),
            (AnswerType::Datetime, "tomorrow at 9", "2026-11-28T09:00"),
            (AnswerType::Datetime, "at 3pm on Monday", "2026-11-30T15:00"),
            (AnswerType::Datetime, "2026-11-28T15:00", "2026-11-28T15:00"),
            (AnswerType::Datetime, "2026-11-28 15:00", "2026-11-28T15:00"),
            (AnswerType::Datetime, "in 2 hours", "2026-11-27T15:30"),
            (AnswerType::Datetime, "tonight", "2026-11-27T20:00"),
            (AnswerType::Datetime, "at 9", "2026-11-27T21:00"),
            (AnswerType::Datetime, "10am", "2026-11-28T10:00"),
            (AnswerType::Datetime, "Sunday evening", "2026-11-29T18:00"),
        ];
        for (kind, text, value) in table {
            assert_eq!(read(kind, text), Ok(Value::from(value)), "{text}");
        }
    }

    #[test]
    fn other_kinds() {
        let table = [
            (AnswerType::Text, "  hello ", json!("hello")),
            (AnswerType::Number, "about 12 people", json!(12)),
            (AnswerType::Number, "-3.5", json!(-3.5)),
            (AnswerType::Number, "twenty five", json!(25)),
            (AnswerType::Money, "50k", json!({"amount": 50_000, "currency": "EUR"})),
            (AnswerType::Money, "around $1.5k", json!({"amount": 1500, "currency": "USD"})),
            (AnswerType::Email, "it's dana@x.org", json!("dana@x.org")),
            (AnswerType::Email, "Bob", json!("bob@example.org")),
            (AnswerType::Emails, "bob, dana@x.org and BOB@example.org", json!(["bob@example.org", "dana@x.org"])),
            (AnswerType::Phone, "+49 (30) 123-4567", json!("+49301234567")),
            (AnswerType::Contact, "carol", json!({"id": "c2", "name": "Carol", "aliases": [], "groups": []})),
            (AnswerType::YesNo, "sure", json!(true)),
            (AnswerType::YesNo, "no thanks", json!(false)),
        ];
        for (kind, text, value) in table {
            assert_eq!(read(kind, text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_one_sentence() {
        let table = [
            (AnswerType::Text, " "),
            (AnswerType::Date, "blue"),
            (AnswerType::Date, "2025-01-01"),
            (AnswerType::Date, "2026-02-31"),
            (AnswerType::Time, "25:99"),
            (AnswerType::Datetime, "Monday"),
            (AnswerType::Datetime, "2020-01-01 15:00"),
            (AnswerType::Datetime, "today at 8am"),
            (AnswerType::Number, "many"),
            (AnswerType::Money, "a lot"),
            (AnswerType::Email, "nobody"),
            (AnswerType::Email, "a@x.org b@x.org"),
            (AnswerType::Emails, "Carol"),
            (AnswerType::Phone, "12"),
            (AnswerType::Contact, "Zoe"),
            (AnswerType::YesNo, "perhaps"),
        ];
        for (kind, text) in table {
            let said = read(kind, text).expect_err(text);
            assert!(said.ends_with(['.', '?']) && said.len() < 160, "{text}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_or_refused(text in "\\PC{0,80}", words in "((at|in|the|next|mon|1|3pm|:|28|\\.|nov|-|2026|k|\\$|half|to|a|days) ?){0,12}") {
            for text in [text, words] {
                for kind in [
                    AnswerType::Text, AnswerType::Date, AnswerType::Time, AnswerType::Datetime, AnswerType::Number, AnswerType::Money,
                    AnswerType::Email, AnswerType::Emails, AnswerType::Phone, AnswerType::Contact, AnswerType::YesNo,
                ] {
                    let _ = read(kind, &text);
                }
                super::super::words::word(&text);
                super::super::words::pick(&text, &[("a".to_owned(), text.clone())]);
            }
        }
    }
}
