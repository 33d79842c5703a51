//! Applying many accepts and turns with a few statements.
//!
//! A statement per turn would cost the one writer a round trip each; a batch costs the same
//! handful of statements whatever its size. Texts are made by the callers, so that the writer only
//! moves them. When any turn of a batch does not find what it was read from, the batch is rolled
//! back and applied turn by turn, so that a conflict is told to the one that has it.
//!
//! Each statement is a trip to the driver's thread and back, and a trip costs as much as some twenty
//! rows: hence few statements over many rows, and no savepoint for each turn that fits.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection, query, query_scalar};
use workflows::frame::{Frame, FrameDraft};
use workflows::ids::{PersonId, TaskId};
use workflows::inbound::Inbound;
use workflows::ports::{Accepted, Committed, InboxId, PromptRow, Spend, StoreError, Turn};
use workflows::state::PromptState;

use super::error::{copy, driver};
use super::task_rows::{CONVERSATIONS, INSERT, SNAPSHOTS, TaskText, UPDATE};

/// Begins a transaction, with a place to go back to when a batch of turns does not fit. It costs
/// no trip of its own, and `COMMIT` ends it.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT turns";
const TAKE_BACK: &str = "ROLLBACK TO turns";

/// The last ids given out; the writer is alone, so it need not ask the database.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub(super) seq: i64,
    pub(super) inbox: i64,
}

/// An inbound event, ready to be written.
pub(super) struct AcceptText {
    channel: &'static str,
    source_id: String,
    row: String,
}

impl AcceptText {
    pub(super) fn new(inbound: &Inbound) -> Result<Self, StoreError> {
        let payload = serde_json::to_string(inbound).map_err(|error| StoreError::Driver(Box::new(error)))?;
        let row = json!({
            "channel": inbound.channel.as_str(), "source_id": inbound.source_id, "payload": payload,
            "at": inbound.received_at.timestamp_millis(),
        });
        Ok(Self { channel: inbound.channel.as_str(), source_id: inbound.source_id.clone(), row: row.to_string() })
    }
}

/// A turn, ready to be written.
pub(super) struct TurnText {
    person_id: PersonId,
    task_id: Option<TaskId>,
    read_ver: Option<u64>,
    at: DateTime<Utc>,
    inbox: Option<i64>,
    spend: Option<Spend>,
    task: Option<TaskText>,
    prompts: Vec<String>,
    drafts: Vec<FrameDraft>,
    frames: Vec<String>,
}

impl TurnText {
    pub(super) fn new(turn: Turn) -> Result<Self, StoreError> {
        let inbox = turn.inbox.map(|id| id.0);
        let task_id = turn.task.as_ref().map(|task| task.id.clone());
        let at = turn.at.timestamp_millis();
        let frames = turn.frames.iter().map(|draft| frame_row(&turn.person_id, task_id.as_ref(), draft, at)).collect();
        Ok(Self {
            read_ver: turn.task.as_ref().and_then(|task| task.read_ver),
            task: turn.task.as_ref().map(|task| TaskText::new(task, at)).transpose()?,
            prompts: turn.prompts.iter().map(prompt_row).collect::<Result<_, _>>()?,
            person_id: turn.person_id,
            task_id,
            at: turn.at,
            inbox,
            spend: turn.spend,
            drafts: turn.frames,
            frames,
        })
    }
}

pub(super) fn text_of<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Driver(Box::new(error)))
}

fn kind_name<T: serde::Serialize>(kind: &T) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

fn frame_row(person: &PersonId, task: Option<&TaskId>, draft: &FrameDraft, at: i64) -> String {
    json!({
        "person_id": person, "task_id": task, "kind": kind_name(&draft.kind),
        "data": Value::Object(draft.data.clone()).to_string(), "at": at,
    })
    .to_string()
}

fn prompt_row(prompt: &PromptRow) -> Result<String, StoreError> {
    let row = json!({
        "id": prompt.id, "task_id": prompt.task_id, "person_id": prompt.person_id,
        "conversation_id": prompt.conversation_id, "open": i32::from(prompt.status == PromptState::Open),
        "status": text_of(&prompt.status)?, "view": prompt.view.to_string(),
        "asked_at": prompt.asked_at.timestamp_millis(), "expires_at": prompt.expires_at.timestamp_millis(),
    });
    Ok(row.to_string())
}

fn array<'a>(rows: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (n, row) in rows.enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push(']');
    text
}

/// A frame that belongs to no turn, appended once per key.
pub(super) struct Appended {
    pub(super) person: PersonId,
    pub(super) task: Option<TaskId>,
    pub(super) draft: FrameDraft,
    pub(super) key: String,
    pub(super) at: DateTime<Utc>,
}

