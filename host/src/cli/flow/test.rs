//! `hookyard flow test`: what a flow would do on one event, with nothing done.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::sample::{Sample, Sent};
use super::{find, local, tried};
use crate::cli::failure::Failure;
use crate::cli::remote::OnBehalf;
use crate::cli::{block_on, given};

/// Test a flow on an event: what it would do, with nothing done
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow test lead_router --logged evt_…           on an event that was logged
  hookyard flow test lead_router --event lead.json --version 4
  hookyard flow test --component lead_router.wasm --event fixtures/won/trigger.json    here, without a host

The file: {\"eventType\": \"leadgen\", \"data\": {…}, \"lead\": {…}}, and what it asks for: \"fetches\": [{\"status\": 200,
\"body\": {…}}], \"state\": {\"key\": \"value\"}. Exit code 1 where it fails, or a fetch is not answered.
")]
pub(in crate::cli) struct Test {
    /// Its id, or its name if only one flow has it
    #[arg(required_unless_present = "component", conflicts_with = "component")]
    flow: Option<String>,
    /// An event that never was
    #[arg(long, value_name = "FILE.json", required_unless_present = "logged")]
    event: Option<PathBuf>,
    /// A logged event
    #[arg(long, value_name = "evt_…", conflicts_with_all = ["event", "component"])]
    logged: Option<String>,
    /// A version of its plugin [default: the one that runs]
    #[arg(long, conflicts_with = "component")]
    version: Option<u32>,
    /// A component, to test here
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
    /// Its settings, with --component
    #[arg(long, value_name = "JSON|@FILE", requires = "component", default_value = "{}", hide_default_value = true)]
    settings: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<Sent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    fetches: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a BTreeMap<String, Option<Box<RawValue>>>>,
}

impl Test {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let sample = self.event.as_deref().map(Sample::read).transpose()?;
        let tested = match (&self.component, &sample, &self.flow) {
            (Some(component), Some(sample), _) => {
                let settings = given::json("--settings", &self.settings)?;
                block_on(local::test(component, sample, settings.get()))?
            }
            (None, sample, Some(flow)) => self.on_a_host(flow, sample.as_ref())?,
            // What is typed is checked before it comes here.
            (Some(_), None, _) | (None, _, None) => return Err(Failure::usage("say which flow, and on which event")),
        };
        tried::show(&tested, self.json)
    }

    fn on_a_host(&self, flow: &str, sample: Option<&Sample>) -> Result<Value, Failure> {
        let client = self.on.client()?;
        let body = Body {
            event: self.logged.as_deref(),
            sample: sample.map(Sample::sent),
            version: self.version,
            fetches: sample.map(|sample| sample.fetches.as_slice()).unwrap_or_default(),
            state: sample.and_then(|sample| sample.state.as_ref()),
        };
        block_on(async {
            let path = find::path(&client, flow).await?;
            Ok(client.post(&format!("{path}/test"), &body).await?)
        })
    }
}
