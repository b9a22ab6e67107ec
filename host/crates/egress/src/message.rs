//! What is sent, what comes back, and what went wrong: the words of an attempt.
//!
//! Every failure has a class, a stable word for attempt records, and a text that may be shown to a tenant. Neither
//! tells an address, a resolver's answer or a certificate's content; those are in the source, for our own log.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use url::Url;

use crate::url_rules::Refused;

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An event for a subscription's URL. Receivers know it by its `webhook-id`, so it may arrive twice.
    Delivery,
    /// A plugin's fetch, a push to a CRM, an OAuth exchange. May be [rerouted](crate::Reroute). Unless the method is
    /// idempotent it is never put on the wire twice.
    Provider,
}

/// What to do with a response that is larger than asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Keep the first bytes and stop reading: the status is what counts.
    Truncate,
    /// Fail: half a document is none.
    Refuse,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Whose it is.
    pub purpose: Purpose,
    /// `GET`, `POST` and their like; `CONNECT` and `TRACE` are refused.
    pub method: Method,
    /// Where it goes. A fragment is left out.
    pub url: Url,
    /// All headers but those that frame the request; those are set here, and refused from a caller.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
    /// From the lookup of the name to the last byte of the body; at most [`crate::limits::ATTEMPT_TIMEOUT_MAX`].
    pub timeout: Duration,
    /// How much of the response's body is wanted, in bytes.
    pub response_bytes_max: usize,
    /// What happens beyond.
    pub overflow: Overflow,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// Such as 200. A redirect is a response like any other.
    pub status: u16,
    /// As received.
    pub headers: HeaderMap,
    /// As received; no content encoding is undone.
    pub body: Bytes,
    /// Whether the body had more than is here.
    pub truncated: bool,
}

/// An attempt, over.
#[derive(Debug)]
pub struct Attempted {
    /// The response, whatever its status, or what kept it from coming.
    pub outcome: Result<Response, SendError>,
    /// How long each part took.
    pub timings: Timings,
    /// The address that was dialled last, or whose connection was used again.
    pub address: Option<SocketAddr>,
}

/// Microseconds; `None` for a part that was not finished or not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// The lookup of the name.
    pub dns_micros: Option<u64>,
    /// TCP and TLS together; none where a connection was used again.
    pub connect_micros: Option<u64>,
    /// From the first byte of the request to the end of the response's head.
    pub first_byte_micros: Option<u64>,
    /// All of it.
    pub total_micros: u64,
}

/// How far an attempt had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Asking for addresses.
    Dns,
    /// Waiting for a connection to be accepted, and for TLS.
    Connect,
    /// Waiting for the response to begin.
    Response,
    /// Waiting for the rest of it.
    Body,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It was not sent, and will not be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name has no address, or no answer came in time. Looks like [`Refused::Address`] from outside.
    #[error("{}", Refused::Address)]
    Dns,
    /// No address accepted a connection.
    #[error("the host did not accept a connection")]
    Connect(#[source] io::Error),
    /// No trusted TLS: a wrong, expired or unknown certificate, or an old protocol.
    #[error("TLS failed: the certificate must be valid, current and for this host")]
    Tls(#[source] io::Error),
    /// The time was over.
    #[error("the time was over while {}", .stage.doing())]
    TimedOut {
        /// When it was over.
        stage: Stage,
    },
    /// The connection ended before the response did.
    #[error("the host closed the connection before its response was complete")]
    Closed(#[source] hyper::Error),
    /// What came back is not HTTP, or its head is too large.
    #[error("the host did not answer in HTTP/1.1 within its limits")]
    Protocol(#[source] hyper::Error),
    /// The body is larger than was asked for, and [`Overflow::Refuse`] was too.
    #[error("the response is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that it broke.
        limit_bytes: usize,
    },
}

impl SendError {
    /// The stable name of the failure, for attempt records.
    pub fn class(&self) -> &'static str {
        match self {
            SendError::Refused(refused) => refused.class(),
            SendError::Dns => Refused::Address.class(),
            SendError::Connect(_) => "connect",
            SendError::Tls(_) => "tls",
            SendError::TimedOut { stage } => stage.class(),
            SendError::Closed(_) => "closed",
            SendError::Protocol(_) => "protocol",
            SendError::TooLarge { .. } => "response_too_large",
        }
    }
}

impl From<hyper::Error> for SendError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() { SendError::Protocol(error) } else { SendError::Closed(error) }
    }
}

impl Stage {
    fn class(self) -> &'static str {
        match self {
            Stage::Dns => "timed_out_dns",
            Stage::Connect => "timed_out_connect",
            Stage::Response => "timed_out_response",
            Stage::Body => "timed_out_body",
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Stage::Dns => "looking up the host",
            Stage::Connect => "connecting to the host",
            Stage::Response => "waiting for a response",
            Stage::Body => "reading the response",
        }
    }
}
