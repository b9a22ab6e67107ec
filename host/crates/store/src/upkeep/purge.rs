//! Retention: what has ended and is old goes, in batches that no writer notices.

use std::collections::{HashMap, HashSet};

use hookyard_model::id::{EventId, PushId, RunId};
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
static ATTEMPTS: Bulk = Bulk::new(
    "-- purge_attempts()
    WITH gone (gone_tenant, gone_delivery) AS (VALUES {rows})
    DELETE FROM attempts
    WHERE (tenant_id, delivery_id) IN (SELECT gone_tenant, gone_delivery FROM gone)",
    2,
);
static DELIVERIES: Bulk = Bulk::new(
    "-- purge_deliveries()
    WITH gone (gone_tenant, gone_delivery) AS (VALUES {rows})
    DELETE FROM deliveries
    WHERE (tenant_id, delivery_id) IN (SELECT gone_tenant, gone_delivery FROM gone)",
    2,
);
static RUNS_OF: Bulk = Bulk::new(
    "-- purge_runs_of()
    WITH wanted (wanted_tenant, wanted_event) AS (VALUES {rows})
    SELECT tenant_id, run_id, event_id, due_at
    FROM wanted CROSS JOIN runs
    WHERE tenant_id = wanted_tenant AND event_id = wanted_event",
    2,
);
static RUNS: Bulk = Bulk::new(
    "-- purge_runs()
    WITH gone (gone_tenant, gone_run) AS (VALUES {rows})
    DELETE FROM runs
    WHERE (tenant_id, run_id) IN (SELECT gone_tenant, gone_run FROM gone)",
    2,
);
static JOURNALS: Bulk = Bulk::new(
    "-- purge_journals()
    WITH gone (gone_tenant, gone_run) AS (VALUES {rows})
    DELETE FROM run_journal
    WHERE (tenant_id, run_id) IN (SELECT gone_tenant, gone_run FROM gone)",
    2,
);
static PUSHES_OF: Bulk = Bulk::new(
    "-- purge_pushes_of()
    WITH wanted (wanted_tenant, wanted_event) AS (VALUES {rows})
    SELECT tenant_id, push_id, event_id, due_at
    FROM wanted CROSS JOIN pushes
    WHERE tenant_id = wanted_tenant AND event_id = wanted_event",
    2,
);
/// What a destination last said of a lead stays, or the lead would be made there anew. So of the pushes of these
/// events, and of older ones of the same leads to the same destinations, those go that are dead or were followed by
/// one that the destination took. Expressions in place of columns keep the planner to the leads' index.
static PUSHES_PAST: Bulk = Bulk::new(
    "-- purge_pushes_past()
    WITH wanted (wanted_tenant, wanted_event) AS (VALUES {rows})
    SELECT p.tenant_id, p.push_id
    FROM wanted CROSS JOIN pushes AS e CROSS JOIN pushes AS p
    WHERE e.tenant_id = wanted_tenant AND e.event_id = wanted_event
        AND p.tenant_id = e.tenant_id AND p.lead_id = e.lead_id AND p.destination_id = e.destination_id
        AND p.push_id <= e.push_id AND COALESCE(p.due_at, -1) < 0
        AND (
            p.status || '' = 'DEAD'
            OR EXISTS (
                SELECT q.push_id
                FROM pushes AS q
                WHERE q.tenant_id = p.tenant_id AND q.lead_id = p.lead_id AND q.destination_id = p.destination_id
                    AND q.push_id > p.push_id AND q.status = 'DONE'
            )
        )",
    2,
);
static PUSH_ATTEMPTS: Bulk = Bulk::new(
    "-- purge_push_attempts()
    WITH gone (gone_tenant, gone_push) AS (VALUES {rows})
    DELETE FROM push_attempts
    WHERE (tenant_id, push_id) IN (SELECT gone_tenant, gone_push FROM gone)",
    2,
);
static PUSHES: Bulk = Bulk::new(
    "-- purge_pushes()
    WITH gone (gone_tenant, gone_push) AS (VALUES {rows})
    DELETE FROM pushes
    WHERE (tenant_id, push_id) IN (SELECT gone_tenant, gone_push FROM gone)",
    2,
);
static DEDUP_KEYS: Bulk = Bulk::new(
    "-- purge_dedup_keys()
    WITH gone (gone_tenant, gone_account, gone_dedup_key) AS (VALUES {rows})
    DELETE FROM dedup_keys
    WHERE (tenant_id, account_id, dedup_key) IN (SELECT gone_tenant, gone_account, gone_dedup_key FROM gone)",
    3,
);
static OUTCOMES: Bulk = Bulk::new(
    "-- purge_outcomes()
    WITH gone (gone_tenant, gone_event) AS (VALUES {rows})
    DELETE FROM event_outcomes
    WHERE (tenant_id, event_id) IN (SELECT gone_tenant, gone_event FROM gone)",
    2,
);
static EVENTS: Bulk = Bulk::new(
    "-- purge_events()
    WITH gone (gone_tenant, gone_event) AS (VALUES {rows})
    DELETE FROM events
    WHERE (tenant_id, event_id) IN (SELECT gone_tenant, gone_event FROM gone)",
    2,
);

/// An ended event, and what hangs on it.
struct Ended {
    tenant: String,
    event: String,
    account: String,
    /// Its key, where no lead needs it any more.
    dedup_key: Option<Vec<u8>>,
    deliveries: Vec<String>,
}

