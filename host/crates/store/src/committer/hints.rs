//! Whether a change leaves rows that somebody has to look for in their tables.
//!
//! What is born claimed goes on through memory. A hint too many costs a look.

use hookyard_model::instant::Instant;

use crate::{Claim, EventEnd, EventSettlement, Item, LoggedEvent, RunEffects, RunNext, RunSettlement};

pub(super) fn is_due(event: &LoggedEvent) -> bool {
    event.claim == Claim::Due
}

/// Whether somebody has to look at the table for what a run brings about.
pub(super) fn of_effects(effects: &RunEffects) -> bool {
    effects.events.iter().any(is_due) || !effects.pushes.is_empty()
}

pub(super) fn of_run(settlement: &RunSettlement, now: Instant) -> bool {
    match &settlement.next {
        RunNext::Waits { due_at } => *due_at <= now,
        RunNext::Succeeded(effects) => of_effects(effects),
        RunNext::Failed => false,
    }
}

pub(super) fn of_event(settlement: &EventSettlement) -> bool {
    let item_due = |item: &Item| {
        let deliveries = item.claim == Claim::Due && !item.deliveries.is_empty();
        let runs = item.run_claim == Claim::Due && !item.runs.is_empty();
        deliveries || runs || !item.pushes.is_empty()
    };
    let items_due = match &settlement.end {
        EventEnd::Understood { items, .. } => items.iter().any(item_due),
        EventEnd::Later { .. } | EventEnd::Failed { .. } => false,
    };
    items_due || settlement.before.iter().any(|run| of_effects(&run.effects))
}
