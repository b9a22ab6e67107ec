//! Pushes as rows: born due, and settled attempt by attempt.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hookyard_model::id::PushId;
use hookyard_model::instant::Instant;

use super::batch::{Broken, Care};
use crate::db::{Bulk, Tx, Value};
use crate::{NewPush, PushNext, PushSettlement, PushStatus, StoreError};

const COLUMNS: usize = 8;
const PUSH_SETTLE_TEXT: &str = "-- push_settle()
    WITH settled (
        at_tenant, at_push, at_tries, new_status, new_due_at, new_attempts, new_receipt, new_last_error
    ) AS (VALUES {rows})
    UPDATE pushes
    SET status = new_status, due_at = new_due_at, attempts = new_attempts, receipt = new_receipt,
        last_error = new_last_error
    FROM settled
    WHERE tenant_id = at_tenant AND push_id = at_push AND tries = at_tries AND due_at IS NOT NULL";
static PUSH_SETTLE: Bulk = Bulk::new(PUSH_SETTLE_TEXT, COLUMNS);
/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static PUSH_SETTLE_EACH: Bulk = Bulk::with_suffix(PUSH_SETTLE_TEXT, COLUMNS, "\n    RETURNING push_id, tries");

static PUSH_INSERT: Bulk = Bulk::new(
    "-- push_insert()
    INSERT INTO pushes (
        tenant_id, push_id, destination_id, lead_id, event_id, run_id, status, due_at, tries, attempts
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    10,
);

static ATTEMPT_INSERT: Bulk = Bulk::new(
    "-- push_attempt_insert()
    INSERT INTO push_attempts (tenant_id, push_id, number, started_at, ok, error, detail, log)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    8,
);

/// Inserts them, due now; an id that is there already stays as it is.
pub(crate) async fn insert_pushes(
    tx: &mut Tx,
    pushes: impl Iterator<Item = &NewPush>,
    now: Instant,
) -> Result<(), StoreError> {
    let values = pushes.flat_map(|push| {
        [
            push.tenant.into(),
            push.id.into(),
            push.destination.into(),
            push.lead.into(),
            push.event.into(),
            push.run.into(),
            PushStatus::Pending.as_str().into(),
            now.into(),
            0_i64.into(),
            Value::from(0_i64),
        ]
    });
    PUSH_INSERT.execute(tx, values.collect()).await?;
    Ok(())
}

/// Settles all of them; for each, whether its claim held. Where not all do, it takes `care` to say which.
pub(super) async fn write(tx: &mut Tx, settlements: &[&PushSettlement], care: Care) -> Result<Vec<bool>, Broken> {
    if settlements.is_empty() {
        return Ok(vec![]);
    }
    let held = fence(tx, settlements, care).await?;
    let settled = settlements.iter().zip(&held).filter(|(_, held)| **held).map(|(settlement, _)| *settlement);
    ATTEMPT_INSERT.execute(tx, settled.flat_map(attempt).collect()).await?;
    Ok(held)
}

/// Which claims hold. Nearly always all of them, and then their number says so.
async fn fence(tx: &mut Tx, settlements: &[&PushSettlement], care: Care) -> Result<Vec<bool>, Broken> {
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(COLUMNS));
    let mut waiting: HashMap<(PushId, u32), usize> = HashMap::with_capacity(settlements.len());
    for (at, settlement) in settlements.iter().enumerate() {
        // The same claim settled twice is settled once.
        let Entry::Vacant(entry) = waiting.entry((settlement.push, settlement.tries)) else { continue };
        entry.insert(at);
        let (status, due_at, receipt) = match &settlement.next {
            PushNext::Done(receipt) => (PushStatus::Done, None, Some(receipt)),
            PushNext::RetryAt(at) => (PushStatus::Pending, Some(*at), None),
            PushNext::Dead => (PushStatus::Dead, None, None),
        };
        values.extend([
            settlement.tenant.into(),
            settlement.push.into(),
            settlement.tries.into(),
            status.as_str().into(),
            due_at.into(),
            settlement.attempt.number.into(),
            Value::json_or_null(receipt),
            Value::free_text_or_null(settlement.attempt.error.as_deref()),
        ]);
    }
    if care == Care::Little {
        let count = PUSH_SETTLE.execute(tx, values).await?;
        let all = usize::try_from(count).is_ok_and(|count| count == settlements.len());
        return if all { Ok(vec![true; settlements.len()]) } else { Err(Broken::Short) };
    }
    let mut held = vec![false; settlements.len()];
    for row in PUSH_SETTLE_EACH.rows(tx, values).await? {
        let mut cells = row.cells("pushes");
        let claim = (cells.id("push_id")?, cells.count("tries")?);
        if let Some(held) = waiting.get(&claim).and_then(|at| held.get_mut(*at)) {
            *held = true;
        }
    }
    Ok(held)
}

fn attempt(settlement: &PushSettlement) -> [Value; 8] {
    let attempt = &settlement.attempt;
    [
        settlement.tenant.into(),
        settlement.push.into(),
        attempt.number.into(),
        attempt.started_at.into(),
        attempt.ok.into(),
        Value::free_text_or_null(attempt.error.as_deref()),
        Value::free_text_or_null(attempt.detail.as_deref()),
        Value::json(&attempt.log),
    ]
}
