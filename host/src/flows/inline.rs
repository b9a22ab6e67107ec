//! A whole run at once, while something waits for it: flows of stage `before`, and transforms.
//!
//! It has `limits::BEFORE_WITHIN` for all of it, effects included. Its journal is in memory until it is committed with
//! what waited for it; a crash before that begins it anew, and because its id follows from the event and the flow, what
//! it fetches carries the same `Idempotency-Key`.

use std::sync::Arc;
use std::time::Duration;

use hookyard_egress::Egress;
use hookyard_model::effect::{Effect, Entry, FetchError, Reply};
use hookyard_model::limits;
use hookyard_model::plugin::World;
use hookyard_model::provider::Failure;
use hookyard_model::run::{Decision, NewRun, RunOutcome, RunStatus, journal_bytes};
use hookyard_sandbox::{LoadError, Step};
use hookyard_store::{FinishedRun, RunEffects, Store, StoreError};
use tokio::time::{Instant, timeout_at};

use super::decide::{self, DecideError};
use super::guests::{Guests, StepError};
use crate::directory::FlowEntry;
use crate::effects::{self, Behalf, NoCredential, NoSecrets};

/// Runs flows at once. Cheap to clone.
#[derive(Clone)]
pub struct Inline {
    /// Where guests are called.
    pub guests: Guests,
    /// What flows remember.
    pub store: Store,
    /// Performs fetches.
    pub egress: Egress,
}

/// Why a run did not come to a decision.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it took longer than {} s, which is what a flow of its stage has", limits::BEFORE_WITHIN.as_secs())]
    TooLong,
    #[error("it fetched and read more than {} MiB in all", limits::JOURNAL_BYTES_MAX / (1024 * 1024))]
    TooMuch,
}

/// The header that lets a peer recognise a fetch that is performed again: the run, and the place in its journal from 1.
#[must_use]
pub fn idempotency_key(run: &NewRun, journal: &[Entry]) -> String {
    format!("{}-{}", run.id, journal.len().saturating_add(1))
}

/// What a run's fetches are performed with.
#[must_use]
pub fn behalf<'a>(
    entry: &'a FlowEntry,
    manifest: &'a hookyard_model::manifest::Manifest,
    run: &NewRun,
    journal: &[Entry],
) -> Behalf<'a> {
    Behalf {
        manifest,
        hosts: entry.flow.hosts.as_deref(),
        credentials: &entry.credentials,
        secrets: &NoSecrets,
        idempotency_key: Some(idempotency_key(run, journal)),
    }
}

impl Inline {
    /// Runs `run` of `entry` to its end, and says what is to be committed for it. It has succeeded only if what it decided
    /// can be carried out.
    ///
    /// # Errors
    /// The store's, when the decision was looked at.
    pub async fn run(&self, entry: &FlowEntry, run: NewRun) -> Result<FinishedRun, StoreError> {
        let mut outcome = RunOutcome::default();
        let mut journal = Arc::new(Vec::new());
        let decided = self.to_the_end(entry, &run, &mut journal, &mut outcome).await;
        let journal = Arc::unwrap_or_clone(journal);
        let effects = RunEffects::default();
        let mut finished = FinishedRun { run, status: RunStatus::Failed, journal, outcome, effects };
        match decided {
            Ok(decision) => {
                let (run, journal) = (&finished.run, &finished.journal);
                match decide::effects(&self.store, run, &decision, journal, self.store.now()).await {
                    Ok(effects) => {
                        finished.status = RunStatus::Succeeded;
                        finished.outcome.decision = Some(decision);
                        finished.effects = effects;
                    }
                    Err(DecideError::Refused(why)) => fail(&mut finished, why),
                    Err(DecideError::Store(error)) => return Err(error),
                }
            }
            Err(stopped) => {
                finished.outcome.blame = Some(stopped.blame().to_owned());
                fail(&mut finished, stopped.to_string());
                if let Stopped::Step(StepError::Call(failure)) = &stopped {
                    let run = &finished.run;
                    self.guests.plugins().blame(run.tenant, World::Flow, run.digest, &failure.blame).await;
                }
            }
        }
        Ok(finished)
    }

    async fn to_the_end(
        &self,
        entry: &FlowEntry,
        run: &NewRun,
        journal: &mut Arc<Vec<Entry>>,
        outcome: &mut RunOutcome,
    ) -> Result<Decision, Stopped> {
        let until = Instant::now() + limits::BEFORE_WITHIN;
        let version = self.guests.plugins().version(run.tenant, World::Flow, run.digest).await?;
        loop {
            let patience = until.saturating_duration_since(Instant::now());
            let stepped = self.guests.step(run, journal, outcome, patience).await?;
            let effect = match stepped.value {
                Step::Done(Ok(decision)) => return Ok(decision),
                Step::Done(Err(failure)) => return Err(Stopped::Refused(said(&failure))),
                Step::Wants(effect) => effect,
            };
            let reply = match &effect {
                Effect::Fetch { .. } => {
                    let behalf = behalf(entry, &version.manifest, run, journal);
                    let performed = timeout_at(until, effects::perform(&self.egress, &behalf, &effect)).await;
                    performed.unwrap_or(Ok(Reply::FetchError(FetchError::TimedOut)))?
                }
                Effect::StateGet { key } => Reply::State(self.store.state_get(run.tenant, run.flow, key).await?),
                Effect::Sleep { milliseconds } => {
                    let wake = Instant::now() + Duration::from_millis(*milliseconds);
                    if wake >= until {
                        return Err(Stopped::TooLong);
                    }
                    tokio::time::sleep_until(wake).await;
                    Reply::Slept
                }
            };
            if Instant::now() >= until {
                return Err(Stopped::TooLong);
            }
            Arc::make_mut(journal).push(Entry::new(&effect, reply, self.store.now()));
            if journal_bytes(journal) > limits::JOURNAL_BYTES_MAX {
                return Err(Stopped::TooMuch);
            }
        }
    }
}

/// Makes a run one that has failed, with nothing to commit but that.
pub fn fail(finished: &mut FinishedRun, why: String) {
    finished.status = RunStatus::Failed;
    finished.outcome.decision = None;
    finished.outcome.reason = Some(why);
    finished.effects = RunEffects::default();
}

/// Why a run has failed.
#[must_use]
pub fn failure_of(finished: &FinishedRun) -> &str {
    finished.outcome.reason.as_deref().unwrap_or("it decided nothing")
}

impl Stopped {
    fn blame(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Step(StepError::Call(failure)) => failure.blame.kind(),
            Self::Step(StepError::NoCpu(_)) => "limited",
            Self::Step(StepError::Load(_)) | Self::Load(_) | Self::Store(_) => "host",
            Self::NoCredential(_) => "unauthorized",
            Self::TooLong => "out_of_time",
            Self::TooMuch => "asked_too_much",
        }
    }
}

/// What a guest said of its own failure.
#[must_use]
pub fn said(failure: &Failure) -> String {
    match failure {
        Failure::Retry { reason, .. } => format!("the flow asks to be tried again: {reason}"),
        Failure::Unauthorized(reason) => format!("the flow's credentials are refused: {reason}: update them"),
        Failure::Permanent(reason) => reason.clone(),
    }
}
