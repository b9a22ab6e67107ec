//! Runs that are over before they have a row: of stage `before`, committed with their event, and transforms.

use hookyard_model::event::{EventStatus, Outcome};
use hookyard_model::flow::FlowStage;
use hookyard_model::limits;
use hookyard_model::run::{NewRun, RunStatus};
use hookyard_store::{
    Claim, EventEnd, EventFilter, FinishedRun, PageRequest, RunEffects, RunFilter, RunSettled, Settled,
};

use crate::support::flows::{Prepared, emitted, finished, new_flow, prepared, run_of, slept, succeeded, write};
use crate::support::{Fixture, ended, understood};

const ALL: u32 = 250;

fn before(run: NewRun, effects: RunEffects) -> FinishedRun {
    finished(NewRun { stage: FlowStage::Before, ..run }, effects)
}

pub(crate) async fn a_before_run_is_committed_with_its_event(f: &Fixture) {
    let Prepared { tenant, flow, claimed, .. } = prepared(f).await;
    let other = f.store.flow_create(new_flow(tenant, FlowStage::Before)).await.unwrap().id;
    let run = run_of(&claimed, flow, "before");
    let effects = RunEffects {
        reads: vec![("k".into(), None)],
        writes: vec![write("k", "v")],
        events: vec![emitted(f, &run, Claim::Due)],
        pushes: vec![f.push(tenant, f.id(), f.id())],
        lead: None,
    };
    let failed =
        FinishedRun { status: RunStatus::Failed, ..before(run_of(&claimed, other, "before"), RunEffects::default()) };
    let mut settlement = understood(&claimed, vec![f.item(&claimed, claimed.event.id, "1", &[])]);
    settlement.before = vec![before(run.clone(), effects), failed.clone()];
    let mut changes = f.store.changed();
    let settled = f.store.settle_event(settlement.clone()).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] });
    changes.wait().await;
    let row = f.store.run_get(tenant, run.id).await.unwrap().unwrap();
    assert_eq!((row.run.stage, row.status, row.due_at, row.steps), (FlowStage::Before, RunStatus::Succeeded, None, 1));
    assert_eq!((row.began_at, row.ended_at), (run.input.started_at, Some(f.store.now())));
    assert_eq!(f.store.run_journal(tenant, run.id).await.unwrap(), settlement.before[0].journal);
    assert_eq!(f.store.run_get(tenant, failed.run.id).await.unwrap().unwrap().status, RunStatus::Failed);
    assert_eq!(f.store.state_get(tenant, flow, "k").await.unwrap().unwrap().written_by, run.id);
    assert_eq!(f.store.event_claim(10, &[]).await.unwrap()[0].event.cause.as_ref().unwrap().run, Some(run.id));
    assert_eq!(f.store.push_claim(10).await.unwrap().len(), 1);
    assert_eq!(f.store.settle_event(settlement).await.unwrap(), Settled::Lost, "settled already");
    let events = f.store.event_list(tenant, EventFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(events.len(), 2, "what it emitted is there once");
}

pub(crate) async fn an_event_whose_before_run_is_stale_is_not_settled(f: &Fixture) {
    let Prepared { tenant, account, flow, claimed } = prepared(f).await;
    let neighbour = f.logged(tenant, account).await;
    let writer = f.running(tenant, flow).await;
    let effects = RunEffects { writes: vec![write("k", "1")], ..RunEffects::default() };
    f.store.settle_run(succeeded(&writer, 1, effects)).await.unwrap();
    let run = run_of(&claimed, flow, "before");
    let with = |reads, key| {
        let effects = RunEffects {
            reads: vec![("k".into(), reads)],
            writes: vec![write(key, "2")],
            events: vec![emitted(f, &run, Claim::Due)],
            ..RunEffects::default()
        };
        let mut settlement = understood(&claimed, vec![f.item(&claimed, claimed.event.id, "1", &[f.id()])]);
        let first = before(
            run_of(&claimed, flow, "first"),
            RunEffects { writes: vec![write("first", "1")], ..RunEffects::default() },
        );
        settlement.before = vec![first, before(run.clone(), effects)];
        settlement
    };
    let beside = understood(&neighbour, vec![f.item(&neighbour, neighbour.event.id, "2", &[])]);
    let both = tokio::join!(f.store.settle_event(with(None, "stale")), f.store.settle_event(beside));
    assert_eq!(both.0.unwrap(), Settled::Stale(vec!["k".into()]));
    assert_eq!(both.1.unwrap(), Settled::Done { duplicates: vec![false] });
    let (event, _) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((event.status, event.tries), (EventStatus::Received, 1));
    for key in ["stale", "first"] {
        assert!(f.store.state_get(tenant, flow, key).await.unwrap().is_none(), "{key}");
    }
    assert!(f.store.run_get(tenant, run.id).await.unwrap().is_none());
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty());
    let settled = f.store.settle_event(with(Some(writer.id), "fresh")).await.unwrap();
    assert_eq!(settled, Settled::Done { duplicates: vec![false] });
    assert!(f.store.state_get(tenant, flow, "fresh").await.unwrap().is_some());
    let late = f.store.settle_event(with(None, "late")).await.unwrap();
    assert_eq!(late, Settled::Lost, "whose claim has passed is told that");
}

