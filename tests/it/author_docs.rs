//! The pages that authors start from: their commands are typed in as they stand, until a flow has run.
//!
//! All blocks of a page go through one shell, in their order, in an empty folder, with a tenant's key of the scope that
//! the pages ask for. What `cargo` compiles goes to a folder that is kept; and of the page on JavaScript one line is not
//! executed, see [`BUILDS_THE_BUILDER`]. Nothing else differs from what an author does.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hookyard_model::limits;
use hookyard_model::run::RunStatus;
use hookyard_store::{PageRequest, RunFilter};
use hyper::{Method, StatusCode};
use serde_json::json;
use support::{Databases, TestApp};
use tokio::process::Command;

use crate::author::{componentize_py, hookyard_js, repository, target};
use crate::{PROGRAM, app};

/// Takes ten minutes. In its place the program that it would have built is put on the `PATH`, where it would be.
const BUILDS_THE_BUILDER: &str = "cargo install --locked --path sdk/js/builder";
/// What no page may take longer for.
const WITHIN: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_on_rust_goes_from_nothing_to_a_flow_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    follow(&commands("rust"), folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_on_javascript_goes_from_nothing_to_a_flow_that_runs() {
    let Some(program) = hookyard_js() else { return };
    let folder = tempfile::tempdir().unwrap();
    link(&program.canonicalize().unwrap(), folder.path(), "hookyard-js");
    let commands = commands("js");
    let others: Vec<_> = commands.iter().filter(|line| *line != BUILDS_THE_BUILDER).cloned().collect();
    assert_eq!(others.len() + 1, commands.len(), "the line that is not executed: {commands:?}");
    follow(&others, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_on_python_goes_from_nothing_to_a_flow_that_runs() {
    // The page installs a builder of its own; this one only says that somebody wants that.
    if componentize_py().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    follow(&commands("python"), folder.path()).await;
}

#[test]
fn the_case_that_a_page_shows_is_one_of_its_template() {
    for (page, case) in [("js", "nobody_called"), ("python", "new_lead")] {
        for file in ["trigger.json", "expected.json"] {
            let path = repository().join(format!("sdk/{page}/template/flow/fixtures/{case}/{file}"));
            let shown = format!("```json\n{}```", std::fs::read_to_string(path).unwrap());
            assert!(text(page).contains(&shown), "{page} shows another {file} than {case} has");
        }
    }
}

#[test]
fn the_limits_on_the_pages_are_the_real_ones() {
    let mib = |bytes: usize| format!("{} MiB", bytes / (1024 * 1024));
    let interpreted = limits::GUEST_INTERPRETED_CPU_FACTOR;
    let classes = [
        (1, limits::COMPONENT_BYTES_MAX, limits::GUEST_MEMORY_BYTES_MAX, &["rust"][..]),
        (
            interpreted,
            limits::COMPONENT_INTERPRETED_BYTES_MAX,
            limits::GUEST_INTERPRETED_MEMORY_BYTES_MAX,
            &["js", "python"],
        ),
    ];
    for (factor, component, memory, pages) in classes {
        for page in pages {
            says(page, "component", &mib(component));
            says(page, "memory", &mib(memory));
            says(page, "CPU of a step", &format!("{} ms", (limits::FLOW_CPU * factor).as_millis()));
            says(page, "`receive`", &format!("{} ms", (limits::RECEIVE_CPU * factor).as_millis()));
        }
    }
    for page in ["rust", "python"] {
        says(page, "effects of a run", &limits::EFFECTS_PER_RUN_MAX.to_string());
        says(page, "log", &format!("{} KiB", limits::GUEST_LOG_BYTES_MAX / 1024));
        says(page, "returns", &mib(limits::GUEST_OUTPUT_BYTES_MAX));
    }
    let (answer, key) = (mib(limits::FETCH_RESPONSE_BYTES_MAX), limits::STATE_KEY_BYTES_MAX);
    says("rust", "an answer to a fetch", &format!("{answer}, {} s", limits::FETCH_TIMEOUT.as_secs()));
    says("rust", "all replies", &mib(limits::JOURNAL_BYTES_MAX));
    says("rust", "a sleep", &format!("{} days", limits::SLEEP_MAX.as_secs() / (24 * 3600)));
    says("rust", "returns", &format!("{} actions", limits::ACTIONS_PER_RUN_MAX));
    says("rust", "a state key", &format!("{key} bytes, {} KiB", limits::STATE_VALUE_BYTES_MAX / 1024));
    let keys = format!("{}, {},000", limits::STATE_WRITES_PER_RUN_MAX, limits::STATE_KEYS_PER_FLOW_MAX / 1000);
    says("rust", "state keys", &keys);
    says("rust", "follow from one another", &limits::EVENT_CHAIN_MAX.to_string());
    says("rust", "stage `before`", &format!("{} s", limits::BEFORE_WITHIN.as_secs()));
}

/// A row of a page's table of limits whose first column has `what` in it has `limit` in its second.
fn says(page: &str, what: &str, limit: &str) {
    let text = text(page);
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.split_once('|'));
    let found: Vec<_> = rows.filter(|(name, _)| name.contains(what)).map(|(_, most)| format!(" {most}")).collect();
    let has_it = |most: &String| most.replace([';', '|', ','], " ").contains(&format!(" {} ", limit.replace(',', " ")));
    assert!(found.iter().any(has_it), "{page}: {what} is at most {limit}, and the page says {found:?}");
}

fn text(page: &str) -> String {
    std::fs::read_to_string(repository().join("sdk").join(page).join("README.md")).unwrap()
}

/// The commands of a page, in their order: the lines of its blocks in `sh`.
fn commands(page: &str) -> Vec<String> {
    let text = text(page);
    let mut commands = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line.starts_with("```sh")) {
        commands.extend(lines.by_ref().take_while(|line| *line != "```").map(str::to_owned));
    }
    assert!(commands.len() > 6, "{page}: {commands:?}");
    commands
}

/// Types the commands in, each of which has to succeed, and so has the run that they lead to.
async fn follow(commands: &[String], folder: &Path) {
    let app = app(Databases::Sqlite).await;
    let (tenant, _) = app.tenant("acme").await;
    let key = json!({ "name": "author", "scopes": ["manage"] });
    let made = app.operate(Method::POST, &format!("/api/v1/tenants/{}/keys", tenant.text()), Some(&key)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    link(Path::new(PROGRAM), folder, "hookyard");
    let told = type_in(commands, folder, &app, &made.text("/key")).await;

    let succeeded = app.until("a run", async || {
        let runs = app.host().store().run_list(tenant, RunFilter::default(), PageRequest::first(10)).await.unwrap();
        runs.into_iter().find(|row| row.status != RunStatus::Running).map(|row| row.status)
    });
    assert_eq!(succeeded.await, RunStatus::Succeeded, "{told}");
}

/// One shell for all of them, for some change its folder. It says each before it does it, and ends at the first that
/// fails.
async fn type_in(commands: &[String], folder: &Path, app: &TestApp, key: &str) -> String {
    let projects = folder.join("projects");
    std::fs::create_dir(&projects).unwrap();
    let others = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-eux", "-c", &commands.join("\n")]).current_dir(projects).stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOOKYARD_") {
            shell.env_remove(name);
        }
    }
    shell.env("PATH", format!("{}:{others}", folder.join("bin").display())).env("CARGO_TARGET_DIR", target());
    shell.env("HOOKYARD_URL", format!("http://{}", app.host().local_addr())).env("HOOKYARD_KEY", key);
    let output = tokio::time::timeout(WITHIN, shell.output()).await.expect("an end").unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    told
}

/// Puts a program into the folder that is the first on the `PATH`, under a name.
fn link(program: &Path, folder: &Path, name: &str) {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(program, bin.join(name)).unwrap();
}
