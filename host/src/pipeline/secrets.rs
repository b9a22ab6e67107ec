//! The secrets that one version of a plugin may have used on its behalf, by its manifest's scopes.
//!
//! The application's are for the operator's own plugin alone. A tenant's plugin of the same name never gets at them, not
//! even for a keyed hash: with one it could sign what other tenants would believe. And no plugin gets anything from a
//! secret that its manifest does not name.

use std::sync::Arc;

use hookyard_model::manifest::Scope;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::proof::{self, Digest, Secrets};
use hookyard_model::secret::Secret;
use hookyard_sandbox::{GuestSecrets, HmacError};
use hookyard_store::StoreError;

use crate::directory::{AccountEntry, Directory, NamedSecrets};

/// What proves, signs and keys for a plugin.
pub struct PluginSecrets {
    /// The plugin.
    pub version: Arc<PluginVersion>,
    /// The account that it runs for; none on the shared route.
    pub account: Option<Arc<AccountEntry>>,
    application: Option<Arc<NamedSecrets>>,
}

impl PluginSecrets {
    /// Those of `version`, which speaks to `provider`, for `account`.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(
        directory: &Directory,
        provider: &str,
        version: Arc<PluginVersion>,
        account: Option<Arc<AccountEntry>>,
    ) -> Result<Self, StoreError> {
        let operators = directory.provider(None, provider).await?;
        let application = match operators.filter(|operators| operators.plugin == version.plugin) {
            Some(_) => Some(directory.application_secrets(provider).await?),
            None => None,
        };
        Ok(Self { version, account, application })
    }
}

impl Secrets for PluginSecrets {
    fn live(&self, name: &str) -> Vec<Secret> {
        match self.version.manifest.secret(name).map(|spec| spec.scope) {
            Some(Scope::Application) => self.application.as_ref().map_or_else(Vec::new, |secrets| secrets.live(name)),
            Some(Scope::Account) => self.account.as_ref().map_or_else(Vec::new, |entry| entry.secrets.live(name)),
            None => Vec::new(),
        }
    }
}

impl GuestSecrets for PluginSecrets {
    fn hmac(&self, name: &str, digest: Digest, message: &[u8]) -> Result<Vec<u8>, HmacError> {
        if self.version.manifest.secret(name).is_none() {
            return Err(HmacError::NotGranted(name.to_owned()));
        }
        let newest = self.live(name).into_iter().next();
        newest.map(|secret| proof::hmac(digest, &secret, message)).ok_or_else(|| HmacError::Unknown(name.to_owned()))
    }
}
