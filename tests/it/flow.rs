//! Flows: a run is durable, its effects are journaled, and what it decides happens once or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hookyard::demo::receiver::Receiver;
use hookyard_model::effect::{Effect, Entry, Reply};
use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_model::instant::Clock;
use hookyard_model::limits;
use hookyard_model::run::RunStatus;
use hookyard_store::{RunNext, RunSettled, RunSettlement};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, TestApp, guests};
use tokio::task::JoinSet;

use crate::{PROGRAM, on_both_databases};

on_both_databases! {
    a_run_reads_fetches_sleeps_for_days_over_a_restart_and_acts_once;
    a_fetch_that_fails_is_tried_again_and_carries_the_same_key;
    a_run_that_failed_for_its_credentials_goes_on_when_it_is_retried;
    a_run_that_asks_for_something_else_than_its_journal_says_is_stopped_with_both_named;
    every_way_of_misbehaving_has_its_own_blame_and_hurts_nobody_else;
    an_event_that_causes_itself_is_cut_at_the_end_of_its_chain;
    runs_that_change_the_same_state_at_once_do_so_one_after_the_other;
    an_upload_takes_over_under_load_and_runs_under_way_keep_their_version;
    a_version_that_traps_again_and_again_is_paused_and_the_last_good_one_put_back;
    a_tenant_begins_so_many_runs_a_day;
    one_tenants_loops_wait_for_their_share_while_others_run_on;
    a_filter_and_a_pause_keep_a_flow_from_running_and_the_story_says_so;
}

const DAYS: Duration = Duration::from_secs(3 * 24 * 3600);

/// A host, and the peer that its flows fetch from.
async fn app_with_peer(databases: Databases) -> (TestApp, Receiver) {
    let peer = Receiver::start().await.unwrap();
    let url = peer.url();
    let app = TestApp::start_with(databases, PROGRAM, |config| {
        config.provider_host.push(format!("peer.example.com={url}").parse().unwrap());
    });
    (app.await, peer)
}

async fn journal(app: &TestApp, key: &str, run: &str) -> Value {
    let shown = app.call(Method::GET, &format!("/api/v1/runs/{run}"), key, None).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.json());
    shown.json()
}

