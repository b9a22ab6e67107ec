//! What an author of plugins does: fixtures through the sandbox, and a new plugin from the command line alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hookyard::cli::COMPILE_ARGUMENT;
use hookyard::fixtures;
use hookyard_sandbox::{CodeCache, Compiler, Config, Sandbox};
use support::guests;
use tokio::process::Command;

use crate::PROGRAM;

fn repository() -> PathBuf {
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

#[tokio::test]
async fn a_new_plugin_builds_and_passes_its_fixtures_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    // The guests' own target folder has the SDK compiled already.
    let target = Path::new(PROGRAM).ancestors().nth(2).unwrap().join("guests");
    let hookyard = async |arguments: &[&str], within: &Path| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(within).env("NO_COLOR", "1").env("CARGO_TARGET_DIR", &target);
        let output = command.output().await.unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "hookyard {}: {told}", arguments.join(" "));
        told
    };
    let sdk = repository().join("sdk/rust").canonicalize().unwrap();
    hookyard(&["plugin", "new", "acme_forms", "--sdk", sdk.to_str().unwrap()], folder.path()).await;
    let told = hookyard(&["plugin", "check", "acme_forms"], folder.path()).await;
    assert!(told.contains("order_paid"), "{told}");
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
