//! Commit 2: what became of claimed events, with everything that follows from it.
//!
//! Told by steps, each one statement for the whole batch:
//! 1. fence: every event is settled as if it were the first of its kind, where its claim still holds;
//! 2. dedup: every item's key is inserted; only if some were there already is it asked whose they are;
//! 3. further items become events, then duplicates are set right, leads and deliveries of the others inserted.

use std::collections::{HashMap, HashSet};

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::id::{AccountId, EventId, LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use super::kinds::{Kinds, NewKinds};
use crate::db::{Bulk, Tx, Value};
use crate::{EventEnd, EventSettlement, Item, Settled, StoreError};

/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static EVENT_SETTLE: Bulk = Bulk::new(
    "-- event_settle()
    WITH settled (
        at_tenant, at_event, at_tries, new_status, new_due_at, new_lead, new_key, new_data, new_outcome, new_deliveries
    ) AS (VALUES {rows})
    UPDATE events
    SET status = new_status, due_at = new_due_at, lead_id = new_lead, dedup_key = new_key, data = new_data,
        outcome = new_outcome, delivery_ids = new_deliveries
    FROM settled
    WHERE tenant_id = at_tenant AND event_id = at_event AND tries = at_tries AND due_at IS NOT NULL
    RETURNING event_id, tries, event_type",
    10,
);

static EVENT_RETYPE: Bulk = Bulk::new(
    "-- event_retype()
    WITH retyped (tenant_id, event_id, event_type, kind) AS (VALUES {rows})
    UPDATE events AS e
    SET event_type = retyped.event_type, kind = retyped.kind
    FROM retyped
    WHERE e.tenant_id = retyped.tenant_id AND e.event_id = retyped.event_id",
    4,
);

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
    SELECT k.account_id, k.dedup_key, k.event_id
    FROM wanted CROSS JOIN dedup_keys AS k
    WHERE k.tenant_id = wanted.tenant_id
        AND k.account_id = wanted.account_id
        AND k.dedup_key = wanted.dedup_key",
    3,
);

static EVENT_DERIVE: Bulk = Bulk::new(
    "-- event_derive()
    INSERT INTO events (
        tenant_id, event_id, account_id, provider, event_type, kind, received_at, received_by, caused_by, status,
        tries, payload, lead_id, dedup_key, data, outcome, delivery_ids
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    17,
);

static EVENT_LEADS: Bulk = Bulk::new(
    "-- event_leads()
    WITH wanted (tenant_id, event_id) AS (VALUES {rows})
    SELECT e.event_id, e.lead_id
    FROM wanted CROSS JOIN events AS e
    WHERE e.tenant_id = wanted.tenant_id AND e.event_id = wanted.event_id AND e.lead_id IS NOT NULL",
    2,
);

static EVENT_DUPLICATE: Bulk = Bulk::new(
    "-- event_duplicate()
    WITH duplicate (tenant_id, event_id, status, outcome) AS (VALUES {rows})
    UPDATE events AS e
    SET status = duplicate.status, outcome = duplicate.outcome, lead_id = NULL, dedup_key = NULL, delivery_ids = NULL
    FROM duplicate
    WHERE e.tenant_id = duplicate.tenant_id AND e.event_id = duplicate.event_id",
    4,
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

/// An item of a settlement whose claim held.
struct Placed<'a> {
    /// Which settlement of the batch.
    at: usize,
    settlement: &'a EventSettlement,
    outcome: &'a Outcome,
    item: &'a Item,
    /// Whether it is the event's own.
    first: bool,
    duplicate_of: Option<EventId>,
}

/// Settles all of them; an answer for each.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    settlements: &[&'a EventSettlement],
    now: Instant,
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<Vec<Settled>, StoreError> {
    if settlements.is_empty() {
        return Ok(vec![]);
    }
    let types = fence(tx, settlements).await?;
    let mut placed: Vec<Placed<'a>> = settlements
        .iter()
        .enumerate()
        .filter(|(at, _)| types.contains_key(at))
        .flat_map(|(at, s)| place(at, s))
        .collect();
    find_duplicates(tx, &mut placed).await?;
    retype(tx, &placed, &types, kinds, new_kinds).await?;
    derive(tx, &placed, kinds, new_kinds).await?;
    mark_duplicates(tx, &placed).await?;
    insert_leads(tx, &placed).await?;
    insert_deliveries(tx, &placed, now).await?;
    let mut duplicates: Vec<Vec<bool>> = vec![vec![]; settlements.len()];
    for item in &placed {
        if let Some(of_settlement) = duplicates.get_mut(item.at) {
            of_settlement.push(item.duplicate_of.is_some());
        }
    }
    let answer = |(at, duplicates)| if types.contains_key(&at) { Settled::Done { duplicates } } else { Settled::Lost };
    Ok(duplicates.into_iter().enumerate().map(answer).collect())
}

/// Step 1. Which settlements hold, and the type that each event was logged with.
async fn fence(tx: &mut Tx, settlements: &[&EventSettlement]) -> Result<HashMap<usize, String>, StoreError> {
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(10));
    let mut waiting: HashMap<(EventId, u32), usize> = HashMap::with_capacity(settlements.len());
    for (at, settlement) in settlements.iter().enumerate() {
        // The same claim settled twice is settled once.
        if waiting.contains_key(&(settlement.event, settlement.tries)) {
            continue;
        }
        waiting.insert((settlement.event, settlement.tries), at);
        values.extend([settlement.tenant.into(), settlement.event.into(), settlement.tries.into()]);
        values.extend(ended(settlement));
    }
    let mut types = HashMap::with_capacity(settlements.len());
    for row in EVENT_SETTLE.rows(tx, values).await? {
        let mut cells = row.cells("events");
        let claim = (cells.id("event_id")?, cells.count("tries")?);
        if let Some(at) = waiting.remove(&claim) {
            types.insert(at, cells.text("event_type")?);
        }
    }
    Ok(types)
}