async fn a_run_reads_fetches_sleeps_for_days_over_a_restart_and_acts_once(databases: Databases) {
    let (mut app, peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    app.flow(&key, &plugin, json!({})).await;
    app.subscribe(&key, "/hooks", &["patient.done"]).await;
    let event =
        app.publish(&key, "patient.start", json!({ "sleepMs": u64::try_from(DAYS.as_millis()).unwrap() })).await;

    let wakes = app.clock.now().plus(DAYS);
    let asleep = app.run_until(tenant, event, |row| row.due_at == Some(wakes)).await;
    assert_eq!((asleep.status, asleep.steps), (RunStatus::Running, 3), "read, fetched and put to bed: {asleep:?}");
    app.restart().await;
    app.clock.advance(DAYS - Duration::from_millis(1));
    assert_eq!(app.host().store().backlog().await.unwrap().runs_due, 0, "not before its time");
    app.clock.advance(Duration::from_millis(1));

    let row = app.run_ended(tenant, event).await;
    assert_eq!((row.status, row.steps), (RunStatus::Succeeded, 4), "{row:?}");
    let done = app.until("the emitted event", async || app.events_of(tenant, "patient.done").await.pop()).await;
    let done = app.ended(tenant, done.id).await;
    assert_eq!((done.caused_by, done.run, done.depth), (Some(event), Some(row.run.id), 1), "{done:?}");
    let arrivals = app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;
    let body: Value = serde_json::from_slice(&arrivals[0].body).unwrap();
    assert!(arrivals[0].is_authentic);
    assert_eq!(body["data"]["count"], 1);
    assert_eq!(body["data"]["sleptMs"], true, "the guest's clock went with the sleep: {body}");

    let told: Vec<_> = peer.arrivals().iter().map(|arrival| arrival.path.clone()).collect();
    assert_eq!(told, ["/first/1", "/second/1"], "each effect was performed once");
    let keys: Vec<_> =
        peer.arrivals().iter().map(|arrival| arrival.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys, [format!("{}-2", row.run.id), format!("{}-4", row.run.id)]);
    let shown = journal(&app, &key, &row.run.id.text()).await;
    let effects: Vec<_> = shown["journal"].as_array().unwrap().iter().map(|entry| entry["effect"].clone()).collect();
    assert_eq!(effects[0], "state.get count");
    assert_eq!(effects[1], "http.fetch POST https://peer.example.com/first/1");
    assert!(effects[2].as_str().unwrap().starts_with("clock.sleep"));
}

async fn a_fetch_that_fails_is_tried_again_and_carries_the_same_key(databases: Databases) {
    let (app, peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    app.flow(&key, &plugin, json!({})).await;
    peer.answer_next([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]);
    let event = app.publish(&key, "patient.start", json!({})).await;
    let due = app.clock.now().plus(Duration::from_secs(2));
    let waits = app.run_until(tenant, event, |row| row.due_at == Some(due)).await;
    assert_eq!(
        (waits.failures, waits.steps),
        (1, 2),
        "the failed fetch is forgotten, what came before it kept: {waits:?}"
    );
    assert!(waits.outcome.reason.as_deref().unwrap_or_default().contains("503"), "{waits:?}");
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(app.run_ended(tenant, event).await.status, RunStatus::Succeeded);
    let arrivals = peer.arrivals();
    let told: Vec<_> = arrivals.iter().map(|arrival| arrival.path.as_str()).collect();
    assert_eq!(told, ["/first/1", "/second/1", "/second/1"]);
    assert_eq!(arrivals[1].header("idempotency-key"), arrivals[2].header("idempotency-key"));
    assert_ne!(arrivals[0].header("idempotency-key"), arrivals[1].header("idempotency-key"));
}

async fn a_run_that_failed_for_its_credentials_goes_on_when_it_is_retried(databases: Databases) {
    let (app, peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    app.flow(&key, &plugin, json!({})).await;
    peer.answer_next([StatusCode::OK, StatusCode::UNAUTHORIZED]);
    let event = app.publish(&key, "patient.start", json!({})).await;
    let failed = app.run_ended(tenant, event).await;
    assert_eq!((failed.status, failed.outcome.blame.as_deref()), (RunStatus::Failed, Some("unauthorized")));
    let path = format!("/api/v1/runs/{}/retry", failed.run.id);
    let retried = app.call(Method::POST, &path, &key, None).await;
    assert_eq!(retried.status, StatusCode::ACCEPTED, "{}", retried.json());
    let row = app.run_until(tenant, event, |row| row.status == RunStatus::Succeeded).await;
    assert_eq!(row.steps, 3);
    let told: Vec<_> = peer.arrivals().iter().map(|arrival| arrival.path.clone()).collect();
    assert_eq!(told, ["/first/1", "/second/1", "/second/1"], "what was refused is asked again, and nothing else");
}

/// No guest can bring this about by itself, for all that it sees is the same at every replay; so its journal is changed.
async fn a_run_that_asks_for_something_else_than_its_journal_says_is_stopped_with_both_named(databases: Databases) {
    let (app, _peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    app.flow(&key, &plugin, json!({})).await;
    let event = app.publish(&key, "patient.start", json!({ "sleepMs": 60_000 })).await;
    let asleep = app.run_until(tenant, event, |row| row.steps == 3).await;
    let store = app.host().store();
    let mut journal = store.run_journal(tenant, asleep.run.id).await.unwrap();
    let other = Effect::StateGet { key: "another".to_owned() };
    journal[0] = Entry::new(&other, Reply::State(None), app.clock.now());
    let settlement = RunSettlement {
        tenant,
        run: asleep.run.id,
        flow: asleep.run.flow,
        tries: asleep.tries,
        failures: 0,
        keep: 0,
        append: journal,
        next: RunNext::Waits { due_at: app.clock.now() },
        outcome: asleep.outcome,
    };
    assert_eq!(store.settle_run(settlement).await.unwrap(), RunSettled::Done);
    let row = app.run_ended(tenant, event).await;
    assert_eq!((row.status, row.outcome.blame.as_deref()), (RunStatus::Failed, Some("diverged")), "{row:?}");
    let reason = row.outcome.reason.unwrap();
    for named in ["effect 1", "`state.get count`", "`state.get another`"] {
        assert!(reason.contains(named), "{reason}");
    }
}

async fn misbehave(app: &TestApp, tenant: TenantId, key: &str, what: &str) -> hookyard_store::RunRow {
    let event = app.publish(key, "unruly", json!({ "do": what })).await;
    app.run_ended(tenant, event).await
}

async fn every_way_of_misbehaving_has_its_own_blame_and_hurts_nobody_else(databases: Databases) {
    let (app, _peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let (other, others) = app.tenant("other").await;
    let plugin = app.flow_plugin(&key, guests::UNRULY_FLOW).await;
    app.flow(&key, &plugin, json!({ "triggers": ["unruly"] })).await;
    let good = app.flow_plugin(&others, guests::PATIENT).await;
    app.flow(&others, &good, json!({ "settings": { "fetches": false } })).await;
    for (index, (what, blame, says)) in [
        ("trap", "trapped", "told to panic"),
        ("loop", "out_of_time", "out of time"),
        ("recurse", "trapped", "recursed too deep"),
        ("grow", "out_of_memory", "out of memory"),
        ("flood-host", "asked_too_much", "called the host more than"),
        ("flood-output", "nonsense", "output is larger"),
        ("flood-hostcall", "nonsense", "more than 8 MiB"),
        ("flood-actions", "nonsense", "200 actions"),
        ("speak-nonsense", "nonsense", "not JSON"),
        ("speak-no-text", "nonsense", "utf-8"),
        ("no-event-type", "nonsense", "type is empty"),
        ("flood-journal", "asked_too_much", "more than 64 effects"),
        ("flood-state", "nonsense", "state keys"),
        ("big-state", "nonsense", "state value"),
        ("bad-key", "nonsense", "state key"),
        ("sleep-for-ever", "asked_too_much", "sleep"),
        ("leak-handles", "asked_too_much", "1000 handles"),
        ("exit", "trapped", "ended itself"),
        ("refuse", "refused", "told to refuse"),
        ("unauthorized", "unauthorized", "told to say so"),
        ("drop-too-late", "refused", "stage `before`"),
        ("push-nowhere", "refused", "no lead to push"),
        ("change-nobody", "refused", "no lead to change"),
    ]
    .into_iter()
    .enumerate()
    {
        // A version that fails this often would be paused; here it shall not be.
        if index % 10 == 9 {
            let again = app.upload(&key, &guests::marked(guests::UNRULY_FLOW, u16::try_from(index).unwrap())).await;
            assert_eq!(again.status, StatusCode::CREATED, "{}", again.json());
        }
        let row = misbehave(&app, tenant, &key, what).await;
        let reason = row.outcome.reason.clone().unwrap_or_default();
        assert_eq!((row.status, row.outcome.blame.as_deref()), (RunStatus::Failed, Some(blame)), "{what}: {reason}");
        assert!(reason.to_lowercase().contains(&says.to_lowercase()), "{what}: {reason}");
        assert!(row.outcome.decision.is_none(), "{what}: nothing of it is committed");
        let event = app.publish(&others, "patient.start", json!({})).await;
        assert_eq!(app.run_ended(other, event).await.status, RunStatus::Succeeded, "others run on after {what}");
    }
    for what in ["flood-log", "flood-stdout"] {
        let row = misbehave(&app, tenant, &key, what).await;
        assert_eq!(row.status, RunStatus::Succeeded, "{what}: too much to say is no failure");
        let kept: usize = row.outcome.log.iter().map(String::len).sum();
        assert!((1_000..20_000).contains(&kept), "{what}: {kept} bytes of log");
    }
    for what in ["fetch-elsewhere", "fetch-metadata"] {
        let row = misbehave(&app, tenant, &key, what).await;
        assert_eq!(row.status, RunStatus::Succeeded, "{what}: {row:?}");
        assert!(format!("{:?}", row.outcome.decision).contains("Refused"), "{what}: {:?}", row.outcome.decision);
    }
}

async fn an_event_that_causes_itself_is_cut_at_the_end_of_its_chain(databases: Databases) {
    let (app, _peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::UNRULY_FLOW).await;
    app.flow(&key, &plugin, json!({ "triggers": ["unruly"] })).await;
    app.publish(&key, "unruly", json!({ "do": "emit-loop" })).await;
    let most = usize::try_from(limits::EVENT_CHAIN_MAX).unwrap();
    let last = app.until("the chain's end", async || {
        let events = app.events_of(tenant, "unruly").await;
        events.into_iter().find(|event| event.depth == limits::EVENT_CHAIN_MAX)
    });
    let run = app.run_ended(tenant, last.await.id).await;
    assert_eq!((run.status, run.outcome.blame.as_deref()), (RunStatus::Failed, Some("refused")));
    assert!(run.outcome.reason.as_deref().unwrap_or_default().contains("in its chain"), "{run:?}");
    assert_eq!(app.events_of(tenant, "unruly").await.len(), most + 1, "and no further");
}

async fn runs_that_change_the_same_state_at_once_do_so_one_after_the_other(databases: Databases) {
    const RUNS: u64 = 25;
    let (app, _peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    let flow = app.flow(&key, &plugin, json!({ "settings": { "fetches": false } })).await;
    let events: Vec<Value> = (0..RUNS).map(|_| json!({ "type": "patient.start", "data": {} })).collect();
    let published = app.call(Method::POST, "/api/v1/events", &key, Some(&Value::Array(events))).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.json());
    let mut counts = BTreeSet::new();
    for event in published.events() {
        // Runs that were in each other's way for long are put off by some milliseconds.
        let row = app
            .until("a run", async || {
                app.clock.advance(Duration::from_millis(5));
                app.runs(tenant, event).await.into_iter().next().filter(|row| row.status != RunStatus::Running)
            })
            .await;
        assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
        let decided = serde_json::to_value(&row.outcome.decision).unwrap();
        let data: Value = serde_json::from_str(decided["actions"][0]["emit"]["data"].as_str().unwrap()).unwrap();
        counts.insert(data["count"].as_u64().unwrap());
    }
    assert_eq!(counts, (1..=RUNS).collect(), "each run counted on from another");
    let kept = app.host().store().state_get(tenant, flow, "count").await.unwrap().unwrap();
    assert_eq!(kept.value, RUNS.to_string().as_bytes());
}

/// Publishes all the time; uploads a new version meanwhile, and goes back to the first. A run that sleeps since before
/// the switch ends on the version with which it began.
async fn an_upload_takes_over_under_load_and_runs_under_way_keep_their_version(databases: Databases) {
    const CALM: u64 = 40;
    let (app, _peer) = app_with_peer(databases).await;
    let app = Arc::new(app);
    let (tenant, key) = app.tenant("acme").await;
    let first = app.upload(&key, &guests::marked(guests::PATIENT, 1)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.json());
    let plugin = first.text("/plugin");
    app.flow(&key, "patient", json!({ "settings": { "fetches": false } })).await;
    let sleepy = app.publish(&key, "patient.start", json!({ "sleepMs": 60_000 })).await;
    let asleep = app.run_until(tenant, sleepy, |row| row.steps == 2).await;
    assert_eq!(asleep.run.by.version, 1);

    let mut published: Vec<EventId> = Vec::new();
    for round in 0..3 {
        let mut posts = JoinSet::new();
        for number in 0..CALM {
            let (app, key) = (Arc::clone(&app), key.clone());
            posts.spawn(async move { app.publish(&key, "patient.start", json!({ "number": number })).await });
        }
        match round {
            1 => {
                let second = app.upload(&key, &guests::marked(guests::PATIENT, 2)).await;
                assert_eq!(second.status, StatusCode::CREATED, "{}", second.json());
            }
            2 => {
                let back = app.call(Method::POST, &format!("/api/v1/plugins/{plugin}/rollback"), &key, None).await;
                assert_eq!(back.status, StatusCode::OK, "{}", back.json());
            }
            _ => {}
        }
        published.extend(posts.join_all().await);
    }
    let mut versions = BTreeSet::new();
    for event in &published {
        let row = app
            .until("a run", async || {
                app.clock.advance(Duration::from_millis(5));
                let runs = app.runs(tenant, *event).await;
                assert!(runs.len() <= 1, "none runs twice");
                runs.into_iter().next().filter(|row| row.status != RunStatus::Running)
            })
            .await;
        assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
        versions.insert(row.run.by.version);
    }
    assert_eq!(published.len() as u64, 3 * CALM);
    assert!(versions.contains(&1), "{versions:?}");
    let woken = app
        .until("the sleeper", async || {
            // What it read before it slept was changed meanwhile: it reads again, and sleeps again.
            app.clock.advance(Duration::from_secs(61));
            app.runs(tenant, sleepy).await.into_iter().next().filter(|row| row.status != RunStatus::Running)
        })
        .await;
    assert_eq!((woken.status, woken.run.by.version), (RunStatus::Succeeded, 1), "{woken:?}");
    let kept = published.len() + 1;
    let done = app.until("all that was emitted", async || {
        let count = app.host().store().run_count_since(tenant, hookyard_model::instant::Instant::EPOCH).await.unwrap();
        (count == kept as u64).then_some(count)
    });
    assert_eq!(done.await, kept as u64);
}

async fn a_version_that_traps_again_and_again_is_paused_and_the_last_good_one_put_back(databases: Databases) {
    let (app, _peer) = app_with_peer(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::UNRULY_FLOW).await;
    let second = app.upload(&key, &guests::marked(guests::UNRULY_FLOW, 2)).await;
    assert_eq!(second.text("/version"), "");
    let flow = app.flow(&key, "unruly_flow", json!({ "triggers": ["unruly"] })).await;
    app.subscribe(&key, "/hooks", &["plugin.paused"]).await;
    for _ in 0..limits::TRAPS_MAX {
        assert_eq!(misbehave(&app, tenant, &key, "trap").await.run.by.version, 2);
    }
    let told = app.until("an operational event", async || app.events_of(tenant, "plugin.paused").await.pop()).await;
    let (_, bodies) = app.host().store().event_get(tenant, told.id).await.unwrap().unwrap();
    let data: Value = serde_json::from_str(&bodies.payload).unwrap();
    assert_eq!((data["version"].as_u64(), data["activeVersion"].as_u64()), (Some(2), Some(1)), "{data}");
    let well = misbehave(&app, tenant, &key, "nothing").await;
    assert_eq!((well.status, well.run.by.version), (RunStatus::Succeeded, 1), "the last good one is back");
    app.receiver.wait_until(|arrivals| !arrivals.is_empty()).await;

    for _ in 0..limits::TRAPS_MAX {
        misbehave(&app, tenant, &key, "trap").await;
    }
    app.until("the second event", async || (app.events_of(tenant, "plugin.paused").await.len() == 2).then_some(()))
        .await;
    let event = app.publish(&key, "unruly", json!({ "do": "nothing" })).await;
    let row = app.ended(tenant, event).await;
    assert!(app.runs(tenant, event).await.is_empty());
    assert!(row.outcome.flows.iter().any(|note| note.flow == flow && note.why.contains("no version")), "{row:?}");
}

async fn a_tenant_begins_so_many_runs_a_day(databases: Databases) {
    let app = TestApp::start_with(databases, PROGRAM, |config| config.runs_per_day = 3).await;
    let (tenant, key) = app.tenant("acme").await;
    let (other, others) = app.tenant("other").await;
    for key in [&key, &others] {
        app.flow_plugin(key, guests::GATE).await;
        app.flow(key, "gate", json!({ "triggers": ["tick"] })).await;
    }
    for _ in 0..3 {
        let event = app.publish(&key, "tick", json!({})).await;
        assert_eq!(app.run_ended(tenant, event).await.status, RunStatus::Succeeded);
    }
    let event = app.publish(&key, "tick", json!({})).await;
    let limited = app.run_ended(tenant, event).await;
    assert_eq!(limited.status, RunStatus::Limited);
    assert_eq!(app.ended(tenant, event).await.status, EventStatus::Processed, "the event itself goes on");
    let event = app.publish(&others, "tick", json!({})).await;
    assert_eq!(app.run_ended(other, event).await.status, RunStatus::Succeeded, "another tenant has its own");
    app.clock.advance(Duration::from_secs(24 * 3600));
    let again = app.call(Method::POST, &format!("/api/v1/runs/{}/retry", limited.run.id), &key, None).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.json());
    app.until("the limited run", async || {
        let row = app.host().store().run_get(tenant, limited.run.id).await.unwrap();
        row.filter(|row| row.status == RunStatus::Succeeded)
    })
    .await;
}

async fn one_tenants_loops_wait_for_their_share_while_others_run_on(databases: Databases) {
    let (app, _peer) = app_with_peer(databases).await;
    let (hostile, key) = app.tenant("hostile").await;
    let (other, others) = app.tenant("other").await;
    app.flow_plugin(&key, guests::UNRULY_FLOW).await;
    app.flow(&key, "unruly_flow", json!({ "triggers": ["unruly"] })).await;
    app.flow_plugin(&others, guests::PATIENT).await;
    app.flow(&others, "patient", json!({ "settings": { "fetches": false } })).await;
    // More work than its savings of five seconds' share.
    let events: Vec<Value> = (0..500).map(|_| json!({ "type": "unruly", "data": { "do": "spin" } })).collect();
    let published = app.call(Method::POST, "/api/v1/events", &key, Some(&Value::Array(events))).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.json());
    let began = std::time::Instant::now();
    for _ in 0..20 {
        let event = app.publish(&others, "patient.start", json!({})).await;
        assert_eq!(app.run_ended(other, event).await.status, RunStatus::Succeeded);
    }
    let mut used = Duration::ZERO;
    for status in [RunStatus::Running, RunStatus::Succeeded] {
        let filter = hookyard_store::RunFilter { status: Some(status), ..Default::default() };
        let page = hookyard_store::PageRequest::first(500);
        let rows = app.host().store().run_list(hostile, filter, page).await.unwrap();
        assert!(status == RunStatus::Succeeded || !rows.is_empty(), "its loops are not done long before");
        used += rows.iter().map(|row| Duration::from_micros(row.outcome.cpu_us)).sum::<Duration>();
    }
    // What it had saved, what it has earned since, and what was under way.
    let share = limits::FLOW_CPU_PER_SECOND;
    let most = share * 5 + share.mul_f64(began.elapsed().as_secs_f64() + 1.0) + 16 * limits::FLOW_CPU;
    assert!(used <= most, "{used:?} of CPU, and its share was {most:?}");
}

async fn a_filter_and_a_pause_keep_a_flow_from_running_and_the_story_says_so(databases: Databases) {
    let app = TestApp::start_with(databases, PROGRAM, |_| {}).await;
    let (tenant, key) = app.tenant("acme").await;
    app.flow_plugin(&key, guests::GATE).await;
    let more = json!({ "triggers": ["deal.*"], "filter": { "amount": { "$gte": 100 } } });
    let flow = app.flow(&key, "gate", more).await;
    let note = async |event| {
        let row = app.ended(tenant, event).await;
        row.outcome.flows.into_iter().find(|note| note.flow == flow).unwrap()
    };
    let small = app.publish(&key, "deal.won", json!({ "amount": 99 })).await;
    let said = note(small).await;
    assert!(said.run.is_none() && said.why.contains("amount"), "{said:?}");
    let big = app.publish(&key, "deal.won", json!({ "amount": 100 })).await;
    assert!(note(big).await.run.is_some());
    let elsewhere = app.publish(&key, "lead.won", json!({ "amount": 100 })).await;
    assert!(note(elsewhere).await.why.contains("matches none"));
    let paused = json!({ "status": "paused" });
    let answer = app.call(Method::PATCH, &format!("/api/v1/flows/{flow}"), &key, Some(&paused)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let late = app.publish(&key, "deal.won", json!({ "amount": 100 })).await;
    assert!(note(late).await.why.contains("paused"));
}
