//! What an author of plugins does: fixtures through the sandbox, and a new plugin from the command line alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hookyard::cli::COMPILE_ARGUMENT;
use hookyard::fixtures;
use hookyard_sandbox::{CodeCache, Compiler, Config, Sandbox};
use support::guests;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::PROGRAM;

const WORLDS: [&str; 3] = ["provider", "flow", "destination"];
/// What no line may take longer to come.
const WITHIN: Duration = Duration::from_secs(300);

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every case of a first-party provider, through wasm and with its proofs made.
async fn pass_through_the_sandbox(component: &[u8], provider: &str, cases_min: usize) {
    let folder = tempfile::tempdir().unwrap();
    let compiler = Compiler::new(PROGRAM.into(), COMPILE_ARGUMENT);
    let cache = CodeCache::new(folder.path(), [0; 32]);
    let sandbox = Sandbox::start(Config { threads: 1, compiler, cache }).unwrap();
    let checked = sandbox.check(component.to_vec()).await.unwrap();
    let cases = repository().join("plugins/providers").join(provider).join("fixtures");
    let reports = fixtures::run(&sandbox, &Arc::clone(&checked.guest), &checked.manifest, &cases).await;
    assert!(reports.len() >= cases_min, "{} cases of {provider}", reports.len());
    for report in reports {
        assert!(report.passed(), "{provider}, {}: {:?}", report.name, report.problems);
    }
}

#[tokio::test]
async fn the_fixtures_of_meta_lead_ads_pass_through_the_sandbox() {
    pass_through_the_sandbox(guests::META_LEAD_ADS, "meta_lead_ads", 30).await;
}

#[tokio::test]
async fn the_fixtures_of_github_pass_through_the_sandbox() {
    pass_through_the_sandbox(guests::GITHUB, "github", 10).await;
}

#[tokio::test]
async fn the_fixtures_of_standard_webhooks_pass_through_the_sandbox() {
    pass_through_the_sandbox(guests::STANDARD_WEBHOOKS, "standard_webhooks", 8).await;
}

/// The flows of this repository, each in one of these lists.
const FLOWS_IN_RUST: [(&str, &[u8]); 3] =
    [("enrich", guests::ENRICH), ("lead_router", guests::LEAD_ROUTER), ("speed_to_lead", guests::SPEED_TO_LEAD)];
const FLOWS_IN_JS: [&str; 1] = ["round_robin"];
const FLOWS_IN_PYTHON: [&str; 1] = ["office_hours"];

#[test]
fn no_flow_of_this_repository_is_left_out_here() {
    let folders = std::fs::read_dir(repository().join("plugins/flows")).unwrap().flatten();
    let mut there: Vec<_> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
    let mut here: Vec<_> = FLOWS_IN_RUST.iter().map(|(name, _)| *name).collect();
    here.extend(FLOWS_IN_JS.iter().chain(&FLOWS_IN_PYTHON));
    there.sort();
    here.sort();
    assert_eq!(here, there);
}

#[tokio::test]
async fn the_fixtures_of_the_flows_in_rust_pass_through_the_sandbox() {
    for (flow, component) in FLOWS_IN_RUST {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flow.wasm"), component).unwrap();
        every_case_of_the_flow_passes(flow, folder.path(), "flow.wasm", &[]).await;
    }
}

#[tokio::test]
async fn the_fixtures_of_the_flow_in_javascript_pass_through_the_sandbox() {
    let Some(program) = hookyard_js() else { return };
    for flow in FLOWS_IN_JS {
        let folder = tempfile::tempdir().unwrap();
        copy(&repository().join("plugins/flows").join(flow), &folder.path().join(flow));
        every_case_of_the_flow_passes(flow, folder.path(), flow, &[("HOOKYARD_JS", &program)]).await;
    }
}

#[tokio::test]
async fn the_fixtures_of_the_flow_in_python_pass_through_the_sandbox() {
    let Some(program) = componentize_py() else { return };
    for flow in FLOWS_IN_PYTHON {
        let folder = tempfile::tempdir().unwrap();
        copy(&repository().join("plugins/flows").join(flow), &folder.path().join(flow));
        every_case_of_the_flow_passes(flow, folder.path(), flow, &[("HOOKYARD_COMPONENTIZE_PY", &program)]).await;
    }
}

/// Checks `plugin` in a folder, which is that flow; as many cases pass as the flow has folders of them.
async fn every_case_of_the_flow_passes(flow: &str, within: &Path, plugin: &str, tools: &[(&str, &Path)]) {
    let fixtures = repository().join("plugins/flows").join(flow).join("fixtures").canonicalize().unwrap();
    let cases = std::fs::read_dir(&fixtures).unwrap().count();
    let arguments = ["plugin", "check", plugin, "--fixtures", fixtures.to_str().unwrap()];
    let told = expect(&arguments, within, tools, 0).await;
    assert!(cases > 0 && passed(&told) == cases, "{cases} cases of {flow}: {told}");
}

