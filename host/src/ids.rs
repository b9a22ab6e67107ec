//! New ids and other random bytes: the one place that asks the operating system for them.

use hookyard_model::id::{Id, Noun};
use hookyard_model::instant::Instant;

/// Random bytes. Where the operating system has none to give there is nothing that could go on safely.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "getrandom fails only where the kernel has no entropy source at all")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// An id for something that is made at `at`.
#[must_use]
pub fn new_id<N: Noun>(at: Instant) -> Id<N> {
    Id::at(at, random())
}

/// A number between 0 and 1, for jitter.
#[must_use]
pub fn chance() -> f64 {
    f64::from(u32::from_le_bytes(random())) / f64::from(u32::MAX)
}
