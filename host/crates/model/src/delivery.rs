//! Deliveries and attempts: what follows from what a receiver answered.
//!
//! [`after_attempt`] is the whole of the decision: delivered, again later, dead, or dead and the subscription with
//! it. It knows status codes and classes of error, and nothing of sockets.

use serde::{Deserialize, Serialize};

use crate::id::{DeliveryId, EventId, SubscriptionId, TenantId};
use crate::instant::Instant;
use crate::retry::{RetryAfter, Schedule};

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeliveryStatus {
    /// Work is left.
    Pending,
    /// The receiver said 2xx.
    Delivered,
    /// No more attempts, unless somebody asks for one.
    Dead,
    /// The subscription's transform emitted nothing: there was nothing to deliver.
    Skipped,
}

impl DeliveryStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Skipped];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Dead => "DEAD",
            Self::Skipped => "SKIPPED",
        }
    }

    /// Reads what a row or a query says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A delivery as it is born: commit 2.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What is delivered.
    pub event: EventId,
    /// To whom.
    pub subscription: SubscriptionId,
}

/// A delivery that is claimed, with all that an attempt needs.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// Which one.
    pub delivery: NewDelivery,
    /// The claim's number: settling is refused where the row has moved on.
    pub tries: u32,
    /// Attempts that were made before this one.
    pub attempts: u32,
    /// Such as `leadgen`.
    pub event_type: String,
    /// Such as `meta_lead_ads`; none where the event is no provider's.
    pub provider: Option<String>,
    /// When the event was logged.
    pub received_at: Instant,
    /// JSON text for the receiver.
    pub data: String,
}

/// One try of a delivery, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub started_at: Instant,
    /// What came back, where anything did.
    pub status: Option<u16>,
    /// A stable word where nothing did: `timed_out`, `refused`, `connect`, …
    pub error: Option<String>,
    /// A sentence for people.
    pub detail: Option<String>,
    /// Headers sent, secrets redacted, as JSON text.
    pub request_headers: String,
    /// Headers that came back, as JSON text.
    pub response_headers: String,
    /// What came back, cut.
    pub response_body: Vec<u8>,
    /// Whether it was cut.
    pub response_truncated: bool,
    /// The address dialled.
    pub address: Option<String>,
    /// Microseconds of DNS, connect (TLS included), first byte, and in all.
    pub timings: Timings,
}

/// How long the parts of an attempt took, in microseconds; a part that was not reached has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Name to addresses.
    pub dns_us: Option<u64>,
    /// Address to connection, TLS included; none on a connection that was open already.
    pub connect_us: Option<u64>,
    /// Request written to first byte of the answer.
    pub first_byte_us: Option<u64>,
    /// All of it.
    pub total_us: u64,
}

/// What the answer to an attempt means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx.
    Accepted,
    /// 410: the receiver wants nothing more.
    Gone,
    /// Anything else: try again, not sooner than asked.
    Failed(Option<RetryAfter>),
}

impl Verdict {
    /// What a status means. `retry_after` counts on 429 and 503 and wherever else it is given with a failure.
    #[must_use]
    pub fn of_status(status: u16, retry_after: Option<RetryAfter>) -> Self {
        match status {
            200..=299 => Self::Accepted,
            410 => Self::Gone,
            _ => Self::Failed(retry_after),
        }
    }
}

/// What follows an attempt, or comes in place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Delivered,
    /// Again at this moment.
    RetryAt(Instant),
    /// No more attempts.
    Dead,
    /// No more attempts, and nothing more for the subscription.
    DeadAndDisable,
    /// No attempt at all: there was nothing to deliver, for this reason.
    Skipped(String),
}

/// What follows attempt `number` (from 1). `chance` is between 0 and 1 and decides the jitter.
#[must_use]
pub fn after_attempt(verdict: Verdict, number: u32, schedule: &Schedule, now: Instant, chance: f64) -> Next {
    match verdict {
        Verdict::Accepted => Next::Delivered,
        Verdict::Gone => Next::DeadAndDisable,
        Verdict::Failed(after) => schedule.next(number, now, after, chance).map_or(Next::Dead, Next::RetryAt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn redirects_are_failures_and_gone_disables() {
        let schedule = Schedule::fixed(&[1], 0);
        let next =
            |status, number| after_attempt(Verdict::of_status(status, None), number, &schedule, Instant::EPOCH, 0.0);
        let later = Next::RetryAt(Instant::EPOCH.plus(Duration::from_secs(1)));
        assert_eq!(next(204, 1), Next::Delivered);
        assert_eq!(next(301, 1), later.clone());
        assert_eq!(next(500, 1), later);
        assert_eq!(next(500, 2), Next::Dead);
        assert_eq!(next(410, 1), Next::DeadAndDisable);
    }
}
