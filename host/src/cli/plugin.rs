//! `hookyard plugin`: from an empty folder to a version that runs.

mod new;
mod build;
mod inspect;
mod check;
mod push;

use std::process::ExitCode;

use clap::Subcommand;

use super::failure::Failure;

/// Providers: write, build, check and upload them
#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Push(push::Push),
    Rollback(push::Rollback),
}

impl Plugin {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::Check(check) => check.run(),
            Self::Push(push) => push.run(),
            Self::Rollback(rollback) => rollback.run(),
        }
    }
}
