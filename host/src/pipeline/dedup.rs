//! Dedup: what makes an item the same as an earlier one.
//!
//! The key is chosen here; that only one row can hold it is the store's doing, in the commit that also writes the lead
//! and the deliveries, so no two workers can both be first.

use hookyard_model::dedup::DedupKey;
use hookyard_model::event::NewEvent;
use hookyard_model::provider::Normalized;

/// The key of the `index`-th item that an event says: the provider's id of the lead; else of the event; else, where the
/// provider names neither, the content. An event that is no provider's is itself, unless its application named it.
#[must_use]
pub fn key(event: &NewEvent, item: &Normalized, index: usize) -> DedupKey {
    if let Some(lead) = &item.lead {
        return DedupKey::of_lead(&lead.provider_lead_id);
    }
    if event.provider.is_none() && event.provider_event_id.is_none() {
        return DedupKey::of_event(&event.id.text());
    }
    match (&event.provider_event_id, index) {
        (Some(id), 0) => DedupKey::of_event(id),
        (Some(id), index) => DedupKey::of_event(&format!("{id}#{index}")),
        (None, 0) => DedupKey::of_content(&event.event_type, &event.payload),
        (None, index) => DedupKey::of_content(&format!("{}#{index}", event.event_type), &event.payload),
    }
}
