//! Buttons: what they carry, how a question's buttons stand, and what a press does to them. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use workflows::ids::{ConversationId, EffectId, PersonId, PromptId, TaskId};
use workflows::inbound::Answer;

use super::parse::Place;
use crate::text::{is_blank, short, visible};

/// Options on one page of buttons.
pub const PAGE_OPTIONS_MAX: usize = 8;
/// Longest label of a button, in characters; longer names stand in the message as well.
pub const LABEL_CHARS_MAX: usize = 48;
/// Hexadecimal digits of a button's token.
pub const TOKEN_DIGITS: usize = 24;
/// What Telegram takes as a button's payload, in bytes.
pub const DATA_BYTES_MAX: usize = 64;

/// What one message of ours stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "of", rename_all = "snake_case")]
pub enum Subject {
    /// A question.
    Prompt(PromptId),
    /// "What should be different?" about a confirmation.
    Change(PromptId),
    /// A report whose task can be undone.
    Report(TaskId),
    /// How far a task is.
    Progress(TaskId),
    /// A reply that is still being made.
    Growing(TaskId),
}

/// One message of ours that has, or had, buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What its buttons carry.
    pub token: String,
    /// Whose chat with us it belongs to.
    pub conversation_id: ConversationId,
    /// Who may press.
    pub person_id: PersonId,
    /// Where it is.
    pub place: Place,
    /// The message; `None` until Telegram has said so.
    pub message: Option<i32>,
    /// What it stands for.
    pub subject: Subject,
    /// How its buttons stand.
    pub turned: Turned,
    /// Counts changes of `turned`.
    pub rev: u32,
    /// The change that its message shows.
    pub shown: u32,
}

/// How a message's buttons stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turned {
    /// Which page is open.
    #[serde(default)]
    pub page: usize,
    /// Whether single acts of a confirmation are being picked.
    #[serde(default)]
    pub picking: bool,
    /// The places of what is chosen so far.
    #[serde(default)]
    pub chosen: BTreeSet<usize>,
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Chooses the option at this place, or turns it.
    Option(usize),
    /// Opens a page.
    Page(usize),
    /// Ends a choice of several.
    Done,
    /// Yes to everything.
    Confirm,
    /// Something should be different.
    Change,
    /// No to everything.
    Cancel,
    /// Picks single acts.
    Pick,
    /// Leaves the picking.
    Back,
    /// Passes over a question that may be left out.
    Skip,
    /// Takes back what was done.
    Undo,
}

impl Verb {
    /// The payload of a button.
    pub fn data(self, token: &str) -> String {
        let (letter, place) = match self {
            Self::Option(place) => ('o', Some(place)),
            Self::Page(page) => ('p', Some(page)),
            Self::Done => ('d', None),
            Self::Confirm => ('y', None),
            Self::Change => ('c', None),
            Self::Cancel => ('n', None),
            Self::Pick => ('k', None),
            Self::Back => ('b', None),
            Self::Skip => ('s', None),
            Self::Undo => ('u', None),
        };
        place.map_or_else(|| format!("{token}.{letter}"), |place| format!("{token}.{letter}{place}"))
    }

    /// The token and the verb of a payload.
    pub fn parse(data: &str) -> Option<(&str, Self)> {
        let (token, rest) = data.split_once('.')?;
        let mut letters = rest.chars();
        let letter = letters.next()?;
        let place = letters.as_str();
        let verb = match (letter, place.parse::<usize>()) {
            ('o', Ok(place)) => Self::Option(place),
            ('p', Ok(page)) => Self::Page(page),
            ('d', Err(_)) => Self::Done,
            ('y', Err(_)) => Self::Confirm,
            ('c', Err(_)) => Self::Change,
            ('n', Err(_)) => Self::Cancel,
            ('k', Err(_)) => Self::Pick,
            ('b', Err(_)) => Self::Back,
            ('s', Err(_)) => Self::Skip,
            ('u', Err(_)) => Self::Undo,
            _ => return None,
        };
        let whole = matches!(verb, Self::Option(_) | Self::Page(_)) || place.is_empty();
        whole.then_some((token, verb))
    }
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What an answer names.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A second line.
    pub description: Option<String>,
}

/// One act of a confirmation.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// What a decision names.
    pub id: EffectId,
    /// A few words.
    pub description: String,
    /// What to know before saying yes.
    pub notes: Vec<String>,
    /// Every argument, as it will run.
    pub parameters: Vec<(String, Value)>,
    /// Whether it is still to be decided.
    pub pending: bool,
}

