//! SQLite: one writer with group commit, read-only readers, and a lock that keeps a second
//! service off the same file.

mod access;
mod ai_usage;
mod calendar;
mod error;
mod log;
mod mcp;
mod memory;
mod people;
mod photos;
mod rows;
mod task_rows;
mod tasks;
mod telegram;
mod turns;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use workflows::ports::StoreError;

use error::driver;
use writer::Writer;

/// Statements the writer keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Pages of the write-ahead log before they go into the file: hot rows are written there once, not
/// every time they changed.
const CHECKPOINT_PAGES: &str = "4000";
/// Read-only connections.
const READERS: u32 = 4;
/// How long a statement waits for another process' lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: SqlitePool,
    writer: Option<Arc<Writer>>,
    /// Held as long as the database is open for writing.
    _lock: Option<Arc<File>>,
}

impl Db {
    /// Opens the database for a service: takes the lock, makes or migrates the file, starts the
    /// writer.
    ///
    /// # Errors
    /// When another process has it, when the file is damaged, or the driver fails.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let options = options(path).create_if_missing(true);
        let mut connection = options.connect().await.map_err(driver)?;
        MIGRATIONS.run(&mut connection).await.map_err(migration)?;
        let writer = Writer::start(connection).await?;
        Ok(Self { readers: readers(path).await?, writer: Some(Arc::new(writer)), _lock: Some(Arc::new(lock)) })
    }

    /// Opens the database to look at it beside a running service; writing is refused.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or the driver fails.
    pub async fn open_shared(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { readers: readers(path).await?, writer: None, _lock: None })
    }

    /// Writes a consistent copy of the database to a new file; works beside a running service.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub async fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        let target = target.to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO ?1").bind(target).execute(&self.readers).await.map_err(driver)?;
        Ok(())
    }

    /// Reads the whole file for damage; the first sentence found, if any.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn check(&self) -> Result<Option<String>, StoreError> {
        let found: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.readers).await.map_err(driver)?;
        Ok((found != "ok").then_some(found))
    }

    /// How many migrations the file has, and how many this program knows.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn migrations(&self) -> Result<(usize, usize), StoreError> {
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
            .fetch_one(&self.readers)
            .await
            .map_err(driver)?;
        Ok((usize::try_from(done).unwrap_or_default(), MIGRATIONS.iter().count()))
    }

    /// Makes every leased task due now: the lock proves that whoever leased it is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_leases(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let now = now.timestamp_millis();
        self.write(move |connection| {
            Box::pin(async move {
                let sql = "UPDATE tasks SET wake_at = min(wake_at, ?1), lease_until = min(lease_until, ?1) WHERE lease_owner IS NOT NULL";
                let done = sqlx::query(sql).bind(now).execute(connection).await.map_err(driver)?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Commits made since it was opened.
    pub fn commits(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| writer.commits())
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_deref().ok_or_else(|| error::plain("the database is open for reading only"))
    }

    /// Runs `job` inside the next group commit, in its own savepoint: rolled back alone when it
    /// fails. Comes back when the commit is on disk.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.writer()?.call(move |connection| Box::pin(writer::in_savepoint(connection, job))).await
    }

    /// Runs `job`, which is one statement, inside the next group commit: a statement that fails has
    /// done nothing, so it needs no savepoint. Comes back when the commit is on disk.
    pub(crate) async fn write_one<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.writer()?.call(job).await
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_MAX)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .disable_statement_logging()
}

async fn readers(path: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    // A connection to a file does not go away by itself: to ask it before each use is a trip for nothing.
    let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
    pool.connect_with(options).await.map_err(driver)
}

/// Takes the lock file beside the database.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = path.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| StoreError::Driver(Box::new(error)))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(error::plain(
            "the database is already in use by another process; one SQLite file serves one process, several need Postgres",
        )),
        Err(TryLockError::Error(error)) => Err(StoreError::Driver(Box::new(error))),
    }
}

fn migration(error: sqlx::migrate::MigrateError) -> StoreError {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => driver(error),
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            StoreError::Corrupt(format!("the database is from a newer program (migration {version} is not known here)"))
        }
        other => StoreError::Driver(Box::new(other)),
    }
}
