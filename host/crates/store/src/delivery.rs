//! Deliveries and their attempts: claimed, settled, read back and tried again.

mod claim;
mod read;

use hookyard_model::delivery::{Attempt, DeliveryStatus, Next};
use hookyard_model::id::{DeliveryId, EventId, SubscriptionId, TenantId};
use hookyard_model::instant::Instant;

use crate::{Store, StoreError};

/// How an attempt ended, and what follows.
#[derive(Debug, Clone)]
pub struct DeliverySettlement {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one.
    pub delivery: DeliveryId,
    /// For whom.
    pub subscription: SubscriptionId,
    /// The claim's number.
    pub tries: u32,
    /// What happened; nothing where there was no attempt, as when the event is skipped or its transform failed.
    pub attempt: Option<Attempt>,
    /// Why it is put off or dead, where there was no attempt that says so.
    pub reason: Option<String>,
    /// What follows.
    pub next: Next,
}

/// A delivery as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What is delivered.
    pub event: EventId,
    /// To whom.
    pub subscription: SubscriptionId,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// When it is tried next; none where it has ended.
    pub due_at: Option<Instant>,
    /// How often it was claimed.
    pub tries: u32,
    /// Attempts made.
    pub attempts: u32,
    /// What came back last.
    pub last_status: Option<u16>,
    /// The last error's word, or why it is dead without one.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Instant,
}

/// Which deliveries; what is `None` is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    /// Of this event.
    pub event: Option<EventId>,
    /// For this subscription.
    pub subscription: Option<SubscriptionId>,
    /// This far.
    pub status: Option<DeliveryStatus>,
}

impl Store {
    /// Commit 3: records an attempt and what follows. Whether the claim still held; nothing is written where not.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.settle_delivery", level = "debug", skip_all)]
    pub async fn settle_delivery(&self, settlement: DeliverySettlement) -> Result<bool, StoreError> {
        self.committer().settle_delivery(settlement).await
    }
}
