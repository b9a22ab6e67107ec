//! A receiver: somebody who subscribes, checks the signature as Standard Webhooks says, and keeps what came.
//!
//! It can be told to answer otherwise than 200, which is how retries are seen.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use hookyard_model::secret::Secret;
use hookyard_model::style::standard_signature;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::http::server;

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The path it was posted to.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
    /// Whether a known secret signed it (Standard Webhooks).
    pub is_authentic: bool,
}

impl Arrival {
    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The receiver; it ends when this is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Received>,
    arrived: Notify,
}

#[derive(Default)]
struct Received {
    secrets: Vec<Secret>,
    answers: VecDeque<StatusCode>,
    arrivals: Vec<Arrival>,
}

impl Receiver {
    /// Starts on a free port.
    ///
    /// # Errors
    /// No port.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(post(receive)).with_state(Arc::clone(&shared));
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

    /// Checks what comes with this secret, too.
    pub fn trust(&self, secret: Secret) {
        self.shared.lock().secrets.push(secret);
    }

    /// The next deliveries are answered like this, one after the other; then 200 again.
    pub fn answer_next(&self, statuses: impl IntoIterator<Item = StatusCode>) {
        self.shared.lock().answers.extend(statuses);
    }

    /// What has arrived until now.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.lock().arrivals.clone()
    }

    /// Waits until `enough` says that what has arrived is. Cancel-safe.
    pub async fn wait_until(&self, enough: impl Fn(&[Arrival]) -> bool) -> Vec<Arrival> {
        loop {
            let next = self.shared.arrived.notified();
            let arrivals = self.arrivals();
            if enough(&arrivals) {
                return arrivals;
            }
            next.await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut received = shared.lock();
    let is_authentic = is_authentic(&headers, &body, &received.secrets);
    let path = uri.path().to_owned();
    received.arrivals.push(Arrival { path, headers, body, is_authentic });
    let answer = received.answers.pop_front().unwrap_or(StatusCode::OK);
    drop(received);
    shared.arrived.notify_waiters();
    answer
}

/// As the specification tells receivers to do it: any signature of the list may match, compared in constant time.
fn is_authentic(headers: &HeaderMap, body: &[u8], secrets: &[Secret]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(timestamp) = text("webhook-timestamp").parse::<i64>() else { return false };
    let expected: Vec<String> = secrets
        .iter()
        .map(|secret| standard_signature(text("webhook-id"), timestamp, body, std::slice::from_ref(secret)))
        .collect();
    let offered = text("webhook-signature").split(' ');
    offered.into_iter().any(|one| expected.iter().any(|known| bool::from(known.as_bytes().ct_eq(one.as_bytes()))))
}
