//! Sends a mail: `email Bob and Carol that the review moved to Friday 3pm`.

use serde_json::{Map, Value, json};

use super::mail_text::{self, Greeting};
use super::{Act, Head};
use crate::plan::AnswerType;
use crate::planner::clause::Clause;
use crate::planner::draft::{Draft, Recipient};
use crate::planner::entities::{Tokens, any_phrase, is, is_any};
use crate::planner::mentions;
use crate::planner::naming;
use crate::planner::phrase;
use crate::planner::tokens::Kind;
use crate::planner::want::{Message, Tone, Want};

/// Sends a mail.
pub(super) struct Mail;

const STRONG: &[&str] = &[
    "send an e mail to",
    "drop an email to",
    "forward the link to",
    "send a mail to",
    "send a message to",
    "send a note to",
    "send an email to",
    "send the link to",
    "share the link with",
    "shoot an email to",
    "write a mail to",
    "write an email to",
    "email the meeting link to",
    "send the meeting link to",
    "email the link to",
    "mail the link to",
    "email it to",
    "mail it to",
    "send a mail",
    "send an email",
    "send email to",
    "send it to",
    "send mail to",
    "share it with",
    "write a mail",
    "write an email",
    "e mail",
    "send them",
    "email",
    "mail",
    "send",
];
const WEAK: &[&str] =
    &["write to", "write", "tell", "inform", "message", "let", "ask", "notify", "drop", "remind", "thank"];
const CONNECTORS: &[&str] = &[
    "that",
    "saying that",
    "saying",
    "to say that",
    "to say",
    "know that",
    "know",
    "and say that",
    "and tell them that",
    ":",
];

impl Act for Mail {
    fn kind(&self) -> &'static str {
        "send_email"
    }

    fn action(&self) -> &'static str {
        "email.send_email"
    }

    fn offer(&self) -> &'static str {
        "send mail: “email Bob that the review moved to Friday 3pm”"
    }

    fn head(&self, tokens: Tokens<'_, '_>, at: usize) -> Option<Head> {
        if let Some(next) = any_phrase(tokens, at, STRONG) {
            // "send Bob …" needs somebody; "send the report" is not for us to know.
            let aimless =
                is(tokens, at, "send") && next == at + 1 && is_any(tokens, next, &["the", "a", "an", "it", "me"]);
            return (!aimless && next < tokens.len())
                .then(|| Head::strong(if is(tokens, at + 1, "them") { at + 1 } else { next }));
        }
        let next = any_phrase(tokens, at, WEAK)?;
        let nobody =
            is_any(tokens, next, &["me", "it", "a", "an", "the", "us", "that", "down"]) && !is_the_group(tokens, next);
        (!nobody && next < tokens.len()).then(|| Head::weak(next))
    }

    fn read(&self, clause: &Clause<'_>) -> Want {
        let mut want = clause.want();
        let (parties, next, choose) = clause.people(clause.body);
        want.same_people =
            parties.is_empty() && is_any(clause.tokens, clause.body, &["them", "him", "her", "everyone", "all"]);
        let next = if want.same_people { clause.body + 1 } else { next };
        (want.parties, want.choose, want.title) = (parties, choose, None);
        want.separately = clause.has(&["separately", "individually", "each", "one by one", "personally"]);
        read_message(clause, next, &mut want);
        let head_link = (clause.start..clause.body).any(|at| is_any(clause.tokens, at, &["it", "link"]));
        want.refers = want.refers
            || head_link
            || want.message.as_ref().is_some_and(|message| message.said.to_lowercase().contains("link"));
        want
    }

    fn write(&self, want: &Want, draft: &mut Draft<'_>) {
        let id = draft.id("mail");
        let names = naming::parties(&want.parties);
        let subject = mail_text::subject(want, draft);
        let whom = if names.is_empty() { "Mail".to_owned() } else { format!("Mail to {}", phrase::row(&names)) };
        let title = format!("{whom}: {subject}");
        draft.titles.push(whom);
        let text = text_of(want, draft, &id, &names);
        if want.choose
            && let Some(stage) = draft.choose_people(&id, "Who shall get the mail?", &want.parties)
        {
            let to = json!(format!("{{{{ {stage} | map(attribute='email') | list }}}}"));
            let body = mail_text::body(&Greeting::Everyone, want, &text, draft);
            draft.execute(&id, &title, self.action(), params(to, &subject, body));
            return;
        }
        if want.parties.is_empty() {
            let ask = draft.id(&format!("{id}_to"));
            draft.ask(&ask, "Who shall get the mail? Please type the addresses.", AnswerType::Emails, Vec::new());
            let body = mail_text::body(&Greeting::Nobody, want, &text, draft);
            draft.execute(&id, &title, self.action(), params(json!(format!("{{{{ {ask} }}}}")), &subject, body));
            return;
        }
        let to = draft.recipients(&want.parties);
        if want.separately && to.len() > 1 {
            separately(&id, &title, &to, &subject, (want, &text), draft);
            return;
        }
        let addresses = to.iter().map(|one| one.address.clone()).collect::<Vec<_>>();
        let body = mail_text::body(&Greeting::of(&to), want, &text, draft);
        draft.execute(&id, &title, self.action(), params(json!(addresses), &subject, body));
    }
}

