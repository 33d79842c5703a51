//! The one writer: drains what is queued into one transaction, commits, then answers everyone.
//!
//! A transaction is begun as soon as the first job is there: the others of its batch come while it
//! begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sqlx::{SqliteConnection, query, query_scalar, raw_sql};
use tokio::sync::{mpsc, oneshot};
use workflows::failpoint;
use workflows::frame::Frame;
use workflows::ports::{Accepted, Committed, StoreError};

use super::error::{copy, driver};
use super::turns::{self, AcceptText, Appended, Counters, TurnText};

/// Jobs that may wait; more are refused as busy.
pub(crate) const QUEUE_MAX: usize = 2_048;
/// Jobs in one transaction.
const BATCH_MAX: usize = 256;

/// Answers one waiting caller, once the commit is on disk or has failed.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Call = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Completion> + Send>;

enum Job {
    Accept(AcceptText, oneshot::Sender<Result<Accepted, StoreError>>),
    Turn(Box<TurnText>, oneshot::Sender<Result<Committed, StoreError>>),
    Append(Box<Appended>, oneshot::Sender<Result<Option<Frame>, StoreError>>),
    Call(Call),
}

/// The queue to the writer.
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer on its connection.
    pub(super) async fn start(mut connection: SqliteConnection) -> Result<Self, StoreError> {
        let last = |sql: &'static str| query_scalar::<_, i64>(sql);
        let counters = Counters {
            seq: last("SELECT coalesce(max(seq), 0) FROM frames").fetch_one(&mut connection).await.map_err(driver)?,
            inbox: last("SELECT coalesce(max(id), 0) FROM inbox").fetch_one(&mut connection).await.map_err(driver)?,
        };
        // What a batch may have to take back would else be a file, made and removed for every batch.
        query("PRAGMA temp_store = MEMORY").execute(&mut connection).await.map_err(driver)?;
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let desk = Desk { connection, counters, commits: Arc::clone(&commits) };
        tokio::spawn(desk.work(jobs));
        Ok(Self { queue, commits })
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) async fn accept(&self, text: AcceptText) -> Result<Accepted, StoreError> {
        let (tell, told) = oneshot::channel();
        self.queue(Job::Accept(text, tell))?;
        told.await.unwrap_or_else(|_| Err(super::error::plain("the writer is gone")))
    }

    pub(super) async fn turn(&self, text: TurnText) -> Result<Committed, StoreError> {
        let (tell, told) = oneshot::channel();
        self.queue(Job::Turn(Box::new(text), tell))?;
        told.await.unwrap_or_else(|_| Err(super::error::plain("the writer is gone")))
    }

    pub(super) async fn append(&self, appended: Appended) -> Result<Option<Frame>, StoreError> {
        let (tell, told) = oneshot::channel();
        self.queue(Job::Append(Box::new(appended), tell))?;
        told.await.unwrap_or_else(|_| Err(super::error::plain("the writer is gone")))
    }

    /// Runs `job`, which undoes by itself what it did when it fails.
    pub(super) async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let call: Call = Box::new(move |connection| {
            Box::pin(async move {
                let result = job(connection).await;
                let completion: Completion = Box::new(move |committed| {
                    // A caller that has gone away needs no answer.
                    let _gone = tell.send(committed.and(result));
                });
                completion
            })
        });
        self.queue(Job::Call(call))?;
        told.await.unwrap_or_else(|_| Err(super::error::plain("the writer is gone")))
    }

    fn queue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => super::error::plain("the writer has stopped"),
        })
    }
}

/// Runs `job`, and takes back what it did when it fails.
pub(super) async fn in_savepoint<T, F>(connection: &mut SqliteConnection, job: F) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
{
    query("SAVEPOINT job").execute(&mut *connection).await.map_err(driver)?;
    let result = job(connection).await;
    if result.is_err() {
        query("ROLLBACK TO job").execute(&mut *connection).await.map_err(driver)?;
    }
    query("RELEASE job").execute(&mut *connection).await.map_err(driver)?;
    result
}

