//! Flows and what they remember; their runs, claimed, journalled and settled.

use std::collections::HashSet;
use std::time::Duration;

use hookyard_model::effect::{Entry, FetchError, Reply};
use hookyard_model::event::{EventStatus, FlowNote, NewEvent};
use hookyard_model::filter::Filter;
use hookyard_model::flow::{FlowStage, FlowStatus, OnFailure};
use hookyard_model::id::RunId;
use hookyard_model::limits;
use hookyard_model::run::{Change, NewRun, RunOutcome, RunStatus, first_read_of, reads};
use hookyard_store::{
    Backlog, Claim, EventFilter, FlowPatch, LeadChange, NewFlow, PageRequest, RunEffects, RunFilter, RunNext, RunRetry,
    RunSettled, RunSettlement, StoreError,
};

use crate::support::flows::{
    Prepared, Started, emitted, finished, new_flow, prepared, read_entry, run_of, settlement, slept, started,
    succeeded, write,
};
use crate::support::{Fixture, items, secret, understood};

const ALL: u32 = 250;

pub(crate) async fn a_flow_is_made_changed_and_listed_with_its_credentials(f: &Fixture) {
    let tenant = f.tenant().await;
    let version = f.store.config_version().await.unwrap();
    let new = NewFlow {
        triggers: Some(vec!["deal.*".into()]),
        filter: Filter::parse(r#"{"country":"DE"}"#).ok(),
        hosts: Some(vec!["api.example.com".into()]),
        credentials: vec![("slack".into(), secret("one")), ("crm".into(), secret("two"))],
        ..new_flow(tenant, FlowStage::After)
    };
    let flow = f.store.flow_create(new).await.unwrap();
    f.clock.advance(Duration::from_millis(1));
    let second = f.store.flow_create(new_flow(tenant, FlowStage::Before)).await.unwrap();
    let read = f.store.flow_get(tenant, flow.id).await.unwrap().unwrap();
    assert_eq!(format!("{read:?}"), format!("{flow:?}"));
    let patch = FlowPatch {
        triggers: Some(None),
        settings: Some(r#"{"a":1}"#.into()),
        on_failure: Some(OnFailure::Hold),
        status: Some((FlowStatus::Paused, Some("by hand\0".into()))),
        credentials: vec![("crm".into(), secret("three"))],
        ..FlowPatch::default()
    };
    let patched = f.store.flow_patch(tenant, flow.id, patch).await.unwrap().unwrap();
    assert_eq!((patched.triggers.as_ref(), patched.settings.as_str()), (None, r#"{"a":1}"#));
    assert_eq!((patched.hosts, patched.filter, patched.name), (flow.hosts, flow.filter, flow.name), "the rest stays");
    assert_eq!((patched.status, patched.status_reason.as_deref()), (FlowStatus::Paused, Some("by hand\0")));
    let all = f.store.flows_of(tenant).await.unwrap();
    assert_eq!(all.iter().map(|(flow, _)| flow.id).collect::<Vec<_>>(), [flow.id, second.id], "in their order");
    assert_eq!(all[0].1, [("crm".into(), secret("three")), ("slack".into(), secret("one"))]);
    let listed = f.store.flow_list(tenant, PageRequest::first(1)).await.unwrap();
    assert_eq!(listed.iter().map(|flow| flow.id).collect::<Vec<_>>(), [second.id]);
    assert_eq!(f.store.config_version().await.unwrap(), version + 3);
    let other = f.tenant().await;
    assert!(f.store.flow_get(other, flow.id).await.unwrap().is_none());
    assert!(f.store.flow_patch(other, flow.id, FlowPatch::default()).await.unwrap().is_none());
    assert!(!f.store.flow_delete(other, flow.id).await.unwrap());
    assert!(f.store.flows_of(other).await.unwrap().is_empty());
}

pub(crate) async fn a_tenant_has_no_more_flows_than_it_may(f: &Fixture) {
    let tenant = f.tenant().await;
    for _ in 0..limits::FLOWS_PER_TENANT_MAX {
        f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap();
    }
    let refused = f.store.flow_create(new_flow(tenant, FlowStage::After)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    f.store.flow_create(new_flow(f.tenant().await, FlowStage::After)).await.unwrap();
}

pub(crate) async fn the_credentials_of_flows_are_sealed_in_their_rows(f: &Fixture) {
    let tenant = f.tenant().await;
    let new = |name: &str| NewFlow {
        credentials: vec![("token".into(), secret(name))],
        ..new_flow(tenant, FlowStage::After)
    };
    let (from, to) = (f.store.flow_create(new("pg-1")).await.unwrap(), f.store.flow_create(new("pg-2")).await.unwrap());
    let plain = if f.is_sqlite() { "CAST('pg-1' AS BLOB)" } else { "'pg-1'::bytea" };
    let contains = if f.is_sqlite() { "instr(sealed, {}) > 0" } else { "position({} in sealed) > 0" };
    let contains = contains.replace("{}", plain);
    assert_eq!(f.tamper(&format!("UPDATE secrets SET position = 0 WHERE {contains}")).await, 0);
    let (from, to) = (from.id, to.id);
    let moved = format!(
        "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE holder = '{from}') WHERE holder = '{to}'"
    );
    assert_eq!(f.tamper(&moved).await, 1);
    let refused = f.store.flows_of(tenant).await;
    assert!(matches!(refused, Err(StoreError::Undecodable { table: "secrets", .. })), "{refused:?}");
}

pub(crate) async fn a_processed_event_starts_its_runs_and_its_story_names_them(f: &Fixture) {
    let Prepared { tenant, flow, claimed, .. } = prepared(f).await;
    let (born, due, limited) = (run_of(&claimed, flow, "a"), run_of(&claimed, flow, "b"), run_of(&claimed, flow, "c"));
    let mut first = f.item(&claimed, claimed.event.id, "1", &[]);
    first.runs = vec![born.clone()];
    first.limited = vec![limited.clone()];
    first.flows = vec![FlowNote { flow, run: Some(born.id), why: "it matches".into() }];
    let further = f.id();
    let mut second = f.item(&claimed, further, "2", &[]);
    second.runs = vec![NewRun { event: further, ..due.clone() }];
    second.run_claim = Claim::Due;
    second.dropped = Some("spam".into());
    let mut changes = f.store.changed();
    f.store.settle_event(understood(&claimed, vec![first.clone(), second])).await.unwrap();
    changes.wait().await;
    let (event, _) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((event.outcome.flows, event.outcome.dropped), (first.flows, None));
    let (event, _) = f.store.event_get(tenant, further).await.unwrap().unwrap();
    assert_eq!(event.outcome.dropped.as_deref(), Some("spam"));
    let row = f.store.run_get(tenant, born.id).await.unwrap().unwrap();
    assert_eq!((&row.run, row.status, row.tries, row.steps), (&born, RunStatus::Running, 1, 0));
    assert_eq!((row.due_at, row.ended_at), (Some(f.store.now().plus(limits::LEASE)), None));
    let row = f.store.run_get(tenant, limited.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at, row.ended_at), (RunStatus::Limited, None, Some(f.store.now())));
    let claimed = f.store.run_claim(10, &[]).await.unwrap();
    assert_eq!(claimed.iter().map(|run| (run.run.id, run.tries)).collect::<Vec<_>>(), [(due.id, 1)]);
    f.clock.advance(limits::LEASE);
    let again: HashSet<_> =
        f.store.run_claim(10, &[]).await.unwrap().into_iter().map(|run| (run.run.id, run.tries)).collect();
    assert_eq!(again, HashSet::from([(born.id, 2), (due.id, 2)]));
    assert_eq!(f.store.run_count_since(tenant, f.clock_start()).await.unwrap(), 2, "limited ones do not count");
    assert_eq!(f.store.run_count_since(tenant, f.store.now()).await.unwrap(), 0);
}

pub(crate) async fn a_duplicate_starts_nothing(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let flow = f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id;
    f.processed((tenant, account), "444", &[]).await;
    let claimed = f.logged(tenant, account).await;
    let run = run_of(&claimed, flow, "");
    let mut item = f.item(&claimed, claimed.event.id, "444", &[]);
    item.runs = vec![run.clone()];
    item.limited = vec![run_of(&claimed, flow, "limited")];
    item.flows = vec![FlowNote { flow, run: Some(run.id), why: "it matches".into() }];
    item.pushes = vec![f.push(tenant, f.id(), f.id())];
    let before = run_of(&claimed, flow, "before");
    let effects = RunEffects {
        writes: vec![write("k", "v")],
        events: vec![emitted(f, &before, Claim::Due)],
        ..RunEffects::default()
    };
    let mut settlement = understood(&claimed, vec![item]);
    settlement.before = vec![finished(before.clone(), effects)];
    let settled = f.store.settle_event(settlement).await.unwrap();
    assert_eq!(settled, hookyard_store::Settled::Done { duplicates: vec![true] });
    let (event, _) = f.store.event_get(tenant, claimed.event.id).await.unwrap().unwrap();
    assert_eq!((event.status, event.outcome.flows), (EventStatus::Duplicate, vec![]));
    f.clock.advance(limits::LEASE);
    assert!(f.store.run_claim(10, &[]).await.unwrap().is_empty());
    assert!(f.store.push_claim(10).await.unwrap().is_empty());
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty());
    assert!(f.store.state_get(tenant, flow, "k").await.unwrap().is_none());
    assert!(f.store.run_list(tenant, RunFilter::default(), PageRequest::first(ALL)).await.unwrap().is_empty());
}

pub(crate) async fn a_journal_comes_back_in_order_and_as_far_as_it_was_kept(f: &Fixture) {
    let Started { tenant, run, .. } = started(f).await;
    let step = |number: u64| slept(f.store.now(), number);
    let waits = |tries: u32, keep: u32, append: Vec<_>| {
        let next = RunNext::Waits { due_at: f.store.now() };
        let outcome = RunOutcome { calls: tries, ..RunOutcome::default() };
        RunSettlement { keep, append, next, outcome, failures: tries, ..settlement(&run, tries) }
    };
    let mut changes = f.store.changed();
    let twelve: Vec<_> = (1..=12).map(step).collect();
    assert_eq!(f.store.settle_run(waits(1, 0, twelve.clone())).await.unwrap(), RunSettled::Done);
    changes.wait().await;
    let claimed = f.store.run_claim(10, &[]).await.unwrap().remove(0);
    assert_eq!((claimed.tries, claimed.failures, claimed.outcome.calls), (2, 1, 1));
    assert_eq!((&claimed.run, &claimed.journal), (&run, &twelve));
    f.store.settle_run(waits(2, 3, vec![step(21), step(22)])).await.unwrap();
    let kept = [&twelve[..3], &[step(21), step(22)]].concat();
    assert_eq!(f.store.run_claim(10, &[]).await.unwrap().remove(0).journal, kept);
    f.store.settle_run(waits(3, 5, vec![step(31)])).await.unwrap();
    let kept = [&kept[..], &[step(31)]].concat();
    assert_eq!(f.store.run_journal(tenant, run.id).await.unwrap(), kept);
    assert_eq!(f.store.run_get(tenant, run.id).await.unwrap().unwrap().steps, 6);
    f.store.run_claim(10, &[]).await.unwrap();
    f.store.settle_run(waits(4, 0, vec![])).await.unwrap();
    assert!(f.store.run_journal(tenant, run.id).await.unwrap().is_empty());
}

pub(crate) async fn a_run_is_settled_once_and_by_its_last_claim(f: &Fixture) {
    let Started { tenant, run, .. } = started(f).await;
    f.clock.advance(limits::LEASE);
    assert_eq!(f.store.run_claim(1, &[]).await.unwrap()[0].tries, 2);
    let effects = |f: &Fixture| RunEffects {
        writes: vec![write("k", "v")],
        events: vec![emitted(f, &run, Claim::BornClaimed)],
        ..RunEffects::default()
    };
    let late = succeeded(&run, 1, effects(f));
    assert_eq!(f.store.settle_run(late).await.unwrap(), RunSettled::Lost);
    assert!(f.store.state_get(tenant, run.flow, "k").await.unwrap().is_none(), "nothing was written");
    let last = succeeded(&run, 2, effects(f));
    let both = tokio::join!(f.store.settle_run(last.clone()), f.store.settle_run(last));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(both.contains(&RunSettled::Lost) && both.contains(&RunSettled::Done), "{both:?}");
    let events = f.store.event_list(tenant, EventFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.run == Some(run.id)).count(), 1);
    let row = f.store.run_get(tenant, run.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at, row.ended_at), (RunStatus::Succeeded, None, Some(f.store.now())));
}

pub(crate) async fn a_run_that_succeeds_brings_everything_about_in_one_commit(f: &Fixture) {
    let Started { tenant, run, lead, .. } = started(f).await;
    let (mut first, second) = (emitted(f, &run, Claim::Due), emitted(f, &run, Claim::BornClaimed));
    first.event.provider_event_id = Some("x".into());
    let push = f.push(tenant, f.id(), lead);
    let change = |field: &str, value: &str| Change { field: field.into(), value: Some(value.into()) };
    let effects = RunEffects {
        reads: vec![("k".into(), None)],
        writes: vec![write("k", "\u{0}"), write("l", "2")],
        events: vec![first.clone(), second.clone()],
        lead: Some(LeadChange {
            lead,
            changes: vec![change("phone-number", "030 901820"), change("segment", "gold")],
            default_country: Some("DE".into()),
        }),
        pushes: vec![push.clone()],
    };
    let mut changes = f.store.changed();
    assert_eq!(f.store.settle_run(succeeded(&run, 1, effects)).await.unwrap(), RunSettled::Done);
    changes.wait().await;
    let remembered = f.store.state_get(tenant, run.flow, "k").await.unwrap().unwrap();
    assert_eq!((remembered.value, remembered.written_by), (b"\0".to_vec(), run.id));
    let stored = f.store.lead_get(tenant, lead).await.unwrap().unwrap().lead;
    assert_eq!(stored.phone_number.as_deref(), Some("+4930901820"));
    assert_eq!((stored.email.as_deref(), stored.custom_fields.len()), (Some("joe@example.com"), 1));
    let claimed = f.store.event_claim(10, &[]).await.unwrap();
    assert_eq!(claimed.len(), 1, "the other was born claimed");
    let NewEvent { id, cause, provider, account, received_by, .. } = claimed[0].event.clone();
    assert_eq!((id, provider, account), (first.event.id, None, None));
    assert_eq!((cause, received_by), (first.event.cause.clone(), first.event.received_by));
    let (row, _) = f.store.event_get(tenant, second.event.id).await.unwrap().unwrap();
    let cause = second.event.cause.unwrap();
    assert_eq!((row.caused_by, row.run, row.inherited_lead), (Some(cause.event), cause.run, cause.lead));
    assert_eq!((row.depth, row.tries, row.status), (1, 1, EventStatus::Received));
    let of_type = EventFilter { event_type: Some("deal.won".into()), ..EventFilter::default() };
    assert_eq!(f.store.event_list(tenant, of_type.clone(), PageRequest::first(ALL)).await.unwrap().len(), 2);
    assert!(f.store.event_list(f.tenant().await, of_type, PageRequest::first(ALL)).await.unwrap().is_empty());
    assert_eq!(f.store.push_claim(10).await.unwrap()[0].push, push);
    // A lead that is gone is no error.
    let gone = RunEffects {
        lead: Some(LeadChange { lead: f.id(), changes: vec![change("company", "x")], default_country: None }),
        ..RunEffects::default()
    };
    let another = f.running(tenant, run.flow).await;
    assert_eq!(f.store.settle_run(succeeded(&another, 1, gone)).await.unwrap(), RunSettled::Done);
}

pub(crate) async fn emitted_events_of_two_tenants_are_told_apart_by_their_kinds(f: &Fixture) {
    for tenant in [f.tenant().await, f.tenant().await] {
        let flow = f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id;
        let run = f.running(tenant, flow).await;
        let effects = RunEffects { events: vec![emitted(f, &run, Claim::Due)], ..RunEffects::default() };
        f.store.settle_run(succeeded(&run, 1, effects)).await.unwrap();
        let filter = EventFilter { event_type: Some("deal.won".into()), ..EventFilter::default() };
        let found = f.store.event_list(tenant, filter, PageRequest::first(ALL)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].provider, found[0].account), (&None, None));
    }
}

