//! The store itself: opened once, cloned freely, closed once.
//!
//! What a database must promise is checked here, before the first row is read: its version, its settings, that no
//! other process has it, that the master key is the right one. See [`crate::db`] for how each of them opens and
//! [`crate::committer`] for how hot writes are committed.

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookyard_model::id::{Id, Noun};
use hookyard_model::instant::{Clock, Instant};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::committer::Committer;
use crate::db::{self, Dialect, Latch, Pool, Tx};
use crate::lock::Lock;
use crate::seal::{Seals, random};
use crate::signal::{Changes, Signals};
use crate::{Config, Database, OpenError, StoreError};

const CLOCK_EVERY: Duration = Duration::from_secs(10);

/// Hookyard's rows. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: Pool,
    latch: Latch,
    seals: Seals,
    signals: Signals,
    time: Time,
    committer: Committer,
    /// Until `close`; the committer holds it as well.
    lock: Mutex<Option<Arc<Lock>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropped without `close`: what waits is answered by nobody, and the tasks end.
        self.closing.cancel();
    }
}

/// The clock, and by how much the database's is ahead of it.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    offset_ms: Arc<AtomicI64>,
}

impl Time {
    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.clock.now().millis().saturating_add(self.offset_ms.load(Ordering::Relaxed)))
    }

    /// Keeps up with the database's clock until it is cancelled.
    async fn follow(self, pool: PgPool) {
        loop {
            tokio::time::sleep(CLOCK_EVERY).await;
            if let Err(error) = self.measure(&pool).await {
                tracing::warn!(error = %error, "could not read the database's clock: {error}");
            }
        }
    }

    async fn measure(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let offset = db::clock_offset_ms(pool, || self.clock.now().millis()).await?;
        self.offset_ms.store(offset, Ordering::Relaxed);
        Ok(())
    }
}

impl Store {
    /// Opens the database, brings its tables up to date and starts the committer. Runs inside a tokio runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let latch = Latch::new();
        let time = Time { clock, offset_ms: Arc::default() };
        let signals = Signals::new();
        let (tasks, closing) = (TaskTracker::new(), CancellationToken::new());
        let (pool, lock) = match &config.database {
            Database::Sqlite { path } => {
                let lock = Lock::take(path).await?;
                (db::open_sqlite(path, config.connections_max, latch.clone()).await?, Some(Arc::new(lock)))
            }
            Database::Postgres { url } => {
                let options: PgConnectOptions = url.parse().map_err(|error| latch.sort(error))?;
                let (pool, postgres) = db::open_postgres(options, config.connections_max, latch.clone()).await?;
                let until_closing = |task| {
                    let closing = closing.clone();
                    tasks.spawn(async move { closing.run_until_cancelled_owned(task).await })
                };
                type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
                until_closing(Box::pin(signals.clone().send(postgres.clone())) as Task);
                until_closing(Box::pin(signals.clone().listen(postgres.clone())));
                if !config.trust_clock {
                    time.measure(&postgres).await.map_err(|error| latch.sort(error))?;
                    until_closing(Box::pin(time.clone().follow(postgres)));
                }
                (pool, None)
            }
        };
        let seals = Seals::new(config.master_key);
        seals.check(&pool, &db::owner_text(None), time.now()).await?;
        let shared = (pool.clone(), time.clone(), signals.clone());
        let committer = Committer::start(shared, (lock.clone(), config.watch), &tasks, &closing)
            .map_err(|source| OpenError::File { path: "the committer's thread".to_owned(), source })?;
        let lock = Mutex::new(lock);
        let inner = Inner { pool, latch, seals, signals, time, committer, lock, tasks, closing };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The time that leases and due times follow: the clock's, corrected by the database's where several nodes
    /// share one.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.inner.time.now()
    }

    /// A key for one purpose, derived from the master key; the same every time.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.inner.seals.derive(purpose)
    }

    /// Resolves once the database can no longer be trusted; the process must stop then. Never on PostgreSQL.
    pub fn fatal(&self) -> impl Future<Output = ()> + Send + 'static {
        self.inner.latch.clone().fatal()
    }

    /// Hints that rows became due, on this node or another.
    #[must_use]
    pub fn changed(&self) -> Changes {
        self.inner.signals.work_changes()
    }

    /// Hints that the configuration changed, on this node or another; see [`Store::config_version`].
    #[must_use]
    pub fn config_changed(&self) -> Changes {
        self.inner.signals.config_changes()
    }

    /// Commits what waits, then closes the database and gives up its lock. Later calls on any clone fail.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.pool.close().await;
        self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.inner.pool.dialect()
    }

    pub(crate) fn seals(&self) -> &Seals {
        &self.inner.seals
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.inner.committer
    }

    /// A new id, made now.
    pub(crate) fn new_id<N: Noun>(&self) -> Result<Id<N>, StoreError> {
        let mut bytes = [0; 10];
        random(&mut bytes)?;
        Ok(Id::at(self.now(), bytes))
    }

    /// Counts the configuration's version up, commits, and tells everybody: the end of every management write.
    /// The count comes last, because every such write waits for its row.
    pub(crate) async fn commit_config(&self, mut tx: Tx) -> Result<(), StoreError> {
        config_bump(&mut tx).await?;
        tx.commit().await?;
        self.signals().config();
        Ok(())
    }
}

/// Counts the configuration's version up.
pub(crate) async fn config_bump(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "-- config_bump()
        UPDATE config
        SET value = value + 1
        WHERE name = 'version'";
    tx.execute(sql, vec![]).await?;
    Ok(())
}
