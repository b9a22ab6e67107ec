//! Runs read back: one, its journal, or a filtered page; and how many there have been.

use hookyard_model::effect::Entry;
use hookyard_model::id::{RunId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;
use hookyard_model::run::RunStatus;

use super::claim::read_new;
use super::{RunFilter, RunRow};
use crate::db::{Row, Value};
use crate::{PageRequest, Store, StoreError};

const COLUMNS: &str = "tenant_id, run_id, flow_id, event_id, stage, run_by, digest, input, status, due_at, tries,
            failures, outcome, began_at, ended_at, steps";

impl Store {
    /// One run of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_get", level = "debug", skip_all)]
    pub async fn run_get(&self, tenant: TenantId, id: RunId) -> Result<Option<RunRow>, StoreError> {
        let sql = format!(
            "-- run_get()
            SELECT {COLUMNS}
            FROM runs
            WHERE tenant_id = $1 AND run_id = $2"
        );
        let rows = self.pool().rows_text(sql.into(), vec![tenant.into(), id.into()]).await?;
        rows.first().map(read).transpose()
    }

    /// What a run was told, the first first; nothing where there is no such run.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_journal", level = "debug", skip_all)]
    pub async fn run_journal(&self, tenant: TenantId, id: RunId) -> Result<Vec<Entry>, StoreError> {
        let sql = "-- run_journal()
            SELECT tenant_id, run_id, entry
            FROM run_journal
            WHERE tenant_id = $1 AND run_id = $2
            ORDER BY step
            LIMIT $3";
        let most = i64::try_from(limits::EFFECTS_PER_RUN_MAX).unwrap_or(i64::MAX);
        let rows = self.pool().rows(sql, vec![tenant.into(), id.into(), most.into()]).await?;
        let entry = |row: &Row| {
            let mut cells = row.cells("run_journal");
            cells.text("tenant_id")?;
            cells.text("run_id")?;
            cells.json("entry")
        };
        rows.iter().map(entry).collect()
    }

    /// A tenant's runs, newest first: by the moment of the events that started them.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_list", level = "debug", skip_all)]
    pub async fn run_list(
        &self,
        tenant: TenantId,
        filter: RunFilter,
        page: PageRequest<RunId>,
    ) -> Result<Vec<RunRow>, StoreError> {
        let mut values = vec![tenant.into(), page.before(), page.rows_max().into()];
        values.extend([filter.flow.into(), Value::from(filter.event)]);
        self.pool().rows_text(list_sql(filter).into(), values).await?.iter().map(read).collect()
    }

    /// How many runs of a tenant were started by events from this moment on, those that were limited not counted; the
    /// count stops a little above `limits::RUNS_PER_DAY_MAX`.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.run_count_since", level = "debug", skip_all)]
    pub async fn run_count_since(&self, tenant: TenantId, since: Instant) -> Result<u64, StoreError> {
        let sql = "-- run_count_since()
            SELECT count(*)
            FROM (
                SELECT run_id
                FROM runs
                WHERE tenant_id = $1 AND run_id >= $2 AND status <> $3
                LIMIT $4
            ) AS counted";
        let most = limits::RUNS_PER_DAY_MAX.saturating_add(1);
        let first = RunId::at(since, [0; 10]);
        let values = vec![tenant.into(), first.into(), RunStatus::Limited.as_str().into(), most.into()];
        let Some(row) = self.pool().row(sql, values).await? else { return Ok(0) };
        Ok(row.cells("runs").int("count")?.unsigned_abs())
    }
}

/// An expression in place of a column keeps the planner to the index that the filter is small in: an event's own, the
/// queue's for what runs, its own for what ended badly, else the flow's.
fn list_sql(filter: RunFilter) -> String {
    let by_event = filter.event.is_some();
    let (status, tenant, flow) = match filter.status {
        None => ("", "tenant_id", "flow_id"),
        Some(RunStatus::Succeeded) => ("AND status = 'SUCCEEDED'", "tenant_id", "flow_id"),
        Some(RunStatus::Failed) => ("AND status = 'FAILED'", "tenant_id", "flow_id || ''"),
        Some(RunStatus::Limited) => ("AND status = 'LIMITED'", "tenant_id", "flow_id || ''"),
        Some(RunStatus::Running) if by_event => ("AND status = 'RUNNING'", "tenant_id", "flow_id"),
        Some(RunStatus::Running) => ("AND due_at >= 0 AND status = 'RUNNING'", "tenant_id || ''", "flow_id || ''"),
    };
    let flow = match filter.flow {
        Some(_) if by_event => "AND flow_id || '' = $4".to_owned(),
        Some(_) => format!("AND {flow} = $4"),
        None => "AND $4 IS NULL".to_owned(),
    };
    let event = if by_event { "AND event_id = $5" } else { "AND $5 IS NULL" };
    format!(
        "-- run_list()
        SELECT {COLUMNS}
        FROM runs
        WHERE {tenant} = $1 AND run_id < $2 {status} {flow} {event}
        ORDER BY run_id DESC
        LIMIT $3"
    )
}

fn read(row: &Row) -> Result<RunRow, StoreError> {
    let mut cells = row.cells("runs");
    Ok(RunRow {
        run: read_new(&mut cells)?,
        status: cells.word("status", RunStatus::from_row)?,
        due_at: cells.instant_or_null("due_at")?,
        tries: cells.count("tries")?,
        failures: cells.count("failures")?,
        outcome: cells.json("outcome")?,
        began_at: cells.instant("began_at")?,
        ended_at: cells.instant_or_null("ended_at")?,
        steps: cells.count("steps")?,
    })
}
