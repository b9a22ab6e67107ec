//! Ingest: from HTTP to a request that is bounded and exact.
//!
//! The body is read whole, within its size and its time, and kept as the bytes that came: a signature is over those.
//! The URL is the operator's public one with the path and query that were asked for, never what `Host` or a forwarding
//! header claims. Nothing here is believed yet; [`verify`](super::verify) is next.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use hookyard_model::http::{Field, Request};
use hookyard_model::limits;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Why a request is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// More bytes than are taken.
    #[error("the body has more than {} bytes", limits::WEBHOOK_BODY_BYTES_MAX)]
    TooLarge,
    /// Compressed, so that what is signed is not what would be read.
    #[error("the body is compressed")]
    Encoded,
    /// Did not come in time.
    #[error("the body took longer than {} s", limits::REQUEST_BODY_TIMEOUT.as_secs())]
    TooSlow,
    /// Broke off.
    #[error("the body broke off")]
    Broken,
}

/// Reads a request whole. `public_url` has no slash at its end.
///
/// # Errors
/// Too large, too slow, compressed, or broken off.
pub async fn read(parts: Parts, body: Body, public_url: &str) -> Result<Request, IngestError> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if parts.headers.get_all(CONTENT_ENCODING).iter().any(|value| !plain(value)) {
        return Err(IngestError::Encoded);
    }
    let body = bytes(body, limits::WEBHOOK_BODY_BYTES_MAX, limits::REQUEST_BODY_TIMEOUT).await?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(Request {
        method: parts.method.as_str().to_owned(),
        url: format!("{public_url}{path}"),
        headers: fields(&parts.headers),
        body,
    })
}

async fn bytes(body: Body, bytes_max: usize, within: Duration) -> Result<Vec<u8>, IngestError> {
    match tokio::time::timeout(within, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(IngestError::TooLarge),
        Ok(Err(_)) => Err(IngestError::Broken),
        Err(_) => Err(IngestError::TooSlow),
    }
}

/// Headers as guests see them. Bytes beyond ASCII are read as Latin-1, which loses none.
fn fields(headers: &HeaderMap) -> Vec<Field> {
    let text = |value: &HeaderValue| match value.to_str() {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    };
    headers.iter().map(|(name, value)| Field { name: name.as_str().to_owned(), value: text(value) }).collect()
}
