//! Replays: the example flows, in three languages, run on the host and had again from their journals, byte for byte.
//!
//! The JavaScript and the Python one are built by `hookyard plugin build`, where `tests/toolchains` has made what that
//! needs; elsewhere their tests say that they were skipped.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hookyard::demo::receiver::Receiver;
use hookyard_model::id::TenantId;
use hookyard_model::run::RunStatus;
use hookyard_store::RunRow;
use serde_json::{Value, json};
use support::{Databases, TestApp, guests};
use tokio::process::Command;

use crate::PROGRAM;

/// A host with a page of a tenant's, whose leads start flows; the key.
async fn app(peer: &Receiver) -> (TestApp, TenantId, String) {
    let url = peer.url();
    let app = TestApp::start_with(Databases::Sqlite, PROGRAM, |config| {
        for host in ["api.companies.example", "notify.example.com", "holidays.example.com"] {
            config.provider_host.push(format!("{host}={url}").parse().unwrap());
        }
    })
    .await;
    app.set_up_meta().await;
    let (tenant, key) = app.tenant("acme").await;
    app.page(&key, "111").await;
    (app, tenant, key)
}

/// What a lead of this e-mail address starts of the only flow, once it has ended.
async fn run_on_a_lead(app: &TestApp, tenant: TenantId, lead: &str) -> RunRow {
    app.graph.add(lead, &[("email", "ada@analytical.example"), ("full_name", "Ada Lovelace")]);
    let event = app.leadgen(&[("111", lead)]).await.events()[0];
    let ended = app.until("a run", async || {
        // Whatever it waits for is soon.
        app.clock.advance(Duration::from_secs(600));
        app.runs(tenant, event).await.into_iter().next().filter(|row| row.status != RunStatus::Running)
    });
    ended.await
}

/// `hookyard …`, with this tenant's key; what it said.
async fn hookyard(app: &TestApp, key: &str, arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("NO_COLOR", "1").env("HOOKYARD_KEY", key).env_remove("HOOKYARD_OPERATOR_KEY");
    command.env("HOOKYARD_URL", format!("http://{}", app.host().local_addr()));
    let output = command.output().await.unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "hookyard {}: {told}", arguments.join(" "));
    told
}

/// Replays a run from its downloaded journal, twice: as it was downloaded, and from the file that was kept of it.
async fn is_had_again(app: &TestApp, key: &str, row: &RunRow, component: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.json");
    let (run, journal) = (row.run.id.text(), journal.to_str().unwrap());
    let told = hookyard(app, key, &["flow", "replay", &run, "--save", journal], 0).await;
    assert!(told.contains("byte for byte"), "{told}");
    let kept: Value = serde_json::from_slice(&std::fs::read(journal).unwrap()).unwrap();
    assert_eq!(kept["journal"].as_array().map(Vec::len), usize::try_from(row.steps).ok(), "{kept}");
    let component = component.to_str().unwrap();
    let again = ["flow", "replay", "--journal", journal, "--component", component];
    assert!(hookyard(app, key, &again, 0).await.contains("byte for byte"));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Builds an example flow in a folder of its own; its component.
async fn build(flow: &str, folder: &Path) -> PathBuf {
    let from = repository().join("plugins/flows").join(flow);
    let copied = Command::new("cp").arg("-r").arg(&from).arg(folder).status().await.unwrap();
    assert!(copied.success());
    let built = repository().join("sdk/js/builder/target/release/hookyard-js");
    let mut command = Command::new(PROGRAM);
    command.args(["plugin", "build", flow]).current_dir(folder).env("NO_COLOR", "1");
    if std::env::var_os("HOOKYARD_JS").is_none() && built.is_file() {
        command.env("HOOKYARD_JS", built);
    }
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join(String::from_utf8(output.stdout).unwrap().trim())
}

async fn upload(app: &TestApp, key: &str, component: &Path) {
    let uploaded = app.upload(key, &std::fs::read(component).unwrap()).await;
    assert_eq!(uploaded.status, hyper::StatusCode::CREATED, "{}", uploaded.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_rust_is_had_again_byte_for_byte_and_another_version_is_told_apart() {
    let peer = Receiver::start().await.unwrap();
    let (app, tenant, key) = app(&peer).await;
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("speed_to_lead.wasm");
    std::fs::write(&component, guests::SPEED_TO_LEAD).unwrap();
    upload(&app, &key, &component).await;
    app.flow(&key, "speed_to_lead", json!({})).await;
    let row = run_on_a_lead(&app, tenant, "77").await;
    assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
    assert!(serde_json::to_string(&row.outcome.decision).unwrap().contains("lead.uncontacted"), "{row:?}");
    is_had_again(&app, &key, &row, &component).await;

    let other = folder.path().join("enrich.wasm");
    std::fs::write(&other, guests::ENRICH).unwrap();
    let run = row.run.id.text();
    let told = hookyard(&app, &key, &["flow", "replay", &run, "--component", other.to_str().unwrap()], 1).await;
    assert!(told.contains("clock.sleep") && told.contains("state.get"), "the step and both effects: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_javascript_is_had_again_byte_for_byte() {
    let built = repository().join("sdk/js/builder/target/release/hookyard-js");
    if std::env::var_os("HOOKYARD_JS").is_none() && !built.is_file() {
        eprintln!("skipped: no hookyard-js: set HOOKYARD_JS, or build sdk/js/builder; tests/toolchains does");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let component = build("round_robin", folder.path()).await;
    let peer = Receiver::start().await.unwrap();
    let (app, tenant, key) = app(&peer).await;
    upload(&app, &key, &component).await;
    let people = json!([{ "name": "A", "email": "a@acme.example" }, { "name": "B", "email": "b@acme.example" }]);
    app.flow(&key, "round_robin", json!({ "settings": { "people": people } })).await;
    let mut owners = Vec::new();
    for lead in ["77", "78", "79"] {
        let row = run_on_a_lead(&app, tenant, lead).await;
        assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
        let stored = app.host().store().lead_get(tenant, row.run.input.trigger.event.lead.unwrap()).await.unwrap();
        let fields = stored.unwrap().lead.custom_fields;
        owners.push(fields.into_iter().find(|field| field.name == "owner").unwrap().value);
        is_had_again(&app, &key, &row, &component).await;
    }
    assert_eq!(owners, ["a@acme.example", "b@acme.example", "a@acme.example"], "in turn, by what it remembers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_python_is_had_again_byte_for_byte() {
    if std::env::var_os("HOOKYARD_COMPONENTIZE_PY").is_none() {
        eprintln!("skipped: no componentize-py: set HOOKYARD_COMPONENTIZE_PY; tests/toolchains does");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let component = build("office_hours", folder.path()).await;
    let peer = Receiver::start().await.unwrap();
    let (app, tenant, key) = app(&peer).await;
    upload(&app, &key, &component).await;
    // The tests' clock begins on a Saturday.
    app.flow(&key, "office_hours", json!({})).await;
    let row = run_on_a_lead(&app, tenant, "77").await;
    assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
    assert!(row.steps >= 1, "it slept until the office opened: {row:?}");
    assert!(serde_json::to_string(&row.outcome.decision).unwrap().contains("lead.ready"), "{row:?}");
    is_had_again(&app, &key, &row, &component).await;
}
