//! Pushes read back: one with its attempts, or a filtered page.

use hookyard_model::id::{PushId, TenantId};

use super::claim::read_new;
use super::{PushAttempt, PushFilter, PushRow, PushStatus};
use crate::db::{Row, Value};
use crate::{PageRequest, Store, StoreError};

/// Attempts of one push, as a bound: the longest schedule and some retries by hand.
const ATTEMPTS_MAX: i64 = 1_000;

const COLUMNS: &str = "tenant_id, push_id, destination_id, lead_id, event_id, run_id, status, due_at, tries, attempts,
            receipt, last_error";

impl Store {
    /// One push with all its attempts, the first one first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.push_get", level = "debug", skip_all)]
    pub async fn push_get(
        &self,
        tenant: TenantId,
        id: PushId,
    ) -> Result<Option<(PushRow, Vec<PushAttempt>)>, StoreError> {
        let sql = format!(
            "-- push_get()
            SELECT {COLUMNS}
            FROM pushes
            WHERE tenant_id = $1 AND push_id = $2"
        );
        let rows = self.pool().rows_text(sql.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let push = read(row)?;
        let sql = "-- push_attempt_list()
            SELECT tenant_id, push_id, number, started_at, ok, error, detail, log
            FROM push_attempts
            WHERE tenant_id = $1 AND push_id = $2
            ORDER BY number
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![tenant.into(), id.into(), ATTEMPTS_MAX.into()]).await?;
        Ok(Some((push, rows.iter().map(read_attempt).collect::<Result<_, StoreError>>()?)))
    }

    /// A tenant's pushes, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.push_list", level = "debug", skip_all)]
    pub async fn push_list(
        &self,
        tenant: TenantId,
        filter: PushFilter,
        page: PageRequest<PushId>,
    ) -> Result<Vec<PushRow>, StoreError> {
        let mut values = vec![tenant.into(), page.before(), page.rows_max().into()];
        values.extend([filter.destination.into(), Value::from(filter.lead)]);
        self.pool().rows_text(list_sql(filter).into(), values).await?.iter().map(read).collect()
    }
}

/// An expression in place of a column keeps the planner to the index that the filter is small in: a lead's own, the
/// queue's for what is pending, its own for what is dead, else the destination's.
fn list_sql(filter: PushFilter) -> String {
    let by_lead = filter.lead.is_some();
    let (status, tenant, destination) = match filter.status {
        None => ("", "tenant_id", "destination_id"),
        Some(PushStatus::Done) => ("AND status = 'DONE'", "tenant_id", "destination_id"),
        Some(PushStatus::Pending) if by_lead => ("AND status = 'PENDING'", "tenant_id", "destination_id"),
        Some(PushStatus::Dead) if by_lead => ("AND status || '' = 'DEAD'", "tenant_id", "destination_id"),
        Some(PushStatus::Dead) => ("AND status = 'DEAD'", "tenant_id", "destination_id || ''"),
        Some(PushStatus::Pending) => {
            ("AND due_at >= 0 AND status = 'PENDING'", "tenant_id || ''", "destination_id || ''")
        }
    };
    let destination = match filter.destination {
        Some(_) => format!("AND {destination} = $4"),
        None => "AND $4 IS NULL".to_owned(),
    };
    let lead = if by_lead { "AND lead_id = $5" } else { "AND $5 IS NULL" };
    format!(
        "-- push_list()
        SELECT {COLUMNS}
        FROM pushes
        WHERE {tenant} = $1 AND push_id < $2 {status} {destination} {lead}
        ORDER BY push_id DESC
        LIMIT $3"
    )
}

fn read(row: &Row) -> Result<PushRow, StoreError> {
    let mut cells = row.cells("pushes");
    let push = read_new(&mut cells)?;
    Ok(PushRow {
        created_at: push.id.made_at(),
        push,
        status: cells.word("status", PushStatus::from_row)?,
        due_at: cells.instant_or_null("due_at")?,
        tries: cells.count("tries")?,
        attempts: cells.count("attempts")?,
        receipt: cells.json_or_null("receipt")?,
        last_error: cells.free_text_or_null("last_error")?,
    })
}

fn read_attempt(row: &Row) -> Result<PushAttempt, StoreError> {
    let mut cells = row.cells("push_attempts");
    cells.text("tenant_id")?;
    cells.text("push_id")?;
    Ok(PushAttempt {
        number: cells.count("number")?,
        started_at: cells.instant("started_at")?,
        ok: cells.int("ok")? != 0,
        error: cells.free_text_or_null("error")?,
        detail: cells.free_text_or_null("detail")?,
        log: cells.json("log")?,
    })
}
