//! Operational events: what the host has to tell a tenant, as events like any other.
//!
//! They go the way of an application's events: logged, shown, and forwarded to whoever subscribes to their type.

use hookyard_model::event::NewEvent;
use hookyard_model::id::TenantId;
use hookyard_store::{Claim, LoggedEvent, Store, StoreError};
use serde_json::Value;

use crate::ids;

/// Logs an event of the host's own.
///
/// # Errors
/// The store's.
pub async fn tell(store: &Store, tenant: TenantId, event_type: &str, data: &Value) -> Result<(), StoreError> {
    let now = store.now();
    let event = NewEvent {
        id: ids::new_id(now),
        tenant,
        provider: None,
        account: None,
        event_type: event_type.to_owned(),
        provider_event_id: None,
        occurred_at: None,
        received_at: now,
        payload: data.to_string(),
        received_by: None,
        cause: None,
    };
    store.log_events(vec![LoggedEvent { event, claim: Claim::Due }]).await
}
