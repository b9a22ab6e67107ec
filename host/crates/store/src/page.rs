//! Pages: every list is newest first and bounded, and goes on after the last id of the page before.
//!
//! Ids sort by the moment of their making, so a cursor is an id: rows that arrive meanwhile are newer than the first
//! page, and neither repeat nor push out what follows.

use hookyard_model::id::{Id, Noun};
use hookyard_model::limits;

use crate::db::Value;

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<I> {
    /// Go on behind this one (exclusive); from the newest where none.
    pub after: Option<I>,
    /// Most rows; at most one more than `limits::PAGE_MAX`, by which a reader sees that there is a next page.
    pub limit: u32,
}

impl<I> PageRequest<I> {
    /// From the newest.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    pub(crate) fn rows_max(&self) -> i64 {
        i64::from(self.limit.min(limits::PAGE_MAX + 1))
    }
}

impl<N: Noun> PageRequest<Id<N>> {
    /// What every row of the page sorts before. A text that no id reaches stands for "the newest", so that one
    /// statement serves every page.
    pub(crate) fn before(&self) -> Value {
        match self.after {
            Some(id) => id.into(),
            None => format!("{}~", N::PREFIX).into(),
        }
    }
}
