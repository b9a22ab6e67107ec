//! The sandbox itself: check, load, call.
//!
//! [`Sandbox::check`] is the upload's way in: compile in the child, hold it against its world, ask it to describe
//! itself. [`Sandbox::load`] is the way back from a restart: sealed code from the disk, or compiled anew. The calls
//! run on sandbox threads, each in a store of its own that is gone when it returns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookyard_model::destination::{PushOrder, Receipt};
use hookyard_model::effect::{Effect, Entry};
use hookyard_model::http::Request;
use hookyard_model::limits;
use hookyard_model::manifest::Manifest;
use hookyard_model::plugin::Digest;
use hookyard_model::provider::{Failure, Inbound, Normalized, Page, PageQuery, Reception};
use hookyard_model::run::{Decision, Trigger};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::bindings::destination::DestinationPlugin;
use crate::bindings::flow::FlowPlugin;
use crate::bindings::provider::ProviderPlugin;
use crate::blame::{Blame, CallFailure, blame};
use crate::cache::{self, CodeCache};
use crate::compile::{CompileError, Compiler};
use crate::engine;
use crate::guest::{Guest, Linked};
use crate::lift;
use crate::state::{Call, CallState, Effects, GuestLog, NoSecrets, Stop};
use crate::threads::{JobError, Threads};
use crate::ticker::Ticker;

/// What a sandbox needs to start.
#[derive(Debug)]
pub struct Config {
    /// Threads that run guests: one a core.
    pub threads: usize,
    /// How components are compiled.
    pub compiler: Compiler,
    /// Where compiled code is kept.
    pub cache: CodeCache,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refused its settings, or the address space is too small.
    #[error("could not start the component engine")]
    Engine(#[source] wasmtime::Error),
    /// A thread did not start.
    #[error("could not start a sandbox thread")]
    Thread(#[source] std::io::Error),
}

/// Why a component is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Larger than it may be.
    #[error("the component has {bytes} bytes, and at most {max} are allowed{}", if *.max == limits::COMPONENT_BYTES_MAX { " where it carries no interpreter" } else { "" })]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What its class may have.
        max: usize,
    },
    /// Does not compile, or is not even a component.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Imports or exports what its world does not have.
    #[error("{0}")]
    Contract(String),
    /// Failed when it was asked to describe itself.
    #[error("the component could not describe itself: {0}")]
    Describe(CallFailure),
    /// Its manifest cannot be.
    #[error(transparent)]
    Manifest(#[from] hookyard_model::manifest::ManifestError),
    /// The host's fault.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Why a component that was accepted before cannot be loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// Nobody has its bytes any more.
    #[error("the component {0} is not in the store")]
    Missing(Digest),
    /// It does not compile or link any more, as after an update of the host.
    #[error("the component {digest} cannot be loaded: {reason}")]
    Unfit {
        /// Which.
        digest: Digest,
        /// Why.
        reason: String,
    },
}

/// A component that passed every check.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Ready to be called.
    pub guest: Arc<Guest>,
    /// What it says of itself.
    pub manifest: Manifest,
    /// What it wrote while it did.
    pub log: GuestLog,
}

/// A call that ended well.
#[derive(Debug, Clone)]
pub struct Finished<T> {
    /// What it gave.
    pub value: T,
    /// What it wrote.
    pub log: GuestLog,
    /// CPU that it used.
    pub cpu: Duration,
    /// Memory that it held at most, in bytes.
    pub memory_bytes: usize,
    /// Effects that the journal answered.
    pub effects: usize,
}

/// How far a run with effects came.
#[derive(Debug, Clone)]
pub enum Step<T> {
    /// To its end.
    Done(T),
    /// To an effect that the journal does not know yet.
    Wants(Effect),
}

/// Where guests live. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    compiler: Compiler,
    cache: CodeCache,
    threads: Threads,
    ticker: Ticker,
    loaded: Mutex<Loaded>,
}

