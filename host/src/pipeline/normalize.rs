//! Normalize: from an event to what it means, and to whom it goes: commit 2.
//!
//! The version that the account's tenant runs says what the event means. Where it wants to fetch something it is
//! stopped, the effect is performed here, and it is called again with the reply in the journal; the journal lives as
//! long as this step, because until commit 2 nothing has happened that could not happen again. What it says is then
//! cleaned, given its [dedup] key and [fanned out](super::fanout), and all of it is settled in one commit.
//!
//! A guest that traps would trap again on the same event, so the event has failed until somebody changes the plugin
//! and asks for it again; what is the host's own fault is tried again. A provider that refuses the credential marks
//! the account, and its events wait for a person.

use std::sync::Arc;

use hookyard_egress::Egress;
use hookyard_model::account::AccountStatus;
use hookyard_model::clean::clean;
use hookyard_model::delivery::{ClaimedDelivery, NewDelivery};
use hookyard_model::effect::Entry;
use hookyard_model::event::{ClaimedEvent, NewEvent, Outcome};
use hookyard_model::id::{AccountId, LeadId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;
use hookyard_model::limits;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::provider::{Failure, Inbound, Normalized};
use hookyard_model::retry::normalize_backoff;
use hookyard_sandbox::{Call, CallFailure, GuestSecrets, LoadError, Step};
use hookyard_store::{Claim, EventEnd, EventSettlement, Item, Settled, Store, StoreError};
use serde::Serialize;

use super::dedup;
use super::event_log::run_of;
use super::fanout::fan_out;
use super::secrets::PluginSecrets;
use crate::directory::{AccountEntry, Directory, Target};
use crate::effects::{self, Behalf, NoCredential};
use crate::ids;
use crate::plugins::Plugins;
use crate::telemetry::{Ended, Metrics, ProviderEnded};
use crate::worker::{Handoff, Place, Stage};

/// The stage.
pub struct Normalize {
    /// Rows.
    pub store: Store,
    /// Who owns what, and who subscribes.
    pub directory: Directory,
    /// Guests.
    pub plugins: Plugins,
    /// Performs fetches.
    pub egress: Egress,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The next stage.
    pub next: Handoff<ClaimedDelivery>,
}

/// What a guest made of an event, and what it took.
struct Understood {
    result: Result<Vec<Normalized>, Failure>,
    log: Vec<String>,
    effects: u32,
}

/// Why an event was not understood this time.
#[derive(Debug, thiserror::Error)]
enum NormalizeError {
    #[error("no plugin speaks to `{0}` any more: upload one, then process the event again")]
    NoPlugin(String),
    #[error("the account that it came through is gone")]
    NoAccount,
    #[error("the account is unauthorized: {0}")]
    AccountUnauthorized(String),
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    #[error(transparent)]
    Guest(#[from] CallFailure),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Stage for Normalize {
    type Row = ClaimedEvent;
    const NAME: &'static str = "normalize";
    const SLOTS: usize = limits::NORMALIZE_CONCURRENCY;

    async fn claim(&self, limit: u32) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.store.event_claim(limit).await
    }

    async fn step(&self, row: ClaimedEvent) {
        let event = Arc::new(row.event);
        let end = self.end(&event, row.tries).await;
        let outcome = match &end {
            EventEnd::Understood { .. } => "understood",
            EventEnd::Later { .. } => "later",
            EventEnd::Failed { .. } => "failed",
        };
        self.metrics.events.get_or_create(&ProviderEnded { provider: event.provider.clone(), outcome }).inc();
        self.settle(&event, row.tries, end).await;
    }
}

impl Normalize {
    async fn end(&self, event: &Arc<NewEvent>, tries: u32) -> EventEnd {
        let found = self.find(event).await;
        let (entry, version) = match found {
            Ok(found) => found,
            Err(error) => return self.not_understood(event, tries, None, error).await,
        };
        let understood = match self.understand(event, &entry, &version).await {
            Ok(understood) => understood,
            Err(error) => return self.not_understood(event, tries, Some(&version), error).await,
        };
        let outcome = Outcome {
            normalized_by: Some(run_of(&version)),
            log: understood.log,
            effects: understood.effects,
            ..Outcome::default()
        };
        match understood.result {
            Ok(items) => match self.items(event, &entry, items).await {
                Ok(items) => EventEnd::Understood { items, outcome },
                Err(error) => self.not_understood(event, tries, Some(&version), error.into()).await,
            },
            Err(Failure::Permanent(reason)) => EventEnd::Failed { outcome: because(outcome, reason) },
            Err(Failure::Unauthorized(reason)) => self.unauthorized(event, because(outcome, reason)).await,
            Err(Failure::Retry { reason, after_ms }) => self.retry(tries, because(outcome, reason), after_ms),
        }
    }

    async fn find(&self, event: &NewEvent) -> Result<(Arc<AccountEntry>, Arc<PluginVersion>), NormalizeError> {
        let entry = self.directory.account(event.account).await?.ok_or(NormalizeError::NoAccount)?;
        if entry.account.status == AccountStatus::Unauthorized {
            let reason = entry.account.status_reason.clone().unwrap_or_else(|| "reconnect it".to_owned());
            return Err(NormalizeError::AccountUnauthorized(reason));
        }
        let version = self.directory.provider(Some(event.tenant), &event.provider).await?;
        let version = version.ok_or_else(|| NormalizeError::NoPlugin(event.provider.clone()))?;
        Ok((entry, version))
    }

    /// Calls the guest, performs what it wants, and calls it again, until it has an answer.
    async fn understand(
        &self,
        event: &NewEvent,
        entry: &Arc<AccountEntry>,
        version: &Arc<PluginVersion>,
    ) -> Result<Understood, NormalizeError> {
        let guest = self.plugins.guest(version.digest).await?;
        let (plugin, account) = (Arc::clone(version), Some(Arc::clone(entry)));
        let secrets = Arc::new(PluginSecrets::find(&self.directory, &event.provider, plugin, account).await?);
        let seed = u64::from_le_bytes(seed_of(event));
        let call = Call { secrets: Arc::clone(&secrets) as Arc<dyn GuestSecrets>, now: event.received_at, seed };
        let inbound = Arc::new(inbound(event, entry));
        let settings = Arc::new(entry.account.settings.clone());
        let behalf = Behalf { manifest: &version.manifest, credentials: &entry.credentials, secrets: &*secrets };
        let mut journal: Arc<Vec<Entry>> = Arc::default();
        loop {
            let (inbound, settings) = (Arc::clone(&inbound), Arc::clone(&settings));
            let called =
                self.plugins.sandbox().normalize(&guest, call.clone(), inbound, settings, Arc::clone(&journal)).await;
            let outcome = called.as_ref().err().map_or("ok", |failure| failure.blame.kind());
            self.metrics.guest_calls.get_or_create(&Ended { outcome }).inc();
            let called = called?;
            match called.value {
                Step::Done(result) => {
                    let effects = u32::try_from(journal.len()).unwrap_or(u32::MAX);
                    return Ok(Understood { result, log: called.log.lines, effects });
                }
                Step::Wants(effect) => {
                    let reply = effects::perform(&self.egress, &behalf, &effect).await?;
                    Arc::make_mut(&mut journal).push(Entry { fingerprint: effect.fingerprint(), reply });
                }
            }
        }
    }

    /// Cleans, keys and fans out what the guest said.
    async fn items(
        &self,
        event: &NewEvent,
        entry: &AccountEntry,
        said: Vec<Normalized>,
    ) -> Result<Vec<Item>, StoreError> {
        let targets = self.directory.targets(event.tenant).await?;
        let now = self.store.now();
        let items = said.into_iter().enumerate();
        Ok(items.map(|(index, said)| item(event, entry, &targets, now, index, said)).collect())
    }

    async fn not_understood(
        &self,
        event: &NewEvent,
        tries: u32,
        version: Option<&Arc<PluginVersion>>,
        error: NormalizeError,
    ) -> EventEnd {
        let outcome = Outcome { normalized_by: version.map(run_of), ..Outcome::default() };
        let reason = error.to_string();
        match error {
            NormalizeError::NoAccount | NormalizeError::NoPlugin(_) => {
                EventEnd::Failed { outcome: because(outcome, reason) }
            }
            NormalizeError::AccountUnauthorized(_) => self.waits(because(outcome, reason)),
            NormalizeError::NoCredential(_) => self.unauthorized(event, because(outcome, reason)).await,
            NormalizeError::Guest(failure) if !failure.blame.is_ours() => {
                tracing::warn!(event.id = %event.id, guest.blame = failure.blame.kind(), "a plugin failed on event {}: {reason}", event.id);
                let outcome = Outcome { log: failure.log.lines, ..outcome };
                EventEnd::Failed { outcome: because(outcome, reason) }
            }
            NormalizeError::Guest(_) | NormalizeError::Load(_) | NormalizeError::Store(_) => {
                tracing::error!(event.id = %event.id, "event {} could not be normalized now: {reason}", event.id);
                let outcome = because(outcome, "the host could not process it just now".to_owned());
                self.retry(tries, outcome, None)
            }
        }
    }

    fn retry(&self, tries: u32, outcome: Outcome, after_ms: Option<u64>) -> EventEnd {
        if tries >= limits::NORMALIZE_TRIES_MAX {
            let last = format!("{} (tried {tries} times)", outcome.reason.as_deref().unwrap_or("no answer"));
            return EventEnd::Failed { outcome: because(outcome, last) };
        }
        let asked = std::time::Duration::from_millis(after_ms.unwrap_or_default()).min(limits::RETRY_AFTER_MAX);
        let wait = normalize_backoff(tries).max(asked);
        EventEnd::Later { due_at: self.store.now().plus(wait), outcome }
    }

    /// The account is marked, a person is told, and the event waits.
    async fn unauthorized(&self, event: &NewEvent, outcome: Outcome) -> EventEnd {
        let reason = outcome.reason.clone().unwrap_or_default();
        match self.store.account_mark_unauthorized(event.tenant, event.account, &reason).await {
            Ok(first) => {
                if first {
                    tracing::warn!(account.id = %event.account, "account {} has to be reconnected: {reason}", event.account);
                }
                self.directory.forget();
            }
            Err(error) => {
                tracing::error!(account.id = %event.account, error = &error as &dyn std::error::Error, "could not mark account {} unauthorized", event.account);
            }
        }
        self.waits(outcome)
    }

    fn waits(&self, outcome: Outcome) -> EventEnd {
        EventEnd::Later { due_at: self.store.now().plus(limits::UNAUTHORIZED_RECHECK), outcome }
    }

    async fn settle(&self, event: &NewEvent, tries: u32, mut end: EventEnd) {
        let handed = match &mut end {
            EventEnd::Understood { items, .. } => {
                items.iter_mut().map(|item| self.claim_deliveries(event, item)).collect()
            }
            EventEnd::Later { .. } | EventEnd::Failed { .. } => Vec::new(),
        };
        let settlement = EventSettlement {
            tenant: event.tenant,
            event: event.id,
            account: event.account,
            provider: event.provider.clone(),
            received_at: event.received_at,
            tries,
            end,
        };
        match self.store.settle_event(settlement).await {
            Ok(Settled::Done { duplicates }) => {
                let news = handed.into_iter().zip(duplicates).filter(|(_, duplicate)| !duplicate);
                for (place, delivery) in news.flat_map(|(deliveries, _)| deliveries) {
                    place.send(delivery);
                }
                let took = self.store.now().since(event.received_at);
                self.metrics.normalize_seconds.observe(took.as_secs_f64());
            }
            Ok(Settled::Lost) => tracing::debug!(event.id = %event.id, "another worker settled event {}", event.id),
            Err(error) => {
                tracing::error!(event.id = %event.id, error = &error as &dyn std::error::Error, "could not settle event {}; it falls due again", event.id);
            }
        }
    }

    /// Keeps a place in the next stage for each delivery of an item; where there is not one for all of them, or the item
    /// is too heavy to wait in memory, they are left to be claimed.
    fn claim_deliveries(&self, event: &NewEvent, item: &mut Item) -> Vec<(Place<ClaimedDelivery>, ClaimedDelivery)> {
        let is_light = item.data.len() <= limits::HANDOFF_BYTES_MAX;
        let places: Option<Vec<_>> =
            is_light.then(|| item.deliveries.iter().map(|_| self.next.reserve()).collect()).flatten();
        let Some(places) = places else {
            item.claim = Claim::Due;
            return Vec::new();
        };
        places.into_iter().zip(item.deliveries.iter().map(|delivery| claimed(event, item, delivery))).collect()
    }
}

/// What subscribers get of a lead: the clean lead, with our own ids.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeadData<'a> {
    lead_id: LeadId,
    account_id: AccountId,
    #[serde(flatten)]
    lead: &'a CleanLead,
}

