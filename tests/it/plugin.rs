//! Plugins: what is refused at the door, what is blamed inside, and switching under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hookyard_model::event::EventStatus;
use hookyard_model::id::{EventId, TenantId};
use hookyard_store::EventRow;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Databases, TestApp, guests, sign};
use tokio::task::JoinSet;

use crate::{app, on_both_databases};

on_both_databases! {
    an_upload_takes_over_under_load_and_a_rollback_too_and_nothing_is_lost;
    every_way_of_misbehaving_has_its_own_blame_and_hurts_nobody_else;
}

/// Connects an account of the unruly provider; what its webhooks go to.
async fn unruly(app: &TestApp, key: &str) -> String {
    let account = json!({ "provider": "unruly", "accountKey": "1", "secrets": { "token": "let me in" } });
    let made = app.call(Method::POST, "/api/v1/accounts", key, Some(&account)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    format!("/webhook/unruly/{}", made.text("/id"))
}

async fn misbehave(app: &TestApp, tenant: TenantId, path: &str, what: &str) -> EventRow {
    let body = json!({ "do": what }).to_string();
    let answer = app.post(path, &[("x-token", "let me in")], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.json());
    app.ended(tenant, answer.events()[0]).await
}

async fn every_way_of_misbehaving_has_its_own_blame_and_hurts_nobody_else(databases: Databases) {
    let app = app(databases).await;
    let (tenant, key) = app.tenant("acme").await;
    let uploaded = app.upload(&key, guests::UNRULY).await;
    assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.json());
    let path = unruly(&app, &key).await;
    for (what, says) in [
        ("trap", "told to panic"),
        ("loop", "out of time"),
        ("recurse", "recursed too deep"),
        ("grow", "out of memory"),
        ("flood-host", "asked too much"),
        ("flood-output", "output is larger"),
        ("flood-hostcall", "nonsense"),
        ("speak-nonsense", "not JSON"),
        ("fetch-for-ever", "more than 64 effects"),
        ("exit", "ended itself"),
        ("refuse", "told to refuse"),
    ] {
        let row = misbehave(&app, tenant, &path, what).await;
        let reason = row.outcome.reason.unwrap_or_default();
        assert_eq!(row.status, EventStatus::Failed, "{what}: {reason}");
        assert!(reason.contains(says), "{what}: {reason}");
        let well = misbehave(&app, tenant, &path, "nothing").await;
        let duplicate_or_done = [EventStatus::Processed, EventStatus::Duplicate].contains(&well.status);
        assert!(duplicate_or_done, "the host serves on after {what}: {:?}", well.outcome);
    }
    for what in ["flood-log", "flood-stdout"] {
        let row = misbehave(&app, tenant, &path, what).await;
        assert_eq!(row.status, EventStatus::Processed, "{what}: too much to say is no failure");
        let kept: usize = row.outcome.log.iter().map(String::len).sum();
        assert!((1_000..20_000).contains(&kept), "{what}: {kept} bytes of log");
    }
    for (what, says) in [("fetch-elsewhere", "Refused"), ("fetch-metadata", "Refused"), ("read-secret", "true")] {
        let row = misbehave(&app, tenant, &path, what).await;
        assert_eq!(row.status, EventStatus::Processed, "{what}: {:?}", row.outcome);
        let (_, bodies) = app.host().store().event_get(tenant, row.id).await.unwrap().unwrap();
        assert!(bodies.data.clone().unwrap_or_default().contains(says), "{what}: {:?}", bodies.data);
    }
    for what in ["loop", "trap", "recurse", "grow", "exit"] {
        let answer = app.post(&path, &[("x-token", "let me in"), ("x-do", what)], "{}").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what} in receive");
        assert!(answer.headers.contains_key("retry-after"));
    }
    let refused = app.post(&path, &[("x-token", "wrong")], "{}").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// Posts 200 webhooks a second; uploads a new version meanwhile, and goes back to the first.
