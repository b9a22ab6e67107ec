//! The directory: what the pipeline has to look up for every event, kept in memory.
//!
//! Who owns an account, which secrets prove its requests, which version of a plugin runs, who subscribes: all of it
//! changes by hand, a few times a day, and is read thousands of times a second. So it is read from the store once and
//! kept until something changes; then everything is forgotten at once, by [`Directory::forget`]: after each management
//! call on this node, and when another node says so. A read that was under way while it was forgotten is not kept.
//!
//! It refuses to decide anything: it answers what the store holds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hookyard_model::account::Account;
use hookyard_model::flow::Flow;
use hookyard_model::id::{AccountId, DestinationId, FlowId, SubscriptionId, TenantId};
use hookyard_model::plugin::{Digest, PluginVersion, World};
use hookyard_model::proof::Secrets;
use hookyard_model::secret::Secret;
use hookyard_model::subscription::Subscription;
use hookyard_store::{DestinationRow, Store, StoreError};

/// Entries of one kind that are kept; when there are more, that kind starts over.
const ENTRIES_MAX: usize = 50_000;

/// What the pipeline looks up. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    generation: AtomicU64,
    versions: Kept<(Option<TenantId>, World, String), Option<Arc<PluginVersion>>>,
    versions_by_digest: Kept<(TenantId, World, Digest), Option<Arc<PluginVersion>>>,
    application_secrets: Kept<String, Arc<NamedSecrets>>,
    accounts: Kept<AccountId, Option<Arc<AccountEntry>>>,
    shared_accounts: Kept<(String, String), Option<Arc<AccountEntry>>>,
    targets: Kept<TenantId, Arc<Vec<Target>>>,
    flows: Kept<TenantId, Arc<Vec<Arc<FlowEntry>>>>,
    destinations: Kept<TenantId, Arc<Vec<Arc<DestinationEntry>>>>,
}

/// Secrets by their names; several live values of one name stand newest first.
#[derive(Debug, Clone, Default)]
pub struct NamedSecrets(pub Vec<(String, Vec<Secret>)>);

/// An account with what proves and attaches.
#[derive(Debug)]
pub struct AccountEntry {
    /// The account.
    pub account: Account,
    /// What proves its requests.
    pub secrets: NamedSecrets,
    /// What is attached to fetches on its behalf.
    pub credentials: Vec<(String, Secret)>,
}

/// A flow with the version that runs and what is attached to its fetches.
#[derive(Debug)]
pub struct FlowEntry {
    /// The flow.
    pub flow: Flow,
    /// The version that a new run begins with; none where its plugin has none that runs.
    pub version: Option<Arc<PluginVersion>>,
    /// What is attached to its fetches.
    pub credentials: Vec<(String, Secret)>,
}

/// A destination with the version that runs and what is attached to its fetches.
#[derive(Debug)]
pub struct DestinationEntry {
    /// The destination.
    pub destination: DestinationRow,
    /// The version that runs; none where its plugin has none.
    pub version: Option<Arc<PluginVersion>>,
    /// What is attached to its fetches.
    pub credentials: Vec<(String, Secret)>,
}

/// A subscription with what signs for it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The subscription.
    pub subscription: Arc<Subscription>,
    /// Live secrets, newest first.
    pub secrets: Arc<Vec<Secret>>,
}

impl Secrets for NamedSecrets {
    fn live(&self, name: &str) -> Vec<Secret> {
        self.0.iter().filter(|(known, _)| known == name).flat_map(|(_, values)| values.iter().cloned()).collect()
    }
}

impl Directory {
    /// A directory over `store`, empty.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let inner = Inner {
            store,
            generation: AtomicU64::new(0),
            versions: Kept::default(),
            versions_by_digest: Kept::default(),
            application_secrets: Kept::default(),
            accounts: Kept::default(),
            shared_accounts: Kept::default(),
            targets: Kept::default(),
            flows: Kept::default(),
            destinations: Kept::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Something changed: the next look-ups ask the store.
    pub fn forget(&self) {
        let inner = &self.inner;
        inner.generation.fetch_add(1, Ordering::SeqCst);
        inner.versions.clear();
        inner.versions_by_digest.clear();
        inner.application_secrets.clear();
        inner.accounts.clear();
        inner.shared_accounts.clear();
        inner.targets.clear();
        inner.flows.clear();
        inner.destinations.clear();
    }

    /// The version that runs for a tenant: its own, or else the operator's (which `None` asks for).
    ///
    /// # Errors
    /// The store's.
    pub async fn provider(
        &self,
        tenant: Option<TenantId>,
        provider: &str,
    ) -> Result<Option<Arc<PluginVersion>>, StoreError> {
        self.version(tenant, World::Provider, provider).await
    }

    /// The version of a plugin that runs for a tenant: its own, or else the operator's (which `None` asks for).
    ///
    /// # Errors
    /// The store's.
    pub async fn version(
        &self,
        tenant: Option<TenantId>,
        world: World,
        name: &str,
    ) -> Result<Option<Arc<PluginVersion>>, StoreError> {
        let read = async || Ok(self.inner.store.plugin_resolve(tenant, world, name).await?.map(Arc::new));
        self.look_up(&self.inner.versions, (tenant, world, name.to_owned()), read).await
    }

