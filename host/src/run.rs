//! The composition root: the only place where a host is put together.
//!
//! [`Host::start`] reads as the list of what a host is: a store, a directory over it, a sandbox and its plugins, a way
//! out, the stages from the last to the first (so that each has the next one's way in), and the listeners in front.
//! Everything that a test wants different (the clock, the pace, the compiler's program) comes in by [`Surroundings`];
//! nothing is global, and two hosts can live in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hookyard_egress::{Egress, ResolverChoice};
use hookyard_model::delivery::ClaimedDelivery;
use hookyard_model::event::ClaimedEvent;
use hookyard_model::instant::Clock;
use hookyard_model::limits;
use hookyard_model::run::ClaimedRun;
use hookyard_sandbox::{CodeCache, Compiler, Sandbox};
use hookyard_store::{ClaimedPush, CommitWatch, MasterKey, NewKey, PageRequest, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::COMPILE_ARGUMENT;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::directory::Directory;
use crate::flows::guests::Guests;
use crate::flows::inline::Inline;
use crate::flows::quota::Quota;
use crate::flows::transform::Transforms;
use crate::http::auth::{MintedKey, Scope};
use crate::http::{Api, router, server};
use crate::lifecycle::Parts;
use crate::pipeline::Front;
use crate::pipeline::deliver::Deliver;
use crate::pipeline::event_log::EventLog;
use crate::pipeline::flows::Flows;
use crate::pipeline::normalize::Normalize;
use crate::pipeline::push::Push;
use crate::pipeline::refusals::Refusals;
use crate::pipeline::verify::Verify;
use crate::plugin_folder;
use crate::plugins::Plugins;
use crate::shares::Shares;
use crate::telemetry::Metrics;
use crate::worker::{self, Handoff, Pace};

/// How often a host tidies up after itself.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows that one round of tidying removes at most, of each kind.
const UPKEEP_ROWS: u32 = 500;

/// What is around a host: the machine's own, unless a test says otherwise.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether leases follow that clock even where the database has one.
    pub trust_clock: bool,
    /// How often workers look at their tables.
    pub pace: Pace,
    /// The program that compiles when it is called with [`COMPILE_ARGUMENT`].
    pub compiler: PathBuf,
    /// Who answers for names.
    pub resolver: ResolverChoice,
    /// Who is told of each commit of the pipeline.
    pub commit_watch: Option<CommitWatch>,
}

impl Surroundings {
    /// This machine's, with this very program as the compiler.
    ///
    /// # Errors
    /// The operating system does not say which program this is.
    pub fn of_this_machine() -> anyhow::Result<Self> {
        Ok(Self {
            clock: Arc::new(SystemClock),
            trust_clock: false,
            pace: Pace::default(),
            compiler: std::env::current_exe().context("could not find this program's own file")?,
            resolver: ResolverChoice::System,
            commit_watch: None,
        })
    }
}

/// A host that runs.
pub struct Host {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    operator_key: Option<String>,
    store: Store,
    parts: Parts,
    stop: CancellationToken,
    stop_within: Duration,
}