impl Sandbox {
    /// Starts the threads and the engine.
    ///
    /// # Errors
    /// The machine cannot give what they need.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let threads = config.threads.max(1);
        let engine = engine::runtime(threads).map_err(StartError::Engine)?;
        let ticker = Ticker::start(&engine, threads).map_err(StartError::Thread)?;
        let cache = config.cache.bind(engine::compatibility(&engine));
        let threads = Threads::start(threads).map_err(StartError::Thread)?;
        let loaded = Mutex::new(Loaded::default());
        let inner = Inner { engine, compiler: config.compiler, cache, threads, ticker, loaded };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether `component` is a plugin that this host can run; if so it is loaded, and its code kept.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence for its author.
    pub async fn check(&self, component: Vec<u8>) -> Result<Checked, Refusal> {
        let bytes = component.len();
        if bytes > limits::COMPONENT_INTERPRETED_BYTES_MAX {
            return Err(Refusal::TooLarge { bytes, max: limits::COMPONENT_INTERPRETED_BYTES_MAX });
        }
        let digest = Digest::of(&component);
        let code = match self.inner.cache.find(digest) {
            Some(code) => code,
            None => self.inner.compiler.compile(&component).await?,
        };
        let guest = self.map(digest, code.clone()).await.map_err(Refusal::Contract)?;
        let max = guest.class.component_bytes_max();
        if bytes > max {
            return Err(Refusal::TooLarge { bytes, max });
        }
        let described = self.describe(&guest).await.map_err(Refusal::Describe)?;
        described.value.check()?;
        if let Err(error) = self.inner.cache.keep(digest, &code) {
            tracing::warn!(%error, "compiled code could not be kept; it will be compiled again after a restart");
        }
        self.loaded().insert(Arc::clone(&guest));
        Ok(Checked { guest, manifest: described.value, log: described.log })
    }

    /// The guest `digest`: loaded already, or from the cache, or compiled from what `component` brings.
    ///
    /// # Errors
    /// Nobody has it, or it does not fit any more.
    pub async fn load<F>(&self, digest: Digest, component: F) -> Result<Arc<Guest>, LoadError>
    where
        F: AsyncFnOnce() -> Option<Vec<u8>>,
    {
        if let Some(guest) = self.loaded().get(digest) {
            return Ok(guest);
        }
        let unfit = |reason: String| LoadError::Unfit { digest, reason };
        let code = match self.inner.cache.find(digest) {
            Some(code) => code,
            None => {
                let component = component().await.filter(|bytes| Digest::of(bytes) == digest);
                let component = component.ok_or(LoadError::Missing(digest))?;
                let code = self.inner.compiler.compile(&component).await.map_err(|error| unfit(error.to_string()))?;
                if let Err(error) = self.inner.cache.keep(digest, &code) {
                    tracing::warn!(%error, "compiled code could not be kept; it will be compiled again after a restart");
                }
                code
            }
        };
        let guest = self.map(digest, code).await.map_err(unfit)?;
        self.loaded().insert(Arc::clone(&guest));
        Ok(guest)
    }

    /// Asks a provider to read a request. It has no effects.
    ///
    /// # Errors
    /// The call failed; the inner error is the guest's own word that the request is malformed.
    pub async fn receive(
        &self,
        guest: &Arc<Guest>,
        call: Call,
        request: Request,
    ) -> Result<Finished<Result<Reception, String>>, CallFailure> {
        let state = CallState::new(call, Effects::Closed, guest.class);
        let done = self
            .call(guest, state, limits::RECEIVE_CPU, move |guest, store| {
                let request = lift::lower_request(request);
                let received = guest.provider(store)?.hookyard_plugin_provider().call_receive(store, &request)?;
                Ok(lift::reception(received))
            })
            .await?;
        let Finished { value, log, cpu, memory_bytes, effects } = done;
        match value {
            Step::Done(Ok(value)) => Ok(Finished { value, log, cpu, memory_bytes, effects }),
            Step::Done(Err(nonsense)) => Err(CallFailure { blame: Blame::Nonsense(nonsense), log, cpu }),
            Step::Wants(_) => Err(CallFailure { blame: Blame::Host("an effect where none can be".into()), log, cpu }),
        }
    }

