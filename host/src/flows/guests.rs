//! Calls a flow's guest, within its tenant's share of CPU and threads.
//!
//! Two bounds keep one tenant's loops from the others: its guests take at most half of the sandbox's threads at a time,
//! and they have so much CPU for each second of time, saved up to a burst. A call is never cut short for its share; it
//! waits before it begins, and what it used is charged afterwards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookyard_model::effect::Entry;
use hookyard_model::id::TenantId;
use hookyard_model::limits;
use hookyard_model::plugin::Digest;
use hookyard_model::provider::Failure;
use hookyard_model::run::{Decision, NewRun, RunOutcome};
use hookyard_sandbox::{Call, CallFailure, Finished, LoadError, NoSecrets, Step};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::plugins::Plugins;
use crate::telemetry::{Ended, Metrics};

/// Seconds of its CPU that a tenant may save up.
const BURST_SECONDS: u32 = 5;
/// Tenants that are metered at a time; when there are more, those that owe nothing are forgotten.
const TENANTS_MAX: usize = 10_000;

/// Where flows' guests are called. Cheap to clone.
#[derive(Clone)]
pub struct Guests {
    plugins: Plugins,
    metrics: Arc<Metrics>,
    threads_each: usize,
    cpu_per_second: Duration,
    meters: Arc<Mutex<HashMap<TenantId, Arc<Meter>>>>,
}

/// What one tenant uses.
struct Meter {
    threads: Semaphore,
    cpu: Mutex<Cpu>,
}

/// A tenant's CPU, in microseconds: what it has saved, or owes where it is below zero.
struct Cpu {
    saved_us: i64,
    at: Instant,
}

/// Why a guest was not called, or came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The guest's fault, or the sandbox's.
    #[error(transparent)]
    Call(#[from] CallFailure),
    /// The version cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its tenant's flows have used up their CPU, and it would have to wait so long.
    #[error("its tenant's flows have used up their {} ms of CPU a second", limits::FLOW_CPU_PER_SECOND.as_millis())]
    NoCpu(Duration),
}

/// What a guest gave, or which effect it wants.
pub type Stepped = Finished<Step<Result<Decision, Failure>>>;

impl Guests {
    /// Guests on a sandbox of `threads`.
    #[must_use]
    pub fn new(plugins: Plugins, metrics: Arc<Metrics>, threads: usize) -> Self {
        Self {
            plugins,
            metrics,
            threads_each: (threads / 2).max(1),
            cpu_per_second: limits::FLOW_CPU_PER_SECOND,
            meters: Arc::default(),
        }
    }

    /// The plugins that they are guests of.
    #[must_use]
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// Calls a run's guest from the start, with what its journal knows. Waits for its tenant's CPU at most `patience`.
    ///
    /// # Errors
    /// See [`StepError`].
    pub async fn step(
        &self,
        run: &NewRun,
        journal: &Arc<Vec<Entry>>,
        outcome: &mut RunOutcome,
        patience: Duration,
    ) -> Result<Stepped, StepError> {
        self.step_on(run.digest, run, journal, outcome, patience).await
    }

    /// As [`step`](Self::step), on another component.
    ///
    /// # Errors
    /// See [`StepError`].
    pub async fn step_on(
        &self,
        digest: Digest,
        run: &NewRun,
        journal: &Arc<Vec<Entry>>,
        outcome: &mut RunOutcome,
        patience: Duration,
    ) -> Result<Stepped, StepError> {
        let guest = self.plugins.guest(digest).await?;
        let meter = self.meter(run.tenant);
        let wait = meter.owes(self.cpu_per_second);
        if wait > patience {
            return Err(StepError::NoCpu(wait));
        }
        tokio::time::sleep(wait).await;
        // The semaphore is never closed; were it, there would be no turn to wait for.
        let _turn = meter.threads.acquire().await;
        let call = Call { secrets: Arc::new(NoSecrets), now: run.input.started_at, seed: run.id.seed() };
        let (trigger, settings) = (Arc::new(run.input.trigger.clone()), Arc::new(run.input.settings.clone()));
        let called = self.plugins.sandbox().run_flow(&guest, call, trigger, settings, Arc::clone(journal)).await;
        let ended = called.as_ref().err().map_or("ok", |failure| failure.blame.kind());
        self.metrics.guest_calls.get_or_create(&Ended { outcome: ended }).inc();
        let (log, cpu, memory) = match &called {
            Ok(done) => (&done.log, done.cpu, done.memory_bytes),
            Err(failure) => (&failure.log, failure.cpu, 0),
        };
        meter.charge(cpu, self.cpu_per_second);
        outcome.calls = outcome.calls.saturating_add(1);
        outcome.cpu_us = outcome.cpu_us.saturating_add(u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
        outcome.memory_bytes = outcome.memory_bytes.max(u64::try_from(memory).unwrap_or(u64::MAX));
        // A replay says everything again: the last call's log is the run's.
        outcome.log.clone_from(&log.lines);
        called.map_err(StepError::from)
    }

    fn meter(&self, tenant: TenantId) -> Arc<Meter> {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if meters.len() >= TENANTS_MAX {
            meters.retain(|_, meter| Arc::strong_count(meter) > 1 || !meter.owes(self.cpu_per_second).is_zero());
        }
        let new = || {
            let saved_us = micros(self.cpu_per_second).saturating_mul(i64::from(BURST_SECONDS));
            let cpu = Mutex::new(Cpu { saved_us, at: Instant::now() });
            Arc::new(Meter { threads: Semaphore::new(self.threads_each), cpu })
        };
        Arc::clone(meters.entry(tenant).or_insert_with(new))
    }
}

impl Meter {
    /// How long its tenant has to wait until it owes nothing.
    fn owes(&self, per_second: Duration) -> Duration {
        let mut cpu = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        cpu.save(per_second);
        let owed_us = u64::try_from(cpu.saved_us.saturating_neg()).unwrap_or_default();
        let per_second_us = u64::try_from(micros(per_second)).unwrap_or(1).max(1);
        Duration::from_millis(owed_us.saturating_mul(1_000) / per_second_us)
    }

    fn charge(&self, used: Duration, per_second: Duration) {
        let mut cpu = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        cpu.save(per_second);
        cpu.saved_us = cpu.saved_us.saturating_sub(micros(used));
    }
}

impl Cpu {
    fn save(&mut self, per_second: Duration) {
        let now = Instant::now();
        let passed_ms = i64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        if passed_ms == 0 {
            return;
        }
        self.at = now;
        let most = micros(per_second).saturating_mul(i64::from(BURST_SECONDS));
        let gained = micros(per_second).saturating_mul(passed_ms) / 1_000;
        self.saved_us = self.saved_us.saturating_add(gained).min(most);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_used_beyond_the_savings_is_waited_for() {
        let per_second = Duration::from_millis(200);
        let meter = Meter { threads: Semaphore::new(1), cpu: Mutex::new(Cpu { saved_us: 0, at: Instant::now() }) };
        assert_eq!(meter.owes(per_second), Duration::ZERO);
        meter.charge(Duration::from_millis(100), per_second);
        assert_eq!(meter.owes(per_second), Duration::from_millis(500));
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(meter.owes(per_second), Duration::from_millis(200));
        tokio::time::advance(Duration::from_secs(3600)).await;
        meter.charge(Duration::from_millis(1_001), per_second);
        assert_eq!(meter.owes(per_second), Duration::from_millis(5), "an hour saves no more than a burst");
    }
}
