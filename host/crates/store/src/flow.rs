//! Flows: a tenant's automations, with the credentials that their fetches carry, and what they remember.

mod change;

use hookyard_model::effect::Remembered;
use hookyard_model::filter::Filter;
use hookyard_model::flow::{Flow, FlowStage, FlowStatus, OnFailure};
use hookyard_model::id::{FlowId, FlowNoun, Noun as _, TenantId};
use hookyard_model::limits;

use crate::db::Row;
use crate::{Credentials, PageRequest, Store, StoreError};

/// A flow to be made.
#[derive(Debug, Clone)]
pub struct NewFlow {
    /// Whose it is.
    pub tenant: TenantId,
    /// For people.
    pub name: String,
    /// The flow plugin, by its manifest's id.
    pub plugin: String,
    /// Where it runs.
    pub stage: FlowStage,
    /// Event types that start it, in place of the manifest's.
    pub triggers: Option<Vec<String>>,
    /// Only events of these providers; of all where it is empty.
    pub providers: Vec<String>,
    /// Only events whose data is like this.
    pub filter: Option<Filter>,
    /// JSON text.
    pub settings: String,
    /// Hosts that it may fetch from, of those in the manifest.
    pub hosts: Option<Vec<String>>,
    /// What becomes of an event where it fails on it.
    pub on_failure: OnFailure,
    /// What the host attaches to its fetches: by name.
    pub credentials: Credentials,
}

/// What to change of a flow; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct FlowPatch {
    /// For people.
    pub name: Option<String>,
    /// Event types that start it; `Some(None)` goes back to the manifest's.
    pub triggers: Option<Option<Vec<String>>>,
    /// Only events of these providers.
    pub providers: Option<Vec<String>>,
    /// Only events whose data is like this; `Some(None)` takes it away.
    pub filter: Option<Option<Filter>>,
    /// JSON text.
    pub settings: Option<String>,
    /// Hosts that it may fetch from; `Some(None)` for all of the manifest's.
    pub hosts: Option<Option<Vec<String>>>,
    /// What becomes of an event where it fails on it.
    pub on_failure: Option<OnFailure>,
    /// Whether it runs, and why not.
    pub status: Option<(FlowStatus, Option<String>)>,
    /// Values for the names given, in place of theirs; other names stay.
    pub credentials: Credentials,
}

impl Store {
    /// One flow of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.flow_get", level = "debug", skip_all)]
    pub async fn flow_get(&self, tenant: TenantId, id: FlowId) -> Result<Option<Flow>, StoreError> {
        let sql = "-- flow_get()
            SELECT
                tenant_id, flow_id, name, plugin, stage, triggers, providers, filter, settings, hosts, on_failure,
                status, status_reason, created_at
            FROM flows
            WHERE tenant_id = $1 AND flow_id = $2";
        self.pool().row(sql, vec![tenant.into(), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// A tenant's flows, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.flow_list", level = "debug", skip_all)]
    pub async fn flow_list(&self, tenant: TenantId, page: PageRequest<FlowId>) -> Result<Vec<Flow>, StoreError> {
        let sql = "-- flow_list()
            SELECT
                tenant_id, flow_id, name, plugin, stage, triggers, providers, filter, settings, hosts, on_failure,
                status, status_reason, created_at
            FROM flows
            WHERE tenant_id = $1 AND flow_id < $2
            ORDER BY flow_id DESC
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![tenant.into(), page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }

    /// All flows of a tenant with their credentials, in the order of their making: at most
    /// `limits::FLOWS_PER_TENANT_MAX`.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where a sealed value was tampered with or moved; see [`StoreError`].
    #[tracing::instrument(name = "store.flows_of", level = "debug", skip_all)]
    pub async fn flows_of(&self, tenant: TenantId) -> Result<Vec<(Flow, Credentials)>, StoreError> {
        let sql = "-- flows_of()
            SELECT
                tenant_id, flow_id, name, plugin, stage, triggers, providers, filter, settings, hosts, on_failure,
                status, status_reason, created_at
            FROM flows
            WHERE tenant_id = $1
            ORDER BY flow_id
            LIMIT $2";
        let most = i64::try_from(limits::FLOWS_PER_TENANT_MAX).unwrap_or(i64::MAX);
        let rows = self.pool().rows(sql, vec![tenant.into(), most.into()]).await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let mut held = self.credentials_open_all(&tenant.text(), FlowNoun::PREFIX).await?;
        let with_credentials = |row| {
            let flow = read(row)?;
            let credentials = held.remove(&flow.id.text()).unwrap_or_default();
            Ok((flow, credentials))
        };
        rows.iter().map(with_credentials).collect()
    }

    /// What a flow remembers under a key.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.state_get", level = "debug", skip_all)]
    pub async fn state_get(&self, tenant: TenantId, flow: FlowId, key: &str) -> Result<Option<Remembered>, StoreError> {
        let sql = "-- state_get()
            SELECT tenant_id, flow_id, value, written_by
            FROM flow_state
            WHERE tenant_id = $1 AND flow_id = $2 AND key = $3";
        let row = self.pool().row(sql, vec![tenant.into(), flow.into(), key.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut cells = row.cells("flow_state");
        cells.text("tenant_id")?;
        cells.text("flow_id")?;
        Ok(Some(Remembered { value: cells.bytes("value")?, written_by: cells.id("written_by")? }))
    }
}

fn read(row: &Row) -> Result<Flow, StoreError> {
    let mut cells = row.cells("flows");
    Ok(Flow {
        tenant: cells.id("tenant_id")?,
        id: cells.id("flow_id")?,
        name: cells.free_text("name")?,
        plugin: cells.text("plugin")?,
        stage: cells.word("stage", FlowStage::from_row)?,
        triggers: cells.json_or_null("triggers")?,
        providers: cells.json("providers")?,
        filter: cells.json_or_null("filter")?,
        settings: cells.free_text("settings")?,
        hosts: cells.json_or_null("hosts")?,
        on_failure: cells.word("on_failure", OnFailure::from_row)?,
        status: cells.word("status", FlowStatus::from_row)?,
        status_reason: cells.free_text_or_null("status_reason")?,
        created_at: cells.instant("created_at")?,
    })
}
