//! Tasks as they are written: many rows with one statement.

use std::sync::Arc;

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqliteConnection, query_with};
use workflows::ports::{StoreError, TaskWrite};
use workflows::state::STATE_VERSION;

use super::error::driver;
use super::turns::text_of;

/// Tasks in one statement.
const TASKS_AT_ONCE: usize = 64;
/// The numbers of rows that statements are made for: few, as each is kept prepared. Rows that are
/// too many are left null, and match nothing.
const ROWS: [usize; 3] = [1, 8, TASKS_AT_ONCE];

/// A task as it is written, field by field. Its texts are shared, so that the writer binds them as
/// they are.
pub(super) struct TaskText {
    id: Arc<str>,
    person_id: Arc<str>,
    conversation_id: Arc<str>,
    status: Arc<str>,
    ended: bool,
    listed: bool,
    title: Arc<str>,
    pub(super) read_ver: Option<i64>,
    read_epoch: i64,
    progress: bool,
    lease_owner: Option<Arc<str>>,
    lease_until: Option<i64>,
    wake_at: Option<i64>,
    state: Arc<str>,
    at: i64,
}

impl TaskText {
    pub(super) fn new(task: &TaskWrite, at: i64) -> Result<Self, StoreError> {
        let status = task.state.status();
        Ok(Self {
            id: task.id.as_str().into(),
            person_id: task.person_id.as_str().into(),
            conversation_id: task.conversation_id.as_str().into(),
            status: status.as_str().into(),
            ended: status.is_terminal(),
            listed: task.state.plan().is_some(),
            title: task.state.title().into(),
            read_ver: task.read_ver.map(whole),
            read_epoch: whole(task.read_epoch),
            progress: task.progress,
            lease_owner: task.lease.as_ref().map(|lease| lease.owner.as_str().into()),
            lease_until: task.lease.as_ref().map(|lease| lease.until.timestamp_millis()),
            wake_at: task.wake_at.map(|at| at.timestamp_millis()),
            state: text_of(&task.state)?.into(),
            at,
        })
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a task binds in one row of a statement.
type Bind = fn(&TaskText, &mut SqliteArguments) -> Result<(), BoxDynError>;

/// A statement over values bound row by row, named `j`.
pub(super) struct Statement {
    columns: &'static str,
    fields: usize,
    bind: Bind,
    sql: &'static str,
}

impl Statement {
    /// Its text for so many rows.
    fn over(&self, rows: usize) -> String {
        let rows = ROWS.into_iter().find(|made| *made >= rows).unwrap_or(rows);
        let row = format!("({})", vec!["?"; self.fields].join(","));
        format!("WITH j ({}) AS (VALUES {}) {}", self.columns, vec![row; rows].join(","), self.sql)
    }

    /// Runs it over tasks: how many rows it changed.
    pub(super) async fn run(&self, connection: &mut SqliteConnection, tasks: &[&TaskText]) -> Result<i64, StoreError> {
        let mut changed = 0;
        for chunk in tasks.chunks(TASKS_AT_ONCE) {
            let mut values = SqliteArguments::default();
            values.reserve(chunk.len() * self.fields, 0);
            for task in chunk {
                (self.bind)(task, &mut values).map_err(StoreError::Driver)?;
            }
            let asked = query_with(AssertSqlSafe(self.over(chunk.len())), values);
            changed += whole(asked.execute(&mut *connection).await.map_err(driver)?.rows_affected());
        }
        Ok(changed)
    }
}

pub(super) const UPDATE: Statement = Statement {
    columns: "id, read_ver, read_epoch, progress, status, ended, listed, title, lease_owner, lease_until, wake_at, at, \
        state_version",
    fields: 13,
    bind: bind_row,
    sql: "UPDATE tasks SET status = j.status, ended = j.ended, listed = j.listed, title = j.title,
            ver = tasks.ver + 1, attempts = CASE j.progress WHEN 1 THEN 0 ELSE tasks.attempts END,
            lease_owner = j.lease_owner, lease_until = j.lease_until, wake_at = j.wake_at,
            state_version = j.state_version, updated_at = j.at
        FROM j WHERE tasks.id = j.id AND tasks.ver = j.read_ver AND tasks.epoch = j.read_epoch",
};

pub(super) const INSERT: Statement = Statement {
    columns: "id, read_ver, read_epoch, progress, status, ended, listed, title, lease_owner, lease_until, wake_at, at, \
        state_version, person_id, conversation_id",
    fields: 15,
    bind: bind_new_row,
    sql: "INSERT INTO tasks (id, person_id, conversation_id, status, ended, listed, title, ver, epoch, attempts,
            lease_owner, lease_until, wake_at, state_version, created_at, updated_at)
        SELECT id, person_id, conversation_id, status, ended, listed, title, 1, 1, 0, lease_owner, lease_until, wake_at,
            state_version, at, at
        FROM j WHERE id IS NOT NULL ON CONFLICT (id) DO NOTHING",
};

/// Unlike an `UPDATE … FROM` it moves each snapshot once: no table between is made of them.
pub(super) const SNAPSHOTS: Statement = Statement {
    columns: "id, state",
    fields: 2,
    bind: bind_snapshot,
    sql: "INSERT INTO snapshots (task, state)
        SELECT tasks.n, j.state FROM j CROSS JOIN tasks ON tasks.id = j.id WHERE true
        ON CONFLICT (task) DO UPDATE SET state = excluded.state",
};

pub(super) const CONVERSATIONS: Statement = Statement {
    columns: "id, person_id, at",
    fields: 3,
    bind: bind_conversation,
    sql: "INSERT INTO conversations (id, person_id, created_at)
        SELECT id, person_id, at FROM j WHERE id IS NOT NULL ON CONFLICT (id) DO NOTHING",
};

fn bind_row(task: &TaskText, values: &mut SqliteArguments) -> Result<(), BoxDynError> {
    values.add(Arc::clone(&task.id))?;
    values.add(task.read_ver)?;
    values.add(task.read_epoch)?;
    values.add(task.progress)?;
    values.add(Arc::clone(&task.status))?;
    values.add(task.ended)?;
    values.add(task.listed)?;
    values.add(Arc::clone(&task.title))?;
    values.add(task.lease_owner.clone())?;
    values.add(task.lease_until)?;
    values.add(task.wake_at)?;
    values.add(task.at)?;
    values.add(STATE_VERSION)
}

fn bind_new_row(task: &TaskText, values: &mut SqliteArguments) -> Result<(), BoxDynError> {
    bind_row(task, values)?;
    values.add(Arc::clone(&task.person_id))?;
    values.add(Arc::clone(&task.conversation_id))
}

fn bind_snapshot(task: &TaskText, values: &mut SqliteArguments) -> Result<(), BoxDynError> {
    values.add(Arc::clone(&task.id))?;
    values.add(Arc::clone(&task.state))
}

fn bind_conversation(task: &TaskText, values: &mut SqliteArguments) -> Result<(), BoxDynError> {
    values.add(Arc::clone(&task.conversation_id))?;
    values.add(Arc::clone(&task.person_id))?;
    values.add(task.at)
}