pub(crate) async fn a_run_that_read_what_others_changed_is_stale_and_writes_nothing(f: &Fixture) {
    let Started { tenant, flow, run, .. } = started(f).await;
    let (second, third) = (f.running(tenant, flow).await, f.running(tenant, flow).await);
    let touching = |reads: Vec<(String, Option<RunId>)>, writes| RunEffects { reads, writes, ..RunEffects::default() };
    let first = touching(vec![("k".into(), None)], vec![write("k", "1"), write("l", "1")]);
    assert_eq!(f.store.settle_run(succeeded(&run, 1, first)).await.unwrap(), RunSettled::Done);
    let mut stale = touching(vec![("k".into(), None), ("m".into(), None), ("l".into(), None)], vec![write("m", "2")]);
    stale.events = vec![emitted(f, &second, Claim::Due)];
    let refused = f.store.settle_run(succeeded(&second, 1, stale)).await.unwrap();
    assert_eq!(refused, RunSettled::Stale(vec!["k".into(), "l".into()]));
    assert!(f.store.state_get(tenant, flow, "m").await.unwrap().is_none());
    assert!(f.store.event_claim(10, &[]).await.unwrap().is_empty());
    let row = f.store.run_get(tenant, second.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.tries), (RunStatus::Running, 1), "the claim holds");
    let anew =
        touching(vec![("k".into(), Some(run.id))], vec![hookyard_model::run::Write { key: "k".into(), value: None }]);
    assert_eq!(f.store.settle_run(succeeded(&second, 1, anew)).await.unwrap(), RunSettled::Done);
    assert!(f.store.state_get(tenant, flow, "k").await.unwrap().is_none(), "forgotten");
    let late = touching(vec![("k".into(), Some(run.id))], vec![]);
    let refused = f.store.settle_run(succeeded(&third, 1, late.clone())).await.unwrap();
    assert_eq!(refused, RunSettled::Stale(vec!["k".into()]));
    f.clock.advance(limits::LEASE);
    f.store.run_claim(10, &[]).await.unwrap();
    assert_eq!(f.store.settle_run(succeeded(&third, 1, late)).await.unwrap(), RunSettled::Lost, "a zombie is told so");
}

