//! The event log: commit 1, and the 2xx that means it.
//!
//! All events of one request are logged together or not at all. As many as `normalize` has room for are born claimed
//! and handed on through memory once they are durable; the rest, and those whose payload is too heavy to wait in memory,
//! are due at once for whoever is free, on any node.

use hookyard_model::event::{ClaimedEvent, NewEvent, PluginRun};
use hookyard_model::id::EventId;
use hookyard_model::limits;
use hookyard_model::plugin::PluginVersion;
use hookyard_store::{Claim, LoggedEvent, Store, StoreError};

use super::Believed;
use crate::ids;
use crate::worker::Handoff;

/// The stage.
pub struct EventLog {
    /// Where events are logged.
    pub store: Store,
    /// The next stage.
    pub next: Handoff<ClaimedEvent>,
}

impl EventLog {
    /// Logs what a request told; returns when it is durable.
    ///
    /// # Errors
    /// The store's: nothing was kept, or nothing is known to have been.
    pub async fn log(&self, believed: Believed) -> Result<Vec<EventId>, StoreError> {
        let now = self.store.now();
        let received_by = run_of(&believed.version);
        let events = believed.events.into_iter().map(|(entry, inbound)| NewEvent {
            id: ids::new_id(now),
            tenant: entry.account.tenant,
            provider: Some(believed.provider.clone()),
            account: Some(entry.account.id),
            event_type: inbound.event_type,
            provider_event_id: inbound.event_id,
            occurred_at: inbound.occurred_at,
            received_at: now,
            payload: inbound.payload,
            received_by: Some(received_by.clone()),
            cause: None,
        });
        self.log_all(events.collect()).await
    }

    /// Logs events, all of them or none; returns when they are durable.
    ///
    /// # Errors
    /// As [`log`](Self::log).
    pub async fn log_all(&self, events: Vec<NewEvent>) -> Result<Vec<EventId>, StoreError> {
        let mut logged = Vec::new();
        let mut handed = Vec::new();
        for event in events {
            let is_light = event.payload.len() <= limits::HANDOFF_BYTES_MAX;
            let claim = match is_light.then(|| self.next.reserve()).flatten() {
                Some(place) => {
                    handed.push((place, ClaimedEvent { event: event.clone(), tries: 1 }));
                    Claim::BornClaimed
                }
                None => Claim::Due,
            };
            logged.push(LoggedEvent { event, claim });
        }
        let ids = logged.iter().map(|logged| logged.event.id).collect();
        if !logged.is_empty() {
            self.store.log_events(logged).await?;
        }
        for (place, event) in handed {
            place.send(event);
        }
        Ok(ids)
    }
}

/// How a story names a version.
#[must_use]
pub fn run_of(version: &PluginVersion) -> PluginRun {
    PluginRun {
        plugin: version.manifest.id.clone(),
        version: version.version,
        digest: version.digest.hex().chars().take(12).collect(),
    }
}
