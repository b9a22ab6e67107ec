//! `hookyard plugin`: from an empty folder to a version that runs.

mod project;
mod tool;
mod new;
pub(super) mod build;
pub(super) mod inspect;
mod check;
mod push;
mod dev;

use std::process::ExitCode;

use clap::Subcommand;

use super::failure::Failure;

/// Providers, flows and destinations: write, build, check and upload them
#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Dev(dev::Dev),
    Push(push::Push),
    Rollback(push::Rollback),
}

impl Plugin {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::Check(check) => check.run(),
            Self::Dev(dev) => dev.run(),
            Self::Push(push) => push.run(),
            Self::Rollback(rollback) => rollback.run(),
        }
    }
}
