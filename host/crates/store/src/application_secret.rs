//! The operator's secrets: one application's, for all tenants of a provider.

use hookyard_model::secret::Secret;

use crate::db::owner_text;
use crate::secrets::{SECRET, by_name, secret_names, secrets_put};
use crate::{Store, StoreError};

impl Store {
    /// Puts the live values of one secret, newest first, in place of what was there; none deletes it.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.application_secret_put", level = "debug", skip_all)]
    pub async fn application_secret_put(
        &self,
        provider: &str,
        name: &str,
        values: Vec<Secret>,
    ) -> Result<(), StoreError> {
        let operator = owner_text(None);
        let key = self.seals().data_key(self.pool(), &operator).await?;
        let mut tx = self.pool().begin().await?;
        secrets_put(&mut tx, &key, (&operator, &holder(provider), SECRET, name), &values).await?;
        self.commit_config(tx).await
    }

    /// Every secret of a provider with its live values, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.application_secrets", level = "debug", skip_all)]
    pub async fn application_secrets(&self, provider: &str) -> Result<Vec<(String, Vec<Secret>)>, StoreError> {
        Ok(by_name(self.secrets_open(&owner_text(None), &holder(provider)).await?))
    }

    /// Which secrets a provider has, without opening them.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.application_secret_names", level = "debug", skip_all)]
    pub async fn application_secret_names(&self, provider: &str) -> Result<Vec<String>, StoreError> {
        secret_names(self.pool(), &owner_text(None), &holder(provider)).await
    }
}

fn holder(provider: &str) -> String {
    format!("provider:{provider}")
}
