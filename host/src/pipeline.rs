//! The pipeline: what happens to an event, in the order in which it happens.
//!
//! | stage | takes | gives | commits |
//! |---|---|---|---|
//! | [`ingest`] | an HTTP request | a bounded one | |
//! | [`verify`] | that request | what it tells, proved | |
//! | [`event_log`] | what is proved | events, born claimed | 1, then the 2xx |
//! | [`normalize`] | an event | leads and data; [`dedup`] keys, flows `before`, [`fanout`] | 2 |
//! | [`deliver`] | a delivery | an attempt, and what follows | 3 |
//! | [`push`] | a push | a receipt, and what follows | 3 |
//! | [`flows`] | a run | replies in its journal, or its end with all that it decided | 3 |
//!
//! Stages do not import each other: they meet in [`crate::run`], where the end of one is handed the beginning of the
//! next, and in the types of this file. Between commits an event is in memory on this node, and its row falls due by
//! itself should the node be gone.

pub mod ingest;
pub mod secrets;
pub mod verify;
pub mod refusals;
pub mod event_log;
pub mod normalize;
pub mod dedup;
pub mod fanout;
pub mod deliver;
pub mod flows;
pub mod push;

use std::sync::Arc;

use hookyard_model::http::{Request, Response};
use hookyard_model::id::AccountId;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::provider::Inbound;

use crate::directory::AccountEntry;
use event_log::EventLog;
use refusals::Refusals;
use verify::Verify;

/// The half of the pipeline that a provider waits for.
pub struct Front {
    /// From request to reception.
    pub verify: Verify,
    /// From reception to rows.
    pub event_log: EventLog,
    /// What was not believed.
    pub refusals: Refusals,
}

/// A request within its bounds, not believed yet.
#[derive(Debug)]
pub struct Arrived {
    /// The provider in its URL.
    pub provider: String,
    /// The account in its URL; none on the shared route.
    pub account: Option<AccountId>,
    /// As it came, its URL as the operator configured it.
    pub request: Request,
}

/// What a request tells, now that it is proved.
#[derive(Debug)]
pub struct Believed {
    /// The provider type.
    pub provider: String,
    /// The version that read it.
    pub version: Arc<PluginVersion>,
    /// Each event with the account that it belongs to.
    pub events: Vec<(Arc<AccountEntry>, Inbound)>,
    /// Events that belong to no account here.
    pub unclaimed: usize,
    /// An answer of the provider's own choosing.
    pub reply: Option<Response>,
}