    /// Asks a provider what an event means, up to the first effect that `journal` does not answer.
    ///
    /// # Errors
    /// The call failed; the inner error is the guest's own.
    pub async fn normalize(
        &self,
        guest: &Arc<Guest>,
        call: Call,
        event: Arc<Inbound>,
        settings: Arc<String>,
        journal: Arc<Vec<Entry>>,
    ) -> Result<Finished<Step<Result<Vec<Normalized>, Failure>>>, CallFailure> {
        let state = CallState::new(call, Effects::Journal(journal), guest.class);
        let done = self
            .call(guest, state, limits::NORMALIZE_CPU, move |guest, store| {
                let event = lift::lower_inbound(&event);
                let plugin = guest.provider(store)?;
                let normalized = plugin.hookyard_plugin_provider().call_normalize(store, &event, &settings)?;
                Ok(lift::normalized(normalized))
            })
            .await?;
        sensible(done)
    }

    /// Asks a provider for a page of history, up to the first effect that `journal` does not answer.
    ///
    /// # Errors
    /// The call failed; the inner error is the guest's own.
    pub async fn list_page(
        &self,
        guest: &Arc<Guest>,
        call: Call,
        query: PageQuery,
        settings: Arc<String>,
        journal: Arc<Vec<Entry>>,
    ) -> Result<Finished<Step<Result<Page, Failure>>>, CallFailure> {
        let state = CallState::new(call, Effects::Journal(journal), guest.class);
        let done = self
            .call(guest, state, limits::NORMALIZE_CPU, move |guest, store| {
                let query = lift::lower_page_query(query);
                let plugin = guest.provider(store)?;
                let page = plugin.hookyard_plugin_provider().call_list_page(store, &query, &settings)?;
                Ok(lift::page(page))
            })
            .await?;
        sensible(done)
    }

    /// Runs a flow, up to the first effect that `journal` does not answer.
    ///
    /// # Errors
    /// The call failed; the inner error is the guest's own.
    pub async fn run_flow(
        &self,
        guest: &Arc<Guest>,
        call: Call,
        trigger: Arc<Trigger>,
        settings: Arc<String>,
        journal: Arc<Vec<Entry>>,
    ) -> Result<Finished<Step<Result<Decision, Failure>>>, CallFailure> {
        let state = CallState::new(call, Effects::Journal(journal), guest.class);
        let done = self
            .call(guest, state, limits::FLOW_CPU, move |guest, store| {
                let trigger = lift::lower_trigger(&trigger);
                let actions = guest.flow(store)?.hookyard_plugin_flow().call_run(&mut *store, &trigger, &settings)?;
                Ok(lift::decision(actions, store.data_mut().take_writes()))
            })
            .await?;
        sensible(done)
    }

    /// Asks a destination to hold a lead, up to the first effect that `journal` does not answer.
    ///
    /// # Errors
    /// The call failed; the inner error is the guest's own.
    pub async fn push(
        &self,
        guest: &Arc<Guest>,
        call: Call,
        order: Arc<PushOrder>,
        journal: Arc<Vec<Entry>>,
    ) -> Result<Finished<Step<Result<Receipt, Failure>>>, CallFailure> {
        let state = CallState::new(call, Effects::Journal(journal), guest.class);
        let done = self
            .call(guest, state, limits::FLOW_CPU, move |guest, store| {
                let order = lift::lower_order(&order);
                let plugin = guest.destination(store)?;
                Ok(lift::receipt(plugin.hookyard_plugin_destination().call_push(store, &order)?))
            })
            .await?;
        sensible(done)
    }

