//! A Graph API that knows a few leads, and is as strict about its callers as the documents allow.
//!
//! It answers `GET /v25.0/{lead}` with the documented shape, demands the page token and the `appsecret_proof` that goes
//! with it, and can be told to fail a lead's first fetches as Graph does, or to refuse the token. Every call is kept for
//! a look. Source of the shapes: "Retrieving leads" and "Securing requests" (developers.facebook.com).

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use data_encoding::HEXLOWER;
use hookyard_model::proof::{Digest, hmac};
use hookyard_model::secret::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::http::server;

/// The simulated API; it ends when this is dropped.
pub struct Graph {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

struct Shared {
    token: String,
    proof: String,
    state: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    leads: HashMap<String, Value>,
    failures: HashMap<String, u32>,
    token_is_dead: bool,
    calls: Vec<String>,
}

impl Graph {
    /// Starts on a free port. `token` is the page token that it takes, `app_secret` what proofs are keyed with.
    ///
    /// # Errors
    /// No port.
    pub async fn start(token: &str, app_secret: &str) -> anyhow::Result<Self> {
        let secret = Secret::from_bytes(app_secret.as_bytes().to_vec())?;
        let proof = HEXLOWER.encode(&hmac(Digest::Sha256, &secret, token.as_bytes()));
        let shared = Arc::new(Shared { token: token.to_owned(), proof, state: Mutex::default() });
        let router = Router::new().route("/{version}/{lead}", get(lead)).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(listener, router, stop.clone()));
        Ok(Self { address, shared, _stop: stop.drop_guard() })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a lead known. `answers` are the form's fields and values.
    pub fn add(&self, lead: &str, answers: &[(&str, &str)]) {
        let field_data: Vec<Value> =
            answers.iter().map(|(name, value)| json!({ "name": name, "values": [value] })).collect();
        let body = json!({
            "created_time": "2026-11-21T08:49:14+0000",
            "id": lead,
            "ad_id": "12312312312",
            "form_id": "98765432101",
            "field_data": field_data,
        });
        self.shared.lock().leads.insert(lead.to_owned(), body);
    }

    /// The next `times` fetches of a lead fail with code 2, "service temporarily unavailable".
    pub fn fail(&self, lead: &str, times: u32) {
        self.shared.lock().failures.insert(lead.to_owned(), times);
    }

    /// From now on the token is refused with code 190, or taken again.
    pub fn set_token_dead(&self, dead: bool) {
        self.shared.lock().token_is_dead = dead;
    }

    /// The paths that were asked for, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.shared.lock().calls.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn lead(
    State(shared): State<Arc<Shared>>,
    Path((version, lead)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let mut state = shared.lock();
    state.calls.push(format!("/{version}/{lead}"));
    if version != "v25.0" || !query.get("fields").is_some_and(|fields| fields.contains("field_data")) {
        return graph_error(StatusCode::BAD_REQUEST, 100, None, "Unsupported get request.");
    }
    if query.get("access_token") != Some(&shared.token) || state.token_is_dead {
        return graph_error(
            StatusCode::UNAUTHORIZED,
            190,
            Some(463),
            "Error validating access token: Session has expired.",
        );
    }
    if query.get("appsecret_proof") != Some(&shared.proof) {
        return graph_error(StatusCode::BAD_REQUEST, 100, None, "Invalid appsecret_proof provided in the API argument");
    }
    if let Some(left) = state.failures.get_mut(&lead).filter(|left| **left > 0) {
        *left -= 1;
        return graph_error(StatusCode::INTERNAL_SERVER_ERROR, 2, None, "Service temporarily unavailable");
    }
    match state.leads.get(&lead) {
        Some(body) => Json(body.clone()).into_response(),
        None => graph_error(StatusCode::BAD_REQUEST, 100, Some(33), "Unsupported get request. Object does not exist."),
    }
}

fn graph_error(status: StatusCode, code: u32, subcode: Option<u32>, message: &str) -> Response {
    let mut error = json!({ "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3" });
    if let (Some(object), Some(subcode)) = (error.as_object_mut(), subcode) {
        object.insert("error_subcode".to_owned(), subcode.into());
    }
    (status, Json(json!({ "error": error }))).into_response()
}
