//! What makes two events the same.
//!
//! A lead is itself by the provider's id of it; any other event by the provider's id of the event; and where a
//! provider gives no id, by its content. Every key is hashed, so that an index row has one size whatever a provider
//! (or somebody who found its URL) puts into an id.

use sha2::{Digest, Sha256};

/// The key under which a second one is a duplicate, within one tenant and account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey([u8; 32]);

impl DedupKey {
    /// Of a lead.
    #[must_use]
    pub fn of_lead(provider_lead_id: &str) -> Self {
        Self::hash(b"lead", provider_lead_id.as_bytes())
    }

    /// Of an event that the provider named.
    #[must_use]
    pub fn of_event(provider_event_id: &str) -> Self {
        Self::hash(b"event", provider_event_id.as_bytes())
    }

    /// Of an event that only its content identifies.
    #[must_use]
    pub fn of_content(event_type: &str, payload: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"content\0");
        hash.update(event_type.as_bytes());
        hash.update([0]);
        hash.update(payload.as_bytes());
        Self(hash.finalize().into())
    }

    /// The bytes of the row.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn hash(kind: &[u8], id: &[u8]) -> Self {
        Self(Sha256::new().chain_update(kind).chain_update([0]).chain_update(id).finalize().into())
    }
}
