//! Saying what cannot be done here, and which setting is missing.

use serde_json::{Map, Value};

use super::acts::{ACTS, Act};
use super::builtin::reply;
use super::want::Want;
use crate::action::{ActionSpec, Catalog};
use crate::plan::{Execution, Stage, StageKind};
use crate::ports::Proposal;

/// Says which wish cannot be met here, and why.
pub(super) fn unavailable(wants: &[Want], catalog: &Catalog) -> Option<Proposal> {
    let (act, why) = wants.iter().find_map(|want| match catalog.get(want.act.action()) {
        Some(spec) => spec.unavailable.clone().or_else(|| no_provider(want, spec)).map(|why| (want.act, why)),
        None => Some((want.act, "it is not part of this installation".to_owned())),
    })?;
    Some(not_configured(act, &why))
}

/// Why the provider that was asked for cannot be had.
fn no_provider(want: &Want, spec: &ActionSpec) -> Option<String> {
    let provider = want.provider.filter(|_| ["create_meeting", "schedule_call"].iter().any(|kind| want.is(kind)))?;
    let schema = spec.parameters.get("properties")?.get("provider")?;
    let known = schema.get("enum")?.as_array()?;
    if known.iter().any(|one| one == provider) {
        return None;
    }
    let why = schema.get("description").and_then(Value::as_str).unwrap_or("it is not part of this installation");
    Some(why.to_owned())
}

/// Says what a plan needs and is not there: booking a hotel looks for one first, guests are told by mail.
pub(super) fn blocked(stages: &[Stage], wants: &[Want], catalog: &Catalog) -> Option<Proposal> {
    let mut missing = None;
    for stage in stages {
        stage.walk(&mut |stage| {
            if let StageKind::Execution(execution) = &stage.kind
                && missing.is_none()
            {
                missing = objection(execution, catalog).map(|why| (execution.action.as_str(), why));
            }
        });
    }
    let (missing, why) = missing?;
    let act =
        ACTS.iter().find(|act| act.action() == missing).copied().or_else(|| wants.first().map(|want| want.act))?;
    Some(not_configured(act, &why))
}

/// Why an act cannot be done here.
fn objection(execution: &Execution, catalog: &Catalog) -> Option<String> {
    let Some(spec) = catalog.get(&execution.action) else {
        return Some("it is not part of this installation".to_owned());
    };
    spec.unavailable
        .clone()
        .or_else(|| execution.params.iter().find_map(|(name, value)| must_be_empty(spec, name, value)))
}

/// Why a list that has something in it may have nothing in it here.
fn must_be_empty(spec: &ActionSpec, name: &str, value: &Value) -> Option<String> {
    let schema = spec.parameters.get("properties")?.get(name)?;
    let is_closed = schema.get("maxItems").and_then(Value::as_u64) == Some(0);
    if !is_closed || value.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

fn not_configured(act: &dyn Act, why: &str) -> Proposal {
    let text = format!(
        "I understood that you want me to {}, but that is not possible here: {}. Nothing was done.",
        described(act),
        why.trim_end_matches('.')
    );
    let mut entities = Map::new();
    entities.insert("action".to_owned(), Value::from(act.action()));
    reply("unavailable", text, entities)
}

fn described(act: &dyn Act) -> &'static str {
    act.offer().split_once(':').map_or(act.offer(), |(what, _)| what)
}
