//! Hookyard's storage.

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
mod tenant;
mod key;
mod application_secret;
mod plugin;
mod account;
mod subscription;
mod event;
mod lead;
mod delivery;
mod refusal;
mod idempotency;
mod upkeep;

pub use account::{AccountPatch, NewAccount, Vault};
pub use config::{Config, Database};
pub use delivery::{DeliveryFilter, DeliveryRow, DeliverySettlement};
pub use error::{Cause, OpenError, StoreError};
pub use event::{
    Claim, EventBodies, EventEnd, EventFilter, EventRow, EventSettlement, Item, LoggedEvent, Reprocess, Settled,
};
pub use idempotency::IdempotentAnswer;
pub use key::{Key, NewKey};
pub use lead::LeadRow;
pub use master_key::MasterKey;
pub use page::PageRequest;
pub use plugin::NewVersion;
pub use refusal::{RefusalId, RefusalNoun, RefusalSample};
pub use signal::Changes;
pub use store::Store;
pub use tenant::Tenant;
pub use upkeep::Backlog;