/// Appends a frame; `None` when its key was there before.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    counters: &mut Counters,
    appended: Appended,
) -> Result<Option<Frame>, StoreError> {
    let Appended { person, task, draft, key, at } = appended;
    let sql = "INSERT INTO frames (seq, person_id, task_id, kind, data, at, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (key) DO NOTHING";
    let done = query(sql)
        .bind(counters.seq + 1)
        .bind(person.as_str())
        .bind(task.as_ref().map(TaskId::as_str))
        .bind(kind_name(&draft.kind))
        .bind(Value::Object(draft.data.clone()).to_string())
        .bind(at.timestamp_millis())
        .bind(key)
        .execute(connection)
        .await
        .map_err(driver)?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    counters.seq += 1;
    let (kind, data) = (draft.kind, draft.data);
    Ok(Some(Frame { kind, data, timestamp: at, user_id: person, task_id: task, seq: counters.seq }))
}

const ACCEPT: &str = "INSERT INTO inbox (id, channel, source_id, payload, attempts, received_at, taken_at)
    SELECT ?2 + j.key, j.value->>'channel', j.value->>'source_id', j.value->>'payload', 1, j.value->>'at', j.value->>'at'
    FROM json_each(?1) j WHERE true ON CONFLICT (channel, source_id) DO NOTHING RETURNING id";

/// Stores events once per source id; the answers come in the order of the texts.
pub(super) async fn accept(
    connection: &mut SqliteConnection,
    counters: &mut Counters,
    texts: &[AcceptText],
) -> Vec<Result<Accepted, StoreError>> {
    let first = counters.inbox + 1;
    let rows = array(texts.iter().map(|text| text.row.as_str()));
    let inserted = query(ACCEPT).bind(rows).bind(first).fetch_all(&mut *connection).await.map_err(driver);
    let inserted: std::collections::HashSet<i64> = match inserted {
        Ok(rows) => rows.iter().map(|row| row.get::<i64, _>(0)).collect(),
        Err(error) => return texts.iter().map(|_| Err(copy(&error))).collect(),
    };
    counters.inbox += i64::try_from(texts.len()).unwrap_or(i64::MAX);
    let mut results = Vec::with_capacity(texts.len());
    for (id, text) in (first..).zip(texts) {
        if inserted.contains(&id) {
            results.push(Ok(Accepted::New(InboxId(id))));
            continue;
        }
        let sql = "SELECT id FROM inbox WHERE channel = ?1 AND source_id = ?2";
        let known = query_scalar(sql).bind(text.channel).bind(&text.source_id).fetch_one(&mut *connection).await;
        results.push(known.map(|id| Accepted::Duplicate(InboxId(id))).map_err(driver));
    }
    results
}

/// Commits turns; the answers come in the order of the texts. They are the first to write in their
/// transaction: what they wrote is taken back to where it began.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    counters: &mut Counters,
    turns: Vec<TurnText>,
) -> Vec<Result<Committed, StoreError>> {
    let before = *counters;
    let Err(error) = apply(connection, counters, &turns).await else {
        let mut seq = before.seq;
        return turns.into_iter().map(|turn| Ok(committed(turn, &mut seq))).collect();
    };
    *counters = before;
    if let Err(error) = query(TAKE_BACK).execute(&mut *connection).await.map_err(driver) {
        return turns.iter().map(|_| Err(copy(&error))).collect();
    }
    if turns.len() == 1 {
        return vec![Err(error)];
    }
    let mut results = Vec::with_capacity(turns.len());
    for turn in turns {
        let mut seq = counters.seq;
        let single = [turn];
        let result = in_savepoint(connection, counters, &single).await;
        let [turn] = single;
        results.push(result.map(|()| committed(turn, &mut seq)));
    }
    results
}

fn committed(turn: TurnText, seq: &mut i64) -> Committed {
    let frames = turn
        .drafts
        .into_iter()
        .map(|draft| {
            *seq += 1;
            Frame {
                kind: draft.kind,
                data: draft.data,
                timestamp: turn.at,
                user_id: turn.person_id.clone(),
                task_id: turn.task_id.clone(),
                seq: *seq,
            }
        })
        .collect();
    let ver = if turn.task.is_some() { turn.read_ver.unwrap_or(0) + 1 } else { 0 };
    Committed { ver, frames }
}

async fn in_savepoint(
    connection: &mut SqliteConnection,
    counters: &mut Counters,
    turns: &[TurnText],
) -> Result<(), StoreError> {
    let before = *counters;
    query("SAVEPOINT turn").execute(&mut *connection).await.map_err(driver)?;
    let applied = apply(connection, counters, turns).await;
    if applied.is_err() {
        *counters = before;
        query("ROLLBACK TO turn").execute(&mut *connection).await.map_err(driver)?;
    }
    query("RELEASE turn").execute(&mut *connection).await.map_err(driver)?;
    applied
}

