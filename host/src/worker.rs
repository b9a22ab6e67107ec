//! Workers: claim, step, settle, for any stage.
//!
//! A stage's rows come two ways: through memory, born claimed on this node ([`Handoff`]), and from the table, claimed
//! when there is room. Either way a row is worked on by one task that holds one slot; the stage's `step` does the work
//! and settles the row itself, in one commit. There is no transaction around a step and no lock on a row: a claim is a
//! time, and a step that outlives it finds its settling refused. So a crash needs no recovery, and this lease is not
//! what correctness rests on.
//!
//! Wake-ups are hints and the poll is the promise: a missed hint costs at most [`Pace::poll`].

use std::sync::Arc;
use std::time::Duration;

use hookyard_model::limits;
use hookyard_store::{Changes, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Rows that one claim takes at most.
const CLAIM_ROWS_MAX: usize = 256;
/// Between two claims where the first found all that it asked for.
const BREATH: Duration = Duration::from_millis(1);

/// One stage of the pipeline, seen from its worker.
pub trait Stage: Send + Sync + 'static {
    /// What is worked on.
    type Row: Send + 'static;
    /// For logs: `normalize`.
    const NAME: &'static str;
    /// Rows that are worked on at the same time.
    const SLOTS: usize;

    /// Claims at most `limit` rows that are due.
    fn claim(&self, limit: u32) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Works on a row and settles it. Dropped without an answer when the lease is nearly over.
    fn step(&self, row: Self::Row) -> impl Future<Output = ()> + Send;
}

/// How often the table is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Without any hint.
    pub poll: Duration,
    /// At most, whatever the hints.
    pub rest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { poll: Duration::from_millis(250), rest: Duration::from_millis(20) }
    }
}

/// The way into a stage through memory.
pub struct Handoff<R>(mpsc::Sender<R>);

impl<R> Clone for Handoff<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A place that is kept for one row.
pub struct Place<R>(mpsc::OwnedPermit<R>);

impl<R> Handoff<R> {
    /// A way in with room for `rows`, and where they come out.
    #[must_use]
    pub fn new(rows: usize) -> (Self, mpsc::Receiver<R>) {
        let (sender, receiver) = mpsc::channel(rows);
        (Self(sender), receiver)
    }

    /// A place, if there is one. A row that has none is for whoever claims it.
    #[must_use]
    pub fn reserve(&self) -> Option<Place<R>> {
        self.0.clone().try_reserve_owned().ok().map(Place)
    }
}

impl<R> Place<R> {
    /// Hands the row on.
    pub fn send(self, row: R) {
        self.0.send(row);
    }
}

/// Runs a stage until `stop`, then until what is in memory and under way is done.
pub async fn run<S: Stage>(
    stage: Arc<S>,
    mut intake: mpsc::Receiver<S::Row>,
    mut changes: Changes,
    pace: Pace,
    stop: CancellationToken,
) {
    let worker = Worker { stage, slots: Arc::new(Semaphore::new(S::SLOTS)), tasks: TaskTracker::new() };
    let mut look_at = Instant::now();
    loop {
        let Ok(slot) = Arc::clone(&worker.slots).acquire_owned().await else { return };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = sleep_until(look_at) => {
                drop(slot);
                let more = worker.claim().await;
                // Before what comes through memory, or a steady stream of it would starve what waits in the table;
                // and after a breath, or the table would starve the stream.
                look_at = Instant::now() + if more { BREATH } else { pace.poll };
            }
            Some(row) = intake.recv() => worker.work(slot, row),
            () = changes.wait() => look_at = look_at.min(Instant::now() + pace.rest),
        }
    }
    intake.close();
    while let Some(row) = intake.recv().await {
        let Ok(slot) = Arc::clone(&worker.slots).acquire_owned().await else { return };
        worker.work(slot, row);
    }
    worker.tasks.close();
    worker.tasks.wait().await;
}

struct Worker<S> {
    stage: Arc<S>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl<S: Stage> Worker<S> {
    /// Claims what there are slots for; whether there may be more.
    async fn claim(&self) -> bool {
        let free = self.slots.available_permits().min(CLAIM_ROWS_MAX);
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        if limit == 0 {
            return false;
        }
        let rows = match self.stage.claim(limit).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(stage = S::NAME, error = &error as &dyn std::error::Error, "could not claim rows");
                sleep(Duration::from_secs(1)).await;
                return false;
            }
        };
        let more = rows.len() >= free;
        for row in rows {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return false };
            self.work(slot, row);
        }
        more
    }

    fn work(&self, slot: OwnedSemaphorePermit, row: S::Row) {
        let stage = Arc::clone(&self.stage);
        self.tasks.spawn(async move {
            if timeout(limits::LEASE, stage.step(row)).await.is_err() {
                tracing::warn!(stage = S::NAME, "a step took longer than its lease; the row falls due again");
            }
            drop(slot);
        });
    }
}
