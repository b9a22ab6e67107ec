//! What a provider plugin hands to the host, after the sandbox has lifted it out of the guest.
//!
//! Everything here is a guest's word. A [`Reception`] is worth nothing until `proof` has been proved over the raw
//! request ([`crate::proof`]); an [`Inbound`] is checked by [`Inbound::check`] before a row may hold it.

use serde::{Deserialize, Serialize};

use crate::http::Response;
use crate::instant::Instant;
use crate::lead::Lead;
use crate::limits;
use crate::proof::Proof;

/// What a request turned out to be, if it is authentic.
#[derive(Debug, Clone)]
pub struct Reception {
    /// What would prove it.
    pub proof: Proof,
    /// An answer of the provider's own choosing.
    pub reply: Option<Response>,
    /// What it tells.
    pub events: Vec<Inbound>,
}

/// One thing that a provider told us, before it is understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inbound {
    /// The provider's own word for it.
    pub event_type: String,
    /// Which connected account it belongs to, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key: Option<String>,
    /// The provider's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it happened, by the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Instant>,
    /// The provider's own JSON, as text.
    pub payload: String,
}

/// Why an inbound cannot be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// No type, too long, or control characters in it.
    #[error("an event type is empty, longer than {} bytes, or holds control characters", limits::EVENT_TYPE_BYTES_MAX)]
    EventType,
    /// Too long.
    #[error("an account key is longer than {} bytes", limits::ACCOUNT_KEY_BYTES_MAX)]
    AccountKey,
    /// Not JSON.
    #[error("an event's payload is not JSON")]
    Payload,
    /// Too large.
    #[error("an event's payload is larger than {} bytes", limits::EVENT_PAYLOAD_BYTES_MAX)]
    PayloadSize,
}

impl Inbound {
    /// Whether a row may hold it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), InboundError> {
        check_event_type(&self.event_type)?;
        if self.account_key.as_ref().is_some_and(|key| key.len() > limits::ACCOUNT_KEY_BYTES_MAX) {
            return Err(InboundError::AccountKey);
        }
        check_json(&self.payload)
    }
}

/// One thing that a provider told us, understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Normalized {
    /// What subscriptions match.
    pub event_type: String,
    /// The person, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// JSON text for subscribers.
    pub data: String,
}

impl Normalized {
    /// Whether a row may hold it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), InboundError> {
        check_event_type(&self.event_type)?;
        check_json(&self.data)
    }
}

fn check_event_type(text: &str) -> Result<(), InboundError> {
    if text.is_empty() || text.len() > limits::EVENT_TYPE_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(InboundError::EventType);
    }
    Ok(())
}

fn check_json(text: &str) -> Result<(), InboundError> {
    if text.len() > limits::EVENT_PAYLOAD_BYTES_MAX {
        return Err(InboundError::PayloadSize);
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(|_| ()).map_err(|_| InboundError::Payload)
}

/// Which page of a provider's history is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Of which account.
    pub account_key: String,
    /// Of which form.
    pub form_id: Option<String>,
    /// From when on.
    pub since: Option<Instant>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most so many items.
    pub limit: u32,
}

/// A page of a provider's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What stood on it.
    pub items: Vec<Inbound>,
    /// Where the next one begins.
    pub next: Option<String>,
    /// How many there are in all, where the provider says.
    pub total: Option<u64>,
}

/// Why a guest's call came to nothing, and what the host should do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Try again.
    Retry {
        /// Why.
        reason: String,
        /// Not sooner than this.
        after_ms: Option<u64>,
    },
    /// A person has to reconnect the account.
    Unauthorized(String),
    /// Trying again cannot help.
    Permanent(String),
}
