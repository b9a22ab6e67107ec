//! Plugins between the sandbox and the store: checking, keeping, switching, shipping.
//!
//! An upload is checked whole before a row is written, so whatever the store holds has run at least once. A switch
//! loads first and commits after: by the time the row says so, the code is mapped, and a call that was under way ends
//! on the version it began with. The providers that ship inside the binary are the operator's like any other; a new
//! release replaces its predecessor's build of them, and never an upload.

mod traps;

use std::sync::Arc;

use hookyard_model::id::{PluginId, TenantId};
use hookyard_model::limits;
use hookyard_model::plugin::{Digest, Origin, Plugin, PluginVersion, World};
use hookyard_sandbox::{Blame, Checked, Guest, LoadError, Refusal, Sandbox};
use hookyard_store::{NewVersion, PageRequest, Store, StoreError};

use crate::directory::Directory;
use crate::operational::tell;
use traps::Traps;

/// The providers inside the binary: name and component.
pub const BUILTIN: [(&str, &[u8]); 3] = [
    ("github", include_bytes!(concat!(env!("OUT_DIR"), "/github.wasm"))),
    ("meta_lead_ads", include_bytes!(concat!(env!("OUT_DIR"), "/meta_lead_ads.wasm"))),
    ("standard_webhooks", include_bytes!(concat!(env!("OUT_DIR"), "/standard_webhooks.wasm"))),
];

/// Plugins of this host. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    store: Store,
    sandbox: Sandbox,
    directory: Directory,
    traps: Arc<Traps>,
}

/// Why a plugin could not be added or switched.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The component is refused, in a sentence for its author.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The version cannot be loaded any more.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is no such plugin or version.
    #[error("there is no such plugin or version")]
    NotFound,
}

impl Plugins {
    /// Over these three.
    #[must_use]
    pub fn new(store: Store, sandbox: Sandbox, directory: Directory) -> Self {
        Self { store, sandbox, directory, traps: Arc::default() }
    }

