//! Events: logged, claimed, settled and read back.
//!
//! `RECEIVED` and "has a `due_at`" are the same thing: the row is the queue's entry. The two commits of an event's
//! life are [`Store::log_events`] and [`Store::settle_event`]; both go through the [committer](crate::committer).

mod claim;
mod read;

use hookyard_model::dedup::DedupKey;
use hookyard_model::delivery::NewDelivery;
use hookyard_model::event::{EventStatus, FanoutNote, FlowNote, NewEvent, Outcome, PluginRun};
use hookyard_model::id::{AccountId, EventId, LeadId, RunId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::lead::CleanLead;
use hookyard_model::run::NewRun;

use crate::{FinishedRun, NewPush, Store, StoreError};

/// An event to be logged, and whose work it is.
#[derive(Debug, Clone)]
pub struct LoggedEvent {
    /// The event.
    pub event: NewEvent,
    /// Who takes it on.
    pub claim: Claim,
}

/// Who takes on an event, a delivery or a run that is born.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// This node, at once: the row is born claimed (`tries` is 1), and falls due after `limits::LEASE`.
    BornClaimed,
    /// Whoever claims it: the row is due now.
    Due,
}

/// How a claimed event ends, or goes on.
#[derive(Debug, Clone)]
pub struct EventSettlement {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one.
    pub event: EventId,
    /// Its account, where it has one.
    pub account: Option<AccountId>,
    /// Its provider, where it has one.
    pub provider: Option<String>,
    /// When it was logged.
    pub received_at: Instant,
    /// The claim's number.
    pub tries: u32,
    /// What became of it.
    pub end: EventEnd,
    /// Runs of stage `before`, in the order in which they ran: committed with it. What they changed of a lead is in
    /// the items already. One that ran for an item which turns out to be a duplicate leaves nothing behind.
    pub before: Vec<FinishedRun>,
}

/// What became of a claimed event.
#[derive(Debug, Clone)]
pub enum EventEnd {
    /// It was understood. No items: there was nothing to hand on. The first is the event's own; each further one
    /// becomes an event of its own, caused by it.
    Understood {
        /// What it says.
        items: Vec<Item>,
        /// What stands beside it, and beside each item, where the item does not say otherwise.
        outcome: Outcome,
    },
    /// Not now: it stays `RECEIVED` and is due at this moment.
    Later {
        /// When.
        due_at: Instant,
        /// Why.
        outcome: Outcome,
    },
    /// Not ever, unless somebody asks for it.
    Failed {
        /// Why.
        outcome: Outcome,
    },
}

/// One thing that an event says.
#[derive(Debug, Clone)]
pub struct Item {
    /// The event's own id for the first; a new one for each further.
    pub id: EventId,
    /// What subscriptions match.
    pub event_type: String,
    /// JSON for receivers.
    pub data: String,
    /// What makes it a duplicate of another.
    pub dedup: DedupKey,
    /// The lead in it.
    pub lead: Option<(LeadId, CleanLead)>,
    /// Deliveries; not made where the item is a duplicate.
    pub deliveries: Vec<NewDelivery>,
    /// Who takes them on.
    pub claim: Claim,
    /// Every subscription that was looked at.
    pub outcome_fanout: Vec<FanoutNote>,
    /// Runs that it starts; not begun where the item is a duplicate, and so with all below.
    pub runs: Vec<NewRun>,
    /// Who takes the runs on.
    pub run_claim: Claim,
    /// Runs that it would have started, had its tenant not had its share: stored as `LIMITED`.
    pub limited: Vec<NewRun>,
    /// Pushes of its lead, due at once.
    pub pushes: Vec<NewPush>,
    /// Every flow that was looked at.
    pub flows: Vec<FlowNote>,
    /// Why a flow dropped it.
    pub dropped: Option<String>,
}

/// What settling an event did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is committed.
    Done {
        /// For each item, whether another had its key; a duplicate has neither lead nor deliveries.
        duplicates: Vec<bool>,
    },
    /// The claim is no longer this one: nothing was written.
    Lost,
    /// A run of stage `before` read these keys of its flow's state, and others changed them since: nothing was written.
    Stale(Vec<String>),
    /// A flow's state would have more keys than `limits::STATE_KEYS_PER_FLOW_MAX`: nothing was written.
    Full,
}

/// An event as it stands, without its bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider type; none for an application's event and a flow's.
    pub provider: Option<String>,
    /// The account that it came through; none for an application's event and a flow's.
    pub account: Option<AccountId>,
    /// The provider's word, or the plugin's once it is understood.
    pub event_type: String,
    /// The provider's own id of it.
    pub provider_event_id: Option<String>,
    /// When it happened.
    pub occurred_at: Option<Instant>,
    /// When it was logged.
    pub received_at: Instant,
    /// Who received or emitted it.
    pub received_by: Option<PluginRun>,
    /// The event that it came of: the one that it was found in, or that started the run which emitted it.
    pub caused_by: Option<EventId>,
    /// The run that emitted it.
    pub run: Option<RunId>,
    /// The lead of the event that it came of.
    pub inherited_lead: Option<LeadId>,
    /// How many events there are before it in its chain.
    pub depth: u32,
    /// How far it has come.
    pub status: EventStatus,
    /// When it is looked at next; none where it has ended.
    pub due_at: Option<Instant>,
    /// How often it was claimed.
    pub tries: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// An event's bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBodies {
    /// The provider's own JSON.
    pub payload: String,
    /// JSON for receivers, once it is understood.
    pub data: Option<String>,
}

/// Which events; what is `None` is not looked at.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// Through this account.
    pub account: Option<AccountId>,
    /// This far.
    pub status: Option<EventStatus>,
    /// Logged at or after.
    pub since: Option<Instant>,
    /// Logged before.
    pub until: Option<Instant>,
}

/// What asking for an event to be processed again did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reprocess {
    /// It is due now.
    Queued,
    /// Only failed events are processed again; this one is something else.
    NotFailed(EventStatus),
    /// There is none.
    NotFound,
}

impl Store {
    /// Commit 1: logs all events of one request, or none of them. Returns when they are durable. Logging the same
    /// ids again is no error and changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; on [`StoreError::Unavailable`] the events may or may not be logged.
    #[tracing::instrument(name = "store.log_events", level = "debug", skip_all)]
    pub async fn log_events(&self, events: Vec<LoggedEvent>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.committer().log(events).await
    }

    /// Commit 2: ends a claim, with everything that follows from it.
    ///
    /// # Errors
    /// See [`StoreError`].
    #[tracing::instrument(name = "store.settle_event", level = "debug", skip_all)]
    pub async fn settle_event(&self, settlement: EventSettlement) -> Result<Settled, StoreError> {
        self.committer().settle_event(settlement).await
    }
}
