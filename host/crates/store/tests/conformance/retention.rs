//! Retention: what goes with an event, and what outlives it.

use std::time::Duration;

use hookyard_model::destination::Receipt;
use hookyard_model::instant::Instant;
use hookyard_model::run::RunStatus;
use hookyard_store::{
    EventFilter, NewPush, PageRequest, PushAttempt, PushFilter, PushNext, PushSettlement, RunEffects, RunFilter,
    RunNext, RunSettlement,
};

use crate::support::Fixture;
use crate::support::flows::{Prepared, Started, emitted, prepared, run_of, settlement, slept, started, succeeded};

const HOUR: Duration = Duration::from_secs(3600);
const ALL: u32 = 250;

async fn purge(f: &Fixture, older_than: Instant) -> u64 {
    let mut all = 0;
    loop {
        match f.store.purge(older_than, 2).await.unwrap() {
            0 => return all,
            some => all += some,
        }
    }
}

async fn pushed(f: &Fixture, push: &NewPush, next: PushNext) {
    f.store.push_create(vec![push.clone()]).await.unwrap();
    let tries = f.store.push_claim(1).await.unwrap()[0].tries;
    let attempt =
        PushAttempt { number: tries, started_at: f.store.now(), ok: true, error: None, detail: None, log: vec![] };
    let settlement = PushSettlement { tenant: push.tenant, push: push.id, tries, next, attempt };
    assert!(f.store.settle_push(settlement).await.unwrap());
}

fn done(id: &str) -> PushNext {
    PushNext::Done(Receipt { external_id: id.into(), url: None })
}