async fn an_upload_takes_over_under_load_and_a_rollback_too_and_nothing_is_lost(databases: Databases) {
    let app = Arc::new(app(databases).await);
    let (tenant, key) = app.tenant("acme").await;
    let first = app.upload(&key, &guests::marked(guests::GITHUB, 1)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.json());
    let plugin = first.text("/plugin");
    let path = app.repository(&key, "acme/repository", "secret").await;
    let mut load = Load { app: Arc::clone(&app), path, posts: JoinSet::new(), number: 0 };

    load.while_doing(async {}).await;
    load.while_doing(async {
        let second = app.upload(&key, &guests::marked(guests::GITHUB, 2)).await;
        assert_eq!(second.status, StatusCode::CREATED, "{}", second.json());
    })
    .await;
    load.while_doing(async {
        let back = app.call(Method::POST, &format!("/api/v1/plugins/{plugin}/rollback"), &key, None).await;
        assert_eq!(back.status, StatusCode::OK, "{}", back.json());
    })
    .await;

    let mut versions: BTreeMap<u32, usize> = BTreeMap::new();
    let mut newest = (String::new(), 0);
    while let Some(event) = load.posts.join_next().await {
        let row = app.ended(tenant, event.unwrap()).await;
        assert_eq!(row.status, EventStatus::Processed, "{:?}", row.outcome);
        let version = row.outcome.normalized_by.unwrap().version;
        *versions.entry(version).or_default() += 1;
        newest = newest.max((row.provider_event_id.unwrap(), version));
    }
    assert_eq!(versions.values().sum::<usize>(), load.number, "every post is one event");
    assert!(versions[&1] >= 2 * CALM && versions[&2] >= CALM / 2, "each version handled its share: {versions:?}");
    assert_eq!(newest.1, 1, "after the rollback the first version runs again, and the story says so");
}

/// Posts that go on while something else is done.
struct Load {
    app: Arc<TestApp>,
    path: String,
    posts: JoinSet<EventId>,
    number: usize,
}

/// Posts before and after what is done under load.
const CALM: usize = 100;

impl Load {
    /// Posts every 5 ms while `work` is done, and `CALM` more.
    async fn while_doing(&mut self, work: impl Future<Output = ()>) {
        let mut work = std::pin::pin!(work);
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        loop {
            tokio::select! {
                () = &mut work => break,
                _ = pace.tick() => self.post(),
            }
        }
        for _ in 0..CALM {
            pace.tick().await;
            self.post();
        }
    }

