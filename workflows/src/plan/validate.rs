//! Finding every fault of a plan. Total: no plan makes it panic or give up at the first fault.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refs::{self, root};
use super::schema::{clipped, steps};
use super::{
    AnswerType, Choose, Confirmation, DEPTH_MAX, Execution, FAN_OUT_MAX, PLAN_VERSION, Plan, STAGES_MAX, Stage,
    StageKind, Wait, template, time,
};
use crate::action::{ActionSpec, Catalog};
use crate::ids::StageId;

/// Names that mean something else in templates and conditions.
const RESERVED: [&str; 17] = [
    "slots", "person", "now", "item", "index", "true", "false", "none", "not", "and", "or", "in", "is", "if", "else",
    "loop", "self",
];

/// Faults listed at most.
pub const FAULTS_MAX: usize = 100;

/// One fault, with where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Steps to it: field names and list positions, `["stages", 3, "params", "to"]`.
    pub loc: Vec<Value>,
    /// The path and what is wrong, `stages[3].params.to: unknown stage "venu"`.
    pub msg: String,
    /// A machine word: `unknown_stage`, `unknown_action`, …
    #[serde(rename = "type")]
    pub kind: String,
}

impl Fault {
    /// A fault at that place; the message gets the path in front.
    pub fn new(loc: &[Value], kind: &str, what: impl AsRef<str>) -> Self {
        let mut path = String::new();
        for step in loc {
            match step {
                Value::String(name) if path.is_empty() => path.push_str(name),
                Value::String(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    path.push('[');
                    path.push_str(&step.to_string());
                    path.push(']');
                }
            }
        }
        let msg = if path.is_empty() { what.as_ref().to_owned() } else { format!("{path}: {}", what.as_ref()) };
        Self { loc: loc.to_vec(), msg, kind: kind.to_owned() }
    }
}

impl Plan {
    /// Reads a plan from JSON and lists every fault of shape or meaning.
    ///
    /// # Errors
    /// All faults, at most [`FAULTS_MAX`].
    pub fn read(value: &Value, catalog: &Catalog) -> Result<Self, Vec<Fault>> {
        let plan = super::schema::read(value)?;
        let faults = plan.validate(catalog);
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    }

    /// Every fault of meaning: unknown actions and stages, parameters against the action's schema,
    /// forward references, cycles, duplicate ids, limits. Empty = it can be run.
    pub fn validate(&self, catalog: &Catalog) -> Vec<Fault> {
        let mut check = Check::new(self, catalog);
        if self.version != PLAN_VERSION {
            check.fault(&[Value::from("version")], "version", &format!("only version {PLAN_VERSION} is known"));
        }
        let stages = self.all().len();
        if stages == 0 || stages > STAGES_MAX {
            check.fault(
                &[Value::from("stages")],
                "too_many",
                &format!("{stages} stages; 1 to {STAGES_MAX} are allowed"),
            );
        }
        check.slots();
        check.list(&self.stages, &[Value::from("stages")], 1, false);
        check.faults.truncate(FAULTS_MAX);
        check.faults
    }
}

