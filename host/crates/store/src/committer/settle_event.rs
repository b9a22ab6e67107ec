//! Commit 2: what became of claimed events, with everything that follows from it.
//!
//! Told by steps, each one statement for the whole batch:
//! 1. fence: every event is settled as if it were the first of its kind, where its claim still holds;
//! 2. dedup: every item's key is inserted; only if some were there already is it asked whose they are;
//! 3. further items become events, duplicates are marked, outcomes, leads and deliveries inserted.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::id::{AccountId, EventId, LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use super::batch::{Broken, Care};
use super::kinds::{Kinds, NewKinds};
use crate::db::{Bulk, Tx, Value};
use crate::{Claim, EventEnd, EventSettlement, Item, Settled, StoreError};

const EVENT_SETTLE_TEXT: &str = "-- event_settle()
    WITH settled (at_tenant, at_event, at_tries, new_status, new_due_at) AS (VALUES {rows})
    UPDATE events
    SET status = new_status, due_at = new_due_at
    FROM settled
    WHERE tenant_id = at_tenant AND event_id = at_event AND tries = at_tries AND due_at IS NOT NULL";
static EVENT_SETTLE: Bulk = Bulk::new(EVENT_SETTLE_TEXT, 5);
/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static EVENT_SETTLE_EACH: Bulk = Bulk::with_suffix(EVENT_SETTLE_TEXT, 5, "\n    RETURNING event_id, tries");

static EVENT_RETYPE: Bulk = Bulk::new(
    "-- event_retype()
    WITH retyped (at_tenant, at_event, new_type, new_kind) AS (VALUES {rows})
    UPDATE events
    SET event_type = new_type, kind = new_kind
    FROM retyped
    WHERE tenant_id = at_tenant AND event_id = at_event AND event_type <> new_type",
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
        tries, payload
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    12,
);

static EVENT_LEADS: Bulk = Bulk::new(
    "-- event_leads()
    WITH wanted (at_tenant, at_event) AS (VALUES {rows})
    SELECT event_id, lead_id
    FROM wanted CROSS JOIN event_outcomes
    WHERE tenant_id = at_tenant AND event_id = at_event AND lead_id IS NOT NULL",
    2,
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

static OUTCOME_CLEAR: Bulk = Bulk::new(
    "-- event_outcome_clear()
    DELETE FROM event_outcomes
    WHERE (tenant_id, event_id) IN (VALUES {rows})",
    2,
);

static OUTCOME_INSERT: Bulk = Bulk::new(
    "-- event_outcome_insert()
    INSERT INTO event_outcomes (tenant_id, event_id, lead_id, dedup_key, data, outcome, delivery_ids)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    7,
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

/// Settles all of them; an answer for each. Where not every claim holds, it takes `care` to say which.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    settlements: &[&'a EventSettlement],
    care: Care,
    now: Instant,
    (kinds, new_kinds): (&Kinds, &mut NewKinds<'a>),
) -> Result<Vec<Settled>, Broken> {
    if settlements.is_empty() {
        return Ok(vec![]);
    }
    let held = fence(tx, settlements, care).await?;
    let held_ones = || settlements.iter().copied().enumerate().zip(&held).filter(|(_, held)| **held).map(|(s, _)| s);
    let mut placed: Vec<Placed<'a>> = held_ones().flat_map(|(at, settlement)| place(at, settlement)).collect();
    find_duplicates(tx, &mut placed).await?;
    derive(tx, &placed, kinds, new_kinds).await?;
    retype(tx, &placed, kinds, new_kinds).await?;
    mark_duplicates(tx, &placed).await?;
    let plain = held_ones().map(|(_, settlement)| settlement);
    insert_outcomes(tx, plain.collect(), &placed).await?;
    insert_leads(tx, &placed).await?;
    insert_deliveries(tx, &placed, now).await?;
    let mut duplicates: Vec<Vec<bool>> = vec![vec![]; settlements.len()];
    for item in &placed {
        if let Some(of_settlement) = duplicates.get_mut(item.at) {
            of_settlement.push(item.duplicate_of.is_some());
        }
    }
    let answer = |(duplicates, held)| if held { Settled::Done { duplicates } } else { Settled::Lost };
    Ok(duplicates.into_iter().zip(held).map(answer).collect())
}

/// Step 1. Which claims hold. Nearly always all of them, and then their number says so.
async fn fence(tx: &mut Tx, settlements: &[&EventSettlement], care: Care) -> Result<Vec<bool>, Broken> {
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(5));
    let mut waiting: HashMap<(EventId, u32), usize> = HashMap::with_capacity(settlements.len());
    for (at, settlement) in settlements.iter().enumerate() {
        // The same claim settled twice is settled once.
        if let Entry::Vacant(entry) = waiting.entry((settlement.event, settlement.tries)) {
            entry.insert(at);
            let (status, due_at) = match &settlement.end {
                EventEnd::Understood { .. } => (EventStatus::Processed, None),
                EventEnd::Later { due_at, .. } => (EventStatus::Received, Some(*due_at)),
                EventEnd::Failed { .. } => (EventStatus::Failed, None),
            };
            values.extend([settlement.tenant.into(), settlement.event.into(), settlement.tries.into()]);
            values.extend([status.as_str().into(), Value::from(due_at)]);
        }
    }
    if care == Care::Little {
        let count = EVENT_SETTLE.execute(tx, values).await?;
        let all = usize::try_from(count).is_ok_and(|count| count == settlements.len());
        return if all { Ok(vec![true; settlements.len()]) } else { Err(Broken::Short) };
    }
    let mut held = vec![false; settlements.len()];
    for row in EVENT_SETTLE_EACH.rows(tx, values).await? {
        let mut cells = row.cells("events");
        let claim = (cells.id("event_id")?, cells.count("tries")?);
        if let Some(held) = waiting.get(&claim).and_then(|at| held.get_mut(*at)) {
            *held = true;
        }
    }
    Ok(held)
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
        ]);
    }
    EVENT_DERIVE.execute(tx, values).await?;
    Ok(())
}

async fn mark_duplicates(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let status = EventStatus::Duplicate.as_str();
    let duplicates = placed.iter().filter(|item| item.duplicate_of.is_some());
    let values = duplicates.flat_map(|item| [item.settlement.tenant.into(), item.item.id.into(), status.into()]);
    EVENT_DUPLICATE.execute(tx, values.collect()).await?;
    Ok(())
}

/// What stands beside each event: those of the items, and those of settlements without any.
async fn insert_outcomes(
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

/// The leads of the events that duplicates repeat, in the table or in this very batch.
async fn leads_of_owners(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<HashMap<EventId, LeadId>, StoreError> {
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

/// What stands beside an item; the log and the effects of the run stand beside the event alone. A duplicate names the
/// first one, and its lead.
fn item_outcome(placed: &Placed<'_>, leads: &HashMap<EventId, LeadId>) -> Outcome {
    let Placed { outcome, item, first, duplicate_of, .. } = placed;
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
    }
}

fn delivery_ids(item: &Item) -> Value {
    let ids: Vec<String> = item.deliveries.iter().map(|delivery| delivery.id.text()).collect();
    if ids.is_empty() { Value::Bytes(None) } else { Value::free_text(&ids.join("\n")) }
}
