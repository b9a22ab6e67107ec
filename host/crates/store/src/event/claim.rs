//! Taking on events that wait: delayed, retried, orphaned, or asked for again.

use hookyard_model::dedup::DedupKey;
use hookyard_model::event::{Cause, ClaimedEvent, EventStatus, NewEvent, Outcome};
use hookyard_model::id::{AccountId, EventId, TenantId};
use hookyard_model::limits;

use super::Reprocess;
use crate::db::{Cells, Row, Tx, Value};
use crate::exclude::exclude;
use crate::{Store, StoreError};

impl Store {
    /// Claims due events, those that waited longest first, for `limits::LEASE`; none of the excluded tenants. One claimer
    /// a node.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.event_claim", level = "debug", skip_all)]
    pub async fn event_claim(&self, limit: u32, excluded: &[TenantId]) -> Result<Vec<ClaimedEvent>, StoreError> {
        let now = self.now();
        let mut values: Vec<Value> = vec![now.into(), limit.into(), now.plus(limits::LEASE).into()];
        let excluded = exclude("tenant_id", excluded, &mut values);
        let sql = format!(
            "-- event_claim()
            WITH due AS (
                -- Rows that another node is claiming right now are passed over.
                SELECT tenant_id AS due_tenant, event_id AS due_event
                FROM events
                WHERE due_at <= $1 {excluded}
                ORDER BY due_at
                LIMIT $2
                {}
            )
            UPDATE events
            SET due_at = $3, tries = tries + 1
            FROM due
            WHERE tenant_id = due_tenant AND event_id = due_event
            RETURNING tenant_id, event_id, tries, account_id, provider, event_type, provider_event_id, occurred_at,
                received_at, received_by, payload, caused_by, run_id, lead_id, depth",
            self.dialect().skip_locked()
        );
        let mut tx = self.pool().begin().await?;
        let rows = tx.rows_text(sql.into(), values).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row) {
                Ok(event) => claimed.push(event),
                Err(error) => park(&mut tx, row, &error).await?,
            }
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Makes a failed event due now, for one more round; its tries go on counting, because they fence.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.event_reprocess", level = "debug", skip_all)]
    pub async fn event_reprocess(&self, tenant: TenantId, id: EventId) -> Result<Reprocess, StoreError> {
        let (from, to) = (EventStatus::Failed.as_str(), EventStatus::Received.as_str());
        let sql = "-- event_reprocess()
            UPDATE events
            SET status = $3, due_at = $4
            WHERE tenant_id = $1 AND event_id = $2 AND status = $5";
        let mut tx = self.pool().begin().await?;
        let values = vec![tenant.into(), id.into(), to.into(), self.now().into(), from.into()];
        if tx.execute(sql, values).await? > 0 {
            tx.commit().await?;
            self.signals().work();
            return Ok(Reprocess::Queued);
        }
        let sql = "-- event_status()
            SELECT tenant_id, event_id, status
            FROM events
            WHERE tenant_id = $1 AND event_id = $2";
        let Some(row) = tx.row(sql, vec![tenant.into(), id.into()]).await? else { return Ok(Reprocess::NotFound) };
        let mut cells = row.cells("events");
        cells.text("tenant_id")?;
        cells.text("event_id")?;
        Ok(Reprocess::NotFailed(cells.word("status", EventStatus::from_row)?))
    }
}

impl Store {
    /// Whose key this is already: the event of which another with this key would be a duplicate. What settling says
    /// counts; this saves the work until then.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.event_owner", level = "debug", skip_all)]
    pub async fn event_owner(
        &self,
        tenant: TenantId,
        account: Option<AccountId>,
        key: DedupKey,
    ) -> Result<Option<EventId>, StoreError> {
        let sql = "-- event_owner()
            SELECT tenant_id, event_id
            FROM dedup_keys
            WHERE tenant_id = $1 AND account_id = $2 AND dedup_key = $3";
        let row = self.pool().row(sql, vec![tenant.into(), Value::or_empty(account), key.bytes().into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut cells = row.cells("dedup_keys");
        cells.text("tenant_id")?;
        cells.id("event_id").map(Some)
    }
}

fn read(row: &Row) -> Result<ClaimedEvent, StoreError> {
    let mut cells = row.cells("events");
    let (tenant, id) = (cells.id("tenant_id")?, cells.id("event_id")?);
    let tries = cells.count("tries")?;
    let event = NewEvent {
        id,
        tenant,
        account: cells.id_or_empty("account_id")?,
        provider: cells.text_or_empty("provider")?,
        event_type: cells.text("event_type")?,
        provider_event_id: cells.free_text_or_null("provider_event_id")?,
        occurred_at: cells.instant_or_null("occurred_at")?,
        received_at: cells.instant("received_at")?,
        received_by: cells.json_or_null("received_by")?,
        payload: cells.free_text("payload")?,
        cause: read_cause(&mut cells)?,
    };
    Ok(ClaimedEvent { event, tries })
}

/// `caused_by, run_id, lead_id, depth`.
fn read_cause(cells: &mut Cells<'_>) -> Result<Option<Cause>, StoreError> {
    let event: Option<EventId> = cells.id_or_null("caused_by")?;
    let (run, lead, depth) = (cells.id_or_null("run_id")?, cells.id_or_null("lead_id")?, cells.count("depth")?);
    Ok(event.map(|event| Cause { event, run, lead, depth }))
}

/// A row that cannot be read would be claimed for ever: it fails, and says why.
async fn park(tx: &mut Tx, row: &Row, error: &StoreError) -> Result<(), StoreError> {
    let mut cells = row.cells("events");
    let (tenant, event) = (cells.text("tenant_id")?, cells.text("event_id")?);
    tracing::error!(event.id = %event, error = %error, "event {event} cannot be read and has failed: {error}");
    let outcome = Outcome { reason: Some(format!("the stored event cannot be read: {error}")), ..Outcome::default() };
    let sql = "-- event_park()
        UPDATE events
        SET status = $3, due_at = NULL
        WHERE tenant_id = $1 AND event_id = $2";
    let failed = EventStatus::Failed.as_str();
    tx.execute(sql, vec![tenant.as_str().into(), event.as_str().into(), failed.into()]).await?;
    let sql = "-- event_park_outcome()
        INSERT INTO event_outcomes (tenant_id, event_id, outcome)
        VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, event_id) DO UPDATE
        SET outcome = excluded.outcome";
    tx.execute(sql, vec![tenant.into(), event.into(), Value::json(&outcome)]).await?;
    Ok(())
}
