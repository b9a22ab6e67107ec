//! Destinations as they change: made, altered, paused, deleted.

use hookyard_model::id::{DestinationId, TenantId};

use super::{DESTINATIONS_PER_TENANT_MAX, DestinationPatch, DestinationRow, DestinationStatus, NewDestination, read};
use crate::db::{Tx, Value, is_unique_violation};
use crate::push::PushStatus;
use crate::secrets::{credentials_put, secrets_delete};
use crate::{Store, StoreError};

/// What a pending push says when its destination goes.
const DELETED: &str = "the destination was deleted";
const NAMED: &str = "destination of this name";

impl Store {
    /// Makes a destination; it is active.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the tenant has one of this name, or all it may have; see [`StoreError`].
    #[tracing::instrument(name = "store.destination_create", level = "debug", skip_all)]
    pub async fn destination_create(&self, new: NewDestination) -> Result<DestinationRow, StoreError> {
        let key = self.seals().data_key(self.pool(), &new.tenant.text()).await?;
        let destination = DestinationRow {
            id: self.new_id()?,
            tenant: new.tenant,
            name: new.name,
            plugin: new.plugin,
            settings: new.settings,
            mapping: new.mapping,
            status: DestinationStatus::Active,
            status_reason: None,
            created_at: self.now(),
        };
        let mut tx = self.pool().begin().await?;
        check_count(&mut tx, destination.tenant).await?;
        let sql = "-- destination_create()
            INSERT INTO destinations (
                tenant_id, destination_id, name, settings, mapping, status, status_reason, plugin, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let mut values = changeable(&destination);
        values.extend([destination.plugin.as_str().into(), Value::from(destination.created_at)]);
        tx.execute(sql, values).await.map_err(named)?;
        let holder = (&*destination.tenant.text(), &*destination.id.text());
        credentials_put(&mut tx, &key, holder, &new.credentials).await?;
        self.commit_config(tx).await?;
        Ok(destination)
    }

    /// Changes a destination; nothing where there is none. Credentials make an unauthorized one active again, unless
    /// the patch says otherwise.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the tenant has another of this name; see [`StoreError`].
    #[tracing::instrument(name = "store.destination_patch", level = "debug", skip_all)]
    pub async fn destination_patch(
        &self,
        tenant: TenantId,
        id: DestinationId,
        patch: DestinationPatch,
    ) -> Result<Option<DestinationRow>, StoreError> {
        let key = self.seals().data_key(self.pool(), &tenant.text()).await?;
        let mut tx = self.pool().begin().await?;
        let find = format!(
            "-- destination_patch_find()
            SELECT tenant_id, destination_id, name, plugin, settings, mapping, status, status_reason, created_at
            FROM destinations
            WHERE tenant_id = $1 AND destination_id = $2
            {}",
            self.dialect().for_update()
        );
        let rows = tx.rows_text(find.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let destination = patched(read(row)?, &patch);
        let sql = "-- destination_patch()
            UPDATE destinations
            SET name = $3, settings = $4, mapping = $5, status = $6, status_reason = $7
            WHERE tenant_id = $1 AND destination_id = $2";
        tx.execute(sql, changeable(&destination)).await.map_err(named)?;
        credentials_put(&mut tx, &key, (&tenant.text(), &id.text()), &patch.credentials).await?;
        self.commit_config(tx).await?;
        Ok(Some(destination))
    }

    /// Ends a destination; what it still waited for is dead. Whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.destination_delete", level = "debug", skip_all)]
    pub async fn destination_delete(&self, tenant: TenantId, id: DestinationId) -> Result<bool, StoreError> {
        let mut tx = self.pool().begin().await?;
        let sql = "-- destination_delete()
            DELETE FROM destinations
            WHERE tenant_id = $1 AND destination_id = $2";
        if tx.execute(sql, vec![tenant.into(), id.into()]).await? == 0 {
            return Ok(false);
        }
        secrets_delete(&mut tx, &tenant.text(), &id.text()).await?;
        let sql = "-- destination_delete_pushes()
            UPDATE pushes
            SET status = $3, due_at = NULL, last_error = $4
            WHERE tenant_id = $1 AND destination_id = $2 AND due_at IS NOT NULL";
        let dead = PushStatus::Dead.as_str();
        tx.execute(sql, vec![tenant.into(), id.into(), dead.into(), Value::free_text(DELETED)]).await?;
        self.commit_config(tx).await?;
        Ok(true)
    }
}

async fn check_count(tx: &mut Tx, tenant: TenantId) -> Result<(), StoreError> {
    let sql = "-- destination_count()
        SELECT tenant_id, count(*)
        FROM destinations
        WHERE tenant_id = $1
        GROUP BY tenant_id";
    let Some(row) = tx.row(sql, vec![tenant.into()]).await? else { return Ok(()) };
    let mut cells = row.cells("destinations");
    cells.text("tenant_id")?;
    if usize::try_from(cells.int("count")?).is_ok_and(|count| count >= DESTINATIONS_PER_TENANT_MAX) {
        return Err(StoreError::Conflict { what: "all the destinations that a tenant may have" });
    }
    Ok(())
}

fn named(error: StoreError) -> StoreError {
    if is_unique_violation(&error) { StoreError::Conflict { what: NAMED } } else { error }
}

fn patched(destination: DestinationRow, patch: &DestinationPatch) -> DestinationRow {
    let reconnected = !patch.credentials.is_empty() && destination.status == DestinationStatus::Unauthorized;
    let unsaid =
        if reconnected { (DestinationStatus::Active, None) } else { (destination.status, destination.status_reason) };
    let (status, status_reason) = patch.status.clone().unwrap_or(unsaid);
    DestinationRow {
        name: patch.name.clone().unwrap_or(destination.name),
        settings: patch.settings.clone().unwrap_or(destination.settings),
        mapping: patch.mapping.clone().unwrap_or(destination.mapping),
        status,
        status_reason,
        ..destination
    }
}

/// The keys, and what a patch may change.
fn changeable(destination: &DestinationRow) -> Vec<Value> {
    vec![
        destination.tenant.into(),
        destination.id.into(),
        destination.name.as_str().into(),
        Value::free_text(&destination.settings),
        Value::free_text(&destination.mapping),
        destination.status.as_str().into(),
        Value::free_text_or_null(destination.status_reason.as_deref()),
    ]
}
