//! Push: one lead to one destination, and what follows.
//!
//! The destination's guest says what to send and the host sends it, with the credential and with a key that the peer can
//! recognise a repeated request by. The journal lives as long as the attempt; the receipt of the last success goes with
//! the next order, so that a guest updates and never duplicates. Each destination has a share of the slots: one that
//! hangs holds up nobody but itself.

use std::sync::Arc;
use std::time::Duration;

use hookyard_egress::Egress;
use hookyard_model::destination::{PushOrder, Receipt};
use hookyard_model::effect::Entry;
use hookyard_model::id::DestinationId;
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::plugin::World;
use hookyard_model::provider::Failure;
use hookyard_model::retry::{RetryAfter, Schedule};
use hookyard_model::run::journal_bytes;
use hookyard_sandbox::{Call, CallFailure, LoadError, NoSecrets, Step};
use hookyard_store::{ClaimedPush, DestinationStatus, PushAttempt, PushNext, PushSettlement, Store, StoreError};

use crate::directory::{DestinationEntry, Directory};
use crate::effects::{self, Behalf, NoCredential};
use crate::ids;
use crate::plugins::Plugins;
use crate::shares::{Entered, Shares};
use crate::telemetry::{Ended, Metrics};
use crate::worker::{Handoff, Stage};

/// Waits between attempts: 1 minute, 5 and 30, 2 hours, 6 and 24.
const SCHEDULE: Schedule = Schedule::fixed(&[60, 300, 1_800, 7_200, 21_600, 86_400], 10);

/// The stage.
pub struct Push {
    /// Rows.
    pub store: Store,
    /// Which destinations there are.
    pub directory: Directory,
    /// Guests.
    pub plugins: Plugins,
    /// Performs fetches.
    pub egress: Egress,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Which destination uses how much.
    pub shares: Shares<DestinationId, ClaimedPush>,
    /// Its own way in, for what had to wait for its destination's share.
    pub again: Handoff<ClaimedPush>,
}

