//! Opening PostgreSQL so that "committed" means "on disk", nothing waits for ever, and plans do not change with luck.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor as _, PgPool, Row as _};

use super::fault::Latch;
use super::pool::Pool;
use crate::{OpenError, StoreError};

const VERSION_MIN: i64 = 150_000;
/// How long a caller waits for a connection: ingest must say 503 before its provider gives up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Every statement of ours goes by a key, and a plan that is made while a table is empty and kept while it grows
/// must not scan; so the planner is told. Many-row statements are planned once and not at every call.
const SESSION: &str = "SET statement_timeout = '10s';
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '10s';
SET synchronous_commit = on;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET plan_cache_mode = force_generic_plan";

/// Connects, brings the tables up to date and checks the server.
pub(crate) async fn open(
    options: PgConnectOptions,
    connections_max: u32,
    latch: Latch,
) -> Result<(Pool, PgPool), OpenError> {
    let pool = PgPoolOptions::new()
        .max_connections(connections_max.max(4))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(SESSION)).await.map(|_| ()) })
        })
        .connect_with(options.statement_cache_capacity(512).application_name("hookyard"))
        .await
        .map_err(|error| latch.sort(error))?;
    check(&pool, &latch).await?;
    sqlx::migrate!("./migrations/postgres").run(&pool).await.map_err(|error| OpenError::Migrate(Arc::new(error)))?;
    Ok((Pool::postgres(pool.clone(), latch), pool))
}

/// By how much the server's clock is ahead of `ours_ms`, which reads our clock; half the round trip is the server's.
pub(crate) async fn clock_offset_ms(pool: &PgPool, ours_ms: impl Fn() -> i64) -> Result<i64, sqlx::Error> {
    let before = ours_ms();
    let sql = "-- clock_offset()\nSELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    let theirs: i64 = sqlx::query(sql).fetch_one(pool).await?.try_get(0)?;
    let after = ours_ms();
    Ok(theirs.saturating_sub(before.saturating_add(after.saturating_sub(before) / 2)))
}

async fn check(pool: &PgPool, latch: &Latch) -> Result<(), OpenError> {
    let version = setting(pool, "SELECT current_setting('server_version_num')", latch).await?;
    if version.parse::<i64>().unwrap_or_default() < VERSION_MIN {
        return Err(OpenError::Setting { setting: "server_version_num", found: version, needed: "150000 or later" });
    }
    let commit = setting(pool, "SELECT current_setting('synchronous_commit')", latch).await?;
    if commit != "on" {
        return Err(OpenError::Setting { setting: "synchronous_commit", found: commit, needed: "on" });
    }
    let fsync = setting(pool, "SELECT current_setting('fsync')", latch).await?;
    if fsync != "on" {
        tracing::warn!("the database server runs with fsync off: a power loss can lose what was acknowledged");
    }
    Ok(())
}

async fn setting(pool: &PgPool, sql: &'static str, latch: &Latch) -> Result<String, StoreError> {
    let row = sqlx::query(sql).fetch_one(pool).await;
    row.and_then(|row| row.try_get::<String, _>(0)).map_err(|error| latch.sort(error))
}
