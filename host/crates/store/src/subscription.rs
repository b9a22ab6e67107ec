//! Subscriptions, and the secrets that sign what they get.

use std::time::Duration;

use hookyard_model::delivery::DeliveryStatus;
use hookyard_model::id::{Noun as _, SubscriptionId, SubscriptionNoun, TenantId};
use hookyard_model::limits;
use hookyard_model::secret::Secret;
use hookyard_model::style::Style;
use hookyard_model::subscription::{Subscription, SubscriptionStatus};

use crate::db::{Row, Value};
use crate::secrets::{SECRET, secrets_delete, secrets_put};
use crate::{PageRequest, Store, StoreError};

/// What a pending delivery says when its subscription goes.
const DELETED: &str = "the subscription was deleted";
/// The name under which a subscription keeps what signs.
const SIGNING: &str = "signing";

impl Store {
    /// Makes a subscription; `secrets` are its live ones, newest first, and may be none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the tenant has all it may have; see [`StoreError`].
    #[tracing::instrument(name = "store.subscription_create", level = "debug", skip_all)]
    pub async fn subscription_create(
        &self,
        subscription: Subscription,
        secrets: Vec<Secret>,
    ) -> Result<(), StoreError> {
        let (tenant, id) = (subscription.tenant, subscription.id);
        let key = self.seals().data_key(self.pool(), &tenant.text()).await?;
        let mut tx = self.pool().begin().await?;
        let count = "-- subscription_count()
            SELECT tenant_id, count(*)
            FROM subscriptions
            WHERE tenant_id = $1
            GROUP BY tenant_id";
        if let Some(row) = tx.row(count, vec![tenant.into()]).await? {
            let mut cells = row.cells("subscriptions");
            cells.text("tenant_id")?;
            if usize::try_from(cells.int("count")?).is_ok_and(|count| count >= limits::SUBSCRIPTIONS_PER_TENANT_MAX) {
                return Err(StoreError::Conflict { what: "all the subscriptions that a tenant may have" });
            }
        }
        let sql = "-- subscription_create()
            INSERT INTO subscriptions (
                tenant_id, subscription_id, url, event_types, provider, style, status, status_reason, retry_seconds,
                timeout_ms, transform, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        tx.execute(sql, values(&subscription)).await?;
        secrets_put(&mut tx, &key, (&tenant.text(), &id.text(), SECRET, SIGNING), &secrets).await?;
        self.commit_config(tx).await
    }

    /// One subscription of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_get", level = "debug", skip_all)]
    pub async fn subscription_get(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
    ) -> Result<Option<Subscription>, StoreError> {
        let sql = "-- subscription_get()
            SELECT
                tenant_id, subscription_id, url, event_types, provider, style, status, status_reason, retry_seconds,
                timeout_ms, transform, created_at
            FROM subscriptions
            WHERE tenant_id = $1 AND subscription_id = $2";
        self.pool().row(sql, vec![tenant.into(), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// A tenant's subscriptions, newest first: all, or those made for one provider.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_list", level = "debug", skip_all)]
    pub async fn subscription_list(
        &self,
        tenant: TenantId,
        provider: Option<&str>,
        page: PageRequest<SubscriptionId>,
    ) -> Result<Vec<Subscription>, StoreError> {
        let sql = "-- subscription_list()
            SELECT
                tenant_id, subscription_id, url, event_types, provider, style, status, status_reason, retry_seconds,
                timeout_ms, transform, created_at
            FROM subscriptions
            WHERE tenant_id = $1 AND subscription_id < $2 AND (provider = $3 OR $3 IS NULL)
            ORDER BY subscription_id DESC
            LIMIT $4";
        let values = vec![tenant.into(), page.before(), provider.into(), page.rows_max().into()];
        self.pool().rows(sql, values).await?.iter().map(read).collect()
    }

    /// Ends a subscription; what it still waited for is dead. Whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_delete", level = "debug", skip_all)]
    pub async fn subscription_delete(&self, tenant: TenantId, id: SubscriptionId) -> Result<bool, StoreError> {
        let mut tx = self.pool().begin().await?;
        let sql = "-- subscription_delete()
            DELETE FROM subscriptions
            WHERE tenant_id = $1 AND subscription_id = $2";
        if tx.execute(sql, vec![tenant.into(), id.into()]).await? == 0 {
            return Ok(false);
        }
        secrets_delete(&mut tx, &tenant.text(), &id.text()).await?;
        let sql = "-- subscription_delete_deliveries()
            UPDATE deliveries
            SET status = $3, due_at = NULL, last_error = $4
            WHERE tenant_id = $1 AND subscription_id = $2 AND due_at IS NOT NULL";
        let dead = DeliveryStatus::Dead.as_str();
        tx.execute(sql, vec![tenant.into(), id.into(), dead.into(), Value::free_text(DELETED)]).await?;
        self.commit_config(tx).await?;
        Ok(true)
    }

    /// Disables a subscription; whether it was active until now.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_disable", level = "debug", skip_all)]
    pub async fn subscription_disable(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let (from, to) = (SubscriptionStatus::Active.as_str(), SubscriptionStatus::Disabled.as_str());
        let sql = "-- subscription_disable()
            UPDATE subscriptions
            SET status = $3, status_reason = $4
            WHERE tenant_id = $1 AND subscription_id = $2 AND status = $5";
        let values = vec![tenant.into(), id.into(), to.into(), Value::free_text(reason), from.into()];
        let mut tx = self.pool().begin().await?;
        if tx.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        self.commit_config(tx).await?;
        Ok(true)
    }

    /// All subscriptions of a tenant with their live secrets, for the fan-out; at most
    /// `limits::SUBSCRIPTIONS_PER_TENANT_MAX`.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_targets", level = "debug", skip_all)]
    pub async fn subscription_targets(&self, tenant: TenantId) -> Result<Vec<(Subscription, Vec<Secret>)>, StoreError> {
        let sql = "-- subscription_targets()
            SELECT
                tenant_id, subscription_id, url, event_types, provider, style, status, status_reason, retry_seconds,
                timeout_ms, transform, created_at
            FROM subscriptions
            WHERE tenant_id = $1
            ORDER BY subscription_id
            LIMIT $2";
        let most = i64::try_from(limits::SUBSCRIPTIONS_PER_TENANT_MAX).unwrap_or(i64::MAX);
        let rows = self.pool().rows(sql, vec![tenant.into(), most.into()]).await?;
        let mut secrets = self.secrets_open_all(&tenant.text(), SubscriptionNoun::PREFIX).await?;
        let with_secrets = |row| {
            let subscription = read(row)?;
            let secrets = secrets.remove(&subscription.id.text()).unwrap_or_default();
            Ok((subscription, secrets))
        };
        rows.iter().map(with_secrets).collect()
    }

    /// One subscription with its live secrets, for a delivery.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.subscription_target", level = "debug", skip_all)]
    pub async fn subscription_target(
        &self,
        tenant: TenantId,
        id: SubscriptionId,
    ) -> Result<Option<(Subscription, Vec<Secret>)>, StoreError> {
        let Some(subscription) = self.subscription_get(tenant, id).await? else { return Ok(None) };
        let opened = self.secrets_open(&tenant.text(), &id.text()).await?;
        Ok(Some((subscription, opened.into_iter().map(|opened| opened.secret).collect())))
    }
}

fn read(row: &Row) -> Result<Subscription, StoreError> {
    let mut cells = row.cells("subscriptions");
    Ok(Subscription {
        tenant: cells.id("tenant_id")?,
        id: cells.id("subscription_id")?,
        url: cells.text("url")?,
        event_types: cells.json("event_types")?,
        provider: cells.text_or_null("provider")?,
        style: cells.word("style", Style::from_row)?,
        status: cells.word("status", SubscriptionStatus::from_row)?,
        status_reason: cells.free_text_or_null("status_reason")?,
        retry_seconds: cells.json_or_null("retry_seconds")?,
        timeout: Duration::from_millis(cells.int("timeout_ms")?.unsigned_abs()),
        transform: cells.id_or_null("transform")?,
        created_at: cells.instant("created_at")?,
    })
}

fn values(subscription: &Subscription) -> Vec<Value> {
    let timeout_ms = i64::try_from(subscription.timeout.as_millis()).unwrap_or(i64::MAX);
    vec![
        subscription.tenant.into(),
        subscription.id.into(),
        subscription.url.as_str().into(),
        Value::json(&subscription.event_types),
        subscription.provider.as_deref().into(),
        subscription.style.as_str().into(),
        subscription.status.as_str().into(),
        Value::free_text_or_null(subscription.status_reason.as_deref()),
        subscription.retry_seconds.as_ref().map_or(Value::Bytes(None), Value::json),
        timeout_ms.into(),
        subscription.transform.into(),
        subscription.created_at.into(),
    ]
}
