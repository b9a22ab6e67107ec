//! What stands beside each settled event.

use std::collections::HashMap;

use hookyard_model::event::Outcome;
use hookyard_model::id::{EventId, LeadId};

use super::Placed;
use super::dedup::leads_of_owners;
use crate::db::{Bulk, Tx, Value};
use crate::{EventEnd, EventSettlement, Item, StoreError};

static OUTCOME_CLEAR: Bulk = Bulk::new(
    "-- event_outcome_clear()
    WITH gone (gone_tenant, gone_event) AS (VALUES {rows})
    DELETE FROM event_outcomes
    WHERE (tenant_id, event_id) IN (SELECT gone_tenant, gone_event FROM gone)",
    2,
);

static OUTCOME_INSERT: Bulk = Bulk::new(
    "-- event_outcome_insert()
    INSERT INTO event_outcomes (tenant_id, event_id, lead_id, dedup_key, data, outcome, delivery_ids)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    7,
);

/// What stands beside each event: those of the items, and those of settlements without any.
pub(super) async fn insert_outcomes(
    tx: &mut Tx,
    settlements: Vec<&EventSettlement>,
    placed: &[Placed<'_>],
) -> Result<(), StoreError> {
    // Only what was claimed before can have an outcome already.
    let again = settlements.iter().filter(|settlement| settlement.tries > 1);
    let values = again.flat_map(|settlement| [settlement.tenant.into(), Value::from(settlement.event)]).collect();
    OUTCOME_CLEAR.execute(tx, values).await?;
    let leads = leads_of_owners(tx, placed).await?;
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(7));
    for settlement in settlements {
        let outcome = match &settlement.end {
            EventEnd::Understood { items, outcome } if items.is_empty() => outcome,
            EventEnd::Understood { .. } => continue,
            EventEnd::Later { outcome, .. } | EventEnd::Failed { outcome } => outcome,
        };
        values.extend([settlement.tenant.into(), settlement.event.into()]);
        values.extend([Value::Text(None), Value::Bytes(None), Value::Bytes(None)]);
        values.extend([Value::json(outcome), Value::Bytes(None)]);
    }
    for item in placed {
        let outcome = item_outcome(item, &leads);
        let owns = item.duplicate_of.is_none();
        values.extend([
            item.settlement.tenant.into(),
            item.item.id.into(),
            item.item.lead.as_ref().filter(|_| owns).map(|(id, _)| *id).into(),
            Value::Bytes(owns.then(|| item.item.dedup.bytes().to_vec())),
            Value::free_text(&item.item.data),
            Value::json(&outcome),
            if owns { delivery_ids(item.item) } else { Value::Bytes(None) },
        ]);
    }
    OUTCOME_INSERT.execute(tx, values).await?;
    Ok(())
}

/// What stands beside an item; the log and the effects of the run stand beside the event alone. A duplicate names the
/// first one, and its lead.
fn item_outcome(placed: &Placed<'_>, leads: &HashMap<EventId, LeadId>) -> Outcome {
    let Placed { outcome, item, first, duplicate_of, .. } = placed;
    let owns = duplicate_of.is_none();
    let fanout = if item.outcome_fanout.is_empty() && *first { &outcome.fanout } else { &item.outcome_fanout };
    Outcome {
        normalized_by: outcome.normalized_by.clone(),
        lead: match duplicate_of {
            Some(owner) => leads.get(owner).copied(),
            None => item.lead.as_ref().map(|(id, _)| *id),
        },
        duplicate_of: *duplicate_of,
        reason: outcome.reason.clone(),
        log: if *first { outcome.log.clone() } else { vec![] },
        effects: if *first { outcome.effects } else { 0 },
        fanout: fanout.clone(),
        flows: if owns { item.flows.clone() } else { vec![] },
        dropped: item.dropped.clone().filter(|_| owns),
    }
}

fn delivery_ids(item: &Item) -> Value {
    let ids: Vec<String> = item.deliveries.iter().map(|delivery| delivery.id.text()).collect();
    if ids.is_empty() { Value::Bytes(None) } else { Value::free_text(&ids.join("\n")) }
}
