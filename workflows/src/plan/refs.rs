//! Which names each part of a plan uses, and which stages have certainly ended before another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::template::{self, TemplateError};
use super::{Execution, OnFailure, Plan, Stage, StageKind};
use crate::ids::StageId;

/// A template or expression of a stage: where it is, what names it uses.
#[derive(Debug)]
pub struct Use {
    /// Steps from the stage to it.
    pub loc: Vec<Value>,
    /// The names, or why it cannot be read.
    pub names: Result<BTreeSet<String>, TemplateError>,
    /// Whether `item` and `index` are there.
    pub per_item: bool,
}

/// Every template and expression of a stage itself, without the stages in it.
pub fn uses(stage: &Stage) -> Vec<Use> {
    let mut found = Vec::new();
    match &stage.kind {
        StageKind::Clarification(c) => text(&mut found, "question", &c.question),
        StageKind::Selection(c) | StageKind::MultiSelect(c) => {
            text(&mut found, "question", &c.question);
            if let Some(from) = &c.options_from {
                expression(&mut found, "options_from", from);
            }
            if let Some(option) = &c.option {
                let parts = [
                    ("id", &option.id),
                    ("name", &option.name),
                    ("description", &option.description),
                    ("value", &option.value),
                ];
                for (name, part) in parts {
                    if let Some(part) = part {
                        let loc = vec![Value::from("option"), Value::from(name)];
                        found.push(Use { loc, names: template::names_of_template(part), per_item: true });
                    }
                }
            }
        }
        StageKind::Confirmation(c) => text(&mut found, "question", c.question.as_deref().unwrap_or_default()),
        StageKind::Execution(e) => execution_uses(e, &mut found),
        StageKind::Parallel(_) => {}
        StageKind::Conditional(c) => expression(&mut found, "if", &c.condition),
        StageKind::Wait(w) => text(&mut found, "until", w.until.as_deref().unwrap_or_default()),
    }
    found
}

fn execution_uses(execution: &Execution, found: &mut Vec<Use>) {
    let per_item = execution.for_each.is_some();
    if let Some(list) = &execution.for_each {
        expression(found, "for_each", list);
    }
    for (name, value) in &execution.params {
        in_value(value, &mut vec![Value::from("params"), Value::from(name.as_str())], per_item, found);
    }
}

fn in_value(value: &Value, loc: &mut Vec<Value>, per_item: bool, found: &mut Vec<Use>) {
    match value {
        Value::String(text) => {
            if template::is_template(text) {
                found.push(Use { loc: loc.clone(), names: template::names_of_template(text), per_item });
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                loc.push(Value::from(n));
                in_value(item, loc, per_item, found);
                loc.pop();
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                loc.push(Value::from(name.as_str()));
                in_value(field, loc, per_item, found);
                loc.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn text(found: &mut Vec<Use>, field: &str, text: &str) {
    if template::is_template(text) {
        found.push(Use { loc: vec![Value::from(field)], names: template::names_of_template(text), per_item: false });
    }
}

fn expression(found: &mut Vec<Use>, field: &str, text: &str) {
    found.push(Use { loc: vec![Value::from(field)], names: template::names_of_expression(text), per_item: false });
}

/// The stage ids among the names a stage and everything in it uses.
pub fn stages_used(stage: &Stage) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    stage.walk(&mut |s| {
        for found in uses(s) {
            for name in found.names.unwrap_or_default() {
                roots.insert(root(&name).to_owned());
            }
        }
    });
    roots
}

/// The first part of a dotted name.
pub fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// What a stage waits for: its `needs`, else the stage before it, nothing inside `parallel`.
pub fn needs_of(list: &[Stage], position: usize, at_once: bool) -> Vec<StageId> {
    match (&list[position].needs, position.checked_sub(1)) {
        (Some(needs), _) => needs.clone(),
        (None, Some(before)) if !at_once => vec![list[before].id.clone()],
        (None, _) => Vec::new(),
    }
}

/// For each stage, the stages that have certainly ended when it begins. Cycles are cut.
pub fn ended_before(plan: &Plan) -> BTreeMap<StageId, BTreeSet<StageId>> {
    let mut ended = BTreeMap::new();
    in_list(&plan.stages, false, &BTreeSet::new(), &mut ended);
    ended
}

fn in_list(list: &[Stage], at_once: bool, outer: &BTreeSet<StageId>, ended: &mut BTreeMap<StageId, BTreeSet<StageId>>) {
    let positions: BTreeMap<&StageId, usize> = list.iter().enumerate().map(|(n, s)| (&s.id, n)).collect();
    for n in 0..list.len() {
        let mut before = outer.clone();
        let mut todo = needs_of(list, n, at_once);
        let mut seen = BTreeSet::from([n]);
        while let Some(need) = todo.pop() {
            if let Some(&position) = positions.get(&need)
                && seen.insert(position)
            {
                list[position].walk(&mut |s| {
                    before.insert(s.id.clone());
                });
                todo.extend(needs_of(list, position, at_once));
            }
        }
        inside(&list[n], &before, ended);
        ended.insert(list[n].id.clone(), before);
    }
}

fn inside(stage: &Stage, before: &BTreeSet<StageId>, ended: &mut BTreeMap<StageId, BTreeSet<StageId>>) {
    let with_own = || before.iter().cloned().chain([stage.id.clone()]).collect::<BTreeSet<_>>();
    match &stage.kind {
        StageKind::Clarification(_)
        | StageKind::Selection(_)
        | StageKind::MultiSelect(_)
        | StageKind::Confirmation(_) => {}
        StageKind::Execution(e) => {
            if let OnFailure::Stages(stages) = &e.on_failure {
                in_list(stages, false, &with_own(), ended);
            }
        }
        StageKind::Parallel(p) => in_list(&p.stages, true, before, ended),
        StageKind::Conditional(c) => {
            in_list(&c.then, false, before, ended);
            in_list(&c.otherwise, false, before, ended);
        }
        StageKind::Wait(w) => {
            in_list(&w.then, false, &with_own(), ended);
            in_list(&w.on_timeout, false, &with_own(), ended);
        }
    }
}
