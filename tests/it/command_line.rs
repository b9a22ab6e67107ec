//! The command line as its users meet it.

use std::path::Path;
use std::process::Output;

use hookyard::demo::receiver::Receiver;
use hookyard_model::id::{EventId, Noun as _, RunId, RunNoun};
use hookyard_model::run::RunStatus;
use serde_json::{Value, json};
use support::{Databases, TestApp, guests};
use tokio::process::Command;

use crate::PROGRAM;

async fn hookyard(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).env_remove("HOOKYARD_KEY").env("NO_COLOR", "1").output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_signature_is_verified_or_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, "Hello, World!").unwrap();
    let good = "x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let verify = async |secret: &str, header: &str| {
        hookyard(&["verify", "--style", "github", "--secret", secret, "--header", header, body.to_str().unwrap()]).await
    };
    let valid = verify("It's a Secret to Everybody", good).await;
    assert!(valid.status.success(), "{}{}", text(&valid.stdout), text(&valid.stderr));
    let wrong = verify("another secret", good).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(format!("{}{}", text(&wrong.stdout), text(&wrong.stderr)).contains("secret"));
}

#[tokio::test]
async fn an_unknown_word_is_a_usage_error_that_names_the_nearest() {
    let output = hookyard(&["serv"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("serve"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn help_fits_a_screen_and_begins_with_what_to_do() {
    let output = hookyard(&["--help"]).await;
    let help = text(&output.stdout);
    assert!(output.status.success() && help.lines().count() <= 45, "{help}");
    assert!(help.contains("hookyard demo"), "{help}");
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .arg("config")
        .current_dir(folder.path())
        .env("HOOKYARD_OPERATOR_KEY", "hy_canary_of_the_command_line_tests")
        .env("HOOKYARD_LISTEN", "127.0.0.1:1234")
        .output()
        .await
        .unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("127.0.0.1:1234") && shown.contains("HOOKYARD_LISTEN"), "{shown}");
    assert!(!shown.contains("hy_canary_of_the_command_line_tests"), "{shown}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_its_own_exit_code() {
    let output = hookyard(&["tenant", "list", "--url", "http://127.0.0.1:9"]).await;
    assert!(!output.status.success(), "{}", text(&output.stdout));
}

/// The command line of somebody who has a host and a tenant's key.
struct Terminal<'a> {
    app: &'a TestApp,
    key: &'a str,
    folder: &'a Path,
}

impl Terminal<'_> {
    /// Runs the program until it ends with this code; its standard output, and all that it said.
    async fn run(&self, line: &str, code: i32) -> (String, String) {
        let mut command = Command::new(PROGRAM);
        command.args(line.split(' ')).current_dir(self.folder).env("NO_COLOR", "1").env("HOOKYARD_KEY", self.key);
        command.env("HOOKYARD_URL", format!("http://{}", self.app.host().local_addr()));
        command.env("HOOKYARD_CREDENTIAL_API_KEY", "canary-of-a-credential");
        let output = command.output().await.unwrap();
        let (out, all) = (text(&output.stdout), format!("{}{}", text(&output.stdout), text(&output.stderr)));
        assert_eq!(output.status.code(), Some(code), "hookyard {line}: {all}");
        (out.trim_end().to_owned(), all)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }
}

/// A host, and the peer that its flows fetch from.
async fn app_with_peer() -> (TestApp, Receiver) {
    let peer = Receiver::start().await.unwrap();
    let url = peer.url();
    let app = TestApp::start_with(Databases::Sqlite, PROGRAM, |config| {
        config.provider_host.push(format!("peer.example.com={url}").parse().unwrap());
    });
    (app.await, peer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_had_again_here_byte_for_byte_and_another_component_is_told_apart() {
    let (app, peer) = app_with_peer().await;
    let (tenant, key) = app.tenant("acme").await;
    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal { app: &app, key: &key, folder: folder.path() };
    for (name, component) in
        [("patient.wasm", guests::PATIENT), ("again.wasm", guests::PATIENT), ("other.wasm", guests::UNRULY_FLOW)]
    {
        terminal.file(name, if name == "again.wasm" { guests::marked(component, 1) } else { component.to_vec() });
    }
    terminal.run("plugin push patient.wasm", 0).await;
    terminal.run("flow create patient --name Patience", 0).await;
    let (event, _) = terminal.run(r#"event publish patient.start --data {"do":"fetch-elsewhere"}"#, 0).await;
    let row = app.run_ended(tenant, event.parse::<EventId>().unwrap()).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
    let run = row.run.id.text();
    let fetched = peer.arrivals().len();

    let (listed, _) = terminal.run("flow runs Patience --status succeeded", 0).await;
    assert!(listed.contains(&run) && listed.contains(&event), "{listed}");
    let (shown, _) = terminal.run(&format!("flow run {run}"), 0).await;
    assert!(shown.contains("patient.done") && shown.contains("http.fetch POST"), "{shown}");

    let (same, _) = terminal.run(&format!("flow replay {run} --save run.json"), 0).await;
    assert_eq!(same, "same, byte for byte: 1 action");
    let (same, _) = terminal.run(&format!("flow replay {run} --component again.wasm"), 0).await;
    assert_eq!(same, "same, byte for byte: 1 action", "the same code in other bytes");
    let (same, _) =
        terminal.run("flow replay --journal run.json --component patient.wasm --url http://127.0.0.1:9", 0).await;
    assert_eq!(same, "same, byte for byte: 1 action", "without a host");
    let (other, _) = terminal.run("flow replay --journal run.json --component other.wasm", 1).await;
    assert!(other.contains("effect 1\n- state.get count\n+ http.fetch GET https://example.com/"), "{other}");

    let mut saved: Value = serde_json::from_slice(&std::fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    saved["actions"][0]["emit"]["data"]["count"] = json!(2);
    terminal.file("changed.json", saved.to_string());
    let (decided, _) = terminal.run("flow replay --journal changed.json --component patient.wasm", 1).await;
    assert!(decided.contains("-           \"count\": 2") && decided.contains("+           \"count\": 1"), "{decided}");
    assert_eq!(peer.arrivals().len(), fetched, "a replay fetches nothing");

    terminal.run("plugin push again.wasm --no-activate", 0).await;
    let (compared, _) = terminal.run("flow compare Patience --version 2", 0).await;
    assert!(compared.contains("1 runs replayed, 1 the same, 0 different"), "{compared}");
    terminal.run("flow activate Patience 2", 0).await;
    let (_, told) = terminal.run("flow rollback Patience", 0).await;
    assert!(told.contains("runs version 1"), "{told}");
    terminal.run(&format!("flow retry {run}"), 2).await;
    let nobodys = RunId::derived(row.run.id.made_at(), &["nobody"]).text();
    assert!(nobodys.starts_with(RunNoun::PREFIX));
    terminal.run(&format!("flow replay {nobodys}"), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_is_tested_on_a_host_and_without_one_and_does_nothing() {
    let (app, peer) = app_with_peer().await;
    let (_, key) = app.tenant("acme").await;
    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal { app: &app, key: &key, folder: folder.path() };
    terminal.file("patient.wasm", guests::PATIENT);
    terminal.file("open.json", r#"{"eventType":"patient.start","data":{"sleepMs":86400000}}"#);
    let answered = r#"{"event":{"eventType":"patient.start","data":{"sleepMs":86400000}},"state":{"count":"41"},
        "fetches":[{"status":200},{"status":204}]}"#;
    terminal.file("answered.json", answered);
    terminal.run("plugin push patient.wasm", 0).await;
    let (flow, _) = terminal.run("flow create patient --trigger other.*", 0).await;

    for line in ["flow test Patient", "flow test --component patient.wasm"] {
        let (open, _) = terminal.run(&format!("{line} --event open.json"), 1).await;
        assert!(open.contains("wants    http.fetch POST https://peer.example.com/first/1"), "{open}");
        let (tested, _) = terminal.run(&format!("{line} --event answered.json --json"), 0).await;
        let tested: Value = serde_json::from_str(&tested).unwrap();
        let data = &tested["actions"][0]["emit"]["data"];
        assert_eq!((&data["count"], &data["second"], &data["sleptMs"]), (&json!(42), &json!(204), &json!(true)));
        assert_eq!(tested["effects"].as_array().unwrap().len(), 4, "{tested}");
        let is_the_plugins = line.contains("component");
        assert_eq!(tested["matched"]["yes"], is_the_plugins, "the flow has a trigger of its own: {tested}");
    }
    assert!(peer.arrivals().is_empty());

    let (_, told) = terminal.run("flow pause Patient", 0).await;
    assert!(told.contains("paused"), "{told}");
    let (shown, _) = terminal.run("flow show Patient", 0).await;
    assert!(shown.contains("paused") && shown.contains("other.*") && shown.contains(&flow), "{shown}");
    terminal.run("flow resume Patient", 0).await;
    terminal.run("flow create patient", 0).await;
    let (_, several) = terminal.run("flow show Patient", 2).await;
    assert!(several.contains(&flow), "two have that name: {several}");
    terminal.run("flow show Impatient", 4).await;
    terminal.run(&format!("flow delete {flow}"), 0).await;
    let (left, _) = terminal.run("flow list", 0).await;
    assert!(!left.contains(&flow), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_goes_by_the_environment_and_is_never_shown() {
    let (app, _peer) = app_with_peer().await;
    let (_, key) = app.tenant("acme").await;
    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal { app: &app, key: &key, folder: folder.path() };
    terminal.file("enrich.wasm", guests::ENRICH);
    terminal.run("plugin push enrich.wasm", 0).await;
    let (_, without) = terminal.run("flow create enrich --name without", 0).await;
    assert!(without.contains("the credential `api_key` is not set"), "{without}");
    let (_, with) = terminal.run("flow create enrich --name with --credential api_key --stage before", 0).await;
    assert!(!with.contains("warning"), "{with}");
    let (_, shown) = terminal.run("flow show with --json", 0).await;
    assert!(shown.contains("api_key") && !shown.contains("canary-of-a-credential"), "{shown}");
}
