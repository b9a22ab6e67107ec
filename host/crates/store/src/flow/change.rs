//! Flows as they change: made, altered, paused, deleted.

use hookyard_model::flow::{Flow, FlowStatus};
use hookyard_model::id::{FlowId, TenantId};
use hookyard_model::limits;
use hookyard_model::run::{RunOutcome, RunStatus};

use super::{FlowPatch, NewFlow, read};
use crate::db::{Tx, Value};
use crate::secrets::{credentials_put, secrets_delete};
use crate::{Store, StoreError};

/// What a run says whose flow goes.
const DELETED: &str = "its flow was deleted";

impl Store {
    /// Makes a flow; it is active.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the tenant has all it may have; see [`StoreError`].
    #[tracing::instrument(name = "store.flow_create", level = "debug", skip_all)]
    pub async fn flow_create(&self, new: NewFlow) -> Result<Flow, StoreError> {
        let key = self.seals().data_key(self.pool(), &new.tenant.text()).await?;
        let flow = Flow {
            id: self.new_id()?,
            tenant: new.tenant,
            name: new.name,
            plugin: new.plugin,
            stage: new.stage,
            triggers: new.triggers,
            providers: new.providers,
            filter: new.filter,
            settings: new.settings,
            hosts: new.hosts,
            on_failure: new.on_failure,
            status: FlowStatus::Active,
            status_reason: None,
            created_at: self.now(),
        };
        let mut tx = self.pool().begin().await?;
        check_count(&mut tx, flow.tenant).await?;
        let sql = "-- flow_create()
            INSERT INTO flows (
                tenant_id, flow_id, name, triggers, providers, filter, settings, hosts, on_failure, status,
                status_reason, plugin, stage, state_keys, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14)";
        let mut values = changeable(&flow);
        values.extend([flow.plugin.as_str().into(), flow.stage.as_str().into(), flow.created_at.into()]);
        tx.execute(sql, values).await?;
        let holder = (&*flow.tenant.text(), &*flow.id.text());
        credentials_put(&mut tx, &key, holder, &new.credentials).await?;
        self.commit_config(tx).await?;
        Ok(flow)
    }

    /// Changes a flow; nothing where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.flow_patch", level = "debug", skip_all)]
    pub async fn flow_patch(&self, tenant: TenantId, id: FlowId, patch: FlowPatch) -> Result<Option<Flow>, StoreError> {
        let key = self.seals().data_key(self.pool(), &tenant.text()).await?;
        let mut tx = self.pool().begin().await?;
        let find = format!(
            "-- flow_patch_find()
            SELECT
                tenant_id, flow_id, name, plugin, stage, triggers, providers, filter, settings, hosts, on_failure,
                status, status_reason, created_at
            FROM flows
            WHERE tenant_id = $1 AND flow_id = $2
            {}",
            self.dialect().for_update()
        );
        let rows = tx.rows_text(find.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let flow = patched(read(row)?, &patch);
        let sql = "-- flow_patch()
            UPDATE flows
            SET name = $3, triggers = $4, providers = $5, filter = $6, settings = $7, hosts = $8, on_failure = $9,
                status = $10, status_reason = $11
            WHERE tenant_id = $1 AND flow_id = $2";
        tx.execute(sql, changeable(&flow)).await?;
        credentials_put(&mut tx, &key, (&tenant.text(), &id.text()), &patch.credentials).await?;
        self.commit_config(tx).await?;
        Ok(Some(flow))
    }

    /// Ends a flow, with all that it remembers; what still runs of it has failed. Whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.flow_delete", level = "debug", skip_all)]
    pub async fn flow_delete(&self, tenant: TenantId, id: FlowId) -> Result<bool, StoreError> {
        let mut tx = self.pool().begin().await?;
        // The flow's row first, as settling does: whoever has it may touch the flow's state.
        let sql = "-- flow_delete()
            DELETE FROM flows
            WHERE tenant_id = $1 AND flow_id = $2";
        if tx.execute(sql, vec![tenant.into(), id.into()]).await? == 0 {
            return Ok(false);
        }
        let sql = "-- flow_delete_state()
            DELETE FROM flow_state
            WHERE tenant_id = $1 AND flow_id = $2";
        tx.execute(sql, vec![tenant.into(), id.into()]).await?;
        secrets_delete(&mut tx, &tenant.text(), &id.text()).await?;
        let outcome = RunOutcome { reason: Some(DELETED.to_owned()), ..RunOutcome::default() };
        let sql = "-- flow_delete_runs()
            UPDATE runs
            SET status = $3, due_at = NULL, outcome = $4, ended_at = $5
            WHERE tenant_id = $1 AND flow_id = $2 AND due_at IS NOT NULL";
        let failed = RunStatus::Failed.as_str();
        let values = vec![tenant.into(), id.into(), failed.into(), Value::json(&outcome), self.now().into()];
        tx.execute(sql, values).await?;
        self.commit_config(tx).await?;
        Ok(true)
    }
}

async fn check_count(tx: &mut Tx, tenant: TenantId) -> Result<(), StoreError> {
    let sql = "-- flow_count()
        SELECT tenant_id, count(*)
        FROM flows
        WHERE tenant_id = $1
        GROUP BY tenant_id";
    let Some(row) = tx.row(sql, vec![tenant.into()]).await? else { return Ok(()) };
    let mut cells = row.cells("flows");
    cells.text("tenant_id")?;
    if usize::try_from(cells.int("count")?).is_ok_and(|count| count >= limits::FLOWS_PER_TENANT_MAX) {
        return Err(StoreError::Conflict { what: "all the flows that a tenant may have" });
    }
    Ok(())
}

fn patched(flow: Flow, patch: &FlowPatch) -> Flow {
    let (status, status_reason) = patch.status.clone().unwrap_or((flow.status, flow.status_reason));
    Flow {
        name: patch.name.clone().unwrap_or(flow.name),
        triggers: patch.triggers.clone().unwrap_or(flow.triggers),
        providers: patch.providers.clone().unwrap_or(flow.providers),
        filter: patch.filter.clone().unwrap_or(flow.filter),
        settings: patch.settings.clone().unwrap_or(flow.settings),
        hosts: patch.hosts.clone().unwrap_or(flow.hosts),
        on_failure: patch.on_failure.unwrap_or(flow.on_failure),
        status,
        status_reason,
        ..flow
    }
}

/// The keys, and what a patch may change.
fn changeable(flow: &Flow) -> Vec<Value> {
    vec![
        flow.tenant.into(),
        flow.id.into(),
        Value::free_text(&flow.name),
        Value::json_or_null(flow.triggers.as_ref()),
        Value::json(&flow.providers),
        Value::json_or_null(flow.filter.as_ref()),
        Value::free_text(&flow.settings),
        Value::json_or_null(flow.hosts.as_ref()),
        flow.on_failure.as_str().into(),
        flow.status.as_str().into(),
        Value::free_text_or_null(flow.status_reason.as_deref()),
    ]
}
