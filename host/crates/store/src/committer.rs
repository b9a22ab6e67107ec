//! Group commit: the hot writes of everybody in few transactions.
//!
//! A commit costs a disk's flush however much is in it, so writers hand their change over and wait; whoever is free
//! takes all that waits, makes one transaction of it and answers each. Nobody waits for a batch to fill: while one
//! transaction commits, the next gathers by itself, and an idle store commits a single change at once.
//!
//! SQLite has one writer, hence one transaction at a time, taking turns with the management writes; PostgreSQL
//! commits a few at a time. What is in a batch does not depend on its neighbours: a change is only handed over when
//! the one that it builds on was answered; runs that share their flow's state are checked one after the other (see
//! [`state`]). See [`batch`] for what happens when a transaction fails.

mod batch;
mod weight;
mod hints;
mod kinds;
mod state;
mod log;
mod settle_event;
mod settle_run;
mod run_rows;
mod effects;
mod settle_delivery;
mod settle_push;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use batch::Batch;
use kinds::Kinds;

use crate::db::{Dialect, Pool};
use crate::lock::Lock;
use crate::signal::Signals;
use crate::store::Time;
use crate::{
    CommitWatch, DeliverySettlement, EventSettlement, FinishedRun, LoggedEvent, Moment, PushSettlement, RunSettled,
    RunSettlement,
};
use crate::{Settled, StoreError};

pub(crate) use kinds::kind_of;
pub(crate) use settle_push::insert_pushes;

/// Changes that wait to be taken.
const QUEUE_MAX: usize = 4_096;
/// Changes in one transaction.
const BATCH_CHANGES_MAX: usize = 512;
/// Bytes in one transaction; one change more may go over it.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Transactions at a time on PostgreSQL.
const POSTGRES_AT_ONCE: usize = 3;
/// How long a writer waits for a place in the queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A change that waits for its transaction.
#[derive(Debug)]
enum Change {
    Log(Vec<LoggedEvent>, Answer<()>),
    SettleEvent(Box<EventSettlement>, Answer<Settled>),
    SettleRun(Box<RunSettlement>, Answer<RunSettled>),
    RecordRun(Box<FinishedRun>, Answer<RunSettled>),
    SettleDelivery(Box<DeliverySettlement>, Answer<bool>),
    SettlePush(Box<PushSettlement>, Answer<bool>),
}

/// The way to the committer.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Change>,
}

/// What every transaction needs.
#[derive(Debug)]
struct Context {
    pool: Pool,
    time: Time,
    signals: Signals,
    kinds: Kinds,
    watch: Option<CommitWatch>,
    /// Nobody else opens the file before the last transaction is over.
    _lock: Option<Arc<Lock>>,
}

impl Context {
    fn tell(&self, moment: Moment) {
        if let Some(CommitWatch(watch)) = &self.watch {
            watch(moment);
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Busy {
    #[error("the queue for the database is full")]
    Full,
    #[error("the store is closed")]
    Closed,
}

impl Committer {
    pub(crate) fn start(
        (pool, time, signals): (Pool, Time, Signals),
        (lock, watch): (Option<Arc<Lock>>, Option<CommitWatch>),
        tasks: &TaskTracker,
        closing: &CancellationToken,
    ) -> std::io::Result<Self> {
        let (queue, changes) = mpsc::channel(QUEUE_MAX);
        let dialect = pool.dialect();
        let context = Arc::new(Context { pool, time, signals, kinds: Kinds::default(), watch, _lock: lock });
        match dialect {
            Dialect::Sqlite => on_a_thread(one_at_a_time(context, changes, closing.clone()), tasks.token())?,
            Dialect::Postgres => {
                tasks.spawn(a_few_at_a_time(context, changes, closing.clone()));
            }
        }
        Ok(Self { queue })
    }

    pub(crate) async fn log(&self, events: Vec<LoggedEvent>) -> Result<(), StoreError> {
        self.submit(|answer| Change::Log(events, answer)).await
    }

    pub(crate) async fn settle_event(&self, settlement: EventSettlement) -> Result<Settled, StoreError> {
        self.submit(|answer| Change::SettleEvent(Box::new(settlement), answer)).await
    }

    pub(crate) async fn settle_delivery(&self, settlement: DeliverySettlement) -> Result<bool, StoreError> {
        self.submit(|answer| Change::SettleDelivery(Box::new(settlement), answer)).await
    }

    pub(crate) async fn settle_run(&self, settlement: RunSettlement) -> Result<RunSettled, StoreError> {
        self.submit(|answer| Change::SettleRun(Box::new(settlement), answer)).await
    }

    pub(crate) async fn record_run(&self, run: FinishedRun) -> Result<RunSettled, StoreError> {
        self.submit(|answer| Change::RecordRun(Box::new(run), answer)).await
    }

    pub(crate) async fn settle_push(&self, settlement: PushSettlement) -> Result<bool, StoreError> {
        self.submit(|answer| Change::SettlePush(Box::new(settlement), answer)).await
    }

    async fn submit<T>(&self, change: impl FnOnce(Answer<T>) -> Change) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send_timeout(change(answer), QUEUE_TIMEOUT).await.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => StoreError::Unavailable(Arc::new(Busy::Full)),
            mpsc::error::SendTimeoutError::Closed(_) => StoreError::Unavailable(Arc::new(Busy::Closed)),
        })?;
        answered.await.map_err(|_| StoreError::Unavailable(Arc::new(Busy::Closed)))?
    }
}

/// A thread of its own for the one writer: a batch goes back and forth between here and SQLite's thread a dozen
/// times, and waking a plain thread costs a fraction of waking the runtime's.
fn on_a_thread(work: impl Future<Output = ()> + Send + 'static, token: TaskTrackerToken) -> std::io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("hookyard-committer".to_owned());
    thread.spawn(move || {
        runtime.block_on(work);
        drop(token);
    })?;
    Ok(())
}

/// Commits what waits, until the store closes and nothing waits any more.
async fn one_at_a_time(context: Arc<Context>, mut changes: mpsc::Receiver<Change>, closing: CancellationToken) {
    while let Some(batch) = gather(&mut changes, &closing).await {
        batch.commit(&context).await;
    }
}

/// As [`one_at_a_time`]; a batch is taken as soon as a transaction is free for it.
async fn a_few_at_a_time(context: Arc<Context>, mut changes: mpsc::Receiver<Change>, closing: CancellationToken) {
    let transactions = Arc::new(Semaphore::new(POSTGRES_AT_ONCE));
    let running = TaskTracker::new();
    loop {
        let Ok(free) = Arc::clone(&transactions).acquire_owned().await else { break };
        let Some(batch) = gather(&mut changes, &closing).await else { break };
        let context = Arc::clone(&context);
        running.spawn(async move {
            batch.commit(&context).await;
            drop(free);
        });
    }
    running.close();
    running.wait().await;
}

/// Waits for a change and takes whatever else waits with it.
async fn gather(changes: &mut mpsc::Receiver<Change>, closing: &CancellationToken) -> Option<Batch> {
    let first = match closing.run_until_cancelled(changes.recv()).await {
        Some(first) => first?,
        None => {
            changes.close();
            changes.recv().await?
        }
    };
    Some(fill(Batch::of(first), changes))
}

fn fill(mut batch: Batch, changes: &mut mpsc::Receiver<Change>) -> Batch {
    while batch.changes() < BATCH_CHANGES_MAX && batch.bytes() < BATCH_BYTES_MAX {
        let Ok(change) = changes.try_recv() else { break };
        batch.push(change);
    }
    batch
}
