//! Normalize: from an event to what it means, and to whom it goes: commit 2.
//!
//! The version that the account's tenant runs says what the event means. Where it wants to fetch something it is
//! stopped, the effect is performed here, and it is called again with the reply in the journal; the journal lives as
//! long as this step, because until commit 2 nothing has happened that could not happen again. What it says is then
//! cleaned, given its [dedup] key, shown to the tenant's flows of stage `before` and [fanned out](super::fanout), to
//! subscriptions and to flows of stage `after`; and all of it is settled in one commit. An event that is no provider's
//! means what it says.
//!
//! Each tenant has a share of the slots: a peer that hangs, or a flow that has used up its CPU, holds up its own tenant's
//! events and nobody else's.
//!
//! A guest that traps would trap again on the same event, so the event has failed until somebody changes the plugin
//! and asks for it again; what is the host's own fault is tried again. A provider that refuses the credential marks
//! the account, and its events wait for a person.

use std::sync::Arc;
use std::time::Duration;

use hookyard_egress::Egress;
use hookyard_model::account::AccountStatus;
use hookyard_model::clean::clean;
use hookyard_model::dedup::DedupKey;
use hookyard_model::delivery::{ClaimedDelivery, NewDelivery};
use hookyard_model::effect::Entry;
use hookyard_model::event::{ClaimedEvent, FlowNote, NewEvent, Outcome};
use hookyard_model::flow::{FlowStage, OnFailure};
use hookyard_model::id::{AccountId, EventId, LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;
use hookyard_model::limits;
use hookyard_model::plugin::PluginVersion;
use hookyard_model::provider::{Failure, Inbound, Normalized};
use hookyard_model::retry::normalize_backoff;
use hookyard_model::run::{Action, ClaimedRun, RunOutcome, SeenEvent, change_lead, journal_bytes};
use hookyard_sandbox::{Call, CallFailure, GuestSecrets, LoadError, Step};
use hookyard_store::{Claim, EventEnd, EventSettlement, FinishedRun, Item, Settled, Store, StoreError};
use serde::Serialize;

use super::dedup;
use super::event_log::run_of;
use super::fanout::fan_out;
use super::secrets::PluginSecrets;
use crate::directory::{AccountEntry, Directory, FlowEntry, Target};
use crate::effects::{self, Behalf, NoCredential};
use crate::flows::inline::{Inline, failure_of};
use crate::flows::quota::Quota;
use crate::flows::start::{self, Subject};
use crate::ids;
use crate::plugins::Plugins;
use crate::shares::{Entered, Shares};
use crate::telemetry::{Ended, Metrics, ProviderEnded};
use crate::worker::{Handoff, Place, Stage};

/// How often an event is worked on again at once, because others changed what its flows of stage `before` had read.
const STALE_MAX: u32 = 20;
/// Between two of these, times their number.
const STALE_WAIT: Duration = Duration::from_millis(5);

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
    /// Runs flows of stage `before`.
    pub inline: Inline,
    /// How many runs a tenant has left today.
    pub quota: Quota,
    /// Which tenant uses how much.
    pub shares: Shares<TenantId, ClaimedEvent>,
    /// Its own way in, for what had to wait for its tenant's share.
    pub again: Handoff<ClaimedEvent>,
    /// The next stage, for subscriptions.
    pub deliveries: Handoff<ClaimedDelivery>,
    /// The next stage, for flows.
    pub runs: Handoff<ClaimedRun>,
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
    #[error("the plugin fetched more than {} MiB for one event", limits::JOURNAL_BYTES_MAX / (1024 * 1024))]
    TooMuch,
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
        self.store.event_claim(limit, &self.shares.used_up()).await
    }

    async fn step(&self, row: ClaimedEvent) {
        // What finds no room to wait in falls due when its lease is over.
        let Entered::Now(share, row) = self.shares.enter(row.event.tenant, row) else { return };
        self.work_on(row).await;
        drop(share.leave_to(&self.again));
    }
}

/// What came of working on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// It is settled, or somebody else's.
    Settled,
    /// A flow read what others changed meanwhile: nothing was written.
    Stale,
}

impl Normalize {
    async fn work_on(&self, row: ClaimedEvent) {
        let event = Arc::new(row.event);
        for round in 0..STALE_MAX {
            if self.try_once(&event, row.tries).await == Tried::Settled {
                return;
            }
            // Others who were in the way were so at the same moment: not all of them come back at the same moment.
            tokio::time::sleep(STALE_WAIT.saturating_mul(round).mul_f64(ids::chance())).await;
        }
        let why = "others change all the time what a flow of stage `before` reads".to_owned();
        let end = self.retry(row.tries, because(Outcome::default(), why), None);
        self.settle(&event, row.tries, end, Vec::new()).await;
    }