/// Why a destination does not hold a lead.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("the destination is gone")]
    NoDestination,
    #[error("the destination is paused: {0}")]
    Paused(String),
    #[error("no version of its plugin `{0}` runs: activate one, then retry the push")]
    NoPlugin(String),
    #[error("the lead is gone")]
    NoLead,
    #[error("{0}")]
    Retry(String, Option<u64>),
    #[error("its credentials are refused: {0}: update them, then retry the push")]
    Unauthorized(String),
    #[error("{0}")]
    Permanent(String),
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    #[error(transparent)]
    Guest(#[from] CallFailure),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the host could not push it just now")]
    Store(#[from] StoreError),
}

impl Stage for Push {
    type Row = ClaimedPush;
    const NAME: &'static str = "push";
    const SLOTS: usize = limits::PUSH_CONCURRENCY;

    async fn claim(&self, limit: u32) -> Result<Vec<ClaimedPush>, StoreError> {
        self.store.push_claim(limit).await
    }

    async fn step(&self, row: ClaimedPush) {
        // What finds no room to wait in falls due when its lease is over.
        let Entered::Now(share, row) = self.shares.enter(row.push.destination, row) else { return };
        self.attempt(row).await;
        drop(share.leave_to(&self.again));
    }
}

impl Push {
    async fn attempt(&self, row: ClaimedPush) {
        let started_at = self.store.now();
        let mut log = Vec::new();
        let pushed = self.push(&row, &mut log).await;
        let number = row.attempts.saturating_add(1);
        let mut attempt = PushAttempt { number, started_at, ok: pushed.is_ok(), error: None, detail: None, log };
        let next = match pushed {
            Ok(receipt) => PushNext::Done(receipt),
            Err(error) => {
                if let PushError::Store(error) = &error {
                    tracing::error!(push.id = %row.push.id, error = error as &dyn std::error::Error, "push {} could not be worked on just now", row.push.id);
                }
                attempt.error = Some(error.class().to_owned());
                attempt.detail = Some(error.to_string());
                self.after(&error, number)
            }
        };
        self.settle(&row, attempt, next).await;
    }

    /// Calls the guest, performs what it wants, and calls it again, until it has an answer.
    async fn push(&self, row: &ClaimedPush, log: &mut Vec<String>) -> Result<Receipt, PushError> {
        let push = &row.push;
        let entry = self.directory.destination(push.tenant, push.destination).await?.ok_or(PushError::NoDestination)?;
        if entry.destination.status != DestinationStatus::Active {
            let reason = entry.destination.status_reason.clone();
            return Err(PushError::Paused(reason.unwrap_or_else(|| "somebody paused it".to_owned())));
        }
        let Some(version) = &entry.version else { return Err(PushError::NoPlugin(entry.destination.plugin.clone())) };
        let lead = self.store.lead_get(push.tenant, push.lead).await?.ok_or(PushError::NoLead)?.lead;
        let guest = self.plugins.guest(version.digest).await?;
        let order = Arc::new(PushOrder {
            lead_id: push.lead,
            lead,
            mapping: entry.destination.mapping.clone(),
            settings: entry.destination.settings.clone(),
            previous: row.previous.clone(),
        });
        let call = Call { secrets: Arc::new(NoSecrets), now: self.store.now(), seed: 0 };
        let mut journal: Arc<Vec<Entry>> = Arc::default();
        loop {
            let called =
                self.plugins.sandbox().push(&guest, call.clone(), Arc::clone(&order), Arc::clone(&journal)).await;
            let outcome = called.as_ref().err().map_or("ok", |failure| failure.blame.kind());
            self.metrics.guest_calls.get_or_create(&Ended { outcome }).inc();
            let said = called.as_ref().map_or_else(|failure| &failure.log, |done| &done.log);
            log.clone_from(&said.lines);
            let called = match called {
                Ok(called) => called,
                Err(failure) => {
                    self.plugins.blame(push.tenant, World::Destination, version.digest, &failure.blame).await;
                    return Err(failure.into());
                }
            };
            match called.value {
                Step::Done(Ok(receipt)) => return Ok(receipt),
                Step::Done(Err(Failure::Retry { reason, after_ms })) => return Err(PushError::Retry(reason, after_ms)),
                Step::Done(Err(Failure::Unauthorized(reason))) => return Err(PushError::Unauthorized(reason)),
                Step::Done(Err(Failure::Permanent(reason))) => return Err(PushError::Permanent(reason)),
                Step::Wants(effect) => {
                    let behalf = behalf(&entry, &version.manifest, row, journal.len());
                    let reply = effects::perform(&self.egress, &behalf, &effect).await?;
                    Arc::make_mut(&mut journal).push(Entry::new(&effect, reply, self.store.now()));
                    if journal_bytes(&journal) > limits::JOURNAL_BYTES_MAX {
                        let most = limits::JOURNAL_BYTES_MAX / (1024 * 1024);
                        return Err(PushError::Permanent(format!(
                            "the plugin fetched more than {most} MiB for one push"
                        )));
                    }
                }
            }
        }
    }

    /// What follows a failure: what trying again cannot help is dead, and a person asks for it when it can.
    fn after(&self, error: &PushError, number: u32) -> PushNext {
        let after = match error {
            PushError::NoDestination
            | PushError::NoLead
            | PushError::NoPlugin(_)
            | PushError::Permanent(_)
            | PushError::Unauthorized(_)
            | PushError::NoCredential(_) => return PushNext::Dead,
            PushError::Guest(failure) if !failure.blame.is_ours() => return PushNext::Dead,
            PushError::Retry(_, after_ms) => after_ms.map(|ms| RetryAfter::Delay(Duration::from_millis(ms))),
            PushError::Guest(_) | PushError::Load(_) | PushError::Store(_) | PushError::Paused(_) => None,
        };
        let next: Option<Instant> = SCHEDULE.next(number, self.store.now(), after, ids::chance());
        next.map_or(PushNext::Dead, PushNext::RetryAt)
    }

    async fn settle(&self, row: &ClaimedPush, attempt: PushAttempt, next: PushNext) {
        let id = row.push.id;
        let settlement = PushSettlement { tenant: row.push.tenant, push: id, tries: row.tries, next, attempt };
        match self.store.settle_push(settlement).await {
            Ok(true) => {}
            Ok(false) => tracing::debug!(push.id = %id, "another worker settled push {id}"),
            Err(error) => {
                tracing::error!(push.id = %id, error = &error as &dyn std::error::Error, "could not settle push {id}; it falls due again");
            }
        }
    }
}

fn behalf<'a>(
    entry: &'a DestinationEntry,
    manifest: &'a hookyard_model::manifest::Manifest,
    row: &ClaimedPush,
    step: usize,
) -> Behalf<'a> {
    Behalf {
        manifest,
        hosts: None,
        credentials: &entry.credentials,
        secrets: &effects::NoSecrets,
        idempotency_key: Some(format!("{}-{}", row.push.id, step.saturating_add(1))),
    }
}

impl PushError {
    fn class(&self) -> &'static str {
        match self {
            Self::NoDestination => "no_destination",
            Self::Paused(_) => "paused",
            Self::NoPlugin(_) => "no_plugin",
            Self::NoLead => "no_lead",
            Self::Retry(..) => "retry",
            Self::Unauthorized(_) | Self::NoCredential(_) => "unauthorized",
            Self::Permanent(_) => "permanent",
            Self::Guest(failure) => failure.blame.kind(),
            Self::Load(_) | Self::Store(_) => "host",
        }
    }
}