impl Ended {
    fn key(&self) -> [Value; 2] {
        [self.tenant.as_str().into(), self.event.as_str().into()]
    }
}

impl Store {
    /// Deletes ended events logged before `older_than`, with their deliveries, runs, pushes and all that belongs to
    /// these: at most `limit` events, in one short transaction; and as many ended runs and dead pushes of that age that
    /// outlived theirs. How many in all; call again until none. An event for which something waits stays. Leads stay,
    /// and what keeps a second one of the same id out, here and at their destinations.
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
        let old = old_runs(&mut tx, older_than, limit).await?;
        let runs = delete_runs(&mut tx, old).await?;
        let dead = dead_pushes(&mut tx, older_than, limit).await?;
        let pushes = delete_pushes(&mut tx, dead).await?;
        tx.commit().await?;
        Ok(purged.saturating_add(runs).saturating_add(pushes))
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
    let events: Vec<Value> = ended.iter().flat_map(Ended::key).collect();
    let (mut runs, mut waiting) = (HashMap::new(), HashSet::new());
    for row in RUNS_OF.rows(tx, events.clone()).await? {
        hanging(&row, "runs", "run_id", (&mut runs, &mut waiting))?;
    }
    for row in PUSHES_OF.rows(tx, events).await? {
        hanging(&row, "pushes", "push_id", (&mut HashMap::new(), &mut waiting))?;
    }
    let free = |ended: &&Ended| {
        !waiting.contains(&ended.event) && !ended.deliveries.iter().any(|delivery| pending.contains(delivery))
    };
    let done = || ended.iter().filter(free);
    let runs = done().filter_map(|ended| runs.get(&ended.event)).flatten().cloned().collect();
    delete_runs(tx, runs).await?;
    let past = PUSHES_PAST.rows(tx, done().flat_map(Ended::key).collect()).await?;
    delete_pushes(tx, keys(&past, "pushes", "push_id")?).await?;
    ATTEMPTS.execute(tx, done().flat_map(pairs).collect()).await?;
    DELIVERIES.execute(tx, done().flat_map(pairs).collect()).await?;
    let keys = done().filter_map(|ended| ended.dedup_key.as_deref().map(|key| (ended, key)));
    let keys = keys.flat_map(|(ended, key)| [ended.tenant.as_str().into(), ended.account.as_str().into(), key.into()]);
    DEDUP_KEYS.execute(tx, keys.collect()).await?;
    let events: Vec<Value> = done().flat_map(Ended::key).collect();
    OUTCOMES.execute(tx, events.clone()).await?;
    EVENTS.execute(tx, events).await
}

/// Takes a run or a push to what hangs on its event; an event on which something hangs that is due waits.
fn hanging(
    row: &Row,
    table: &'static str,
    column: &'static str,
    (hanging, waiting): (&mut HashMap<String, Vec<Value>>, &mut HashSet<String>),
) -> Result<(), StoreError> {
    let mut cells = row.cells(table);
    let key = [Value::from(cells.text("tenant_id")?), Value::from(cells.text(column)?)];
    let event = cells.text("event_id")?;
    if cells.int_or_null("due_at")?.is_some() {
        waiting.insert(event.clone());
    }
    hanging.entry(event).or_default().extend(key);
    Ok(())
}

/// Keys of ended runs of this age.
async fn old_runs(tx: &mut Tx, older_than: Instant, limit: u32) -> Result<Vec<Value>, StoreError> {
    let sql = "-- purge_find_runs()
        SELECT r.tenant_id, r.run_id
        FROM tenants AS t CROSS JOIN runs AS r
        WHERE r.tenant_id = t.tenant_id
            AND r.run_id < $1
            AND r.due_at IS NULL
            AND r.ended_at < $2
        ORDER BY r.tenant_id, r.run_id
        LIMIT $3";
    let before = RunId::at(older_than, [0; 10]);
    keys(&tx.rows(sql, vec![before.into(), older_than.into(), limit.into()]).await?, "runs", "run_id")
}

/// Keys of dead pushes of this age.
async fn dead_pushes(tx: &mut Tx, older_than: Instant, limit: u32) -> Result<Vec<Value>, StoreError> {
    let sql = "-- purge_find_pushes()
        SELECT p.tenant_id, p.push_id
        FROM tenants AS t CROSS JOIN pushes AS p
        WHERE p.tenant_id = t.tenant_id
            AND p.push_id < $1
            AND p.status = 'DEAD'
        ORDER BY p.tenant_id, p.push_id
        LIMIT $2";
    let before = PushId::at(older_than, [0; 10]);
    keys(&tx.rows(sql, vec![before.into(), limit.into()]).await?, "pushes", "push_id")
}

/// Tenant and id of each row.
fn keys(rows: &[Row], table: &'static str, column: &'static str) -> Result<Vec<Value>, StoreError> {
    let mut keys = Vec::with_capacity(rows.len().saturating_mul(2));
    for row in rows {
        let mut cells = row.cells(table);
        keys.extend([Value::from(cells.text("tenant_id")?), Value::from(cells.text(column)?)]);
    }
    Ok(keys)
}

async fn delete_runs(tx: &mut Tx, keys: Vec<Value>) -> Result<u64, StoreError> {
    JOURNALS.execute(tx, keys.clone()).await?;
    RUNS.execute(tx, keys).await
}

async fn delete_pushes(tx: &mut Tx, keys: Vec<Value>) -> Result<u64, StoreError> {
    PUSH_ATTEMPTS.execute(tx, keys.clone()).await?;
    PUSHES.execute(tx, keys).await
}
