//! What people want to be remembered, and what they are told of it.

use async_trait::async_trait;
use serde_json::{Value, json};
use workflows::action::{ActionSpec, ReachRule};
use workflows::ports::{ActionCall, ActionError, ActionOutcome, UndoCall};

use super::{Plugin, PluginDeps, outcome, spec, store_failed, text};
use crate::memory::{Memory, RECALLED_MAX, Recalled};
use crate::store::memory::{FACT_CHARS_MAX, MEMORIES_MAX, MemoryId, MemoryKind, Remembered};

/// Memories one answer names when nothing is said.
const RECALLED_USUAL: usize = 10;
/// Longest text that memories are looked for by.
const QUERY_CHARS_MAX: usize = 500;
/// Longest id.
const ID_CHARS_MAX: usize = 64;

/// `memory.*`.
pub struct MemoryPlugin(Memory);

impl MemoryPlugin {
    pub(super) fn new(deps: &PluginDeps) -> Self {
        Self(deps.memory.clone())
    }

    /// The source is the effect, so a repeat remembers nothing twice.
    async fn remember(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let words = text(&call.args, "text").ok_or_else(|| ActionError::fail("there is nothing to remember"))?;
        let kept = self.0.remember(&call.person.id, call.effect_id.as_str(), words).await;
        match kept.map_err(|error| store_failed(&error))? {
            Remembered::Kept(id) => {
                let told = outcome(json!({"id": id}), format!("I will remember: {words}"));
                Ok(ActionOutcome { undo: Some(undo("memory.forget", &json!({"id": id}))), ..told })
            }
            Remembered::Known(id) => Ok(outcome(json!({"id": id}), format!("I know that already: {words}"))),
            Remembered::Full => Err(ActionError::fail(format!(
                "the memory is full: it holds {MEMORIES_MAX} facts; forget some that are of no more use"
            ))),
            Remembered::NoFact => Err(ActionError::fail(format!(
                "a fact to remember has at most {FACT_CHARS_MAX} characters; this one has {}",
                words.chars().count()
            ))),
        }
    }

    /// A repeat after a crash finds nothing to forget, and so has no undo. What was asked for once
    /// cannot be asked for again by remembering it.
    async fn forget(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let id = MemoryId(text(&call.args, "id").unwrap_or_default().to_owned());
        let forgotten = self.0.forget(&call.person.id, &id).await.map_err(|error| store_failed(&error))?;
        let Some(forgotten) = forgotten else {
            return Ok(outcome(json!({"id": id}), "That is not in the memory"));
        };
        let told = outcome(json!({"id": id}), format!("Forgotten: {}", forgotten.text));
        let again =
            (forgotten.kind == MemoryKind::Fact).then(|| undo("memory.remember", &json!({"text": forgotten.text})));
        Ok(ActionOutcome { undo: again, ..told })
    }

    /// What bears on a query; without one, the newest facts.
    async fn recall(&self, call: &ActionCall) -> Result<ActionOutcome, ActionError> {
        let limit = call.args.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(RECALLED_USUAL);
        let query = text(&call.args, "query");
        let found = match query {
            Some(query) => self.0.recall(&call.person.id, query, limit).await,
            None => self.0.facts(&call.person.id, limit).await.map_err(|error| store_failed(&error))?,
        };
        let lines: Vec<String> = found.iter().map(|memory| line(memory, call)).collect();
        let detail = match query {
            Some(query) if found.is_empty() => format!("I remember nothing about “{query}”"),
            None if found.is_empty() => "I remember nothing yet".to_owned(),
            Some(_) | None => lines.join("\n"),
        };
        let shown =
            |memory: &Recalled| json!({"id": memory.id, "kind": memory.kind, "text": memory.text, "at": memory.at});
        Ok(outcome(json!({"memories": found.iter().map(shown).collect::<Vec<_>>()}), detail))
    }
}

/// One memory for people, with the day it is from.
fn line(memory: &Recalled, call: &ActionCall) -> String {
    let day = memory.at.with_timezone(&call.person.settings.timezone).format("%-d %B %Y");
    match memory.kind {
        MemoryKind::Fact => format!("{} ({day})", memory.text),
        MemoryKind::Request => format!("You asked: “{}” ({day})", memory.text),
    }
}

fn undo(action: &str, args: &Value) -> UndoCall {
    UndoCall { action: action.to_owned(), args: args.as_object().cloned().unwrap_or_default() }
}