    async fn describe(&self, guest: &Arc<Guest>) -> Result<Finished<Manifest>, CallFailure> {
        let call = Call { secrets: Arc::new(NoSecrets), now: hookyard_model::instant::Instant::EPOCH, seed: 0 };
        let state = CallState::new(call, Effects::Closed, guest.class);
        let done = self
            .call(guest, state, limits::DESCRIBE_CPU, |guest, store| {
                Ok(match &guest.linked {
                    Linked::Provider(linked) => {
                        let plugin = linked.instantiate(&mut *store)?;
                        lift::manifest(plugin.hookyard_plugin_provider().call_describe(store)?)
                    }
                    Linked::Destination(linked) => {
                        let plugin = linked.instantiate(&mut *store)?;
                        lift::destination_manifest(plugin.hookyard_plugin_destination().call_describe(store)?)
                    }
                    Linked::Flow(linked) => {
                        let plugin = linked.instantiate(&mut *store)?;
                        lift::flow_manifest(plugin.hookyard_plugin_flow().call_describe(store)?)
                    }
                })
            })
            .await?;
        let Finished { value, log, cpu, memory_bytes, effects } = done;
        match value {
            Step::Done(value) => Ok(Finished { value, log, cpu, memory_bytes, effects }),
            Step::Wants(_) => Err(CallFailure { blame: Blame::Host("an effect where none can be".into()), log, cpu }),
        }
    }

    /// Maps code and resolves imports, on a sandbox thread: both take a millisecond or so.
    async fn map(&self, digest: Digest, code: Vec<u8>) -> Result<Arc<Guest>, String> {
        let inner = Arc::clone(&self.inner);
        let mapped = self.inner.threads.run(move |_| {
            let component = cache::map(&inner.engine, &code).map_err(|error| format!("{error:#}"))?;
            Guest::link(&inner.engine, &component, digest).map(Arc::new)
        });
        mapped.await.map_err(|error| Blame::from(error).to_string())?
    }

