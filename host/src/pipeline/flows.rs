//! Flows, stage `after`: a run, effect by effect, to what is committed: commit 3 of its own kind.
//!
//! A run is a row with a journal. A step calls its guest with what the journal knows; where the guest wants more, the
//! effect is performed here, its reply is committed, and the guest is called again from the start. A read of the state is
//! committed with what follows it: until then nothing outside has happened that rests on it. A sleep is committed with
//! the moment at which the row is due again, and then nothing is left of the run but the row.
//!
//! What the guest decides is committed with the run's end, whole or not at all. Where somebody changed meanwhile what it
//! had read, it starts over from that read. An effect that was under way when the process died is performed once more,
//! with the same `Idempotency-Key`.

use std::sync::Arc;
use std::time::Duration;

use hookyard_egress::Egress;
use hookyard_model::effect::{Effect, Entry, Reply};
use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::plugin::{PluginVersion, World};
use hookyard_model::provider::Failure;
use hookyard_model::retry::normalize_backoff;
use hookyard_model::run::{self, ClaimedRun, Decision, RunOutcome};
use hookyard_sandbox::{LoadError, Step};
use hookyard_store::{RunNext, RunSettled, RunSettlement, Store, StoreError};

use crate::directory::{Directory, FlowEntry};
use crate::effects::{self, NoCredential};
use crate::flows::decide::{self, DecideError};
use crate::flows::guests::{Guests, StepError};
use crate::flows::inline::behalf;
use crate::ids;
use crate::shares::{Entered, Shares};
use crate::telemetry::{Ended, Metrics};
use crate::worker::{Handoff, Stage};

/// How long a step waits for its tenant's CPU; one that would have to wait longer is put off.
const PATIENCE: Duration = Duration::from_secs(1);
/// After which a step gives its slot back between two effects.
const SLICE: Duration = Duration::from_secs(20);
/// Up to how many times longer a run is put off than it takes until its tenant has CPU again.
const SPREAD: f64 = 10.0;
/// How often a run starts over from a read in one step, before it is put off.
const STALE_MAX: u32 = 10;
/// For how long at least, and at most twice that.
const STALE_WAIT: Duration = Duration::from_millis(100);

/// The stage.
pub struct Flows {
    /// Rows.
    pub store: Store,
    /// Which flows there are.
    pub directory: Directory,
    /// Where guests are called.
    pub guests: Guests,
    /// Performs fetches.
    pub egress: Egress,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Which tenant uses how much.
    pub shares: Shares<TenantId, ClaimedRun>,
    /// Its own way in, for what had to wait for its tenant's share.
    pub again: Handoff<ClaimedRun>,
}

/// A run under way.
struct Running {
    row: ClaimedRun,
    journal: Arc<Vec<Entry>>,
    /// How many entries of the journal are in the table.
    durable: usize,
    outcome: RunOutcome,
    stale: u32,
}

/// How a step ends.
enum End {
    /// Nothing more can be done with this claim.
    Lost,
    /// The run goes on at that moment.
    Later(Instant, Option<String>),
    /// It decided.
    Decided(Decision),
    /// It has failed: blame and a sentence.
    Failed(&'static str, String),
    /// Its guest asks to be tried again, or the host was at fault.
    Again(String, Option<Duration>, Keep),
}

/// What is kept of the journal for another try.
enum Keep {
    /// All of it: nothing that is in it was wrong.
    All,
    /// What came before the last fetch.
    BeforeLastFetch,
}

impl Stage for Flows {
    type Row = ClaimedRun;
    const NAME: &'static str = "flows";
    const SLOTS: usize = limits::RUN_CONCURRENCY;

    async fn claim(&self, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        self.store.run_claim(limit, &self.shares.used_up()).await
    }

    async fn step(&self, row: ClaimedRun) {
        let (share, row) = match self.shares.enter(row.run.tenant, row) {
            Entered::Now(share, row) => (share, row),
            Entered::Parked => return,
            Entered::Full(row) => return self.put_back(row).await,
        };
        let mut running = Running::new(row);
        match self.end(&mut running).await {
            Ok(end) => self.settle(running, end).await,
            Err(error) => {
                let id = running.row.run.id;
                tracing::error!(run.id = %id, error = &error as &dyn std::error::Error, "run {id} could not go on now; it falls due again");
            }
        }
        if let Some(row) = share.leave_to(&self.again) {
            self.put_back(row).await;
        }
    }
}

impl Flows {
    /// Goes on with a run until it ends, sleeps or has used up its slice.
    async fn end(&self, running: &mut Running) -> Result<End, StoreError> {
        let began = tokio::time::Instant::now();
        let run = &running.row.run;
        let Some(entry) = self.directory.flow(run.tenant, run.flow).await? else {
            return Ok(End::Failed("refused", "its flow was deleted".to_owned()));
        };
        let version = match self.guests.plugins().version(run.tenant, World::Flow, run.digest).await {
            Ok(version) => version,
            Err(error) => return Ok(unloadable(&error)),
        };
        loop {
            let effect = match self.call(running).await {
                Called::Wants(effect) => effect,
                Called::Ended(end) => return Ok(end),
            };
            if let Some(end) = self.perform(running, &entry, &version, effect).await? {
                return Ok(end);
            }
            if began.elapsed() > SLICE {
                return Ok(End::Later(self.store.now(), None));
            }
        }
    }