fn item(
    event: &NewEvent,
    entry: &AccountEntry,
    targets: &[Target],
    now: Instant,
    index: usize,
    said: Normalized,
) -> Item {
    let dedup = dedup::key(event, &said, index);
    let id = if index == 0 { event.id } else { ids::new_id(now) };
    let (deliveries, outcome_fanout) = fan_out(event.tenant, id, &said.event_type, &event.provider, targets, now);
    let country = entry.account.default_country.as_deref();
    let lead = said.lead.map(|lead| (ids::new_id(now), clean(lead, &event.provider, country, event.received_at)));
    let data = match &lead {
        Some((lead_id, lead)) => {
            let data = LeadData { lead_id: *lead_id, account_id: event.account, lead };
            serde_json::to_string(&data).unwrap_or(said.data)
        }
        None => said.data,
    };
    let claim = Claim::BornClaimed;
    Item { id, event_type: said.event_type, data, dedup, lead, deliveries, claim, outcome_fanout }
}

/// A delivery as the next stage takes it, should its item turn out to be new.
fn claimed(event: &NewEvent, item: &Item, delivery: &NewDelivery) -> ClaimedDelivery {
    ClaimedDelivery {
        delivery: delivery.clone(),
        tries: 1,
        attempts: 0,
        event_type: item.event_type.clone(),
        provider: event.provider.clone(),
        received_at: event.received_at,
        data: item.data.clone(),
    }
}

fn inbound(event: &NewEvent, entry: &AccountEntry) -> Inbound {
    Inbound {
        event_type: event.event_type.clone(),
        account_key: Some(entry.account.account_key.clone()),
        event_id: event.provider_event_id.clone(),
        occurred_at: event.occurred_at,
        payload: event.payload.clone(),
    }
}

/// The guest's randomness follows from the event's id, so that a replay sees the same.
fn seed_of(event: &NewEvent) -> [u8; 8] {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(event.id.text().as_bytes());
    let mut seed = [0; 8];
    seed.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
    seed
}

fn because(outcome: Outcome, reason: String) -> Outcome {
    Outcome { reason: Some(reason), ..outcome }
}
