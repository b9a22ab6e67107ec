//! Destinations: a tenant's CRMs, and the pushes of leads to them.

use serde::{Deserialize, Serialize};

use crate::id::LeadId;
use crate::lead::CleanLead;

/// What a destination's guest is asked to bring about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushOrder {
    /// The lead's id.
    pub lead_id: LeadId,
    /// The lead.
    pub lead: CleanLead,
    /// From the lead's fields to the destination's own, as JSON text.
    pub mapping: String,
    /// The destination's settings, as JSON text.
    pub settings: String,
    /// What the last success said.
    pub previous: Option<Receipt>,
}

/// What a destination says of a lead that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The destination's own id of it.
    pub external_id: String,
    /// Where a person can look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
