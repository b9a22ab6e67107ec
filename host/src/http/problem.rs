//! Problems: the one place where failures become HTTP.
//!
//! Every refusal is an RFC 9457 document: a stable `type`, a title, a sentence that says what to do, and the field
//! that it is about. The sentence is for the caller; what the store or the sandbox said goes to the log. A 5xx has a
//! constant body.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hookyard_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::plugins::PluginError;

/// What every failed call answers (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Stable: `urn:hookyard:problem:not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The field of the request that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which to try again.
    #[serde(skip)]
    retry_after: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:hookyard:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            retry_after: None,
        }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 401: no key, or one that is not valid.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "No valid API key", detail)
    }

    /// 401: a webhook that is not authentic. It says no more than that.
    pub fn not_authentic() -> Self {
        let detail = "the request is not signed as the provider signs, or not with a secret that is known here";
        Self::new(StatusCode::UNAUTHORIZED, "not-authentic", "The request is not authentic", detail)
    }

    /// 403: the key may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The key may not do this", detail)
    }

    /// 404: there is none, or it is another tenant's.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what} here: check its id, and whose key you use");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 404 of a kind of its own.
    pub fn unknown(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, "Not found", detail)
    }

    /// 404: no route goes there.
    pub fn no_route() -> Self {
        let detail = "nothing is served at this path: see /openapi.json for what there is";
        Self::unknown("no-route", detail)
    }

    /// 405: not with this method.
    pub fn method_not_allowed() -> Self {
        let detail = "this route does not take that method: see /openapi.json for what it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    /// 408: the body did not come in time.
    pub fn too_slow() -> Self {
        let seconds = hookyard_model::limits::REQUEST_BODY_TIMEOUT.as_secs();
        let detail = format!("the body took longer than {seconds} s: send it again, faster or in smaller parts");
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body took too long", detail)
    }

    /// 409: something is in the way.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Something is in the way", detail)
    }

    /// 413: more bytes than are taken.
    pub fn too_large(bytes_max: usize) -> Self {
        Self::too_large_because(format!(
            "the body has more than {bytes_max} bytes, and that is the most that is taken here"
        ))
    }

    /// 413 with a bound of its own.
    pub fn too_large_because(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// 415: bytes of a kind that is not taken.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Not this kind of body", detail)
    }

    /// 422: it is JSON, and of another shape.
    pub fn unfit(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value cannot be", detail)
    }

    /// 422: it reads well, and cannot be.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::unfit(detail).about(field)
    }

    /// 422: the component is refused.
    pub fn invalid_component(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-component", "The component is refused", detail)
    }

    /// 429 with Retry-After.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u32) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail);
        Self { retry_after: Some(retry_after_seconds), ..problem }
    }

    /// 500: a defect of ours.
    pub fn internal() -> Self {
        let detail = "something went wrong here; the log of the host says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// 503 with Retry-After: nothing was kept; try again.
    pub fn unavailable() -> Self {
        let detail = "the host cannot take this at the moment; nothing was kept: send it again";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available", detail);
        Self { retry_after: Some(2), ..problem }
    }

    /// The same, about a field.
    #[must_use]
    pub fn about(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict { what } => Self::conflict(format!("there is another {what} like it already")),
            StoreError::Unavailable(_) | StoreError::Fatal => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store could not answer a request");
                Self::unavailable()
            }
            StoreError::Undecodable { .. } | StoreError::Query(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed a request");
                Self::internal()
            }
        }
    }
}

impl From<PluginError> for Problem {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Refused(refusal) => refusal.into(),
            PluginError::Store(error) => error.into(),
            PluginError::Load(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a plugin could not be loaded");
                Self::conflict("this version cannot be loaded by this release of the host: upload it again")
            }
            PluginError::NotFound => Self::not_found("plugin or version"),
        }
    }
}

impl From<hookyard_sandbox::Refusal> for Problem {
    fn from(refusal: hookyard_sandbox::Refusal) -> Self {
        use hookyard_sandbox::Refusal;
        match &refusal {
            Refusal::TooLarge { .. } => Self::too_large_because(refusal.to_string()),
            Refusal::Describe(failure) if failure.blame.is_ours() => Self::unavailable(),
            Refusal::Load(error) => {
                tracing::error!(%error, "a component could not be loaded right after it was compiled");
                Self::internal()
            }
            Refusal::Compile(error) if std::error::Error::source(error).is_some() => {
                tracing::error!(error = error as &dyn std::error::Error, "the compiler could not be run");
                Self::unavailable()
            }
            Refusal::Compile(_) | Refusal::Contract(_) | Refusal::Describe(_) | Refusal::Manifest(_) => {
                Self::invalid_component(refusal.to_string())
            }
        }
    }
}
