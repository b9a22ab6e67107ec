//! Versions of plugins, and the components that they are.

use hookyard_model::id::{PluginId, TenantId};
use hookyard_model::plugin::{Digest, Origin, Plugin, PluginVersion, World};

use super::{NewVersion, activated, read_cells, switch, unpause};
use crate::db::{Cells, Row, Tx, Value};
use crate::{PageRequest, Store, StoreError};

impl Store {
    /// Stores a version and makes its plugin where there is none. The same component again is the version that it
    /// was before (activated, if that is asked). One that the host took out of service comes back where a person
    /// uploads it again, and not where it is merely found again.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_add_version", level = "debug", skip_all)]
    pub async fn plugin_add_version(&self, new: NewVersion) -> Result<(Plugin, PluginVersion), StoreError> {
        let mut tx = self.pool().begin().await?;
        let (plugin, versions) = ensure(self, &mut tx, &new).await?;
        let version = match find_by_digest(&mut tx, &plugin, new.digest).await? {
            Some(version) => version,
            None => {
                let version = PluginVersion {
                    plugin: plugin.id,
                    version: versions.saturating_add(1),
                    digest: new.digest,
                    manifest: new.manifest.clone(),
                    bytes: u64::try_from(new.component.len()).unwrap_or(u64::MAX),
                    origin: new.origin,
                    created_at: self.now(),
                    paused: None,
                };
                insert(&mut tx, &plugin, &new, &version).await?;
                version
            }
        };
        let (plugin, version) = if new.activate && may_run(&new, &version) {
            let plugin = activated(plugin, version.version);
            unpause(&mut tx, &plugin).await?;
            (plugin, PluginVersion { paused: None, ..version })
        } else {
            (plugin, version)
        };
        switch(&mut tx, &plugin).await?;
        self.commit_config(tx).await?;
        Ok((plugin, version))
    }

    /// A plugin's versions, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_version_list", level = "debug", skip_all)]
    pub async fn plugin_version_list(
        &self,
        tenant: Option<TenantId>,
        id: PluginId,
        page: PageRequest<u32>,
    ) -> Result<Vec<PluginVersion>, StoreError> {
        let sql = "-- plugin_version_list()
            SELECT owner_id, plugin_id, version, digest, manifest, bytes, origin, created_at, paused
            FROM plugin_versions
            WHERE owner_id = $1 AND plugin_id = $2 AND version < $3
            ORDER BY version DESC
            LIMIT $4";
        let before = page.after.map_or(i64::MAX, i64::from);
        let values = vec![Value::owner(tenant), id.into(), before.into(), page.rows_max().into()];
        self.pool().rows(sql, values).await?.iter().map(read_version).collect()
    }

    /// The version that runs for this tenant: its own plugin's if it has one, else the operator's.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_resolve", level = "debug", skip_all)]
    pub async fn plugin_resolve(
        &self,
        tenant: Option<TenantId>,
        world: World,
        name: &str,
    ) -> Result<Option<PluginVersion>, StoreError> {
        let sql = "-- plugin_resolve()
            SELECT v.owner_id, v.plugin_id, v.version, v.digest, v.manifest, v.bytes, v.origin, v.created_at,
                v.paused
            FROM plugins AS p
            JOIN plugin_versions AS v
                ON v.owner_id = p.owner_id AND v.plugin_id = p.plugin_id AND v.version = p.active
            WHERE p.owner_id IN ($1, $2) AND p.world = $3 AND p.name = $4
            ORDER BY CASE WHEN p.owner_id = $1 THEN 0 ELSE 1 END
            LIMIT 1";
        let values = vec![Value::owner(tenant), Value::owner(None), world.as_str().into(), name.into()];
        self.pool().row(sql, values).await?.as_ref().map(read_version).transpose()
    }

    /// A version by its component: of the tenant's own plugins of this world, or else of the operator's.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.plugin_version_find", level = "debug", skip_all)]
    pub async fn plugin_version_find(
        &self,
        tenant: TenantId,
        world: World,
        digest: Digest,
    ) -> Result<Option<PluginVersion>, StoreError> {
        let sql = "-- plugin_version_find()
            SELECT v.owner_id, v.plugin_id, v.version, v.digest, v.manifest, v.bytes, v.origin, v.created_at,
                v.paused
            FROM plugins AS p
            JOIN plugin_versions AS v ON v.owner_id = p.owner_id AND v.plugin_id = p.plugin_id
            WHERE p.owner_id IN ($1, $2) AND p.world = $3 AND v.digest = $4
            ORDER BY CASE WHEN p.owner_id = $1 THEN 0 ELSE 1 END
            LIMIT 1";
        let owners = [Value::owner(Some(tenant)), Value::owner(None)];
        let values = owners.into_iter().chain([world.as_str().into(), digest.hex().into()]).collect();
        self.pool().row(sql, values).await?.as_ref().map(read_version).transpose()
    }

