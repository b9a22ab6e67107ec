//! Taking on runs that wait: asleep, put off, orphaned, or asked for again.

use std::collections::{BTreeMap, HashMap};

use hookyard_model::effect::Entry;
use hookyard_model::flow::FlowStage;
use hookyard_model::id::{RunId, TenantId};
use hookyard_model::limits;
use hookyard_model::plugin::Digest;
use hookyard_model::run::{ClaimedRun, NewRun, RunOutcome, RunStatus, kept_on_retry};

use super::RunRetry;
use crate::db::{Bulk, Cells, Row, Tx, Value};
use crate::exclude::exclude;
use crate::{Store, StoreError};

static JOURNALS: Bulk = Bulk::new(
    "-- run_journals()
    WITH wanted (at_tenant, at_run) AS (VALUES {rows})
    SELECT tenant_id, run_id, step, entry
    FROM wanted CROSS JOIN run_journal
    WHERE tenant_id = at_tenant AND run_id = at_run",
    2,
);

impl Store {
    /// Claims due runs, those that waited longest first, for `limits::LEASE`, each with its journal; none of the
    /// excluded tenants. One claimer a node.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_claim", level = "debug", skip_all)]
    pub async fn run_claim(&self, limit: u32, excluded: &[TenantId]) -> Result<Vec<ClaimedRun>, StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let mut values: Vec<Value> = vec![now.into(), limit.into(), now.plus(limits::LEASE).into()];
        let excluded = exclude("tenant_id", excluded, &mut values);
        let rows = tx.rows_text(claim_sql(&excluded, self.dialect().skip_locked()).into(), values).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row) {
                Ok(run) => claimed.push(run),
                Err(error) => park(&mut tx, row, &error).await?,
            }
        }
        let mut journals = journals(&mut tx, &claimed).await?;
        let mut whole = Vec::with_capacity(claimed.len());
        for mut run in claimed {
            match journals.remove(&run.run.id).unwrap_or_else(|| Ok(BTreeMap::new())) {
                Ok(journal) => {
                    run.journal = journal.into_values().collect();
                    whole.push(run);
                }
                Err(error) => park_run(&mut tx, (&run.run.tenant.text(), &run.run.id.text()), &error).await?,
            }
        }
        tx.commit().await?;
        Ok(whole)
    }

    /// Makes a failed or limited run due now. What its last fetch brought, and what followed, is forgotten: a replay of it
    /// would fail as it did. Its tries go on counting, because they fence.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_retry", level = "debug", skip_all)]
    pub async fn run_retry(&self, tenant: TenantId, id: RunId) -> Result<RunRetry, StoreError> {
        let (running, failed, limited) =
            (RunStatus::Running.as_str(), RunStatus::Failed.as_str(), RunStatus::Limited.as_str());
        let sql = "-- run_retry()
            UPDATE runs
            SET status = $3, due_at = $4, failures = 0, ended_at = NULL
            WHERE tenant_id = $1 AND run_id = $2 AND (status = $5 OR status = $6)";
        let values = vec![tenant.into(), id.into(), running.into(), self.now().into(), failed.into(), limited.into()];
        let mut tx = self.pool().begin().await?;
        if tx.execute(sql, values).await? > 0 {
            forget_last_fetch(&mut tx, tenant, id).await?;
            tx.commit().await?;
            self.signals().work();
            return Ok(RunRetry::Queued);
        }
        let sql = "-- run_exists()
            SELECT tenant_id
            FROM runs
            WHERE tenant_id = $1 AND run_id = $2";
        let exists = tx.row(sql, vec![tenant.into(), id.into()]).await?.is_some();
        Ok(if exists { RunRetry::NotFailed } else { RunRetry::NotFound })
    }
}

async fn forget_last_fetch(tx: &mut Tx, tenant: TenantId, id: RunId) -> Result<(), StoreError> {
    let sql = "-- run_retry_journal()
        SELECT step, entry
        FROM run_journal
        WHERE tenant_id = $1 AND run_id = $2
        ORDER BY step";
    let mut journal: Vec<Entry> = Vec::new();
    for row in tx.rows(sql, vec![tenant.into(), id.into()]).await? {
        let mut cells = row.cells("run_journal");
        cells.count("step")?;
        journal.push(cells.json("entry")?);
    }
    let kept = u32::try_from(kept_on_retry(&journal)).unwrap_or(u32::MAX);
    let sql = "-- run_retry_cut()
        DELETE FROM run_journal
        WHERE tenant_id = $1 AND run_id = $2 AND step > $3";
    tx.execute(sql, vec![tenant.into(), id.into(), kept.into()]).await?;
    let sql = "-- run_retry_steps()
        UPDATE runs
        SET steps = $3
        WHERE tenant_id = $1 AND run_id = $2";
    tx.execute(sql, vec![tenant.into(), id.into(), kept.into()]).await?;
    Ok(())
}

