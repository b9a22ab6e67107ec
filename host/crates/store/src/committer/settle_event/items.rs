//! What an event said, as rows: events of their own, leads, deliveries, runs, pushes.

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::event::EventStatus;
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use super::Placed;
use crate::committer::kinds::{Kinds, NewKinds};
use crate::committer::run_rows::RunRows;
use crate::committer::settle_push::insert_pushes;
use crate::db::{Bulk, Tx, Value};
use crate::{Claim, StoreError};

/// How many events there are before a further item: the one that it was found in, which is a provider's and has none.
const DERIVED_DEPTH: i64 = 1;

static EVENT_RETYPE: Bulk = Bulk::new(
    "-- event_retype()
    WITH retyped (at_tenant, at_event, new_type, new_kind) AS (VALUES {rows})
    UPDATE events
    SET event_type = new_type, kind = new_kind
    FROM retyped
    WHERE tenant_id = at_tenant AND event_id = at_event AND event_type <> new_type",
    4,
);

static EVENT_DERIVE: Bulk = Bulk::new(
    "-- event_derive()
    INSERT INTO events (
        tenant_id, event_id, account_id, provider, event_type, kind, received_at, received_by, caused_by, depth,
        status, tries, payload
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    13,
);

static LEAD_INSERT: Bulk = Bulk::new(
    "-- lead_insert()
    INSERT INTO leads (tenant_id, lead_id, account_id, event_id, lead)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    5,
);

static DELIVERY_INSERT: Bulk = Bulk::new(
    "-- delivery_insert()
    INSERT INTO deliveries (tenant_id, delivery_id, subscription_id, event_id, status, due_at, tries, attempts)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    8,
);

/// Step 3. Each further item is an event of its own. A duplicate among them is set right with the others.
pub(super) async fn derive<'a>(
    tx: &mut Tx,
    placed: &[Placed<'a>],
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for further in placed.iter().filter(|item| !item.first) {
        let (settlement, item) = (further.settlement, further.item);
        values.extend([
            settlement.tenant.into(),
            item.id.into(),
            Value::or_empty(settlement.account),
            Value::or_empty(settlement.provider.as_deref()),
            item.event_type.as_str().into(),
            further.kind(kinds, new_kinds).into(),
            settlement.received_at.into(),
            Value::json_or_null(further.outcome.normalized_by.as_ref()),
            settlement.event.into(),
            DERIVED_DEPTH.into(),
            EventStatus::Processed.as_str().into(),
            settlement.tries.into(),
            Value::free_text("{}"),
        ]);
    }
    EVENT_DERIVE.execute(tx, values).await?;
    Ok(())
}

/// The plugin may know an event's type better than its provider did.
pub(super) async fn retype<'a>(
    tx: &mut Tx,
    placed: &[Placed<'a>],
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<(), StoreError> {
    let mut values = Vec::with_capacity(placed.len().saturating_mul(4));
    for item in placed.iter().filter(|item| item.first) {
        let kind = item.kind(kinds, new_kinds);
        let event_type = item.item.event_type.as_str();
        values.extend([item.settlement.tenant.into(), item.item.id.into(), event_type.into(), Value::from(kind)]);
    }
    EVENT_RETYPE.execute(tx, values).await?;
    Ok(())
}

pub(super) async fn insert_leads(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for placed in placed.iter().filter(|item| item.duplicate_of.is_none()) {
        if let Some((id, lead)) = &placed.item.lead {
            let (tenant, account) = (placed.settlement.tenant, placed.settlement.account);
            let account = Value::or_empty(account);
            values.extend([tenant.into(), (*id).into(), account, placed.item.id.into(), Value::json(lead)]);
        }
    }
    LEAD_INSERT.execute(tx, values).await?;
    Ok(())
}

pub(super) async fn insert_deliveries(tx: &mut Tx, placed: &[Placed<'_>], now: Instant) -> Result<(), StoreError> {
    let mut values = Vec::new();
    let items = placed.iter().filter(|item| item.duplicate_of.is_none()).map(|item| item.item);
    for (claim, delivery) in items.flat_map(|item| item.deliveries.iter().map(|delivery| (item.claim, delivery))) {
        let (due_at, tries) = match claim {
            Claim::BornClaimed => (now.plus(limits::LEASE), 1_i64),
            Claim::Due => (now, 0),
        };
        values.extend([
            delivery.tenant.into(),
            delivery.id.into(),
            delivery.subscription.into(),
            delivery.event.into(),
            DeliveryStatus::Pending.as_str().into(),
            due_at.into(),
            Value::from(tries),
            Value::from(0_i64),
        ]);
    }
    DELIVERY_INSERT.execute(tx, values).await?;
    Ok(())
}

pub(super) async fn insert_runs(tx: &mut Tx, placed: &[Placed<'_>], now: Instant) -> Result<(), StoreError> {
    let mut rows = RunRows::default();
    for item in placed.iter().filter(|item| item.duplicate_of.is_none()).map(|item| item.item) {
        item.runs.iter().for_each(|run| rows.born(run, item.run_claim, now));
        item.limited.iter().for_each(|run| rows.limited(run, now));
    }
    rows.insert(tx).await
}

pub(super) async fn insert_item_pushes(tx: &mut Tx, placed: &[Placed<'_>], now: Instant) -> Result<(), StoreError> {
    let first = placed.iter().filter(|item| item.duplicate_of.is_none());
    insert_pushes(tx, first.flat_map(|item| &item.item.pushes), now).await
}
