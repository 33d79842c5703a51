//! One thing that is wanted: an act with its slots, as far as the words filled them.

use chrono::TimeDelta;

use super::acts::Act;
use super::entities::people::Party;
use super::entities::when::When;
use super::errand::Errand;

/// How the words of a message are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// `that the review moved`: a sentence.
    Statement,
    /// `: hello there`: word for word.
    Verbatim,
    /// `to bring cake`: a request.
    Request,
    /// `whether he comes`: a question.
    Question,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How it is meant.
    pub tone: Tone,
    /// As it was said.
    pub said: String,
    /// With times in full.
    pub full: String,
}

/// An act with its slots.
#[expect(clippy::struct_excessive_bools, reason = "each is a slot that words fill on its own")]
#[derive(Clone)]
pub struct Want {
    /// Which act.
    pub act: &'static dyn Act,
    /// Whom it is about.
    pub parties: Vec<Party>,
    /// Whether the person wants to choose among them.
    pub choose: bool,
    /// Whether each gets one of their own.
    pub separately: bool,
    /// When.
    pub when: Option<When>,
    /// How long.
    pub length: Option<TimeDelta>,
    /// How often, as a recurrence rule.
    pub repeat: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// What is to be told.
    pub message: Option<Message>,
    /// What a mail is about, when only that was said.
    pub about: Option<String>,
    /// Where an online meeting is held, when that was said.
    pub provider: Option<&'static str>,
    /// A telephone number.
    pub phone: Option<String>,
    /// What is to be found or booked.
    pub errand: Option<Errand>,
    /// Further telephone numbers.
    pub phones: Vec<String>,
    /// Groups that somebody belongs to.
    pub groups: Vec<String>,
    /// Whether it points at another act: `for it`, `the link`.
    pub refers: bool,
    /// Whether its people are those of another act: `them`, `him`.
    pub same_people: bool,
}

impl Want {
    /// An act with empty slots.
    pub fn of(act: &'static dyn Act) -> Self {
        Self {
            act,
            parties: Vec::new(),
            choose: false,
            separately: false,
            when: None,
            length: None,
            repeat: None,
            place: None,
            title: None,
            message: None,
            about: None,
            provider: None,
            phone: None,
            errand: None,
            phones: Vec::new(),
            groups: Vec::new(),
            refers: false,
            same_people: false,
        }
    }

    /// Whether it is this kind of act.
    pub fn is(&self, kind: &str) -> bool {
        self.act.kind() == kind
    }
}
