//! How many runs a tenant may begin in a day.
//!
//! Counted in memory and held against the table now and then, so that it costs no event anything. Nodes do not tell each
//! other: between two looks at the table each may go over by what the others began meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;
use hookyard_store::{Store, StoreError};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long a count is good for.
const RECOUNT_AFTER: Duration = Duration::from_secs(60);
/// Tenants that are counted at a time; when there are more, counting starts over.
const TENANTS_MAX: usize = 50_000;

/// Runs begun today, by tenant. Cheap to clone.
#[derive(Clone)]
pub struct Quota {
    store: Store,
    a_day: u32,
    counts: Arc<Mutex<HashMap<TenantId, Count>>>,
}

#[derive(Clone, Copy)]
struct Count {
    day: i64,
    runs: u64,
    counted_at: Instant,
}

impl Quota {
    /// Each tenant may begin `a_day` runs.
    #[must_use]
    pub fn new(store: Store, a_day: u32) -> Self {
        Self { store, a_day, counts: Arc::default() }
    }

    /// Takes `wanted` runs from a tenant's day; how many of them it still had.
    ///
    /// # Errors
    /// The store's.
    pub async fn take(&self, tenant: TenantId, wanted: usize, now: Instant) -> Result<usize, StoreError> {
        let day = now.millis().div_euclid(DAY_MS);
        let known = self.known(tenant);
        let is_good = |count: &Count| count.day == day && now.since(count.counted_at) < RECOUNT_AFTER;
        let mut count = match known.filter(is_good) {
            Some(count) => count,
            None => {
                let midnight = Instant::from_millis(day.saturating_mul(DAY_MS));
                let runs = self.store.run_count_since(tenant, midnight).await?;
                // What was taken since and is not committed yet is not forgotten.
                let taken = known.filter(|count| count.day == day).map_or(0, |count| count.runs);
                Count { day, runs: runs.max(taken), counted_at: now }
            }
        };
        let left = u64::from(self.a_day).saturating_sub(count.runs);
        let granted = u64::try_from(wanted).unwrap_or(u64::MAX).min(left);
        count.runs = count.runs.saturating_add(granted);
        self.keep(tenant, count);
        Ok(usize::try_from(granted).unwrap_or(wanted))
    }

    /// What is said where a tenant's day is over.
    #[must_use]
    pub fn says(&self) -> String {
        format!("its tenant has begun its {} runs of the day (UTC)", self.a_day)
    }

    fn known(&self, tenant: TenantId) -> Option<Count> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied()
    }

    fn keep(&self, tenant: TenantId, count: Count) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= TENANTS_MAX {
            counts.clear();
        }
        let entry = counts.entry(tenant).or_insert(count);
        // Two events at once must not give one run back.
        *entry = if entry.day == count.day { Count { runs: entry.runs.max(count.runs), ..count } } else { count };
    }
}
