//! Retention: what has ended and is old goes, in batches that no writer notices.

use std::collections::HashSet;

use hookyard_model::id::EventId;
use hookyard_model::instant::Instant;

use crate::db::{Bulk, Row, Tx, Value};
use crate::{Store, StoreError};

/// Pages that are looked through for events that may go, before the next call.
const PAGES_MAX: u32 = 8;

static PENDING: Bulk = Bulk::new(
    "-- purge_pending()
    WITH wanted (wanted_tenant, wanted_delivery) AS (VALUES {rows})
    SELECT delivery_id
    FROM wanted CROSS JOIN deliveries
    WHERE tenant_id = wanted_tenant AND delivery_id = wanted_delivery AND due_at IS NOT NULL",
    2,
);
static ATTEMPTS: Bulk =
    Bulk::new("-- purge_attempts()\nDELETE FROM attempts\nWHERE (tenant_id, delivery_id) IN (VALUES {rows})", 2);
static DELIVERIES: Bulk =
    Bulk::new("-- purge_deliveries()\nDELETE FROM deliveries\nWHERE (tenant_id, delivery_id) IN (VALUES {rows})", 2);
static DEDUP_KEYS: Bulk = Bulk::new(
    "-- purge_dedup_keys()
    DELETE FROM dedup_keys
    WHERE (tenant_id, account_id, dedup_key) IN (VALUES {rows})",
    3,
);
static OUTCOMES: Bulk =
    Bulk::new("-- purge_outcomes()\nDELETE FROM event_outcomes\nWHERE (tenant_id, event_id) IN (VALUES {rows})", 2);
static EVENTS: Bulk =
    Bulk::new("-- purge_events()\nDELETE FROM events\nWHERE (tenant_id, event_id) IN (VALUES {rows})", 2);

/// An ended event, and what hangs on it.
struct Ended {
    tenant: String,
    event: String,
    account: String,
    /// Its key, where no lead needs it any more.
    dedup_key: Option<Vec<u8>>,
    deliveries: Vec<String>,
}

impl Store {
    /// Deletes ended events logged before `older_than`, with their deliveries and attempts: at most `limit` events,
    /// in one short transaction. How many; call again until none. An event with a pending delivery stays. Leads
    /// stay, and what keeps a second one of the same id out.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.purge", level = "debug", skip_all)]
    pub async fn purge(&self, older_than: Instant, limit: u32) -> Result<u64, StoreError> {
        let before = EventId::at(older_than, [0; 10]);
        let mut tx = self.pool().begin().await?;
        let mut last = (String::new(), String::new());
        let mut purged = 0;
        for _ in 0..PAGES_MAX {
            let ended = page(&mut tx, before, limit, (&last.0, &last.1)).await?;
            let Some(end) = ended.last() else { break };
            last = (end.tenant.clone(), end.event.clone());
            purged = delete(&mut tx, &ended).await?;
            if purged > 0 {
                break;
            }
        }
        tx.commit().await?;
        Ok(purged)
    }
}

/// A page of ended events in the order of their keys, behind the last one of the page before.
async fn page(tx: &mut Tx, before: EventId, limit: u32, last: (&str, &str)) -> Result<Vec<Ended>, StoreError> {
    let sql = "-- purge_find()
        SELECT e.tenant_id, e.event_id, e.account_id, o.dedup_key, o.lead_id, o.delivery_ids
        FROM tenants AS t CROSS JOIN events AS e
        LEFT JOIN event_outcomes AS o ON o.tenant_id = e.tenant_id AND o.event_id = e.event_id
        WHERE e.tenant_id = t.tenant_id
            AND e.event_id < $1
            AND e.due_at IS NULL
            AND (e.tenant_id, e.event_id) > ($3, $4)
        ORDER BY e.tenant_id, e.event_id
        LIMIT $2";
    let rows = tx.rows(sql, vec![before.into(), limit.into(), last.0.into(), last.1.into()]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Ended, StoreError> {
    let mut cells = row.cells("events");
    let (tenant, event) = (cells.text("tenant_id")?, cells.text("event_id")?);
    let account = cells.text("account_id")?;
    let dedup_key = cells.bytes_or_null("dedup_key")?;
    let has_lead = cells.text_or_null("lead_id")?.is_some();
    let deliveries = cells.free_text_or_null("delivery_ids")?.unwrap_or_default();
    Ok(Ended {
        tenant,
        event,
        account,
        dedup_key: dedup_key.filter(|_| !has_lead),
        deliveries: deliveries.lines().map(str::to_owned).collect(),
    })
}

/// Deletes those of them that nothing waits for; how many.
async fn delete(tx: &mut Tx, ended: &[Ended]) -> Result<u64, StoreError> {
    let pairs = |ended: &Ended| -> Vec<Value> {
        ended.deliveries.iter().flat_map(|id| [ended.tenant.as_str().into(), Value::from(id.as_str())]).collect()
    };
    let mut pending = HashSet::new();
    for row in PENDING.rows(tx, ended.iter().flat_map(pairs).collect()).await? {
        pending.insert(row.cells("deliveries").text("delivery_id")?);
    }
    let done = || ended.iter().filter(|ended| !ended.deliveries.iter().any(|id| pending.contains(id)));
    ATTEMPTS.execute(tx, done().flat_map(pairs).collect()).await?;
    DELIVERIES.execute(tx, done().flat_map(pairs).collect()).await?;
    let keys = done().filter_map(|ended| ended.dedup_key.as_deref().map(|key| (ended, key)));
    let keys = keys.flat_map(|(ended, key)| [ended.tenant.as_str().into(), ended.account.as_str().into(), key.into()]);
    DEDUP_KEYS.execute(tx, keys.collect()).await?;
    let events = done().flat_map(|ended| [ended.tenant.as_str().into(), Value::from(ended.event.as_str())]);
    let events: Vec<Value> = events.collect();
    OUTCOMES.execute(tx, events.clone()).await?;
    EVENTS.execute(tx, events).await
}