    /// A version by its component: of the tenant's own plugins, or else of the operator's.
    ///
    /// # Errors
    /// The store's.
    pub async fn version_of(
        &self,
        tenant: TenantId,
        world: World,
        digest: Digest,
    ) -> Result<Option<Arc<PluginVersion>>, StoreError> {
        let read = async || Ok(self.inner.store.plugin_version_find(tenant, world, digest).await?.map(Arc::new));
        self.look_up(&self.inner.versions_by_digest, (tenant, world, digest), read).await
    }

    /// A tenant's flows, in the order in which they were made.
    ///
    /// # Errors
    /// The store's.
    pub async fn flows(&self, tenant: TenantId) -> Result<Arc<Vec<Arc<FlowEntry>>>, StoreError> {
        let read = async || {
            let mut entries = Vec::new();
            for (flow, credentials) in self.inner.store.flows_of(tenant).await? {
                let version = self.version(Some(tenant), World::Flow, &flow.plugin).await?;
                entries.push(Arc::new(FlowEntry { flow, version, credentials }));
            }
            Ok(Arc::new(entries))
        };
        self.look_up(&self.inner.flows, tenant, read).await
    }

    /// One of a tenant's flows.
    ///
    /// # Errors
    /// The store's.
    pub async fn flow(&self, tenant: TenantId, id: FlowId) -> Result<Option<Arc<FlowEntry>>, StoreError> {
        Ok(self.flows(tenant).await?.iter().find(|entry| entry.flow.id == id).cloned())
    }

    /// The operator's secrets for a provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn application_secrets(&self, provider: &str) -> Result<Arc<NamedSecrets>, StoreError> {
        let read = async || Ok(Arc::new(NamedSecrets(self.inner.store.application_secrets(provider).await?)));
        self.look_up(&self.inner.application_secrets, provider.to_owned(), read).await
    }

    /// An account by its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn account(&self, id: AccountId) -> Result<Option<Arc<AccountEntry>>, StoreError> {
        let read = async || match self.inner.store.account_find(id).await? {
            Some(account) => self.entry(account).await.map(Some),
            None => Ok(None),
        };
        self.look_up(&self.inner.accounts, id, read).await
    }

    /// The account that owns a key at a provider with a shared route.
    ///
    /// # Errors
    /// The store's.
    pub async fn shared_account(
        &self,
        provider: &str,
        account_key: &str,
    ) -> Result<Option<Arc<AccountEntry>>, StoreError> {
        let read = async || match self.inner.store.account_find_shared(provider, account_key).await? {
            Some((_, id)) => self.account(id).await,
            None => Ok(None),
        };
        self.look_up(&self.inner.shared_accounts, (provider.to_owned(), account_key.to_owned()), read).await
    }

    /// A tenant's subscriptions.
    ///
    /// # Errors
    /// The store's.
    pub async fn targets(&self, tenant: TenantId) -> Result<Arc<Vec<Target>>, StoreError> {
        let read = async || {
            let targets = self.inner.store.subscription_targets(tenant).await?;
            let target =
                |(subscription, secrets)| Target { subscription: Arc::new(subscription), secrets: Arc::new(secrets) };
            Ok(Arc::new(targets.into_iter().map(target).collect()))
        };
        self.look_up(&self.inner.targets, tenant, read).await
    }

    /// One of a tenant's subscriptions.
    ///
    /// # Errors
    /// The store's.
    pub async fn target(&self, tenant: TenantId, id: SubscriptionId) -> Result<Option<Target>, StoreError> {
        let targets = self.targets(tenant).await?;
        Ok(targets.iter().find(|target| target.subscription.id == id).cloned())
    }

    /// One of a tenant's destinations.
    ///
    /// # Errors
    /// The store's.
    pub async fn destination(
        &self,
        tenant: TenantId,
        id: DestinationId,
    ) -> Result<Option<Arc<DestinationEntry>>, StoreError> {
        let read = async || {
            let mut entries = Vec::new();
            for (destination, credentials) in self.inner.store.destinations_of(tenant).await? {
                let version = self.version(Some(tenant), World::Destination, &destination.plugin).await?;
                entries.push(Arc::new(DestinationEntry { destination, version, credentials }));
            }
            Ok(Arc::new(entries))
        };
        let all = self.look_up(&self.inner.destinations, tenant, read).await?;
        Ok(all.iter().find(|entry| entry.destination.id == id).cloned())
    }

    async fn entry(&self, account: Account) -> Result<Arc<AccountEntry>, StoreError> {
        let vault = self.inner.store.account_vault(account.tenant, account.id).await?;
        let secrets = NamedSecrets(vault.secrets);
        Ok(Arc::new(AccountEntry { account, secrets, credentials: vault.credentials }))
    }

    async fn look_up<K: Eq + Hash, V: Clone>(
        &self,
        kept: &Kept<K, V>,
        key: K,
        read: impl AsyncFnOnce() -> Result<V, StoreError>,
    ) -> Result<V, StoreError> {
        if let Some(value) = kept.get(&key) {
            return Ok(value);
        }
        let generation = self.inner.generation.load(Ordering::SeqCst);
        let value = read().await?;
        kept.put(key, value.clone(), || self.inner.generation.load(Ordering::SeqCst) == generation);
        Ok(value)
    }
}

/// One kind of entries.
struct Kept<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keeps an entry unless it may be stale; asked under the lock, so that a `clear` cannot slip in between.
    fn put(&self, key: K, value: V, is_current: impl FnOnce() -> bool) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !is_current() {
            return;
        }
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, value);
    }

    fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
