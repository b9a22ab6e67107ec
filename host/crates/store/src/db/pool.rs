//! The connections: on SQLite one that writes and a few that read, on PostgreSQL a pool that does both.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr as _, SqlStr, SqlitePool};

use super::dialect::Dialect;
use super::fault::Latch;
use super::row::Row;
use super::tx::{Tx, postgres_arguments, sqlite_arguments};
use super::value::Value;
use crate::StoreError;

/// All connections of a store.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    inner: Inner,
    latch: Latch,
}

#[derive(Debug, Clone)]
enum Inner {
    /// The writer is a pool of one, whose queue is fair: the committer and everybody else take turns.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Pool {
    pub(crate) fn sqlite(writer: SqlitePool, readers: SqlitePool, latch: Latch) -> Self {
        Self { inner: Inner::Sqlite { writer, readers }, latch }
    }

    pub(crate) fn postgres(pool: PgPool, latch: Latch) -> Self {
        Self { inner: Inner::Postgres(pool), latch }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite { .. } => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        if self.latch.is_fatal() {
            return Err(StoreError::Fatal);
        }
        let begin = self.dialect().begin();
        let tx = match &self.inner {
            Inner::Sqlite { writer, .. } => writer.begin_with(begin).await.map(|tx| Tx::sqlite(tx, self.latch.clone())),
            Inner::Postgres(pool) => pool.begin_with(begin).await.map(|tx| Tx::postgres(tx, self.latch.clone())),
        };
        tx.map_err(|error| self.latch.sort(error))
    }

    /// Reads rows outside any transaction. The statement bounds them.
    pub(crate) async fn rows(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows_sql(sql.into_sql_str(), values).await
    }

    /// As [`rows`](Self::rows), for a text that was put together from constants of this crate.
    pub(crate) async fn rows_text(&self, sql: Arc<str>, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows_sql(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// Reads one row outside any transaction.
    pub(crate) async fn row(&self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    async fn rows_sql(&self, sql: SqlStr, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let rows = match &self.inner {
            Inner::Sqlite { readers, .. } => {
                let query = sqlx::query_with(sql, sqlite_arguments(values)?);
                query.fetch_all(readers).await.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Inner::Postgres(pool) => {
                let query = sqlx::query_with(sql, postgres_arguments(values)?);
                query.fetch_all(pool).await.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        rows.map_err(|error| self.latch.sort(error))
    }

    /// Closes every connection; on SQLite after writing the log back into the file.
    pub(crate) async fn close(&self) {
        match &self.inner {
            Inner::Sqlite { writer, readers } => {
                readers.close().await;
                if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await {
                    tracing::warn!(error = %error, "could not write the log back into the database file: {error}");
                }
                writer.close().await;
            }
            Inner::Postgres(pool) => pool.close().await,
        }
    }
}
