//! How often each version failed of late.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use hookyard_model::id::TenantId;
use hookyard_model::limits;
use hookyard_model::plugin::Digest;
use tokio::time::Instant;

/// Versions that are watched at a time; when there are more, watching starts over.
const VERSIONS_MAX: usize = 10_000;

/// Failures of versions, in memory: each node counts its own.
#[derive(Debug, Default)]
pub(super) struct Traps {
    failures: Mutex<HashMap<(TenantId, Digest), VecDeque<Instant>>>,
}

impl Traps {
    /// Counts one more; whether it was one too many, after which counting starts over.
    pub(super) fn is_too_many(&self, tenant: TenantId, digest: Digest, now: Instant) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= VERSIONS_MAX {
            failures.clear();
        }
        let times = failures.entry((tenant, digest)).or_default();
        times.push_back(now);
        while times.front().is_some_and(|first| now.duration_since(*first) > limits::TRAP_WINDOW) {
            times.pop_front();
        }
        let is_too_many = times.len() >= limits::TRAPS_MAX;
        if is_too_many {
            failures.remove(&(tenant, digest));
        }
        is_too_many
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookyard_model::instant::Instant as Moment;
    use std::time::Duration;

    #[test]
    fn only_failures_within_the_window_add_up() {
        let traps = Traps::default();
        let (tenant, digest) = (TenantId::at(Moment::EPOCH, [0; 10]), Digest::of(b"a"));
        let start = Instant::now();
        let far_apart = limits::TRAP_WINDOW / u32::try_from(limits::TRAPS_MAX).unwrap() + Duration::from_secs(20);
        for count in 0..100 {
            assert!(!traps.is_too_many(tenant, digest, start + far_apart * count), "now and then is no reason");
        }
        let start = start + far_apart * 200;
        let at_once = (0..limits::TRAPS_MAX).filter(|_| traps.is_too_many(tenant, digest, start)).count();
        assert_eq!(at_once, 1);
        assert!(!traps.is_too_many(tenant, digest, start), "counting starts over");
    }
}