/// How many cases passed, as `plugin check` says it; none where some did not.
fn passed(told: &str) -> usize {
    let line = told.lines().find_map(|line| line.strip_prefix("fixtures"));
    line.and_then(|line| line.trim().strip_suffix(" passed")?.parse().ok()).unwrap_or_default()
}

/// A copy of a flow's folder: a build writes beside the code.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// The builder of JavaScript and TypeScript; where there is none, it says so.
pub(crate) fn hookyard_js() -> Option<PathBuf> {
    let built = repository().join("sdk/js/builder/target/release/hookyard-js");
    let program = std::env::var_os("HOOKYARD_JS").map_or(built, PathBuf::from);
    let found = program.is_file().then_some(program);
    if found.is_none() {
        eprintln!("skipped: no hookyard-js: set HOOKYARD_JS, or build sdk/js/builder; tests/toolchains does");
    }
    found
}

/// The builder of Python; where there is none, it says so.
pub(crate) fn componentize_py() -> Option<PathBuf> {
    let program = std::env::var_os("HOOKYARD_COMPONENTIZE_PY").map(PathBuf::from);
    if program.is_none() {
        eprintln!("skipped: no componentize-py: set HOOKYARD_COMPONENTIZE_PY; tests/toolchains does");
    }
    program
}

#[tokio::test]
async fn a_new_provider_in_rust_builds_and_passes_its_fixtures_as_it_stands() {
    let told = new_and_check("provider", "rust", &[]).await;
    assert!(told.contains("order_paid") && passed(&told) == 1, "{told}");
}

#[tokio::test]
async fn a_new_flow_in_rust_builds_and_passes_its_fixtures_as_it_stands() {
    let told = new_and_check("flow", "rust", &[]).await;
    assert!(told.contains("triggers") && passed(&told) == 2, "{told}");
}

#[tokio::test]
async fn a_new_destination_in_rust_builds_and_passes_its_fixtures_as_it_stands() {
    let told = new_and_check("destination", "rust", &[]).await;
    assert!(told.contains("fields") && passed(&told) == 2, "{told}");
}

#[tokio::test]
async fn a_new_plugin_in_typescript_and_javascript_builds_and_passes_its_fixtures_as_it_stands() {
    let Some(program) = hookyard_js() else { return };
    for world in WORLDS {
        for lang in ["ts", "js"] {
            let told = new_and_check(world, lang, &[("HOOKYARD_JS", &program)]).await;
            assert!(told.contains(&format!("{world}, exports {world}")) && told.contains("interpreted"), "{told}");
            assert_eq!(passed(&told), cases_of_the_template("js", world), "{lang} {world}: {told}");
        }
    }
}

#[tokio::test]
async fn a_new_plugin_in_python_builds_and_passes_its_fixtures_as_it_stands() {
    let Some(program) = componentize_py() else { return };
    for world in WORLDS {
        let told = new_and_check(world, "python", &[("HOOKYARD_COMPONENTIZE_PY", &program)]).await;
        assert!(told.contains(&format!("{world}, exports {world}")) && told.contains("interpreted"), "{told}");
        assert_eq!(passed(&told), cases_of_the_template("python", world), "{world}: {told}");
    }
}

#[tokio::test]
async fn a_mistake_in_python_is_told_by_its_own_traceback_alone() {
    let Some(program) = componentize_py() else { return };
    let folder = tempfile::tempdir().unwrap();
    let tools = [("HOOKYARD_COMPONENTIZE_PY", program.as_path())];
    expect(&["plugin", "new", "mine", "--world", "flow", "--lang", "python"], folder.path(), &tools, 0).await;
    let app = folder.path().join("mine/app.py");
    let text = std::fs::read_to_string(&app).unwrap();
    std::fs::write(&app, format!("{text}\nLEADS = 1 / 0\n")).unwrap();
    let told = expect(&["plugin", "build", "mine"], folder.path(), &tools, 1).await;
    assert!(told.contains("ZeroDivisionError") && told.contains("app.py"), "{told}");
    assert!(!told.contains("backtrace") && !told.contains("_component"), "{told}");
}

#[tokio::test]
async fn a_plugin_of_another_world_than_its_folder_says_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    new(folder.path(), "flow", "rust").await;
    let said = "world = \"destination\"\nlang = \"rust\"\n";
    std::fs::write(folder.path().join("acme_flow_rust/hookyard.toml"), said).unwrap();
    let told = expect(&["plugin", "build", "acme_flow_rust"], folder.path(), &[], 1).await;
    assert!(told.contains("is a flow") && told.contains("destination"), "{told}");
}