pub(crate) async fn increments_of_one_key_by_many_runs_at_a_time_all_count(f: &Fixture) {
    const RUNS: usize = 20;
    let tenant = f.tenant().await;
    let flow = f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id;
    let other = f.another_node().await;
    let mut running = vec![];
    for number in 0..RUNS {
        let node = other.as_ref().filter(|_| number % 2 == 1).unwrap_or(&f.store).clone();
        let (run, now) = (f.running(tenant, flow).await, f.store.now());
        running.push(tokio::spawn(async move {
            let (mut journal, mut stale) = (vec![], 0);
            loop {
                let found = node.state_get(tenant, flow, "count").await.unwrap();
                let count = found.as_ref().map_or(0, |found| String::from_utf8_lossy(&found.value).parse().unwrap());
                let count: usize = count;
                journal.push(read_entry("count", found, now));
                let effects = RunEffects {
                    reads: reads(&journal),
                    writes: vec![write("count", &(count + 1).to_string()), write(&format!("of {number}"), "1")],
                    ..RunEffects::default()
                };
                match node.settle_run(succeeded(&run, 1, effects)).await.unwrap() {
                    RunSettled::Done => return stale,
                    RunSettled::Stale(keys) => {
                        assert_eq!(keys, ["count"]);
                        journal.truncate(first_read_of(&journal, &keys));
                        stale += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }));
    }
    let mut stale = 0;
    for run in running {
        stale += run.await.unwrap();
    }
    let remembered = f.store.state_get(tenant, flow, "count").await.unwrap().unwrap();
    assert_eq!(remembered.value, RUNS.to_string().into_bytes(), "{stale} were stale");
    let counted = f.tamper(&format!("UPDATE flows SET name = name WHERE state_keys = {}", RUNS + 1)).await;
    assert_eq!(counted, 1, "and so were the keys");
    if let Some(other) = other {
        other.close().await;
    }
}

pub(crate) async fn a_stale_run_does_not_fail_its_neighbours(f: &Fixture) {
    let tenant = f.tenant().await;
    let flow = f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id;
    let mut runs = vec![];
    for _ in 0..40 {
        runs.push(f.running(tenant, flow).await);
    }
    let settling = runs.iter().enumerate().map(|(number, run)| {
        let reads = if number % 4 == 0 { vec![("never".into(), Some(run.id))] } else { vec![("never".into(), None)] };
        let effects = RunEffects {
            reads,
            writes: vec![write(&number.to_string(), "x")],
            events: vec![emitted(f, run, Claim::BornClaimed)],
            ..RunEffects::default()
        };
        let tries = if number % 4 == 1 { 7 } else { 1 };
        let (settlement, store) = (succeeded(run, tries, effects), f.store.clone());
        tokio::spawn(async move { (number, store.settle_run(settlement).await.unwrap()) })
    });
    for settled in settling.collect::<Vec<_>>() {
        let (number, settled) = settled.await.unwrap();
        let expected = match number % 4 {
            0 => RunSettled::Stale(vec!["never".into()]),
            1 => RunSettled::Lost,
            _ => RunSettled::Done,
        };
        assert_eq!(settled, expected, "{number}");
        let written = f.store.state_get(tenant, flow, &number.to_string()).await.unwrap();
        assert_eq!(written.is_some(), expected == RunSettled::Done);
    }
    let events = f.store.event_list(tenant, EventFilter::default(), PageRequest::first(ALL)).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.run.is_some()).count(), 20);
}

pub(crate) async fn a_flow_that_remembers_too_much_is_told(f: &Fixture) {
    let Started { tenant, flow, run, .. } = started(f).await;
    let most = limits::STATE_KEYS_PER_FLOW_MAX;
    f.tamper(&format!("UPDATE flows SET state_keys = {} WHERE flow_id = '{flow}'", most - 1)).await;
    let writing = |writes| RunEffects { writes, ..RunEffects::default() };
    let two = succeeded(&run, 1, writing(vec![write("a", "1"), write("b", "1")]));
    assert_eq!(f.store.settle_run(two).await.unwrap(), RunSettled::Full);
    assert!(f.store.state_get(tenant, flow, "a").await.unwrap().is_none());
    let one = succeeded(&run, 1, writing(vec![write("a", "1"), write("a", "2")]));
    assert_eq!(f.store.settle_run(one).await.unwrap(), RunSettled::Done);
    assert_eq!(f.store.state_get(tenant, flow, "a").await.unwrap().unwrap().value, b"2");
    let again = f.running(tenant, flow).await;
    let same = succeeded(&again, 1, writing(vec![write("a", "3")]));
    assert_eq!(f.store.settle_run(same).await.unwrap(), RunSettled::Done, "no key more than before");
}

pub(crate) async fn a_failed_run_is_tried_again_when_asked_without_its_last_fetch(f: &Fixture) {
    let Started { tenant, flow, run, .. } = started(f).await;
    let outcome = RunOutcome { reason: Some("it trapped".into()), ..RunOutcome::default() };
    let fetched = Entry { reply: Reply::FetchError(FetchError::TimedOut), ..slept(f.store.now(), 2) };
    let append = vec![slept(f.store.now(), 1), fetched, slept(f.store.now(), 3)];
    let failed =
        RunSettlement { append: append.clone(), next: RunNext::Failed, outcome, failures: 3, ..settlement(&run, 1) };
    assert_eq!(f.store.run_retry(tenant, run.id).await.unwrap(), RunRetry::NotFailed);
    f.store.settle_run(failed).await.unwrap();
    let filter = RunFilter { status: Some(RunStatus::Failed), ..RunFilter::default() };
    let listed = f.store.run_list(tenant, filter, PageRequest::first(ALL)).await.unwrap();
    assert_eq!((listed.len(), listed[0].outcome.reason.as_deref()), (1, Some("it trapped")));
    assert_eq!((listed[0].failures, listed[0].ended_at), (3, Some(f.store.now())));
    assert_eq!(f.store.run_retry(tenant, run.id).await.unwrap(), RunRetry::Queued);
    let again = f.store.run_claim(10, &[]).await.unwrap().remove(0);
    assert_eq!((again.run.id, again.tries, again.failures), (run.id, 2, 0));
    assert_eq!(again.journal, append[..1], "what was fetched last, and what followed, is had anew");
    let row = f.store.run_get(tenant, run.id).await.unwrap().unwrap();
    assert_eq!((row.ended_at, row.steps), (None, 1));
    assert_eq!(f.store.run_retry(tenant, f.id()).await.unwrap(), RunRetry::NotFound);
    let limited = f.limited(tenant, flow).await;
    assert_eq!(f.store.run_retry(tenant, limited.id).await.unwrap(), RunRetry::Queued);
    assert_eq!(f.store.run_claim(10, &[]).await.unwrap()[0].run, limited);
}

pub(crate) async fn runs_are_listed_by_flow_event_and_status(f: &Fixture) {
    let tenant = f.tenant().await;
    let flows = [
        f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id,
        f.store.flow_create(new_flow(tenant, FlowStage::After)).await.unwrap().id,
    ];
    let mut runs = vec![];
    for number in 0..12_usize {
        let run = match number {
            11 => f.limited(tenant, flows[1]).await,
            _ => f.running(tenant, flows[number % 2]).await,
        };
        let next = match number {
            0..3 => Some(RunNext::Failed),
            3..6 => Some(RunNext::Succeeded(Box::default())),
            6 => Some(RunNext::Waits { due_at: f.store.now() }),
            _ => None,
        };
        if let Some(next) = next {
            f.store.settle_run(RunSettlement { next, ..settlement(&run, 1) }).await.unwrap();
        }
        runs.push(run);
        f.clock.advance(Duration::from_millis(3));
    }
    let page = PageRequest::first(ALL);
    let everything = f.store.run_list(tenant, RunFilter::default(), page).await.unwrap();
    assert_eq!(everything.len(), 12);
    assert!(everything.windows(2).all(|pair| pair[0].run.id > pair[1].run.id), "newest first");
    for flow in [None, Some(flows[0]), Some(flows[1])] {
        for event in [None, Some(runs[1].event), Some(runs[8].event)] {
            for status in [None].into_iter().chain(RunStatus::ALL.map(Some)) {
                let filter = RunFilter { flow, event, status };
                let expected = everything.iter().filter(|row| {
                    flow.is_none_or(|flow| flow == row.run.flow)
                        && event.is_none_or(|event| event == row.run.event)
                        && status.is_none_or(|status| status == row.status)
                });
                let found = f.store.run_list(tenant, filter, page).await.unwrap();
                assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{filter:?}");
            }
        }
    }
    let page = PageRequest { after: Some(everything[4].run.id), limit: 3 };
    assert_eq!(f.store.run_list(tenant, RunFilter::default(), page).await.unwrap(), everything[5..8]);
    let other = f.tenant().await;
    assert!(f.store.run_list(other, RunFilter::default(), page).await.unwrap().is_empty());
    assert!(f.store.run_get(other, runs[0].id).await.unwrap().is_none());
}

pub(crate) async fn two_claimers_never_share_a_run(f: &Fixture) {
    let Prepared { claimed, flow, .. } = prepared(f).await;
    let mut item = f.item(&claimed, claimed.event.id, "many", &[]);
    item.runs = (0..150).map(|number| run_of(&claimed, flow, &number.to_string())).collect();
    item.run_claim = Claim::Due;
    f.store.settle_event(understood(&claimed, vec![item])).await.unwrap();
    let claimers = (0..4).map(|_| {
        let store = f.store.clone();
        tokio::spawn(async move {
            let mut ids = vec![];
            loop {
                let claimed = store.run_claim(7, &[]).await.unwrap();
                if claimed.is_empty() {
                    return ids;
                }
                ids.extend(claimed.into_iter().map(|claimed| claimed.run.id));
            }
        })
    });
    let mut ids = vec![];
    for claimer in claimers.collect::<Vec<_>>() {
        ids.extend(claimer.await.unwrap());
    }
    assert_eq!((ids.len(), ids.into_iter().collect::<HashSet<_>>().len()), (150, 150));
}

pub(crate) async fn a_run_that_cannot_be_read_is_parked_and_not_claimed_for_ever(f: &Fixture) {
    let Started { tenant, flow, run: good, .. } = started(f).await;
    let (input, entry) = (f.running(tenant, flow).await, f.running(tenant, flow).await);
    let waits = RunNext::Waits { due_at: f.store.now() };
    let append = vec![slept(f.store.now(), 1)];
    f.store.settle_run(RunSettlement { next: waits, append, ..settlement(&entry, 1) }).await.unwrap();
    let hex = if f.is_sqlite() { "x'ff'" } else { "'\\xff'" };
    let (bad_input, bad_entry) = (input.id, entry.id);
    f.tamper(&format!("UPDATE runs SET input = {hex} WHERE run_id = '{bad_input}'")).await;
    f.tamper(&format!("UPDATE run_journal SET entry = {hex} WHERE run_id = '{bad_entry}'")).await;
    f.clock.advance(limits::LEASE);
    let claimed = f.store.run_claim(10, &[]).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.run.id).collect::<Vec<_>>(), [good.id]);
    let row = f.store.run_get(tenant, entry.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at), (RunStatus::Failed, None));
    assert!(row.outcome.reason.unwrap().contains("run_journal"));
    f.clock.advance(limits::LEASE);
    assert_eq!(f.store.run_claim(10, &[]).await.unwrap().len(), 1);
}