struct Desk {
    connection: SqliteConnection,
    counters: Counters,
    commits: Arc<AtomicU64>,
}

impl Desk {
    async fn work(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while jobs.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let begun = raw_sql(turns::BEGIN).execute(&mut self.connection).await.map_err(driver);
            gather(&mut jobs, &mut batch).await;
            let jobs = std::mem::take(&mut batch);
            match begun {
                Ok(_) => self.batch(jobs).await,
                Err(error) => {
                    // Where nothing was begun there is nothing to roll back.
                    let _none_open = query("ROLLBACK").execute(&mut self.connection).await;
                    refuse(jobs, &error);
                }
            }
        }
    }

    /// Applies jobs in the transaction that was begun, and commits it.
    async fn batch(&mut self, jobs: Vec<Job>) {
        let counters = self.counters;
        let completions = self.apply(jobs).await;
        failpoint::hit("store.commit.before");
        let committed = query("COMMIT").execute(&mut self.connection).await.map_err(driver);
        failpoint::hit("store.commit.after");
        match committed {
            Ok(_) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                for complete in completions {
                    complete(Ok(()));
                }
            }
            Err(error) => {
                self.counters = counters;
                // Where the failed commit rolled back by itself there is nothing left to roll back.
                let _none_open = query("ROLLBACK").execute(&mut self.connection).await;
                for complete in completions {
                    complete(Err(copy(&error)));
                }
            }
        }
    }

    async fn apply(&mut self, jobs: Vec<Job>) -> Vec<Completion> {
        let (mut accepts, mut turns, mut appends, mut calls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Accept(text, tell) => accepts.push((text, tell)),
                Job::Turn(text, tell) => turns.push((*text, tell)),
                Job::Append(appended, tell) => appends.push((*appended, tell)),
                Job::Call(call) => calls.push(call),
            }
        }
        let mut completions = Vec::new();
        if !turns.is_empty() {
            let (texts, tells): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
            let results = turns::commit(&mut self.connection, &mut self.counters, texts).await;
            completions.extend(results.into_iter().zip(tells).map(|(result, tell)| completion(result, tell)));
        }
        if !accepts.is_empty() {
            let (texts, tells): (Vec<_>, Vec<_>) = accepts.into_iter().unzip();
            let results = turns::accept(&mut self.connection, &mut self.counters, &texts).await;
            completions.extend(results.into_iter().zip(tells).map(|(result, tell)| completion(result, tell)));
        }
        for (appended, tell) in appends {
            let result = turns::append(&mut self.connection, &mut self.counters, appended).await;
            completions.push(completion(result, tell));
        }
        for call in calls {
            completions.push(call(&mut self.connection).await);
        }
        completions
    }
}

/// Lets those who were woken by the last commit queue their next job before the next one begins:
/// the first of them would otherwise commit alone. Ends as soon as nobody more is about to.
async fn gather(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>) {
    loop {
        let before = batch.len();
        tokio::task::yield_now().await;
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        if batch.len() == before || batch.len() == BATCH_MAX {
            return;
        }
    }
}

fn completion<T: Send + 'static>(
    result: Result<T, StoreError>,
    tell: oneshot::Sender<Result<T, StoreError>>,
) -> Completion {
    Box::new(move |committed| {
        // A caller that has gone away needs no answer.
        let _gone = tell.send(committed.and(result));
    })
}

fn refuse(jobs: Vec<Job>, error: &StoreError) {
    for job in jobs {
        // A caller that has gone away needs no answer; dropping a call answers it.
        match job {
            Job::Accept(_, tell) => drop(tell.send(Err(copy(error)))),
            Job::Turn(_, tell) => drop(tell.send(Err(copy(error)))),
            Job::Append(_, tell) => drop(tell.send(Err(copy(error)))),
            Job::Call(_) => {}
        }
    }
}
