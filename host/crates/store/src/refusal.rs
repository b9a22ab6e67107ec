//! Samples of refused requests, for the operator who asks why nothing arrives. Bounded, and never complete.

use hookyard_model::id::{AccountId, Id, Noun};
use hookyard_model::instant::Instant;
use hookyard_model::limits;

use crate::db::{Row, Value};
use crate::{PageRequest, Store, StoreError};

/// A sample of a refused request.
#[derive(Debug, Clone, Copy)]
pub enum RefusalNoun {}
impl Noun for RefusalNoun {
    const PREFIX: &'static str = "ref_";
    const NAME: &'static str = "refusal";
}
/// The id of one refusal: `ref_…`.
pub type RefusalId = Id<RefusalNoun>;

/// A refused request, as it is sampled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalSample {
    /// Whose webhook it claimed to be.
    pub provider: String,
    /// The account, where the route named one.
    pub account: Option<AccountId>,
    /// A stable word.
    pub reason: String,
    /// A sentence for the operator.
    pub detail: String,
    /// When.
    pub at: Instant,
}

impl Store {
    /// Records a refusal, and forgets those beyond `limits::REFUSALS_KEPT_MAX`.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.refusal_record", level = "debug", skip_all)]
    pub async fn refusal_record(&self, sample: RefusalSample) -> Result<(), StoreError> {
        let id: RefusalId = self.new_id()?;
        let sql = "-- refusal_record()
            INSERT INTO refusals (refusal_id, provider, account_id, reason, detail, at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            id.into(),
            Value::free_text(&sample.provider),
            sample.account.into(),
            sample.reason.into(),
            Value::free_text(&sample.detail),
            sample.at.into(),
        ];
        let mut tx = self.pool().begin().await?;
        tx.execute(sql, values).await?;
        let sql = "-- refusal_purge()
            DELETE FROM refusals
            WHERE refusal_id <= (SELECT refusal_id FROM refusals ORDER BY refusal_id DESC LIMIT 1 OFFSET $1)";
        tx.execute(sql, vec![limits::REFUSALS_KEPT_MAX.into()]).await?;
        tx.commit().await
    }

    /// Refusals, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.refusal_list", level = "debug", skip_all)]
    pub async fn refusal_list(
        &self,
        page: PageRequest<RefusalId>,
    ) -> Result<Vec<(RefusalId, RefusalSample)>, StoreError> {
        let sql = "-- refusal_list()
            SELECT refusal_id, provider, account_id, reason, detail, at
            FROM refusals
            WHERE refusal_id < $1
            ORDER BY refusal_id DESC
            LIMIT $2";
        self.pool().rows(sql, vec![page.before(), page.rows_max().into()]).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<(RefusalId, RefusalSample), StoreError> {
    let mut cells = row.cells("refusals");
    let id = cells.id("refusal_id")?;
    let sample = RefusalSample {
        provider: cells.free_text("provider")?,
        account: cells.id_or_null("account_id")?,
        reason: cells.text("reason")?,
        detail: cells.free_text("detail")?,
        at: cells.instant("at")?,
    };
    Ok((id, sample))
}