/// `tell the team` names somebody, `tell the truth` does not: a group is told by what follows.
fn is_the_group(tokens: Tokens<'_, '_>, at: usize) -> bool {
    is(tokens, at, "the")
        && (is_any(tokens, at + 2, &["that", "to", "about", ":"]) || is_any(tokens, at + 3, &["that", "to"]))
}

fn params(to: Value, subject: &str, body: String) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("to".to_owned(), to);
    params.insert("subject".to_owned(), Value::from(phrase::literal(subject)));
    params.insert("body".to_owned(), Value::from(body));
    params
}

/// One mail to each: one stage over a list when all addresses are known, else a stage each.
fn separately(id: &str, title: &str, to: &[Recipient], subject: &str, told: (&Want, &str), draft: &mut Draft<'_>) {
    let (want, text) = told;
    let action = Mail.action();
    if to.iter().all(|one| one.is_known) {
        let slot = format!("{id}_to");
        let list: Vec<Value> = to
            .iter()
            .map(|one| json!({"name": one.name.as_deref().unwrap_or_default(), "email": one.address}))
            .collect();
        draft.slots.insert(slot.clone(), Value::from(list));
        let greeting = if to.iter().all(|one| one.name.is_some()) { Greeting::Item } else { Greeting::Nobody };
        let body = mail_text::body(&greeting, want, text, draft);
        draft.execute_each(
            id,
            title,
            action,
            params(json!(["{{ item.email }}"]), subject, body),
            format!("slots.{slot}"),
        );
        return;
    }
    for (n, one) in to.iter().enumerate() {
        let id = if n == 0 { id.to_owned() } else { draft.id("mail") };
        let body = mail_text::body(&Greeting::of(std::slice::from_ref(one)), want, text, draft);
        draft.execute(&id, title, action, params(json!([one.address]), subject, body));
    }
}

/// The message as a template; asks for it when nothing was said.
fn text_of(want: &Want, draft: &mut Draft<'_>, base: &str, names: &[String]) -> String {
    if let Some(message) = &want.message {
        return mail_text::sentences(message);
    }
    if draft.link.is_some() && want.refers {
        return String::new();
    }
    let id = draft.id(&format!("{base}_text"));
    let whom = if names.is_empty() { String::new() } else { format!(" to {}", phrase::row(names)) };
    let about = want.about.as_ref().map(|about| format!(" about {about}")).unwrap_or_default();
    draft.ask(&id, &format!("What shall I write{whom}{about}?"), AnswerType::Text, Vec::new());
    format!("{{{{ {id} }}}}")
}

