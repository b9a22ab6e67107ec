//! `hookyard flow pause`, `resume` and `delete`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::find;
use crate::cli::failure::Failure;
use crate::cli::remote::OnBehalf;
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

/// Pause a flow: no event starts it; runs that began go on
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow pause lead_router
  hookyard flow pause flow_… --tenant ten_…           with the operator's key
")]
pub(in crate::cli) struct Pause {
    #[command(flatten)]
    which: Which,
}

/// Resume a flow: the next event may start it
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow resume lead_router
  hookyard flow resume flow_… --tenant ten_…          with the operator's key
")]
pub(in crate::cli) struct Resume {
    #[command(flatten)]
    which: Which,
}

/// Delete a flow, with all that it remembers; its runs stay to be looked at
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow delete lead_router
  hookyard flow delete flow_… --tenant ten_…          with the operator's key

What still runs of it has failed. To stop it and keep what it remembers: hookyard flow pause.
")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    which: Which,
}

/// A flow of a tenant.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its id, or its name if only one flow has it
    pub(super) flow: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) on: OnBehalf,
}

impl Pause {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        self.which.set("paused", "is paused; back: hookyard flow resume")
    }
}

impl Resume {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        self.which.set("active", "runs from the next event on; stop: hookyard flow pause")
    }
}

impl Delete {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Which { flow, json, on } = self.which;
        let client = on.client()?;
        let path = block_on(async {
            let path = find::path(&client, &flow).await?;
            client.delete(&path).await?;
            Ok(path)
        })?;
        let id = path.rsplit('/').next().unwrap_or_default();
        if json {
            return output::json(&json!({ "id": id, "deleted": true }));
        }
        output::say(&format!("deleted flow `{flow}`"));
        output::line(id)
    }
}

impl Which {
    fn set(self, status: &str, told: &str) -> Result<ExitCode, Failure> {
        let client = self.on.client()?;
        let flow: Value = block_on(async {
            let path = find::path(&client, &self.flow).await?;
            Ok(client.patch(&path, &json!({ "status": status })).await?)
        })?;
        if self.json {
            return output::json(&flow);
        }
        let (id, name) = (text(&flow, "id"), text(&flow, "name"));
        output::say(&format!("flow `{name}` {told} {id}"));
        output::line(id)
    }
}
