//! Commit 2: what became of claimed events, with everything that follows from it.
//!
//! Told by steps, each one statement for the whole batch:
//! 1. fence: every event is settled as if it were the first of its kind, where its claim still holds;
//! 2. dedup: every item's key is inserted; only if some were there already is it asked whose they are;
//! 3. further items become events, duplicates are marked, outcomes, leads, deliveries, runs and pushes inserted.

mod dedup;
mod items;
mod outcomes;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::id::EventId;
use hookyard_model::instant::Instant;

use super::batch::{Broken, Care};
use super::kinds::{Kinds, NewKinds};
use dedup::{find_duplicates, mark_duplicates};
use items::{derive, insert_deliveries, insert_item_pushes, insert_leads, insert_runs, retype};
use outcomes::insert_outcomes;

use crate::db::{Bulk, Tx, Value};
use crate::{EventEnd, EventSettlement, Item, Settled};

const EVENT_SETTLE_TEXT: &str = "-- event_settle()
    WITH settled (at_tenant, at_event, at_tries, new_status, new_due_at) AS (VALUES {rows})
    UPDATE events
    SET status = new_status, due_at = new_due_at
    FROM settled
    WHERE tenant_id = at_tenant AND event_id = at_event AND tries = at_tries AND due_at IS NOT NULL";
static EVENT_SETTLE: Bulk = Bulk::new(EVENT_SETTLE_TEXT, 5);
/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static EVENT_SETTLE_EACH: Bulk = Bulk::with_suffix(EVENT_SETTLE_TEXT, 5, "\n    RETURNING event_id, tries");

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
    insert_runs(tx, &placed, now).await?;
    insert_item_pushes(tx, &placed, now).await?;
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

impl<'a> Placed<'a> {
    fn kind(&self, kinds: &Kinds, new_kinds: &mut NewKinds<'a>) -> i64 {
        let settlement = self.settlement;
        let of = (settlement.tenant, settlement.account);
        let named = (settlement.provider.as_deref(), &*self.item.event_type);
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