    /// Runs `work` in a fresh instance of `guest`, on a sandbox thread.
    async fn call<T: Send + 'static>(
        &self,
        guest: &Arc<Guest>,
        state: CallState,
        cpu: Duration,
        work: impl FnOnce(&Guest, &mut Store<CallState>) -> wasmtime::Result<T> + Send + 'static,
    ) -> Result<Finished<Step<T>>, CallFailure> {
        let (inner, guest) = (Arc::clone(&self.inner), Arc::clone(guest));
        let called = self.inner.threads.run(move |thread| {
            let _running = inner.ticker.run(thread);
            run(&inner.engine, &guest, state, cpu, work)
        });
        called.await.unwrap_or_else(|error| Err(CallFailure::without_log(error.into())))
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        // A panic while it was held cannot have left it half-changed: its changes are single statements.
        self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run<T>(
    engine: &Engine,
    guest: &Guest,
    state: CallState,
    budget: Duration,
    work: impl FnOnce(&Guest, &mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<Finished<Step<T>>, CallFailure> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits::GUEST_HOSTCALL_BYTES_MAX);
    store.set_max_component_handles(limits::GUEST_HANDLES_MAX);
    let began = thread_cpu();
    set_deadline(&mut store, guest.class.cpu(budget), began);
    let result = work(guest, &mut store);
    let cpu = thread_cpu().saturating_sub(began);
    let mut state = store.into_data();
    state.log = std::mem::take(&mut state.log).finish();
    let value = match result {
        Ok(value) => Step::Done(value),
        Err(error) => match (error.downcast_ref::<Stop>(), state.wanted.take()) {
            (Some(Stop::Effect), Some(effect)) => Step::Wants(effect),
            _ => return Err(CallFailure { blame: blame(&error, &state), log: state.log, cpu }),
        },
    };
    Ok(Finished { value, cpu, memory_bytes: state.limiter.peak_bytes, effects: state.performed, log: state.log })
}

/// A fresh instance, of a guest that is in the world that the caller thinks it is in.
impl Guest {
    fn provider(&self, store: &mut Store<CallState>) -> wasmtime::Result<ProviderPlugin> {
        match &self.linked {
            Linked::Provider(linked) => linked.instantiate(store),
            Linked::Destination(_) | Linked::Flow(_) => Err(self.is_no("provider")),
        }
    }

    fn destination(&self, store: &mut Store<CallState>) -> wasmtime::Result<DestinationPlugin> {
        match &self.linked {
            Linked::Destination(linked) => linked.instantiate(store),
            Linked::Provider(_) | Linked::Flow(_) => Err(self.is_no("destination")),
        }
    }

    fn flow(&self, store: &mut Store<CallState>) -> wasmtime::Result<FlowPlugin> {
        match &self.linked {
            Linked::Flow(linked) => linked.instantiate(store),
            Linked::Provider(_) | Linked::Destination(_) => Err(self.is_no("flow")),
        }
    }

    fn is_no(&self, wanted: &str) -> wasmtime::Error {
        wasmtime::Error::msg(format!("it is a {}, and was called as a {wanted}", self.world.as_str()))
    }
}

/// The epoch brings us here when the budget's ticks are over. Ticks are wall time, and the machine may have been busy
/// with others meanwhile; so what counts is this thread's CPU, and wall time only as a multiple of it.
fn set_deadline(store: &mut Store<CallState>, budget: Duration, began: Duration) {
    let ticks = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let wall = budget.saturating_mul(limits::GUEST_WALL_FACTOR);
    let mut ticked = ticks(budget);
    store.set_epoch_deadline(ticked);
    store.epoch_deadline_callback(move |_| {
        let left = budget.saturating_sub(thread_cpu().saturating_sub(began));
        if left.is_zero() {
            return Err(Stop::Cpu(budget).into());
        }
        if ticked > ticks(wall) {
            return Err(Stop::Wall(wall).into());
        }
        ticked = ticked.saturating_add(ticks(left));
        Ok(UpdateDeadline::Continue(ticks(left)))
    });
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Turns what could not be lifted into blame.
fn sensible<T>(done: Finished<Step<Result<T, String>>>) -> Result<Finished<Step<T>>, CallFailure> {
    let Finished { value, log, cpu, memory_bytes, effects } = done;
    let value = match value {
        Step::Done(Ok(value)) => Step::Done(value),
        Step::Wants(effect) => Step::Wants(effect),
        Step::Done(Err(nonsense)) => return Err(CallFailure { blame: Blame::Nonsense(nonsense), log, cpu }),
    };
    Ok(Finished { value, log, cpu, memory_bytes, effects })
}

impl From<JobError> for Blame {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Busy => Self::Busy,
            JobError::Panicked => Self::Host("a sandbox thread panicked".to_owned()),
        }
    }
}

/// Loaded guests, the least recently used ones leaving when their code is more than
/// `limits::LOADED_CODE_BYTES_MAX`. A guest that leaves while a call runs goes when the call ends.
#[derive(Default)]
struct Loaded {
    guests: HashMap<Digest, (Arc<Guest>, u64)>,
    uses: u64,
    code_bytes: u64,
}

impl Loaded {
    fn get(&mut self, digest: Digest) -> Option<Arc<Guest>> {
        self.uses += 1;
        let (guest, used) = self.guests.get_mut(&digest)?;
        *used = self.uses;
        Some(Arc::clone(guest))
    }

    fn insert(&mut self, guest: Arc<Guest>) {
        self.uses += 1;
        self.code_bytes = self.code_bytes.saturating_add(guest.code_bytes);
        if let Some((old, _)) = self.guests.insert(guest.digest, (guest, self.uses)) {
            self.code_bytes = self.code_bytes.saturating_sub(old.code_bytes);
        }
        while self.code_bytes > limits::LOADED_CODE_BYTES_MAX && self.guests.len() > 1 {
            let Some(oldest) = self.guests.iter().min_by_key(|(_, (_, used))| *used).map(|(digest, _)| *digest) else {
                return;
            };
            if let Some((guest, _)) = self.guests.remove(&oldest) {
                self.code_bytes = self.code_bytes.saturating_sub(guest.code_bytes);
            }
        }
    }
}
