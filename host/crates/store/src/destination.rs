//! Destinations: a tenant's CRMs, and the credentials that pushes to them carry.

mod change;

use hookyard_model::id::{DestinationId, DestinationNoun, Noun as _, TenantId};
use hookyard_model::instant::Instant;

use crate::db::Row;
use crate::{Credentials, PageRequest, Store, StoreError};

/// Most destinations of one tenant.
pub const DESTINATIONS_PER_TENANT_MAX: usize = 250;

/// A destination to be made.
#[derive(Debug, Clone)]
pub struct NewDestination {
    /// Whose it is.
    pub tenant: TenantId,
    /// What flows call it; one of a name for each tenant.
    pub name: String,
    /// The destination plugin, by its manifest's id.
    pub plugin: String,
    /// JSON text.
    pub settings: String,
    /// From the lead's fields to its own, as JSON text.
    pub mapping: String,
    /// What the host attaches to its fetches: by name.
    pub credentials: Credentials,
}

/// What to change of a destination; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct DestinationPatch {
    /// What flows call it.
    pub name: Option<String>,
    /// JSON text.
    pub settings: Option<String>,
    /// JSON text.
    pub mapping: Option<String>,
    /// Whether it gets anything, and why not.
    pub status: Option<(DestinationStatus, Option<String>)>,
    /// Values for the names given, in place of theirs; other names stay.
    pub credentials: Credentials,
}

/// Whether a destination gets anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationStatus {
    /// It does.
    Active,
    /// It does not: somebody said so.
    Paused,
    /// It refused its credential; a person has to give it a new one.
    Unauthorized,
}

impl DestinationStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Unauthorized];

    /// As it stands in rows and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Reads what a row says.
    #[must_use]
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A destination as it stands, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationRow {
    /// Its id.
    pub id: DestinationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What flows call it.
    pub name: String,
    /// The destination plugin, by its manifest's id.
    pub plugin: String,
    /// JSON text.
    pub settings: String,
    /// From the lead's fields to its own, as JSON text.
    pub mapping: String,
    /// Its state.
    pub status: DestinationStatus,
    /// Why it is not active.
    pub status_reason: Option<String>,
    /// When it was made.
    pub created_at: Instant,
}

impl Store {
    /// One destination of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.destination_get", level = "debug", skip_all)]
    pub async fn destination_get(
        &self,
        tenant: TenantId,
        id: DestinationId,
    ) -> Result<Option<DestinationRow>, StoreError> {
        let sql = "-- destination_get()
            SELECT tenant_id, destination_id, name, plugin, settings, mapping, status, status_reason, created_at
            FROM destinations
            WHERE tenant_id = $1 AND destination_id = $2";
        self.pool().row(sql, vec![tenant.into(), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// A tenant's destination by its name, or else by its id: what a flow may call it.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.destination_find", level = "debug", skip_all)]
    pub async fn destination_find(
        &self,
        tenant: TenantId,
        name_or_id: &str,
    ) -> Result<Option<DestinationRow>, StoreError> {
        // A name with a zero byte in it is nobody's.
        if name_or_id.contains('\0') {
            return Ok(None);
        }
        let sql = "-- destination_find()
            SELECT tenant_id, destination_id, name, plugin, settings, mapping, status, status_reason, created_at
            FROM destinations
            WHERE tenant_id = $1 AND name = $2";
        if let Some(row) = self.pool().row(sql, vec![tenant.into(), name_or_id.into()]).await? {
            return read(&row).map(Some);
        }
        match name_or_id.parse() {
            Ok(id) => self.destination_get(tenant, id).await,
            Err(_) => Ok(None),
        }
    }

    /// A tenant's destinations, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.destination_list", level = "debug", skip_all)]
    pub async fn destination_list(
        &self,
        tenant: TenantId,
        page: PageRequest<DestinationId>,
    ) -> Result<Vec<DestinationRow>, StoreError> {
        let sql = "-- destination_list()
            SELECT tenant_id, destination_id, name, plugin, settings, mapping, status, status_reason, created_at
            FROM destinations
            WHERE tenant_id = $1 AND destination_id < $2
            ORDER BY destination_id DESC
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![tenant.into(), page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }

    /// Opens a destination's credentials; empty where there are none.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where a sealed value was tampered with or moved; see [`StoreError`].
    #[tracing::instrument(name = "store.destination_vault", level = "debug", skip_all)]
    pub async fn destination_vault(&self, tenant: TenantId, id: DestinationId) -> Result<Credentials, StoreError> {
        let opened = self.secrets_open(&tenant.text(), &id.text()).await?;
        Ok(opened.into_iter().map(|opened| (opened.name, opened.secret)).collect())
    }

    /// All destinations of a tenant with their credentials, in the order of their making: at most
    /// [`DESTINATIONS_PER_TENANT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where a sealed value was tampered with or moved; see [`StoreError`].
    #[tracing::instrument(name = "store.destinations_of", level = "debug", skip_all)]
    pub async fn destinations_of(&self, tenant: TenantId) -> Result<Vec<(DestinationRow, Credentials)>, StoreError> {
        let sql = "-- destinations_of()
            SELECT tenant_id, destination_id, name, plugin, settings, mapping, status, status_reason, created_at
            FROM destinations
            WHERE tenant_id = $1
            ORDER BY destination_id
            LIMIT $2";
        let most = i64::try_from(DESTINATIONS_PER_TENANT_MAX).unwrap_or(i64::MAX);
        let rows = self.pool().rows(sql, vec![tenant.into(), most.into()]).await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let mut held = self.credentials_open_all(&tenant.text(), DestinationNoun::PREFIX).await?;
        let with_credentials = |row| {
            let destination = read(row)?;
            let credentials = held.remove(&destination.id.text()).unwrap_or_default();
            Ok((destination, credentials))
        };
        rows.iter().map(with_credentials).collect()
    }
}

fn read(row: &Row) -> Result<DestinationRow, StoreError> {
    let mut cells = row.cells("destinations");
    Ok(DestinationRow {
        tenant: cells.id("tenant_id")?,
        id: cells.id("destination_id")?,
        name: cells.text("name")?,
        plugin: cells.text("plugin")?,
        settings: cells.free_text("settings")?,
        mapping: cells.free_text("mapping")?,
        status: cells.word("status", DestinationStatus::from_row)?,
        status_reason: cells.free_text_or_null("status_reason")?,
        created_at: cells.instant("created_at")?,
    })
}