/// Status, due time, lead, key, data, outcome and deliveries of a settled event, as if it were no duplicate.
fn ended(settlement: &EventSettlement) -> [Value; 7] {
    let (status, due_at, outcome, item) = match &settlement.end {
        EventEnd::Understood { items, outcome } => (EventStatus::Processed, None, outcome, items.first()),
        EventEnd::Later { due_at, outcome } => (EventStatus::Received, Some(*due_at), outcome, None),
        EventEnd::Failed { outcome } => (EventStatus::Failed, None, outcome, None),
    };
    let outcome = match item {
        Some(item) => Value::json(&item_outcome(outcome, item, true)),
        None => Value::json(outcome),
    };
    [
        status.as_str().into(),
        due_at.into(),
        item.and_then(lead_id).into(),
        Value::Bytes(item.map(|item| item.dedup.bytes().to_vec())),
        Value::free_text_or_null(item.map(|item| item.data.as_str())),
        outcome,
        delivery_ids(item),
    ]
}

/// Step 2. All keys are inserted in one order, so that two nodes cannot wait for each other's.
async fn find_duplicates(tx: &mut Tx, placed: &mut [Placed<'_>]) -> Result<(), StoreError> {
    let mut keys: Vec<&Placed<'_>> = placed.iter().collect();
    keys.sort_by_key(|item| (item.settlement.account, item.item.dedup));
    let of = |item: &Placed<'_>| -> [Value; 3] {
        [item.settlement.tenant.into(), item.settlement.account.into(), item.item.dedup.bytes().into()]
    };
    let values = keys.iter().flat_map(|item| of(item).into_iter().chain([item.item.id.into()])).collect();
    let inserted = DEDUP_INSERT.execute(tx, values).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == placed.len()) {
        return Ok(());
    }
    let rows = DEDUP_OWNERS.rows(tx, placed.iter().flat_map(of).collect()).await?;
    let mut owners: HashMap<(AccountId, Vec<u8>), EventId> = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut cells = row.cells("dedup_keys");
        owners.insert((cells.id("account_id")?, cells.bytes("dedup_key")?), cells.id("event_id")?);
    }
    for item in placed {
        let owner = owners.get(&(item.settlement.account, item.item.dedup.bytes().to_vec()));
        item.duplicate_of = owner.copied().filter(|owner| *owner != item.item.id);
    }
    Ok(())
}

/// The plugin may know an event's type better than its provider did.
async fn retype<'a>(
    tx: &mut Tx,
    placed: &[Placed<'a>],
    types: &HashMap<usize, String>,
    kinds: &Kinds,
    new_kinds: &mut NewKinds<'a>,
) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for item in placed.iter().filter(|item| item.first) {
        if types.get(&item.at).is_some_and(|logged| *logged != item.item.event_type) {
            let kind = item.kind(kinds, new_kinds);
            let event_type = item.item.event_type.as_str();
            values.extend([item.settlement.tenant.into(), item.item.id.into(), event_type.into(), Value::from(kind)]);
        }
    }
    EVENT_RETYPE.execute(tx, values).await?;
    Ok(())
}

