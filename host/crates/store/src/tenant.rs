//! Tenants: who everything else belongs to.
//!
//! A tenant's row and the data key that seals its secrets are born together.

use hookyard_model::id::TenantId;
use hookyard_model::instant::Instant;

use crate::db::{Row, owner_text};
use crate::{PageRequest, Store, StoreError};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// For people.
    pub name: String,
    /// When it was made.
    pub created_at: Instant,
}

impl Store {
    /// Makes a tenant, and the key that will seal its secrets.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.tenant_create", level = "debug", skip_all)]
    pub async fn tenant_create(&self, name: &str) -> Result<Tenant, StoreError> {
        let tenant = Tenant { id: self.new_id()?, name: name.to_owned(), created_at: self.now() };
        let mut tx = self.pool().begin().await?;
        self.seals().create(&mut tx, &owner_text(Some(tenant.id)), tenant.created_at).await?;
        let sql = "-- tenant_create()
            INSERT INTO tenants (tenant_id, name, created_at)
            VALUES ($1, $2, $3)";
        tx.execute(sql, vec![tenant.id.into(), name.into(), tenant.created_at.into()]).await?;
        self.commit_config(tx).await?;
        Ok(tenant)
    }

    /// One tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.tenant_get", level = "debug", skip_all)]
    pub async fn tenant_get(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let sql = "-- tenant_get()
            SELECT tenant_id, name, created_at
            FROM tenants
            WHERE tenant_id = $1";
        self.pool().row(sql, vec![id.into()]).await?.as_ref().map(read).transpose()
    }

    /// Tenants, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.tenant_list", level = "debug", skip_all)]
    pub async fn tenant_list(&self, page: PageRequest<TenantId>) -> Result<Vec<Tenant>, StoreError> {
        let sql = "-- tenant_list()
            SELECT tenant_id, name, created_at
            FROM tenants
            WHERE tenant_id < $1
            ORDER BY tenant_id DESC
            LIMIT $2";
        let rows = self.pool().rows(sql, vec![page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Tenant, StoreError> {
    let mut cells = row.cells("tenants");
    Ok(Tenant { id: cells.id("tenant_id")?, name: cells.text("name")?, created_at: cells.instant("created_at")? })
}
