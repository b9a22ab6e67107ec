//! The command line's own client to the Hookyard API.
//!
//! It calls the URL that the person at the keyboard typed, so none of the rules for strangers' URLs apply: `localhost`
//! and private addresses are where a Hookyard usually is. It reads no proxy variable and follows no redirect all the
//! same, because the key in its header is meant for that one host.
//!
//! It refuses to know what the API says: answers are JSON values, and problem documents are handed on as they came.

use hyper::body::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::limits::{API_CONNECT_TIMEOUT, API_RESPONSE_BYTES_MAX, API_TIMEOUT};
use crate::tls;

/// A Hookyard, somewhere, and the key to it. Cheap to clone.
#[derive(Clone)]
pub struct ApiClient {
    http: Client,
    base: Url,
}

/// Why the API gave no answer, or which one it gave instead.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The URL that was typed is not one.
    #[error("`{0}` is not the URL of a Hookyard: write it like http://127.0.0.1:8080")]
    BaseUrl(String),
    /// The key or the tenant has a character that no header can carry.
    #[error("the {0} has a character that cannot be sent: paste it again")]
    Credential(&'static str),
    /// The client could not be set up.
    #[error("could not set up the connection to Hookyard")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection, or half an answer.
    #[error("could not reach Hookyard at {base}")]
    Unreachable {
        /// What was typed.
        base: Url,
        /// Without the URL of the request, which may carry a person's details.
        #[source]
        source: reqwest::Error,
    },
    /// The API said no, and why.
    #[error("Hookyard answered {status}: {}", sentence(problem))]
    Problem {
        /// Such as 422.
        status: u16,
        /// The problem document.
        problem: Value,
    },
    /// It was reached, or not even that, and said nothing in time.
    #[error("Hookyard at {base} did not answer in time")]
    TimedOut {
        /// What was typed.
        base: Url,
    },
    /// Something answered, but not the API.
    #[error("the answer ({status}) is not JSON: is {base} a Hookyard?")]
    NotJson {
        /// Such as 502.
        status: u16,
        /// What was typed.
        base: Url,
    },
    /// The answer is out of all proportion.
    #[error("the answer is larger than {limit_bytes} bytes: ask for less at once")]
    TooLarge {
        /// The limit that it broke.
        limit_bytes: usize,
    },
}

/// An answer that goes on, read piece by piece.
pub struct Follow {
    response: Response,
    client: ApiClient,
}

impl ApiClient {
    /// Connects to nothing yet. `base` may have a path, where a proxy puts Hookyard below one.
    pub fn new(base: &str, key: &str, extra_roots: &[CertificateDer<'static>]) -> Result<Self, ApiError> {
        Self::build(base, headers(key, None)?, extra_roots)
    }

    /// The same for an operator's key, which works on every tenant and so has to say which one.
    pub fn for_tenant(
        base: &str,
        key: &str,
        tenant: &str,
        extra_roots: &[CertificateDer<'static>],
    ) -> Result<Self, ApiError> {
        Self::build(base, headers(key, Some(tenant))?, extra_roots)
    }

    /// Reads; `query` is encoded here.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.answer(self.request(Method::GET, path, query)).await
    }

    /// Creates or acts.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, ApiError> {
        self.answer(self.request(Method::POST, path, &[]).json(body)).await
    }

    /// Creates or acts with bytes, such as a component (`application/wasm`).
    pub async fn post_bytes(
        &self,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: Bytes,
    ) -> Result<Value, ApiError> {
        let request = self.request(Method::POST, path, query);
        self.answer(request.header(CONTENT_TYPE, content_type).body(body)).await
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Result<Value, ApiError> {
        self.answer(self.request(Method::PUT, path, &[]).json(body)).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: &impl Serialize) -> Result<Value, ApiError> {
        self.answer(self.request(Method::PATCH, path, &[]).json(body)).await
    }

    /// Removes.
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.answer(self.request(Method::DELETE, path, &[])).await
    }

    /// Reads an answer that has no end, such as the stream of events; only its beginning has a deadline.
    pub async fn follow(&self, path: &str, query: &[(&str, &str)]) -> Result<Follow, ApiError> {
        let sent = tokio::time::timeout(API_TIMEOUT, self.request(Method::GET, path, query).send());
        let response = match sent.await {
            Ok(sent) => sent.map_err(|error| self.unreachable(error))?,
            Err(_elapsed) => return Err(ApiError::TimedOut { base: self.base.clone() }),
        };
        if response.status().is_success() {
            return Ok(Follow { response, client: self.clone() });
        }
        let status = response.status().as_u16();
        let body = tokio::time::timeout(API_TIMEOUT, self.body(response)).await;
        let body = body.map_err(|_elapsed| ApiError::TimedOut { base: self.base.clone() })??;
        Err(self.problem(status, &body))
    }

    fn build(base: &str, headers: HeaderMap, extra_roots: &[CertificateDer<'static>]) -> Result<Self, ApiError> {
        let url = Url::parse(base).ok().filter(is_base).ok_or_else(|| ApiError::BaseUrl(base.to_owned()))?;
        let tls = tls::client_config(extra_roots).map_err(|error| ApiError::Start(error.into()))?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(API_CONNECT_TIMEOUT)
            .user_agent(concat!("hookyard/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .build()
            .map_err(|error| ApiError::Start(error.into()))?;
        Ok(Self { http, base: url })
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{}", self.base.path().trim_end_matches('/'), path.trim_start_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.http.request(method, url)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, ApiError> {
        let response = request.timeout(API_TIMEOUT).send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        let body = self.body(response).await?;
        if !status.is_success() {
            return Err(self.problem(status.as_u16(), &body));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| self.not_json(status.as_u16()))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + piece.len() > API_RESPONSE_BYTES_MAX {
                return Err(ApiError::TooLarge { limit_bytes: API_RESPONSE_BYTES_MAX });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn problem(&self, status: u16, body: &[u8]) -> ApiError {
        match serde_json::from_slice(body) {
            Ok(problem) => ApiError::Problem { status, problem },
            Err(_) => self.not_json(status),
        }
    }

    fn not_json(&self, status: u16) -> ApiError {
        ApiError::NotJson { status, base: self.base.clone() }
    }

    fn unreachable(&self, error: reqwest::Error) -> ApiError {
        let base = self.base.clone();
        if error.is_timeout() {
            return ApiError::TimedOut { base };
        }
        ApiError::Unreachable { base, source: error.without_url() }
    }
}

impl Follow {
    /// The next piece, as it came, or nothing once the other side has ended. Waits as long as it takes. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.response.chunk().await.map_err(|error| self.client.unreachable(error))
    }
}

fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.query().is_none()
}

fn headers(key: &str, tenant: Option<&str>) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    let bearer = HeaderValue::try_from(format!("Bearer {key}"));
    let mut bearer = bearer.map_err(|_| ApiError::Credential("key"))?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(tenant) = tenant {
        let tenant = HeaderValue::from_str(tenant).map_err(|_| ApiError::Credential("tenant"))?;
        headers.insert("x-hookyard-tenant", tenant);
    }
    Ok(headers)
}

/// What a problem document tells a person.
fn sentence(problem: &Value) -> &str {
    let text = |field: &str| problem.get(field).and_then(Value::as_str);
    text("detail").or_else(|| text("title")).unwrap_or("no reason was given")
}
