//! Hookyard's storage, on SQLite and on PostgreSQL: the only crate that names sqlx.
//!
//! The state is the queue. An event, run, delivery or push that needs work has a `due_at`; claiming it moves that behind a
//! lease and counts `tries` up; settling it clears or moves it again, and only where `tries` is still the claimed
//! number. So a crash needs no recovery: the row falls due again, and whoever held it before is fenced off. This
//! makes the lease a matter of speed and not of correctness.
//!
//! Writing has two speeds. The commits of an event's life ([`Store::log_events`], [`Store::settle_event`],
//! [`Store::settle_run`], [`Store::settle_delivery`], [`Store::settle_push`]) go through the `committer`, which makes one transaction of all that waits and
//! answers when it is durable. Everything else is a transaction of its own, and counts
//! [`Store::config_version`] up where it changes what is configured.
//!
//! What this crate refuses to know: HTTP, guests, sockets, retry schedules, what a lead means. It decides nothing;
//! it stores what was decided, all of it or none of it. Secrets it stores sealed (`seal`), and gives out as
//! [`hookyard_model::secret::Secret`] only.
//!
//! Dropping a future of this crate leaves no half of a change: a transaction that is not committed is rolled back,
//! and a change that was handed to the committer is made whether or not anybody waits for the answer.

mod config;
mod error;
mod store;
mod lock;
mod db;
mod master_key;
mod seal;
mod secrets;
mod signal;
mod committer;
mod page;
mod exclude;
mod tenant;
mod key;
mod application_secret;
mod plugin;
mod account;
mod subscription;
mod flow;
mod destination;
mod event;
mod lead;
mod run;
mod delivery;
mod push;
mod refusal;
mod idempotency;
mod upkeep;

pub use account::{AccountPatch, NewAccount, Vault};
pub use config::{CommitWatch, Config, Database, Moment};
pub use delivery::{DeliveryFilter, DeliveryRow, DeliverySettlement};
pub use destination::{
    DESTINATIONS_PER_TENANT_MAX, DestinationPatch, DestinationRow, DestinationStatus, NewDestination,
};
pub use error::{Cause, OpenError, StoreError};
pub use event::{
    Claim, EventBodies, EventEnd, EventFilter, EventRow, EventSettlement, Item, LoggedEvent, Reprocess, Settled,
};
pub use flow::{FlowPatch, NewFlow};
pub use idempotency::IdempotentAnswer;
pub use key::{Key, NewKey};
pub use lead::LeadRow;
pub use master_key::MasterKey;
pub use page::PageRequest;
pub use plugin::NewVersion;
pub use push::{ClaimedPush, NewPush, PushAttempt, PushFilter, PushNext, PushRow, PushSettlement, PushStatus};
pub use refusal::{RefusalId, RefusalNoun, RefusalSample};
pub use run::{FinishedRun, LeadChange, RunEffects, RunFilter, RunNext, RunRetry, RunRow, RunSettled, RunSettlement};
pub use secrets::Credentials;
pub use signal::Changes;
pub use store::Store;
pub use tenant::Tenant;
pub use upkeep::Backlog;
