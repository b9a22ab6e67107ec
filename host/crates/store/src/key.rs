//! API keys, by their hash: the key itself is shown once and stored nowhere.

use hookyard_model::id::{KeyId, TenantId};
use hookyard_model::instant::Instant;

use crate::db::{Row, Value, is_unique_violation};
use crate::{PageRequest, Store, StoreError};

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose it is; the operator's where none.
    pub tenant: Option<TenantId>,
    /// For people.
    pub name: String,
    /// What it may do: `admin`, `manage`, `publish`, `read`.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Instant>,
    /// SHA-256 of the whole key.
    pub sha256: [u8; 32],
    /// The part that people see.
    pub prefix: String,
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Whose it is; the operator's where none.
    pub tenant: Option<TenantId>,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The part that people see.
    pub prefix: String,
    /// When it stops working; the caller compares.
    pub expires_at: Option<Instant>,
    /// When somebody ended it.
    pub revoked_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

impl Store {
    /// Stores a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a key of this hash exists; see [`StoreError`].
    #[tracing::instrument(name = "store.key_create", level = "debug", skip_all)]
    pub async fn key_create(&self, new: NewKey) -> Result<Key, StoreError> {
        let key = Key {
            id: self.new_id()?,
            tenant: new.tenant,
            name: new.name,
            scopes: new.scopes,
            prefix: new.prefix,
            expires_at: new.expires_at,
            revoked_at: None,
            created_at: self.now(),
        };
        let values = vec![
            Value::owner(key.tenant),
            key.id.into(),
            key.name.as_str().into(),
            Value::json(&key.scopes),
            new.sha256.as_slice().into(),
            key.prefix.as_str().into(),
            key.created_at.into(),
            key.expires_at.into(),
        ];
        let sql = "-- key_create()
            INSERT INTO keys (owner_id, key_id, name, scopes, sha256, prefix, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let mut tx = self.pool().begin().await?;
        tx.execute(sql, values).await.map_err(|error| match is_unique_violation(&error) {
            true => StoreError::Conflict { what: "key" },
            false => error,
        })?;
        self.commit_config(tx).await?;
        Ok(key)
    }

    /// The key of this hash, unless it is revoked. Expiry is the caller's to compare.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.key_find", level = "debug", skip_all)]
    pub async fn key_find(&self, sha256: &[u8; 32]) -> Result<Option<Key>, StoreError> {
        let sql = "-- key_find()
            SELECT owner_id, key_id, name, scopes, prefix, expires_at, revoked_at, created_at
            FROM keys
            WHERE sha256 = $1 AND revoked_at IS NULL";
        self.pool().row(sql, vec![sha256.as_slice().into()]).await?.as_ref().map(read).transpose()
    }

    /// An owner's keys, newest first, revoked ones too.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.key_list", level = "debug", skip_all)]
    pub async fn key_list(&self, tenant: Option<TenantId>, page: PageRequest<KeyId>) -> Result<Vec<Key>, StoreError> {
        let sql = "-- key_list()
            SELECT owner_id, key_id, name, scopes, prefix, expires_at, revoked_at, created_at
            FROM keys
            WHERE owner_id = $1 AND key_id < $2
            ORDER BY key_id DESC
            LIMIT $3";
        let rows = self.pool().rows(sql, vec![Value::owner(tenant), page.before(), page.rows_max().into()]).await?;
        rows.iter().map(read).collect()
    }

    /// Ends a key; whether it was live until now.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.key_revoke", level = "debug", skip_all)]
    pub async fn key_revoke(&self, tenant: Option<TenantId>, id: KeyId) -> Result<bool, StoreError> {
        let sql = "-- key_revoke()
            UPDATE keys
            SET revoked_at = $3
            WHERE owner_id = $1 AND key_id = $2 AND revoked_at IS NULL";
        let mut tx = self.pool().begin().await?;
        if tx.execute(sql, vec![Value::owner(tenant), id.into(), self.now().into()]).await? == 0 {
            return Ok(false);
        }
        self.commit_config(tx).await?;
        Ok(true)
    }
}

fn read(row: &Row) -> Result<Key, StoreError> {
    let mut cells = row.cells("keys");
    Ok(Key {
        tenant: cells.owner("owner_id")?,
        id: cells.id("key_id")?,
        name: cells.text("name")?,
        scopes: cells.json("scopes")?,
        prefix: cells.text("prefix")?,
        expires_at: cells.instant_or_null("expires_at")?,
        revoked_at: cells.instant_or_null("revoked_at")?,
        created_at: cells.instant("created_at")?,
    })
}
