//! Several nodes on one PostgreSQL: they share nothing but the database.

use std::time::Duration;

use hookyard_model::run::RunStatus;
use hyper::StatusCode;
use serde_json::json;
use support::{Databases, guests};

use crate::app;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_sleeps_goes_on_at_another_node() {
    let mut app = app(Databases::Postgres).await;
    let (tenant, key) = app.tenant("acme").await;
    let plugin = app.flow_plugin(&key, guests::PATIENT).await;
    app.flow(&key, &plugin, json!({ "settings": { "fetches": false } })).await;
    let event = app.publish(&key, "patient.start", json!({ "sleepMs": 3_600_000 })).await;
    app.run_until(tenant, event, |row| row.steps == 2).await;
    let folder = tempfile::tempdir().unwrap();
    let second = app.another_node(folder.path()).await;
    let first = app.switch_to(second).unwrap();
    first.shutdown();
    first.wait().await.unwrap();
    app.clock.advance(Duration::from_secs(3600));
    let row = app.run_ended(tenant, event).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_uploaded_at_one_node_runs_at_the_other() {
    let mut app = app(Databases::Postgres).await;
    let (tenant, key) = app.tenant("acme").await;
    app.upload(&key, &guests::marked(guests::PATIENT, 1)).await;
    app.flow(&key, "patient", json!({ "settings": { "fetches": false } })).await;
    let folder = tempfile::tempdir().unwrap();
    let second = app.another_node(folder.path()).await;
    let first = app.switch_to(second).unwrap();
    let version = async |app: &support::TestApp| {
        let event = app.publish(&key, "patient.start", json!({})).await;
        let row = app
            .until("a run", async || {
                app.clock.advance(Duration::from_millis(5));
                app.runs(tenant, event).await.into_iter().next().filter(|row| row.status != RunStatus::Running)
            })
            .await;
        assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
        row.run.by.version
    };
    assert_eq!(version(&app).await, 1, "the second node has it from the database");
    let second = app.switch_to(first).unwrap();
    let uploaded = app.upload(&key, &guests::marked(guests::PATIENT, 2)).await;
    assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.json());
    let first = app.switch_to(second).unwrap();
    app.until("the news", async || (version(&app).await == 2).then_some(())).await;
    first.shutdown();
    first.wait().await.unwrap();
}
