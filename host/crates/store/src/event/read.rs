//! Events read back: one with its bodies, or a filtered page.
//!
//! A page must not read much more than it shows, whatever the filter, and every index is paid for by each event that
//! is logged. So type, provider and account share one index, by kinds (see `event_kinds`); the statuses that people
//! look for are in a small one; and what waits is found through the queue's own.

use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_model::instant::Instant;

use super::{EventBodies, EventFilter, EventRow};
use crate::committer::kind_of;
use crate::db::{Bulk, Cells, Value};
use crate::{PageRequest, Store, StoreError};

/// Kinds that are read one by one and merged; a filter that fits more of them fits many events, and scans.
const KINDS_MAX: i64 = 64;
/// Sizes of the merge, each a statement of its own.
const MERGE_SIZES: [usize; 4] = [1, 4, 16, 64];

const COLUMNS: &str = "e.tenant_id, e.event_id, e.account_id, e.provider, e.event_type, e.provider_event_id,
            e.occurred_at, e.received_at, e.received_by, e.caused_by, e.run_id, e.lead_id, e.depth, e.status, e.due_at,
            e.tries, o.outcome";
const WITH_OUTCOMES: &str = "events AS e
            LEFT JOIN event_outcomes AS o ON o.tenant_id = e.tenant_id AND o.event_id = e.event_id";

static EVENT_ROWS: Bulk = Bulk::new(
    "-- event_rows()
    WITH wanted (at_tenant, at_event) AS (VALUES {rows})
    SELECT e.tenant_id, e.event_id, e.account_id, e.provider, e.event_type, e.provider_event_id, e.occurred_at,
        e.received_at, e.received_by, e.caused_by, e.run_id, e.lead_id, e.depth, e.status, e.due_at, e.tries, o.outcome
    FROM wanted CROSS JOIN events AS e
    LEFT JOIN event_outcomes AS o ON o.tenant_id = e.tenant_id AND o.event_id = e.event_id
    WHERE e.tenant_id = at_tenant AND e.event_id = at_event",
    2,
);

/// The part of the list that a page is cut from: ids at or after one, and before another.
struct Range {
    from: Value,
    before: Value,
    limit: i64,
}

