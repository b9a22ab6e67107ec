//! `hookyard openapi`: the API's description, without a host.

use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::output;
use crate::http::router;

/// Print the API's description (OpenAPI 3.1)
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard openapi > openapi.json
  hookyard openapi | jq '.paths | keys'

A host that runs serves the same at /openapi.json.
")]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Self {} = self;
        output::json(&router::description())
    }
}