impl Host {
    /// Starts a host on this machine.
    ///
    /// # Errors
    /// Whatever it cannot do without: the data folder, the database, the address.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_in(config, Surroundings::of_this_machine()?).await
    }

    /// Starts a host in surroundings of the caller's.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub async fn start_in(config: Config, around: Surroundings) -> anyhow::Result<Self> {
        let store = open_store(&config, &around).await?;
        let operator_key = operator_key(&config, &store).await?;
        let directory = Directory::new(store.clone());
        let sandbox = sandbox(&config, &around, &store)?;
        let plugins = Plugins::new(store.clone(), sandbox, directory.clone());
        plugins.ship().await.context("could not put the shipped providers in place")?;
        let egress = egress(&config, around.resolver)?;
        let metrics = Arc::new(Metrics::default());
        let guests = Guests::new(plugins.clone(), Arc::clone(&metrics), config.sandbox_threads);
        let shared = Shared { store, directory, plugins, guests, egress, metrics, clock: around.clock };
        let (to_deliver, deliveries) = Handoff::new(limits::HANDOFF_ROWS_MAX);
        let (to_flows, runs) = Handoff::new(limits::HANDOFF_ROWS_MAX);
        let (to_normalize, events) = Handoff::new(limits::HANDOFF_ROWS_MAX);
        let deliver = Arc::new(shared.deliver(to_deliver.clone()));
        let flows = Arc::new(shared.flows(to_flows.clone()));
        let (to_push, pushes) = Handoff::new(limits::HANDOFF_ROWS_MAX);
        let push = Arc::new(shared.push(to_push));
        let normalize = Arc::new(shared.normalize((to_normalize.clone(), to_deliver, to_flows), config.runs_per_day));
        let front = Arc::new(shared.front(to_normalize));

        let listener = listen(config.listen).await?;
        let address = listener.local_addr().context("could not read the address listened on")?;
        let admin = match config.admin_listen {
            Some(admin) => Some(listen(admin).await?),
            None => None,
        };
        let admin_address = admin.as_ref().and_then(|listener| listener.local_addr().ok());
        let api = shared.api(front, config.public_url(address));

        let mut parts = Parts::default();
        let routes = match admin {
            Some(admin) => {
                parts.start("admin", |stop| server::serve(admin, router::operations_router(api.clone()), stop));
                router::router_without_metrics(api)
            }
            None => router::router(api),
        };
        parts.start("http", |stop| server::serve(listener, routes, stop));
        let (pace, changed) = (around.pace, shared.store.changed());
        parts.start("normalize", |stop| worker::run(normalize, events, changed.clone(), pace, stop));
        parts.start("push", |stop| worker::run(push, pushes, changed.clone(), pace, stop));
        parts.start("flows", |stop| worker::run(flows, runs, changed.clone(), pace, stop));
        parts.start("deliver", |stop| worker::run(deliver, deliveries, changed, pace, stop));
        if let Some(folder) = config.plugins.clone() {
            anyhow::ensure!(
                folder.is_dir(),
                "the folder of plugins {} is not there: make it, or name another",
                folder.display()
            );
            let plugins = shared.plugins.clone();
            parts.start("plugin-folder", |stop| plugin_folder::watch(folder, plugins, stop));
        }
        let (store, directory) = (shared.store.clone(), shared.directory);
        parts.start("upkeep", |stop| upkeep(store, directory, config.retention_days, stop));
        Ok(Self {
            address,
            admin_address,
            operator_key,
            store: shared.store,
            parts,
            stop: CancellationToken::new(),
            stop_within: config.shutdown_timeout,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's endpoints are, if apart.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The operator's key, if it was made at this start: the only time that it can be shown.
    #[must_use]
    pub fn operator_key_once(&self) -> Option<&str> {
        self.operator_key.as_deref()
    }

    /// The rows, for a test to look at.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Asks it to end; [`Host::wait`] returns when it has.
    pub fn shutdown(&self) {
        self.stop.cancel();
    }

    /// What [`Host::shutdown`] does, for somebody who does not hold the host.
    #[must_use]
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until it was asked to end, and ends it.
    ///
    /// # Errors
    /// It ended by itself, because its database can no longer be trusted.
    pub async fn wait(self) -> anyhow::Result<()> {
        let fatal = tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.store.fatal() => true,
        };
        let within = if fatal { Duration::from_secs(1) } else { self.stop_within };
        self.parts.stop(within).await;
        self.store.close().await;
        anyhow::ensure!(
            !fatal,
            "the database failed in a way that writing on would make worse; check the disk, then start again"
        );
        Ok(())
    }
}

/// From normalize to itself, to subscriptions and to flows.
type WaysIn = (Handoff<ClaimedEvent>, Handoff<ClaimedDelivery>, Handoff<ClaimedRun>);

