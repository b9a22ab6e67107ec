//! `hookyard demo`: the whole of it in one process, with nothing to set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;

use super::block_on;
use super::failure::Failure;
use crate::telemetry::{self, LogFormat};

/// Run everything at once against made-up providers and receivers
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard demo                  stays, for you to look around; Ctrl-C removes all of it
  hookyard demo --once           tells its stories and ends; exit code 1 if one came out wrong
  hookyard demo --port 8080      on a port of your choice

Signatures, sandbox, database and deliveries are real; only the world around them is not.
")]
pub(super) struct Demo {
    /// End when the last story is told
    #[arg(long)]
    once: bool,
    /// The port to listen on; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

impl Demo {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        // The stories are the output; HOOKYARD_LOG brings the log back.
        let filter = std::env::var("HOOKYARD_LOG").ok().filter(|filter| !filter.is_empty());
        telemetry::start_log(filter.as_deref().unwrap_or("error"), LogFormat::Text);
        let listen = (self.port != 0).then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        block_on(async {
            let ended = crate::demo::run(self.once, listen).await;
            ended.map_err(|error| Failure::host("the demo could not run").why(format!("{error:#}")))
        })
    }
}