fn read_message(clause: &Clause<'_>, from: usize, want: &mut Want) {
    let (tokens, end) = (clause.tokens, clause.end());
    let mut at = if is(tokens, from, ".") { from + 1 } else { from };
    while let Some(past) = any_phrase(
        tokens,
        at,
        &["an email", "a mail", "a message", "a note", "a line", "separately", "individually", "each", "an e mail"],
    ) {
        at = past;
    }
    if let Some(next) = any_phrase(tokens, at, &["with the subject", "with subject", "subject"])
        && let Some(quote) =
            tokens.get(if is(tokens, next, ":") { next + 1 } else { next }).filter(|token| token.kind == Kind::Quoted)
    {
        want.title = Some(quote.text.trim().to_owned());
        at = if is(tokens, next, ":") { next + 2 } else { next + 1 };
        at = any_phrase(tokens, at, &["and"]).unwrap_or(at);
    }
    if let Some(next) = any_phrase(tokens, at, &["about", "regarding", "on the subject of"]) {
        let stop = (next..end).find(|at| any_phrase(tokens, *at, CONNECTORS).is_some()).unwrap_or(end);
        want.about = Some(clause_text(clause, next, stop).trim_matches(['.', '"', '\u{201c}', '\u{201d}']).to_owned())
            .filter(|text| !text.is_empty());
        at = stop;
    }
    let (tone, start) = tone(clause, at);
    if tokens.get(start).is_some_and(|token| token.kind == Kind::Quoted) && start + 1 >= end {
        let said = tokens[start].text.trim().to_owned();
        want.message = Some(Message { tone: Tone::Verbatim, full: said.clone(), said });
        return;
    }
    let end = untailed(clause, start, want.refers);
    // The mark at the end of "could you tell Bob …?" is ours, not Bob's.
    let asked = (clause.start..clause.body).any(|at| is_any(tokens, at, &["can", "could", "would", "will"]));
    let end = if asked && tone == Tone::Statement && end > start && is(tokens, end - 1, "?") { end - 1 } else { end };
    let said = clause_text(clause, start, end);
    // One word is no message, unless it was marked as one.
    if said.is_empty() || (start == at && end <= start + 1) {
        return;
    }
    let full = if tone == Tone::Verbatim {
        said.clone()
    } else {
        mentions::text_in_full(clause.text, tokens, (start, end), &clause.moment)
    };
    want.message = Some(Message { tone, said, full: full.trim().to_owned() });
}

/// How the message is meant, and where it starts.
fn tone(clause: &Clause<'_>, at: usize) -> (Tone, usize) {
    let tokens = clause.tokens;
    if clause.is(at, ":") {
        return (Tone::Verbatim, at + 1);
    }
    if let Some(next) = any_phrase(tokens, at, CONNECTORS) {
        let quoted = tokens.get(next).is_some_and(|token| token.kind == Kind::Quoted);
        return (
            if quoted { Tone::Verbatim } else { Tone::Statement },
            if clause.is(next, ":") { next + 1 } else { next },
        );
    }
    if is_any(tokens, at, &["if", "whether"]) {
        return (Tone::Question, at + 1);
    }
    if is(tokens, at, "to") {
        return (Tone::Request, at + 1);
    }
    (Tone::Statement, at)
}

/// Leaves `with the link` out at the end of a message.
fn untailed(clause: &Clause<'_>, from: usize, refers: bool) -> usize {
    let end = clause.end();
    let tail = (from..end).find(|at| {
        any_phrase(clause.tokens, *at, &["with the link", "with the meeting link", "the link", "and the link"])
            == Some(end)
    });
    tail.filter(|_| refers).unwrap_or(end)
}

fn clause_text(clause: &Clause<'_>, from: usize, to: usize) -> String {
    mentions::text_without(clause.text, clause.tokens, (from, to), &[]).trim().to_owned()
}