pub(crate) async fn a_deleted_flow_forgets_and_fails_what_ran(f: &Fixture) {
    let Started { tenant, flow, run, .. } = started(f).await;
    let done = f.running(tenant, flow).await;
    let effects = RunEffects { writes: vec![write("k", "v")], ..RunEffects::default() };
    f.store.settle_run(succeeded(&done, 1, effects.clone())).await.unwrap();
    let version = f.store.config_version().await.unwrap();
    assert!(f.store.flow_delete(tenant, flow).await.unwrap());
    assert!(!f.store.flow_delete(tenant, flow).await.unwrap());
    assert_eq!(f.store.config_version().await.unwrap(), version + 1);
    assert!(f.store.state_get(tenant, flow, "k").await.unwrap().is_none());
    assert_eq!(f.tamper(&format!("DELETE FROM flow_state WHERE flow_id = '{flow}'")).await, 0);
    let row = f.store.run_get(tenant, run.id).await.unwrap().unwrap();
    assert_eq!((row.status, row.due_at), (RunStatus::Failed, None));
    assert_eq!(row.outcome.reason.as_deref(), Some("its flow was deleted"));
    let settled = f.store.settle_run(succeeded(&run, 1, effects)).await.unwrap();
    assert_eq!(settled, RunSettled::Lost);
    assert_eq!(f.store.run_get(tenant, done.id).await.unwrap().unwrap().status, RunStatus::Succeeded);
    assert!(f.store.flows_of(tenant).await.unwrap().is_empty());
}