/// What kind of answer a question takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words; options are suggestions.
    Words {
        /// Whether it may be left out.
        optional: bool,
    },
    /// One option.
    One,
    /// Several options.
    Many {
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
    /// A yes or no.
    Confirm,
}

/// A question, read from its stored view.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The words.
    pub text: String,
    /// What it takes.
    pub kind: Kind,
    /// Its options.
    pub choices: Vec<Choice>,
    /// What it would do.
    pub acts: Vec<Act>,
}

impl Question {
    /// The question of a stored view.
    pub fn of(view: &Value) -> Self {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |name: &str| view.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let count = |name: &str| view.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let choices: Vec<Choice> = list("options")
            .iter()
            .map(|option| Choice {
                id: text(option, "id"),
                name: text(option, "name"),
                description: Some(text(option, "description")).filter(|words| !is_blank(words)),
            })
            .collect();
        let acts = list("pending_actions")
            .iter()
            .map(|act| Act {
                id: EffectId(text(act, "id")),
                description: text(act, "description"),
                notes: act
                    .get("notes")
                    .and_then(Value::as_array)
                    .map(|notes| notes.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                    .unwrap_or_default(),
                parameters: act
                    .get("parameters")
                    .and_then(Value::as_object)
                    .map(|fields| fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
                    .unwrap_or_default(),
                pending: act.get("status").and_then(Value::as_str) == Some("pending"),
            })
            .collect();
        let kind = match view.get("kind").and_then(Value::as_str) {
            Some("selection") => Kind::One,
            Some("multi_select") => {
                Kind::Many { min: count("min").unwrap_or(1), max: count("max").unwrap_or(choices.len()) }
            }
            Some("confirmation") => Kind::Confirm,
            _ => Kind::Words { optional: view.get("optional").and_then(Value::as_bool).unwrap_or(false) },
        };
        Self { text: text(view, "question"), kind, choices, acts }
    }

    /// The acts still to be decided.
    pub fn pending(&self) -> Vec<&Act> {
        self.acts.iter().filter(|act| act.pending).collect()
    }

    /// What can be chosen or turned with the buttons as they stand: names, in order.
    fn names(&self, turned: &Turned) -> Vec<&str> {
        match self.kind {
            Kind::Confirm if turned.picking => self.acts.iter().map(|act| act.description.as_str()).collect(),
            Kind::Confirm => Vec::new(),
            Kind::Words { .. } | Kind::One | Kind::Many { .. } => {
                self.choices.iter().map(|choice| choice.name.as_str()).collect()
            }
        }
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it carries.
    pub data: String,
}

/// The label for a name; never empty, never misleading.
pub fn label(name: &str, place: usize) -> String {
    if is_blank(name) {
        return format!("Option {}", place + 1);
    }
    short(visible(name).split_whitespace().collect::<Vec<_>>().join(" ").as_str(), LABEL_CHARS_MAX)
}

/// A question's buttons as they stand, in rows.
pub fn rows(question: &Question, turned: &Turned, token: &str) -> Vec<Vec<Button>> {
    let button = |label: String, verb: Verb| Button { label, data: verb.data(token) };
    let names = question.names(turned);
    let toggles = matches!(question.kind, Kind::Many { .. }) || turned.picking;
    let pages = names.len().div_ceil(PAGE_OPTIONS_MAX).max(1);
    let page = turned.page.min(pages - 1);
    let mut rows: Vec<Vec<Button>> = names
        .iter()
        .enumerate()
        .skip(page * PAGE_OPTIONS_MAX)
        .take(PAGE_OPTIONS_MAX)
        .map(|(place, name)| {
            let mark = match (toggles, turned.chosen.contains(&place)) {
                (false, _) => "",
                (true, true) => "☑ ",
                (true, false) => "☐ ",
            };
            vec![button(format!("{mark}{}", label(name, place)), Verb::Option(place))]
        })
        .collect();
    if pages > 1 {
        rows.push(vec![
            button("‹".to_owned(), Verb::Page((page + pages - 1) % pages)),
            button(format!("{} / {pages}", page + 1), Verb::Page(page)),
            button("›".to_owned(), Verb::Page((page + 1) % pages)),
        ]);
    }
    match question.kind {
        Kind::Confirm if turned.picking => rows.push(vec![
            button(format!("Do {} of {}", turned.chosen.len(), names.len()), Verb::Done),
            button("Back".to_owned(), Verb::Back),
        ]),
        Kind::Confirm => {
            rows.push(vec![button("Confirm".to_owned(), Verb::Confirm)]);
            if question.pending().len() > 1 {
                rows.push(vec![button("Choose which".to_owned(), Verb::Pick)]);
            }
            rows.push(vec![button("Change".to_owned(), Verb::Change), button("Cancel".to_owned(), Verb::Cancel)]);
        }
        Kind::Many { .. } => rows.push(vec![button(format!("Done ({})", turned.chosen.len()), Verb::Done)]),
        Kind::Words { optional: true } => rows.push(vec![button("Skip".to_owned(), Verb::Skip)]),
        Kind::Words { optional: false } | Kind::One => {}
    }
    rows
}

/// What a press comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// These answers go to the engine, in order.
    Answer(Vec<Answer>),
    /// The buttons stand otherwise now.
    Turn(Turned),
    /// The person is asked what should be different.
    AskChange,
    /// The task's doings are taken back.
    Undo,
    /// Nothing but these words.
    Toast(String),
}

/// What this verb does to a question whose buttons stand like this.
pub fn press(question: &Question, turned: &Turned, verb: Verb) -> Step {
    let toast = |words: &str| Step::Toast(words.to_owned());
    let names = question.names(turned);
    match (verb, question.kind) {
        (Verb::Page(page), _) if page * PAGE_OPTIONS_MAX >= names.len() => toast("There is no such page"),
        (Verb::Page(page), _) if page == turned.page => toast(""),
        (Verb::Page(page), _) => Step::Turn(Turned { page, ..turned.clone() }),
        (Verb::Option(place), _) if place >= names.len() => toast("There is no such option"),
        (Verb::Option(place), Kind::Words { .. } | Kind::One) => {
            let id = question.choices.get(place).map(|choice| choice.id.clone()).unwrap_or_default();
            Step::Answer(vec![Answer::Options(vec![id])])
        }
        (Verb::Option(place), Kind::Many { .. } | Kind::Confirm) => toggle(question, turned, place),
        (Verb::Done, Kind::Many { min, .. }) if turned.chosen.len() < min => {
            Step::Toast(format!("Please choose at least {min}"))
        }
        (Verb::Done, Kind::Many { .. }) => {
            let chosen = turned.chosen.iter().filter_map(|place| question.choices.get(*place));
            Step::Answer(vec![Answer::Options(chosen.map(|choice| choice.id.clone()).collect())])
        }
        (Verb::Done, Kind::Confirm) if turned.picking => {
            // Places are those of all acts, which stay what they are however many are decided meanwhile.
            let decided = question.acts.iter().enumerate().filter(|(_, act)| act.pending).map(|(place, act)| {
                let id = Some(act.id.clone());
                if turned.chosen.contains(&place) { Answer::Approve(id) } else { Answer::Reject(id) }
            });
            Step::Answer(decided.collect())
        }
        (Verb::Confirm, Kind::Confirm) => Step::Answer(vec![Answer::Approve(None)]),
        (Verb::Cancel, Kind::Confirm) => Step::Answer(vec![Answer::Reject(None)]),
        (Verb::Change, Kind::Confirm) => Step::AskChange,
        (Verb::Pick, Kind::Confirm) => {
            Step::Turn(Turned { page: 0, picking: true, chosen: (0..question.acts.len()).collect() })
        }
        (Verb::Back, Kind::Confirm) => Step::Turn(Turned::default()),
        (Verb::Skip, Kind::Words { .. }) => Step::Answer(vec![Answer::Text("skip".to_owned())]),
        (
            Verb::Done
            | Verb::Confirm
            | Verb::Cancel
            | Verb::Change
            | Verb::Pick
            | Verb::Back
            | Verb::Skip
            | Verb::Undo,
            _,
        ) => toast("That button does not belong to this question"),
    }
}

fn toggle(question: &Question, turned: &Turned, place: usize) -> Step {
    let mut chosen = turned.chosen.clone();
    if !chosen.remove(&place) {
        if let Kind::Many { max, .. } = question.kind
            && chosen.len() >= max
        {
            return Step::Toast(format!("At most {max} can be chosen"));
        }
        chosen.insert(place);
    }
    Step::Turn(Turned { chosen, ..turned.clone() })
}
