//! What comes out of a statement, read cell by cell in the order of its `SELECT`.
//!
//! A cell that does not read is [`StoreError::Undecodable`] with table, column and row, and never a panic.

use hookyard_model::id::{Id, Noun, TenantId};
use hookyard_model::instant::Instant;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Reads a row from its first column to its last.
pub(crate) struct Cells<'r> {
    row: &'r Row,
    table: &'static str,
    next: usize,
    name: String,
}

impl Row {
    /// Starts reading; `table` is for errors.
    pub(crate) fn cells(&self, table: &'static str) -> Cells<'_> {
        Cells { row: self, table, next: 0, name: String::new() }
    }
}

impl Cells<'_> {
    pub(crate) fn text_or_null(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        let at = self.step();
        let read = match self.row {
            Row::Sqlite(row) => row.try_get::<Option<String>, _>(at),
            Row::Postgres(row) => row.try_get::<Option<String>, _>(at),
        };
        let text = read.map_err(|_| self.undecodable(column))?;
        if at < 2 {
            // The keys come first; the last of the two names the row.
            text.as_deref().unwrap_or_default().clone_into(&mut self.name);
        }
        Ok(text)
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.text_or_null(column)?.ok_or_else(|| self.undecodable(column))
    }

    pub(crate) fn int_or_null(&mut self, column: &'static str) -> Result<Option<i64>, StoreError> {
        let at = self.step();
        let read = match self.row {
            Row::Sqlite(row) => row.try_get::<Option<i64>, _>(at),
            Row::Postgres(row) => row.try_get::<Option<i64>, _>(at),
        };
        read.map_err(|_| self.undecodable(column))
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        self.int_or_null(column)?.ok_or_else(|| self.undecodable(column))
    }

    /// A count or a version.
    pub(crate) fn count(&mut self, column: &'static str) -> Result<u32, StoreError> {
        u32::try_from(self.int(column)?).map_err(|_| self.undecodable(column))
    }

    pub(crate) fn count_or_null(&mut self, column: &'static str) -> Result<Option<u32>, StoreError> {
        self.int_or_null(column)?.map(u32::try_from).transpose().map_err(|_| self.undecodable(column))
    }

    pub(crate) fn bytes_or_null(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        let at = self.step();
        let read = match self.row {
            Row::Sqlite(row) => row.try_get::<Option<Vec<u8>>, _>(at),
            Row::Postgres(row) => row.try_get::<Option<Vec<u8>>, _>(at),
        };
        read.map_err(|_| self.undecodable(column))
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.bytes_or_null(column)?.ok_or_else(|| self.undecodable(column))
    }

    /// Text that was stored as bytes; see [`super::value`].
    pub(crate) fn free_text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.free_text_or_null(column)?.ok_or_else(|| self.undecodable(column))
    }

    pub(crate) fn free_text_or_null(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        let bytes = self.bytes_or_null(column)?;
        bytes.map(String::from_utf8).transpose().map_err(|_| self.undecodable(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T, StoreError> {
        self.json_or_null(column)?.ok_or_else(|| self.undecodable(column))
    }

    pub(crate) fn json_or_null<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<Option<T>, StoreError> {
        let bytes = self.bytes_or_null(column)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(|_| self.undecodable(column))
    }

    pub(crate) fn id<N: Noun>(&mut self, column: &'static str) -> Result<Id<N>, StoreError> {
        self.text(column)?.parse().map_err(|_| self.undecodable(column))
    }

    pub(crate) fn id_or_null<N: Noun>(&mut self, column: &'static str) -> Result<Option<Id<N>>, StoreError> {
        self.text_or_null(column)?.map(|text| text.parse()).transpose().map_err(|_| self.undecodable(column))
    }

    /// Text where nothing is the empty one; see [`super::value`].
    pub(crate) fn text_or_empty(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(Some(self.text(column)?).filter(|text| !text.is_empty()))
    }

    /// An id where nothing is the empty text.
    pub(crate) fn id_or_empty<N: Noun>(&mut self, column: &'static str) -> Result<Option<Id<N>>, StoreError> {
        self.text_or_empty(column)?.map(|text| text.parse()).transpose().map_err(|_| self.undecodable(column))
    }

    /// A tenant, or none for the operator.
    pub(crate) fn owner(&mut self, column: &'static str) -> Result<Option<TenantId>, StoreError> {
        let text = self.text(column)?;
        if text == super::value::owner_text(None) {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.undecodable(column))
    }

    pub(crate) fn instant(&mut self, column: &'static str) -> Result<Instant, StoreError> {
        self.int(column).map(Instant::from_millis)
    }

    pub(crate) fn instant_or_null(&mut self, column: &'static str) -> Result<Option<Instant>, StoreError> {
        Ok(self.int_or_null(column)?.map(Instant::from_millis))
    }

    /// One of our enums, by what it is called in rows.
    pub(crate) fn word<T>(&mut self, column: &'static str, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        read(&text).ok_or_else(|| self.undecodable(column))
    }

    pub(crate) fn undecodable(&self, column: &'static str) -> StoreError {
        StoreError::Undecodable { table: self.table, column, row: self.name.clone() }
    }

    fn step(&mut self) -> usize {
        let at = self.next;
        self.next = at.saturating_add(1);
        at
    }
}
