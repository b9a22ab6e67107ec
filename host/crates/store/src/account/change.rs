//! Accounts as they change: connected, given new credentials, refused by their provider, disconnected.

use hookyard_model::account::{Account, AccountStatus};
use hookyard_model::id::{AccountId, TenantId};
use hookyard_model::limits;

use super::{AccountPatch, NewAccount, read};
use crate::db::{Tx, Value, is_unique_violation};
use crate::seal::DataKey;
use crate::secrets::{CREDENTIAL, SECRET, secrets_delete, secrets_put};
use crate::{Store, StoreError};

impl Store {
    /// Connects an account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the tenant has one of this key, or another tenant owns the key of a shared
    /// provider; see [`StoreError`].
    #[tracing::instrument(name = "store.account_create", level = "debug", skip_all)]
    pub async fn account_create(&self, new: NewAccount) -> Result<Account, StoreError> {
        let NewAccount { account, secrets, credentials, shared } = new;
        let key = self.seals().data_key(self.pool(), &account.tenant.text()).await?;
        let values = vec![
            account.tenant.into(),
            account.id.into(),
            account.provider.as_str().into(),
            account.account_key.as_str().into(),
            account.name.as_deref().into(),
            Value::free_text(&account.settings),
            account.default_country.as_deref().into(),
            account.unsigned.into(),
            account.status.as_str().into(),
            Value::free_text_or_null(account.status_reason.as_deref()),
            account.created_at.into(),
        ];
        let sql = "-- account_create()
            INSERT INTO accounts (
                tenant_id, account_id, provider, account_key, name, settings, default_country, unsigned, status,
                status_reason, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let mut tx = self.pool().begin().await?;
        tx.execute(sql, values).await.map_err(|error| match is_unique_violation(&error) {
            true => StoreError::Conflict { what: "account of this provider and account key" },
            false => error,
        })?;
        if shared {
            route_create(&mut tx, &account).await?;
        }
        let vault = AccountPatch { secrets: Some(secrets), credentials: Some(credentials), ..AccountPatch::default() };
        vault_put(&mut tx, &key, (account.tenant, account.id), &vault).await?;
        self.commit_config(tx).await?;
        Ok(account)
    }

    /// Changes an account. Credentials make an unauthorized account active, and its waiting events due.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_update", level = "debug", skip_all)]
    pub async fn account_update(
        &self,
        tenant: TenantId,
        id: AccountId,
        patch: AccountPatch,
    ) -> Result<Option<Account>, StoreError> {
        let key = self.seals().data_key(self.pool(), &tenant.text()).await?;
        let mut tx = self.pool().begin().await?;
        let find = format!(
            "-- account_update_find()
            SELECT
                tenant_id, account_id, provider, account_key, name, settings, default_country, unsigned, status,
                status_reason, created_at
            FROM accounts
            WHERE tenant_id = $1 AND account_id = $2
            {}",
            self.dialect().for_update()
        );
        let rows = tx.rows_text(find.into(), vec![tenant.into(), id.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut account = read(row)?;
        let reconnected = vault_put(&mut tx, &key, (tenant, id), &patch).await?;
        account.name = patch.name.unwrap_or(account.name);
        account.settings = patch.settings.unwrap_or(account.settings);
        account.default_country = patch.default_country.unwrap_or(account.default_country);
        account.unsigned = patch.unsigned.unwrap_or(account.unsigned);
        if reconnected && account.status == AccountStatus::Unauthorized {
            account.status = AccountStatus::Active;
            account.status_reason = None;
            self.events_wake(&mut tx, tenant, id).await?;
        }
        let values = vec![
            tenant.into(),
            id.into(),
            account.name.as_deref().into(),
            Value::free_text(&account.settings),
            account.default_country.as_deref().into(),
            account.unsigned.into(),
            account.status.as_str().into(),
            Value::free_text_or_null(account.status_reason.as_deref()),
        ];
        let sql = "-- account_update()
            UPDATE accounts
            SET name = $3, settings = $4, default_country = $5, unsigned = $6, status = $7, status_reason = $8
            WHERE tenant_id = $1 AND account_id = $2";
        tx.execute(sql, values).await?;
        self.commit_config(tx).await?;
        if reconnected {
            self.signals().work();
        }
        Ok(Some(account))
    }

    /// Disconnects an account; its events and leads stay. Whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_delete", level = "debug", skip_all)]
    pub async fn account_delete(&self, tenant: TenantId, id: AccountId) -> Result<bool, StoreError> {
        let mut tx = self.pool().begin().await?;
        let sql = "-- account_delete()
            DELETE FROM accounts
            WHERE tenant_id = $1 AND account_id = $2
            RETURNING tenant_id, provider, account_key";
        let Some(row) = tx.row(sql, vec![tenant.into(), id.into()]).await? else { return Ok(false) };
        let mut cells = row.cells("accounts");
        cells.text("tenant_id")?;
        let sql = "-- account_route_delete()
            DELETE FROM account_routes
            WHERE provider = $1 AND account_key = $2 AND account_id = $3";
        let (provider, account_key) = (cells.text("provider")?, cells.text("account_key")?);
        tx.execute(sql, vec![provider.into(), account_key.into(), id.into()]).await?;
        secrets_delete(&mut tx, &tenant.text(), &id.text()).await?;
        self.commit_config(tx).await?;
        Ok(true)
    }

    /// Marks an account whose credential was refused; whether this is the first to say so.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_mark_unauthorized", level = "debug", skip_all)]
    pub async fn account_mark_unauthorized(
        &self,
        tenant: TenantId,
        id: AccountId,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let (from, to) = (AccountStatus::Active.as_str(), AccountStatus::Unauthorized.as_str());
        let sql = "-- account_mark_unauthorized()
            UPDATE accounts
            SET status = $3, status_reason = $4
            WHERE tenant_id = $1 AND account_id = $2 AND status = $5";
        let values = vec![tenant.into(), id.into(), to.into(), Value::free_text(reason), from.into()];
        let mut tx = self.pool().begin().await?;
        if tx.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        self.commit_config(tx).await?;
        Ok(true)
    }

    /// Makes the events due now that wait for a credential. Those due within a lease are claimed, or due soon
    /// anyway.
    async fn events_wake(&self, tx: &mut Tx, tenant: TenantId, account: AccountId) -> Result<(), StoreError> {
        let sql = "-- events_wake()
            UPDATE events
            SET due_at = $3
            WHERE due_at > $4 AND tenant_id = $1 AND account_id = $2";
        let now = self.now();
        tx.execute(sql, vec![tenant.into(), account.into(), now.into(), now.plus(limits::LEASE).into()]).await?;
        Ok(())
    }
}

async fn route_create(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    let sql = "-- account_route_create()
        INSERT INTO account_routes (provider, account_key, tenant_id, account_id)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    let values = vec![
        account.provider.as_str().into(),
        account.account_key.as_str().into(),
        account.tenant.into(),
        account.id.into(),
    ];
    if tx.execute(sql, values).await? == 0 {
        return Err(StoreError::Conflict { what: "account key of a shared provider" });
    }
    Ok(())
}

/// Puts the values of the names given; whether there were credentials among them.
async fn vault_put(
    tx: &mut Tx,
    key: &DataKey,
    (tenant, id): (TenantId, AccountId),
    patch: &AccountPatch,
) -> Result<bool, StoreError> {
    let (tenant, id) = (tenant.text(), id.text());
    for (name, values) in patch.secrets.iter().flatten() {
        secrets_put(tx, key, (&tenant, &id, SECRET, name), values).await?;
    }
    for (name, value) in patch.credentials.iter().flatten() {
        secrets_put(tx, key, (&tenant, &id, CREDENTIAL, name), std::slice::from_ref(value)).await?;
    }
    Ok(patch.credentials.as_ref().is_some_and(|credentials| !credentials.is_empty()))
}
