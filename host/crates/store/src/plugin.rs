//! Plugins, their versions and the components themselves.

mod version;

use hookyard_model::id::{PluginId, TenantId};
use hookyard_model::manifest::Manifest;
use hookyard_model::plugin::{Digest, Origin, Plugin, World};

use crate::db::{Cells, Row, Tx, Value};
use crate::{PageRequest, Store, StoreError};

/// A component to be stored as a version.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Whose plugin; the operator's where none.
    pub tenant: Option<TenantId>,
    /// What it is for.
    pub world: World,
    /// The plugin's name.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
    /// Its digest; the caller has made it from these bytes.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Where it came from.
    pub origin: Origin,
    /// Whether it runs from now on.
    pub activate: bool,
}

impl Store {
    /// Runs this version from now on; nothing where there is no such plugin or version.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_activate", level = "debug", skip_all)]
    pub async fn plugin_activate(
        &self,
        tenant: Option<TenantId>,
        id: PluginId,
        version: u32,
    ) -> Result<Option<Plugin>, StoreError> {
        let mut tx = self.pool().begin().await?;
        let Some(plugin) = lock(self, &mut tx, tenant, id).await? else { return Ok(None) };
        let sql = "-- plugin_version_exists()
            SELECT owner_id
            FROM plugin_versions
            WHERE owner_id = $1 AND plugin_id = $2 AND version = $3";
        if tx.row(sql, vec![Value::owner(tenant), id.into(), version.into()]).await?.is_none() {
            return Ok(None);
        }
        let plugin = activated(plugin, version);
        unpause(&mut tx, &plugin).await?;
        switch(&mut tx, &plugin).await?;
        self.commit_config(tx).await?;
        Ok(Some(plugin))
    }

    /// Takes a version out of service. Where it is the one that runs, the version before takes over, else the newest
    /// that is in service, else none. The plugin as it is then, for the first of several calls alone.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_pause_version", level = "debug", skip_all)]
    pub async fn plugin_pause_version(
        &self,
        tenant: Option<TenantId>,
        id: PluginId,
        version: u32,
        reason: &str,
    ) -> Result<Option<Plugin>, StoreError> {
        let mut tx = self.pool().begin().await?;
        let Some(plugin) = lock(self, &mut tx, tenant, id).await? else { return Ok(None) };
        let sql = "-- plugin_version_pause()
            UPDATE plugin_versions
            SET paused = $4
            WHERE owner_id = $1 AND plugin_id = $2 AND version = $3 AND paused IS NULL";
        let values = vec![Value::owner(tenant), id.into(), version.into(), Value::free_text(reason)];
        if tx.execute(sql, values).await? == 0 {
            return Ok(None);
        }
        let plugin = if plugin.active == Some(version) {
            let active = successor(&mut tx, &plugin).await?;
            Plugin { active, previous: None, ..plugin }
        } else {
            plugin
        };
        switch(&mut tx, &plugin).await?;
        self.commit_config(tx).await?;
        Ok(Some(plugin))
    }

    /// Runs the version before, and remembers this one as the one before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is no version before; see [`StoreError`].
    #[tracing::instrument(name = "store.plugin_rollback", level = "debug", skip_all)]
    pub async fn plugin_rollback(&self, tenant: Option<TenantId>, id: PluginId) -> Result<Option<Plugin>, StoreError> {
        let mut tx = self.pool().begin().await?;
        let Some(plugin) = lock(self, &mut tx, tenant, id).await? else { return Ok(None) };
        let Some(previous) = plugin.previous else {
            return Err(StoreError::Conflict { what: "no previous version" });
        };
        let plugin = Plugin { active: Some(previous), previous: plugin.active, ..plugin };
        unpause(&mut tx, &plugin).await?;
        switch(&mut tx, &plugin).await?;
        self.commit_config(tx).await?;
        Ok(Some(plugin))
    }

