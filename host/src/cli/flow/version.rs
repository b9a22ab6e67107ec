//! `hookyard flow activate` and `rollback`: which version of its plugin a flow runs.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::change::Which;
use super::find;
use crate::cli::failure::Failure;
use crate::cli::tenant::text;
use crate::cli::{block_on, output};

/// Run a version of a flow's plugin from the next run on
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow activate lead_router 4
  hookyard flow compare lead_router --version 4 && hookyard flow activate lead_router 4

A version is the plugin's: every flow of the tenant with this plugin runs it. Runs that began keep to theirs.
")]
pub(in crate::cli) struct Activate {
    #[command(flatten)]
    which: Which,
    /// The version's number, as `hookyard plugin push` printed it
    version: u32,
}

/// Go back to the version of a flow's plugin that ran before
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow rollback lead_router
  hookyard flow rollback flow_… --tenant ten_…        with the operator's key
")]
pub(in crate::cli) struct Rollback {
    #[command(flatten)]
    which: Which,
}

impl Activate {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        switch(&self.which, "activate", &json!({ "version": self.version }))
    }
}

impl Rollback {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        switch(&self.which, "rollback", &json!({}))
    }
}

fn switch(which: &Which, verb: &str, body: &Value) -> Result<ExitCode, Failure> {
    let client = which.on.client()?;
    let plugin = block_on(async {
        let path = find::path(&client, &which.flow).await?;
        Ok(client.post(&format!("{path}/{verb}"), body).await?)
    })?;
    if which.json {
        return output::json(&plugin);
    }
    let active = plugin.get("active").map(Value::to_string).unwrap_or_default();
    let back =
        if verb == "activate" { format!("; back: hookyard flow rollback {}", which.flow) } else { String::new() };
    output::say(&format!("`{}` runs version {active}{back}", text(&plugin, "name")));
    output::line(&format!("{}  {active}", text(&plugin, "id")))
}