#[tokio::test]
async fn a_change_is_built_and_checked_at_once_and_a_case_that_fails_is_no_end() {
    let folder = tempfile::tempdir().unwrap();
    new(folder.path(), "flow", "rust").await;
    let case = folder.path().join("acme_flow_rust/fixtures/second_lead/expected.json");
    let good = std::fs::read(&case).unwrap();
    let once = ["plugin", "dev", "acme_flow_rust", "--once", "--no-push"];
    let told = expect(&once, folder.path(), &[], 0).await;
    assert!(told.contains("flow `acme_flow_rust`, compiled") && told.contains("2 passed"), "{told}");

    let mut command = command(&["plugin", "dev", "acme_flow_rust", "--no-push"], folder.path(), &[]);
    let mut watching = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watching.stderr.take().unwrap()).lines();
    let mut until_it_waits = async || {
        let mut told = String::new();
        while let Some(line) = tokio::time::timeout(WITHIN, lines.next_line()).await.expect("a line").unwrap() {
            told.push_str(&line);
            told.push('\n');
            if line.starts_with("waiting for a change") {
                break;
            }
        }
        told
    };
    assert!(until_it_waits().await.contains("2 passed"));
    std::fs::write(&case, "{}").unwrap();
    let told = until_it_waits().await;
    assert!(told.contains("changed: fixtures/second_lead/expected.json") && told.contains("1 failed"), "{told}");
    std::fs::write(&case, good).unwrap();
    let told = until_it_waits().await;
    assert!(told.contains("2 passed"), "{told}");
    let id = watching.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert!(watching.wait().await.unwrap().success(), "Ctrl-C is how it ends");

    std::fs::write(&case, "{}").unwrap();
    let told = expect(&once, folder.path(), &[], 1).await;
    assert!(told.contains("1 passed, 1 failed"), "{told}");
}

/// How many cases a template has: at least one.
fn cases_of_the_template(sdk: &str, world: &str) -> usize {
    let fixtures = repository().join("sdk").join(sdk).join("template").join(world).join("fixtures");
    let cases = std::fs::read_dir(fixtures).unwrap().count();
    assert!(cases > 0, "{sdk} {world}");
    cases
}

/// A new plugin `acme_WORLD_LANG` in a folder.
async fn new(folder: &Path, world: &str, lang: &str) {
    let sdk = repository().join("sdk/rust").canonicalize().unwrap();
    let name = format!("acme_{world}_{lang}");
    let arguments = ["plugin", "new", &name, "--world", world, "--lang", lang, "--sdk", sdk.to_str().unwrap()];
    expect(&arguments, folder, &[], 0).await;
}

/// A new plugin, built and checked; what was said.
async fn new_and_check(world: &str, lang: &str, tools: &[(&str, &Path)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    new(folder.path(), world, lang).await;
    expect(&["plugin", "check", &format!("acme_{world}_{lang}")], folder.path(), tools, 0).await
}

/// Runs the program until it ends with this code; what it said.
async fn expect(arguments: &[&str], within: &Path, tools: &[(&str, &Path)], code: i32) -> String {
    let output = command(arguments, within, tools).output().await.unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "hookyard {}: {told}", arguments.join(" "));
    told
}

/// Where authors' Rust is compiled: the guests' own target folder has the SDK compiled already.
pub(crate) fn target() -> PathBuf {
    Path::new(PROGRAM).ancestors().nth(2).unwrap().join("guests")
}

fn command(arguments: &[&str], within: &Path, tools: &[(&str, &Path)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(within).env("NO_COLOR", "1").env("CARGO_TARGET_DIR", target());
    command.envs(tools.iter().map(|(name, path)| (name, path)));
    command
}

#[test]
fn the_readme_shows_the_very_plugin_that_plugin_new_makes() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let template = std::fs::read_to_string(repository().join("host/src/cli/plugin/template/src/lib.rs")).unwrap();
    let template = template
        .replace("template_provider", "acme_forms")
        .replace("TemplateProvider", "AcmeForms")
        .replace("Template provider", "Acme forms")
        .replace("Template", "Acme forms");
    assert!(readme.contains(&template), "README.md shows another plugin than the template");
}

#[test]
fn the_readme_names_tests_that_exist() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let named: Vec<&str> =
        readme.split('`').filter(|word| word.starts_with("tests/") || word.starts_with("host/")).collect();
    assert!(named.len() > 8);
    for path in named {
        assert!(repository().join(path).exists(), "README.md names {path}");
    }
}