    async fn try_once(&self, event: &Arc<NewEvent>, tries: u32) -> Tried {
        let (end, before) = self.end(event, tries).await;
        let outcome = match &end {
            EventEnd::Understood { .. } => "understood",
            EventEnd::Later { .. } => "later",
            EventEnd::Failed { .. } => "failed",
        };
        self.metrics
            .events
            .get_or_create(&ProviderEnded { provider: event.provider.clone().unwrap_or_default(), outcome })
            .inc();
        self.settle(event, tries, end, before).await
    }

    /// What becomes of an event, and the runs of stage `before` that are committed with it.
    async fn end(&self, event: &Arc<NewEvent>, tries: u32) -> (EventEnd, Vec<FinishedRun>) {
        let Some(provider) = event.provider.clone() else { return self.as_it_is(event, tries).await };
        let alone = |end| (end, Vec::new());
        let (entry, version) = match self.find(event, &provider).await {
            Ok(found) => found,
            Err(error) => return alone(self.not_understood(event, tries, None, error).await),
        };
        let understood = match self.understand(event, &provider, &entry, &version).await {
            Ok(understood) => understood,
            Err(error) => return alone(self.not_understood(event, tries, Some(&version), error).await),
        };
        let outcome = Outcome {
            normalized_by: Some(run_of(&version)),
            log: understood.log,
            effects: understood.effects,
            ..Outcome::default()
        };
        match understood.result {
            Ok(said) => match self.items(event, Some(&entry), said).await {
                Ok((items, before)) => (EventEnd::Understood { items, outcome }, before),
                Err(ItemsError::Held(reason)) => alone(self.retry(tries, because(outcome, reason), None)),
                Err(ItemsError::Store(error)) => {
                    alone(self.not_understood(event, tries, Some(&version), error.into()).await)
                }
            },
            Err(Failure::Permanent(reason)) => alone(EventEnd::Failed { outcome: because(outcome, reason) }),
            Err(Failure::Unauthorized(reason)) => alone(self.unauthorized(event, because(outcome, reason)).await),
            Err(Failure::Retry { reason, after_ms }) => alone(self.retry(tries, because(outcome, reason), after_ms)),
        }
    }

    /// An application's event, a flow's or the host's own: it means what it says.
    async fn as_it_is(&self, event: &Arc<NewEvent>, tries: u32) -> (EventEnd, Vec<FinishedRun>) {
        let said = Normalized { event_type: event.event_type.clone(), lead: None, data: event.payload.clone() };
        let outcome = Outcome::default();
        match self.items(event, None, vec![said]).await {
            Ok((items, before)) => (EventEnd::Understood { items, outcome }, before),
            Err(ItemsError::Held(reason)) => (self.retry(tries, because(outcome, reason), None), Vec::new()),
            Err(ItemsError::Store(error)) => (self.not_understood(event, tries, None, error.into()).await, Vec::new()),
        }
    }

    async fn find(
        &self,
        event: &NewEvent,
        provider: &str,
    ) -> Result<(Arc<AccountEntry>, Arc<PluginVersion>), NormalizeError> {
        let account = event.account.ok_or(NormalizeError::NoAccount)?;
        let entry = self.directory.account(account).await?.ok_or(NormalizeError::NoAccount)?;
        if entry.account.status == AccountStatus::Unauthorized {
            let reason = entry.account.status_reason.clone().unwrap_or_else(|| "reconnect it".to_owned());
            return Err(NormalizeError::AccountUnauthorized(reason));
        }
        let version = self.directory.provider(Some(event.tenant), provider).await?;
        let version = version.ok_or_else(|| NormalizeError::NoPlugin(provider.to_owned()))?;
        Ok((entry, version))
    }

