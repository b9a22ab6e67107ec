//! Deliveries read back: one with its attempts, or a filtered page.

use hookyard_model::delivery::{Attempt, DeliveryStatus};
use hookyard_model::id::{DeliveryId, EventId, TenantId};

use super::{DeliveryFilter, DeliveryRow};
use crate::db::{Bulk, Row, Value};
use crate::{PageRequest, Store, StoreError};

/// Attempts of one delivery, as a bound: the longest schedule and some retries by hand.
const ATTEMPTS_MAX: i64 = 1_000;

const COLUMNS: &str = "tenant_id, delivery_id, subscription_id, event_id, status, due_at, tries, attempts,
            last_status, last_error";

static DELIVERY_ROWS: Bulk = Bulk::new(
    "-- delivery_rows()
    WITH wanted (wanted_tenant, wanted_delivery) AS (VALUES {rows})
    SELECT tenant_id, delivery_id, subscription_id, event_id, status, due_at, tries, attempts, last_status, last_error
    FROM wanted CROSS JOIN deliveries
    WHERE tenant_id = wanted_tenant AND delivery_id = wanted_delivery",
    2,
);

impl Store {
    /// One delivery with all its attempts, the first one first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.delivery_get", level = "debug", skip_all)]
    pub async fn delivery_get(
        &self,
        tenant: TenantId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRow, Vec<Attempt>)>, StoreError> {
        let sql = format!(
            "-- delivery_get()
            SELECT {COLUMNS}
            FROM deliveries
            WHERE tenant_id = $1 AND delivery_id = $2"
        );
        let rows = self.pool().rows_text(sql.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let delivery = read(row)?;
        let sql = "-- attempt_list()
            SELECT tenant_id, delivery_id, number, started_at, status, error, detail, request_headers,
                response_headers, response_body, response_truncated, address, timings
            FROM attempts
            WHERE tenant_id = $1 AND delivery_id = $2
            ORDER BY number
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![tenant.into(), id.into(), ATTEMPTS_MAX.into()]).await?;
        let attempts = rows.iter().map(read_attempt).collect::<Result<_, StoreError>>()?;
        Ok(Some((delivery, attempts)))
    }

    /// A tenant's deliveries, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.delivery_list", level = "debug", skip_all)]
    pub async fn delivery_list(
        &self,
        tenant: TenantId,
        filter: DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        if let Some(event) = filter.event {
            return self.deliveries_of_event((tenant, event), filter, page).await;
        }
        let mut values = vec![tenant.into(), page.before(), page.rows_max().into()];
        values.extend(filter.subscription.map(Value::from));
        self.pool().rows_text(list_sql(filter).into(), values).await?.iter().map(read).collect()
    }

    /// An event's deliveries are named in its row.
    async fn deliveries_of_event(
        &self,
        (tenant, event): (TenantId, EventId),
        filter: DeliveryFilter,
        page: PageRequest<DeliveryId>,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let sql = "-- event_delivery_ids()
            SELECT tenant_id, event_id, delivery_ids
            FROM event_outcomes
            WHERE tenant_id = $1 AND event_id = $2";
        let Some(row) = self.pool().row(sql, vec![tenant.into(), event.into()]).await? else { return Ok(vec![]) };
        let mut cells = row.cells("event_outcomes");
        cells.text("tenant_id")?;
        cells.text("event_id")?;
        let ids = cells.free_text_or_null("delivery_ids")?.unwrap_or_default();
        let values = ids.lines().flat_map(|id| [tenant.into(), Value::from(id)]).collect();
        let rows = DELIVERY_ROWS.read(self.pool(), values).await?;
        let mut deliveries: Vec<DeliveryRow> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        deliveries.retain(|delivery| {
            page.after.is_none_or(|after| delivery.id < after)
                && filter.subscription.is_none_or(|subscription| subscription == delivery.subscription)
                && filter.status.is_none_or(|status| status == delivery.status)
        });
        deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
        deliveries.dedup_by_key(|delivery| delivery.id);
        deliveries.truncate(usize::try_from(page.rows_max()).unwrap_or_default());
        Ok(deliveries)
    }
}

/// An expression in place of a column keeps the planner to the index that the filter is small in: the queue's for
/// what is pending, its own for what is dead.
fn list_sql(filter: DeliveryFilter) -> String {
    let (status, tenant, subscription) = match filter.status {
        None => ("", "tenant_id", "subscription_id"),
        Some(DeliveryStatus::Delivered) => ("AND status = 'DELIVERED'", "tenant_id", "subscription_id"),
        Some(DeliveryStatus::Skipped) => ("AND status = 'SKIPPED'", "tenant_id", "subscription_id"),
        Some(DeliveryStatus::Dead) => ("AND status = 'DEAD'", "tenant_id", "subscription_id || ''"),
        Some(DeliveryStatus::Pending) => {
            ("AND due_at >= 0 AND status = 'PENDING'", "tenant_id || ''", "subscription_id || ''")
        }
    };
    let subscription = match filter.subscription {
        Some(_) => format!("AND {subscription} = $4"),
        None => String::new(),
    };
    format!(
        "-- delivery_list()
        SELECT {COLUMNS}
        FROM deliveries
        WHERE {tenant} = $1 AND delivery_id < $2 {status} {subscription}
        ORDER BY delivery_id DESC
        LIMIT $3"
    )
}

fn read(row: &Row) -> Result<DeliveryRow, StoreError> {
    let mut cells = row.cells("deliveries");
    let (tenant, id): (_, DeliveryId) = (cells.id("tenant_id")?, cells.id("delivery_id")?);
    Ok(DeliveryRow {
        id,
        tenant,
        subscription: cells.id("subscription_id")?,
        event: cells.id("event_id")?,
        status: cells.word("status", DeliveryStatus::from_row)?,
        due_at: cells.instant_or_null("due_at")?,
        tries: cells.count("tries")?,
        attempts: cells.count("attempts")?,
        last_status: status(cells.count_or_null("last_status")?),
        last_error: cells.free_text_or_null("last_error")?,
        created_at: id.made_at(),
    })
}

fn read_attempt(row: &Row) -> Result<Attempt, StoreError> {
    let mut cells = row.cells("attempts");
    cells.text("tenant_id")?;
    cells.text("delivery_id")?;
    Ok(Attempt {
        number: cells.count("number")?,
        started_at: cells.instant("started_at")?,
        status: status(cells.count_or_null("status")?),
        error: cells.free_text_or_null("error")?,
        detail: cells.free_text_or_null("detail")?,
        request_headers: cells.free_text("request_headers")?,
        response_headers: cells.free_text("response_headers")?,
        response_body: cells.bytes("response_body")?,
        response_truncated: cells.int("response_truncated")? != 0,
        address: cells.text_or_null("address")?,
        timings: cells.json("timings")?,
    })
}

fn status(number: Option<u32>) -> Option<u16> {
    number.and_then(|number| u16::try_from(number).ok())
}
