//! Pushes: made by hand, taken on as they fall due, and asked for again.

use std::collections::HashMap;

use hookyard_model::destination::Receipt;
use hookyard_model::id::{DestinationId, LeadId, PushId, TenantId};
use hookyard_model::limits;

use super::{ClaimedPush, NewPush, PushStatus};
use crate::committer::insert_pushes;
use crate::db::{Bulk, Cells, Row, Tx, Value};
use crate::{Store, StoreError};

static RECEIPTS: Bulk = Bulk::new(
    "-- push_receipts()
    WITH wanted (at_tenant, at_lead, at_destination) AS (VALUES {rows})
    SELECT p.tenant_id, p.push_id, p.lead_id, p.destination_id, p.receipt
    FROM wanted CROSS JOIN pushes AS p
    WHERE p.tenant_id = at_tenant AND p.lead_id = at_lead AND p.destination_id = at_destination
        AND p.push_id = (
            SELECT max(q.push_id)
            FROM pushes AS q
            WHERE q.tenant_id = at_tenant AND q.lead_id = at_lead AND q.destination_id = at_destination
                AND q.status = 'DONE'
        )",
    3,
);

impl Store {
    /// Makes pushes, due at once; an id that is there already stays as it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.push_create", level = "debug", skip_all)]
    pub async fn push_create(&self, pushes: Vec<NewPush>) -> Result<(), StoreError> {
        if pushes.is_empty() {
            return Ok(());
        }
        let mut tx = self.pool().begin().await?;
        insert_pushes(&mut tx, pushes.iter(), self.now()).await?;
        tx.commit().await?;
        self.signals().work();
        Ok(())
    }

    /// Claims due pushes, those that waited longest first, for `limits::LEASE`. One claimer a node.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.push_claim", level = "debug", skip_all)]
    pub async fn push_claim(&self, limit: u32) -> Result<Vec<ClaimedPush>, StoreError> {
        let sql = format!(
            "-- push_claim()
            WITH due AS (
                -- Rows that another node is claiming right now are passed over.
                SELECT tenant_id AS due_tenant, push_id AS due_push
                FROM pushes
                WHERE due_at <= $1
                ORDER BY due_at
                LIMIT $2
                {}
            )
            UPDATE pushes
            SET due_at = $3, tries = tries + 1
            FROM due
            WHERE tenant_id = due_tenant AND push_id = due_push
            RETURNING tenant_id, push_id, destination_id, lead_id, event_id, run_id, tries, attempts",
            self.dialect().skip_locked()
        );
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let rows = tx.rows_text(sql.into(), vec![now.into(), limit.into(), now.plus(limits::LEASE).into()]).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row) {
                Ok(push) => claimed.push(push),
                Err(error) => park(&mut tx, row, &error).await?,
            }
        }
        let mut receipts = receipts(&mut tx, &claimed).await?;
        for claimed in &mut claimed {
            claimed.previous = receipts.remove(&claimed.push.id);
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Makes a pending or dead push due now; `Some(false)` where it is done already.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.push_retry", level = "debug", skip_all)]
    pub async fn push_retry(&self, tenant: TenantId, id: PushId) -> Result<Option<bool>, StoreError> {
        let (pending, done) = (PushStatus::Pending.as_str(), PushStatus::Done.as_str());
        let sql = "-- push_retry()
            UPDATE pushes
            SET status = $3, due_at = $4
            WHERE tenant_id = $1 AND push_id = $2 AND status <> $5";
        let mut tx = self.pool().begin().await?;
        let values = vec![tenant.into(), id.into(), pending.into(), self.now().into(), done.into()];
        if tx.execute(sql, values).await? > 0 {
            tx.commit().await?;
            self.signals().work();
            return Ok(Some(true));
        }
        let sql = "-- push_exists()
            SELECT tenant_id
            FROM pushes
            WHERE tenant_id = $1 AND push_id = $2";
        Ok(tx.row(sql, vec![tenant.into(), id.into()]).await?.map(|_| false))
    }
}

/// For each of them, what its destination said when it last took its lead. A receipt that cannot be read is none: the
/// destination is asked as if for the first time.
async fn receipts(tx: &mut Tx, claimed: &[ClaimedPush]) -> Result<HashMap<PushId, Receipt>, StoreError> {
    let of = |push: &NewPush| [push.tenant.into(), push.lead.into(), Value::from(push.destination)];
    let values = claimed.iter().flat_map(|claimed| of(&claimed.push)).collect();
    let mut found: HashMap<(LeadId, DestinationId), Receipt> = HashMap::new();
    for row in RECEIPTS.rows(tx, values).await? {
        let mut cells = row.cells("pushes");
        cells.text("tenant_id")?;
        cells.text("push_id")?;
        let key = (cells.id("lead_id")?, cells.id("destination_id")?);
        if let Ok(Some(receipt)) = cells.json_or_null("receipt") {
            found.insert(key, receipt);
        }
    }
    let with_receipt = |claimed: &ClaimedPush| {
        let push = &claimed.push;
        found.get(&(push.lead, push.destination)).map(|receipt| (push.id, receipt.clone()))
    };
    Ok(claimed.iter().filter_map(with_receipt).collect())
}

fn read(row: &Row) -> Result<ClaimedPush, StoreError> {
    let mut cells = row.cells("pushes");
    let push = read_new(&mut cells)?;
    Ok(ClaimedPush { push, tries: cells.count("tries")?, attempts: cells.count("attempts")?, previous: None })
}

/// `tenant_id, push_id, destination_id, lead_id, event_id, run_id`.
pub(super) fn read_new(cells: &mut Cells<'_>) -> Result<NewPush, StoreError> {
    Ok(NewPush {
        tenant: cells.id("tenant_id")?,
        id: cells.id("push_id")?,
        destination: cells.id("destination_id")?,
        lead: cells.id("lead_id")?,
        event: cells.id_or_null("event_id")?,
        run: cells.id_or_null("run_id")?,
    })
}

/// A push that cannot be read would be claimed for ever: it is dead, and says why.
async fn park(tx: &mut Tx, row: &Row, error: &StoreError) -> Result<(), StoreError> {
    let mut cells = row.cells("pushes");
    let (tenant, push) = (cells.text("tenant_id")?, cells.text("push_id")?);
    tracing::error!(push.id = %push, error = %error, "push {push} cannot be read and is dead: {error}");
    let sql = "-- push_park()
        UPDATE pushes
        SET status = $3, due_at = NULL, last_error = $4
        WHERE tenant_id = $1 AND push_id = $2";
    let why = Value::free_text(&format!("the stored push cannot be read: {error}"));
    tx.execute(sql, vec![tenant.into(), push.into(), PushStatus::Dead.as_str().into(), why]).await?;
    Ok(())
}
