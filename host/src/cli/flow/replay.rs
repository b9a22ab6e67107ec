//! `hookyard flow replay`: a run once more, on this machine, from its journal.
//!
//! The guest is given what it was given then, to the millisecond and to the random number, and each of its questions the
//! answer of then. So it decides what it decided, byte for byte; where another component does not, the first place at
//! which it goes another way is shown. Nothing is fetched, and nothing is written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use hookyard_model::effect::Entry;
use hookyard_model::plugin::Digest;
use hookyard_model::provider;
use hookyard_model::run::{Decision, RunStatus};
use hookyard_sandbox::{Blame, Call, CallFailure, Finished, NoSecrets, Step};
use serde_json::json;

use super::recorded::{self, Recorded};
use super::runs::RUNS;
use super::{compared, local};
use crate::cli::block_on;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Paint};
use crate::cli::plugin::inspect::{self, Running};
use crate::cli::remote::OnBehalf;
use crate::flows::inline::said;
use crate::flows::trial::Compared;

/// Replay a run here, from its journal: nothing is fetched, nothing is written
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  hookyard flow replay run_…                              on the component that it ran on: the same, byte for byte
  hookyard flow replay run_… --component new.wasm         what another component would have done
  hookyard flow replay run_… --save run.json              and keep it
  hookyard flow replay --journal run.json --component new.wasm        without a host

Exit code 1 where anything differs.
")]
pub(in crate::cli) struct Replay {
    /// The run's id
    #[arg(value_name = "run_…", required_unless_present = "journal", conflicts_with = "journal")]
    run: Option<String>,
    /// The component to replay it on [default: the run's own]
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
    /// A run that was saved
    #[arg(long, value_name = "FILE.json", requires = "component")]
    journal: Option<PathBuf>,
    /// Where to write the run, with its journal
    #[arg(long, value_name = "FILE.json", conflicts_with = "journal")]
    save: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: OnBehalf,
}

/// How a replay went.
enum Replayed {
    /// As it had gone; in a sentence.
    Same(String),
    Other(Compared),
}

impl Replay {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let (recorded, replayed, log) = block_on(self.replay())?;
        log.iter().for_each(|line| output::say(&format!("log  {line}")));
        let coloured = output::is_coloured(&std::io::stdout());
        let (compared, words, exit) = match replayed {
            Replayed::Same(words) => {
                (json!({ "result": "same" }), output::paint(&words, Paint::Good, coloured), Exit::Fine)
            }
            Replayed::Other(how) => {
                let how = json!(how);
                let words = compared::told(&how, coloured);
                (how, words.trim_end().to_owned(), Exit::Failed)
            }
        };
        if self.json {
            let mut compared = compared;
            if let Some(fields) = compared.as_object_mut() {
                fields.insert("run".to_owned(), recorded.id.text().into());
            }
            output::json(&compared)?;
        } else {
            output::line(&words)?;
        }
        Ok(exit.into())
    }

    async fn replay(&self) -> Result<(Recorded, Replayed, Vec<String>), Failure> {
        let (recorded, component) = match (&self.journal, &self.run) {
            (Some(file), _) => (read(file)?, None),
            (None, Some(run)) => self.download(run).await?,
            (None, None) => return Err(Failure::usage("say which run")),
        };
        let loaded = match (&self.component, component) {
            (Some(path), _) => local::load(path).await?,
            (None, Some(bytes)) => {
                let path = Path::new(&recorded.digest);
                local::flow(inspect::load(path, bytes).await?, path)?
            }
            (None, None) => return Err(Failure::usage("say which component: --component FILE.wasm")),
        };
        let (_, running) = loaded;
        let (replayed, log) = replay(&running, &recorded).await?;
        Ok((recorded, replayed, log))
    }

    /// The run, and its component where no other is given.
    async fn download(&self, run: &str) -> Result<(Recorded, Option<Vec<u8>>), Failure> {
        let client = self.on.client()?;
        let path = format!("{RUNS}/{run}");
        let bytes = recorded::download(&client, &path).await?;
        let recorded = Recorded::parse(&bytes, &path)?;
        if let Some(file) = &self.save {
            let failed = |error| Failure::user("could not save the run").at(file.display().to_string()).why(error);
            std::fs::write(file, &bytes).map_err(failed)?;
            output::say(&format!("saved to {}", file.display()));
        }
        if self.component.is_some() {
            return Ok((recorded, None));
        }
        let component = recorded::download(&client, &format!("{path}/component")).await?;
        if Digest::of(&component).hex() != recorded.digest {
            return Err(Failure::host("the component that was sent is not the one that the run ran on").at(path));
        }
        Ok((recorded, Some(component)))
    }
}

fn read(file: &Path) -> Result<Recorded, Failure> {
    let at = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| Failure::usage("could not read the run").at(&at).why(error))?;
    Recorded::parse(&bytes, &at)
}