const INBOX: &str = "UPDATE inbox SET done_at = j.value->>'at'
    FROM json_each(?1) j WHERE inbox.id = j.value->>'id' AND inbox.done_at IS NULL";

const PROMPTS: &str =
    "INSERT INTO prompts (id, task_id, person_id, conversation_id, open, status, view, asked_at, expires_at)
    SELECT value->>'id', value->>'task_id', value->>'person_id', value->>'conversation_id', value->>'open',
        value->>'status', value->>'view', value->>'asked_at', value->>'expires_at'
    FROM json_each(?1) WHERE true
    ON CONFLICT (id) DO UPDATE SET open = excluded.open, status = excluded.status, view = excluded.view";

const FRAMES: &str = "INSERT INTO frames (seq, person_id, task_id, kind, data, at)
    SELECT ?2 + key, value->>'person_id', value->>'task_id', value->>'kind', value->>'data', value->>'at' FROM json_each(?1)";

/// A JSON array of rows.
struct Rows {
    text: String,
    count: usize,
}

impl Rows {
    fn of<'a>(rows: impl Iterator<Item = &'a str>) -> Self {
        let mut count = 0;
        let text = array(rows.inspect(|_| count += 1));
        Self { text, count }
    }
}

/// Applies turns, all or none: `Conflict` when any does not find what it was read from.
async fn apply(
    connection: &mut SqliteConnection,
    counters: &mut Counters,
    turns: &[TurnText],
) -> Result<(), StoreError> {
    let inbox: Vec<String> = turns
        .iter()
        .filter_map(|turn| turn.inbox.map(|id| json!({"id": id, "at": turn.at.timestamp_millis()}).to_string()))
        .collect();
    let inbox = Rows::of(inbox.iter().map(String::as_str));
    let prompts = Rows::of(turns.iter().flat_map(|turn| turn.prompts.iter().map(String::as_str)));
    let frames = Rows::of(turns.iter().flat_map(|turn| turn.frames.iter().map(String::as_str)));
    let tasks: Vec<&TaskText> = turns.iter().filter_map(|turn| turn.task.as_ref()).collect();
    let (changed, begun): (Vec<&TaskText>, Vec<&TaskText>) = tasks.iter().partition(|task| task.read_ver.is_some());
    exactly(connection, INBOX, inbox).await?;
    if UPDATE.run(connection, &changed).await? != rows_i64(changed.len())
        || INSERT.run(connection, &begun).await? != rows_i64(begun.len())
    {
        return Err(StoreError::Conflict);
    }
    for turn in turns {
        spend(connection, turn).await?;
    }
    SNAPSHOTS.run(connection, &tasks).await?;
    CONVERSATIONS.run(connection, &begun).await?;
    run(connection, PROMPTS, prompts).await?;
    if frames.count > 0 {
        let first = counters.seq + 1;
        query(FRAMES).bind(frames.text).bind(first).execute(&mut *connection).await.map_err(driver)?;
        counters.seq += rows_i64(frames.count);
    }
    Ok(())
}

const SPEND: &str = "INSERT INTO usage (person_id, day, effects) SELECT ?1, ?2, ?3 WHERE ?3 <= ?4
    ON CONFLICT (person_id, day) DO UPDATE SET effects = effects + excluded.effects
    WHERE effects + excluded.effects <= ?4";

/// Counts what a turn starts against the person's day: `Spent` when it does not fit.
async fn spend(connection: &mut SqliteConnection, turn: &TurnText) -> Result<(), StoreError> {
    let Some(Spend { day, effects, effects_max }) = turn.spend else { return Ok(()) };
    let (person, day) = (turn.person_id.as_str(), day.to_string());
    let counted = query(SPEND).bind(person).bind(&day).bind(effects).bind(effects_max);
    if counted.execute(&mut *connection).await.map_err(driver)?.rows_affected() == 1 {
        return Ok(());
    }
    let sql = "SELECT effects FROM usage WHERE person_id = ?1 AND day = ?2";
    let used: Option<u32> =
        query_scalar(sql).bind(person).bind(&day).fetch_optional(connection).await.map_err(driver)?;
    Err(StoreError::Spent { left: effects_max.saturating_sub(used.unwrap_or(0)) })
}

async fn exactly(connection: &mut SqliteConnection, sql: &'static str, rows: Rows) -> Result<(), StoreError> {
    let expected = rows_i64(rows.count);
    let changed = run(connection, sql, rows).await?;
    if i64::try_from(changed) == Ok(expected) { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn run(connection: &mut SqliteConnection, sql: &'static str, rows: Rows) -> Result<u64, StoreError> {
    if rows.count == 0 {
        return Ok(0);
    }
    let done = query(sql).bind(rows.text).execute(connection).await.map_err(driver)?;
    Ok(done.rows_affected())
}

fn rows_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
