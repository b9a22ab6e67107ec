//! Verify: from a request to what it tells, proved.
//!
//! The provider's guest reads the request and says what would prove it; the proof is made here, natively, over the raw
//! body ([`hookyard_model::proof`]), before another word of the guest is believed. Then each event is given to the
//! account it belongs to.
//!
//! Which plugin reads: on the shared route the operator's, with the application's secrets; on an account's own route
//! the version that its tenant runs, with what [`secrets`](super::secrets) lets it have.

use std::sync::Arc;

use hookyard_model::id::TenantId;
use hookyard_model::instant::Clock;
use hookyard_model::manifest::{Manifest, Scope};
use hookyard_model::proof::{self, Proof, Proved, Refusal};
use hookyard_model::provider::{Inbound, Reception};
use hookyard_sandbox::{Blame, Call, CallFailure, GuestSecrets, LoadError};
use hookyard_store::StoreError;

use super::secrets::PluginSecrets;
use super::{Arrived, Believed};
use crate::directory::{AccountEntry, Directory};
use crate::ids;
use crate::plugins::Plugins;
use crate::telemetry::{Ended, Metrics};

/// The stage.
pub struct Verify {
    /// Who owns what.
    pub directory: Directory,
    /// Guests.
    pub plugins: Plugins,
    /// For signed times.
    pub clock: Arc<dyn Clock>,
    /// Guest calls.
    pub metrics: Arc<Metrics>,
}

/// Why a request is not believed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No plugin speaks to this provider.
    #[error("no provider `{0}`")]
    UnknownProvider(String),
    /// The URL's account is none, or another provider's.
    #[error("no such account of `{0}`")]
    UnknownAccount(String),
    /// The provider's secrets are each account's own, so its webhooks go to the account's own URL.
    #[error("`{0}` has no shared route")]
    NotShared(String),
    /// The guest cannot read it.
    #[error("malformed: {0}")]
    Malformed(String),
    /// It is not proved.
    #[error(transparent)]
    NotAuthentic(#[from] Refusal),
    /// The guest failed.
    #[error(transparent)]
    Plugin(#[from] CallFailure),
    /// The guest cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verify {
    /// Reads and proves a request.
    ///
    /// # Errors
    /// Whatever keeps it from being believed.
    pub async fn prove(&self, arrived: Arrived) -> Result<Believed, VerifyError> {
        let Arrived { provider, account, request } = arrived;
        let account = match account {
            Some(id) => {
                let entry = self.directory.account(id).await?.filter(|entry| entry.account.provider == provider);
                Some(entry.ok_or_else(|| VerifyError::UnknownAccount(provider.clone()))?)
            }
            None => None,
        };
        let secrets = Arc::new(self.secrets(&provider, account).await?);
        let guest = self.plugins.guest(secrets.version.digest).await?;
        let now = self.clock.now();
        let guest_secrets = Arc::clone(&secrets) as Arc<dyn GuestSecrets>;
        let call = Call { secrets: guest_secrets, now, seed: u64::from_le_bytes(ids::random()) };
        let body = request.body.clone();
        let received = self.plugins.sandbox().receive(&guest, call, request).await;
        self.count(received.as_ref().err());
        let reception = received?.value.map_err(VerifyError::Malformed)?;
        let proved = proof::prove(&reception.proof, &body, &*secrets, now, reception.events.len())?;
        self.believe(provider, &secrets, reception, proved).await
    }

    async fn secrets(&self, provider: &str, account: Option<Arc<AccountEntry>>) -> Result<PluginSecrets, VerifyError> {
        let unknown = || VerifyError::UnknownProvider(provider.to_owned());
        let tenant: Option<TenantId> = account.as_ref().map(|entry| entry.account.tenant);
        let version = self.directory.provider(tenant, provider).await?.ok_or_else(unknown)?;
        if account.is_none() && !version.manifest.is_shared() {
            return Err(VerifyError::NotShared(provider.to_owned()));
        }
        Ok(PluginSecrets::find(&self.directory, provider, version, account).await?)
    }

    async fn believe(
        &self,
        provider: String,
        secrets: &PluginSecrets,
        reception: Reception,
        proved: Proved,
    ) -> Result<Believed, VerifyError> {
        let by_account = proved_by_account(&reception.proof, &secrets.version.manifest);
        let mut believed = Believed {
            provider,
            version: Arc::clone(&secrets.version),
            events: Vec::with_capacity(reception.events.len()),
            unclaimed: 0,
            reply: reception.reply,
        };
        if proved == Proved::Unsigned && !secrets.version.manifest.unsigned {
            return Err(Refusal::Missing.into());
        }
        for inbound in reception.events {
            let owner = self.owner(&believed.provider, secrets, &inbound, by_account).await?;
            let agreed = |entry: &Arc<AccountEntry>| proved != Proved::Unsigned || entry.account.unsigned;
            match owner.filter(agreed) {
                Some(owner) => believed.events.push((owner, inbound)),
                None => believed.unclaimed += 1,
            }
        }
        if proved == Proved::Unsigned && believed.events.is_empty() {
            return Err(Refusal::Missing.into());
        }
        Ok(believed)
    }

    /// Whose event it is. A proof with the account's own secret proves the account; one with the application's proves
    /// only the provider, and then the event's account key decides.
    async fn owner(
        &self,
        provider: &str,
        secrets: &PluginSecrets,
        inbound: &Inbound,
        by_account: bool,
    ) -> Result<Option<Arc<AccountEntry>>, StoreError> {
        match (&secrets.account, &inbound.account_key) {
            (Some(entry), _) if by_account => Ok(Some(Arc::clone(entry))),
            (Some(entry), Some(key)) => Ok((entry.account.account_key == *key).then(|| Arc::clone(entry))),
            (Some(_), None) | (None, None) => Ok(None),
            (None, Some(key)) => self.directory.shared_account(provider, key).await,
        }
    }

    fn count(&self, failure: Option<&CallFailure>) {
        let outcome = failure.map_or("ok", |failure| failure.blame.kind());
        self.metrics.guest_calls.get_or_create(&Ended { outcome }).inc();
    }
}

impl VerifyError {
    /// Whether the guest is to blame, and its owner should look.
    #[must_use]
    pub fn is_guests_fault(&self) -> bool {
        matches!(self, Self::Plugin(failure) if !matches!(failure.blame, Blame::Busy | Blame::Host(_)))
    }
}

fn proved_by_account(proof: &Proof, manifest: &Manifest) -> bool {
    let is_accounts = |name: &str| manifest.secret(name).is_some_and(|spec| spec.scope == Scope::Account);
    match proof {
        Proof::Hmac(proof) => is_accounts(&proof.secret),
        Proof::PublicKey(proof) => is_accounts(&proof.key),
        Proof::Token { secret, .. } => is_accounts(secret),
        Proof::Hash(proof) => {
            proof.signed.iter().any(|part| matches!(part, proof::Part::Secret(name) if is_accounts(name)))
        }
        // What nothing proves goes to the account in whose URL it came, if its owner agreed to that.
        Proof::Unsigned => true,
        Proof::Handshake => false,
    }
}
