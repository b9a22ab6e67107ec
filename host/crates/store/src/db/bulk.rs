//! Statements of many rows.
//!
//! The cost of a statement is mostly the trip to the thread or server that runs it, so a batch sends few statements
//! of many rows. Every number of rows is a text of its own that has to be prepared once on each connection, so there
//! are few sizes, and a chunk is filled up to the next one by repeating its last row. Hence the rule for every
//! statement here: a row that comes twice does what it does once (and a row that is read may be read twice).
//!
//! Keys are compared with `IN (SELECT … FROM gone)` over a `WITH`, and not with `IN (VALUES …)` itself: with more than
//! one row there SQLite uses no index, and scans the table.

use std::sync::{Arc, OnceLock};

use super::dialect::Dialect;
use super::pool::Pool;
use super::row::Row;
use super::tx::Tx;
use super::value::Value;
use crate::StoreError;

/// On PostgreSQL a size is dearer: every connection plans each and keeps the plan.
const POSTGRES_SIZES: &[usize] = &[1, 2, 4, 8, 16, 32, 64, 128];
const SQLITE_SIZES: &[usize] =
    &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];
const SIZES_MAX: usize = 24;

/// A statement whose text has `{rows}` where the rows go: `(?, ?), (?, ?)`.
pub(crate) struct Bulk {
    text: &'static str,
    suffix: &'static str,
    /// Whose rows are locked until the transaction ends.
    locked: Option<&'static str>,
    columns: usize,
    sqlite: [OnceLock<Arc<str>>; SIZES_MAX],
    postgres: [OnceLock<Arc<str>>; SIZES_MAX],
}

impl Bulk {
    pub(crate) const fn new(text: &'static str, columns: usize) -> Self {
        Self::with_suffix(text, columns, "")
    }

    /// As [`new`](Self::new), with more text behind.
    pub(crate) const fn with_suffix(text: &'static str, columns: usize, suffix: &'static str) -> Self {
        Self {
            text,
            suffix,
            locked: None,
            columns,
            sqlite: [const { OnceLock::new() }; SIZES_MAX],
            postgres: [const { OnceLock::new() }; SIZES_MAX],
        }
    }

    /// As [`new`](Self::new), for a `SELECT` that locks the rows of `table` in the order of the values.
    pub(crate) const fn locking(text: &'static str, columns: usize, table: &'static str) -> Self {
        let mut bulk = Self::new(text, columns);
        bulk.locked = Some(table);
        bulk
    }

    /// Runs it for all of `values` (row after row); how many rows it affected.
    pub(crate) async fn execute(&self, tx: &mut Tx, values: Vec<Value>) -> Result<u64, StoreError> {
        let mut affected: u64 = 0;
        let mut rest = values.into_iter();
        while let Some((text, chunk)) = self.chunk(tx.dialect(), &mut rest) {
            affected = affected.saturating_add(tx.execute_text(text, chunk).await?);
        }
        Ok(affected)
    }

    /// Runs it for all of `values` (row after row); the rows that came back.
    pub(crate) async fn rows(&self, tx: &mut Tx, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut rest = values.into_iter();
        while let Some((text, chunk)) = self.chunk(tx.dialect(), &mut rest) {
            rows.extend(tx.rows_text(text, chunk).await?);
        }
        Ok(rows)
    }

    /// As [`rows`](Self::rows), outside any transaction.
    pub(crate) async fn read(&self, pool: &Pool, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut rest = values.into_iter();
        while let Some((text, chunk)) = self.chunk(pool.dialect(), &mut rest) {
            rows.extend(pool.rows_text(text, chunk).await?);
        }
        Ok(rows)
    }

    /// The next rows, filled up to a size, and the text for them.
    fn chunk(&self, dialect: Dialect, rest: &mut std::vec::IntoIter<Value>) -> Option<(Arc<str>, Vec<Value>)> {
        let rows_left = rest.len().div_ceil(self.columns);
        if rows_left == 0 {
            return None;
        }
        let (sizes, cache) = match dialect {
            Dialect::Sqlite => (SQLITE_SIZES, &self.sqlite),
            Dialect::Postgres => (POSTGRES_SIZES, &self.postgres),
        };
        let fits = sizes.iter().zip(cache).find(|(size, _)| **size >= rows_left);
        let (size, slot) = fits.or_else(|| sizes.iter().zip(cache).last())?;
        let values_wanted = size.saturating_mul(self.columns);
        let mut chunk = Vec::with_capacity(values_wanted);
        chunk.extend(rest.by_ref().take(values_wanted));
        while chunk.len() < values_wanted {
            let last_row = chunk.len().saturating_sub(self.columns);
            chunk.extend_from_within(last_row..);
        }
        let text = slot.get_or_init(|| self.render(dialect, *size));
        Some((Arc::clone(text), chunk))
    }

    fn render(&self, dialect: Dialect, size: usize) -> Arc<str> {
        let mut rows = String::new();
        for row in 0..size {
            rows.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns {
                if column > 0 {
                    rows.push_str(", ");
                }
                dialect
                    .placeholder(row.saturating_mul(self.columns).saturating_add(column).saturating_add(1), &mut rows);
            }
            rows.push(')');
        }
        let lock = self.locked.map(|table| dialect.for_update_of(table)).unwrap_or_default();
        [&self.text.replace("{rows}", &rows), self.suffix, &lock].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAIRS: Bulk = Bulk::new("VALUES {rows}", 2);

    #[test]
    fn every_row_goes_out_and_the_last_one_fills_the_chunk_up() {
        for (dialect, rows, expected) in [
            (Dialect::Sqlite, 300_i64, vec![128, 128, 48]),
            (Dialect::Sqlite, 9, vec![10]),
            (Dialect::Postgres, 9, vec![16]),
            (Dialect::Postgres, 0, vec![]),
        ] {
            let values: Vec<Value> = (0..rows).flat_map(|row| [Value::from(row), Value::from(row)]).collect();
            let mut rest = values.into_iter();
            let (mut sizes, mut seen) = (vec![], std::collections::BTreeSet::new());
            while let Some((_, chunk)) = PAIRS.chunk(dialect, &mut rest) {
                sizes.push(chunk.len() / 2);
                seen.extend(chunk.iter().map(|value| match value {
                    Value::Int(number) => number.unwrap(),
                    other => panic!("{other:?} was never in"),
                }));
            }
            assert_eq!(sizes, expected);
            assert_eq!(seen.len(), usize::try_from(rows).unwrap());
        }
    }

    #[test]
    fn each_database_gets_its_placeholders() {
        assert_eq!(&*PAIRS.render(Dialect::Sqlite, 2), "VALUES (?, ?), (?, ?)");
        assert_eq!(&*PAIRS.render(Dialect::Postgres, 2), "VALUES ($1, $2), ($3, $4)");
    }
}