/// Step 3. Each further item is an event of its own. A duplicate among them is set right with the others.
async fn derive<'a>(
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
            settlement.account.into(),
            settlement.provider.as_str().into(),
            item.event_type.as_str().into(),
            further.kind(kinds, new_kinds).into(),
            settlement.received_at.into(),
            Value::json(&further.outcome.normalized_by),
            settlement.event.into(),
            EventStatus::Processed.as_str().into(),
            settlement.tries.into(),
            Value::free_text("{}"),
            lead_id(item).into(),
            item.dedup.bytes().into(),
            Value::free_text(&item.data),
            Value::json(&item_outcome(further.outcome, item, false)),
            delivery_ids(Some(item)),
        ]);
    }
    EVENT_DERIVE.execute(tx, values).await?;
    Ok(())
}

/// A duplicate names the first one, and its lead.
async fn mark_duplicates(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let duplicates = || placed.iter().filter_map(|item| item.duplicate_of.map(|owner| (item, owner)));
    let owners: HashSet<(TenantId, EventId)> =
        duplicates().map(|(item, owner)| (item.settlement.tenant, owner)).collect();
    let values = owners.into_iter().flat_map(|(tenant, event)| [Value::from(tenant), Value::from(event)]).collect();
    let mut leads: HashMap<EventId, LeadId> = HashMap::new();
    for row in EVENT_LEADS.rows(tx, values).await? {
        let mut cells = row.cells("events");
        leads.insert(cells.id("event_id")?, cells.id("lead_id")?);
    }
    let mut values = Vec::new();
    for (item, owner) in duplicates() {
        let outcome = Outcome {
            duplicate_of: Some(owner),
            lead: leads.get(&owner).copied(),
            ..item_outcome(item.outcome, item.item, item.first)
        };
        let status = EventStatus::Duplicate.as_str();
        values.extend([item.settlement.tenant.into(), item.item.id.into(), status.into(), Value::json(&outcome)]);
    }
    EVENT_DUPLICATE.execute(tx, values).await?;
    Ok(())
}

async fn insert_leads(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for placed in placed.iter().filter(|item| item.duplicate_of.is_none()) {
        if let Some((id, lead)) = &placed.item.lead {
            let (tenant, account) = (placed.settlement.tenant, placed.settlement.account);
            values.extend([tenant.into(), (*id).into(), account.into(), placed.item.id.into(), Value::json(lead)]);
        }
    }
    LEAD_INSERT.execute(tx, values).await?;
    Ok(())
}

async fn insert_deliveries(tx: &mut Tx, placed: &[Placed<'_>], now: Instant) -> Result<(), StoreError> {
    let due_at = now.plus(limits::LEASE);
    let mut values = Vec::new();
    let items = placed.iter().filter(|item| item.duplicate_of.is_none());
    for delivery in items.flat_map(|item| &item.item.deliveries) {
        values.extend([
            delivery.tenant.into(),
            delivery.id.into(),
            delivery.subscription.into(),
            delivery.event.into(),
            DeliveryStatus::Pending.as_str().into(),
            due_at.into(),
            Value::from(1_i64),
            Value::from(0_i64),
        ]);
    }
    DELIVERY_INSERT.execute(tx, values).await?;
    Ok(())
}

impl<'a> Placed<'a> {
    fn kind(&self, kinds: &Kinds, new_kinds: &mut NewKinds<'a>) -> i64 {
        let settlement = self.settlement;
        let (of, named) = ((settlement.tenant, settlement.account), (&*settlement.provider, &*self.item.event_type));
        kinds.note(new_kinds, of, named)
    }
}

fn place(at: usize, settlement: &EventSettlement) -> Vec<Placed<'_>> {
    let EventEnd::Understood { items, outcome } = &settlement.end else { return vec![] };
    let placed = items.iter().enumerate();
    placed
        .map(|(number, item)| Placed { at, settlement, outcome, item, first: number == 0, duplicate_of: None })
        .collect()
}

/// What stands beside an item; the log and the effects of the run stand beside the event alone.
fn item_outcome(outcome: &Outcome, item: &Item, first: bool) -> Outcome {
    Outcome {
        normalized_by: outcome.normalized_by.clone(),
        lead: lead_id(item),
        duplicate_of: None,
        reason: outcome.reason.clone(),
        log: if first { outcome.log.clone() } else { vec![] },
        effects: if first { outcome.effects } else { 0 },
        fanout: if item.outcome_fanout.is_empty() && first {
            outcome.fanout.clone()
        } else {
            item.outcome_fanout.clone()
        },
    }
}

fn lead_id(item: &Item) -> Option<LeadId> {
    item.lead.as_ref().map(|(id, _)| *id)
}

fn delivery_ids(item: Option<&Item>) -> Value {
    let ids: Vec<String> = item.iter().flat_map(|item| &item.deliveries).map(|delivery| delivery.id.text()).collect();
    if ids.is_empty() { Value::Bytes(None) } else { Value::free_text(&ids.join("\n")) }
}
