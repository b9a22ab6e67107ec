//! `hookyard plugin push` and `rollback`: a version goes live, and back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hookyard_egress::api_client::ApiClient;
use serde_json::{Value, json};

use super::check::component;
use super::inspect;
use crate::cli::failure::Failure;
use crate::cli::remote::{Prefer, Remote};
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

/// Upload a plugin as a new version, which runs at once
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin push                                builds the plugin in this folder, and uploads it
  hookyard plugin push acme.wasm --no-activate        to look at it first
  hookyard plugin push acme.wasm --tenant ten_…       for one tenant, with the operator's key

With a tenant's key it is that tenant's own; with the operator's and no --tenant it is everybody's.
")]
pub(in crate::cli) struct Push {
    /// A component, or the folder of a plugin, which is built first
    #[arg(default_value = ".", value_name = "FILE|DIR")]
    plugin: PathBuf,
    /// Upload it, and leave the version that runs
    #[arg(long)]
    no_activate: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// On whose behalf, with the operator's key
    #[arg(long, env = "HOOKYARD_TENANT", value_name = "ten_…", hide_env_values = true)]
    tenant: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Go back to the version that ran before
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard plugin rollback plg_…
  hookyard plugin rollback plg_… --tenant ten_…       with the operator's key
")]
pub(in crate::cli) struct Rollback {
    /// The plugin's id, as `hookyard plugin push` printed it
    #[arg(value_name = "plg_…")]
    plugin: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// On whose behalf, with the operator's key
    #[arg(long, env = "HOOKYARD_TENANT", value_name = "ten_…", hide_env_values = true)]
    tenant: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Push {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let tenant = self.tenant.as_deref().filter(|tenant| !tenant.is_empty());
        let client = self.remote.client(Prefer::Tenants, tenant)?;
        let component = component(&self.plugin)?;
        let pushed = block_on(async {
            // A component that was built here is looked at here: that is sooner, and says more.
            if self.plugin.is_dir() {
                inspect::inspect(&component).await?;
            }
            upload(&client, &component.path, !self.no_activate).await
        })?;
        if self.json {
            return output::json(&pushed);
        }
        let (id, version) = (text(&pushed, "plugin"), number(&pushed, "version"));
        let name = pushed.get("manifest").map(|manifest| text(manifest, "id")).unwrap_or_default();
        let on_behalf = tenant.map(|tenant| format!(" --tenant {tenant}")).unwrap_or_default();
        output::say(&if self.no_activate {
            format!("`{name}` has version {version}, which does not run yet")
        } else {
            format!("`{name}` runs version {version}; back: hookyard plugin rollback {id}{on_behalf}")
        });
        output::line(&format!("{id}  {version}"))
    }
}

/// Uploads a component; what the host says of the version that it is now.
pub(super) async fn upload(client: &ApiClient, path: &Path, activate: bool) -> Result<Value, Failure> {
    let bytes = inspect::read(path)?;
    output::say(&format!("uploading {} ({})", path.display(), output::size(bytes.len())));
    let query = [("activate", if activate { "true" } else { "false" })];
    Ok(client.post_bytes("/api/v1/plugins", &query, "application/wasm", bytes.into()).await?)
}

impl Rollback {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let tenant = self.tenant.as_deref().filter(|tenant| !tenant.is_empty());
        let client = self.remote.client(Prefer::Tenants, tenant)?;
        let path = format!("/api/v1/plugins/{}/rollback", self.plugin);
        let plugin = block_on(async { Ok(client.post(&path, &json!({})).await?) })?;
        if self.json {
            return output::json(&plugin);
        }
        let active = number(&plugin, "active");
        output::say(&format!("`{}` runs version {active} again", text(&plugin, "name")));
        output::line(&format!("{}  {active}", text(&plugin, "id")))
    }
}

/// A field's number, or nothing.
pub(in crate::cli) fn number(value: &Value, field: &str) -> String {
    value.get(field).map(Value::to_string).unwrap_or_default()
}