    /// Calls the guest, performs what it wants, and calls it again, until it has an answer.
    async fn understand(
        &self,
        event: &NewEvent,
        provider: &str,
        entry: &Arc<AccountEntry>,
        version: &Arc<PluginVersion>,
    ) -> Result<Understood, NormalizeError> {
        let guest = self.plugins.guest(version.digest).await?;
        let (plugin, account) = (Arc::clone(version), Some(Arc::clone(entry)));
        let secrets = Arc::new(PluginSecrets::find(&self.directory, provider, plugin, account).await?);
        // The guest's randomness follows from the event's id, so that a replay sees the same.
        let seed = event.id.seed();
        let call = Call { secrets: Arc::clone(&secrets) as Arc<dyn GuestSecrets>, now: event.received_at, seed };
        let inbound = Arc::new(inbound(event, entry));
        let settings = Arc::new(entry.account.settings.clone());
        let behalf = Behalf {
            manifest: &version.manifest,
            hosts: None,
            credentials: &entry.credentials,
            secrets: &*secrets,
            idempotency_key: None,
        };
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
                    Arc::make_mut(&mut journal).push(Entry::new(&effect, reply, event.received_at));
                    if journal_bytes(&journal) > limits::JOURNAL_BYTES_MAX {
                        return Err(NormalizeError::TooMuch);
                    }
                }
            }
        }
    }

    /// Cleans, keys and fans out what was said, with the flows of stage `before` in between.
    async fn items(
        &self,
        event: &NewEvent,
        entry: Option<&AccountEntry>,
        said: Vec<Normalized>,
    ) -> Result<(Vec<Item>, Vec<FinishedRun>), ItemsError> {
        let targets = self.directory.targets(event.tenant).await?;
        let flows = self.directory.flows(event.tenant).await?;
        let now = self.store.now();
        let (mut items, mut before) = (Vec::with_capacity(said.len()), Vec::new());
        for (index, said) in said.into_iter().enumerate() {
            let mut draft = Draft::new(event, entry, now, index, said);
            if !flows.is_empty() {
                self.before(event, &flows, &mut draft, &mut before).await?;
            }
            let mut item = draft.item(event, &targets, now);
            if !flows.is_empty() && item.dropped.is_none() {
                self.start(event, &flows, &draft, &mut item).await?;
            }
            items.push(item);
        }
        Ok((items, before))
    }

    /// Runs the flows of stage `before`, one after the other. What they do is for nothing where the item turns out to be
    /// a duplicate, so that is looked up first.
    async fn before(
        &self,
        event: &NewEvent,
        flows: &[Arc<FlowEntry>],
        draft: &mut Draft,
        before: &mut Vec<FinishedRun>,
    ) -> Result<(), ItemsError> {
        let wanted: Vec<_> = flows.iter().filter(|entry| entry.flow.stage == FlowStage::Before).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let owner = self.store.event_owner(event.tenant, event.account, draft.dedup).await?;
        if owner.is_some_and(|owner| owner != draft.id) {
            return Ok(());
        }
        for entry in wanted {
            if draft.dropped.is_some() {
                draft.flows.push(start::note(entry, None, "an earlier flow dropped the event".to_owned()));
                continue;
            }
            let subject = self.subject(event, draft).await?;
            let run = match start::start(entry, &subject, event.tenant, self.store.now()) {
                Ok((run, _)) => run,
                Err(why) => {
                    draft.flows.push(start::note(entry, None, why));
                    continue;
                }
            };
            if self.quota.take(event.tenant, 1, self.store.now()).await? == 0 {
                match entry.flow.on_failure {
                    OnFailure::Skip => draft.flows.push(start::note(entry, None, self.quota.says())),
                    OnFailure::Hold => return Err(ItemsError::Held(held(entry, &self.quota.says()))),
                }
                continue;
            }
            let finished = self.inline.run(entry, run).await?;
            let why = match (&finished.outcome.decision, entry.flow.on_failure) {
                (Some(decision), _) => {
                    draft.apply(&decision.actions);
                    "it ran before the event went on".to_owned()
                }
                (None, OnFailure::Hold) => return Err(ItemsError::Held(held(entry, failure_of(&finished)))),
                (None, OnFailure::Skip) => {
                    format!("it failed, and the event went on without it: {}", failure_of(&finished))
                }
            };
            draft.flows.push(start::note(entry, Some(finished.run.id), why));
            before.push(finished);
        }
        Ok(())
    }

    /// The runs of stage `after` that an item starts.
    async fn start(
        &self,
        event: &NewEvent,
        flows: &[Arc<FlowEntry>],
        draft: &Draft,
        item: &mut Item,
    ) -> Result<(), StoreError> {
        if flows.iter().all(|entry| entry.flow.stage != FlowStage::After) {
            return Ok(());
        }
        let subject = self.subject(event, draft).await?;
        let now = self.store.now();
        let (mut runs, notes) = start::after(flows, &subject, event.tenant, now);
        let granted = if runs.is_empty() { 0 } else { self.quota.take(event.tenant, runs.len(), now).await? };
        item.limited = runs.split_off(granted.min(runs.len()));
        item.runs = runs;
        item.flows.extend(notes);
        Ok(())
    }

    /// An item as flows see it. An event without a lead of its own has that of the event that it came of.
    async fn subject(&self, event: &NewEvent, draft: &Draft) -> Result<Subject, StoreError> {
        let inherited = event.cause.as_ref().and_then(|cause| cause.lead);
        let (lead_id, lead) = match (&draft.lead, inherited) {
            (Some((id, lead)), _) => (Some(*id), Some(lead.clone())),
            (None, Some(id)) => (Some(id), self.store.lead_get(event.tenant, id).await?.map(|row| row.lead)),
            (None, None) => (None, None),
        };
        Ok(Subject {
            event: SeenEvent {
                id: draft.id,
                event_type: draft.event_type.clone(),
                provider: event.provider.clone(),
                account: event.account,
                occurred_at: event.occurred_at.unwrap_or(event.received_at),
                lead: lead_id,
                data: draft.data(event.account),
            },
            lead,
            depth: event.cause.as_ref().map_or(0, |cause| cause.depth),
            default_country: draft.country.clone(),
        })
    }

    async fn not_understood(
        &self,
        event: &NewEvent,
        tries: u32,
        version: Option<&Arc<PluginVersion>>,
        error: NormalizeError,
    ) -> EventEnd {
        let outcome = Outcome { normalized_by: version.map(|version| run_of(version)), ..Outcome::default() };
        let reason = error.to_string();
        match error {
            NormalizeError::NoAccount | NormalizeError::NoPlugin(_) | NormalizeError::TooMuch => {
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
        let Some(account) = event.account else { return self.waits(outcome) };
        match self.store.account_mark_unauthorized(event.tenant, account, &reason).await {
            Ok(first) => {
                if first {
                    tracing::warn!(account.id = %account, "account {account} has to be reconnected: {reason}");
                }
                self.directory.forget();
            }
            Err(error) => {
                tracing::error!(account.id = %account, error = &error as &dyn std::error::Error, "could not mark account {account} unauthorized");
            }
        }
        self.waits(outcome)
    }

    fn waits(&self, outcome: Outcome) -> EventEnd {
        EventEnd::Later { due_at: self.store.now().plus(limits::UNAUTHORIZED_RECHECK), outcome }
    }

    async fn settle(&self, event: &NewEvent, tries: u32, mut end: EventEnd, before: Vec<FinishedRun>) -> Tried {
        let handed = match &mut end {
            EventEnd::Understood { items, .. } => items.iter_mut().map(|item| self.claim_next(event, item)).collect(),
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
            before,
        };
        match self.store.settle_event(settlement).await {
            Ok(Settled::Done { duplicates }) => {
                let news = handed.into_iter().zip(duplicates).filter(|(_, duplicate)| !duplicate);
                news.for_each(|(handed, _)| handed.send());
                let took = self.store.now().since(event.received_at);
                self.metrics.normalize_seconds.observe(took.as_secs_f64());
            }
            Ok(Settled::Lost) => tracing::debug!(event.id = %event.id, "another worker settled event {}", event.id),
            Ok(Settled::Stale(_)) => return Tried::Stale,
            Ok(Settled::Full) => {
                let most = limits::STATE_KEYS_PER_FLOW_MAX;
                let why = format!("a flow of stage `before` has {most} keys in its state, and no room for more");
                let end = self.retry(tries, because(Outcome::default(), why), None);
                // Without runs there is no state to be full.
                Box::pin(self.settle(event, tries, end, Vec::new())).await;
            }
            Err(error) => {
                tracing::error!(event.id = %event.id, error = &error as &dyn std::error::Error, "could not settle event {}; it falls due again", event.id);
            }
        }
        Tried::Settled
    }

    /// Keeps a place in the next stages for each delivery and run of an item; where there is not one for all of them, or
    /// the item is too heavy to wait in memory, they are left to be claimed.
    fn claim_next(&self, event: &NewEvent, item: &mut Item) -> Handed {
        let mut handed = Handed::default();
        let is_light = item.data.len() <= limits::HANDOFF_BYTES_MAX;
        let places: Option<Vec<_>> =
            is_light.then(|| item.deliveries.iter().map(|_| self.deliveries.reserve()).collect()).flatten();
        match places {
            Some(places) => {
                let deliveries = item.deliveries.iter().map(|delivery| claimed(event, item, delivery));
                handed.deliveries = places.into_iter().zip(deliveries).collect();
            }
            None => item.claim = Claim::Due,
        }
        let places: Option<Vec<_>> =
            is_light.then(|| item.runs.iter().map(|_| self.runs.reserve()).collect()).flatten();
        match places {
            Some(places) => {
                let runs = item.runs.iter().map(|run| ClaimedRun {
                    run: run.clone(),
                    tries: 1,
                    failures: 0,
                    journal: Vec::new(),
                    outcome: RunOutcome::default(),
                });
                handed.runs = places.into_iter().zip(runs).collect();
            }
            None => item.run_claim = Claim::Due,
        }
        handed
    }
}

/// What an item hands on through memory, should it turn out to be new.
#[derive(Default)]
struct Handed {
    deliveries: Vec<(Place<ClaimedDelivery>, ClaimedDelivery)>,
    runs: Vec<(Place<ClaimedRun>, ClaimedRun)>,
}

impl Handed {
    fn send(self) {
        self.deliveries.into_iter().for_each(|(place, delivery)| place.send(delivery));
        self.runs.into_iter().for_each(|(place, run)| place.send(run));
    }
}

/// Why an event goes no further this time.
enum ItemsError {
    /// A flow of stage `before` failed on it, and says that it waits then.
    Held(String),
    Store(StoreError),
}

impl From<StoreError> for ItemsError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What subscribers get of a lead: the clean lead, with our own ids.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeadData<'a> {
    lead_id: LeadId,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    #[serde(flatten)]
    lead: &'a CleanLead,
}