pub(crate) async fn the_backlog_counts_runs_and_pushes(f: &Fixture) {
    let Started { tenant, lead, .. } = started(f).await;
    f.store.push_create(vec![f.push(tenant, f.id(), lead)]).await.unwrap();
    let waits_since = Some(f.store.now());
    let expected = Backlog { pushes_due: 1, oldest_due_at: waits_since, ..Backlog::default() };
    assert_eq!(f.store.backlog().await.unwrap(), expected);
    f.clock.advance(limits::LEASE);
    assert_eq!(f.store.backlog().await.unwrap(), Backlog { runs_due: 1, ..expected });
}

pub(crate) async fn an_events_key_has_an_owner_once_it_is_settled(f: &Fixture) {
    let (tenant, account) = (f.tenant().await, f.id());
    let key = hookyard_model::dedup::DedupKey::of_lead("444");
    assert_eq!(f.store.event_owner(tenant, Some(account), key).await.unwrap(), None);
    let settlement = f.processed((tenant, account), "444", &[]).await;
    assert_eq!(f.store.event_owner(tenant, Some(account), key).await.unwrap(), Some(settlement.event));
    assert_eq!(f.store.event_owner(tenant, None, key).await.unwrap(), None);
    assert_eq!(f.store.event_owner(f.tenant().await, Some(account), key).await.unwrap(), None);
    assert_eq!(items(&settlement)[0].dedup, key);
}