struct Check<'a> {
    plan: &'a Plan,
    catalog: &'a Catalog,
    ended: BTreeMap<StageId, BTreeSet<StageId>>,
    seen: BTreeSet<StageId>,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn new(plan: &'a Plan, catalog: &'a Catalog) -> Self {
        Self { plan, catalog, ended: refs::ended_before(plan), seen: BTreeSet::new(), faults: Vec::new() }
    }

    fn fault(&mut self, loc: &[Value], kind: &str, what: &str) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault::new(loc, kind, what));
        }
    }

    fn slots(&mut self) {
        for (name, value) in &self.plan.slots {
            if value.as_array().is_some_and(|list| list.len() > FAN_OUT_MAX) {
                let loc = [Value::from("slots"), Value::from(name.as_str())];
                self.fault(&loc, "too_many", &format!("a list may have at most {FAN_OUT_MAX} items"));
            }
        }
    }

    fn list(&mut self, list: &'a [Stage], loc: &[Value], depth: usize, at_once: bool) {
        if depth > DEPTH_MAX {
            self.fault(loc, "too_deep", &format!("stages are nested deeper than {DEPTH_MAX}"));
            return;
        }
        self.cycles(list, loc, at_once);
        for (n, stage) in list.iter().enumerate() {
            let here = at(loc, &[Value::from(n)]);
            self.stage(stage, &here);
            for (name, nested) in stage.kind.lists() {
                let at_once = matches!(stage.kind, StageKind::Parallel(_));
                self.list(nested, &at(&here, &[Value::from(name)]), depth + 1, at_once);
            }
        }
    }

    fn stage(&mut self, stage: &'a Stage, loc: &[Value]) {
        if !is_id(stage.id.as_str()) {
            self.fault(&at(loc, &["id".into()]), "bad_id", "an id is [a-z][a-z0-9_]{0,39}");
        }
        if RESERVED.contains(&stage.id.as_str()) {
            self.fault(&at(loc, &["id".into()]), "reserved_id", &format!("\"{}\" is a reserved name", stage.id));
        }
        if !self.seen.insert(stage.id.clone()) {
            self.fault(&at(loc, &["id".into()]), "duplicate_id", &format!("the id \"{}\" is used twice", stage.id));
        }
        self.needs(stage, loc);
        self.names(stage, loc);
        match &stage.kind {
            StageKind::Clarification(c) => {
                self.expiry(c.expires_in.as_deref(), loc);
                if c.optional && c.answer != AnswerType::Text && c.default.is_none() {
                    self.fault(&at(loc, &["default".into()]), "missing_default", "an optional answer needs a default");
                }
            }
            StageKind::Selection(c) | StageKind::MultiSelect(c) => self.choose(c, loc),
            StageKind::Confirmation(c) => self.confirmation(stage, c, loc),
            StageKind::Execution(e) => self.execution(e, loc),
            StageKind::Parallel(p) => {
                if p.stages.is_empty() {
                    self.fault(&at(loc, &["stages".into()]), "empty", "parallel needs at least one stage");
                }
            }
            StageKind::Conditional(_) => {}
            StageKind::Wait(w) => self.wait(stage, w, loc),
        }
    }

    fn needs(&mut self, stage: &Stage, loc: &[Value]) {
        let known: BTreeSet<StageId> = self.plan.all().into_iter().map(|s| s.id.clone()).collect();
        for (n, need) in stage.needs.iter().flatten().enumerate() {
            let here = at(loc, &["needs".into(), n.into()]);
            if !known.contains(need) {
                self.fault(&here, "unknown_stage", &format!("unknown stage \"{need}\""));
            } else if !self.ended.get(&stage.id).is_some_and(|before| before.contains(need)) {
                let what = format!("\"{need}\" is not a stage that can end before this one");
                self.fault(&here, "forward_reference", &what);
            }
        }
    }

    fn cycles(&mut self, list: &[Stage], loc: &[Value], at_once: bool) {
        let mut done: BTreeSet<&StageId> = BTreeSet::new();
        let own: BTreeSet<&StageId> = list.iter().map(|s| &s.id).collect();
        loop {
            let before = done.len();
            for (n, stage) in list.iter().enumerate() {
                let needs = refs::needs_of(list, n, at_once);
                if needs.iter().all(|need| done.contains(need) || !own.contains(need)) {
                    done.insert(&stage.id);
                }
            }
            if done.len() == before {
                break;
            }
        }
        for (n, stage) in list.iter().enumerate() {
            if !done.contains(&stage.id) {
                let here = at(loc, &[n.into(), "needs".into()]);
                self.fault(&here, "cycle", &format!("\"{}\" waits for itself in a circle", stage.id));
            }
        }
    }

    fn names(&mut self, stage: &Stage, loc: &[Value]) {
        for found in refs::uses(stage) {
            let here = at(loc, &found.loc);
            match found.names {
                Err(error) => self.fault(&here, "template", &error.0),
                Ok(names) => {
                    for name in names {
                        if let Some((kind, what)) = self.bad_name(stage, &name, found.per_item) {
                            self.fault(&here, kind, &what);
                        }
                    }
                }
            }
        }
    }

    fn bad_name(&self, stage: &Stage, name: &str, per_item: bool) -> Option<(&'static str, String)> {
        let first = root(name);
        match first {
            "person" | "now" => return None,
            "item" | "index" if per_item => return None,
            "slots" => {
                let slot = name.split('.').nth(1)?;
                return (!self.plan.slots.contains_key(slot))
                    .then(|| ("unknown_slot", format!("unknown slot \"{slot}\"")));
            }
            _ => {}
        }
        let id = StageId::from(first);
        if self.ended.get(&stage.id).is_some_and(|before| before.contains(&id)) {
            None
        } else if self.plan.find(&id).is_some() {
            Some(("forward_reference", format!("\"{first}\" has no result yet when this stage begins")))
        } else {
            Some(("unknown_stage", format!("unknown stage \"{first}\"")))
        }
    }

    fn expiry(&mut self, expires_in: Option<&str>, loc: &[Value]) {
        if expires_in.is_some_and(|text| time::parse_duration(text).is_none_or(|d| d.num_seconds() < 1)) {
            self.fault(&at(loc, &["expires_in".into()]), "bad_duration", "an ISO 8601 duration like P2D is wanted");
        }
    }

    fn choose(&mut self, choose: &Choose, loc: &[Value]) {
        self.expiry(choose.expires_in.as_deref(), loc);
        match (&choose.options, &choose.options_from) {
            (Some(options), None) => {
                if options.is_empty() || options.len() > FAN_OUT_MAX {
                    self.fault(
                        &at(loc, &["options".into()]),
                        "too_many",
                        &format!("1 to {FAN_OUT_MAX} options are allowed"),
                    );
                }
                let mut ids = BTreeSet::new();
                for (n, option) in options.iter().enumerate() {
                    if !ids.insert(&option.id) {
                        let here = at(loc, &["options".into(), n.into(), "id".into()]);
                        self.fault(&here, "duplicate_id", &format!("the option id \"{}\" is used twice", option.id));
                    }
                }
                if choose.min.unwrap_or(1) > options.len() {
                    self.fault(&at(loc, &["min".into()]), "bad_range", "min is more than there are options");
                }
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) | (None, None) => {
                self.fault(loc, "options", "exactly one of options and options_from is needed");
            }
        }
        if choose.max.is_some_and(|max| max == 0 || max < choose.min.unwrap_or(1)) {
            self.fault(&at(loc, &["max".into()]), "bad_range", "max is 0, or less than min");
        }
    }

    fn confirmation(&mut self, stage: &Stage, confirmation: &Confirmation, loc: &[Value]) {
        self.expiry(confirmation.expires_in.as_deref(), loc);
        let plan = self.plan;
        for (n, id) in confirmation.covers.iter().enumerate() {
            let here = at(loc, &["covers".into(), n.into()]);
            let Some(covered) = plan.find(id) else {
                self.fault(&here, "unknown_stage", &format!("unknown stage \"{id}\""));
                continue;
            };
            let executions = executions_in(covered);
            if executions.is_empty() {
                self.fault(&here, "covers_nothing", &format!("\"{id}\" holds no execution"));
            }
            for execution in executions {
                self.covered(stage, execution, &here);
            }
        }
    }

    /// What a confirmation covers must come after it and be known when it is shown.
    fn covered(&mut self, confirmation: &Stage, execution: &Stage, loc: &[Value]) {
        let follows = self.ended.get(&execution.id).is_some_and(|before| before.contains(&confirmation.id));
        if !follows {
            self.fault(loc, "covers_earlier", &format!("\"{}\" does not come after this confirmation", execution.id));
        }
        let known = self.ended.get(&confirmation.id).cloned().unwrap_or_default();
        for name in refs::uses(execution).into_iter().flat_map(|u| u.names.unwrap_or_default()) {
            let id = StageId::from(root(&name));
            if self.plan.find(&id).is_some() && !known.contains(&id) {
                let what = format!(
                    "\"{}\" uses the result of \"{id}\", which is not known when this is shown: confirm it after",
                    execution.id
                );
                self.fault(loc, "confirm_after", &what);
            }
        }
    }

    fn execution(&mut self, execution: &Execution, loc: &[Value]) {
        let Some(spec) = self.catalog.get(&execution.action) else {
            let what = format!("unknown action \"{}\"", execution.action);
            self.fault(&at(loc, &["action".into()]), "unknown_action", &what);
            return;
        };
        if let Some(reason) = &spec.unavailable {
            let what = format!("\"{}\" is not available: {reason}", spec.name);
            self.fault(&at(loc, &["action".into()]), "not_available", &what);
        }
        for (steps, what) in parameter_faults(spec, &execution.params) {
            self.fault(&at(&at(loc, &["params".into()]), &steps), "bad_parameter", &what);
        }
    }

    fn wait(&mut self, stage: &Stage, wait: &Wait, loc: &[Value]) {
        let ways = [wait.until.is_some(), wait.duration.is_some(), wait.reply_to.is_some()];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            self.fault(loc, "wait", "exactly one of until, for and reply_to is needed");
        }
        if wait.duration.as_deref().is_some_and(|text| time::parse_duration(text).is_none()) {
            self.fault(&at(loc, &["for".into()]), "bad_duration", "an ISO 8601 duration like PT2H is wanted");
        }
        if let Some(until) = &wait.until
            && !template::is_template(until)
            && time::parse_moment(until, chrono_tz::UTC).is_none()
        {
            self.fault(&at(loc, &["until".into()]), "bad_moment", "a date-time like 2026-11-28T09:00 is wanted");
        }
        self.reply(stage, wait, loc);
    }

    fn reply(&mut self, stage: &Stage, wait: &Wait, loc: &[Value]) {
        let timeout = wait.timeout.as_deref().map(time::parse_duration);
        match (&wait.reply_to, timeout) {
            (Some(id), timeout) => {
                let is_execution = self.plan.find(id).is_some_and(|s| matches!(s.kind, StageKind::Execution(_)));
                if !is_execution || !self.ended.get(&stage.id).is_some_and(|before| before.contains(id)) {
                    self.fault(
                        &at(loc, &["reply_to".into()]),
                        "unknown_stage",
                        &format!("\"{id}\" is no earlier execution"),
                    );
                }
                if !matches!(timeout, Some(Some(_))) {
                    self.fault(&at(loc, &["timeout".into()]), "bad_duration", "reply_to needs a timeout like P3D");
                }
            }
            (None, Some(_)) => self.fault(&at(loc, &["timeout".into()]), "wait", "timeout goes with reply_to"),
            (None, None) if !wait.on_timeout.is_empty() => {
                self.fault(&at(loc, &["on_timeout".into()]), "wait", "on_timeout goes with reply_to");
            }
            (None, None) => {}
        }
    }
}

