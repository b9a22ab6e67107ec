//! What the tests of the whole host share: a host in a box, a clock that is moved by hand, databases, signatures.
//!
//! [`TestApp`] runs the real host with its real router on a real database. Only time is ours: the clock stands still
//! until a test advances it, so a retry schedule of days is a matter of milliseconds and nobody ever sleeps. The Graph
//! API and the receiver are the demo's.

mod app;
mod clock;
mod databases;
pub mod sign;

pub use app::{APP_SECRET, Answer, PAGE_TOKEN, TestApp};
pub use clock::TestClock;
pub use databases::{Databases, TestDatabase};

/// Components built for these tests.
pub mod guests {
    /// Misbehaves as it is told to.
    pub const UNRULY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unruly.wasm"));
    /// A flow that misbehaves as it is told to.
    pub const UNRULY_FLOW: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/unruly_flow.wasm"));
    /// A flow that does everything that a flow may.
    pub const PATIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/patient.wasm"));
    /// A flow for the stages `before` and `transform`.
    pub const GATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gate.wasm"));
    /// A destination that takes every lead.
    pub const SINK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sink.wasm"));
    /// The first-party flow.
    pub const LEAD_ROUTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lead_router.wasm"));
    /// The first-party flow.
    pub const SPEED_TO_LEAD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/speed_to_lead.wasm"));
    /// The first-party flow.
    pub const ENRICH: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/enrich.wasm"));
    /// The first-party provider.
    pub const META_LEAD_ADS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/meta_lead_ads.wasm"));
    /// The first-party provider.
    pub const GITHUB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/github.wasm"));
    /// The first-party provider.
    pub const STANDARD_WEBHOOKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/standard_webhooks.wasm"));

    /// The same component with other bytes: a custom section that says `mark`.
    #[must_use]
    pub fn marked(component: &[u8], mark: u16) -> Vec<u8> {
        let mut bytes = component.to_vec();
        // Section 0, eight bytes long: a name of five letters, and two bytes.
        let [low, high] = mark.to_le_bytes();
        bytes.extend_from_slice(&[0, 8, 5, b'm', b'a', b'r', b'k', b's', low, high]);
        bytes
    }
}