    fn post(&mut self) {
        let (app, path, number) = (Arc::clone(&self.app), self.path.clone(), self.number);
        self.number += 1;
        self.posts.spawn(async move {
            let body = json!({ "number": number }).to_string();
            let signature = sign::hub("secret", body.as_bytes());
            let delivery = format!("delivery-{number:06}");
            let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", &delivery)];
            let answer = app.post(&path, &headers, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
            answer.events()[0]
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_plugin_is_refused_with_a_sentence_that_says_why() {
    let app = app(Databases::Sqlite).await;
    let (_, key) = app.tenant("acme").await;
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let imports = |name: &str| wat(&format!(r#"(component (import "{name}" (instance)))"#));
    let exports_provider = r#"(instance $provider) (export "hookyard:plugin/provider@0.1.0" (instance $provider))"#;
    for (what, component, says) in [
        ("nothing", vec![], "empty file"),
        ("a core module", wat("(module)"), "core WebAssembly module"),
        ("text", b"(component)".to_vec(), "WebAssembly text"),
        ("a program", b"\x7fELF\x02\x01\x01".to_vec(), "ELF"),
        ("a picture", b"\x89PNG\r\n".to_vec(), "something else"),
        ("half a component", guests::GITHUB[..guests::GITHUB.len() / 2].to_vec(), "damaged"),
        ("an empty component", wat("(component)"), "exports nothing"),
        ("a flow", wat(r#"(component (instance $f) (export "hookyard:plugin/flow@0.1.0" (instance $f)))"#), "flow"),
        (
            "an import of the network",
            wat(&format!(r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance)) {exports_provider})"#)),
            "wasi:http/outgoing-handler@0.2.0",
        ),
        (
            "an import of a flow's",
            wat(&format!(r#"(component (import "hookyard:plugin/state@0.1.0" (instance)) {exports_provider})"#)),
            "hookyard:plugin/state@0.1.0",
        ),
        ("an empty provider", wat(&format!("(component {exports_provider})")), "wrong types"),
        (
            "another contract",
            wat(r#"(component (instance $p) (export "hookyard:plugin/provider@9.9.9" (instance $p)))"#),
            "9.9.9",
        ),
        ("an unknown import", imports("env:host/x@1.0.0"), "exports nothing"),
        ("a shared memory", wat("(component (core module (memory 1 1 shared)))"), "not valid"),
        ("a memory of 4 GiB", wat("(component (core module $m (memory 65536)) (core instance (instantiate $m)))"), ""),
    ] {
        let answer = app.upload(&key, &component).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {}", answer.json());
        assert_eq!(answer.text("/type"), "urn:hookyard:problem:invalid-component", "{what}");
        assert!(answer.text("/detail").contains(says), "{what}: {}", answer.text("/detail"));
    }
    let large = vec![0; hookyard_model::limits::COMPONENT_INTERPRETED_BYTES_MAX + 1];
    assert_eq!(app.upload(&key, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let bearer = format!("Bearer {key}");
    let json = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = app.send(Method::POST, "/api/v1/plugins", &json, "{}").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", answer.json());
    let listed = app.call(Method::GET, "/api/v1/plugins", &key, None).await;
    assert_eq!(listed.json()["data"], Value::Array(vec![]), "nothing of it was kept");
    let checked = app
        .send(
            Method::POST,
            "/api/v1/plugins/check",
            &[("authorization", bearer.as_str()), ("content-type", "application/wasm")],
            guests::UNRULY,
        )
        .await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.json());
    assert_eq!(checked.text("/manifest/id"), "unruly");
    let listed = app.call(Method::GET, "/api/v1/plugins", &key, None).await;
    assert_eq!(listed.json()["data"], Value::Array(vec![]), "a check keeps nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_own_plugin_shadows_the_operators_for_that_tenant_alone() {
    let app = app(Databases::Sqlite).await;
    let (mine, my_key) = app.tenant("mine").await;
    let (theirs, their_key) = app.tenant("theirs").await;
    let uploaded = app.upload(&my_key, &guests::marked(guests::GITHUB, 7)).await;
    assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.json());
    let digest = uploaded.text("/digest");
    for (tenant, key, is_mine) in [(mine, &my_key, true), (theirs, &their_key, false)] {
        let path = app.repository(key, "a/repository", "secret").await;
        let signature = sign::hub("secret", b"{}");
        let event = app.post(&path, &[("x-hub-signature-256", &signature)], "{}").await.events()[0];
        let run = app.ended(tenant, event).await.outcome.normalized_by.unwrap();
        assert_eq!(digest.starts_with(&run.digest), is_mine);
    }
    let plugin = uploaded.text("/plugin");
    let foreign = app.call(Method::GET, &format!("/api/v1/plugins/{plugin}"), &their_key, None).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
}

/// A component that is put into the watched folder runs, and a newer one in its place takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_is_put_into_the_folder_runs_for_all_tenants() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let app =
        support::TestApp::start_with(Databases::Sqlite, crate::PROGRAM, |config| config.plugins = Some(path)).await;
    let (tenant, key) = app.tenant("acme").await;
    let file = folder.path().join("gate.wasm");
    std::fs::write(folder.path().join("broken.wasm"), b"\0asm nonsense").unwrap();
    std::fs::write(&file, &guests::GATE[..guests::GATE.len() / 2]).unwrap();
    // Half of it is refused; the whole of it is taken when it is there.
    std::fs::write(&file, guests::GATE).unwrap();
    let offered = async |version: u32| {
        let store = app.host().store().clone();
        let look = async || {
            let found = store.plugin_resolve(Some(tenant), hookyard_model::plugin::World::Flow, "gate").await.unwrap();
            found.filter(|found| found.version == version)
        };
        app.until("a version", look).await
    };
    let first = offered(1).await;
    assert_eq!(first.origin, hookyard_model::plugin::Origin::Folder);
    app.flow(&key, "gate", json!({ "triggers": ["tick"], "settings": { "do": "count" } })).await;
    let event = app.publish(&key, "tick", json!({})).await;
    assert_eq!(app.run_ended(tenant, event).await.run.by.version, 1);
    std::fs::write(&file, guests::marked(guests::GATE, 2)).unwrap();
    offered(2).await;
    let event = app.publish(&key, "tick", json!({})).await;
    app.until("the new version", async || {
        let row = app.runs(tenant, event).await.into_iter().next()?;
        (row.run.by.version == 2).then_some(())
    })
    .await;
}
