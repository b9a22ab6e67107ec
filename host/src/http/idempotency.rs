//! `Idempotency-Key`: a POST that is sent again gets the answer that it got before, and does nothing more.
//!
//! A key belongs to a tenant, or to the operator where it acts for itself, and stands for one path and one body: with
//! another of either it is a 409. Answers are kept for 24 hours, where repeating the request would not help: 2xx and
//! 4xx, but not 401, 403 and 429, which are about the caller and the moment, and not 5xx. Two requests at once with
//! the same key take `turns`, and the second gets the first one's answer.
//!
//! A caller that hangs up does not stop what it asked for, so that the answer is there when it comes back. What shows
//! a secret once ([`ShownOnce`]) is kept with null in the secret's place.
//!
//! # What it cannot promise
//!
//! The change and its answer are two commits. If the process dies between them, or two nodes get the same key at the
//! same moment, the request is carried out twice.

mod turns;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hookyard_model::id::TenantId;
use hookyard_model::limits;
use hookyard_store::IdempotentAnswer;
use sha2::{Digest, Sha256};

use crate::http::Api;
use crate::http::auth::Owner;
use crate::http::body;
use crate::http::problem::Problem;
use turns::Turns;

const HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const KEY_CHARS_MAX: usize = 255;
/// Largest answer that is kept, in bytes.
const ANSWER_BYTES_MAX: usize = limits::API_BODY_BYTES_MAX;

/// Put on an answer that shows a secret once: the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownOnce(pub &'static str);

/// What happens to a request whose caller hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// It is carried out all the same.
    GoesOn,
    /// It stops where it is: for uploads, which cost much and are the same version when they come again.
    Stops,
}

/// What the middleware works with.
#[derive(Clone)]
pub struct Idempotency {
    api: Api,
    turns: Turns,
    body_bytes_max: usize,
    hang_up: HangUp,
}

/// A request with a key.
struct Asked {
    tenant: Option<TenantId>,
    key: String,
    sha256: [u8; 32],
}

impl Idempotency {
    /// For routes that take bodies of this size.
    #[must_use]
    pub fn new(api: Api, body_bytes_max: usize, hang_up: HangUp) -> Self {
        Self { api, turns: Turns::default(), body_bytes_max, hang_up }
    }

    /// The same keys, for routes that take bodies of another size.
    #[must_use]
    pub fn with(&self, body_bytes_max: usize, hang_up: HangUp) -> Self {
        Self { body_bytes_max, hang_up, ..self.clone() }
    }

    async fn answer(self, asked: Asked, request: Request, next: Next) -> Result<Response, Problem> {
        let _turn = self.turns.take((asked.tenant, asked.key.clone())).await;
        if let Some(given) = self.api.store.idempotency_find(asked.tenant, &asked.key).await? {
            return replay(given, &asked);
        }
        let (response, answer) = copy(next.run(request).await, asked.sha256).await?;
        let Some(answer) = answer else { return Ok(response) };
        match self.api.store.idempotency_save(asked.tenant, &asked.key, answer).await {
            Ok(true) => Ok(response),
            // Another node was first: its answer is the one that counts.
            Ok(false) => match self.api.store.idempotency_find(asked.tenant, &asked.key).await? {
                Some(given) => replay(given, &asked),
                None => Ok(response),
            },
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "an answer was not kept for its idempotency key: sent again, it will be done again"
                );
                Ok(response)
            }
        }
    }
}

/// The middleware.
///
/// # Errors
/// 400 where the key cannot be one, 409 where it stands for another request; and what reading the body and the caller
/// may answer.
pub async fn middleware(
    State(idempotency): State<Idempotency>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = if request.method() == Method::POST { read_key(request.headers())? } else { None };
    let Some(key) = key else { return Ok(next.run(request).await) };
    let (mut parts, body) = request.into_parts();
    let tenant = Owner::from_request_parts(&mut parts, &idempotency.api).await?.tenant;
    let bytes = body::read(&parts.headers, body, idempotency.body_bytes_max).await?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let asked = Asked { tenant, key, sha256: hash(path, &bytes) };
    let request = Request::from_parts(parts, Body::from(bytes));
    match idempotency.hang_up {
        HangUp::Stops => idempotency.answer(asked, request, next).await,
        // A task of its own, and awaited here: a stop of the host waits for it as for any request, and only where the
        // caller hung up is there nobody to wait.
        HangUp::GoesOn => match tokio::spawn(idempotency.answer(asked, request, next)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "a request with an idempotency key ended in a panic");
                Err(Problem::internal())
            }
        },
    }
}

fn read_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let sound = (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound && values.next().is_none() {
        return Ok(Some(text.to_owned()));
    }
    let detail = format!("one key of 1 to {KEY_CHARS_MAX} visible ASCII characters, such as a UUID");
    Err(Problem::bad_request(detail).about("Idempotency-Key"))
}

/// SHA-256 of the path, its length before it, and the body.
fn hash(path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(path.as_bytes());
    hash.update(body);
    hash.finalize().into()
}

fn is_kept(status: StatusCode) -> bool {
    let about_the_caller =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_success() || (status.is_client_error() && !about_the_caller.contains(&status))
}

/// The response as it goes out, and as it is kept.
async fn copy(response: Response, sha256: [u8; 32]) -> Result<(Response, Option<IdempotentAnswer>), Problem> {
    if !is_kept(response.status()) {
        return Ok((response, None));
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| Problem::internal())?;
    let shown = parts.extensions.get::<ShownOnce>().copied();
    let status = parts.status.as_u16();
    let kept = (body.len() <= ANSWER_BYTES_MAX).then(|| without_secret(&body, shown)).flatten();
    let answer = kept.map(|body| IdempotentAnswer { request_hash: sha256, status, body });
    Ok((Response::from_parts(parts, Body::from(body)), answer))
}

/// The body with null in the secret's place; nothing where that cannot be done.
fn without_secret(body: &Bytes, shown: Option<ShownOnce>) -> Option<Vec<u8>> {
    let Some(ShownOnce(field)) = shown else { return Some(body.to_vec()) };
    let mut value: serde_json::Value = serde_json::from_slice(body).ok()?;
    *value.get_mut(field)? = serde_json::Value::Null;
    serde_json::to_vec(&value).ok()
}

fn replay(given: IdempotentAnswer, asked: &Asked) -> Result<Response, Problem> {
    if given.request_hash != asked.sha256 {
        let detail = "this key was used for another request: take a new key for each request, and the same one only \
                      to send the same request again";
        return Err(Problem::conflict(detail).about("Idempotency-Key"));
    }
    let status = StatusCode::from_u16(given.status).map_err(|_| Problem::internal())?;
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let empty = given.body.is_empty();
    let mut response = (status, given.body).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if empty {
        headers.remove(CONTENT_TYPE);
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
