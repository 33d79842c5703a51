//! What a mail says: subject, greeting, sentences, link, sign-off.

use crate::planner::draft::{Draft, Recipient};
use crate::planner::phrase;
use crate::planner::want::{Message, Tone, Want};

/// Longest subject made from a message.
const SUBJECT_CHARS_MAX: usize = 70;
/// More names than these are `everyone`.
const GREETED_MAX: usize = 4;

/// Whom a mail greets.
pub(super) enum Greeting {
    /// By name; the names are safe as templates.
    Names(Vec<String>),
    /// Several, not by name.
    Everyone,
    /// The item of a list.
    Item,
    /// Somebody whose name is not known.
    Nobody,
}

impl Greeting {
    /// The greeting of these recipients.
    pub(super) fn of(to: &[Recipient]) -> Self {
        let names: Vec<String> = to.iter().filter_map(|one| one.name.as_deref().map(first_name)).collect();
        if to.len() > GREETED_MAX {
            Self::Everyone
        } else if names.len() == to.len() && !names.is_empty() {
            Self::Names(names)
        } else if to.len() > 1 {
            Self::Everyone
        } else {
            Self::Nobody
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Names(names) => format!("Hello {},", phrase::row(names)),
            Self::Everyone => "Hello everyone,".to_owned(),
            Self::Item => "Hello {{ item.name }},".to_owned(),
            Self::Nobody => "Hello,".to_owned(),
        }
    }
}

/// The first name, unless the name is a template.
fn first_name(name: &str) -> String {
    if name.contains('{') { name.to_owned() } else { name.split(' ').next().unwrap_or(name).to_owned() }
}

/// The subject, as plain text.
pub(super) fn subject(want: &Want, draft: &Draft<'_>) -> String {
    if let Some(title) = want.title.as_ref().or(draft.renamed.as_ref()) {
        return title.clone();
    }
    if let Some(about) = &want.about {
        return phrase::shortened(&phrase::capitalised(about), SUBJECT_CHARS_MAX);
    }
    if let Some(message) = &want.message {
        let said = message.said.split(['\n', '\r']).next().unwrap_or_default();
        let first = said.split_once(". ").map_or(said, |(first, _)| first);
        let text = match message.tone {
            Tone::Question => format!("Question: {first}"),
            Tone::Statement | Tone::Verbatim | Tone::Request => phrase::capitalised(first),
        };
        return phrase::shortened(text.trim().trim_end_matches(['.', ':', ',']), SUBJECT_CHARS_MAX);
    }
    match &draft.link {
        Some(link) => link.title.clone(),
        None => format!("A message from {}", draft.person.name),
    }
}

/// The message as sentences, safe as a template.
pub(super) fn sentences(message: &Message) -> String {
    phrase::literal(&match message.tone {
        Tone::Verbatim => message.full.clone(),
        Tone::Statement => phrase::sentence(&message.full),
        Tone::Request => {
            phrase::sentence(&format!("could you please {}", message.full)).trim_end_matches('.').to_owned() + "?"
        }
        Tone::Question => phrase::sentence(&format!("I would like to know whether {}", message.full)),
    })
}

/// The whole mail.
pub(super) fn body(greeting: &Greeting, want: &Want, text: &str, draft: &Draft<'_>) -> String {
    let greets = ["hello", "hi", "hey", "dear", "good morning", "good evening"];
    let lower = text.to_lowercase();
    let greeted = want.message.as_ref().is_some_and(|message| message.tone == Tone::Verbatim)
        && greets
            .iter()
            .any(|word| lower.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)));
    let mut parts = Vec::new();
    if !greeted {
        parts.push(greeting.line());
    }
    if !text.is_empty() {
        parts.push(text.to_owned());
    }
    if let Some(link) = draft.link.as_ref().filter(|_| want.refers) {
        let when = link.when.as_ref().filter(|_| text.is_empty());
        let when = when.map(|when| format!(" on {when}")).unwrap_or_default();
        parts.push(format!("The video meeting{when} is here:\n{{{{ {}.url }}}}", link.id));
    }
    parts.push(format!("Best regards,\n{}", phrase::literal(&draft.person.name)));
    parts.join("\n\n")
}
