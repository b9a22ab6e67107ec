//! Leads, read back. They are written where their events are settled.

use hookyard_model::id::{AccountId, EventId, LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;

use crate::db::Row;
use crate::{PageRequest, Store, StoreError};

/// A stored lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadRow {
    /// Its id.
    pub id: LeadId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The account that it came through, where its event has one.
    pub account: Option<AccountId>,
    /// The event that brought it.
    pub event: EventId,
    /// The person's details.
    pub lead: CleanLead,
    /// When it was stored.
    pub created_at: Instant,
}

impl Store {
    /// One lead of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.lead_get", level = "debug", skip_all)]
    pub async fn lead_get(&self, tenant: TenantId, id: LeadId) -> Result<Option<LeadRow>, StoreError> {
        let sql = "-- lead_get()
            SELECT tenant_id, lead_id, account_id, event_id, lead
            FROM leads
            WHERE tenant_id = $1 AND lead_id = $2";
        self.pool().row(sql, vec![tenant.into(), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// A tenant's leads, newest first: all, or one account's.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.lead_list", level = "debug", skip_all)]
    pub async fn lead_list(
        &self,
        tenant: TenantId,
        account: Option<AccountId>,
        page: PageRequest<LeadId>,
    ) -> Result<Vec<LeadRow>, StoreError> {
        let sql = match account {
            Some(_) => {
                "-- lead_list_of_account()
                SELECT tenant_id, lead_id, account_id, event_id, lead
                FROM leads
                WHERE tenant_id = $1 AND lead_id < $2 AND account_id = $4
                ORDER BY lead_id DESC
                LIMIT $3"
            }
            None => {
                "-- lead_list()
                SELECT tenant_id, lead_id, account_id, event_id, lead
                FROM leads
                WHERE tenant_id = $1 AND lead_id < $2
                ORDER BY lead_id DESC
                LIMIT $3"
            }
        };
        let mut values = vec![tenant.into(), page.before(), page.rows_max().into()];
        values.extend(account.map(Into::into));
        self.pool().rows(sql, values).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<LeadRow, StoreError> {
    let mut cells = row.cells("leads");
    let (tenant, id): (_, LeadId) = (cells.id("tenant_id")?, cells.id("lead_id")?);
    Ok(LeadRow {
        id,
        tenant,
        account: cells.id_or_empty("account_id")?,
        event: cells.id("event_id")?,
        lead: cells.json("lead")?,
        created_at: id.made_at(),
    })
}
