//! Hints that something changed: they wake, and carry nothing.
//!
//! A hint may be late, merged with others or lost with its connection; whoever waits for one also polls. On
//! PostgreSQL hints travel by `NOTIFY`, and never in a transaction that writes: it holds a lock of the whole server
//! while it commits, which would end group commit. One task sends what has gathered, a few times a second at most,
//! and another listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};

const WORK: &str = "hookyard_work";
const CONFIG: &str = "hookyard_config";
const SEND_PAUSE: Duration = Duration::from_millis(250);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Waits for changes that were made since it last looked.
#[derive(Debug, Clone)]
pub struct Changes(watch::Receiver<u64>);

impl Changes {
    /// Returns at the next change, at once where there was one since the last call; never again once the store is
    /// closed. Cancel-safe.
    pub async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Both kinds of hints, on their way in and out.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    work: Topic,
    config: Topic,
    outbox: Arc<Notify>,
}

#[derive(Debug, Clone)]
struct Topic {
    channel: &'static str,
    local: Arc<watch::Sender<u64>>,
    unsent: Arc<AtomicBool>,
}

impl Topic {
    fn new(channel: &'static str) -> Self {
        Self { channel, local: Arc::new(watch::Sender::new(0)), unsent: Arc::default() }
    }

    fn wake(&self) {
        self.local.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self { work: Topic::new(WORK), config: Topic::new(CONFIG), outbox: Arc::default() }
    }

    /// Rows became due.
    pub(crate) fn work(&self) {
        self.raise(&self.work);
    }

    /// The configuration changed.
    pub(crate) fn config(&self) {
        self.raise(&self.config);
    }

    pub(crate) fn work_changes(&self) -> Changes {
        Changes(self.work.local.subscribe())
    }

    pub(crate) fn config_changes(&self) -> Changes {
        Changes(self.config.local.subscribe())
    }

    /// Tells the other nodes, until it is cancelled. A hint that cannot be sent is dropped: they poll.
    pub(crate) async fn send(self, pool: PgPool) {
        loop {
            self.outbox.notified().await;
            for topic in [&self.work, &self.config] {
                if !topic.unsent.swap(false, Ordering::AcqRel) {
                    continue;
                }
                let sent =
                    sqlx::query("-- notify()\nSELECT pg_notify($1, '')").bind(topic.channel).execute(&pool).await;
                if let Err(error) = sent {
                    tracing::debug!(error = %error, "could not tell the other nodes: {error}");
                }
            }
            tokio::time::sleep(SEND_PAUSE).await;
        }
    }

    /// Hears the other nodes, until it is cancelled. What was said while the connection was down is made up for by
    /// waking everybody.
    pub(crate) async fn listen(self, pool: PgPool) {
        loop {
            if let Err(error) = self.listen_once(&pool).await {
                tracing::warn!(error = %error, "cannot hear the other nodes, polling meanwhile: {error}");
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen_once(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([WORK, CONFIG]).await?;
        self.work.wake();
        self.config.wake();
        while let Some(heard) = listener.try_recv().await? {
            if heard.channel() == WORK {
                self.work.wake();
            } else {
                self.config.wake();
            }
        }
        Ok(())
    }

    fn raise(&self, topic: &Topic) {
        topic.wake();
        topic.unsent.store(true, Ordering::Release);
        self.outbox.notify_one();
    }
}