    /// Calls the guest with what the journal knows.
    async fn call(&self, running: &mut Running) -> Called {
        let run = &running.row.run;
        let stepped = self.guests.step(run, &running.journal, &mut running.outcome, PATIENCE).await;
        Called::Ended(match stepped {
            Ok(done) => match done.value {
                Step::Wants(effect) => return Called::Wants(effect),
                Step::Done(Ok(decision)) => End::Decided(decision),
                Step::Done(Err(Failure::Permanent(reason))) => End::Failed("refused", reason),
                Step::Done(Err(Failure::Unauthorized(reason))) => {
                    let what = "update the flow's credentials, then retry the run";
                    End::Failed("unauthorized", format!("its credentials are refused: {reason}: {what}"))
                }
                Step::Done(Err(Failure::Retry { reason, after_ms })) => {
                    End::Again(reason, after_ms.map(Duration::from_millis), Keep::BeforeLastFetch)
                }
            },
            Err(StepError::NoCpu(wait)) => {
                let reason = StepError::NoCpu(wait).to_string();
                // Spread out: all that wait for the same CPU shall not come back at the same moment.
                let spread = wait.mul_f64(1.0 + SPREAD * ids::chance());
                End::Later(self.store.now().plus(spread), Some(reason))
            }
            Err(StepError::Load(error)) => unloadable(&error),
            Err(StepError::Call(failure)) if failure.blame.is_ours() => {
                End::Again("the host could not run it just now".to_owned(), None, Keep::All)
            }
            Err(StepError::Call(failure)) => {
                self.guests.plugins().blame(run.tenant, World::Flow, run.digest, &failure.blame).await;
                End::Failed(failure.blame.kind(), failure.blame.to_string())
            }
        })
    }

    /// Performs an effect and takes its reply to the journal; an end, where the run cannot go on at once.
    async fn perform(
        &self,
        running: &mut Running,
        entry: &FlowEntry,
        version: &PluginVersion,
        effect: Effect,
    ) -> Result<Option<End>, StoreError> {
        let reply = match &effect {
            Effect::StateGet { key } => {
                let run = &running.row.run;
                Reply::State(self.store.state_get(run.tenant, run.flow, key).await?)
            }
            Effect::Sleep { milliseconds } => {
                let wake = self.store.now().plus(Duration::from_millis(*milliseconds));
                running.push(Entry::new(&effect, Reply::Slept, wake));
                return Ok(Some(End::Later(wake, None)));
            }
            Effect::Fetch { .. } => {
                // What the guest read before it asked is what it will have read, whatever happens from here on.
                if running.durable < running.journal.len() && !self.keep(running).await? {
                    return Ok(Some(End::Lost));
                }
                let behalf = behalf(entry, &version.manifest, &running.row.run, &running.journal);
                match effects::perform(&self.egress, &behalf, &effect).await {
                    Ok(reply) => reply,
                    Err(NoCredential(name)) => {
                        return Ok(Some(End::Failed("unauthorized", NoCredential(name).to_string())));
                    }
                }
            }
        };
        let is_fetch = matches!(effect, Effect::Fetch { .. });
        running.push(Entry::new(&effect, reply, self.store.now()));
        if run::journal_bytes(&running.journal) > limits::JOURNAL_BYTES_MAX {
            let most = limits::JOURNAL_BYTES_MAX / (1024 * 1024);
            return Ok(Some(End::Failed("asked_too_much", format!("it fetched and read more than {most} MiB in all"))));
        }
        if is_fetch && !self.keep(running).await? {
            return Ok(Some(End::Lost));
        }
        Ok(None)
    }

    /// Commits what the journal has gained, and renews the lease; whether the claim still holds.
    async fn keep(&self, running: &mut Running) -> Result<bool, StoreError> {
        let next = RunNext::Waits { due_at: self.store.now().plus(limits::LEASE) };
        let settled = self.store.settle_run(running.settlement(next, running.row.failures)).await?;
        running.durable = running.journal.len();
        Ok(settled == RunSettled::Done)
    }

