//! Runs as rows: born with work left, limited, or over already; and their journals.

use hookyard_model::effect::Entry;
use hookyard_model::id::{RunId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::run::{NewRun, RunOutcome, RunStatus};

use crate::db::{Bulk, Tx, Value};
use crate::{Claim, FinishedRun, StoreError};

const COLUMNS: usize = 16;

static RUN_INSERT: Bulk = Bulk::new(
    "-- run_insert()
    INSERT INTO runs (
        tenant_id, run_id, flow_id, event_id, stage, run_by, digest, input, began_at, status, due_at, tries, failures,
        steps, outcome, ended_at
    )
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    COLUMNS,
);

static RUN_CLEAR: Bulk = Bulk::new(
    "-- run_clear()
    WITH gone (gone_tenant, gone_run) AS (VALUES {rows})
    DELETE FROM runs
    WHERE (tenant_id, run_id) IN (SELECT gone_tenant, gone_run FROM gone)",
    2,
);

static JOURNAL_CLEAR: Bulk = Bulk::new(
    "-- run_journal_clear()
    WITH gone (gone_tenant, gone_run) AS (VALUES {rows})
    DELETE FROM run_journal
    WHERE (tenant_id, run_id) IN (SELECT gone_tenant, gone_run FROM gone)",
    2,
);

static JOURNAL_INSERT: Bulk = Bulk::new(
    "-- run_journal_insert()
    INSERT INTO run_journal (tenant_id, run_id, step, entry)
    VALUES {rows}
    ON CONFLICT DO NOTHING",
    4,
);

/// Rows of runs, as they gather.
#[derive(Default)]
pub(super) struct RunRows(Vec<Value>);

impl RunRows {
    /// A run with work left.
    pub(super) fn born(&mut self, run: &NewRun, claim: Claim, now: Instant) {
        let (due_at, tries) = match claim {
            Claim::BornClaimed => (now.plus(limits::LEASE), 1_u32),
            Claim::Due => (now, 0),
        };
        self.push(run, (RunStatus::Running, Some(due_at), None), tries, (0, &RunOutcome::default()));
    }

    /// A run that is not begun.
    pub(super) fn limited(&mut self, run: &NewRun, now: Instant) {
        self.push(run, (RunStatus::Limited, None, Some(now)), 0, (0, &RunOutcome::default()));
    }

    fn finished(&mut self, finished: &FinishedRun, now: Instant) {
        let steps = u32::try_from(finished.journal.len()).unwrap_or(u32::MAX);
        self.push(&finished.run, (finished.status, None, Some(now)), 1, (steps, &finished.outcome));
    }

    fn push(
        &mut self,
        run: &NewRun,
        (status, due_at, ended_at): (RunStatus, Option<Instant>, Option<Instant>),
        tries: u32,
        (steps, outcome): (u32, &RunOutcome),
    ) {
        self.0.extend([
            run.tenant.into(),
            run.id.into(),
            run.flow.into(),
            run.event.into(),
            run.stage.as_str().into(),
            Value::json(&run.by),
            run.digest.hex().into(),
            Value::json(&run.input),
            run.input.started_at.into(),
            status.as_str().into(),
            due_at.into(),
            tries.into(),
            0_i64.into(),
            steps.into(),
            Value::json(outcome),
            ended_at.into(),
        ]);
    }

    /// Inserts them; an id that is there already stays as it is.
    pub(super) async fn insert(self, tx: &mut Tx) -> Result<(), StoreError> {
        RUN_INSERT.execute(tx, self.0).await?;
        Ok(())
    }
}

/// Stores runs that are over. Those that may be there already, because they were made before, are replaced.
pub(super) async fn write_finished(
    tx: &mut Tx,
    finished: &[&FinishedRun],
    again: &[&FinishedRun],
    now: Instant,
) -> Result<(), StoreError> {
    let keys = again.iter().flat_map(|finished| [finished.run.tenant.into(), Value::from(finished.run.id)]);
    let keys: Vec<Value> = keys.collect();
    RUN_CLEAR.execute(tx, keys.clone()).await?;
    JOURNAL_CLEAR.execute(tx, keys).await?;
    let (mut rows, mut entries) = (RunRows::default(), Vec::new());
    for finished in finished {
        rows.finished(finished, now);
        entries.extend(journal_rows((finished.run.tenant, finished.run.id), 0, &finished.journal));
    }
    rows.insert(tx).await?;
    write_journals(tx, entries).await
}

/// Rows of a journal behind its first `kept` entries.
pub(super) fn journal_rows(
    (tenant, run): (TenantId, RunId),
    kept: u32,
    entries: &[Entry],
) -> impl Iterator<Item = Value> {
    let steps = kept.saturating_add(1)..=u32::MAX;
    steps.zip(entries).flat_map(move |(step, entry)| [tenant.into(), run.into(), Value::from(step), Value::json(entry)])
}

pub(super) async fn write_journals(tx: &mut Tx, rows: Vec<Value>) -> Result<(), StoreError> {
    JOURNAL_INSERT.execute(tx, rows).await?;
    Ok(())
}