    /// Where guests are called.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Validates a component without keeping it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self, component: Vec<u8>) -> Result<Checked, Refusal> {
        self.sandbox.check(component).await
    }

    /// Checks a component and adds it as a new version, which runs from now on if `activate`. The same bytes again are
    /// the version that they were.
    ///
    /// # Errors
    /// What is wrong with it, or the store's fault.
    pub async fn add(
        &self,
        tenant: Option<TenantId>,
        component: Vec<u8>,
        origin: Origin,
        activate: bool,
    ) -> Result<(Plugin, PluginVersion), PluginError> {
        let checked = self.sandbox.check(component.clone()).await?;
        let new = NewVersion {
            tenant,
            world: checked.guest.world,
            name: checked.manifest.id.clone(),
            digest: checked.guest.digest,
            manifest: checked.manifest,
            component,
            origin,
            activate,
        };
        let added = self.store.plugin_add_version(new).await?;
        self.directory.forget();
        Ok(added)
    }

    /// Makes a version the one that runs.
    ///
    /// # Errors
    /// None such, not loadable, or the store's fault.
    pub async fn activate(
        &self,
        tenant: Option<TenantId>,
        plugin: PluginId,
        version: u32,
    ) -> Result<Plugin, PluginError> {
        // The page that begins behind `version + 1` begins with `version`.
        let page = PageRequest { after: version.checked_add(1), limit: 1 };
        let found = self.store.plugin_version_list(tenant, plugin, page).await?.into_iter().next();
        let found = found.filter(|found| found.version == version).ok_or(PluginError::NotFound)?;
        self.guest(found.digest).await?;
        let plugin = self.store.plugin_activate(tenant, plugin, version).await?.ok_or(PluginError::NotFound)?;
        self.directory.forget();
        Ok(plugin)
    }

    /// Goes back to the version that ran before.
    ///
    /// # Errors
    /// None such, none before, or the store's fault.
    pub async fn rollback(&self, tenant: Option<TenantId>, plugin: PluginId) -> Result<Plugin, PluginError> {
        let found = self.store.plugin_get(tenant, plugin).await?.ok_or(PluginError::NotFound)?;
        match found.previous {
            Some(previous) => self.activate(tenant, plugin, previous).await,
            None => Err(StoreError::Conflict { what: "version before this one: there is none, and that" }.into()),
        }
    }

    /// A loaded guest by its digest.
    ///
    /// # Errors
    /// It is missing or does not fit any more.
    pub async fn guest(&self, digest: Digest) -> Result<Arc<Guest>, LoadError> {
        let store = &self.store;
        let component = async || match store.component_bytes(digest).await {
            Ok(component) => component,
            Err(error) => {
                tracing::error!(component.digest = %digest, error = &error as &dyn std::error::Error, "could not read component {digest}");
                None
            }
        };
        self.sandbox.load(digest, component).await
    }

    /// A version by its component: of the tenant's own plugins, or else of the operator's.
    ///
    /// # Errors
    /// There is none any more, or the store's fault.
    pub async fn version(
        &self,
        tenant: TenantId,
        world: World,
        digest: Digest,
    ) -> Result<Arc<PluginVersion>, LoadError> {
        match self.directory.version_of(tenant, world, digest).await {
            Ok(found) => found.ok_or(LoadError::Missing(digest)),
            Err(error) => {
                tracing::error!(component.digest = %digest, error = &error as &dyn std::error::Error, "could not look up component {digest}");
                Err(LoadError::Unfit { digest, reason: "the store could not be asked".to_owned() })
            }
        }
    }

    /// Takes note that a version failed by its own fault. At the `limits::TRAPS_MAX`-th time within
    /// `limits::TRAP_WINDOW` it is paused, the last one that was not is put back, and its tenant is told by an event
    /// `plugin.paused`.
    pub async fn blame(&self, tenant: TenantId, world: World, digest: Digest, blame: &Blame) {
        if blame.is_ours() || !self.traps.is_too_many(tenant, digest, tokio::time::Instant::now()) {
            return;
        }
        let Ok(version) = self.version(tenant, world, digest).await else { return };
        if let Err(error) = self.pause(tenant, &version, blame).await {
            tracing::error!(plugin.id = %version.plugin, error = &error as &dyn std::error::Error, "could not pause version {} of `{}`", version.version, version.manifest.id);
        }
    }

    async fn pause(&self, tenant: TenantId, version: &PluginVersion, blame: &Blame) -> Result<(), StoreError> {
        // One tenant's events take nothing from the others that run the operator's plugin.
        let Some(plugin) = self.store.plugin_get(Some(tenant), version.plugin).await? else {
            tracing::warn!(plugin.id = %version.plugin, tenant.id = %tenant, "version {} of the operator's plugin `{}` fails again and again for tenant {tenant}: {blame}", version.version, version.manifest.id);
            return Ok(());
        };
        let minutes = limits::TRAP_WINDOW.as_secs() / 60;
        let reason = format!("it failed {} times within {minutes} minutes, at last so: {blame}", limits::TRAPS_MAX);
        let Some(now) = self.store.plugin_pause_version(Some(tenant), plugin.id, version.version, &reason).await?
        else {
            return Ok(());
        };
        self.directory.forget();
        tracing::warn!(plugin.id = %plugin.id, tenant.id = %tenant, "version {} of `{}` is paused: {reason}", version.version, plugin.name);
        let data = serde_json::json!({
            "plugin": plugin.id, "name": plugin.name, "world": plugin.world, "version": version.version,
            "reason": reason, "activeVersion": now.active,
        });
        tell(&self.store, tenant, "plugin.paused", &data).await
    }

    /// Adds the providers inside the binary as the operator's, and makes them run where nobody uploaded their own.
    ///
    /// # Errors
    /// One of them is refused, which a build would have shown, or the store's fault.
    pub async fn ship(&self) -> Result<(), PluginError> {
        for (name, component) in BUILTIN {
            let running = self.store.plugin_resolve(None, World::Provider, name).await?;
            let digest = Digest::of(component);
            if running.as_ref().is_some_and(|running| running.digest == digest) {
                self.guest(digest).await?;
                continue;
            }
            let activate = running.is_none_or(|running| running.origin == Origin::Builtin);
            let (_, version) = self.add(None, component.to_vec(), Origin::Builtin, activate).await?;
            tracing::info!(
                plugin.name = name,
                plugin.version = version.version,
                "shipped provider `{name}` is in place"
            );
        }
        Ok(())
    }
}