type Called = Result<Finished<Step<Result<Decision, provider::Failure>>>, CallFailure>;

async fn call(running: &Running, recorded: &Recorded, journal: Vec<Entry>) -> Called {
    let input = &recorded.input;
    let call = Call { secrets: Arc::new(NoSecrets), now: input.started_at, seed: recorded.id.seed() };
    let (trigger, settings) = (Arc::new(input.trigger.clone()), Arc::new(input.settings.clone()));
    running.sandbox.run_flow(&running.guest, call, trigger, settings, Arc::new(journal)).await
}

async fn replay(running: &Running, recorded: &Recorded) -> Result<(Replayed, Vec<String>), Failure> {
    match call(running, recorded, recorded.journal.clone()).await {
        Ok(finished) => Ok((ended(recorded, finished.effects, finished.value), finished.log.lines)),
        Err(failure) if failure.blame.is_ours() => {
            Err(Failure::host("the sandbox could not run the flow").why(failure.blame))
        }
        Err(failure) => {
            let elsewhere = match &failure.blame {
                Blame::Diverged(_) => diverged(running, recorded).await,
                Blame::Trapped(_)
                | Blame::OutOfTime(_)
                | Blame::OutOfMemory(_)
                | Blame::Nonsense(_)
                | Blame::AskedTooMuch(_)
                | Blame::Busy
                | Blame::Host(_) => None,
            };
            let reason = failure.blame.to_string();
            let replayed = match elsewhere {
                Some(other) => Replayed::Other(other),
                None if recorded.failed_with(|told| told == reason) => {
                    Replayed::Same(format!("same: it fails as it did: {reason}"))
                }
                None => Replayed::Other(Compared::Failed { blame: failure.blame.kind().to_owned(), reason }),
            };
            Ok((replayed, failure.log.lines))
        }
    }
}

/// The first effect that is another than the journal's: replayed with less and less unknown, until it asks.
async fn diverged(running: &Running, recorded: &Recorded) -> Option<Compared> {
    for (place, entry) in recorded.journal.iter().enumerate() {
        let known = recorded.journal.iter().take(place).cloned().collect();
        if let Ok(Finished { value: Step::Wants(effect), .. }) = call(running, recorded, known).await
            && effect.fingerprint() != entry.fingerprint
        {
            let (before, step) = (Some(entry.effect.clone()), place.saturating_add(1));
            return Some(Compared::AskedOther { step, before, now: described(&effect.to_string(), &entry.effect) });
        }
    }
    None
}

/// Two effects may read the same in a line, and differ in a header or a body.
fn described(now: &str, before: &str) -> String {
    if now == before { format!("{now}, with other headers, body or credentials") } else { now.to_owned() }
}

/// How a replay that came to its end, or to a question, compares with the run.
fn ended(recorded: &Recorded, asked: usize, value: Step<Result<Decision, provider::Failure>>) -> Replayed {
    let effects = recorded.journal.len();
    match value {
        Step::Wants(effect) if recorded.status == RunStatus::Succeeded => Replayed::Other(Compared::AskedOther {
            step: effects.saturating_add(1),
            before: None,
            now: effect.to_string(),
        }),
        Step::Wants(effect) => Replayed::Same(format!("same so far: {effects} effects, and then it wants `{effect}`")),
        Step::Done(Err(failure)) => {
            let reason = said(&failure);
            if recorded.failed_with(|told| told == reason || is_told(told, &failure)) {
                return Replayed::Same(format!("same: it fails as it did: {reason}"));
            }
            Replayed::Other(Compared::Failed { blame: "refused".to_owned(), reason })
        }
        Step::Done(Ok(_)) if asked < effects => Replayed::Other(Compared::AskedLess { before: effects, now: asked }),
        Step::Done(Ok(decision)) => {
            let (before, now) = (recorded.decision(), recorded::told(decision));
            if recorded.status == RunStatus::Succeeded && before == now {
                let actions = now.actions.len();
                let plural = if actions == 1 { "" } else { "s" };
                return Replayed::Same(format!("same, byte for byte: {actions} action{plural}"));
            }
            Replayed::Other(Compared::Decided { before, now })
        }
    }
}

/// Whether a run's reason is this failure, as the host told it when it gave up.
fn is_told(told: &str, failure: &provider::Failure) -> bool {
    match failure {
        provider::Failure::Retry { reason, .. } => told.starts_with(&format!("{reason} (tried ")),
        provider::Failure::Unauthorized(reason) => told.starts_with(&format!("its credentials are refused: {reason}")),
        provider::Failure::Permanent(reason) => told == reason,
    }
}

impl Recorded {
    fn failed_with(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.status == RunStatus::Failed && self.reason.as_deref().is_some_and(is_it)
    }
}
