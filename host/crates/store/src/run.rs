//! Runs: executions of flows, claimed and settled as events are, with a journal of what each was told.
//!
//! A run that succeeds changes its flow's state, logs events, changes its lead and starts pushes in the transaction
//! that ends it, or not at all. What it read of the state is checked there: where another run wrote a key since, the
//! answer is [`RunSettled::Stale`], and the caller has the run read anew. See `committer::state`.

mod claim;
mod read;

use hookyard_model::effect::Entry;
use hookyard_model::id::{EventId, FlowId, LeadId, RunId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::run::{Change, NewRun, RunOutcome, RunStatus, Write};

use crate::{LoggedEvent, NewPush, Store, StoreError};

/// How a claimed run ends, or goes on.
#[derive(Debug, Clone)]
pub struct RunSettlement {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one.
    pub run: RunId,
    /// Of which flow.
    pub flow: FlowId,
    /// The claim's number.
    pub tries: u32,
    /// How often it was tried again by now.
    pub failures: u32,
    /// How many entries of its journal stay; later ones are forgotten.
    pub keep: u32,
    /// What the journal gets behind them.
    pub append: Vec<Entry>,
    /// What follows.
    pub next: RunNext,
    /// What stands beside it.
    pub outcome: RunOutcome,
}

/// What follows a step of a run.
#[derive(Debug, Clone)]
pub enum RunNext {
    /// It goes on at this moment.
    Waits {
        /// When.
        due_at: Instant,
    },
    /// It does not go on, unless somebody asks for it.
    Failed,
    /// It is done, with all that it decided.
    Succeeded(Box<RunEffects>),
}

/// What a run that succeeded brings about.
#[derive(Debug, Clone, Default)]
pub struct RunEffects {
    /// What it read of its flow's state: the key, and the run that had written it.
    pub reads: Vec<(String, Option<RunId>)>,
    /// What it writes there.
    pub writes: Vec<Write>,
    /// What it emits.
    pub events: Vec<LoggedEvent>,
    /// What it changes of its lead; nothing in a run of stage `before`, whose lead is in its event's items.
    pub lead: Option<LeadChange>,
    /// Pushes of its lead.
    pub pushes: Vec<NewPush>,
}

/// Changes to a stored lead; none where it is gone.
#[derive(Debug, Clone)]
pub struct LeadChange {
    /// Which one.
    pub lead: LeadId,
    /// In this order.
    pub changes: Vec<Change>,
    /// Where national phone numbers belong.
    pub default_country: Option<String>,
}

/// What settling a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSettled {
    /// It is committed.
    Done,
    /// The claim is no longer this one: nothing was written.
    Lost,
    /// These keys were changed by others since they were read: nothing was written.
    Stale(Vec<String>),
    /// The flow's state would have more keys than `limits::STATE_KEYS_PER_FLOW_MAX`: nothing was written.
    Full,
}

/// A run that is over before it has a row: one of stage `before`, or a transform.
#[derive(Debug, Clone)]
pub struct FinishedRun {
    /// What it was.
    pub run: NewRun,
    /// How it ended.
    pub status: RunStatus,
    /// What it was told.
    pub journal: Vec<Entry>,
    /// What stands beside it.
    pub outcome: RunOutcome,
    /// What it brings about; nothing where it did not succeed.
    pub effects: RunEffects,
}

/// Which runs; what is `None` is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Started by this event.
    pub event: Option<EventId>,
    /// This far.
    pub status: Option<RunStatus>,
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// What was born.
    pub run: NewRun,
    /// How far it has come.
    pub status: RunStatus,
    /// When it goes on; none where it has ended.
    pub due_at: Option<Instant>,
    /// How often it was claimed.
    pub tries: u32,
    /// How often it was tried again because its guest asked for it or the host was at fault.
    pub failures: u32,
    /// What stands beside it.
    pub outcome: RunOutcome,
    /// When it began.
    pub began_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Entries of its journal.
    pub steps: u32,
}

/// What asking for a run to be tried again did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRetry {
    /// It is due now.
    Queued,
    /// There is none.
    NotFound,
    /// Only failed and limited runs are tried again.
    NotFailed,
}

impl Store {
    /// Ends a run's claim, with everything that follows from it.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.settle_run", level = "debug", skip_all)]
    pub async fn settle_run(&self, settlement: RunSettlement) -> Result<RunSettled, StoreError> {
        self.committer().settle_run(settlement).await
    }

    /// Stores a run that is over, with all that it brings about. One of the same id is replaced.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_record", level = "debug", skip_all)]
    pub async fn run_record(&self, run: FinishedRun) -> Result<RunSettled, StoreError> {
        self.committer().record_run(run).await
    }
}
