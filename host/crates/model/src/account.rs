//! Accounts: a tenant's connections to providers.
//!
//! An account is active until a provider refuses its credential; then it is `unauthorized`, its events wait, and a
//! person has to give it a new credential, which makes it active again. Nothing else changes its state.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, TenantId};
use crate::instant::Instant;

/// A tenant's connection to a provider, without its secrets.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider type.
    pub provider: String,
    /// Which account that is, in the provider's words: a page id, a shop domain.
    pub account_key: String,
    /// For people.
    pub name: Option<String>,
    /// JSON after the manifest's schema, as text.
    pub settings: String,
    /// Where national phone numbers of its leads belong: an ISO 3166 code such as `DE`.
    pub default_country: Option<String>,
    /// Whether its owner takes unproved events as hints.
    pub unsigned: bool,
    /// Its state.
    pub status: AccountStatus,
    /// Why it is unauthorized, in the plugin's words.
    pub status_reason: Option<String>,
    /// When it was connected.
    pub created_at: Instant,
}

/// Whether an account's credential works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountStatus {
    /// As far as anybody knows.
    Active,
    /// The provider refused it; events wait until a person reconnects it.
    Unauthorized,
}

impl AccountStatus {
    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Reads what a row says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Active, Self::Unauthorized].into_iter().find(|status| status.as_str() == text)
    }
}
