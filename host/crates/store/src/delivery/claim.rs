//! Taking on deliveries that wait, handing them back, and asking for them again.

use std::collections::HashMap;

use hookyard_model::delivery::{ClaimedDelivery, DeliveryStatus, NewDelivery};
use hookyard_model::id::{DeliveryId, EventId, SubscriptionId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use crate::db::{Bulk, Row, Tx, Value};
use crate::exclude::exclude;
use crate::{Store, StoreError};

static DELIVERED_EVENTS: Bulk = Bulk::new(
    "-- delivered_events()
    WITH wanted (at_tenant, at_event) AS (VALUES {rows})
    SELECT e.tenant_id, e.event_id, e.event_type, e.provider, e.received_at, o.data
    FROM wanted CROSS JOIN events AS e
    LEFT JOIN event_outcomes AS o ON o.tenant_id = e.tenant_id AND o.event_id = e.event_id
    WHERE e.tenant_id = at_tenant AND e.event_id = at_event",
    2,
);

/// What an attempt needs of its event.
struct Told {
    event_type: String,
    provider: Option<String>,
    received_at: Instant,
    data: String,
}

/// A claimed row, before it has met its event.
struct Taken {
    delivery: NewDelivery,
    tries: u32,
    attempts: u32,
}

impl Store {
    /// Claims due deliveries, those that waited longest first, for `limits::LEASE`; none of the excluded
    /// subscriptions. One claimer a node.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.delivery_claim", level = "debug", skip_all)]
    pub async fn delivery_claim(
        &self,
        limit: u32,
        excluded: &[SubscriptionId],
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let now = self.now();
        let mut values: Vec<Value> = vec![now.into(), limit.into(), now.plus(limits::LEASE).into()];
        let excluded = exclude("subscription_id", excluded, &mut values);
        let mut tx = self.pool().begin().await?;
        let rows = tx.rows_text(claim_sql(&excluded, self.dialect().skip_locked()).into(), values).await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            match read(row) {
                Ok(delivery) => taken.push(delivery),
                Err(error) => {
                    let mut cells = row.cells("deliveries");
                    let keys = (cells.text("tenant_id")?, cells.text("delivery_id")?);
                    park(&mut tx, (&keys.0, &keys.1), &error.to_string()).await?;
                }
            }
        }
        let events = told(&mut tx, &taken).await?;
        let mut claimed = Vec::with_capacity(taken.len());
        for Taken { delivery, tries, attempts } in taken {
            let Some(told) = events.get(&delivery.event) else {
                let keys = (delivery.tenant.text(), delivery.id.text());
                park(&mut tx, (&keys.0, &keys.1), "its event is gone").await?;
                continue;
            };
            claimed.push(ClaimedDelivery {
                delivery,
                tries,
                attempts,
                event_type: told.event_type.clone(),
                provider: told.provider.clone(),
                received_at: told.received_at,
                data: told.data.clone(),
            });
        }
        tx.commit().await?;
        Ok(claimed)
    }

    /// Hands a claim back unused: the row is due now. Whether the claim still held.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.delivery_release", level = "debug", skip_all)]
    pub async fn delivery_release(&self, tenant: TenantId, id: DeliveryId, tries: u32) -> Result<bool, StoreError> {
        let sql = "-- delivery_release()
            UPDATE deliveries
            SET due_at = $3
            WHERE tenant_id = $1 AND delivery_id = $2 AND tries = $4 AND due_at IS NOT NULL";
        let mut tx = self.pool().begin().await?;
        let held = tx.execute(sql, vec![tenant.into(), id.into(), self.now().into(), tries.into()]).await? > 0;
        tx.commit().await?;
        if held {
            self.signals().work();
        }
        Ok(held)
    }

    /// Makes a pending, dead or skipped delivery due now; `Some(false)` where it was delivered already.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.delivery_retry", level = "debug", skip_all)]
    pub async fn delivery_retry(&self, tenant: TenantId, id: DeliveryId) -> Result<Option<bool>, StoreError> {
        let (pending, delivered) = (DeliveryStatus::Pending.as_str(), DeliveryStatus::Delivered.as_str());
        let sql = "-- delivery_retry()
            UPDATE deliveries
            SET status = $3, due_at = $4
            WHERE tenant_id = $1 AND delivery_id = $2 AND status <> $5";
        let mut tx = self.pool().begin().await?;
        let values = vec![tenant.into(), id.into(), pending.into(), self.now().into(), delivered.into()];
        if tx.execute(sql, values).await? > 0 {
            tx.commit().await?;
            self.signals().work();
            return Ok(Some(true));
        }
        let sql = "-- delivery_exists()
            SELECT tenant_id
            FROM deliveries
            WHERE tenant_id = $1 AND delivery_id = $2";
        Ok(tx.row(sql, vec![tenant.into(), id.into()]).await?.map(|_| false))
    }
}

fn claim_sql(excluded: &str, skip_locked: &str) -> String {
    format!(
        "-- delivery_claim()
        WITH due AS (
            -- Rows that another node is claiming right now are passed over.
            SELECT tenant_id AS due_tenant, delivery_id AS due_delivery
            FROM deliveries
            WHERE due_at <= $1 {excluded}
            ORDER BY due_at
            LIMIT $2
            {skip_locked}
        )
        UPDATE deliveries
        SET due_at = $3, tries = tries + 1
        FROM due
        WHERE tenant_id = due_tenant AND delivery_id = due_delivery
        RETURNING tenant_id, delivery_id, subscription_id, event_id, tries, attempts"
    )
}

/// The events of all that was claimed, each once.
async fn told(tx: &mut Tx, taken: &[Taken]) -> Result<HashMap<EventId, Told>, StoreError> {
    let mut wanted: Vec<(TenantId, EventId)> =
        taken.iter().map(|taken| (taken.delivery.tenant, taken.delivery.event)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let values = wanted.into_iter().flat_map(|(tenant, event)| [Value::from(tenant), Value::from(event)]).collect();
    let mut events = HashMap::new();
    for row in DELIVERED_EVENTS.rows(tx, values).await? {
        let mut cells = row.cells("events");
        cells.text("tenant_id")?;
        let id = cells.id("event_id")?;
        let told = Told {
            event_type: cells.text("event_type")?,
            provider: cells.text_or_empty("provider")?,
            received_at: cells.instant("received_at")?,
            data: cells.free_text_or_null("data")?.unwrap_or_else(|| "null".to_owned()),
        };
        events.insert(id, told);
    }
    Ok(events)
}

fn read(row: &Row) -> Result<Taken, StoreError> {
    let mut cells = row.cells("deliveries");
    let (tenant, id) = (cells.id("tenant_id")?, cells.id("delivery_id")?);
    let (subscription, event) = (cells.id("subscription_id")?, cells.id("event_id")?);
    let delivery = NewDelivery { id, tenant, event, subscription };
    Ok(Taken { delivery, tries: cells.count("tries")?, attempts: cells.count("attempts")? })
}

/// What cannot be delivered would be claimed for ever: it is dead, and says why.
async fn park(tx: &mut Tx, (tenant, delivery): (&str, &str), why: &str) -> Result<(), StoreError> {
    tracing::error!(delivery.id = %delivery, "delivery {delivery} is dead: {why}");
    let sql = "-- delivery_park()
        UPDATE deliveries
        SET status = $3, due_at = NULL, last_error = $4
        WHERE tenant_id = $1 AND delivery_id = $2";
    let dead = DeliveryStatus::Dead.as_str();
    tx.execute(sql, vec![tenant.into(), delivery.into(), dead.into(), Value::free_text(why)]).await?;
    Ok(())
}
