//! Accounts, and the secrets and credentials in their vaults.

mod change;

use hookyard_model::account::{Account, AccountStatus};
use hookyard_model::id::{AccountId, TenantId};
use hookyard_model::secret::Secret;

use crate::db::Row;
use crate::secrets::{CREDENTIAL, SECRET, by_name};
use crate::{PageRequest, Store, StoreError};

/// An account to be connected.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The account itself; id and times are the caller's.
    pub account: Account,
    /// What proves its requests: by name, the live values, newest first.
    pub secrets: Vec<(String, Vec<Secret>)>,
    /// What the host attaches to fetches: by name.
    pub credentials: Vec<(String, Secret)>,
    /// Whether the provider's shared route finds it by its account key, which then belongs to one tenant only.
    pub shared: bool,
}

/// What to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct AccountPatch {
    /// For people; `Some(None)` takes it away.
    pub name: Option<Option<String>>,
    /// JSON text.
    pub settings: Option<String>,
    /// Where national phone numbers belong; `Some(None)` takes it away.
    pub default_country: Option<Option<String>>,
    /// Whether unproved events are taken as hints.
    pub unsigned: Option<bool>,
    /// Values for the names given, in place of theirs; other names stay. An empty list deletes its name.
    pub secrets: Option<Vec<(String, Vec<Secret>)>>,
    /// Values for the names given, in place of theirs; other names stay.
    pub credentials: Option<Vec<(String, Secret)>>,
}

/// What an account keeps to itself.
#[derive(Debug, Clone, Default)]
pub struct Vault {
    /// By name, the live values, newest first.
    pub secrets: Vec<(String, Vec<Secret>)>,
    /// By name.
    pub credentials: Vec<(String, Secret)>,
}

impl Store {
    /// One account of a tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_get", level = "debug", skip_all)]
    pub async fn account_get(&self, tenant: TenantId, id: AccountId) -> Result<Option<Account>, StoreError> {
        let sql = "-- account_get()
            SELECT
                tenant_id, account_id, provider, account_key, name, settings, default_country, unsigned, status,
                status_reason, created_at
            FROM accounts
            WHERE tenant_id = $1 AND account_id = $2";
        self.pool().row(sql, vec![tenant.into(), id.into()]).await?.as_ref().map(read).transpose()
    }

    /// Whose account a shared provider's account key is.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_find_shared", level = "debug", skip_all)]
    pub async fn account_find_shared(
        &self,
        provider: &str,
        account_key: &str,
    ) -> Result<Option<(TenantId, AccountId)>, StoreError> {
        let sql = "-- account_find_shared()
            SELECT tenant_id, account_id
            FROM account_routes
            WHERE provider = $1 AND account_key = $2";
        let row = self.pool().row(sql, vec![provider.into(), account_key.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut cells = row.cells("account_routes");
        Ok(Some((cells.id("tenant_id")?, cells.id("account_id")?)))
    }

    /// An account by its id alone: its own route names no tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_find", level = "debug", skip_all)]
    pub async fn account_find(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let sql = "-- account_find()
            SELECT
                tenant_id, account_id, provider, account_key, name, settings, default_country, unsigned, status,
                status_reason, created_at
            FROM accounts
            WHERE account_id = $1";
        self.pool().row(sql, vec![id.into()]).await?.as_ref().map(read).transpose()
    }

    /// A tenant's accounts, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.account_list", level = "debug", skip_all)]
    pub async fn account_list(
        &self,
        tenant: TenantId,
        page: PageRequest<AccountId>,
    ) -> Result<Vec<Account>, StoreError> {
        let sql = "-- account_list()
            SELECT
                tenant_id, account_id, provider, account_key, name, settings, default_country, unsigned, status,
                status_reason, created_at
            FROM accounts
            WHERE tenant_id = $1 AND account_id < $2
            ORDER BY account_id DESC
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![tenant.into(), page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }

    /// Opens an account's secrets and credentials; empty where there are none.
    ///
    /// # Errors
    /// [`StoreError::Undecodable`] where a sealed value was tampered with or moved; see [`StoreError`].
    #[tracing::instrument(name = "store.account_vault", level = "debug", skip_all)]
    pub async fn account_vault(&self, tenant: TenantId, id: AccountId) -> Result<Vault, StoreError> {
        let opened = self.secrets_open(&tenant.text(), &id.text()).await?;
        let (credentials, secrets) = opened.into_iter().partition::<Vec<_>, _>(|opened| opened.kind == CREDENTIAL);
        debug_assert!(secrets.iter().all(|opened| opened.kind == SECRET), "an account keeps secrets and credentials");
        let credentials = credentials.into_iter().map(|opened| (opened.name, opened.secret)).collect();
        Ok(Vault { secrets: by_name(secrets), credentials })
    }
}

fn read(row: &Row) -> Result<Account, StoreError> {
    let mut cells = row.cells("accounts");
    Ok(Account {
        tenant: cells.id("tenant_id")?,
        id: cells.id("account_id")?,
        provider: cells.text("provider")?,
        account_key: cells.text("account_key")?,
        name: cells.text_or_null("name")?,
        settings: cells.free_text("settings")?,
        default_country: cells.text_or_null("default_country")?,
        unsigned: cells.int("unsigned")? != 0,
        status: cells.word("status", AccountStatus::from_row)?,
        status_reason: cells.free_text_or_null("status_reason")?,
        created_at: cells.instant("created_at")?,
    })
}