/// What every stage has at hand.
struct Shared {
    store: Store,
    directory: Directory,
    plugins: Plugins,
    guests: Guests,
    egress: Egress,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Shared {
    fn inline(&self) -> Inline {
        Inline { guests: self.guests.clone(), store: self.store.clone(), egress: self.egress.clone() }
    }

    fn flows(&self, again: Handoff<ClaimedRun>) -> Flows {
        Flows {
            store: self.store.clone(),
            directory: self.directory.clone(),
            guests: self.guests.clone(),
            egress: self.egress.clone(),
            metrics: Arc::clone(&self.metrics),
            shares: Shares::new(limits::RUNS_PER_TENANT_AT_ONCE),
            again,
        }
    }

    fn deliver(&self, again: Handoff<ClaimedDelivery>) -> Deliver {
        Deliver {
            store: self.store.clone(),
            directory: self.directory.clone(),
            egress: self.egress.clone(),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            shares: Shares::new(limits::DELIVER_CONCURRENCY_PER_SUBSCRIPTION),
            transforms: Transforms {
                store: self.store.clone(),
                directory: self.directory.clone(),
                inline: self.inline(),
            },
            again,
        }
    }

    fn push(&self, again: Handoff<ClaimedPush>) -> Push {
        Push {
            store: self.store.clone(),
            directory: self.directory.clone(),
            plugins: self.plugins.clone(),
            egress: self.egress.clone(),
            metrics: Arc::clone(&self.metrics),
            shares: Shares::new(limits::PUSH_CONCURRENCY_PER_DESTINATION),
            again,
        }
    }

    fn normalize(&self, (again, deliveries, runs): WaysIn, a_day: u32) -> Normalize {
        Normalize {
            store: self.store.clone(),
            directory: self.directory.clone(),
            plugins: self.plugins.clone(),
            egress: self.egress.clone(),
            metrics: Arc::clone(&self.metrics),
            inline: self.inline(),
            quota: Quota::new(self.store.clone(), a_day),
            shares: Shares::new(limits::NORMALIZE_CONCURRENCY_PER_TENANT),
            again,
            deliveries,
            runs,
        }
    }

    fn front(&self, next: Handoff<ClaimedEvent>) -> Front {
        let (store, clock, metrics) = (self.store.clone(), Arc::clone(&self.clock), Arc::clone(&self.metrics));
        Front {
            verify: Verify {
                directory: self.directory.clone(),
                plugins: self.plugins.clone(),
                clock: Arc::clone(&clock),
                metrics: Arc::clone(&metrics),
            },
            event_log: EventLog { store: store.clone(), next },
            refusals: Refusals::new(store, clock, metrics, TaskTracker::new()),
        }
    }

    fn api(&self, front: Arc<Front>, public_url: String) -> Api {
        Api {
            store: self.store.clone(),
            directory: self.directory.clone(),
            plugins: self.plugins.clone(),
            guests: self.guests.clone(),
            egress: self.egress.clone(),
            front,
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            cursor_key: self.store.derive_key("cursor"),
            public_url: public_url.trim_end_matches('/').into(),
        }
    }
}

async fn open_store(config: &Config, around: &Surroundings) -> anyhow::Result<Store> {
    let data = &config.data;
    tokio::fs::create_dir_all(data).await.with_context(|| format!("could not make the folder {}", data.display()))?;
    let master_key = match &config.master_key {
        Some(key) => key.clone(),
        None => MasterKey::load_or_create(&data.join("master.key")).context("could not read or make the master key")?,
    };
    let mut store = hookyard_store::Config::new(config.store_database(), master_key);
    store.trust_clock = around.trust_clock;
    store.watch.clone_from(&around.commit_watch);
    Store::open(store, Arc::clone(&around.clock)).await.context("could not open the database")
}

/// The operator's key: the configured one, made known to the store; or, where there never was one, a new one.
async fn operator_key(config: &Config, store: &Store) -> anyhow::Result<Option<String>> {
    let new = |key: &MintedKey| NewKey {
        tenant: None,
        name: "operator".to_owned(),
        scopes: vec![Scope::Admin.as_str().to_owned(), Scope::Publish.as_str().to_owned()],
        expires_at: None,
        sha256: key.sha256,
        prefix: key.prefix.clone(),
    };
    if let Some(key) = &config.operator_key {
        let text = std::str::from_utf8(key.expose()).context("the operator's key is not text")?;
        let key = MintedKey::from_text(text.to_owned());
        if store.key_find(&key.sha256).await?.is_none() {
            store.key_create(new(&key)).await?;
        }
        return Ok(None);
    }
    if !store.key_list(None, PageRequest::first(1)).await?.is_empty() {
        return Ok(None);
    }
    let key = MintedKey::random();
    store.key_create(new(&key)).await?;
    Ok(Some(key.text))
}

fn sandbox(config: &Config, around: &Surroundings, store: &Store) -> anyhow::Result<Sandbox> {
    let sandbox = hookyard_sandbox::Config {
        threads: config.sandbox_threads,
        compiler: Compiler::new(around.compiler.clone(), COMPILE_ARGUMENT),
        cache: CodeCache::new(&config.data.join("compiled"), store.derive_key("compiled-code")),
    };
    Sandbox::start(sandbox).context("could not start the sandbox")
}

fn egress(config: &Config, resolver: ResolverChoice) -> anyhow::Result<Egress> {
    let egress = hookyard_egress::Config {
        allow_http: config.allow_http,
        allowed_networks: config.allow_private_network.clone(),
        allowed_ports: config.allow_port.clone(),
        reroutes: config.provider_host.clone(),
        extra_roots: Vec::new(),
        resolver,
    };
    Egress::new(egress).context("could not set up the way out")
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("could not listen on {address}: is something there already? choose another with --listen")
    })
}

/// Tidies up: what is too old goes, in small batches; what changed elsewhere is looked up again.
async fn upkeep(store: Store, directory: Directory, retention_days: Option<u32>, stop: CancellationToken) {
    let mut config_changed = store.config_changed();
    let mut round = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = config_changed.wait() => directory.forget(),
            _ = round.tick() => tidy(&store, retention_days).await,
        }
    }
}

async fn tidy(store: &Store, retention_days: Option<u32>) {
    if let Err(error) = store.idempotency_purge(UPKEEP_ROWS).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "old idempotency keys were not removed");
    }
    let Some(days) = retention_days else { return };
    let before = store.now().minus(Duration::from_secs(u64::from(days) * 24 * 3600));
    if let Err(error) = store.purge(before, UPKEEP_ROWS).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "old events were not removed");
    }
}