impl Store {
    /// One event with its bodies.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.event_get", level = "debug", skip_all)]
    pub async fn event_get(
        &self,
        tenant: TenantId,
        id: EventId,
    ) -> Result<Option<(EventRow, EventBodies)>, StoreError> {
        let sql = format!(
            "-- event_get()
            SELECT {COLUMNS}, e.payload, o.data
            FROM {WITH_OUTCOMES}
            WHERE e.tenant_id = $1 AND e.event_id = $2"
        );
        let rows = self.pool().rows_text(sql.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut cells = row.cells("events");
        let event = read(&mut cells)?;
        let bodies = EventBodies { payload: cells.free_text("payload")?, data: cells.free_text_or_null("data")? };
        Ok(Some((event, bodies)))
    }

    /// A tenant's events, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.event_list", level = "debug", skip_all)]
    pub async fn event_list(
        &self,
        tenant: TenantId,
        filter: EventFilter,
        page: PageRequest<EventId>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let range = Range::of(&filter, &page);
        let indexed_status = matches!(filter.status, Some(status) if status != EventStatus::Processed);
        if filter.names_kinds() && !indexed_status {
            let kinds = self.event_kinds(tenant, &filter).await?;
            if i64::try_from(kinds.len()).is_ok_and(|count| count <= KINDS_MAX) {
                let mut events = self.event_merge(tenant, &kinds, filter.status, &range).await?;
                events.retain(|event| filter.fits(event));
                return Ok(events);
            }
        }
        self.event_scan(tenant, &filter, &range).await
    }

    /// Reads in the order of the primary key, or of the index that `status` has, passing over what does not fit.
    async fn event_scan(
        &self,
        tenant: TenantId,
        filter: &EventFilter,
        range: &Range,
    ) -> Result<Vec<EventRow>, StoreError> {
        // An expression in place of the column keeps the planner from reading all of the tenant's events.
        let (status, tenant_column) = match filter.status {
            None => ("", "e.tenant_id"),
            Some(EventStatus::Processed) => ("AND e.status = 'PROCESSED'", "e.tenant_id"),
            Some(EventStatus::Failed) => ("AND e.status = 'FAILED'", "e.tenant_id"),
            Some(EventStatus::Duplicate) => ("AND e.status = 'DUPLICATE'", "e.tenant_id"),
            Some(EventStatus::Received) => ("AND e.due_at >= 0 AND e.status = 'RECEIVED'", "e.tenant_id || ''"),
        };
        let sql = format!(
            "-- event_scan()
            SELECT {COLUMNS}
            FROM {WITH_OUTCOMES}
            WHERE {tenant_column} = $1 AND e.event_id >= $2 AND e.event_id < $3 {status}
                AND (e.account_id = $4 OR $4 IS NULL)
                AND (e.event_type = $5 OR $5 IS NULL)
                AND (e.provider = $6 OR $6 IS NULL)
            ORDER BY e.event_id DESC
            LIMIT $7"
        );
        let values = vec![
            tenant.into(),
            range.from.clone(),
            range.before.clone(),
            filter.account.into(),
            filter.event_type.as_deref().into(),
            filter.provider.as_deref().into(),
            range.limit.into(),
        ];
        self.pool().rows_text(sql.into(), values).await?.iter().map(|row| read(&mut row.cells("events"))).collect()
    }

    /// The kinds that fit, one more than can be merged at most.
    async fn event_kinds(&self, tenant: TenantId, filter: &EventFilter) -> Result<Vec<i64>, StoreError> {
        if let (Some(account), Some(event_type)) = (filter.account, &filter.event_type) {
            return Ok(vec![kind_of(Some(account), event_type)]);
        }
        let sql = "-- event_kinds()
            SELECT kind
            FROM event_kinds
            WHERE tenant_id = $1
                AND (account_id = $2 OR $2 IS NULL)
                AND (event_type = $3 OR $3 IS NULL)
                AND (provider = $4 OR $4 IS NULL)
            LIMIT $5";
        let values = vec![
            tenant.into(),
            filter.account.into(),
            filter.event_type.as_deref().into(),
            filter.provider.as_deref().into(),
            KINDS_MAX.saturating_add(1).into(),
        ];
        self.pool().rows(sql, values).await?.iter().map(|row| row.cells("event_kinds").int("kind")).collect()
    }

    /// The newest of every kind, merged, and then only those that the page shows.
    async fn event_merge(
        &self,
        tenant: TenantId,
        kinds: &[i64],
        status: Option<EventStatus>,
        range: &Range,
    ) -> Result<Vec<EventRow>, StoreError> {
        let Some(last) = kinds.last() else { return Ok(vec![]) };
        let size = MERGE_SIZES.into_iter().find(|size| *size >= kinds.len()).unwrap_or(kinds.len());
        let mut values = vec![
            tenant.into(),
            range.from.clone(),
            range.before.clone(),
            range.limit.into(),
            status.map(EventStatus::as_str).into(),
        ];
        values.extend(kinds.iter().chain(std::iter::repeat(last)).take(size).map(|kind| Value::from(*kind)));
        let rows = self.pool().rows_text(merge_sql(size, status.is_some()).into(), values).await?;
        let mut wanted = Vec::with_capacity(rows.len());
        for row in &rows {
            wanted.extend([tenant.into(), Value::from(row.cells("events").text("event_id")?)]);
        }
        let rows = EVENT_ROWS.read(self.pool(), wanted).await?;
        let mut events: Vec<EventRow> =
            rows.iter().map(|row| read(&mut row.cells("events"))).collect::<Result<_, StoreError>>()?;
        events.sort_by_key(|event| std::cmp::Reverse(event.id));
        events.dedup_by_key(|event| event.id);
        Ok(events)
    }
}

/// `UNION` and not `UNION ALL`: the last kind is repeated to fill the statement's size.
fn merge_sql(size: usize, with_status: bool) -> String {
    let status = if with_status { "AND status = $5" } else { "AND $5 IS NULL" };
    let kinds: Vec<String> = (0..size)
        .map(|at| {
            format!(
                "SELECT event_id FROM (
                    SELECT event_id
                    FROM events
                    WHERE tenant_id = $1 AND kind = ${} AND event_id >= $2 AND event_id < $3 {status}
                    ORDER BY event_id DESC
                    LIMIT $4
                ) AS kind_{at}",
                at.saturating_add(6)
            )
        })
        .collect();
    format!("-- event_merge()\n{}\nORDER BY event_id DESC\nLIMIT $4", kinds.join("\nUNION\n"))
}

impl Range {
    fn of(filter: &EventFilter, page: &PageRequest<EventId>) -> Self {
        // Ids begin with the moment of their making.
        let first_at = |at: Instant| EventId::at(at, [0; 10]);
        let from = first_at(filter.since.unwrap_or(Instant::EPOCH));
        let before = match (page.after, filter.until.map(first_at)) {
            (Some(after), Some(until)) => Value::from(after.min(until)),
            (None, Some(until)) => Value::from(until),
            (Some(_) | None, None) => page.before(),
        };
        Self { from: from.into(), before, limit: page.rows_max() }
    }
}

impl EventFilter {
    fn names_kinds(&self) -> bool {
        self.event_type.is_some() || self.provider.is_some() || self.account.is_some()
    }

    /// Two kinds may share a number.
    fn fits(&self, event: &EventRow) -> bool {
        self.event_type.as_ref().is_none_or(|event_type| *event_type == event.event_type)
            && self.provider.as_ref().is_none_or(|provider| Some(provider) == event.provider.as_ref())
            && self.account.is_none_or(|account| Some(account) == event.account)
    }
}

fn read(cells: &mut Cells<'_>) -> Result<EventRow, StoreError> {
    let (tenant, id) = (cells.id("tenant_id")?, cells.id("event_id")?);
    Ok(EventRow {
        id,
        tenant,
        account: cells.id_or_empty("account_id")?,
        provider: cells.text_or_empty("provider")?,
        event_type: cells.text("event_type")?,
        provider_event_id: cells.free_text_or_null("provider_event_id")?,
        occurred_at: cells.instant_or_null("occurred_at")?,
        received_at: cells.instant("received_at")?,
        received_by: cells.json_or_null("received_by")?,
        caused_by: cells.id_or_null("caused_by")?,
        run: cells.id_or_null("run_id")?,
        inherited_lead: cells.id_or_null("lead_id")?,
        depth: cells.count("depth")?,
        status: cells.word("status", EventStatus::from_row)?,
        due_at: cells.instant_or_null("due_at")?,
        tries: cells.count("tries")?,
        outcome: cells.json_or_null("outcome")?.unwrap_or_default(),
    })
}
