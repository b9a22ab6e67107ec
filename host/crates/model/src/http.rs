//! Requests and responses as guests and proofs see them: names, values and bytes, exactly as they came.
//!
//! Neither type knows a connection, and neither chooses between two headers of one name: repeated names are repeated
//! fields, and whoever reads them decides what that means.

use serde::{Deserialize, Serialize};

/// A header, a query parameter, a form field. Repeated names are repeated fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name, as written.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request, received or wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// Absolute and already encoded.
    pub url: String,
    /// In order.
    pub headers: Vec<Field>,
    /// The exact bytes.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
}

/// A response, received or wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// In order.
    pub headers: Vec<Field>,
    /// The exact bytes.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
}