    /// A component's bytes, hashed again on the way out.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where they are no longer what they were; see [`StoreError`].
    #[tracing::instrument(name = "store.component_bytes", level = "debug", skip_all)]
    pub async fn component_bytes(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "-- component_bytes()
            SELECT digest, bytes
            FROM components
            WHERE digest = $1";
        let Some(row) = self.pool().row(sql, vec![digest.hex().into()]).await? else { return Ok(None) };
        let mut cells = row.cells("components");
        cells.text("digest")?;
        let bytes = cells.bytes("bytes")?;
        if Digest::of(&bytes) != digest {
            return Err(cells.undecodable("bytes"));
        }
        Ok(Some(bytes))
    }
}

/// Whether a version may be activated by whoever adds it.
fn may_run(new: &NewVersion, version: &PluginVersion) -> bool {
    match new.origin {
        Origin::Uploaded => true,
        Origin::Builtin | Origin::Folder => version.paused.is_none(),
    }
}

/// The plugin of this name, made where there is none, and locked until the transaction ends: its versions are counted
/// one after the other. The last count is beside it.
async fn ensure(store: &Store, tx: &mut Tx, new: &NewVersion) -> Result<(Plugin, u32), StoreError> {
    let sql = "-- plugin_ensure()
        INSERT INTO plugins (owner_id, plugin_id, world, name, versions, created_at)
        VALUES ($1, $2, $3, $4, 0, $5)
        ON CONFLICT DO NOTHING";
    let id: PluginId = store.new_id()?;
    let values = vec![
        Value::owner(new.tenant),
        id.into(),
        new.world.as_str().into(),
        new.name.as_str().into(),
        store.now().into(),
    ];
    tx.execute(sql, values).await?;
    let sql = format!(
        "-- plugin_lock_by_name()
        SELECT owner_id, plugin_id, world, name, active, previous, created_at, versions
        FROM plugins
        WHERE owner_id = $1 AND world = $2 AND name = $3
        {}",
        store.dialect().for_update()
    );
    let values = vec![Value::owner(new.tenant), new.world.as_str().into(), new.name.as_str().into()];
    let rows = tx.rows_text(sql.into(), values).await?;
    let missing = || StoreError::Undecodable { table: "plugins", column: "name", row: new.name.clone() };
    let mut cells = rows.first().ok_or_else(missing)?.cells("plugins");
    Ok((read_cells(&mut cells)?, cells.count("versions")?))
}

async fn find_by_digest(tx: &mut Tx, plugin: &Plugin, digest: Digest) -> Result<Option<PluginVersion>, StoreError> {
    let sql = "-- plugin_version_by_digest()
        SELECT owner_id, plugin_id, version, digest, manifest, bytes, origin, created_at, paused
        FROM plugin_versions
        WHERE owner_id = $1 AND plugin_id = $2 AND digest = $3";
    let values = vec![Value::owner(plugin.tenant), plugin.id.into(), digest.hex().into()];
    tx.row(sql, values).await?.as_ref().map(read_version).transpose()
}

async fn insert(tx: &mut Tx, plugin: &Plugin, new: &NewVersion, version: &PluginVersion) -> Result<(), StoreError> {
    let sql = "-- component_put()
        INSERT INTO components (digest, bytes, created_at)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    let values = vec![version.digest.hex().into(), new.component.as_slice().into(), version.created_at.into()];
    tx.execute(sql, values).await?;
    let sql = "-- plugin_version_create()
        INSERT INTO plugin_versions (owner_id, plugin_id, version, digest, manifest, bytes, origin, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = vec![
        Value::owner(plugin.tenant),
        plugin.id.into(),
        version.version.into(),
        version.digest.hex().into(),
        Value::json(&version.manifest),
        i64::try_from(version.bytes).unwrap_or(i64::MAX).into(),
        version.origin.as_str().into(),
        version.created_at.into(),
    ];
    tx.execute(sql, values).await?;
    let sql = "-- plugin_count_version()
        UPDATE plugins
        SET versions = $3
        WHERE owner_id = $1 AND plugin_id = $2";
    tx.execute(sql, vec![Value::owner(plugin.tenant), plugin.id.into(), version.version.into()]).await?;
    Ok(())
}

fn read_version(row: &Row) -> Result<PluginVersion, StoreError> {
    read_version_cells(&mut row.cells("plugin_versions"))
}

fn read_version_cells(cells: &mut Cells<'_>) -> Result<PluginVersion, StoreError> {
    cells.text("owner_id")?;
    Ok(PluginVersion {
        plugin: cells.id("plugin_id")?,
        version: cells.count("version")?,
        digest: cells.word("digest", Digest::from_hex)?,
        manifest: cells.json("manifest")?,
        bytes: cells.int("bytes")?.unsigned_abs(),
        origin: cells.word("origin", Origin::from_row)?,
        created_at: cells.instant("created_at")?,
        paused: cells.free_text_or_null("paused")?,
    })
}
