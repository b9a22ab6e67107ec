//! Statements of many rows.
//!
//! The cost of a statement is mostly the trip to the thread or server that runs it, so a batch sends few statements
//! of many rows. The rows go out in chunks of a few fixed sizes, because every size is a text of its own and has to
//! be prepared once on each connection.

use std::sync::{Arc, OnceLock};

use super::dialect::Dialect;
use super::pool::Pool;
use super::row::Row;
use super::tx::Tx;
use super::value::Value;
use crate::StoreError;

const SIZES: [usize; 4] = [64, 16, 4, 1];

/// A statement whose text has `{rows}` where the rows go: `(?, ?), (?, ?)`.
pub(crate) struct Bulk {
    text: &'static str,
    columns: usize,
    sqlite: [OnceLock<Arc<str>>; 4],
    postgres: [OnceLock<Arc<str>>; 4],
}

impl Bulk {
    pub(crate) const fn new(text: &'static str, columns: usize) -> Self {
        Self { text, columns, sqlite: [const { OnceLock::new() }; 4], postgres: [const { OnceLock::new() }; 4] }
    }

    /// Runs it for all of `values` (row after row); how many rows it affected.
    pub(crate) async fn execute(&self, tx: &mut Tx, values: Vec<Value>) -> Result<u64, StoreError> {
        let mut affected: u64 = 0;
        let mut rest = values.into_iter();
        while let Some((text, size)) = self.chunk(tx.dialect(), rest.len()) {
            let chunk = rest.by_ref().take(size).collect();
            affected = affected.saturating_add(tx.execute_text(text, chunk).await?);
        }
        Ok(affected)
    }

    /// Runs it for all of `values` (row after row); the rows that came back.
    pub(crate) async fn rows(&self, tx: &mut Tx, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut rest = values.into_iter();
        while let Some((text, size)) = self.chunk(tx.dialect(), rest.len()) {
            let chunk = rest.by_ref().take(size).collect();
            rows.extend(tx.rows_text(text, chunk).await?);
        }
        Ok(rows)
    }

    /// As [`rows`](Self::rows), outside any transaction.
    pub(crate) async fn read(&self, pool: &Pool, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut rest = values.into_iter();
        while let Some((text, size)) = self.chunk(pool.dialect(), rest.len()) {
            let chunk = rest.by_ref().take(size).collect();
            rows.extend(pool.rows_text(text, chunk).await?);
        }
        Ok(rows)
    }

    /// The largest chunk that `values_left` fill, and how many values it takes.
    fn chunk(&self, dialect: Dialect, values_left: usize) -> Option<(Arc<str>, usize)> {
        let cache = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        let (size, slot) =
            SIZES.iter().zip(cache).find(|(size, _)| size.saturating_mul(self.columns) <= values_left.max(1))?;
        if values_left == 0 {
            return None;
        }
        let text = slot.get_or_init(|| self.render(dialect, *size));
        Some((Arc::clone(text), size.saturating_mul(self.columns)))
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
        self.text.replace("{rows}", &rows).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAIRS: Bulk = Bulk::new("VALUES {rows}", 2);

    #[test]
    fn rows_go_out_in_a_few_fixed_sizes_and_every_row_once() {
        let mut left = 2 * 87;
        let mut sizes = vec![];
        while let Some((_, values)) = PAIRS.chunk(Dialect::Sqlite, left) {
            sizes.push(values / 2);
            left -= values;
        }
        assert_eq!(sizes, [64, 16, 4, 1, 1, 1]);
    }

    #[test]
    fn each_database_gets_its_placeholders() {
        assert_eq!(&*PAIRS.render(Dialect::Sqlite, 2), "VALUES (?, ?), (?, ?)");
        assert_eq!(&*PAIRS.render(Dialect::Postgres, 2), "VALUES ($1, $2), ($3, $4)");
    }
}
