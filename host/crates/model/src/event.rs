//! Events: the facts that Hookyard logged, and how far each has come.
//!
//! An event is a row from the moment it is believed. `RECEIVED` means that work is left; the other three are ends,
//! though a `FAILED` one can be processed again by hand.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, EventId, FlowId, LeadId, RunId, SubscriptionId, TenantId};
use crate::instant::Instant;

/// How far an event has come, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventStatus {
    /// Durable; not yet understood.
    Received,
    /// Understood and handed on.
    Processed,
    /// The same as an earlier one; nothing was handed on.
    Duplicate,
    /// Cannot be understood; `reprocess` tries again.
    Failed,
}

impl EventStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Received, Self::Processed, Self::Duplicate, Self::Failed];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Processed => "PROCESSED",
            Self::Duplicate => "DUPLICATE",
            Self::Failed => "FAILED",
        }
    }

    /// Reads what a row or a query says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// An event as it is logged: commit 1.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id, made at `received_at`.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider type; none for an application's event and a flow's.
    pub provider: Option<String>,
    /// The account that it came through; none for an application's event and a flow's.
    pub account: Option<AccountId>,
    /// The provider's own word for it.
    pub event_type: String,
    /// The provider's own id of it.
    pub provider_event_id: Option<String>,
    /// When it happened, by the provider.
    pub occurred_at: Option<Instant>,
    /// When it was logged.
    pub received_at: Instant,
    /// The provider's own JSON.
    pub payload: String,
    /// Which version of which plugin received or emitted it, for the story.
    pub received_by: Option<PluginRun>,
    /// What it came of, where that is another event.
    pub cause: Option<Cause>,
}

/// What an event came of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The event before it.
    pub event: EventId,
    /// The run that emitted it.
    pub run: Option<RunId>,
    /// That event's lead.
    pub lead: Option<LeadId>,
    /// How many events there are before it in the chain: at least 1, at most `limits::EVENT_CHAIN_MAX`.
    pub depth: u32,
}

/// Which version of a plugin did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginRun {
    /// The manifest's id.
    pub plugin: String,
    /// The version, counted by the host.
    pub version: u32,
    /// The first 12 hexadecimal digits of the component's digest.
    pub digest: String,
}

/// An event that is claimed: what `normalize` works from.
#[derive(Debug, Clone)]
pub struct ClaimedEvent {
    /// What was logged.
    pub event: NewEvent,
    /// The claim's number: settling is refused where the row has moved on.
    pub tries: u32,
}

/// Why a flow did or did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowNote {
    /// Which flow.
    pub flow: FlowId,
    /// The run that was made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// A sentence.
    pub why: String,
}

/// Why a subscription did or did not get an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanoutNote {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Whether a delivery was made.
    pub matched: bool,
    /// A sentence.
    pub why: String,
}

/// What stands beside an event once it is understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    /// Who understood it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalized_by: Option<PluginRun>,
    /// The lead that came of it, or that it is a duplicate of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// The event that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<EventId>,
    /// Why it failed, waits or was tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The guest's log lines, bounded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Effects performed on the way.
    #[serde(skip_serializing_if = "is_zero")]
    pub effects: u32,
    /// Every subscription that was looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fanout: Vec<FanoutNote>,
    /// Every flow that was looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<FlowNote>,
    /// Why a flow dropped it before it went to anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
