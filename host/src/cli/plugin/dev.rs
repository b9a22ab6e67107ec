//! `hookyard plugin dev`: a change of a file becomes a version that runs, in seconds, as long as its cases pass.
//!
//! Files are looked at again and again: that works on every file system, in containers and over networks. What the build
//! itself writes is not looked at. A failure is told, and the next change is another chance.

mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use hookyard_egress::api_client::ApiClient;

use self::sources::Sources;
use super::push::{number, upload};
use super::{build, check};
use crate::cli::block_on;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Paint};
use crate::cli::remote::{Prefer, Remote};
use crate::cli::tenant::text;
use crate::fixtures::CaseReport;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(300);

/// Build, check and upload a plugin whenever one of its files changes
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin dev                       the plugin in this folder; Ctrl-C ends it
  hookyard plugin dev lead_router --no-push only builds and checks: no host is needed
  hookyard plugin dev --once                a single time; exit code 1 if it does not build, or a case fails

Calls that are under way end on the version they began with. Not looked at: target, .hookyard, .venv, node_modules.
")]
pub(in crate::cli) struct Dev {
    /// The folder with hookyard.toml or Cargo.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Build and check only
    #[arg(long)]
    no_push: bool,
    /// Do it once, and end
    #[arg(long)]
    once: bool,
    /// On whose behalf, with the operator's key
    #[arg(long, env = "HOOKYARD_TENANT", value_name = "ten_…", hide_env_values = true)]
    tenant: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Dev {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let tenant = self.tenant.as_deref().filter(|tenant| !tenant.is_empty());
        let client = if self.no_push { None } else { Some(self.remote.client(Prefer::Tenants, tenant)?) };
        block_on(async {
            if self.once {
                return turn(&self.dir, client.as_ref()).await.map(ExitCode::from);
            }
            tokio::select! {
                // Where the signal cannot be listened for, it ends the program as ever.
                Ok(()) = tokio::signal::ctrl_c() => {
                    output::say("stopped");
                    Ok(Exit::Fine.into())
                }
                failure = watch(&self.dir, client.as_ref()) => Err(failure),
            }
        })
    }
}

/// Goes on until there is nothing to look at any more.
async fn watch(folder: &Path, client: Option<&ApiClient>) -> Failure {
    let mut known = None;
    loop {
        let now = match Sources::read(folder) {
            Ok(now) => now,
            Err(failure) => return failure,
        };
        if known.as_ref() == Some(&now) {
            tokio::time::sleep(EVERY).await;
            continue;
        }
        if let Some(known) = &known {
            output::say(&format!("\nchanged: {}", now.changed(known)));
        }
        // What changes during the build is built next.
        known = Some(now);
        if let Err(failure) = turn(folder, client).await {
            output::failure(&failure);
        }
        output::say("waiting for a change; Ctrl-C ends");
    }
}

/// Builds, checks and uploads.
async fn turn(folder: &Path, client: Option<&ApiClient>) -> Result<Exit, Failure> {
    let began = Instant::now();
    let owned = folder.to_owned();
    let built = tokio::task::spawn_blocking(move || build::build(&owned)).await;
    let component = built.map_err(|error| Failure::host("the build was cut off").why(error))??;
    let cases = check::cases(folder);
    let (inspected, reports) = check::check(&component, cases.as_deref()).await?;
    let (passed, coloured) = (reports.iter().all(CaseReport::passed), output::is_coloured(&std::io::stderr()));
    let took = began.elapsed();
    let (mark, paint) = if passed { ("ok", Paint::Good) } else { ("FAIL", Paint::Bad) };
    output::say(&format!(
        "{} {}, in {}.{} s; cases: {}",
        output::paint(mark, paint, coloured),
        inspected.line(),
        took.as_secs(),
        took.subsec_millis() / 100,
        if reports.is_empty() { "none".to_owned() } else { check::tally(&reports) },
    ));
    if !passed {
        output::say(check::told(&reports, coloured).trim_end());
        return Ok(Exit::Failed);
    }
    if let Some(client) = client {
        let version = upload(client, &component.path, true).await?;
        output::say(&format!("version {} of {} runs", number(&version, "version"), text(&version, "plugin")));
    }
    Ok(Exit::Fine)
}
