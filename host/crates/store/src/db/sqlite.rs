//! Opening a SQLite file so that "committed" means "on disk", and checking that SQLite agrees.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlitePool};

use super::fault::Latch;
use super::pool::Pool;
use crate::{OpenError, StoreError};

/// Releases before this one can lose a log that two connections check-point at once.
const VERSION_MIN: [u32; 3] = [3, 51, 3];
/// Pages that the writer keeps in memory, in KiB: the indexes' upper levels and the rows that are settled soon. More
/// would cost more than it saves: after the first page split, SQLite walks the whole cache at every commit.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Pages after which the log is written back: enough that a page which many commits touched is written back once.
const CHECKPOINT_PAGES: i64 = 4_000;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the file, brings its tables up to date and checks it.
pub(crate) async fn open(path: &Path, readers_max: u32, latch: Latch) -> Result<Pool, OpenError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(1_024);
    let writes = options
        .clone()
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        // A statement of many rows keeps what it may have to undo; in memory, and not in a file of its own.
        .pragma("temp_store", "MEMORY")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .row_buffer_size(512)
        .thread_name(|_| "hookyard-sqlite-writer".to_owned());
    let sort = |error| damaged(OpenError::Store(latch.sort(error)));
    let writer = pool_of(1).connect_with(writes).await.map_err(sort)?;
    check_version(&writer, &latch).await?;
    check_settings(&writer, &latch).await?;
    check_file(&writer, &latch).await.map_err(damaged)?;
    sqlx::migrate!("./migrations/sqlite").run(&writer).await.map_err(|error| OpenError::Migrate(Arc::new(error)))?;
    let reads = options.read_only(true).thread_name(|n| format!("hookyard-sqlite-reader-{n}"));
    let readers = pool_of(readers_max.clamp(1, 4)).connect_with(reads).await.map_err(sort)?;
    Ok(Pool::sqlite(writer, readers, latch))
}

/// A pool whose connections live as long as it does: a file does not hang up.
fn pool_of(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

async fn check_version(writer: &SqlitePool, latch: &Latch) -> Result<(), OpenError> {
    let found = text(writer, "SELECT sqlite_version()", latch).await?;
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let version: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    if version < VERSION_MIN {
        return Err(OpenError::Setting { setting: "sqlite_version", found, needed: "3.51.3 or later" });
    }
    Ok(())
}

async fn check_settings(writer: &SqlitePool, latch: &Latch) -> Result<(), OpenError> {
    let settings: [(&'static str, &'static str, &'static str); 4] = [
        ("journal_mode", "SELECT journal_mode FROM pragma_journal_mode", "wal"),
        ("synchronous", "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "2"),
        ("foreign_keys", "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
        ("busy_timeout", "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout", "5000"),
    ];
    for (setting, sql, needed) in settings {
        let found = text(writer, sql, latch).await?;
        if found != needed {
            return Err(OpenError::Setting { setting, found, needed });
        }
    }
    Ok(())
}

/// Reads the whole file's structure, not its indexes' content: seconds for gigabytes, once a start.
async fn check_file(writer: &SqlitePool, latch: &Latch) -> Result<(), OpenError> {
    match text(writer, "PRAGMA quick_check(1)", latch).await {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(OpenError::Damaged { found }),
        Err(other) => Err(other),
    }
}

/// An error that would stop a running process means a damaged file at the start.
fn damaged(error: OpenError) -> OpenError {
    match error {
        OpenError::Store(StoreError::Fatal) => OpenError::Damaged { found: "it cannot be read".to_owned() },
        other => other,
    }
}

async fn text(writer: &SqlitePool, sql: &'static str, latch: &Latch) -> Result<String, OpenError> {
    let row = sqlx::query(sql).fetch_one(writer).await;
    row.and_then(|row| row.try_get::<String, _>(0)).map_err(|error| OpenError::Store(latch.sort(error)))
}
