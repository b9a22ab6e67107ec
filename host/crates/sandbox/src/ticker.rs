//! The epoch clock: one tick a millisecond while any guest runs, and silence otherwise.
//!
//! Guests check the epoch at every loop and call; a store's deadline counts in these ticks. A thread of its own keeps
//! the time, because a runtime busy with other work would let every guest run over. It also watches what epochs
//! cannot interrupt: a call that is still there after [`STUCK_TICKS`] of the ticker's own ticks (which do not count
//! while the whole process is stopped) means that a thread is lost, and the process ends so that a supervisor can
//! start a sound one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::Engine;

/// How long a tick is.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Ticks without a call after which the ticker goes to sleep.
const IDLE_TICKS: u32 = 100;
/// Ticks after which a call counts as stuck where no epoch reaches.
const STUCK_TICKS: u64 = 60_000;
const NOT_RUNNING: u64 = u64::MAX;

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    stopping: AtomicBool,
    now: AtomicU64,
    /// For each sandbox thread, the tick at which its call began.
    began: Vec<AtomicU64>,
}

/// A call under way on one thread; dropping it ends it.
pub(crate) struct Running<'a> {
    ticker: &'a Ticker,
    thread: usize,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine, threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            now: AtomicU64::new(0),
            began: (0..threads).map(|_| AtomicU64::new(NOT_RUNNING)).collect(),
        });
        let (engine, theirs) = (engine.weak(), Arc::clone(&shared));
        let thread = thread::Builder::new().name("sandbox-ticker".into()).spawn(move || {
            let mut idle = 0;
            while !theirs.stopping.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                theirs.watch();
                idle = if theirs.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
                if idle >= IDLE_TICKS {
                    theirs.sleep();
                    idle = 0;
                }
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Tells that sandbox thread `thread` runs a guest from now on.
    pub(crate) fn run(&self, thread: usize) -> Running<'_> {
        if let Some(began) = self.shared.began.get(thread) {
            began.store(self.shared.now.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Running { ticker: self, thread }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Shared {
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        // Whoever began a call before the store above is seen here; whoever begins after it sees us asleep.
        if self.running.load(Ordering::SeqCst) == 0 && !self.stopping.load(Ordering::SeqCst) {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn watch(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        if !now.is_multiple_of(1_000) {
            return;
        }
        let stuck = |began: &AtomicU64| {
            let began = began.load(Ordering::Relaxed);
            began != NOT_RUNNING && now.saturating_sub(began) > STUCK_TICKS
        };
        if self.began.iter().any(stuck) {
            tracing::error!("a guest call has not ended for a minute and cannot be interrupted; ending the process");
            std::process::abort();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.ticker.shared.running.fetch_sub(1, Ordering::SeqCst);
        if let Some(began) = self.ticker.shared.began.get(self.thread) {
            began.store(NOT_RUNNING, Ordering::Relaxed);
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The ticker cannot panic; a join that failed would mean only that it is gone already.
            let _ = thread.join();
        }
    }
}