    /// Commits how a step ended. A run whose reads are stale starts over from there, at once.
    async fn settle(&self, mut running: Running, mut end: End) {
        let id = running.row.run.id;
        loop {
            let word = end.word();
            let settled = match self.commit(&mut running, end).await {
                Ok(settled) => settled,
                Err(error) => {
                    tracing::error!(run.id = %id, error = &error as &dyn std::error::Error, "could not settle run {id}; it falls due again");
                    return;
                }
            };
            match settled {
                RunSettled::Done => {
                    self.metrics.runs.get_or_create(&Ended { outcome: word }).inc();
                    tracing::debug!(run.id = %id, outcome = word, "a step of run {id} ended: {word}");
                    return;
                }
                RunSettled::Lost => {
                    tracing::debug!(run.id = %id, "another worker settled run {id}");
                    return;
                }
                RunSettled::Full => {
                    let most = limits::STATE_KEYS_PER_FLOW_MAX;
                    end = End::Failed(
                        "asked_too_much",
                        format!("its flow's state has {most} keys, and no room for more"),
                    );
                }
                RunSettled::Stale(keys) => {
                    running.forget(run::first_read_of(&running.journal, &keys));
                    running.stale = running.stale.saturating_add(1);
                    if running.stale > STALE_MAX {
                        let wait = STALE_WAIT.mul_f64(1.0 + ids::chance());
                        end = End::Later(self.store.now().plus(wait), Some("others change what it reads".to_owned()));
                        continue;
                    }
                    end = match self.end(&mut running).await {
                        Ok(end) => end,
                        Err(error) => {
                            tracing::error!(run.id = %id, error = &error as &dyn std::error::Error, "run {id} could not start over; it falls due again");
                            return;
                        }
                    };
                }
            }
        }
    }

    async fn commit(&self, running: &mut Running, end: End) -> Result<RunSettled, StoreError> {
        let mut failures = running.row.failures;
        let next = match end {
            End::Lost => return Ok(RunSettled::Lost),
            End::Later(due_at, reason) => {
                running.outcome.reason = reason;
                RunNext::Waits { due_at }
            }
            End::Decided(decision) => {
                let now = self.store.now();
                match decide::effects(&self.store, &running.row.run, &decision, &running.journal, now).await {
                    Ok(effects) => {
                        running.outcome.decision = Some(decision);
                        running.outcome.reason = None;
                        RunNext::Succeeded(Box::new(effects))
                    }
                    Err(DecideError::Refused(reason)) => running.failed("refused", reason),
                    Err(DecideError::Store(error)) => return Err(error),
                }
            }
            End::Failed(blame, reason) => running.failed(blame, reason),
            End::Again(reason, after, keep) => {
                failures = failures.saturating_add(1);
                if let Keep::BeforeLastFetch = keep {
                    running.forget(run::kept_on_retry(&running.journal));
                }
                if failures > limits::RUN_FAILURES_MAX {
                    running.failed("refused", format!("{reason} (tried {failures} times)"))
                } else {
                    let wait = normalize_backoff(failures).max(after.unwrap_or_default().min(limits::RETRY_AFTER_MAX));
                    running.outcome.reason = Some(reason);
                    RunNext::Waits { due_at: self.store.now().plus(wait) }
                }
            }
        };
        self.store.settle_run(running.settlement(next, failures)).await
    }

    async fn put_back(&self, row: ClaimedRun) {
        let id = row.run.id;
        let running = Running::new(row);
        let next = RunNext::Waits { due_at: self.store.now() };
        if let Err(error) = self.store.settle_run(running.settlement(next, running.row.failures)).await {
            tracing::warn!(run.id = %id, error = &error as &dyn std::error::Error, "could not put run {id} back; it falls due after its lease");
        }
    }
}

/// What a call of the guest led to.
enum Called {
    Wants(Effect),
    Ended(End),
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Later(..) => "later",
            Self::Decided(_) => "succeeded",
            Self::Failed(..) => "failed",
            Self::Again(..) => "again",
        }
    }
}

impl Running {
    fn new(row: ClaimedRun) -> Self {
        let journal = Arc::new(row.journal.clone());
        let outcome = row.outcome.clone();
        Self { durable: journal.len(), journal, outcome, row, stale: 0 }
    }

    fn push(&mut self, entry: Entry) {
        Arc::make_mut(&mut self.journal).push(entry);
    }

    /// Forgets the journal from `kept` on.
    fn forget(&mut self, kept: usize) {
        Arc::make_mut(&mut self.journal).truncate(kept);
        self.durable = self.durable.min(kept);
    }

    fn failed(&mut self, blame: &str, reason: String) -> RunNext {
        self.outcome.blame = Some(blame.to_owned());
        self.outcome.reason = Some(reason);
        RunNext::Failed
    }

    fn settlement(&self, next: RunNext, failures: u32) -> RunSettlement {
        let run = &self.row.run;
        RunSettlement {
            tenant: run.tenant,
            run: run.id,
            flow: run.flow,
            tries: self.row.tries,
            failures,
            keep: u32::try_from(self.durable).unwrap_or(u32::MAX),
            append: self.journal.get(self.durable..).unwrap_or_default().to_vec(),
            next,
            outcome: self.outcome.clone(),
        }
    }
}

fn unloadable(error: &LoadError) -> End {
    match error {
        LoadError::Missing(_) => {
            End::Failed("host", "its version is not there any more: retry is of no use".to_owned())
        }
        LoadError::Unfit { .. } => End::Again("its version could not be loaded just now".to_owned(), None, Keep::All),
    }
}
