//! `hookyard flow`: a tenant's automations, from the first test to the replay of what went wrong.
//!
//! | file | commands |
//! |---|---|
//! | [`create`], [`list`], [`change`], [`version`] | what there is, and which version of it runs |
//! | [`mod@test`], [`sample`], [`local`], [`tried`] | a run that changes nothing, on a host or here |
//! | [`runs`] | what ran |
//! | [`recorded`], [`replay`], [`compare`], [`compared`] | what ran, once more: here, or on another version |

mod find;
mod create;
mod list;
mod change;
mod version;
mod sample;
mod tried;
mod local;
mod test;
mod runs;
mod recorded;
mod compared;
mod replay;
mod compare;

use std::process::ExitCode;

use clap::Subcommand;

use super::failure::Failure;

/// Flows: automations of a tenant, their runs, and replays of them
#[derive(Debug, Subcommand)]
pub(super) enum Flow {
    Create(create::Create),
    List(list::List),
    Show(list::Show),
    Pause(change::Pause),
    Resume(change::Resume),
    Delete(change::Delete),
    Activate(version::Activate),
    Rollback(version::Rollback),
    Test(test::Test),
    Runs(runs::Runs),
    Run(runs::Run),
    Retry(runs::Retry),
    Replay(replay::Replay),
    Compare(compare::Compare),
}

impl Flow {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Pause(pause) => pause.run(),
            Self::Resume(resume) => resume.run(),
            Self::Delete(delete) => delete.run(),
            Self::Activate(activate) => activate.run(),
            Self::Rollback(rollback) => rollback.run(),
            Self::Test(test) => test.run(),
            Self::Runs(runs) => runs.run(),
            Self::Run(run) => run.run(),
            Self::Retry(retry) => retry.run(),
            Self::Replay(replay) => replay.run(),
            Self::Compare(compare) => compare.run(),
        }
    }
}
