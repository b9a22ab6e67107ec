//! What became of claimed runs. What a run that succeeded brings about is in [`super::effects`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hookyard_model::id::RunId;
use hookyard_model::instant::Instant;
use hookyard_model::run::RunStatus;

use super::batch::{Broken, Care};
use super::run_rows::{journal_rows, write_journals};
use crate::db::{Bulk, Tx, Value};
use crate::{RunNext, RunSettlement, StoreError};

const COLUMNS: usize = 9;
const RUN_SETTLE_TEXT: &str = "-- run_settle()
    WITH settled (
        at_tenant, at_run, at_tries, new_status, new_due_at, new_ended_at, new_failures, new_steps, new_outcome
    ) AS (VALUES {rows})
    UPDATE runs
    SET status = new_status, due_at = new_due_at, ended_at = new_ended_at, failures = new_failures,
        steps = new_steps, outcome = new_outcome
    FROM settled
    WHERE tenant_id = at_tenant AND run_id = at_run AND tries = at_tries AND due_at IS NOT NULL";
static RUN_SETTLE: Bulk = Bulk::new(RUN_SETTLE_TEXT, COLUMNS);
/// `RETURNING` cannot say whose column it means, on SQLite; hence the names of the settled ones.
static RUN_SETTLE_EACH: Bulk = Bulk::with_suffix(RUN_SETTLE_TEXT, COLUMNS, "\n    RETURNING run_id, tries");

static JOURNAL_CUT: Bulk = Bulk::new(
    "-- run_journal_cut()
    WITH cut (at_tenant, at_run, kept) AS (VALUES {rows})
    DELETE FROM run_journal
    WHERE (tenant_id, run_id, step) IN (
        SELECT j.tenant_id, j.run_id, j.step
        FROM cut CROSS JOIN run_journal AS j
        WHERE j.tenant_id = at_tenant AND j.run_id = at_run AND j.step > kept
    )",
    3,
);

/// Settles all of them; for each, whether its claim held. Where not all do, it takes `care` to say which.
pub(super) async fn write(
    tx: &mut Tx,
    settlements: &[&RunSettlement],
    care: Care,
    now: Instant,
) -> Result<Vec<bool>, Broken> {
    if settlements.is_empty() {
        return Ok(vec![]);
    }
    let held = fence(tx, settlements, care, now).await?;
    let settled: Vec<&RunSettlement> =
        settlements.iter().zip(&held).filter(|(_, held)| **held).map(|(settlement, _)| *settlement).collect();
    write_appended(tx, &settled).await?;
    Ok(held)
}

async fn write_appended(tx: &mut Tx, settled: &[&RunSettlement]) -> Result<(), StoreError> {
    let values = settled.iter().flat_map(|run| [run.tenant.into(), run.run.into(), Value::from(run.keep)]);
    JOURNAL_CUT.execute(tx, values.collect()).await?;
    let rows = settled.iter().flat_map(|run| journal_rows((run.tenant, run.run), run.keep, &run.append));
    write_journals(tx, rows.collect()).await
}

/// Which claims hold. Nearly always all of them, and then their number says so.
async fn fence(tx: &mut Tx, settlements: &[&RunSettlement], care: Care, now: Instant) -> Result<Vec<bool>, Broken> {
    let mut values = Vec::with_capacity(settlements.len().saturating_mul(COLUMNS));
    let mut waiting: HashMap<(RunId, u32), usize> = HashMap::with_capacity(settlements.len());
    for (at, settlement) in settlements.iter().enumerate() {
        // The same claim settled twice is settled once.
        let Entry::Vacant(entry) = waiting.entry((settlement.run, settlement.tries)) else { continue };
        entry.insert(at);
        let (status, due_at) = match &settlement.next {
            RunNext::Waits { due_at } => (RunStatus::Running, Some(*due_at)),
            RunNext::Failed => (RunStatus::Failed, None),
            RunNext::Succeeded(_) => (RunStatus::Succeeded, None),
        };
        let ended_at = if due_at.is_none() { Some(now) } else { None };
        let appended = u32::try_from(settlement.append.len()).unwrap_or(u32::MAX);
        values.extend([
            settlement.tenant.into(),
            settlement.run.into(),
            settlement.tries.into(),
            status.as_str().into(),
            due_at.into(),
            ended_at.into(),
            settlement.failures.into(),
            settlement.keep.saturating_add(appended).into(),
            Value::json(&settlement.outcome),
        ]);
    }
    if care == Care::Little {
        let count = RUN_SETTLE.execute(tx, values).await?;
        let all = usize::try_from(count).is_ok_and(|count| count == settlements.len());
        return if all { Ok(vec![true; settlements.len()]) } else { Err(Broken::Short) };
    }
    let mut held = vec![false; settlements.len()];
    for row in RUN_SETTLE_EACH.rows(tx, values).await? {
        let mut cells = row.cells("runs");
        let claim = (cells.id("run_id")?, cells.count("tries")?);
        if let Some(held) = waiting.get(&claim).and_then(|at| held.get_mut(*at)) {
            *held = true;
        }
    }
    Ok(held)
}