fn claim_sql(excluded: &str, skip_locked: &str) -> String {
    format!(
        "-- run_claim()
        WITH due AS (
            -- Rows that another node is claiming right now are passed over.
            SELECT tenant_id AS due_tenant, run_id AS due_run
            FROM runs
            WHERE due_at <= $1 {excluded}
            ORDER BY due_at
            LIMIT $2
            {skip_locked}
        )
        UPDATE runs
        SET due_at = $3, tries = tries + 1
        FROM due
        WHERE tenant_id = due_tenant AND run_id = due_run
        RETURNING tenant_id, run_id, flow_id, event_id, stage, run_by, digest, input, tries, failures, outcome"
    )
}

type Journal = Result<BTreeMap<u32, Entry>, StoreError>;

/// The journals of all that was claimed; for each, by its steps, or why it cannot be read.
async fn journals(tx: &mut Tx, claimed: &[ClaimedRun]) -> Result<HashMap<RunId, Journal>, StoreError> {
    // A run that was never settled has none.
    let told = claimed.iter().filter(|claimed| claimed.tries > 1);
    let values = told.flat_map(|claimed| [claimed.run.tenant.into(), Value::from(claimed.run.id)]).collect();
    let mut journals: HashMap<RunId, Journal> = HashMap::new();
    for row in JOURNALS.rows(tx, values).await? {
        let mut cells = row.cells("run_journal");
        cells.text("tenant_id")?;
        let run = cells.id("run_id")?;
        let step = cells.count("step")?;
        let journal = journals.entry(run).or_insert_with(|| Ok(BTreeMap::new()));
        match (cells.json("entry"), journal) {
            (Ok(entry), Ok(journal)) => {
                journal.insert(step, entry);
            }
            (Err(error), journal) => *journal = Err(error),
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(journals)
}

fn read(row: &Row) -> Result<ClaimedRun, StoreError> {
    let mut cells = row.cells("runs");
    Ok(ClaimedRun {
        run: read_new(&mut cells)?,
        tries: cells.count("tries")?,
        failures: cells.count("failures")?,
        journal: vec![],
        outcome: cells.json("outcome")?,
    })
}

/// `tenant_id, run_id, flow_id, event_id, stage, run_by, digest, input`.
pub(super) fn read_new(cells: &mut Cells<'_>) -> Result<NewRun, StoreError> {
    Ok(NewRun {
        tenant: cells.id("tenant_id")?,
        id: cells.id("run_id")?,
        flow: cells.id("flow_id")?,
        event: cells.id("event_id")?,
        stage: cells.word("stage", FlowStage::from_row)?,
        by: cells.json("run_by")?,
        digest: cells.word("digest", Digest::from_hex)?,
        input: cells.json("input")?,
    })
}

async fn park(tx: &mut Tx, row: &Row, error: &StoreError) -> Result<(), StoreError> {
    let mut cells = row.cells("runs");
    let keys = (cells.text("tenant_id")?, cells.text("run_id")?);
    park_run(tx, (&keys.0, &keys.1), error).await
}

/// A run that cannot be read would be claimed for ever: it fails, and says why.
async fn park_run(tx: &mut Tx, (tenant, run): (&str, &str), error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(run.id = %run, error = %error, "run {run} cannot be read and has failed: {error}");
    let outcome =
        RunOutcome { reason: Some(format!("the stored run cannot be read: {error}")), ..RunOutcome::default() };
    let sql = "-- run_park()
        UPDATE runs
        SET status = $3, due_at = NULL, outcome = $4, ended_at = began_at
        WHERE tenant_id = $1 AND run_id = $2";
    let failed = RunStatus::Failed.as_str();
    tx.execute(sql, vec![tenant.into(), run.into(), failed.into(), Value::json(&outcome)]).await?;
    Ok(())
}
