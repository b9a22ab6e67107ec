//! Answers that were given before, by `Idempotency-Key`, for 24 hours.

use std::time::Duration;

use hookyard_model::id::TenantId;

use crate::db::Value;
use crate::{Store, StoreError};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentAnswer {
    /// SHA-256 of the request that got it: another request with the same key is an error.
    pub request_hash: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Store {
    /// The answer that was given under this key, the operator's where there is no tenant.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.idempotency_find", level = "debug", skip_all)]
    pub async fn idempotency_find(
        &self,
        tenant: Option<TenantId>,
        key: &str,
    ) -> Result<Option<IdempotentAnswer>, StoreError> {
        let sql = "-- idempotency_find()
            SELECT owner_id, key, request_hash, status, body
            FROM idempotency_answers
            WHERE owner_id = $1 AND key = $2 AND created_at > $3";
        let oldest = self.now().minus(KEPT);
        let row = self.pool().row(sql, vec![Value::owner(tenant), key.into(), oldest.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let mut cells = row.cells("idempotency_answers");
        cells.text("owner_id")?;
        cells.text("key")?;
        let request_hash = cells.bytes("request_hash")?.try_into().map_err(|_| cells.undecodable("request_hash"))?;
        let status = u16::try_from(cells.int("status")?).map_err(|_| cells.undecodable("status"))?;
        Ok(Some(IdempotentAnswer { request_hash, status, body: cells.bytes("body")? }))
    }

    /// Keeps an answer; false where another was first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.idempotency_save", level = "debug", skip_all)]
    pub async fn idempotency_save(
        &self,
        tenant: Option<TenantId>,
        key: &str,
        answer: IdempotentAnswer,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut tx = self.pool().begin().await?;
        let sql = "-- idempotency_expire()
            DELETE FROM idempotency_answers
            WHERE owner_id = $1 AND key = $2 AND created_at <= $3";
        tx.execute(sql, vec![Value::owner(tenant), key.into(), now.minus(KEPT).into()]).await?;
        let sql = "-- idempotency_save()
            INSERT INTO idempotency_answers (owner_id, key, request_hash, status, body, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT DO NOTHING";
        let values = vec![
            Value::owner(tenant),
            key.into(),
            answer.request_hash.as_slice().into(),
            u32::from(answer.status).into(),
            answer.body.into(),
            now.into(),
        ];
        let first = tx.execute(sql, values).await? > 0;
        tx.commit().await?;
        Ok(first)
    }

    /// Forgets answers older than 24 hours, at most `limit`; how many.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.idempotency_purge", level = "debug", skip_all)]
    pub async fn idempotency_purge(&self, limit: u32) -> Result<u64, StoreError> {
        let sql = "-- idempotency_purge()
            DELETE FROM idempotency_answers
            WHERE (owner_id, key) IN (
                SELECT owner_id, key
                FROM idempotency_answers
                WHERE created_at <= $1
                ORDER BY created_at
                LIMIT $2
            )";
        let mut tx = self.pool().begin().await?;
        let purged = tx.execute(sql, vec![self.now().minus(KEPT).into(), limit.into()]).await?;
        tx.commit().await?;
        Ok(purged)
    }
}
