//! Flows to start, runs to settle, and what they bring about.

use hookyard_model::effect::{Effect, Entry, Remembered, Reply};
use hookyard_model::event::{Cause, ClaimedEvent, NewEvent};
use hookyard_model::flow::{FlowStage, OnFailure};
use hookyard_model::id::{AccountId, DestinationId, FlowId, LeadId, TenantId};
use hookyard_model::instant::Instant;
use hookyard_model::plugin::Digest;
use hookyard_model::run::{Input, NewRun, RunOutcome, RunStatus, SeenEvent, Trigger, Write};
use hookyard_store::{
    Claim, FinishedRun, LoggedEvent, NewFlow, NewPush, RunEffects, RunNext, RunSettlement, Settled, Store,
};

use super::{Fixture, START_MS, run, understood};

/// A flow, and an event that is claimed and may start it.
pub(crate) struct Prepared {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) flow: FlowId,
    pub(crate) claimed: ClaimedEvent,
}

pub(crate) async fn prepared(f: &Fixture) -> Prepared {
    let (tenant, account) = (f.tenant().await, f.id());
    let flow = f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id;
    Prepared { tenant, account, flow, claimed: f.logged(tenant, account).await }
}

/// A run that was born claimed, and the lead of the event that started it.
pub(crate) struct Started {
    pub(crate) tenant: TenantId,
    pub(crate) flow: FlowId,
    pub(crate) run: NewRun,
    pub(crate) lead: LeadId,
}

pub(crate) async fn started(f: &Fixture) -> Started {
    let Prepared { tenant, flow, claimed, .. } = prepared(f).await;
    let run = run_of(&claimed, flow, "");
    let mut item = f.item(&claimed, claimed.event.id, &claimed.event.id.text(), &[]);
    let lead = item.lead.as_ref().unwrap().0;
    item.runs = vec![run.clone()];
    let settled = f.store.settle_event(understood(&claimed, vec![item])).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] });
    Started { tenant, flow, run, lead }
}

impl Fixture {
    /// One more run of a flow, of an event of its own.
    pub(crate) async fn running(&self, tenant: TenantId, flow: FlowId) -> NewRun {
        let claimed = self.logged(tenant, self.id()).await;
        let run = run_of(&claimed, flow, "");
        let mut item = self.item(&claimed, claimed.event.id, &claimed.event.id.text(), &[]);
        item.runs = vec![run.clone()];
        self.store.settle_event(understood(&claimed, vec![item])).await.unwrap();
        run
    }

    /// As [`running`](Self::running), had the tenant not had its share.
    pub(crate) async fn limited(&self, tenant: TenantId, flow: FlowId) -> NewRun {
        let claimed = self.logged(tenant, self.id()).await;
        let run = run_of(&claimed, flow, "");
        let mut item = self.item(&claimed, claimed.event.id, &claimed.event.id.text(), &[]);
        item.limited = vec![run.clone()];
        self.store.settle_event(understood(&claimed, vec![item])).await.unwrap();
        run
    }

    pub(crate) fn push(&self, tenant: TenantId, destination: DestinationId, lead: LeadId) -> NewPush {
        NewPush { id: self.id(), tenant, destination, lead, event: None, run: None }
    }

    /// The same database through another node, where it can have two.
    pub(crate) async fn another_node(&self) -> Option<Store> {
        if self.is_sqlite() { None } else { Some(self.another().await) }
    }

    pub(crate) fn clock_start(&self) -> Instant {
        Instant::from_millis(START_MS)
    }
}

pub(crate) fn new_flow(tenant: TenantId, stage: FlowStage) -> NewFlow {
    NewFlow {
        tenant,
        name: "Router".into(),
        plugin: "lead_router".into(),
        stage,
        triggers: None,
        providers: vec!["meta_lead_ads".into()],
        filter: None,
        settings: "{}".into(),
        hosts: None,
        on_failure: OnFailure::Skip,
        credentials: vec![],
    }
}

/// The run that an event starts; `role` tells those of one flow apart.
pub(crate) fn run_of(claimed: &ClaimedEvent, flow: FlowId, role: &str) -> NewRun {
    let event = &claimed.event;
    let seen = SeenEvent {
        id: event.id,
        event_type: event.event_type.clone(),
        provider: event.provider.clone(),
        account: event.account,
        occurred_at: event.received_at,
        lead: None,
        data: event.payload.clone(),
    };
    NewRun {
        id: NewRun::id_of(event.id, flow, role),
        tenant: event.tenant,
        flow,
        event: event.id,
        stage: FlowStage::After,
        by: run(),
        digest: Digest::of(b"component"),
        input: Input {
            trigger: Trigger { event: seen, lead: None },
            settings: "{}".into(),
            started_at: event.received_at,
            depth: 0,
            default_country: None,
        },
    }
}

/// A settlement that fails the run and adds nothing; a base for others.
pub(crate) fn settlement(run: &NewRun, tries: u32) -> RunSettlement {
    RunSettlement {
        tenant: run.tenant,
        run: run.id,
        flow: run.flow,
        tries,
        failures: 0,
        keep: 0,
        append: vec![],
        next: RunNext::Failed,
        outcome: RunOutcome::default(),
    }
}

pub(crate) fn succeeded(run: &NewRun, tries: u32, effects: RunEffects) -> RunSettlement {
    RunSettlement { next: RunNext::Succeeded(Box::new(effects)), ..settlement(run, tries) }
}

pub(crate) fn finished(run: NewRun, effects: RunEffects) -> FinishedRun {
    let outcome = RunOutcome { calls: 1, ..RunOutcome::default() };
    let journal = vec![slept(run.input.started_at, 1)];
    FinishedRun { run, status: RunStatus::Succeeded, journal, outcome, effects }
}

/// An event that a run emits.
pub(crate) fn emitted(f: &Fixture, by: &NewRun, claim: Claim) -> LoggedEvent {
    let event = NewEvent {
        id: f.id(),
        tenant: by.tenant,
        provider: None,
        account: None,
        event_type: "deal.won".into(),
        provider_event_id: None,
        occurred_at: None,
        received_at: f.store.now(),
        payload: "{}".into(),
        received_by: Some(run()),
        cause: Some(Cause { event: by.event, run: Some(by.id), lead: Some(f.id()), depth: 1 }),
    };
    LoggedEvent { event, claim }
}

pub(crate) fn write(key: &str, value: &str) -> Write {
    Write { key: key.into(), value: Some(value.as_bytes().to_vec()) }
}

pub(crate) fn slept(at: Instant, milliseconds: u64) -> Entry {
    Entry::new(&Effect::Sleep { milliseconds }, Reply::Slept, at)
}

pub(crate) fn read_entry(key: &str, found: Option<Remembered>, at: Instant) -> Entry {
    Entry::new(&Effect::StateGet { key: key.into() }, Reply::State(found), at)
}
