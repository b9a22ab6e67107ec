//! A lead, twice: as a provider's guest understood it ([`Lead`]) and as the host cleaned it ([`CleanLead`]).
//!
//! The first is kept whole inside the second (`rawFieldData`), because cleaning can be wrong and the person's own
//! words cannot. [`crate::clean`] is the way from one to the other.

use serde::{Deserialize, Serialize};

use crate::http::Field;
use crate::instant::Instant;

/// One person's details as a provider plugin understood them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lead {
    /// The provider's own id of it: what makes two leads one.
    pub provider_lead_id: String,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Every answer as the provider gave it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw_field_data: Vec<Field>,
    /// Answers that are none of the above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<Field>,
    /// The form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_id: Option<String>,
    /// The campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// The ad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad_id: Option<String>,
    /// When the person sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// What the person agreed to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// Sent by the provider's own test tool.
    pub is_test: bool,
}

/// A box that the person ticked, or did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The form's own key of it.
    pub key: String,
    /// Whether it was ticked.
    pub given: bool,
}

/// One person's details, clean: what is stored, listed and forwarded, whatever the source. This is its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanLead {
    /// `meta_lead_ads`.
    pub provider_type: String,
    /// The provider's own id of it.
    pub provider_lead_id: String,
    /// Lowercase, its domain in ASCII; as given where it is no address (see `unparsed`).
    pub email: Option<String>,
    /// Given, or the first word of the full name.
    pub first_name: Option<String>,
    /// Given, or the rest of the full name.
    pub last_name: Option<String>,
    /// Given, or first and last name together.
    pub full_name: Option<String>,
    /// E.164; as given where it cannot be read (see `unparsed`).
    pub phone_number: Option<String>,
    /// White space collapsed.
    pub company: Option<String>,
    /// Every answer as the provider gave it.
    pub raw_field_data: Vec<Field>,
    /// Answers that are none of the above.
    pub custom_fields: Vec<Field>,
    /// The form.
    pub form_id: Option<String>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// The ad.
    pub ad_id: Option<String>,
    /// When the person sent it.
    pub created_at: Option<Instant>,
    /// What the person agreed to.
    pub consents: Vec<Consent>,
    /// Sent by the provider's own test tool.
    pub is_test: bool,
    /// Names of fields that cleaning could not read and left as given.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unparsed: Vec<String>,
    /// When Hookyard logged it.
    pub received_at: Instant,
}
