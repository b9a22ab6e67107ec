//! Refusals: requests that were not believed, counted all and sampled a few.
//!
//! Whoever finds a URL can send what they like, so what is kept of it is bounded: a counter for each, and for a look at
//! what is going on a sample of so many a minute and provider, without a byte of the request in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hookyard_model::id::AccountId;
use hookyard_model::instant::{Clock, Instant};
use hookyard_model::limits;
use hookyard_store::{RefusalSample, Store};
use tokio_util::task::TaskTracker;

use crate::telemetry::{Metrics, ProviderEnded};

/// Counts and samples.
pub struct Refusals {
    store: Store,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    sampled: Mutex<HashMap<String, (i64, u32)>>,
}

impl Refusals {
    /// Samples go to `store`, written by a task of `tasks`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, tasks: TaskTracker) -> Self {
        Self { store, clock, metrics, tasks, sampled: Mutex::default() }
    }

    /// A request to a provider that is known here was not believed. `reason` is a stable word, `detail` a sentence for
    /// the operator.
    pub fn note(&self, provider: &str, account: Option<AccountId>, reason: &'static str, detail: String) {
        let label = ProviderEnded { provider: provider.to_owned(), outcome: reason };
        self.metrics.requests.get_or_create(&label).inc();
        let at = self.clock.now();
        if !self.is_sampled(provider, at) {
            return;
        }
        let sample = RefusalSample { provider: provider.to_owned(), account, reason: reason.to_owned(), detail, at };
        let store = self.store.clone();
        self.tasks.spawn(async move {
            if let Err(error) = store.refusal_record(sample).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a sample of a refused request was not kept");
            }
        });
    }

    fn is_sampled(&self, provider: &str, at: Instant) -> bool {
        let minute = at.seconds() / 60;
        let mut sampled = self.sampled.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count) = sampled.entry(provider.to_owned()).or_insert((minute, 0));
        if *last != minute {
            (*last, *count) = (minute, 0);
        }
        *count += 1;
        *count <= limits::REFUSALS_SAMPLED_PER_MINUTE
    }
}
