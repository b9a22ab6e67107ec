//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hookyard_model::instant::{Clock, Instant};

/// Time as a test tells it.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    /// 2026-11-21T09:00:00Z.
    fn default() -> Self {
        Self(AtomicI64::new(1_795_251_600_000))
    }
}

impl TestClock {
    /// Jumps, as to the day when a published sample was signed.
    pub fn set(&self, to: Instant) {
        self.0.store(to.millis(), Ordering::SeqCst);
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::SeqCst))
    }
}
