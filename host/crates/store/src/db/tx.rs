//! A transaction on either database. Dropped without [`Tx::commit`], it is rolled back.

use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, Sqlite, Transaction};

use super::dialect::Dialect;
use super::fault::Latch;
use super::row::Row;
use super::value::Value;
use crate::StoreError;

/// One transaction.
pub(crate) struct Tx {
    inner: Inner,
    latch: Latch,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) fn sqlite(tx: Transaction<'static, Sqlite>, latch: Latch) -> Self {
        Self { inner: Inner::Sqlite(tx), latch }
    }

    pub(super) fn postgres(tx: Transaction<'static, Postgres>, latch: Latch) -> Self {
        Self { inner: Inner::Postgres(tx), latch }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; how many rows it affected.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, StoreError> {
        self.execute_sql(sql.into_sql_str(), values).await
    }

    /// Runs a statement; all rows that came back. The statement bounds them.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows_sql(sql.into_sql_str(), values).await
    }

    /// Runs a statement; the first row that came back.
    pub(crate) async fn row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// As [`execute`](Self::execute), for a text that was put together from constants of this crate.
    pub(crate) async fn execute_text(&mut self, sql: Arc<str>, values: Vec<Value>) -> Result<u64, StoreError> {
        self.execute_sql(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// As [`rows`](Self::rows), for a text that was put together from constants of this crate.
    pub(crate) async fn rows_text(&mut self, sql: Arc<str>, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.rows_sql(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// Makes it so. An error leaves it unknown whether it is.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let committed = match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => tx.commit().await,
        };
        committed.map_err(|error| self.latch.sort(error))
    }

    async fn execute_sql(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<u64, StoreError> {
        let affected = match &mut self.inner {
            Inner::Sqlite(tx) => {
                let query = sqlx::query_with(sql, sqlite_arguments(values)?);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Inner::Postgres(tx) => {
                let query = sqlx::query_with(sql, postgres_arguments(values)?);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        };
        affected.map_err(|error| self.latch.sort(error))
    }

    async fn rows_sql(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let rows = match &mut self.inner {
            Inner::Sqlite(tx) => {
                let query = sqlx::query_with(sql, sqlite_arguments(values)?);
                query.fetch_all(&mut **tx).await.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Inner::Postgres(tx) => {
                let query = sqlx::query_with(sql, postgres_arguments(values)?);
                query.fetch_all(&mut **tx).await.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        rows.map_err(|error| self.latch.sort(error))
    }
}

pub(super) fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        check(&value)?;
        let added = match value {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(|error| refused(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

pub(super) fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), values.iter().map(Value::bytes).sum());
    for value in values {
        check(&value)?;
        let added = match value {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(|error| refused(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

fn check(value: &Value) -> Result<(), StoreError> {
    if value.is_storable() {
        return Ok(());
    }
    Err(refused(sqlx::Error::InvalidArgument("a text holds a zero byte".to_owned())))
}

fn refused(error: sqlx::Error) -> StoreError {
    StoreError::Query(Arc::new(error))
}