fn at(loc: &[Value], more: &[Value]) -> Vec<Value> {
    loc.iter().chain(more).cloned().collect()
}

fn is_id(text: &str) -> bool {
    const ID_CHARS_MAX: usize = 40;
    text.len() <= ID_CHARS_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The executions that a confirmation covers by naming this stage: itself, or those it holds. What
/// runs instead of a failed one is not among them: it may never come, and uses what is not known.
pub fn executions_in(stage: &Stage) -> Vec<&Stage> {
    if matches!(stage.kind, StageKind::Execution(_)) {
        return vec![stage];
    }
    stage.kind.lists().into_iter().flat_map(|(_, list)| list).flat_map(executions_in).collect()
}

/// What a parameter's schema says of it in words: why a value that others take is not taken here.
fn about<'s>(spec: &'s ActionSpec, steps: &[Value]) -> Option<&'s str> {
    let name = steps.first()?.as_str()?;
    spec.parameters.get("properties")?.get(name)?.get("description")?.as_str()
}

/// What is wrong with arguments, by the action's schema and the limit on lists; values that still
/// are templates are left to the check after they are filled in.
pub fn parameter_faults(spec: &ActionSpec, params: &Map<String, Value>) -> Vec<(Vec<Value>, String)> {
    let instance = Value::Object(params.clone());
    let mut found = Vec::new();
    match jsonschema::validator_for(&spec.parameters) {
        Ok(validator) => {
            for error in validator.iter_errors(&instance) {
                let pointer = error.instance_path().to_string();
                let here = instance.pointer(&pointer);
                let open = !pointer.is_empty() && here.is_some_and(template::holds_template);
                if !open {
                    let steps = steps(&pointer);
                    // Each on its own: a value that is quoted at length must not push the reason out.
                    let about = about(spec, &steps).map(|about| format!(" ({})", clipped(about))).unwrap_or_default();
                    found.push((steps, format!("{}{about}", clipped(&error.to_string()))));
                }
            }
        }
        Err(error) => {
            found.push((Vec::new(), format!("the action's own schema is faulty: {}", clipped(&error.to_string()))));
        }
    }
    for (name, value) in params {
        if value.as_array().is_some_and(|list| list.len() > FAN_OUT_MAX) {
            found.push((vec![Value::from(name.as_str())], format!("a list may have at most {FAN_OUT_MAX} items")));
        }
    }
    found
}
