//! The plan language: what a planner proposes and a person confirms. Data, never code.
//!
//! Owns the types, their limits, validation, templates and the insertion of forgotten
//! confirmations. Must not know how a plan is run: that is [`crate::transition`].

pub mod confirm;
pub mod refs;
pub mod schema;
pub mod template;
pub mod time;
pub mod validate;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::StageId;

/// The version of the plan language that this engine speaks.
pub const PLAN_VERSION: u32 = 1;
/// Stages in all, however nested.
pub const STAGES_MAX: usize = 40;
/// Nesting of stage lists; the top list is 1.
pub const DEPTH_MAX: usize = 5;
/// Literal lists at validation, `for_each` lists and options when they run.
pub const FAN_OUT_MAX: usize = 100;
/// Suggested answers of a clarification.
pub const SUGGESTIONS_MAX: usize = 8;
/// A plan's JSON text, in bytes.
pub const PLAN_BYTES_MAX: usize = 256 * 1024;

/// A whole workflow as proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always [`PLAN_VERSION`].
    pub version: u32,
    /// What the person sees it called.
    pub title: String,
    /// A short machine word for what was asked, like `plan_event`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub intent: String,
    /// Values taken from the request; `{{ slots.name }}` in templates.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub slots: Map<String, Value>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
}

/// One step of a plan: what all types share, and the type's own part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique in the plan: `[a-z][a-z0-9_]{0,39}`.
    pub id: StageId,
    /// What the person sees it called; made from the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Ids that must have ended first; default: the stage before in the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Vec<StageId>>,
    /// The type and its fields.
    #[serde(flatten)]
    pub kind: StageKind,
}

/// The eight stage types. Field names are the contract of the plan language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StageKind {
    /// Asks for missing information.
    Clarification(Clarification),
    /// One of several options.
    Selection(Choose),
    /// Several of several.
    MultiSelect(Choose),
    /// Shows what the covered stages will do and asks for the yes.
    Confirmation(Confirmation),
    /// Runs one action, or one per item of a list.
    Execution(Execution),
    /// Runs its children at the same time.
    Parallel(Parallel),
    /// Takes one of two ways.
    Conditional(Conditional),
    /// Waits for a time or a message.
    Wait(Wait),
}

/// How a typed answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// Any text.
    Text,
    /// A day, `2026-11-28`.
    Date,
    /// A time of day, `15:00`.
    Time,
    /// A day and time, `2026-11-28T15:00`, in the person's zone.
    Datetime,
    /// A number.
    Number,
    /// `{"amount": 50000, "currency": "INR"}`.
    Money,
    /// One address.
    Email,
    /// A list of addresses.
    Emails,
    /// A telephone number.
    Phone,
    /// One contact of the person: `{"id","name","email"?,…}`.
    Contact,
    /// `true` or `false`.
    YesNo,
}

/// Fields of a `clarification`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clarification {
    /// The question, a template.
    pub question: String,
    /// How the answer is read.
    pub answer: AnswerType,
    /// Answers offered as buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
    /// Whether "skip" is an answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// The value taken when skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// ISO 8601 duration; default P2D.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// Fields of a `selection` and a `multi_select`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choose {
    /// The question, a template.
    pub question: String,
    /// Options given as data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<OptionSpec>>,
    /// An expression over earlier results that gives a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options_from: Option<String>,
    /// How an item of that list is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<OptionTemplate>,
    /// Fewest to choose; `multi_select` only, default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<usize>,
    /// Most to choose; `multi_select` only, default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// ISO 8601 duration; default P2D.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// Unique among the options.
    pub id: String,
    /// The label.
    pub name: String,
    /// A second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the stage's result is when chosen; the option itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// Templates over `item` that turn a list item into an option.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionTemplate {
    /// The option's id; default the item's `id`, else its position from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The result when chosen; default the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Fields of a `confirmation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The question, a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Ids of executions, or of stages that hold them.
    pub covers: Vec<StageId>,
    /// ISO 8601 duration; default P2D.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// Fields of an `execution`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Full name, `plugin.action`.
    pub action: String,
    /// Parameters; strings may be templates.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// An expression that gives a list: one action per `item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<String>,
    /// What happens when it fails for good.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
    /// Most seconds one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u32>,
}

