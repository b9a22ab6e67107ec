//! Fan-out: who gets an item, and why the others do not.

use hookyard_model::delivery::NewDelivery;
use hookyard_model::event::FanoutNote;
use hookyard_model::id::{EventId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::subscription::Match;

use crate::directory::Target;
use crate::ids;

/// A delivery for each subscription that an event of this type is for, and a note on each that was looked at.
#[must_use]
pub fn fan_out(
    tenant: TenantId,
    event: EventId,
    event_type: &str,
    provider: Option<&str>,
    targets: &[Target],
    now: Instant,
) -> (Vec<NewDelivery>, Vec<FanoutNote>) {
    let mut deliveries = Vec::new();
    let mut notes = Vec::new();
    for target in targets {
        let subscription = target.subscription.id;
        let (matched, why) = match target.subscription.matches(event_type, provider) {
            Match::Yes(why) => (true, why),
            Match::No(why) => (false, why),
        };
        if matched {
            deliveries.push(NewDelivery { id: ids::new_id(now), tenant, event, subscription });
        }
        if notes.len() < limits::FANOUT_RECORDED_MAX {
            notes.push(FanoutNote { subscription, matched, why });
        }
    }
    (deliveries, notes)
}