pub(crate) async fn before_runs_of_one_batch_see_each_other(f: &Fixture) {
    let Prepared { tenant, account, flow, .. } = prepared(f).await;
    let mut settlements = vec![];
    for number in 0..30 {
        let claimed = f.logged(tenant, account).await;
        let effects =
            RunEffects { reads: vec![("k".into(), None)], writes: vec![write("k", "1")], ..RunEffects::default() };
        let item = f.item(&claimed, claimed.event.id, &number.to_string(), &[]);
        let mut settlement = understood(&claimed, vec![item]);
        settlement.before = vec![before(run_of(&claimed, flow, "before"), effects)];
        settlements.push(settlement);
    }
    let settling = settlements.into_iter().map(|settlement| {
        let store = f.store.clone();
        tokio::spawn(async move { store.settle_event(settlement).await.unwrap() })
    });
    let (mut done, mut stale) = (0, 0);
    for settled in settling.collect::<Vec<_>>() {
        match settled.await.unwrap() {
            Settled::Done { .. } => done += 1,
            Settled::Stale(_) => stale += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((done, stale), (1, 29));
}

pub(crate) async fn a_held_event_keeps_the_last_of_its_before_runs(f: &Fixture) {
    let Prepared { tenant, flow, claimed, .. } = prepared(f).await;
    let failed = |number: u64| FinishedRun {
        status: RunStatus::Failed,
        journal: (0..number).map(|step| slept(f.store.now(), step)).collect(),
        ..before(run_of(&claimed, flow, "before"), RunEffects::default())
    };
    let due_at = f.store.now();
    let mut settlement = ended(&claimed, EventEnd::Later { due_at, outcome: Outcome::default() });
    settlement.before = vec![failed(3)];
    assert_eq!(f.store.settle_event(settlement).await.unwrap(), Settled::Done { duplicates: vec![] });
    let again = f.store.event_claim(1, &[]).await.unwrap().remove(0);
    let mut settlement = understood(&again, vec![f.item(&again, again.event.id, "1", &[])]);
    settlement.before = vec![FinishedRun { status: RunStatus::Succeeded, ..failed(2) }];
    f.store.settle_event(settlement).await.unwrap();
    let runs = f.store.run_list(tenant, RunFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!((runs.len(), runs[0].status, runs[0].steps), (1, RunStatus::Succeeded, 2));
    assert_eq!(f.store.run_journal(tenant, runs[0].run.id).await.unwrap().len(), 2);
}

pub(crate) async fn a_transforms_run_is_recorded_and_recorded_again(f: &Fixture) {
    let Prepared { tenant, flow, claimed, .. } = prepared(f).await;
    let run = NewRun { stage: FlowStage::Transform, ..run_of(&claimed, flow, "dlv") };
    let effects = |reads| RunEffects { reads, writes: vec![write("k", "v")], ..RunEffects::default() };
    let recorded = finished(run.clone(), effects(vec![("k".into(), None)]));
    assert_eq!(f.store.run_record(recorded.clone()).await.unwrap(), RunSettled::Done);
    let again = FinishedRun { journal: vec![], ..recorded.clone() };
    assert_eq!(f.store.run_record(again).await.unwrap(), RunSettled::Done, "nobody knew how the first had ended");
    assert!(f.store.run_journal(tenant, run.id).await.unwrap().is_empty());
    let other = NewRun { id: NewRun::id_of(claimed.event.id, flow, "other"), ..run.clone() };
    let stale = f.store.run_record(finished(other.clone(), effects(vec![("k".into(), None)]))).await.unwrap();
    assert_eq!(stale, RunSettled::Stale(vec!["k".into()]));
    assert!(f.store.run_get(tenant, other.id).await.unwrap().is_none());
    f.clock.advance(limits::LEASE);
    assert!(f.store.run_claim(10, &[]).await.unwrap().is_empty());
}