/// An item in the making: what was said, cleaned, and what flows of stage `before` make of it.
struct Draft {
    id: EventId,
    event_type: String,
    dedup: DedupKey,
    lead: Option<(LeadId, CleanLead)>,
    /// As it was said; of an item with a lead, the lead is the data.
    said: String,
    country: Option<String>,
    flows: Vec<FlowNote>,
    dropped: Option<String>,
}

impl Draft {
    fn new(event: &NewEvent, entry: Option<&AccountEntry>, now: Instant, index: usize, said: Normalized) -> Self {
        let dedup = dedup::key(event, &said, index);
        let country = entry.and_then(|entry| entry.account.default_country.clone());
        let provider = event.provider.as_deref().unwrap_or_default();
        let clean = |lead| clean(lead, provider, country.as_deref(), event.received_at);
        let lead = said.lead.map(|lead| (ids::new_id(now), clean(lead)));
        let id = if index == 0 { event.id } else { ids::new_id(now) };
        let event_type = said.event_type;
        Self { id, event_type, dedup, lead, said: said.data, country, flows: Vec::new(), dropped: None }
    }

    /// Does to the item what a flow of stage `before` decided; the rest of its actions are rows.
    fn apply(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::UpdateLead(changes) => {
                    if let Some((_, lead)) = &mut self.lead {
                        change_lead(lead, changes, self.country.as_deref());
                    }
                }
                Action::Drop(reason) => self.dropped = Some(reason.clone()),
                Action::Emit { .. } | Action::PushLead { .. } => {}
            }
        }
    }

    /// JSON for receivers.
    fn data(&self, account: Option<AccountId>) -> String {
        match &self.lead {
            Some((lead_id, lead)) => {
                let data = LeadData { lead_id: *lead_id, account_id: account, lead };
                serde_json::to_string(&data).unwrap_or_else(|_| self.said.clone())
            }
            None => self.said.clone(),
        }
    }

    fn item(&self, event: &NewEvent, targets: &[Target], now: Instant) -> Item {
        let (deliveries, outcome_fanout) = match &self.dropped {
            None => fan_out(event.tenant, self.id, &self.event_type, event.provider.as_deref(), targets, now),
            Some(_) => (Vec::new(), Vec::new()),
        };
        Item {
            id: self.id,
            event_type: self.event_type.clone(),
            data: self.data(event.account),
            dedup: self.dedup,
            lead: self.lead.clone(),
            deliveries,
            claim: Claim::BornClaimed,
            outcome_fanout,
            runs: Vec::new(),
            run_claim: Claim::BornClaimed,
            limited: Vec::new(),
            pushes: Vec::new(),
            flows: self.flows.clone(),
            dropped: self.dropped.clone(),
        }
    }
}

fn held(entry: &FlowEntry, why: &str) -> String {
    format!("the flow `{}` ({}) holds it: {why}", entry.flow.name, entry.flow.id)
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

fn because(outcome: Outcome, reason: String) -> Outcome {
    Outcome { reason: Some(reason), ..outcome }
}