pub(crate) async fn runs_go_with_their_events_and_keep_them_while_they_run(f: &Fixture) {
    let Started { tenant, flow, run: asleep, .. } = started(f).await;
    let ended = f.running(tenant, flow).await;
    let limited = f.limited(tenant, flow).await;
    let due_at = f.store.now().plus(HOUR * 48);
    let append = vec![slept(f.store.now(), 1)];
    let sleeping = RunSettlement { next: RunNext::Waits { due_at }, append: append.clone(), ..settlement(&asleep, 1) };
    f.store.settle_run(sleeping).await.unwrap();
    f.store.settle_run(RunSettlement { append, ..settlement(&ended, 1) }).await.unwrap();
    f.clock.advance(HOUR);
    let young = f.running(tenant, flow).await;
    let older_than = f.store.now().minus(Duration::from_secs(60));
    assert!(purge(f, older_than).await > 0);
    let left = f.store.run_list(tenant, RunFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(left.iter().map(|row| row.run.id).collect::<Vec<_>>(), [young.id, asleep.id]);
    assert!(f.store.run_get(tenant, limited.id).await.unwrap().is_none());
    assert_eq!(f.tamper(&format!("DELETE FROM run_journal WHERE run_id = '{}'", ended.id)).await, 0);
    assert!(f.store.event_get(tenant, asleep.event).await.unwrap().is_some(), "a run that goes on keeps its event");
    f.clock.advance(HOUR * 48);
    let tries = f.store.run_claim(10, &[]).await.unwrap().into_iter().find(|claimed| claimed.run.id == asleep.id);
    let tries = tries.unwrap().tries;
    f.store.settle_run(succeeded(&asleep, tries, RunEffects::default())).await.unwrap();
    assert_eq!(purge(f, older_than).await, 1);
    assert!(f.store.run_get(tenant, asleep.id).await.unwrap().is_none());
}

pub(crate) async fn a_run_that_outlived_its_event_goes_by_its_own_age(f: &Fixture) {
    let Started { tenant, run, .. } = started(f).await;
    f.tamper(&format!("DELETE FROM events WHERE event_id = '{}'", run.event)).await;
    f.clock.advance(HOUR);
    f.store.run_claim(1, &[]).await.unwrap();
    f.store.settle_run(settlement(&run, 2)).await.unwrap();
    assert_eq!(purge(f, f.store.now()).await, 0, "it has only just ended");
    f.clock.advance(HOUR);
    assert_eq!(purge(f, f.store.now()).await, 1);
    let filter = RunFilter { status: Some(RunStatus::Failed), ..RunFilter::default() };
    assert!(f.store.run_list(tenant, filter, PageRequest::first(ALL)).await.unwrap().is_empty());
}

pub(crate) async fn an_event_that_a_flow_emitted_leaves_the_lead_that_it_inherited(f: &Fixture) {
    let Started { tenant, run, lead, .. } = started(f).await;
    let mut event = emitted(f, &run, hookyard_store::Claim::BornClaimed);
    event.event.cause.as_mut().unwrap().lead = Some(lead);
    let claimed = hookyard_model::event::ClaimedEvent { event: event.event.clone(), tries: 1 };
    let effects = RunEffects { events: vec![event], ..RunEffects::default() };
    f.store.settle_run(succeeded(&run, 1, effects)).await.unwrap();
    let mut item = f.item(&claimed, claimed.event.id, "emitted", &[]);
    item.lead = None;
    item.runs = vec![];
    let settled = f.store.settle_event(crate::support::understood(&claimed, vec![item])).await.unwrap();
    assert_eq!(settled, hookyard_store::Settled::Done { duplicates: vec![false] });
    let (row, _) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((row.inherited_lead, row.outcome.lead), (Some(lead), None));
    f.clock.advance(HOUR);
    purge(f, f.store.now()).await;
    assert!(f.store.event_list(tenant, EventFilter::default(), PageRequest::first(ALL)).await.unwrap().is_empty());
    assert!(f.store.lead_get(tenant, lead).await.unwrap().is_some());
}

pub(crate) async fn what_a_destination_last_said_of_a_lead_stays(f: &Fixture) {
    let Prepared { tenant, claimed, flow, .. } = prepared(f).await;
    let (lead, destination) = (f.id(), f.id());
    let item = f.item(&claimed, claimed.event.id, "1", &[]);
    f.store.settle_event(crate::support::understood(&claimed, vec![item])).await.unwrap();
    let of_event = |f: &Fixture| {
        let run = Some(run_of(&claimed, flow, "").id);
        NewPush { event: Some(claimed.event.id), run, ..f.push(tenant, destination, lead) }
    };
    let [first, dead, second] = [of_event(f), of_event(f), of_event(f)];
    pushed(f, &first, done("1")).await;
    pushed(f, &dead, PushNext::Dead).await;
    pushed(f, &second, done("2")).await;
    let waiting = of_event(f);
    f.store.push_create(vec![waiting.clone()]).await.unwrap();
    let alone = f.push(tenant, destination, f.id());
    f.store.push_claim(1).await.unwrap();
    pushed(f, &alone, PushNext::Dead).await;
    f.clock.advance(HOUR);
    assert_eq!(purge(f, f.store.now()).await, 2, "the dead ones; what waits keeps the event");
    assert!(f.store.event_get(tenant, claimed.event.id).await.unwrap().is_some());
    let tries = f.store.push_claim(1).await.unwrap()[0].tries;
    let attempt =
        PushAttempt { number: 1, started_at: f.store.now(), ok: false, error: None, detail: None, log: vec![] };
    let settlement = PushSettlement { tenant, push: waiting.id, tries, next: PushNext::Dead, attempt };
    assert!(f.store.settle_push(settlement).await.unwrap());
    assert_eq!(purge(f, f.store.now()).await, 1);
    let left = f.store.push_list(tenant, PushFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(left.iter().map(|row| row.push.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(f.tamper(&format!("DELETE FROM push_attempts WHERE push_id <> '{}'", second.id)).await, 0);
    let next = f.push(tenant, destination, lead);
    f.store.push_create(vec![next]).await.unwrap();
    assert_eq!(f.store.push_claim(1).await.unwrap()[0].previous.as_ref().unwrap().external_id, "2");
}
