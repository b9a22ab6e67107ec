//! Two databases behind one small layer: values in, rows out, transactions between.
//!
//! Nothing here knows a table. Statements are written once for both databases, with `$1` for values;
//! [`Dialect`] has the few places where that cannot be. A column is text, a number of 64 bits or bytes.

mod value;
mod row;
mod dialect;
mod fault;
mod tx;
mod bulk;
mod pool;
mod sqlite;
mod postgres;

pub(crate) use bulk::Bulk;
pub(crate) use dialect::Dialect;
pub(crate) use fault::{Latch, is_unique_violation};
pub(crate) use pool::Pool;
pub(crate) use row::{Cells, Row};
pub(crate) use tx::Tx;
pub(crate) use value::{Value, owner_text};

pub(crate) use postgres::{clock_offset_ms, open as open_postgres};
pub(crate) use sqlite::open as open_sqlite;
