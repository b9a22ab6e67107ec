//! What Hookyard answers: providers' webhooks, the API, and the operator's endpoints.
//!
//! Handlers read a request, call one thing, and write an answer; whatever takes thought is in the pipeline, the model
//! or the store. Only [`problem`] knows status codes of failures, only [`auth`] knows keys, only [`page`] knows
//! cursors. The server under it all is built on hyper's connection builder, because of its deadlines ([`server`]).

pub mod server;
pub mod problem;
pub mod auth;
pub mod page;
pub mod body;
pub mod parameters;
pub mod checks;
pub mod pasted;
pub mod settings;
pub mod raw;
pub mod manifest;
pub mod idempotency;

pub mod webhook;
pub mod connect;
pub mod subscriptions;
pub mod leads;
pub mod events;
pub mod deliveries;
pub mod flows;
pub mod runs;
pub mod destinations;
pub mod accounts;
pub mod providers;
pub mod plugins;
pub mod tenants;
pub mod refusals;
pub mod operations;
pub mod openapi;
pub mod router;

use std::sync::Arc;

use hookyard_egress::Egress;
use hookyard_model::instant::Clock;
use hookyard_store::Store;

use crate::directory::Directory;
use crate::flows::guests::Guests;
use crate::pipeline::Front;
use crate::plugins::Plugins;
use crate::telemetry::Metrics;

/// What the handlers have at hand. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// Rows.
    pub store: Store,
    /// Look-ups; forgotten after each management call.
    pub directory: Directory,
    /// Checking and switching.
    pub plugins: Plugins,
    /// Flows on trial.
    pub guests: Guests,
    /// Vets URLs when they are saved.
    pub egress: Egress,
    /// The pipeline's way in.
    pub front: Arc<Front>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What seals cursors: `store.derive_key("cursor")`.
    pub cursor_key: [u8; 32],
    /// As the operator configured it, without a slash at the end: `https://hooks.example.com`.
    pub public_url: Arc<str>,
}