    /// One plugin of its owner.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_get", level = "debug", skip_all)]
    pub async fn plugin_get(&self, tenant: Option<TenantId>, id: PluginId) -> Result<Option<Plugin>, StoreError> {
        let sql = "-- plugin_get()
            SELECT owner_id, plugin_id, world, name, active, previous, created_at
            FROM plugins
            WHERE owner_id = $1 AND plugin_id = $2";
        self.pool().row(sql, vec![Value::owner(tenant), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// An owner's plugins, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_list", level = "debug", skip_all)]
    pub async fn plugin_list(
        &self,
        tenant: Option<TenantId>,
        page: PageRequest<PluginId>,
    ) -> Result<Vec<Plugin>, StoreError> {
        let sql = "-- plugin_list()
            SELECT owner_id, plugin_id, world, name, active, previous, created_at
            FROM plugins
            WHERE owner_id = $1 AND plugin_id < $2
            ORDER BY plugin_id DESC
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![Value::owner(tenant), page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }
}

/// Reads a plugin and locks it until the transaction ends.
async fn lock(
    store: &Store,
    tx: &mut Tx,
    tenant: Option<TenantId>,
    id: PluginId,
) -> Result<Option<Plugin>, StoreError> {
    let sql = format!(
        "-- plugin_lock()
        SELECT owner_id, plugin_id, world, name, active, previous, created_at
        FROM plugins
        WHERE owner_id = $1 AND plugin_id = $2
        {}",
        store.dialect().for_update()
    );
    tx.rows_text(sql.into(), vec![Value::owner(tenant), id.into()]).await?.first().map(read).transpose()
}

/// The version that takes over: the one before, else the newest, of those in service.
async fn successor(tx: &mut Tx, plugin: &Plugin) -> Result<Option<u32>, StoreError> {
    let sql = "-- plugin_successor()
        SELECT owner_id, plugin_id, version
        FROM plugin_versions
        WHERE owner_id = $1 AND plugin_id = $2 AND paused IS NULL
        ORDER BY CASE WHEN version = $3 THEN 0 ELSE 1 END, version DESC
        LIMIT 1";
    let values = vec![Value::owner(plugin.tenant), plugin.id.into(), plugin.previous.into()];
    let Some(row) = tx.row(sql, values).await? else { return Ok(None) };
    let mut cells = row.cells("plugin_versions");
    cells.owner("owner_id")?;
    cells.text("plugin_id")?;
    cells.count("version").map(Some)
}

/// What a person chooses to run is in service again.
async fn unpause(tx: &mut Tx, plugin: &Plugin) -> Result<(), StoreError> {
    let sql = "-- plugin_version_unpause()
        UPDATE plugin_versions
        SET paused = NULL
        WHERE owner_id = $1 AND plugin_id = $2 AND version = $3 AND paused IS NOT NULL";
    tx.execute(sql, vec![Value::owner(plugin.tenant), plugin.id.into(), plugin.active.into()]).await?;
    Ok(())
}

/// Writes which version runs, and which ran before.
async fn switch(tx: &mut Tx, plugin: &Plugin) -> Result<(), StoreError> {
    let sql = "-- plugin_switch()
        UPDATE plugins
        SET active = $3, previous = $4
        WHERE owner_id = $1 AND plugin_id = $2";
    let values = vec![Value::owner(plugin.tenant), plugin.id.into(), plugin.active.into(), plugin.previous.into()];
    tx.execute(sql, values).await?;
    Ok(())
}

/// The plugin with `version` running; the one that ran is remembered, unless it is the same.
fn activated(plugin: Plugin, version: u32) -> Plugin {
    match plugin.active {
        Some(active) if active == version => plugin,
        Some(active) => Plugin { active: Some(version), previous: Some(active), ..plugin },
        None => Plugin { active: Some(version), ..plugin },
    }
}

fn read(row: &Row) -> Result<Plugin, StoreError> {
    read_cells(&mut row.cells("plugins"))
}

fn read_cells(cells: &mut Cells<'_>) -> Result<Plugin, StoreError> {
    Ok(Plugin {
        tenant: cells.owner("owner_id")?,
        id: cells.id("plugin_id")?,
        world: cells.word("world", World::from_row)?,
        name: cells.text("name")?,
        active: cells.count_or_null("active")?,
        previous: cells.count_or_null("previous")?,
        created_at: cells.instant("created_at")?,
    })
}