/// What a failed execution leads to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OnFailure {
    /// A named reaction; `"ask"` when absent.
    Named(FailureWord),
    /// Stages that run instead.
    Stages(Vec<Stage>),
    /// The default, `"ask"`.
    #[default]
    #[serde(skip)]
    Default,
}

impl OnFailure {
    fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }
}

/// The named reactions to a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureWord {
    /// Ask the person: retry, other, skip, stop.
    Ask,
    /// Go on without it.
    Skip,
    /// Undo what was done and end as failed.
    Stop,
}

/// Fields of a `parallel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parallel {
    /// The children, run at the same time.
    pub stages: Vec<Stage>,
}

/// Fields of a `conditional`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditional {
    /// An expression over earlier results.
    #[serde(rename = "if")]
    pub condition: String,
    /// The way taken when it is true.
    pub then: Vec<Stage>,
    /// The way taken when it is not.
    #[serde(default, rename = "else", skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<Stage>,
}

/// Fields of a `wait`: exactly one of `until`, `for`, `reply_to`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// A local or zoned date-time, a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// An ISO 8601 duration.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// An execution whose receipt can be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<StageId>,
    /// How long `reply_to` waits, ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Runs when the time or the message has come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Stage>,
    /// Runs when `timeout` passed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_timeout: Vec<Stage>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A question as a label: one that still is a template says nothing yet.
fn shown(question: &str, instead: &str) -> String {
    if template::is_template(question) { instead.to_owned() } else { question.to_owned() }
}

impl StageKind {
    /// The type's name in the plan language.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clarification(_) => "clarification",
            Self::Selection(_) => "selection",
            Self::MultiSelect(_) => "multi_select",
            Self::Confirmation(_) => "confirmation",
            Self::Execution(_) => "execution",
            Self::Parallel(_) => "parallel",
            Self::Conditional(_) => "conditional",
            Self::Wait(_) => "wait",
        }
    }

    /// The lists of stages this stage holds, each with its field name.
    pub fn lists(&self) -> Vec<(&'static str, &[Stage])> {
        match self {
            Self::Clarification(_) | Self::Selection(_) | Self::MultiSelect(_) | Self::Confirmation(_) => Vec::new(),
            Self::Execution(e) => match &e.on_failure {
                OnFailure::Stages(stages) => vec![("on_failure", stages.as_slice())],
                OnFailure::Named(_) | OnFailure::Default => Vec::new(),
            },
            Self::Parallel(p) => vec![("stages", p.stages.as_slice())],
            Self::Conditional(c) => vec![("then", c.then.as_slice()), ("else", c.otherwise.as_slice())],
            Self::Wait(w) => vec![("then", w.then.as_slice()), ("on_timeout", w.on_timeout.as_slice())],
        }
    }
}

impl Stage {
    /// What the person sees it called.
    pub fn label(&self) -> String {
        if let Some(title) = &self.title {
            return title.clone();
        }
        match &self.kind {
            StageKind::Clarification(c) => shown(&c.question, "A question"),
            StageKind::Selection(c) | StageKind::MultiSelect(c) => shown(&c.question, "A choice"),
            StageKind::Confirmation(_) => "Your confirmation".to_owned(),
            StageKind::Execution(e) => crate::action::words_of(&e.action),
            StageKind::Parallel(_) => "At the same time".to_owned(),
            StageKind::Conditional(_) => "Depending on what came out".to_owned(),
            StageKind::Wait(_) => "Waiting".to_owned(),
        }
    }

    /// This stage and every stage inside it, depth first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Stage)) {
        visit(self);
        for (_, list) in self.kind.lists() {
            for stage in list {
                stage.walk(visit);
            }
        }
    }
}

impl Plan {
    /// Every stage, depth first.
    pub fn all(&self) -> Vec<&Stage> {
        let mut stages = Vec::new();
        for stage in &self.stages {
            stage.walk(&mut |s| stages.push(s));
        }
        stages
    }

    /// The stage of this id, wherever it is nested.
    pub fn find(&self, id: &StageId) -> Option<&Stage> {
        self.all().into_iter().find(|stage| &stage.id == id)
    }
}
