//! Which items are the first of their key, by one insert for the whole batch.

use std::collections::{HashMap, HashSet};

use hookyard_model::event::EventStatus;
use hookyard_model::id::{AccountId, EventId, LeadId, TenantId};

use super::Placed;
use crate::StoreError;
use crate::db::{Bulk, Tx, Value};

static DEDUP_INSERT: Bulk = Bulk::new(
    "-- dedup_insert()
    INSERT INTO dedup_keys (tenant_id, account_id, dedup_key, event_id)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    4,
);

static DEDUP_OWNERS: Bulk = Bulk::new(
    "-- dedup_owners()
    WITH wanted (tenant_id, account_id, dedup_key) AS (VALUES {rows})
    SELECT k.tenant_id, k.account_id, k.dedup_key, k.event_id
    FROM wanted CROSS JOIN dedup_keys AS k
    WHERE k.tenant_id = wanted.tenant_id
        AND k.account_id = wanted.account_id
        AND k.dedup_key = wanted.dedup_key",
    3,
);

static EVENT_DUPLICATE: Bulk = Bulk::new(
    "-- event_duplicate()
    WITH duplicate (at_tenant, at_event, new_status) AS (VALUES {rows})
    UPDATE events
    SET status = new_status
    FROM duplicate
    WHERE tenant_id = at_tenant AND event_id = at_event",
    3,
);

static EVENT_LEADS: Bulk = Bulk::new(
    "-- event_leads()
    WITH wanted (at_tenant, at_event) AS (VALUES {rows})
    SELECT event_id, lead_id
    FROM wanted CROSS JOIN event_outcomes
    WHERE tenant_id = at_tenant AND event_id = at_event AND lead_id IS NOT NULL",
    2,
);

/// Step 2. All keys are inserted in one order, so that two nodes cannot wait for each other's.
pub(super) async fn find_duplicates(tx: &mut Tx, placed: &mut [Placed<'_>]) -> Result<(), StoreError> {
    let mut keys: Vec<&Placed<'_>> = placed.iter().collect();
    keys.sort_by_key(|item| (item.settlement.tenant, item.settlement.account, item.item.dedup));
    let of = |item: &Placed<'_>| -> [Value; 3] {
        [item.settlement.tenant.into(), Value::or_empty(item.settlement.account), item.item.dedup.bytes().into()]
    };
    let values = keys.iter().flat_map(|item| of(item).into_iter().chain([item.item.id.into()])).collect();
    let inserted = DEDUP_INSERT.execute(tx, values).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == placed.len()) {
        return Ok(());
    }
    let rows = DEDUP_OWNERS.rows(tx, placed.iter().flat_map(of).collect()).await?;
    let mut owners: HashMap<(TenantId, Option<AccountId>, Vec<u8>), EventId> = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut cells = row.cells("dedup_keys");
        let key = (cells.id("tenant_id")?, cells.id_or_empty("account_id")?, cells.bytes("dedup_key")?);
        owners.insert(key, cells.id("event_id")?);
    }
    for item in placed {
        let (tenant, account) = (item.settlement.tenant, item.settlement.account);
        let owner = owners.get(&(tenant, account, item.item.dedup.bytes().to_vec()));
        item.duplicate_of = owner.copied().filter(|owner| *owner != item.item.id);
    }
    Ok(())
}

pub(super) async fn mark_duplicates(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let status = EventStatus::Duplicate.as_str();
    let duplicates = placed.iter().filter(|item| item.duplicate_of.is_some());
    let values = duplicates.flat_map(|item| [item.settlement.tenant.into(), item.item.id.into(), status.into()]);
    EVENT_DUPLICATE.execute(tx, values.collect()).await?;
    Ok(())
}

/// The leads of the events that duplicates repeat, in the table or in this very batch.
pub(super) async fn leads_of_owners(
    tx: &mut Tx,
    placed: &[Placed<'_>],
) -> Result<HashMap<EventId, LeadId>, StoreError> {
    let owners: HashSet<(TenantId, EventId)> =
        placed.iter().filter_map(|item| Some((item.settlement.tenant, item.duplicate_of?))).collect();
    if owners.is_empty() {
        return Ok(HashMap::new());
    }
    let first = placed.iter().filter(|item| item.duplicate_of.is_none());
    let mut leads: HashMap<EventId, LeadId> =
        first.filter_map(|item| Some((item.item.id, item.item.lead.as_ref()?.0))).collect();
    let values = owners.into_iter().flat_map(|(tenant, event)| [Value::from(tenant), Value::from(event)]).collect();
    for row in EVENT_LEADS.rows(tx, values).await? {
        let mut cells = row.cells("event_outcomes");
        leads.insert(cells.id("event_id")?, cells.id("lead_id")?);
    }
    Ok(leads)
}
