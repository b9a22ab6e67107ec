//! Time as a flow sees it: standing still within a step, and never the machine's own.

use std::time::Duration;

use crate::Instant;
#[cfg(target_arch = "wasm32")]
use crate::bindings::flow::hookyard::plugin::clock as world;
#[cfg(not(target_arch = "wasm32"))]
use crate::fixtures::host::clock as world;

/// The time of the last effect's reply, or of the run's beginning: the same at every replay.
#[must_use]
pub fn now() -> Instant {
    world::now()
}

/// Durable: the run leaves memory and comes back after a restart, or under a new version of the host.
/// Longer than `u64::MAX` milliseconds is that long.
pub fn sleep(duration: Duration) {
    world::sleep(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
}