#[async_trait]
impl Plugin for MemoryPlugin {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn description(&self) -> &'static str {
        "Remembers what you tell it"
    }

    fn specs(&self) -> Vec<ActionSpec> {
        let line = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
        let many = json!({"type": "integer", "minimum": 1, "maximum": RECALLED_MAX});
        let memory = json!({"type": "object", "properties": {"id": {}, "kind": {}, "text": {}, "at": {}}});
        vec![
            ActionSpec {
                idempotent: true,
                undo: Some("memory.forget"),
                result: json!({"type": "object", "properties": {"id": {"type": "string"}}}),
                ..spec(
                    "memory.remember",
                    "Remembers a fact about you or yours, in your words",
                    json!({"text": {"type": "string", "minLength": 1}}),
                    &["text"],
                    ReachRule::Own,
                )
            },
            ActionSpec {
                idempotent: true,
                undo: Some("memory.remember"),
                result: json!({"type": "object", "properties": {"id": {"type": "string"}}}),
                ..spec(
                    "memory.forget",
                    "Forgets one thing that is remembered",
                    json!({"id": line(ID_CHARS_MAX)}),
                    &["id"],
                    ReachRule::Own,
                )
            },
            ActionSpec {
                result: json!({"type": "object", "properties": {"memories": {"type": "array", "items": memory}}}),
                ..spec(
                    "memory.recall",
                    "Tells what is remembered about something, or the newest facts",
                    json!({"query": line(QUERY_CHARS_MAX), "limit": many}),
                    &[],
                    ReachRule::Read,
                )
            },
        ]
    }

    async fn run(&self, call: ActionCall) -> Result<ActionOutcome, ActionError> {
        match call.action.as_str() {
            "memory.remember" => self.remember(&call).await,
            "memory.forget" => self.forget(&call).await,
            "memory.recall" => self.recall(&call).await,
            _ => Err(ActionError::fail("there is no such action")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;
    use workflows::plan::validate::parameter_faults;
    use workflows::ports::clock::ManualClock;

    use super::*;
    use crate::plugins::tests::call;
    use crate::store::PeopleStore as _;
    use crate::store::sqlite::Db;

    async fn plugin() -> (MemoryPlugin, TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let db = Db::open(&dir.path().join("test.db")).await.expect("a database");
        let ann = call("", &json!({}));
        db.create_person(&ann.person, ann.now).await.expect("a person");
        (MemoryPlugin(Memory::new(Arc::new(db), None, Arc::new(ManualClock::new(ann.now)))), dir)
    }

    fn later(effect: &str, undo: UndoCall) -> ActionCall {
        ActionCall { effect_id: effect.into(), ..call(&undo.action, &Value::Object(undo.args)) }
    }

    #[tokio::test]
    async fn what_is_remembered_is_told_taken_back_and_remembered_again() {
        let (plugin, _dir) = plugin().await;
        let told = call("memory.remember", &json!({"text": " My wife is vegetarian "}));
        let kept = plugin.run(told.clone()).await.expect("remembered");
        assert_eq!(kept.detail, "I will remember: My wife is vegetarian");
        assert_eq!(plugin.run(told.clone()).await.expect("the same"), kept, "a repeat of the act is the act");
        let again = ActionCall { effect_id: "e2".into(), ..told };
        let known = plugin.run(again).await.expect("known");
        assert_eq!((known.result.get("id"), known.undo), (kept.result.get("id"), None), "{}", known.detail);

        let asked = call("memory.recall", &json!({"query": "wife"}));
        let found = plugin.run(asked.clone()).await.expect("found");
        assert_eq!(found.detail, "My wife is vegetarian (29 November 2026)");
        let newest = plugin.run(call("memory.recall", &json!({"limit": 1}))).await.expect("found");
        assert_eq!(newest.result, found.result, "without a query, the newest");

        let forget = later("e3", kept.undo.expect("it can be taken back"));
        let forgotten = plugin.run(forget.clone()).await.expect("forgotten");
        assert_eq!(forgotten.detail, "Forgotten: My wife is vegetarian");
        let gone = plugin.run(asked.clone()).await.expect("a look");
        assert_eq!((gone.detail.as_str(), &gone.result["memories"]), ("I remember nothing about “wife”", &json!([])));
        assert_eq!(plugin.run(forget).await.expect("nothing to do").undo, None);

        let undo = later("e4", forgotten.undo.expect("it can be taken back"));
        let spec = plugin.specs().into_iter().find(|spec| spec.name == undo.action).expect("a known action");
        assert_eq!(parameter_faults(&spec, &undo.args), Vec::new());
        plugin.run(undo).await.expect("remembered again");
        assert_eq!(plugin.run(asked).await.expect("found").detail, found.detail);
    }

    #[tokio::test]
    async fn what_is_too_long_is_refused_with_the_reason() {
        let (plugin, _dir) = plugin().await;
        let told = call("memory.remember", &json!({"text": "x".repeat(FACT_CHARS_MAX + 1)}));
        let refused = plugin.run(told).await.expect_err("too long");
        assert_eq!(refused.message, "a fact to remember has at most 500 characters; this one has 501");
    }

    #[tokio::test]
    async fn a_request_is_told_as_one_and_comes_not_back_when_forgotten() {
        let (plugin, _dir) = plugin().await;
        let asked = call("memory.recall", &json!({"query": "luigi"}));
        plugin.0.note_request(&asked.person.id, &"t0".into(), "book a table at Luigi's").await;
        let found = plugin.run(asked).await.expect("found");
        assert_eq!(found.detail, "You asked: “book a table at Luigi's” (29 November 2026)");
        let id = &found.result["memories"][0]["id"];
        let forgotten = plugin.run(call("memory.forget", &json!({"id": id}))).await.expect("forgotten");
        assert_eq!(forgotten.undo, None, "it would come back as a fact");
    }
}
