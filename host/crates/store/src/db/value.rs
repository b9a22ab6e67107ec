//! What goes into a statement: text, numbers and bytes, and nothing else.
//!
//! Text from outside that may hold anything at all (JSON, a provider's ids, sentences) goes in as bytes:
//! PostgreSQL's `TEXT` refuses `\0`, and both databases must give an event the same fate.

use hookyard_model::id::{Id, Noun, TenantId};
use hookyard_model::instant::Instant;
use serde::Serialize;

/// One value of a statement; `None` is `NULL` and still has a type, which PostgreSQL asks for.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// Text that may hold anything, as bytes.
    pub(crate) fn free_text(text: &str) -> Self {
        Self::Bytes(Some(text.as_bytes().to_vec()))
    }

    /// As [`free_text`](Self::free_text), where there is any.
    pub(crate) fn free_text_or_null(text: Option<&str>) -> Self {
        Self::Bytes(text.map(|text| text.as_bytes().to_vec()))
    }

    /// Something of ours as JSON bytes. What cannot be written as JSON (nothing of ours) becomes `null`.
    pub(crate) fn json<T: Serialize>(thing: &T) -> Self {
        Self::Bytes(Some(serde_json::to_vec(thing).unwrap_or_else(|_| b"null".to_vec())))
    }

    /// As [`json`](Self::json), where there is something.
    pub(crate) fn json_or_null<T: Serialize>(thing: Option<&T>) -> Self {
        thing.map_or(Self::Bytes(None), Self::json)
    }

    /// A part of a key, which has no `NULL`: nothing is the empty text.
    pub(crate) fn or_empty<T: ToString>(thing: Option<T>) -> Self {
        Self::Text(Some(thing.map_or_else(String::new, |thing| thing.to_string())))
    }

    /// A tenant, or the operator in its place.
    pub(crate) fn owner(tenant: Option<TenantId>) -> Self {
        Self::Text(Some(owner_text(tenant)))
    }

    /// PostgreSQL's text knows no `\0`; SQLite must not either.
    pub(crate) fn is_storable(&self) -> bool {
        match self {
            Self::Text(Some(text)) => !text.as_bytes().contains(&0),
            Self::Text(None) | Self::Int(_) | Self::Bytes(_) => true,
        }
    }

    /// Roughly how much of a batch it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Int(_) => 8,
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// What stands for an owner in rows.
pub(crate) fn owner_text(tenant: Option<TenantId>) -> String {
    tenant.map_or_else(|| "operator".to_owned(), |tenant| tenant.text())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}
impl<N: Noun> From<Id<N>> for Value {
    fn from(id: Id<N>) -> Self {
        Self::Text(Some(id.text()))
    }
}
impl<N: Noun> From<Option<Id<N>>> for Value {
    fn from(id: Option<Id<N>>) -> Self {
        Self::Text(id.map(Id::text))
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}
impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(Some(i64::from(number)))
    }
}
impl From<Option<u32>> for Value {
    fn from(number: Option<u32>) -> Self {
        Self::Int(number.map(i64::from))
    }
}
impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Int(Some(i64::from(yes)))
    }
}
impl From<Instant> for Value {
    fn from(at: Instant) -> Self {
        Self::Int(Some(at.millis()))
    }
}
impl From<Option<Instant>> for Value {
    fn from(at: Option<Instant>) -> Self {
        Self::Int(at.map(Instant::millis))
    }
}
impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}
