//! Plugins between the sandbox and the store: checking, keeping, switching, shipping.
//!
//! An upload is checked whole before a row is written, so whatever the store holds has run at least once. A switch
//! loads first and commits after: by the time the row says so, the code is mapped, and a call that was under way ends
//! on the version it began with. The providers that ship inside the binary are the operator's like any other; a new
//! release replaces its predecessor's build of them, and never an upload.

use std::sync::Arc;

use hookyard_model::id::{PluginId, TenantId};
use hookyard_model::plugin::{Digest, Origin, Plugin, PluginVersion};
use hookyard_sandbox::{Checked, Guest, LoadError, Refusal, Sandbox};
use hookyard_store::{NewVersion, PageRequest, Store, StoreError};

use crate::directory::Directory;

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
        Self { store, sandbox, directory }
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

    /// Adds the providers inside the binary as the operator's, and makes them run where nobody uploaded their own.
    ///
    /// # Errors
    /// One of them is refused, which a build would have shown, or the store's fault.
    pub async fn ship(&self) -> Result<(), PluginError> {
        for (name, component) in BUILTIN {
            let running = self.store.plugin_resolve(None, hookyard_model::plugin::World::Provider, name).await?;
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