pub(crate) async fn an_excluded_tenants_runs_are_passed_over(f: &Fixture) {
    let (first, second) = (started(f).await, started(f).await);
    f.clock.advance(limits::LEASE);
    let claimed = f.store.run_claim(10, &[first.tenant]).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.run.id).collect::<Vec<_>>(), [second.run.id]);
    let many: Vec<_> = (0..20).map(|_| f.id()).collect();
    let claimed = f.store.run_claim(10, &many).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.run.id).collect::<Vec<_>>(), [first.run.id]);
}

pub(crate) async fn a_subscription_names_its_transform(f: &Fixture) {
    let tenant = f.tenant().await;
    let flow = f.store.flow_create(new_flow(tenant, FlowStage::Transform)).await.unwrap().id;
    let (mut with, without) = (f.subscription(tenant), f.subscription(tenant));
    with.transform = Some(flow);
    for subscription in [&with, &without] {
        f.store.subscription_create(subscription.clone(), vec![]).await.unwrap();
    }
    assert_eq!(f.store.subscription_get(tenant, with.id).await.unwrap().unwrap().transform, Some(flow));
    let targets = f.store.subscription_targets(tenant).await.unwrap();
    assert_eq!(targets.iter().map(|(one, _)| one.transform).collect::<Vec<_>>(), [Some(flow), None]);
    let listed = f.store.subscription_list(tenant, None, PageRequest::first(ALL)).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.transform).collect::<Vec<_>>(), [None, Some(flow)]);
}
